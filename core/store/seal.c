#include "core/base/bitmap.h"
#include "core/store/draft.h"
#include "core/store/handover.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    HOT_RECORDS = 2048, /* in one entry of DB_HOT */
    SEAL_NICE = 14,     /* of what drafts beside commits: above the committer's, so below its priority */
};

/* A seal, and its memory for the next one. A large one is drafted beside the commits that go on, and ended by
 * the next of them that finds it done. */
struct seal {
    enum seal_kind kind;
    bool is_under_way;
    struct draft draft;
    struct hot_record *records; /* of what stays hot */
    size_t n_records, capacity;
    struct bitmap cooled; /* the numbers of those that go */
    int r;                /* of the draft, once it is done */
    bool is_beside;
    pthread_t thread;
    atomic_bool is_done;
};

/* --- what its transaction writes
 * ----------------------------------------------------------------------------------------------------------
 */

/* The facts of what cools down in the second generation, where a refold has come to their numbers already. */
static int write_second(struct store *s, struct txn *t, const struct draft *d, uint32_t run)
{
    int r = 0;
    facts_begin(s->folder.writer, t, store_second(s), run, 0);
    for (size_t i = 0; i < d->n_written && r == 0; i++) {
        const struct draft_subject *of = draft_at(d, i);
        if (of->was.cools && store_is_refolded(s, of->was.number))
            r = store_fold_out(s, &s->folder, s->environment, &of->was);
    }
    return r < 0 ? r : facts_finish(s->folder.writer);
}

static int write_locations(struct store *s, struct txn *t, const struct draft *d, uint32_t second_run)
{
    struct location_change *changes = malloc((d->n_written ? d->n_written : 1) * sizeof(*changes));
    unsigned first = s->meta.first_runs;
    if (!changes)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < d->n_written; i++) {
        const struct draft_subject *of = draft_at(d, i);
        bool has_new = of->was.n_events > of->was.n_sealed, cools = of->was.cools;
        if (!has_new && !cools)
            continue;
        struct location_change *c = &changes[n++];
        c->number = of->was.number;
        c->location.segment = has_new ? d->segment : LOCATION_KEEP;
        c->location.runs[first] = cools ? d->segment : LOCATION_KEEP;
        c->location.runs[!first] = cools && store_is_refolded(s, of->was.number) ? second_run : LOCATION_KEEP;
    }
    int r = location_put(t, changes, n);
    free(changes);
    return r;
}

/* Decides whether a drafted subject goes. One that was to cool down and was touched since has woken: it
 * stays, and the facts that were drafted of it hold for nobody. */
static int judge(struct store *s, struct txn *t, const struct draft *d, struct draft_subject *of)
{
    bool has_woken = of->was.cools && of->hot->epoch == s->epoch;
    of->was.cools = of->hot->cools = of->was.cools && !has_woken;
    if (of->was.cools)
        return 0;
    s->n_buried += has_woken;
    if (of->was.n_events > of->was.n_sealed)
        of->hot->last_segment = d->segment;
    of->hot->n_sealed = of->was.n_events;
    return has_woken && d->generation
               ? facts_bury(t, s->memtable, d->generation, d->segment, of->was.number, s->tick)
               : 0;
}

static int reserve_records(struct seal *seal, size_t n)
{
    seal->n_records = 0;
    if (n <= seal->capacity)
        return 0;
    free(seal->records);
    seal->capacity = n + n / 4;
    seal->records = malloc(seal->capacity * sizeof(*seal->records));
    if (!seal->records)
        seal->capacity = 0;
    return seal->records ? 0 : -ENOMEM;
}

/* One look at each hot subject: they are all over memory. Those that came behind the draft are in the
 * journal, which tells the next start of them, but for old ones that came back without an event. What changes
 * in memory holds behind the commit; a seal that fails is followed by a reload, so nobody reads it. */
static int look_through(struct store *s, struct txn *t, struct seal *seal, struct memtable *next)
{
    struct draft *d = &seal->draft;
    int r = reserve_records(seal, s->hot.n);
    s->touched.n = 0; /* there is room for as many as there were */
    for (size_t i = 0; i < s->hot.n && r == 0; i++) {
        struct subject *subject = s->hot.list[i];
        hot_prefetch_place(&s->hot, i);
        if (i < d->n)
            r = judge(s, t, d, &d->list[i]);
        if (subject->cools) {
            if (bitmap_add(&seal->cooled, subject->number) < 0)
                r = -ENOMEM;
            continue;
        }
        if (r == 0 && seal->kind == SEAL_SWITCH) {
            subject->is_touched = false;
            r = store_fold_anew(s, s->environment, subject, next);
        }
        if (subject->is_touched)
            s->touched.list[s->touched.n++] = subject;
        if (subject->number >= d->n_subjects)
            continue;
        subject->is_kept = true;
        seal->records[seal->n_records++] = (struct hot_record){
            .hash = subject->hash,
            .number = subject->number,
            .last_segment = subject->last_segment,
            .namespace = subject->namespace,
            .is_loose = subject->is_loose,
        };
    }
    return r;
}

