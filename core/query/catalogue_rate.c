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
        .none = "the ticket was never solved",
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
        .name = "one_touch_rate",
        .none = "the ticket was never solved",
        .unit = "share of tickets",
        .definition =
            "Of tickets done now whose last solve's window has elapsed (14 days of 86,400 s, or "
            "--reopen-window), those with exactly one touch and no solve that was reopened within the "
            "window. A touch is a public human message out before the last solve, or an answered contact of "
            "the ticket at or before it. Tickets of a source that never sent a message or contact are left "
            "out; those whose window is running are counted as censored.",
        DONE,
        .kind = METRIC_RATIO,
        .trial = TRIAL_ONE_TOUCH,
        .trial_columns = {FACT_SOLVE_TOUCHES, FACT_SOLVE_REOPENED_AFTER, FACT_NAMESPACE},
        .beside = {"censored"},
        .options = OPTION_REOPEN_WINDOW,
        .left_out = 1u << LEFT_OUT_SILENT,
    },
    {
        .name = "silent_close_rate",
        .none = "the ticket was never solved",
        .unit = "share of tickets",
        .definition =
            "Of tickets done now, those without a touch: nothing that a person wrote went out to the "
            "requester before the last solve, and no contact was answered. Tickets of a source that never "
            "sent a message or contact are left out.",
        DONE,
        .kind = METRIC_RATIO,
        .trial = TRIAL_SILENT,
        .trial_columns = {FACT_SOLVE_TOUCHES, FACT_NAMESPACE, COLUMN_NONE},
        .left_out = 1u << LEFT_OUT_SILENT,
    },
    {
        .name = "first_contact_resolution",
        .none = "it is not eligible: never solved, first known on a higher tier, or on a live channel "
                "without an answered contact",
        .version = 1,
        .unit = "share of tickets",
        .definition =
            "Of tickets with a solve whose window has elapsed, whose first known tier is 1 or none and whose "
            "category is not in the tenant's not_level1 list, those whose first solve came in time, was not "
            "escalated before and not reopened within the window (14 days, or --reopen-window). In time, on "
            "phone, chat, remote and onsite: at or before the end, with its wrap-up, of the ticket's first "
            "answered contact (none: no sample); elsewhere: within 3,600 business seconds of created_at. "
            "Tickets whose window is running are counted as censored. Period: the first solve's.",
        .table = FACT_SOLVE,
        .kind = METRIC_RATIO,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .conditions = {EQUAL(FACT_SOLVE_ORDINAL, 0), LESS(FACT_SOLVE_FIRST_TIER, 2),
                       NOT_EQUAL(FACT_SOLVE_FIRST_TIER, 0)},
        .trial = TRIAL_FIRST_CONTACT,
        .trial_columns = {FACT_SOLVE_IN_TIME, FACT_SOLVE_ESCALATED_BEFORE, FACT_SOLVE_REOPENED_AT},
        .beside = {"censored"},
        .options = OPTION_REOPEN_WINDOW,
        .left_out = 1u << LEFT_OUT_NO_CALENDAR,
        .has_ticket = true,
    },
    {
        .name = "escalation_rate",
        .none = "no team and no tier of the ticket was ever known",
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
        .none = "the ticket was never solved",
        .unit = "changes a ticket",
        .definition = "Changes from one known team to another over the ticket's whole life: the mean over "
                      "tickets that are done now.",
        DONE,
        .kind = METRIC_MEAN,
        .values = {SUM(FACT_SOLVE_HANDOFFS)},
    },
    {
        .name = "ping_pong_rate",
        .none = "the ticket was never solved",
        .unit = "share of tickets",
        .definition =
            "Of tickets done now, those that went from one team to another and straight back: three "
            "successive known teams A, B, A.",
        DONE,
        .kind = METRIC_RATIO,
        .trial = TRIAL_COLUMN,
        .trial_columns = {FACT_SOLVE_PING_PONG, COLUMN_NONE},
    },
    {
        .name = "outsourced_share",
        .none = "the ticket was never solved",
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
        .none = "the ticket was never solved",
        .definition = "As outsourced_share, those that were solved offshore: by a team in another country "
                      "than the site, which is not in the tenant's nearshore list.",
        SHARE,
        .trial = TRIAL_OFFSHORE,
        .trial_columns = {COLUMN_NONE},
    },
    {.name = NULL},
};
