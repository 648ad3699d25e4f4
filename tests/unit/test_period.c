/* Periods: what options mean, and where days, weeks and months are cut. */
#include "core/query/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zone *zone_of(const char *name)
{
    struct zone *z;
    assert_int_equal(zone_open(name, &z, NULL), 0);
    return z;
}

static int64_t instant(const struct zone *z, const char *text)
{
    struct error err = ERROR_INIT;
    int64_t ms = 0;
    if (instant_parse("at", text, z, &ms, &err) < 0)
        fail_msg("%s", err.message);
    return ms;
}

/* The starts of all periods and the last end, "!" behind partial ones. */
static const char *cuts(const char *zone, const char *now, const char *since, const char *until,
                        const char *every, const char *first, const char *last, char room[512])
{
    struct zone *z = zone_of(zone);
    struct period_options o = {
        .since = since, .until = until, .every = every, .zone = z, .now = instant(z, now)};
    struct period_range r;
    struct periods p;
    struct error err = ERROR_INIT;
    char text[CIVIL_TEXT_BYTES];
    size_t n = 0;
    room[0] = '\0';
    if (period_range_parse(&o, &r, &err) < 0 ||
        periods_cut(&r, z, o.now, first ? instant(z, first) : INT64_MAX, last ? instant(z, last) : INT64_MIN,
                    1000, &p, &err) < 0) {
        (void)snprintf(room, 512, "%s", err.code);
        zone_close(z);
        return room;
    }
    for (uint32_t i = 0; p.n > 0 && i <= p.n; i++) {
        zone_format(z, p.starts[i], text);
        char *time = strchr(text, 'T');
        bool is_midnight = time && strncmp(time, "T00:00:00", 9) == 0 && time[9] != '.';
        if (is_midnight)
            *time = '\0';
        n += (size_t)snprintf(room + n, 512 - n, "%s%s%s", i ? " " : "", text,
                              i < p.n && p.partial[i] ? "!" : "");
    }
    periods_fini(&p);
    zone_close(z);
    return room;
}

#define NOW "2024-06-12T15:00:00"

static void test_days(void **state)
{
    char s[512];
    assert_string_equal(cuts("America/Chicago", NOW, "3d", NULL, "1d", NULL, NULL, s),
                        "2024-06-10 2024-06-11 2024-06-12! 2024-06-13");
    assert_string_equal(cuts("America/Chicago", NOW, "2024-06-10", "2024-06-12", "1d", NULL, NULL, s),
                        "2024-06-10 2024-06-11 2024-06-12");
    assert_string_equal(cuts("America/Chicago", NOW, "2d", "2024-06-12", "1d", NULL, NULL, s),
                        "2024-06-10 2024-06-11 2024-06-12");
    assert_string_equal(cuts("UTC", NOW, "2024-06-10T12:00:00Z", "2024-06-11T06:00:00Z", "1d", NULL, NULL, s),
                        "2024-06-10T12:00:00Z! 2024-06-11! 2024-06-11T06:00:00Z");
    assert_string_equal(cuts("UTC", NOW, "2024-06-01", "2024-06-08", "3d", NULL, NULL, s),
                        "2024-06-01 2024-06-04 2024-06-07! 2024-06-08");
    assert_string_equal(cuts("America/Sao_Paulo", NOW, "2018-11-03", "2018-11-05", "1d", NULL, NULL, s),
                        "2018-11-03 2018-11-04T01:00:00-02:00 2018-11-05");
    /* Samoa had no 30 December 2011. */
    assert_string_equal(cuts("Pacific/Apia", NOW, "2011-12-29", "2012-01-01", "1d", NULL, NULL, s),
                        "2011-12-29 2011-12-31 2012-01-01");
}

static void test_weeks_and_months(void **state)
{
    char s[512];
    assert_string_equal(cuts("UTC", NOW, "2024-05-29", "2024-06-12", "1w", NULL, NULL, s),
                        "2024-05-29! 2024-06-03 2024-06-10! 2024-06-12");
    assert_string_equal(cuts("Europe/London", NOW, "2024-03", "2024-05", "1mo", NULL, NULL, s),
                        "2024-03-01 2024-04-01 2024-05-01");
    assert_string_equal(cuts("UTC", NOW, "2mo", NULL, "1mo", NULL, NULL, s),
                        "2024-04-13! 2024-05-01 2024-06-01! 2024-06-13");
    assert_string_equal(cuts("UTC", NOW, "1w", NULL, NULL, NULL, NULL, s), "2024-06-06 2024-06-13");
}

static void test_open_ends(void **state)
{
    char s[512];
    assert_string_equal(cuts("UTC", NOW, NULL, NULL, "1mo", "2024-02-11", "2024-04-03", s),
                        "2024-02-01 2024-03-01 2024-04-01 2024-05-01");
    assert_string_equal(cuts("UTC", NOW, NULL, "2024-03-15", "1mo", "2024-02-11", "2024-04-03", s),
                        "2024-02-01 2024-03-01! 2024-03-15");
    assert_string_equal(cuts("UTC", NOW, "2024-03-15", NULL, "1mo", "2024-02-11", "2024-04-03", s),
                        "2024-03-15! 2024-04-01 2024-05-01");
    assert_string_equal(cuts("UTC", NOW, "2024-04", NULL, "1mo", "2024-04-01", "2024-06-03", s),
                        "2024-04-01 2024-05-01 2024-06-01! 2024-07-01");
    /* Nothing measured: nothing to cut. */
    assert_string_equal(cuts("UTC", NOW, NULL, NULL, "1mo", NULL, NULL, s), "");
}

