#include "core/query/judge.h"

#include "core/fold/derived.h"
#include "core/query/ballot.h"
#include "core/query/statistic.h"

#include <string.h>

#define PROMOTER_FROM   9000 /* thousandths */
#define DETRACTOR_UNTIL 6000

/* A judgement under way. While is_one holds nothing has told the rows apart, and no array is touched. */
struct judging {
    const struct plan *p;
    const struct measure *m;
    struct batch *b;
    struct judged *j;
    uint32_t n;
};

void judged_fill(struct judged *j, uint32_t n)
{
    if (j->is_one)
        memset(j->verdicts, j->one, n);
    j->is_one = false;
}

static uint8_t *verdicts_of(struct judging *g)
{
    judged_fill(g->j, g->n);
    return g->j->verdicts;
}

static bool all_none(struct judging *g)
{
    g->j->is_one = true;
    g->j->one = VERDICT_NONE;
    return false;
}

/* Loops over whole columns, without a branch: compilers vectorise them. */
static void mask_within(uint8_t *restrict verdicts, const int64_t *restrict column, uint32_t n, int64_t low,
                        int64_t high, bool wanted)
{
    const uint64_t width = (uint64_t)high - (uint64_t)low;
    const uint8_t flip = !wanted;
    for (uint32_t i = 0; i < n; i++)
        verdicts[i] &= ((uint64_t)column[i] - (uint64_t)low <= width) ^ flip;
}

static void mask_bytes(uint8_t *restrict verdicts, const uint8_t *restrict column, uint32_t n, uint8_t low,
                       uint8_t width, bool wanted)
{
    const uint8_t flip = !wanted;
    for (uint32_t i = 0; i < n; i++)
        verdicts[i] &= ((uint8_t)(column[i] - low) <= width) ^ flip;
}

static void mask_flags(uint8_t *restrict verdicts, const uint8_t *restrict flags, uint32_t n,
                       uint8_t required)
{
    for (uint32_t i = 0; i < n; i++)
        verdicts[i] &= (flags[i] & required) == required;
}

/* Only rows whose value lies (or does not lie) between the two count. False: none does. */
static bool only_within(struct judging *g, unsigned column, int64_t low, int64_t high, bool wanted)
{
    const struct fact_range range = batch_range(g->b, column);
    bool inside = range_is_within(&range, low, high), outside = range_is_outside(&range, low, high);
    if (wanted ? outside : inside)
        return all_none(g);
    if (wanted ? inside : outside)
        return true;
    const uint8_t *bytes = batch_bytes(g->b, column);
    if (bytes) {
        low = low > 0 ? low : 0;
        high = high < UINT8_MAX ? high : UINT8_MAX;
        mask_bytes(verdicts_of(g), bytes, g->n, (uint8_t)low, (uint8_t)(high - low), wanted);
    } else {
        mask_within(verdicts_of(g), batch_values(g->b, column), g->n, low, high, wanted);
    }
    return true;
}

static bool only_flagged(struct judging *g, int64_t required)
{
    const struct fact_range range = batch_range(g->b, FACT_FLAGS);
    int64_t some, all;
    range_flags(&range, &some, &all);
    if ((required & some) != required)
        return all_none(g);
    if ((required & all) != required)
        mask_flags(verdicts_of(g), batch_flags(g->b), g->n, (uint8_t)required);
    return true;
}

static bool only_condition(struct judging *g, const struct metric_condition *c)
{
    switch (c->is) {
    case CONDITION_NONE:
        return true;
    case CONDITION_EQUAL:
        return only_within(g, c->column, c->value, c->value, true);
    case CONDITION_NOT_EQUAL:
        return only_within(g, c->column, c->value, c->value, false);
    case CONDITION_LESS:
        return only_within(g, c->column, INT64_MIN, c->value - 1, true);
    }
    return true;
}

static bool only_in_periods(struct judging *g)
{
    const struct slots *slots = &g->b->slots[g->m->anchor];
    if (!slots->at)
        return slots->slot >= 0 || all_none(g);
    uint8_t *restrict verdicts = verdicts_of(g);
    const int32_t *restrict at = slots->at;
    for (uint32_t i = 0; i < g->n; i++)
        verdicts[i] &= at[i] >= 0;
    return true;
}

