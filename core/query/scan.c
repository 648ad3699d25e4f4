#include "core/query/scan.h"

#include "core/query/current.h"
#include "core/query/judge.h"
#include "core/query/loose.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The working memory of one query's scans. */
struct scan {
    struct plan *plan;
    struct error *err;
    struct current current;
    struct loose loose;

    uint32_t *ids[PLAN_DIMENSIONS_MAX];
    uint8_t *verdicts[PLAN_MEASURES_MAX], *success[PLAN_MEASURES_MAX]; /* by place in the pass */
    int64_t instants[FACT_VECTOR_ROWS]; /* at which reference rows are looked up */
    int64_t asked[FACT_VECTOR_ROWS];    /* of spans: the instant that each gathered row is for */
    int32_t slots[3][FACT_VECTOR_ROWS];
    uint8_t keep[FACT_VECTOR_ROWS], wanted[FACT_VECTOR_ROWS];
    uint32_t groups[FACT_VECTOR_ROWS];
    int32_t ends[FACT_VECTOR_ROWS]; /* of spans: the instant from which they no longer count */
    struct fact_scan *source;       /* the scan that runs */
    struct fact_vector vector;      /* and what it gave */
    /* rows put together from others: spans at instants, ratings kept aside, today's dimensions */
    int64_t values[FACT_VALUES_MAX][FACT_VECTOR_ROWS];
    uint16_t dimensions[FIELD_N_DIMENSIONS][FACT_VECTOR_ROWS];
};

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
}

static void scan_free(struct scan *s)
{
    if (!s)
        return;
    current_fini(&s->current);
    loose_fini(&s->loose);
    for (unsigned i = 0; i < PLAN_DIMENSIONS_MAX; i++)
        free(s->ids[i]);
    for (unsigned i = 0; i < PLAN_MEASURES_MAX; i++) {
        free(s->verdicts[i]);
        free(s->success[i]);
    }
    free(s);
}

static int scan_new(struct plan *p, struct error *err, struct scan **ret)
{
    struct scan *s = calloc(1, sizeof(*s));
    bool ok = s != NULL;
    for (unsigned k = 0; ok && k < p->n_used; k++)
        ok = (s->ids[p->used[k]] = malloc(FACT_VECTOR_ROWS * sizeof(uint32_t))) != NULL;
    for (unsigned i = 0; ok && i < p->n_measures; i++)
        ok = (s->verdicts[i] = malloc(FACT_VECTOR_ROWS)) && (s->success[i] = malloc(FACT_VECTOR_ROWS));
    if (!ok) {
        scan_free(s);
        return no_memory(err);
    }
    s->plan = p;
    s->err = err;
    *ret = s;
    return 0;
}

/* Whether every instant lies in the one period there is. */
static bool is_everything(const struct plan *p)
{
    return p->periods.n == 1 && p->periods.starts[0] == PERIOD_BEGINNING &&
           p->periods.starts[1] == PERIOD_END;
}

static bool depends_on_time(const struct plan *p)
{
    for (unsigned k = 0; k < p->n_used; k++)
        if (!dimension_is_timeless(p->dimensions[p->used[k]]))
            return true;
    return false;
}

/* Whether a column is read with every block. The others are fetched where a row needs them: who a ticket is
 * matters for what is left out only, and values for samples only. */
static bool is_eager(const struct plan *p, const struct pass *pass, unsigned column)
{
    if (!pass->wants[column])
        return false;
    if (pass->table == FACT_RATING || column == FACT_FLAGS || column == FACT_EXCLUDED)
        return true;
    if (column == FACT_SUBJECT)
        return pass->current && pass->table != FACT_TICKET;
    bool is_anchor = (column == FACT_CREATED && pass->anchors[ANCHOR_CREATED]) ||
                     (column == pass->completed && pass->anchors[ANCHOR_COMPLETED]);
    if (is_anchor && !is_everything(p))
        return true;
    if (column == pass->completed && !pass->current && depends_on_time(p))
        return true;
    return pass->judges[column];
}

/* The columns of a pass, as the store wants them named. */
static size_t pass_columns(const struct plan *p, const struct pass *pass, uint8_t columns[FACT_COLUMNS_MAX])
{
    size_t n = 0;
    for (unsigned c = 0; c < FACT_TABLE_INFO[pass->table].n_values; c++)
        if (is_eager(p, pass, c))
            columns[n++] = (uint8_t)c;
    /* The ticket table holds today's dimensions itself; the others' own stand in where there is no ticket. */
    unsigned set = pass->current && pass->table == FACT_TICKET ? 1 : 0;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (pass->fields & 1ull << f)
            columns[n++] = (uint8_t)FACT_DIMENSION(set, f);
    return n;
}

