/* How other tools count: the rows by which `tendon explain TICKET --as TOOL` recomputes a ticket.
 *
 * A tool is rows and no code. A row names the tool's figure, the metric of ours that people compare it with,
 * what the tool does otherwise, and how its value comes from the same ticket. The rules are those that the
 * tool's maker publishes; what is not published is not guessed at. */
#ifndef TENDON_QUERY_TOOL_H
#define TENDON_QUERY_TOOL_H

#include "core/query/metric.h"

/* Where a tool's value comes from. */
enum tool_value {
    TOOL_OF_FACT,     /* of one row of a fact table: `wall` and `business` */
    TOOL_OF_ROWS,     /* how many rows the fact table has */
    TOOL_FIRST_REPLY, /* created_at to the first public human message out after the one, if any, with which
                         somebody else than the requester opened the ticket */
    TOOL_ONE_TOUCH,   /* of a ticket that is done now: 1 when there is at most one public human message out,
                         else 0 */
};

enum tool_row { TOOL_FIRST_ROW, TOOL_LAST_ROW };

struct tool_metric {
    const char *tool;   /* "zendesk" */
    const char *name;   /* as its users know it */
    const char *metric; /* ours, by name */
    enum tool_value value;
    enum fact_table table;
    enum tool_row row;
    struct metric_value wall, business; /* TOOL_OF_FACT; business VALUE_OF_NOTHING: the tool has none */
    bool is_last;                       /* TOOL_FIRST_REPLY: business by the calendar in force at its end */
    bool keeps_excluded;                /* tickets that were merged away stay in its figures */
    int64_t plus;                       /* added to the value */
    int64_t unit_ms;                    /* of durations: it shows whole ones of these; 0 no duration */
    const char *rule; /* how it counts and where that differs from ours, in a sentence or two */
};

/* By place; NULL behind the last. The rows of one tool stand together. */
const struct tool_metric *tool_metric_at(size_t place);

/* Whether there is such a tool; the nearest name, or NULL, in *ret_nearest when not. */
bool tool_exists(const char *name, const char **ret_nearest);

#endif
