#include "proto/event.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* How deep a value inside an event may nest: no field of ours does, but a wrong value is skipped and costs
 * its event, not the batch. */
#define EVENT_VALUE_DEPTH 3

#define BIT(field)      EVENT_BIT(field)
#define BITS_DIMENSIONS ((1ull << FIELD_N_DIMENSIONS) - 1)

static enum event_reject id_check(const char *data, size_t size)
{
    if (size == 0 || size > EVENT_ID_BYTES)
        return REJECT_TOO_LONG;
    return utf8_valid(data, size) ? REJECT_NONE : REJECT_BAD_UTF8;
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

static enum event_reject read_string(struct mp_reader *r, struct wire_string *ret)
{
    if (mp_peek(r) != MP_STR)
        return wrong_type(r);
    (void)mp_read_str(r, &ret->data, &ret->size);
    return REJECT_NONE;
}

static enum event_reject read_id(struct mp_reader *r, struct wire_string *ret)
{
    struct wire_string s = {0};
    enum event_reject reject = read_string(r, &s);
    if (reject == REJECT_NONE && !r->failed)
        reject = id_check(s.data, s.size);
    if (reject == REJECT_NONE)
        *ret = s;
    return reject;
}

static enum event_reject read_int(struct mp_reader *r, int64_t low, int64_t high, int64_t *ret)
{
    if (mp_peek(r) != MP_INT)
        return wrong_type(r);
    int64_t v = 0;
    /* A uint64 over INT64_MAX is outside every range of ours, not a failure of the bytes. */
    if (*r->at == 0xcf) {
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

static enum event_reject read_value(struct mp_reader *r, const struct event_schema *schema, unsigned field,
                                    struct wire_value *v)
{
    const struct field_info *info = &FIELDS[field];
    enum event_reject reject = REJECT_NONE;
    struct wire_string s = {0};
    bool flag = false;

    v->field = (uint8_t)field;
    v->nil = false;
    if (field < FIELD_N_DIMENSIONS && mp_peek(r) == MP_NIL) {
        v->nil = true;
        v->number = 0;
        (void)mp_read_nil(r);
        return REJECT_NONE;
    }
    switch (info->kind) {
    case VALUE_DICTIONARY:
        reject = read_string(r, &v->string);
        return reject == REJECT_NONE && !r->failed ? event_code_check(v->string.data, v->string.size)
                                                   : reject;
    case VALUE_HASH:
        return read_id(r, &v->string);
    case VALUE_ENUM:
        reject = read_string(r, &s);
        if (reject != REJECT_NONE || r->failed)
            return reject;
        v->number = event_enum_find((enum event_field)field, s.data, s.size);
        return v->number > 0                ? REJECT_NONE
               : utf8_valid(s.data, s.size) ? REJECT_UNKNOWN_VALUE
                                            : REJECT_BAD_UTF8;
    case VALUE_INT:
        reject = read_int(r, info->low, info->high, &v->number);
        v->number += 1 - info->low;
        return reject;
    case VALUE_BOOL:
        if (mp_peek(r) != MP_BOOL)
            return wrong_type(r);
        (void)mp_read_bool(r, &flag);
        v->number = flag;
        return REJECT_NONE;
    case VALUE_SECONDS:
        return read_thousandths(r, 0, EVENT_DURATION_MAX_S, &v->number);
    case VALUE_SCORE:
        return read_thousandths(r, -EVENT_SCORE_MAX, EVENT_SCORE_MAX, &v->number);
    case VALUE_TIME:
        return read_time(r, schema, &v->number);
    }
    return wrong_type(r);
}

/* --- events -----------------------------------------------------------------------------------------------
 */

/* What is known of an event while its map is read. */
struct decoding {
    struct wire_event *event;
    struct wire_value *values; /* by field until the map's end */
    uint64_t present;          /* bits of enum event_field in values */
    unsigned keys;             /* bits of KEY_… − FIELD_N that were there */
    int type;                  /* enum event_type, or −1 */
    bool is_type_unknown;
    enum event_reject fault; /* the first one in the order sent */
};

#define KEY_BIT(key) (1u << ((key)-FIELD_N))

static void set_fault(struct decoding *d, enum event_reject reject)
{
    if (d->fault == REJECT_NONE)
        d->fault = reject;
}

static enum event_reject read_key_value(struct decoding *d, struct mp_reader *r,
                                        const struct event_schema *schema, int key)
{
    struct wire_event *e = d->event;
    struct wire_string s = {0};
    int64_t seq = 0;
    enum event_reject reject;
    switch (key) {
    case KEY_TYPE:
        reject = read_string(r, &s);
        if (reject == REJECT_NONE && !r->failed) {
            d->type = event_type_find(s.data, s.size);
            d->is_type_unknown = d->type < 0;
        }
        return reject;
    case KEY_ID:
        return read_id(r, &e->id);
    case KEY_TICKET:
        return read_id(r, &e->ticket);
    case KEY_AT:
        return read_time(r, schema, &e->at);
    case KEY_SEQ:
        reject = read_int(r, 0, UINT32_MAX, &seq);
        e->seq = (uint32_t)seq;
        return reject;
    default:
        return read_value(r, schema, (unsigned)key, &d->values[key]);
    }
}

/* One key and its value. */
static void read_pair(struct decoding *d, struct mp_reader *r, const struct event_schema *schema)
{
    const char *name = NULL;
    uint32_t size = 0;
    if (mp_peek(r) != MP_STR) {
        set_fault(d, wrong_type(r));
        (void)mp_skip_within(r, EVENT_VALUE_DEPTH);
        return;
    }
    if (!mp_read_str(r, &name, &size))
        return;
    int key = event_key_find(schema, name, size);
    if (key < 0) {
        (void)mp_skip_within(r, EVENT_VALUE_DEPTH);
        set_fault(d, REJECT_UNKNOWN_FIELD);
        return;
    }
    bool is_again = key >= FIELD_N ? d->keys & KEY_BIT(key) : d->present >> key & 1;
    if (is_again) {
        (void)mp_skip_within(r, EVENT_VALUE_DEPTH);
        set_fault(d, REJECT_DUPLICATE_FIELD);
        return;
    }
    if (key >= FIELD_N)
        d->keys |= KEY_BIT(key);
    else
        d->present |= 1ull << key;
    enum event_reject reject = read_key_value(d, r, schema, key);
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
    uint64_t allowed = info->required | info->optional;
    if (d->type != EVENT_SOURCE_WATERMARK)
        allowed |= BITS_DIMENSIONS;
    bool has_ticket = d->keys & KEY_BIT(KEY_TICKET), has_id = d->keys & KEY_BIT(KEY_ID);
    if (d->present & ~allowed || (has_ticket && !info->may_have_ticket) || (has_id && !info->has_id))
        return REJECT_UNKNOWN_FIELD;
    if (info->required & ~d->present || (info->needs_ticket && !has_ticket) || (info->has_id && !has_id))
        return REJECT_MISSING_FIELD;
    if (!(d->keys & KEY_BIT(KEY_AT)) && d->type != EVENT_SOURCE_WATERMARK)
        return REJECT_MISSING_FIELD;
    return REJECT_NONE;
}

/* Rules across the fields of a survey event. */
static enum event_reject check_survey(const struct decoding *d)
{
    bool has_site = has(d, FIELD_SITE) && !d->values[FIELD_SITE].nil;
    if (!(d->keys & KEY_BIT(KEY_TICKET)) && !has_site)
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
        if (!(d->keys & KEY_BIT(KEY_AT)))
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
    uint32_t n;
    if (mp_peek(reader) != MP_MAP)
        return mp_skip_within(reader, 1 + EVENT_VALUE_DEPTH) ? REJECT_WRONG_TYPE : -EBADMSG;
    if (!mp_read_map(reader, &n))
        return -EBADMSG;
    *ret_event = (struct wire_event){.values = values};
    struct decoding d = {.event = ret_event, .values = values, .type = -1};
    for (uint32_t i = 0; i < n && !reader->failed; i++)
        read_pair(&d, reader, schema);
    if (reader->failed)
        return -EBADMSG;
    enum event_reject reject = check(&d, schema);
    if (reject != REJECT_NONE)
        return (int)reject;

    /* By field → one after another: a value only ever moves down. */
    for (uint64_t left = d.present; left; left &= left - 1)
        values[ret_event->n_values++] = values[__builtin_ctzll(left)];
    return REJECT_NONE;
}
