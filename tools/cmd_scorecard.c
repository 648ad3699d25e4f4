/* tendon report scorecard: the metrics that matter, by who supports, against the period before. */
#include "tools/answer.h"
#include "tools/answer_column.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/request.h"
#include "tools/scorecard.h"
#include "tools/scorecard_table.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const METRICS[] = {"tickets_solved",           "backlog",     "first_response_time.p50",
                                      "full_resolution_time.p50", "reopen_rate", "one_touch_rate",
                                      "sla_attainment",           "csat",        "dissatisfaction"};
static const char *const BY[] = {"support_model", "support_region"};
static const char *const PASSED[] = {"where", "tz", "dims", "reopen-window", "calendar-rule", "instrument"};

static const char RULE[] =
    "a ratio is better or worse when the 95 % intervals of the two periods do not overlap, else the same "
    "within the "
    "interval; another figure when it changed by 5 % or more; of under 20 samples nothing is said";

/* --- asking ----------------------------------------------------------------------------------------------
 */

static json_t *names_or(json_t *list, const char *const *usual, size_t n)
{
    bool is_given = json_array_size(list) > 0;
    for (size_t i = 0; !is_given && i < n; i++)
        (void)json_array_append_new(list, json_string(usual[i]));
    return list;
}

static json_t *request_make(const struct invocation *invocation, const char *since, const char *until,
                            const char *now)
{
    json_t *request = session_params(invocation);
    request_pass(request, invocation, PASSED, sizeof(PASSED) / sizeof(PASSED[0]));
    (void)json_object_set_new(
        request, "metrics",
        names_or(request_list(invocation, "metrics"), METRICS, sizeof(METRICS) / sizeof(METRICS[0])));
    (void)json_object_set_new(request, "by",
                              names_or(request_list(invocation, "by"), BY, sizeof(BY) / sizeof(BY[0])));
    if (since)
        (void)json_object_set_new(request, "since", json_string(since));
    if (until)
        (void)json_object_set_new(request, "until", json_string(until));
    if (now)
        (void)json_object_set_new(request, "now", json_string(now));
    return request;
}

static const char *period_bound(const json_t *answer, const char *bound)
{
    return json_text(json_object_get(json_object_get(answer, "meta"), "period"), bound);
}

/* The last whole month, by the clock and in the zone of the collector: it says what today is there. */
static int last_month_ask(struct session *s, const struct invocation *invocation, char since[SCORECARD_TEXT],
                          char until[SCORECARD_TEXT])
{
    static const char *const passed[] = {"tz", "now"};
    json_t *request = session_params(invocation), *answer = NULL;
    request_pass(request, invocation, passed, sizeof(passed) / sizeof(passed[0]));
    (void)json_object_set_new(request, "metrics", json_pack("[s]", "tickets_created"));
    (void)json_object_set_new(request, "since", json_string("1d"));
    int code = session_query(s, request, &answer);
    if (code == 0 && !scorecard_last_month(period_bound(answer, "since"), since, until)) {
        struct error err = ERROR_INIT;
        error_set(&err, -EPROTO, "answer", "the collector's answer does not say which day it is");
        code = error_print(&err);
    }
    json_decref(answer);
    return code;
}

static int before_refuse(const char *since)
{
    struct error err = ERROR_INIT;
    error_set(&err, -EINVAL, "usage", "this period has no %s: there is none before it to compare with",
              since ? "end" : "beginning");
    error_hint(&err, since ? "--since lies ahead: choose an earlier one, or say --until, too"
                           : "say --since, for example --since 30d");
    return error_print(&err);
}

