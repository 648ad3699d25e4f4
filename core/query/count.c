#include "core/query/count.h"

#include <string.h>
#include <xxhash.h>

int scan_no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
}

int count_too_many_groups(const struct plan *p, struct error *err)
{
    size_t rows_max = p->context->rows_max ? p->context->rows_max : QUERY_ROWS_MAX;
    (void)error_set(err, -E2BIG, "result_size", "the answer would have more than %zu rows", rows_max);
    error_hint(err, "group by fewer dimensions, or ask for longer periods");
    return -E2BIG;
}

/* The period in which a row left something out, or -1 for the opening of a backlog. */
static int64_t period_cell(const struct plan *p, const struct measure *m, uint32_t group, int32_t slot)
{
    if (m->anchor == ANCHOR_INSTANT && p->has_opening)
        slot--;
    return slot < 0 ? -1 : (int64_t)group * p->periods.n + slot;
}

static int add_vote(struct scan *s, struct measure *m, struct batch *b, uint32_t i, uint32_t cell,
                    bool success)
{
    const struct ballot_columns *c = ballot_columns(m->metric->table);
    int64_t value = m->metric->kind == METRIC_RATIO ? success : judge_value(m, b, i);
    uint32_t unit = 0;
    uint64_t respondent = 0;
    if (m->unit == UNIT_SITE)
        unit = batch_codes(b, FIELD_SITE)[i];
    else if (m->unit == UNIT_ORG || m->metric->gather == GATHER_BALLOTS)
        unit = b->ids[s->plan->org][i];
    if (c) {
        respondent = (uint64_t)batch_values(b, c->respondent)[i];
        if (respondent == 0) { /* a ballot without a name is its own respondent */
            const int64_t ballot[] = {batch_values(b, FACT_SUBJECT)[i], batch_values(b, c->at)[i],
                                      batch_values(b, c->question)[i]};
            respondent = XXH3_64bits(ballot, sizeof(ballot));
        }
    }
    return votes_add(&m->votes, cell, unit, respondent, value);
}

/* Votes on several questions, or scores of several instruments, make one figure that nobody asked for. */
static void see_mixture(struct measure *m, struct batch *b, struct judged *j)
{
    const struct ballot_columns *c = ballot_columns(m->metric->table);
    if (m->metric->gather != GATHER_ANSWERS && m->metric->gather != GATHER_BALLOTS)
        return;
    judged_fill(j, b->rows.n);
    const int64_t *what = batch_values(b, m->metric->gather == GATHER_ANSWERS ? c->question : c->instrument);
    for (uint32_t i = 0; i < b->rows.n; i++) {
        uint32_t number = (uint32_t)what[i] + 1; /* there may be no question */
        if (j->verdicts[i] == VERDICT_SAMPLE)
            measure_meet(m, number);
    }
}

uint8_t *count_keep(struct scan *s, struct batch *b)
{
    if (!b->keep)
        memset(s->keep, 1, b->rows.n);
    b->keep = s->keep;
    return s->keep;
}

/* Where each row's cells begin and which of them is its own: by group and by slot, either of which may be one
 * for all rows. */
struct places {
    const uint32_t *groups; /* NULL: all are in the one group */
    struct slots slots;
    uint32_t n_slots;
};

static struct places places_of(const struct scan *s, const struct measure *m, const struct batch *b)
{
    return (struct places){.groups = s->plan->request->n_by ? s->groups : NULL,
                           .slots = b->slots[m->anchor],
                           .n_slots = m->n_slots};
}

static inline uint32_t place_group(const struct places *p, uint32_t i)
{
    return p->groups ? p->groups[i] : 0;
}

static inline int32_t place_slot(const struct places *p, uint32_t i)
{
    return p->slots.at ? p->slots.at[i] : p->slots.slot;
}

static inline uint32_t place_cell(const struct places *p, uint32_t i)
{
    return place_group(p, i) * p->n_slots + (uint32_t)place_slot(p, i);
}

