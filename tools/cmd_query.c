#include "tools/answer.h"
#include "tools/chart.h"
#include "tools/output.h"
#include "tools/request.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Options that go to the collector as they were typed, under their name with _ for -. */
static const char *const PASSED[] = {
    "where",  "since", "until",         "at",     "now",       "every",      "tz",       "unit",
    "anchor", "dims",  "reopen-window", "within", "threshold", "instrument", "question", "calendar-rule"};

static json_t *request_make(const struct invocation *invocation)
{
    json_t *request = session_params(invocation), *metrics = json_array();
    for (size_t i = 0; i < invocation->n_arguments; i++)
        request_names(metrics, invocation->arguments[i]);
    (void)json_object_set_new(request, "metrics", metrics);
    (void)json_object_set_new(request, "by", request_list(invocation, "by"));
    request_pass(request, invocation, PASSED, sizeof(PASSED) / sizeof(PASSED[0]));
    if (invocation_has(invocation, "explain"))
        (void)json_object_set_new(request, "explain", json_true());
    return request;
}

/* How wide a picture is to be; 0: none. A terminal gets it at its width, anything else only at --chart-width.
 */
static unsigned chart_width(const struct invocation *invocation, unsigned width)
{
    const char *text = invocation_value(invocation, "chart-width");
    if (text)
        return (unsigned)strtoul(text, NULL, 10); /* checked before anything was asked */
    return invocation_has(invocation, "chart") ? width : 0;
}

static int chart_width_check(const struct invocation *invocation)
{
    const char *text = invocation_value(invocation, "chart-width");
    size_t digits = text ? strspn(text, "0123456789") : 0;
    unsigned long width = text && digits > 0 && digits <= 4 && !text[digits] ? strtoul(text, NULL, 10) : 0;
    if (!text || (width >= CHART_WIDTH_MIN && width <= CHART_WIDTH_MAX))
        return 0;
    struct error err = ERROR_INIT;
    error_set(&err, -EINVAL, "usage", "--chart-width is a number of columns from %d to %d", CHART_WIDTH_MIN,
              CHART_WIDTH_MAX);
    return error_print(&err);
}

static int table_print(const struct invocation *invocation, enum output_form form, unsigned width,
                       const json_t *answer)
{
    const char *every = invocation_value(invocation, "every");
    unsigned picture = form == OUTPUT_TABLE ? chart_width(invocation, width) : 0;
    struct table table;
    table_init(&table);
    answer_table(answer, every, &table);
    bool is_empty = table_rows(&table) == 0;
    int r = 0;
    if (form == OUTPUT_MD)
        r = table_write_markdown(&table, stdout);
    else if (!is_empty)
        r = table_write(&table, stdout, width);
    else
        (void)fputs("Nothing found.\n", stdout);
    table_fini(&table);
    if (r < 0) {
        struct error err = ERROR_INIT;
        error_set(&err, r, "memory", "no memory for the table");
        return error_print(&err);
    }
    if (picture > 0 && !is_empty)
        answer_chart(answer, every, stdout, picture, !terminal_has_unicode());
    answer_footer(answer, stdout, width, form == OUTPUT_MD);
    return 0;
}

/* Warnings stand in the footer of a table; elsewhere they go where a person may see them. */
static void warnings_print(const json_t *answer)
{
    const char *warnings[ANSWER_WARNINGS_MAX];
    size_t n = answer_warnings(answer, warnings, ANSWER_WARNINGS_MAX);
    for (size_t i = 0; i < n; i++) {
        char *clean = text_clean(warnings[i]);
        (void)fprintf(stderr, "tendon: warning: %s\n", clean ? clean : "");
        free(clean);
    }
}

static int answer_print(const struct invocation *invocation, const json_t *answer)
{
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    if (invocation_has(invocation, "chart-width") && !invocation_has(invocation, "output"))
        form = OUTPUT_TABLE;
    const char *warning;
    int code = 0;
    if (!answer_write(form, answer))
        code = table_print(invocation, form, width, answer);
    if (form != OUTPUT_TABLE && form != OUTPUT_MD)
        warnings_print(answer);
    if (code == 0 && answer_warnings(answer, &warning, 1) > 0)
        code = TENDON_EXIT_WARNING;
    if (code != TENDON_EXIT_FAILED && answer_is_empty(answer) && invocation_has(invocation, "fail-empty"))
        code = TENDON_EXIT_EMPTY;
    return output_finish(code);
}

static int query_run(const struct invocation *invocation)
{
    struct session *s = NULL;
    json_t *answer = NULL;
    int code = chart_width_check(invocation);
    if (code == 0)
        code = session_open(invocation, "asking", &s);
    if (code != 0)
        return code;
    code = session_query(s, request_make(invocation), &answer);
    session_close(s);
    if (code == 0)
        code = answer_print(invocation, answer);
    json_decref(answer);
    return code;
}