/* --- one batch
 * --------------------------------------------------------------------------------------------------- */

static int too_many_groups(struct scan *s)
{
    const struct plan *p = s->plan;
    size_t rows_max = p->context->rows_max ? p->context->rows_max : QUERY_ROWS_MAX;
    (void)error_set(s->err, -E2BIG, "result_size", "the answer would have more than %zu rows", rows_max);
    error_hint(s->err, "group by fewer dimensions, or ask for longer periods");
    return -E2BIG;
}

/* The period in which a row left something out, or -1 for the opening of a backlog. */
static int64_t period_cell(const struct plan *p, const struct measure *m, uint32_t group, int32_t slot)
{
    if (m->anchor == ANCHOR_INSTANT && p->has_opening)
        slot--;
    return slot < 0 ? -1 : (int64_t)group * p->periods.n + slot;
}

static int add_vote(struct scan *s, struct measure *m, const struct batch *b, uint32_t i, uint32_t cell,
                    bool success)
{
    uint32_t unit = 0;
    uint64_t respondent = 0;
    if (m->unit == UNIT_SITE)
        unit = b->rows.dimensions[FIELD_SITE][i];
    else if (m->unit == UNIT_ORG)
        unit = b->ids[s->plan->org][i];
    if (m->metric->table == FACT_RATING) {
        respondent = (uint64_t)b->rows.values[FACT_RATING_RESPONDENT][i];
        if (respondent == 0) { /* a ballot without a name is its own respondent */
            const int64_t ballot[] = {b->rows.values[FACT_SUBJECT][i], b->rows.values[FACT_RATING_AT][i],
                                      b->rows.values[FACT_RATING_QUESTION][i]};
            respondent = XXH3_64bits(ballot, sizeof(ballot));
        }
    }
    return measure_add_vote(m, cell, unit, respondent, success);
}

static inline void cell_add(struct cell *c, int64_t value)
{
    if (c->n == 0 || value < c->min)
        c->min = value;
    if (c->n == 0 || value > c->max)
        c->max = value;
    c->sum += value;
    c->n++;
}

/* A column of the batch that was not read with the others. */
static int need(struct scan *s, struct batch *b, unsigned column)
{
    if (b->rows.values[column])
        return 0;
    int r = fact_scan_fetch(s->source, (uint8_t)column, &s->vector, s->err);
    b->rows.values[column] = s->vector.values[column];
    return r;
}

/* Rows that are no plain samples, and tickets whose creation is inferred. */
static int count_sides(struct scan *s, struct measure *m, struct batch *b, const uint8_t *verdicts)
{
    struct plan *p = s->plan;
    const int32_t *slots = b->slots[m->anchor];
    const int64_t *flags = b->rows.values[FACT_FLAGS];
    int r;
    if ((r = need(s, b, FACT_SUBJECT)) < 0 || (r = need(s, b, FACT_NAMESPACE)) < 0)
        return r;
    const int64_t *subjects = b->rows.values[FACT_SUBJECT], *namespaces = b->rows.values[FACT_NAMESPACE],
                  *reasons = b->rows.values[FACT_EXCLUDED];
    for (uint32_t i = 0; i < b->rows.n; i++) {
        enum verdict verdict = verdicts[i];
        bool is_inferred =
            verdict == VERDICT_INFERRED || (verdict == VERDICT_SAMPLE && flags[i] & FACT_FLAG_INFERRED);
        if (verdict == VERDICT_BESIDE || verdict == VERDICT_BESIDE_2) {
            struct cell *c = measure_cell(m, s->groups[i], (uint32_t)slots[i]);
            c->beside[0]++;
            c->beside[1] += verdict == VERDICT_BESIDE_2;
        }
        if (is_inferred && !m->is_helper && tally_infer(&p->tally, (uint32_t)subjects[i]) < 0)
            return no_memory(s->err);
        if (verdict != VERDICT_EXCLUDED)
            continue;
        int64_t cell = period_cell(p, m, s->groups[i], slots[i]);
        if (cell >= 0 && tally_exclude(&p->tally, (uint32_t)cell, (uint32_t)subjects[i],
                                       (uint32_t)namespaces[i], (enum fact_excluded)reasons[i]) < 0)
            return no_memory(s->err);
    }
    return 0;
}

