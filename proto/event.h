/* The event schema: every type, field, range and reject code, once.
 *
 * An event is a msgpack map with string keys (tendon-event(5)). The lists below are the schema: the decoder,
 * the store, the query engine, WELCOME and the documentation are all made from them. The order of the event
 * types is their rank; the numbers of types, fields and enumeration values are on disk and only ever appended
 * to. */
#ifndef TENDON_PROTO_EVENT_H
#define TENDON_PROTO_EVENT_H

#include "proto/vocabulary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- limits ------------------------------------------------------------------------------------------------
 */

#define EVENT_ID_BYTES       128          /* id, ticket, into, respondent */
#define EVENT_CODE_BYTES     64           /* a code: printable UTF-8, at most */
#define EVENT_CODE_SPACES    4            /* and this many spaces */
#define EVENT_AT_MIN         631152000000 /* 1990-01-01T00:00:00Z, in ms */
#define EVENT_AT_AHEAD_MS    86400000     /* how far ahead of the receiver's clock `at` may be */
#define EVENT_TICKET_MAX     4096         /* events of one ticket */
#define EVENT_DECLARED_MAX   16           /* dimensions that a tenant declares */
#define EVENT_DURATION_MAX_S 315576000    /* ten years: queue_s, talk_s, wrap_s, target_s */
#define EVENT_SCORE_MAX      1000000      /* |score|, |min|, |max| */

/* --- types, in rank order
 * ----------------------------------------------------------------------------------- */

#define EVENT_TYPES(X)                                                                                       \
    X(TICKET_CREATED, "ticket.created")                                                                      \
    X(TICKET_UPDATED, "ticket.updated")                                                                      \
    X(TICKET_ASSIGNED, "ticket.assigned")                                                                    \
    X(TICKET_MESSAGE, "ticket.message")                                                                      \
    X(SLA_APPLIED, "sla.applied")                                                                            \
    X(SLA_CANCELLED, "sla.cancelled")                                                                        \
    X(TICKET_STATUS, "ticket.status")                                                                        \
    X(TICKET_MERGED, "ticket.merged")                                                                        \
    X(TICKET_DELETED, "ticket.deleted")                                                                      \
    X(TICKET_RESTORED, "ticket.restored")                                                                    \
    X(CONTACT_ENDED, "contact.ended")                                                                        \
    X(SURVEY_SENT, "survey.sent")                                                                            \
    X(SURVEY_RESPONSE, "survey.response")                                                                    \
    X(SOURCE_WATERMARK, "source.watermark")

enum event_type {
#define X(name, text) EVENT_##name,
    EVENT_TYPES(X)
#undef X
        EVENT_N_TYPES
};

/* --- fields
 * -------------------------------------------------------------------------------------------------- */

/* What a field's value is, on the wire → as a number in Tendon. */
enum value_kind {
    VALUE_DICTIONARY, /* str, a code → number of the string in the tenant's dictionary of that field, from 1;
                         0 none */
    VALUE_ENUM,       /* str of a fixed list → its place in the list, from 1; 0 none */
    VALUE_INT,        /* int in a fixed range [low, high] → value − low + 1; 0 none */
    VALUE_BOOL,       /* bool → 0 or 1 */
    VALUE_SECONDS,    /* int or float seconds with at most three decimals, ≥ 0 → whole ms */
    VALUE_SCORE,      /* int or float with at most three decimals → thousandths */
    VALUE_TIME,       /* int ms since 1970 UTC → the same */
    VALUE_HASH, /* str, an id → keyed 64-bit hash; the raw id goes no further than the store's entry */
};

/* X(NAME, wire key, kind, low, high). The first FIELD_N_BUILTIN are the built-in dimensions. low and high are
 * the range of VALUE_INT. */
#define EVENT_DIMENSIONS(X)                                                                                  \
    X(VENDOR, "vendor", VALUE_DICTIONARY, 0, 0)                                                              \
    X(PRODUCT, "product", VALUE_DICTIONARY, 0, 0)                                                            \
    X(MODULE, "module", VALUE_DICTIONARY, 0, 0)                                                              \
    X(VERSION, "version", VALUE_DICTIONARY, 0, 0)                                                            \
    X(CHANNEL, "channel", VALUE_ENUM, 0, 0)                                                                  \
    X(SEVERITY, "severity", VALUE_INT, 1, 4)                                                                 \
    X(CATEGORY, "category", VALUE_DICTIONARY, 0, 0)                                                          \
    X(TEAM, "team", VALUE_DICTIONARY, 0, 0)                                                                  \
    X(TIER, "tier", VALUE_INT, 0, 4)                                                                         \
    X(SITE, "site", VALUE_DICTIONARY, 0, 0)                                                                  \
    X(REQUESTER_ROLE, "requester_role", VALUE_DICTIONARY, 0, 0)

