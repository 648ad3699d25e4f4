#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

int store_view_open(struct store *s, struct store_view **ret, struct error *err)
{
    struct store_view *v = calloc(1, sizeof(*v));
    if (!v)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a view");
    v->store = s;
    (void)pthread_mutex_lock(&s->view_lock);
    int r = s->is_readable
                ? txn_begin(&v->txn, &s->db, false, err)
                : error_set(err, -EAGAIN, "store_failed",
                            "the tenant's store is still being read back after a failed commit; ask again");
    if (r == 0) {
        v->memtable = memtable_ref(s->memtable);
        v->environment = environment_ref(s->environment);
        v->before = environment_ref(s->before);
        v->as_of = s->as_of;
        v->generation = s->generation;
        v->progress = s->progress;
    }
    (void)pthread_mutex_unlock(&s->view_lock);
    if (r < 0) {
        free(v);
        return r;
    }
    *ret = v;
    return 0;
}

void store_view_close(struct store_view *v)
{
    if (!v)
        return;
    txn_abort(&v->txn);
    memtable_unref(v->memtable);
    environment_unref(v->environment);
    environment_unref(v->before);
    free(v);
}

uint64_t store_view_as_of(const struct store_view *v)
{
    return v->as_of;
}

bool store_view_is_refolding(const struct store_view *v)
{
    return v->progress.is_refolding;
}

const struct dictionary *store_view_dictionary(const struct store_view *v)
{
    return v->store->dictionary;
}

const struct reference *store_view_reference(const struct store_view *v)
{
    return v->environment->reference;
}

void store_view_fold(const struct store_view *v, struct fold_environment *ret)
{
    *ret = (struct fold_environment){
        .dictionary = v->store->dictionary,
        .reference = v->before->reference,
        .settings = &v->before->settings,
        .declared = (const char(*)[EVENT_CODE_BYTES + 1]) v->store->declared,
        .n_declared = atomic_load_explicit(&v->store->n_declared, memory_order_acquire),
    };
}

/* --- scans
 * ---------------------------------------------------------------------------------------------------- */

/* A row of a sealed block that no longer holds. */
struct dead_row {
    uint64_t block; /* block_of */
    uint32_t row;
};

struct fact_scan {
    const struct store_view *view;
    enum fact_table table;
    struct fact_bound *bounds;
    size_t n_bounds;
    struct fact_scan_statistics statistics;

    struct walk walk;                   /* over the sealed blocks, until it ends */
    bool in_memory;                     /* now over the memtable's chunks */
    struct block block;                 /* the one that was given last, while not in_memory */
    const struct memtable_chunk *given; /* or the chunk */
    unsigned chunk;
    uint32_t n_memory_rows;

    struct dead_row *dead; /* of this table in the memtable's list, sorted */
    size_t n_dead;

    bool wants_value[FACT_VALUES_MAX], wants_dimension[2][FIELD_N_DIMENSIONS];
    int64_t *values[FACT_VALUES_MAX]; /* decoded columns that were asked for */
    uint16_t *dimensions[2][FIELD_N_DIMENSIONS];
    int64_t *scratch;
    uint8_t *live;
    uint8_t prefix[3]; /* of the keys: generation and table */
    bool in_frozen;    /* the view's own generation has been read */
};

static uint64_t block_of(uint32_t run, uint16_t month, uint16_t place)
{
    return (uint64_t)run << 32 | (uint64_t)month << 16 | place;
}

static int by_block(const void *a, const void *b)
{
    const struct dead_row *x = a, *y = b;
    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int list_dead(struct fact_scan *scan)
{
    const struct memtable *m = scan->view->memtable;
    uint32_t n = atomic_load_explicit(&m->n_dead, memory_order_acquire);
    if (n == 0)
        return 0;
    struct dead_row *dead = malloc(n * sizeof(*dead));
    if (!dead)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        const struct memtable_dead *d = memtable_dead_at(m, i);
        if (d->table == scan->table && d->died <= scan->view->as_of)
            dead[scan->n_dead++] =
                (struct dead_row){.block = block_of(d->run, d->month, d->place), .row = d->row};
    }
    qsort(dead, scan->n_dead, sizeof(*dead), by_block);
    scan->dead = dead;
    return 0;
}

