#include "core/query/metric.h"

#include "core/base/nearest.h"
#include "core/query/query.h"

#include <string.h>

/* Conditions, short. */
#define EQUAL(c, v)                                                                                          \
    {                                                                                                        \
        CONDITION_EQUAL, (c), (v)                                                                            \
    }
#define NOT_EQUAL(c, v)                                                                                      \
    {                                                                                                        \
        CONDITION_NOT_EQUAL, (c), (v)                                                                        \
    }
#define LESS(c, v)                                                                                           \
    {                                                                                                        \
        CONDITION_LESS, (c), (v)                                                                             \
    }
#define SUM(...)         .value = VALUE_OF_SUM, .columns = {__VA_ARGS__, COLUMN_NONE}
#define SUM3(...)        .value = VALUE_OF_SUM, .columns = {__VA_ARGS__}
#define DIFFERENCE(a, b) .value = VALUE_OF_DIFFERENCE, .columns = {(a), (b), COLUMN_NONE}

/* What every duration over tickets that are done now shares. */
#define DONE_DURATION                                                                                        \
    .version = 1, .unit = "seconds", .table = FACT_SOLVE, .kind = METRIC_DURATION,                           \
    .anchor = ANCHOR_COMPLETED, .completed = FACT_SOLVE_AT, .required = FACT_FLAG_LAST,                      \
    .forbidden = FACT_FLAG_INFERRED, .has_ticket = true
/* And every rating. A reseller's ballot is none. */
#define RATING                                                                                               \
    .version = 1, .unit = "share of ratings", .table = FACT_RATING, .kind = METRIC_RATIO,                    \
    .anchor = ANCHOR_COMPLETED, .completed = FACT_RATING_AT, .instrument = "csat",                           \
    .options = OPTION_INSTRUMENT | OPTION_QUESTION, .units = UNITS_SURVEY
#define SHARE                                                                                                \
    .version = 1, .unit = "share of tickets", .table = FACT_SOLVE, .kind = METRIC_RATIO,                     \
    .anchor = ANCHOR_COMPLETED, .completed = FACT_SOLVE_AT, .required = FACT_FLAG_LAST,                      \
    .options = OPTION_THRESHOLD, .units = UNITS_SHARE, .has_ticket = true

