#include "core/query/plan.h"

#include "core/base/nearest.h"
#include "core/query/whole.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int plan_use(struct plan *p, const char *name)
{
    return dimension_names_find(&p->request->names, name, strlen(name));
}

static int plan_dimension(struct plan *p, int place, struct error *err)
{
    if (p->dimensions[place])
        return 0;
    const struct dimension_name *name = &p->request->names.names[place];
    int r = dimension_new(name, &p->dimension_view, &p->dimensions[place]);
    if (r < 0)
        return error_set(err, r, "no_memory", "no memory to look up %s", name->name);
    p->used[p->n_used++] = (uint8_t)place;
    p->groups_question |= name->kind == DIMENSION_COLUMN && name->field == FIELD_QUESTION;
    p->groups_instrument |= name->kind == DIMENSION_COLUMN && name->field == FIELD_INSTRUMENT;
    return 0;
}

static void pass_want(struct pass *pass, const struct metric *m, enum metric_clock clock)
{
    for (unsigned i = 0; i < METRIC_CONDITIONS; i++)
        if (m->conditions[i].is != CONDITION_NONE)
            pass->wants[m->conditions[i].column] = true;
    for (unsigned i = 0; m->trial != TRIAL_NONE && i < METRIC_COLUMNS && m->trial_columns[i] != COLUMN_NONE;
         i++)
        pass->wants[m->trial_columns[i]] = true;
    const struct metric_value *v = &m->values[clock];
    for (unsigned i = 0; v->is != VALUE_OF_NOTHING && i < METRIC_COLUMNS && v->columns[i] != COLUMN_NONE; i++)
        if (v->columns[i] != COLUMN_INSTANT) {
            pass->wants[v->columns[i]] = true;
        }
    if (v->is == VALUE_OF_AGE)
        pass->fields |= 1ull << FIELD_SITE;
    pass->judges_team |= m->trial == TRIAL_OUTSOURCED || m->trial == TRIAL_OFFSHORE;
    if (m->trial == TRIAL_FIRST_CONTACT)
        pass->fields |= 1ull << FIELD_CHANNEL | 1ull << FIELD_CATEGORY;
    if (pass->wants[FACT_SLA_CYCLE_ELAPSED_MS] && m->table == FACT_SLA_CYCLE) {
        static const uint8_t RUNNING[] = {FACT_SLA_CYCLE_TARGET_MS, FACT_SLA_CYCLE_SINCE,
                                          FACT_SLA_CYCLE_CLOCK, FACT_SLA_CYCLE_CALENDAR, FACT_SLA_CYCLE_SITE};
        for (unsigned i = 0; i < sizeof(RUNNING); i++)
            pass->wants[RUNNING[i]] = true;
    }
}

static struct pass *plan_pass(struct plan *p, enum fact_table table, bool current, enum metric_gather gather)
{
    for (unsigned i = 0; i < p->n_passes; i++)
        if (p->passes[i].table == table && p->passes[i].current == current && p->passes[i].gather == gather)
            return &p->passes[i];
    struct pass *pass = &p->passes[p->n_passes++];
    pass->table = table;
    pass->current = current;
    pass->gather = gather;
    for (unsigned c = 0; c < FACT_N_COMMON; c++)
        pass->wants[c] = true;
    if (table == FACT_SPAN)
        for (unsigned c = FACT_SPAN_FROM; c <= FACT_SPAN_TO; c++)
            pass->wants[c] = true;
    if (table == FACT_SLA_CYCLE) {
        static const uint8_t JUDGED[] = {FACT_SLA_CYCLE_OUTCOME, FACT_SLA_CYCLE_END,
                                         FACT_SLA_CYCLE_BREACH_AT};
        for (unsigned i = 0; i < sizeof(JUDGED); i++)
            pass->wants[JUDGED[i]] = true;
    }
    if (table == FACT_HOLDING)
        pass->wants[FACT_HOLDING_HELD_UNTIL] = true;
    if (gather != GATHER_NONE) {
        for (unsigned c = FACT_N_COMMON; c < FACT_TABLE_INFO[table].n_values; c++)
            pass->wants[c] = true;
        pass->fields |= 1ull << FIELD_SITE; /* ballots without a ticket are told apart by it */
    }
    return pass;
}

