/* Samples of many chunks, from two threads, in order of cells: alone and with helpers. */
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
    for (unsigned v = 0; v < VECTORS; v++) {
        uint32_t *cells;
        int64_t *values;
        assert_int_equal(samples_extend(s, VECTOR, &cells, &values), 0);
        for (unsigned k = 0; k < VECTOR; k++) {
            values[k] = value_of(part, v, k);
            cells[k] = cell_of(values[k], n_cells);
            if (part == 1) /* whose numbers go the other way */
                cells[k] = n_cells - 1 - cells[k];
        }
    }
}

static void check_cells(const struct samples *s, uint32_t n_cells)
{
    const size_t n = (size_t)2 * VECTORS * VECTOR;
    uint8_t *seen = calloc(n, 1);
    assert_non_null(seen);
    assert_int_equal(s->offsets[0], 0);
    assert_int_equal(s->offsets[n_cells], n);
    for (uint32_t cell = 0; cell < n_cells; cell++)
        for (size_t i = s->offsets[cell]; i < s->offsets[cell + 1]; i++) {
            assert_true(s->sorted[i] >= 0 && (size_t)s->sorted[i] < n && !seen[s->sorted[i]]);
            assert_int_equal(cell_of(s->sorted[i], n_cells), cell);
            seen[s->sorted[i]] = 1;
        }
    free(seen);
}

static void check(uint32_t n_cells, struct crew *crew)
{
    struct samples s = {0}, other = {0};
    uint32_t *map = malloc(n_cells * sizeof(*map));
    assert_non_null(map);
    for (uint32_t i = 0; i < n_cells; i++)
        map[i] = n_cells - 1 - i;
    fill(&s, 0, n_cells);
    fill(&other, 1, n_cells);
    assert_int_equal(samples_merge(&s, &other, map), 0);
    assert_int_equal(samples_sort(&s, n_cells, crew), 0);
    check_cells(&s, n_cells);
    samples_fini(&s);
    samples_fini(&other);
    free(map);
}

static void test_sort(void **state)
{
    static const uint32_t CELLS[] = {1, 37, 5000, 200000}; /* the last are too many to sort side by side */
    struct crew *crew;
    assert_int_equal(crew_new(2, 1, &crew), 0);
    for (size_t i = 0; i < sizeof(CELLS) / sizeof(CELLS[0]); i++) {
        check(CELLS[i], NULL);
        check(CELLS[i], crew);
    }
    crew_free(crew);
}

static void test_nothing(void **state)
{
    struct samples s = {0};
    assert_int_equal(samples_sort(&s, 3, NULL), 0);
    for (unsigned cell = 0; cell <= 3; cell++)
        assert_int_equal(s.offsets[cell], 0);
    samples_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