static int scorecard_ask(struct session *s, const struct invocation *invocation, json_t **ret_now,
                         json_t **ret_before)
{
    char month_since[SCORECARD_TEXT], month_until[SCORECARD_TEXT], before[SCORECARD_TEXT];
    const char *since = invocation_value(invocation, "since"), *until = invocation_value(invocation, "until");
    if (!since && !until) {
        int code = last_month_ask(s, invocation, month_since, month_until);
        if (code != 0)
            return code;
        since = month_since;
        until = month_until;
    }
    int code = session_query(s, request_make(invocation, since, until, invocation_value(invocation, "now")),
                             ret_now);
    if (code != 0)
        return code;
    if (!scorecard_before(period_bound(*ret_now, "since"), period_bound(*ret_now, "until"), before))
        return before_refuse(since);
    /* both are judged at one instant */
    return session_query(s,
                         request_make(invocation, before, period_bound(*ret_now, "since"),
                                      json_text(json_object_get(*ret_now, "meta"), "now")),
                         ret_before);
}

/* --- comparing -------------------------------------------------------------------------------------------
 */

/* The values of a row's dimensions; a new list. */
static json_t *row_group(const json_t *answer, const json_t *row)
{
    json_t *group = json_array(), *name;
    size_t i;
    json_array_foreach(json_object_get(answer, "by"), i, name)
    {
        json_t *value = json_object_get(row, json_string_value(name));
        (void)json_array_append(group, value ? value : json_null());
    }
    return group;
}

/* The row of that group, or NULL. */
static const json_t *group_find(const json_t *answer, const json_t *group)
{
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        json_t *has = row_group(answer, row);
        bool equal = json_equal(has, group);
        json_decref(has);
        if (equal)
            return row;
    }
    return NULL;
}

/* All groups of both, those of now first. */
static json_t *groups_collect(const json_t *now, const json_t *before)
{
    json_t *groups = json_array(), *row;
    size_t i;
    json_array_foreach(json_object_get(now, "rows"), i, row)
    {
        (void)json_array_append_new(groups, row_group(now, row));
    }
    json_array_foreach(json_object_get(before, "rows"), i, row)
    {
        json_t *group = row_group(before, row);
        if (!group_find(now, group))
            (void)json_array_append(groups, group);
        json_decref(group);
    }
    return groups;
}

static const json_t *beside(const json_t *row, const char *metric, const char *what)
{
    char key[256];
    (void)snprintf(key, sizeof(key), "%s.%s", metric, what);
    return json_object_get(row, key);
}

/* A group that is in one of the two periods only has no row in the other: nothing was measured, and of what
 * is counted there was none. */
static struct figure figure_read(const json_t *row, const char *metric, enum figure_kind kind)
{
    const json_t *value = json_object_get(row, metric);
    if (!row && kind == FIGURE_COUNT)
        return (struct figure){.is_known = true};
    return (struct figure){
        .is_known = json_is_number(value),
        .value = json_number_value(value),
        .n = json_number_value(beside(row, metric, "n")),
        .low = json_number_value(beside(row, metric, "low")),
        .high = json_number_value(beside(row, metric, "high")),
    };
}

static void copy(json_t *to, const char *key, const json_t *value)
{
    (void)json_object_set(to, key, value ? (json_t *)value : json_null());
}

static const struct figure NOTHING = {.is_known = true};

/* A value of an answer; where that has no row for it the figure's, when it is known. */
static void value_copy(json_t *to, const char *key, const json_t *value, const struct figure *otherwise)
{
    if (!value && otherwise && otherwise->is_known)
        (void)json_object_set_new(to, key, json_integer((json_int_t)otherwise->value));
    else
        copy(to, key, value);
}

