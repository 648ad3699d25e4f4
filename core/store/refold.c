/* A refold makes a second generation of facts beside the first while commits go on. README.md says why this
 * is exact; what each part does to keep it so stands there. */
#include "core/store/prune.h"
#include "core/store/slice.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEP_BLOCKS = 256 };

struct refold {
    struct extents extents;
    uint32_t n_subjects; /* of a slice: fewer where they have many events */
};

void store_refold_forget(struct store *s)
{
    s->log_version++;
    if (s->refold)
        extents_fini(&s->refold->extents);
    free(s->refold);
    s->refold = NULL;
}

static struct refold *remember(struct store *s)
{
    if (!s->refold && (s->refold = calloc(1, sizeof(*s->refold))))
        s->refold->n_subjects = s->slice_subjects;
    return s->refold;
}

/* --- folding it --- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct location_change *)a)->number, y = ((const struct location_change *)b)->number;
    return x < y ? -1 : x > y;
}

/* Where the second generation has the slice's subjects. What has no events in the log any more has no place
 * in it, and its location says why. */
static int write_runs(struct store *s, struct txn *t, const struct slice *slice, uint32_t run)
{
    uint32_t n = 0, n_max = slice->end - slice->first;
    unsigned second = !s->meta.first_runs;
    struct location_change *changes = malloc(n_max * sizeof(*changes));
    if (!changes)
        return -ENOMEM;
    for (uint32_t i = 0; i < n_max + slice->events.n; i++) {
        bool is_hot = i < n_max;
        if (is_hot && !slice->is_hot[i])
            continue;
        struct location_change *c = &changes[n++];
        c->number = is_hot ? slice->first + i : slice->events.list[i - n_max]->number;
        c->location.segment = LOCATION_KEEP;
        c->location.runs[!second] = LOCATION_KEEP;
        c->location.runs[second] = is_hot ? 0 : run;
    }
    qsort(changes, n, sizeof(*changes), by_number);
    int r = location_put(t, changes, n);
    free(changes);
    return r;
}

static int slice_write(struct store *s, struct txn *t, struct slice *slice)
{
    uint32_t run = s->meta.next_segment++;
    int r = 0;
    hot_sort(&slice->events);
    facts_begin(s->folder.writer, t, store_second(s), run, 0);
    for (size_t i = 0; i < slice->events.n && r == 0; i++)
        r = store_fold_out(s, &s->folder, s->environment, slice->events.list[i]);
    if (r == 0)
        r = facts_finish(s->folder.writer);
    return r < 0 ? r : write_runs(s, t, slice, run);
}

int store_step_end(struct store *s, struct txn *t, const struct store_meta *before, int r, struct error *err)
{
    if (r == 0) {
        (void)store_write_meta(s, t);
        r = txn_commit(t, err);
    } else {
        int rc = t->rc;
        txn_abort(t);
        r = rc ? db_error(rc, err)
               : error_set(err, r, r == -ENOMEM ? "no_memory" : "store_failed",
                           "the store's own work failed: %s", strerror(-r));
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
    r = extents_update(&f->extents, s, &t);
    struct slice slice = {0};
    uint32_t end = slice_end_of(s, first, f->n_subjects);
    if (r == 0)
        r = slice_read(&slice, s, &f->extents, &t, first, end);
    if (r == 0)
        r = slice_write(s, &t, &slice);
    s->meta.refolded = slice.end;
    bool is_cut = slice.end < end;
    uint32_t n = slice.end - first;
    size_t n_events = slice.events.n_events;
    slice_fini(&slice);
    r = store_step_end(s, &t, &before, r, err);
    if (r == 0 && is_cut)
        f->n_subjects = n; /* they had many events: so may the next */
    else if (r == 0 && n_events < SLICE_EVENTS / 4 && f->n_subjects < s->slice_subjects)
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
    return store_step_end(s, &t, &before, 0, err);
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
    r = store_step_end(s, &t, &before, more < 0 ? more : 0, err);
    return r < 0 ? r : more;
}

static int refold(struct store *s, struct error *err)
{
    int r = store_settle(s, err);
    if (r == 0)
        r = store_adopt_settings(s, err);
    if (r < 0)
        return r;
    if (s->must_sweep) {
        r = step_sweep(s, err);
        s->must_sweep = r != 0;
        return r < 0 ? r
                     : r == 1 || s->meta.must_refold || s->environment->n_dropped || s->may_compact ||
                           store_retire_is_due(s, store_now_ms());
    }
    if (!s->meta.must_refold && s->environment->n_dropped)
        return prune_step(s, err);
    if (!s->meta.must_refold) {
        r = store_retire(s, store_now_ms(), err);
        return r == 0 ? store_compact(s, err) : r;
    }
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

int store_refold(struct store *s, struct error *err)
{
    store_turn_take(s);
    int r = refold(s, err);
    store_turn_give(s);
    return r;
}

static int reindex(struct store *s, struct error *err)
{
    struct store_meta before = s->meta;
    struct txn t;
    int r = store_settle(s, err);
    if (r < 0 || s->meta.must_refold) /* one that is under way gives the same */
        return r;
    r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    before = s->meta;
    s->meta.must_refold = 1;
    r = store_step_end(s, &t, &before, 0, err);
    if (r == 0)
        store_publish(s);
    return r;
}

int store_reindex(struct store *s, struct error *err)
{
    store_turn_take(s);
    int r = reindex(s, err);
    store_turn_give(s);
    return r;
}
