/* Shares of a query: plans that count what one thread of several reads, and are put together in the end.
 *
 * A share reads what the whole has made ready (dimensions, filter, periods) and has its own of all that is
 * counted. What comes out depends neither on how many there are nor on who read what: cells are whole
 * numbers, sums are exact, samples and groups are put in order when all are there, and of ballots the last
 * counts. */
#ifndef TENDON_QUERY_SHARE_H
#define TENDON_QUERY_SHARE_H

#include "core/query/plan.h"

/* Whether several threads may run the plan at all: not where votes are cast or clocks made, nor where
 * somebody looks on. */
bool share_is_possible(const struct plan *p);

/* place: from 1, the whole itself is 0. -ENOMEM. */
int share_new(struct plan *p, unsigned place, struct plan **ret);
/* Adds what the share counted to its whole. -ENOMEM, -E2BIG: too many groups. */
int share_merge(struct plan *share);
void share_free(struct plan *share);

#endif
