/* Sealed fact rows: whatever is in the columns of whatever table comes back from its groups. */
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

#define MAP_BYTES  (64 << 20)
#define N_SUBJECTS 9000 /* three groups at least */
#define ROWS_EACH  3    /* of a table, at most */

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

/* What follows from the rest of the row mostly, and now and then anything. */
static void fill(struct bench *b, enum fact_table table, uint32_t subject, int64_t created,
                 const uint16_t *dimensions, struct fact_row *row)
{
    memset(row, 0, sizeof(*row));
    row->table = (uint8_t)table;
    for (unsigned c = 0; c < FACT_TABLE_INFO[table].n_values; c++)
        row->values[c] = subject % 3 ? created + (int64_t)(next(b) % 4) * 60000 : any_value(b);
    row->values[FACT_SUBJECT] = subject;
    row->values[FACT_NAMESPACE] = subject % 5;
    row->values[FACT_CREATED] = created;
    for (unsigned set = 0; set < FACT_TABLE_INFO[table].n_sets; set++) {
        memcpy(row->dimensions[set], dimensions, sizeof(row->dimensions[set]));
        if (next(b) % 4 == 0) /* of half of them: in the others all rows are as their subject */
            row->dimensions[set][next(b) % (FIELD_N_DIMENSIONS / 2)] = (uint16_t)next(b);
    }
}

/* The rows of one subject: of each table some. */
static size_t make_rows(struct bench *b, uint32_t subject, struct fact_row *rows)
{
    int64_t created = next(b) % 8 ? INT64_C(1704672000000) + subject * INT64_C(60000) : FACT_NULL;
    uint16_t dimensions[FIELD_N_DIMENSIONS] = {0};
    size_t n = 0;
    for (unsigned i = 0; i < 4; i++)
        dimensions[next(b) % FIELD_N_DIMENSIONS] = (uint16_t)(next(b) % 40);
    for (unsigned table = 0; table < FACT_N_TABLES; table++)
        for (uint64_t left = table == FACT_TICKET ? subject % 7 != 0 : next(b) % (ROWS_EACH + 1); left;
             left--)
            fill(b, (enum fact_table)table, subject, created == FACT_NULL ? 0 : created, dimensions,
                 &rows[n++]);
    for (size_t i = 0; i < n; i++)
        rows[i].values[FACT_CREATED] = created;
    return n;
}

struct written {
    struct fact_row *rows[FACT_N_TABLES];
    size_t n[FACT_N_TABLES];
};

static void write_all(struct bench *b, struct txn *t, struct written *w)
{
    struct facts_writer *writer;
    struct fact_row rows[FACT_N_TABLES * ROWS_EACH];
    assert_int_equal(facts_writer_new(&writer), 0);
    for (unsigned table = 0; table < FACT_N_TABLES; table++)
        assert_non_null(w->rows[table] = calloc(N_SUBJECTS * ROWS_EACH, sizeof(struct fact_row)));
    facts_begin(writer, t, 1, 7, 0);
    for (uint32_t subject = 1; subject <= N_SUBJECTS; subject++) {
        size_t n = make_rows(b, subject, rows);
        assert_int_equal(facts_subject(writer, ROWS_EACH), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(facts_add(writer, &rows[i]), 0);
        for (size_t i = 0; i < n; i++)
            w->rows[rows[i].table][w->n[rows[i].table]++] = rows[i];
    }
    assert_int_equal(facts_finish(writer), 0);
    facts_writer_free(writer);
}

static void free_written(struct written *w)
{
    for (unsigned table = 0; table < FACT_N_TABLES; table++)
        free(w->rows[table]);
}

/* Some rows' values and codes, whether or not the others have been read. */
static void check_picked(struct bench *b, struct rowgroup_reader *reader, unsigned table,
                         const struct fact_row *rows)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    const uint32_t n = rowgroup_reader_rows(reader, table), step = 1 + (uint32_t)(next(b) % 40);
    static uint16_t picked[ROWGROUP_ROWS], codes[ROWGROUP_ROWS];
    static int64_t values[ROWGROUP_ROWS];
    uint32_t n_picked = 0;
    for (uint32_t i = (uint32_t)(next(b) % step); i < n; i += 1 + (uint32_t)(next(b) % step))
        picked[n_picked++] = (uint16_t)i;
    for (unsigned c = 0; c < info->n_values; c++) {
        assert_int_equal(rowgroup_reader_pick_value(reader, table, c, picked, n_picked, values), 0);
        for (uint32_t k = 0; k < n_picked; k++)
            assert_int_equal(values[k], rows[picked[k]].values[c]);
    }
    for (unsigned set = 0; set < info->n_sets; set++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
            assert_int_equal(rowgroup_reader_pick_dimension(reader, table, set, f, picked, n_picked, codes),
                             0);
            for (uint32_t k = 0; k < n_picked; k++)
                assert_int_equal(codes[k], rows[picked[k]].dimensions[set][f]);
        }
}

