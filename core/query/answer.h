/* The answer of a plan that has run, as the JSON of query.h. */
#ifndef TENDON_QUERY_ANSWER_H
#define TENDON_QUERY_ANSWER_H

#include "core/query/plan.h"

/* Values in one answer at most: rows × columns. */
#define ANSWER_VALUES_MAX 2000000

/* elapsed_ms is shown with explain. -E2BIG result_size, -ENOMEM. */
int answer_make(struct plan *p, double elapsed_ms, json_t **ret, struct error *err);

/* Whole milliseconds in seconds, with decimals where there are such. */
json_t *json_seconds(int64_t ms);

#endif
