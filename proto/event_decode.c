#include "proto/event.h"

#include "proto/bytes8.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* How deep a value inside an event may nest: no field of ours does, but a wrong value is skipped and costs
 * its event, not the batch. */
#define EVENT_VALUE_DEPTH 3

#define BIT(field)      EVENT_BIT(field)
#define KEY_BIT(key)    (1ull << KEY_##key)
#define BITS_FIELDS     ((1ull << FIELD_N) - 1)
#define BITS_DIMENSIONS ((1ull << FIELD_N_DIMENSIONS) - 1)

/* --- what is remembered -----------------------------------------------------------------------------------
 */

/* What a fixed word stands for that is no field's value. */
enum { WORD_TYPE = FIELD_N };

/* How the value of a key is read that is no field; a field's by its enum value_kind. */
enum { READ_TYPE = VALUE_HASH + 1, READ_ID, READ_AT, READ_SEQ, READ_TICKET };

/* The keys as they are on the wire; of the declared dimensions, only how their values are read. */
static const struct {
    char text[WORD_BYTES];
    uint32_t size;
    uint32_t kind;
} KEYS[KEY_N] = {[KEY_TYPE] = {"type", 4, READ_TYPE},
                 [KEY_ID] = {"id", 2, READ_ID},
                 [KEY_AT] = {"at", 2, READ_AT},
                 [KEY_SEQ] = {"seq", 3, READ_SEQ},
                 [KEY_TICKET] = {"ticket", 6, READ_TICKET},
#define X(id, text, kind, low, high) [FIELD_##id] = {text, sizeof(text) - 1, kind},
                 EVENT_DIMENSIONS(X) EVENT_OTHER_FIELDS(X)
#undef X
};
_Static_assert(VALUE_DICTIONARY == 0, "what the declared dimensions are, as they are not in the list");
_Static_assert(KEY_N < EVENT_KEYS, "a bit for each key, and a place for none");

void event_memory_init(struct event_memory *m)
{
    memset(m, 0, sizeof(*m));
    for (int t = 0; t < EVENT_N_TYPES; t++)
        vocabulary_fix(&m->words, WORD_TYPE, EVENT_TYPE_INFO[t].name, t);
    for (unsigned f = 0; f < FIELD_N; f++)
        for (int i = 0; FIELDS[f].values && FIELDS[f].values[i]; i++)
            vocabulary_fix(&m->words, f, FIELDS[f].values[i], i + 1);
}

/* The number of a fixed word, or -1: then it has to be looked for. */
static inline int number_find(const struct event_memory *m, const struct mp_reader *r, unsigned stands_for,
                              const struct wire_string *s)
{
    struct word w;
    return m && word_make(stands_for, s->data, s->size, r->end, &w) ? vocabulary_number(&m->words, &w) : -1;
}

/* Reads the key, if it is this one and not near the end. */
static inline bool read_expected(struct mp_reader *r, unsigned key)
{
    uint64_t expected[2], there[2];
    const uint32_t size = KEYS[key].size;
    if (r->end - r->at <= WORD_BYTES || *r->at != (0xa0 | size) ||
        !word_bytes((const char *)r->at + 1, size, r->end, there))
        return false;
    memcpy(expected, KEYS[key].text, WORD_BYTES);
    if ((there[0] ^ expected[0]) | (there[1] ^ expected[1]))
        return false;
    r->at += 1 + size;
    return true;
}

/* --- values -----------------------------------------------------------------------------------------------
 */

/* Each reader below leaves the reader behind the value whatever it is; a value that is no msgpack shows in
 * r->failed. */

static enum event_reject wrong_type(struct mp_reader *r)
{
    (void)mp_skip_within(r, EVENT_VALUE_DEPTH);
    return REJECT_WRONG_TYPE;
}

static inline enum event_reject read_string(struct mp_reader *r, struct wire_string *ret)
{
    if (mp_read_short_str(r, &ret->data, &ret->size))
        return REJECT_NONE;
    if (mp_peek(r) != MP_STR)
        return wrong_type(r);
    (void)mp_read_long_str(r, &ret->data, &ret->size);
    return REJECT_NONE;
}

