/* The memtable: rows with their ticks, and what a seal's next one shares and copies. */
#include "core/store/memtable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TABLE FACT_SPAN

enum { N_ROWS = 3 * MEMTABLE_CHUNK_ROWS };

static int set_up(void **state)
{
    struct memtable_pool *pool = calloc(1, sizeof(*pool));
    assert_non_null(pool);
    memtable_pool_init(pool);
    *state = pool;
    return 0;
}

static int tear_down(void **state)
{
    memtable_pool_fini(*state);
    free(*state);
    return 0;
}

static char owners[7];

/* Row i of the test. */
static int64_t add(struct memtable *m, uint32_t i, uint64_t born)
{
    struct fact_row row = {.table = TABLE};
    row.values[FACT_SUBJECT] = i + 1;
    row.values[FACT_SPAN_TO] = -(int64_t)i;
    row.dimensions[0][FIELD_TEAM] = (uint16_t)(i % 7);
    return memtable_add(m, 0, &row, born, &owners[i % 7]);
}

static struct memtable *fill(struct memtable_pool *pool, uint32_t *numbers)
{
    struct memtable *m = memtable_new(pool);
    assert_non_null(m);
    for (uint32_t i = 0; i < N_ROWS; i++) {
        int64_t number = add(m, i, 1);
        assert_true(number >= 0);
        numbers[i] = (uint32_t)number;
    }
    return m;
}

/* The sum of the subjects that a view at that tick sees, each with what belongs to it; and how many. */
static uint64_t sum_at(const struct memtable *m, uint64_t shown, uint32_t *ret_n)
{
    uint64_t sum = 0;
    *ret_n = 0;
    for (uint32_t place = 0; place < atomic_load(&m->parts[TABLE].n_places); place++) {
        uint32_t n;
        const struct memtable_chunk *c = memtable_chunk_at(m, TABLE, place, &n);
        for (uint32_t i = 0; i < n; i++) {
            if (c->born[i] > shown || atomic_load(&c->died[i]) <= shown)
                continue;
            int64_t subject = c->values[(size_t)FACT_SUBJECT * c->stride + i];
            assert_int_equal(c->values[(size_t)FACT_SPAN_TO * c->stride + i], 1 - subject);
            assert_int_equal(c->dimensions[(size_t)FIELD_TEAM * c->stride + i], (subject - 1) % 7);
            assert_ptr_equal(c->owners[i], &owners[(subject - 1) % 7]);
            sum += (uint64_t)subject;
            ++*ret_n;
        }
    }
    return sum;
}

/* The number in the next table of a row that stays. */
static uint32_t keep(struct memtable *next, const struct memtable *m, uint32_t number, uint64_t born)
{
    uint32_t n, n_next, row = number % MEMTABLE_CHUNK_ROWS;
    const struct memtable_chunk *c = memtable_chunk_at(m, TABLE, number / MEMTABLE_CHUNK_ROWS, &n);
    if (c != memtable_chunk_at(next, TABLE, number / MEMTABLE_CHUNK_ROWS, &n_next))
        assert_int_equal(memtable_copy(next, TABLE, c, &row, 1, born, &number), 0);
    return number;
}

static uint32_t chunks_of(const struct memtable *m)
{
    uint32_t n_chunks = 0, n;
    for (uint32_t place = 0; place < MEMTABLE_CHUNKS_MAX; place++)
        n_chunks += memtable_chunk_at(m, TABLE, place, &n) != NULL;
    return n_chunks;
}

static void test_rows_hold_between_their_ticks(void **state)
{
    static uint32_t numbers[N_ROWS];
    struct memtable *m = fill(*state, numbers);
    uint32_t n;
    memtable_end(m, 0, TABLE, numbers[0], 5);
    assert_true(add(m, 1000000, 5) >= 0);
    (void)sum_at(m, 0, &n);
    assert_int_equal(n, 0);
    assert_int_equal(sum_at(m, 4, &n), (uint64_t)N_ROWS * (N_ROWS + 1) / 2);
    assert_int_equal(n, N_ROWS);
    assert_int_equal(sum_at(m, 5, &n), (uint64_t)N_ROWS * (N_ROWS + 1) / 2 - 1 + 1000001);
    assert_int_equal(n, N_ROWS);
    memtable_unref(m);
}

/* The last chunk has room left: what is copied goes to it, though both tables have it. */
static bool is_in_last(uint32_t number)
{
    return number / MEMTABLE_CHUNK_ROWS == 5;
}

/* Of the rows one in `every` stays, and the last chunk's: what the next table shares and copies, and what
 * either shows. */
