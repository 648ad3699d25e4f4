#include "plugins/common/draft.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL /* a plugin needs no symbol but libc's */
#include <xxhash.h>

void draft_begin(struct draft *draft, enum event_type type, struct mapping_string ticket, int64_t at,
                 uint32_t seq)
{
    draft->type = type;
    draft->ticket = ticket;
    draft->at = at;
    draft->seq = seq;
    draft->n_values = 0;
}

bool draft_thousandths(struct mapping_string text, int64_t *ret)
{
    const char *at = text.data, *end = at + text.size;
    bool negative = at < end && *at == '-';
    int64_t number = 0;
    int n_digits = 0, n_decimals = -1;

    at += at < end && (*at == '-' || *at == '+');
    for (; at < end; at++) {
        if ((*at == '.' || *at == ',') && n_decimals < 0) {
            n_decimals = 0;
            continue;
        }
        if (*at < '0' || *at > '9' || ++n_digits > 12 || (n_decimals >= 0 && ++n_decimals > 3))
            return false;
        number = number * 10 + (*at - '0');
    }
    if (n_digits == 0)
        return false;
    for (n_decimals = n_decimals < 0 ? 0 : n_decimals; n_decimals < 3; n_decimals++)
        number *= 10;
    *ret = negative ? -number : number;
    return true;
}

static bool parse_bool(struct mapping_string text, int64_t *ret)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"y", true},  {"1", true},
                 {"false", false}, {"no", false}, {"n", false}, {"0", false}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i].text) == text.size && strncasecmp(words[i].text, text.data, text.size) == 0) {
            *ret = words[i].value;
            return true;
        }
    return false;
}

