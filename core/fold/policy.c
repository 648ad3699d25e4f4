#include "core/fold/policy.h"

#include "core/base/quantity.h"

#include <errno.h>
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

static void encode_text(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text) + 1);
}

void policies_encode(const struct policy *policies, size_t n, struct buffer *b)
{
    buffer_printf(b, "%zu policies\n", n);
    for (size_t i = 0; i < n; i++) {
        const struct policy *p = &policies[i];
        encode_text(b, p->name);
        encode_text(b, p->calendar);
        buffer_printf(b, "%u %lld %u %u\n", (unsigned)p->metric, (long long)p->target_ms, (unsigned)p->clock,
                      p->n_conditions);
        for (unsigned j = 0; j < p->n_conditions; j++) {
            buffer_printf(b, "%u %u\n", (unsigned)p->conditions[j].field, p->conditions[j].n_values);
            for (unsigned v = 0; v < p->conditions[j].n_values; v++)
                encode_text(b, p->conditions[j].values[v].text);
        }
    }
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
