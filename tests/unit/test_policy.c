/* SLA policies: numbers, matching, and their bytes. */
#include "core/fold/policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX (1 << 20)

#define VALUES(...)                                                                                          \
    .n_values = sizeof((struct policy_value[]){__VA_ARGS__}) / sizeof(struct policy_value),                  \
    .values = (struct policy_value[])                                                                        \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

/* All kinds of dimensions; what a `where` may not hold is here too, as a record might. */
static struct policy *make(size_t *ret_n)
{
    const struct policy policies[] = {
        {.name = "gold",
         .metric = METRIC_NEXT_RESPONSE_TIME,
         .target_ms = 1500,
         .clock = CLOCK_BUSINESS,
         .calendar = "clinic",
         .n_conditions = 3,
         .conditions = {{.field = FIELD_VENDOR, VALUES({.text = "acme"}, {.text = "bpo"})},
                        {.field = FIELD_CHANNEL, VALUES({.text = "email"}, {.text = "smoke"})},
                        {.field = FIELD_SEVERITY, VALUES({.text = "4"}, {.text = "5"}, {.text = "x"})}}},
        {.name = "all",
         .metric = METRIC_SUPPORT_WORK_TIME,
         .target_ms = EVENT_DURATION_MAX_S * 1000ll,
         .clock = CLOCK_WALL},
        {.name = "own",
         .metric = METRIC_SUPPORT_WORK_TIME,
         .clock = CLOCK_WALL,
         .n_conditions = 1,
         .conditions = {{.field = FIELD_DECLARED + 1, VALUES({.text = "007"})}}},
    };
    struct policy *copy;
    *ret_n = sizeof(policies) / sizeof(*policies);
    assert_int_equal(policies_copy(policies, *ret_n, &copy), 0);
    return copy;
}

static void test_numbers(void **state)
{
    (void)state;
    size_t n;
    struct policy *p = make(&n);
    struct dictionary *d;
    uint16_t dimensions[FIELD_N_DIMENSIONS] = {0};
    assert_int_equal(dictionary_new(&d), 0);
    assert_int_equal(policies_intern(p, n, d), 0);
    assert_string_equal(dictionary_string(d, FIELD_POLICY, p[0].name_number), "gold");
    assert_string_equal(dictionary_string(d, FIELD_CALENDAR, p[0].calendar_number), "clinic");
    assert_int_equal(p[1].calendar_number, 0);
    assert_string_equal(dictionary_string(d, FIELD_VENDOR, p[0].conditions[0].values[1].number), "bpo");
    assert_int_equal(p[0].conditions[1].values[0].number, event_enum_find(FIELD_CHANNEL, "email", 5));
    assert_int_equal(p[0].conditions[1].values[1].number, 0); /* no channel */
    assert_int_equal(p[0].conditions[2].values[0].number, 4);
    assert_int_equal(p[0].conditions[2].values[1].number, 0); /* no severity */
    assert_int_equal(p[0].conditions[2].values[2].number, 0);

    /* nothing that a ticket lacks is met, also not by a value without a number */
    assert_false(policy_matches(&p[0], dimensions));
    assert_true(policy_matches(&p[1], dimensions));
    assert_false(policy_matches(&p[2], dimensions));
    dimensions[FIELD_VENDOR] = p[0].conditions[0].values[1].number;
    dimensions[FIELD_CHANNEL] = p[0].conditions[1].values[0].number;
    assert_false(policy_matches(&p[0], dimensions));
    dimensions[FIELD_SEVERITY] = 3;
    assert_false(policy_matches(&p[0], dimensions));
    dimensions[FIELD_SEVERITY] = 4;
    assert_true(policy_matches(&p[0], dimensions));
    dimensions[FIELD_DECLARED + 1] = p[2].conditions[0].values[0].number;
    assert_true(policy_matches(&p[2], dimensions));

    /* the same numbers a second time */
    uint16_t number = p[0].name_number;
    assert_int_equal(policies_intern(p, n, d), 0);
    assert_int_equal(p[0].name_number, number);
    policies_free(p, n);
    dictionary_free(d);
}

/* A value that has no room has no number: no ticket can have it either. */
static void test_full_dictionary(void **state)
{
    (void)state;
    size_t n;
    struct policy *p = make(&n);
    struct dictionary *d;
    char text[16];
    uint32_t number;
    assert_int_equal(dictionary_new(&d), 0);
    for (unsigned i = 0; i < DICTIONARY_VALUES_MAX; i++) {
        int size = snprintf(text, sizeof(text), "v%u", i);
        assert_int_equal(dictionary_intern(d, FIELD_VENDOR, text, (size_t)size, &number, NULL), 0);
    }
    assert_int_equal(policies_intern(p, n, d), 0);
    assert_int_equal(p[0].conditions[0].values[0].number, 0);
    assert_int_not_equal(p[0].name_number, 0);
    policies_free(p, n);
    dictionary_free(d);
}

static void encode(const struct policy *p, size_t n, struct buffer *b)
{
    buffer_init(b, BYTES_MAX);
    policies_encode(p, n, b);
    assert_false(buffer_failed(b));
}

static void test_bytes(void **state)
{
    (void)state;
    size_t n, n_again;
    struct policy *p = make(&n), *again;
    struct buffer first, second;
    encode(p, n, &first);
    assert_int_equal(policies_decode(first.data, first.size, &again, &n_again), 0);
    assert_int_equal(n_again, n);
    encode(again, n_again, &second);
    assert_int_equal(second.size, first.size);
    assert_memory_equal(second.data, first.data, first.size);
    /* each thing that a fold reads is in them */
    again[0].target_ms++;
    buffer_fini(&second);
    encode(again, n_again, &second);
    assert_true(second.size != first.size || memcmp(second.data, first.data, first.size) != 0);
    buffer_fini(&second);
    policies_free(again, n_again);

    for (size_t size = 0; size < first.size; size++)
        assert_int_equal(policies_decode(first.data, size, &again, &n_again), -EBADMSG);
    assert_int_equal(policies_decode("\xdd\xff\xff\xff\xff", 5, &again, &n_again), -EBADMSG);
    buffer_fini(&first);
    policies_free(p, n);
    policies_free(NULL, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_full_dictionary),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
