#include "core/benchmark/figures.h"

#include "core/query/answer.h"
#include "core/query/statistic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What contributors have, and their numbers by name. */
struct contributors {
    json_t *numbers;
    struct disclosure_part *parts;
    size_t n, capacity;
};

struct figure {
    uint64_t n, x;
    __int128 sum;
    struct contributors organisations, tenants;
    int64_t *samples;
    size_t n_samples, capacity;
};

struct figures {
    const struct cube *cube;
    const char *tenant; /* being added */
    size_t *n_samples;  /* of all cubes */
    struct figure figures[CUBE_GROUPS_MAX];
    struct disclosure_cell cells[CUBE_GROUPS_MAX];
};

int figures_new(const struct cube *cube, size_t *n_samples, struct figures **ret)
{
    struct figures *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->cube = cube;
    f->n_samples = n_samples;
    *ret = f;
    return 0;
}

static void contributors_fini(struct contributors *c)
{
    json_decref(c->numbers);
    free(c->parts);
}

void figures_free(struct figures *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < f->cube->n_groups; i++) {
        contributors_fini(&f->figures[i].organisations);
        contributors_fini(&f->figures[i].tenants);
        free(f->figures[i].samples);
    }
    free(f);
}

/* --- adding --- */

static int contributors_add(struct contributors *c, const char *name, uint64_t n, uint64_t x)
{
    if (!c->numbers && !(c->numbers = json_object()))
        return -ENOMEM;
    const json_t *number = json_object_get(c->numbers, name);
    size_t i = number ? (size_t)json_integer_value(number) : c->n;
    if (i == c->capacity) {
        size_t capacity = c->capacity ? c->capacity * 2 : 8;
        struct disclosure_part *parts = realloc(c->parts, capacity * sizeof(*parts));
        if (!parts)
            return -ENOMEM;
        c->parts = parts;
        c->capacity = capacity;
    }
    if (!number) {
        if (json_object_set_new(c->numbers, name, json_integer((json_int_t)i)) < 0)
            return -ENOMEM;
        c->parts[c->n++] = (struct disclosure_part){0, 0};
    }
    c->parts[i].n += n;
    c->parts[i].x += x;
    return 0;
}

static int samples_add(struct figures *f, struct figure *figure, const struct query_cell *cell,
                       struct error *err)
{
    size_t n = (size_t)cell->n;
    if (n > FIGURES_SAMPLES_MAX - *f->n_samples) {
        error_set(err, -E2BIG, "benchmark_memory",
                  "the cubes of percentiles have more than %u samples in a month", FIGURES_SAMPLES_MAX);
        error_hint(err, "undefine some of them, or make averages of them");
        return -E2BIG;
    }
    if (figure->n_samples + n > figure->capacity) {
        size_t capacity =
            2 * figure->capacity > figure->n_samples + n ? 2 * figure->capacity : figure->n_samples + n;
        int64_t *samples = realloc(figure->samples, capacity * sizeof(*samples));
        if (!samples)
            return error_set(err, -ENOMEM, "no_memory", "out of memory for the samples of cube %s",
                             f->cube->name);
        figure->samples = samples;
        figure->capacity = capacity;
    }
    memcpy(figure->samples + figure->n_samples, cell->samples, n * sizeof(*cell->samples));
    figure->n_samples += n;
    *f->n_samples += n;
    return 0;
}

/* One group of one organisation of the tenant. */
static int add_cell(void *ctx, const struct query_cell *cell, struct error *err)
{
    struct figures *f = ctx;
    char organisation[EVENT_CODE_BYTES + STORE_NAME_BYTES + 3];
    int group = cell->by[0] ? cube_group(f->cube, cell->by[0]) : -1;
    if (group < 0)
        return 0;
    struct figure *figure = &f->figures[group];
    /* The letter keeps organisations and tenants without any apart. */
    (void)snprintf(organisation, sizeof(organisation), "%c%s", cell->by[1] ? 'o' : 't',
                   cell->by[1] ? cell->by[1] : f->tenant);
    figure->n += cell->n;
    figure->x += cell->x;
    figure->sum += cell->sum;
    if (contributors_add(&figure->organisations, organisation, cell->n, cell->x) < 0 ||
        contributors_add(&figure->tenants, f->tenant, cell->n, cell->x) < 0)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the figures of cube %s",
                         f->cube->name);
    return cell->samples ? samples_add(f, figure, cell, err) : 0;
}