/* Rows that are no plain samples, and tickets whose creation is inferred. */
static int count_sides(struct scan *s, struct measure *m, struct batch *b, const uint8_t *verdicts,
                       bool may_be_inferred)
{
    struct plan *p = s->plan;
    const struct places places = places_of(s, m, b);
    const int64_t *subjects = batch_values(b, FACT_SUBJECT), *namespaces = batch_values(b, FACT_NAMESPACE);
    const uint8_t *reasons = batch_excluded(b), *flags = batch_flags(b);
    for (uint32_t i = 0; i < b->rows.n; i++) {
        enum verdict verdict = verdicts[i];
        bool is_inferred = verdict == VERDICT_INFERRED ||
                           (may_be_inferred && verdict == VERDICT_SAMPLE && flags[i] & FACT_FLAG_INFERRED);
        if (verdict == VERDICT_BESIDE || verdict == VERDICT_BESIDE_2) {
            struct cell *c = &m->cells[place_cell(&places, i)];
            c->beside[0]++;
            c->beside[1] += verdict == VERDICT_BESIDE_2;
        }
        if (is_inferred && !m->is_helper && tally_infer(&p->tally, (uint32_t)subjects[i]) < 0)
            return scan_no_memory(s->err);
        if (verdict != VERDICT_EXCLUDED)
            continue;
        int64_t cell = period_cell(p, m, place_group(&places, i), place_slot(&places, i));
        if (cell >= 0 && tally_exclude(&p->tally, (uint32_t)cell, (uint32_t)subjects[i],
                                       (uint32_t)namespaces[i], (enum fact_excluded)reasons[i]) < 0)
            return scan_no_memory(s->err);
    }
    return 0;
}

static int count_votes(struct scan *s, struct measure *m, struct batch *b, const struct judged *j)
{
    const struct places places = places_of(s, m, b);
    const uint8_t *columns = m->metric->values[m->clock].columns;
    for (unsigned k = 0; m->metric->kind != METRIC_RATIO && k < METRIC_COLUMNS && columns[k] != COLUMN_NONE;
         k++)
        if (columns[k] != COLUMN_INSTANT)
            (void)batch_values(b, columns[k]);
    for (uint32_t i = 0; i < b->rows.n; i++) {
        if (j->verdicts[i] != VERDICT_SAMPLE)
            continue;
        if (add_vote(s, m, b, i, place_cell(&places, i), j->success[i]) < 0)
            return scan_no_memory(s->err);
    }
    return 0;
}

/* The rows that are samples, as a list: NULL with n rows where all are. */
static const uint16_t *choose(struct scan *s, const struct judged *j, uint32_t n, uint32_t *ret_n)
{
    const uint8_t *restrict verdicts = j->verdicts;
    uint16_t *restrict chosen = s->chosen;
    uint32_t k = 0, i = 0;
    *ret_n = n;
    if (j->is_one)
        return NULL;
    for (; n - i >= 8; i += 8) {
        uint64_t eight;
        memcpy(&eight, verdicts + i, 8);
        for (uint32_t at = i; eight && at < i + 8; at++) {
            chosen[k] = (uint16_t)at;
            k += verdicts[at] == VERDICT_SAMPLE;
        }
    }
    for (; i < n; i++) {
        chosen[k] = (uint16_t)i;
        k += verdicts[i] == VERDICT_SAMPLE;
    }
    *ret_n = k;
    return k == n ? NULL : s->chosen;
}

