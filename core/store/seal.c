#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    HOT_RECORDS = 2048, /* in one entry of DB_HOT */
    SEAL_ALONE = 8192
}; /* subjects that are not worth a second thread */

/* Every seal is a segment, and the run of what it adds to the first generation of facts. */
struct seal_numbers {
    uint32_t segment, second_run;
};

static bool is_after(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at > b->at : a->seq > b->seq;
}

/* Most events come in order, and what does not is only written a little larger: a few steps back are enough.
 */
static void insert_by_time(const struct event **events, size_t n, const struct event *e)
{
    enum { STEPS_MAX = 16 };
    size_t at = n;
    for (; at > 0 && n - at < STEPS_MAX && is_after(events[at - 1], e); at--)
        events[at] = events[at - 1];
    events[at] = e;
}

/* The events that are in no segment yet, by time: neighbours differ least. */
static int write_events(struct store *s, const struct subject *subject)
{
    const struct event *few[64], **events = few;
    size_t n = 0, n_new = subject->n_events - subject->n_sealed;
    if (n_new > 64) {
        events = malloc(n_new * sizeof(*events));
        if (!events)
            return -ENOMEM;
    }
    uint32_t i = 0;
    for (const struct event *e = subject_first(subject); e; e = subject_next(subject, e))
        if (i++ >= subject->n_sealed)
            insert_by_time(events, n++, e);
    int r = 0;
    for (size_t k = 0; k < n && r == 0; k++)
        r = segment_add(s->segment_writer, subject, events[k], subject->last_segment);
    if (events != few)
        free((void *)events);
    return r;
}

/* Subjects and their events are all over memory: it is asked for those of the next while one is written. */
static void fetch_ahead(const struct store *s, size_t i)
{
    enum { FAR = 8, NEAR = 3 };
    if (i + FAR < s->hot.n)
        __builtin_prefetch(s->hot.list[i + FAR]);
    if (i + NEAR < s->hot.n) {
        const struct subject *next = s->hot.list[i + NEAR];
        for (uint32_t at = 0; at < next->size && at < 512; at += 64)
            __builtin_prefetch(next->data + at);
    }
}

/* The facts of those of the list from `first` to before `end` that cool down. */
struct share {
    const struct store *store;
    const struct folder *folder;
    const uint8_t *cooled;
    size_t first, end;
    int r;
    pthread_t thread;
};

static void *fold_share(void *context)
{
    struct share *share = context;
    const struct store *s = share->store;
    for (size_t i = share->first; i < share->end && share->r == 0; i++) {
        fetch_ahead(s, i);
        if (share->cooled[i])
            share->r = store_fold_out(s, share->folder, s->before, s->hot.list[i]);
    }
    if (share->r == 0)
        share->r = facts_finish(share->folder->writer);
    return NULL;
}

/* A large seal has a helper for the last three quarters of the facts: beside it the events and the first
 * quarter take as long. false: it is done alone. */
static bool help_begin(struct store *s, uint32_t number, struct share *share)
{
    if (s->hot.n < SEAL_ALONE || store_folder_make(&s->helper) < 0)
        return false;
    facts_begin(s->helper.writer, NULL, s->meta.generation, number, UINT16_MAX / 2);
    share->folder = &s->helper;
    share->first = s->hot.n / 4;
    share->end = s->hot.n;
    return pthread_create(&share->thread, NULL, fold_share, share) == 0;
}

/* Writes the events that are new as a segment, and the rows of the subjects that cool down, where there is a
 * first generation, to it. */