static const char *const UNITS[] = {"ticket", "site", "org", "respondent", NULL};
static const char *const ANCHORS[] = {"created", "completed", NULL};
static const char *const DIMS[] = {"current", NULL};
static const char *const RULES[] = {"last", NULL};

static const struct option OPTIONS[] = {
    {"by", 0, OPTION_MANY, "DIM,…", NULL, NAMES_DIMENSION,
     "one row for each value of these: vendor, product, severity, site, team, outsourcer, support_model, "
     "support_region, state, …"},
    {"where", 0, OPTION_VALUE, "EXPR", NULL, NAMES_NOTHING,
     "only what this holds for: = != < <= > >= in (a, b) is null not and or ( ), over dimensions and "
     "numbers"},
    {"since", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING,
     "from this day or instant on, or so many whole days up to the end of today: 2026-01-31, 90d"},
    {"until", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING, "up to this day or instant, itself not included"},
    {"every", 0, OPTION_VALUE, "PERIOD", NULL, NAMES_NOTHING,
     "one row for each period: 1d, 1w (from Monday), 1mo"},
    {"at", 0, OPTION_VALUE, "INSTANT", NULL, NAMES_NOTHING, "the instant of backlog and backlog_age"},
    {"now", 0, OPTION_VALUE, "INSTANT", NULL, NAMES_NOTHING,
     "judge all that is still running at this instant instead of the clock"},
    {"tz", 0, OPTION_VALUE, "ZONE", NULL, NAMES_NOTHING,
     "time zone of days and of --every: Europe/Berlin; default: the tenant's"},
    {"anchor", 0, OPTION_VALUE, "WHICH", ANCHORS, NAMES_NOTHING,
     "count by when tickets were created, or when what is measured ended"},
    {"dims", 0, OPTION_VALUE, "WHICH", DIMS, NAMES_NOTHING,
     "group by today's values instead of those at the time"},
    {"unit", 0, OPTION_VALUE, "UNIT", UNITS, NAMES_NOTHING,
     "one vote for each of these (shares and survey metrics); survey_share: respondent, instrument_score: "
     "org"},
    {"reopen-window", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "how long after a solve a reopening counts; default 14d"},
    {"within", 0, OPTION_VALUE, "SECONDS", NULL, NAMES_NOTHING,
     "answered within so many seconds (service_level); default 20"},
    {"threshold", 0, OPTION_VALUE, "SHARE", NULL, NAMES_NOTHING,
     "with --unit site: from which share on a site counts; default 0.5"},
    {"instrument", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "survey instrument; default: that of the metric's name, csat for other ratings, any for answers"},
    {"question", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING, "question of the instrument; default: any"},
    {"calendar-rule", 0, OPTION_VALUE, "RULE", RULES, NAMES_NOTHING,
     "business clock: use the calendar in force at the end for all of a duration"},
    {"chart", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING,
     "draw bars for groups, columns or sparklines for --every, on a terminal"},
    {"chart-width", 0, OPTION_VALUE, "COLUMNS", NULL, NAMES_NOTHING,
     "draw them so wide, also where the answer goes to no terminal"},
    {"explain", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "say how the answer was worked out"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose tickets; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

static const struct argument ARGUMENTS[] = {
    {"METRIC[.CLOCK][.STAT]", .many = true, .names = NAMES_METRIC,
     .help = "what is asked, several with commas between: a metric (tendon metrics lists them); CLOCK is "
             "wall or business; "
             "STAT is avg, min, max, sum, count, p50, p90, p99.9"},
    {NULL},
};

const struct command CMD_QUERY = {
    .name = "query",
    .summary = "ask for figures: metrics, by dimensions, over time",
    .description =
        "Without --since and --until everything there is counts. Days are days of the tenant's time zone.\n\n"
        "Every value stands with n, how many tickets or ratings it is made of, and a ratio with its 95 % "
        "interval. A value that is missing is "
        "– in tables and null or nothing elsewhere, never 0. Under a table stands what one must know to "
        "trust the figures: the period, "
        "what was left out and why, and which sources are complete up to when.\n\n"
        "Tables (table, md) are for people: durations read 2h 14m and ratios 82.1 %. The other forms are for "
        "programs: durations in seconds, ratios "
        "from 0 to 1, times as RFC 3339.",
    .options = OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  # who answers first, and how fast, in the last 90 days\n"
                "  tendon query first_response_time.p50,first_response_time.p90 --by vendor,support_region "
                "--since 90d\n"
                "  # where clinicians are dissatisfied, month by month, in larger hospitals\n"
                "  tendon query dissatisfaction --by outsourcer --where 'facility_kind=hospital and "
                "beds>100' --every 1mo --chart\n"
                "  # the backlog at New Year\n"
                "  tendon query backlog --at 2026-01-01 --by vendor\n"
                "  # what hospitals prefer, one vote each\n"
                "  tendon query survey_share --question prefers_direct --by choice --unit site\n"
                "  # for a program\n"
                "  tendon query csat,reopen_rate --by vendor -o json\n",
    .own_page = true,
    .run = query_run,
};
