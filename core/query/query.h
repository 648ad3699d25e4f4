/* Queries: from a request (design: tendon query) to an answer, over one store view. */
#ifndef TENDON_QUERY_QUERY_H
#define TENDON_QUERY_QUERY_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <jansson.h>
#include <stdatomic.h>

struct query_context {
    struct store *store;
    const char *tenant;                           /* name, for meta */
    const char *zone;                             /* the tenant's IANA zone */
    const char *const *nearshore;                 /* country codes, ends with NULL; NULL none */
    const char (*declared)[EVENT_CODE_BYTES + 1]; /* the tenant's own dimensions */
    unsigned n_declared;
    int64_t now;                  /* ms; the request's `now` wins */
    int64_t deadline;             /* ms on CLOCK_MONOTONIC; 0 none → error query_time */
    size_t rows_max;              /* of the answer; 0: the default 100,000 → error result_size */
    const atomic_bool *cancelled; /* may be NULL */
};

/* Runs one query. request is a map:
 *   metrics  [str]      "NAME[.CLOCK][.STAT]"
 *   by       [str]      dimensions
 *   where    str
 *   since, until, at, now, every, tz, unit, anchor, dims, reopen_window, within, threshold, instrument,
 * question, calendar_rule       str, as the options of `tendon query` take them explain  bool The result is
 * the JSON of design section 8:
 *   {"metrics": […], "by": […], "columns": [{"name", "kind":
 * "dimension|period|count|duration|ratio|mean|score|n|interval|text", "metric"?, "stat"?}], "rows": [{…}],
 * "meta": {…}} Codes: unknown_metric, unknown_dimension, unknown_statistic, bad_expression, bad_period,
 * unknown_zone, bad_option, query_time, result_size, no_calendar, …; an unknown name comes with the nearest
 * right one in the hint. */
int query_run(const struct query_context *context, const json_t *request, json_t **ret_result,
              struct error *err);

/* The catalogue: [{"name", "version", "unit", "definition", "anchor", "statistics": […], "options": […]}];
 * one entry for a name, -ENOENT unknown_metric. */
json_t *metric_catalogue(void);
int metric_show(const char *name, json_t **ret, struct error *err);

#endif
