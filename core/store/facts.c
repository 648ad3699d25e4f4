#include "core/store/facts.h"

#include <stdlib.h>
#include <string.h>

void fact_key_put(uint8_t key[FACT_KEY_BYTES], const struct fact_key *k)
{
    put_u16(key, k->generation);
    put_u32(key + 2, k->run);
    put_u16(key + 6, k->place);
}

bool fact_key_get(const MDB_val *value, struct fact_key *ret)
{
    if (value->mv_size != FACT_KEY_BYTES)
        return false;
    const uint8_t *key = value->mv_data;
    *ret = (struct fact_key){
        .generation = get_u16(key),
        .run = get_u32(key + 2),
        .place = get_u16(key + 6),
    };
    return true;
}

/* --- writing
 * ------------------------------------------------------------------------------------------------------ */

/* Columns are so far apart that rows of several do not meet in one line of the processor's cache. */
#define COLUMN_STRIDE (ROWGROUP_ROWS + 40)

/* The rows of one table in the group under way, by column; made when first used. */
struct table_rows {
    int64_t *values;      /* [column][COLUMN_STRIDE] */
    uint16_t *dimensions; /* [row][set × FIELD_N_DIMENSIONS + field] */
    uint16_t *parents, *firsts;
    int64_t *partners; /* of ratings */
    uint64_t
        used[FACT_VALUES_MAX]; /* the bits of all values of a column: 0 where there is nothing but zeros */
    uint16_t differs[2][FIELD_N_DIMENSIONS]; /* the bits in which dimensions are not the base's or today's */
};

struct facts_writer {
    struct rowgroup_values
        values; /* first: need's argument; what the rows are, as rowgroup_predict reads them */
    struct txn *txn;
    struct fact_key key;
    struct buffer out, kept; /* the group under way; those that no transaction has yet */
    struct block_writer block;
    int64_t *base[FACT_N_COMMON];
    uint16_t *base_dimensions, *today;      /* [row][field] */
    uint16_t used_base[FIELD_N_DIMENSIONS]; /* the bits of all values of a dimension */
    struct table_rows tables[FACT_N_TABLES];
    int64_t *column, *prediction; /* ROWGROUP_ROWS */
    bool is_open;                 /* the subject under way has a row in the base */
};

/* What is being written is all there. */
static int is_there(struct rowgroup_values *v, unsigned table, unsigned column)
{
    (void)v, (void)table, (void)column;
    return 0;
}

int facts_writer_new(struct facts_writer **ret)
{
    struct facts_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->values.need = is_there;
    buffer_init(&w->out, 64 << 20);
    buffer_init(&w->kept, 512 << 20);
    bool ok = block_writer_init(&w->block, &w->out) == 0;
    static const uint8_t BASE[] = {FACT_SUBJECT, FACT_NAMESPACE, FACT_CREATED};
    for (unsigned i = 0; i < sizeof(BASE); i++) {
        ok &= (w->base[BASE[i]] = malloc(ROWGROUP_SUBJECTS * sizeof(int64_t))) != NULL;
        w->values.base[BASE[i]] = w->base[BASE[i]];
    }
    ok &= (w->base_dimensions = malloc(ROWGROUP_SUBJECTS * FIELD_N_DIMENSIONS * sizeof(uint16_t))) != NULL;
    ok &= (w->today = malloc(ROWGROUP_SUBJECTS * FIELD_N_DIMENSIONS * sizeof(uint16_t))) != NULL;
    ok &= (w->column = malloc(ROWGROUP_ROWS * sizeof(int64_t))) != NULL;
    ok &= (w->prediction = malloc(ROWGROUP_ROWS * sizeof(int64_t))) != NULL;
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
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        free(w->tables[t].values);
        free(w->tables[t].dimensions);
        free(w->tables[t].parents);
        free(w->tables[t].firsts);
        free(w->tables[t].partners);
    }
    for (unsigned c = 0; c < FACT_N_COMMON; c++)
        free(w->base[c]);
    free(w->base_dimensions);
    free(w->today);
    free(w->column);
    free(w->prediction);
    block_writer_fini(&w->block);
    buffer_fini(&w->out);
    buffer_fini(&w->kept);
    free(w);
}