const struct metric METRICS[] = {
    {
        .name = "tickets_created",
        .version = 1,
        .unit = "tickets",
        .definition =
            "Tickets created. A ticket's creation is its earliest ticket.created; without any, its "
            "earliest ticket event (an inferred ticket). Dimensions: as they are after the earliest "
            "ticket.created.",
        .table = FACT_TICKET,
        .kind = METRIC_COUNT,
        .anchor = ANCHOR_CREATED,
        .completed = FACT_CREATED,
        .required = FACT_FLAG_TICKET,
        .has_ticket = true,
    },
    {
        .name = "tickets_solved",
        .version = 1,
        .unit = "tickets",
        .definition = "Tickets that are done now (solved or closed after all events known), by their last "
                      "solve. A past period can change when a ticket is reopened.",
        .table = FACT_SOLVE,
        .kind = METRIC_COUNT,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .required = FACT_FLAG_LAST,
        .has_ticket = true,
    },
    {
        .name = "resolutions",
        .version = 1,
        .unit = "solves",
        .definition = "Solves: moves from an active class (new, open, pending, hold) to a done one (solved, "
                      "closed). A ticket that was reopened counts again; solved to closed is no solve.",
        .table = FACT_SOLVE,
        .kind = METRIC_COUNT,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .has_ticket = true,
    },
    {
        .name = "reopens",
        .version = 1,
        .unit = "reopenings",
        .definition = "Reopenings: moves from a done class back to an active one.",
        .table = FACT_REOPEN,
        .kind = METRIC_COUNT,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_REOPEN_AT,
        .has_ticket = true,
    },
    {
        .name = "backlog",
        .version = 1,
        .unit = "tickets",
        .definition =
            "Tickets active at an instant. With --at T: after all events at or before T. For a period [a, "
            "b): "
            "after all events before b (in the running period, up to the present), so that its closing is "
            "the "
            "next one's opening; opening + created - resolutions + reopens = closing, exactly. With --by or "
            "--where the difference, tickets whose dimensions changed while they were active, is printed as "
            "moved. Without --at and period: the present. Dimensions: at the instant.",
        .table = FACT_SPAN,
        .kind = METRIC_COUNT,
        .anchor = ANCHOR_INSTANT,
        .completed = FACT_SPAN_FROM,
    },
    {
        .name = "backlog_age",
        .version = 1,
        .unit = "seconds",
        .definition =
            "The instant less created_at, over the tickets of the backlog. Inferred tickets have no "
            "created_at and give no sample.",
        .table = FACT_SPAN,
        .kind = METRIC_DURATION,
        .anchor = ANCHOR_INSTANT,
        .completed = FACT_SPAN_FROM,
        .forbidden = FACT_FLAG_INFERRED,
        DIFFERENCE(COLUMN_INSTANT, FACT_CREATED),
    },
    {
        .name = "first_response_time",
        .version = 1,
        .unit = "seconds",
        .definition =
            "From created_at to the first public human message out. Where an agent or a machine opened the "
            "ticket it starts at the first requester message (none: no sample). If the ticket was reopened "
            "in "
            "between and every solve before that was automated, it starts at that reopening. An answered "
            "call "
            "is no message. One sample a ticket, in the period of the response.",
        .table = FACT_REPLY,
        .kind = METRIC_DURATION,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_REPLY_END,
        .forbidden = FACT_FLAG_INFERRED,
        .conditions = {EQUAL(FACT_REPLY_ORDINAL, 0)},
        DIFFERENCE(FACT_REPLY_END, FACT_REPLY_START),
        .has_ticket = true,
    },
    {
        .name = "first_resolution_time",
        .version = 1,
        .unit = "seconds",
        .definition = "From created_at to the first solve, whether or not the ticket is done now.",
        .table = FACT_SOLVE,
        .kind = METRIC_DURATION,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .forbidden = FACT_FLAG_INFERRED,
        .conditions = {EQUAL(FACT_SOLVE_ORDINAL, 0)},
        DIFFERENCE(FACT_SOLVE_AT, FACT_CREATED),
        .has_ticket = true,
    },
    {
        .name = "full_resolution_time",
        .definition = "From created_at to the last solve, over tickets that are done now.",
        DONE_DURATION,
        DIFFERENCE(FACT_SOLVE_AT, FACT_CREATED),
    },
    {
        .name = "requester_wait_time",
        .definition = "Time in new, open and hold until the last solve, over tickets that are done now: the "
                      "time in which the requester waited for somebody else.",
        DONE_DURATION,
        SUM3(FACT_SOLVE_NEW_MS, FACT_SOLVE_OPEN_MS, FACT_SOLVE_HOLD_MS),
    },
    {
        .name = "support_work_time",
        .definition = "Time in new and open until the last solve, over tickets that are done now.",
        DONE_DURATION,
        SUM(FACT_SOLVE_NEW_MS, FACT_SOLVE_OPEN_MS),
    },
    {
        .name = "hold_time",
        .definition = "Time in hold (waiting for a third party) until the last solve, over tickets that are "
                      "done now; 0 for one that never was.",
        DONE_DURATION,
        SUM(FACT_SOLVE_HOLD_MS),
    },
    {
        .name = "pending_time",
        .definition = "Time in pending (waiting for the requester) until the last solve, over tickets that "
                      "are done now; 0 for one that never was.",
        DONE_DURATION,
        SUM(FACT_SOLVE_PENDING_MS),
    },
    {
        .name = "handoffs",
        .version = 1,
        .unit = "changes a ticket",
        .definition = "Changes from one known team to another over the ticket's whole life: the mean over "
                      "tickets that are done now.",
        .table = FACT_SOLVE,
        .kind = METRIC_MEAN,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .required = FACT_FLAG_LAST,
        SUM(FACT_SOLVE_HANDOFFS),
        .has_ticket = true,
    },
    {
        .name = "escalation_rate",
        .version = 1,
        .unit = "share of tickets",
        .definition =
            "Of tickets done now with a known team or tier, those that ever moved to a higher known "
            "tier or to a team of another known employer.",
        .table = FACT_SOLVE,
        .kind = METRIC_RATIO,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .required = FACT_FLAG_LAST,
        .conditions = {NOT_EQUAL(FACT_SOLVE_ESCALATED, FACT_NULL)},
        .trial = TRIAL_COLUMN,
        .columns = {FACT_SOLVE_ESCALATED, COLUMN_NONE},
        .has_ticket = true,
    },
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
        .columns = {FACT_SOLVE_REOPENED_AT, COLUMN_NONE},
        .options = OPTION_REOPEN_WINDOW,
        .has_ticket = true,
    },
    {
        .name = "csat",
        .definition =
            "Ratings of instrument csat (--instrument, --question for another) in the top quarter of their "
            "scale, 4(score - min) >= 3(max - min): 4 and 5 of 1 to 5. One rating a ticket and solve, the "
            "last; without a ticket the last in the period of each site, respondent and question. Resellers' "
            "ballots are left out and counted. With --unit site, org or respondent each has one vote, split "
            "evenly. Dimensions: at the solve rated, else the response's own.",
        RATING,
        .trial = TRIAL_TOP,
        .columns = {FACT_RATING_SCORE, FACT_RATING_MIN, FACT_RATING_MAX},
    },
    {
        .name = "dissatisfaction",
        .definition = "As csat, the bottom quarter: 4(score - min) <= max - min: 1 and 2 of 1 to 5.",
        RATING,
        .trial = TRIAL_BOTTOM,
        .columns = {FACT_RATING_SCORE, FACT_RATING_MIN, FACT_RATING_MAX},
    },
    {
        .name = "outsourced_share",
        .definition =
            "Of tickets done now whose support_model at the last solve is known, those that an outsourcer's "
            "team solved. The others are counted as unknown. With --unit site (or org): of the sites with "
            "such "
            "a ticket, those whose own share is at least --threshold (0.5).",
        SHARE,
        .trial = TRIAL_OUTSOURCED,
        .columns = {COLUMN_NONE},
    },
    {
        .name = "offshore_share",
        .definition = "As outsourced_share, those that were solved offshore: by a team in another country "
                      "than the site, which is not in the tenant's nearshore list.",
        SHARE,
        .trial = TRIAL_OFFSHORE,
        .columns = {COLUMN_NONE},
    },
    /* Tickets that are active now: beside cohorts, which may not be finished. */
    {
        .name = "open_now",
        .version = 1,
        .unit = "tickets",
        .definition = "",
        .table = FACT_TICKET,
        .kind = METRIC_COUNT,
        .anchor = ANCHOR_CREATED,
        .completed = FACT_CREATED,
        .required = FACT_FLAG_TICKET,
        .conditions = {LESS(FACT_TICKET_CLASS, STATUS_SOLVED)},
        .has_ticket = true,
        .is_hidden = true,
    },
};

