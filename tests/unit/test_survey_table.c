/* The survey table's arithmetic: when a share agrees, where a product is rated lowest, and what is asked. */
#include "tools/survey_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct survey_row *row_named(const char *name)
{
    for (size_t i = 0; i < SURVEY_ROWS_N; i++)
        if (strcmp(SURVEY_ROWS[i].name, name) == 0)
            return &SURVEY_ROWS[i];
    fail_msg("no row %s", name);
    return NULL;
}

static void test_verdict(void **state)
{
    const struct survey_row *s1 = row_named("S1"), *s9 = row_named("S9");
    assert_string_equal(survey_verdict(s1, 733.0 / 2200), "agrees");
    assert_string_equal(survey_verdict(s1, 734.0 / 2200), "agrees");
    assert_string_equal(survey_verdict(s1, 0.335), "higher"); /* 33.5 % rounds up */
    assert_string_equal(survey_verdict(s1, 0.325), "agrees");
    assert_string_equal(survey_verdict(s1, 0.3249), "lower");
    assert_string_equal(survey_verdict(s9, 0.345), "agrees");
    assert_string_equal(survey_verdict(s9, 0), "lower");
    assert_string_equal(survey_verdict(s9, 1), "higher");
}

/* A product, a region, its mean, ballots and organisations. */
static void add(json_t *rows, const char *product, const char *region, double mean, int ballots, int orgs)
{
    json_t *row = json_pack("{s:f, s:i, s:i}", "mean_rating", mean, "instrument_score.ballots", ballots,
                            "instrument_score.n", orgs);
    (void)json_object_set_new(row, "product", product ? json_string(product) : json_null());
    (void)json_object_set_new(row, "support_region", region ? json_string(region) : json_null());
    (void)json_array_append_new(rows, row);
}

static void test_products(void **state)
{
    json_t *rows = json_array();
    unsigned n, offshore, most;
    add(rows, "billing", "domestic", 0.5, 25, 5);
    add(rows, "billing", "offshore", 0.5, 25, 5); /* a tie is no lowest */
    add(rows, "ehr", "domestic", 0.7, 25, 5);
    add(rows, "ehr", "nearshore", 0.2, 19, 5); /* too few ballots */
    add(rows, "ehr", "offshore", 0.3, 20, 5);
    add(rows, "ehr", NULL, 0.1, 100, 50); /* no region */
    add(rows, "lab", "domestic", 0.4, 25, 5);
    add(rows, "lab", "offshore", 0.5, 25, 5);
    add(rows, "pacs", "domestic", 0.9, 25, 5);
    add(rows, "pacs", "offshore", 0.1, 25, 4); /* too few organisations: one region is left */
    add(rows, "pharmacy", "domestic", 0.4, 25, 5);
    add(rows, "pharmacy", "nearshore", 0.4, 25, 5);
    add(rows, "pharmacy", "offshore", 0.3, 25, 5); /* below a tie of others */
    add(rows, NULL, "domestic", 0.9, 25, 5);
    add(rows, NULL, "offshore", 0.1, 25, 5);
    json_t *regions = survey_products(rows, &n, &offshore, &most);
    assert_int_equal(n, 4);
    assert_int_equal(offshore, 2);
    assert_int_equal(most, 1);
    static const size_t LOWEST[] = {4, 6, 12};
    size_t i, found = 0;
    json_t *region;
    json_array_foreach(regions, i, region)
    {
        if (json_is_true(json_object_get(region, "lowest")))
            assert_int_equal(i, LOWEST[found++]);
    }
    assert_int_equal(found, 3);
    json_decref(regions);
    json_decref(rows);
}

static void check_where(const struct survey_row *row, const char *of, const char *const *names, size_t n,
                        const char *expected)
{
    json_t *request = json_object(), *instruments = n ? json_array() : NULL;
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(instruments, json_string(names[i]));
    survey_request(request, row, of, instruments);
    assert_string_equal(json_string_value(json_object_get(request, "where")), expected);
    json_decref(instruments);
    json_decref(request);
}

static void test_requests(void **state)
{
    static const char *const NAMES[] = {"panel", "the client's own", "a \"b\" 'c'"};
    const struct survey_row *s5 = row_named("S5"), *tickets = row_named("S8 measured");
    check_where(s5, s5->of, NULL, 0, "facility_kind=practice and choice=yes");
    check_where(s5, s5->of, NAMES, 1, "facility_kind=practice and choice=yes and instrument in ('panel')");
    check_where(s5, "beds is null", NAMES, 3,
                "beds is null and choice=yes and instrument in ('panel', \"the client's own\")");
    check_where(s5, NULL, NAMES + 2, 1, "choice=yes and instrument is not null");
    /* Tickets know of no instrument. */
    check_where(tickets, tickets->of, NAMES, 1, "facility_kind in (hospital, cah)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
