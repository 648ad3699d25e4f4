/* What is asked of whole tables beside the figures: which namespaces speak, and which merges bite their own
 * tail. */
#ifndef TENDON_QUERY_WHOLE_H
#define TENDON_QUERY_WHOLE_H

#include "core/query/plan.h"

/* Sets speaks[number] of every namespace, of n, that ever sent a message or a contact. */
int whole_speaking(struct plan *p, uint8_t *speaks, size_t n, struct error *err);

/* How many tickets were merged in a ring: following where each went leads back to it. */
int whole_rings(struct plan *p, uint64_t *ret_tickets, struct error *err);

#endif
