/* Times of sources: formats, zones, what is refused. */
#include "plugins/host/timestamp.h"
#include "proto/tendon_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct time_zones zones;

static int64_t parse(const char *format, const char *zone, const char *text)
{
    int64_t ms = -1;
    int r = time_parse(&zones, format, zone, text, TENDON_TEXT, &ms);
    if (r != TENDON_OK)
        fail_msg("'%s' is no time by '%s' in %s", text, format ? format : "RFC 3339", zone ? zone : "UTC");
    return ms;
}

static void refuse(const char *format, const char *zone, const char *text)
{
    int64_t ms = 12345;
    if (time_parse(&zones, format, zone, text, TENDON_TEXT, &ms) != TENDON_INVALID)
        fail_msg("'%s' was taken by '%s'", text, format ? format : "RFC 3339");
    assert_int_equal(ms, 12345);
}

static void test_formats(void **state)
{
    const int64_t at = 1704709800000; /* 2024-01-08T10:30:00Z */
    assert_int_equal(parse(NULL, NULL, "2024-01-08T10:30:00Z"), at);
    assert_int_equal(parse(NULL, NULL, "2024-01-08 10:30:00"), at);
    assert_int_equal(parse(NULL, NULL, "2024-01-08T12:30:00.25+02:00"), at + 250);
    assert_int_equal(parse(NULL, "America/Chicago", "2024-01-08T04:30:00"), at);
    assert_int_equal(parse(NULL, "America/Chicago", "2024-01-08T10:30:00Z"), at);
    assert_int_equal(parse("%d/%m/%Y %H:%M", NULL, "8/1/2024 10:30"), at);
    assert_int_equal(parse("%d/%m/%Y %H:%M", NULL, "08/01/2024  10:30"), at);
    assert_int_equal(parse("%m/%d/%y %I:%M %p", NULL, "1/8/24 10:30 AM"), at);
    assert_int_equal(parse("%m/%d/%y %I:%M%p", NULL, "1/8/24 10:30pm"), at + 12 * 3600000);
    assert_int_equal(parse("%m/%d/%y %I:%M %p", NULL, "1/8/24 12:30 AM"), at - 10 * 3600000);
    assert_int_equal(parse("%d-%b-%Y %H:%M:%S.%f", NULL, "08-Jan-2024 10:30:00.123456"), at + 123);
    assert_int_equal(parse("%Y%m%dT%H%M%S%z", NULL, "20240108T103000+0000"), at);
    assert_int_equal(parse("%Y-%m-%d %H:%M%z", "Asia/Tokyo", "2024-01-08 10:30-0130"), at + 90 * 60000);
    assert_int_equal(parse("%s", NULL, "1704709800"), at);
    assert_int_equal(parse("%s.%f", NULL, "1704709800.5"), at + 500);
    assert_int_equal(parse("%Q", NULL, "1704709800001"), at + 1);
    assert_int_equal(parse("%Y-%m-%d", "Europe/Berlin", "2024-01-08"), at - 11 * 3600000 - 30 * 60000);
    assert_int_equal(parse("%%%Y", NULL, "%2024"), 1704067200000);
    assert_int_equal(parse("%Y-%m-%dT%H:%M:%S", NULL, "2016-12-31T23:59:60"), 1483228799000);
    assert_int_equal(parse("%y", NULL, "70"), 0);
    assert_int_equal(parse("%y", NULL, "68"), 3092601600000);
    assert_int_equal(parse("%Y-%m-%d", NULL, "2024-02-29"), 1709164800000);
}

static void test_what_is_none(void **state)
{
    refuse(NULL, NULL, "");
    refuse(NULL, NULL, "2024-01-08");
    refuse(NULL, NULL, "2024-01-08T10:30:00Zx");
    refuse(NULL, NULL, "2024-01-08T10:30:00+2");
    refuse(NULL, NULL, "2024-01-08T10:30:00.Z");
    refuse("%Y-%m-%d", NULL, "2023-02-29");
    refuse("%Y-%m-%d", NULL, "2024-13-01");
    refuse("%Y-%m-%d", NULL, "2024-00-10");
    refuse("%Y-%m-%d", NULL, "24-01-10");
    refuse("%H:%M", NULL, "24:00");
    refuse("%H:%M", NULL, "10:60");
    refuse("%I:%M", NULL, "13:00");
    refuse("%b", NULL, "Jab");
    refuse("%q", NULL, "1");
    refuse("%", NULL, "%");
    refuse("%Y", NULL, "2024 ");
    refuse("%Y", "Mars/Olympus", "2024");
    refuse("%Y", "../../etc/passwd", "2024");
    refuse("%s", NULL, "-5");
    refuse("%Q", NULL, "9999999999999999");
    int64_t ms = 7;
    assert_int_equal(time_parse(&zones, NULL, NULL, NULL, 0, &ms), TENDON_INVALID);
    /* The size is what counts, not the NUL. */
    assert_int_equal(time_parse(&zones, "%Y", NULL, "2024xx", 4, &ms), TENDON_OK);
}

