/* What is asked of whole tables, whatever the condition and the periods. */
#ifndef TENDON_QUERY_EXTENT_H
#define TENDON_QUERY_EXTENT_H

#include "core/query/plan.h"

/* The first and last instant measured in the tables that the plan reads; first > last when there is none. */
int extent_find(struct plan *p, int64_t *ret_first, int64_t *ret_last, struct error *err);

/* Says in a warning, where the periods asked for hold nothing at all, how far what there is to measure
 * reaches. After the scan. */
int extent_warn(struct plan *p, struct error *err);

/* Orphans and conflicts of the whole tenant, conflicts also by namespace number in by_source[n]. */
int extent_conflicts(struct plan *p, uint64_t *by_source, size_t n, struct error *err);

#endif
