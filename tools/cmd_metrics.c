#include "tools/output.h"
#include "tools/session.h"

static int metrics_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"name", "metric", CELL_TEXT},
        {"unit", "unit", CELL_TEXT},
        {"anchor", "anchor", CELL_TEXT},
        {"definition", "definition", CELL_TEXT},
    };
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "metric.list", json_object(), &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                           "the catalogue is empty");
    json_decref(rows);
    return code;
}

static int metrics_show_run(const struct invocation *invocation)
{
    json_t *shown = NULL;
    int code = session_call_once(invocation, "asking", "metric.show",
                                 json_pack("{s:s}", "name", invocation_argument(invocation, 0)), &shown);
    if (code == 0)
        code = output_show(invocation, NULL, 0, shown);
    json_decref(shown);
    return code;
}

static const struct argument ARGUMENTS[] = {
    {"NAME", .names = NAMES_METRIC, .help = "of the metric, as tendon metrics shows it"},
    {NULL},
};

const struct command CMD_METRICS = {
    .name = "metrics",
    .summary = "list what can be asked",
    .options = LIST_OPTIONS,
    .examples = "  tendon metrics\n  tendon metrics show first_response_time\n",
    .run = metrics_run,
};

const struct command CMD_METRICS_SHOW = {
    .name = "metrics show",
    .summary = "show a metric's definition, statistics and options",
    .options = ANSWER_OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon metrics show reopen_rate\n",
    .run = metrics_show_run,
};
