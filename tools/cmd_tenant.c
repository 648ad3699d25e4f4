#include "core/base/quantity.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tenant_list_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"tenant", "tenant", CELL_TEXT},
        {"zone", "zone", CELL_TEXT},
        {"sources", "sources", CELL_COUNT},
        {"events", "events", CELL_COUNT},
        {"stored_bytes", "on disk", CELL_BYTES},
        {"consented_at", "in the benchmark since", CELL_MINUTE, .if_differs = true},
    };
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "tenant.list", json_object(), &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                           "no tenant yet; tendon tenant add makes one");
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
        {"consented_at", "in the benchmark since", CELL_INSTANT},
        {"limits.stored_bytes", "limits: on disk", CELL_BYTES},
        {"limits.hot_events", "limits: events in memory", CELL_COUNT},
        {"limits.query_time", "limits: a query takes", CELL_TERM},
        {"limits.events_per_second", "limits: events a second", CELL_COUNT},
        {"limits.burst", "limits: events at once", CELL_COUNT},
        {"limits.sources", "limits: sources", CELL_COUNT},
        {"limits.connections", "limits: connections", CELL_COUNT},
        {"limits.queries", "limits: questions at a time", CELL_COUNT},
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

/* "NAME=VALUE" into a map; VALUE default: null, as if it had never been set. 0 or an exit code. */
static int limit_read(const char *text, json_t *limits)
{
    struct error err = ERROR_INIT;
    const char *equals = strchr(text, '=');
    char name[64];
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof(name) || !equals[1]) {
        error_set(&err, -EINVAL, "usage", "\"%.64s\" is no limit", text);
        error_hint(&err, "write NAME=VALUE, as stored_bytes=64GiB; tendon tenant show lists the names");
        return error_print(&err);
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    (void)json_object_set_new(limits, name,
                              strcmp(equals + 1, "default") == 0 ? json_null() : json_string(equals + 1));
    return 0;
}

static int tenant_add_run(const struct invocation *invocation)
{
    json_t *params = tenant_params(invocation), *limits = json_object(), *result = NULL;
    int code = 0;
    if (invocation_has(invocation, "zone"))
        (void)json_object_set_new(params, "zone", json_string(invocation_value(invocation, "zone")));
    for (size_t i = 0; code == 0 && i < invocation->n_given; i++)
        if (strcmp(invocation->given[i].option->name, "limit") == 0)
            code = limit_read(invocation->given[i].value, limits);
    (void)json_object_set_new(params, "limits", limits);
    if (code != 0) {
        json_decref(params);
        return code;
    }
    code = session_call_once(invocation, "adding", "tenant.add", params, &result);
    if (code == 0)
        code = output_show(invocation, NULL, 0, result);
    json_decref(result);
    return code;
}

/* Sizes and durations as people write them. */
static void limits_for_people(json_t *rows)
{
    static const char *const KEYS[] = {"value", "configured", "operator", "admin"};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const char *unit = json_string_value(json_object_get(row, "unit"));
        enum cell_kind kind = !unit || !*unit ? CELL_COUNT : strcmp(unit, "ms") == 0 ? CELL_TERM : CELL_BYTES;
        for (size_t k = 0; k < sizeof(KEYS) / sizeof(*KEYS); k++) {
            char *room = NULL;
            const json_t *value = json_object_get(row, KEYS[k]);
            const char *text = json_is_integer(value) ? output_cell(kind, value, &room) : NULL;
            if (text)
                (void)json_object_set_new(row, KEYS[k], json_string(text));
            free(room);
        }
    }
}

static int tenant_limit_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"limit", "limit", CELL_TEXT},       {"value", "in force", CELL_TEXT},
        {"from", "from", CELL_TEXT},         {"configured", "configuration", CELL_TEXT},
        {"operator", "operator", CELL_TEXT}, {"admin", "admin", CELL_TEXT},
    };
    json_t *params = tenant_params(invocation), *limits = json_object(), *rows = NULL;
    unsigned width;
    int code = 0;
    for (size_t i = 1; code == 0 && i < invocation->n_arguments; i++)
        code = limit_read(invocation->arguments[i], limits);
    (void)json_object_set_new(params, "limits", limits);
    if (code != 0) {
        json_decref(params);
        return code;
    }
    code = session_call_once(invocation, "asking", "tenant.limit", params, &rows);
    enum output_form form = output_form(invocation, &width);
    if (form == OUTPUT_TABLE || form == OUTPUT_MD)
        limits_for_people(rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), rows, "no limits");
    json_decref(rows);
    return code;
}

/* --log or --facts, in milliseconds; forever is 0. 0 or an exit code. */
static int term_read(const struct invocation *invocation, const char *option, const char *param,
                     json_t *params)
{
    const char *text = invocation_value(invocation, option);
    struct error err = ERROR_INIT;
    int64_t ms = 0;
    if (!text)
        return 0;
    if (strcmp(text, "forever") != 0 && (quantity_ms(text, &ms) < 0 || ms <= 0)) {
        error_set(&err, -EINVAL, "usage", "--%s cannot be \"%.64s\"", option, text);
        error_hint(&err, "how long: 400d, or forever");
        return error_print(&err);
    }
    (void)json_object_set_new(params, param, json_integer(ms));
    return 0;
}

