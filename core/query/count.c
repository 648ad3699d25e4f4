#include "core/query/count.h"

#include <string.h>
#include <xxhash.h>

int scan_no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
}

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
    const struct ballot_columns *c = ballot_columns(m->metric->table);
    int64_t value = m->metric->kind == METRIC_RATIO ? success : judge_value(m, b, i);
    uint32_t unit = 0;
    uint64_t respondent = 0;
    if (m->unit == UNIT_SITE)
        unit = b->rows.dimensions[FIELD_SITE][i];
    else if (m->unit == UNIT_ORG || m->metric->gather == GATHER_BALLOTS)
        unit = b->ids[s->plan->org][i];
    if (c) {
        respondent = (uint64_t)b->rows.values[c->respondent][i];
        if (respondent == 0) { /* a ballot without a name is its own respondent */
            const int64_t ballot[] = {b->rows.values[FACT_SUBJECT][i], b->rows.values[c->at][i],
                                      b->rows.values[c->question][i]};
            respondent = XXH3_64bits(ballot, sizeof(ballot));
        }
    }
    return votes_add(&m->votes, cell, unit, respondent, value);
}

/* Votes on several questions, or scores of several instruments, make one figure that nobody asked for. */
static void see_mixture(struct measure *m, const struct batch *b, const uint8_t *verdicts)
{
    const struct ballot_columns *c = ballot_columns(m->metric->table);
    if (m->metric->gather != GATHER_ANSWERS && m->metric->gather != GATHER_BALLOTS)
        return;
    const int64_t *what = b->rows.values[m->metric->gather == GATHER_ANSWERS ? c->question : c->instrument];
    for (uint32_t i = 0; i < b->rows.n; i++) {
        uint32_t number = (uint32_t)what[i] + 1; /* there may be no question */
        if (verdicts[i] != VERDICT_SAMPLE)
            continue;
        m->is_mixed |= m->met && m->met != number;
        m->met = number;
    }
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
            return scan_no_memory(s->err);
        if (verdict != VERDICT_EXCLUDED)
            continue;
        int64_t cell = period_cell(p, m, s->groups[i], slots[i]);
        if (cell >= 0 && tally_exclude(&p->tally, (uint32_t)cell, (uint32_t)subjects[i],
                                       (uint32_t)namespaces[i], (enum fact_excluded)reasons[i]) < 0)
            return scan_no_memory(s->err);
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
            return scan_no_memory(s->err);
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
    /* Of breaches that still run. */
    const int64_t *ends = m->metric->table == FACT_SLA_CYCLE ? b->rows.values[FACT_SLA_CYCLE_END] : NULL;
    for (uint32_t i = 0; i < b->rows.n; i++) {
        if (verdicts[i] != VERDICT_SAMPLE)
            continue;
        uint32_t cell = s->groups[i] * m->n_slots + (uint32_t)b->slots[m->anchor][i];
        m->cells[cell].beside[0] += ends && ends[i] == FACT_NULL;
        int64_t value = judge_value(m, b, i);
        cell_add(&m->cells[cell], value);
        if (m->wants_samples && measure_add_sample(m, cell, value) < 0)
            return scan_no_memory(s->err);
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
    see_mixture(m, b, verdicts);
    if (m->unit != UNIT_TICKET)
        return count_votes(s, m, b, verdicts, success);
    bool is_ratio = m->metric->kind == METRIC_RATIO;
    if (!is_ratio && m->metric->kind != METRIC_COUNT)
        return count_samples(s, m, b, verdicts);
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

/* A row that several metrics of a pass leave out for one reason counts once; and a reseller's ballot once,
 * though several tables tell of it. */
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
        if (reason == LEFT_OUT_RESELLER && pass->gather != GATHER_SENDINGS)
            s->resellers += count;
        else
            p->tally.left_out[reason] += count;
    }
    if (s->resellers > p->tally.resellers)
        p->tally.resellers = s->resellers;
}

static int tell_witness(struct scan *s, const struct pass *pass, const struct batch *b)
{
    const struct plan *p = s->plan;
    for (unsigned k = 0; k < pass->n_measures; k++)
        for (uint32_t i = 0; i < b->rows.n; i++)
            if (p->witness->see(p->witness->context, &p->measures[pass->measures[k]], b, i, s->verdicts[k][i],
                                s->success[k][i]) < 0)
                return scan_no_memory(s->err);
    return 0;
}

int count_batch(struct scan *s, const struct pass *pass, struct batch *b)
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
    if (p->whatever) {
        filter_judge(p->filter, s->ids, n, s->cuts);
        b->cuts = s->cuts;
    }
    if (p->filter) {
        filter_judge(p->whatever ? p->whatever : p->filter, s->ids, n, s->wanted);
        for (uint32_t i = 0; i < n; i++)
            s->keep[i] &= s->wanted[i];
    }
    b->keep = s->keep;
    memset(s->wanted, 0, n);
    for (unsigned k = 0; k < pass->n_measures; k++) {
        uint8_t *verdicts = s->verdicts[k];
        if (judge_rows(p, &p->measures[pass->measures[k]], b, verdicts, s->success[k]) < 0)
            return scan_no_memory(s->err);
        for (uint32_t i = 0; i < n; i++)
            s->wanted[i] |= verdicts[i] != VERDICT_NONE && verdicts[i] < VERDICT_INFERRED;
    }
    if (p->witness && (r = tell_witness(s, pass, b)) < 0)
        return r;
    count_left_out(s, pass, n);
    for (unsigned k = 0; k < p->request->n_by; k++)
        by[k] = s->ids[p->request->by[k]];
    r = groups_number(p->groups, by, n, s->wanted, s->groups);
    if (r < 0)
        return r == -E2BIG ? too_many_groups(s) : scan_no_memory(s->err);
    for (unsigned i = 0; i < p->n_measures; i++)
        if (measure_reserve(&p->measures[i], groups_count(p->groups)) < 0)
            return scan_no_memory(s->err);
    for (unsigned k = 0; k < pass->n_measures; k++) {
        r = accumulate(s, &p->measures[pass->measures[k]], b, s->verdicts[k], s->success[k]);
        if (r < 0)
            return r;
    }
    return 0;
}
