/* Freezing a month of the benchmark: the figures of all declared cubes, of all tenants that consent, judged
 * together and written once. On a thread of dispatch's pool; takes as long as its questions take. */
#ifndef TENDON_TENANT_FREEZE_H
#define TENDON_TENANT_FREEZE_H

#include "core/benchmark/cube.h"
#include "core/tenant/method.h"

#define MONTH_BYTES 8 /* "2026-03" */

/* What one question to one tenant may take, whatever the tenant's own limit is. */
#define FREEZE_QUERY_MS 60000

/* A month, [from, until) in UTC. */
struct month {
    char name[MONTH_BYTES];
    int64_t from, until;
};
/* -EINVAL bad_param: it is none, from 1970 on. */
int month_read(const char *text, struct month *ret, struct error *err);

/* Asks, judges and writes. A tenant without any calendar has no part in cubes of the business clock; whatever
 * else a tenant cannot answer ends it, with nothing written. *ret: {"month", "tenants": n, "cubes": [{"cube",
 * "groups", "published", "dropped", "why": {reason: groups}}], "left_out": [{"tenant", "cube", "code"}]}.
 * Codes: frozen, consent (a tenant withdrew meanwhile), and query_cells'. */
int freeze_month(struct request *r, const struct month *month, const struct cube *cubes, size_t n,
                 json_t **ret);

#endif
