/* The tickets at the ends of a metric. */
#include "core/query/explain.h"
#include "core/query/judge.h"
#include "core/query/scan.h"
#include "core/query/shown.h"

#include <stdlib.h>
#include <string.h>

#define TOP_PRESET 10

struct sample {
    int64_t value, at, created;
    uint32_t subject;
    uint16_t namespace;
    bool is_loose;
    uint16_t dimensions[FIELD_N_DIMENSIONS];
};

/* The first of an order, kept sorted. */
struct end {
    struct sample *samples;
    size_t n, top;
    int sign; /* 1: the highest first */
};

struct ends {
    struct end highest, lowest;
    uint64_t n;
};

/* Whether a goes before b: by value, then the newest, then by number, so that the list is one of the set. */
static bool goes_before(const struct end *e, const struct sample *a, const struct sample *b)
{
    if (a->value != b->value)
        return e->sign > 0 ? a->value > b->value : a->value < b->value;
    if (a->at != b->at)
        return a->at > b->at;
    return a->subject < b->subject;
}

static void end_offer(struct end *e, const struct sample *s)
{
    if (e->n == e->top && !goes_before(e, s, &e->samples[e->n - 1]))
        return;
    size_t at = e->n < e->top ? e->n++ : e->n - 1;
    for (; at > 0 && goes_before(e, s, &e->samples[at - 1]); at--)
        e->samples[at] = e->samples[at - 1];
    e->samples[at] = *s;
}

static int see(void *context, const struct measure *m, const struct batch *b, uint32_t i, uint8_t verdict,
               bool success)
{
    struct ends *ends = context;
    const int64_t *const *values = b->rows.values;
    if (m->is_helper || verdict != VERDICT_SAMPLE)
        return 0;
    struct sample s = {
        .value = m->metric->kind == METRIC_RATIO   ? success
                 : m->metric->kind == METRIC_COUNT ? 1
                                                   : judge_value(m, b, i),
        .at = m->anchor == ANCHOR_INSTANT   ? b->instants[i]
              : m->anchor == ANCHOR_CREATED ? values[FACT_CREATED][i]
                                            : values[m->metric->completed][i],
        .created = values[FACT_CREATED][i],
        .subject = (uint32_t)values[FACT_SUBJECT][i],
        .namespace = (uint16_t)values[FACT_NAMESPACE][i],
        .is_loose = values[FACT_FLAGS][i] & FACT_FLAG_LOOSE,
    };
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        s.dimensions[f] = b->rows.dimensions[f] ? b->rows.dimensions[f][i] : 0;
    ends->n++;
    end_offer(&ends->highest, &s);
    end_offer(&ends->lowest, &s);
    return 0;
}

/* --- the answer
 * ------------------------------------------------------------------------------------------------- */

struct shown {
    const struct query_context *context;
    const struct request *request;
    const struct dictionary *dictionary;
    json_t *warnings; /* the plan's */
    json_t *rows;
};

static json_t *dimension_shown(const struct shown *w, unsigned field, uint16_t number)
{
    const struct field_info *info = &FIELDS[field];
    if (info->kind == VALUE_ENUM)
        return json_string(info->values[number - 1]);
    if (info->kind == VALUE_INT)
        return json_integer(number + info->low - 1);
    return json_string(dictionary_string(w->dictionary, field, number));
}

static int row_add(struct shown *w, const char *end, size_t rank, const struct sample *s)
{
    const struct zone *zone = w->request->zone;
    const char *namespace = dictionary_string(w->dictionary, DICTIONARY_NAMESPACE, s->namespace);
    char number[16];
    (void)snprintf(number, sizeof(number), "#%u", s->subject);
    json_t *row = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "end", end, "rank", (int)rank, "ticket",
                            s->is_loose ? json_null() : json_string(number), "namespace",
                            namespace ? json_string(namespace) : json_null(), "value",
                            shown_sample(w->request->asked[0].metric, s->value), "created_at",
                            shown_instant(zone, s->created), "at", shown_instant(zone, s->at));
    for (unsigned f = 0; row && f < FIELD_N_DIMENSIONS; f++) {
        const char *name = f < FIELD_N_BUILTIN ? FIELDS[f].name
                           : f - FIELD_DECLARED < w->context->n_declared
                               ? w->context->declared[f - FIELD_DECLARED]
                               : NULL;
        if (name && s->dimensions[f])
            (void)json_object_set_new(row, name, dimension_shown(w, f, s->dimensions[f]));
    }
    return json_array_append_new(w->rows, row);
}

static json_t *ends_shown(struct shown *w, const struct ends *ends)
{
    enum metric_kind kind = w->request->asked[0].metric->kind;
    bool is_ratio = kind == METRIC_RATIO, is_count = kind == METRIC_COUNT; /* all of a count are 1 */
    int r = 0;
    w->rows = json_array();
    for (size_t i = 0; i < ends->highest.n && r == 0; i++)
        if (!is_ratio || ends->highest.samples[i].value == 1)
            r = row_add(w,
                        is_ratio   ? "counted"
                        : is_count ? "newest"
                                   : "highest",
                        i + 1, &ends->highest.samples[i]);
    for (size_t i = 0; i < ends->lowest.n && r == 0 && !is_count; i++)
        if (!is_ratio || ends->lowest.samples[i].value == 0)
            r = row_add(w, is_ratio ? "counted against" : "lowest", i + 1, &ends->lowest.samples[i]);
    if (r == 0)
        return w->rows;
    json_decref(w->rows);
    return NULL;
}