static int tenant_retention_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"log_ms", "events are kept", CELL_TERM},
        {"facts_ms", "figures are kept", CELL_TERM},
        {"configured", "as configured", CELL_TEXT},
    };
    struct error err = ERROR_INIT;
    json_t *params = tenant_params(invocation), *result = NULL;
    bool is_default = invocation_has(invocation, "default");
    int code = term_read(invocation, "log", "log_ms", params);
    if (code == 0)
        code = term_read(invocation, "facts", "facts_ms", params);
    if (code == 0 && is_default == invocation_has(invocation, "log")) {
        error_set(&err, -EINVAL, "usage",
                  "tendon tenant retention takes --log TIME, and perhaps --facts; or --default");
        error_hint(&err, "tendon tenant show shows what is in force");
        code = error_print(&err);
    }
    if (code != 0) {
        json_decref(params);
        return code;
    }
    if (is_default)
        (void)json_object_set_new(params, "default", json_true());
    code = session_call_once(invocation, "asking", "tenant.retention", params, &result);
    if (code == 0)
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), result);
    json_decref(result);
    return code;
}

/* Whether it is meant: on a terminal the name is typed again, elsewhere --yes has to be given. 0 or an exit
 * code. */
static int remove_confirm(const struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    char answer[80] = "";
    const char *name = invocation_argument(invocation, 0);
    if (invocation_has(invocation, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        error_set(&err, -EINVAL, "usage", "this deletes all that the tenant has stored: say --yes");
        return error_print(&err);
    }
    char *clean = text_clean(name);
    (void)fprintf(stderr,
                  "This deletes all events and figures of the tenant %s, revokes its keys and destroys the "
                  "key that its\n"
                  "data are hashed and sealed under. It cannot be undone. Type its name to go on: ",
                  clean ? clean : "");
    free(clean);
    if (fgets(answer, sizeof(answer), stdin)) {
        answer[strcspn(answer, "\n")] = '\0';
        if (strcmp(answer, name) == 0)
            return 0;
    }
    (void)fprintf(stderr, "nothing was done\n");
    return TENDON_EXIT_FAILED;
}

static int tenant_remove_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"events", "events deleted", CELL_COUNT},
        {"stored_bytes", "from the disk", CELL_BYTES},
        {"key_destroyed", "its key is destroyed", CELL_TEXT},
    };
    json_t *result = NULL;
    int code = remove_confirm(invocation);
    if (code == 0)
        code = session_call_once(invocation, "removing", "tenant.remove", tenant_params(invocation), &result);
    if (code == 0)
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), result);
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

static const struct argument NAME_ARGUMENTS[] = {
    {"NAME", .help = "of the tenant"},
    {NULL},
};

static const struct argument LIMIT_ARGUMENTS[] = {
    {"NAME", .help = "of the tenant"},
    {"LIMIT=VALUE", .optional = true, .many = true,
     .help = "stored_bytes=64GiB, query_time=5s; VALUE default: as the configuration says"},
    {NULL},
};

static const struct option ADD_OPTIONS[] = {
    {"zone", 0, OPTION_VALUE, "ZONE", NULL, NAMES_NOTHING,
     "IANA time zone in which its days begin: America/Chicago; default UTC"},
    {"limit", 0, OPTION_MANY, "LIMIT=VALUE", NULL, NAMES_NOTHING,
     "what it may use: stored_bytes=64GiB; may be given again"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct option REMOVE_OPTIONS[] = {
    {"yes", 'y', OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "do not ask whether it is meant"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct option RETENTION_OPTIONS[] = {
    {"log", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "how long a ticket's events are kept once it is done: 400d; or forever"},
    {"facts", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "how long its figures are kept, at least as long; default: for ever"},
    {"default", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "as the configuration says"},
    OUTPUT_OPTION,
    {NULL},
};

const struct command CMD_TENANT_ADD = {
    .name = "tenant add",
    .summary = "make a tenant",
    .description =
        "It needs no place in the configuration; one that is named there is made by itself. Dimensions, SLA "
        "policies and the like are settings of the configuration.",
    .options = ADD_OPTIONS,
    .arguments = NAME_ARGUMENTS,
    .examples = "  tendon tenant add lakeside --zone America/New_York --limit stored_bytes=8GiB\n",
    .run = tenant_add_run,
};

const struct command CMD_TENANT_LIMIT = {
    .name = "tenant limit",
    .summary = "show what a tenant may use, or change it",
    .description =
        "What is set here counts in place of the configuration, over reloads and restarts, until it is set "
        "to "
        "default. The tenant's own admin may lower a limit, and never raise it beyond what it would be "
        "without that.",
    .options = ANSWER_OPTIONS,
    .arguments = LIMIT_ARGUMENTS,
    .examples = "  tendon tenant limit lakeside\n"
                "  tendon tenant limit lakeside stored_bytes=16GiB query_time=10s\n"
                "  tendon tenant limit lakeside query_time=default\n",
    .run = tenant_limit_run,
};

const struct command CMD_TENANT_REMOVE = {
    .name = "tenant remove",
    .summary = "delete a tenant with all it has stored, its keys and the key of its data",
    .description =
        "Nothing of it is taken or answered any more, its files are deleted, the grants of its keys revoked, "
        "and "
        "the key that its ids are hashed and its cursors sealed under is destroyed: copies of its files are "
        "then of no use, unless somebody has a copy of that key too. The audit log says so. A tenant that "
        "the "
        "configuration names is taken out of it first.",
    .options = REMOVE_OPTIONS,
    .arguments = NAME_ARGUMENTS,
    .examples = "  tendon tenant remove lakeside\n",
    .run = tenant_remove_run,
};

const struct command CMD_TENANT_RETENTION = {
    .name = "tenant retention",
    .summary = "say how long a tenant's tickets are kept",
    .description =
        "Counts in place of the configuration until --default is given. What is due leaves once a day, after "
        "midnight UTC.",
    .options = RETENTION_OPTIONS,
    .arguments = NAME_ARGUMENTS,
    .examples = "  tendon tenant retention lakeside --log 400d --facts 1100d\n",
    .run = tenant_retention_run,
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
