/* Ratings without a ticket: of each site, respondent and question the last one in a period counts, whatever
 * the condition says of it. They are kept aside until the table is read. */
#ifndef TENDON_QUERY_LOOSE_H
#define TENDON_QUERY_LOOSE_H

#include "core/fold/fact.h"

#include <stddef.h>
#include <stdint.h>

struct loose_rating {
    int64_t values[FACT_N_RATING_VALUES];
    uint16_t dimensions[FIELD_N_DIMENSIONS];
    int32_t slot; /* the period */
};

struct loose {
    struct loose_rating *ratings; /* the last ones */
    size_t n, capacity;
    uint32_t *slots; /* hash table: place + 1 */
    size_t n_slots;
};

/* Keeps a rating, unless a later one of the same is there. -ENOMEM, -E2BIG. */
int loose_add(struct loose *l, const struct loose_rating *rating);
void loose_fini(struct loose *l);

#endif
