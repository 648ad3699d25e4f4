/* A refold makes a second generation of facts beside the first while commits go on. README.md says why this
 * is exact; what each part does to keep it so stands there. */
#include "core/store/folded.h"
#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

/* A slice is one transaction and holds up the tenant's commits: so many events, a few tenths of a second. */
enum { SLICE_EVENTS = 131072, SWEEP_BLOCKS = 256 };

/* Which subjects a block of the log has. */
struct extent {
    uint32_t segment, first, last;
    uint16_t place;
};

struct refold {
    struct extent *extents; /* of the segments below next_segment */
    size_t n_extents, capacity;
    uint32_t next_segment;
    uint32_t n_subjects; /* of a slice: fewer where they have many events */
};

void store_refold_forget(struct store *s)
{
    if (s->refold)
        free(s->refold->extents);
    free(s->refold);
    s->refold = NULL;
}

static struct refold *remember(struct store *s)
{
    if (!s->refold && (s->refold = calloc(1, sizeof(*s->refold))))
        s->refold->n_subjects = s->slice_subjects;
    return s->refold;
}

/* --- reading a slice --- */

static int add_extent(struct refold *f, const struct walk *walk)
{
    if (f->n_extents == f->capacity) {
        size_t capacity = f->capacity ? f->capacity * 2 : 256;
        struct extent *more = realloc(f->extents, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        f->extents = more;
        f->capacity = capacity;
    }
    struct extent *e = &f->extents[f->n_extents];
    if (walk->key.mv_size != 6)
        return -EBADMSG;
    e->segment = get_u32(walk->key.mv_data);
    e->place = get_u16((const uint8_t *)walk->key.mv_data + 4);
    int r = segment_block_extent(&walk->value, &e->first, &e->last);
    if (r == 0)
        f->n_extents++;
    return r;
}

/* The blocks of segments that came since the last slice. */
static int list_extents(struct store *s, struct txn *t)
{
    struct refold *f = s->refold;
    struct walk walk;
    uint8_t key[6] = {0};
    put_u32(key, f->next_segment);
    int r = walk_open(&walk, t, DB_SEGMENTS, key, sizeof(key));
    while (r == 0 && walk_next(&walk))
        r = add_extent(f, &walk);
    walk_close(&walk, t);
    if (r < 0 || t->rc)
        return r < 0 ? r : -EIO;
    f->next_segment = s->meta.next_segment;
    return 0;
}

struct slice {
    uint32_t first, end; /* subjects */
    uint8_t *is_hot;     /* by number − first: theirs is for when they cool down */
    struct hot events;   /* the others with their events; known by their number, as the fold reads no hash */
};

static int slice_init(struct slice *slice, const struct store *s, uint32_t first, uint32_t end)
{
    *slice = (struct slice){.first = first, .end = end, .is_hot = calloc(end - first, 1)};
    if (!slice->is_hot)
        return -ENOMEM;
    for (size_t i = 0; i < s->hot.n; i++) {
        uint32_t number = s->hot.list[i]->number;
        if (number >= first && number < end)
            slice->is_hot[number - first] = 1;
    }
    return hot_init(&slice->events);
}

static void slice_fini(struct slice *slice)
{
    free(slice->is_hot);
    if (slice->events.slots)
        hot_fini(&slice->events);
}

static int slice_row(struct slice *slice, const struct segment_block *block, uint32_t row)
{
    uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
    int64_t number = block->subject[row];
    if (number < slice->first || number >= slice->end || slice->is_hot[number - slice->first])
        return 0;
    bool is_loose = block->loose[row] != 0;
    struct subject *subject = hot_find(&slice->events, (uint64_t)number, is_loose);
    if (!subject)
        subject = hot_add(&slice->events, (uint64_t)number, is_loose, (uint32_t)number,
                          (uint16_t)block->namespace[row]);
    if (!subject)
        return -ENOMEM;
    segment_block_event(block, row, (struct event *)room);
    return subject_append(&slice->events, subject, (const struct event *)room);
}

/* Brings the events of the slice's subjects from all segments together. 1: they are too many for one. */
static int slice_gather(struct slice *slice, const struct refold *f, struct txn *t)
{
    for (size_t i = 0; i < f->n_extents; i++) {
        const struct extent *e = &f->extents[i];
        struct segment_block block;
        uint8_t key[6];
        MDB_val value;
        if (e->last < slice->first || e->first >= slice->end)
            continue;
        put_u32(key, e->segment);
        put_u16(key + 4, e->place);
        if (!txn_get(t, DB_SEGMENTS, key, sizeof(key), &value))
            return t->rc ? -EIO : -EBADMSG;
        int r = segment_block_decode(&block, e->segment, e->place, &value);
        if (r < 0)
            return r;
        for (uint32_t row = 0; row < block.n_rows && r == 0; row++)
            r = slice_row(slice, &block, row);
        segment_block_fini(&block);
        if (r < 0)
            return r;
        if (slice->events.n_events > SLICE_EVENTS && slice->end - slice->first > 1)
            return 1;
    }
    return 0;
}

/* --- folding it --- */

static int write_runs(struct store *s, struct txn *t, const struct slice *slice, uint32_t run)
{
    uint32_t n = slice->end - slice->first;
    unsigned second = !s->meta.first_runs;
    struct location_change *changes = malloc(n * sizeof(*changes));
    if (!changes)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        changes[i].number = slice->first + i;
        changes[i].location.segment = LOCATION_KEEP;
        changes[i].location.runs[!second] = LOCATION_KEEP;
        changes[i].location.runs[second] = slice->is_hot[i] ? 0 : run;
    }
    int r = location_put(t, changes, n);
    free(changes);
    return r;
}

