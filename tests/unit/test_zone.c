/* Zones: days that are not 24 hours, midnights that do not exist, and every zone of the system against the C
 * library's own reading of the same rules. */
#include "core/base/zone.h"

#include "core/base/zone_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct zone *opened(const char *name)
{
    struct zone *z;
    struct error err = ERROR_INIT;
    int r = zone_open(name, &z, &err);
    if (r < 0)
        fail_msg("%s: %s", name, err.message);
    return z;
}

static int64_t utc(int y, int mo, int d, int h, int mi, int s)
{
    return (civil_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + s) * 1000;
}

static void test_days(void **state)
{
    assert_int_equal(civil_days(1970, 1, 1), 0);
    assert_int_equal(civil_days(2000, 3, 1), 11017);
    assert_int_equal(civil_days(2024, 2, 29) + 1, civil_days(2024, 3, 1));
    assert_int_equal(civil_days(2023, 13, 1), civil_days(2024, 1, 1));
    assert_int_equal(civil_days(2024, 3, 0), civil_days(2024, 2, 29));
    assert_int_equal(civil_days(2024, 0, 31), civil_days(2023, 12, 31));
    assert_true(civil_is_date(2024, 2, 29));
    assert_false(civil_is_date(2023, 2, 29));
    assert_false(civil_is_date(2024, 13, 1));
    assert_false(civil_is_date(2024, 4, 31));
}

static void test_london(void **state)
{
    struct zone *z = opened("Europe/London");
    int64_t october = zone_instant(z, 2024, 10, 1, 0), november = zone_instant(z, 2024, 11, 1, 0);
    assert_int_equal(october, utc(2024, 9, 30, 23, 0, 0));
    assert_int_equal(november, utc(2024, 11, 1, 0, 0, 0));
    assert_int_equal((november - october) / 3600000, 745);
    assert_int_equal(zone_floor(z, utc(2024, 10, 27, 23, 59, 59), ZONE_DAY, 1) -
                         zone_floor(z, utc(2024, 10, 27, 12, 0, 0), ZONE_DAY, 0),
                     25 * 3600000);
    /* A local time that comes twice is the first of the two. */
    assert_int_equal(zone_instant(z, 2024, 10, 27, 5400000), utc(2024, 10, 27, 0, 30, 0));
    /* One that is skipped is the instant of the jump. */
    assert_int_equal(zone_instant(z, 2024, 3, 31, 5400000), utc(2024, 3, 31, 1, 0, 0));
    zone_close(z);
}

static void test_no_midnight(void **state)
{
    struct zone *z = opened("America/Sao_Paulo"); /* 2018-11-04: 00:00 became 01:00 */
    struct civil c;
    int64_t at = zone_instant(z, 2018, 11, 4, 0);
    assert_int_equal(at, utc(2018, 11, 4, 3, 0, 0));
    zone_civil(z, at, &c);
    assert_int_equal(c.hour, 1);
    assert_int_equal(c.day, 4);
    zone_civil(z, at - 1, &c);
    assert_int_equal(c.day, 3);
    assert_int_equal(zone_floor(z, at, ZONE_DAY, 1) - at, 23 * 3600000);
    zone_close(z);

    z = opened("Pacific/Apia"); /* the whole of 2011-12-30 is missing */
    assert_int_equal(zone_instant(z, 2011, 12, 30, 0), zone_instant(z, 2011, 12, 31, 0));
    zone_close(z);
}

static void test_weeks_and_months(void **state)
{
    struct zone *z = opened("America/Chicago");
    char room[CIVIL_TEXT_BYTES];
    struct civil c;
    int64_t at = utc(2024, 1, 1, 5, 59, 59); /* still Sunday 31 December there */
    zone_civil(z, at, &c);
    assert_int_equal(c.weekday, 6);
    assert_string_equal(zone_format(z, zone_floor(z, at, ZONE_WEEK, 0), room), "2023-12-25T00:00:00-06:00");
    assert_string_equal(zone_format(z, zone_floor(z, at + 1000, ZONE_WEEK, 0), room),
                        "2024-01-01T00:00:00-06:00");
    assert_string_equal(zone_format(z, zone_floor(z, at, ZONE_MONTH, 4), room), "2024-04-01T00:00:00-05:00");
    assert_string_equal(zone_format(z, at + 7, room), "2023-12-31T23:59:59.007-06:00");
    zone_close(z);
    z = opened("UTC");
    assert_string_equal(zone_format(z, 0, room), "1970-01-01T00:00:00Z");
    zone_close(z);
}