/* One line of the scorecard: {dimensions…, metric, value, n, low, high, before, …, change, direction}. */
static json_t *line_make(const json_t *now, const json_t *before, const json_t *group,
                         const struct answer_column *c)
{
    const json_t *a = group_find(now, group), *b = group_find(before, group);
    enum figure_kind kind = scorecard_kind(c->cell);
    struct figure figure = figure_read(a, c->name, kind), earlier = figure_read(b, c->name, kind);
    double change = scorecard_change(kind, &figure, &earlier);
    enum verdict verdict = scorecard_verdict(c->name, kind, &figure, &earlier);
    json_t *line = json_object(), *name;
    size_t i;
    json_array_foreach(json_object_get(now, "by"), i, name)
    {
        copy(line, json_string_value(name), json_array_get(group, i));
    }
    (void)json_object_set_new(line, "metric", json_string(c->name));
    value_copy(line, "value", json_object_get(a, c->name), &figure);
    value_copy(line, "n", beside(a, c->name, "n"), a ? NULL : &NOTHING);
    copy(line, "low", beside(a, c->name, "low"));
    copy(line, "high", beside(a, c->name, "high"));
    value_copy(line, "before", json_object_get(b, c->name), &earlier);
    value_copy(line, "before_n", beside(b, c->name, "n"), b ? NULL : &NOTHING);
    copy(line, "before_low", beside(b, c->name, "low"));
    copy(line, "before_high", beside(b, c->name, "high"));
    (void)json_object_set_new(line, "change", isfinite(change) ? json_real(change) : json_null());
    (void)json_object_set_new(
        line, "change_is",
        json_string(kind == FIGURE_RATIO || kind == FIGURE_NUMBER ? "difference" : "share"));
    (void)json_object_set_new(line, "direction",
                              VERDICT_WORDS[verdict] ? json_string(VERDICT_WORDS[verdict]) : json_null());
    return line;
}

/* Lines by metric, then group. A metric that was measured for no group in either period is only named. */
static void lines_make(const json_t *now, const json_t *before, const struct answer_column *columns, size_t n,
                       json_t *lines, json_t *not_measured)
{
    json_t *groups = groups_collect(now, before), *group;
    for (size_t c = 0; c < n; c++) {
        bool any = false;
        json_t *of_metric = json_array();
        size_t i;
        if (!columns[c].is_value) {
            json_decref(of_metric);
            continue;
        }
        json_array_foreach(groups, i, group)
        {
            json_t *line = line_make(now, before, group, &columns[c]);
            any |= json_is_string(json_object_get(line, "direction"));
            (void)json_array_append_new(of_metric, line);
        }
        if (any)
            (void)json_array_extend(lines, of_metric);
        else
            (void)json_array_append_new(not_measured, json_string(columns[c].name));
        json_decref(of_metric);
    }
    json_decref(groups);
}

/* --- printing --------------------------------------------------------------------------------------------
 */

/* "with 2026-09-01 until before 2026-10-01 (30 days; the period has 31)" */
static void compared_write(const json_t *now, const json_t *before, unsigned width, bool markdown)
{
    char since[FORMAT_ROOM], until[FORMAT_ROOM], text[256];
    const char *a = period_bound(before, "since"), *b = period_bound(before, "until");
    long days = scorecard_days(a, b), now_days = scorecard_days(b, period_bound(now, "until"));
    int at = snprintf(text, sizeof(text), "with the period before, from %s until before %s",
                      format_period(since, sizeof(since), a), format_period(until, sizeof(until), b));
    if (days != now_days && at > 0 && (size_t)at < sizeof(text))
        (void)snprintf(text + at, sizeof(text) - (size_t)at, ", which has %ld days and not %ld", days,
                       now_days);
    answer_footer_line(stdout, width, markdown, "Compared", text);
}

static void not_measured_write(const json_t *list, unsigned width, bool markdown)
{
    char *room = NULL;
    const char *text = output_cell(CELL_TEXT, list, &room);
    if (text)
        answer_footer_line(stdout, width, markdown, "Not measured", text);
    free(room);
}

/* What only the period before is warned of: the footer has the rest. */
static bool is_said(const json_t *now, const char *warning)
{
    const char *warnings[ANSWER_WARNINGS_MAX];
    size_t n = answer_warnings(now, warnings, ANSWER_WARNINGS_MAX);
    for (size_t i = 0; i < n; i++)
        if (strcmp(warnings[i], warning) == 0)
            return true;
    return false;
}

static void before_warn(const json_t *now, const json_t *before, unsigned width, bool markdown)
{
    const char *warnings[ANSWER_WARNINGS_MAX];
    size_t n = answer_warnings(before, warnings, ANSWER_WARNINGS_MAX);
    for (size_t i = 0; i < n; i++)
        if (!is_said(now, warnings[i]))
            answer_footer_line(stdout, width, markdown, "Warning", warnings[i]);
}

