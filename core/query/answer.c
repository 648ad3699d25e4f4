#include "core/query/answer.h"

#include "core/query/extent.h"
#include "core/query/statistic.h"
#include "core/query/whole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES (REQUEST_NAME_BYTES + 16)

/* What is being written. A value that found no memory is remembered here and told once. */
struct answer {
    struct plan *plan;
    const struct request *request;
    bool failed;
};

static void put(struct answer *a, json_t *object, const char *key, json_t *value)
{
    if (!object || !value || json_object_set_new(object, key, value) < 0)
        a->failed = true;
}

static void append(struct answer *a, json_t *list, json_t *value)
{
    if (!list || !value || json_array_append_new(list, value) < 0)
        a->failed = true;
}

/* Under METRIC or METRIC.SUFFIX: names of the catalogue, so that nobody need look whether they are UTF-8. */
static void put_metric(struct answer *a, json_t *row, const struct asked *asked, const char *suffix,
                       json_t *value)
{
    char key[KEY_BYTES];
    const size_t n = strlen(asked->key), n_suffix = strlen(suffix);
    if (n + n_suffix >= sizeof(key)) {
        json_decref(value);
        a->failed = true;
        return;
    }
    memcpy(key, asked->key, n);
    memcpy(key + n, suffix, n_suffix + 1);
    if (!row || !value || json_object_set_new_nocheck(row, key, value) < 0)
        a->failed = true;
}

static json_t *json_count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

json_t *json_seconds(int64_t ms)
{
    return ms % 1000 == 0 ? json_integer(ms / 1000) : json_real((double)ms / 1000.0);
}

static json_t *json_instant(const struct answer *a, int64_t ms)
{
    char text[CIVIL_TEXT_BYTES];
    return json_string(zone_format(a->request->zone, ms, text));
}

static json_t *json_value(struct dimension_value value)
{
    switch (value.type) {
    case VALUE_IS_TEXT:
        return json_string(value.text);
    case VALUE_IS_NUMBER:
        return json_integer(value.number);
    case VALUE_IS_NULL:
        break;
    }
    return json_null();
}

/* --- columns
 * ----------------------------------------------------------------------------------------------------- */

/* An instrument's score of so few is one to be careful with. */
#define FEW_ORGS    5
#define FEW_BALLOTS 20

/* What stands beside a value, or NULL. Where sites or organisations vote there are also those of none. */
static const char *beside_name(const struct measure *m, unsigned k)
{
    return k == measure_unknown(m) ? "unknown" : m->metric->beside[k];
}

static const char *beside_suffix(const struct measure *m, unsigned k, char room[32])
{
    const char *name = k < METRIC_BESIDE ? beside_name(m, k) : NULL;
    if (!name)
        return NULL;
    (void)snprintf(room, 32, ".%s", name);
    return room;
}

static bool has_opening(const struct plan *p, const struct measure *m)
{
    return p->has_opening && m->anchor == ANCHOR_INSTANT && m->metric->kind == METRIC_COUNT;
}

static bool has_open(const struct plan *p, const struct measure *m)
{
    return p->open >= 0 && m->anchor == ANCHOR_CREATED && m->metric->anchor == ANCHOR_COMPLETED;
}

static void column(struct answer *a, json_t *columns, const struct asked *asked, const char *suffix,
                   const char *kind)
{
    char key[KEY_BYTES];
    static const char *const NAMES[] = {"", "avg", "min", "max", "sum", "count"};
    (void)snprintf(key, sizeof(key), "%s%s", asked->key, suffix);
    json_t *c = json_pack("{s:s, s:s, s:s}", "name", key, "kind", kind, "metric", asked->metric->name);
    if (c && asked->statistic == STATISTIC_PERCENTILE)
        put(a, c, "stat", json_string(strrchr(asked->key, 'p')));
    else if (c && asked->statistic != STATISTIC_NATURAL)
        put(a, c, "stat", json_string(NAMES[asked->statistic]));
    append(a, columns, c);
}

static const char *asked_kind(const struct asked *asked)
{
    switch (asked->metric->kind) {
    case METRIC_COUNT:
        return "count";
    case METRIC_RATIO:
        return "ratio";
    case METRIC_DURATION:
        return asked->statistic == STATISTIC_COUNT ? "count" : "duration";
    case METRIC_MEAN:
    case METRIC_SCORE:
        break;
    }
    return asked->statistic == STATISTIC_COUNT ? "count" : "mean";
}

