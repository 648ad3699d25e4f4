#include "core/query/judge.h"

#include "core/fold/derived.h"
#include "core/query/ballot.h"
#include "core/query/statistic.h"

#include <string.h>

#define PROMOTER_FROM   9000 /* thousandths */
#define DETRACTOR_UNTIL 6000

static void judge_condition(const struct metric_condition *c, const int64_t *column, uint32_t n,
                            uint8_t *verdicts)
{
    const int64_t value = c->value;
    switch (c->is) {
    case CONDITION_NONE:
        break;
    case CONDITION_EQUAL:
        for (uint32_t i = 0; i < n; i++)
            verdicts[i] &= column[i] == value;
        break;
    case CONDITION_NOT_EQUAL:
        for (uint32_t i = 0; i < n; i++)
            verdicts[i] &= column[i] != value;
        break;
    case CONDITION_LESS:
        for (uint32_t i = 0; i < n; i++)
            verdicts[i] &= column[i] < value;
        break;
    }
}

/* Instrument and question, and whose ballot it is. A ticket has one rating a solve: the last of the survey,
 * unless the questions are looked at one by one. */
static void judge_ballot(const struct plan *p, const struct measure *m, const struct batch *b,
                         uint8_t *verdicts)
{
    const struct metric *metric = m->metric;
    const struct ballot_columns *c = ballot_columns(metric->table);
    const int64_t *instrument = b->rows.values[c->instrument], *question = b->rows.values[c->question],
                  *relation = b->rows.values[c->relation], *respondent = b->rows.values[c->respondent],
                  *flags = b->rows.values[FACT_FLAGS];
    const uint32_t n = b->rows.n;
    if (m->instrument)
        for (uint32_t i = 0; i < n; i++)
            verdicts[i] &= instrument[i] == m->instrument;
    if (m->question)
        for (uint32_t i = 0; i < n; i++)
            verdicts[i] &= question[i] == m->question;
    else if (metric->table == FACT_RATING && !p->groups_question)
        for (uint32_t i = 0; i < n; i++)
            verdicts[i] &= (flags[i] & FACT_FLAG_OF_SURVEY) != 0;
    /* Of a ballot of several items the last tells of all. */
    bool is_whole = metric->gather == GATHER_BALLOTS;
    for (uint32_t i = 0; i < n; i++)
        if (verdicts[i] && relation[i] == RELATION_RESELLER)
            verdicts[i] = is_whole && respondent[i] && !(flags[i] & FACT_FLAG_LAST)
                              ? VERDICT_NONE
                              : VERDICT_LEFT_OUT + LEFT_OUT_RESELLER;
    if (metric->scale_max == metric->scale_min)
        return;
    const int64_t *min = b->rows.values[c->min], *max = b->rows.values[c->max];
    for (uint32_t i = 0; i < n; i++)
        if (verdicts[i] == VERDICT_SAMPLE && (min[i] != metric->scale_min || max[i] != metric->scale_max))
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_SCALE;
}

/* What counts only where somebody could have been heard. */
static void judge_speaking(const struct plan *p, const struct batch *b, uint8_t *verdicts)
{
    const int64_t *namespaces = b->rows.values[FACT_NAMESPACE];
    const uint8_t *speaks = p->speaks;
    const uint64_t n_speaks = p->n_speaks;
    for (uint32_t i = 0; i < b->rows.n; i++)
        if (verdicts[i] == VERDICT_SAMPLE &&
            !((uint64_t)namespaces[i] < n_speaks && speaks[(uint64_t)namespaces[i]]))
            verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_SILENT;
}

/* Solves whose window still runs are in neither part. */
static void judge_window(const struct plan *p, const struct batch *b, uint8_t *verdicts)
{
    const int64_t *at = b->rows.values[FACT_SOLVE_AT];
    const int64_t newest = p->request->now - p->request->reopen_window_ms;
    for (uint32_t i = 0; i < b->rows.n; i++)
        if (verdicts[i] == VERDICT_SAMPLE && at[i] > newest)
            verdicts[i] = VERDICT_BESIDE;
}

