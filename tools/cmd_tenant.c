#include "tools/output.h"
#include "tools/session.h"

static int tenant_list_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"tenant", "tenant", CELL_TEXT},         {"zone", "zone", CELL_TEXT},
        {"sources", "sources", CELL_COUNT},      {"events", "events", CELL_COUNT},
        {"stored_bytes", "on disk", CELL_BYTES},
    };
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "tenant.list", json_object(), &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                           "no tenant yet; name one under tenants: in the collector's configuration");
    json_decref(rows);
    return code;
}

static json_t *tenant_params(const struct invocation *invocation)
{
    const char *name = invocation_argument(invocation, 0);
    return name ? json_pack("{s:s}", "tenant", name) : json_object();
}

static int tenant_show_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"events", "events", CELL_COUNT},
        {"subjects", "tickets and single events", CELL_COUNT},
        {"stored_bytes", "on disk", CELL_BYTES},
        {"stored_bytes_limit", "limit on disk", CELL_BYTES},
        {"policies", "SLA policies", CELL_COUNT},
        {"hot_subjects", "tickets in memory", CELL_COUNT},
        {"hot_events", "events in memory", CELL_COUNT},
        {"log_segments", "segments of the log", CELL_COUNT},
        {"fact_blocks", "blocks of facts", CELL_COUNT},
        {"file_bytes", "file", CELL_BYTES},
        {"bytes_log", "of it the log", CELL_BYTES},
        {"bytes_directory", "of it the ticket directory", CELL_BYTES},
        {"bytes_facts", "of it facts", CELL_BYTES},
        {"bytes_other", "of it all else", CELL_BYTES},
        {"retention.log_ms", "events are kept", CELL_TERM},
        {"retention.facts_ms", "figures are kept", CELL_TERM},
        {"limits.stored_bytes", "limits: on disk", CELL_BYTES},
        {"limits.hot_events", "limits: events in memory", CELL_COUNT},
        {"limits.query_time_ms", "limits: milliseconds of a query", CELL_COUNT},
        {"limits.result_rows", "limits: rows of an answer", CELL_COUNT},
    };
    json_t *shown = NULL;
    int code = session_call_once(invocation, "asking", "tenant.show", tenant_params(invocation), &shown);
    if (code == 0)
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), shown);
    json_decref(shown);
    return code;
}

static int tenant_reindex_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"events", "events folded", CELL_COUNT},
        {"subjects", "tickets and single events", CELL_COUNT},
    };
    struct session *s = NULL;
    json_t *params = tenant_params(invocation), *result = NULL;
    int code = session_open(invocation, "asking", &s);
    if (code == 0)
        code = session_call(s, "tenant.reindex", json_incref(params), &result);
    if (code == 0)
        code = session_await_facts(s, invocation, result, params);
    session_close(s);
    json_decref(params);
    (void)json_object_del(result, "refolding");
    if (code == 0)
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), result);
    json_decref(result);
    return code;
}

static const struct option REINDEX_OPTIONS[] = {
    OUTPUT_OPTION,
    NO_WAIT_OPTION,
    {NULL},
};

static const struct argument ARGUMENTS[] = {
    {"NAME", .optional = true, .help = "of the tenant; may be left out where there is one"},
    {NULL},
};

const struct command CMD_TENANT_LIST = {
    .name = "tenant list",
    .summary = "list the tenants of this collector",
    .options = LIST_OPTIONS,
    .examples = "  tendon tenant list\n",
    .run = tenant_list_run,
};

const struct command CMD_TENANT_REINDEX = {
    .name = "tenant reindex",
    .summary = "make all facts of a tenant anew from its events",
    .description = "The answers are the same afterwards: facts depend on the events alone. No vendor is "
                   "asked for anything again. Events are taken meanwhile, and questions answered from the "
                   "facts before with every new event in them.",
    .options = REINDEX_OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon tenant reindex riverbend\n",
    .run = tenant_reindex_run,
};

const struct command CMD_TENANT_SHOW = {
    .name = "tenant show",
    .summary = "show a tenant: its zone, dimensions, limits and what it has stored",
    .options = ANSWER_OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon tenant show riverbend\n  tendon tenant show riverbend -o json\n",
    .run = tenant_show_run,
};
