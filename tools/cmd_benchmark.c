#include "tools/answer.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/request.h"
#include "tools/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- consent --- */

static int change_consent(const struct invocation *invocation, const char *method)
{
    static const struct output_column COLUMNS[] = {
        {"tenant", "tenant", CELL_TEXT},
        {"consented_at", "takes part since", CELL_INSTANT},
    };
    json_t *row = NULL;
    int code = session_call_once(invocation, "asking", method, session_params(invocation), &row);
    if (code == 0)
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), row);
    json_decref(row);
    return code;
}

static int benchmark_consent_run(const struct invocation *invocation)
{
    return change_consent(invocation, "benchmark.consent");
}

static int benchmark_withdraw_run(const struct invocation *invocation)
{
    return change_consent(invocation, "benchmark.withdraw");
}

/* --- cubes --- */

static const struct output_column CUBE_COLUMNS[] = {
    {"cube", "cube", CELL_TEXT},
    {"metric", "metric", CELL_TEXT},
    {"by", "by", CELL_TEXT},
    {"groups", "groups", CELL_TEXT},
    {"defined_at", "defined", CELL_MINUTE},
    {"ended_at", "ended", CELL_MINUTE, .if_differs = true},
    {"months", "frozen months", CELL_COUNT},
    {"first", "first", CELL_TEXT},
    {"last", "last", CELL_TEXT},
};
#define N_CUBE_COLUMNS (sizeof(CUBE_COLUMNS) / sizeof(*CUBE_COLUMNS))

static int benchmark_list_run(const struct invocation *invocation)
{
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "benchmark.list", json_object(), &rows);
    if (code == 0)
        code = output_list(invocation, CUBE_COLUMNS, N_CUBE_COLUMNS, rows,
                           "no cube yet; tendon benchmark define declares one");
    json_decref(rows);
    return code;
}

static int change_cube(const struct invocation *invocation, const char *method, json_t *params)
{
    json_t *row = NULL;
    int code = session_call_once(invocation, "asking", method, params, &row);
    if (code == 0)
        code = output_show(invocation, CUBE_COLUMNS, N_CUBE_COLUMNS, row);
    json_decref(row);
    return code;
}

static int benchmark_define_run(const struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    const char *by = invocation_value(invocation, "by");
    if (!by) {
        error_set(&err, -EINVAL, "usage", "--by is missing: a cube is of one dimension");
        error_hint(&err, "as --by support_region, or --by vendor --group acme --group globex");
        return error_print(&err);
    }
    json_t *params = json_pack("{s:s, s:s, s:s}", "cube", invocation_argument(invocation, 0), "metric",
                               invocation_argument(invocation, 1), "by", by);
    json_t *groups = json_array();
    for (size_t i = 0; i < invocation->n_given; i++)
        if (strcmp(invocation->given[i].option->name, "group") == 0)
            (void)json_array_append_new(groups, json_string(invocation->given[i].value));
    if (json_array_size(groups) > 0)
        (void)json_object_set(params, "groups", groups);
    json_decref(groups);
    return change_cube(invocation, "benchmark.define", params);
}

static int benchmark_undefine_run(const struct invocation *invocation)
{
    return change_cube(invocation, "benchmark.undefine",
                       json_pack("{s:s}", "cube", invocation_argument(invocation, 0)));
}

/* --- freezing --- */

/* {reason: groups} as "partner 2, small_cell 1". */
static json_t *why_text(const json_t *why)
{
    char text[512] = "";
    const char *reason;
    json_t *n;
    size_t at = 0;
    json_object_foreach((json_t *)why, reason, n)
    {
        if (at < sizeof(text))
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %lld", at ? ", " : "", reason,
                                   (long long)json_integer_value(n));
    }
    return json_string(text);
}