static void keep_one_in(struct memtable_pool *pool, uint32_t every, bool is_shared)
{
    static uint32_t numbers[N_ROWS];
    struct memtable *m = fill(pool, numbers);
    uint64_t all = (uint64_t)N_ROWS * (N_ROWS + 1) / 2, kept = 0;
    uint32_t n, n_kept = 0;
    for (uint32_t i = 0; i < N_ROWS; i++)
        if (i % every && !is_in_last(numbers[i]))
            memtable_end(m, 0, TABLE, numbers[i], 2);
    struct memtable *next = memtable_next(m);
    assert_non_null(next);
    for (uint32_t i = 0; i < N_ROWS; i++) {
        if (i % every && !is_in_last(numbers[i]))
            continue;
        uint32_t number = keep(next, m, numbers[i], 2);
        assert_true(!is_shared || number == numbers[i]);
        kept += i + 1;
        n_kept++;
        numbers[i] = number;
    }
    assert_true(is_in_last(numbers[0]) != is_shared);
    assert_int_equal(sum_at(m, 1, &n), all); /* a view of before */
    assert_int_equal(n, N_ROWS);
    assert_int_equal(sum_at(next, 2, &n), kept);
    assert_int_equal(n, n_kept);
    assert_true(is_shared ? chunks_of(next) == chunks_of(m) : chunks_of(next) < chunks_of(m));
    /* What happens behind is not seen from before. */
    memtable_end(next, 0, TABLE, numbers[0], 3);
    assert_true(add(next, 2000000, 3) >= 0);
    assert_int_equal(sum_at(m, 1, &n), all);
    assert_int_equal(sum_at(next, 3, &n), kept - 1 + 2000001);
    memtable_unref(m);
    assert_int_equal(sum_at(next, 3, &n), kept - 1 + 2000001);
    memtable_unref(next);
}

/* Of a full chunk they hold its values also when its rows have ended; of one that is used anew, the new ones.
 */
static void test_full_chunks_have_ranges(void **state)
{
    for (uint32_t round = 0; round < 2; round++) {
        struct memtable *m = memtable_new(*state);
        uint32_t n = 0, place = 0;
        assert_non_null(m);
        for (uint32_t i = 0; i < N_ROWS; i++) {
            struct fact_row row = {.table = TABLE};
            row.values[FACT_SUBJECT] = i + 1;
            row.values[FACT_CREATED] = i % 2 ? FACT_NULL : (int64_t)i * (1 - 2 * (int64_t)round);
            row.values[FACT_SPAN_TO] = FACT_FOREVER;
            assert_true(memtable_add(m, 0, &row, 1, owners) >= 0);
        }
        memtable_end(m, 0, TABLE, 3 * MEMTABLE_CHUNK_ROWS, 2);
        for (const struct memtable_chunk *c; (c = memtable_chunk_at(m, TABLE, place, &n)); place++) {
            struct fact_range range;
            if (n < c->n_rows_max)
                continue;
            for (unsigned again = 0; again < 2; again++) {
                const int64_t first = c->values[0] - 1, low = first + first % 2, high = low + n - 2;
                memtable_range(c, FACT_CREATED, &range);
                assert_int_equal(range.min, round ? -high : low);
                assert_int_equal(range.max, round ? -low : high);
                assert_true(range.has_null && !range.has_forever);
                memtable_range(c, FACT_SPAN_TO, &range);
                assert_true(range.min > range.max && range.has_forever && !range.has_null);
                memtable_range(c, FACT_NAMESPACE, &range); /* which none has */
                assert_true(range.min == 0 && range.max == 0 && !range.has_forever && !range.has_null);
            }
        }
        assert_true(place > 3);
        memtable_unref(m);
    }
}

static void test_chunks_are_shared(void **state)
{
    keep_one_in(*state, 2, true);
}

static void test_sparse_chunks_are_copied(void **state)
{
    keep_one_in(*state, 100, false);
}

/* Rows that go to more than one chunk: the first ones are small. */
static void test_many_are_copied_at_once(void **state)
{
    static uint32_t numbers[N_ROWS], rows[MEMTABLE_CHUNK_ROWS], copied[MEMTABLE_CHUNK_ROWS];
    struct memtable *m = fill(*state, numbers), *next = memtable_new(*state);
    uint32_t n, n_rows, place = 3;
    assert_non_null(next);
    const struct memtable_chunk *c = memtable_chunk_at(m, TABLE, place, &n_rows);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n_rows / 2; i++) {
        rows[i] = i * 2;
        sum += (uint64_t)c->values[(size_t)FACT_SUBJECT * c->stride + rows[i]];
    }
    assert_int_equal(memtable_copy(next, TABLE, c, rows, n_rows / 2, 7, copied), 0);
    assert_int_equal(sum_at(next, 7, &n), sum);
    assert_int_equal(n, n_rows / 2);
    (void)sum_at(next, 6, &n);
    assert_int_equal(n, 0);
    assert_true(chunks_of(next) > 2);
    for (uint32_t i = 0; i < n_rows / 2; i++) {
        const struct memtable_chunk *to = memtable_chunk_at(next, TABLE, copied[i] / MEMTABLE_CHUNK_ROWS, &n);
        assert_int_equal(to->values[(size_t)FACT_SUBJECT * to->stride + copied[i] % MEMTABLE_CHUNK_ROWS],
                         c->values[(size_t)FACT_SUBJECT * c->stride + rows[i]]);
    }
    memtable_unref(m);
    memtable_unref(next);
}

