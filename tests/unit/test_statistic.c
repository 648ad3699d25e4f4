/* Percentiles, averages, intervals and quarters of scales: the rows of the catalogue that pin arithmetic. */
#include "core/query/statistic.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t percentile(int64_t *values, size_t n, const char *name)
{
    uint32_t p;
    assert_true(percentile_parse(name, &p));
    return values_select(values, n, (size_t)percentile_rank(p, n) - 1);
}

static int64_t *upto(size_t n)
{
    int64_t *v = malloc(n * sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[(i * 7919) % n] = (int64_t)i + 1; /* 7919 is prime and shares nothing with these n */
    return v;
}

static void test_nearest_rank(void **state)
{
    int64_t *v = upto(10), two[] = {20, 10};
    assert_int_equal(percentile(v, 10, "p50"), 5);
    assert_int_equal(percentile(v, 10, "p90"), 9);
    assert_int_equal(percentile(v, 10, "p99"), 10);
    assert_int_equal(percentile(v, 10, "p100"), 10);
    assert_int_equal(percentile(v, 10, "p0.001"), 1);
    free(v);
    assert_int_equal(percentile(two, 2, "p50"), 10);
    v = upto(1000);
    assert_int_equal(percentile(v, 1000, "p99.9"), 999);
    assert_int_equal(percentile(v, 1000, "p99.901"), 1000);
    free(v);
    v = upto(100);
    assert_int_equal(percentile(v, 100, "p7"), 7);
    free(v);
    assert_true(percentile_rank(99999, UINT64_MAX) > UINT64_MAX - UINT64_MAX / 50000);
}

static void test_percentile_names(void **state)
{
    uint32_t p;
    const char *bad[] = {"p",    "p0",      "p0.000", "p100.001", "p101", "50", "p50.",
                         "p.5",  "p5.1234", "p-5",    "p50%",     "p 50", "",   "p99999999999999999999",
                         "p1e1", "p50.5.5"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(percentile_parse(bad[i], &p));
    assert_true(percentile_parse("p99.9", &p));
    assert_int_equal(p, 99900);
    assert_true(percentile_parse("p0.125", &p));
    assert_int_equal(p, 125);
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Every rank of every kind of data that partitions badly or well, against a sort. */
static void test_select_against_sort(void **state)
{
    enum { N = 257 };
    unsigned seed = 7;
    for (int kind = 0; kind < 6; kind++) {
        int64_t data[N], sorted[N], work[N];
        for (int i = 0; i < N; i++) {
            seed = seed * 1103515245u + 12345u;
            int64_t random = (int64_t)(seed >> 8);
            int64_t kinds[] = {random, i, N - i, 3, random % 4, i % 2 ? i : N - i};
            data[i] = sorted[i] = kinds[kind] - 2;
        }
        qsort(sorted, N, sizeof(sorted[0]), by_number);
        for (size_t place = 0; place < N; place++) {
            for (int i = 0; i < N; i++)
                work[i] = data[i];
            assert_int_equal(values_select(work, N, place), sorted[place]);
        }
    }
}

/* The same in runs of 700, some of which are empty. */
static struct values_run *runs_of(const int64_t *data, size_t n)
{
    struct values_run *runs = NULL;
    for (size_t at = 0, k = 0; at < n; k++) {
        uint32_t part = k % 3 == 1 ? 0 : n - at < 700 ? (uint32_t)(n - at) : 700;
        struct values_run *run = malloc(sizeof(*run) + part * sizeof(run->values[0]));
        assert_non_null(run);
        run->next = runs;
        run->n = part;
        memcpy(run->values, data + at, part * sizeof(*data));
        runs = run;
        at += part;
    }
    return runs;
}

static void runs_free(struct values_run *runs)
{
    while (runs) {
        struct values_run *next = runs->next;
        free(runs);
        runs = next;
    }
}

static void check_ranks(int64_t *data, size_t n, struct ranks_room *room)
{
    static const size_t PARTS[] = {0, 2, 3, 5, 9, 10}; /* tenths of all */
    size_t places[7], k = 0;
    int64_t found[7], wanted[7], *sorted = malloc(n * sizeof(*sorted));
    assert_non_null(sorted);
    memcpy(sorted, data, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_number);
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++)
        places[k++] = PARTS[i] == 10 ? n - 1 : n * PARTS[i] / 10;
    places[k] = places[k - 1]; /* one twice */
    for (size_t i = 0; i < 7; i++)
        wanted[i] = sorted[places[i]];
    struct values_run *runs = runs_of(data, n);
    assert_int_equal(values_ranks(runs, n, sorted[0] < 0, places, 7, room, found), 0);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(found[i], wanted[i]);
    runs_free(runs);
    free(sorted);
}

/* Several ranks at once, of few values and of many, whatever their spread. */
static void test_ranks_against_sort(void **state)
{
    static const size_t SIZES[] = {1, 2, 9, 1023, 1024, 5000, 70000};
    struct ranks_room *room = calloc(1, sizeof(*room));
    uint64_t seed = 11;
    assert_non_null(room);
    for (size_t s = 0; s < sizeof(SIZES) / sizeof(SIZES[0]); s++)
        for (unsigned kind = 0; kind < 8; kind++) {
            int64_t *data = malloc(SIZES[s] * sizeof(*data));
            assert_non_null(data);
            for (size_t i = 0; i < SIZES[s]; i++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                uint64_t random = seed >> 11;
                const int64_t kinds[] = {
                    (int64_t)(random % 100000000),
                    (int64_t)(random >> random % 53), /* of every magnitude */
                    (int64_t)seed,                    /* the whole width of a number */
                    7,                                /* one */
                    i ? INT64_C(1) << 50 | (int64_t)(random % 1000) : INT64_MIN, /* far from the least */
                    (int64_t)i - 300,
                    (int64_t)(random % 3) - 1,
                    INT64_MAX - (int64_t)(random % 5000), /* no double tells them apart */
                };
                data[i] = kinds[kind];
            }
            check_ranks(data, SIZES[s], room);
            free(data);
        }
    ranks_room_fini(room);
    free(room);
}

static void test_average(void **state)
{
    assert_int_equal(average_round(10, 4), 3);
    assert_int_equal(average_round(9, 4), 2);
    assert_int_equal(average_round(-10, 4), -3);
    assert_int_equal(average_round(-9, 4), -2);
    assert_int_equal(average_round(5, 3), 2);
    assert_int_equal(average_round((__int128)INT64_MAX * 1000000, 1000000), INT64_MAX);
}

static void check_wilson(double x, double n, double low, double high)
{
    double l, h;
    wilson_interval(x, n, &l, &h);
    assert_true(fabs(l - low) < 5e-7);
    assert_true(fabs(h - high) < 5e-7);
}

static void test_wilson(void **state)
{
    double low, high;
    check_wilson(155, 180, 0.803008, 0.904123);
    check_wilson(70, 82, 0.761406, 0.914258);
    check_wilson(49, 82, 0.489365, 0.697026);
    check_wilson(0, 10, 0, 0.277533);
    check_wilson(10, 10, 0.722467, 1);
    check_wilson(328, 25250, 0.011666, 0.014463);
    check_wilson(733, 2200, 0.313791, 0.353154);
    wilson_interval(0, 10, &low, &high);
    assert_true(low == 0.0);
    wilson_interval(10, 10, &low, &high);
    assert_true(high == 1.0);
}

static void test_quarters(void **state)
{
    const struct {
        int64_t score, min, max;
        int top, bottom;
    } rows[] = {
        {1, 1, 5, 0, 1},  {2, 1, 5, 0, 1}, {3, 1, 5, 0, 0}, {4, 1, 5, 1, 0}, {5, 1, 5, 1, 0},
        {6, 1, 7, 1, 0},  {5, 1, 7, 0, 0}, {7, 1, 9, 1, 0}, {6, 1, 9, 0, 0}, {8, 0, 10, 1, 0},
        {7, 0, 10, 0, 0}, {3, 1, 4, 0, 0}, {1, 0, 1, 1, 0}, {0, 0, 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(score_is_top(rows[i].score * 1000, rows[i].min * 1000, rows[i].max * 1000),
                         rows[i].top);
        assert_int_equal(score_is_bottom(rows[i].score * 1000, rows[i].min * 1000, rows[i].max * 1000),
                         rows[i].bottom);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_rank),
        cmocka_unit_test(test_percentile_names),
        cmocka_unit_test(test_select_against_sort),
        cmocka_unit_test(test_ranks_against_sort),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_quarters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