/* Instrument and question. A ticket has one rating a solve: the last of the survey, unless the questions are
 * looked at one by one. */
static bool only_asked(struct judging *g)
{
    const struct measure *m = g->m;
    const struct ballot_columns *c = ballot_columns(m->metric->table);
    if (m->instrument && !only_within(g, c->instrument, m->instrument, m->instrument, true))
        return false;
    if (m->question)
        return only_within(g, c->question, m->question, m->question, true);
    return m->metric->table != FACT_RATING || g->p->groups_question || only_flagged(g, FACT_FLAG_OF_SURVEY);
}

/* Whose ballot it is, and on which scale. */
static void judge_ballot(struct judging *g)
{
    const struct metric *metric = g->m->metric;
    const struct ballot_columns *c = ballot_columns(metric->table);
    struct batch *b = g->b;
    const struct fact_range relations = batch_range(b, c->relation);
    if (!range_is_outside(&relations, RELATION_RESELLER, RELATION_RESELLER)) {
        const int64_t *relation = batch_values(b, c->relation), *respondent = batch_values(b, c->respondent);
        const uint8_t *flags = batch_flags(b);
        uint8_t *verdicts = verdicts_of(g);
        /* Of a ballot of several items the last tells of all. */
        bool is_whole = metric->gather == GATHER_BALLOTS;
        for (uint32_t i = 0; i < g->n; i++)
            if (verdicts[i] && relation[i] == RELATION_RESELLER)
                verdicts[i] = is_whole && respondent[i] && !(flags[i] & FACT_FLAG_LAST)
                                  ? VERDICT_NONE
                                  : VERDICT_LEFT_OUT + LEFT_OUT_RESELLER;
    }
    if (metric->scale_max == metric->scale_min)
        return;
    const struct fact_range mins = batch_range(b, c->min), maxs = batch_range(b, c->max);
    if (range_is_within(&mins, metric->scale_min, metric->scale_min) &&
        range_is_within(&maxs, metric->scale_max, metric->scale_max))
        return;
    const int64_t *min = batch_values(b, c->min), *max = batch_values(b, c->max);
    uint8_t *verdicts = verdicts_of(g);
    for (uint32_t i = 0; i < g->n; i++)
        if (verdicts[i] == VERDICT_SAMPLE && (min[i] != metric->scale_min || max[i] != metric->scale_max))
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_SCALE;
}

/* What counts only where somebody could have been heard. */
static void judge_speaking(const struct plan *p, struct batch *b, uint8_t *verdicts)
{
    const int64_t *namespaces = batch_values(b, FACT_NAMESPACE);
    const uint8_t *speaks = p->speaks;
    const uint64_t n_speaks = p->n_speaks;
    for (uint32_t i = 0; i < b->rows.n; i++)
        if (verdicts[i] == VERDICT_SAMPLE &&
            !((uint64_t)namespaces[i] < n_speaks && speaks[(uint64_t)namespaces[i]]))
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_SILENT;
}

/* Solves whose window still runs are in neither part. */
static void judge_window(const struct plan *p, struct batch *b, uint8_t *verdicts)
{
    const int64_t *at = batch_values(b, FACT_SOLVE_AT);
    const int64_t newest = p->request->now - p->request->reopen_window_ms;
    for (uint32_t i = 0; i < b->rows.n; i++)
        if (verdicts[i] == VERDICT_SAMPLE && at[i] > newest)
            verdicts[i] = VERDICT_BESIDE;
}

static void judge_one_touch(const struct plan *p, struct batch *b, uint8_t *verdicts, uint8_t *success)
{
    const int64_t *touches = batch_values(b, FACT_SOLVE_TOUCHES),
                  *reopened_after = batch_values(b, FACT_SOLVE_REOPENED_AFTER);
    const int64_t window = p->request->reopen_window_ms;
    judge_speaking(p, b, verdicts);
    judge_window(p, b, verdicts);
    for (uint32_t i = 0; i < b->rows.n; i++)
        success[i] = (touches[i] == 1) & ((reopened_after[i] == FACT_NULL) | (reopened_after[i] > window));
}

static bool channel_is_live(unsigned channel)
{
    return channel == CHANNEL_PHONE || channel == CHANNEL_CHAT || channel == CHANNEL_REMOTE ||
           channel == CHANNEL_ONSITE;
}

