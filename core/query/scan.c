#include "core/query/scan.h"

#include "core/query/count.h"
#include "core/query/gather.h"
#include "core/query/share.h"

#include <stdlib.h>
#include <string.h>

/* --- working memory
 * ----------------------------------------------------------------------------------------- */

static void scan_free(void *memory)
{
    struct scan *s = memory;
    if (!s)
        return;
    for (unsigned i = 0; i < PLAN_DIMENSIONS_MAX; i++)
        free(s->ids[i]);
    for (unsigned i = 0; i < PLAN_MEASURES_MAX; i++) {
        free(s->judged[i].verdicts);
        free(s->judged[i].success);
    }
    free(s->filter_room);
    picks_fini(&s->picks);
    fact_reader_free(s->reader);
    free(s);
}

struct scan *scan_take(struct crew *crew)
{
    struct scan *s = crew_take(crew);
    if (!s)
        s = calloc(1, sizeof(*s));
    if (s && !s->reader && !(s->reader = fact_reader_new())) {
        scan_free(s);
        s = NULL;
    }
    return s;
}

void scan_give(struct crew *crew, struct scan *s)
{
    if (s)
        crew_leave(crew, s, scan_free);
}

static bool scan_reserve(struct scan *s, const struct plan *p)
{
    size_t filter = p->filter ? filter_room(p->filter) : 0,
           whatever = p->whatever ? filter_room(p->whatever) : 0,
           size = filter > whatever ? filter : whatever;
    bool ok = true;
    for (unsigned k = 0; ok && k < p->n_used; k++) {
        uint32_t **ids = &s->ids[p->used[k]];
        ok = *ids || (*ids = malloc(FACT_VECTOR_ROWS * sizeof(**ids)));
    }
    for (unsigned i = 0; ok && i < p->n_measures; i++) {
        struct judged *j = &s->judged[i];
        ok = (j->verdicts || (j->verdicts = malloc(FACT_VECTOR_ROWS))) &&
             (j->success || (j->success = calloc(FACT_VECTOR_ROWS, 1)));
    }
    if (ok && size > s->filter_room_size) {
        free(s->filter_room);
        s->filter_room = malloc(size);
        s->filter_room_size = s->filter_room ? size : 0;
        ok = s->filter_room;
    }
    return ok;
}

static int scan_new(struct plan *p, const struct current *current, struct error *err, struct scan **ret)
{
    struct scan *s = scan_take(p->context->crew);
    if (!s || !scan_reserve(s, p)) {
        scan_free(s);
        return scan_no_memory(err);
    }
    s->plan = p;
    s->err = err;
    s->current = current;
    s->picks.failed = 0;
    *ret = s;
    return 0;
}

static void scan_leave(struct scan *s)
{
    if (!s)
        return;
    struct crew *crew = s->plan->context->crew;
    ballots_fini(&s->ballots);
    s->plan = NULL;
    s->err = NULL;
    s->current = NULL;
    scan_give(crew, s);
}

/* --- what batches are made of
 * --------------------------------------------------------------------------------------- */

static bool depends_on_time(const struct plan *p)
{
    for (unsigned k = 0; k < p->n_used; k++)
        if (!dimension_is_timeless(p->dimensions[p->used[k]]))
            return true;
    return false;
}

/* Today's dimensions in place of the rows' own, where their subject is a ticket. */
static void use_current(struct scan *s, const struct pass *pass, struct batch *b)
{
    const struct current *current = s->current;
    const int64_t *subjects = batch_values(b, FACT_SUBJECT);
    struct rows *rows = &b->rows;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
        /* A holding's team is the one that held. */
        if (!(pass->fields & 1ull << f) || (pass->table == FACT_HOLDING && f == FIELD_TEAM))
            continue;
        const uint16_t *own = batch_codes(b, f);
        uint16_t *out = s->dimensions[f];
        for (uint32_t i = 0; i < rows->n; i++) {
            uint64_t subject = (uint64_t)subjects[i];
            bool is_known = subject < current->capacity && current->known[subject];
            out[i] = is_known ? current->codes[f][subject] : own[i];
        }
        rows->dimensions[f] = out;
    }
}