static inline enum event_reject id_check(const struct mp_reader *r, const struct wire_string *s)
{
    uint64_t bytes[2];
    if (word_bytes(s->data, s->size, r->end, bytes) && !((bytes[0] | bytes[1]) & BYTES8_HIGH))
        return REJECT_NONE;
    if (s->size == 0 || s->size > EVENT_ID_BYTES)
        return REJECT_TOO_LONG;
    return utf8_valid(s->data, s->size) ? REJECT_NONE : REJECT_BAD_UTF8;
}

static inline enum event_reject read_id(struct mp_reader *r, struct wire_string *ret)
{
    enum event_reject reject = read_string(r, ret);
    return reject == REJECT_NONE && !r->failed ? id_check(r, ret) : reject;
}

static inline enum event_reject read_int(struct mp_reader *r, int64_t low, int64_t high, int64_t *ret)
{
    int64_t v = 0;
    if (mp_peek(r) != MP_INT)
        return wrong_type(r);
    /* A uint64 over INT64_MAX is outside every range of ours, not a failure of the bytes. */
    if (*r->at <= 0x7f) {
        v = *r->at++;
    } else if (*r->at == 0xcf) {
        uint64_t u = 0;
        if (mp_read_uint(r, &u) && u > INT64_MAX)
            return REJECT_OUT_OF_RANGE;
        v = (int64_t)u;
    } else {
        (void)mp_read_int(r, &v);
    }
    if (v < low || v > high)
        return REJECT_OUT_OF_RANGE;
    *ret = v;
    return REJECT_NONE;
}

/* A number with at most three decimals as thousandths. A float must be the nearest one to such a decimal:
 * 0.1 is, 0.1 + 0.2 is not. */
static enum event_reject read_thousandths(struct mp_reader *r, int64_t low, int64_t high, int64_t *ret)
{
    if (mp_peek(r) != MP_FLOAT) {
        int64_t whole = 0;
        enum event_reject reject = read_int(r, low, high, &whole);
        if (reject == REJECT_NONE)
            *ret = whole * 1000;
        return reject;
    }
    bool is_single = *r->at == 0xca;
    double v = 0;
    (void)mp_read_double(r, &v);
    if (!isfinite(v) || v < (double)low || v > (double)high)
        return REJECT_OUT_OF_RANGE;
    int64_t n = (int64_t)(v * 1000 + (v < 0 ? -0.5 : 0.5));
    double nearest = (double)n / 1000;
    if (is_single ? (float)nearest != (float)v : nearest != v)
        return REJECT_OUT_OF_RANGE;
    *ret = n;
    return REJECT_NONE;
}

static enum event_reject read_time(struct mp_reader *r, const struct event_schema *schema, int64_t *ret)
{
    int64_t v = 0;
    enum event_reject reject = read_int(r, INT64_MIN, INT64_MAX, &v);
    if (reject != REJECT_NONE)
        return reject;
    if (v < EVENT_AT_MIN)
        return REJECT_TIME_TOO_OLD;
    if (v > schema->now + EVENT_AT_AHEAD_MS)
        return REJECT_TIME_AHEAD;
    *ret = v;
    return REJECT_NONE;
}

static inline enum event_reject read_code(struct mp_reader *r, struct event_memory *m, struct wire_value *v)
{
    struct word w;
    v->turn = 0;
    enum event_reject reject = read_string(r, &v->string);
    if (reject != REJECT_NONE || r->failed)
        return reject;
    if (!m || !word_make(v->field, v->string.data, v->string.size, r->end, &w))
        return event_code_check(v->string.data, v->string.size);
    unsigned place = vocabulary_place(&w);
    v->place = (uint16_t)place;
    v->turn = vocabulary_turn(&m->words, &w, place);
    if (v->turn)
        return REJECT_NONE;
    reject = event_code_check(v->string.data, v->string.size);
    if (reject == REJECT_NONE)
        v->turn = vocabulary_learn(&m->words, &w, place);
    return reject;
}

