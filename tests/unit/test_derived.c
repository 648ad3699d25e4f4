#include "core/fold/derived.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct reference_row team(const char *employer, const char *outsourcer, const char *country)
{
    struct reference_row row = {.valid_from = INT64_MIN};
    row.strings[REFERENCE_EMPLOYER] = employer;
    row.strings[REFERENCE_OUTSOURCER] = outsourcer;
    row.strings[REFERENCE_TEAM_COUNTRY] = country;
    return row;
}

static struct reference_row site(const char *org, const char *country)
{
    struct reference_row row = {.valid_from = INT64_MIN};
    row.strings[REFERENCE_ORG] = org;
    row.strings[REFERENCE_COUNTRY] = country;
    return row;
}

static void test_model(void **state)
{
    const struct reference_row acme = team("acme", NULL, "US"), bpo = team("bpo", "bpo", "PH"),
                               own = team("river health", NULL, "US"), nobody = team(NULL, NULL, NULL),
                               river = site("river health", "US"), nameless = site(NULL, NULL);
    assert_int_equal(derived_support_model(&acme, &river), SUPPORT_DIRECT);
    assert_int_equal(derived_support_model(&bpo, &river), SUPPORT_OUTSOURCED);
    assert_int_equal(derived_support_model(&own, &river), SUPPORT_OWN);
    assert_int_equal(derived_support_model(&own, NULL), SUPPORT_DIRECT);
    assert_int_equal(derived_support_model(&bpo, NULL), SUPPORT_OUTSOURCED);
    assert_int_equal(derived_support_model(&nobody, &nameless), SUPPORT_DIRECT); /* nothing equals nothing */
    assert_int_equal(derived_support_model(NULL, &river), SUPPORT_MODEL_NONE);
    assert_string_equal(SUPPORT_MODEL_NAMES[SUPPORT_OWN], "own");
    assert_null(SUPPORT_MODEL_NAMES[SUPPORT_MODEL_NONE]);
}

static void test_region(void **state)
{
    static const char *const NEARSHORE[] = {"CA", "mx", NULL};
    const struct reference_row us = team("a", NULL, "US"), mx = team("b", "b", "MX"),
                               ph = team("b", "b", "PH"), unknown = team("a", NULL, NULL),
                               here = site("h", "US"), nowhere = site("h", NULL);
    assert_int_equal(derived_support_region(&us, &here, NEARSHORE), SUPPORT_DOMESTIC);
    assert_int_equal(derived_support_region(&mx, &here, NEARSHORE), SUPPORT_NEARSHORE);
    assert_int_equal(derived_support_region(&ph, &here, NEARSHORE), SUPPORT_OFFSHORE);
    assert_int_equal(derived_support_region(&mx, &here, NULL), SUPPORT_OFFSHORE);
    assert_int_equal(derived_support_region(&unknown, &here, NEARSHORE), SUPPORT_REGION_NONE);
    assert_int_equal(derived_support_region(&us, &nowhere, NEARSHORE), SUPPORT_REGION_NONE);
    assert_int_equal(derived_support_region(&us, NULL, NEARSHORE), SUPPORT_REGION_NONE);
    assert_int_equal(derived_support_region(NULL, &here, NEARSHORE), SUPPORT_REGION_NONE);
    assert_string_equal(SUPPORT_REGION_NAMES[SUPPORT_NEARSHORE], "nearshore");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_region)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
