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
    atomic_store_explicit(&s->asked_at, store_now_ms(), memory_order_relaxed);
    int r = 0;
    /* Commits fold at once from here on, so this ends. */
    while (r == 0 && s->is_readable && s->n_touched) {
        (void)pthread_mutex_unlock(&s->view_lock);
        r = store_catch_up(s, err);
        (void)pthread_mutex_lock(&s->view_lock);
    }
    if (r == 0)
        r = s->is_readable
                ? txn_begin(&v->txn, &s->db, false, err)
                : error_set(err, -EAGAIN, "store_failed",
                            "the tenant's store is still being read back after a failed commit; ask again");
    if (r == 0) {
        v->memtable = memtable_ref(s->memtable);
        v->environment = environment_ref(s->environment);
        v->before = environment_ref(s->before);
        v->as_of = s->as_of;
        v->shown = s->shown;
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

/* A row of a sealed group's base that no longer holds. */
struct dead_row {
    uint64_t group; /* group_of */
    uint32_t row;
};

struct fact_scan {
    const struct store_view *view;
    enum fact_table table;
    struct fact_bound *bounds;
    size_t n_bounds;
    struct fact_scan_statistics statistics;

    struct walk walk;                   /* over the sealed groups, until it ends */
    bool in_memory;                     /* now over the memtable's chunks */
    struct rowgroup group;              /* the one that was given last, while not in_memory */
    struct rowgroup_reader *reader;     /* at it */
    const struct memtable_chunk *given; /* or the chunk */
    unsigned chunk;
    uint32_t n_memory_rows;

    struct dead_row *dead; /* of the generation in the memtable's list, sorted */
    size_t n_dead;

    bool wants_value[FACT_VALUES_MAX], wants_dimension[2][FIELD_N_DIMENSIONS];
    uint8_t *live, *live_base;
    uint8_t prefix[2]; /* of the keys: the generation */
    bool in_frozen;    /* the view's own generation has been read */
};

static uint64_t group_of(uint32_t run, uint16_t place)
{
    return (uint64_t)run << 16 | place;
}

static int by_group(const void *a, const void *b)
{
    const struct dead_row *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
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
        if (d->died <= scan->view->shown)
            dead[scan->n_dead++] = (struct dead_row){.group = group_of(d->run, d->place), .row = d->row};
    }
    qsort(dead, scan->n_dead, sizeof(*dead), by_group);
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
        if (c < FACT_VALUES_MAX)
            scan->wants_value[c] = true;
        else
            scan->wants_dimension[(c - FACT_VALUES_MAX) / FIELD_N_DIMENSIONS]
                                 [(c - FACT_VALUES_MAX) % FIELD_N_DIMENSIONS] = true;
    }
    ok &= rowgroup_reader_new(&scan->reader) == 0;
    ok &= (scan->live = malloc(FACT_VECTOR_ROWS)) != NULL;
    ok &= (scan->live_base = malloc(ROWGROUP_SUBJECTS)) != NULL;
    if (n_bounds) {
        ok &= (scan->bounds = malloc(n_bounds * sizeof(*bounds))) != NULL;
        if (scan->bounds)
            memcpy(scan->bounds, bounds, n_bounds * sizeof(*bounds));
        scan->n_bounds = n_bounds;
    }
    ok = ok && list_dead(scan) == 0;
    put_u16(scan->prefix, v->generation);
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
    rowgroup_reader_free(scan->reader);
    free(scan->live_base);
    free(scan->live);
    free(scan->bounds);
    free(scan->dead);
    free(scan);
}

const struct fact_scan_statistics *fact_scan_statistics(const struct fact_scan *scan)
{
    return &scan->statistics;
}