static int write_first(struct store *s, struct txn *t, uint32_t number, bool has_facts, const uint8_t *cooled)
{
    struct share share = {.store = s, .cooled = cooled};
    bool is_helped = has_facts && help_begin(s, number, &share);
    size_t n_own = !has_facts ? 0 : is_helped ? share.first : s->hot.n;
    int r = 0;
    segment_begin(s->segment_writer, t, number);
    facts_begin(s->folder.writer, t, s->meta.generation, number, 0);
    for (size_t i = 0; i < s->hot.n && r == 0; i++) {
        const struct subject *subject = s->hot.list[i];
        fetch_ahead(s, i);
        if (subject->n_events > subject->n_sealed)
            r = write_events(s, subject);
        if (r == 0 && i < n_own && cooled[i])
            r = store_fold_out(s, &s->folder, s->before, subject);
    }
    if (r == 0)
        r = segment_finish(s->segment_writer);
    if (r == 0)
        r = facts_finish(s->folder.writer);
    if (is_helped)
        (void)pthread_join(share.thread, NULL);
    if (r == 0 && is_helped)
        r = share.r < 0 ? share.r : facts_put(s->helper.writer, t);
    return r;
}

/* And their rows to the second, where a refold has come to their numbers already. */
static int write_second(struct store *s, struct txn *t, uint32_t run, const uint8_t *cooled)
{
    int r = 0;
    facts_begin(s->folder.writer, t, store_second(s), run, 0);
    for (size_t i = 0; i < s->hot.n && r == 0; i++)
        if (cooled[i] && store_is_refolded(s, s->hot.list[i]->number))
            r = store_fold_out(s, &s->folder, s->environment, s->hot.list[i]);
    return r < 0 ? r : facts_finish(s->folder.writer);
}

static int write_directory(struct store *s, struct txn *t)
{
    struct directory_entry *entries = malloc((s->hot.n ? s->hot.n : 1) * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < s->hot.n; i++) {
        const struct subject *subject = s->hot.list[i];
        if (subject->number >= s->meta.n_in_directory)
            entries[n++] = (struct directory_entry){
                .hash = subject->hash, .number = subject->number, .is_loose = subject->is_loose};
    }
    int r = directory_add(s->directory, t, entries, n);
    free(entries);
    s->meta.n_in_directory = s->meta.n_subjects;
    return r;
}

static int write_locations(struct store *s, struct txn *t, const struct seal_numbers *to,
                           const uint8_t *cooled)
{
    struct location_change *changes = malloc((s->hot.n ? s->hot.n : 1) * sizeof(*changes));
    unsigned first = s->meta.first_runs;
    if (!changes)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < s->hot.n; i++) {
        const struct subject *subject = s->hot.list[i];
        bool has_new = subject->n_events > subject->n_sealed;
        if (!has_new && !cooled[i])
            continue;
        struct location_change *c = &changes[n++];
        c->number = subject->number;
        c->location.segment = has_new ? to->segment : LOCATION_KEEP;
        c->location.runs[first] = cooled[i] ? to->segment : LOCATION_KEEP;
        c->location.runs[!first] =
            cooled[i] && store_is_refolded(s, subject->number) ? to->second_run : LOCATION_KEEP;
    }
    int r = location_put(t, changes, n);
    free(changes);
    return r;
}

/* What stays in memory, for the next start to find. */
static int write_hot(struct store *s, struct txn *t, uint32_t segment, const uint8_t *cooled)
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
        if (i == s->hot.n || cooled[i])
            continue;
        const struct subject *subject = s->hot.list[i];
        records[n++] = (struct hot_record){
            .hash = subject->hash,
            .number = subject->number,
            .last_segment = subject->n_events > subject->n_sealed ? segment : subject->last_segment,
            .namespace = subject->namespace,
            .is_loose = subject->is_loose,
        };
    }
    free(records);
    return t->rc ? -EIO : 0;
}

/* The memtable after the seal: the rows of those that stay; after a switch as today's environment makes them.
 * Changes where their rows are; a seal that fails is followed by a reload, so nobody reads that. */
