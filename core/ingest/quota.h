/* What a tenant uses at a server's socket: events a second, connections. One thread: the socket's.
 *
 * The rate is a bucket: it fills with `events_per_second`, holds `burst` (by preset ten seconds' worth), and
 * a batch is taken when there is anything in it, however large it is: what it takes beyond that is waited for
 * by the next. So any batch passes, and over time no more than the rate. */
#ifndef TENDON_INGEST_QUOTA_H
#define TENDON_INGEST_QUOTA_H

#include "core/tenant/limit.h"
#include "core/tenant/tenant.h"

#include <stdbool.h>
#include <stdint.h>

#define QUOTA_BURST_S      10    /* burst, where the tenant has no limit for it */
#define QUOTA_RETRY_MAX_MS 60000 /* the longest that a source is told to wait */

struct quota {
    const struct tenant *tenant; /* whose; only compared */
    unsigned n_connections;
    bool is_filled;    /* level and filled_at say something */
    double level;      /* events; negative: owed */
    int64_t filled_at; /* ms, monotonic */
};

struct quotas {
    struct quota *at[TENANTS_MAX]; /* by index; made when first asked for */
};

void quotas_fini(struct quotas *q);
/* NULL without memory. Where a tenant has another's index now, its connections are counted from 0. */
struct quota *quotas_of(struct quotas *q, const struct tenant *t);

/* Takes n events from the bucket; false when it is empty: *ret_retry_ms is when there will be something in
 * it. */
bool quota_take(struct quota *q, const struct tenant_limits *limits, uint32_t n, int64_t now,
                uint32_t *ret_retry_ms);
/* Gives them back: they were not committed. */
void quota_give(struct quota *q, const struct tenant_limits *limits, uint32_t n);

/* How many events a BATCH's body says that it has; 0 for one that is none. */
uint32_t quota_batch_events(const void *body, size_t size);

#endif
