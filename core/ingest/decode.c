#include "core/ingest/decode.h"

#include "core/ingest/pattern.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Values of some hundred events. An event is decoded where FIELD_N values and the stamp's have room. */
#define CHUNK_VALUES 2048

struct value_chunk {
    struct value_chunk *next;
    unsigned n;
    struct wire_value values[CHUNK_VALUES];
};

void decoded_init(struct decoded *d)
{
    memset(d, 0, sizeof(*d));
    event_memory_init(&d->memory);
}

void decoded_fini(struct decoded *d)
{
    if (!d)
        return;
    while (d->chunks) {
        struct value_chunk *next = d->chunks->next;
        free(d->chunks);
        d->chunks = next;
    }
    free(d->events);
    free(d->indices);
    free(d->rejects);
    memset(d, 0, sizeof(*d));
}

static void decoded_clear(struct decoded *d)
{
    d->seq = 0;
    d->cursor = NULL;
    d->cursor_size = 0;
    d->n_events = d->n_rejects = d->n_in_batch = 0;
    d->chunk = d->chunks;
    if (d->chunk)
        d->chunk->n = 0;
}

static int decoded_reserve(struct decoded *d, uint32_t n)
{
    if (n <= d->capacity)
        return 0;
    /* The old content is of no use any more: no realloc, nothing to copy. */
    free(d->events);
    free(d->indices);
    free(d->rejects);
    d->capacity = 0;
    d->events = malloc(n * sizeof(*d->events));
    d->indices = malloc(n * sizeof(*d->indices));
    d->rejects = malloc(n * sizeof(*d->rejects));
    if (!d->events || !d->indices || !d->rejects)
        return -ENOMEM;
    d->capacity = n;
    return 0;
}

/* Room for one event's values, the stamp's included. */
static struct wire_value *values_reserve(struct decoded *d)
{
    if (d->chunk && d->chunk->n + FIELD_N + 1 <= CHUNK_VALUES)
        return d->chunk->values + d->chunk->n;
    struct value_chunk *next = d->chunk ? d->chunk->next : NULL;
    if (!next) {
        next = malloc(sizeof(*next));
        if (!next)
            return NULL;
        next->next = NULL;
        if (d->chunk)
            d->chunk->next = next;
        else
            d->chunks = next;
    }
    next->n = 0;
    d->chunk = next;
    return next->values;
}

/* --- rules that need the tenant's data --------------------------------------------------------------------
 */

static bool string_is(const struct wire_string *s, const char *text)
{
    size_t n = strlen(text);
    return s->size == n && memcmp(s->data, text, n) == 0;
}

/* The string with a NUL behind it, for the reference tables' keys. */
static const char *string_key(const struct wire_string *s, char room[EVENT_CODE_BYTES + 1])
{
    memcpy(room, s->data, s->size);
    room[s->size] = '\0';
    return room;
}

/* Whether the table says that a team's agents are somebody else's than the stamp says. A vendor may well hand
 * tickets to its outsourcers' teams; under a stamp that names an outsourcer there is only one. */
static bool team_is_foreign(const struct decode_rules *rules, const struct wire_string *team, int64_t at)
{
    char key[EVENT_CODE_BYTES + 1];
    if (!rules->reference || (!rules->stamp_vendor[0] && !rules->stamp_outsourcer[0]))
        return false;
    const struct reference_row *row =
        reference_find(rules->reference, REFERENCE_TEAM, string_key(team, key), at);
    const char *employer = row ? row->strings[REFERENCE_EMPLOYER] : NULL;
    if (!employer)
        return false;
    if (rules->stamp_outsourcer[0])
        return strcmp(employer, rules->stamp_outsourcer) != 0;
    return strcmp(employer, rules->stamp_vendor) != 0 && !row->strings[REFERENCE_OUTSOURCER];
}

/* Fills in the stamp's vendor where the event names none. */
static enum event_reject stamp_apply(const struct decode_rules *rules, struct wire_event *e,
                                     struct wire_value *values)
{
    if (!rules->stamp_vendor[0] || e->type == EVENT_SOURCE_WATERMARK)
        return REJECT_NONE;
    /* Values ascend by field, and vendor is the first of all. */
    _Static_assert(FIELD_VENDOR == 0, "the stamp's field goes in front");
    if (e->n_values > 0 && values[0].field == FIELD_VENDOR)
        return !values[0].nil && string_is(&values[0].string, rules->stamp_vendor) ? REJECT_NONE
                                                                                   : REJECT_STAMP;
    memmove(values + 1, values, e->n_values * sizeof(*values));
    values[0] = (struct wire_value){
        .field = FIELD_VENDOR,
        .string = {.data = rules->stamp_vendor, .size = (uint32_t)strlen(rules->stamp_vendor)},
    };
    e->n_values++;
    return REJECT_NONE;
}

/* Whether a closed dimension takes the value: one that was imported, or the stamp's, which is as much its
 * tenant's word. */
