/* Retention: what leaves the log, and when.
 *
 * Once a day all subjects are gone through, slice by slice. A ticket that is done and whose newest event is
 * older than the log's retention leaves the log whole; its facts move to the generation FACTS_FROZEN, which
 * no refold touches. A ticket whose last word is an erasure leaves log and facts; only its hash stays. What
 * is frozen goes when the ticket's newest event is older than the facts' retention (expire.h). */
#include "core/store/expire.h"
#include "core/store/outgoing.h"
#include "core/store/prune.h"
#include "core/store/slice.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 86400000 };

#define RETIRED "retired"

/* DB_META, "retired". */
struct retired {
    int64_t day; /* the last that was gone through, in days since 1970 */
    uint64_t n_frozen, n_erased;
    uint64_t n_in_blocks; /* of the erased, those whose facts are still in blocks */
};

struct retire {
    struct extents extents;
    uint32_t next;   /* subject */
    bool is_through; /* all have been looked at; those that have come since are new */
    int64_t day;
    struct expiry expiry; /* what comes then */
};

void store_retire_forget(struct store *s)
{
    if (s->retire) {
        extents_fini(&s->retire->extents);
        expiry_fini(&s->retire->expiry);
    }
    free(s->retire);
    s->retire = NULL;
}

/* --- what is kept of it --- */

static void read_retired(struct txn *t, struct retired *ret)
{
    MDB_val value;
    *ret = (struct retired){.day = -1};
    if (txn_get(t, DB_META, RETIRED, strlen(RETIRED), &value) && value.mv_size == sizeof(*ret))
        memcpy(ret, value.mv_data, sizeof(*ret));
}

static void write_retired(struct txn *t, const struct retired *r)
{
    txn_put(t, DB_META, RETIRED, strlen(RETIRED), r, sizeof(*r));
}

void store_retired(struct txn *t, uint64_t *ret_frozen, uint64_t *ret_erased)
{
    struct retired r;
    read_retired(t, &r);
    *ret_frozen = r.n_frozen;
    *ret_erased = r.n_erased;
}

void store_retired_add(struct txn *t, uint64_t n_frozen, uint64_t n_erased)
{
    struct retired r;
    read_retired(t, &r);
    r.n_frozen += n_frozen;
    r.n_erased += n_erased;
    write_retired(t, &r);
}

/* --- one slice --- */

/* Which subjects of a slice go. */
struct going {
    const struct slice *slice;
    const uint8_t *leaves; /* by number − slice.first */
};

enum fate { FATE_STAYS, FATE_FREEZES, FATE_IS_ERASED };

/* Done now, or never a ticket: what waits for one does not wait longer than the log's retention. */
static bool is_done(const struct store *s)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (s->rows[i].table == FACT_TICKET && s->rows[i].values[FACT_FLAGS] & FACT_FLAG_TICKET)
            return s->rows[i].values[FACT_EXCLUDED] || s->rows[i].values[FACT_TICKET_CLASS] >= STATUS_SOLVED;
    return true;
}

static bool is_erased(const struct store *s)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (s->rows[i].table == FACT_TICKET)
            return s->rows[i].values[FACT_EXCLUDED] == EXCLUDED_ERASURE;
    return false;
}

static int fate_of(struct store *s, const struct subject *subject, int64_t before, enum fate *ret,
                   int64_t *ret_newest)
{
    bool has_erasure = false;
    int64_t newest = INT64_MIN;
    for (const struct event *e = subject_first(subject); e; e = subject_next(subject, e)) {
        newest = e->at > newest ? e->at : newest;
        has_erasure |= e->type == EVENT_TICKET_DELETED && event_get(e, FIELD_REASON, 0) == REASON_ERASURE;
    }
    *ret = FATE_STAYS;
    *ret_newest = newest;
    if (!has_erasure && newest >= before)
        return 0;
    int r = store_make_rows(s, s->before, subject);
    if (r == 0 && has_erasure && is_erased(s))
        *ret = FATE_IS_ERASED;
    else if (r == 0 && newest < before && is_done(s))
        *ret = FATE_FREEZES;
    return r;
}

struct leaving {
    struct location_change *changes; /* ascending by number */
    size_t n, n_erased;
    uint8_t *leaves; /* by number − slice.first */
};

