#include "tools/json.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_COLUMNS 18 /* of the names of options */

static int plugin_list_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"source", "source", CELL_TEXT},    {"tenant", "tenant", CELL_TEXT, .if_differs = true},
        {"plugin", "plugin", CELL_TEXT},    {"state", "state", CELL_TEXT},
        {"since", "since", CELL_INSTANT},   {"crashes", "crashes", CELL_COUNT},
        {"skipped", "skipped", CELL_COUNT}, {"message", "why", CELL_TEXT},
    };
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "plugin.list", json_object(), &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                           "no plugin is at work; configure one under plugins:");
    json_decref(rows);
    return code;
}

/* What an option takes, in words: "list of int, 1 to 10", "one of: a, b". */
static json_t *option_type(const json_t *option)
{
    char text[512];
    const char *type = json_text(option, "type"), *shape = json_text(option, "shape");
    const json_t *low = json_object_get(option, "low"), *high = json_object_get(option, "high");
    const json_t *values = json_object_get(option, "values");
    size_t at = (size_t)snprintf(text, sizeof(text), "%s%s",
                                 strcmp(shape, "list") == 0  ? "list of "
                                 : strcmp(shape, "map") == 0 ? "map of string to "
                                                             : "",
                                 type);
    if (json_is_integer(low) && json_is_integer(high) && at < sizeof(text))
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               ", %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT, json_integer_value(low),
                               json_integer_value(high));
    for (size_t i = 0; i < json_array_size(values) && at < sizeof(text); i++) {
        const char *value = json_string_value(json_array_get(values, i));
        at +=
            (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i == 0 ? ": " : ", ", value ? value : "");
    }
    return json_string(text);
}

/* The options as --help shows those of a command: what each takes, and below what it is. */
static void options_print(const json_t *options, unsigned width, bool markdown)
{
    const json_t *option;
    char *room = NULL;
    size_t i;
    (void)printf(markdown ? "\n**Options**\n\n" : "\nOptions:\n");
    json_array_foreach((json_t *)options, i, option)
    {
        json_t *type = option_type(option);
        const char *preset = output_cell(CELL_TEXT, json_object_get(option, "default"), &room);
        bool is_required = json_is_true(json_object_get(option, "required"));
        char *name = text_clean(json_text(option, "name")), *takes = text_clean(json_string_value(type));
        char *otherwise = text_clean(preset ? preset : ""), *help = text_clean(json_text(option, "help"));
        if (name && takes && otherwise && help) {
            char line[1024];
            (void)snprintf(line, sizeof(line), "%s%s%s", takes,
                           is_required ? "; required"
                           : preset    ? "; default "
                                       : "",
                           is_required ? "" : otherwise);
            if (markdown)
                (void)printf("* %s: %s. ", name, line);
            else {
                (void)printf("  %-*s", OPTION_COLUMNS - 2, name);
                text_wrap(stdout, line, OPTION_COLUMNS, width);
                (void)printf("%*s", OPTION_COLUMNS + 2, "");
            }
            text_wrap(stdout, help, markdown ? 2 : OPTION_COLUMNS + 2, markdown ? 0 : width);
        }
        free(name);
        free(takes);
        free(otherwise);
        free(help);
        json_decref(type);
    }
    free(room);
}

static int plugin_show_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"abi", "built for ABI", CELL_TEXT},
        {"help", "what it does", CELL_TEXT},
        {"has_ack", "hears of commits", CELL_TEXT},
    };
    json_t *shown = NULL;
    unsigned width;
    int code = session_call_once(invocation, "asking", "plugin.show",
                                 json_pack("{s:s}", "plugin", invocation_argument(invocation, 0)), &shown);
    if (code != 0)
        return code;
    enum output_form form = output_form(invocation, &width);
    json_t *options = NULL;
    if (form == OUTPUT_TABLE || form == OUTPUT_MD) {
        options = json_incref(json_object_get(shown, "options"));
        (void)json_object_del(shown, "options");
    }
    code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), shown);
    if (code == 0 && json_array_size(options) > 0) {
        options_print(options, width, form == OUTPUT_MD);
        code = output_finish(0);
    }
    json_decref(options);
    json_decref(shown);
    return code;
}

static int plugin_release_run(const struct invocation *invocation)
{
    json_t *params = session_params(invocation), *result = NULL;
    (void)json_object_set_new(params, "source", json_string(invocation_argument(invocation, 0)));
    int code = session_call_once(invocation, "starting", "plugin.release", params, &result);
    if (code == 0)
        code = output_show(invocation, NULL, 0, result);
    json_decref(result);
    return code;
}

static const struct option RELEASE_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose source; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct argument SHOW_ARGUMENTS[] = {
    {"PLUGIN", .help = "its name under plugin: in the configuration, for example csv"},
    {NULL},
};

static const struct argument RELEASE_ARGUMENTS[] = {
    {"SOURCE", .help = "the source that the plugin speaks for, as tendon plugin list shows it"},
    {NULL},
};

const struct command CMD_PLUGIN_LIST = {
    .name = "plugin list",
    .summary = "list the plugins at work: one line an instance, its state and why",
    .options = LIST_OPTIONS,
    .examples = "  tendon plugin list\n",
    .run = plugin_list_run,
};

const struct command CMD_PLUGIN_RELEASE = {
    .name = "plugin release",
    .summary = "start a quarantined or failed plugin again, at once",
    .description = "After five crashes in ten minutes a plugin is left in quarantine. This forgets its "
                   "crashes and starts it; so does a "
                   "change of its configuration.",
    .options = RELEASE_OPTIONS,
    .arguments = RELEASE_ARGUMENTS,
    .examples = "  tendon plugin release acme-servicedesk\n",
    .run = plugin_release_run,
};

const struct command CMD_PLUGIN_SHOW = {
    .name = "plugin show",
    .summary = "show a plugin and the options that its configuration takes",
    .options = ANSWER_OPTIONS,
    .arguments = SHOW_ARGUMENTS,
    .examples = "  tendon plugin show servicenow\n",
    .run = plugin_show_run,
};