/* Places and chunks that are free are used again: what lives on forever takes no more than it needs. */
static void test_places_are_used_again(void **state)
{
    static uint32_t numbers[N_ROWS];
    struct memtable *m = fill(*state, numbers);
    for (uint64_t tick = 2; tick < 40; tick++) {
        for (uint32_t i = 0; i < N_ROWS; i++) {
            memtable_end(m, 0, TABLE, numbers[i], tick);
            int64_t number = add(m, i, tick);
            assert_true(number >= 0);
            numbers[i] = (uint32_t)number;
        }
        struct memtable *next = memtable_next(m);
        assert_non_null(next);
        for (uint32_t i = 0; i < N_ROWS; i++)
            numbers[i] = keep(next, m, numbers[i], tick);
        memtable_unref(m);
        m = next;
        uint32_t n;
        assert_int_equal(sum_at(m, tick, &n), (uint64_t)N_ROWS * (N_ROWS + 1) / 2);
        assert_int_equal(n, N_ROWS);
        assert_true(chunks_of(m) <= 8);
        assert_true(atomic_load(&m->parts[TABLE].n_places) <= 16);
    }
    memtable_unref(m);
}

struct writer {
    struct memtable *m;
    unsigned number;
    uint64_t born;
    const uint32_t *ends; /* rows that it ends, between those that it adds; 0: none */
    size_t n_ends;
    uint32_t numbers[N_ROWS];
    int64_t failed;
};

static void *write_rows(void *context)
{
    struct writer *w = context;
    for (uint32_t i = 0; i < N_ROWS; i++) {
        struct fact_row row = {.table = TABLE};
        row.values[FACT_SUBJECT] = i + 1;
        row.values[FACT_SPAN_TO] = -(int64_t)i;
        row.dimensions[0][FIELD_TEAM] = (uint16_t)(i % 7);
        const int64_t number = memtable_add(w->m, w->number, &row, w->born, &owners[i % 7]);
        w->numbers[i] = (uint32_t)number;
        w->failed = number < 0 ? number : w->failed;
        if (i < w->n_ends)
            memtable_end(w->m, w->number, TABLE, w->ends[i], w->born);
    }
    return NULL;
}

static uint64_t living(const struct memtable *m)
{
    uint64_t n = 0;
    uint32_t n_rows;
    for (uint32_t place = 0; place < atomic_load(&m->parts[TABLE].n_places); place++) {
        const struct memtable_chunk *c = memtable_chunk_at(m, TABLE, place, &n_rows);
        n += c ? memtable_chunk_living(c) : 0;
    }
    return n;
}

/* Each adds rows and ends those that the other added before. Behind every other round what the first has
 * added ends, and a next table takes over: where its last chunk was, the second soon has one. */
static void test_two_write_at_once(void **state)
{
    static struct writer writers[2], before[2];
    struct memtable *m = memtable_new(*state);
    const uint64_t sum = (uint64_t)N_ROWS * (N_ROWS + 1) / 2;
    uint32_t n;
    assert_non_null(m);
    for (uint64_t round = 1; round <= 8; round++) {
        pthread_t threads[2];
        for (unsigned i = 0; i < 2; i++) {
            const bool has_ended = round == 1 || (round % 2 && i == 1);
            writers[i] = (struct writer){.m = m,
                                         .number = i,
                                         .born = round,
                                         .ends = before[!i].numbers,
                                         .n_ends = has_ended ? 0 : N_ROWS};
            assert_int_equal(pthread_create(&threads[i], NULL, write_rows, &writers[i]), 0);
        }
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(writers[0].failed == 0 && writers[1].failed == 0);
        assert_int_equal(sum_at(m, round, &n), 2 * sum);
        assert_int_equal(n, 2 * N_ROWS);
        assert_int_equal(living(m), 2 * N_ROWS);
        memcpy(before, writers, sizeof(before));
        if (round % 2)
            continue;
        for (uint32_t i = 0; i < N_ROWS; i++)
            memtable_end(m, 0, TABLE, writers[0].numbers[i], round);
        struct memtable *next = memtable_next(m);
        assert_non_null(next);
        for (uint32_t i = 0; i < N_ROWS; i++)
            before[1].numbers[i] = keep(next, m, writers[1].numbers[i], round);
        memtable_unref(m);
        m = next;
    }
    memtable_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_hold_between_their_ticks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_chunks_have_ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_chunks_are_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sparse_chunks_are_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_are_copied_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_places_are_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_write_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