#define EVENT_OTHER_FIELDS(X)                                                                                \
    X(BY, "by", VALUE_ENUM, 0, 0)                                                                            \
    X(KIND, "kind", VALUE_ENUM, 0, 0)                                                                        \
    X(DIRECTION, "direction", VALUE_ENUM, 0, 0)                                                              \
    X(PUBLIC, "public", VALUE_BOOL, 0, 0)                                                                    \
    X(AUTOMATED, "automated", VALUE_BOOL, 0, 0)                                                              \
    X(POLICY, "policy", VALUE_DICTIONARY, 0, 0)                                                              \
    X(METRIC, "metric", VALUE_ENUM, 0, 0)                                                                    \
    X(TARGET_S, "target_s", VALUE_SECONDS, 0, 0)                                                             \
    X(CLOCK, "clock", VALUE_ENUM, 0, 0)                                                                      \
    X(CALENDAR, "calendar", VALUE_DICTIONARY, 0, 0)                                                          \
    X(TO, "to", VALUE_ENUM, 0, 0)                                                                            \
    X(INTO, "into", VALUE_HASH, 0, 0)                                                                        \
    X(REASON, "reason", VALUE_ENUM, 0, 0)                                                                    \
    X(OUTCOME, "outcome", VALUE_ENUM, 0, 0)                                                                  \
    X(QUEUE_S, "queue_s", VALUE_SECONDS, 0, 0)                                                               \
    X(TALK_S, "talk_s", VALUE_SECONDS, 0, 0)                                                                 \
    X(WRAP_S, "wrap_s", VALUE_SECONDS, 0, 0)                                                                 \
    X(INSTRUMENT, "instrument", VALUE_DICTIONARY, 0, 0)                                                      \
    X(QUESTION, "question", VALUE_DICTIONARY, 0, 0)                                                          \
    X(SCORE, "score", VALUE_SCORE, 0, 0)                                                                     \
    X(MIN, "min", VALUE_SCORE, 0, 0)                                                                         \
    X(MAX, "max", VALUE_SCORE, 0, 0)                                                                         \
    X(CHOICE, "choice", VALUE_DICTIONARY, 0, 0)                                                              \
    X(RESPONDENT, "respondent", VALUE_HASH, 0, 0)                                                            \
    X(RESPONDENT_ROLE, "respondent_role", VALUE_DICTIONARY, 0, 0)                                            \
    X(RATER_RELATION, "rater_relation", VALUE_ENUM, 0, 0)                                                    \
    X(COMPLETE_UNTIL, "complete_until", VALUE_TIME, 0, 0)

enum event_field {
#define X(name, text, kind, low, high) FIELD_##name,
    EVENT_DIMENSIONS(X)
#undef X
        FIELD_N_BUILTIN,
    /* the tenant's own dimensions, all of kind VALUE_DICTIONARY, take the next EVENT_DECLARED_MAX numbers */
    FIELD_DECLARED = FIELD_N_BUILTIN,
    FIELD_N_DIMENSIONS = FIELD_DECLARED + EVENT_DECLARED_MAX,
    FIELD_BEFORE_OTHER = FIELD_N_DIMENSIONS - 1,
#define X(name, text, kind, low, high) FIELD_##name,
    EVENT_OTHER_FIELDS(X)
#undef X
        FIELD_N
};

#define EVENT_BIT(field) (1ull << FIELD_##field)

/* The keys of an event that are no fields, numbered behind them. */
enum event_key { KEY_TYPE = FIELD_N, KEY_ID, KEY_AT, KEY_SEQ, KEY_TICKET, KEY_N };
#define EVENT_KEYS 64 /* room for all of them, and for bits of them */

/* The fixed lists, in canonical order; the number of a value is its place from 1. */
#define ENUM_CHANNEL        "phone", "email", "web", "chat", "portal", "remote", "onsite", "api"
#define ENUM_BY             "requester", "agent", "machine"
#define ENUM_KIND           "route", "reassign", "escalate", "return"
#define ENUM_DIRECTION      "in", "out", "internal"
#define ENUM_CLOCK          "wall", "business"
#define ENUM_TO             "new", "open", "pending", "hold", "solved", "closed"
#define ENUM_REASON         "spam", "test", "duplicate", "erasure"
#define ENUM_OUTCOME        "answered", "abandoned", "overflow", "callback"
#define ENUM_RATER_RELATION "self", "reseller", "affiliate"
#define ENUM_METRIC                                                                                          \
    "first_response_time", "next_response_time", "time_to_acknowledge", "first_resolution_time",             \
        "requester_wait_time", "support_work_time"