/* The measure of a metric, made when it is new. */
static unsigned plan_measure(struct plan *p, const struct metric *m, enum metric_clock clock, bool is_helper,
                             bool current)
{
    const struct request *r = p->request;
    for (unsigned i = 0; i < p->n_measures && !is_helper; i++)
        if (p->measures[i].metric == m && p->measures[i].clock == clock && !p->measures[i].is_helper)
            return i;
    unsigned number = p->n_measures++;
    struct measure *measure = &p->measures[number];
    struct pass *pass = plan_pass(p, m->table, current, m->gather);
    *measure = (struct measure){.metric = m,
                                .clock = clock,
                                .anchor = m->anchor,
                                .is_helper = is_helper,
                                .unit = is_helper          ? UNIT_TICKET
                                        : r->is_unit_given ? r->unit
                                                           : m->default_unit,
                                .threshold_millionths = r->threshold_millionths,
                                .samples = {.crew = p->context->crew}};
    if (!is_helper && m->anchor != ANCHOR_INSTANT && r->anchor != REQUEST_ANCHOR_DEFAULT)
        measure->anchor = r->anchor == REQUEST_ANCHOR_CREATED ? ANCHOR_CREATED : ANCHOR_COMPLETED;
    pass->measures[pass->n_measures++] = (uint8_t)number;
    pass->completed = m->completed;
    pass->wants[m->completed] = true;
    pass->anchors[measure->anchor] = true;
    pass_want(pass, m, clock);
    return number;
}

static const char *const FLOWS[3] = {"tickets_created", "resolutions", "reopens"}; /* of the backlog */

static bool is_backlog(const struct asked *a)
{
    return a->metric->anchor == ANCHOR_INSTANT && a->metric->kind == METRIC_COUNT;
}

/* Whether a trial asks if a namespace's tickets ever say anything (whole.h). */
static bool trial_needs_speaking(enum metric_trial trial)
{
    return trial == TRIAL_ONE_TOUCH || trial == TRIAL_SILENT;
}

uint32_t plan_tables(const struct request *r)
{
    /* orphans and conflicts, dimensions as they are today, a cohort's open tickets; rings of merges */
    uint32_t tables = FACT_TABLE_BIT(FACT_TICKET) | FACT_TABLE_BIT(FACT_MERGE);
    for (unsigned i = 0; i < r->n_asked; i++) {
        const struct asked *a = &r->asked[i];
        tables |= FACT_TABLE_BIT(a->metric->table);
        for (unsigned k = 0; k < 3 && is_backlog(a); k++)
            tables |= FACT_TABLE_BIT(metric_helper(FLOWS[k])->table);
        if (a->metric->gather == GATHER_SENDINGS)
            tables |= FACT_TABLE_BIT(FACT_ANSWER);
        if (trial_needs_speaking(a->metric->trial))
            tables |= FACT_TABLE_BIT(FACT_CONTACT);
    }
    return tables;
}

