/* Which cubes may be declared, and beside which others. */
#include "core/benchmark/cube.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static json_t *list(const char *const *groups)
{
    json_t *made = groups ? json_array() : NULL;
    for (; groups && *groups; groups++)
        (void)json_array_append_new(made, json_string(*groups));
    return made;
}
#define GROUPS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct cube good(const char *name, const char *metric, const char *by, const char *const *groups)
{
    struct cube c;
    struct error err = ERROR_INIT;
    json_t *some = list(groups);
    if (cube_read(name, metric, by, some, &c, &err) < 0)
        fail_msg("%s by %s: %s", metric, by, err.message);
    json_decref(some);
    return c;
}

static void what_a_cube_counts(void **state)
{
    struct cube c = good("a", "tickets_solved", "vendor", GROUPS("acme", "globex"));
    assert_int_equal(c.numerator, NUMERATOR_NONE);
    assert_string_equal(cube_column_kind(&c), "count");
    assert_int_equal(cube_group(&c, "globex"), 1);
    assert_int_equal(cube_group(&c, "nobody"), -1);
    c = good("a", "reopen_rate", "channel", NULL);
    assert_int_equal(c.numerator, NUMERATOR_SHARE);
    assert_true(c.n_groups == 8);
    c = good("a", "first_response_time.business.p99.9", "severity", NULL);
    assert_int_equal(c.numerator, NUMERATOR_RANK);
    assert_int_equal(c.percentile, 99900);
    assert_string_equal(cube_statistic(&c), "p99.9");
    assert_string_equal(cube_column_kind(&c), "duration");
    assert_true(c.n_groups == 4 && cube_group(&c, "4") == 3);
    c = good("a", "mean_rating", "support_model", NULL);
    assert_string_equal(cube_statistic(&c), "avg");
    assert_string_equal(cube_column_kind(&c), "mean");
}

static void every_metric_is_one_or_says_why_not(void **state)
{
    static const char *const NONE[] = {"backlog",      "backlog_age",      "handoffs",
                                       "nps",          "outsourced_share", "offshore_share",
                                       "survey_share", "instrument_score"};
    size_t refused = 0;
    for (size_t i = 0; i < metric_count(); i++) {
        struct cube c;
        struct error err = ERROR_INIT;
        const struct metric *m = metric_at(i);
        bool expected = true;
        if (m->is_hidden)
            continue;
        for (size_t k = 0; k < sizeof(NONE) / sizeof(*NONE); k++)
            expected &= strcmp(m->name, NONE[k]) != 0;
        int r = cube_read("a", m->name, "channel", NULL, &c, &err);
        if ((r == 0) != expected)
            fail_msg("%s: %s", m->name, err.message);
        refused += r < 0;
    }
    assert_int_equal(refused, sizeof(NONE) / sizeof(*NONE));
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *metric, *by, *groups[3], *code;
    } BAD[] = {
        {"tickets_created", "site", {"a", "b"}, "not_a_cube"},
        {"tickets_created", "team", {"a", "b"}, "not_a_cube"},
        {"tickets_created", "vendor", {"a"}, "not_a_cube"},
        {"tickets_created", "vendor", {NULL}, "bad_param"},
        {"tickets_created", "vendor", {"a", "a"}, "bad_param"},
        {"tickets_created", "vendor", {"a", "nurse@example.org"}, "bad_param"},
        {"tickets_created", "vendor", {"a", ""}, "bad_param"},
        {"tickets_created", "channel", {"web", "fax"}, "bad_param"},
        {"queue_time.sum", "channel", {NULL}, "not_a_cube"},
        {"queue_time.max", "channel", {NULL}, "not_a_cube"},
        {"queue_time.p100.5", "channel", {NULL}, "unknown_statistic"},
        {"tickets_created,reopens", "channel", {NULL}, NULL},
        {"no_such", "channel", {NULL}, "unknown_metric"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(*BAD); i++) {
        struct cube c;
        struct error err = ERROR_INIT;
        json_t *some = BAD[i].groups[0] ? list(BAD[i].groups) : NULL;
        assert_true(cube_read("a", BAD[i].metric, BAD[i].by, some, &c, &err) < 0);
        if (BAD[i].code && strcmp(err.code, BAD[i].code) != 0)
            fail_msg("%s by %s: %s", BAD[i].metric, BAD[i].by, err.code);
        assert_null(strstr(err.message, "nurse"));
        json_decref(some);
    }
}

static void beside_one_another(void **state)
{
    const struct cube vendor = good("a", "tickets_solved", "vendor", GROUPS("acme", "globex"));
    const struct cube state_ = good("s", "tickets_solved", "state", GROUPS("TX", "WY"));
    struct {
        struct cube cube;
        const struct cube *beside;
        const char *code; /* NULL: it may */
    } cases[] = {
        {good("b", "reopen_rate", "vendor", GROUPS("acme", "globex")), &vendor, NULL},
        {good("b", "tickets_solved", "channel", NULL), &vendor, NULL},
        {good("a", "tickets_solved", "channel", NULL), &vendor, "cube_exists"},
        {good("b", "tickets_solved", "vendor", GROUPS("acme", "globex")), &vendor, "cube_exists"},
        {good("b", "reopen_rate", "vendor", GROUPS("acme", "initech")), &vendor, "not_a_cube"},
        {good("b", "reopen_rate", "vendor", GROUPS("globex", "acme")), &vendor, "not_a_cube"},
        {good("b", "reopen_rate", "product", GROUPS("x", "y")), &vendor, "not_a_cube"},
        {good("b", "csat", "country", GROUPS("US", "CA")), &state_, "not_a_cube"},
        {good("b", "csat", "country", GROUPS("US", "CA")), &vendor, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct error err = ERROR_INIT;
        int r = cube_fits(&cases[i].cube, cases[i].beside, &err);
        if ((r == 0) != !cases[i].code || (cases[i].code && strcmp(err.code, cases[i].code) != 0))
            fail_msg("case %zu: %s", i, err.message);
    }
}

static void there_and_back(void **state)
{
    const struct cube c = good("a", "full_resolution_time.p50", "vendor", GROUPS("acme", "globex, inc"));
    struct cube back;
    struct error err = ERROR_INIT;
    json_t *json = cube_json(&c);
    assert_int_equal(cube_of_json("a", json, &back, &err), 0);
    assert_memory_equal(&c, &back, sizeof(c));
    (void)json_object_set_new(json, "by", json_string("site"));
    assert_true(cube_of_json("a", json, &back, &err) < 0);
    assert_string_equal(err.code, "control_corrupt");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_cube_counts), cmocka_unit_test(every_metric_is_one_or_says_why_not),
        cmocka_unit_test(what_is_refused),    cmocka_unit_test(beside_one_another),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
