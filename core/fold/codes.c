#include "core/fold/codes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void dimension_fini(struct codes_dimension *d)
{
    for (size_t i = 0; i < d->n; i++)
        free(d->values[i]);
    free(d->values);
    free(d->name);
}

void codes_fini(struct codes *c)
{
    for (size_t i = 0; i < c->n; i++)
        dimension_fini(&c->at[i]);
    free(c->at);
    *c = (struct codes){0};
}

int codes_copy(struct codes *c, const struct codes *from)
{
    for (size_t i = 0; i < from->n; i++)
        for (size_t v = 0; v < from->at[i].n; v++) {
            int r = codes_add(c, from->at[i].name, from->at[i].values[v]);
            if (r < 0)
                return r;
        }
    return 0;
}

/* --- finding --- */

/* Where a dimension stands, or would; *ret_known says which. */
static size_t dimension_place(const struct codes *c, const char *name, bool *ret_known)
{
    size_t i = 0;
    int order = 1;
    while (i < c->n && (order = strcmp(c->at[i].name, name)) < 0)
        i++;
    *ret_known = i < c->n && order == 0;
    return i;
}

/* The same of a value. What is imported in order is asked for at the end first. */
static size_t value_place(const struct codes_dimension *d, const char *value, bool *ret_known)
{
    size_t low = 0, high = d->n;
    *ret_known = false;
    if (high > 0 && strcmp(d->values[high - 1], value) < 0)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(d->values[middle], value);
        if (order == 0) {
            *ret_known = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct codes_dimension *codes_find(const struct codes *c, const char *dimension)
{
    bool known;
    size_t i = dimension_place(c, dimension, &known);
    return known ? &c->at[i] : NULL;
}

bool codes_has(const struct codes *c, const char *dimension, const char *value)
{
    const struct codes_dimension *d = codes_find(c, dimension);
    bool known = false;
    if (d)
        (void)value_place(d, value, &known);
    return known;
}

/* --- adding --- */

/* One more place of size bytes in an array; the array, or NULL. */
static void *array_grow(void *array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return array;
    size_t grown = *capacity ? 2 * *capacity : 4;
    void *moved = reallocarray(array, grown, size);
    if (moved)
        *capacity = grown;
    return moved;
}

static int value_add(struct codes_dimension *d, size_t place, const char *value)
{
    char **grown = array_grow(d->values, d->n, &d->capacity, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    d->values = grown;
    char *copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    memmove(grown + place + 1, grown + place, (d->n - place) * sizeof(*grown));
    grown[place] = copy;
    d->n++;
    return 0;
}

/* A new dimension with its first value. */
static int dimension_add(struct codes *c, size_t place, const char *name, const char *value)
{
    struct codes_dimension *grown = array_grow(c->at, c->n, &c->capacity, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    c->at = grown;
    struct codes_dimension d = {.name = strdup(name)};
    if (!d.name || value_add(&d, 0, value) < 0) {
        dimension_fini(&d);
        return -ENOMEM;
    }
    memmove(grown + place + 1, grown + place, (c->n - place) * sizeof(*grown));
    grown[place] = d;
    c->n++;
    return 0;
}

int codes_add(struct codes *c, const char *dimension, const char *value)
{
    bool has_dimension, known = false;
    size_t i = dimension_place(c, dimension, &has_dimension);
    size_t v = has_dimension ? value_place(&c->at[i], value, &known) : 0;
    if (known)
        return 0;
    int r = has_dimension ? value_add(&c->at[i], v, value) : dimension_add(c, i, dimension, value);
    if (r < 0)
        return r;
    c->n_values++;
    return 1;
}
