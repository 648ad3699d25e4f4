#include "core/store/prepare.h"

#include "core/store/siphash.h"
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

/* What stands in front of the ids of one namespace, by their kind: as store_hash has it. */
struct id_hashes {
    struct siphash ticket, event, respondent, loose;
};

static struct siphash hash_begin(const struct store *s, char kind, const char *namespace)
{
    struct siphash h;
    siphash_init(&h, s->hash_key);
    siphash_add(&h, &kind, 1);
    siphash_add(&h, namespace, strnlen(namespace, STORE_NAME_BYTES));
    siphash_add(&h, "", 1);
    return h;
}

static uint64_t id_hash(const struct siphash *h, const struct wire_string *id)
{
    return siphash_with(*h, id->data, id->size);
}

/* Who the event is about: its ticket, or, where it has none, itself: (namespace, type, UTC day, id). */
static uint64_t subject_hash(const struct id_hashes *hashes, const struct wire_event *w)
{
    if (w->ticket.data)
        return id_hash(&hashes->ticket, &w->ticket);
    uint8_t front[1 + 8];
    int64_t day = w->at / DAY_MS;
    front[0] = (uint8_t)w->type;
    memcpy(front + 1, &day, 8);
    struct siphash h = hashes->loose;
    siphash_add(&h, front, sizeof(front));
    return siphash_with(h, w->id.data, w->id.size < EVENT_ID_BYTES ? w->id.size : EVENT_ID_BYTES);
}

/* The number of a value's string, or 0. */
static uint32_t string_number(const struct store *s, struct store_prepared *p, const struct wire_value *v)
{
    bool is_word = p->has_memory && v->turn;
    if (is_word && p->numbers[v->place].turn == v->turn)
        return p->numbers[v->place].number;
    uint32_t number = dictionary_find(s->dictionary, v->field, v->string.data, v->string.size);
    if (number && is_word) {
        p->numbers[v->place].turn = v->turn;
        p->numbers[v->place].number = number;
    }
    return number;
}

static void prepare_values(const struct store *s, const struct id_hashes *hashes, const struct wire_event *w,
                           struct store_prepared *p, struct prepared_event *to, struct event *e)
{
    for (uint32_t i = 0; i < w->n_values; i++) {
        const struct wire_value *v = &w->values[i];
        enum value_kind kind = event_field_kind(v->field);
        int64_t number = 0;
        if (kind == VALUE_HASH) {
            e->ref = id_hash(v->field == FIELD_INTO ? &hashes->ticket : &hashes->respondent, &v->string);
            continue;
        }
        if (kind == VALUE_DICTIONARY && !v->nil) {
            number = string_number(s, p, v);
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
    const struct id_hashes hashes = {.ticket = hash_begin(s, 't', namespace),
                                     .event = hash_begin(s, 'i', namespace),
                                     .respondent = hash_begin(s, 'r', namespace),
                                     .loose = hash_begin(s, 'e', namespace)};
    if (p->dictionary != dictionary_identity(s->dictionary)) {
        p->dictionary = dictionary_identity(s->dictionary);
        memset(p->numbers, 0, sizeof(p->numbers));
    }
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
        to->hash = subject_hash(&hashes, w);
        if (!to->is_loose)
            e->id = id_hash(&hashes.event, &w->id) & UINT64_C(0xffffffffffff);
        prepare_values(s, &hashes, w, p, to, e);
        p->size += event_size(e->n_fields);
    }
    return r;
}
