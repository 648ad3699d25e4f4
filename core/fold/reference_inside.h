/* What reference.c and reference_record.c share; nobody else's. */
#ifndef TENDON_FOLD_REFERENCE_INSIDE_H
#define TENDON_FOLD_REFERENCE_INSIDE_H

#include "core/fold/calendars.h"
#include "core/fold/codes.h"
#include "core/fold/reference.h"

#include <stdatomic.h>
#include <stddef.h>

/* Strings to pointers, open addressing, at most half full. Keys are the owner's. */
struct map {
    const char **keys;
    void **values;
    size_t n_slots; /* a power of two, or 0 */
    size_t n;
};

struct entry {
    size_t n, capacity;
    struct reference_row **rows; /* by valid_from */
};

struct reference {
    atomic_size_t n_users;
    struct map texts; /* every string once; key and value are the same allocation */
    struct map entries[REFERENCE_N];
    size_t n_versions[REFERENCE_N];
    struct calendars calendars;
    struct codes codes;
    struct map named; /* calendars by the rows of sites that name them now: name → how many, as a number */
};

extern const char *const REFERENCE_TABLE_NAMES[REFERENCE_N];

/* Why s is no code, as the end of a sentence, or NULL when it is one. */
const char *reference_code_fault(const char *s);

/* All attributes absent. */
void reference_row_clear(struct reference_row *row);

/* Puts a row's values, whose strings may be anybody's, at its place. -ENOSPC when the table is full. */
int reference_put(struct reference *r, enum reference_table table, const char *key,
                  const struct reference_row *values);

#endif