static bool may_hold(const struct fact_scan *scan, const struct rowgroup *g)
{
    for (size_t i = 0; i < scan->n_bounds; i++) {
        const struct fact_bound *bound = &scan->bounds[i];
        int64_t min, max;
        bool null, open, plain = rowgroup_range(g, scan->table, bound->column, &min, &max, &null, &open);
        bool overlaps = plain && min <= bound->high && max >= bound->low;
        if (!overlaps && !(open && bound->high == FACT_FOREVER))
            return false;
    }
    return true;
}

/* The rows of a sealed group that hold, into *ret; NULL when all do. */
static int group_live(struct fact_scan *scan, const struct fact_key *key, const MDB_val *raw,
                      const uint8_t **ret)
{
    MDB_val bits;
    uint64_t group = group_of(key->run, key->place);
    const uint32_t n = scan->group.base.n_rows;
    size_t low = 0, high = scan->n_dead;
    const struct dead_row *dead = scan->dead;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dead[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = NULL;
    bool has_bits = txn_get((struct txn *)&scan->view->txn, DB_DEAD, raw->mv_data, raw->mv_size, &bits) &&
                    bits.mv_size == (n + 7) / 8;
    if (!has_bits && (low == scan->n_dead || dead[low].group != group))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        scan->live_base[i] = has_bits ? !(((const uint8_t *)bits.mv_data)[i / 8] >> i % 8 & 1) : 1;
    for (; low < scan->n_dead && dead[low].group == group; low++)
        if (dead[low].row < n)
            scan->live_base[dead[low].row] = 0;
    *ret = scan->live;
    return rowgroup_reader_live(scan->reader, scan->table, scan->live_base, scan->live);
}

static int read_group(struct fact_scan *scan, struct fact_vector *ret)
{
    int r = 0;
    for (unsigned v = 0; v < FACT_VALUES_MAX && r == 0; v++)
        if (scan->wants_value[v])
            r = rowgroup_reader_value(scan->reader, scan->table, v, &ret->values[v]);
    for (unsigned s = 0; s < 2; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS && r == 0; f++)
            if (scan->wants_dimension[s][f])
                r = rowgroup_reader_dimension(scan->reader, scan->table, s, f, &ret->dimensions[s][f]);
    return r;
}

static int next_of_generation(struct fact_scan *scan, struct fact_vector *ret)
{
    while (walk_next(&scan->walk)) {
        struct fact_key key;
        struct rowgroup *g = &scan->group;
        if (!fact_key_get(&scan->walk.key, &key) || memcmp(scan->walk.key.mv_data, scan->prefix, 2) != 0)
            break;
        int r = rowgroup_open(g, scan->walk.value.mv_data, scan->walk.value.mv_size, false);
        if (r < 0)
            return -EBADMSG;
        if (g->tables[scan->table].n_rows == 0)
            continue;
        if (!may_hold(scan, g)) {
            scan->statistics.blocks_skipped++;
            continue;
        }
        rowgroup_reader_set(scan->reader, g);
        *ret = (struct fact_vector){.n = g->tables[scan->table].n_rows};
        r = read_group(scan, ret);
        if (r == 0)
            r = group_live(scan, &key, &scan->walk.key, &ret->live);
        if (r < 0)
            return r;
        scan->statistics.blocks_read++;
        scan->statistics.rows += ret->n;
        scan->statistics.bytes += g->tables[scan->table].size;
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
    uint64_t shown = scan->view->shown;
    scan->given = c;
    *ret = (struct fact_vector){.n = n, .live = scan->live};
    for (uint32_t i = 0; i < n; i++)
        scan->live[i] =
            c->born[i] <= shown && atomic_load_explicit(&c->died[i], memory_order_acquire) > shown;
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
    int r = is_value ? rowgroup_reader_value(scan->reader, scan->table, column, &ret->values[column])
                     : rowgroup_reader_dimension(scan->reader, scan->table, set, f, &ret->dimensions[set][f]);
    return r < 0 ? error_set(err, r, "store_corrupt", "a block of facts cannot be read: %s", strerror(-r))
                 : 0;
}