/* Their cells, into cells[n]; NULL where all have the same one, *ret_one. */
static const uint32_t *find_cells(const struct places *p, const uint16_t *rows, uint32_t n,
                                  uint32_t *restrict cells, uint32_t *ret_one)
{
    if (!p->groups && !p->slots.at) {
        *ret_one = (uint32_t)p->slots.slot;
        return NULL;
    }
    if (!p->groups) {
        for (uint32_t k = 0; k < n; k++)
            cells[k] = (uint32_t)p->slots.at[rows ? rows[k] : k];
    } else if (!p->slots.at) {
        for (uint32_t k = 0; k < n; k++)
            cells[k] = p->groups[rows ? rows[k] : k] * p->n_slots + (uint32_t)p->slots.slot;
    } else {
        for (uint32_t k = 0; k < n; k++)
            cells[k] = place_cell(p, rows ? rows[k] : k);
    }
    return cells;
}

static int count_samples(struct scan *s, struct measure *m, struct batch *b, const struct judged *j)
{
    const struct places places = places_of(s, m, b);
    uint32_t n, one = 0;
    const uint16_t *rows = choose(s, j, b->rows.n, &n);
    const uint32_t *cells = find_cells(&places, rows, n, s->cells, &one);
    judge_values(m, b, rows, n, s->samples);
    if (m->metric->table == FACT_SLA_CYCLE) { /* breaches that still run */
        const int64_t *ends = batch_values(b, FACT_SLA_CYCLE_END);
        for (uint32_t k = 0; k < n; k++)
            m->cells[cells ? cells[k] : one].beside[0] += ends[rows ? rows[k] : k] == FACT_NULL;
    }
    if (!m->n_percentiles)
        measure_add(m, cells, one, s->samples, n);
    else if (samples_put(&m->samples, cells, one, s->samples, n) < 0)
        return scan_no_memory(s->err);
    return 0;
}

/* The sum of n bytes that are 0 or 1: eight at a time, and before any of the eight could pass 255 they are
 * added up. */
static uint32_t sum_ones(const uint8_t *ones, uint32_t n)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    uint32_t total = 0, i = 0;
    while (n - i >= 8) {
        uint32_t n_words = (n - i) / 8 < 255 ? (n - i) / 8 : 255;
        uint64_t sums = 0;
        for (uint32_t k = 0; k < n_words; k++) {
            uint64_t word;
            memcpy(&word, ones + i + (size_t)k * 8, 8);
            sums += word;
        }
        sums = (sums & even) + (sums >> 8 & even);
        total += (uint32_t)(sums * UINT64_C(0x0001000100010001) >> 48);
        i += n_words * 8;
    }
    for (; i < n; i++)
        total += ones[i];
    return total;
}

static uint32_t count_of(const struct judged *j, uint32_t n)
{
    uint32_t total = 0;
    if (j->is_one)
        return n;
    if (j->top <= VERDICT_SAMPLE)
        return sum_ones(j->verdicts, n);
    for (uint32_t i = 0; i < n; i++)
        total += j->verdicts[i] == VERDICT_SAMPLE;
    return total;
}

#define FEW_CELLS 256

/* Rows side by side mostly are of the same few cells: four counters of each do not wait for one another. */
static void count_few(struct measure *m, const uint32_t *cells, uint32_t n)
{
    uint32_t counts[4][FEW_CELLS] = {0}, k = 0;
    for (; n - k >= 4; k += 4)
        for (uint32_t lane = 0; lane < 4; lane++)
            counts[lane][cells[k + lane]]++;
    for (; k < n; k++)
        counts[0][cells[k]]++;
    for (uint32_t cell = 0; cell < m->n_cells; cell++)
        m->cells[cell].n += (uint64_t)counts[0][cell] + counts[1][cell] + counts[2][cell] + counts[3][cell];
}

