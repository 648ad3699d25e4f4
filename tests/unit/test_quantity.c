/* Sizes, durations and numbers as people write them. */
#include "core/base/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#define BAD (-1)

static const struct {
    const char *text;
    int64_t bytes;
} SIZES[] = {
    {"0", 0},
    {"512", 512},
    {"1B", 1},
    {"64KiB", 65536},
    {"64GiB", 64ll << 30},
    {"1 MiB", 1 << 20},
    {"1kB", 1000},
    {"2TB", 2000000000000},
    {"8388607TiB", 8388607ll << 40},
    {"", BAD},
    {"GiB", BAD},
    {"-1", BAD},
    {"1.5GiB", BAD},
    {"1gib", BAD},
    {"1K", BAD},
    {"1GiB ", BAD},
    {" 1", BAD},
    {"1GiBx", BAD},
    {"18446744073709551616", BAD},
    {"99999999999TiB", BAD},
};

static const struct {
    const char *text;
    int64_t ms;
} DURATIONS[] = {
    {"0", 0},
    {"10s", 10000},
    {"500ms", 500},
    {"5m", 300000},
    {"5min", 300000},
    {"2h", 7200000},
    {"90d", 7776000000},
    {"1w", 604800000},
    {"1h30m", 5400000},
    {"1h 30 m", 5400000},
    {"0s", 0},
    {"", BAD},
    {"10", BAD},
    {"10sec", BAD},
    {"s", BAD},
    {"-1s", BAD},
    {"1s 2", BAD},
    {"9223372036854775807s", BAD},
    {"9223372036854775808ms", BAD},
};

static const struct {
    const char *text;
    int64_t low, high, value;
} NUMBERS[] = {
    {"7", 0, 10, 7},
    {"-7", -10, 10, -7},
    {"0", 0, 0, 0},
    {"007", 0, 10, 7},
    {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
    {"11", 0, 10, BAD},
    {"", 0, 10, BAD},
    {"-", -1, 10, BAD},
    {"+1", 0, 10, BAD},
    {"1 ", 0, 10, BAD},
    {"1e1", 0, 10, BAD},
    {"0x1", 0, 10, BAD},
    {"9223372036854775808", 0, INT64_MAX, BAD},
};

static void sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(*SIZES); i++) {
        uint64_t got = 77;
        int r = quantity_bytes(SIZES[i].text, &got);
        assert_int_equal(r, SIZES[i].bytes == BAD ? -EINVAL : 0);
        assert_int_equal(got, SIZES[i].bytes == BAD ? 77 : SIZES[i].bytes);
    }
}

static void durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(DURATIONS) / sizeof(*DURATIONS); i++) {
        int64_t got = 77;
        int r = quantity_ms(DURATIONS[i].text, &got);
        assert_int_equal(r, DURATIONS[i].ms == BAD ? -EINVAL : 0);
        assert_int_equal(got, DURATIONS[i].ms == BAD ? 77 : DURATIONS[i].ms);
    }
}

static void numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(*NUMBERS); i++) {
        int64_t got = 77;
        int r = quantity_int(NUMBERS[i].text, NUMBERS[i].low, NUMBERS[i].high, &got);
        assert_int_equal(r, NUMBERS[i].value == BAD ? -EINVAL : 0);
        assert_int_equal(got, NUMBERS[i].value == BAD ? 77 : NUMBERS[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(durations),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
