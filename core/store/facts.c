#include "core/store/facts.h"

#include "core/store/store.h"

#include <stdlib.h>
#include <string.h>

void fact_key_put(uint8_t key[FACT_KEY_BYTES], const struct fact_key *k)
{
    put_u16(key, k->generation);
    key[2] = k->table;
    put_u16(key + 3, k->month);
    put_u32(key + 5, k->run);
    put_u16(key + 9, k->place);
}

bool fact_key_get(const MDB_val *value, struct fact_key *ret)
{
    if (value->mv_size != FACT_KEY_BYTES)
        return false;
    const uint8_t *key = value->mv_data;
    *ret = (struct fact_key){
        .generation = get_u16(key),
        .table = key[2],
        .month = get_u16(key + 3),
        .run = get_u32(key + 5),
        .place = get_u16(key + 9),
    };
    return true;
}

uint16_t fact_month(const struct fact_row *row)
{
    int64_t at = row->values[FACT_CREATED];
    if (at == FACT_NULL && FACT_TABLE_INFO[row->table].n_values > FACT_N_COMMON && row->table != FACT_TICKET)
        at = row->values[FACT_N_COMMON];
    if (at == FACT_NULL || at < 0)
        return 0;
    /* Months since 1970 of a day of the Gregorian calendar, counted in years that begin on 1 March, as then
     * the leap day is a year's last. */
    uint32_t day = (uint32_t)(at / 86400000) + 719468, era = day / 146097, of_era = day % 146097;
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    return (uint16_t)((era * 400 + year - 1970) * 12 + month + 2);
}

/* The column that another one is kept as the difference to: instants lie close to the ones they follow, and
 * what took no night is as long on one clock as on the other. It stands before it in the row. */
static uint8_t against_of(enum fact_table table, unsigned column)
{
    static const struct {
        uint8_t table, column, against;
    } AGAINST[] = {
        {FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_AT, FACT_CREATED},
        {FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_LAST, FACT_ACKNOWLEDGEMENT_BUSINESS},
        {FACT_REPLY, FACT_REPLY_START, FACT_CREATED},
        {FACT_REPLY, FACT_REPLY_END, FACT_REPLY_START},
        {FACT_REPLY, FACT_REPLY_LAST, FACT_REPLY_BUSINESS},
        {FACT_SOLVE, FACT_SOLVE_AT, FACT_CREATED},
        {FACT_SOLVE, FACT_SOLVE_NEW_BUSINESS, FACT_SOLVE_NEW_MS},
        {FACT_SOLVE, FACT_SOLVE_OPEN_BUSINESS, FACT_SOLVE_OPEN_MS},
        {FACT_SOLVE, FACT_SOLVE_PENDING_BUSINESS, FACT_SOLVE_PENDING_MS},
        {FACT_SOLVE, FACT_SOLVE_HOLD_BUSINESS, FACT_SOLVE_HOLD_MS},
        {FACT_SOLVE, FACT_SOLVE_NEW_LAST, FACT_SOLVE_NEW_BUSINESS},
        {FACT_SOLVE, FACT_SOLVE_OPEN_LAST, FACT_SOLVE_OPEN_BUSINESS},
        {FACT_SOLVE, FACT_SOLVE_PENDING_LAST, FACT_SOLVE_PENDING_BUSINESS},
        {FACT_SOLVE, FACT_SOLVE_HOLD_LAST, FACT_SOLVE_HOLD_BUSINESS},
        {FACT_SOLVE, FACT_SOLVE_RESOLUTION_LAST, FACT_SOLVE_RESOLUTION_BUSINESS},
        {FACT_SOLVE, FACT_SOLVE_REOPENED_AT, FACT_SOLVE_AT},
        {FACT_REOPEN, FACT_REOPEN_AT, FACT_CREATED},
        {FACT_SPAN, FACT_SPAN_FROM, FACT_CREATED},
        {FACT_SPAN, FACT_SPAN_TO, FACT_SPAN_FROM},
        {FACT_HOLDING, FACT_HOLDING_SOLVE_AT, FACT_CREATED},
        {FACT_HOLDING, FACT_HOLDING_HELD_UNTIL, FACT_HOLDING_SOLVE_AT},
        {FACT_HOLDING, FACT_HOLDING_BUSINESS, FACT_HOLDING_HELD_MS},
        {FACT_HOLDING, FACT_HOLDING_LAST, FACT_HOLDING_BUSINESS},
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_START, FACT_CREATED},
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_END, FACT_SLA_CYCLE_START},
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_SINCE, FACT_SLA_CYCLE_START},
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_BREACH_AT, FACT_SLA_CYCLE_START},
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_RISK_AT, FACT_SLA_CYCLE_BREACH_AT},
        {FACT_RATING, FACT_RATING_AT, FACT_CREATED},
        {FACT_RATING, FACT_RATING_SOLVE_AT, FACT_RATING_AT},
        {FACT_ANSWER, FACT_ANSWER_AT, FACT_CREATED},
        {FACT_ANSWER, FACT_ANSWER_SOLVE_AT, FACT_ANSWER_AT},
        {FACT_SENDING, FACT_SENDING_AT, FACT_CREATED},
        {FACT_SENDING, FACT_SENDING_ANSWERED_AT, FACT_SENDING_AT},
        {FACT_CONTACT, FACT_CONTACT_AT, FACT_CREATED},
        {FACT_MERGE, FACT_MERGE_AT, FACT_CREATED},
    };
    for (size_t i = 0; i < sizeof(AGAINST) / sizeof(*AGAINST); i++)
        if (AGAINST[i].table == table && AGAINST[i].column == column)
            return AGAINST[i].against;
    return BLOCK_NO_COLUMN;
}