static void test_hours_that_come_twice_or_never(void **state)
{
    /* Chicago: 2024-11-03 02:00 CDT goes back to 01:00; 2024-03-10 02:00 CST goes on to 03:00. */
    assert_int_equal(parse("%Y-%m-%d %H:%M", "America/Chicago", "2024-11-03 01:30"), 1730615400000);
    assert_int_equal(parse("%Y-%m-%d %H:%M", "America/Chicago", "2024-03-10 02:30"), 1710057600000);
    assert_int_equal(parse("%Y-%m-%d %H:%M", "America/Chicago", "2024-03-10 03:00"), 1710057600000);
}

static void test_more_zones_than_are_kept(void **state)
{
    static const char *const NAMES[] = {
        "Africa/Cairo",     "Africa/Lagos",   "America/Chicago", "America/Denver", "America/Lima",
        "America/New_York", "Asia/Dubai",     "Asia/Kolkata",    "Asia/Manila",    "Asia/Seoul",
        "Asia/Shanghai",    "Asia/Singapore", "Asia/Tokyo",      "Europe/Athens",  "Europe/Berlin",
        "Europe/London",    "Europe/Madrid",  "Europe/Paris",    "Europe/Rome",    "Pacific/Auckland"};
    int64_t first[20];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 20; i++) {
            int64_t ms = parse("%Y-%m-%d", NAMES[i], "2024-07-01");
            if (round == 0)
                first[i] = ms;
            assert_int_equal(ms, first[i]);
        }
    assert_int_equal(first[7], 1719772200000);
    time_zones_fini(&zones);
    assert_int_equal(parse("%Y-%m-%d", "Asia/Kolkata", "2024-07-01"), first[7]);
}

static void check_format(const char *format, const char *zone, int64_t at_ms, const char *expected)
{
    char room[64];
    assert_int_equal(time_format(&zones, format, zone, at_ms, room, sizeof(room)), strlen(expected));
    assert_string_equal(room, expected);
}

static void test_the_other_way(void **state)
{
    char room[64];
    check_format(NULL, NULL, 1704709800007, "2024-01-08T10:30:00.007Z");
    check_format(NULL, "America/Chicago", 1704709800000, "2024-01-08T04:30:00.000-06:00");
    check_format("%y%m%d %I:%M %p %b %%", "UTC", 1704747600000, "240108 09:00 PM Jan %");
    check_format("%s %Q %f", NULL, -1, "-1 -1 999");
    check_format("%I%p", NULL, 0, "12AM");
    check_format("", NULL, 0, "");
    /* Too small a room by one, a zone and a format that are none, years that have no four digits. */
    assert_int_equal(time_format(&zones, "%Y", NULL, 0, room, 4), 0);
    assert_int_equal(time_format(&zones, "%Y", NULL, 0, room, 5), 4);
    assert_int_equal(time_format(&zones, "%Y", "Mars/Olympus", 0, room, sizeof(room)), 0);
    assert_int_equal(time_format(&zones, "%q", NULL, 0, room, sizeof(room)), 0);
    assert_int_equal(time_format(&zones, "%", NULL, 0, room, sizeof(room)), 0);
    assert_int_equal(time_format(&zones, "%Y", NULL, INT64_MAX / 2, room, sizeof(room)), 0);
    /* What is written is read back. */
    for (int64_t ms = 0; ms < 2000000000000; ms += 12345678901) {
        assert_true(time_format(&zones, NULL, "Asia/Kolkata", ms, room, sizeof(room)));
        assert_int_equal(parse(NULL, NULL, room), ms);
    }
}

static int tear_down(void **state)
{
    time_zones_fini(&zones);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_the_other_way),
        cmocka_unit_test(test_hours_that_come_twice_or_never),
        cmocka_unit_test(test_more_zones_than_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