static inline enum event_reject read_enum(struct mp_reader *r, const struct event_memory *m,
                                          struct wire_value *v)
{
    struct wire_string s = {0};
    enum event_reject reject = read_string(r, &s);
    if (reject != REJECT_NONE || r->failed)
        return reject;
    v->number = number_find(m, r, v->field, &s);
    if (v->number < 0)
        v->number = event_enum_find((enum event_field)v->field, s.data, s.size);
    return v->number > 0 ? REJECT_NONE : utf8_valid(s.data, s.size) ? REJECT_UNKNOWN_VALUE : REJECT_BAD_UTF8;
}

static inline enum event_reject read_bool(struct mp_reader *r, int64_t *ret)
{
    bool flag = false;
    if (mp_peek(r) != MP_BOOL)
        return wrong_type(r);
    (void)mp_read_bool(r, &flag);
    *ret = flag;
    return REJECT_NONE;
}

/* --- events -----------------------------------------------------------------------------------------------
 */

/* What is known of an event while its map is read. */
struct decoding {
    struct wire_event *event;
    struct wire_value *values; /* by field until the map's end */
    const struct event_schema *schema;
    struct event_memory *memory; /* or NULL */
    uint8_t *next;               /* of memory, the row of the type as far as it is known */
    unsigned last;               /* the key before, KEY_N none */
    uint64_t present;            /* bits of enum event_field and event_key */
    int type;                    /* enum event_type, or −1 */
    bool is_type_unknown;
    enum event_reject fault; /* the first one in the order sent */
};

static void set_fault(struct decoding *d, enum event_reject reject)
{
    if (d->fault == REJECT_NONE)
        d->fault = reject;
}

static inline enum event_reject read_type(struct decoding *d, struct mp_reader *r)
{
    struct wire_string s = {0};
    enum event_reject reject = read_string(r, &s);
    if (reject != REJECT_NONE || r->failed)
        return reject;
    d->type = number_find(d->memory, r, WORD_TYPE, &s);
    if (d->type < 0)
        d->type = event_type_find(s.data, s.size);
    d->is_type_unknown = d->type < 0;
    if (d->memory)
        d->next = d->memory->next[d->type + 1];
    return REJECT_NONE;
}

/* The value of any key: of a field or not, they are told apart once. */
static inline enum event_reject read_value(struct decoding *d, struct mp_reader *r, unsigned key)
{
    struct wire_value *v = &d->values[key < FIELD_N ? key : 0]; /* of no use where the key is no field */
    enum event_reject reject = REJECT_NONE;
    int64_t seq = 0;

    if (key < FIELD_N) {
        v->field = (uint8_t)key;
        v->nil = key < FIELD_N_DIMENSIONS && mp_peek(r) == MP_NIL;
        if (v->nil) {
            v->number = 0;
            (void)mp_read_nil(r);
            return REJECT_NONE;
        }
    }
    switch (KEYS[key].kind) {
    case READ_TYPE:
        return read_type(d, r);
    case READ_ID:
        return read_id(r, &d->event->id);
    case READ_TICKET:
        return read_id(r, &d->event->ticket);
    case READ_AT:
        return read_time(r, d->schema, &d->event->at);
    case READ_SEQ:
        reject = read_int(r, 0, UINT32_MAX, &seq);
        d->event->seq = (uint32_t)seq;
        return reject;
    case VALUE_DICTIONARY:
        return read_code(r, d->memory, v);
    case VALUE_HASH:
        return read_id(r, &v->string);
    case VALUE_ENUM:
        return read_enum(r, d->memory, v);
    case VALUE_INT:
        reject = read_int(r, FIELDS[key].low, FIELDS[key].high, &v->number);
        if (reject == REJECT_NONE)
            v->number += 1 - FIELDS[key].low;
        return reject;
    case VALUE_BOOL:
        return read_bool(r, &v->number);
    case VALUE_SECONDS:
        return read_thousandths(r, 0, EVENT_DURATION_MAX_S, &v->number);
    case VALUE_SCORE:
        return read_thousandths(r, -EVENT_SCORE_MAX, EVENT_SCORE_MAX, &v->number);
    case VALUE_TIME:
        return read_time(r, d->schema, &v->number);
    default:
        return wrong_type(r);
    }
}