static void test_names(void **state)
{
    struct zone *z = NULL;
    struct error err = ERROR_INIT;
    const char *bad[] = {"",          "Mars/Olympus", "../zoneinfo/UTC", "/etc/passwd", "America",
                         "tzdata.zi", "..",           "posix/../UTC",    "localtime",   "UTC\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(zone_exists(bad[i]));
        assert_int_equal(zone_open(bad[i], &z, &err), -ENOENT);
        assert_string_equal(err.code, "unknown_zone");
    }
    assert_true(zone_exists("America/Argentina/Buenos_Aires"));
    assert_int_equal(zone_open("America/Chicgo", &z, &err), -ENOENT);
    assert_string_equal(err.hint, "did you mean America/Chicago?");
    assert_null(z);
    zone_close(NULL);
}

/* The C library reads the same files on its own: every zone, both sides of every transition it has. */
static void test_against_libc(void **state)
{
    FILE *f = fopen("/usr/share/zoneinfo/tzdata.zi", "re");
    char line[512], name[ZONE_NAME_BYTES + 1];
    unsigned n_zones = 0;
    if (!f)
        skip();
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Z %64s", name) != 1 || !zone_exists(name))
            continue;
        struct zone *z = opened(name);
        (void)setenv("TZ", name, 1);
        tzset();
        n_zones++;
        int32_t offset_s = zone_offset_s(z, 0);
        for (int64_t s = 7 * 3600; s < utc(2045, 1, 1, 0, 0, 0) / 1000; s += 9 * 86400 + 4999) {
            time_t probes[3] = {(time_t)s, (time_t)s, (time_t)s};
            if (zone_offset_s(z, s * 1000) != offset_s) {
                /* Bisect to our transition: the instant itself and the second before. */
                int64_t low = s - 9 * 86400 - 4999, high = s;
                offset_s = zone_offset_s(z, s * 1000);
                while (high - low > 1) {
                    int64_t middle = (low + high) / 2;
                    *(zone_offset_s(z, middle * 1000) == offset_s ? &high : &low) = middle;
                }
                probes[1] = (time_t)low;
                probes[2] = (time_t)high;
            }
            for (int i = 0; i < 3; i++) {
                struct tm tm;
                struct civil c;
                assert_non_null(localtime_r(&probes[i], &tm));
                zone_civil(z, (int64_t)probes[i] * 1000, &c);
                if (tm.tm_gmtoff != c.offset_s || tm.tm_mday != c.day || tm.tm_hour != c.hour ||
                    tm.tm_min != c.minute || tm.tm_mon + 1 != c.month || tm.tm_year + 1900 != c.year ||
                    (tm.tm_wday + 6) % 7 != c.weekday)
                    fail_msg("%s at %lld: %d, the C library says %ld", name, (long long)probes[i], c.offset_s,
                             tm.tm_gmtoff);
            }
        }
        zone_close(z);
    }
    (void)fclose(f);
    (void)unsetenv("TZ");
    tzset();
    assert_true(n_zones > 250);
}

/* Damaged files are refused, whatever was cut or turned. */
static void test_damaged_file(void **state)
{
    static uint8_t data[ZONE_FILE_BYTES], copy[ZONE_FILE_BYTES];
    struct zone_transition *t;
    size_t n;
    FILE *f = fopen("/usr/share/zoneinfo/America/Chicago", "re");
    assert_non_null(f);
    size_t size = fread(data, 1, sizeof(data), f);
    (void)fclose(f);
    assert_int_equal(zone_file_decode(data, size, ZONE_YEAR_MAX, &t, &n), 0);
    assert_true(n > 200);
    free(t);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, data, cut);
        if (zone_file_decode(exact, cut, ZONE_YEAR_MAX, &t, &n) == 0)
            free(t);
        free(exact);
    }
    unsigned seed = 1;
    for (int i = 0; i < 3000; i++) {
        memcpy(copy, data, size);
        for (int k = 0; k < 3; k++) {
            seed = seed * 1103515245u + 12345u;
            copy[(seed >> 8) % (k == 0 ? 100 : size)] = (uint8_t)(seed >> 24);
        }
        if (zone_file_decode(copy, size, ZONE_YEAR_MAX, &t, &n) == 0)
            free(t);
    }
    assert_int_equal(zone_file_decode(data, 43, ZONE_YEAR_MAX, &t, &n), -EBADMSG);
}

static void test_version(void **state)
{
    char room[ZONE_VERSION_BYTES];
    assert_int_equal(strspn(zone_version(room), "0123456789"), 4); /* a year, and which of that year */
    assert_true(room[4] >= 'a' && room[4] <= 'z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),        cmocka_unit_test(test_london),
        cmocka_unit_test(test_no_midnight), cmocka_unit_test(test_weeks_and_months),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_against_libc),
        cmocka_unit_test(test_version),     cmocka_unit_test(test_damaged_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
