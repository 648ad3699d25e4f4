#include "core/store/piece.h"
#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

/* Notes that a view of facts is being opened. */
static void note_asked(struct store *s, uint32_t tables)
{
    const int64_t now = store_now_ms();
    int64_t last = atomic_exchange_explicit(&s->asked_at, now, memory_order_relaxed);
    atomic_store_explicit(&s->asked_before, last, memory_order_relaxed);
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        if (tables & FACT_TABLE_BIT(t))
            atomic_store_explicit(&s->table_asked_at[t], now, memory_order_relaxed);
}

/* What the store shows now. Under the view lock. 1: not yet, what goes with the file is shown at once; the
 * lock was given up until then. */
static int view_take(struct store_view *v, struct error *err)
{
    struct store *s = v->store;
    int r = s->is_readable
                ? txn_begin(&v->txn, &s->db, false, err)
                : error_set(err, -EAGAIN, "store_failed",
                            "the tenant's store is still being read back after a failed commit; ask again");
    if (r < 0)
        return r;
    if (s->sealing && txn_id(&v->txn) >= s->sealing) {
        txn_abort(&v->txn);
        (void)pthread_cond_wait(&s->seal_shown, &s->view_lock);
        return 1;
    }
    v->memtable = memtable_ref(s->memtable);
    v->environment = environment_ref(s->environment);
    v->before = environment_ref(s->before);
    v->as_of = s->as_of;
    v->shown = s->shown;
    v->generation = s->generation;
    v->progress = s->progress;
    return 0;
}

/* Folds what is touched and takes what is shown then, before a commit leaves more to fold. */
static int view_catch_up(struct store_view *v, struct error *err)
{
    struct store *s = v->store;
    store_turn_take(s);
    int r = store_catch_up(s, v->tables, err);
    (void)pthread_mutex_lock(&s->view_lock);
    if (r == 0)
        r = view_take(v, err);
    (void)pthread_mutex_unlock(&s->view_lock);
    store_turn_give(s);
    return r;
}