/* The rows whose code is one of half of all, by each dimension. */
static void check_sifted(struct bench *b, struct rowgroup_reader *reader, unsigned table,
                         const struct fact_row *rows)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    const uint32_t n = rowgroup_reader_rows(reader, table);
    static uint8_t wanted[UINT16_MAX + 1];
    static uint16_t found[ROWGROUP_ROWS];
    for (uint32_t code = 0; code <= UINT16_MAX; code++)
        wanted[code] = next(b) % 2;
    for (unsigned set = 0; set < info->n_sets; set++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
            uint32_t n_found, k = 0;
            assert_int_equal(rowgroup_reader_sift(reader, table, set, f, wanted, found, &n_found), 0);
            for (uint32_t i = 0; i < n; i++)
                if (wanted[rows[i].dimensions[set][f]]) {
                    assert_true(k < n_found);
                    assert_int_equal(found[k++], i);
                }
            assert_int_equal(k, n_found);
        }
}

/* Reads a group's rows of one table, beside those that were written, in an order of columns that is any. */
static void check_table(struct bench *b, struct rowgroup_reader *reader, unsigned table,
                        const struct fact_row *rows)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    const uint32_t n = rowgroup_reader_rows(reader, table);
    unsigned first = (unsigned)(next(b) % info->n_values);
    for (unsigned k = 0; k < info->n_values; k++) {
        const int64_t *column;
        unsigned c = (first + k) % info->n_values;
        assert_int_equal(rowgroup_reader_value(reader, table, c, &column), 0);
        for (uint32_t i = 0; i < n; i++)
            if (column[i] != rows[i].values[c])
                fail_msg("%s, %s, row %u: %lld, not %lld", info->name, info->value_names[c], i,
                         (long long)column[i], (long long)rows[i].values[c]);
    }
    for (unsigned set = 0; set < info->n_sets; set++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
            const uint16_t *column;
            assert_int_equal(rowgroup_reader_dimension(reader, table, set, f, &column), 0);
            for (uint32_t i = 0; i < n; i++)
                assert_int_equal(column[i], rows[i].dimensions[set][f]);
        }
    check_picked(b, reader, table, rows);
    check_sifted(b, reader, table, rows);
}

/* The zone map holds every value. */
static void check_range(const struct rowgroup *g, unsigned table, const struct fact_row *rows)
{
    for (unsigned c = 0; c < FACT_TABLE_INFO[table].n_values; c++) {
        int64_t min, max;
        bool null, open, plain = rowgroup_range(g, table, c, &min, &max, &null, &open);
        for (uint32_t i = 0; i < g->tables[table].n_rows; i++) {
            int64_t v = rows[i].values[c];
            assert_true(v == FACT_NULL ? null : v == FACT_FOREVER ? open : plain && min <= v && v <= max);
        }
    }
}

static void test_rows_come_back(void **state)
{
    struct bench *b = *state;
    struct written w = {0};
    size_t done[FACT_N_TABLES] = {0};
    struct rowgroup_reader *reader, *picker;
    struct error err = ERROR_INIT;
    struct walk walk;
    struct txn t;
    assert_int_equal(txn_begin(&t, &b->db, true, &err), 0);
    write_all(b, &t, &w);
    assert_int_equal(rowgroup_reader_new(&reader), 0);
    assert_int_equal(rowgroup_reader_new(&picker), 0);
    assert_int_equal(walk_open(&walk, &t, DB_FACTS, NULL, 0), 0);
    while (walk_next(&walk)) {
        struct rowgroup g;
        assert_int_equal(rowgroup_open(&g, walk.value.mv_data, walk.value.mv_size, true), 0);
        rowgroup_reader_set(reader, &g);
        rowgroup_reader_set(picker, &g);
        for (unsigned table = 0; table < FACT_N_TABLES; table++) {
            check_range(&g, table, w.rows[table] + done[table]);
            check_picked(b, picker, table, w.rows[table] + done[table]);
            check_sifted(b, picker, table, w.rows[table] + done[table]);
            check_table(b, reader, table, w.rows[table] + done[table]);
            done[table] += g.tables[table].n_rows;
        }
    }
    walk_close(&walk, &t);
    for (unsigned table = 0; table < FACT_N_TABLES; table++)
        assert_int_equal(done[table], w.n[table]);
    txn_abort(&t);
    rowgroup_reader_free(picker);
    rowgroup_reader_free(reader);
    free_written(&w);
}

