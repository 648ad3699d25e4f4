/* SLA cycles at the present.
 *
 * Facts say what the events prove. Whether a cycle that still runs is breached by now, and for how long, is
 * for the query to say: these columns of its rows are put in place of the facts' own. */
#ifndef TENDON_QUERY_CYCLE_H
#define TENDON_QUERY_CYCLE_H

#include "core/query/clocks.h"
#include "core/query/dimension.h"

struct cycles {
    int64_t outcome[FACT_VECTOR_ROWS];    /* of OUTCOME */
    int64_t counted_at[FACT_VECTOR_ROWS]; /* of BREACH_AT: the end of one that was met, the breach, or the
                                             present of one that runs or cannot be measured */
    int64_t is_at_risk[FACT_VECTOR_ROWS]; /* of RISK_AT: 1 when it runs with more than 0.75 × its target */
    int64_t elapsed[FACT_VECTOR_ROWS];    /* of ELAPSED_MS: of breached ones at their end or the present, and
                                             not less than the target */
};

/* Judges the rows at `now` and replaces those of the four columns that the rows have. OUTCOME, END and
 * BREACH_AT must be there; with ELAPSED_MS also TARGET_MS, SINCE, CLOCK, CALENDAR and SITE. 0 or -ENOMEM. */
int cycles_judge(struct cycles *c, struct clocks *clocks, int64_t now, struct rows *rows);

#endif