bool draft_number(struct mapping_string text, uint32_t *ret)
{
    uint32_t number = 0;

    if (text.size == 0 || text.size > 10)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint32_t digit = (uint32_t)(text.data[i] - '0');

        if (digit > 9 || number > (INT32_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret = number;
    return true;
}

static int bad(struct draft *draft, const char *problem)
{
    draft->problem = problem;
    return DRAFT_BAD;
}

int draft_set(struct draft *draft, enum event_field field, struct mapping_string text)
{
    struct draft_value value = {.name = mapping_field_name(draft->mapping, field)};
    uint32_t number;

    if (text.size > TENDON_ID_BYTES)
        return bad(draft, "value_too_long");
    switch (FIELDS[field].kind) {
    case VALUE_DICTIONARY:
    case VALUE_ENUM:
    case VALUE_HASH:
        value.kind = DRAFT_STRING;
        value.string = text;
        break;
    case VALUE_INT:
        if (!draft_number(text, &number))
            return bad(draft, "bad_number");
        value.kind = DRAFT_NUMBER;
        value.number = number;
        break;
    case VALUE_SECONDS:
    case VALUE_SCORE:
        if (!draft_thousandths(text, &value.number))
            return bad(draft, "bad_number");
        value.kind = DRAFT_THOUSANDTHS;
        break;
    case VALUE_BOOL:
        if (!parse_bool(text, &value.number))
            return bad(draft, "bad_bool");
        value.kind = DRAFT_BOOL;
        break;
    case VALUE_TIME:
        if (mapping_parse_time(draft->mapping, text, &value.number) < 0)
            return bad(draft, "bad_time");
        value.kind = DRAFT_NUMBER;
        break;
    }
    draft->values[draft->n_values++] = value;
    return DRAFT_OK;
}

void draft_set_score(struct draft *draft, enum event_field field, int64_t thousandths)
{
    draft->values[draft->n_values++] = (struct draft_value){
        .name = mapping_field_name(draft->mapping, field), .kind = DRAFT_THOUSANDTHS, .number = thousandths};
}

void draft_nil(struct draft *draft, enum event_field field)
{
    draft->values[draft->n_values++] =
        (struct draft_value){.name = mapping_field_name(draft->mapping, field), .kind = DRAFT_NIL};
}

int draft_dimensions(struct draft *draft, const struct tendon_record *record, uint64_t fields, bool clear)
{
    for (int field = 0; field < FIELD_N_DIMENSIONS; field++) {
        struct mapping_string text;

        if (!(fields >> field & 1) || !mapping_has(draft->mapping, SLOT_FIELDS + field))
            continue;
        if (mapping_text(draft->mapping, record, SLOT_FIELDS + field, &text)) {
            if (draft_set(draft, field, text) != DRAFT_OK)
                return DRAFT_BAD;
        } else if (clear) {
            draft_nil(draft, field);
        }
    }
    return DRAFT_OK;
}

/* --- the id ----------------------------------------------------------------------------------------------
 */

#define VALUE_BYTES (EVENT_CODE_BYTES + TENDON_ID_BYTES + 16)

static size_t append(char *room, size_t at, const void *data, size_t size)
{
    memcpy(room + at, data, size);
    return at + size;
}

/* The hash of everything that the event says, as 32 hexadecimal digits. */
static void content_id(const struct draft *draft, char id[33])
{
    static const char digits[] = "0123456789abcdef";
    char content[32 + FIELD_N * VALUE_BYTES];
    XXH128_canonical_t hash;
    size_t n = 0;

    n = append(content, n, EVENT_TYPE_INFO[draft->type].name, strlen(EVENT_TYPE_INFO[draft->type].name) + 1);
    for (int shift = 0; shift < 64; shift += 8)
        content[n++] = (char)((uint64_t)draft->at >> shift);
    for (int shift = 0; shift < 32; shift += 8)
        content[n++] = (char)(draft->seq >> shift);
    for (uint32_t i = 0; i < draft->n_values; i++) {
        const struct draft_value *value = &draft->values[i];

        n = append(content, n, value->name, strnlen(value->name, EVENT_CODE_BYTES));
        content[n++] = (char)value->kind;
        if (value->kind == DRAFT_STRING) {
            content[n++] = (char)value->string.size;
            n = append(content, n, value->string.data, value->string.size);
        } else {
            for (int shift = 0; shift < 64; shift += 8)
                content[n++] = (char)((uint64_t)value->number >> shift);
        }
    }
    XXH128_canonicalFromHash(&hash, XXH3_128bits(content, n));
    for (int i = 0; i < 16; i++) {
        id[2 * i] = digits[hash.digest[i] >> 4];
        id[2 * i + 1] = digits[hash.digest[i] & 15];
    }
    id[32] = '\0';
}

static bool copy_id(char *to, struct mapping_string from)
{
    if (from.size > TENDON_ID_BYTES)
        return false;
    if (from.size)
        memcpy(to, from.data, from.size);
    to[from.size] = '\0';
    return true;
}

int draft_end(struct draft *draft, struct mapping_string id)
{
    const struct tendon_host *host = draft->host;
    struct tendon_batch *batch = draft->batch;
    char ticket_text[TENDON_ID_BYTES + 1], id_text[TENDON_ID_BYTES + 1];
    int rc;

    if (draft->n_offered++ < draft->n_taken)
        return DRAFT_OK;
    if (!copy_id(ticket_text, draft->ticket) || !copy_id(id_text, id))
        return bad(draft, "id_too_long");
    if (id.size == 0)
        content_id(draft, id_text);
    host->event(batch, EVENT_TYPE_INFO[draft->type].name, draft->ticket.size ? ticket_text : NULL,
                draft->type == EVENT_SOURCE_WATERMARK ? NULL : id_text, draft->at, draft->seq);
    for (uint32_t i = 0; i < draft->n_values; i++) {
        const struct draft_value *value = &draft->values[i];

        switch (value->kind) {
        case DRAFT_STRING:
            host->set_string(batch, value->name, value->string.data, value->string.size);
            break;
        case DRAFT_NUMBER:
            host->set_int(batch, value->name, value->number);
            break;
        case DRAFT_THOUSANDTHS:
            if (value->number % 1000 == 0)
                host->set_int(batch, value->name, value->number / 1000);
            else
                host->set_double(batch, value->name, (double)value->number / 1000);
            break;
        case DRAFT_BOOL:
            host->set_bool(batch, value->name, value->number != 0);
            break;
        case DRAFT_NIL:
            host->set_nil(batch, value->name);
            break;
        }
    }
    rc = host->end(batch);
    if (rc == TENDON_FULL)
        return DRAFT_FULL;
    if (rc != TENDON_OK)
        return bad(draft, "unusable");
    draft->n_taken++;
    return DRAFT_OK;
}