int store_view_open(struct store *s, uint32_t tables, struct store_view **ret, struct error *err)
{
    int r = 1;
    struct store_view *v = calloc(1, sizeof(*v));
    if (!v)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a view");
    v->store = s;
    v->tables = tables;
    if (tables)
        note_asked(s, tables);
    while (r == 1) {
        (void)pthread_mutex_lock(&s->view_lock);
        const bool must_catch_up = tables && s->is_readable && (s->n_touched || tables & ~s->shown_tables);
        if (!must_catch_up)
            r = view_take(v, err);
        (void)pthread_mutex_unlock(&s->view_lock);
        if (must_catch_up)
            r = view_catch_up(v, err);
    }
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
    free(v->groups);
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

struct fact_scan {
    const struct store_view *view;
    enum fact_table table;
    struct fact_scan_statistics statistics;

    struct piece *pieces;
    size_t n_pieces, capacity;
    atomic_size_t next; /* piece to be taken */

    struct dead_row *dead; /* in the memtable's list, sorted */
    size_t n_dead;

    bool wants_value[FACT_VALUES_MAX], wants_dimension[2][FIELD_N_DIMENSIONS];
    struct fact_reader *reader; /* of fact_scan_next */
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

static int add_piece(struct fact_scan *scan, const struct piece *p)
{
    if (scan->n_pieces == scan->capacity) {
        size_t capacity = scan->capacity ? scan->capacity * 2 : 64;
        struct piece *grown = realloc(scan->pieces, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        scan->pieces = grown;
        scan->capacity = capacity;
    }
    scan->pieces[scan->n_pieces++] = *p;
    scan->statistics.rows += p->n_rows;
    return 0;
}

static bool may_hold(const struct piece *p, const struct fact_bound *bounds, size_t n_bounds)
{
    for (size_t i = 0; i < n_bounds; i++) {
        struct fact_range range;
        piece_range(p, (uint8_t)bounds[i].column, &range);
        bool overlaps = range.min <= bounds[i].high && range.max >= bounds[i].low;
        if (!overlaps && !(range.has_forever && bounds[i].high == FACT_FOREVER))
            return false;
    }
    return true;
}

/* Which rows of a group's base no longer hold, beside those that its bits tell of. */
static void find_dead(const struct fact_scan *scan, struct piece *p)
{
    size_t low = 0, high = scan->n_dead;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (scan->dead[middle].group < p->sealed->group)
            low = middle + 1;
        else
            high = middle;
    }
    p->dead = scan->dead + low;
    while (low + p->n_dead < scan->n_dead && p->dead[p->n_dead].group == p->sealed->group)
        p->n_dead++;
}

static int add_group(struct store_view *v, size_t *capacity, const struct walk *walk)
{
    struct fact_key key;
    MDB_val bits;
    if (v->n_groups == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 64;
        struct sealed_group *grown = realloc(v->groups, *capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        v->groups = grown;
    }
    struct sealed_group *g = &v->groups[v->n_groups];
    *g = (struct sealed_group){0};
    if (!fact_key_get(&walk->key, &key) ||
        rowgroup_open(&g->rows, walk->value.mv_data, walk->value.mv_size, false) < 0)
        return -EBADMSG;
    g->group = group_of(key.run, key.place);
    if (txn_get(&v->txn, DB_DEAD, walk->key.mv_data, walk->key.mv_size, &bits) &&
        bits.mv_size == (g->rows.base.n_rows + 7) / 8)
        g->dead_bits = bits.mv_data;
    v->n_groups++;
    return 0;
}

static int list_generation(struct store_view *v, uint16_t generation, size_t *capacity)
{
    struct walk walk;
    uint8_t prefix[2]; /* of the keys */
    put_u16(prefix, generation);
    int r = walk_open(&walk, &v->txn, DB_FACTS, prefix, sizeof(prefix));
    if (r < 0)
        return r;
    while (r == 0 && walk_next(&walk) && memcmp(walk.key.mv_data, prefix, sizeof(prefix)) == 0)
        r = add_group(v, capacity, &walk);
    if (r == 0 && walk.rc && walk.rc != MDB_NOTFOUND)
        r = -EIO;
    walk_close(&walk, &v->txn);
    return r;
}

/* The sealed groups of a view: listed by its first scan, for all of them. */
static int list_groups(struct store_view *v)
{
    size_t capacity = 0;
    if (v->has_groups)
        return 0;
    int r = list_generation(v, v->generation, &capacity);
    if (r == 0)
        r = list_generation(v, FACTS_FROZEN, &capacity);
    v->has_groups = r == 0;
    if (r < 0) {
        free(v->groups);
        v->groups = NULL;
        v->n_groups = 0;
    }
    return r;
}

static int list_sealed(struct fact_scan *scan, const struct fact_bound *bounds, size_t n_bounds)
{
    int r = list_groups((struct store_view *)scan->view);
    for (size_t i = 0; i < scan->view->n_groups && r == 0; i++) {
        const struct sealed_group *g = &scan->view->groups[i];
        struct piece p = {.sealed = g, .table = scan->table, .n_rows = g->rows.tables[scan->table].n_rows};
        if (p.n_rows == 0)
            continue;
        if (!may_hold(&p, bounds, n_bounds)) {
            scan->statistics.blocks_skipped++;
            continue;
        }
        find_dead(scan, &p);
        scan->statistics.blocks_read++;
        scan->statistics.bytes += g->rows.tables[scan->table].size;
        r = add_piece(scan, &p);
    }
    return r;
}

static int list_memory(struct fact_scan *scan, const struct fact_bound *bounds, size_t n_bounds)
{
    const struct memtable *m = scan->view->memtable;
    const uint32_t n = atomic_load_explicit(&m->parts[scan->table].n_places, memory_order_acquire);
    int r = 0;
    for (uint32_t i = 0; i < n && r == 0; i++) {
        struct piece p = {.table = scan->table};
        p.chunk = memtable_chunk_at(m, scan->table, i, &p.n_rows);
        if (p.n_rows > 0 && may_hold(&p, bounds, n_bounds))
            r = add_piece(scan, &p);
    }
    return r;
}

static int block_error(struct error *err, int r)
{
    if (r == -ENOMEM)
        return error_set(err, r, "no_memory", "out of memory for a scan");
    return error_set(err, r, "store_corrupt", "a block of facts cannot be read: %s", strerror(-r));
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
    if (!(v->tables & FACT_TABLE_BIT(table)))
        return error_set(err, -EINVAL, "store_failed", "the view was opened without facts of the table %s",
                         FACT_TABLE_INFO[table].name);
    struct fact_scan *scan = calloc(1, sizeof(*scan));
    if (!scan)
        return block_error(err, -ENOMEM);
    scan->view = v;
    scan->table = table;
    for (size_t i = 0; i < n_columns; i++) {
        unsigned c = columns[i], d = c - FACT_VALUES_MAX;
        if (c < FACT_VALUES_MAX)
            scan->wants_value[c] = true;
        else
            scan->wants_dimension[d / FIELD_N_DIMENSIONS][d % FIELD_N_DIMENSIONS] = true;
    }
    int r = list_dead(scan);
    if (r == 0)
        r = list_sealed(scan, bounds, n_bounds);
    if (r == 0)
        r = list_memory(scan, bounds, n_bounds);
    if (r < 0) {
        fact_scan_close(scan);
        return block_error(err, r);
    }
    *ret = scan;
    return 0;
}

void fact_scan_close(struct fact_scan *scan)
{
    if (!scan)
        return;
    fact_reader_free(scan->reader);
    free(scan->pieces);
    free(scan->dead);
    free(scan);
}

size_t fact_scan_vectors(const struct fact_scan *scan)
{
    return scan->n_pieces;
}

const struct fact_scan_statistics *fact_scan_statistics(const struct fact_scan *scan)
{
    return &scan->statistics;
}

/* --- readers
 * -------------------------------------------------------------------------------------------------- */

_Static_assert(FACT_VALUES_MAX <= 64, "ranges have a bit a column");

struct fact_reader {
    struct fact_scan *scan;
    const struct piece *piece; /* that was taken last */
    struct fact_vector vector; /* of it, with what has been read so far */
    struct fact_range ranges[FACT_VALUES_MAX];
    uint64_t has_ranges; /* bits: those that have been looked up */
    int failed;

    /* Room for what is decoded, kept from vector to vector and from scan to scan. */
    struct rowgroup_reader *groups;
    int64_t difference[FACT_VECTOR_ROWS];
    unsigned difference_of[2]; /* of the vector: of which columns it is, each + 1; 0: of none */
    uint8_t *bytes[FACT_VALUES_MAX];
    bool has_bytes[FACT_VALUES_MAX]; /* of the vector */
    uint16_t wide[FACT_VECTOR_ROWS];
    uint8_t live[FACT_VECTOR_ROWS], live_base[FACT_VECTOR_ROWS];
    int64_t zeros[FACT_VECTOR_ROWS]; /* in place of what cannot be read */
};

struct fact_reader *fact_reader_new(void)
{
    struct fact_reader *reader = calloc(1, sizeof(*reader));
    if (reader && rowgroup_reader_new(&reader->groups) < 0) {
        free(reader);
        return NULL;
    }
    return reader;
}

void fact_reader_free(struct fact_reader *reader)
{
    if (!reader)
        return;
    rowgroup_reader_free(reader->groups);
    for (unsigned c = 0; c < FACT_VALUES_MAX; c++)
        free(reader->bytes[c]);
    free(reader);
}

void fact_reader_begin(struct fact_reader *reader, struct fact_scan *scan)
{
    reader->scan = scan;
    reader->piece = NULL;
    reader->failed = 0;
}

bool fact_reader_next(struct fact_reader *reader, uint32_t *ret_n, const uint8_t **ret_live)
{
    struct fact_scan *scan = reader->scan;
    size_t i = atomic_fetch_add_explicit(&scan->next, 1, memory_order_relaxed);
    if (reader->failed || i >= scan->n_pieces)
        return false;
    const struct piece *p = reader->piece = &scan->pieces[i];
    if (p->sealed)
        rowgroup_reader_set(reader->groups, &p->sealed->rows);
    reader->vector = (struct fact_vector){.n = p->n_rows};
    memset(reader->has_bytes, 0, sizeof(reader->has_bytes));
    reader->difference_of[0] = 0;
    reader->has_ranges = 0;
    int r = piece_live(p, reader->groups, scan->view->shown, reader->live_base, reader->live,
                       &reader->vector.live);
    if (r < 0)
        reader->failed = r;
    *ret_n = p->n_rows;
    *ret_live = reader->vector.live;
    return r == 0;
}

void fact_reader_range(struct fact_reader *reader, unsigned column, struct fact_range *ret)
{
    if (!(reader->has_ranges >> column & 1))
        piece_range(reader->piece, (uint8_t)column, &reader->ranges[column]);
    reader->has_ranges |= UINT64_C(1) << column;
    *ret = reader->ranges[column];
}

const int64_t *fact_reader_values(struct fact_reader *reader, unsigned column)
{
    const int64_t **known = &reader->vector.values[column];
    if (!*known) {
        int r = piece_values(reader->piece, reader->groups, column, known);
        if (r < 0) {
            reader->failed = r;
            *known = reader->zeros;
        }
    }
    return *known;
}

const int64_t *fact_reader_difference(struct fact_reader *reader, unsigned column, unsigned other)
{
    const unsigned wanted[2] = {column + 1, other + 1};
    struct fact_range of_column, of_other;
    if (memcmp(reader->difference_of, wanted, sizeof(wanted)) == 0)
        return reader->difference;
    fact_reader_range(reader, column, &of_column);
    fact_reader_range(reader, other, &of_other);
    if (of_column.has_null || of_column.has_forever || of_other.has_null || of_other.has_forever)
        return NULL;
    int r = piece_difference(reader->piece, column, other, reader->difference);
    if (r < 0)
        reader->failed = r;
    if (r == 1)
        memcpy(reader->difference_of, wanted, sizeof(wanted));
    return r == 1 ? reader->difference : NULL;
}

const uint8_t *fact_reader_bytes(struct fact_reader *reader, unsigned column)
{
    uint8_t **room = &reader->bytes[column];
    if (!*room && !(*room = malloc(FACT_VECTOR_ROWS))) {
        reader->failed = -ENOMEM;
        return (const uint8_t *)reader->zeros;
    }
    if (!reader->has_bytes[column]) {
        int r = piece_bytes(reader->piece, reader->groups, column, reader->wide, *room);
        if (r < 0) {
            reader->failed = r;
            memset(*room, 0, FACT_VECTOR_ROWS);
        }
        reader->has_bytes[column] = true;
    }
    return *room;
}

const uint16_t *fact_reader_codes(struct fact_reader *reader, unsigned set, unsigned field)
{
    const uint16_t **known = &reader->vector.dimensions[set][field];
    if (!*known) {
        int r = piece_codes(reader->piece, reader->groups, set, field, known);
        if (r < 0) {
            reader->failed = r;
            *known = (const uint16_t *)reader->zeros;
        }
    }
    return *known;
}

void fact_reader_pick_values(struct fact_reader *reader, unsigned column, const uint16_t *rows, uint32_t n,
                             int64_t *ret)
{
    int r = piece_pick_values(reader->piece, reader->groups, column, rows, n, ret);
    if (r < 0) {
        reader->failed = r;
        memset(ret, 0, n * sizeof(*ret));
    }
}

void fact_reader_pick_codes(struct fact_reader *reader, unsigned set, unsigned field, const uint16_t *rows,
                            uint32_t n, uint16_t *ret)
{
    int r = piece_pick_codes(reader->piece, reader->groups, set, field, rows, n, ret);
    if (r < 0) {
        reader->failed = r;
        memset(ret, 0, n * sizeof(*ret));
    }
}

uint32_t fact_reader_sift(struct fact_reader *reader, unsigned set, unsigned field, const uint8_t *wanted,
                          uint16_t *ret)
{
    uint32_t n = 0;
    int r = piece_sift(reader->piece, reader->groups, set, field, wanted, ret, &n);
    if (r < 0)
        reader->failed = r;
    return n;
}

int fact_reader_check(const struct fact_reader *reader, struct error *err)
{
    return reader->failed ? block_error(err, reader->failed) : 0;
}

int fact_scan_next(struct fact_scan *scan, struct fact_vector *ret, struct error *err)
{
    if (!scan->reader) {
        scan->reader = fact_reader_new();
        if (!scan->reader)
            return block_error(err, -ENOMEM);
        fact_reader_begin(scan->reader, scan);
    }
    struct fact_reader *reader = scan->reader;
    uint32_t n;
    const uint8_t *live;
    if (!fact_reader_next(reader, &n, &live))
        return 0;
    for (unsigned v = 0; v < FACT_VALUES_MAX; v++)
        if (scan->wants_value[v])
            (void)fact_reader_values(reader, v);
    for (unsigned s = 0; s < 2; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            if (scan->wants_dimension[s][f])
                (void)fact_reader_codes(reader, s, f);
    *ret = reader->vector;
    int r = fact_reader_check(reader, err);
    return r < 0 ? r : 1;
}