static void plan_measures(struct plan *p)
{
    const struct request *r = p->request;
    bool has_backlog = false, has_cohort = false, is_filtered = r->where || r->n_by;
    for (unsigned i = 0; i < r->n_asked; i++) {
        const struct asked *a = &r->asked[i];
        unsigned number = plan_measure(p, a->metric, a->clock, false, r->dims_current);
        p->measure_of[i] = (uint8_t)number;
        p->measures[number].wants_sum |= a->statistic == STATISTIC_AVERAGE || a->statistic == STATISTIC_SUM ||
                                         a->statistic == STATISTIC_NATURAL;
        p->measures[number].wants_ends |= a->statistic == STATISTIC_MIN || a->statistic == STATISTIC_MAX;
        if (a->statistic == STATISTIC_PERCENTILE)
            measure_want(&p->measures[number], a->percentile);
        has_backlog |= is_backlog(a);
        has_cohort |= r->anchor == REQUEST_ANCHOR_CREATED && a->metric->anchor == ANCHOR_COMPLETED;
    }
    /* What tickets do not have (a policy) tells no open ticket from another. */
    has_cohort &= request_fits(r, FACT_TICKET);
    p->moved[0] = p->moved[1] = p->moved[2] = p->open = -1;
    if (has_backlog && is_filtered && r->range.is_given) {
        for (unsigned i = 0; i < 3; i++) {
            p->moved[i] = (int)plan_measure(p, metric_helper(FLOWS[i]), METRIC_WALL, true, r->dims_current);
            p->measures[p->moved[i]].until_now = true; /* the period is given, so that its anchor is read */
        }
    }
    if (has_cohort)
        p->open = (int)plan_measure(p, metric_helper("open_now"), METRIC_WALL, true, true);
}

/* A dictionary's number of a name that the query gives; one that no survey has is said in a warning. */
static uint32_t plan_number(struct plan *p, unsigned field, const char *name, const char *what, bool is_given)
{
    const struct dictionary *d = p->dimension_view.dictionary;
    uint32_t number = dictionary_find(d, field, name, strlen(name)), n = dictionary_count(d, field);
    char text[3 * EVENT_CODE_BYTES + 100];
    struct nearest nearest;
    if (number)
        return number;
    if (!is_given)
        return UINT32_MAX;
    nearest_init(&nearest, name, strlen(name));
    for (uint32_t i = 1; i <= n; i++) {
        const char *known = dictionary_string(d, field, i);
        if (known)
            nearest_offer(&nearest, known);
    }
    (void)snprintf(text, sizeof(text), "no survey has the %s '%s'%s%s%s", what, name,
                   nearest.best ? "; did you mean " : "", nearest.best ? nearest.best : "",
                   nearest.best ? "?" : "");
    (void)json_array_append_new(p->warnings, json_string(text));
    return UINT32_MAX;
}

static int plan_dimensions(struct plan *p, struct error *err)
{
    const struct request *r = p->request;
    int e;
    for (unsigned k = 0; k < r->n_by; k++)
        if ((e = plan_dimension(p, r->by[k], err)) < 0)
            return e;
    for (unsigned i = 0; r->where && i < r->where->n_nodes; i++)
        if (r->where->nodes[i].op < OP_AND && (e = plan_dimension(p, r->where->nodes[i].dimension, err)) < 0)
            return e;
    p->model = p->region = p->org = -1;
    for (unsigned i = 0; i < p->n_measures; i++) {
        enum metric_trial trial = p->measures[i].metric->trial;
        if (trial == TRIAL_OUTSOURCED)
            p->model = plan_use(p, "support_model");
        if (trial == TRIAL_OFFSHORE)
            p->region = plan_use(p, "support_region");
        if (p->measures[i].unit == UNIT_ORG || p->measures[i].metric->gather == GATHER_BALLOTS)
            p->org = plan_use(p, "org");
    }
    const int places[] = {p->model, p->region, p->org};
    for (unsigned i = 0; i < 3; i++)
        if (places[i] >= 0 && (e = plan_dimension(p, places[i], err)) < 0)
            return e;
    for (unsigned i = 0; i < p->n_passes; i++) {
        for (unsigned k = 0; k < p->n_used; k++) {
            const struct dimension_name *name = &r->names.names[p->used[k]];
            unsigned column = name->columns[p->passes[i].table];
            p->passes[i].fields |= dimension_fields(name);
            if (column)
                p->passes[i].wants[column] = true;
        }
        if (r->unit == UNIT_SITE)
            p->passes[i].fields |= 1ull << FIELD_SITE;
    }
    return 0;
}