static void warnings_print(const json_t *now, const json_t *before)
{
    const json_t *const answers[] = {now, before};
    for (size_t a = 0; a < 2; a++) {
        const char *warnings[ANSWER_WARNINGS_MAX];
        size_t n = answer_warnings(answers[a], warnings, ANSWER_WARNINGS_MAX);
        for (size_t i = 0; i < n; i++) {
            char *clean = a == 0 || !is_said(now, warnings[i]) ? text_clean(warnings[i]) : NULL;
            if (clean)
                (void)fprintf(stderr, "tendon: warning: %s\n", clean);
            free(clean);
        }
    }
}

static int table_print(const json_t *now, const json_t *before, const struct answer_column *columns, size_t n,
                       const json_t *lines, const json_t *not_measured, unsigned width, bool markdown)
{
    struct table table;
    int r = 0;
    table_init(&table);
    scorecard_table(&table, now, columns, n, lines, width, markdown);
    bool is_empty = table_rows(&table) == 0;
    if (is_empty)
        (void)fputs("Nothing found in this period, nor in the one before; --since chooses another.\n",
                    stdout);
    else
        r = markdown ? table_write_markdown(&table, stdout) : table_write(&table, stdout, width);
    table_fini(&table);
    if (r < 0) {
        struct error err = ERROR_INIT;
        error_set(&err, r, "memory", "no memory for the table");
        return error_print(&err);
    }
    answer_footer(now, stdout, width, markdown);
    compared_write(now, before, width, markdown);
    before_warn(now, before, width, markdown);
    if (is_empty)
        return 0;
    not_measured_write(not_measured, width, markdown);
    answer_footer_line(stdout, width, markdown, "Direction", RULE);
    return 0;
}

static void separated_print(enum output_form form, const json_t *now, const json_t *lines)
{
    static const char *const KEYS[] = {"metric",      "value",  "n",         "low",
                                       "high",        "before", "before_n",  "before_low",
                                       "before_high", "change", "change_is", "direction"};
    const char *keys[64 + sizeof(KEYS) / sizeof(KEYS[0])];
    size_t n = 0, i;
    json_t *name;
    json_array_foreach(json_object_get(now, "by"), i, name)
    {
        if (n < 64)
            keys[n++] = json_string_value(name);
    }
    for (i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++)
        keys[n++] = KEYS[i];
    output_separated(form, keys, n, lines, stdout);
}

static void json_print(const json_t *now, const json_t *before, const json_t *lines,
                       const json_t *not_measured)
{
    json_t *scorecard = json_object();
    copy(scorecard, "metrics", json_object_get(now, "metrics"));
    copy(scorecard, "by", json_object_get(now, "by"));
    copy(scorecard, "rows", lines);
    copy(scorecard, "not_measured", not_measured);
    (void)json_object_set_new(scorecard, "rule", json_string(RULE));
    copy(scorecard, "meta", json_object_get(now, "meta"));
    copy(scorecard, "meta_before", json_object_get(before, "meta"));
    json_write(scorecard, stdout);
    json_decref(scorecard);
}

static int scorecard_print(const struct invocation *invocation, const json_t *now, const json_t *before)
{
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    struct answer_column *columns = calloc(ANSWER_COLUMNS_MAX, sizeof(*columns));
    json_t *lines = json_array(), *not_measured = json_array(), *line;
    const char *warning;
    int code = 0;
    size_t n = columns ? answer_columns(now, columns) : 0, i;
    lines_make(now, before, columns, n, lines, not_measured);
    switch (form) {
    case OUTPUT_JSON:
        json_print(now, before, lines, not_measured);
        break;
    case OUTPUT_NDJSON:
        json_array_foreach(lines, i, line)
        {
            json_write_line(line, stdout);
            (void)fputc('\n', stdout);
        }
        break;
    case OUTPUT_CSV:
    case OUTPUT_TSV:
        separated_print(form, now, lines);
        break;
    default:
        code = table_print(now, before, columns, n, lines, not_measured, width, form == OUTPUT_MD);
    }
    if (form != OUTPUT_TABLE && form != OUTPUT_MD)
        warnings_print(now, before);
    if (code == 0 && (answer_warnings(now, &warning, 1) > 0 || answer_warnings(before, &warning, 1) > 0))
        code = TENDON_EXIT_WARNING;
    if (code != TENDON_EXIT_FAILED && json_array_size(lines) == 0 && invocation_has(invocation, "fail-empty"))
        code = TENDON_EXIT_EMPTY;
    json_decref(not_measured);
    json_decref(lines);
    free(columns);
    return output_finish(code);
}

