#include "core/fold/policy.h"

#include "core/base/quantity.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

void policies_free(struct policy *policies, size_t n)
{
    for (size_t i = 0; policies && i < n; i++)
        for (unsigned j = 0; j < policies[i].n_conditions; j++)
            free(policies[i].conditions[j].values);
    free(policies);
}

int policies_copy(const struct policy *policies, size_t n, struct policy **ret)
{
    struct policy *copy = calloc(n ? n : 1, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        copy[i] = policies[i];
        copy[i].n_conditions = 0;
        for (unsigned j = 0; j < policies[i].n_conditions; j++) {
            const struct policy_condition *from = &policies[i].conditions[j];
            struct policy_value *values = calloc(from->n_values ? from->n_values : 1, sizeof(*values));
            if (!values) {
                policies_free(copy, n);
                return -ENOMEM;
            }
            for (unsigned v = 0; v < from->n_values; v++)
                values[v] = from->values[v];
            copy[i].conditions[copy[i].n_conditions++] =
                (struct policy_condition){.field = from->field, .n_values = from->n_values, .values = values};
        }
    }
    *ret = copy;
    return 0;
}

/* --- numbers
 * ------------------------------------------------------------------------------------------------- */

static int intern(struct dictionary *dictionary, unsigned field, const char *text, uint16_t *ret)
{
    uint32_t number = 0;
    int is_new;
    int c = dictionary_intern(dictionary, field, text, strlen(text), &number, &is_new);
    if (c == -ENOSPC)
        number = 0;
    else if (c)
        return c;
    *ret = (uint16_t)number;
    return 0;
}

static int intern_value(struct dictionary *dictionary, enum event_field field, const char *text,
                        uint16_t *ret)
{
    const struct field_info *info = &FIELDS[field];
    int64_t number;
    switch (info->kind) {
    case VALUE_ENUM:
        *ret = (uint16_t)event_enum_find(field, text, strlen(text));
        return 0;
    case VALUE_INT:
        *ret =
            quantity_int(text, info->low, info->high, &number) < 0 ? 0 : (uint16_t)(number - info->low + 1);
        return 0;
    default:
        return intern(dictionary, field, text, ret);
    }
}

int policies_intern(struct policy *policies, size_t n, struct dictionary *dictionary)
{
    for (size_t i = 0; i < n; i++) {
        struct policy *p = &policies[i];
        int c = intern(dictionary, FIELD_POLICY, p->name, &p->name_number);
        if (!c && *p->calendar)
            c = intern(dictionary, FIELD_CALENDAR, p->calendar, &p->calendar_number);
        for (unsigned j = 0; !c && j < p->n_conditions; j++)
            for (unsigned v = 0; !c && v < p->conditions[j].n_values; v++) {
                struct policy_value *value = &p->conditions[j].values[v];
                c = intern_value(dictionary, p->conditions[j].field, value->text, &value->number);
            }
        if (c)
            return c;
    }
    return 0;
}

/* --- bytes
 * --------------------------------------------------------------------------------------------------- */

static int pack_bytes(void *data, const char *bytes, size_t size)
{
    buffer_append(data, bytes, size);
    return 0; /* failure is the buffer's */
}

static void pack_text(msgpack_packer *p, const char *s)
{
    msgpack_pack_str(p, strlen(s));
    msgpack_pack_str_body(p, s, strlen(s));
}

void policies_encode(const struct policy *policies, size_t n, struct buffer *b)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, b, pack_bytes);
    msgpack_pack_array(&packer, n);
    for (size_t i = 0; i < n; i++) {
        const struct policy *p = &policies[i];
        msgpack_pack_array(&packer, 6);
        pack_text(&packer, p->name);
        msgpack_pack_uint8(&packer, p->metric);
        msgpack_pack_int64(&packer, p->target_ms);
        msgpack_pack_unsigned_int(&packer, p->clock);
        pack_text(&packer, p->calendar);
        msgpack_pack_map(&packer, p->n_conditions);
        for (unsigned j = 0; j < p->n_conditions; j++) {
            msgpack_pack_unsigned_int(&packer, p->conditions[j].field);
            msgpack_pack_array(&packer, p->conditions[j].n_values);
            for (unsigned v = 0; v < p->conditions[j].n_values; v++)
                pack_text(&packer, p->conditions[j].values[v].text);
        }
    }
}

static bool read_text(struct mp_reader *r, char room[EVENT_CODE_BYTES + 1])
{
    const char *text;
    uint32_t size;
    if (!mp_read_str(r, &text, &size) || size > EVENT_CODE_BYTES)
        return false;
    memcpy(room, text, size);
    room[size] = '\0';
    return true;
}

static int read_condition(struct mp_reader *r, struct policy *p)
{
    uint64_t field;
    uint32_t n;
    if (!mp_read_uint(r, &field) || field >= FIELD_N_DIMENSIONS || !mp_read_array(r, &n) ||
        n > POLICY_VALUES_MAX)
        return -EBADMSG;
    struct policy_value *values = calloc(n ? n : 1, sizeof(*values));
    if (!values)
        return -ENOMEM;
    p->conditions[p->n_conditions++] =
        (struct policy_condition){.field = (enum event_field)field, .n_values = n, .values = values};
    for (uint32_t i = 0; i < n; i++)
        if (!read_text(r, values[i].text))
            return -EBADMSG;
    return 0;
}

static int read_policy(struct mp_reader *r, struct policy *p)
{
    uint64_t metric, clock;
    uint32_t n_parts, n;
    if (!mp_read_array(r, &n_parts) || n_parts != 6 || !read_text(r, p->name) || !mp_read_uint(r, &metric) ||
        metric > UINT8_MAX || !mp_read_int(r, &p->target_ms) || !mp_read_uint(r, &clock) ||
        clock > CLOCK_BUSINESS || !read_text(r, p->calendar) || !mp_read_map(r, &n) ||
        n > POLICY_CONDITIONS_MAX)
        return -EBADMSG;
    p->metric = (uint8_t)metric;
    p->clock = (enum event_clock)clock;
    int c = 0;
    while (n-- && !c)
        c = read_condition(r, p);
    return c;
}

int policies_decode(const void *data, size_t size, struct policy **ret, size_t *ret_n)
{
    struct mp_reader r;
    uint32_t n;
    mp_reader_init(&r, data, size);
    if (!mp_read_array(&r, &n) || n > POLICIES_MAX)
        return -EBADMSG;
    struct policy *policies = calloc(n ? n : 1, sizeof(*policies));
    int c = policies ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < n && !c; i++)
        c = read_policy(&r, &policies[i]);
    if (!c && r.at != r.end)
        c = -EBADMSG;
    if (c) {
        policies_free(policies, n);
        return c;
    }
    *ret = policies;
    *ret_n = n;
    return 0;
}

/* --- matching
 * ------------------------------------------------------------------------------------------------ */

bool policy_matches(const struct policy *p, const uint16_t dimensions[FIELD_N_DIMENSIONS])
{
    for (unsigned j = 0; j < p->n_conditions; j++) {
        const struct policy_condition *condition = &p->conditions[j];
        uint16_t number = dimensions[condition->field];
        bool is_met = false;
        for (unsigned v = 0; number && !is_met && v < condition->n_values; v++)
            is_met = condition->values[v].number == number;
        if (!is_met)
            return false;
    }
    return true;
}