struct facts_writer {
    struct buffer out;
    struct block_writer block;
    int64_t *values[FACT_VALUES_MAX]; /* FACT_VECTOR_ROWS each */
    int64_t *dimension, *other;
    const struct memtable_chunk **chunks; /* of each row of the block under way, and its place there */
    uint32_t *places;
};

int facts_writer_new(struct facts_writer **ret)
{
    struct facts_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    buffer_init(&w->out, 64 << 20);
    bool ok = block_writer_init(&w->block, &w->out) == 0;
    for (unsigned i = 0; i < FACT_VALUES_MAX; i++)
        ok &= (w->values[i] = malloc(FACT_VECTOR_ROWS * sizeof(int64_t))) != NULL;
    ok &= (w->dimension = malloc(FACT_VECTOR_ROWS * sizeof(int64_t))) != NULL;
    ok &= (w->other = malloc(FACT_VECTOR_ROWS * sizeof(int64_t))) != NULL;
    ok &= (w->chunks = malloc(FACT_VECTOR_ROWS * sizeof(*w->chunks))) != NULL;
    ok &= (w->places = malloc(FACT_VECTOR_ROWS * sizeof(*w->places))) != NULL;
    if (!ok) {
        facts_writer_free(w);
        return -ENOMEM;
    }
    *ret = w;
    return 0;
}

void facts_writer_free(struct facts_writer *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < FACT_VALUES_MAX; i++)
        free(w->values[i]);
    free(w->dimension);
    free(w->other);
    free((void *)w->chunks);
    free(w->places);
    block_writer_fini(&w->block);
    buffer_fini(&w->out);
    free(w);
}

static int by_place(const void *a, const void *b)
{
    const struct fact_ref *x = a, *y = b;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Where the rows of a block are in the memtable, so that each column is one plain loop. */
static void locate(struct facts_writer *w, const struct memtable *m, enum fact_table table,
                   const struct fact_ref *refs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t first;
        w->chunks[i] = m->parts[table].chunks[memtable_chunk_of(refs[i].row, &first)];
        w->places[i] = refs[i].row - first;
    }
}

static void gather_dimension(const struct facts_writer *w, unsigned d, uint32_t n, int64_t *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = w->chunks[i]->dimensions[(size_t)d * w->chunks[i]->n_rows_max + w->places[i]];
}

