/* Sealed fact rows: whatever is in the columns of whatever table comes back from its blocks. */
#include "core/store/facts.h"
#include "core/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MAP_BYTES (64 << 20)
#define N_ROWS    9000 /* two blocks */

struct bench {
    char path[64];
    struct db db;
    struct memtable_pool pool;
    uint64_t rng;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct error err = ERROR_INIT;
    assert_non_null(b);
    snprintf(b->path, sizeof(b->path), "/tmp/tendon-facts-XXXXXX");
    assert_non_null(mkdtemp(b->path));
    assert_int_equal(db_open(&b->db, b->path, MAP_BYTES, true, &err), 0);
    memtable_pool_init(&b->pool);
    b->rng = 1;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    static const char *const FILES[] = {"data.mdb", "lock.mdb"};
    struct bench *b = *state;
    char file[128];
    db_close(&b->db);
    memtable_pool_fini(&b->pool);
    for (size_t i = 0; i < sizeof(FILES) / sizeof(*FILES); i++) {
        snprintf(file, sizeof(file), "%s/%s", b->path, FILES[i]);
        (void)unlink(file);
    }
    assert_int_equal(rmdir(b->path), 0);
    free(b);
    return 0;
}

static uint64_t next(struct bench *b)
{
    b->rng = b->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return b->rng >> 33;
}

/* Near others, far from all, and what is no number. */
static int64_t any_value(struct bench *b)
{
    switch (next(b) % 8) {
    case 0:
        return FACT_NULL;
    case 1:
        return FACT_FOREVER;
    case 2:
        return 0;
    case 3:
        return -(int64_t)next(b);
    default:
        return INT64_C(1704672000000) + (int64_t)(next(b) % 100000);
    }
}

static void fill(struct bench *b, enum fact_table table, uint32_t subject, struct fact_row *row)
{
    memset(row, 0, sizeof(*row));
    row->table = (uint8_t)table;
    for (unsigned c = 0; c < FACT_TABLE_INFO[table].n_values; c++)
        row->values[c] = any_value(b);
    row->values[FACT_SUBJECT] = subject;
    row->values[FACT_CREATED] = INT64_C(1704672000000) + subject; /* one month: the blocks are one run's */
    for (unsigned set = 0; set < FACT_TABLE_INFO[table].n_sets; set++)
        row->dimensions[set][next(b) % FIELD_N_DIMENSIONS] = (uint16_t)next(b);
}

/* Reads the blocks of a run back, a column at a time, beside the rows that were written. */
static void check_blocks(struct bench *b, struct txn *t, enum fact_table table, const struct fact_row *rows)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    int64_t *column = calloc(FACT_VECTOR_ROWS, sizeof(*column));
    uint8_t bytes[FACT_KEY_BYTES];
    size_t done = 0;
    struct walk walk;
    struct fact_key key = {.generation = 1, .table = (uint8_t)table}, found;
    (void)b;
    assert_non_null(column);
    fact_key_put(bytes, &key);
    assert_int_equal(walk_open(&walk, t, DB_FACTS, bytes, sizeof(bytes)), 0);
    while (walk_next(&walk) && fact_key_get(&walk.key, &found) && found.table == table) {
        struct block block;
        assert_int_equal(block_open(&block, walk.value.mv_data, walk.value.mv_size, true), 0);
        assert_true(done + block.n_rows <= N_ROWS);
        for (unsigned c = 0; c < FACT_DIMENSION(info->n_sets, 0); c++) {
            if (c >= info->n_values && c < FACT_VALUES_MAX)
                continue;
            assert_int_equal(block_read(&block, (uint8_t)c, column), 0);
            for (uint32_t i = 0; i < block.n_rows; i++) {
                const struct fact_row *row = &rows[done + i];
                unsigned d = c - FACT_VALUES_MAX;
                int64_t wanted = c < info->n_values
                                     ? row->values[c]
                                     : row->dimensions[d / FIELD_N_DIMENSIONS][d % FIELD_N_DIMENSIONS];
                if (column[i] != wanted)
                    fail_msg("%s, column %u, row %zu: %lld, not %lld", info->name, c, done + i,
                             (long long)column[i], (long long)wanted);
            }
        }
        done += block.n_rows;
    }
    walk_close(&walk, t);
    assert_int_equal(done, N_ROWS);
    free(column);
}

static void test_rows_come_back(void **state)
{
    struct bench *b = *state;
    struct fact_row *rows = calloc(N_ROWS, sizeof(*rows));
    struct fact_ref *refs = calloc(N_ROWS, sizeof(*refs));
    struct facts_writer *writer;
    struct error err = ERROR_INIT;
    assert_non_null(rows);
    assert_non_null(refs);
    assert_int_equal(facts_writer_new(&writer), 0);
    for (unsigned table = 0; table < FACT_N_TABLES; table++) {
        struct memtable *m = memtable_new(&b->pool);
        struct txn t;
        assert_non_null(m);
        for (uint32_t i = 0; i < N_ROWS; i++) {
            fill(b, (enum fact_table)table, i, &rows[i]);
            int64_t number = memtable_add(m, &rows[i], 1);
            assert_true(number >= 0);
            refs[i] = (struct fact_ref){.subject = i, .row = (uint32_t)number, .month = fact_month(&rows[i])};
        }
        assert_int_equal(txn_begin(&t, &b->db, true, &err), 0);
        assert_int_equal(facts_write(writer, &t, 1, 0, (enum fact_table)table, m, refs, N_ROWS), 0);
        check_blocks(b, &t, (enum fact_table)table, rows);
        assert_int_equal(txn_commit(&t, &err), 0);
        memtable_unref(m);
    }
    facts_writer_free(writer);
    free(rows);
    free(refs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_come_back)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