static int table_make(struct facts_writer *w, unsigned table)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    struct table_rows *t = &w->tables[table];
    t->values = malloc((size_t)info->n_values * COLUMN_STRIDE * sizeof(int64_t));
    t->dimensions = malloc((size_t)info->n_sets * FIELD_N_DIMENSIONS * ROWGROUP_ROWS * sizeof(uint16_t));
    t->parents = malloc(ROWGROUP_ROWS * sizeof(uint16_t));
    t->firsts = malloc((ROWGROUP_SUBJECTS + 1) * sizeof(uint16_t));
    t->partners = malloc(ROWGROUP_ROWS * sizeof(int64_t));
    if (!t->values || !t->dimensions || !t->parents || !t->firsts || !t->partners)
        return -ENOMEM;
    for (unsigned c = 0; c < info->n_values; c++)
        w->values.tables[table].values[c] = t->values + (size_t)c * COLUMN_STRIDE;
    w->values.tables[table].parents = t->parents;
    w->values.tables[table].firsts = t->firsts;
    w->values.tables[table].partners = t->partners;
    return 0;
}

static void group_clear(struct facts_writer *w)
{
    w->values.n_base = 0;
    memset(w->used_base, 0, sizeof(w->used_base));
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        if (w->values.tables[t].n) {
            memset(w->tables[t].used, 0, sizeof(w->tables[t].used));
            memset(w->tables[t].differs, 0, sizeof(w->tables[t].differs));
        }
        w->values.tables[t].n = 0;
    }
}

void facts_begin(struct facts_writer *w, struct txn *t, uint16_t generation, uint32_t run, uint16_t place)
{
    w->txn = t;
    buffer_clear(&w->kept);
    w->key = (struct fact_key){.generation = generation, .run = run, .place = place};
    group_clear(w);
}

/* The answer of the same response as each rating, counted from the subject's first. */
static bool find_partners(struct facts_writer *w)
{
    static const uint8_t SAME[][2] = {{FACT_RATING_AT, FACT_ANSWER_AT},
                                      {FACT_RATING_INSTRUMENT, FACT_ANSWER_INSTRUMENT},
                                      {FACT_RATING_QUESTION, FACT_ANSWER_QUESTION},
                                      {FACT_RATING_RESPONDENT, FACT_ANSWER_RESPONDENT},
                                      {FACT_RATING_SCORE, FACT_ANSWER_SCORE}};
    const struct rowgroup_values *v = &w->values;
    bool any = false;
    for (uint32_t i = 0; i < v->tables[FACT_RATING].n; i++) {
        const uint32_t base = v->tables[FACT_RATING].parents[i];
        const uint32_t first = v->tables[FACT_ANSWER].firsts[base],
                       end = v->tables[FACT_ANSWER].firsts[base + 1];
        int64_t partner = 0;
        for (uint32_t k = first; k < end; k++) {
            bool same = true;
            for (unsigned c = 0; c < sizeof(SAME) / sizeof(*SAME) && same; c++)
                same = v->tables[FACT_RATING].values[SAME[c][0]][i] ==
                       v->tables[FACT_ANSWER].values[SAME[c][1]][k];
            if (same) {
                partner = k - first;
                break;
            }
        }
        v->tables[FACT_RATING].partners[i] = partner;
        any |= partner != 0;
    }
    return any;
}

/* Writes a dimension's column as its difference to the base's or today's. */
static void add_dimension(struct facts_writer *w, unsigned table, unsigned set, unsigned field)
{
    const struct table_rows *t = &w->tables[table];
    const uint32_t n = w->values.tables[table].n;
    const size_t stride = FACT_TABLE_INFO[table].n_sets * FIELD_N_DIMENSIONS,
                 at = set * FIELD_N_DIMENSIONS + field;
    for (uint32_t i = 0; i < n; i++) {
        const uint16_t *of = rowgroup_is_of_today(&w->values, table, i) ? w->today : w->base_dimensions;
        w->column[i] =
            (int64_t)t->dimensions[i * stride + at] - of[(size_t)t->parents[i] * FIELD_N_DIMENSIONS + field];
    }
    block_add(&w->block, (uint8_t)FACT_DIMENSION(set, field), w->column, n, COLUMN_PACK, NULL);
}