enum event_channel {
    CHANNEL_PHONE = 1,
    CHANNEL_EMAIL,
    CHANNEL_WEB,
    CHANNEL_CHAT,
    CHANNEL_PORTAL,
    CHANNEL_REMOTE,
    CHANNEL_ONSITE,
    CHANNEL_API
};
enum event_by { BY_REQUESTER = 1, BY_AGENT, BY_MACHINE };
enum event_kind { KIND_ROUTE = 1, KIND_REASSIGN, KIND_ESCALATE, KIND_RETURN };
enum event_direction { DIRECTION_IN = 1, DIRECTION_OUT, DIRECTION_INTERNAL };
enum event_status { STATUS_NEW = 1, STATUS_OPEN, STATUS_PENDING, STATUS_HOLD, STATUS_SOLVED, STATUS_CLOSED };
enum event_reason { REASON_SPAM = 1, REASON_TEST, REASON_DUPLICATE, REASON_ERASURE };
enum event_outcome { OUTCOME_ANSWERED = 1, OUTCOME_ABANDONED, OUTCOME_OVERFLOW, OUTCOME_CALLBACK };
enum event_relation { RELATION_SELF = 1, RELATION_RESELLER, RELATION_AFFILIATE };
enum event_clock { CLOCK_WALL = 1, CLOCK_BUSINESS };
enum event_metric {
    METRIC_FIRST_RESPONSE_TIME = 1,
    METRIC_NEXT_RESPONSE_TIME,
    METRIC_TIME_TO_ACKNOWLEDGE,
    METRIC_FIRST_RESOLUTION_TIME,
    METRIC_REQUESTER_WAIT_TIME,
    METRIC_SUPPORT_WORK_TIME,
    METRIC_END
};

struct field_info {
    const char *name; /* wire key; NULL for the declared dimensions, whose names the schema holds */
    enum value_kind kind;
    int low, high;             /* VALUE_INT */
    const char *const *values; /* VALUE_ENUM: the list, ends with NULL; else NULL */
};

/* Rules across fields come on top: ticket.assigned needs team or tier; survey.response needs choice, or score
 * with min and max; survey.* without a ticket needs site. source.watermark may leave `at` out. */
struct event_type_info {
    const char *name;
    uint64_t required; /* bits of enum event_field */
    uint64_t optional; /* the dimensions come on top, for every type but source.watermark */
    bool needs_ticket; /* ticket.* and sla.* */
    bool may_have_ticket;
    bool has_id; /* all but source.watermark */
};

extern const struct field_info FIELDS[FIELD_N];
extern const struct event_type_info EVENT_TYPE_INFO[EVENT_N_TYPES];

/* --- reject codes
 * -------------------------------------------------------------------------------------------- */

/* Why one event was refused. X(NAME, code, sentence). Appended to, never renumbered. */
#define EVENT_REJECTS(X)                                                                                     \
    X(NONE, "", "")                                                                                          \
    X(UNKNOWN_TYPE, "unknown_type", "the event's type is not one that WELCOME lists")                        \
    X(UNKNOWN_FIELD, "unknown_field",                                                                        \
      "a key that this type does not have, or a dimension the tenant did not declare")                       \
    X(MISSING_FIELD, "missing_field", "a field that this type must have is absent")                          \
    X(DUPLICATE_FIELD, "duplicate_field", "a key stands twice in the event")                                 \
    X(WRONG_TYPE, "wrong_type", "a value has another msgpack type than its field")                           \
    X(OUT_OF_RANGE, "out_of_range", "a number is outside its field's range, or is not a number")             \
    X(UNKNOWN_VALUE, "unknown_value", "a value is not one of the field's fixed list")                        \
    X(BAD_UTF8, "bad_utf8", "a string is not valid UTF-8")                                                   \
    X(TOO_LONG, "too_long", "a string is longer than its field allows, or empty")                            \
    X(NOT_A_CODE, "not_a_code", "a code has unprintable characters or more than four spaces")                \
    X(LOOKS_PERSONAL, "looks_personal",                                                                      \
      "a value looks like an e-mail, phone, SSN, card number, URL or IP address")                            \
    X(TIME_TOO_OLD, "time_too_old", "at is before 1990")                                                     \
    X(TIME_AHEAD, "time_ahead", "at is more than a day ahead of the collector's clock")                      \
    X(BAD_SCALE, "bad_scale", "min is not below max, or score is outside them")                              \
    X(SELF_MERGE, "self_merge", "a ticket cannot be merged into itself")                                     \
    X(NOT_GRANTED, "not_granted", "the source may not send this type")                                       \
    X(STAMP, "stamp", "a value differs from the source's stamp")                                             \
    X(FOREIGN_TEAM, "foreign_team", "the team belongs to another employer than the source's stamp")          \
    X(CLOSED_DIMENSION, "closed_dimension", "the tenant takes only imported values for this dimension")      \
    X(DIMENSION_FULL, "dimension_full", "the dimension has 65,535 values")                                   \
    X(NEW_VALUES, "new_values", "the source brought more than 4,096 new values of a dimension in a day")     \
    X(TOO_OLD, "too_old", "older than the tenant's retention")                                               \
    X(FROZEN, "frozen", "the ticket has left the log; its facts no longer change")                           \
    X(ERASED, "erased", "the ticket was erased")                                                             \
    X(TICKET_FULL, "ticket_full", "the ticket has 4,096 events")