int fact_scan_open(const struct store_view *v, enum fact_table table, const uint8_t *columns,
                   size_t n_columns, const struct fact_bound *bounds, size_t n_bounds, struct fact_scan **ret,
                   struct error *err)
{
    if (!v->progress.has_facts) {
        (void)error_set(err, -EAGAIN, "refolding",
                        "the tenant's facts are being made anew by this version of the collector: %llu of "
                        "%llu tickets so far",
                        (unsigned long long)v->progress.n_done, (unsigned long long)v->progress.n_subjects);
        error_hint(err, "ask again when it is done; tendon status shows how far it is");
        return -EAGAIN;
    }
    struct fact_scan *scan = calloc(1, sizeof(*scan));
    if (!scan)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a scan");
    scan->view = v;
    scan->table = table;
    bool ok = true;
    for (size_t i = 0; i < n_columns; i++) {
        unsigned c = columns[i];
        if (c < FACT_VALUES_MAX) {
            scan->wants_value[c] = true;
            if (!scan->values[c])
                ok &= (scan->values[c] = malloc(FACT_VECTOR_ROWS * sizeof(int64_t))) != NULL;
        } else {
            unsigned set = (c - FACT_VALUES_MAX) / FIELD_N_DIMENSIONS,
                     f = (c - FACT_VALUES_MAX) % FIELD_N_DIMENSIONS;
            scan->wants_dimension[set][f] = true;
            if (!scan->dimensions[set][f])
                ok &= (scan->dimensions[set][f] = malloc(FACT_VECTOR_ROWS * sizeof(uint16_t))) != NULL;
        }
    }
    ok &= (scan->scratch = malloc(FACT_VECTOR_ROWS * sizeof(int64_t))) != NULL;
    ok &= (scan->live = malloc(FACT_VECTOR_ROWS)) != NULL;
    if (n_bounds) {
        ok &= (scan->bounds = malloc(n_bounds * sizeof(*bounds))) != NULL;
        if (scan->bounds)
            memcpy(scan->bounds, bounds, n_bounds * sizeof(*bounds));
        scan->n_bounds = n_bounds;
    }
    ok = ok && list_dead(scan) == 0;
    put_u16(scan->prefix, v->generation);
    scan->prefix[2] = (uint8_t)table;
    scan->n_memory_rows = atomic_load_explicit(&v->memtable->parts[table].n_rows, memory_order_acquire);
    if (!ok ||
        walk_open(&scan->walk, (struct txn *)&v->txn, DB_FACTS, scan->prefix, sizeof(scan->prefix)) < 0) {
        fact_scan_close(scan);
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a scan");
    }
    *ret = scan;
    return 0;
}

