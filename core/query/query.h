/* Queries: from a request (design: tendon query) to an answer, over one store view. */
#ifndef TENDON_QUERY_QUERY_H
#define TENDON_QUERY_QUERY_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <jansson.h>
#include <stdatomic.h>

struct crew;

struct query_context {
    struct store *store;
    struct crew *crew;                            /* threads that help, shared by all queries; NULL: none */
    const char *tenant;                           /* name, for meta */
    const char *zone;                             /* the tenant's IANA zone */
    const char *const *nearshore;                 /* country codes, ends with NULL; NULL none */
    const char *calendar;                         /* the default one's name; NULL or "": none */
    const char *const *not_level1;                /* categories, the same way */
    const char (*declared)[EVENT_CODE_BYTES + 1]; /* the tenant's own dimensions */
    unsigned n_declared;
    const char (*sites)[EVENT_CODE_BYTES + 1]; /* explain_ticket: of these alone; n_sites 0: of all */
    unsigned n_sites;
    int64_t now;                  /* ms; the request's `now` wins */
    int64_t deadline;             /* ms on CLOCK_MONOTONIC; 0 none → error query_time */
    size_t rows_max;              /* of the answer; 0: the default 100,000 → error result_size */
    const atomic_bool *cancelled; /* may be NULL */
};

/* Runs one query over one view of the store. Any thread; several at a time are fine.
 *
 * request is a map:
 *   metrics  [str]  "NAME[.CLOCK][.STAT]": CLOCK is wall (default) or business; STAT is avg (default),
 *                   min, max, sum, count or a percentile (p50, p99.9), which is exact; counts and ratios
 *                   have none
 *   by       [str]  dimensions
 *   where    str    a condition (core/query/expression.h)
 *   since, until, at, now, every, tz, unit, anchor, dims, reopen_window, threshold, instrument,
 *   question, within, calendar_rule
 *            str    as the options of `tendon query` take them
 *   explain  bool
 * metrics and by may also be one text with commas. `tenant` is passed over: the context says it.
 *
 * The result is {"metrics": [str], "by": [str], "columns": […], "rows": [{…}], "meta": {…}}. A column is
 * {"name", "kind", "metric"?, "stat"?} of kind dimension, period, count, duration, ratio, mean, n,
 * interval or flag (true or false). A row has, KEY being a metric as it was asked:
 *   each of `by`   text, number or null
 *   period         with `every`: its start, RFC 3339 in local time; and partial (no column): whether it is
 *                  cut short or still running
 *   KEY            a count, seconds with at most three decimals, a share 0…1, a mean; null where nothing
 *                  was measured
 *   KEY.n          samples; ratios also KEY.low and KEY.high (Wilson) and, where they have such,
 *                  KEY.censored, KEY.unknown, KEY.running, KEY.at_risk: what is in neither
 *                  part (the metric's "beside"); of sla_breach_time KEY.running: samples that still run
 *   KEY.ballots    instrument_score: those that it is of; and KEY.few: whether they or their
 *                  organisations are too few to rely on
 *   KEY.opening    backlog of a period: at its start; with by or where also KEY.moved: closing less
 *                  (opening + created − resolutions + reopens), tickets whose dimensions changed
 *   KEY.open       with anchor created: tickets of the cohort that are active now
 *   excluded       {reason: tickets} where any were left out (no column)
 * Rows are sorted by `by` (nulls last), then by period. A period without samples is a row all the same,
 * with 0 for counts and null for all else.
 *
 * meta:
 *   tenant, zone, now, as_of (log position), period {since, until, at?} (null: open)
 *   definitions {metric: version}, warnings [str]
 *   excluded {reason: tickets}, excluded_by_source {namespace: {reason: tickets}}
 *   inferred       tickets in the answer, or missing from it, whose creation is inferred
 *   left_out       {reason: rows}: rows that give no sample, as the metric's definition says why
 *   calendar_rule? "last", when asked for
 *   data_errors    {merge_ring: tickets}: excluded, because they were merged into one another; of the whole
 *                  tenant, as are
 *   orphans, conflicts, conflicts_by_source {namespace: n}
 *   sources        [{name, namespace, complete_until}]
 *   explain?       {tables [{table, blocks_read, blocks_skipped, rows, bytes}], threads, ms}
 *
 * Codes: unknown_metric, unknown_dimension, unknown_statistic, bad_expression, bad_period, unknown_zone,
 * bad_option, no_calendar; query_time, query_memory, result_size (limits); cancelled; no_memory and the
 * store's. An unknown name comes with the nearest right one in the hint. */
int query_run(const struct query_context *context, const json_t *request, json_t **ret_result,
              struct error *err);

/* What a query has of one group, before anything is rounded. All that is pointed at is valid during the call.
 */
struct query_cell {
    const char *const *by; /* the group's values as texts, numbers too; NULL: null */
    uint64_t n, x;         /* samples, and of a ratio those that succeeded */
    __int128 sum; /* of the samples, in the metric's own measure; 0 for counts, ratios and percentiles */
    const int64_t *samples; /* n of them, in any order, where a percentile is asked for; else NULL */
};

/* Runs a query for one metric in one period and hands over each group that has samples instead of an answer:
 * so that those of several stores can be put together exactly. Not for units that vote. A result below 0 of
 * each ends it. Codes as query_run; bad_option. */
int query_cells(const struct query_context *context, const json_t *request,
                int (*each)(void *ctx, const struct query_cell *cell, struct error *err), void *ctx,
                struct error *err);

/* The catalogue: [{"name", "version", "unit", "definition", "anchor", "clocks": […], "statistics": […],
 * "options": {name: what it takes}, "beside": […] (METRIC.censored …), "left_out": {reason: why},
 * "no_dimensions": […]}]; one entry for a name, -ENOENT unknown_metric. */
json_t *metric_catalogue(void);
int metric_show(const char *name, json_t **ret, struct error *err);

#endif