/* Which instrument and question each measure is about. */
static void plan_surveys(struct plan *p)
{
    const struct request *r = p->request;
    uint32_t instrument =
        r->instrument[0] ? plan_number(p, FIELD_INSTRUMENT, r->instrument, "instrument", true) : 0;
    uint32_t question = r->question[0] ? plan_number(p, FIELD_QUESTION, r->question, "question", true) : 0;
    for (unsigned i = 0; i < p->n_measures; i++) {
        struct measure *m = &p->measures[i];
        const struct metric *metric = m->metric;
        m->instrument = metric->options & OPTION_INSTRUMENT ? instrument : 0;
        m->question = metric->options & OPTION_QUESTION ? question : 0;
        if (metric->instrument && !m->instrument && !p->groups_instrument)
            m->instrument = plan_number(p, FIELD_INSTRUMENT, metric->instrument, "instrument", false);
    }
}

/* Without any calendar there is no business clock at all; where only some rows have none, they are left out.
 */
static int plan_calendars(struct plan *p, struct error *err)
{
    const struct request *r = p->request;
    const struct reference *reference = p->dimension_view.reference;
    bool needs_clocks = false;
    for (unsigned i = 0; i < p->n_measures; i++) {
        const struct measure *m = &p->measures[i];
        needs_clocks |= m->metric->table == FACT_SLA_CYCLE || m->metric->values[m->clock].is == VALUE_OF_AGE;
    }
    if (needs_clocks &&
        clocks_new(p->dimension_view.dictionary, reference, p->context->calendar, &p->clocks) < 0)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
    for (unsigned i = 0; i < r->n_asked; i++) {
        if (r->asked[i].clock == METRIC_WALL || (reference && reference_calendar_count(reference) > 0))
            continue;
        (void)error_set(err, -EINVAL, "no_calendar",
                        "%s: there is no calendar, so there is no business clock", r->asked[i].metric->name);
        error_hint(err, "tendon calendar import brings one; %s runs on the wall clock",
                   r->asked[i].metric->name);
        return -EINVAL;
    }
    return 0;
}

/* What trials look up by a number: namespaces that speak, categories beyond the first level. */
static int plan_lookups(struct plan *p, struct error *err)
{
    const struct dictionary *d = p->dimension_view.dictionary;
    bool needs_speaks = false, needs_level1 = false;
    for (unsigned i = 0; i < p->n_measures; i++) {
        enum metric_trial trial = p->measures[i].metric->trial;
        needs_speaks |= trial_needs_speaking(trial);
        needs_level1 |= trial == TRIAL_FIRST_CONTACT;
    }
    if (needs_level1) {
        p->n_not_level1 = (size_t)dictionary_count(d, FIELD_CATEGORY) + 1;
        p->not_level1 = calloc(p->n_not_level1, 1);
        if (!p->not_level1)
            return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
        for (const char *const *name = p->context->not_level1; name && *name; name++) {
            uint32_t number = dictionary_find(d, FIELD_CATEGORY, *name, strlen(*name));
            if (number && number < p->n_not_level1)
                p->not_level1[number] = 1;
        }
    }
    if (!needs_speaks)
        return 0;
    p->n_speaks = (size_t)dictionary_count(d, DICTIONARY_NAMESPACE) + 1;
    p->speaks = calloc(p->n_speaks, 1);
    if (!p->speaks)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
    return whole_speaking(p, p->speaks, p->n_speaks, err);
}

static void plan_ids(struct plan *p)
{
    const int places[] = {p->model, p->region, p->org};
    for (unsigned k = 0; k < p->n_used; k++) {
        unsigned place = p->used[k];
        p->filter_ids[place] = filter_reads_ids(p->filter, place) || filter_reads_ids(p->whatever, place);
    }
    const struct expression *where = p->request->where;
    for (unsigned i = 0; where && i < where->n_nodes; i++)
        if (where->nodes[i].op < OP_AND)
            p->filter_reads[where->nodes[i].dimension] = true;
    for (unsigned k = 0; k < p->request->n_by; k++)
        p->needs_ids[p->request->by[k]] = true;
    for (unsigned i = 0; i < 3; i++)
        if (places[i] >= 0)
            p->needs_ids[places[i]] = true;
}