static void count_plain(struct scan *s, struct measure *m, struct batch *b, const struct judged *j)
{
    const struct places places = places_of(s, m, b);
    const uint32_t *cells;
    uint32_t n, one = 0;
    if (!places.groups && !places.slots.at && !m->is_running) {
        struct cell *c = &m->cells[places.slots.slot];
        c->n += count_of(j, b->rows.n);
        return;
    }
    const uint16_t *rows = choose(s, j, b->rows.n, &n);
    if (places.groups && !places.slots.at && places.n_slots == 1 && !rows)
        cells = places.groups; /* as they are */
    else
        cells = find_cells(&places, rows, n, s->cells, &one);
    if (cells && m->n_cells <= FEW_CELLS)
        count_few(m, cells, n);
    else
        for (uint32_t k = 0; k < n; k++)
            m->cells[cells ? cells[k] : one].n++;
    /* A span counts from its first instant until that of its end, where there is one. */
    for (uint32_t k = 0; m->is_running && k < n; k++) {
        uint32_t i = rows ? rows[k] : k;
        if ((uint32_t)s->ends[i] < m->n_slots)
            measure_cell(m, place_group(&places, i), (uint32_t)s->ends[i])->n--;
    }
}

static void count_trials(struct scan *s, struct measure *m, struct batch *b, const struct judged *j)
{
    const struct places places = places_of(s, m, b);
    const uint8_t *success = j->success;
    uint32_t n, one = 0;
    const uint16_t *rows = choose(s, j, b->rows.n, &n);
    const uint32_t *cells = find_cells(&places, rows, n, s->cells, &one);
    for (uint32_t k = 0; k < n; k++) {
        struct cell *c = &m->cells[cells ? cells[k] : one];
        c->n++;
        c->x += success[rows ? rows[k] : k];
    }
}

static int accumulate(struct scan *s, struct measure *m, struct batch *b, struct judged *j,
                      bool may_be_inferred)
{
    if (j->top == VERDICT_NONE)
        return 0;
    if (j->top > VERDICT_SAMPLE || may_be_inferred) {
        judged_fill(j, b->rows.n);
        int r = count_sides(s, m, b, j->verdicts, may_be_inferred);
        if (r < 0)
            return r;
    }
    see_mixture(m, b, j);
    if (m->unit != UNIT_TICKET) {
        judged_fill(j, b->rows.n);
        return count_votes(s, m, b, j);
    }
    switch (m->metric->kind) {
    case METRIC_COUNT:
        count_plain(s, m, b, j);
        return 0;
    case METRIC_RATIO:
        count_trials(s, m, b, j);
        return 0;
    case METRIC_DURATION:
    case METRIC_MEAN:
    case METRIC_SCORE:
        break;
    }
    return count_samples(s, m, b, j);
}

/* A row that several metrics of a pass leave out for one reason counts once; and a reseller's ballot once,
 * though several tables tell of it. */
static void count_left_out(struct scan *s, struct pass *pass, uint32_t n)
{
    struct plan *p = s->plan;
    for (unsigned reason = 0; reason < LEFT_OUT_N; reason++) {
        const uint8_t verdict = (uint8_t)(VERDICT_LEFT_OUT + reason);
        uint64_t count = 0;
        for (unsigned k = 0; k < pass->n_measures; k++) {
            if (!(p->measures[pass->measures[k]].metric->left_out & 1u << reason) ||
                s->judged[k].top < verdict)
                continue;
            for (uint32_t i = 0; i < n; i++) {
                bool is_new = s->judged[k].verdicts[i] == verdict;
                for (unsigned before = 0; is_new && before < k; before++)
                    is_new = s->judged[before].top < verdict || s->judged[before].verdicts[i] != verdict;
                count += is_new;
            }
        }
        if (reason == LEFT_OUT_RESELLER && pass->gather != GATHER_SENDINGS)
            pass->resellers += count;
        else
            p->tally.left_out[reason] += count;
    }
}

static int tell_witness(struct scan *s, const struct pass *pass, const struct batch *b)
{
    const struct plan *p = s->plan;
    for (unsigned k = 0; k < pass->n_measures; k++) {
        judged_fill(&s->judged[k], b->rows.n);
        for (uint32_t i = 0; i < b->rows.n; i++)
            if (p->witness->see(p->witness->context, &p->measures[pass->measures[k]], b, i,
                                s->judged[k].verdicts[i], s->judged[k].success[i]) < 0)
                return scan_no_memory(s->err);
    }
    return 0;
}