int figures_add(struct figures *f, const struct query_context *context, int64_t from, int64_t until,
                struct error *err)
{
    char since[CIVIL_TEXT_BYTES], end[CIVIL_TEXT_BYTES];
    struct query_context own = *context;
    struct zone *utc;
    own.declared = NULL;
    own.n_declared = 0;
    f->tenant = context->tenant;
    int r = zone_open("UTC", &utc, err);
    if (r < 0)
        return r;
    json_t *request =
        json_pack("{s:[s], s:[s, s], s:s, s:s, s:s}", "metrics", f->cube->key, "by", f->cube->by, "org",
                  "since", zone_format(utc, from, since), "until", zone_format(utc, until, end), "tz", "UTC");
    r = request ? query_cells(&own, request, add_cell, f, err)
                : error_set(err, -ENOMEM, "no_memory", "out of memory for a question");
    json_decref(request);
    zone_close(utc);
    return r;
}

/* --- when all are there --- */

struct disclosure_cube figures_judged(struct figures *f)
{
    const struct cube *c = f->cube;
    for (unsigned i = 0; i < c->n_groups; i++) {
        struct figure *figure = &f->figures[i];
        if (c->numerator == NUMERATOR_RANK)
            figure->x = figure->n ? percentile_rank(c->percentile, figure->n) : 0;
        f->cells[i] = (struct disclosure_cell){
            .n = figure->n,
            .x = figure->x,
            .organisations = figure->organisations.parts,
            .n_organisations = figure->organisations.n,
            .tenants = figure->tenants.parts,
            .n_tenants = figure->tenants.n,
        };
    }
    return (struct disclosure_cube){c->kind, c->dimension, c->numerator, c->n_groups, f->cells};
}

static json_t *value_json(const struct cube *c, struct figure *figure)
{
    const struct metric *m = c->metric;
    if (m->kind == METRIC_COUNT)
        return json_integer((json_int_t)figure->n);
    if (m->kind == METRIC_RATIO)
        return json_real((double)figure->x / (double)figure->n);
    if (m->kind == METRIC_MEAN && c->numerator == NUMERATOR_NONE)
        return json_real((double)figure->sum / (double)m->per / (double)figure->n);
    int64_t value = c->numerator == NUMERATOR_RANK
                        ? values_select(figure->samples, figure->n_samples, (size_t)figure->x - 1)
                        : average_round(figure->sum, figure->n);
    return m->kind == METRIC_MEAN ? json_real((double)value / (double)m->per) : json_seconds(value);
}

static json_t *row_json(const struct figures *f, unsigned i, struct figure *figure)
{
    const struct cube *c = f->cube;
    double low, high;
    if (f->cells[i].reason)
        return json_pack("{s:s, s:s}", "group", c->groups[i], "reason",
                         disclosure_reason_name(f->cells[i].reason));
    json_t *row = json_pack("{s:s, s:o, s:I, s:I}", "group", c->groups[i], "value", value_json(c, figure),
                            "n", (json_int_t)figure->n, "organisations", (json_int_t)figure->organisations.n);
    if (!row || c->metric->kind != METRIC_RATIO)
        return row;
    wilson_interval((double)figure->x, (double)figure->n, &low, &high);
    if (json_object_set_new(row, "low", json_real(low)) == 0 &&
        json_object_set_new(row, "high", json_real(high)) == 0)
        return row;
    json_decref(row);
    return NULL;
}

json_t *figures_rows(struct figures *f)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < f->cube->n_groups; i++) {
        json_t *row = row_json(f, i, &f->figures[i]);
        if (!row || json_array_append_new(rows, row) < 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}