static int write_block(struct facts_writer *w, struct txn *t, const struct fact_key *key,
                       const struct memtable *m, const struct fact_ref *refs, uint32_t n)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[key->table];
    uint64_t used_values;
    uint64_t used_dimensions;
    int r = block_begin(&w->block, n);
    if (r < 0)
        return r;
    locate(w, m, key->table, refs, n);
    memtable_used(m, key->table, &used_values, &used_dimensions);
    for (unsigned v = 0; v < info->n_values; v++) {
        if (!(used_values >> v & 1)) {
            memset(w->values[v], 0, n * sizeof(int64_t)); /* another column may stand against it */
            continue;
        }
        for (uint32_t i = 0; i < n; i++)
            w->values[v][i] = w->chunks[i]->values[(size_t)v * w->chunks[i]->n_rows_max + w->places[i]];
        uint8_t against = against_of(key->table, v);
        unsigned effort =
            v == FACT_SUBJECT || v == FACT_CREATED ? COLUMN_DELTA | COLUMN_PLANES : COLUMN_PLANES;
        block_add(&w->block, (uint8_t)v, w->values[v], effort, against,
                  against == BLOCK_NO_COLUMN ? NULL : w->values[against]);
    }
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
        uint64_t today = UINT64_C(1) << (FIELD_N_DIMENSIONS + f);
        if (!(used_dimensions & (UINT64_C(1) << f | today)))
            continue;
        gather_dimension(w, f, n, w->dimension);
        block_add(&w->block, FACT_DIMENSION(0, f), w->dimension, COLUMN_PLANES, BLOCK_NO_COLUMN, NULL);
        if (info->n_sets < 2)
            continue;
        /* Today's value is mostly the one at creation: kept as the difference it is mostly zeros. */
        gather_dimension(w, FIELD_N_DIMENSIONS + f, n, w->other);
        block_add(&w->block, FACT_DIMENSION(1, f), w->other, COLUMN_PLANES, FACT_DIMENSION(0, f),
                  w->dimension);
    }
    r = block_finish(&w->block);
    if (r < 0)
        return r;
    uint8_t bytes[FACT_KEY_BYTES];
    fact_key_put(bytes, key);
    txn_put(t, DB_FACTS, bytes, sizeof(bytes), w->out.data, w->out.size);
    return t->rc ? -EIO : 0;
}

int facts_write(struct facts_writer *w, struct txn *t, uint16_t generation, uint32_t run,
                enum fact_table table, const struct memtable *m, struct fact_ref *refs, size_t n)
{
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = by_place(&refs[i - 1], &refs[i]) <= 0;
    if (!sorted)
        qsort(refs, n, sizeof(*refs), by_place);
    struct fact_key key = {.generation = generation, .table = (uint8_t)table, .run = run};
    for (size_t i = 0; i < n;) {
        if (refs[i].month != key.month || i == 0) {
            key.month = refs[i].month;
            key.place = 0;
        }
        size_t end = i;
        while (end < n && refs[end].month == key.month && end - i < FACT_VECTOR_ROWS)
            end++;
        int r = write_block(w, t, &key, m, refs + i, (uint32_t)(end - i));
        if (r < 0)
            return r;
        if (key.place++ == UINT16_MAX)
            return -EOVERFLOW;
        i = end;
    }
    return 0;
}

int facts_bury(struct txn *t, struct memtable *m, uint16_t generation, uint32_t run, enum fact_table table,
               uint16_t month, uint32_t subject, uint64_t died)
{
    struct fact_key key = {.generation = generation, .table = (uint8_t)table, .month = month, .run = run}, at;
    uint8_t bytes[FACT_KEY_BYTES];
    fact_key_put(bytes, &key);
    struct walk walk;
    int r = walk_open(&walk, t, DB_FACTS, bytes, sizeof(bytes));
    int64_t *subjects = NULL;
    while (r == 0 && walk_next(&walk) && fact_key_get(&walk.key, &at) &&
           memcmp(walk.key.mv_data, bytes, 9) == 0) {
        struct block block;
        int64_t first, last;
        bool open;
        r = block_open(&block, walk.value.mv_data, walk.value.mv_size, false);
        if (r < 0)
            break;
        (void)block_range(&block, FACT_SUBJECT, &first, &last, &open);
        if (last < subject)
            continue;
        if (first > subject)
            break;
        if (!subjects)
            subjects = malloc(FACT_VECTOR_ROWS * sizeof(*subjects));
        r = !subjects                         ? -ENOMEM
            : block.n_rows > FACT_VECTOR_ROWS ? -EBADMSG
                                              : block_read(&block, FACT_SUBJECT, subjects);
        uint32_t low = 0, high = block.n_rows;
        while (r == 0 && low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (subjects[middle] < subject)
                low = middle + 1;
            else
                high = middle;
        }
        for (; r == 0 && low < block.n_rows && subjects[low] == subject; low++) {
            struct memtable_dead dead = {.died = died,
                                         .run = run,
                                         .row = low,
                                         .generation = generation,
                                         .month = month,
                                         .place = at.place,
                                         .table = (uint8_t)table};
            r = memtable_add_dead(m, &dead);
        }
    }
    free(subjects);
    walk_close(&walk, t);
    return r < 0 ? r : t->rc ? -EIO : 0;
}