/* The key of a pair; -1 where there is none that the schema has: then its value has been skipped. */
static int read_key_anew(struct decoding *d, struct mp_reader *r)
{
    const char *name = NULL;
    uint32_t size = 0;
    if (mp_peek(r) != MP_STR) {
        set_fault(d, wrong_type(r));
        (void)mp_skip_within(r, EVENT_VALUE_DEPTH);
        return -1;
    }
    if (!mp_read_str(r, &name, &size))
        return -1;
    int key = event_key_find(d->schema, name, size);
    if (key < 0) {
        (void)mp_skip_within(r, EVENT_VALUE_DEPTH);
        set_fault(d, REJECT_UNKNOWN_FIELD);
    } else if (d->next && KEYS[key].size) {
        d->next[d->last] = (uint8_t)key;
    }
    return key;
}

/* One key and its value. */
static inline void read_pair(struct decoding *d, struct mp_reader *r)
{
    int key;
    if (d->next && read_expected(r, d->next[d->last]))
        key = d->next[d->last];
    else
        key = read_key_anew(d, r);
    if (key < 0)
        return;
    if (d->present >> key & 1) {
        (void)mp_skip_within(r, EVENT_VALUE_DEPTH);
        set_fault(d, REJECT_DUPLICATE_FIELD);
        return;
    }
    d->present |= 1ull << key;
    d->last = (unsigned)key;
    enum event_reject reject = read_value(d, r, (unsigned)key);
    if (reject != REJECT_NONE)
        set_fault(d, reject);
}

static void set_number(struct decoding *d, enum event_field field, int64_t number)
{
    d->values[field] = (struct wire_value){.field = (uint8_t)field, .number = number};
    d->present |= 1ull << field;
}

static bool has(const struct decoding *d, enum event_field field)
{
    return d->present >> field & 1;
}

/* What the type must and may have. */
static enum event_reject check_fields(const struct decoding *d)
{
    const struct event_type_info *info = &EVENT_TYPE_INFO[d->type];
    uint64_t required = info->required,
             allowed = info->required | info->optional | KEY_BIT(TYPE) | KEY_BIT(AT) | KEY_BIT(SEQ);
    if (info->needs_ticket)
        required |= KEY_BIT(TICKET);
    if (info->may_have_ticket)
        allowed |= KEY_BIT(TICKET);
    if (info->has_id) {
        required |= KEY_BIT(ID);
        allowed |= KEY_BIT(ID);
    }
    if (d->type != EVENT_SOURCE_WATERMARK) {
        required |= KEY_BIT(AT);
        allowed |= BITS_DIMENSIONS;
    }
    if (d->present & ~allowed)
        return REJECT_UNKNOWN_FIELD;
    return required & ~d->present ? REJECT_MISSING_FIELD : REJECT_NONE;
}

/* Rules across the fields of a survey event. */
static enum event_reject check_survey(const struct decoding *d)
{
    bool has_site = has(d, FIELD_SITE) && !d->values[FIELD_SITE].nil;
    if (!(d->present & KEY_BIT(TICKET)) && !has_site)
        return REJECT_MISSING_FIELD;
    if (d->type != EVENT_SURVEY_RESPONSE)
        return REJECT_NONE;
    uint64_t scale = BIT(SCORE) | BIT(MIN) | BIT(MAX);
    if ((d->present & scale) == 0)
        return has(d, FIELD_CHOICE) ? REJECT_NONE : REJECT_MISSING_FIELD;
    if ((d->present & scale) != scale)
        return REJECT_MISSING_FIELD;
    int64_t score = d->values[FIELD_SCORE].number, min = d->values[FIELD_MIN].number,
            max = d->values[FIELD_MAX].number;
    return min < max && min <= score && score <= max ? REJECT_NONE : REJECT_BAD_SCALE;
}

