#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int source_list_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"source", "source", CELL_TEXT},
        {"tenant", "tenant", CELL_TEXT, .if_differs = true},
        {"plugin", "plugin", CELL_TEXT},
        {"state", "state", CELL_TEXT},
        {"accepted", "accepted", CELL_COUNT},
        {"duplicates", "repeated", CELL_COUNT},
        {"rejected", "rejected", CELL_COUNT},
        {"last_at", "newest event", CELL_MINUTE},
        {"complete_until", "complete until", CELL_MINUTE},
    };
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "source.list", session_params(invocation), &rows);
    if (code == 0)
        code = output_list(
            invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
            "no source yet; configure one under plugins:, or grant a key: tendon key grant --help");
    json_decref(rows);
    return code;
}

static json_t *source_params(const struct invocation *invocation)
{
    json_t *params = session_params(invocation);
    const char *name = invocation_argument(invocation, 0);
    if (name)
        (void)json_object_set_new(params, "source", json_string(name));
    return params;
}

static int source_show_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"accepted", "accepted", CELL_COUNT},
        {"duplicates", "repeated", CELL_COUNT},
        {"rejected", "rejected", CELL_COUNT},
        {"after_watermark", "older than their watermark", CELL_COUNT},
        {"last_seq", "last batch", CELL_TEXT},
        {"first_at", "oldest event", CELL_INSTANT},
        {"last_at", "newest event", CELL_INSTANT},
        {"last_commit", "last heard of", CELL_INSTANT},
        {"complete_until", "complete until", CELL_INSTANT},
        {"rejected_by", "rejected by code", CELL_TEXT},
        {"message", "its plugin says", CELL_TEXT},
    };
    json_t *shown = NULL;
    int code = session_call_once(invocation, "asking", "source.show", source_params(invocation), &shown);
    if (code == 0)
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), shown);
    json_decref(shown);
    return code;
}

static int source_rejects_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"when", "when", CELL_INSTANT}, {"seq", "batch", CELL_TEXT},    {"index", "event", CELL_TEXT},
        {"code", "code", CELL_TEXT},    {"sentence", "why", CELL_TEXT},
    };
    const char *limit = invocation_value(invocation, "limit");
    json_t *params = source_params(invocation), *rows = NULL;
    if (limit) {
        char *end;
        errno = 0;
        long n = strtol(limit, &end, 10);
        if (errno != 0 || *end || end == limit || n < 1 || n > 100) {
            struct error err = ERROR_INIT;
            json_decref(params);
            error_set(&err, -EINVAL, "usage", "--limit cannot be \"%.64s\"", limit);
            error_hint(&err, "a whole number from 1 to 100: the collector keeps the newest 100 of a source");
            return error_print(&err);
        }
        (void)json_object_set_new(params, "limit", json_integer(n));
    }
    int code = session_call_once(invocation, "asking", "source.rejects", params, &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                           "nothing was rejected");
    json_decref(rows);
    return code;
}

/* Whether the person at the terminal says yes; where nobody is asked --yes has to. 0 or an exit code. */
static int reset_confirm(const struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    char answer[16] = "";
    if (invocation_has(invocation, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        error_set(&err, -EINVAL, "usage", "a reset undoes all that the source has sent: say --yes");
        return error_print(&err);
    }
    char *name = text_clean(invocation_argument(invocation, 0));
    (void)fprintf(stderr,
                  "This undoes all events that the source %s has sent. What it does not send again is lost.\n"
                  "Reset it? [y/N] ",
                  name ? name : "");
    free(name);
    bool is_yes = fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    if (is_yes)
        return 0;
    (void)fprintf(stderr, "nothing was done\n");
    return TENDON_EXIT_FAILED;
}

static int source_reset_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"events", "events undone", CELL_COUNT},
        {"generation", "generation", CELL_TEXT},
        {"plugin_restarted", "its plugin begins anew", CELL_TEXT},
    };
    struct session *s = NULL;
    json_t *params = source_params(invocation), *result = NULL;
    int code = reset_confirm(invocation);
    if (code == 0)
        code = session_open(invocation, "asking", &s);
    if (code == 0)
        code = session_call(s, "source.reset", json_incref(params), &result);
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

static const struct option TENANT_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "only this tenant's; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

static const struct option SHOW_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose source; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct option REJECTS_OPTIONS[] = {
    {"limit", 0, OPTION_VALUE, "N", NULL, NAMES_NOTHING, "at most so many, the newest first; 1 to 100"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "only this tenant's; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

static const struct option RESET_OPTIONS[] = {
    {"yes", 'y', OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "do not ask whether it is meant"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose source; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    NO_WAIT_OPTION,
    {NULL},
};

static const struct argument RESET_ARGUMENTS[] = {
    {"NAME", .help = "of the source, as tendon source list shows it"},
    {NULL},
};

static const struct argument ARGUMENTS[] = {
    {"NAME", .optional = true,
     .help = "of the source, as tendon source list shows it; a source that asks with its own key may leave "
             "it out"},
    {NULL},
};

const struct command CMD_SOURCE_LIST = {
    .name = "source list",
    .summary = "list the sources: who sends, how much, how far it is",
    .options = TENANT_OPTIONS,
    .examples = "  tendon source list\n  tendon source list --tenant riverbend -o json\n",
    .run = source_list_run,
};

const struct command CMD_SOURCE_REJECTS = {
    .name = "source rejects",
    .summary = "list the events of a source that were rejected, newest first, and why",
    .description = "The place of the event (its batch and its number in it, from 0) and the reason are kept, "
                   "never what it held.",
    .options = REJECTS_OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon source rejects acme-servicedesk\n  tendon source rejects acme-servicedesk --limit "
                "5 -o json\n",
    .run = source_rejects_run,
};

const struct command CMD_SOURCE_RESET = {
    .name = "source reset",
    .summary = "undo all that a source has sent, and let it begin again",
    .description =
        "For a wrong import: a file of another tenant, a mapping that was mistaken. The source's events "
        "leave "
        "the tenant; its counters, rejects, watermark and position begin again, and its plugin starts anew "
        "at "
        "its configured beginning. A client of the source's own is told to send everything again.\n\n"
        "Until the facts are made anew, answers come from those before, and say so; then none shows any of "
        "those events. An event that another source of the same namespace had sent too, word for word, was "
        "kept once and belongs to the one that sent it first: it stays where that was the other source, and "
        "otherwise goes until one of them sends it again. Tickets that have left the log by its retention "
        "keep their figures.",
    .options = RESET_OPTIONS,
    .arguments = RESET_ARGUMENTS,
    .examples = "  tendon source reset acme-servicedesk\n"
                "  tendon source reset acme-servicedesk --tenant riverbend --yes --no-wait\n",
    .run = source_reset_run,
};

const struct command CMD_SOURCE_SHOW = {
    .name = "source show",
    .summary = "show one source: its counters, its watermark and how its plugin fares",
    .options = SHOW_OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon source show acme-servicedesk\n",
    .run = source_show_run,
};