/* Of solves: which of two ways of telling the times in new and open is right more often. */
static bool is_new_the_rest(const struct rowgroup_values *v)
{
    int64_t *const *of = v->tables[FACT_SOLVE].values;
    const uint32_t n = v->tables[FACT_SOLVE].n;
    uint32_t n_never_open = 0;
    for (uint32_t i = 0; i < n; i++)
        n_never_open += of[FACT_SOLVE_OPEN_MS][i] == 0;
    return n_never_open > n / 2;
}

static int add_value(struct facts_writer *w, unsigned table, unsigned column)
{
    const int64_t *values = w->values.tables[table].values[column];
    if (!w->tables[table].used[column])
        return 0; /* reads as zeros */
    int predicted = rowgroup_predict(&w->values, table, column, w->prediction);
    if (predicted >= 0)
        block_add(&w->block, (uint8_t)column, values, w->values.tables[table].n, COLUMN_PACK,
                  predicted ? w->prediction : NULL);
    return predicted < 0 ? predicted : 0;
}

static int write_table(struct facts_writer *w, unsigned table)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    const uint32_t n = w->values.tables[table].n;
    const uint16_t *firsts = w->values.tables[table].firsts;
    int r = block_begin(&w->block, n);
    bool is_identity = n == w->values.n_base;
    for (uint32_t base = 0; base < w->values.n_base; base++) {
        w->column[base] = firsts[base + 1] - firsts[base];
        is_identity &= w->column[base] == 1;
    }
    if (r == 0 && !is_identity)
        block_add(&w->block, ROWGROUP_COUNTS, w->column, w->values.n_base, COLUMN_PACK, NULL);
    if (table == FACT_SOLVE)
        w->values.new_is_rest = is_new_the_rest(&w->values);
    if (r == 0 && table == FACT_RATING && find_partners(w))
        block_add(&w->block, ROWGROUP_PARTNER, w->tables[table].partners, n, COLUMN_PACK, NULL);
    for (unsigned c = 0; c < info->n_values && r == 0; c++)
        if (!rowgroup_is_of_base(c))
            r = add_value(w, table, c);
    for (unsigned s = 0; s < info->n_sets && r == 0; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            if (w->tables[table].differs[s][f])
                add_dimension(w, table, s, f);
    return r < 0 ? r : block_finish(&w->block);
}

static int write_base(struct facts_writer *w)
{
    const uint32_t n = w->values.n_base;
    int r = block_begin(&w->block, n);
    if (r < 0)
        return r;
    block_add(&w->block, FACT_SUBJECT, w->base[FACT_SUBJECT], n, COLUMN_DELTA, NULL);
    block_add(&w->block, FACT_NAMESPACE, w->base[FACT_NAMESPACE], n, COLUMN_PACK, NULL);
    block_add(&w->block, FACT_CREATED, w->base[FACT_CREATED], n, COLUMN_DELTA, NULL);
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
        if (!w->used_base[f])
            continue;
        for (uint32_t i = 0; i < n; i++)
            w->column[i] = w->base_dimensions[(size_t)i * FIELD_N_DIMENSIONS + f];
        block_add(&w->block, FACT_DIMENSION(0, f), w->column, n, COLUMN_PACK, NULL);
    }
    return block_finish(&w->block);
}