static void judge_one_touch(const struct plan *p, const struct batch *b, uint8_t *verdicts, uint8_t *success)
{
    const int64_t *touches = b->rows.values[FACT_SOLVE_TOUCHES],
                  *reopened_after = b->rows.values[FACT_SOLVE_REOPENED_AFTER];
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

static void judge_first_contact(const struct plan *p, const struct batch *b, uint8_t *verdicts,
                                uint8_t *success)
{
    const int64_t *in_time = b->rows.values[FACT_SOLVE_IN_TIME],
                  *escalated = b->rows.values[FACT_SOLVE_ESCALATED_BEFORE],
                  *at = b->rows.values[FACT_SOLVE_AT], *reopened = b->rows.values[FACT_SOLVE_REOPENED_AT],
                  *flags = b->rows.values[FACT_FLAGS];
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

static void judge_cycles(const struct batch *b, uint8_t *verdicts, uint8_t *success)
{
    const int64_t *outcome = b->rows.values[FACT_SLA_CYCLE_OUTCOME],
                  *is_at_risk = b->rows.values[FACT_SLA_CYCLE_RISK_AT];
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

static void judge_contacts(const struct plan *p, enum metric_trial trial, const struct batch *b,
                           uint8_t *verdicts, uint8_t *success)
{
    const int64_t *outcome = b->rows.values[FACT_CONTACT_OUTCOME],
                  *queue = b->rows.values[FACT_CONTACT_QUEUE_MS];
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

static void judge_trial(const struct plan *p, const struct measure *m, const struct batch *b,
                        uint8_t *verdicts, uint8_t *success)
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
        const int64_t *touches = b->rows.values[FACT_SOLVE_TOUCHES];
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
        const int64_t *x = b->rows.values[columns[0]];
        for (uint32_t i = 0; i < n; i++)
            success[i] = x[i] != 0;
        break;
    }
    case TRIAL_KNOWN: {
        const int64_t *x = b->rows.values[columns[0]];
        for (uint32_t i = 0; i < n; i++)
            success[i] = x[i] != FACT_NULL;
        break;
    }
    case TRIAL_REOPENED: {
        const int64_t *at = b->rows.values[metric->completed], *reopened = b->rows.values[columns[0]];
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
    case TRIAL_BOTTOM: {
        const int64_t *score = b->rows.values[columns[0]], *min = b->rows.values[columns[1]],
                      *max = b->rows.values[columns[2]];
        for (uint32_t i = 0; i < n; i++)
            success[i] = metric->trial == TRIAL_TOP ? score_is_top(score[i], min[i], max[i])
                                                    : score_is_bottom(score[i], min[i], max[i]);
        break;
    }
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
static int judge_ages(const struct plan *p, const struct measure *m, const struct batch *b, uint8_t *verdicts)
{
    const int64_t *business = b->rows.values[FACT_SPAN_BUSINESS], *from = b->rows.values[FACT_SPAN_FROM],
                  *created = b->rows.values[FACT_CREATED];
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
static void judge_missing(const struct measure *m, const struct batch *b, uint8_t *verdicts)
{
    const struct metric_value *v = &m->metric->values[m->clock];
    bool is_contact = m->metric->table == FACT_CONTACT;
    if (v->is == VALUE_OF_NOTHING ||
        (m->clock == METRIC_WALL && m->metric->table != FACT_SLA_CYCLE && !is_contact))
        return;
    const uint8_t verdict = VERDICT_LEFT_OUT + (is_contact ? LEFT_OUT_NO_QUEUE : LEFT_OUT_NO_CALENDAR);
    for (unsigned k = 0; k < METRIC_COLUMNS && v->columns[k] != COLUMN_NONE; k++) {
        const int64_t *values = b->rows.values[v->columns[k]];
        for (uint32_t i = 0; i < b->rows.n; i++)
            if (verdicts[i] == VERDICT_SAMPLE && values[i] == FACT_NULL)
                verdicts[i] = verdict;
    }
}

int judge_rows(const struct plan *p, const struct measure *m, const struct batch *b, uint8_t *verdicts,
               uint8_t *success)
{
    const struct metric *metric = m->metric;
    const int64_t *flags = b->rows.values[FACT_FLAGS], *excluded = b->rows.values[FACT_EXCLUDED];
    const int32_t *slots = b->slots[m->anchor];
    const uint8_t *keep = b->keep;
    const uint32_t n = b->rows.n;
    const int64_t required = metric->required, forbidden = metric->forbidden;

    for (uint32_t i = 0; i < n; i++)
        verdicts[i] = keep[i] & (slots[i] >= 0) & ((flags[i] & required) == required);
    for (unsigned k = 0; k < METRIC_CONDITIONS; k++)
        if (metric->conditions[k].is != CONDITION_NONE)
            judge_condition(&metric->conditions[k], b->rows.values[metric->conditions[k].column], n,
                            verdicts);
    if (m->until_now) {
        const int64_t *anchor =
            b->rows.values[m->anchor == ANCHOR_CREATED ? FACT_CREATED : metric->completed];
        for (uint32_t i = 0; i < n; i++)
            verdicts[i] &= anchor[i] <= p->request->now;
    }
    if (ballot_columns(metric->table))
        judge_ballot(p, m, b, verdicts);
    if (forbidden)
        for (uint32_t i = 0; i < n; i++)
            if (verdicts[i] && flags[i] & forbidden)
                verdicts[i] = VERDICT_INFERRED;
    judge_trial(p, m, b, verdicts, success);
    if (metric->values[m->clock].is != VALUE_OF_AGE)
        judge_missing(m, b, verdicts);
    else if (judge_ages(p, m, b, verdicts) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        if (excluded[i] != EXCLUDED_NO && verdicts[i])
            verdicts[i] = verdicts[i] == VERDICT_SAMPLE && !m->is_helper ? VERDICT_EXCLUDED : VERDICT_NONE;
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