static int plan_fill(struct plan *p, struct error *err)
{
    const struct request *r = p->request;
    plan_measures(p);
    int e = plan_calendars(p, err);
    if (e == 0)
        e = plan_dimensions(p, err);
    if (e == 0)
        e = plan_lookups(p, err);
    if (e < 0)
        return e;
    if (r->where && (e = filter_new(r->where, p->dimensions, false, p->warnings, &p->filter)) < 0)
        return error_set(err, e, "no_memory", "no memory for the condition");
    if (r->where && filter_cuts(r->where, &r->names) &&
        (e = filter_new(r->where, p->dimensions, true, p->warnings, &p->whatever)) < 0)
        return error_set(err, e, "no_memory", "no memory for the condition");
    for (unsigned k = 0; k < r->n_by && k < REQUEST_BY_MAX; k++)
        p->ignored |= (uint32_t)r->names.names[r->by[k]].cuts << k;
    plan_ids(p);
    plan_surveys(p);
    if (store_view_is_refolding(p->view))
        (void)json_array_append_new(
            p->warnings,
            json_string("facts are being made anew; this answer is by the definitions and tables before"));
    return 0;
}

int plan_new(const struct query_context *context, const struct request *request,
             const struct store_view *view, struct plan **ret, struct error *err)
{
    struct plan *p = calloc(1, sizeof(*p));
    if (!p)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
    p->context = context;
    p->request = request;
    p->view = view;
    p->dimension_view = (struct dimension_view){.dictionary = store_view_dictionary(view),
                                                .reference = store_view_reference(view),
                                                .nearshore = context->nearshore};
    p->environment = (struct fold_environment){.dictionary = p->dimension_view.dictionary,
                                               .declared = context->declared,
                                               .n_declared = context->n_declared};
    p->warnings = json_array();
    int e = p->warnings ? plan_fill(p, err) : error_set(err, -ENOMEM, "no_memory", "no memory for the query");
    if (e < 0) {
        plan_free(p);
        return e;
    }
    *ret = p;
    return 0;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < p->n_used; i++)
        dimension_free(p->dimensions[p->used[i]]);
    for (unsigned i = 0; i < p->n_measures; i++)
        measure_fini(&p->measures[i]);
    filter_free(p->filter);
    filter_free(p->whatever);
    groups_free(p->groups);
    tally_fini(&p->tally);
    periods_fini(&p->periods);
    free(p->instants);
    clocks_free(p->clocks);
    free(p->speaks);
    free(p->not_level1);
    json_decref(p->warnings);
    free(p);
}

bool plan_needs_extent(const struct plan *p)
{
    const struct period_range *range = &p->request->range;
    return range->has_every && (range->since == PERIOD_BEGINNING || range->until == PERIOD_END);
}

/* The instants of the backlog: --at, the present, or the opening of the first period and each one's closing,
 * which is its last millisecond or, while it runs, the present. */
static int plan_instants(struct plan *p)
{
    const struct request *r = p->request;
    uint32_t n_periods = p->periods.n;
    p->instants = calloc((size_t)n_periods + 1, sizeof(*p->instants));
    if (!p->instants)
        return -ENOMEM;
    if (!r->range.is_given) {
        p->instants[p->n_instants++] = r->range.has_at ? r->range.at : r->now;
        return 0;
    }
    p->has_opening = true;
    for (uint32_t i = 0; i <= n_periods && n_periods > 0; i++) {
        int64_t edge = p->periods.starts[i];
        int64_t at = edge == PERIOD_BEGINNING ? edge : edge == PERIOD_END ? r->now : edge - 1;
        p->instants[p->n_instants++] = at < r->now ? at : r->now;
    }
    return 0;
}

