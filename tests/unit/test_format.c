/* Numbers as a person reads them, and the few forms that are read back. */
#include "tools/duration.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char room[FORMAT_ROOM];

static void durations(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } CASES[] = {
        {0, "0s"},
        {0.001, "0.001s"},
        {0.0004, "0s"},
        {0.045, "0.045s"},
        {0.3, "0.3s"},
        {0.25, "0.25s"},
        {0.9996, "1s"},
        {1.26, "1.3s"},
        {4, "4s"},
        {9.96, "10s"},
        {45, "45s"},
        {59.4, "59s"},
        {59.6, "1m"},
        {60, "1m"},
        {725, "12m 5s"},
        {3599.4, "59m 59s"},
        {3599.6, "1h"},
        {7200, "2h"},
        {8040, "2h 14m"},
        {8069, "2h 14m"},
        {8071, "2h 15m"},
        {86369, "23h 59m"},
        {86399, "1d"},
        {273600, "3d 4h"},
        {259200, "3d"},
        {100 * 86400.0, "100d"},
        {35596800, "412d"},
        {-8040, "−2h 14m"},
        {365.0 * 86400 * 10, "3,650d"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++)
        assert_string_equal(format_duration(room, sizeof(room), CASES[i].seconds), CASES[i].text);
}

static void counts_and_numbers(void **state)
{
    (void)state;
    assert_string_equal(format_count(room, sizeof(room), 0), "0");
    assert_string_equal(format_count(room, sizeof(room), 999), "999");
    assert_string_equal(format_count(room, sizeof(room), 4211), "4,211");
    assert_string_equal(format_count(room, sizeof(room), 1234567), "1,234,567");
    assert_string_equal(format_count(room, sizeof(room), -4211), "−4,211");
    assert_string_equal(format_count(room, sizeof(room), 1234.5), "1,234.5");
    assert_string_equal(format_count(room, sizeof(room), 9007199254740993.0), "9.0072e+15");
    assert_string_equal(format_number(room, sizeof(room), 1.23456), "1.235");
    assert_string_equal(format_number(room, sizeof(room), 20), "20");
    assert_string_equal(format_number(room, sizeof(room), -0.0001), "0");
    assert_string_equal(format_number(room, sizeof(room), -12.345), "−12.35");
    assert_string_equal(format_bytes(room, sizeof(room), 512), "512 B");
    assert_string_equal(format_bytes(room, sizeof(room), 1536), "1.5 KiB");
    assert_string_equal(format_bytes(room, sizeof(room), 1048575), "1.0 MiB");
}

static void ratios_never_read_as_none_or_all(void **state)
{
    (void)state;
    assert_string_equal(format_ratio(room, sizeof(room), 0), "0.0 %");
    assert_string_equal(format_ratio(room, sizeof(room), 1), "100.0 %");
    assert_string_equal(format_ratio(room, sizeof(room), 0.8211), "82.1 %");
    assert_string_equal(format_ratio(room, sizeof(room), 0.0001), "<0.1 %");
    assert_string_equal(format_ratio(room, sizeof(room), 0.9999), ">99.9 %");
    assert_string_equal(format_interval(room, sizeof(room), 0.803008, 0.904123), "[80.3, 90.4]");
}

static void instants(void **state)
{
    (void)state;
    assert_string_equal(format_period(room, sizeof(room), "2026-01-05T00:00:00-06:00"), "2026-01-05");
    assert_string_equal(format_period(room, sizeof(room), "2026-01-05T10:30:00Z"), "2026-01-05 10:30");
    assert_string_equal(format_period(room, sizeof(room), "2026-01-05T10:30:07Z"), "2026-01-05 10:30:07");
    assert_string_equal(format_period(room, sizeof(room), "2026-01-05T00:00:00.250Z"), "2026-01-05 00:00:00");
    assert_string_equal(format_period(room, sizeof(room), "today"), "today");
    assert_string_equal(format_instant(room, sizeof(room), "2026-01-05T00:00:00.250-06:00"),
                        "2026-01-05 00:00:00-06:00");
    assert_string_equal(format_instant(room, sizeof(room), "2026-01-05T10:30:07Z"), "2026-01-05 10:30:07Z");
    assert_string_equal(format_instant(room, sizeof(room), ""), "");
    assert_string_equal(format_instant_ms(room, sizeof(room), 1767609007250), "2026-01-05 10:30:07Z");
}

static void durations_read(void **state)
{
    int64_t ms = -1;
    (void)state;
    assert_int_equal(duration_read("30s", &ms), 0);
    assert_int_equal(ms, 30000);
    assert_int_equal(duration_read("5m", &ms), 0);
    assert_int_equal(ms, 300000);
    assert_int_equal(duration_read("250ms", &ms), 0);
    assert_int_equal(ms, 250);
    assert_int_equal(duration_read("7", &ms), 0);
    assert_int_equal(ms, 7000);
    static const char *const WRONG[] = {"", "s", "-5s", "5 s", "1.5s", "5w", "99999999999999999999s", "400d"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(*WRONG); i++)
        assert_int_equal(duration_read(WRONG[i], &ms), -EINVAL);
    assert_int_equal(ms, 7000);
}

static void reals_have_few_digits_and_read_back(void **state)
{
    static const double VALUES[] = {0.3, 1.0 / 3, 0.861111111111111, 1e300, 5e-324, 1260.5, -0.1};
    (void)state;
    char number[JSON_NUMBER_ROOM];
    assert_string_equal(json_real_format(number, sizeof(number), 0.3), "0.3");
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(*VALUES); i++)
        assert_true(strtod(json_real_format(number, sizeof(number), VALUES[i]), NULL) == VALUES[i]);
}

static void widths_are_columns(void **state)
{
    size_t columns;
    (void)state;
    assert_int_equal(text_width("plain"), 5);
    assert_int_equal(text_width("Zürich"), 6);
    assert_int_equal(text_width("東京"), 4);
    assert_int_equal(text_width("e\u0301"), 1); /* a combining accent */
    assert_int_equal(text_fit("東京x", 3, &columns), 3);
    assert_int_equal(columns, 2);
    assert_int_equal(text_fit("Zürich", 2, &columns), 3);
}

static void text_is_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *clean;
    } CASES[] = {
        {"plain – ok", "plain – ok"},
        {"a\033[2Jb", "a\ufffd[2Jb"},
        {"line\nend\t", "line\ufffdend\ufffd"},
        {"\u202eevil", "\ufffdevil"},
        {"c1 \xc2\x9b"
         "2J",
         "c1 \ufffd2J"},
        {"bad \xff\xc3", "bad \ufffd\ufffd"},
        {"over \xc0\xaf long", "over \ufffd\ufffd long"},
        {"surrogate \xed\xa0\x80", "surrogate \ufffd\ufffd\ufffd"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        char *clean = text_clean(CASES[i].raw);
        assert_string_equal(clean, CASES[i].clean);
        free(clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(counts_and_numbers),
        cmocka_unit_test(ratios_never_read_as_none_or_all),
        cmocka_unit_test(instants),
        cmocka_unit_test(durations_read),
        cmocka_unit_test(reals_have_few_digits_and_read_back),
        cmocka_unit_test(widths_are_columns),
        cmocka_unit_test(text_is_cleaned),
    };
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