static int leave(struct store *s, struct txn *t, const struct slice *slice, struct leaving *l,
                 struct memtable *dead, const struct subject *subject, enum fate fate, int64_t newest)
{
    struct location location;
    int r = location_get(t, subject->number, &location);
    uint32_t run = location.runs[s->meta.first_runs];
    if (r == 0 && fate == FATE_FREEZES)
        r = store_fold_out(s, &s->folder, s->before, subject);
    if (r == 0 && run)
        r = facts_bury(t, dead, s->meta.generation, run, subject->number, 0);
    s->n_buried += run != 0;
    /* Where a frozen ticket's facts are nobody asks: they never change. When they may go is kept instead. */
    uint32_t day = newest > 0 ? (uint32_t)(newest / DAY_MS) : 0;
    l->changes[l->n++] = (struct location_change){
        .number = subject->number,
        .location = {.segment = fate == FATE_FREEZES ? LOCATION_FROZEN : LOCATION_ERASED, .runs = {day, 0}}};
    l->n_erased += fate == FATE_IS_ERASED;
    l->leaves[subject->number - slice->first] = 1;
    return r;
}

static bool drops(void *context, uint32_t subject, uint16_t source)
{
    const struct going *g = context;
    (void)source;
    return subject >= g->slice->first && subject < g->slice->end && g->leaves[subject - g->slice->first];
}

static int forgets(void *context, uint32_t subject)
{
    return drops(context, subject, 0);
}

/* Takes the events of those that leave out of the blocks of the log. */
static int prune(struct store *s, struct txn *t, const struct slice *slice, const uint8_t *leaves)
{
    struct extents *e = &s->retire->extents;
    struct going going = {slice, leaves};
    const struct segment_pruning pruning = {.drops = drops, .forgets = forgets, .context = &going};
    uint64_t n_events = 0;
    size_t n = 0;
    int r = 0;
    for (size_t i = 0; i < e->n; i++) {
        struct extent *at = &e->list[i];
        if (r == 0 && at->last >= slice->first && at->first < slice->end)
            r = prune_block(s, t, at->segment, at->place, &pruning, &n_events);
        if (r != 2) /* there is a block still */
            e->list[n++] = *at;
        r = r < 0 ? r : 0;
    }
    e->n = n;
    return r;
}

static int slice_leave(struct store *s, struct txn *t, struct slice *slice, int64_t before, struct leaving *l)
{
    struct memtable *dead = memtable_new(&s->pool);
    int r = dead ? 0 : -ENOMEM;
    hot_sort(&slice->events);
    facts_begin(s->folder.writer, t, FACTS_FROZEN, s->meta.next_segment, 0);
    for (size_t i = 0; i < slice->events.n && r == 0; i++) {
        const struct subject *subject = slice->events.list[i];
        enum fate fate;
        int64_t newest;
        r = fate_of(s, subject, before, &fate, &newest);
        if (r == 0 && fate != FATE_STAYS)
            r = leave(s, t, slice, l, dead, subject, fate, newest);
    }
    if (r == 0)
        r = facts_finish(s->folder.writer);
    if (r == 0 && l->n)
        r = facts_settle_dead(t, dead);
    s->meta.next_segment += l->n != 0;
    if (r == 0 && l->n)
        r = prune(s, t, slice, l->leaves);
    if (r == 0 && l->n)
        r = location_put(t, l->changes, l->n);
    memtable_unref(dead);
    return r;
}

static int step_slice(struct store *s, struct txn *t, int64_t before)
{
    struct retire *p = s->retire;
    struct slice slice = {0};
    uint32_t left = s->meta.n_subjects - p->next;
    int r = extents_update(&p->extents, s, t);
    if (r == 0)
        r = slice_read(&slice, s, &p->extents, t, p->next,
                       p->next + (left < s->slice_subjects ? left : s->slice_subjects));
    struct leaving l = {0};
    if (r == 0) {
        l.changes = calloc(slice.events.n + 1, sizeof(*l.changes));
        l.leaves = calloc(slice.end - slice.first, 1);
        r = l.changes && l.leaves ? slice_leave(s, t, &slice, before, &l) : -ENOMEM;
    }
    if (r == 0 && l.n) {
        struct retired retired;
        read_retired(t, &retired);
        retired.n_frozen += l.n - l.n_erased;
        retired.n_erased += l.n_erased;
        retired.n_in_blocks += l.n_erased;
        write_retired(t, &retired);
        if (l.n > l.n_erased)
            s->meta.frozen_version = FACT_VERSION;
    }
    p->next = slice.end;
    free(l.changes);
    free(l.leaves);
    slice_fini(&slice);
    return r < 0 ? r : l.n > 0;
}

