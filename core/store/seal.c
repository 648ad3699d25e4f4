#include "core/store/draft.h"

#include <stdlib.h>
#include <string.h>

enum { HOT_RECORDS = 2048 }; /* in one entry of DB_HOT */

/* A seal under way. A large one is drafted beside the commits that go on, and ended by the next of them that
 * finds it done. */
struct seal {
    enum seal_kind kind;
    struct draft draft;
    int r; /* of the draft, once it is done */
    bool is_beside;
    pthread_t thread;
    atomic_bool is_done;
};

/* Whether a subject that was to cool down has been touched since: it stays hot, and the facts that were
 * drafted of it hold for nobody. */
static bool has_woken(const struct store *s, const struct draft_subject *d)
{
    return d->was.cools && d->hot->epoch == s->epoch;
}

/* --- what its transaction writes
 * ----------------------------------------------------------------------------------------------------------
 */

static int bury_woken(struct store *s, struct txn *t, const struct draft *d)
{
    int r = 0;
    for (size_t i = 0; i < d->n && r == 0; i++) {
        struct draft_subject *of = &d->list[d->order[i].at];
        if (!has_woken(s, of))
            continue;
        of->hot->cools = false;
        if (d->generation)
            r = facts_bury(t, s->memtable, d->generation, d->segment, of->was.number, s->tick);
    }
    return r;
}

/* And the facts of what cools down in the second generation, where a refold has come to their numbers
 * already. */
static int write_second(struct store *s, struct txn *t, const struct draft *d, uint32_t run)
{
    int r = 0;
    facts_begin(s->folder.writer, t, store_second(s), run, 0);
    for (size_t i = 0; i < d->n && r == 0; i++) {
        const struct draft_subject *of = draft_at(d, i);
        if (of->hot->cools && store_is_refolded(s, of->was.number))
            r = store_fold_out(s, &s->folder, s->environment, &of->was);
    }
    return r < 0 ? r : facts_finish(s->folder.writer);
}

static int write_directory(struct store *s, struct txn *t, const struct draft *d)
{
    struct directory_entry *entries = malloc((d->n ? d->n : 1) * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        const struct subject *subject = &draft_at(d, i)->was;
        if (subject->number >= s->meta.n_in_directory)
            entries[n++] = (struct directory_entry){
                .hash = subject->hash, .number = subject->number, .is_loose = subject->is_loose};
    }
    int r = directory_add(s->directory, t, entries, n);
    free(entries);
    s->meta.n_in_directory = d->n_subjects;
    return r;
}