static int write_group(struct facts_writer *w)
{
    struct rowgroup_writer g;
    unsigned n_blocks = 1;
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        struct table_rows *rows = &w->tables[t];
        if (w->values.tables[t].n)
            n_blocks++;
        if (!rows->values && table_make(w, t) < 0)
            return -ENOMEM;
        rowgroup_lay_out(rows->parents, w->values.tables[t].n, w->values.n_base, rows->firsts);
    }
    buffer_clear(&w->out);
    rowgroup_write_begin(&g, &w->out, n_blocks);
    size_t from = w->out.size;
    int r = write_base(w);
    rowgroup_write_block(&g, FACT_N_TABLES, from);
    for (unsigned t = 0; t < FACT_N_TABLES && r == 0; t++) {
        if (!w->values.tables[t].n)
            continue;
        from = w->out.size;
        r = write_table(w, t);
        rowgroup_write_block(&g, t, from);
    }
    if (r < 0 || buffer_failed(&w->out))
        return r < 0 ? r : -ENOMEM;
    uint8_t bytes[FACT_KEY_BYTES];
    fact_key_put(bytes, &w->key);
    if (w->key.place++ == UINT16_MAX)
        return -EOVERFLOW;
    group_clear(w);
    if (w->txn) {
        txn_put(w->txn, DB_FACTS, bytes, sizeof(bytes), w->out.data, w->out.size);
        return w->txn->rc ? -EIO : 0;
    }
    txn_keep(&w->kept, bytes, sizeof(bytes), &w->out);
    return buffer_failed(&w->kept) ? -ENOMEM : 0;
}

static void add_differences(uint16_t *restrict differs, const uint16_t *restrict dimensions,
                            const uint16_t *restrict of)
{
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        differs[f] |= dimensions[f] ^ of[f];
}

static int add_row(struct facts_writer *w, const struct fact_row *row, uint32_t parent)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    struct table_rows *t = &w->tables[row->table];
    const uint16_t *base = w->base_dimensions + (size_t)parent * FIELD_N_DIMENSIONS,
                   *today = w->today + (size_t)parent * FIELD_N_DIMENSIONS;
    if (!t->values && table_make(w, row->table) < 0)
        return -ENOMEM;
    const uint32_t i = w->values.tables[row->table].n++;
    int64_t *values = t->values + i;
    /* Asking for the lines that the next rows go to, as each column is elsewhere; and one value at a time, as
     * it was written: two read as one would wait until all that was written before has come to memory. */
    for (unsigned c = 0; c < info->n_values; c++, values += COLUMN_STRIDE) {
        __builtin_prefetch(values + 8, 1);
        *values = row->values[c];
        t->used[c] |= (uint64_t)row->values[c];
    }
    memcpy(t->dimensions + (size_t)i * info->n_sets * FIELD_N_DIMENSIONS, row->dimensions,
           info->n_sets * sizeof(row->dimensions[0]));
    const bool is_cut = row->table == FACT_SPAN || row->table == FACT_HOLDING; /* which rows are last? */
    for (unsigned set = 0; set < info->n_sets; set++) {
        add_differences(t->differs[set], row->dimensions[set], row->table == FACT_TICKET ? base : today);
        if (is_cut)
            add_differences(t->differs[set], row->dimensions[set], base);
    }
    t->parents[i] = (uint16_t)parent;
    return 0;
}

int facts_subject(struct facts_writer *w, size_t n_rows)
{
    bool has_room = w->values.n_base < ROWGROUP_SUBJECTS;
    w->is_open = false;
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        has_room &= w->values.tables[t].n + n_rows <= ROWGROUP_ROWS;
    return has_room || w->values.n_base == 0 ? 0 : write_group(w);
}

int facts_add(struct facts_writer *w, const struct fact_row *row)
{
    if (w->values.tables[row->table].n == ROWGROUP_ROWS) { /* its other rows go to another group */
        int r = write_group(w);
        if (r < 0)
            return r;
        w->is_open = false;
    }
    if (!w->is_open) {
        const uint32_t base = w->values.n_base++;
        w->is_open = true;
        w->base[FACT_SUBJECT][base] = row->values[FACT_SUBJECT];
        w->base[FACT_NAMESPACE][base] = row->values[FACT_NAMESPACE];
        w->base[FACT_CREATED][base] = row->values[FACT_CREATED];
        memcpy(w->base_dimensions + (size_t)base * FIELD_N_DIMENSIONS, row->dimensions[0],
               sizeof(row->dimensions[0]));
        memcpy(w->today + (size_t)base * FIELD_N_DIMENSIONS, row->dimensions[row->table == FACT_TICKET],
               sizeof(row->dimensions[0]));
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            w->used_base[f] |= row->dimensions[0][f];
    }
    return add_row(w, row, w->values.n_base - 1);
}

