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

static void judge_trial(const struct plan *p, const struct measure *m, const struct batch *b,
                        uint8_t *verdicts, uint8_t *success)
{
    const struct metric *metric = m->metric;
    const uint8_t *columns = metric->trial_columns;
    const uint32_t n = b->rows.n;
    switch (metric->trial) {
    case TRIAL_NONE:
    case TRIAL_ONE_TOUCH:
    case TRIAL_SILENT:
    case TRIAL_FIRST_CONTACT:
    case TRIAL_SLA:
    case TRIAL_SERVICE_LEVEL:
    case TRIAL_ABANDONED:
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
        const uint32_t *ids = b->ids[is_model ? p->model : p->region];
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

/* A value that is missing on the business clock has no calendar. */
static void judge_calendar(const struct measure *m, const struct batch *b, uint8_t *verdicts)
{
    const struct metric_value *v = &m->metric->values[m->clock];
    if (m->clock == METRIC_WALL)
        return;
    for (unsigned k = 0; k < METRIC_COLUMNS && v->columns[k] != COLUMN_NONE; k++) {
        const int64_t *values = b->rows.values[v->columns[k]];
        for (uint32_t i = 0; i < b->rows.n; i++)
            if (verdicts[i] == VERDICT_SAMPLE && values[i] == FACT_NULL)
                verdicts[i] = VERDICT_LEFT_OUT + LEFT_OUT_NO_CALENDAR;
    }
}

void judge_rows(const struct plan *p, const struct measure *m, const struct batch *b, uint8_t *verdicts,
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
    judge_calendar(m, b, verdicts);
    for (uint32_t i = 0; i < n; i++)
        if (excluded[i] != EXCLUDED_NO && verdicts[i])
            verdicts[i] = verdicts[i] == VERDICT_SAMPLE && !m->is_helper ? VERDICT_EXCLUDED : VERDICT_NONE;
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
    int64_t sum = 0;
    for (unsigned k = 0; k < METRIC_COLUMNS && columns[k] != COLUMN_NONE; k++)
        sum += values[columns[k]][i];
    return sum;
}
