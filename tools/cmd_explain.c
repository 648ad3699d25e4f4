#include "tools/json.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Options that go to the collector as they were typed, under their name with _ for -. */
static const char *const PASSED[] = {"where",  "since",      "until",    "at",
                                     "now",    "tz",         "anchor",   "reopen-window",
                                     "within", "instrument", "question", "calendar-rule"};

static void pass(const struct invocation *invocation, json_t *to)
{
    for (size_t i = 0; i < sizeof(PASSED) / sizeof(PASSED[0]); i++) {
        char key[32];
        const char *value = invocation_value(invocation, PASSED[i]);
        if (!value)
            continue;
        (void)snprintf(key, sizeof(key), "%s", PASSED[i]);
        for (char *dash; (dash = strchr(key, '-'));)
            *dash = '_';
        (void)json_object_set_new(to, key, json_string(value));
    }
}

/* --- for people: texts in place of maps and of numbers without their unit */

static void text_set(json_t *map, const char *key, enum cell_kind kind)
{
    char *room = NULL;
    const char *text = output_cell(kind, json_object_get(map, key), &room);
    (void)json_object_set_new(map, key, text ? json_string(text) : json_null());
    free(room);
}

static void values_say(json_t *rows, const char *const *keys, size_t n)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *unit = json_string_value(json_object_get(row, "unit"));
        for (size_t k = 0; k < n; k++)
            text_set(row, keys[k], unit && strcmp(unit, "seconds") == 0 ? CELL_DURATION : CELL_TEXT);
    }
}

/* {"to": "open", "team": "A"} → "to=open team=A"; what the event clears is "team=". */
static void fields_say(json_t *rows)
{
    size_t i;
    json_t *row, *value;
    const char *key;
    json_array_foreach(rows, i, row)
    {
        char text[1024] = "", *room = NULL;
        json_object_foreach(json_object_get(row, "fields"), key, value)
        {
            size_t used = strlen(text);
            if ((strcmp(key, "automated") == 0 && json_is_false(value)) ||
                (strcmp(key, "public") == 0 && json_is_true(value)))
                continue; /* as most are */
            const char *said = json_is_boolean(value) ? (json_is_true(value) ? "true" : "false")
                                                      : output_cell(CELL_TEXT, value, &room);
            (void)snprintf(text + used, sizeof(text) - used, "%s%s=%s", used ? " " : "", key,
                           said ? said : "");
        }
        free(room);
        (void)json_object_set_new(row, "fields", json_string(text));
    }
}

static const struct output_column TICKET_COLUMNS[] = {
    {"created_at", "created", CELL_INSTANT},
    {"now", "now", CELL_INSTANT},
    {"timeline.at", "at", CELL_INSTANT},
    {"timeline.event", "event", CELL_TEXT},
    {"timeline.class", "class then", CELL_TEXT},
    {"timeline.note", "note", CELL_TEXT, .if_differs = true},
    {"timeline.fields", "what it says", CELL_SENTENCE},
    {"intervals.from", "from", CELL_INSTANT},
    {"intervals.to", "to", CELL_INSTANT},
    {"intervals.class", "class", CELL_TEXT},
    {"intervals.team", "team", CELL_TEXT},
    {"intervals.wall", "wall", CELL_DURATION},
    {"intervals.business", "business", CELL_DURATION},
    {"figures.figure", "figure", CELL_TEXT},
    {"figures.clock", "clock", CELL_TEXT, .if_differs = true},
    {"figures.theirs", "theirs", CELL_TEXT},
    {"figures.metric", "metric", CELL_TEXT},
    {"figures.ours", "ours", CELL_TEXT},
    {"figures.agrees", "agrees", CELL_TEXT},
    {"metrics.metric", "metric", CELL_WHOLE},
    {"metrics.clock", "clock", CELL_TEXT, .if_differs = true},
    {"metrics.state", "state", CELL_TEXT},
    {"metrics.value", "value", CELL_TEXT},
    {"metrics.at", "at", CELL_INSTANT},
    {"metrics.why", "why", CELL_SENTENCE},
};

/* Where the tool differs, what it does otherwise: a sentence a figure. */
static void differences_print(const json_t *shown, unsigned width)
{
    const char *last = "";
    bool is_first = true;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(shown, "figures"), i, row)
    {
        const char *figure = json_text(row, "figure");
        if (json_is_true(json_object_get(row, "agrees")) || strcmp(figure, last) == 0)
            continue;
        if (is_first)
            (void)printf("\nwhere %s counts otherwise\n", json_text(shown, "tool"));
        (void)printf("%s\n  ", figure);
        text_wrap(stdout, json_text(row, "rule"), 2, width);
        last = figure;
        is_first = false;
    }
}

