#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

/* A refold makes a second generation of facts beside the first, in slices of so many subjects, each a
 * transaction; the last one switches. Views answer from the first until then. */
enum { SLICE_SUBJECTS = 16384, SWEEP_BLOCKS = 1024 };

/* Which subjects a block of the log has. */
struct extent {
    uint32_t segment, first, last;
    uint16_t place;
};

struct refold {
    struct store *store;
    struct extent *extents;
    size_t n_extents;
    uint16_t generation; /* that is being made */
};

static int list_extents(struct refold *f, struct txn *t)
{
    struct walk walk;
    size_t capacity = 0;
    int r = walk_open(&walk, t, DB_SEGMENTS, NULL, 0);
    while (r == 0 && walk_next(&walk)) {
        if (f->n_extents == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            struct extent *more = realloc(f->extents, capacity * sizeof(*more));
            if (!more) {
                r = -ENOMEM;
                break;
            }
            f->extents = more;
        }
        struct extent *e = &f->extents[f->n_extents];
        e->segment = get_u32(walk.key.mv_data);
        e->place = get_u16((uint8_t *)walk.key.mv_data + 4);
        r = segment_block_extent(&walk.value, &e->first, &e->last);
        f->n_extents++;
    }
    walk_close(&walk, t);
    return r < 0 ? r : t->rc ? -EIO : 0;
}

/* Brings the events of the subjects [first, first + SLICE_SUBJECTS) from all segments together. */
static int gather(struct refold *f, struct txn *t, uint32_t first, struct hot *h)
{
    int r = 0;
    for (size_t i = 0; i < f->n_extents && r == 0; i++) {
        const struct extent *e = &f->extents[i];
        if (e->last < first || e->first >= first + SLICE_SUBJECTS)
            continue;
        uint8_t key[6], room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
        put_u32(key, e->segment);
        put_u16(key + 4, e->place);
        MDB_val value;
        struct segment_block block;
        if (!txn_get(t, DB_SEGMENTS, key, sizeof(key), &value))
            return -EBADMSG;
        r = segment_block_decode(&block, e->segment, e->place, &value);
        if (r < 0)
            break;
        for (uint32_t row = 0; row < block.n_rows && r == 0; row++) {
            int64_t number = block.subject[row];
            if (number < first || number >= (int64_t)first + SLICE_SUBJECTS)
                continue;
            /* In this slice a subject is known by its number: the hash takes no part in the fold. */
            bool is_loose = block.loose[row] != 0;
            struct subject *subject = hot_find(h, (uint64_t)number, is_loose);
            if (!subject) {
                subject =
                    hot_add(h, (uint64_t)number, is_loose, (uint32_t)number, (uint16_t)block.namespace[row]);
                if (!subject) {
                    r = -ENOMEM;
                    break;
                }
            }
            segment_block_event(&block, row, (struct event *)room);
            r = subject_append(h, subject, (const struct event *)room);
        }
        segment_block_fini(&block);
    }
    return r;
}