static json_t *answer_columns(struct answer *a)
{
    const struct plan *p = a->plan;
    const struct request *r = a->request;
    json_t *columns = json_array();
    char suffix[32];
    for (unsigned k = 0; k < r->n_by; k++)
        append(a, columns,
               json_pack("{s:s, s:s}", "name", r->names.names[r->by[k]].name, "kind", "dimension"));
    if (r->range.has_every)
        append(a, columns, json_pack("{s:s, s:s}", "name", "period", "kind", "period"));
    for (unsigned i = 0; i < r->n_asked; i++) {
        const struct asked *asked = &r->asked[i];
        const struct measure *m = &p->measures[p->measure_of[i]];
        column(a, columns, asked, "", asked_kind(asked));
        if (m->metric->kind == METRIC_RATIO) {
            column(a, columns, asked, ".low", "interval");
            column(a, columns, asked, ".high", "interval");
        }
        column(a, columns, asked, ".n", "n");
        for (unsigned k = 0; beside_suffix(m, k, suffix); k++)
            column(a, columns, asked, suffix, "count");
        if (m->metric->gather == GATHER_BALLOTS)
            column(a, columns, asked, ".few", "flag");
        if (has_opening(p, m))
            column(a, columns, asked, ".opening", "count");
        if (has_opening(p, m) && p->moved[0] >= 0)
            column(a, columns, asked, ".moved", "count");
        if (has_open(p, m))
            column(a, columns, asked, ".open", "count");
    }
    return columns;
}

/* --- rows
 * -------------------------------------------------------------------------------------------------------- */

static void put_mean(struct answer *a, json_t *row, const struct asked *asked, const struct measure *m,
                     uint32_t group, uint32_t slot)
{
    double mean;
    put_metric(a, row, asked, "", measure_mean(m, group, slot, &mean) ? json_real(mean) : json_null());
}

/* A score has no statistics. */
static void put_score(struct answer *a, json_t *row, const struct asked *asked, const struct measure *m,
                      uint32_t group, uint32_t slot)
{
    const struct cell *c = measure_cell(m, group, slot);
    put_mean(a, row, asked, m, group, slot);
    put_metric(a, row, asked, ".n", json_count(c->n));
    if (m->metric->gather == GATHER_BALLOTS)
        put_metric(a, row, asked, ".few", json_boolean(c->n < FEW_ORGS || c->beside[0] < FEW_BALLOTS));
}

static void put_sampled(struct answer *a, json_t *row, const struct asked *asked, struct measure *m,
                        uint32_t group, uint32_t slot)
{
    const struct cell *c = measure_cell(m, group, slot);
    bool is_duration = m->metric->kind == METRIC_DURATION;
    const double per = is_duration ? 1000 : m->metric->per ? (double)m->metric->per : 1;
    int64_t value = 0;
    if (asked->statistic == STATISTIC_COUNT) {
        put_metric(a, row, asked, "", json_count(c->n));
    } else if (c->n == 0) {
        put_metric(a, row, asked, "", json_null());
    } else if (asked->statistic == STATISTIC_AVERAGE && !is_duration) {
        put_mean(a, row, asked, m, group, slot);
    } else if (asked->statistic == STATISTIC_SUM && (c->sum > INT64_MAX || c->sum < INT64_MIN)) {
        put_metric(a, row, asked, "", json_real((double)c->sum / per));
    } else {
        switch (asked->statistic) {
        case STATISTIC_AVERAGE:
            value = average_round(c->sum, c->n);
            break;
        case STATISTIC_MIN:
            value = c->min;
            break;
        case STATISTIC_MAX:
            value = c->max;
            break;
        case STATISTIC_SUM:
            value = (int64_t)c->sum;
            break;
        default:
            value = measure_percentile(m, group, slot, asked->percentile);
        }
        put_metric(a, row, asked, "",
                   is_duration ? json_seconds(value)
                   : per != 1  ? json_real((double)value / per)
                               : json_integer(value));
    }
    put_metric(a, row, asked, ".n", json_count(c->n));
}

static void put_ratio(struct answer *a, json_t *row, const struct asked *asked, const struct measure *m,
                      uint32_t group, uint32_t slot)
{
    const struct cell *c = measure_cell(m, group, slot);
    if (c->n == 0) {
        put_metric(a, row, asked, "", json_null());
        put_metric(a, row, asked, ".low", json_null());
        put_metric(a, row, asked, ".high", json_null());
    } else {
        double x = measure_successes(m, group, slot), n = (double)c->n, low, high;
        wilson_interval(x, n, &low, &high);
        put_metric(a, row, asked, "", json_real(x / n));
        put_metric(a, row, asked, ".low", json_real(low));
        put_metric(a, row, asked, ".high", json_real(high));
    }
    put_metric(a, row, asked, ".n", json_count(c->n));
}