enum event_reject {
#define X(name, code, sentence) REJECT_##name,
    EVENT_REJECTS(X)
#undef X
        REJECT_N
};

const char *event_reject_code(enum event_reject reject);
const char *event_reject_sentence(enum event_reject reject);

/* --- a decoded event
 * ----------------------------------------------------------------------------------------- */

/* Views into the payload: valid as long as its bytes are. */
struct wire_string {
    const char *data; /* not NUL-terminated; NULL when absent */
    uint32_t size;
};

struct wire_value {
    uint8_t field; /* enum event_field */
    bool nil;      /* a dimension that this event clears; number is 0 */
    /* of VALUE_DICTIONARY: the place and turn that the string has as a learned word of the event_memory; turn
     * 0: none */
    uint16_t place;
    uint32_t turn;
    union {
        struct wire_string string; /* VALUE_DICTIONARY, VALUE_HASH */
        int64_t number;            /* every other kind, as enum value_kind says */
    };
};

struct wire_event {
    enum event_type type;
    int64_t at; /* ms */
    uint32_t seq;
    struct wire_string id;     /* absent for source.watermark */
    struct wire_string ticket; /* absent where the event has none */
    uint32_t n_values;
    const struct wire_value *values; /* ascending by field, each field at most once; the defaults filled in
                                        (by, public, automated); never a nil but for a dimension */
};

/* What one connection may send: fixed fields and types are the protocol's, the rest the tenant's and the
 * grant's. */
struct event_schema {
    uint32_t n_declared;
    char declared[EVENT_DECLARED_MAX][EVENT_CODE_BYTES + 1];
    uint32_t types; /* bits of enum event_type that are granted */
    int64_t now;    /* ms, the receiver's clock */
};

/* The key of that name under the schema (NULL: the fixed ones): an enum event_field or event_key, or -1. */
int event_key_find(const struct event_schema *schema, const char *name, size_t size);
/* The field of that wire key under the schema (NULL: the fixed ones), or -1. */
int event_field_find(const struct event_schema *schema, const char *name, size_t size);
/* The wire key of a field under the schema (NULL for an undeclared one). */
const char *event_field_name(const struct event_schema *schema, enum event_field field);
/* The number of a value of an enumeration, from 1, or 0. */
int event_enum_find(enum event_field field, const char *value, size_t size);
int event_type_find(const char *name, size_t size); /* or -1 */

/* Whether a string is a code: REJECT_NONE, TOO_LONG (or empty), BAD_UTF8 or NOT_A_CODE (unprintable
 * characters, more than EVENT_CODE_SPACES spaces, nothing but spaces). */
enum event_reject event_code_check(const char *data, size_t size);

struct mp_reader; /* proto/msgpack.h */

/* What decoding remembers of the events before, so that the next one, which is much like them, takes less
 * time. It changes nothing of the answer, whosever those events were. */
struct event_memory {
    struct vocabulary words; /* fixed: types, and values of the fixed lists; learned: codes */
    /* The key that came behind a key, behind KEY_N as the first, in an event of a type; in row 0 while the
     * type has not been read. */
    uint8_t next[EVENT_N_TYPES + 1][EVENT_KEYS];
};

void event_memory_init(struct event_memory *m);

/* Reads one event at the reader's place into ret_event and values[FIELD_N].
 *
 * Returns REJECT_NONE, or why this event is refused: the reader then stands behind it all the same, and
 * ret_event and values hold nothing. Where several things are wrong the answer is the first of: a type that
 * is unknown or not granted; the first wrong key or value in the order sent; a field that the type does not
 * have; one that is missing; a rule across fields. Returns -EBADMSG when the bytes are no msgpack, are cut
 * short, or nest deeper than 4: then the batch is lost from here on. Never allocates, never reads outside the
 * reader's bytes. Rules that need the tenant's data (stamps, closed dimensions, personal-looking values) are
 * not checked here. */
int event_decode(struct mp_reader *reader, const struct event_schema *schema, struct wire_event *ret_event,
                 struct wire_value values[FIELD_N]);

/* The same with what is remembered of the events before. */
int event_decode_with(struct mp_reader *reader, const struct event_schema *schema,
                      struct event_memory *memory, struct wire_event *ret_event,
                      struct wire_value values[FIELD_N]);

#endif
