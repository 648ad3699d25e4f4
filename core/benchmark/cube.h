/* A declared cube: one metric by one dimension, and the groups that it has. What may be one is decided here,
 * and which cubes may be there at the same time (README.md says why). No state; any thread. */
#ifndef TENDON_BENCHMARK_CUBE_H
#define TENDON_BENCHMARK_CUBE_H

#include "core/base/error.h"
#include "core/benchmark/disclosure.h"
#include "core/query/metric.h"
#include "proto/event.h"

#include <jansson.h>

#define CUBES_MAX       64 /* at a time */
#define CUBE_GROUPS_MAX 64
#define CUBE_NAME_BYTES 64
#define CUBE_KEY_BYTES  128

struct cube {
    char name[CUBE_NAME_BYTES + 1];
    char key[CUBE_KEY_BYTES + 1]; /* the metric as it was asked for, with clock and statistic */
    const struct metric *metric;
    uint32_t percentile; /* thousandths of a percent; 0: none */
    bool is_average;
    const char *by;           /* the dimension's name */
    unsigned dimension, kind; /* of struct disclosure_cube */
    enum disclosure_numerator numerator;
    unsigned n_groups;
    char groups[CUBE_GROUPS_MAX][EVENT_CODE_BYTES + 1];
};

/* metric: "NAME[.CLOCK][.STAT]". groups: a list of texts, or NULL: all there are, for a dimension with a
 * closed list. Codes: bad_param, unknown_metric and the like, not_a_cube: it would tell too much. */
int cube_read(const char *name, const char *metric, const char *by, const json_t *groups, struct cube *ret,
              struct error *err);
/* Whether a new cube may stand beside another one. -EEXIST cube_exists; -EINVAL not_a_cube. */
int cube_fits(const struct cube *c, const struct cube *beside, struct error *err);

/* {"metric", "by", "groups"}, and back (-EBADMSG). */
json_t *cube_json(const struct cube *c);
int cube_of_json(const char *name, const json_t *json, struct cube *ret, struct error *err);

/* What kind of column its figures are: "count", "ratio", "duration", "mean". */
const char *cube_column_kind(const struct cube *c);
/* "p90", "avg", or "". */
const char *cube_statistic(const struct cube *c);

/* The group of a value, or -1. */
int cube_group(const struct cube *c, const char *value);

/* The dimensions that cubes may have, by place; NULL at the end. */
const char *cube_dimension_at(size_t place);

#endif
