/* Values of dimensions that have no table of their own, by dimension: a set of texts each. The part of struct
 * reference (reference.h) that has neither attributes nor versions; built by one thread, immutable once that
 * is published. */
#ifndef TENDON_FOLD_CODES_H
#define TENDON_FOLD_CODES_H

#include <stdbool.h>
#include <stddef.h>

struct codes_dimension {
    char *name;
    size_t n, capacity; /* n ≥ 1 */
    char **values;      /* ascending */
};

struct codes {
    size_t n, capacity;
    struct codes_dimension *at; /* by name */
    size_t n_values;            /* of all dimensions together */
};

void codes_fini(struct codes *c);

/* Adds all of another; 0 or -ENOMEM. */
int codes_copy(struct codes *c, const struct codes *from);

/* The values of a dimension, or NULL when it has none. */
const struct codes_dimension *codes_find(const struct codes *c, const char *dimension);

bool codes_has(const struct codes *c, const char *dimension, const char *value);

/* Adds one: 1, 0 when it is there already, -ENOMEM. Cheapest in ascending order. */
int codes_add(struct codes *c, const char *dimension, const char *value);

#endif