static int by_block(const void *a, const void *b)
{
    const struct memtable_dead *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Adds one block's dead rows to its bits. */
static int settle_block(struct txn *t, const struct memtable_dead *dead, size_t n)
{
    struct fact_key key = {.generation = dead->generation,
                           .table = dead->table,
                           .month = dead->month,
                           .run = dead->run,
                           .place = dead->place};
    uint8_t bytes[FACT_KEY_BYTES], bits[FACT_VECTOR_ROWS / 8] = {0};
    fact_key_put(bytes, &key);
    MDB_val value;
    struct block block;
    if (!txn_get(t, DB_FACTS, bytes, sizeof(bytes), &value))
        return t->rc ? -EIO : 0;
    if (block_open(&block, value.mv_data, value.mv_size, false) < 0 || block.n_rows > FACT_VECTOR_ROWS)
        return -EBADMSG;
    size_t n_bytes = (block.n_rows + 7) / 8, n_dead = 0;
    if (txn_get(t, DB_DEAD, bytes, sizeof(bytes), &value) && value.mv_size == n_bytes)
        memcpy(bits, value.mv_data, n_bytes);
    for (size_t i = 0; i < n; i++)
        if (dead[i].row < block.n_rows)
            bits[dead[i].row / 8] |= (uint8_t)(1 << dead[i].row % 8);
    for (size_t i = 0; i < n_bytes; i++)
        n_dead += (size_t)__builtin_popcount(bits[i]);
    if (n_dead == block.n_rows) {
        txn_delete(t, DB_FACTS, bytes, sizeof(bytes));
        txn_delete(t, DB_DEAD, bytes, sizeof(bytes));
    } else {
        txn_put(t, DB_DEAD, bytes, sizeof(bytes), bits, n_bytes);
    }
    return t->rc ? -EIO : 0;
}

int facts_settle_dead(struct txn *t, const struct memtable *m)
{
    uint32_t n = atomic_load_explicit(&m->n_dead, memory_order_acquire);
    if (n == 0)
        return 0;
    struct memtable_dead *all = malloc(n * sizeof(*all));
    if (!all)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        all[i] = *memtable_dead_at(m, i);
    qsort(all, n, sizeof(*all), by_block);
    int r = 0;
    for (uint32_t i = 0, end; i < n && r == 0; i = end) {
        for (end = i + 1; end < n && all[end].table == all[i].table && all[end].month == all[i].month &&
                          all[end].run == all[i].run && all[end].place == all[i].place;)
            end++;
        r = settle_block(t, all + i, end - i);
    }
    free(all);
    return r;
}

/* Whether blocks of a generation are to stay. */
static bool is_kept(const uint16_t keep[2], uint16_t generation)
{
    return generation == keep[0] || generation == keep[1] || generation == FACTS_FROZEN;
}

int facts_sweep(struct txn *t, const uint16_t keep[2], unsigned n_max)
{
    static const enum db_name BOTH[] = {DB_DEAD, DB_FACTS};
    unsigned n = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t start[FACT_KEY_BYTES] = {0};
        for (;;) {
            struct walk walk;
            struct fact_key key;
            uint8_t bytes[FACT_KEY_BYTES];
            bool found = walk_open(&walk, t, BOTH[i], start, sizeof(start)) == 0 && walk_next(&walk) &&
                         fact_key_get(&walk.key, &key);
            if (found)
                memcpy(bytes, walk.key.mv_data, sizeof(bytes));
            walk_close(&walk, t);
            if (t->rc)
                return -EIO;
            if (!found)
                break;
            if (is_kept(keep, key.generation)) { /* go on behind it */
                if (key.generation == UINT16_MAX)
                    break;
                memset(start, 0, sizeof(start));
                put_u16(start, (uint16_t)(key.generation + 1));
                continue;
            }
            if (n++ == n_max)
                return 1;
            txn_delete(t, BOTH[i], bytes, sizeof(bytes));
        }
    }
    return t->rc ? -EIO : 0;
}