int facts_cut(struct facts_writer *w)
{
    return w->values.n_base ? write_group(w) : 0;
}

int facts_finish(struct facts_writer *w)
{
    int r = facts_cut(w);
    w->txn = NULL;
    return r;
}

int facts_put(struct facts_writer *w, struct txn *t)
{
    txn_put_kept(t, DB_FACTS, FACT_KEY_BYTES, &w->kept);
    return t->rc ? -EIO : 0;
}

/* --- what no longer holds
 * ----------------------------------------------------------------------------------------- */

/* Marks the subject in one group, where it is there. */
static int bury_in(const MDB_val *value, const struct fact_key *key, struct memtable *m, uint32_t subject,
                   uint64_t died)
{
    struct rowgroup g;
    int64_t first, last, subjects[ROWGROUP_SUBJECTS];
    bool open;
    int r = rowgroup_open(&g, value->mv_data, value->mv_size, false);
    if (r < 0 || !block_range(&g.base, FACT_SUBJECT, &first, &last, &open) || subject < first ||
        subject > last)
        return r;
    r = block_read(&g.base, FACT_SUBJECT, NULL, g.base.n_rows, subjects);
    for (uint32_t i = 0; i < g.base.n_rows && r == 0; i++) {
        if (subjects[i] != subject)
            continue;
        const struct memtable_dead dead = {
            .died = died, .run = key->run, .row = i, .generation = key->generation, .place = key->place};
        return memtable_add_dead(m, &dead);
    }
    return r;
}

int facts_bury(struct txn *t, struct memtable *m, uint16_t generation, uint32_t run, uint32_t subject,
               uint64_t died)
{
    struct fact_key key = {.generation = generation, .run = run}, at;
    uint8_t bytes[FACT_KEY_BYTES];
    fact_key_put(bytes, &key);
    struct walk walk;
    int r = walk_open(&walk, t, DB_FACTS, bytes, sizeof(bytes));
    while (r == 0 && walk_next(&walk) && fact_key_get(&walk.key, &at) && at.generation == generation &&
           at.run == run)
        r = bury_in(&walk.value, &at, m, subject, died);
    walk_close(&walk, t);
    return r < 0 ? r : t->rc ? -EIO : 0;
}

static int by_group(const void *a, const void *b)
{
    const struct memtable_dead *x = a, *y = b;
    if (x->generation != y->generation)
        return x->generation < y->generation ? -1 : 1;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* The dead of one group. */
static int settle_group(struct txn *t, const struct memtable_dead *dead, size_t n)
{
    struct fact_key key = {.generation = dead->generation, .run = dead->run, .place = dead->place};
    uint8_t bytes[FACT_KEY_BYTES], bits[ROWGROUP_SUBJECTS / 8] = {0};
    MDB_val value;
    struct rowgroup g;
    fact_key_put(bytes, &key);
    if (!txn_get(t, DB_FACTS, bytes, sizeof(bytes), &value))
        return t->rc ? -EIO : 0;
    if (rowgroup_open(&g, value.mv_data, value.mv_size, false) < 0)
        return -EBADMSG;
    const uint32_t n_rows = g.base.n_rows;
    size_t n_bytes = (n_rows + 7) / 8, n_dead = 0;
    if (txn_get(t, DB_DEAD, bytes, sizeof(bytes), &value) && value.mv_size == n_bytes)
        memcpy(bits, value.mv_data, n_bytes);
    for (size_t i = 0; i < n; i++)
        if (dead[i].row < n_rows)
            bits[dead[i].row / 8] |= (uint8_t)(1 << dead[i].row % 8);
    for (size_t i = 0; i < n_bytes; i++)
        n_dead += (size_t)__builtin_popcount(bits[i]);
    if (n_dead == n_rows) {
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
    qsort(all, n, sizeof(*all), by_group);
    int r = 0;
    for (uint32_t i = 0, end; i < n && r == 0; i = end) {
        for (end = i + 1; end < n && by_group(&all[i], &all[end]) == 0;)
            end++;
        r = settle_group(t, all + i, end - i);
    }
    free(all);
    return r;
}

/* Whether groups of a generation are to stay. */
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