const size_t N_METRICS = sizeof(METRICS) / sizeof(METRICS[0]);

static const struct {
    unsigned option;
    const char *name, *values;
} OPTIONS[] = {
    {OPTION_REOPEN_WINDOW, "reopen_window", "a duration, 14d unless given"},
    {OPTION_THRESHOLD, "threshold", "a share from 0 to 1, 0.5 unless given; with unit site or org"},
    {OPTION_INSTRUMENT, "instrument", "the instrument's name"},
    {OPTION_QUESTION, "question", "the question's name; every question unless given"},
};

static const char *const UNIT_NAMES[UNIT_N] = {"ticket", "site", "org", "respondent"};

const char *metric_option_name(unsigned option)
{
    for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(OPTIONS[0]); i++)
        if (OPTIONS[i].option == option)
            return OPTIONS[i].name;
    return NULL;
}

const char *metric_unit_name(enum metric_unit unit)
{
    return UNIT_NAMES[unit];
}

const struct metric *metric_find(const char *name, size_t size)
{
    for (size_t i = 0; i < N_METRICS; i++)
        if (!METRICS[i].is_hidden && strlen(METRICS[i].name) == size &&
            memcmp(METRICS[i].name, name, size) == 0)
            return &METRICS[i];
    return NULL;
}

