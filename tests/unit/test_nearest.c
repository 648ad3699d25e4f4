/* The nearest right name for a wrong one. */
#include "core/base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const char *const NAMES[] = {"zone", "data", "run", "listen", "plugin_path", "plugins", "log_level"};

static const struct {
    const char *wrong, *near;
} CASES[] = {
    {"zoen", "zone"},       /* two neighbours swapped */
    {"Data", "data"},       /* case */
    {"rn", "run"},          /* one left out */
    {"lisstens", "listen"}, /* two too many */
    {"plugin", "plugins"},  /* the nearer of two */
    {"plugin-path", "plugin_path"},
    {"dataaa", "data"},
    {"x", NULL},
    {"", NULL},
    {"database", NULL}, /* half of it is another word */
};

static void names_near_and_far(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        const char *got = nearest_name(CASES[i].wrong, NAMES, sizeof(NAMES) / sizeof(*NAMES));
        if (!CASES[i].near)
            assert_null(got);
        else if (!got)
            fail_msg("nothing is near \"%s\"", CASES[i].wrong);
        else
            assert_string_equal(got, CASES[i].near);
    }
}

static void long_names_are_left(void **state)
{
    (void)state;
    char wrong[1000];
    memset(wrong, 'a', sizeof(wrong) - 1);
    wrong[sizeof(wrong) - 1] = '\0';
    const char *names[] = {wrong, NULL, "aaaa"};
    assert_null(nearest_name(wrong, names, 3));
    wrong[NEAREST_BYTES] = '\0';
    assert_ptr_equal(nearest_name(wrong, names, 3), wrong);
}

static void wrong_needs_no_end(void **state)
{
    (void)state;
    char wrong[4] = {'r', 'u', 'n', 's'}; /* no NUL behind it */
    struct nearest n;
    nearest_init(&n, wrong, sizeof(wrong));
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++)
        nearest_offer(&n, NAMES[i]);
    assert_string_equal(n.best, "run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_near_and_far),
        cmocka_unit_test(long_names_are_left),
        cmocka_unit_test(wrong_needs_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