/* Bytes that are not what was written are refused or read as other numbers: nothing else happens. */
static void test_broken_groups(void **state)
{
    struct bench *b = *state;
    struct written w = {0};
    struct rowgroup_reader *reader;
    struct error err = ERROR_INIT;
    struct walk walk;
    struct txn t;
    assert_int_equal(txn_begin(&t, &b->db, true, &err), 0);
    write_all(b, &t, &w);
    assert_int_equal(rowgroup_reader_new(&reader), 0);
    assert_int_equal(walk_open(&walk, &t, DB_FACTS, NULL, 0), 0);
    assert_true(walk_next(&walk));
    uint8_t *bytes = malloc(walk.value.mv_size);
    assert_non_null(bytes);
    for (unsigned round = 0; round < 300; round++) {
        struct rowgroup g;
        size_t size = round % 4 ? walk.value.mv_size : next(b) % walk.value.mv_size;
        memcpy(bytes, walk.value.mv_data, walk.value.mv_size);
        for (unsigned i = 0; i < 1 + round % 8; i++)
            bytes[round % 2 ? next(b) % 4096 : next(b) % walk.value.mv_size] = (uint8_t)next(b);
        assert_true(rowgroup_open(&g, bytes, size, true) < 0 || memcmp(bytes, walk.value.mv_data, size) == 0);
        if (rowgroup_open(&g, bytes, size, false) < 0)
            continue;
        rowgroup_reader_set(reader, &g);
        unsigned table = (unsigned)(next(b) % FACT_N_TABLES);
        for (unsigned c = 0; c < FACT_TABLE_INFO[table].n_values; c++) {
            const int64_t *column;
            (void)rowgroup_reader_value(reader, table, c, &column);
        }
        const uint16_t *codes, picked[] = {0, 3, 500};
        int64_t values[3];
        uint16_t some[3];
        static const uint8_t wanted[UINT16_MAX + 1] = {1};
        static uint16_t sifted[ROWGROUP_ROWS];
        uint32_t n_sifted;
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            (void)rowgroup_reader_dimension(reader, table, 0, f, &codes);
        rowgroup_reader_set(reader, &g);
        for (unsigned c = 0; c < FACT_TABLE_INFO[table].n_values && g.tables[table].n_rows > 500; c++)
            (void)rowgroup_reader_pick_value(reader, table, c, picked, 3, values);
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS && g.tables[table].n_rows > 500; f++)
            (void)rowgroup_reader_pick_dimension(reader, table, 0, f, picked, 3, some);
        rowgroup_reader_set(reader, &g);
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            (void)rowgroup_reader_sift(reader, table, 0, f, wanted, sifted, &n_sifted);
    }
    free(bytes);
    walk_close(&walk, &t);
    txn_abort(&t);
    rowgroup_reader_free(reader);
    free_written(&w);
}

