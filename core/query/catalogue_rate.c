/* How often: shares of tickets and of solves, and how many hands a ticket went through. */
#include "core/query/catalogue.h"

/* What every figure over tickets that are done now shares. */
#define DONE                                                                                                 \
    .version = 1, .table = FACT_SOLVE, .anchor = ANCHOR_COMPLETED, .completed = FACT_SOLVE_AT,               \
    .required = FACT_FLAG_LAST, .has_ticket = true
#define SHARE                                                                                                \
    DONE, .unit = "share of tickets", .kind = METRIC_RATIO, .options = OPTION_THRESHOLD,                     \
          .units = UNITS_SHARE, .beside = {"unknown"}

const struct metric CATALOGUE_RATE[] = {
    {
        .name = "reopen_rate",
        .version = 1,
        .unit = "share of solves",
        .definition =
            "Of all solves whose window has elapsed (solve + 14 days of 86,400 s, or --reopen-window, at or "
            "before the present) the share whose next reopening came within it. Each solve is one trial, in "
            "its own period. Solves whose window is running are in neither part and counted as censored.",
        .table = FACT_SOLVE,
        .kind = METRIC_RATIO,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .trial = TRIAL_REOPENED,
        .trial_columns = {FACT_SOLVE_REOPENED_AT, COLUMN_NONE},
        .beside = {"censored"},
        .options = OPTION_REOPEN_WINDOW,
        .has_ticket = true,
    },
    {
        .name = "escalation_rate",
        .unit = "share of tickets",
        .definition =
            "Of tickets done now with a known team or tier, those that ever moved to a higher known "
            "tier or to a team of another known employer.",
        DONE,
        .kind = METRIC_RATIO,
        .conditions = {NOT_EQUAL(FACT_SOLVE_ESCALATED, FACT_NULL)},
        .trial = TRIAL_COLUMN,
        .trial_columns = {FACT_SOLVE_ESCALATED, COLUMN_NONE},
    },
    {
        .name = "handoffs",
        .unit = "changes a ticket",
        .definition = "Changes from one known team to another over the ticket's whole life: the mean over "
                      "tickets that are done now.",
        DONE,
        .kind = METRIC_MEAN,
        .values = {SUM(FACT_SOLVE_HANDOFFS)},
    },
    {
        .name = "outsourced_share",
        .definition =
            "Of tickets done now whose support_model at the last solve is known, those that an outsourcer's "
            "team solved. The others are counted as unknown. With --unit site (or org): of the sites with "
            "such a ticket, those whose own share is at least --threshold (0.5).",
        SHARE,
        .trial = TRIAL_OUTSOURCED,
        .trial_columns = {COLUMN_NONE},
    },
    {
        .name = "offshore_share",
        .definition = "As outsourced_share, those that were solved offshore: by a team in another country "
                      "than the site, which is not in the tenant's nearshore list.",
        SHARE,
        .trial = TRIAL_OFFSHORE,
        .trial_columns = {COLUMN_NONE},
    },
    {.name = NULL},
};
