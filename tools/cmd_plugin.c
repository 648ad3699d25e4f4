#include "tools/output.h"
#include "tools/session.h"

static int plugin_list_run(const struct invocation *invocation)
{
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "plugin.list", json_object(), &rows);
    if (code == 0)
        code = output_list(invocation, NULL, 0, rows,
                           "no plugin on plugin_path:; see the collector's configuration");
    json_decref(rows);
    return code;
}

static int plugin_show_run(const struct invocation *invocation)
{
    json_t *shown = NULL;
    int code = session_call_once(invocation, "asking", "plugin.show",
                                 json_pack("{s:s}", "plugin", invocation_argument(invocation, 0)), &shown);
    if (code == 0)
        code = output_show(invocation, NULL, 0, shown);
    json_decref(shown);
    return code;
}

static const struct option OPTIONS[] = {
    OUTPUT_OPTIONS,
    {NULL},
};

static const struct argument ARGUMENTS[] = {
    {"NAME", .help = "of the plugin, as tendon plugin list shows it"},
    {NULL},
};

const struct command CMD_PLUGIN_LIST = {
    .name = "plugin list",
    .summary = "list the plugins that this collector can load",
    .options = OPTIONS,
    .examples = "  tendon plugin list\n",
    .run = plugin_list_run,
};

const struct command CMD_PLUGIN_SHOW = {
    .name = "plugin show",
    .summary = "show a plugin and the options that its configuration takes",
    .options = OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon plugin show servicenow\n",
    .run = plugin_show_run,
};
