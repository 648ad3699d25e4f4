/* The business clock of one ticket: which calendar counts when. */
#include "core/fold/business.h"

#include "core/base/zone.h"
#include "core/fold/fact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int64_t utc(int y, int mo, int d, int h, int mi, int s)
{
    return (civil_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + s) * 1000;
}

static void add_calendar(struct reference *r, const char *name, int64_t valid_from, const char *zone,
                         const char *hours)
{
    json_t *d = json_pack("{s:s, s:s}", "zone", zone, "hours", hours);
    struct calendar *c;
    assert_int_equal(calendar_new(d, &c, NULL), 0);
    json_decref(d);
    assert_int_equal(reference_set_calendar(r, name, valid_from, c, NULL), 0);
    calendar_unref(c);
}

static void add_site(struct reference *r, const char *site, int64_t valid_from, const char *calendar)
{
    const char *values[REFERENCE_ATTRIBUTES_N] = {[REFERENCE_CALENDAR] = calendar};
    assert_int_equal(reference_set(r, REFERENCE_SITE, site, valid_from, values, NULL), 0);
}

/* Day d of January 2024, a Monday on the 1st; hours are UTC. */
static int64_t day(int d, int hour)
{
    return utc(2024, 1, d, hour, 0, 0);
}

#define HOUR INT64_C(3600000)

static struct reference *tables(void)
{
    struct reference *r;
    assert_int_equal(reference_new(NULL, &r), 0);
    add_calendar(r, "office", INT64_MIN, "UTC", "mon-fri 09:00-17:00");
    add_calendar(r, "always", INT64_MIN, "UTC", "daily 00:00-24:00");
    add_calendar(r, "later", day(10, 0), "UTC", "daily 10:00-11:00");
    add_calendar(r, "two", INT64_MIN, "UTC", "daily 00:00-01:00");
    add_calendar(r, "two", day(3, 0), "UTC", "daily 00:00-02:00");
    add_site(r, "plain", INT64_MIN, NULL);
    add_site(r, "ward", INT64_MIN, "always");
    add_site(r, "new", day(5, 0), "always");
    add_site(r, "moved", INT64_MIN, "office");
    add_site(r, "moved", day(4, 12), "always");
    add_site(r, "moved", day(5, 12), NULL);
    add_site(r, "early", INT64_MIN, "later");
    add_site(r, "wrong", INT64_MIN, "offcie");
    add_site(r, "two", INT64_MIN, "two");
    return r;
}

static void test_site(void **state)
{
    struct reference *r = tables();
    struct business b = {0};
    business_begin(&b, r, "office");
    assert_int_equal(business_site(&b, INT64_MIN, NULL), 0);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(3, 0)), 16 * HOUR);
    static const struct {
        const char *site;
        int64_t hours; /* of the first ten days; -1 none */
    } CASES[] = {
        {"plain", 64},
        {"unheard of", 64},
        {"ward", 240},
        {"new", 32 + 144},
        {"moved", 27 + 24 + 5 + 24},
        {"early", 56 + 1},
        /* its own from the tenth */ {"wrong", -1},
        {"two", 2 + 2 * 8},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        business_begin(&b, r, "office");
        assert_int_equal(business_site(&b, day(1, 0), CASES[i].site), 0);
        int64_t ms = business_elapsed_ms(&b, day(1, 0), day(11, 0));
        int64_t expected = CASES[i].hours < 0 ? FACT_NULL : CASES[i].hours * HOUR;
        if (ms != expected)
            fail_msg("%s: %lld", CASES[i].site, (long long)ms);
    }
    business_fini(&b);
    reference_unref(r);
}

static void test_change_of_site(void **state)
{
    struct reference *r = tables();
    struct business b = {0};
    business_begin(&b, r, "office");
    assert_int_equal(business_site(&b, day(1, 0), "moved"), 0);
    assert_int_equal(business_site(&b, day(2, 12), "ward"), 0);
    assert_int_equal(business_site(&b, day(2, 18), NULL), 0);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(3, 0)), (8 + 3 + 6) * HOUR);
    /* two changes at one instant: the later holds */
    assert_int_equal(business_site(&b, day(2, 18), "ward"), 0);
    assert_int_equal(business_elapsed_ms(&b, day(2, 0), day(3, 0)), (3 + 12) * HOUR);
    /* by the calendar of the end alone */
    assert_int_equal(business_last_ms(&b, day(1, 0), day(3, 0), day(3, 0)), 48 * HOUR);
    assert_int_equal(business_last_ms(&b, day(1, 0), day(2, 0), day(2, 0)), 8 * HOUR);
    assert_int_equal(business_last_ms(&b, day(1, 0), day(1, 0), day(2, 0)), 0);
    business_fini(&b);
    reference_unref(r);
}

