/* How long: durations of tickets, each on both clocks. */
#include "core/query/catalogue.h"

/* What every duration over tickets that are done now shares. */
#define DONE                                                                                                 \
    .version = 1, .table = FACT_SOLVE, .anchor = ANCHOR_COMPLETED, .completed = FACT_SOLVE_AT,               \
    .required = FACT_FLAG_LAST, .forbidden = FACT_FLAG_INFERRED, .has_ticket = true

const struct metric CATALOGUE_TIME[] = {
    {
        .name = "first_response_time",
        .none = "no public human message out has answered it since its start: created_at, or the first "
                "requester message where somebody else opened it",
        .version = 1,
        .definition =
            "From created_at to the first public human message out. Where an agent or a machine opened the "
            "ticket it starts at the first requester message (none: no sample). If the ticket was reopened "
            "in between and every solve before that was automated, it starts at that reopening. An answered "
            "call is no message. One sample a ticket, in the period of the response.",
        .table = FACT_REPLY,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_REPLY_END,
        .forbidden = FACT_FLAG_INFERRED,
        .conditions = {EQUAL(FACT_REPLY_ORDINAL, 0)},
        CLOCKS(DIFFERENCE(FACT_REPLY_END, FACT_REPLY_START), SUM(FACT_REPLY_BUSINESS), SUM(FACT_REPLY_LAST)),
        .has_ticket = true,
    },
    {
        .name = "next_response_time",
        .none = "no requester message after the first response was answered",
        .version = 1,
        .definition =
            "From a requester message to the next public human message out, after the first response was "
            "given (on inferred tickets: after the first public human message out). Requester messages that "
            "wait already start no second sample; a solve ends a run without one. On a done ticket none "
            "starts: a reopening after a requester message since the solve starts it, at the reopening.",
        .table = FACT_REPLY,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_REPLY_END,
        .conditions = {NOT_EQUAL(FACT_REPLY_ORDINAL, 0)},
        CLOCKS(DIFFERENCE(FACT_REPLY_END, FACT_REPLY_START), SUM(FACT_REPLY_BUSINESS), SUM(FACT_REPLY_LAST)),
        .has_ticket = true,
    },
    {
        .name = "time_to_acknowledge",
        .none = "nobody has taken it up yet",
        .version = 1,
        .definition =
            "From created_at to the first sign that somebody took the ticket up: a human message out, a move "
            "out of new that is not automated, or an assignment of kind reassign, escalate or return. "
            "Routing, or an assignment without a kind, is none.",
        .table = FACT_ACKNOWLEDGEMENT,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_ACKNOWLEDGEMENT_AT,
        .forbidden = FACT_FLAG_INFERRED,
        CLOCKS(DIFFERENCE(FACT_ACKNOWLEDGEMENT_AT, FACT_CREATED), SUM(FACT_ACKNOWLEDGEMENT_BUSINESS),
               SUM(FACT_ACKNOWLEDGEMENT_LAST)),
        .has_ticket = true,
    },
    {
        .name = "first_resolution_time",
        .none = "the ticket was never solved",
        .version = 1,
        .definition = "From created_at to the first solve, whether or not the ticket is done now.",
        .table = FACT_SOLVE,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_SOLVE_AT,
        .forbidden = FACT_FLAG_INFERRED,
        .conditions = {EQUAL(FACT_SOLVE_ORDINAL, 0)},
        CLOCKS(DIFFERENCE(FACT_SOLVE_AT, FACT_CREATED), SUM(FACT_SOLVE_RESOLUTION_BUSINESS),
               SUM(FACT_SOLVE_RESOLUTION_LAST)),
        .has_ticket = true,
    },
    {
        .name = "full_resolution_time",
        .none = "the ticket was never solved",
        .definition = "From created_at to the last solve, over tickets that are done now.",
        DONE,
        CLOCKS(DIFFERENCE(FACT_SOLVE_AT, FACT_CREATED), SUM(FACT_SOLVE_RESOLUTION_BUSINESS),
               SUM(FACT_SOLVE_RESOLUTION_LAST)),
    },
    {
        .name = "requester_wait_time",
        .none = "the ticket was never solved",
        .definition = "Time in new, open and hold until the last solve, over tickets that are done now: the "
                      "time in which the requester waited for somebody else.",
        DONE,
        CLOCKS(SUM3(FACT_SOLVE_NEW_MS, FACT_SOLVE_OPEN_MS, FACT_SOLVE_HOLD_MS),
               SUM3(FACT_SOLVE_NEW_BUSINESS, FACT_SOLVE_OPEN_BUSINESS, FACT_SOLVE_HOLD_BUSINESS),
               SUM3(FACT_SOLVE_NEW_LAST, FACT_SOLVE_OPEN_LAST, FACT_SOLVE_HOLD_LAST)),
    },
    {
        .name = "support_work_time",
        .none = "the ticket was never solved",
        .definition = "Time in new and open until the last solve, over tickets that are done now.",
        DONE,
        CLOCKS(SUM2(FACT_SOLVE_NEW_MS, FACT_SOLVE_OPEN_MS),
               SUM2(FACT_SOLVE_NEW_BUSINESS, FACT_SOLVE_OPEN_BUSINESS),
               SUM2(FACT_SOLVE_NEW_LAST, FACT_SOLVE_OPEN_LAST)),
    },
    {
        .name = "hold_time",
        .none = "the ticket was never solved",
        .definition = "Time in hold (waiting for a third party) until the last solve, over tickets that are "
                      "done now; 0 for one that never was.",
        DONE,
        CLOCKS(SUM(FACT_SOLVE_HOLD_MS), SUM(FACT_SOLVE_HOLD_BUSINESS), SUM(FACT_SOLVE_HOLD_LAST)),
    },
    {
        .name = "pending_time",
        .none = "the ticket was never solved",
        .definition = "Time in pending (waiting for the requester) until the last solve, over tickets that "
                      "are done now; 0 for one that never was.",
        DONE,
        CLOCKS(SUM(FACT_SOLVE_PENDING_MS), SUM(FACT_SOLVE_PENDING_BUSINESS), SUM(FACT_SOLVE_PENDING_LAST)),
    },
    {
        .name = "handling_time",
        .none = "no team had it in new or open before the last solve",
        .version = 1,
        .definition =
            "For tickets that are done now, the time in new and open before the last solve during which one "
            "team had the ticket: a sample for each ticket and team with more than none. What was before the "
            "first team stands under no team. Over a ticket's teams it sums to support_work_time, exactly. "
            "Period and dimensions are those of the last solve; what the team itself is (employer, "
            "outsourcer, country, support_model, support_region) is taken when it had the ticket last.",
        .table = FACT_HOLDING,
        .anchor = ANCHOR_COMPLETED,
        .completed = FACT_HOLDING_SOLVE_AT,
        .forbidden = FACT_FLAG_INFERRED,
        CLOCKS(SUM(FACT_HOLDING_HELD_MS), SUM(FACT_HOLDING_BUSINESS), SUM(FACT_HOLDING_LAST)),
        .has_ticket = true,
    },
    {.name = NULL},
};
