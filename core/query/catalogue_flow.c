/* How many: what came, what went, what is there. */
#include "core/query/catalogue.h"

const struct metric CATALOGUE_FLOW[] = {
    {
        .name = "tickets_created",
        .none = "no ticket.* event is known yet",
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
        .none = "the ticket was never solved",
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
        .none = "the ticket was never solved",
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
        .none = "the ticket was never reopened",
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
        .none = "the ticket is not active now",
        .version = 1,
        .unit = "tickets",
        .definition =
            "Tickets active at an instant. With --at T: after all events at or before T. For a period [a, "
            "b): after all events before b (in the running period, up to the present), so that its closing "
            "is the next one's opening; opening + created - resolutions + reopens = closing, exactly. With "
            "--by or --where the difference, tickets whose dimensions changed while they were active, is "
            "printed as moved. Without --at and period: the present. Dimensions: at the instant.",
        .table = FACT_SPAN,
        .kind = METRIC_COUNT,
        .anchor = ANCHOR_INSTANT,
        .completed = FACT_SPAN_FROM,
    },
    {
        .name = "backlog_age",
        .none = "the ticket is not active now",
        .version = 1,
        .definition =
            "The instant less created_at, over the tickets of the backlog. Inferred tickets have no "
            "created_at and give no sample.",
        .table = FACT_SPAN,
        .anchor = ANCHOR_INSTANT,
        .completed = FACT_SPAN_FROM,
        .forbidden = FACT_FLAG_INFERRED,
        CLOCKS(DIFFERENCE(COLUMN_INSTANT, FACT_CREATED), AGE(FACT_SPAN_BUSINESS, FACT_SPAN_FROM),
               AGE(FACT_CREATED)),
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
    {.name = NULL},
};
