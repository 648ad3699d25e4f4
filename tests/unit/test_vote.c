/* Votes: how they are split, what is a share of what, and that no figure depends on the order of arrival or
 * on the numbers that units and respondents happen to have. */
#include "core/query/vote.h"

#include "core/query/statistic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct said {
    uint32_t cell, unit;
    uint64_t respondent;
    int64_t value;
};

/* Adds in this order and finishes. */
static void count(struct votes *v, const struct said *said, size_t n, enum vote_rule rule,
                  const uint32_t *bases, size_t n_cells)
{
    *v = (struct votes){0};
    for (size_t i = 0; i < n; i++)
        assert_int_equal(votes_add(v, said[i].cell, said[i].unit, said[i].respondent, said[i].value), 0);
    assert_int_equal(votes_finish(v, rule, 500000, bases, n_cells), 0);
}
#define COUNT(v, said, rule, bases, n_cells)                                                                 \
    count(v, said, sizeof(said) / sizeof((said)[0]), rule, bases, n_cells)

static void test_split(void **state)
{
    /* Unit 1: yes, yes, no; unit 2: no. */
    static const struct said SAID[] = {{0, 1, 11, 1}, {0, 1, 12, 1}, {0, 1, 13, 0}, {0, 2, 21, 0}};
    struct votes v;
    COUNT(&v, SAID, VOTE_OF_UNIT, NULL, 1);
    assert_int_equal(votes_electors(&v, VOTE_OF_UNIT, 0), 2);
    assert_true(votes_sum(&v, 0) == 2.0 / 3);
    votes_fini(&v);
    COUNT(&v, SAID, VOTE_OF_RESPONDENT, NULL, 1);
    assert_int_equal(votes_electors(&v, VOTE_OF_RESPONDENT, 0), 4);
    assert_true(votes_sum(&v, 0) == 2);
    votes_fini(&v);
}

static void test_respondent_has_one_vote(void **state)
{
    /* 11 says yes and no: half a vote; 12 says yes twice: one. */
    static const struct said SAID[] = {{0, 1, 11, 1}, {0, 1, 11, 0}, {0, 1, 12, 1}, {0, 1, 12, 1}};
    struct votes v;
    COUNT(&v, SAID, VOTE_OF_RESPONDENT, NULL, 1);
    assert_int_equal(votes_electors(&v, VOTE_OF_RESPONDENT, 0), 2);
    assert_true(votes_sum(&v, 0) == 1.5);
    votes_fini(&v);
    COUNT(&v, SAID, VOTE_OF_UNIT, NULL, 1);
    assert_true(votes_sum(&v, 0) == 0.75);
    votes_fini(&v);
}

static void test_threshold(void **state)
{
    /* Unit 1: one of two; unit 2: one of three; unit 3: both. */
    static const struct said SAID[] = {{0, 1, 0, 1}, {0, 1, 0, 0}, {0, 2, 0, 1}, {0, 2, 0, 0},
                                       {0, 2, 0, 0}, {0, 3, 0, 1}, {0, 3, 0, 1}};
    struct votes v;
    COUNT(&v, SAID, VOTE_OF_THRESHOLD, NULL, 1);
    assert_int_equal(votes_electors(&v, VOTE_OF_THRESHOLD, 0), 3);
    assert_true(votes_sum(&v, 0) == 2);
    votes_fini(&v);
}

static void test_unknown(void **state)
{
    static const struct said SAID[] = {{0, 1, 11, 1}, {0, 0, 21, 0}, {0, 0, 22, 0}, {0, 0, 22, 1}};
    struct votes v;
    COUNT(&v, SAID, VOTE_OF_UNIT, NULL, 1);
    assert_int_equal(v.counts[0].units, 1);
    assert_int_equal(v.counts[0].respondents, 1);
    assert_int_equal(v.counts[0].unknown, 2);
    assert_true(votes_sum(&v, 0) == 1);
    votes_fini(&v);
    COUNT(&v, SAID, VOTE_OF_RESPONDENT, NULL, 1);
    assert_int_equal(v.counts[0].units, 1);
    assert_int_equal(votes_electors(&v, VOTE_OF_RESPONDENT, 0), 3);
    assert_true(votes_sum(&v, 0) == 1.5);
    votes_fini(&v);
}

