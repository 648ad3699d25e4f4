#include "core/query/cycle.h"

#include <errno.h>

static int64_t counted_at(int64_t outcome, int64_t end, int64_t breach_at, int64_t now)
{
    switch (outcome) {
    case SLA_MET:
        return end;
    case SLA_BREACHED:
        return breach_at;
    default:
        return end != FACT_NULL ? end : now;
    }
}

/* Elapsed at the present of a row that has not ended; FACT_NULL where the clock has no calendar. */
static int elapsed_now(struct clocks *clocks, int64_t now, const struct rows *rows, uint32_t i, int64_t *ret)
{
    const int64_t *const *v = rows->values;
    int64_t elapsed = v[FACT_SLA_CYCLE_ELAPSED_MS][i], since = v[FACT_SLA_CYCLE_SINCE][i];
    int64_t calendar = v[FACT_SLA_CYCLE_CALENDAR][i], site = v[FACT_SLA_CYCLE_SITE][i];
    *ret = elapsed;
    if (elapsed == FACT_NULL || since == FACT_NULL || now <= since)
        return 0;
    if (v[FACT_SLA_CYCLE_CLOCK][i] != CLOCK_BUSINESS) {
        *ret = elapsed + (now - since);
        return 0;
    }
    const struct business *b =
        calendar > 0 ? clocks_calendar(clocks, (uint16_t)calendar) : clocks_site(clocks, (uint16_t)site);
    if (!b)
        return -ENOMEM;
    int64_t more = business_elapsed_ms(b, since, now);
    *ret = more == FACT_NULL ? FACT_NULL : elapsed + more;
    return 0;
}

int cycles_judge(struct cycles *c, struct clocks *clocks, int64_t now, struct rows *rows)
{
    const int64_t *const *v = rows->values;
    const int64_t *end = v[FACT_SLA_CYCLE_END], *breach_at = v[FACT_SLA_CYCLE_BREACH_AT],
                  *risk_at = v[FACT_SLA_CYCLE_RISK_AT], *target = v[FACT_SLA_CYCLE_TARGET_MS];
    for (uint32_t i = 0; i < rows->n; i++) {
        int64_t outcome = v[FACT_SLA_CYCLE_OUTCOME][i];
        if (outcome == SLA_RUNNING && breach_at[i] != FACT_NULL && now > breach_at[i])
            outcome = SLA_BREACHED;
        c->outcome[i] = outcome;
        c->counted_at[i] = counted_at(outcome, end[i], breach_at[i], now);
        if (risk_at)
            c->is_at_risk[i] = outcome == SLA_RUNNING && risk_at[i] != FACT_NULL && now > risk_at[i];
        if (!v[FACT_SLA_CYCLE_ELAPSED_MS])
            continue;
        c->elapsed[i] = v[FACT_SLA_CYCLE_ELAPSED_MS][i];
        if (outcome != SLA_BREACHED)
            continue;
        if (end[i] == FACT_NULL && elapsed_now(clocks, now, rows, i, &c->elapsed[i]) < 0)
            return -ENOMEM;
        /* The breach may be proven by an event behind a present that lies before it. */
        if (c->elapsed[i] != FACT_NULL && c->elapsed[i] < target[i])
            c->elapsed[i] = target[i];
    }
    rows->values[FACT_SLA_CYCLE_OUTCOME] = c->outcome;
    rows->values[FACT_SLA_CYCLE_BREACH_AT] = c->counted_at;
    if (risk_at)
        rows->values[FACT_SLA_CYCLE_RISK_AT] = c->is_at_risk;
    if (v[FACT_SLA_CYCLE_ELAPSED_MS])
        rows->values[FACT_SLA_CYCLE_ELAPSED_MS] = c->elapsed;
    return 0;
}