static void judge_first_contact(const struct plan *p, struct batch *b, uint8_t *verdicts, uint8_t *success)
{
    const int64_t *in_time = batch_values(b, FACT_SOLVE_IN_TIME),
                  *escalated = batch_values(b, FACT_SOLVE_ESCALATED_BEFORE),
                  *at = batch_values(b, FACT_SOLVE_AT), *reopened = batch_values(b, FACT_SOLVE_REOPENED_AT);
    const uint8_t *flags = batch_flags(b);
    const int64_t window = p->request->reopen_window_ms;
    judge_window(p, b, verdicts);
    for (uint32_t i = 0; i < b->rows.n; i++) {
        success[i] = in_time[i] == 1 && escalated[i] == 0 &&
                     (reopened[i] == FACT_NULL || reopened[i] - at[i] > window);
        if (verdicts[i] != VERDICT_SAMPLE && verdicts[i] != VERDICT_BESIDE)
            continue;
        if (b->category[i] < p->n_not_level1 && p->not_level1[b->category[i]])
            verdicts[i] = VERDICT_NONE;
        else if (in_time[i] != FACT_NULL)
            continue;
        else if (channel_is_live(b->channel[i])) /* nobody was spoken to */
            verdicts[i] = VERDICT_NONE;
        else
            verdicts[i] =
                flags[i] & FACT_FLAG_INFERRED ? VERDICT_INFERRED : VERDICT_LEFT_OUT + LEFT_OUT_NO_CALENDAR;
    }
}

static void judge_cycles(struct batch *b, uint8_t *verdicts, uint8_t *success)
{
    const int64_t *outcome = batch_values(b, FACT_SLA_CYCLE_OUTCOME),
                  *is_at_risk = batch_values(b, FACT_SLA_CYCLE_RISK_AT);
    for (uint32_t i = 0; i < b->rows.n; i++) {
        success[i] = outcome[i] == SLA_MET;
        if (verdicts[i] != VERDICT_SAMPLE || outcome[i] == SLA_MET || outcome[i] == SLA_BREACHED)
            continue;
        if (outcome[i] == SLA_RUNNING)
            verdicts[i] = is_at_risk[i] ? VERDICT_BESIDE_2 : VERDICT_BESIDE;
        else
            verdicts[i] =
                outcome[i] == SLA_UNMEASURED ? VERDICT_LEFT_OUT + LEFT_OUT_NO_CALENDAR : VERDICT_NONE;
    }
}

/* An abandoned contact that waited less is no offer. */
#define SHORT_MS 5000

static void judge_contacts(const struct plan *p, enum metric_trial trial, struct batch *b, uint8_t *verdicts,
                           uint8_t *success)
{
    const int64_t *outcome = batch_values(b, FACT_CONTACT_OUTCOME),
                  *queue = batch_values(b, FACT_CONTACT_QUEUE_MS);
    const int64_t within = p->request->within_ms;
    for (uint32_t i = 0; i < b->rows.n; i++) {
        bool is_abandoned = outcome[i] == OUTCOME_ABANDONED;
        success[i] = trial == TRIAL_ABANDONED ? is_abandoned : !is_abandoned && queue[i] <= within;
        if (verdicts[i] != VERDICT_SAMPLE)
            continue;
        if (outcome[i] == OUTCOME_CALLBACK)
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_CALLBACK;
        else if (outcome[i] == OUTCOME_OVERFLOW)
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_OVERFLOW;
        else if (queue[i] == FACT_NULL && (is_abandoned || trial == TRIAL_SERVICE_LEVEL))
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_NO_QUEUE;
        else if (is_abandoned && queue[i] < SHORT_MS)
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_SHORT;
    }
}

/* A score that the scale of the whole batch says enough about is compared with one number. */
static void judge_scores(struct batch *b, const uint8_t *columns, bool is_top, uint8_t *success)
{
    const struct fact_range mins = batch_range(b, columns[1]), maxs = batch_range(b, columns[2]);
    const int64_t *score = batch_values(b, columns[0]);
    const uint32_t n = b->rows.n;
    int64_t low, high;
    if (range_is_one(&mins, &low) && range_is_one(&maxs, &high) && high > low) {
        /* 4(score − min) ≥ 3(max − min), and ≤ (max − min), in whole numbers */
        int64_t top = low + (3 * (high - low) + 3) / 4, bottom = low + (high - low) / 4;
        if (is_top)
            for (uint32_t i = 0; i < n; i++)
                success[i] = score[i] >= top;
        else
            for (uint32_t i = 0; i < n; i++)
                success[i] = score[i] <= bottom;
        return;
    }
    const int64_t *min = batch_values(b, columns[1]), *max = batch_values(b, columns[2]);
    for (uint32_t i = 0; i < n; i++)
        success[i] =
            is_top ? score_is_top(score[i], min[i], max[i]) : score_is_bottom(score[i], min[i], max[i]);
}

