/* Samples of many runs, from two threads, cell by cell: with blocks of a crew and without. */
#include "core/query/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define VECTORS 40 /* of each of the two, so that there are several chunks */
#define VECTOR  8000

/* Value k of one vector is told from all others by its place, and tells its cell. */
static int64_t value_of(unsigned part, unsigned vector, unsigned k)
{
    return ((int64_t)part * VECTORS + vector) * VECTOR + k;
}

static uint32_t cell_of(int64_t value, uint32_t n_cells)
{
    return (uint32_t)((uint64_t)value * 2654435761u >> 7) % n_cells;
}

static void fill(struct samples *s, unsigned part, uint32_t n_cells)
{
    static uint32_t cells[VECTOR];
    static int64_t values[VECTOR];
    assert_int_equal(samples_reserve(s, n_cells), 0);
    for (unsigned v = 0; v < VECTORS; v++) {
        for (unsigned k = 0; k < VECTOR; k++) {
            values[k] = value_of(part, v, k);
            cells[k] = cell_of(values[k], n_cells);
            if (part == 1) /* whose numbers go the other way */
                cells[k] = n_cells - 1 - cells[k];
        }
        assert_int_equal(samples_put(s, n_cells > 1 ? cells : NULL, 0, values, VECTOR), 0);
    }
}

static void check_cells(struct samples *s, uint32_t n_cells)
{
    const size_t n = (size_t)2 * VECTORS * VECTOR;
    size_t n_found = 0;
    uint8_t *seen = calloc(n, 1);
    assert_non_null(seen);
    assert_int_equal(s->n, n);
    for (uint32_t cell = 0; cell < n_cells; cell++) {
        const size_t n_counted = samples_count(s, cell), n_before = n_found;
        for (const struct values_run *run = samples_runs(s, cell); run; run = run->next)
            for (uint32_t i = 0; i < run->n; i++, n_found++) {
                const int64_t value = run->values[i];
                assert_true(value >= 0 && (size_t)value < n && !seen[value]);
                assert_int_equal(cell_of(value, n_cells), cell);
                seen[value] = 1;
            }
        assert_int_equal(n_found - n_before, n_counted);
    }
    assert_int_equal(n_found, n);
    free(seen);
}

static void check(uint32_t n_cells, struct crew *crew)
{
    struct samples s = {.crew = crew}, other = {.crew = crew};
    uint32_t *map = malloc(n_cells * sizeof(*map));
    assert_non_null(map);
    for (uint32_t i = 0; i < n_cells; i++)
        map[i] = n_cells - 1 - i;
    fill(&s, 0, n_cells);
    fill(&other, 1, n_cells);
    assert_int_equal(samples_merge(&s, &other, map), 0);
    check_cells(&s, n_cells);
    assert_true(samples_bytes(&s) >= s.n * sizeof(int64_t));
    samples_fini(&s);
    samples_fini(&other);
    free(map);
}

/* Twice with one crew: the second time in blocks that the first has left. */
static void test_cells(void **state)
{
    static const uint32_t CELLS[] = {1, 37, 5000, 200000, 37};
    struct crew *crew;
    assert_int_equal(crew_new(2, 1, &crew), 0);
    for (size_t i = 0; i < sizeof(CELLS) / sizeof(CELLS[0]); i++) {
        check(CELLS[i], NULL);
        check(CELLS[i], crew);
    }
    crew_free(crew);
}

/* What is put after another one has been merged is there as well. */
static void test_put_after_merge(void **state)
{
    static const uint32_t MAP[] = {1, 0};
    struct samples s = {0}, other = {0};
    const int64_t values[] = {-4, 5, 6};
    assert_int_equal(samples_reserve(&s, 2), 0);
    assert_int_equal(samples_reserve(&other, 2), 0);
    assert_int_equal(samples_put(&s, NULL, 1, values + 1, 2), 0);
    assert_int_equal(samples_put(&other, NULL, 0, values, 1), 0);
    assert_false(s.has_negative);
    assert_int_equal(samples_merge(&s, &other, MAP), 0);
    assert_true(s.has_negative);
    assert_int_equal(samples_put(&s, NULL, 1, values, 3), 0);
    assert_int_equal(samples_count(&s, 0), 0);
    assert_int_equal(samples_count(&s, 1), 6);
    int64_t found[6], sum = 0;
    values_copy(samples_runs(&s, 1), found);
    for (unsigned i = 0; i < 6; i++)
        sum += found[i];
    assert_int_equal(sum, 14);
    samples_fini(&s);
    samples_fini(&other);
}

static void test_nothing(void **state)
{
    struct samples s = {0};
    assert_int_equal(samples_reserve(&s, 3), 0);
    for (unsigned cell = 0; cell < 3; cell++) {
        assert_int_equal(samples_count(&s, cell), 0);
        assert_null(samples_runs(&s, cell));
    }
    samples_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_put_after_merge),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