/* The instants at which reference rows are looked up: those of the samples, or the present. */
static void find_instants(struct scan *s, const struct pass *pass, struct batch *b)
{
    const struct ballot_columns *c = ballot_columns(pass->table);
    struct rows *rows = &b->rows;
    if (!depends_on_time(s->plan))
        return;
    if (pass->current) {
        for (uint32_t i = 0; i < rows->n; i++)
            s->instants[i] = s->plan->request->now;
        rows->instants = s->instants;
    } else if (c && c->solve_at) {
        const int64_t *solve = batch_values(b, c->solve_at), *completed = batch_values(b, pass->completed);
        for (uint32_t i = 0; i < rows->n; i++)
            s->instants[i] = solve[i] != FACT_NULL ? solve[i] : completed[i];
        rows->instants = s->instants;
    } else {
        rows->instants = batch_values(b, pass->completed);
        if (pass->table == FACT_HOLDING)
            rows->team_instants = batch_values(b, FACT_HOLDING_HELD_UNTIL);
    }
}

/* Who did it is told by the dimensions at that instant, also where all else is told by today's. */
static void find_own_ids(struct scan *s, const struct pass *pass, struct batch *b)
{
    const struct plan *p = s->plan;
    const int places[2] = {p->model, p->region};
    const uint32_t **ret[2] = {&b->model, &b->region};
    for (unsigned i = 0; i < 2; i++) {
        if (places[i] < 0)
            continue;
        batch_for_dimension(b, &p->request->names.names[places[i]]);
        struct rows own = b->rows;
        own.instants = batch_values(b, pass->completed);
        dimension_ids(p->dimensions[places[i]], &own, &s->dimension_room, s->own_ids[i]);
        *ret[i] = s->own_ids[i];
    }
}

static void read_fields(const struct pass *pass, struct batch *b)
{
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (pass->fields & 1ull << f)
            (void)batch_codes(b, f);
}

static void read_wanted(const struct pass *pass, struct batch *b)
{
    for (unsigned c = 0; c < FACT_TABLE_INFO[pass->table].n_values; c++)
        if (pass->wants[c])
            (void)batch_values(b, c);
}

/* What trials and votes read of the rows' own, before today's dimensions stand in their place. */
static void read_own(const struct plan *p, const struct pass *pass, struct batch *b)
{
    for (unsigned k = 0; k < pass->n_measures; k++) {
        const struct measure *m = &p->measures[pass->measures[k]];
        if (m->metric->trial == TRIAL_FIRST_CONTACT) {
            b->category = batch_codes(b, FIELD_CATEGORY);
            b->channel = batch_codes(b, FIELD_CHANNEL);
        }
    }
}

static int scan_plain(struct scan *s, struct pass *pass, struct batch *b)
{
    if (pass->table == FACT_SLA_CYCLE) {
        read_wanted(pass, b);
        b->has_ranges = false; /* four columns are not as the store has them */
        if (cycles_judge(&s->cycles, s->plan->clocks, s->plan->request->now, &b->rows) < 0)
            return scan_no_memory(s->err);
    }
    if (s->plan->witness) {
        read_wanted(pass, b);
        read_fields(pass, b);
    }
    read_own(s->plan, pass, b);
    if (pass->current && pass->judges_team)
        find_own_ids(s, pass, b);
    if (pass->current && pass->table != FACT_TICKET)
        use_current(s, pass, b);
    find_instants(s, pass, b);
    return count_batch(s, pass, b);
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
}

/* What was kept aside, now that it is known what counts. */
static int scan_ballots(struct scan *s, struct pass *pass)
{
    int r = gather_settle(s, pass);
    for (size_t at = 0; at < s->ballots.n && r == 0;) {
        size_t left = s->ballots.n - at;
        uint32_t n = left < FACT_VECTOR_ROWS ? (uint32_t)left : FACT_VECTOR_ROWS;
        struct batch b = {.rows = {.n = n}, .bytes = s->bytes};
        gather_rows(s, pass, at, n);
        gathered_rows(s, pass, n, &b.rows);
        r = scan_plain(s, pass, &b);
        at += n;
    }
    gather_clear(s);
    return r;
}

/* --- spans
 * --------------------------------------------------------------------------------------------------- */

