/* tendon plugin top, reload: plugins at work, and one of them put in another's place. */
#include "tools/duration.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS       1000 /* between the first two looks: rates are of the time between two */
#define INTERVAL_MS    2000
#define RELOAD_MS      120000
#define RELOAD_EACH_MS 100

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void wait_ms(int64_t ms)
{
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&ts, NULL);
}

/* The row of that source, or NULL. */
static const json_t *find_row(const json_t *rows, const char *tenant, const char *source)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(json_text(row, "source"), source) == 0 && strcmp(json_text(row, "tenant"), tenant) == 0)
            return row;
    }
    return NULL;
}

/* --- top ------------------------------------------------------------------------------------------------ */

static const struct output_column TOP_COLUMNS[] = {
    {"source", "source", CELL_TEXT},
    {"tenant", "tenant", CELL_TEXT, .if_differs = true},
    {"plugin", "plugin", CELL_TEXT},
    {"state", "state", CELL_TEXT},
    {"events_per_s", "events/s", CELL_NUMBER},
    {"lag_s", "lag", CELL_DURATION},
    {"cursor_age_s", "cursor age", CELL_DURATION},
    {"memory_bytes", "memory", CELL_BYTES},
    {"cpu", "cpu", CELL_RATIO},
    {"restarts", "restarts", CELL_COUNT},
};

struct look {
    json_t *rows;
    int64_t at_ms;
};

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

/* What changed a second since the look before. Of processes that are others now nothing is known yet. */
static void add_rates(const struct look *before, const struct look *now)
{
    double seconds = (double)(now->at_ms - before->at_ms) / 1000;
    json_t *row;
    size_t i;
    json_array_foreach(now->rows, i, row)
    {
        const json_t *old = find_row(before->rows, json_text(row, "tenant"), json_text(row, "source"));
        double events = number(row, "events") - number(old, "events"),
               cpu = number(row, "cpu_s") - number(old, "cpu_s");
        bool is_same = old && json_equal(json_object_get(old, "inner"), json_object_get(row, "inner")) &&
                       json_is_integer(json_object_get(row, "pid")) &&
                       json_equal(json_object_get(old, "pid"), json_object_get(row, "pid"));
        (void)json_object_set_new(row, "events_per_s",
                                  old && events >= 0 && seconds > 0
                                      ? json_real((double)(int64_t)(events / seconds * 10 + 0.5) / 10)
                                      : json_null());
        (void)json_object_set_new(
            row, "cpu", is_same && cpu >= 0 && seconds > 0 ? json_real(cpu / seconds) : json_null());
    }
}

static int take_look(struct session *s, struct look *ret)
{
    ret->rows = NULL;
    int code = session_call(s, "plugin.top", json_object(), &ret->rows);
    ret->at_ms = now_ms();
    return code;
}

static int show(const struct invocation *invocation, const struct look *look)
{
    return output_list(invocation, TOP_COLUMNS, sizeof(TOP_COLUMNS) / sizeof(TOP_COLUMNS[0]), look->rows,
                       "no plugin is at work; configure one under plugins:");
}

static int read_interval(const struct invocation *invocation, int64_t *ret)
{
    struct error err = ERROR_INIT;
    const char *text = invocation_value(invocation, "interval");
    *ret = INTERVAL_MS;
    if (!text || (duration_read(text, ret) == 0 && *ret >= 100))
        return 0;
    error_set(&err, -EINVAL, "usage", "--interval cannot be \"%.64s\"", text);
    error_hint(&err, "a number and its unit, at least a tenth of a second: 500ms, 5s, 1m");
    return error_print(&err);
}

/* On a terminal again and again, each look in place of the one before; else once, after two looks. */
static int watch(const struct invocation *invocation, struct session *s, int64_t interval_ms)
{
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    bool goes_on = form == OUTPUT_TABLE && isatty(STDOUT_FILENO) && !invocation_has(invocation, "once");
    bool is_told = !goes_on && isatty(STDERR_FILENO);
    struct look before, now;
    int code = take_look(s, &before);
    if (code != 0)
        return code;
    add_rates(&before, &before);
    if (is_told)
        (void)fprintf(stderr, "looking for a second …");
    for (int64_t ms = FIRST_MS; code == 0; ms = interval_ms) {
        if (goes_on) {
            (void)printf("\033[H\033[2J");
            code = show(invocation, &before);
            (void)printf("\nctrl-C ends\n");
            (void)fflush(stdout);
        }
        wait_ms(ms);
        if (code != 0 || (code = take_look(s, &now)) != 0)
            break;
        add_rates(&before, &now);
        json_decref(before.rows);
        before = now;
        if (!goes_on) {
            if (is_told)
                (void)fprintf(stderr, "\r\033[K");
            code = show(invocation, &before);
            break;
        }
    }
    json_decref(before.rows);
    return code;
}