/* Rules across fields and the defaults, by type. */
static enum event_reject check_rules(struct decoding *d, const struct event_schema *schema)
{
    struct wire_event *e = d->event;
    switch (e->type) {
    case EVENT_TICKET_CREATED:
        if (!has(d, FIELD_BY))
            set_number(d, FIELD_BY, BY_REQUESTER);
        break;
    case EVENT_TICKET_ASSIGNED:
        if (!has(d, FIELD_TEAM) && !has(d, FIELD_TIER))
            return REJECT_MISSING_FIELD;
        break;
    case EVENT_TICKET_MESSAGE:
        if (d->values[FIELD_DIRECTION].number == DIRECTION_INTERNAL) {
            /* An internal message has no `public`; that it is not says nothing new. */
            if (has(d, FIELD_PUBLIC) && d->values[FIELD_PUBLIC].number)
                return REJECT_UNKNOWN_FIELD;
            d->present &= ~BIT(PUBLIC);
        } else if (!has(d, FIELD_PUBLIC)) {
            set_number(d, FIELD_PUBLIC, 1);
        }
        if (!has(d, FIELD_AUTOMATED))
            set_number(d, FIELD_AUTOMATED, 0);
        break;
    case EVENT_TICKET_STATUS:
        if (!has(d, FIELD_AUTOMATED))
            set_number(d, FIELD_AUTOMATED, 0);
        break;
    case EVENT_TICKET_MERGED:
        if (d->values[FIELD_INTO].string.size == e->ticket.size &&
            memcmp(d->values[FIELD_INTO].string.data, e->ticket.data, e->ticket.size) == 0)
            return REJECT_SELF_MERGE;
        break;
    case EVENT_SURVEY_SENT:
    case EVENT_SURVEY_RESPONSE:
        return check_survey(d);
    case EVENT_SOURCE_WATERMARK:
        if (!(d->present & KEY_BIT(AT)))
            e->at = schema->now;
        break;
    case EVENT_TICKET_UPDATED:
    case EVENT_SLA_APPLIED:
    case EVENT_SLA_CANCELLED:
    case EVENT_TICKET_DELETED:
    case EVENT_TICKET_RESTORED:
    case EVENT_CONTACT_ENDED:
    case EVENT_N_TYPES:
        break;
    }
    return REJECT_NONE;
}

static enum event_reject check(struct decoding *d, const struct event_schema *schema)
{
    if (d->is_type_unknown)
        return REJECT_UNKNOWN_TYPE;
    if (d->type >= 0 && !(schema->types >> d->type & 1))
        return REJECT_NOT_GRANTED;
    if (d->fault != REJECT_NONE)
        return d->fault;
    if (d->type < 0)
        return REJECT_MISSING_FIELD;
    d->event->type = (enum event_type)d->type;
    enum event_reject reject = check_fields(d);
    return reject == REJECT_NONE ? check_rules(d, schema) : reject;
}

int event_decode(struct mp_reader *reader, const struct event_schema *schema, struct wire_event *ret_event,
                 struct wire_value values[FIELD_N])
{
    return event_decode_with(reader, schema, NULL, ret_event, values);
}

int event_decode_with(struct mp_reader *reader, const struct event_schema *schema,
                      struct event_memory *memory, struct wire_event *ret_event,
                      struct wire_value values[FIELD_N])
{
    uint32_t n;
    if (mp_peek(reader) != MP_MAP)
        return mp_skip_within(reader, 1 + EVENT_VALUE_DEPTH) ? REJECT_WRONG_TYPE : -EBADMSG;
    if (!mp_read_map(reader, &n))
        return -EBADMSG;
    *ret_event = (struct wire_event){.values = values};
    struct decoding d = {.event = ret_event,
                         .values = values,
                         .schema = schema,
                         .memory = memory,
                         .next = memory ? memory->next[0] : NULL,
                         .last = KEY_N,
                         .type = -1};
    for (uint32_t i = 0; i < n && !reader->failed; i++)
        read_pair(&d, reader);
    if (reader->failed)
        return -EBADMSG;
    enum event_reject reject = check(&d, schema);
    if (reject != REJECT_NONE)
        return (int)reject;

    /* By field → one after another: a value only ever moves down. */
    for (uint64_t left = d.present & BITS_FIELDS; left; left &= left - 1)
        values[ret_event->n_values++] = values[__builtin_ctzll(left)];
    return REJECT_NONE;
}