static int slice_write(struct store *s, struct txn *t, struct slice *slice)
{
    struct folded folded;
    uint32_t run = s->meta.next_segment++;
    int r = folded_init(&folded, s, s->environment);
    hot_sort(&slice->events);
    for (size_t i = 0; i < slice->events.n && r == 0; i++)
        r = folded_add(&folded, slice->events.list[i]);
    if (r == 0)
        r = folded_write(&folded, t, store_second(s), run);
    folded_fini(&folded);
    return r < 0 ? r : write_runs(s, t, slice, run);
}

/* Ends a transaction: its error, or its commit's. A commit that failed may be on disk, so memory is read
 * back.
 */
static int step_end(struct store *s, struct txn *t, const struct store_meta *before, int r, struct error *err)
{
    if (r == 0) {
        (void)store_write_meta(s, t);
        r = txn_commit(t, err);
    } else {
        int rc = t->rc;
        txn_abort(t);
        r = rc ? db_error(rc, err)
               : error_set(err, r, r == -ENOMEM ? "no_memory" : "store_failed", "the refold failed: %s",
                           strerror(-r));
    }
    if (r < 0) {
        s->meta = *before;
        s->must_reload = true;
    }
    return r;
}

/* A subject that came back without a new event is hot in memory and in nothing that is on disk: after a
 * restart it would be cold, and the slice that left it out as hot gone by. A seal writes it down. */
static bool has_unkept(const struct store *s, uint32_t first, uint32_t end)
{
    for (size_t i = 0; i < s->hot.n; i++) {
        const struct subject *subject = s->hot.list[i];
        if (subject->number >= first && subject->number < end && !subject->is_kept &&
            subject->n_events == subject->n_sealed)
            return true;
    }
    return false;
}

static uint32_t slice_end_of(const struct store *s, uint32_t first, uint32_t n)
{
    uint32_t left = s->meta.n_subjects - first;
    return first + (left < n ? left : n);
}

static int step_slice(struct store *s, struct error *err)
{
    struct refold *f = remember(s);
    struct store_meta before = s->meta;
    struct txn t;
    uint32_t first = s->meta.refolded;
    if (!f)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a refold");
    int r = 0;
    if (has_unkept(s, first, slice_end_of(s, first, f->n_subjects)))
        r = store_seal(s, SEAL_COOL, err);
    if (r == 0)
        r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    before = s->meta;
    r = list_extents(s, &t);
    struct slice slice = {0};
    while (r == 0) {
        r = slice_init(&slice, s, first, slice_end_of(s, first, f->n_subjects));
        if (r == 0)
            r = slice_gather(&slice, f, &t);
        if (r != 1)
            break;
        slice_fini(&slice);
        slice = (struct slice){0};
        f->n_subjects /= 2; /* at least 1: one subject is never too many */
        r = 0;
    }
    if (r == 0)
        r = slice_write(s, &t, &slice);
    s->meta.refolded = slice.end;
    size_t n_events = slice.events.n_events;
    slice_fini(&slice);
    r = step_end(s, &t, &before, r, err);
    if (r == 0 && n_events < SLICE_EVENTS / 4 && f->n_subjects < s->slice_subjects)
        f->n_subjects *= 2;
    return r;
}

static int step_begin(struct store *s, struct error *err)
{
    struct store_meta before = s->meta;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    s->meta.refolded = 1; /* numbers begin with 1 */
    s->meta.second_version = FACT_VERSION;
    return step_end(s, &t, &before, 0, err);
}

/* Deletes blocks of generations that no view will be opened on. 1 when there may be more. */
static int step_sweep(struct store *s, struct error *err)
{
    uint16_t keep[2] = {store_has_first(s) ? s->meta.generation : 0, s->meta.refolded ? store_second(s) : 0};
    struct store_meta before = s->meta;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    int more = facts_sweep(&t, keep, SWEEP_BLOCKS);
    r = step_end(s, &t, &before, more < 0 ? more : 0, err);
    return r < 0 ? r : more;
}

int store_refold(struct store *s, struct error *err)
{
    int r = s->must_reload ? store_reload(s, err) : 0;
    if (r == 0)
        r = store_adopt_settings(s, err);
    if (r < 0)
        return r;
    if (s->must_sweep) {
        r = step_sweep(s, err);
        s->must_sweep = r != 0;
        return r < 0 ? r : r == 1 || s->meta.must_refold;
    }
    if (!s->meta.must_refold)
        return 0;
    if (!s->meta.refolded)
        r = step_begin(s, err);
    else if (s->meta.refolded < s->meta.n_subjects)
        r = step_slice(s, err);
    if (r == 0 && s->meta.refolded >= s->meta.n_subjects)
        r = store_seal(s, SEAL_SWITCH, err);
    else if (r == 0)
        store_publish(s);
    return r < 0 ? r : 1;
}

int store_reindex(struct store *s, struct error *err)
{
    struct store_meta before = s->meta;
    struct txn t;
    int r = s->must_reload ? store_reload(s, err) : 0;
    if (r < 0 || s->meta.must_refold) /* one that is under way gives the same */
        return r;
    r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    before = s->meta;
    s->meta.must_refold = 1;
    r = step_end(s, &t, &before, 0, err);
    if (r == 0)
        store_publish(s);
    return r;
}