/* Cells 0 and 1 are two answers to one question, cell 2 another question. */
static void test_bases(void **state)
{
    static const uint32_t BASES[] = {0, 0, 2, 3};
    static const struct said SAID[] = {
        {0, 1, 11, 1}, {0, 1, 12, 1}, {1, 1, 13, 1}, {1, 2, 21, 1}, {2, 1, 11, 1}};
    struct votes v;
    COUNT(&v, SAID, VOTE_OF_UNIT, BASES, 4);
    assert_int_equal(votes_electors(&v, VOTE_OF_UNIT, 0), 2);
    assert_int_equal(votes_electors(&v, VOTE_OF_UNIT, 1), 2);
    assert_int_equal(votes_electors(&v, VOTE_OF_UNIT, 2), 1);
    assert_int_equal(votes_electors(&v, VOTE_OF_UNIT, 3), 0);
    assert_true(votes_sum(&v, 0) == 2.0 / 3);
    assert_true(votes_sum(&v, 1) == 1.0 / 3 + 1);
    assert_true(votes_sum(&v, 2) == 1);
    assert_true(votes_sum(&v, 3) == 0);
    votes_fini(&v);
    COUNT(&v, SAID, VOTE_OF_RESPONDENT, BASES, 4);
    assert_int_equal(votes_electors(&v, VOTE_OF_RESPONDENT, 1), 4);
    assert_true(votes_sum(&v, 1) == 2);
    votes_fini(&v);
}

/* Who said something in both cells has half a vote in each. */
static void test_parted_respondent(void **state)
{
    static const uint32_t BASES[] = {0, 0};
    static const struct said SAID[] = {{0, 1, 11, 1}, {1, 1, 11, 1}, {0, 1, 12, 1}};
    struct votes v;
    COUNT(&v, SAID, VOTE_OF_UNIT, BASES, 2);
    assert_true(votes_sum(&v, 0) == 0.75);
    assert_true(votes_sum(&v, 1) == 0.25);
    votes_fini(&v);
    COUNT(&v, SAID, VOTE_OF_RESPONDENT, BASES, 2);
    assert_int_equal(votes_electors(&v, VOTE_OF_RESPONDENT, 1), 2);
    assert_true(votes_sum(&v, 0) == 1.5);
    assert_true(votes_sum(&v, 1) == 0.5);
    votes_fini(&v);
}

/* A mean of values instead of a share: 0.7 and 0.1, the mean of a unit each. */
static void test_values(void **state)
{
    static const struct said SAID[] = {{0, 1, 11, 100}, {0, 1, 12, 40}, {0, 2, 21, 10}, {0, 3, 31, -20}};
    struct votes v;
    COUNT(&v, SAID, VOTE_OF_UNIT, NULL, 1);
    assert_true(votes_sum(&v, 0) == 60);
    votes_fini(&v);
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The same votes in another order, and of units and respondents with other numbers: the same to the bit. */
static void test_order(void **state)
{
    enum { N = 400, UNITS = 37 };
    struct said said[N], other[N];
    uint64_t random = 88172645463325252u;
    struct votes v, w;
    for (size_t i = 0; i < N; i++)
        said[i] = (struct said){(uint32_t)(next(&random) % 2), (uint32_t)(next(&random) % UNITS),
                                1 + next(&random) % 150, (int64_t)(next(&random) % 1000)};
    for (unsigned round = 0; round < 20; round++) {
        uint64_t key = next(&random) | 1;
        memcpy(other, said, sizeof(said));
        for (size_t i = N; i > 1; i--) {
            size_t j = next(&random) % i;
            struct said swap = other[i - 1];
            other[i - 1] = other[j];
            other[j] = swap;
        }
        for (size_t i = 0; i < N; i++) {
            other[i].respondent *= key;
            other[i].unit = other[i].unit ? 1 + (uint32_t)((other[i].unit + key % UNITS) % 1000) : 0;
        }
        for (enum vote_rule rule = VOTE_OF_UNIT; rule <= VOTE_OF_RESPONDENT; rule++) {
            count(&v, said, N, rule, NULL, 2);
            count(&w, other, N, rule, NULL, 2);
            for (unsigned cell = 0; cell < 2; cell++) {
                assert_true(votes_sum(&v, cell) == votes_sum(&w, cell));
                assert_int_equal(votes_electors(&v, rule, cell), votes_electors(&w, rule, cell));
                assert_int_equal(v.counts[cell].unknown, w.counts[cell].unknown);
            }
            votes_fini(&v);
            votes_fini(&w);
        }
    }
}

/* The interval of a part of a vote: 2/3 of 2. */
static void test_interval(void **state)
{
    double low, high, whole_low, whole_high;
    wilson_interval(2.0 / 3, 2, &low, &high);
    assert_true(low > 0.045255 && low < 0.045256); /* worked out elsewhere */
    assert_true(high > 0.840618 && high < 0.840619);
    wilson_interval(0, 2, &whole_low, &whole_high);
    assert_true(whole_low == 0 && whole_high < high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_respondent_has_one_vote),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_parted_respondent),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