/* --- a day's pass --- */

/* r: 1 when there is something to commit. */
static int step_end(struct store *s, struct txn *t, const struct store_meta *before, int r, struct error *err)
{
    if (r == 0)
        txn_abort(t);
    else
        r = store_step_end(s, t, before, r < 0 ? r : 0, err);
    if (r < 0)
        store_retire_forget(s);
    return r;
}

static int step_slices(struct store *s, int64_t before_ms, struct error *err)
{
    struct store_meta before = s->meta;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    int wrote = step_slice(s, &t, before_ms);
    r = step_end(s, &t, &before, wrote, err);
    if (r == 0 && wrote) { /* blocks of the log were written anew */
        segment_cache_fini(&s->cache);
        store_refold_forget(s);
        store_consider_compact(s);
    }
    return r;
}

static int step_expiry(struct store *s, struct error *err)
{
    struct store_meta before = s->meta;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    return r < 0 ? r : step_end(s, &t, &before, expiry_step(s, &t, &s->retire->expiry), err);
}

/* Says that the day is done. */
static int step_last(struct store *s, struct error *err)
{
    struct store_meta before = s->meta;
    struct retired retired;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    read_retired(&t, &retired);
    s->meta.must_refold |= retired.n_in_blocks > 0; /* the second generation has nothing of them */
    retired.day = s->retire->day;
    retired.n_in_blocks = 0;
    write_retired(&t, &retired);
    s->retired_day = retired.day;
    r = step_end(s, &t, &before, 1, err);
    store_retire_forget(s);
    return r;
}

static int step(struct store *s, int64_t log_ms, int64_t facts_ms, int64_t now, struct error *err)
{
    struct retire *p = s->retire;
    if (!p->is_through) {
        int r = step_slices(s, log_ms ? now - log_ms : INT64_MIN, err);
        if (r < 0 || p->next < s->meta.n_subjects)
            return r;
        p->is_through = true;
        if (facts_ms && facts_ms < now)
            expiry_init(&p->expiry, (uint32_t)((now - facts_ms) / DAY_MS), s->outgoing.is_kept);
        return 0;
    }
    return p->expiry.phase != EXPIRY_DONE ? step_expiry(s, err) : step_last(s, err);
}

bool store_retire_is_due(const struct store *s, int64_t now)
{
    return s->retired_day >= 0 && now / DAY_MS > s->retired_day;
}

static int retire(struct store *s, int64_t now, struct error *err)
{
    int r = store_settle(s, err);
    if (r < 0)
        return r;
    if (!s->retire && (!store_retire_is_due(s, now) || s->meta.must_refold || s->environment->n_dropped))
        return 0;
    /* A ticket is forwarded as its events, as long as it has any. */
    if (!s->retire && s->outgoing.is_kept && !s->outgoing.is_through && !outgoing_is_overdue(s, now))
        return 0;
    if (!s->retire) {
        s->retire = calloc(1, sizeof(*s->retire));
        if (!s->retire)
            return error_set(err, -ENOMEM, "no_memory", "out of memory to apply the retention");
        s->retire->next = 1;
        s->retire->day = now / DAY_MS;
        s->retire->expiry.phase = EXPIRY_DONE;
    }
    r = step(s, atomic_load_explicit(&s->log_ms, memory_order_relaxed),
             atomic_load_explicit(&s->facts_ms, memory_order_relaxed), now, err);
    if (r == 0)
        store_publish(s);
    return r < 0 ? r : 1;
}

int store_retire(struct store *s, int64_t now, struct error *err)
{
    store_turn_take(s);
    int r = retire(s, now, err);
    store_turn_give(s);
    return r;
}

/* A store's first day is gone through already. */
int store_load_retired(struct store *s, struct txn *t, int64_t now)
{
    struct retired retired;
    read_retired(t, &retired);
    if (retired.day < 0) {
        retired.day = now / DAY_MS;
        write_retired(t, &retired);
    }
    s->retired_day = retired.day;
    return t->rc ? -EIO : 0;
}

void store_set_retention(struct store *s, const struct store_retention *retention)
{
    atomic_store_explicit(&s->log_ms, retention->log_ms, memory_order_relaxed);
    atomic_store_explicit(&s->facts_ms, retention->facts_ms, memory_order_relaxed);
}
