#include "core/query/tool.h"

#include "core/base/nearest.h"
#include "core/query/catalogue.h"

#include <string.h>

#define MINUTE_MS 60000
#define ZENDESK   .tool = "zendesk", .keeps_excluded = true

/* Zendesk: "About native Support time duration metrics", "Calculating first reply time", "How does Zendesk
 * record its business hour metrics?" and the Ticket Metrics API reference of its documentation. */
static const struct tool_metric TOOLS[] = {
    {
        ZENDESK,
        .name = "first reply time",
        .metric = "first_response_time",
        .value = TOOL_FIRST_REPLY,
        .is_last = true,
        .unit_ms = MINUTE_MS,
        .rule = "Always starts at creation: also where an agent opened the ticket (then the agent's next "
                "public comment ends it), and it does not start anew when only a machine had solved it. "
                "Business hours are those of the schedule at the reply, for the whole time.",
    },
    {
        ZENDESK,
        .name = "first resolution time",
        .metric = "first_resolution_time",
        .value = TOOL_OF_FACT,
        .table = FACT_SOLVE,
        .row = TOOL_FIRST_ROW,
        .wall = DIFFERENCE(FACT_SOLVE_AT, FACT_CREATED),
        .business = SUM(FACT_SOLVE_RESOLUTION_LAST),
        .unit_ms = MINUTE_MS,
        .rule = "Business hours are those of the schedule at the solve, for the whole time.",
    },
    {
        ZENDESK,
        .name = "full resolution time",
        .metric = "full_resolution_time",
        .value = TOOL_OF_FACT,
        .table = FACT_SOLVE,
        .row = TOOL_LAST_ROW,
        .wall = DIFFERENCE(FACT_SOLVE_AT, FACT_CREATED),
        .business = SUM(FACT_SOLVE_RESOLUTION_LAST),
        .unit_ms = MINUTE_MS,
        .rule = "Keeps the time of the last solve while the ticket is open again. Business hours are those "
                "of the schedule at that solve, for the whole time.",
    },
    {
        ZENDESK,
        .name = "requester wait time",
        .metric = "requester_wait_time",
        .value = TOOL_OF_FACT,
        .table = FACT_SOLVE,
        .row = TOOL_LAST_ROW,
        .wall = SUM3(FACT_SOLVE_NEW_MS, FACT_SOLVE_OPEN_MS, FACT_SOLVE_HOLD_MS),
        .business = SUM3(FACT_SOLVE_NEW_BUSINESS, FACT_SOLVE_OPEN_BUSINESS, FACT_SOLVE_HOLD_BUSINESS),
        .unit_ms = MINUTE_MS,
        .rule = "New, open and on-hold, kept while the ticket is open again.",
    },
    {
        ZENDESK,
        .name = "agent wait time",
        .metric = "pending_time",
        .value = TOOL_OF_FACT,
        .table = FACT_SOLVE,
        .row = TOOL_LAST_ROW,
        .wall = SUM(FACT_SOLVE_PENDING_MS),
        .business = SUM(FACT_SOLVE_PENDING_BUSINESS),
        .unit_ms = MINUTE_MS,
        .rule = "Pending, kept while the ticket is open again.",
    },
    {
        ZENDESK,
        .name = "on-hold time",
        .metric = "hold_time",
        .value = TOOL_OF_FACT,
        .table = FACT_SOLVE,
        .row = TOOL_LAST_ROW,
        .wall = SUM(FACT_SOLVE_HOLD_MS),
        .business = SUM(FACT_SOLVE_HOLD_BUSINESS),
        .unit_ms = MINUTE_MS,
        .rule = "On-hold, kept while the ticket is open again.",
    },
    {
        ZENDESK,
        .name = "reopens",
        .metric = "reopens",
        .value = TOOL_OF_ROWS,
        .table = FACT_REOPEN,
        .rule = "Moves from solved back to an active status.",
    },
    {
        ZENDESK,
        .name = "group stations",
        .metric = "handoffs",
        .value = TOOL_OF_FACT,
        .table = FACT_SOLVE,
        .row = TOOL_LAST_ROW,
        .wall = SUM(FACT_SOLVE_HANDOFFS),
        .plus = 1,
        .rule = "Groups that had the ticket, the first one included: agrees where it is one more than the "
                "handoffs.",
    },
    {
        ZENDESK,
        .name = "one-touch ticket",
        .metric = "one_touch_rate",
        .value = TOOL_ONE_TOUCH,
        .rule = "A solved ticket with fewer than two public comments of agents, whether or not it came back. "
                "Comments after the last solve count, answered calls do not.",
    },
};

#define N_TOOLS (sizeof(TOOLS) / sizeof(*TOOLS))

const struct tool_metric *tool_metric_at(size_t place)
{
    return place < N_TOOLS ? &TOOLS[place] : NULL;
}

bool tool_exists(const char *name, const char **ret_nearest)
{
    struct nearest nearest;
    nearest_init(&nearest, name, strlen(name));
    *ret_nearest = NULL;
    for (size_t i = 0; i < N_TOOLS; i++) {
        if (strcmp(TOOLS[i].tool, name) == 0)
            return true;
        nearest_offer(&nearest, TOOLS[i].tool);
    }
    *ret_nearest = nearest.best;
    return false;
}
