#include "proto/event.h"

#include "proto/bytes8.h"
#include "proto/msgpack.h"

#include <string.h>

/* --- the schema as tables ---------------------------------------------------------------------------------
 */

#define VALUES_VALUE_ENUM(id)                                                                                \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        ENUM_##id, NULL                                                                                      \
    }
#define VALUES_VALUE_DICTIONARY(id) NULL
#define VALUES_VALUE_INT(id)        NULL
#define VALUES_VALUE_BOOL(id)       NULL
#define VALUES_VALUE_SECONDS(id)    NULL
#define VALUES_VALUE_SCORE(id)      NULL
#define VALUES_VALUE_TIME(id)       NULL
#define VALUES_VALUE_HASH(id)       NULL

/* The declared dimensions in the middle are all zeros: VALUE_DICTIONARY, without a name. */
const struct field_info FIELDS[FIELD_N] = {
#define X(id, text, value_kind, lowest, highest)                                                             \
    [FIELD_##id] = {.name = text,                                                                            \
                    .kind = value_kind,                                                                      \
                    .low = lowest,                                                                           \
                    .high = highest,                                                                         \
                    .values = VALUES_##value_kind(id)},
    EVENT_DIMENSIONS(X) EVENT_OTHER_FIELDS(X)
#undef X
};

#define BIT(field)      EVENT_BIT(field)
#define BITS_SLA        (BIT(POLICY) | BIT(CALENDAR))
#define BITS_RESPONDENT (BIT(QUESTION) | BIT(RESPONDENT) | BIT(RESPONDENT_ROLE) | BIT(RATER_RELATION))
#define TICKET_AND_ID   .needs_ticket = true, .may_have_ticket = true, .has_id = true
#define MAYBE_TICKET_ID .may_have_ticket = true, .has_id = true

const struct event_type_info EVENT_TYPE_INFO[EVENT_N_TYPES] = {
    [EVENT_TICKET_CREATED] = {"ticket.created", 0, BIT(BY), TICKET_AND_ID},
    [EVENT_TICKET_UPDATED] = {"ticket.updated", 0, 0, TICKET_AND_ID},
    [EVENT_TICKET_ASSIGNED] = {"ticket.assigned", 0, BIT(KIND), TICKET_AND_ID},
    [EVENT_TICKET_MESSAGE] = {"ticket.message", BIT(DIRECTION), BIT(PUBLIC) | BIT(AUTOMATED), TICKET_AND_ID},
    [EVENT_SLA_APPLIED] = {"sla.applied", BIT(METRIC) | BIT(TARGET_S) | BIT(CLOCK), BITS_SLA, TICKET_AND_ID},
    [EVENT_SLA_CANCELLED] = {"sla.cancelled", BIT(METRIC), BITS_SLA | BIT(TARGET_S) | BIT(CLOCK),
                             TICKET_AND_ID},
    [EVENT_TICKET_STATUS] = {"ticket.status", BIT(TO), BIT(AUTOMATED), TICKET_AND_ID},
    [EVENT_TICKET_MERGED] = {"ticket.merged", BIT(INTO), 0, TICKET_AND_ID},
    [EVENT_TICKET_DELETED] = {"ticket.deleted", BIT(REASON), 0, TICKET_AND_ID},
    [EVENT_TICKET_RESTORED] = {"ticket.restored", 0, 0, TICKET_AND_ID},
    [EVENT_CONTACT_ENDED] = {"contact.ended", BIT(OUTCOME), BIT(QUEUE_S) | BIT(TALK_S) | BIT(WRAP_S),
                             MAYBE_TICKET_ID},
    [EVENT_SURVEY_SENT] = {"survey.sent", BIT(INSTRUMENT), BITS_RESPONDENT, MAYBE_TICKET_ID},
    [EVENT_SURVEY_RESPONSE] = {"survey.response", BIT(INSTRUMENT),
                               BITS_RESPONDENT | BIT(SCORE) | BIT(MIN) | BIT(MAX) | BIT(CHOICE),
                               MAYBE_TICKET_ID},
    [EVENT_SOURCE_WATERMARK] = {"source.watermark", BIT(COMPLETE_UNTIL), 0},
};

static const struct {
    const char *code, *sentence;
} REJECTS[REJECT_N] = {
#define X(name, text, why) [REJECT_##name] = {text, why},
    EVENT_REJECTS(X)
#undef X
};

const char *event_reject_code(enum event_reject reject)
{
    return (unsigned)reject < REJECT_N ? REJECTS[reject].code : "unknown";
}

const char *event_reject_sentence(enum event_reject reject)
{
    return (unsigned)reject < REJECT_N ? REJECTS[reject].sentence
                                       : "a reject code that this build does not know";
}

/* --- names → numbers --------------------------------------------------------------------------------------
 */

/* With n known when compiled, what is left of the list are a few comparisons of words: those of the names
 * that have n bytes. */
static inline __attribute__((always_inline)) int key_find_sized(const char *s, const size_t n)
{
#define IS(text) (sizeof(text) - 1 == n && memcmp(s, text, sizeof(text) - 1) == 0)
    if (IS("type"))
        return KEY_TYPE;
    if (IS("id"))
        return KEY_ID;
    if (IS("at"))
        return KEY_AT;
    if (IS("seq"))
        return KEY_SEQ;
    if (IS("ticket"))
        return KEY_TICKET;
#define X(id, text, kind, low, high)                                                                         \
    if (IS(text))                                                                                            \
        return FIELD_##id;
    EVENT_DIMENSIONS(X)
    EVENT_OTHER_FIELDS(X)
#undef X
    return -1;
}

static int key_find(const char *s, size_t n)
{
#define CASE(size)                                                                                           \
    case size:                                                                                               \
        return key_find_sized(s, size);
    switch (n) {
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(14)
        CASE(15)
    default: /* no name has another size; one that gets it is still found */
        return key_find_sized(s, n);
    }
}

static int declared_find(const struct event_schema *schema, const char *name, size_t size)
{
    if (!schema || size == 0 || size > EVENT_CODE_BYTES)
        return -1;
    for (unsigned i = 0; i < schema->n_declared && i < EVENT_DECLARED_MAX; i++)
        if (strlen(schema->declared[i]) == size && memcmp(schema->declared[i], name, size) == 0)
            return FIELD_DECLARED + (int)i;
    return -1;
}

int event_key_find(const struct event_schema *schema, const char *name, size_t size)
{
    int key = key_find(name, size);
    return key >= 0 ? key : declared_find(schema, name, size);
}

int event_field_find(const struct event_schema *schema, const char *name, size_t size)
{
    int key = event_key_find(schema, name, size);
    return key < FIELD_N ? key : -1; /* type, id, … are no fields */
}

const char *event_field_name(const struct event_schema *schema, enum event_field field)
{
    if ((unsigned)field >= FIELD_N)
        return NULL;
    if (FIELDS[field].name)
        return FIELDS[field].name;
    unsigned i = field - FIELD_DECLARED;
    return schema && i < schema->n_declared ? schema->declared[i] : NULL;
}

int event_enum_find(enum event_field field, const char *value, size_t size)
{
    const char *const *values = (unsigned)field < FIELD_N ? FIELDS[field].values : NULL;
    for (int i = 0; values && values[i]; i++)
        if (strlen(values[i]) == size && memcmp(values[i], value, size) == 0)
            return i + 1;
    return 0;
}

int event_type_find(const char *name, size_t size)
{
#define X(id, text)                                                                                          \
    if (size == sizeof(text) - 1 && memcmp(name, text, sizeof(text) - 1) == 0)                               \
        return EVENT_##id;
    EVENT_TYPES(X)
#undef X
    return -1;
}

/* --- strings ----------------------------------------------------------------------------------------------
 */

/* Characters outside ASCII that no code may hold: controls, direction marks, invisible ones, those that are
 * private or none. */
static bool character_is_unprintable(uint32_t c)
{
    return (c >= 0x80 && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           (c >= 0xe000 && c <= 0xf8ff) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe || (c >= 0xe0000 && c <= 0xe0fff) ||
           c >= 0xf0000;
}

static bool character_is_space(uint32_t c)
{
    return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

/* The character of a well-formed sequence that starts with a byte over 0x7f; advances *p. */
static uint32_t character_next(const uint8_t **p)
{
    const uint8_t *s = *p;
    if (s[0] < 0xe0) {
        *p += 2;
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    }
    if (s[0] < 0xf0) {
        *p += 3;
        return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    }
    *p += 4;
    return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

enum event_reject event_code_check(const char *data, size_t size)
{
    if (size == 0 || size > EVENT_CODE_BYTES)
        return REJECT_TOO_LONG;
    const uint8_t *p = (const uint8_t *)data, *end = p + size;
    uint64_t unprintable = 0;
    unsigned n_spaces = 0, n_others = 0;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t w = bytes8_load(p + i, size - i, 'x');
        unprintable |= (w & BYTES8_HIGH) | bytes8_at_most(w, 0x1f) | bytes8_equal(w, 0x7f);
        n_spaces += bytes8_count(bytes8_equal(w, ' '));
    }
    if (!unprintable)
        return n_spaces <= EVENT_CODE_SPACES && n_spaces < size ? REJECT_NONE : REJECT_NOT_A_CODE;

    /* Something is not printable ASCII: once more, with every character. */
    if (!utf8_valid(data, size))
        return REJECT_BAD_UTF8;
    n_spaces = 0;
    while (p < end) {
        uint32_t c = *p < 0x80 ? *p++ : character_next(&p);
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && character_is_unprintable(c)))
            return REJECT_NOT_A_CODE;
        if (c == ' ' || character_is_space(c))
            n_spaces++;
        else
            n_others++;
    }
    return n_spaces <= EVENT_CODE_SPACES && n_others > 0 ? REJECT_NONE : REJECT_NOT_A_CODE;
}