static int count_votes(struct scan *s, struct measure *m, const struct batch *b, const uint8_t *verdicts,
                       const uint8_t *success)
{
    for (uint32_t i = 0; i < b->rows.n; i++) {
        if (verdicts[i] != VERDICT_SAMPLE)
            continue;
        uint32_t cell = s->groups[i] * m->n_slots + (uint32_t)b->slots[m->anchor][i];
        if (add_vote(s, m, b, i, cell, success[i]) < 0)
            return no_memory(s->err);
    }
    return 0;
}

static int count_samples(struct scan *s, struct measure *m, struct batch *b, const uint8_t *verdicts)
{
    const uint8_t *columns = m->metric->values[m->clock].columns;
    int r = 0;
    for (unsigned k = 0; k < METRIC_COLUMNS && columns[k] != COLUMN_NONE && r == 0; k++)
        if (columns[k] != COLUMN_INSTANT)
            r = need(s, b, columns[k]);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < b->rows.n; i++) {
        if (verdicts[i] != VERDICT_SAMPLE)
            continue;
        uint32_t cell = s->groups[i] * m->n_slots + (uint32_t)b->slots[m->anchor][i];
        int64_t value = judge_value(m, b, i);
        cell_add(&m->cells[cell], value);
        if (m->wants_samples && measure_add_sample(m, cell, value) < 0)
            return no_memory(s->err);
    }
    return 0;
}

static int accumulate(struct scan *s, struct measure *m, struct batch *b, const uint8_t *verdicts,
                      const uint8_t *success)
{
    const int32_t *slots = b->slots[m->anchor];
    const int64_t *flags = b->rows.values[FACT_FLAGS];
    unsigned has_sides = 0, has_samples = 0;
    for (uint32_t i = 0; i < b->rows.n; i++) {
        has_samples |= verdicts[i] == VERDICT_SAMPLE;
        has_sides |=
            verdicts[i] > VERDICT_SAMPLE || (verdicts[i] == VERDICT_SAMPLE && flags[i] & FACT_FLAG_INFERRED);
    }
    int r = has_sides ? count_sides(s, m, b, verdicts) : 0;
    if (r < 0 || !has_samples)
        return r;
    if (m->unit != UNIT_TICKET)
        return count_votes(s, m, b, verdicts, success);
    if (m->metric->kind == METRIC_DURATION || m->metric->kind == METRIC_MEAN)
        return count_samples(s, m, b, verdicts);
    bool is_ratio = m->metric->kind == METRIC_RATIO;
    for (uint32_t i = 0; i < b->rows.n; i++) {
        if (verdicts[i] != VERDICT_SAMPLE)
            continue;
        struct cell *c = measure_cell(m, s->groups[i], (uint32_t)slots[i]);
        c->n++;
        c->x += is_ratio && success[i];
        /* A span counts from its first instant until that of its end, where there is one. */
        if (m->is_running && (uint32_t)s->ends[i] < m->n_slots)
            measure_cell(m, s->groups[i], (uint32_t)s->ends[i])->n--;
    }
    return 0;
}

/* A row that several metrics of a pass leave out for one reason counts once. */
static void count_left_out(struct scan *s, const struct pass *pass, uint32_t n)
{
    struct plan *p = s->plan;
    for (unsigned reason = 0; reason < LEFT_OUT_N; reason++) {
        uint64_t count = 0;
        for (unsigned k = 0; k < pass->n_measures; k++)
            if (p->measures[pass->measures[k]].metric->left_out & 1u << reason)
                for (uint32_t i = 0; i < n; i++) {
                    bool is_new = s->verdicts[k][i] == VERDICT_LEFT_OUT + reason;
                    for (unsigned before = 0; is_new && before < k; before++)
                        is_new = s->verdicts[before][i] != VERDICT_LEFT_OUT + reason;
                    count += is_new;
                }
        p->tally.left_out[reason] += count;
    }
}

