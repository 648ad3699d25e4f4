#include "core/ingest/quota.h"

#include "proto/msgpack.h"

#include <stdlib.h>
#include <string.h>

void quotas_fini(struct quotas *q)
{
    for (size_t i = 0; i < TENANTS_MAX; i++)
        free(q->at[i]);
    *q = (struct quotas){{NULL}};
}

struct quota *quotas_of(struct quotas *q, const struct tenant *t)
{
    struct quota **at = &q->at[t->index];
    if (!*at)
        *at = calloc(1, sizeof(**at));
    if (*at && (*at)->tenant != t)
        **at = (struct quota){.tenant = t};
    return *at;
}

static double burst_of(const struct tenant_limits *limits)
{
    return (double)(limits->burst ? limits->burst : limits->events_per_second * QUOTA_BURST_S);
}

static void fill(struct quota *q, const struct tenant_limits *limits, int64_t now)
{
    double burst = burst_of(limits), rate = (double)limits->events_per_second;
    if (!q->is_filled)
        *q = (struct quota){
            .tenant = q->tenant, .n_connections = q->n_connections, .is_filled = true, .level = burst};
    else
        q->level += rate * (double)(now - q->filled_at) / 1000.0;
    q->filled_at = now;
    if (q->level > burst)
        q->level = burst;
}

bool quota_take(struct quota *q, const struct tenant_limits *limits, uint32_t n, int64_t now,
                uint32_t *ret_retry_ms)
{
    if (limits->events_per_second == 0) {
        q->is_filled = false; /* a rate that is set later begins with a whole bucket */
        return true;
    }
    fill(q, limits, now);
    if (q->level > 0 || n == 0) {
        q->level -= n;
        return true;
    }
    double wait_ms = (1.0 - q->level) * 1000.0 / (double)limits->events_per_second + 1.0;
    *ret_retry_ms = wait_ms < QUOTA_RETRY_MAX_MS ? (uint32_t)wait_ms : QUOTA_RETRY_MAX_MS;
    return false;
}

void quota_give(struct quota *q, const struct tenant_limits *limits, uint32_t n)
{
    if (!q->is_filled)
        return;
    q->level += n;
    if (q->level > burst_of(limits))
        q->level = burst_of(limits);
}

uint32_t quota_batch_events(const void *body, size_t size)
{
    struct mp_reader r;
    uint32_t n = 0, key_size = 0, n_events = 0;
    const char *key = NULL;
    mp_reader_init(&r, body, size);
    if (!mp_read_map(&r, &n))
        return 0;
    while (n-- > 0 && mp_read_str(&r, &key, &key_size)) {
        if (key_size == 6 && memcmp(key, "events", 6) == 0)
            return mp_read_array(&r, &n_events) ? n_events : 0;
        if (!mp_skip(&r))
            return 0;
    }
    return 0;
}
