/* Targets, and whether they were met. */
#include "core/query/catalogue.h"

/* The instant that a cycle counts at is worked out at the present (cycle.h) and stands in BREACH_AT: its end
 * when it was met, its breach, or the present while it runs. */
#define CYCLE                                                                                                \
    .version = 1, .table = FACT_SLA_CYCLE, .anchor = ANCHOR_COMPLETED,                                       \
    .completed = FACT_SLA_CYCLE_BREACH_AT, .left_out = 1u << LEFT_OUT_NO_CALENDAR, .has_ticket = true

const struct metric CATALOGUE_SLA[] = {
    {
        .name = "sla_attainment",
        .none = "no target was ever applied, or its cycle ended without counting",
        .unit = "share of cycles",
        .definition =
            "Of the SLA cycles that were met or breached, those that were met. A cycle is one measured thing "
            "with a target, on the target's own clock. It is met when it ended with elapsed <= target, in "
            "the period of its end, and breached at the last instant with elapsed <= target, in the period "
            "of that instant; so each counts once. Cycles that are neither yet are counted as running, and "
            "those of them with more than three quarters of the target elapsed also as at_risk, in the "
            "period of the present. Cancelled cycles, and response cycles that a solve left unanswered, do "
            "not count.",
        CYCLE,
        .kind = METRIC_RATIO,
        .trial = TRIAL_SLA,
        .trial_columns = {FACT_SLA_CYCLE_OUTCOME, FACT_SLA_CYCLE_RISK_AT, COLUMN_NONE},
        .beside = {"running", "at_risk"},
    },
    {
        .name = "sla_breach_time",
        .none = "no target was missed",
        .unit = "seconds",
        .definition =
            "By how much breached SLA cycles went over: elapsed less target at the cycle's end or, where it "
            "is still running, at the present (these are also counted as running). In the period of the "
            "breach, on the target's own clock.",
        CYCLE,
        .kind = METRIC_DURATION,
        .conditions = {EQUAL(FACT_SLA_CYCLE_OUTCOME, SLA_BREACHED)},
        .values = {DIFFERENCE(FACT_SLA_CYCLE_ELAPSED_MS, FACT_SLA_CYCLE_TARGET_MS)},
        .beside = {"running"},
        .has_own_clocks = true,
        .no_clock = "each cycle runs on the clock of its own target",
    },
    {.name = NULL},
};