static int scorecard_run(const struct invocation *invocation)
{
    struct session *s = NULL;
    json_t *now = NULL, *before = NULL;
    int code = session_open(invocation, "asking", &s);
    if (code != 0)
        return code;
    code = scorecard_ask(s, invocation, &now, &before);
    session_close(s);
    if (code == 0)
        code = scorecard_print(invocation, now, before);
    json_decref(before);
    json_decref(now);
    return code;
}

static const char *const DIMS[] = {"current", NULL};
static const char *const RULES[] = {"last", NULL};

static const struct option OPTIONS[] = {
    {"by", 0, OPTION_MANY, "DIM,…", NULL, NAMES_DIMENSION,
     "who is compared: vendor, outsourcer, support_model, support_region, team, product, …; default "
     "support_model,support_region"},
    {"metrics", 0, OPTION_MANY, "METRIC,…", NULL, NAMES_METRIC,
     "other metrics than the usual, as tendon query takes them"},
    {"since", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING,
     "the period begins here: 2026-01-01, 30d; without --since and --until it is the last whole month"},
    {"until", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING, "and ends before this day or instant"},
    {"where", 0, OPTION_VALUE, "EXPR", NULL, NAMES_NOTHING,
     "only what this holds for, as tendon query takes it"},
    {"now", 0, OPTION_VALUE, "INSTANT", NULL, NAMES_NOTHING,
     "judge all that is still running at this instant instead of the clock"},
    {"tz", 0, OPTION_VALUE, "ZONE", NULL, NAMES_NOTHING,
     "time zone of days and months; default: the tenant's"},
    {"dims", 0, OPTION_VALUE, "WHICH", DIMS, NAMES_NOTHING,
     "group by today's values instead of those at the time"},
    {"reopen-window", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "how long after a solve a reopening counts; default 14d"},
    {"calendar-rule", 0, OPTION_VALUE, "RULE", RULES, NAMES_NOTHING,
     "business clock: use the calendar in force at the end for all of a duration"},
    {"instrument", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "survey instrument of csat and dissatisfaction"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose tickets; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command CMD_REPORT_SCORECARD = {
    .name = "report scorecard",
    .summary = "compare who supports, and each with the period before",
    .description = "For each metric and group the value with its n and, for ratios, its 95 % interval; the "
                   "value of the period "
                   "before; the change, in points for ratios and in percent for durations and counts; and in "
                   "words what that "
                   "means: better, worse, or the same.\n\n"
                   "A ratio is better or worse only when the intervals of the two periods do not overlap, "
                   "else it is the same "
                   "within the interval. Durations, means and counts have no interval: they are better or "
                   "worse when they "
                   "changed by 5 % or more; of less than 20 samples nothing is said. What is neither good "
                   "nor bad in itself, such "
                   "as tickets_solved, is higher or lower. Backlog is that at the end of each period.\n\n"
                   "Whole months are compared with as many months before, whole days with as many days, all "
                   "else with the same "
                   "length of time.",
    .options = OPTIONS,
    .examples = "  # last month against the month before\n"
                "  tendon report scorecard\n"
                "  # each outsourcer, the last 90 days against the 90 before\n"
                "  tendon report scorecard --by outsourcer --since 90d\n"
                "  # for a program\n"
                "  tendon report scorecard --by vendor --since 2026-01-01 --until 2026-04-01 -o json\n",
    .run = scorecard_run,
};