static int write_locations(struct store *s, struct txn *t, const struct draft *d, uint32_t second_run)
{
    struct location_change *changes = malloc((d->n ? d->n : 1) * sizeof(*changes));
    unsigned first = s->meta.first_runs;
    if (!changes)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        const struct draft_subject *of = draft_at(d, i);
        bool has_new = of->was.n_events > of->was.n_sealed, cools = of->hot->cools;
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

/* The segments have events of it up to the draft's position. */
static void seal_subject(struct subject *subject, const struct draft *d, const struct subject *was)
{
    if (was->n_events > was->n_sealed)
        subject->last_segment = d->segment;
    subject->n_sealed = was->n_events;
}

/* What stays in memory, for the next start to find; but for what the journal tells of it. */
static int write_hot(struct store *s, struct txn *t, const struct draft *d)
{
    struct hot_record *records = calloc(HOT_RECORDS, sizeof(*records));
    if (!records)
        return -ENOMEM;
    txn_empty(t, DB_HOT);
    uint32_t place = 0, n = 0;
    for (size_t i = 0; i <= s->hot.n; i++) {
        if (n == HOT_RECORDS || (i == s->hot.n && n)) {
            uint8_t key[4];
            put_u32(key, place++);
            txn_put(t, DB_HOT, key, sizeof(key), records, n * sizeof(*records));
            n = 0;
        }
        const struct subject *subject = i < s->hot.n ? s->hot.list[i] : NULL;
        if (!subject || subject->cools || subject->number >= d->n_subjects)
            continue;
        records[n++] = (struct hot_record){
            .hash = subject->hash,
            .number = subject->number,
            .last_segment = subject->last_segment,
            .namespace = subject->namespace,
            .is_loose = subject->is_loose,
        };
    }
    free(records);
    return t->rc ? -EIO : 0;
}

/* The memtable after the seal: the rows of those that stay; after a switch as today's environment makes them.
 * Changes where their rows are; a seal that fails is followed by a reload, so nobody reads that. */
static int keep_rows(struct store *s, bool switches, struct memtable **ret)
{
    struct memtable *m = memtable_new(&s->pool);
    int r = m ? 0 : -ENOMEM;
    for (size_t i = 0; i < s->hot.n && r == 0; i++) {
        struct subject *subject = s->hot.list[i];
        if (!subject->cools && switches) {
            r = store_fold_anew(s, s->environment, subject, m);
            subject->is_touched = false;
        }
        if (subject->is_touched)
            subject->n_rows = 0; /* they are not those of its events, and the table that they were in goes */
        for (uint32_t k = 0; !subject->cools && !switches && k < subject->n_rows && r == 0; k++) {
            int64_t number = memtable_copy(m, s->memtable, subject->rows[k].table, subject->rows[k].row, 0);
            r = number < 0 ? (int)number : 0;
            subject->rows[k].row = (uint32_t)number;
        }
    }
    if (r < 0) {
        memtable_unref(m);
        return r;
    }
    *ret = m;
    return 0;
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

static int write_all(struct store *s, struct txn *t, struct seal *seal, struct memtable **ret_next)
{
    struct draft *d = &seal->draft;
    bool switches = seal->kind == SEAL_SWITCH;
    uint32_t second_run = d->segment + 1;
    s->meta.next_segment = d->segment + 2;
    int r = draft_put(d, t);
    if (r == 0)
        r = bury_woken(s, t, d);
    if (r == 0 && s->meta.refolded)
        r = write_second(s, t, d, second_run);
    if (r == 0)
        r = facts_settle_dead(t, s->memtable);
    if (r == 0)
        r = write_directory(s, t, d);
    if (r == 0)
        r = write_locations(s, t, d, second_run);
    for (size_t i = 0; i < d->n && r == 0; i++)
        seal_subject(d->list[i].hot, d, &d->list[i].was);
    if (r == 0)
        r = write_hot(s, t, d);
    if (r == 0)
        r = keep_rows(s, switches, ret_next);
    if (r == 0)
        r = journal_forget(t, d->position);
    if (r < 0)
        return r;
    if (switches)
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
    draft(context);
    return NULL;
}

int store_seal_begin(struct store *s, enum seal_kind kind, struct error *err)
{
    struct seal *seal = calloc(1, sizeof(*seal));
    if (!seal)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a seal");
    seal->kind = kind;
    /* Only the first generation still had them. */
    for (size_t i = 0; kind == SEAL_SWITCH && s->environment->n_dropped && i < s->hot.n; i++)
        subject_drop(&s->hot, s->hot.list[i], is_dropped, s->environment);
    if (draft_take(&seal->draft, s, kind) < 0) {
        free(seal);
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a seal");
    }
    s->seal = seal;
    s->epoch++;
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

static void after_seal(struct store *s, const struct draft *d)
{
    hot_release(&s->hot);
    hot_remove(&s->hot);
    s->touched.n = 0; /* there is room for as many as there were */
    for (size_t i = 0; i < s->hot.n; i++) {
        struct subject *subject = s->hot.list[i];
        subject->is_kept |= subject->number < d->n_subjects;
        if (subject->is_touched)
            s->touched.list[s->touched.n++] = subject;
    }
    segment_cache_fini(&s->cache);
}

static int end(struct store *s, struct seal *seal, struct error *err)
{
    struct memtable *next = NULL;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    r = seal->r < 0 ? seal->r : write_all(s, &t, seal, &next);
    if (r < 0) {
        int rc = t.rc;
        txn_abort(&t);
        return rc ? db_error(rc, err)
                  : error_set(err, r, "store_failed", "the seal failed: %s", strerror(-r));
    }
    struct memtable *old = s->memtable;
    struct environment *before = NULL;
    /* A view takes the file and the memtable of one side of this commit, never one of each. */
    (void)pthread_mutex_lock(&s->view_lock);
    r = txn_commit(&t, err);
    if (r == 0)
        before = publish_seal(s, next, seal->kind == SEAL_SWITCH);
    (void)pthread_mutex_unlock(&s->view_lock);
    if (r < 0) {
        memtable_unref(next);
        return r;
    }
    memtable_unref(old);
    environment_unref(before);
    after_seal(s, &seal->draft);
    store_publish(s);
    if (seal->kind == SEAL_SWITCH) {
        s->must_sweep = true;
        store_refold_forget(s);
    }
    return 0;
}

static struct seal *take_seal(struct store *s)
{
    struct seal *seal = s->seal;
    s->seal = NULL;
    if (seal->is_beside)
        (void)pthread_join(seal->thread, NULL);
    return seal;
}

static void seal_free(struct seal *seal)
{
    draft_fini(&seal->draft);
    free(seal);
}

int store_seal_end(struct store *s, bool wait, struct error *err)
{
    if (!s->seal)
        return 0;
    if (!wait && !atomic_load_explicit(&s->seal->is_done, memory_order_acquire))
        return 1;
    struct seal *seal = take_seal(s);
    int r = end(s, seal, err);
    if (r < 0)
        s->must_reload = true;
    seal_free(seal);
    return r;
}

void store_seal_forget(struct store *s)
{
    if (s->seal)
        seal_free(take_seal(s));
}

int store_seal(struct store *s, enum seal_kind kind, struct error *err)
{
    int r = store_seal_end(s, true, err);
    if (r == 0)
        r = store_seal_begin(s, kind, err);
    return r < 0 ? r : store_seal_end(s, true, err);
}