/* Ids of dimensions: those that the condition looks at, or those that samples are grouped and tried by. */
static void find_ids(struct scan *s, const struct pass *pass, struct batch *b, bool for_filter)
{
    const struct plan *p = s->plan;
    for (unsigned k = 0; k < p->n_used; k++) {
        unsigned place = p->used[k];
        if (!dimension_is_of(&p->request->names.names[place], pass->table) ||
            !(for_filter ? p->filter_reads[place] : p->needs_ids[place]))
            continue; /* of a helper, which the condition says nothing of */
        batch_for_dimension(b, &p->request->names.names[place]);
        if (b->ids[place] || !(for_filter ? p->filter_ids[place] : p->needs_ids[place]))
            continue;
        dimension_ids(p->dimensions[place], &b->rows, &s->dimension_room, s->ids[place]);
        b->ids[place] = s->ids[place];
    }
}

/* Few rows are put together, more are passed over one by one. */
#define SIFT_ONE_IN 2

/* Whether rows can be put together: nothing of them stands beside the reader's columns. */
static bool may_pick(const struct plan *p, const struct batch *b)
{
    return p->filter && !p->whatever && !p->witness && b->reader && b->has_ranges && !b->rows.instants &&
           !b->model && !b->region && !b->category;
}

/* Goes on with those rows only that the condition may be true of, where one code tells of most that it is
 * not. False: there are none. */
static bool sift_rows(struct scan *s, struct batch *b)
{
    const uint32_t n = b->rows.n;
    const uint8_t *wanted, *keep = b->keep;
    int field;
    if (!may_pick(s->plan, b) || !filter_sift(s->plan->filter, &field, &wanted))
        return true;
    uint16_t *sifted = s->sifted;
    uint32_t n_sifted = fact_reader_sift(b->reader, b->set, (unsigned)field, wanted, sifted), k = 0;
    for (uint32_t i = 0; keep && i < n_sifted; i++) {
        sifted[k] = sifted[i];
        k += keep[sifted[k]];
    }
    k = keep ? k : n_sifted;
    if (k > 0 && k <= n / SIFT_ONE_IN)
        batch_pick(b, sifted, k, &s->picks);
    return k > 0;
}

/* Goes on with those of a batch's rows that are kept, where they are few. False: there are none. */
static bool pick_kept(struct scan *s, struct batch *b, const uint8_t *restrict keep)
{
    const uint32_t n = b->rows.n;
    uint16_t *restrict sifted = s->sifted;
    uint32_t n_kept = 0, k = 0;
    for (uint32_t i = 0; i < n; i++)
        n_kept += keep[i];
    if (n_kept == 0 || n_kept > n / SIFT_ONE_IN || !may_pick(s->plan, b))
        return n_kept > 0;
    for (uint32_t i = 0; i < n; i++) {
        sifted[k] = b->picked ? sifted[i] : (uint16_t)i; /* a place that is read is not yet written */
        k += keep[i];
    }
    batch_pick(b, sifted, k, &s->picks);
    return true;
}

/* Whether any row is left that the condition is true of. */
static bool filter_rows(struct scan *s, const struct pass *pass, struct batch *b)
{
    const struct plan *p = s->plan;
    if (!p->filter)
        return true;
    find_ids(s, pass, b, true);
    const uint32_t n = b->rows.n;
    if (p->whatever) {
        filter_judge(p->filter, &b->rows, false, s->ids, s->filter_room, s->cuts);
        b->cuts = s->cuts;
    }
    filter_judge(p->whatever ? p->whatever : p->filter, &b->rows, b->picked, s->ids, s->filter_room,
                 s->wanted);
    uint8_t *keep = count_keep(s, b);
    for (uint32_t i = 0; i < n; i++)
        keep[i] &= s->wanted[i];
    return pick_kept(s, b, keep) || p->witness;
}