static void put_count(struct answer *a, json_t *row, const struct asked *asked, const struct measure *m,
                      uint32_t group, uint32_t slot, uint32_t period)
{
    const struct plan *p = a->plan;
    uint64_t n = measure_cell(m, group, slot)->n;
    put_metric(a, row, asked, "", json_count(n));
    put_metric(a, row, asked, ".n", json_count(n));
    if (!has_opening(p, m))
        return;
    uint64_t opening = measure_cell(m, group, slot - 1)->n;
    put_metric(a, row, asked, ".opening", json_count(opening));
    if (p->moved[0] < 0)
        return;
    int64_t flows[3];
    for (unsigned i = 0; i < 3; i++)
        flows[i] = (int64_t)measure_cell(&p->measures[p->moved[i]], group, period)->n;
    put_metric(a, row, asked, ".moved",
               json_integer((int64_t)n - ((int64_t)opening + flows[0] - flows[1] + flows[2])));
}

static json_t *excluded_json(struct answer *a, const uint64_t *counts)
{
    static const char *const REASONS[EXCLUDED_N] = {"", "merged", "spam", "test", "duplicate", "erasure"};
    json_t *object = json_object();
    for (unsigned r = 1; counts && r < EXCLUDED_N; r++)
        if (counts[r])
            put(a, object, REASONS[r], json_count(counts[r]));
    return object;
}

static json_t *answer_row(struct answer *a, uint32_t group, uint32_t period)
{
    struct plan *p = a->plan;
    const struct request *r = a->request;
    json_t *row = json_object();
    char suffix[32];
    for (unsigned k = 0; k < r->n_by; k++)
        put(a, row, r->names.names[r->by[k]].name,
            json_value(dimension_value(p->dimensions[r->by[k]], groups_ids(p->groups, group)[k])));
    if (r->range.has_every) {
        put(a, row, "period", json_instant(a, p->periods.starts[period]));
        put(a, row, "partial", json_boolean(p->periods.partial[period]));
    }
    for (unsigned i = 0; i < r->n_asked; i++) {
        const struct asked *asked = &r->asked[i];
        struct measure *m = &p->measures[p->measure_of[i]];
        uint32_t slot = m->anchor == ANCHOR_INSTANT && p->has_opening ? period + 1 : period;
        switch (m->metric->kind) {
        case METRIC_COUNT:
            put_count(a, row, asked, m, group, slot, period);
            break;
        case METRIC_RATIO:
            put_ratio(a, row, asked, m, group, slot);
            break;
        case METRIC_DURATION:
        case METRIC_MEAN:
            put_sampled(a, row, asked, m, group, slot);
            break;
        case METRIC_SCORE:
            put_score(a, row, asked, m, group, slot);
            break;
        }
        for (unsigned k = 0; beside_suffix(m, k, suffix); k++)
            put_metric(a, row, asked, suffix, json_count(measure_cell(m, group, slot)->beside[k]));
        if (has_open(p, m))
            put_metric(a, row, asked, ".open",
                       json_count(measure_cell(&p->measures[p->open], group, period)->n));
    }
    const uint64_t *excluded = tally_cell(&p->tally, group * p->periods.n + period);
    if (excluded)
        put(a, row, "excluded", excluded_json(a, excluded));
    return row;
}

/* The groups of an answer with their values, which are looked up once each. */
struct ordering {
    unsigned n_by;
    struct dimension_value *values; /* [group][n_by] */
};

static int by_values(const void *x, const void *y, void *context)
{
    const struct ordering *o = context;
    const struct dimension_value *left = o->values + (size_t) * (const uint32_t *)x * o->n_by,
                                 *right = o->values + (size_t) * (const uint32_t *)y * o->n_by;
    for (unsigned k = 0; k < o->n_by; k++) {
        int order = dimension_value_compare(&left[k], &right[k]);
        if (order)
            return order;
    }
    return 0;
}

/* The numbers of the n groups in the order of their values, into order[n]. */
static int order_groups(const struct answer *a, uint32_t n, uint32_t *order)
{
    struct ordering o = {.n_by = a->request->n_by};
    o.values = malloc(((size_t)n * o.n_by + 1) * sizeof(*o.values));
    if (!o.values)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t *ids = groups_ids(a->plan->groups, i);
        for (unsigned k = 0; k < o.n_by; k++)
            o.values[(size_t)i * o.n_by + k] =
                dimension_value(a->plan->dimensions[a->request->by[k]], ids[k]);
        order[i] = i;
    }
    qsort_r(order, n, sizeof(*order), by_values, &o);
    free(o.values);
    return 0;
}