static void judge_trial(const struct plan *p, const struct measure *m, struct batch *b, uint8_t *verdicts,
                        uint8_t *success)
{
    const struct metric *metric = m->metric;
    const uint8_t *columns = metric->trial_columns;
    const uint32_t n = b->rows.n;
    switch (metric->trial) {
    case TRIAL_NONE:
        break;
    case TRIAL_ONE_TOUCH:
        judge_one_touch(p, b, verdicts, success);
        break;
    case TRIAL_SILENT: {
        const int64_t *touches = batch_values(b, FACT_SOLVE_TOUCHES);
        judge_speaking(p, b, verdicts);
        for (uint32_t i = 0; i < n; i++)
            success[i] = touches[i] == 0;
        break;
    }
    case TRIAL_FIRST_CONTACT:
        judge_first_contact(p, b, verdicts, success);
        break;
    case TRIAL_SLA:
        judge_cycles(b, verdicts, success);
        break;
    case TRIAL_SERVICE_LEVEL:
    case TRIAL_ABANDONED:
        judge_contacts(p, metric->trial, b, verdicts, success);
        break;
    case TRIAL_COLUMN: {
        const int64_t *x = batch_values(b, columns[0]);
        for (uint32_t i = 0; i < n; i++)
            success[i] = x[i] != 0;
        break;
    }
    case TRIAL_KNOWN: {
        const int64_t *x = batch_values(b, columns[0]);
        for (uint32_t i = 0; i < n; i++)
            success[i] = x[i] != FACT_NULL;
        break;
    }
    case TRIAL_REOPENED: {
        const int64_t *at = batch_values(b, metric->completed), *reopened = batch_values(b, columns[0]);
        const int64_t window = p->request->reopen_window_ms, newest = p->request->now - window;
        for (uint32_t i = 0; i < n; i++) {
            success[i] = reopened[i] != FACT_NULL && reopened[i] - at[i] <= window;
            if (verdicts[i] == VERDICT_SAMPLE && at[i] > newest)
                verdicts[i] = VERDICT_BESIDE;
        }
        break;
    }
    case TRIAL_ANSWER:
        memset(success, 1, n);
        break;
    case TRIAL_TOP:
    case TRIAL_BOTTOM:
        judge_scores(b, columns, metric->trial == TRIAL_TOP, success);
        break;
    case TRIAL_OUTSOURCED:
    case TRIAL_OFFSHORE: {
        bool is_model = metric->trial == TRIAL_OUTSOURCED;
        const uint32_t *own = is_model ? b->model : b->region;
        const uint32_t *ids = own ? own : b->ids[is_model ? p->model : p->region];
        const uint32_t wanted = is_model ? SUPPORT_OUTSOURCED : SUPPORT_OFFSHORE;
        for (uint32_t i = 0; i < n; i++) {
            success[i] = ids[i] == wanted;
            if (verdicts[i] == VERDICT_SAMPLE && ids[i] == 0)
                verdicts[i] = VERDICT_BESIDE;
        }
        break;
    }
    }
    for (uint32_t i = 0; b->cuts && metric->trial != TRIAL_NONE && i < n; i++)
        success[i] &= b->cuts[i];
    /* Where the shares of sites or organisations are counted, a row that belongs to none has none. */
    if (metric->units == UNITS_SHARE && (m->unit == UNIT_SITE || m->unit == UNIT_ORG)) {
        const uint16_t *site = b->rows.dimensions[FIELD_SITE];
        const uint32_t *org = p->org >= 0 ? b->ids[p->org] : NULL;
        for (uint32_t i = 0; i < n; i++)
            if (verdicts[i] == VERDICT_SAMPLE && (m->unit == UNIT_SITE ? site[i] == 0 : org[i] == 0))
                verdicts[i] = VERDICT_BESIDE;
    }
}