static int plugin_top_run(const struct invocation *invocation)
{
    struct session *s;
    int64_t interval_ms;
    int code = read_interval(invocation, &interval_ms);
    if (code == 0)
        code = session_open(invocation, "asking", &s);
    if (code != 0)
        return code;
    code = watch(invocation, s, interval_ms);
    session_close(s);
    return code;
}

static const struct option TOP_OPTIONS[] = {
    {"interval", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "how often a terminal shows it anew: 500ms, 5s, 1m; default 2s"},
    {"once", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "on a terminal too: show it once and end"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command CMD_PLUGIN_TOP = {
    .name = "plugin top",
    .summary = "show what each plugin does and uses, again and again",
    .description =
        "One line an instance: events a second, how far the newest event or watermark lies behind now (lag), "
        "how long ago its position last moved (cursor age), memory and processor of its two processes, and "
        "how "
        "often it was started again. Other forms than a table, and other places than a terminal, get it "
        "once; "
        "rates are of the second that this takes.",
    .options = TOP_OPTIONS,
    .examples = "  tendon plugin top\n"
                "  tendon plugin top -o json\n",
    .run = plugin_top_run,
};

/* --- reload --------------------------------------------------------------------------------------------- */

/* Where the instance stands once the new process has said something, or at the end of patience. */
static int await_start(struct session *s, const char *tenant, const char *source, json_int_t restarts,
                       json_t **ret)
{
    static const char *const ON_THE_WAY[] = {"starting", "stopping"};
    int64_t end = now_ms() + RELOAD_MS;
    for (;;) {
        json_t *rows = NULL;
        int code = session_call(s, "plugin.list", json_object(), &rows);
        const json_t *row = find_row(rows, tenant, source);
        const char *state = json_text(row, "state");
        bool is_there = json_integer_value(json_object_get(row, "restarts")) > restarts;
        for (size_t i = 0; i < sizeof(ON_THE_WAY) / sizeof(*ON_THE_WAY); i++)
            is_there = is_there && strcmp(state, ON_THE_WAY[i]) != 0;
        *ret = json_incref((json_t *)row);
        json_decref(rows);
        if (code != 0 || !*ret || is_there || now_ms() >= end)
            return code;
        json_decref(*ret);
        wait_ms(RELOAD_EACH_MS);
    }
}

static int reload(const struct invocation *invocation, struct session *s)
{
    json_t *params = session_params(invocation), *result = NULL, *rows = NULL, *row = NULL;
    const char *source = invocation_argument(invocation, 0);
    (void)json_object_set_new(params, "source", json_string(source));
    int code = session_call(s, "plugin.list", json_object(), &rows);
    if (code == 0)
        code = session_call(s, "plugin.reload", params, &result);
    else
        json_decref(params);
    const char *tenant = json_text(result, "tenant");
    const json_t *before = find_row(rows, tenant, source);
    if (code == 0)
        code = await_start(s, tenant, source, json_integer_value(json_object_get(before, "restarts")), &row);
    if (code == 0) {
        const char *state = json_text(row, "state");
        (void)json_object_set_new(result, "state", json_string(state));
        code = output_show(invocation, NULL, 0, result);
        if (code == 0 && strcmp(state, "running") != 0 && strcmp(state, "retrying") != 0 &&
            strcmp(state, "ended") != 0) {
            struct error err = ERROR_INIT;
            error_set(&err, -EIO, "not_running", "the plugin is %s: %s", *state ? state : "gone",
                      json_text(row, "message"));
            code = error_print(&err);
        }
    }
    json_decref(row);
    json_decref(rows);
    json_decref(result);
    return code;
}

static int plugin_reload_run(const struct invocation *invocation)
{
    struct session *s;
    int code = session_open(invocation, "putting it in place", &s);
    if (code != 0)
        return code;
    code = reload(invocation, s);
    session_close(s);
    return code;
}

static const struct option RELOAD_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose source; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct argument RELOAD_ARGUMENTS[] = {
    {"SOURCE", .help = "the source that the plugin speaks for, as tendon plugin list shows it"},
    {NULL},
};

const struct command CMD_PLUGIN_RELOAD = {
    .name = "plugin reload",
    .summary = "put the plugin that lies there now in place of the one that runs",
    .description =
        "First tries whether it loads, is signed where it must be, and takes its options; what would not run "
        "changes nothing. Then the running one is stopped in order, hands over what it has read, and the new "
        "one goes on from there: nothing is lost and nothing comes twice. Other instances of the same plugin "
        "go on as they are.",
    .options = RELOAD_OPTIONS,
    .arguments = RELOAD_ARGUMENTS,
    .examples = "  cp new/acme.so new/acme.so.sig /opt/plugins/\n"
                "  tendon plugin reload acme-servicedesk\n",
    .run = plugin_reload_run,
};