static int ticket_print(const struct invocation *invocation, json_t *shown)
{
    static const char *const VALUE[] = {"value"}, *const BOTH[] = {"theirs", "ours"};
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    if (form == OUTPUT_TABLE || form == OUTPUT_MD) {
        fields_say(json_object_get(shown, "timeline"));
        values_say(json_object_get(shown, "metrics"), VALUE, 1);
        values_say(json_object_get(shown, "figures"), BOTH, 2);
    }
    int code =
        output_show(invocation, TICKET_COLUMNS, sizeof(TICKET_COLUMNS) / sizeof(TICKET_COLUMNS[0]), shown);
    if (code == 0 && (form == OUTPUT_TABLE || form == OUTPUT_MD))
        differences_print(shown, width);
    return output_finish(code);
}

static int explain_ticket(const struct invocation *invocation, const char *ticket)
{
    json_t *params = session_params(invocation), *shown = NULL;
    const char *tool = invocation_value(invocation, "as");
    (void)json_object_set_new(params, "ticket", json_string(ticket));
    if (tool)
        (void)json_object_set_new(params, "as", json_string(tool));
    pass(invocation, params);
    int code = session_call_once(invocation, "asking", "ticket.explain", params, &shown);
    if (code == 0)
        code = ticket_print(invocation, shown);
    json_decref(shown);
    return code;
}

/* --- the ends of a metric */

static int usage(const char *message, const char *hint)
{
    struct error err = ERROR_INIT;
    error_set(&err, -EINVAL, "usage", "%s", message);
    error_hint(&err, "%s", hint);
    return error_print(&err);
}

/* Said where a person may see them; whether there were any. */
static bool warnings_say(const json_t *shown)
{
    size_t i;
    json_t *warning;
    json_array_foreach(json_object_get(shown, "warnings"), i, warning)
    {
        char *clean = text_clean(json_string_value(warning) ? json_string_value(warning) : "");
        (void)fprintf(stderr, "tendon: warning: %s\n", clean ? clean : "");
        free(clean);
    }
    return json_array_size(json_object_get(shown, "warnings")) > 0;
}

static int ends_print(const struct invocation *invocation, json_t *shown)
{
    static const char *const VALUE[] = {"value"};
    static const struct output_column COLUMNS[] = {
        {"end", "end", CELL_TEXT},
        {"rank", "rank", CELL_TEXT},
        {"ticket", "ticket", CELL_WHOLE},
        {"namespace", "namespace", CELL_TEXT, .if_differs = true},
        {"value", "value", CELL_TEXT},
        {"created_at", "created", CELL_INSTANT},
        {"at", "in the period of", CELL_INSTANT},
        {"vendor", "vendor", CELL_TEXT},
        {"product", "product", CELL_TEXT},
        {"severity", "severity", CELL_TEXT},
        {"team", "team", CELL_TEXT},
        {"site", "site", CELL_TEXT},
    };
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    json_t *rows = json_object_get(shown, "rows");
    if (form == OUTPUT_JSON) {
        json_t *whole = shown;
        return output_show(invocation, NULL, 0, whole);
    }
    if (form == OUTPUT_TABLE || form == OUTPUT_MD) {
        const char *unit = json_string_value(json_object_get(shown, "unit"));
        size_t i;
        json_t *row;
        json_array_foreach(rows, i, row)
        {
            (void)json_object_set_new(row, "unit", json_string(unit ? unit : ""));
        }
        values_say(rows, VALUE, 1);
    }
    return output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                       "no ticket gives a sample of it there");
}

static int explain_metric(const struct invocation *invocation, const char *metric)
{
    json_t *params = session_params(invocation), *query = json_object(), *shown = NULL;
    const char *top = invocation_value(invocation, "top");
    if (top) {
        char *end;
        errno = 0;
        long n = strtol(top, &end, 10);
        if (errno != 0 || *end || end == top || n < 1 || n > 1000) {
            json_decref(params);
            json_decref(query);
            return usage("--top takes a whole number from 1 to 1000", "tendon explain --help");
        }
        (void)json_object_set_new(query, "top", json_integer(n));
    }
    (void)json_object_set_new(query, "metrics", json_string(metric));
    pass(invocation, query);
    (void)json_object_set_new(params, "query", query);
    int code = session_call_once(invocation, "asking", "metric.explain", params, &shown);
    if (code == 0) {
        bool is_warned = warnings_say(shown);
        code = ends_print(invocation, shown);
        if (code == 0 && is_warned)
            code = TENDON_EXIT_WARNING;
    }
    json_decref(shown);
    return code;
}