static int flush_spans(struct scan *s, struct pass *pass)
{
    const uint32_t n = s->n_gathered;
    struct batch b = {.instants = s->asked, .ages = s->ages, .bytes = s->bytes};
    s->n_gathered = 0;
    gathered_rows(s, pass, n, &b.rows);
    if (pass->fields & 1ull << FIELD_SITE) {
        memcpy(s->sites, s->dimensions[FIELD_SITE], n * sizeof(s->sites[0]));
        b.site = s->sites;
    }
    b.slots[ANCHOR_INSTANT].at = s->slots[ANCHOR_INSTANT];
    if (pass->current)
        use_current(s, pass, &b);
    find_instants(s, pass, &b);
    if (!pass->current)
        b.rows.instants = s->asked;
    return count_batch(s, pass, &b);
}

/* Who the tickets of spans are matters where one is left out: then the whole vector's are read, since rows of
 * several vectors are put together. */
static void read_spans(const struct pass *pass, struct batch *b)
{
    int64_t any = 0;
    for (unsigned c = FACT_EXCLUDED; c < FACT_N_SPAN_VALUES; c++)
        if (pass->wants[c])
            (void)batch_values(b, c);
    read_fields(pass, b);
    const int64_t *flags = b->rows.values[FACT_FLAGS], *excluded = b->rows.values[FACT_EXCLUDED];
    for (uint32_t i = 0; i < b->rows.n; i++)
        any |= excluded[i] | (flags[i] & FACT_FLAG_INFERRED);
    if (any || pass->current) {
        (void)batch_values(b, FACT_SUBJECT);
        (void)batch_values(b, FACT_NAMESPACE);
    }
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
static int scan_spans(struct scan *s, struct pass *pass, struct batch *b)
{
    const struct plan *p = s->plan;
    const struct rows *rows = &b->rows;
    int r = 0;
    read_spans(pass, b);
    if (b->reader && (r = fact_reader_check(b->reader, s->err)) < 0)
        return r;
    const int64_t *from = rows->values[FACT_SPAN_FROM], *to = rows->values[FACT_SPAN_TO];
    for (uint32_t i = 0; i < rows->n && r == 0; i++) {
        if (b->keep && !b->keep[i])
            continue;
        uint32_t end = instants_before(p->instants, p->n_instants, to[i]), step;
        for (uint32_t k = instants_before(p->instants, p->n_instants, from[i]); k < end && r == 0;
             k += step) {
            uint32_t at = s->n_gathered++;
            step = pass->is_running && rows->values[FACT_EXCLUDED][i] == EXCLUDED_NO ? end - k : 1;
            gather_span(s, pass, rows, i, at);
            s->asked[at] = p->instants[k];
            s->slots[ANCHOR_INSTANT][at] = (int32_t)k;
            s->ends[at] = (int32_t)(k + step);
            if (s->n_gathered == FACT_VECTOR_ROWS)
                r = flush_spans(s, pass);
        }
    }
    return r;
}

/* --- passes
 * ------------------------------------------------------------------------------------------------------ */

static int scan_batch(struct scan *s, struct pass *pass, struct batch *b)
{
    if (pass->table == FACT_SPAN)
        return scan_spans(s, pass, b);
    int r = pass->gather != GATHER_NONE ? gather_set_aside(s, pass, b) : 0;
    return r < 0 ? r : scan_plain(s, pass, b);
}

/* Takes vectors of a pass until there are no more. */
static int read_pass(struct scan *s, struct pass *pass, struct fact_scan *source)
{
    struct batch b;
    const uint8_t *live;
    uint32_t n;
    int r = 0;
    fact_reader_begin(s->reader, source);
    while (r == 0 && fact_reader_next(s->reader, &n, &live)) {
        b = (struct batch){.rows = {.n = n, .table = pass->table},
                           .reader = s->reader,
                           .bytes = s->bytes,
                           /* The ticket table holds today's dimensions itself; the others' own stand in where
                            * there is no ticket. */
                           .set = pass->current && pass->table == FACT_TICKET,
                           .has_ranges = true};
        if (live) {
            memcpy(s->keep, live, n);
            b.keep = s->keep;
        }
        r = scan_batch(s, pass, &b);
    }
    if (r == 0)
        r = fact_reader_check(s->reader, s->err);
    return r;
}

/* The same of rows that are at hand. */
static int read_given(struct scan *s, struct pass *pass)
{
    struct given *given = s->plan->given;
    struct fact_vector v;
    int r = 0;
    given_begin(given);
    while (r == 0 && given_next(given, pass->table, &v) == 1) {
        struct batch b = {.rows = {.n = v.n, .table = pass->table}, .bytes = s->bytes};
        memcpy(b.rows.values, v.values, sizeof(v.values));
        memcpy(b.rows.dimensions, v.dimensions[pass->current && pass->table == FACT_TICKET],
               sizeof(b.rows.dimensions));
        r = scan_batch(s, pass, &b);
    }
    return r;
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

/* --- threads
 * ------------------------------------------------------------------------------------------------------ */

/* Some passes, read by all threads that come. */
struct reading {
    struct plan *plan;
    const struct current *current;
    unsigned first, n_passes;
    struct fact_scan *sources[PLAN_PASSES_MAX];

    /* by place */
    struct plan *shares[CREW_THREADS_MAX]; /* 0: the plan itself */
    struct scan *scans[CREW_THREADS_MAX];
    struct error errors[CREW_THREADS_MAX];
    int results[CREW_THREADS_MAX];
    atomic_bool failed; /* somebody did: the others need not go on */
};

static void read_passes(void *context, unsigned place)
{
    struct reading *g = context;
    struct scan *s = NULL;
    int r = scan_new(g->shares[place], g->current, &g->errors[place], &s);
    g->scans[place] = s;
    for (unsigned i = 0; i < g->n_passes && r == 0 && !atomic_load(&g->failed); i++) {
        struct pass *pass = &g->shares[place]->passes[g->first + i];
        ballots_init(&s->ballots, pass->table, &s->plan->environment);
        r = s->plan->given ? read_given(s, pass) : read_pass(s, pass, g->sources[i]);
        if (r == 0 && s->n_gathered > 0)
            r = flush_spans(s, pass);
        s->n_gathered = 0;
    }
    if (r < 0)
        atomic_store(&g->failed, true);
    g->results[place] = r;
}

static int open_sources(struct reading *g, unsigned *ret_threads, struct error *err)
{
    struct plan *p = g->plan;
    size_t n_vectors = 0;
    int r = 0;
    for (unsigned i = 0; i < g->n_passes && r == 0 && !p->given; i++) {
        const struct pass *pass = &p->passes[g->first + i];
        struct fact_bound bounds[2];
        size_t n_bounds = plan_bounds(p, pass, bounds);
        r = fact_scan_open(p->view, pass->table, NULL, 0, bounds, n_bounds, &g->sources[i], err);
        n_vectors += r == 0 ? fact_scan_vectors(g->sources[i]) : 0;
    }
    *ret_threads = share_is_possible(p) ? crew_threads(p->context->crew, n_vectors) : 1;
    return r;
}

static void close_sources(struct reading *g)
{
    for (unsigned i = 0; i < g->n_passes; i++) {
        if (!g->sources[i])
            continue;
        const struct fact_scan_statistics *from = fact_scan_statistics(g->sources[i]);
        struct fact_scan_statistics *to = &g->plan->passes[g->first + i].statistics;
        to->blocks_read += from->blocks_read;
        to->blocks_skipped += from->blocks_skipped;
        to->rows += from->rows;
        to->bytes += from->bytes;
        fact_scan_close(g->sources[i]);
    }
}

/* Puts together what the threads have counted and set aside, and counts that. */
static int put_together(struct reading *g, struct error *err)
{
    struct pass *pass = &g->plan->passes[g->first];
    struct scan *s = g->scans[0];
    int r = 0;
    for (unsigned i = 0; i < CREW_THREADS_MAX && r == 0; i++)
        if (g->results[i] < 0) {
            *err = g->errors[i];
            r = g->results[i];
        }
    if (r < 0)
        return r;
    s->err = err;
    for (unsigned i = 1; i < CREW_THREADS_MAX && r == 0; i++) {
        if (!g->scans[i]) /* nobody came */
            continue;
        r = share_merge(g->shares[i]);
        if (r == -E2BIG)
            r = count_too_many_groups(g->plan, err);
        else if (r < 0)
            r = scan_no_memory(err);
        if (r == 0 && pass->gather != GATHER_NONE)
            r = gather_merge(s, pass, &g->scans[i]->ballots);
    }
    if (r == 0)
        r = plan_check(g->plan, err);
    if (r == 0 && pass->gather != GATHER_NONE)
        r = scan_ballots(s, pass);
    return r;
}

/* Passes one after the other, without waiting for the slowest thread in between. */
static int run_passes(struct plan *p, const struct current *current, unsigned first, unsigned n,
                      struct error *err)
{
    struct reading *g = calloc(1, sizeof(*g));
    unsigned n_threads = 1;
    if (!g)
        return scan_no_memory(err);
    *g = (struct reading){.plan = p, .current = current, .first = first, .n_passes = n, .shares = {p}};
    for (unsigned i = 0; i < n; i++)
        pass_settle(p, &p->passes[first + i]);
    int r = open_sources(g, &n_threads, err);
    for (unsigned i = 1; i < n_threads && r == 0; i++) /* before anybody counts */
        if (share_new(p, i, &g->shares[i]) < 0)
            r = scan_no_memory(err);
    if (r == 0) {
        unsigned n_took_part = crew_run(p->context->crew, n_threads, read_passes, g);
        p->n_threads = n_took_part > p->n_threads ? n_took_part : p->n_threads;
        r = put_together(g, err);
    }
    for (unsigned i = 0; i < CREW_THREADS_MAX; i++)
        scan_leave(g->scans[i]);
    for (unsigned i = 1; i < CREW_THREADS_MAX; i++) {
        share_free(g->shares[i]);
        atomic_store_explicit(&p->used_bytes[i], 0, memory_order_relaxed);
    }
    close_sources(g);
    free(g);
    return r;
}

/* Percentiles of all cells, by all threads that come. */
struct ranking {
    struct plan *plan;
    size_t step;        /* how many cells are taken at a time: few, for some have most of the samples */
    atomic_size_t next; /* cell to be taken, over all measures */
    atomic_bool failed;
};

#define RANKED_STEPS 256 /* at least, where there are so many cells */

static void rank_cells(void *context, unsigned place)
{
    struct ranking *g = context;
    struct plan *p = g->plan;
    struct ranks_room *room = calloc(1, sizeof(*room));
    size_t first = 0, at = atomic_fetch_add(&g->next, g->step), end = at + g->step;
    if (!room)
        atomic_store(&g->failed, true);
    for (unsigned i = 0; i < p->n_measures && room; i++) {
        struct measure *m = &p->measures[i];
        const size_t n = m->n_percentiles ? m->n_cells : 0;
        while (at < first + n) {
            if (measure_rank(m, at - first, room) < 0)
                atomic_store(&g->failed, true);
            if (++at == end) {
                at = atomic_fetch_add(&g->next, g->step);
                end = at + g->step;
            }
        }
        first += n;
    }
    if (room)
        ranks_room_fini(room);
    free(room);
}

static int rank_measures(struct plan *p)
{
    struct ranking g = {.plan = p};
    size_t n_samples = 0, n_cells = 0;
    for (unsigned i = 0; i < p->n_measures; i++) {
        n_samples += p->measures[i].samples.n;
        n_cells += p->measures[i].n_percentiles ? p->measures[i].n_cells : 0;
    }
    if (n_samples == 0)
        return 0;
    g.step = n_cells / RANKED_STEPS + 1;
    unsigned n_threads = crew_threads(p->context->crew, n_samples / FACT_VECTOR_ROWS);
    (void)crew_run(p->context->crew, n_threads, rank_cells, &g);
    return atomic_load(&g.failed) ? -ENOMEM : 0;
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
    if (r == 0)
        r = rank_measures(p);
    free(bases);
    return r < 0 ? scan_no_memory(err) : 0;
}

int scan_run(struct plan *p, struct error *err)
{
    struct current current = {0};
    int r = current_load(&current, p, err);
    for (unsigned i = 0, n; i < p->n_passes && r == 0; i += n) {
        /* What is set aside waits for the end of its pass. */
        for (n = 1; p->passes[i].gather == GATHER_NONE && i + n < p->n_passes &&
                    p->passes[i + n].gather == GATHER_NONE;)
            n++;
        r = run_passes(p, &current, i, n, err);
    }
    current_fini(&current);
    uint64_t resellers = 0;
    for (unsigned i = 0; i < p->n_passes; i++)
        resellers = p->passes[i].resellers > resellers ? p->passes[i].resellers : resellers;
    p->tally.left_out[LEFT_OUT_RESELLER] += resellers;
    return r == 0 ? finish_measures(p, err) : r;
}