const struct metric *metric_helper(const char *name)
{
    for (size_t i = 0; i < N_METRICS; i++)
        if (strcmp(METRICS[i].name, name) == 0)
            return &METRICS[i];
    return NULL;
}

const char *metric_nearest(const char *name, size_t size)
{
    struct nearest nearest;
    nearest_init(&nearest, name, size);
    for (size_t i = 0; i < N_METRICS; i++)
        if (!METRICS[i].is_hidden)
            nearest_offer(&nearest, METRICS[i].name);
    return nearest.best;
}

/* --- the catalogue as it is shown
 * -------------------------------------------------------------------------------- */

static const char *anchor_text(const struct metric *m)
{
    switch (m->anchor) {
    case ANCHOR_CREATED:
        return "created";
    case ANCHOR_COMPLETED:
        return "completed";
    case ANCHOR_INSTANT:
        break;
    }
    return "instant";
}

static json_t *metric_json(const struct metric *m)
{
    static const char *const SAMPLED[] = {"avg", "min", "max", "sum", "count", "pNN"};
    json_t *statistics = json_array(), *options = json_array();
    if (m->kind == METRIC_COUNT)
        (void)json_array_append_new(statistics, json_string("count"));
    else if (m->kind != METRIC_RATIO)
        for (size_t i = 0; i < sizeof(SAMPLED) / sizeof(SAMPLED[0]); i++)
            (void)json_array_append_new(statistics, json_string(SAMPLED[i]));
    for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(OPTIONS[0]); i++)
        if (m->options & OPTIONS[i].option)
            (void)json_array_append_new(
                options, json_pack("{s:s, s:s}", "name", OPTIONS[i].name, "values", OPTIONS[i].values));
    if (m->units) {
        char units[80] = "";
        for (unsigned u = 0; u < UNIT_N; u++)
            if (m->units & 1u << u) {
                if (units[0])
                    (void)strncat(units, ", ", sizeof(units) - strlen(units) - 1);
                (void)strncat(units, UNIT_NAMES[u], sizeof(units) - strlen(units) - 1);
            }
        (void)json_array_append_new(options, json_pack("{s:s, s:s}", "name", "unit", "values", units));
    }
    if (m->has_ticket)
        (void)json_array_append_new(
            options, json_pack("{s:s, s:s}", "name", "anchor", "values", "created, completed"));
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o}", "name", m->name, "version", (int)m->version,
                     "unit", m->unit, "definition", m->definition, "anchor", anchor_text(m), "statistics",
                     statistics, "options", options);
}

json_t *metric_catalogue(void)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < N_METRICS; i++)
        if (!METRICS[i].is_hidden && json_array_append_new(list, metric_json(&METRICS[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

int metric_show(const char *name, json_t **ret, struct error *err)
{
    const struct metric *m = metric_find(name, strlen(name));
    if (!m) {
        const char *nearest = metric_nearest(name, strlen(name));
        (void)error_set(err, -ENOENT, "unknown_metric", "no metric is named '%.64s'", name);
        if (nearest)
            error_hint(err, "did you mean %s?", nearest);
        else
            error_hint(err, "tendon metrics lists all");
        return -ENOENT;
    }
    json_t *shown = metric_json(m);
    if (!shown)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the definition of %s", name);
    *ret = shown;
    return 0;
}