int plan_cut(struct plan *p, int64_t first, int64_t last, struct error *err)
{
    const struct request *r = p->request;
    uint32_t counts[REQUEST_BY_MAX];
    size_t rows_max = p->context->rows_max ? p->context->rows_max : QUERY_ROWS_MAX;
    if (rows_max > UINT32_MAX / 2)
        rows_max = UINT32_MAX / 2;
    int e = periods_cut(&r->range, r->zone, r->now, first, last, (uint32_t)rows_max, &p->periods, err);
    if (e < 0)
        return e;
    if (plan_instants(p) < 0)
        goto no_memory;
    for (unsigned k = 0; k < r->n_by; k++)
        counts[k] = dimension_count(p->dimensions[r->by[k]]);
    uint32_t n_max = p->periods.n ? (uint32_t)rows_max / p->periods.n : 1;
    if (groups_new(r->n_by, counts, n_max, &p->groups) < 0)
        goto no_memory;
    for (unsigned i = 0; i < p->n_measures; i++) {
        struct measure *m = &p->measures[i];
        m->n_slots = m->anchor == ANCHOR_INSTANT ? p->n_instants : p->periods.n;
        if (measure_reserve(m, groups_count(p->groups)) < 0)
            goto no_memory;
    }
    return 0;
no_memory:
    return error_set(err, -ENOMEM, "no_memory", "no memory for the groups of the query");
}

/* What all shares of the query hold. */
static size_t plan_bytes(struct plan *p)
{
    struct plan *whole = p->whole ? p->whole : p;
    size_t bytes = p->ballot_bytes + p->current_bytes + p->merge_bytes + tally_bytes(&p->tally);
    for (unsigned i = 0; i < p->n_measures; i++)
        bytes += measure_bytes(&p->measures[i]);
    atomic_store_explicit(&whole->used_bytes[p->place], bytes, memory_order_relaxed);
    for (unsigned i = 0; i < CREW_THREADS_MAX; i++)
        bytes += i == p->place ? 0 : atomic_load_explicit(&whole->used_bytes[i], memory_order_relaxed);
    return bytes;
}

int plan_check(struct plan *p, struct error *err)
{
    const struct query_context *c = p->context;
    struct timespec now;
    if (c->cancelled && atomic_load_explicit(c->cancelled, memory_order_relaxed))
        return error_set(err, -ECANCELED, "cancelled", "the query was cancelled");
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (c->deadline && (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 > c->deadline) {
        (void)error_set(err, -ETIMEDOUT, "query_time", "the query took longer than the tenant's query_time");
        error_hint(err, "ask for a shorter period, or for fewer metrics at once");
        return -ETIMEDOUT;
    }
    if (plan_bytes(p) > QUERY_MEMORY_BYTES) {
        (void)error_set(err, -E2BIG, "query_memory", "the query needs more than %u MiB of memory",
                        QUERY_MEMORY_BYTES >> 20);
        error_hint(err, "ask for a shorter period, fewer groups, or fewer percentiles");
        return -E2BIG;
    }
    return 0;
}

size_t plan_bounds(const struct plan *p, const struct pass *pass, struct fact_bound bounds[2])
{
    if (pass->table == FACT_SPAN && p->n_instants > 0) {
        int64_t first = p->instants[0], last = p->instants[p->n_instants - 1];
        bounds[0] = (struct fact_bound){FACT_SPAN_FROM, INT64_MIN, last};
        bounds[1] = (struct fact_bound){FACT_SPAN_TO, first, FACT_FOREVER};
        return 2;
    }
    /* Cycles that run are no row of the period that their columns tell. */
    if (p->periods.n == 0 || (pass->table == FACT_SLA_CYCLE && pass->anchors[ANCHOR_COMPLETED]) ||
        (pass->anchors[ANCHOR_CREATED] && pass->anchors[ANCHOR_COMPLETED]))
        return 0;
    int64_t start = p->periods.starts[0], end = p->periods.starts[p->periods.n];
    if (start == PERIOD_BEGINNING && end == PERIOD_END)
        return 0;
    /* A survey that was sent again is answered no more: also when that was after the period. */
    if (pass->gather == GATHER_SENDINGS)
        end = PERIOD_END;
    bounds[0] = (struct fact_bound){pass->anchors[ANCHOR_CREATED] ? FACT_CREATED : pass->completed, start,
                                    end == PERIOD_END ? end : end - 1};
    return 1;
}