/* The age of what is still there runs on from the facts to the instant asked for. */
static int judge_ages(const struct plan *p, const struct measure *m, struct batch *b, uint8_t *verdicts)
{
    const int64_t *business = batch_values(b, FACT_SPAN_BUSINESS), *from = batch_values(b, FACT_SPAN_FROM),
                  *created = batch_values(b, FACT_CREATED);
    for (uint32_t i = 0; i < b->rows.n; i++) {
        if (verdicts[i] != VERDICT_SAMPLE)
            continue;
        const struct business *clock = clocks_site(p->clocks, b->site[i]);
        if (!clock)
            return -ENOMEM;
        int64_t at = b->instants[i], more, before = 0;
        if (m->clock == METRIC_LAST) {
            more = business_last_ms(clock, created[i], at, at);
        } else {
            more = business_elapsed_ms(clock, from[i], at);
            before = business[i];
        }
        if (more == FACT_NULL || before == FACT_NULL)
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_NO_CALENDAR;
        else
            b->ages[i] = before + more;
    }
    return 0;
}

/* A value that is missing where time runs by a calendar has none. */
static void judge_missing(struct judging *g)
{
    const struct measure *m = g->m;
    const struct metric_value *v = &m->metric->values[m->clock];
    bool is_contact = m->metric->table == FACT_CONTACT;
    if (v->is == VALUE_OF_NOTHING ||
        (m->clock == METRIC_WALL && m->metric->table != FACT_SLA_CYCLE && !is_contact))
        return;
    const uint8_t verdict = VERDICT_LEFT_OUT + (is_contact ? LEFT_OUT_NO_QUEUE : LEFT_OUT_NO_CALENDAR);
    for (unsigned k = 0; k < METRIC_COLUMNS && v->columns[k] != COLUMN_NONE; k++) {
        const struct fact_range range = batch_range(g->b, v->columns[k]);
        if (!range.has_null)
            continue;
        const int64_t *values = batch_values(g->b, v->columns[k]);
        uint8_t *verdicts = verdicts_of(g);
        for (uint32_t i = 0; i < g->n; i++)
            if (verdicts[i] == VERDICT_SAMPLE && values[i] == FACT_NULL)
                verdicts[i] = verdict;
    }
}

static void judge_excluded(struct judging *g)
{
    const struct fact_range range = batch_range(g->b, FACT_EXCLUDED);
    const uint8_t excluded_verdict = g->m->is_helper ? VERDICT_NONE : VERDICT_EXCLUDED;
    if (range_is_within(&range, EXCLUDED_NO, EXCLUDED_NO))
        return;
    const uint8_t *excluded = batch_excluded(g->b);
    uint8_t *verdicts = verdicts_of(g);
    for (uint32_t i = 0; i < g->n; i++) {
        uint8_t otherwise = verdicts[i] == VERDICT_SAMPLE ? excluded_verdict : VERDICT_NONE;
        verdicts[i] = excluded[i] == EXCLUDED_NO ? verdicts[i] : otherwise;
    }
}

static void judge_forbidden(struct judging *g, uint8_t forbidden)
{
    if (!batch_some_flags(g->b, forbidden))
        return;
    const uint8_t *flags = batch_flags(g->b);
    uint8_t *verdicts = verdicts_of(g);
    for (uint32_t i = 0; i < g->n; i++)
        verdicts[i] = verdicts[i] && flags[i] & forbidden ? VERDICT_INFERRED : verdicts[i];
}

static void find_top(struct judged *j, uint32_t n)
{
    uint8_t top = 0;
    for (uint32_t i = 0; i < n; i++)
        top = j->verdicts[i] > top ? j->verdicts[i] : top;
    j->top = top;
}