static int write_hot(struct txn *t, const struct seal *seal)
{
    txn_empty(t, DB_HOT);
    for (size_t i = 0; i < seal->n_records; i += HOT_RECORDS) {
        size_t n = seal->n_records - i < HOT_RECORDS ? seal->n_records - i : HOT_RECORDS;
        uint8_t key[4];
        put_u32(key, (uint32_t)(i / HOT_RECORDS));
        txn_put(t, DB_HOT, key, sizeof(key), seal->records + i, n * sizeof(*seal->records));
    }
    return t->rc ? -EIO : 0;
}

/* The second generation becomes the first. */
static void switch_meta(struct store *s, struct txn *t)
{
    s->meta.generation = store_second(s);
    s->meta.first_runs = !s->meta.first_runs;
    s->meta.fact_version = s->meta.second_version;
    s->meta.must_refold = 0;
    s->meta.refolded = 0;
    s->meta.has_before = 0;
    txn_empty(t, DB_BEFORE);
}

/* Work in memory beside a transaction's: by a thread of its own, where it is much. */
struct aside {
    pthread_t thread;
    bool is_beside;
};

static void aside_begin(struct aside *a, const struct seal *seal, void *(*work)(void *context), void *context)
{
    a->is_beside = seal->draft.n >= seal->draft.store->seal_beside &&
                   pthread_create(&a->thread, NULL, work, context) == 0;
    if (!a->is_beside)
        (void)work(context);
}

static void aside_end(struct aside *a)
{
    if (a->is_beside)
        (void)pthread_join(a->thread, NULL);
}

struct handing_over {
    struct store *store;
    const struct bitmap *cooled;
    struct memtable *next;
    int r;
};

static void *hand_over(void *context)
{
    struct handing_over *h = context;
    h->r = handover_rows(h->next, h->store->memtable, h->cooled, h->store->tick);
    return NULL;
}

static int write_rest(struct store *s, struct txn *t, const struct seal *seal)
{
    const struct draft *d = &seal->draft;
    uint32_t second_run = d->segment + 1;
    int r = s->meta.refolded ? write_second(s, t, d, second_run) : 0;
    if (r == 0)
        r = facts_settle_dead(t, s->memtable);
    if (r == 0)
        r = directory_add(s->directory, t, d->entries, d->n_entries);
    s->meta.n_in_directory = d->n_subjects;
    if (r == 0)
        r = write_locations(s, t, d, second_run);
    if (r == 0)
        r = write_hot(t, seal);
    return r < 0 ? r : journal_forget(t, d->position);
}

static int write_all(struct store *s, struct txn *t, struct seal *seal, struct memtable *next)
{
    struct handing_over h = {.store = s, .cooled = &seal->cooled, .next = next};
    struct aside aside = {0};
    int r = draft_put(&seal->draft, t);
    if (r == 0)
        r = look_through(s, t, seal, next);
    if (r < 0)
        return r;
    if (seal->kind != SEAL_SWITCH)
        aside_begin(&aside, seal, hand_over, &h);
    r = write_rest(s, t, seal);
    aside_end(&aside);
    r = r < 0 ? r : h.r;
    if (r < 0)
        return r;
    if (seal->kind == SEAL_SWITCH)
        switch_meta(s, t);
    return store_write_meta(s, t);
}

/* --- its steps
 * ----------------------------------------------------------------------------------------------------------
 */

static bool is_dropped(const void *environment, const struct event *e)
{
    return environment_drops(environment, e->source);
}

static void draft(struct seal *seal)
{
    seal->r = draft_make(&seal->draft);
    atomic_store_explicit(&seal->is_done, true, memory_order_release);
}

static void *draft_beside(void *context)
{
    (void)pthread_setname_np(pthread_self(), "seal");
    /* Behind the commits, which everybody waits for: it has until the next seal is due. */
    (void)setpriority(PRIO_PROCESS, 0, SEAL_NICE);
    draft(context);
    return NULL;
}

int store_seal_begin(struct store *s, enum seal_kind kind, struct error *err)
{
    if (!s->seal)
        s->seal = calloc(1, sizeof(*s->seal));
    struct seal *seal = s->seal;
    /* Only the first generation still had them. */
    for (size_t i = 0; seal && kind == SEAL_SWITCH && s->environment->n_dropped && i < s->hot.n; i++)
        subject_drop(&s->hot, s->hot.list[i], is_dropped, s->environment);
    if (!seal || draft_take(&seal->draft, s, kind) < 0)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a seal");
    seal->kind = kind;
    seal->is_under_way = true;
    atomic_store_explicit(&seal->is_done, false, memory_order_relaxed);
    s->epoch++;
    store_forget_tables(s);
    s->journal_events = s->journal_entries = 0;
    seal->is_beside = kind != SEAL_SWITCH && seal->draft.n >= s->seal_beside &&
                      pthread_create(&seal->thread, NULL, draft_beside, seal) == 0;
    if (seal->is_beside)
        return 0;
    draft(seal);
    return store_seal_end(s, true, err);
}