static int benchmark_freeze_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"tenants", "tenants that took part", CELL_COUNT},
        {"cubes.cube", "cube", CELL_TEXT},
        {"cubes.groups", "groups", CELL_COUNT},
        {"cubes.published", "published", CELL_COUNT},
        {"cubes.dropped", "dropped", CELL_COUNT},
        {"cubes.why", "why", CELL_SENTENCE},
    };
    json_t *summary = NULL, *cube;
    unsigned width;
    size_t i;
    int code = session_call_once(invocation, "freezing", "benchmark.freeze",
                                 json_pack("{s:s}", "month", invocation_argument(invocation, 0)), &summary);
    if (code != 0)
        return code;
    enum output_form form = output_form(invocation, &width);
    if (form != OUTPUT_JSON && form != OUTPUT_NDJSON)
        json_array_foreach(json_object_get(summary, "cubes"), i, cube)
        {
            (void)json_object_set_new(cube, "why", why_text(json_object_get(cube, "why")));
        }
    code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), summary);
    json_decref(summary);
    return code;
}

/* --- showing --- */

/* "2026-01: acme, globex; 2026-02: acme", to be freed. */
static char *dropped_text(const json_t *meta)
{
    char *text = NULL;
    size_t size, i, k, n_months = 0;
    json_t *month, *group;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    json_array_foreach(json_object_get(meta, "dropped"), i, month)
    {
        const json_t *groups = json_object_get(month, "groups");
        if (json_array_size(groups) == 0)
            continue;
        (void)fprintf(out, "%s%s: ", n_months++ ? "; " : "", json_text(month, "month"));
        json_array_foreach((json_t *)groups, k, group)
        {
            (void)fprintf(out, "%s%s", k ? ", " : "", json_string_value(group));
        }
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int cube_table(enum output_form form, unsigned width, const json_t *answer)
{
    struct table table;
    table_init(&table);
    answer_table(answer, "1mo", &table);
    int r = form == OUTPUT_MD ? table_write_markdown(&table, stdout) : table_write(&table, stdout, width);
    table_fini(&table);
    if (r < 0) {
        struct error err = ERROR_INIT;
        error_set(&err, r, "memory", "no memory for the table");
        return error_print(&err);
    }
    const json_t *meta = json_object_get(answer, "meta");
    char *dropped = dropped_text(meta);
    answer_footer(answer, stdout, width, form == OUTPUT_MD);
    if (dropped && *dropped) {
        answer_footer_line(stdout, width, form == OUTPUT_MD, "Dropped", dropped);
        answer_footer_line(stdout, width, form == OUTPUT_MD, "Why", json_text(meta, "why"));
    }
    free(dropped);
    return 0;
}

static int benchmark_show_run(const struct invocation *invocation)
{
    static const char *const PASSED[] = {"month"};
    json_t *params = json_pack("{s:s}", "cube", invocation_argument(invocation, 0)), *answer = NULL;
    unsigned width;
    request_pass(params, invocation, PASSED, 1);
    int code = session_call_once(invocation, "asking", "benchmark.show", params, &answer);
    if (code != 0)
        return code;
    enum output_form form = output_form(invocation, &width);
    if (!answer_write(form, answer))
        code = cube_table(form, width, answer);
    if (code == 0 && answer_is_empty(answer) && invocation_has(invocation, "fail-empty"))
        code = TENDON_EXIT_EMPTY;
    json_decref(answer);
    return output_finish(code);
}

/* --- */

static const struct option CONSENT_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose figures; may be left out with a key, which is one tenant's"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct option DEFINE_OPTIONS[] = {
    {"by", 0, OPTION_VALUE, "DIM", NULL, NAMES_DIMENSION, "the dimension whose groups are compared"},
    {"group", 0, OPTION_MANY, "VALUE", NULL, NAMES_NOTHING,
     "a group; may be left out where the dimension has a closed list, as channel or support_region"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct option SHOW_OPTIONS[] = {
    {"month", 0, OPTION_VALUE, "MONTH", NULL, NAMES_NOTHING, "only this one, as 2026-03"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

static const struct argument DEFINE_ARGUMENTS[] = {
    {"CUBE", .help = "its name: letters, digits, \".\", \"_\" and \"-\""},
    {"METRIC[.CLOCK][.STAT]", .names = NAMES_METRIC, .help = "what is compared; STAT is avg or a percentile"},
    {NULL},
};

static const struct argument CUBE_ARGUMENTS[] = {
    {"CUBE", .help = "its name, as tendon benchmark list prints it"},
    {NULL},
};

static const struct argument MONTH_ARGUMENTS[] = {
    {"MONTH", .help = "one that is over, in UTC, as 2026-03"},
    {NULL},
};

const struct command CMD_BENCHMARK_CONSENT = {
    .name = "benchmark consent",
    .summary = "let a tenant's figures be counted in the benchmark across tenants",
    .description =
        "Only the tenant's own admin may; it counts for all months that are frozen from then on. What is "
        "published never says who took part.",
    .options = CONSENT_OPTIONS,
    .examples = "  tendon benchmark consent\n",
    .own_page = true,
    .run = benchmark_consent_run,
};

const struct command CMD_BENCHMARK_DEFINE = {
    .name = "benchmark define",
    .summary = "declare a cube: one metric by one dimension, to be published month by month",
    .description =
        "It counts for all months that are frozen from then on, and is never changed. What would tell too "
        "much is refused, and the message says why.",
    .options = DEFINE_OPTIONS,
    .arguments = DEFINE_ARGUMENTS,
    .examples =
        "  tendon benchmark define reopens-region reopen_rate --by support_region\n"
        "  tendon benchmark define response-vendor first_response_time.p50 --by vendor --group acme --group "
        "globex --group initech\n",
    .own_page = true,
    .run = benchmark_define_run,
};

const struct command CMD_BENCHMARK_FREEZE = {
    .name = "benchmark freeze",
    .summary = "count a month of all cubes, over all tenants that consent, and publish it for good",
    .description =
        "Once a month: freezing it again is refused, and what comes later for that month is not in it. All "
        "cubes of a month are frozen together. The answer says how many groups were dropped and why.",
    .options = ANSWER_OPTIONS,
    .arguments = MONTH_ARGUMENTS,
    .examples = "  tendon benchmark freeze 2026-03\n",
    .own_page = true,
    .run = benchmark_freeze_run,
};

const struct command CMD_BENCHMARK_LIST = {
    .name = "benchmark list",
    .summary = "list cubes: what they compare, and which months are frozen",
    .options = LIST_OPTIONS,
    .examples = "  tendon benchmark list\n",
    .own_page = true,
    .run = benchmark_list_run,
};

const struct command CMD_BENCHMARK_SHOW = {
    .name = "benchmark show",
    .summary = "print the published figures of a cube",
    .description =
        "Each month has a row for each group of the cube, published or dropped; below the table stands what "
        "was dropped, and the rules by which. The operator also sees for which of them.",
    .options = SHOW_OPTIONS,
    .arguments = CUBE_ARGUMENTS,
    .examples = "  tendon benchmark show response-vendor\n"
                "  tendon benchmark show reopens-region --month 2026-03 -o csv\n",
    .own_page = true,
    .run = benchmark_show_run,
};

const struct command CMD_BENCHMARK_UNDEFINE = {
    .name = "benchmark undefine",
    .summary = "have later months without a cube",
    .description =
        "Months that are frozen stay, and its name is not free for another; of one that was never frozen "
        "nothing is left.",
    .options = ANSWER_OPTIONS,
    .arguments = CUBE_ARGUMENTS,
    .examples = "  tendon benchmark undefine response-vendor\n",
    .own_page = true,
    .run = benchmark_undefine_run,
};

const struct command CMD_BENCHMARK_WITHDRAW = {
    .name = "benchmark withdraw",
    .summary = "take a tenant's figures out of the benchmark across tenants",
    .description =
        "Its admin may, or the operator for it. Months that are frozen stay as they are; later ones are "
        "without it.",
    .options = CONSENT_OPTIONS,
    .examples = "  tendon benchmark withdraw\n",
    .own_page = true,
    .run = benchmark_withdraw_run,
};