static bool is_allowed(const struct decode_rules *rules, const struct wire_value *v)
{
    if (v->field == FIELD_VENDOR && rules->stamp_vendor[0] && string_is(&v->string, rules->stamp_vendor))
        return true;
    return reference_has_value(rules->reference, event_field_name(&rules->schema, (enum event_field)v->field),
                               v->string.data, v->string.size);
}

static bool is_personal(struct decoded *d, const struct wire_value *v)
{
    if (v->turn && d->impersonal[v->place] == v->turn)
        return false;
    if (pattern_is_personal(v->string.data, v->string.size))
        return true;
    if (v->turn)
        d->impersonal[v->place] = v->turn;
    return false;
}

static enum event_reject event_check(struct decoded *d, const struct decode_rules *rules,
                                     struct wire_event *e, struct wire_value *values)
{
    for (uint32_t i = 0; i < e->n_values; i++) {
        const struct wire_value *v = &values[i];
        if (FIELDS[v->field].kind != VALUE_DICTIONARY || v->nil)
            continue;
        if (is_personal(d, v))
            return REJECT_LOOKS_PERSONAL;
        if (rules->closed >> v->field & 1 && !is_allowed(rules, v))
            return REJECT_CLOSED_DIMENSION;
        if (v->field == FIELD_TEAM && team_is_foreign(rules, &v->string, e->at))
            return REJECT_FOREIGN_TEAM;
    }
    return stamp_apply(rules, e, values);
}

/* --- the body ---------------------------------------------------------------------------------------------
 */

static int decode_events(struct decoded *d, struct mp_reader *r, const struct decode_rules *rules,
                         enum wire_nack *ret_nack)
{
    uint32_t n = 0;
    if (!mp_read_array(r, &n))
        return -EBADMSG;
    if (n > WIRE_BATCH_EVENTS) {
        *ret_nack = WIRE_NACK_TOO_LARGE;
        return -EBADMSG;
    }
    if (decoded_reserve(d, n) != 0)
        return -ENOMEM;
    d->n_in_batch = n;
    for (uint32_t i = 0; i < n; i++) {
        struct wire_value *values = values_reserve(d);
        if (!values)
            return -ENOMEM;
        struct wire_event *e = &d->events[d->n_events];
        int rc = event_decode_with(r, &rules->schema, &d->memory, e, values);
        if (rc < 0)
            return rc;
        if (rc == REJECT_NONE)
            rc = (int)event_check(d, rules, e, values);
        if (rc != REJECT_NONE) {
            d->rejects[d->n_rejects++] = (struct store_reject){.index = i, .code = (uint8_t)rc};
            continue;
        }
        d->indices[d->n_events++] = i;
        d->chunk->n += e->n_values;
    }
    return 0;
}

static bool key_is(const char *key, uint32_t size, const char *name)
{
    return size == strlen(name) && memcmp(key, name, size) == 0;
}

int decode_batch(struct decoded *d, const void *body, size_t size, const struct decode_rules *rules,
                 enum wire_nack *ret_nack)
{
    struct mp_reader r;
    uint32_t n = 0;
    bool has_seq = false, has_events = false, has_cursor = false;
    decoded_clear(d);
    *ret_nack = WIRE_NACK_MALFORMED;
    mp_reader_init(&r, body, size);
    if (!mp_read_map(&r, &n))
        return -EBADMSG;
    for (uint32_t i = 0; i < n; i++) {
        const char *key = NULL;
        uint32_t key_size = 0;
        if (!mp_read_str(&r, &key, &key_size))
            return -EBADMSG;
        if (key_is(key, key_size, "seq") && !has_seq) {
            has_seq = true;
            if (!mp_read_uint(&r, &d->seq))
                return -EBADMSG;
        } else if (key_is(key, key_size, "events") && !has_events) {
            has_events = true;
            int rc = decode_events(d, &r, rules, ret_nack);
            if (rc != 0)
                return rc;
        } else if (key_is(key, key_size, "cursor") && !has_cursor) {
            const uint8_t *cursor = NULL;
            uint32_t cursor_size = 0;
            has_cursor = true;
            if (mp_peek(&r) == MP_NIL ? !mp_read_nil(&r) : !mp_read_bin(&r, &cursor, &cursor_size))
                return -EBADMSG;
            if (cursor_size > WIRE_CURSOR_BYTES) {
                *ret_nack = WIRE_NACK_CURSOR_TOO_LONG;
                return -EBADMSG;
            }
            d->cursor = cursor;
            d->cursor_size = cursor_size;
        } else {
            return -EBADMSG; /* unknown, or there twice */
        }
    }
    return has_seq && has_events && r.at == r.end && d->seq > 0 ? 0 : -EBADMSG;
}

uint64_t decode_seq(const void *body, size_t size)
{
    struct mp_reader r;
    const char *key = NULL;
    uint32_t n = 0, key_size = 0;
    uint64_t seq = 0;
    mp_reader_init(&r, body, size);
    if (mp_read_map(&r, &n) && n > 0 && mp_read_str(&r, &key, &key_size) && key_is(key, key_size, "seq"))
        (void)mp_read_uint(&r, &seq);
    return seq;
}
