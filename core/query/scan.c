#include "core/query/scan.h"

#include "core/query/count.h"
#include "core/query/gather.h"

#include <stdlib.h>
#include <string.h>

static void scan_free(struct scan *s)
{
    if (!s)
        return;
    current_fini(&s->current);
    ballots_fini(&s->ballots);
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
        return scan_no_memory(err);
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
    if (p->witness || ballot_columns(pass->table) || column == FACT_FLAGS || column == FACT_EXCLUDED)
        return true;
    if (column == FACT_SUBJECT)
        return pass->current && pass->table != FACT_TICKET;
    bool is_anchor = (column == FACT_CREATED && pass->anchors[ANCHOR_CREATED]) ||
                     (column == pass->completed && pass->anchors[ANCHOR_COMPLETED]);
    if (is_anchor && !is_everything(p))
        return true;
    bool is_instant =
        column == pass->completed || (pass->table == FACT_HOLDING && column == FACT_HOLDING_HELD_UNTIL);
    if (is_instant && (!pass->current || pass->judges_team) && depends_on_time(p))
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
        /* A holding's team is the one that held. */
        if (!(pass->fields & 1ull << f) || (pass->table == FACT_HOLDING && f == FIELD_TEAM))
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
    const struct ballot_columns *c = ballot_columns(pass->table);
    const int64_t *completed = rows->values[pass->completed];
    if (pass->current) {
        for (uint32_t i = 0; i < rows->n; i++)
            s->instants[i] = s->plan->request->now;
        rows->instants = s->instants;
    } else if (c && c->solve_at) {
        const int64_t *solve = rows->values[c->solve_at];
        for (uint32_t i = 0; i < rows->n; i++)
            s->instants[i] = solve[i] != FACT_NULL ? solve[i] : completed[i];
        rows->instants = s->instants;
    } else {
        rows->instants = completed;
        if (pass->table == FACT_HOLDING)
            rows->team_instants = rows->values[FACT_HOLDING_HELD_UNTIL];
    }
}

/* Who did it is told by the dimensions at that instant, also where all else is told by today's. */
static void find_own_ids(struct scan *s, const struct pass *pass, const struct rows *from, struct batch *b)
{
    const struct plan *p = s->plan;
    struct rows own = *from;
    own.instants = own.values[pass->completed];
    if (p->model >= 0) {
        dimension_ids(p->dimensions[p->model], &own, s->own_ids[0]);
        b->model = s->own_ids[0];
    }
    if (p->region >= 0) {
        dimension_ids(p->dimensions[p->region], &own, s->own_ids[1]);
        b->region = s->own_ids[1];
    }
}

static int scan_plain(struct scan *s, const struct pass *pass, const struct rows *from)
{
    struct batch b = {.rows = *from,
                      .site = from->dimensions[FIELD_SITE],
                      .category = from->dimensions[FIELD_CATEGORY],
                      .channel = from->dimensions[FIELD_CHANNEL]};
    if (pass->table == FACT_SLA_CYCLE &&
        cycles_judge(&s->cycles, s->plan->clocks, s->plan->request->now, &b.rows) < 0)
        return scan_no_memory(s->err);
    if (pass->current && pass->judges_team)
        find_own_ids(s, pass, from, &b);
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
    return count_batch(s, pass, &b);
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

/* What was kept aside, now that it is known what counts. */
static int scan_ballots(struct scan *s, const struct pass *pass)
{
    int r = gather_settle(s, pass);
    for (size_t at = 0; at < s->ballots.n && r == 0;) {
        size_t left = s->ballots.n - at;
        uint32_t n = left < FACT_VECTOR_ROWS ? (uint32_t)left : FACT_VECTOR_ROWS;
        struct rows rows;
        gather_rows(s, pass, at, n);
        gathered_rows(s, pass, n, &rows);
        r = scan_plain(s, pass, &rows);
        at += n;
    }
    gather_clear(s);
    return r;
}

static int flush_spans(struct scan *s, const struct pass *pass, uint32_t n)
{
    struct batch b = {.instants = s->asked, .ages = s->ages};
    gathered_rows(s, pass, n, &b.rows);
    if (pass->fields & 1ull << FIELD_SITE) {
        memcpy(s->sites, s->dimensions[FIELD_SITE], n * sizeof(s->sites[0]));
        b.site = s->sites;
    }
    b.rows.instants = s->asked;
    b.slots[ANCHOR_INSTANT] = s->slots[ANCHOR_INSTANT];
    if (pass->current) {
        use_current(s, pass, &b.rows);
        find_instants(s, pass, &b.rows);
    }
    return count_batch(s, pass, &b);
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
    if (pass->gather != GATHER_NONE && (r = gather_set_aside(s, pass, &rows)) < 0)
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
    ballots_init(&s->ballots, pass->table, &p->environment);
    s->resellers = 0;
    int r = p->given ? 0
                     : fact_scan_open(p->view, pass->table, columns, pass_columns(p, pass, columns), bounds,
                                      plan_bounds(p, pass, bounds), &s->source, s->err);
    if (r < 0)
        return r;
    if (p->given)
        given_begin(p->given);
    while ((r = p->given ? given_next(p->given, pass->table, &s->vector)
                         : fact_scan_next(s->source, &s->vector, s->err)) == 1 &&
           (r = run_vector(s, pass, &n_gathered)) == 0)
        ;
    if (r == 0 && n_gathered > 0)
        r = flush_spans(s, pass, n_gathered);
    if (r == 0 && pass->gather != GATHER_NONE)
        r = scan_ballots(s, pass);
    if (p->given)
        return r;
    const struct fact_scan_statistics *statistics = fact_scan_statistics(s->source);
    pass->statistics.blocks_read += statistics->blocks_read;
    pass->statistics.blocks_skipped += statistics->blocks_skipped;
    pass->statistics.rows += statistics->rows;
    pass->statistics.bytes += statistics->bytes;
    fact_scan_close(s->source);
    s->source = NULL;
    return r;
}

static int finish_measures(struct plan *p, struct error *err)
{
    const uint32_t n = groups_count(p->groups);
    uint32_t *bases = p->ignored ? malloc((n ? n : 1) * sizeof(*bases)) : NULL;
    int r = 0;
    if (p->ignored && (!bases || groups_bases(p->groups, p->ignored, bases) < 0))
        r = -ENOMEM;
    for (unsigned i = 0; i < p->n_measures && r == 0; i++)
        r = measure_finish(&p->measures[i], bases, n);
    free(bases);
    return r < 0 ? scan_no_memory(err) : 0;
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
    p->tally.left_out[LEFT_OUT_RESELLER] += p->tally.resellers;
    return r == 0 ? finish_measures(p, err) : r;
}
