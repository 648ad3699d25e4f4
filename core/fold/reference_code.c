/* The values of dimensions without a table, and what was imported for a dimension of any kind. */
#include "core/fold/reference_inside.h"
#include "proto/event.h"

#include <errno.h>
#include <string.h>

int reference_add_code(struct reference *r, const char *dimension, const char *value, struct error *err)
{
    const char *fault = reference_code_fault(dimension);
    if (fault)
        return error_set(err, -EINVAL, "bad_key", "the name of a dimension %s", fault);
    fault = reference_code_fault(value);
    if (fault)
        return error_set(err, -EINVAL, "bad_value", "the value %s", fault);
    const struct codes_dimension *d = codes_find(&r->codes, dimension);
    if (d && codes_has(&r->codes, dimension, value))
        return 0;
    if (!d && r->codes.n == REFERENCE_CODE_DIMENSIONS_MAX)
        return error_set(err, -ENOSPC, "reference_full",
                         "values of %d dimensions are imported, the most a tenant can have",
                         REFERENCE_CODE_DIMENSIONS_MAX);
    if ((d && d->n == REFERENCE_CODES_OF_ONE_MAX) || r->codes.n_values == REFERENCE_CODES_MAX)
        return error_set(err, -ENOSPC, "reference_full",
                         "a tenant can have %d imported values of one dimension and %d of all together",
                         REFERENCE_CODES_OF_ONE_MAX, REFERENCE_CODES_MAX);
    int c = codes_add(&r->codes, dimension, value);
    return c < 0 ? error_set(err, c, "memory", "no memory for the imported values") : c;
}

bool reference_has_code(const struct reference *r, const char *dimension, const char *value)
{
    return codes_has(&r->codes, dimension, value);
}

int reference_each_code(const struct reference *r,
                        int (*each)(void *context, const char *dimension, const char *value), void *context)
{
    int c = 0;
    for (size_t i = 0; i < r->codes.n && !c; i++)
        for (size_t v = 0; v < r->codes.at[i].n && !c; v++)
            c = each(context, r->codes.at[i].name, r->codes.at[i].values[v]);
    return c;
}

/* --- of any dimension --- */

/* The table of a dimension that has one, or REFERENCE_N. */
static int table_of(const char *dimension)
{
    int table = 0;
    while (table < REFERENCE_N && strcmp(REFERENCE_TABLE_NAMES[table], dimension) != 0)
        table++;
    return table;
}

bool reference_has_value(const struct reference *r, const char *dimension, const char *value, size_t size)
{
    char key[EVENT_CODE_BYTES + 1];
    const struct reference_row *const *versions;
    if (!r || size > EVENT_CODE_BYTES)
        return false;
    memcpy(key, value, size);
    key[size] = '\0';
    int table = table_of(dimension);
    return table == REFERENCE_N ? codes_has(&r->codes, dimension, key)
                                : reference_versions(r, (enum reference_table)table, key, &versions) > 0;
}

size_t reference_value_count(const struct reference *r, const char *dimension)
{
    int table = table_of(dimension);
    if (!r)
        return 0;
    if (table < REFERENCE_N)
        return reference_count(r, (enum reference_table)table);
    const struct codes_dimension *d = codes_find(&r->codes, dimension);
    return d ? d->n : 0;
}