/* Which rows are of any group: s->wanted; NULL: all are. *ret_any: whether there is one. */
static const uint8_t *find_wanted(struct scan *s, const struct pass *pass, uint32_t n, bool *ret_any)
{
    *ret_any = false;
    for (unsigned k = 0; k < pass->n_measures; k++) {
        const struct judged *j = &s->judged[k];
        *ret_any |= j->top != VERDICT_NONE;
        if (j->is_one && j->one != VERDICT_NONE && j->one < VERDICT_INFERRED)
            return NULL;
    }
    memset(s->wanted, 0, n);
    for (unsigned k = 0; k < pass->n_measures; k++) {
        const uint8_t *verdicts = s->judged[k].verdicts;
        for (uint32_t i = 0; !s->judged[k].is_one && i < n; i++)
            s->wanted[i] |= (uint8_t)(verdicts[i] - 1) < VERDICT_INFERRED - 1;
    }
    return s->wanted;
}

static void find_slots(struct scan *s, struct batch *b, enum metric_anchor anchor, unsigned column)
{
    const struct periods *periods = &s->plan->periods;
    struct slots *ret = &b->slots[anchor];
    const struct fact_range range = batch_range(b, column);
    *ret = (struct slots){.slot = -1};
    if (periods->n == 0)
        return;
    if (periods_are_everything(periods)) { /* and no metric that asks has rows without the anchor */
        ret->slot = 0;
        return;
    }
    if (!range.has_null && !range.has_forever && periods_find_one(periods, range.min, range.max, &ret->slot))
        return;
    periods_find_all(periods, batch_values(b, column), b->rows.n, b->keep, s->slots[anchor]);
    ret->at = s->slots[anchor];
}

int count_batch(struct scan *s, struct pass *pass, struct batch *b)
{
    struct plan *p = s->plan;
    const uint32_t *by[REQUEST_BY_MAX];
    bool any;
    int r = plan_check(p, s->err);
    if (r < 0)
        return r;
    if (!sift_rows(s, b))
        return 0;
    if (!filter_rows(s, pass, b))
        return 0;
    const uint32_t n = b->rows.n;
    find_ids(s, pass, b, false);
    if (pass->anchors[ANCHOR_CREATED])
        find_slots(s, b, ANCHOR_CREATED, FACT_CREATED);
    if (pass->anchors[ANCHOR_COMPLETED])
        find_slots(s, b, ANCHOR_COMPLETED, pass->completed);
    for (unsigned k = 0; k < pass->n_measures; k++)
        if (judge_rows(p, &p->measures[pass->measures[k]], b, &s->judged[k]) < 0)
            return scan_no_memory(s->err);
    if (p->witness && (r = tell_witness(s, pass, b)) < 0)
        return r;
    count_left_out(s, pass, n);
    const uint8_t *wanted = find_wanted(s, pass, n, &any);
    if (!any)
        return 0;
    for (unsigned k = 0; k < p->request->n_by; k++)
        by[k] = s->ids[p->request->by[k]];
    if (p->request->n_by && (r = groups_number(p->groups, by, n, wanted, s->groups)) < 0)
        return r == -E2BIG ? count_too_many_groups(p, s->err) : scan_no_memory(s->err);
    for (unsigned i = 0; i < p->n_measures; i++)
        if (measure_reserve(&p->measures[i], groups_count(p->groups)) < 0)
            return scan_no_memory(s->err);
    const bool may_be_inferred = batch_some_flags(b, FACT_FLAG_INFERRED);
    for (unsigned k = 0; k < pass->n_measures; k++) {
        r = accumulate(s, &p->measures[pass->measures[k]], b, &s->judged[k], may_be_inferred);
        if (r < 0)
            return r;
    }
    return batch_check(b, s->err);
}