/* Judges the rows, numbers their groups and counts them. b has rows and slots; keep says which are there. */
static int scan_batch(struct scan *s, const struct pass *pass, struct batch *b)
{
    struct plan *p = s->plan;
    const uint32_t n = b->rows.n;
    const uint32_t *by[REQUEST_BY_MAX];
    int r = plan_check(p, s->err);
    if (r < 0)
        return r;
    for (unsigned k = 0; k < p->n_used; k++) {
        unsigned place = p->used[k];
        if (!dimension_is_of(&p->request->names.names[place], pass->table))
            continue; /* of a helper, which the condition says nothing of */
        dimension_ids(p->dimensions[place], &b->rows, s->ids[place]);
        b->ids[place] = s->ids[place];
    }
    if (p->filter) {
        filter_judge(p->filter, s->ids, n, s->wanted);
        for (uint32_t i = 0; i < n; i++)
            s->keep[i] &= s->wanted[i];
    }
    b->keep = s->keep;
    memset(s->wanted, 0, n);
    for (unsigned k = 0; k < pass->n_measures; k++) {
        uint8_t *verdicts = s->verdicts[k];
        judge_rows(p, &p->measures[pass->measures[k]], b, verdicts, s->success[k]);
        for (uint32_t i = 0; i < n; i++)
            s->wanted[i] |= verdicts[i] != VERDICT_NONE && verdicts[i] < VERDICT_INFERRED;
    }
    count_left_out(s, pass, n);
    for (unsigned k = 0; k < p->request->n_by; k++)
        by[k] = s->ids[p->request->by[k]];
    r = groups_number(p->groups, by, n, s->wanted, s->groups);
    if (r < 0)
        return r == -E2BIG ? too_many_groups(s) : no_memory(s->err);
    for (unsigned i = 0; i < p->n_measures; i++)
        if (measure_reserve(&p->measures[i], groups_count(p->groups)) < 0)
            return no_memory(s->err);
    for (unsigned k = 0; k < pass->n_measures; k++) {
        r = accumulate(s, &p->measures[pass->measures[k]], b, s->verdicts[k], s->success[k]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- what batches are made of
 * --------------------------------------------------------------------------------------- */

static void find_slots(const struct plan *p, const int64_t *anchors, uint32_t n, int32_t *slots)
{
    uint32_t hint = 0;
    if (is_everything(p)) { /* and no metric that asks has rows without the anchor */
        memset(slots, 0, n * sizeof(*slots));
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        slots[i] = anchors[i] == FACT_NULL ? -1 : periods_find(&p->periods, anchors[i], &hint);
}

/* Today's dimensions in place of the rows' own, where their subject is a ticket. */
static void use_current(struct scan *s, const struct pass *pass, struct rows *rows)
{
    const int64_t *subjects = rows->values[FACT_SUBJECT];
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
        if (!(pass->fields & 1ull << f))
            continue;
        const uint16_t *own = rows->dimensions[f];
        uint16_t *out = s->dimensions[f];
        for (uint32_t i = 0; i < rows->n; i++) {
            uint64_t subject = (uint64_t)subjects[i];
            bool is_known = subject < s->current.capacity && s->current.known[subject];
            out[i] = is_known ? s->current.codes[f][subject] : own[i];
        }
        rows->dimensions[f] = out;
    }
}

/* The instants at which reference rows are looked up: those of the samples, or the present. */
static void find_instants(struct scan *s, const struct pass *pass, struct rows *rows)
{
    const int64_t *completed = rows->values[pass->completed];
    if (pass->current) {
        for (uint32_t i = 0; i < rows->n; i++)
            s->instants[i] = s->plan->request->now;
        rows->instants = s->instants;
    } else if (pass->table == FACT_RATING) {
        const int64_t *solve = rows->values[FACT_RATING_SOLVE_AT];
        for (uint32_t i = 0; i < rows->n; i++)
            s->instants[i] = solve[i] != FACT_NULL ? solve[i] : completed[i];
        rows->instants = s->instants;
    } else {
        rows->instants = completed;
    }
}

static int scan_plain(struct scan *s, const struct pass *pass, const struct rows *from)
{
    struct batch b = {.rows = *from};
    if (pass->current && pass->table != FACT_TICKET)
        use_current(s, pass, &b.rows);
    find_instants(s, pass, &b.rows);
    if (pass->anchors[ANCHOR_CREATED]) {
        find_slots(s->plan, b.rows.values[FACT_CREATED], b.rows.n, s->slots[ANCHOR_CREATED]);
        b.slots[ANCHOR_CREATED] = s->slots[ANCHOR_CREATED];
    }
    if (pass->anchors[ANCHOR_COMPLETED]) {
        find_slots(s->plan, b.rows.values[pass->completed], b.rows.n, s->slots[ANCHOR_COMPLETED]);
        b.slots[ANCHOR_COMPLETED] = s->slots[ANCHOR_COMPLETED];
    }
    return scan_batch(s, pass, &b);
}

/* Takes the ratings without a ticket that have a respondent out of the rows, and keeps the last of each. */
static int set_loose_aside(struct scan *s, const struct pass *pass, const struct rows *rows)
{
    const int64_t *const *v = rows->values;
    uint32_t hint = 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        if (!s->keep[i] || !(v[FACT_FLAGS][i] & FACT_FLAG_LOOSE) || v[FACT_RATING_RESPONDENT][i] == 0 ||
            v[FACT_RATING_RELATION][i] == RELATION_RESELLER)
            continue;
        s->keep[i] = 0;
        struct loose_rating rating = {.slot = periods_find(&s->plan->periods, v[FACT_RATING_AT][i], &hint)};
        if (rating.slot < 0)
            continue;
        for (unsigned c = 0; c < FACT_N_RATING_VALUES; c++)
            rating.values[c] = v[c][i];
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            if (pass->fields & 1ull << f)
                rating.dimensions[f] = rows->dimensions[f][i];
        int r = loose_add(&s->loose, &rating);
        if (r < 0)
            return r == -E2BIG ? error_set(s->err, r, "query_memory", "the query has too many ratings")
                               : no_memory(s->err);
    }
    s->plan->loose_bytes = s->loose.capacity * sizeof(struct loose_rating);
    return 0;
}

static void gathered_rows(struct scan *s, const struct pass *pass, uint32_t n, struct rows *ret)
{
    *ret = (struct rows){.n = n, .table = pass->table};
    for (unsigned c = 0; c < FACT_VALUES_MAX; c++)
        if (pass->wants[c])
            ret->values[c] = s->values[c];
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (pass->fields & 1ull << f)
            ret->dimensions[f] = s->dimensions[f];
    memset(s->keep, 1, n);
}

static int scan_loose(struct scan *s, const struct pass *pass)
{
    for (size_t at = 0; at < s->loose.n;) {
        size_t left = s->loose.n - at;
        uint32_t n = left < FACT_VECTOR_ROWS ? (uint32_t)left : FACT_VECTOR_ROWS;
        struct rows rows;
        for (uint32_t i = 0; i < n; i++) {
            const struct loose_rating *rating = &s->loose.ratings[at + i];
            for (unsigned c = 0; c < FACT_N_RATING_VALUES; c++)
                s->values[c][i] = rating->values[c];
            for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
                s->dimensions[f][i] = rating->dimensions[f];
        }
        gathered_rows(s, pass, n, &rows);
        int r = scan_plain(s, pass, &rows);
        if (r < 0)
            return r;
        at += n;
    }
    return 0;
}

static int flush_spans(struct scan *s, const struct pass *pass, uint32_t n)
{
    struct batch b = {.instants = s->asked};
    gathered_rows(s, pass, n, &b.rows);
    b.rows.instants = s->asked;
    b.slots[ANCHOR_INSTANT] = s->slots[ANCHOR_INSTANT];
    if (pass->current) {
        use_current(s, pass, &b.rows);
        find_instants(s, pass, &b.rows);
    }
    return scan_batch(s, pass, &b);
}

/* Who the tickets of spans are matters where one is left out: then the whole vector's are fetched, since rows
 * of several vectors are put together. */
static int fetch_subjects(struct scan *s, struct rows *rows)
{
    const int64_t *flags = rows->values[FACT_FLAGS], *excluded = rows->values[FACT_EXCLUDED];
    int64_t any = 0;
    for (uint32_t i = 0; i < rows->n; i++)
        any |= excluded[i] | (flags[i] & FACT_FLAG_INFERRED);
    for (unsigned c = FACT_SUBJECT; any && c <= FACT_NAMESPACE; c++) {
        if (rows->values[c])
            continue;
        int r = fact_scan_fetch(s->source, (uint8_t)c, &s->vector, s->err);
        if (r < 0)
            return r;
        rows->values[c] = s->vector.values[c];
    }
    return 0;
}

static void gather_span(struct scan *s, const struct pass *pass, const struct rows *rows, uint32_t i,
                        uint32_t at)
{
    for (unsigned c = 0; c < FACT_N_SPAN_VALUES; c++)
        if (rows->values[c])
            s->values[c][at] = rows->values[c][i];
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (pass->fields & 1ull << f)
            s->dimensions[f][at] = rows->dimensions[f][i];
}

/* A span is a row at each instant within it, its dimensions looked up there; or one row for all of them. */
static int scan_spans(struct scan *s, const struct pass *pass, struct rows *rows, const uint8_t *live,
                      uint32_t *n_gathered)
{
    const struct plan *p = s->plan;
    const int64_t *from = rows->values[FACT_SPAN_FROM], *to = rows->values[FACT_SPAN_TO];
    int r = fetch_subjects(s, rows);
    for (uint32_t i = 0; i < rows->n && r == 0; i++) {
        if (live && !live[i])
            continue;
        uint32_t end = instants_before(p->instants, p->n_instants, to[i]), step;
        for (uint32_t k = instants_before(p->instants, p->n_instants, from[i]); k < end && r == 0;
             k += step) {
            uint32_t at = (*n_gathered)++;
            step = pass->is_running && rows->values[FACT_EXCLUDED][i] == EXCLUDED_NO ? end - k : 1;
            gather_span(s, pass, rows, i, at);
            s->asked[at] = p->instants[k];
            s->slots[ANCHOR_INSTANT][at] = (int32_t)k;
            s->ends[at] = (int32_t)(k + step);
            if (*n_gathered < FACT_VECTOR_ROWS)
                continue;
            r = flush_spans(s, pass, *n_gathered);
            *n_gathered = 0;
        }
    }
    return r;
}

/* --- passes
 * ------------------------------------------------------------------------------------------------------ */

static void vector_rows(const struct pass *pass, const struct fact_vector *v, struct rows *ret)
{
    unsigned set = pass->current && pass->table == FACT_TICKET ? 1 : 0;
    *ret = (struct rows){.n = v->n, .table = pass->table};
    memcpy(ret->values, v->values, sizeof(ret->values));
    memcpy(ret->dimensions, v->dimensions[set], sizeof(ret->dimensions));
}

static int run_vector(struct scan *s, const struct pass *pass, uint32_t *n_gathered)
{
    const struct fact_vector *v = &s->vector;
    struct rows rows;
    int r;
    vector_rows(pass, v, &rows);
    if (pass->table == FACT_SPAN)
        return scan_spans(s, pass, &rows, v->live, n_gathered);
    for (uint32_t i = 0; i < v->n; i++)
        s->keep[i] = !v->live || v->live[i];
    if (pass->table == FACT_RATING && (r = set_loose_aside(s, pass, &rows)) < 0)
        return r;
    return scan_plain(s, pass, &rows);
}

/* Where all that is asked of spans are counts, and no dimension changes within one, a span is counted from
 * its first instant to its last at once. */
static void pass_settle(struct plan *p, struct pass *pass)
{
    pass->is_running = pass->table == FACT_SPAN && (pass->current || !depends_on_time(p));
    for (unsigned k = 0; k < pass->n_measures; k++)
        pass->is_running &= p->measures[pass->measures[k]].metric->kind == METRIC_COUNT;
    for (unsigned k = 0; k < pass->n_measures; k++)
        p->measures[pass->measures[k]].is_running = pass->is_running;
}

static int run_pass(struct scan *s, struct pass *pass)
{
    struct plan *p = s->plan;
    uint8_t columns[FACT_COLUMNS_MAX];
    struct fact_bound bounds[2];
    uint32_t n_gathered = 0;
    pass_settle(p, pass);
    int r = fact_scan_open(p->view, pass->table, columns, pass_columns(p, pass, columns), bounds,
                           plan_bounds(p, pass, bounds), &s->source, s->err);
    if (r < 0)
        return r;
    while ((r = fact_scan_next(s->source, &s->vector, s->err)) == 1 &&
           (r = run_vector(s, pass, &n_gathered)) == 0)
        ;
    if (r == 0 && n_gathered > 0)
        r = flush_spans(s, pass, n_gathered);
    if (r == 0 && pass->table == FACT_RATING)
        r = scan_loose(s, pass);
    const struct fact_scan_statistics *statistics = fact_scan_statistics(s->source);
    pass->statistics.blocks_read += statistics->blocks_read;
    pass->statistics.blocks_skipped += statistics->blocks_skipped;
    pass->statistics.rows += statistics->rows;
    pass->statistics.bytes += statistics->bytes;
    fact_scan_close(s->source);
    s->source = NULL;
    return r;
}

int scan_run(struct plan *p, struct error *err)
{
    struct scan *s = NULL;
    int r = scan_new(p, err, &s);
    if (r < 0)
        return r;
    r = current_load(&s->current, p, err);
    for (unsigned i = 0; i < p->n_passes && r == 0; i++)
        r = run_pass(s, &p->passes[i]);
    scan_free(s);
    for (unsigned i = 0; i < p->n_measures && r == 0; i++)
        if (measure_finish(&p->measures[i]) < 0)
            r = no_memory(err);
    return r;
}
