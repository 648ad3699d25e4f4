#include "core/store/prepare.h"

#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 86400000 };

/* Room for n items, of which what is there is kept. */
static int reserve(void **items, size_t *capacity, size_t n, size_t size)
{
    if (n <= *capacity)
        return 0;
    size_t grown = *capacity ? *capacity * 2 : 256;
    while (grown < n)
        grown *= 2;
    void *more = realloc(*items, grown * size);
    if (!more)
        return -ENOMEM;
    *items = more;
    *capacity = grown;
    return 0;
}

/* Who the event is about: its ticket, or, where it has none, itself: (namespace, type, UTC day, id). */
static uint64_t subject_hash(const struct store *s, const char *namespace, const struct wire_event *w)
{
    if (w->ticket.data)
        return store_hash(s, 't', namespace, w->ticket.data, w->ticket.size);
    uint8_t id[1 + 8 + EVENT_ID_BYTES];
    int64_t day = w->at / DAY_MS;
    uint32_t size = w->id.size < EVENT_ID_BYTES ? w->id.size : EVENT_ID_BYTES;
    id[0] = (uint8_t)w->type;
    memcpy(id + 1, &day, 8);
    memcpy(id + 9, w->id.data, size);
    return store_hash(s, 'e', namespace, id, 9 + size);
}

static void prepare_values(const struct store *s, const char *namespace, const struct wire_event *w,
                           struct store_prepared *p, struct prepared_event *to, struct event *e)
{
    for (uint32_t i = 0; i < w->n_values; i++) {
        const struct wire_value *v = &w->values[i];
        enum value_kind kind = event_field_kind(v->field);
        int64_t number = 0;
        if (kind == VALUE_HASH) {
            e->ref =
                store_hash(s, v->field == FIELD_INTO ? 't' : 'r', namespace, v->string.data, v->string.size);
            continue;
        }
        if (kind == VALUE_DICTIONARY && !v->nil) {
            number = dictionary_find(s->dictionary, v->field, v->string.data, v->string.size);
            if (!number) {
                p->unknown[p->n_unknown++] = (struct prepared_unknown){v, e->n_fields};
                to->n_unknown++;
            }
        } else if (!v->nil) {
            number = v->number;
        }
        e->fields[e->n_fields++] = event_field_pack(v->field, number);
    }
}

int store_prepare(const struct store *s, const char *namespace, const struct wire_event *events, size_t n,
                  struct store_prepared *p)
{
    p->n = p->size = p->n_unknown = 0;
    int r = reserve((void **)&p->events, &p->capacity, n, sizeof(*p->events));
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct wire_event *w = &events[i];
        if ((r = reserve((void **)&p->records, &p->records_capacity, p->size + event_size(FIELD_N), 1)) < 0 ||
            (r = reserve((void **)&p->unknown, &p->unknown_capacity, p->n_unknown + FIELD_N,
                         sizeof(*p->unknown))) < 0)
            break;
        struct prepared_event *to = &p->events[p->n++];
        *to = (struct prepared_event){.record = (uint32_t)p->size, .first_unknown = (uint32_t)p->n_unknown};
        if (w->type == EVENT_SOURCE_WATERMARK)
            continue;
        struct event *e = (struct event *)(p->records + p->size);
        *e = (struct event){.at = w->at, .seq = w->seq, .type = (uint8_t)w->type};
        to->is_loose = w->ticket.data == NULL;
        to->hash = subject_hash(s, namespace, w);
        if (!to->is_loose)
            e->id = store_hash(s, 'i', namespace, w->id.data, w->id.size) & UINT64_C(0xffffffffffff);
        prepare_values(s, namespace, w, p, to, e);
        p->size += event_size(e->n_fields);
    }
    return r;
}
