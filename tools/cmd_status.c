#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>

static const struct output_column COLUMNS[] = {
    {"version", "tendond", CELL_TEXT},
    {"pid", "process", CELL_TEXT},
    {"started_at", "running since", CELL_INSTANT},
    {"uptime_s", "for", CELL_DURATION},
    {"tenants", "Tenants", CELL_TEXT},
    {"tenants.tenant", "tenant", CELL_TEXT},
    {"tenants.events", "events", CELL_COUNT},
    {"tenants.subjects", "tickets and single events", CELL_COUNT},
    {"tenants.stored_bytes", "on disk", CELL_BYTES},
    {"forwarding", "Forwarded", CELL_TEXT},
    {"forwarding.tenant", "tenant", CELL_TEXT},
    {"forwarding.site", "as", CELL_TEXT},
    {"forwarding.to", "to", CELL_TEXT},
    {"forwarding.state", "state", CELL_TEXT},
    {"forwarding.since", "since", CELL_INSTANT},
    {"forwarding.lag", "commits behind", CELL_COUNT},
    {"forwarding.delivered_at", "last delivered", CELL_INSTANT},
    {"forwarding.public_key", "with the key", CELL_WHOLE},
    {"sites", "Sites", CELL_TEXT},
    {"sites.tenant", "tenant", CELL_TEXT},
    {"sites.site", "site", CELL_TEXT},
    {"sites.events", "events", CELL_COUNT},
    {"sites.last_commit", "last heard of", CELL_INSTANT},
    {"sites.state", "state", CELL_TEXT},
    {"plugins", "Plugins", CELL_TEXT},
    {"plugins.source", "source", CELL_TEXT},
    {"plugins.tenant", "tenant", CELL_TEXT, .if_differs = true},
    {"plugins.plugin", "plugin", CELL_TEXT},
    {"plugins.state", "state", CELL_TEXT},
    {"plugins.since", "since", CELL_INSTANT},
    {"plugins.message", "why", CELL_TEXT},
    {"servers", "Sockets", CELL_TEXT},
    {"servers.server", "socket", CELL_TEXT},
    {"servers.listening", "listening", CELL_TEXT},
    {"servers.connections", "connections", CELL_COUNT},
    {"servers.messages", "messages", CELL_COUNT},
    {"servers.bytes", "received", CELL_BYTES},
    {"servers.malformed", "malformed", CELL_COUNT},
    {"servers.refused", "refused", CELL_COUNT},
    {"ingest.batches", "batches", CELL_COUNT},
    {"ingest.events", "events taken", CELL_COUNT},
    {"ingest.commits", "commits", CELL_COUNT},
    {"ingest.failed_commits", "failed commits", CELL_COUNT},
    {"ingest.repeats", "batches repeated", CELL_COUNT},
    {"ingest.out_of_order", "batches out of order", CELL_COUNT},
    {"ingest.malformed", "messages malformed", CELL_COUNT},
    {"ingest.queued_bytes", "waiting", CELL_BYTES},
};

static int status_run(const struct invocation *invocation)
{
    json_t *shown = NULL, *warning;
    size_t i;
    int code = session_call_once(invocation, "asking", "status", json_object(), &shown);
    if (code != 0)
        return code;
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    bool is_table = form == OUTPUT_TABLE || form == OUTPUT_MD;
    /* Warnings are sentences: they stand in lines of their own, last, where they are seen. */
    json_t *warnings = json_incref(json_object_get(shown, "warnings"));
    if (is_table)
        (void)json_object_del(shown, "warnings");
    static const char *const OFTEN_EMPTY[] = {"forwarding", "sites"};
    for (size_t k = 0; is_table && k < sizeof(OFTEN_EMPTY) / sizeof(*OFTEN_EMPTY); k++)
        if (json_array_size(json_object_get(shown, OFTEN_EMPTY[k])) == 0)
            (void)json_object_del(shown, OFTEN_EMPTY[k]);
    code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), shown);
    json_array_foreach(warnings, i, warning)
    {
        const char *text = json_string_value(warning);
        char *clean = text_clean(text ? text : "");
        (void)fprintf(stderr, "%swarning: %s\n", i == 0 && is_table ? "\n" : "", clean ? clean : "");
        free(clean);
    }
    if (code == 0 && json_array_size(warnings) > 0)
        code = TENDON_EXIT_WARNING;
    json_decref(warnings);
    json_decref(shown);
    return code;
}

const struct command CMD_STATUS = {
    .name = "status",
    .summary = "show how the collector, its tenants and its plugins are",
    .description = "What somebody should look at stands last, a warning a line; then the exit code is 3.",
    .options = ANSWER_OPTIONS,
    .examples = "  tendon status\n  tendon status -o json\n",
    .run = status_run,
};