static void test_dst_rows(void **state)
{
    struct zone *z = zone_of("Europe/London");
    struct period_options o = {
        .since = "2024-10-27", .until = "2024-10-28", .every = "1d", .zone = z, .now = instant(z, NOW)};
    struct period_range r;
    struct periods p;
    uint32_t hint = 0;
    assert_int_equal(period_range_parse(&o, &r, NULL), 0);
    assert_int_equal(periods_cut(&r, z, INT64_MAX, 0, 0, 10, &p, NULL), 0);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.starts[1] - p.starts[0], 25 * 3600000);
    assert_int_equal(periods_find(&p, instant(z, "2024-10-27T00:30Z"), &hint), 0);
    assert_int_equal(periods_find(&p, instant(z, "2024-10-27T01:30Z"), &hint), 0);
    assert_int_equal(periods_find(&p, instant(z, "2024-10-28T00:00Z"), &hint), -1);
    assert_int_equal(periods_find(&p, instant(z, "2024-10-26T22:59:59Z"), &hint), -1);
    periods_fini(&p);
    o.since = "2024-10-01";
    o.until = "2024-12-01";
    o.every = "1mo";
    assert_int_equal(period_range_parse(&o, &r, NULL), 0);
    assert_int_equal(periods_cut(&r, z, INT64_MAX, 0, 0, 10, &p, NULL), 0);
    assert_int_equal(p.starts[0], instant(z, "2024-09-30T23:00Z"));
    assert_int_equal(periods_find(&p, instant(z, "2024-10-31T23:59:59Z"), &hint), 0);
    assert_int_equal(periods_find(&p, instant(z, "2024-11-01T00:00Z"), &hint), 1);
    periods_fini(&p);
    zone_close(z);
}

static void test_instants(void **state)
{
    struct zone *z = zone_of("America/Chicago");
    assert_int_equal(instant(z, "1970-01-01T00:00:00Z"), 0);
    assert_int_equal(instant(z, "1970-01-01T00:00:01.5+00:00"), 1500);
    assert_int_equal(instant(z, "1970-01-01T02:00-01:30"), 12600000);
    assert_int_equal(instant(z, "2024-01-01"), instant(z, "2024-01-01T06:00:00Z"));
    assert_int_equal(instant(z, "2024-07-01 08:00"), instant(z, "2024-07-01T13:00:00Z"));
    const char *bad[] = {"",
                         "now",
                         "2024",
                         "2024-13-01",
                         "2023-02-29",
                         "2024-1-1",
                         "1969-12-31",
                         "2024-01-01T25:00",
                         "2024-01-01T",
                         "2024-01-01T10:00:60",
                         "2024-01-01x",
                         "2024-01-01T10:00:00.",
                         "2024-01-01T10:00:00+25:00",
                         "20240101",
                         "2024-01-01T10:00:00.1234Z",
                         "-024-01-01"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct error err = ERROR_INIT;
        int64_t ms;
        assert_int_equal(instant_parse("at", bad[i], z, &ms, &err), -EINVAL);
        assert_string_equal(err.code, "bad_period");
    }
    zone_close(z);
}

/* Whatever the gaps, the quick way finds what looking at each one does. */
static void test_instants_before(void **state)
{
    int64_t instants[64];
    unsigned seed = 11;
    for (int round = 0; round < 200; round++) {
        int64_t at = round % 3 ? 1000000 : INT64_MIN;
        uint32_t n = 1 + (uint32_t)round % 64;
        for (uint32_t i = 0; i < n; i++) {
            seed = seed * 1103515245u + 12345u;
            instants[i] = at;
            at = (at < 0 ? 1000000 : at) + (round % 2 ? 1000 : (seed >> 16) % (round % 5 ? 1500 : 90));
        }
        for (int64_t probe = 999000; probe < 1100000; probe += 37) {
            uint32_t expected = 0;
            while (expected < n && instants[expected] < probe)
                expected++;
            assert_int_equal(instants_before(instants, n, probe), expected);
        }
        for (uint32_t i = 0; i < n; i++)
            assert_true(instants_before(instants, n, instants[i]) <= i);
    }
}

static void test_refused(void **state)
{
    char s[512];
    assert_string_equal(cuts("UTC", NOW, "0d", NULL, NULL, NULL, NULL, s), "bad_period");
    assert_string_equal(cuts("UTC", NOW, "90", NULL, NULL, NULL, NULL, s), "bad_period");
    assert_string_equal(cuts("UTC", NOW, "2024-02-01", "2024-02-01", NULL, NULL, NULL, s), "bad_period");
    assert_string_equal(cuts("UTC", NOW, NULL, NULL, "1h", NULL, NULL, s), "bad_period");
    assert_string_equal(cuts("UTC", NOW, NULL, NULL, "5000d", NULL, NULL, s), "bad_period");
    assert_string_equal(cuts("UTC", NOW, "2000-01-01", "2024-01-01", "1d", NULL, NULL, s), "result_size");
    struct zone *z = zone_of("UTC");
    struct period_options o = {.at = "2024-01-01", .every = "1d", .zone = z};
    struct period_range r;
    assert_int_equal(period_range_parse(&o, &r, NULL), -EINVAL);
    zone_close(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),      cmocka_unit_test(test_weeks_and_months),
        cmocka_unit_test(test_open_ends), cmocka_unit_test(test_dst_rows),
        cmocka_unit_test(test_instants),  cmocka_unit_test(test_instants_before),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