static int fold_slice(struct refold *f, struct txn *t, uint32_t first)
{
    struct store *s = f->store;
    struct hot h;
    struct memtable *m = memtable_new(&s->pool);
    struct fact_ref *refs[FACT_N_TABLES] = {0};
    size_t n_refs[FACT_N_TABLES] = {0}, capacity[FACT_N_TABLES] = {0};
    struct location_change *changes = NULL;
    int r = hot_init(&h);
    if (r < 0 || !m) {
        memtable_unref(m);
        return -ENOMEM;
    }
    uint32_t run = s->meta.next_segment++;
    r = gather(f, t, first, &h);
    hot_sort(&h);
    changes = malloc((h.n ? h.n : 1) * sizeof(*changes));
    if (!changes)
        r = -ENOMEM;
    for (size_t i = 0; i < h.n && r == 0; i++) {
        struct subject *subject = h.list[i];
        r = store_make_rows(s, subject);
        for (size_t k = 0; k < s->n_rows && r == 0; k++) {
            unsigned table = s->rows[k].table;
            int64_t number = memtable_add(m, &s->rows[k], 0);
            if (n_refs[table] == capacity[table]) {
                capacity[table] = capacity[table] ? capacity[table] * 2 : 1024;
                struct fact_ref *more = realloc(refs[table], capacity[table] * sizeof(*more));
                if (!more) {
                    r = -ENOMEM;
                    break;
                }
                refs[table] = more;
            }
            if (number < 0)
                r = (int)number;
            else
                refs[table][n_refs[table]++] = (struct fact_ref){
                    .subject = subject->number, .row = (uint32_t)number, .month = fact_month(&s->rows[k])};
        }
        changes[i] = (struct location_change){.number = subject->number,
                                              .location = {.segment = LOCATION_KEEP, .fact_run = run}};
    }
    for (unsigned table = 0; table < FACT_N_TABLES && r == 0; table++)
        if (n_refs[table])
            r = facts_write(s->facts_writer, t, f->generation, run, table, m, refs[table], n_refs[table]);
    if (r == 0)
        r = location_put(t, changes, h.n);
    if (r == 0)
        r = store_write_meta(s, t);
    for (unsigned table = 0; table < FACT_N_TABLES; table++)
        free(refs[table]);
    free(changes);
    memtable_unref(m);
    hot_fini(&h);
    return r;
}

/* Ends a slice: its error, or its commit's. */
static int slice_end(struct txn *t, int r, struct error *err)
{
    if (r == 0)
        return txn_commit(t, err);
    int rc = t->rc;
    txn_abort(t);
    return rc ? db_error(rc, err) : error_set(err, r, "store_failed", "the refold failed: %s", strerror(-r));
}

static int sweep(struct store *s, struct error *err)
{
    for (int more = 1; more == 1;) {
        struct txn t;
        int r = txn_begin(&t, &s->db, true, err);
        if (r < 0)
            return r;
        more = facts_sweep(&t, s->meta.generation, SWEEP_BLOCKS);
        r = slice_end(&t, more < 0 ? more : 0, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int run(struct refold *f, struct error *err)
{
    struct store *s = f->store;
    struct txn t;
    int r = sweep(s, err); /* of a refold that did not get to its end */
    if (r == 0)
        r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    /* From here to the switch the locations say where the new generation is: a restart in between refolds
     * again. */
    s->meta.must_refold = 1;
    r = list_extents(f, &t);
    if (r == 0)
        r = store_write_meta(s, &t);
    r = slice_end(&t, r, err);
    for (uint64_t first = 0; first < s->meta.n_subjects && r == 0; first += SLICE_SUBJECTS) {
        r = txn_begin(&t, &s->db, true, err);
        if (r == 0)
            r = slice_end(&t, fold_slice(f, &t, (uint32_t)first), err);
    }
    if (r == 0)
        r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    s->meta.generation = f->generation;
    s->meta.fact_version = FACT_VERSION;
    s->meta.must_refold = 0;
    (void)store_write_meta(s, &t);
    (void)pthread_mutex_lock(&s->view_lock);
    r = slice_end(&t, 0, err);
    if (r == 0)
        s->generation = s->meta.generation;
    (void)pthread_mutex_unlock(&s->view_lock);
    return r < 0 ? r : sweep(s, err);
}

int store_refold(struct store *s, struct error *err)
{
    struct refold f = {.store = s, .generation = (uint16_t)(s->meta.generation + 1)};
    int r = store_seal(s, true, err);
    if (r < 0)
        return r;
    (void)pthread_mutex_lock(&s->view_lock);
    s->refolding = true;
    (void)pthread_mutex_unlock(&s->view_lock);
    r = run(&f, err);
    (void)pthread_mutex_lock(&s->view_lock);
    s->refolding = false;
    (void)pthread_mutex_unlock(&s->view_lock);
    free(f.extents);
    if (r < 0)
        s->must_reload = true;
    return r;
}