static json_t *period_edge(const struct request *r, int64_t at)
{
    return at == PERIOD_BEGINNING || at == PERIOD_END ? json_null() : shown_instant(r->zone, at);
}

static json_t *answer_shown(struct shown *w, const struct store_view *view, const struct ends *ends)
{
    const struct request *r = w->request;
    json_t *rows = ends_shown(w, ends);
    return rows ? json_pack("{s:s, s:s, s:s?, s:s, s:o, s:I, s:{s:o, s:o}, s:I, s:O, s:o}", "metric",
                            r->asked[0].metric->name, "unit", r->asked[0].metric->unit, "clock",
                            r->asked[0].metric->kind != METRIC_DURATION ? NULL
                            : r->asked[0].clock == METRIC_WALL          ? "wall"
                                                                        : "business",
                            "zone", zone_name(r->zone), "now", shown_instant(r->zone, r->now), "as_of",
                            (json_int_t)store_view_as_of(view), "period", "since",
                            period_edge(r, r->range.since), "until", period_edge(r, r->range.until), "n",
                            (json_int_t)ends->n, "warnings", w->warnings, "rows", rows)
                : NULL;
}

/* --- asking
 * ----------------------------------------------------------------------------------------------------- */

static int check_request(const struct request *r, struct error *err)
{
    if (r->n_asked != 1)
        return error_set(err, -EINVAL, "bad_option", "one metric at a time can be explained");
    if (r->n_by > 0 || r->range.has_every)
        return error_set(err, -EINVAL, "bad_option",
                         "a list of tickets is not grouped: leave out by and every, or use where");
    if (r->unit != UNIT_TICKET)
        return error_set(err, -EINVAL, "bad_option", "a list of tickets has no unit");
    if (r->asked[0].metric->table == FACT_ANSWER) {
        (void)error_set(err, -EINVAL, "bad_option", "%s counts the votes of respondents, not tickets",
                        r->asked[0].metric->name);
        error_hint(err, "csat, dissatisfaction, mean_rating, nps and ces can be explained");
        return -EINVAL;
    }
    return 0;
}

static int run(const struct query_context *context, const struct request *request,
               const struct store_view *view, struct ends *ends, json_t **ret, struct error *err)
{
    const struct witness witness = {see, ends};
    struct plan *plan;
    int r = plan_new(context, request, view, &plan, err);
    if (r < 0)
        return r;
    plan->witness = &witness;
    for (unsigned i = 0; i < plan->n_passes; i++)
        plan->passes[i].fields |= (UINT64_C(1) << FIELD_N_DIMENSIONS) - 1;
    r = plan_cut(plan, PERIOD_BEGINNING, PERIOD_END, err);
    if (r == 0)
        r = scan_run(plan, err);
    if (r == 0) {
        struct shown shown = {.context = context,
                              .request = request,
                              .dictionary = store_view_dictionary(view),
                              .warnings = plan->warnings};
        *ret = answer_shown(&shown, view, ends);
        if (!*ret)
            r = error_set(err, -ENOMEM, "no_memory", "no memory for the list");
    }
    plan_free(plan);
    return r;
}

int explain_metric(const struct query_context *context, const json_t *request, json_t **ret,
                   struct error *err)
{
    const json_t *given = json_object_get(request, "top");
    json_int_t top = given ? json_integer_value(given) : TOP_PRESET;
    if ((given && !json_is_integer(given)) || top < 1 || top > EXPLAIN_TOP_MAX)
        return error_set(err, -EINVAL, "bad_option", "top is a whole number from 1 to %d", EXPLAIN_TOP_MAX);
    json_t *body = json_copy((json_t *)request);
    struct request *read;
    struct store_view *view;
    if (!body)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the list");
    (void)json_object_del(body, "top");
    int r = request_read(context, body, &read, err);
    json_decref(body);
    if (r < 0)
        return r;
    struct ends ends = {.highest = {.top = (size_t)top, .sign = 1},
                        .lowest = {.top = (size_t)top, .sign = -1}};
    ends.highest.samples = calloc((size_t)top, sizeof(struct sample));
    ends.lowest.samples = calloc((size_t)top, sizeof(struct sample));
    if (!ends.highest.samples || !ends.lowest.samples)
        r = error_set(err, -ENOMEM, "no_memory", "no memory for the list");
    if (r == 0)
        r = check_request(read, err);
    if (r == 0 && (r = store_view_open(context->store, plan_tables(read), &view, err)) == 0) {
        r = run(context, read, view, &ends, ret, err);
        store_view_close(view);
    }
    free(ends.highest.samples);
    free(ends.lowest.samples);
    request_free(read);
    return r;
}
