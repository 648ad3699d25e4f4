/* Fact rows that are at hand, in place of the store's: what a query reads that explains one ticket. One
 * thread. */
#ifndef TENDON_QUERY_GIVEN_H
#define TENDON_QUERY_GIVEN_H

#include "core/store/store.h"

struct given {
    struct fact_row *rows;
    size_t n, capacity;
    size_t at; /* of the reading under way */
    int64_t values[FACT_VALUES_MAX][FACT_VECTOR_ROWS];
    uint16_t dimensions[2][FIELD_N_DIMENSIONS][FACT_VECTOR_ROWS];
};

/* An emit of fold_run: context is a struct given. 0, -ENOMEM. */
int given_add(void *context, const struct fact_row *row);
void given_fini(struct given *g);

/* Begins to read a table; then 1 and the next rows of it, with all its columns, or 0 at the end. */
void given_begin(struct given *g);
int given_next(struct given *g, enum fact_table table, struct fact_vector *ret);

#endif
