/* What the control environment keeps of the benchmark across tenants: declared cubes, frozen months and their
 * figures. Frozen figures are written once and never changed. Any thread.
 *
 * A declared cube is its json (core/benchmark/cube.h) with "defined_at" and, when later months are to do
 * without it, "ended_at" (ms since 1970). */
#ifndef TENDON_TENANT_BENCHMARK_H
#define TENDON_TENANT_BENCHMARK_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>

struct control;

/* All declared cubes, {name: json}. */
int benchmark_cubes(struct control *c, json_t **ret, struct error *err);
/* Puts one, or with NULL takes it away. */
int benchmark_put(struct control *c, const char *name, const json_t *cube, struct error *err);

/* Whether the month ("2026-03") is frozen. */
int benchmark_is_frozen(struct control *c, const char *month, bool *ret, struct error *err);
/* Freezes a month: its record and {cube: figures}, all or none, on disk when it returns. -EEXIST frozen. */
int benchmark_freeze(struct control *c, const char *month, const json_t *record, const json_t *figures,
                     struct error *err);

/* The frozen months of a cube in order, {month: figures}. */
int benchmark_figures(struct control *c, const char *name, json_t **ret, struct error *err);
/* The record of a frozen month, or NULL. */
int benchmark_month(struct control *c, const char *month, json_t **ret, struct error *err);
/* The frozen months of all cubes, {cube: [month, …]}. */
int benchmark_months(struct control *c, json_t **ret, struct error *err);

#endif
