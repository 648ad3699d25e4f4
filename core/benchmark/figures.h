/* The figures of one cube in one month: what several tenants have, put together group by group. Exact: counts
 * and sums are whole numbers, and for percentiles the samples themselves are kept until the rows are made.
 * One thread. */
#ifndef TENDON_BENCHMARK_FIGURES_H
#define TENDON_BENCHMARK_FIGURES_H

#include "core/benchmark/cube.h"
#include "core/query/query.h"

#define FIGURES_SAMPLES_MAX (16u << 20) /* of all cubes of a month together: 256 MiB at most */

struct figures;

/* n_samples counts those of all cubes of the month; it and the cube must outlive the figures. -ENOMEM. */
int figures_new(const struct cube *cube, size_t *n_samples, struct figures **ret);
void figures_free(struct figures *f); /* NULL is fine */

/* Adds what a tenant has in [from, until), asked through query_cells in UTC. The tenant's declared dimensions
 * are not looked at (context->declared is ignored): what they hide are attributes. Each tenant once. Codes as
 * query_cells; benchmark_memory. */
int figures_add(struct figures *f, const struct query_context *context, int64_t from, int64_t until,
                struct error *err);

/* When all are there: what disclosure_judge takes; it is the figures' and lives as long. */
struct disclosure_cube figures_judged(struct figures *f);

/* After that: [{"group", "value", "n", "low"?, "high"?, "organisations"} or {"group", "reason"}], in the
 * order of the cube's groups. Durations in seconds. NULL: no memory. */
json_t *figures_rows(struct figures *f);

#endif