static void test_none(void **state)
{
    struct reference *r = tables();
    struct business b = {0};
    business_begin(&b, r, NULL);
    assert_int_equal(business_site(&b, day(1, 0), "plain"), 0);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(2, 0)), FACT_NULL);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(1, 0)), 0);
    assert_int_equal(business_last_ms(&b, day(1, 0), day(2, 0), day(2, 0)), FACT_NULL);
    assert_int_equal(business_reach(&b, day(1, 0), 5), FACT_NULL);
    /* only where time passes without one is it missed */
    assert_int_equal(business_site(&b, day(3, 0), "ward"), 0);
    assert_int_equal(business_elapsed_ms(&b, day(3, 0), day(4, 0)), 24 * HOUR);
    assert_int_equal(business_elapsed_ms(&b, day(3, 0) - 1, day(4, 0)), FACT_NULL);
    business_begin(&b, r, "offcie");
    assert_int_equal(business_site(&b, INT64_MIN, NULL), 0);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(2, 0)), FACT_NULL);
    business_begin(&b, NULL, "office");
    assert_int_equal(business_site(&b, INT64_MIN, "ward"), 0);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(2, 0)), FACT_NULL);
    business_fini(&b);
    reference_unref(r);
}

static void test_named(void **state)
{
    struct reference *r = tables();
    struct business b = {0};
    business_begin(&b, r, "office");
    assert_int_equal(business_named(&b, "two"), 0);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(5, 0)), 6 * HOUR);
    assert_int_equal(business_named(&b, "nothing"), 0);
    assert_int_equal(business_elapsed_ms(&b, day(1, 0), day(5, 0)), FACT_NULL);
    assert_int_equal(business_named(&b, "later"), 0);
    assert_int_equal(business_elapsed_ms(&b, day(9, 0), day(12, 0)), FACT_NULL);
    assert_int_equal(business_elapsed_ms(&b, day(10, 0), day(12, 0)), 2 * HOUR);
    business_fini(&b);
    reference_unref(r);
}

static void test_reach(void **state)
{
    struct reference *r = tables();
    struct business b = {0};
    business_begin(&b, r, "office");
    assert_int_equal(business_site(&b, day(1, 0), "two"), 0);
    /* an hour on the 1st and the 2nd each, two from the 3rd */
    assert_int_equal(business_reach(&b, day(1, 0), HOUR), day(2, 0));
    assert_int_equal(business_reach(&b, day(1, 0), 2 * HOUR), day(3, 0));
    assert_int_equal(business_reach(&b, day(1, 0), 2 * HOUR - 1), day(2, 1) - 1);
    assert_int_equal(business_reach(&b, day(1, 0), 3 * HOUR), day(3, 1));
    assert_int_equal(business_reach(&b, day(1, 0), 4 * HOUR), day(4, 0));
    assert_int_equal(business_reach(&b, day(1, 0), INT64_MAX), FACT_FOREVER);
    /* then a site without a calendar that anybody knows */
    assert_int_equal(business_site(&b, day(4, 0), "wrong"), 0);
    assert_int_equal(business_reach(&b, day(1, 0), 4 * HOUR - 1), day(3, 2) - 1);
    assert_int_equal(business_reach(&b, day(1, 0), 4 * HOUR), FACT_NULL);
    business_fini(&b);
    reference_unref(r);
}

/* The example of two versions, as the fold would ask it. */
static void test_versions(void **state)
{
    struct reference *r;
    struct business b = {0};
    int64_t created = utc(2020, 9, 29, 17, 1, 38), replied = utc(2020, 9, 30, 19, 1, 46);
    int64_t solved = utc(2020, 10, 1, 15, 3, 44);
    assert_int_equal(reference_new(NULL, &r), 0);
    add_calendar(r, "desk", INT64_MIN, "America/Chicago", "daily 07:00-21:00");
    add_calendar(r, "desk", utc(2020, 9, 30, 19, 1, 25), "America/Los_Angeles", "mon-fri 08:00-17:30");
    business_begin(&b, r, "desk");
    assert_int_equal(business_site(&b, INT64_MIN, NULL), 0);
    assert_int_equal(business_elapsed_ms(&b, created, replied), 57608000);
    assert_int_equal(business_elapsed_ms(&b, created, solved), 77526000);
    assert_int_equal(business_last_ms(&b, created, replied, replied), 41408000);
    assert_int_equal(business_last_ms(&b, created, solved, solved), 61326000);
    assert_int_equal(business_reach(&b, created, 77526000), solved);
    business_fini(&b);
    reference_unref(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_site),  cmocka_unit_test(test_change_of_site), cmocka_unit_test(test_none),
        cmocka_unit_test(test_named), cmocka_unit_test(test_reach),          cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
