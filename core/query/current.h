/* Today's dimensions of every ticket, for --dims current on tables that hold those of their time. */
#ifndef TENDON_QUERY_CURRENT_H
#define TENDON_QUERY_CURRENT_H

#include "core/query/plan.h"

struct current {
    size_t capacity; /* subjects */
    uint8_t *known;
    uint16_t *codes[FIELD_N_DIMENSIONS]; /* by subject; NULL: not asked for */
};

/* Reads what the passes of the plan need from the ticket table. -E2BIG query_memory, and the store's. */
int current_load(struct current *c, struct plan *p, struct error *err);
void current_fini(struct current *c);

#endif