/* A subject with more rows of a table than a group takes is in several, and is buried in all. */
static void test_large_subject(void **state)
{
    enum { N_LARGE = 2 * ROWGROUP_ROWS + 10 };
    struct bench *b = *state;
    struct facts_writer *writer;
    struct fact_row row, other;
    struct error err = ERROR_INIT;
    struct walk walk;
    struct txn t;
    size_t n = 0;
    unsigned n_groups = 0;
    const uint16_t dimensions[FIELD_N_DIMENSIONS] = {1, 2};
    struct memtable *m = memtable_new(&b->pool);
    assert_non_null(m);
    assert_int_equal(txn_begin(&t, &b->db, true, &err), 0);
    assert_int_equal(facts_writer_new(&writer), 0);
    facts_begin(writer, NULL, 1, 9, 5);
    fill(b, FACT_TICKET, 6, 1000, dimensions, &other);
    assert_int_equal(facts_subject(writer, 1), 0);
    assert_int_equal(facts_add(writer, &other), 0);
    assert_int_equal(facts_subject(writer, N_LARGE), 0);
    for (size_t i = 0; i < N_LARGE; i++) {
        fill(b, FACT_SLA_CYCLE, 7, 2000, dimensions, &row);
        row.values[FACT_SLA_CYCLE_ORDINAL] = (int64_t)i;
        assert_int_equal(facts_add(writer, &row), 0);
    }
    assert_int_equal(facts_finish(writer), 0);
    assert_int_equal(facts_put(writer, &t), 0); /* they were kept */
    struct rowgroup_reader *reader;
    assert_int_equal(rowgroup_reader_new(&reader), 0);
    assert_int_equal(walk_open(&walk, &t, DB_FACTS, NULL, 0), 0);
    while (walk_next(&walk)) {
        struct rowgroup g;
        const int64_t *ordinals, *subjects;
        assert_int_equal(rowgroup_open(&g, walk.value.mv_data, walk.value.mv_size, true), 0);
        rowgroup_reader_set(reader, &g);
        assert_int_equal(rowgroup_reader_value(reader, FACT_SLA_CYCLE, FACT_SLA_CYCLE_ORDINAL, &ordinals), 0);
        assert_int_equal(rowgroup_reader_value(reader, FACT_SLA_CYCLE, FACT_SUBJECT, &subjects), 0);
        for (uint32_t i = 0; i < rowgroup_reader_rows(reader, FACT_SLA_CYCLE); i++, n++) {
            assert_int_equal(ordinals[i], n);
            assert_int_equal(subjects[i], 7);
        }
        n_groups += rowgroup_reader_rows(reader, FACT_SLA_CYCLE) > 0;
    }
    walk_close(&walk, &t);
    assert_int_equal(n, N_LARGE);
    assert_int_equal(facts_bury(&t, m, 1, 9, 7, 5), 0);
    assert_int_equal(atomic_load(&m->n_dead), n_groups);
    rowgroup_reader_free(reader);
    facts_writer_free(writer);
    memtable_unref(m);
    txn_abort(&t);
}

static void test_buried_rows(void **state)
{
    struct bench *b = *state;
    struct written w = {0};
    struct error err = ERROR_INIT;
    struct txn t;
    MDB_val value;
    uint8_t bytes[FACT_KEY_BYTES];
    struct memtable *m = memtable_new(&b->pool);
    assert_non_null(m);
    assert_int_equal(txn_begin(&t, &b->db, true, &err), 0);
    write_all(b, &t, &w);
    assert_int_equal(facts_bury(&t, m, 1, 7, N_SUBJECTS + 1, 5), 0);
    assert_int_equal(facts_bury(&t, m, 1, 8, 4200, 5), 0);
    assert_int_equal(atomic_load(&m->n_dead), 0);
    assert_int_equal(facts_bury(&t, m, 1, 7, 3, 5), 0);
    assert_int_equal(atomic_load(&m->n_dead), 1);
    assert_int_equal(facts_settle_dead(&t, m), 0);
    fact_key_put(bytes, &(struct fact_key){.generation = 1, .run = 7});
    assert_true(txn_get(&t, DB_DEAD, bytes, sizeof(bytes), &value));
    assert_int_equal(((const uint8_t *)value.mv_data)[0], 1 << memtable_dead_at(m, 0)->row);
    /* the whole first group */
    for (uint32_t subject = 1; subject <= N_SUBJECTS; subject++)
        assert_int_equal(facts_bury(&t, m, 1, 7, subject, 6), 0);
    assert_int_equal(facts_settle_dead(&t, m), 0);
    assert_false(txn_get(&t, DB_FACTS, bytes, sizeof(bytes), &value));
    assert_false(txn_get(&t, DB_DEAD, bytes, sizeof(bytes), &value));
    txn_abort(&t);
    memtable_unref(m);
    free_written(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back),
        cmocka_unit_test(test_broken_groups),
        cmocka_unit_test(test_buried_rows),
        cmocka_unit_test(test_large_subject),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