/* What speaks of a period or of many tickets says nothing of one. */
static int check_ticket_options(const struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->n_given; i++) {
        const char *name = invocation->given[i].option->name;
        for (size_t k = 0; k < sizeof(PASSED) / sizeof(PASSED[0]); k++)
            if (strcmp(name, PASSED[k]) == 0 && strcmp(name, "now") != 0 && strcmp(name, "tz") != 0) {
                char message[80];
                (void)snprintf(message, sizeof(message), "--%s goes with --metric, not with a ticket", name);
                return usage(message, "tendon explain --help shows both ways to ask");
            }
        if (strcmp(name, "top") == 0)
            return usage("--top goes with --metric, not with a ticket",
                         "tendon explain --help shows both ways to ask");
    }
    return 0;
}

static int explain_run(const struct invocation *invocation)
{
    const char *ticket = invocation_argument(invocation, 0), *metric = invocation_value(invocation, "metric");
    if (!ticket == !metric)
        return usage(ticket ? "a ticket or --metric, not both" : "which ticket, or which metric?",
                     "tendon explain TICKET, or tendon explain --metric NAME");
    if (metric && invocation_has(invocation, "as"))
        return usage("--as goes with a ticket, not with --metric", "tendon explain TICKET --as zendesk");
    if (metric)
        return explain_metric(invocation, metric);
    int code = check_ticket_options(invocation);
    return code ? code : explain_ticket(invocation, ticket);
}

static const char *const ANCHORS[] = {"created", "completed", NULL};
static const char *const RULES[] = {"last", NULL};

static const struct option OPTIONS[] = {
    {"metric", 0, OPTION_VALUE, "METRIC[.CLOCK]", NULL, NAMES_METRIC,
     "list the tickets at the ends of this metric instead of explaining one"},
    {"as", 0, OPTION_VALUE, "TOOL", NULL, NAMES_NOTHING,
     "work the ticket out by another tool's published rules, too, and name the differences: zendesk"},
    {"top", 0, OPTION_VALUE, "N", NULL, NAMES_NOTHING,
     "with --metric: so many tickets at each end; default 10"},
    {"where", 0, OPTION_VALUE, "EXPR", NULL, NAMES_NOTHING, "with --metric: only what this holds for"},
    {"since", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING,
     "with --metric: from this day or instant on, or 90d"},
    {"until", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING, "with --metric: up to this day or instant"},
    {"at", 0, OPTION_VALUE, "INSTANT", NULL, NAMES_NOTHING, "with --metric: the instant of backlog_age"},
    {"anchor", 0, OPTION_VALUE, "WHICH", ANCHORS, NAMES_NOTHING,
     "with --metric: by when tickets were created, or when what is measured ended"},
    {"reopen-window", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "with --metric: how long after a solve a reopening counts"},
    {"within", 0, OPTION_VALUE, "SECONDS", NULL, NAMES_NOTHING, "with --metric: of service_level"},
    {"instrument", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING, "with --metric: the survey's instrument"},
    {"question", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING, "with --metric: question of the instrument"},
    {"calendar-rule", 0, OPTION_VALUE, "RULE", RULES, NAMES_NOTHING,
     "with --metric: use the calendar in force at the end for all of a duration"},
    {"now", 0, OPTION_VALUE, "INSTANT", NULL, NAMES_NOTHING,
     "judge all that is still running at this instant instead of the clock"},
    {"tz", 0, OPTION_VALUE, "ZONE", NULL, NAMES_NOTHING, "time zone of what is shown; default: the tenant's"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose ticket; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

static const struct argument ARGUMENTS[] = {
    {"TICKET", .optional = true,
     .help = "[NAMESPACE/]ID: the id under which its source sends it; or #NUMBER, as --metric lists tickets"},
    {NULL},
};

const struct command CMD_EXPLAIN = {
    .name = "explain",
    .summary = "explain a ticket, or find the tickets that make a metric what it is",
    .description =
        "For one ticket: its events in the order that counts, how long it was in which class and with which "
        "team by each clock, and for each metric whether it was counted or left out, and why. The id is "
        "hashed by the collector to find the ticket; it is stored nowhere.\n\n"
        "With --as the same ticket is worked out by the rules that another tool publishes, beside ours: why "
        "a vendor's dashboard says something else.\n\n"
        "With --metric: the tickets with the highest and the lowest values, or, of a ratio, the newest that "
        "were counted and that were counted against; of a count the newest.",
    .options = OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon explain INC0000045\n  tendon explain acme-servicedesk/INC0000045 --as zendesk\n"
                "  # the slowest answers of a vendor this quarter\n"
                "  tendon explain --metric first_response_time --where vendor=acme --since 90d\n"
                "  tendon explain '#1204'\n",
    .run = explain_run,
};