/* What views take, of the other side of the commit. Under the view lock. */
static struct environment *publish_seal(struct store *s, struct memtable *next, bool switches)
{
    struct environment *old = NULL;
    s->memtable = next;
    if (switches) {
        old = s->before;
        s->before = environment_ref(s->environment);
    }
    store_publish_locked(s);
    return old;
}

/* Nothing that the draft held is read any more. */
static void *remove_cooled(void *hot)
{
    hot_release(hot);
    hot_remove(hot);
    return NULL;
}

static int commit(struct store *s, struct txn *t, const struct seal *seal, struct memtable *next,
                  struct error *err)
{
    bool switches = seal->kind == SEAL_SWITCH;
    struct memtable *old = s->memtable;
    struct environment *before = NULL;
    struct aside aside;
    /* A view takes the file and the memtable of one side of this commit, never one of each: one that finds
     * the file of the other side waits. Those of this side are opened while the disk is busy. */
    (void)pthread_mutex_lock(&s->view_lock);
    s->sealing = txn_id(t);
    (void)pthread_mutex_unlock(&s->view_lock);
    /* Behind a commit that fails all is read back, so what has cooled may go before it is known. */
    aside_begin(&aside, seal, remove_cooled, &s->hot);
    int r = txn_commit(t, err);
    aside_end(&aside);
    (void)pthread_mutex_lock(&s->view_lock);
    if (r == 0)
        before = publish_seal(s, next, switches);
    s->sealing = 0;
    (void)pthread_cond_broadcast(&s->seal_shown);
    (void)pthread_mutex_unlock(&s->view_lock);
    if (r < 0)
        return r;
    memtable_unref(old);
    environment_unref(before);
    segment_cache_fini(&s->cache);
    store_consider_compact(s);
    store_publish(s);
    if (switches) {
        s->must_sweep = true;
        store_refold_forget(s);
    }
    return 0;
}

static int end(struct store *s, struct seal *seal, struct error *err)
{
    struct memtable *next = seal->kind == SEAL_COOL ? memtable_next(s->memtable) : memtable_new(&s->pool);
    struct txn t;
    int r = next ? txn_begin(&t, &s->db, true, err)
                 : error_set(err, -ENOMEM, "no_memory", "out of memory for a seal");
    if (r < 0) {
        memtable_unref(next);
        return r;
    }
    r = seal->r < 0 ? seal->r : write_all(s, &t, seal, next);
    if (r < 0) {
        int rc = t.rc;
        txn_abort(&t);
        r = rc ? db_error(rc, err) : error_set(err, r, "store_failed", "the seal failed: %s", strerror(-r));
    } else {
        r = commit(s, &t, seal, next, err);
    }
    if (r < 0)
        memtable_unref(next);
    return r;
}

/* Waits until it is drafted. */
static void join(struct seal *seal)
{
    if (seal->is_beside)
        (void)pthread_join(seal->thread, NULL);
    seal->is_beside = false;
}

static void release(struct seal *seal)
{
    draft_release(&seal->draft);
    bitmap_fini(&seal->cooled);
    seal->is_under_way = false;
}

bool store_seal_is_under_way(const struct store *s)
{
    return s->seal && s->seal->is_under_way;
}

int store_seal_end(struct store *s, bool wait, struct error *err)
{
    struct seal *seal = s->seal;
    if (!store_seal_is_under_way(s))
        return 0;
    if (!wait && !atomic_load_explicit(&seal->is_done, memory_order_acquire))
        return 1;
    join(seal);
    int r = end(s, seal, err);
    if (r < 0)
        s->must_reload = true;
    release(seal);
    if (seal->kind == SEAL_ALL) /* the tenant is idle: others may use the memory */
        store_seal_free(s);
    return r;
}

void store_seal_forget(struct store *s)
{
    if (!store_seal_is_under_way(s))
        return;
    join(s->seal);
    release(s->seal);
}

void store_seal_free(struct store *s)
{
    if (!s->seal)
        return;
    draft_fini(&s->seal->draft);
    free(s->seal->records);
    free(s->seal);
    s->seal = NULL;
}

int store_seal(struct store *s, enum seal_kind kind, struct error *err)
{
    int r = store_seal_end(s, true, err);
    if (r == 0)
        r = store_seal_begin(s, kind, err);
    return r < 0 ? r : store_seal_end(s, true, err);
}