void fact_scan_close(struct fact_scan *scan)
{
    if (!scan)
        return;
    walk_close(&scan->walk, (struct txn *)&scan->view->txn);
    for (unsigned i = 0; i < FACT_VALUES_MAX; i++)
        free(scan->values[i]);
    for (unsigned s = 0; s < 2; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            free(scan->dimensions[s][f]);
    free(scan->scratch);
    free(scan->live);
    free(scan->bounds);
    free(scan->dead);
    free(scan);
}

const struct fact_scan_statistics *fact_scan_statistics(const struct fact_scan *scan)
{
    return &scan->statistics;
}

static bool may_hold(const struct fact_scan *scan, const struct block *b)
{
    for (size_t i = 0; i < scan->n_bounds; i++) {
        const struct fact_bound *bound = &scan->bounds[i];
        int64_t min, max;
        bool open, plain = block_range(b, (uint8_t)bound->column, &min, &max, &open);
        bool overlaps = plain && min <= bound->high && max >= bound->low;
        if (!overlaps && !(open && bound->high == FACT_FOREVER))
            return false;
    }
    return true;
}

/* The rows of a sealed block that hold; NULL when all do. */
static const uint8_t *block_live(struct fact_scan *scan, const struct fact_key *key, const MDB_val *raw,
                                 uint32_t n)
{
    MDB_val bits;
    uint64_t block = block_of(key->run, key->month, key->place);
    size_t low = 0, high = scan->n_dead;
    const struct dead_row *dead = scan->dead;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dead[middle].block < block)
            low = middle + 1;
        else
            high = middle;
    }
    bool has_bits = txn_get((struct txn *)&scan->view->txn, DB_DEAD, raw->mv_data, raw->mv_size, &bits) &&
                    bits.mv_size == (n + 7) / 8;
    if (!has_bits && (low == scan->n_dead || dead[low].block != block))
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        scan->live[i] = has_bits ? !(((const uint8_t *)bits.mv_data)[i / 8] >> i % 8 & 1) : 1;
    for (; low < scan->n_dead && dead[low].block == block; low++)
        if (dead[low].row < n)
            scan->live[dead[low].row] = 0;
    return scan->live;
}

static int read_value(struct fact_scan *scan, const struct block *b, unsigned v, struct fact_vector *ret)
{
    const int64_t *known[FACT_VALUES_MAX];
    memcpy(known, ret->values, sizeof(known));
    ret->values[v] = scan->values[v];
    return block_read_beside(b, (uint8_t)v, known, FACT_VALUES_MAX, scan->values[v]);
}

static int read_dimension(struct fact_scan *scan, const struct block *b, unsigned s, unsigned f,
                          struct fact_vector *ret)
{
    uint16_t *out = scan->dimensions[s][f];
    ret->dimensions[s][f] = out;
    if (!block_has(b, FACT_DIMENSION(s, f))) {
        memset(out, 0, b->n_rows * sizeof(*out));
        return 0;
    }
    int r = block_read(b, FACT_DIMENSION(s, f), scan->scratch);
    for (uint32_t i = 0; i < b->n_rows; i++)
        out[i] = (uint16_t)scan->scratch[i];
    return r;
}

static int read_block(struct fact_scan *scan, const struct block *b, struct fact_vector *ret)
{
    int r = 0;
    for (unsigned v = 0; v < FACT_VALUES_MAX && r == 0; v++)
        if (scan->wants_value[v])
            r = read_value(scan, b, v, ret);
    for (unsigned s = 0; s < 2; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS && r == 0; f++)
            if (scan->wants_dimension[s][f])
                r = read_dimension(scan, b, s, f, ret);
    return r;
}

static int next_of_generation(struct fact_scan *scan, struct fact_vector *ret)
{
    while (walk_next(&scan->walk)) {
        struct fact_key key;
        struct block b;
        if (!fact_key_get(&scan->walk.key, &key) || memcmp(scan->walk.key.mv_data, scan->prefix, 3) != 0)
            break;
        int r = block_open(&b, scan->walk.value.mv_data, scan->walk.value.mv_size, false);
        if (r < 0 || b.n_rows > FACT_VECTOR_ROWS)
            return -EBADMSG;
        if (!may_hold(scan, &b)) {
            scan->statistics.blocks_skipped++;
            continue;
        }
        *ret = (struct fact_vector){.n = b.n_rows};
        r = read_block(scan, &b, ret);
        if (r < 0)
            return r;
        ret->live = block_live(scan, &key, &scan->walk.key, b.n_rows);
        scan->block = b;
        scan->statistics.blocks_read++;
        scan->statistics.rows += b.n_rows;
        scan->statistics.bytes += b.size;
        return 1;
    }
    if (scan->walk.rc && scan->walk.rc != MDB_NOTFOUND)
        return -EIO;
    return 0;
}

