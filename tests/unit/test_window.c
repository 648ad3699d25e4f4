/* The plugin rt: which transactions were read, as a cursor. */
#include "plugins/rt/window.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct window *window, const char *text)
{
    char room[4096];
    size_t n = window_format(window, room, sizeof(room));

    assert_int_equal(n, strlen(room));
    assert_string_equal(room, text);
}

static void test_text(void **state)
{
    static const char *const sound[] = {
        "0", "41", "41 1", "41 1 1 7", "999999999999999999", "999999999999999998 1"};
    static const char *const broken[] = {"x",
                                         "-1",
                                         " 1",
                                         "1 ",
                                         "1  2",
                                         "1 0",
                                         "1 -2",
                                         "1,2",
                                         "1 2x",
                                         "1 2 ",
                                         "1234567890123456789",
                                         "999999999999999999 1"};
    struct window window;

    (void)state;
    assert_int_equal(window_parse(&window, NULL, 0), 0);
    expect(&window, "0");
    for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
        assert_int_equal(window_parse(&window, sound[i], strlen(sound[i])), 0);
        expect(&window, sound[i]);
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(window_parse(&window, broken[i], strlen(broken[i])), -EINVAL);
    assert_int_equal(window_parse(&window, "1\0002", 3), -EINVAL);
    /* More numbers than are kept. */
    char *many = malloc(2 * WINDOW_MAX + 4);
    size_t n = 1;
    many[0] = '7';
    for (int i = 0; i <= WINDOW_MAX; i++, n += 2)
        memcpy(many + n, " 1", 2);
    assert_int_equal(window_parse(&window, many, n - 2), 0);
    assert_int_equal(window.n, WINDOW_MAX);
    assert_int_equal(window_parse(&window, many, n), -EINVAL);
    free(many);
}

static void test_late_numbers(void **state)
{
    struct window window;

    (void)state;
    assert_int_equal(window_parse(&window, "10", 2), 0);
    window_add(&window, 15);
    window_add(&window, 12);
    window_add(&window, 12);
    window_add(&window, 9); /* nobody waits for it any more */
    expect(&window, "10 2 3");
    assert_true(window_has(&window, 10) && window_has(&window, 1) && window_has(&window, 12));
    assert_false(window_has(&window, 11) || window_has(&window, 13) || window_has(&window, 16));
    window_settle(&window, 12);
    expect(&window, "12 3");
    assert_true(window_has(&window, 11));
    window_settle(&window, 11); /* never back */
    window_settle(&window, 14);
    expect(&window, "14 1");
    window_settle(&window, 20);
    expect(&window, "20");
}

/* What does not fit moves low up, and keeps the newest. */
static void test_bounds(void **state)
{
    struct window window;
    char room[4096];

    (void)state;
    assert_int_equal(window_parse(&window, "0", 1), 0);
    for (int64_t id = 2; id <= 2 * (WINDOW_MAX + 10); id += 2)
        window_add(&window, id);
    assert_int_equal(window.n, WINDOW_MAX);
    assert_int_equal(window.low, 20);
    assert_true(window_has(&window, 3) && window_has(&window, 22));
    assert_false(window_has(&window, 23));

    assert_int_equal(window_parse(&window, "0", 1), 0);
    for (int64_t i = 1; i <= WINDOW_MAX; i++)
        window_add(&window, i * 1000000000000);
    size_t n = window_format(&window, room, sizeof(room));
    assert_true(n < sizeof(room) && window.low > 0 && window.n > 100);
    assert_int_equal(window.seen[window.n - 1], WINDOW_MAX * 1000000000000);
    struct window again;
    assert_int_equal(window_parse(&again, room, n), 0);
    assert_int_equal(again.low, window.low);
    assert_memory_equal(again.seen, window.seen, window.n * sizeof(window.seen[0]));
    /* The least room there may be. */
    n = window_format(&window, room, 64);
    assert_true(n < 64);
    assert_int_equal(window_parse(&again, room, n), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_late_numbers),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
