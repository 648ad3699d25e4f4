/* A query as it was asked, read from the wire's map and checked: names resolved, options judged. */
#ifndef TENDON_QUERY_REQUEST_H
#define TENDON_QUERY_REQUEST_H

#include "core/query/expression.h"
#include "core/query/metric.h"
#include "core/query/period.h"
#include "core/query/query.h"

#define REQUEST_METRICS_MAX 32
#define REQUEST_BY_MAX      8
#define REQUEST_NAME_BYTES  128 /* of a metric with clock and statistic */

enum statistic {
    STATISTIC_NATURAL, /* what a count or ratio is */
    STATISTIC_AVERAGE,
    STATISTIC_MIN,
    STATISTIC_MAX,
    STATISTIC_SUM,
    STATISTIC_COUNT,
    STATISTIC_PERCENTILE,
};

/* One metric as asked. */
struct asked {
    char key[REQUEST_NAME_BYTES + 1]; /* as it was written: the name of its column */
    const struct metric *metric;
    enum metric_clock clock;
    enum statistic statistic;
    uint32_t percentile; /* thousandths of a percent */
};

enum request_anchor { REQUEST_ANCHOR_DEFAULT, REQUEST_ANCHOR_CREATED, REQUEST_ANCHOR_COMPLETED };

struct request {
    unsigned n_asked, n_by;
    struct asked asked[REQUEST_METRICS_MAX];
    uint16_t by[REQUEST_BY_MAX]; /* places in names */
    struct dimension_names names;
    struct expression *where; /* NULL: everything */
    struct zone *zone;
    int64_t now;
    struct period_range range;
    enum metric_unit unit;
    bool is_unit_given;
    enum request_anchor anchor;
    bool dims_current, explain;
    int64_t reopen_window_ms;
    int64_t within_ms;
    bool calendar_last; /* the business clock of what was asked is METRIC_LAST */
    uint32_t threshold_millionths;
    char instrument[EVENT_CODE_BYTES + 1]; /* empty: the metric's own */
    char question[EVENT_CODE_BYTES + 1];   /* empty: any */
};

/* Reads and checks; codes as in query.h. */
int request_read(const struct query_context *context, const json_t *body, struct request **ret,
                 struct error *err);
void request_free(struct request *r);

/* Whether the rows of a table have all dimensions that the request groups and filters by. */
bool request_fits(const struct request *r, enum fact_table table);

#endif