int judge_rows(const struct plan *p, const struct measure *m, struct batch *b, struct judged *ret)
{
    const struct metric *metric = m->metric;
    struct judging g = {p, m, b, ret, b->rows.n};
    const uint32_t n = b->rows.n;
    ret->is_one = !b->keep;
    ret->one = VERDICT_SAMPLE;
    if (b->keep)
        memcpy(ret->verdicts, b->keep, n);
    bool any = only_in_periods(&g) && (!metric->required || only_flagged(&g, metric->required));
    for (unsigned k = 0; k < METRIC_CONDITIONS && any; k++)
        any = only_condition(&g, &metric->conditions[k]);
    if (any && m->until_now)
        any = only_within(&g, m->anchor == ANCHOR_CREATED ? FACT_CREATED : metric->completed, INT64_MIN,
                          p->request->now, true);
    if (any && ballot_columns(metric->table))
        any = only_asked(&g);
    if (!any) { /* and nothing is left out */
        ret->top = VERDICT_NONE;
        return 0;
    }
    if (ballot_columns(metric->table))
        judge_ballot(&g);
    if (metric->forbidden)
        judge_forbidden(&g, metric->forbidden);
    if (metric->trial != TRIAL_NONE)
        judge_trial(p, m, b, verdicts_of(&g), ret->success);
    if (metric->values[m->clock].is == VALUE_OF_AGE) {
        if (judge_ages(p, m, b, verdicts_of(&g)) < 0)
            return -ENOMEM;
    } else {
        judge_missing(&g);
    }
    judge_excluded(&g);
    if (ret->is_one)
        ret->top = ret->one;
    else
        find_top(ret, n);
    return 0;
}

int64_t judge_value(const struct measure *m, const struct batch *b, uint32_t i)
{
    const int64_t *const *values = b->rows.values;
    const struct metric_value *v = &m->metric->values[m->clock];
    const uint8_t *columns = v->columns;
    if (v->is == VALUE_OF_DIFFERENCE) {
        int64_t end = columns[0] == COLUMN_INSTANT ? b->instants[i] : values[columns[0]][i];
        return end - values[columns[1]][i];
    }
    if (v->is == VALUE_OF_RATING) {
        const int64_t min = values[columns[1]][i], width = values[columns[2]][i] - min;
        return (int64_t)((__int128)(values[columns[0]][i] - min) * RATING_UNITS / width);
    }
    if (v->is == VALUE_OF_PROMOTER) {
        const int64_t score = values[columns[0]][i];
        return 100 * ((score >= PROMOTER_FROM) - (score <= DETRACTOR_UNTIL));
    }
    if (v->is == VALUE_OF_AGE)
        return b->ages[i];
    int64_t sum = 0;
    for (unsigned k = 0; k < METRIC_COLUMNS && columns[k] != COLUMN_NONE; k++)
        sum += values[columns[k]][i];
    return sum;
}

static void difference_values(const int64_t *end, const int64_t *start, const uint16_t *rows, uint32_t n,
                              int64_t *restrict ret)
{
    if (rows)
        for (uint32_t k = 0; k < n; k++)
            ret[k] = end[rows[k]] - start[rows[k]];
    else
        for (uint32_t k = 0; k < n; k++)
            ret[k] = end[k] - start[k];
}

/* Where the store keeps the difference itself, neither column is read for it. */
static bool kept_values(struct batch *b, const uint8_t *columns, const uint16_t *rows, uint32_t n,
                        int64_t *ret)
{
    if (!b->reader || !b->has_ranges || b->rows.values[columns[1]] ||
        (b->picked && b->rows.values[columns[0]]))
        return false;
    const int64_t *difference = fact_reader_difference(b->reader, columns[0], columns[1]);
    for (uint32_t k = 0; difference && k < n; k++) {
        uint32_t i = rows ? rows[k] : k;
        ret[k] = difference[b->picked ? b->picked[i] : i];
    }
    return difference;
}

void judge_values(const struct measure *m, struct batch *b, const uint16_t *rows, uint32_t n, int64_t *ret)
{
    const struct metric_value *v = &m->metric->values[m->clock];
    const uint8_t *columns = v->columns;
    bool is_difference = v->is == VALUE_OF_DIFFERENCE && columns[0] != COLUMN_INSTANT;
    if (is_difference && kept_values(b, columns, rows, n, ret))
        return;
    for (unsigned k = 0; k < METRIC_COLUMNS && columns[k] != COLUMN_NONE; k++)
        if (columns[k] != COLUMN_INSTANT)
            (void)batch_values(b, columns[k]);
    if (is_difference)
        difference_values(b->rows.values[columns[0]], b->rows.values[columns[1]], rows, n, ret);
    else
        for (uint32_t k = 0; k < n; k++)
            ret[k] = judge_value(m, b, rows ? rows[k] : k);
}
