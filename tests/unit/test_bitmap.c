/* Sets of numbers: against a list of the same numbers, merged, and where there are only few over a wide
 * range. */
#include "core/base/bitmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t step(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void test_has_what_was_added(void **state)
{
    enum { N = 20000, RANGE = 100000 };
    static bool is_there[RANGE];
    struct bitmap b = {0};
    uint32_t seed = 1;
    (void)state;
    assert_false(bitmap_has(&b, 0));
    for (unsigned i = 0; i < N; i++) {
        const uint32_t number = step(&seed) % RANGE;
        assert_int_equal(bitmap_add(&b, number), !is_there[number]);
        is_there[number] = true;
    }
    for (uint32_t number = 0; number < RANGE; number++)
        assert_int_equal(bitmap_has(&b, number), is_there[number]);
    assert_false(bitmap_has(&b, UINT32_MAX));
    bitmap_fini(&b);
}

static void test_the_ends_of_the_range(void **state)
{
    static const uint32_t NUMBERS[] = {0, 63, 64, 4095, 4096, UINT32_MAX - 1, UINT32_MAX};
    struct bitmap b = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(*NUMBERS); i++) {
        assert_false(bitmap_has(&b, NUMBERS[i]));
        assert_int_equal(bitmap_add(&b, NUMBERS[i]), 1);
        assert_true(bitmap_has(&b, NUMBERS[i]));
        assert_int_equal(bitmap_add(&b, NUMBERS[i]), 0);
    }
    assert_false(bitmap_has(&b, 1));
    assert_false(bitmap_has(&b, 4097));
    bitmap_fini(&b);
}

static void test_merged(void **state)
{
    struct bitmap a = {0}, b = {0};
    uint64_t n_new = 5;
    (void)state;
    for (uint32_t i = 0; i < 30000; i += 2)
        assert_int_equal(bitmap_add(&a, i), 1);
    for (uint32_t i = 0; i < 60000; i += 3)
        assert_int_equal(bitmap_add(&b, i), 1);
    assert_int_equal(bitmap_merge(&a, &b, &n_new), 0);
    assert_int_equal(n_new, 5 + 20000 - 5000);
    for (uint32_t i = 0; i < 60000; i++)
        assert_int_equal(bitmap_has(&a, i), (i < 30000 && i % 2 == 0) || i % 3 == 0);
    assert_int_equal(bitmap_merge(&a, &b, &n_new), 0);
    assert_int_equal(n_new, 5 + 20000 - 5000);
    bitmap_fini(&a);
    bitmap_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has_what_was_added),
        cmocka_unit_test(test_the_ends_of_the_range),
        cmocka_unit_test(test_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