static int next_sealed(struct fact_scan *scan, struct fact_vector *ret)
{
    int r = next_of_generation(scan, ret);
    if (r != 0 || scan->in_frozen)
        return r;
    struct txn *t = (struct txn *)&scan->view->txn;
    walk_close(&scan->walk, t);
    scan->in_frozen = true;
    put_u16(scan->prefix, FACTS_FROZEN);
    r = walk_open(&scan->walk, t, DB_FACTS, scan->prefix, sizeof(scan->prefix));
    return r < 0 ? r : next_of_generation(scan, ret);
}

static int next_memory(struct fact_scan *scan, struct fact_vector *ret)
{
    const struct memtable_part *part = &scan->view->memtable->parts[scan->table];
    uint32_t first = 0;
    for (unsigned i = 0; i < scan->chunk; i++)
        first += memtable_chunk_rows(i);
    if (first >= scan->n_memory_rows)
        return 0;
    const struct memtable_chunk *c = part->chunks[scan->chunk++];
    uint32_t n = scan->n_memory_rows - first < c->n_rows_max ? scan->n_memory_rows - first : c->n_rows_max;
    uint64_t as_of = scan->view->as_of;
    scan->given = c;
    *ret = (struct fact_vector){.n = n, .live = scan->live};
    for (uint32_t i = 0; i < n; i++)
        scan->live[i] =
            c->born[i] <= as_of && atomic_load_explicit(&c->died[i], memory_order_acquire) > as_of;
    for (unsigned v = 0; v < FACT_VALUES_MAX; v++)
        if (scan->wants_value[v])
            ret->values[v] = c->values + (size_t)v * c->n_rows_max;
    for (unsigned s = 0; s < 2; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            if (scan->wants_dimension[s][f])
                ret->dimensions[s][f] = c->dimensions + (size_t)(s * FIELD_N_DIMENSIONS + f) * c->n_rows_max;
    scan->statistics.rows += n;
    return 1;
}

int fact_scan_next(struct fact_scan *scan, struct fact_vector *ret, struct error *err)
{
    if (!scan->in_memory) {
        int r = next_sealed(scan, ret);
        if (r < 0)
            return error_set(err, r, "store_corrupt", "a block of facts cannot be read: %s", strerror(-r));
        if (r == 1)
            return 1;
        scan->in_memory = true;
    }
    return next_memory(scan, ret);
}

int fact_scan_fetch(struct fact_scan *scan, uint8_t column, struct fact_vector *ret, struct error *err)
{
    bool is_value = column < FACT_VALUES_MAX;
    unsigned set = is_value ? 0 : (column - FACT_VALUES_MAX) / FIELD_N_DIMENSIONS,
             f = is_value ? 0 : (column - FACT_VALUES_MAX) % FIELD_N_DIMENSIONS;
    if (scan->in_memory) {
        const struct memtable_chunk *c = scan->given;
        if (is_value)
            ret->values[column] = c->values + (size_t)column * c->n_rows_max;
        else
            ret->dimensions[set][f] = c->dimensions + (size_t)(set * FIELD_N_DIMENSIONS + f) * c->n_rows_max;
        return 0;
    }
    void *room = is_value ? (void *)scan->values[column] : (void *)scan->dimensions[set][f];
    if (!room) {
        room = malloc(FACT_VECTOR_ROWS * (is_value ? sizeof(int64_t) : sizeof(uint16_t)));
        if (!room)
            return error_set(err, -ENOMEM, "no_memory", "out of memory for a scan");
        if (is_value)
            scan->values[column] = room;
        else
            scan->dimensions[set][f] = room;
    }
    int r = is_value ? read_value(scan, &scan->block, column, ret)
                     : read_dimension(scan, &scan->block, set, f, ret);
    return r < 0 ? error_set(err, r, "store_corrupt", "a block of facts cannot be read: %s", strerror(-r))
                 : 0;
}