static json_t *answer_rows(struct answer *a)
{
    struct plan *p = a->plan;
    uint32_t n = groups_count(p->groups);
    uint32_t *order = malloc((n ? n : 1) * sizeof(*order));
    json_t *rows = json_array();
    if (!order || order_groups(a, n, order) < 0) {
        free(order);
        a->failed = true;
        return rows;
    }
    for (uint32_t i = 0; i < n && !a->failed; i++)
        for (uint32_t period = 0; period < p->periods.n; period++)
            append(a, rows, answer_row(a, order[i], period));
    free(order);
    return rows;
}

/* --- meta
 * -------------------------------------------------------------------------------------------------------- */

/* NULL where the number stands for none. */
static const char *namespace_of(const struct plan *p, size_t number)
{
    return dictionary_string(p->dimension_view.dictionary, DICTIONARY_NAMESPACE, (uint32_t)number);
}

static json_t *answer_period(struct answer *a)
{
    const struct period_range *range = &a->request->range;
    const struct periods *p = &a->plan->periods;
    json_t *period = json_object();
    bool is_open = !range->is_given || p->n == 0;
    int64_t start = is_open ? PERIOD_BEGINNING : p->starts[0], end = is_open ? PERIOD_END : p->starts[p->n];
    put(a, period, "since", start == PERIOD_BEGINNING ? json_null() : json_instant(a, start));
    put(a, period, "until", end == PERIOD_END ? json_null() : json_instant(a, end));
    if (range->has_at)
        put(a, period, "at", json_instant(a, range->at));
    return period;
}

static json_t *answer_sources(struct answer *a)
{
    struct store_source *sources = NULL;
    size_t n = 0;
    json_t *list = json_array();
    if (store_source_list(a->plan->context->store, &sources, &n) < 0)
        a->failed = true;
    for (size_t i = 0; i < n; i++)
        append(a, list,
               json_pack("{s:s, s:s, s:o}", "name", sources[i].name, "namespace", sources[i].namespace,
                         "complete_until",
                         sources[i].complete_until == FACT_NULL
                             ? json_null()
                             : json_instant(a, sources[i].complete_until)));
    free(sources);
    return list;
}

static json_t *answer_explain(struct answer *a, double elapsed_ms)
{
    const struct plan *p = a->plan;
    json_t *explain = json_object(), *tables = json_array();
    for (unsigned i = 0; i < p->n_passes; i++) {
        const struct fact_scan_statistics *s = &p->passes[i].statistics;
        append(a, tables,
               json_pack("{s:s, s:I, s:I, s:I, s:I}", "table", FACT_TABLE_INFO[p->passes[i].table].name,
                         "blocks_read", (json_int_t)s->blocks_read, "blocks_skipped",
                         (json_int_t)s->blocks_skipped, "rows", (json_int_t)s->rows, "bytes",
                         (json_int_t)s->bytes));
    }
    put(a, explain, "tables", tables);
    put(a, explain, "threads", json_integer((json_int_t)p->n_threads));
    put(a, explain, "ms", json_real(elapsed_ms));
    return explain;
}

static void put_excluded_by_source(struct answer *a, json_t *meta)
{
    const struct plan *p = a->plan;
    json_t *by_source = json_object();
    for (size_t i = 0; i < p->tally.n_sources; i++) {
        const char *name = namespace_of(p, i);
        uint64_t total = 0;
        for (unsigned r = 0; r < EXCLUDED_N; r++)
            total += p->tally.by_source[i][r];
        if (total && name)
            put(a, by_source, name, excluded_json(a, p->tally.by_source[i]));
    }
    put(a, meta, "excluded_by_source", by_source);
}

static int put_conflicts(struct answer *a, json_t *meta, struct error *err)
{
    struct plan *p = a->plan;
    size_t n = (size_t)dictionary_count(p->dimension_view.dictionary, DICTIONARY_NAMESPACE) + 1;
    uint64_t *counts = calloc(n, sizeof(*counts));
    json_t *by_source = json_object();
    int r = counts ? extent_conflicts(p, counts, n, err)
                   : error_set(err, -ENOMEM, "no_memory", "no memory for the answer");
    for (size_t i = 0; r == 0 && i < n; i++) {
        const char *name = namespace_of(p, i);
        if (counts[i] && name)
            put(a, by_source, name, json_count(counts[i]));
    }
    json_t *errors = json_object();
    if (r == 0)
        r = whole_rings(p, &p->merged_in_rings, err);
    if (p->merged_in_rings)
        put(a, errors, "merge_ring", json_count(p->merged_in_rings));
    put(a, meta, "data_errors", errors);
    put(a, meta, "orphans", json_count(p->orphans));
    put(a, meta, "conflicts", json_count(p->conflicts));
    put(a, meta, "conflicts_by_source", by_source);
    free(counts);
    return r;
}