static int keep_rows(struct store *s, bool switches, const uint8_t *cooled, struct memtable **ret)
{
    struct memtable *m = memtable_new(&s->pool);
    int r = m ? 0 : -ENOMEM;
    for (size_t i = 0; i < s->hot.n && r == 0; i++) {
        struct subject *subject = s->hot.list[i];
        if (!cooled[i] && switches) {
            r = store_fold_anew(s, s->environment, subject, m);
            subject->is_touched = false;
        }
        if (subject->is_touched)
            subject->n_rows = 0; /* they are not those of its events, and the table that they were in goes */
        for (uint32_t k = 0; !cooled[i] && !switches && k < subject->n_rows && r == 0; k++) {
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

static bool is_dropped(const void *environment, const struct event *e)
{
    return environment_drops(environment, e->source);
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

static int write_all(struct store *s, struct txn *t, enum seal kind, const uint8_t *cooled,
                     struct memtable **ret_next)
{
    bool switches = kind == SEAL_SWITCH;
    struct seal_numbers to = {.segment = s->meta.next_segment++, .second_run = s->meta.next_segment++};
    int r = write_first(s, t, to.segment, store_has_first(s) && !switches, cooled);
    if (r == 0 && s->meta.refolded)
        r = write_second(s, t, to.second_run, cooled);
    if (r == 0)
        r = facts_settle_dead(t, s->memtable);
    if (r == 0)
        r = write_directory(s, t);
    if (r == 0)
        r = write_locations(s, t, &to, cooled);
    if (r == 0)
        r = write_hot(s, t, to.segment, cooled);
    if (r == 0)
        r = keep_rows(s, switches, cooled, ret_next);
    if (r < 0)
        return r;
    txn_empty(t, DB_JOURNAL);
    if (switches)
        switch_meta(s, t);
    return store_write_meta(s, t);
}

static void after_seal(struct store *s, uint32_t segment, const uint8_t *cooled)
{
    for (size_t i = 0; i < s->hot.n; i++) {
        struct subject *subject = s->hot.list[i];
        if (subject->n_events > subject->n_sealed)
            subject->last_segment = segment;
        subject->n_sealed = subject->n_events;
        subject->is_kept = true;
    }
    hot_remove(&s->hot, cooled);
    s->touched.n = 0; /* there is room for as many as there were */
    for (size_t i = 0; i < s->hot.n; i++)
        if (s->hot.list[i]->is_touched)
            s->touched.list[s->touched.n++] = s->hot.list[i];
    segment_cache_fini(&s->cache);
    s->journal_events = s->journal_entries = 0;
    s->epoch++;
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

int store_seal(struct store *s, enum seal kind, struct error *err)
{
    struct memtable *next = NULL;
    struct txn t;
    uint32_t segment = s->meta.next_segment;
    uint8_t *cooled = calloc(s->hot.n ? s->hot.n : 1, 1);
    if (!cooled)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a seal");
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0) {
        free(cooled);
        return r;
    }
    hot_sort(&s->hot);
    for (size_t i = 0; i < s->hot.n; i++) {
        cooled[i] = kind == SEAL_ALL || s->hot.list[i]->epoch < s->epoch;
        /* Only the first generation still had them. */
        if (kind == SEAL_SWITCH && s->environment->n_dropped)
            subject_drop(&s->hot, s->hot.list[i], is_dropped, s->environment);
    }
    r = write_all(s, &t, kind, cooled, &next);
    if (r < 0) {
        int rc = t.rc;
        txn_abort(&t);
        r = rc ? db_error(rc, err) : error_set(err, r, "store_failed", "the seal failed: %s", strerror(-r));
    } else {
        struct memtable *old = s->memtable;
        struct environment *before = NULL;
        /* A view takes the file and the memtable of one side of this commit, never one of each. */
        (void)pthread_mutex_lock(&s->view_lock);
        r = txn_commit(&t, err);
        if (r == 0)
            before = publish_seal(s, next, kind == SEAL_SWITCH);
        (void)pthread_mutex_unlock(&s->view_lock);
        if (r == 0) {
            memtable_unref(old);
            environment_unref(before);
            next = NULL;
            after_seal(s, segment, cooled);
            store_publish(s);
        }
    }
    memtable_unref(next);
    free(cooled);
    if (r == 0 && kind == SEAL_SWITCH) {
        s->must_sweep = true;
        store_refold_forget(s);
    }
    if (r < 0)
        s->must_reload = true;
    return r;
}