/* Votes on several questions, or scores of several instruments, that are one figure. */
static void warn_mixtures(struct plan *p)
{
    for (unsigned i = 0; i < p->n_measures; i++) {
        const struct measure *m = &p->measures[i];
        const char *what = m->metric->gather == GATHER_ANSWERS ? "question" : "instrument";
        char text[200];
        bool is_grouped = false;
        for (unsigned k = 0; k < p->request->n_by; k++)
            is_grouped |= strcmp(p->request->names.names[p->request->by[k]].name, what) == 0;
        if (!m->is_mixed || is_grouped)
            continue;
        (void)snprintf(text, sizeof(text),
                       "%s: several %ss are counted as one; name one with --%s, or group by %s",
                       m->metric->name, what, what, what);
        (void)json_array_append_new(p->warnings, json_string(text));
    }
}

static json_t *answer_meta(struct answer *a, double elapsed_ms, int *ret_r, struct error *err)
{
    struct plan *p = a->plan;
    const struct request *r = a->request;
    json_t *meta = json_object(), *definitions = json_object(), *left_out = json_object();
    put(a, meta, "tenant", json_string(p->context->tenant ? p->context->tenant : ""));
    put(a, meta, "period", answer_period(a));
    put(a, meta, "zone", json_string(zone_name(r->zone)));
    put(a, meta, "now", json_instant(a, r->now));
    put(a, meta, "as_of", json_count(store_view_as_of(p->view)));
    for (unsigned i = 0; i < r->n_asked; i++)
        put(a, definitions, r->asked[i].metric->name, json_integer(r->asked[i].metric->version));
    put(a, meta, "definitions", definitions);
    put(a, meta, "excluded", excluded_json(a, p->tally.excluded));
    put_excluded_by_source(a, meta);
    put(a, meta, "inferred", json_count(p->tally.inferred));
    for (unsigned k = 0; k < LEFT_OUT_N; k++)
        if (p->tally.left_out[k])
            put(a, left_out, left_out_name(k), json_count(p->tally.left_out[k]));
    put(a, meta, "left_out", left_out);
    if (r->calendar_last)
        put(a, meta, "calendar_rule", json_string("last"));
    *ret_r = put_conflicts(a, meta, err);
    put(a, meta, "sources", answer_sources(a));
    warn_mixtures(p);
    put(a, meta, "warnings", json_incref(p->warnings));
    if (r->explain)
        put(a, meta, "explain", answer_explain(a, elapsed_ms));
    return meta;
}

static json_t *answer_names(struct answer *a, bool is_by)
{
    const struct request *r = a->request;
    json_t *list = json_array();
    unsigned n = is_by ? r->n_by : r->n_asked;
    for (unsigned i = 0; i < n; i++)
        append(a, list, json_string(is_by ? r->names.names[r->by[i]].name : r->asked[i].key));
    return list;
}

int answer_make(struct plan *p, double elapsed_ms, json_t **ret, struct error *err)
{
    struct answer a = {.plan = p, .request = p->request};
    json_t *answer = json_object(), *columns = answer_columns(&a);
    uint64_t n_values = (uint64_t)groups_count(p->groups) * p->periods.n * (json_array_size(columns) + 1);
    int r = 0;
    put(&a, answer, "metrics", answer_names(&a, false));
    put(&a, answer, "by", answer_names(&a, true));
    put(&a, answer, "columns", columns);
    if (n_values > ANSWER_VALUES_MAX) {
        r = error_set(err, -E2BIG, "result_size", "the answer would have more than %d values",
                      ANSWER_VALUES_MAX);
        error_hint(err, "ask for fewer metrics, groups or periods at once");
    }
    if (r == 0)
        put(&a, answer, "rows", answer_rows(&a));
    if (r == 0)
        put(&a, answer, "meta", answer_meta(&a, elapsed_ms, &r, err));
    if (r == 0 && a.failed)
        r = error_set(err, -ENOMEM, "no_memory", "no memory for the answer");
    if (r < 0) {
        json_decref(answer);
        return r;
    }
    *ret = answer;
    return 0;
}
