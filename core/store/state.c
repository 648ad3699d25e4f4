#include "core/store/state.h"

#include "core/store/outgoing.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t store_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t store_hash(const struct store *s, char kind, const char *namespace, const void *id, size_t size)
{
    uint8_t text[1 + STORE_NAME_BYTES + 1 + EVENT_ID_BYTES + 16], hash[crypto_shorthash_siphashx24_BYTES];
    size_t n = strnlen(namespace, STORE_NAME_BYTES), at = 0;
    text[at++] = (uint8_t)kind;
    memcpy(text + at, namespace, n);
    at += n;
    text[at++] = 0; /* no name holds one, so the parts cannot run together */
    if (size > sizeof(text) - at)
        size = sizeof(text) - at;
    memcpy(text + at, id, size);
    (void)crypto_shorthash_siphashx24(hash, text, at + size, s->hash_key);
    uint64_t h;
    memcpy(&h, hash, sizeof(h));
    return h;
}

int store_write_meta(struct store *s, struct txn *t)
{
    txn_put(t, DB_META, "state", 5, &s->meta, sizeof(s->meta));
    return t->rc ? -EIO : 0;
}

void store_write_dictionary(struct store *s, struct txn *t)
{
    for (unsigned f = 0; f < DICTIONARY_N; f++) {
        uint32_t n = dictionary_count(s->dictionary, f);
        for (uint32_t number = s->persisted[f] + 1; number <= n; number++) {
            uint8_t key[5] = {(uint8_t)f};
            put_u32(key + 1, number);
            const char *string = dictionary_string(s->dictionary, f, number);
            txn_put(t, DB_DICTIONARY, key, sizeof(key), string, strlen(string));
        }
    }
}

void store_dictionary_written(struct store *s)
{
    for (unsigned f = 0; f < DICTIONARY_N; f++)
        s->persisted[f] = dictionary_count(s->dictionary, f);
}

/* Strings of a transaction that failed stay in memory and are written by the next: a number is never given
 * twice. */
static int load_dictionary(struct store *s, struct txn *t)
{
    struct walk walk;
    memset(s->persisted, 0, sizeof(s->persisted));
    int r = walk_open(&walk, t, DB_DICTIONARY, NULL, 0);
    while (r == 0 && walk_next(&walk)) {
        const uint8_t *key = walk.key.mv_data;
        if (walk.key.mv_size != 5 || key[0] >= DICTIONARY_N) {
            r = -EBADMSG;
            break;
        }
        uint32_t number = 0;
        r = dictionary_intern(s->dictionary, key[0], walk.value.mv_data, walk.value.mv_size, &number, NULL);
        if (r == 0 && number != get_u32(key + 1))
            r = -EBADMSG;
        s->persisted[key[0]] = number;
    }
    walk_close(&walk, t);
    return r;
}

static bool is_dropped(const void *environment, const struct event *e)
{
    return environment_drops(environment, e->source);
}

/* A subject's events from its segments, without those that no generation has any more. */
static int load_events(struct store *s, struct txn *t, struct subject *subject, uint32_t last_segment)
{
    int r = segment_load(&s->cache, t, &s->hot, subject, last_segment);
    if (r == 0 && s->before->n_dropped)
        subject_drop(&s->hot, subject, is_dropped, s->before);
    return r;
}

int store_revive(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint32_t number,
                 uint16_t namespace, struct subject **ret)
{
    struct location location;
    unsigned first = s->meta.first_runs;
    int r = location_get(t, number, &location);
    if (r < 0)
        return r;
    if (location.segment == LOCATION_FROZEN || location.segment == LOCATION_ERASED)
        return location.segment == LOCATION_FROZEN ? REJECT_FROZEN : REJECT_ERASED;
    struct subject *subject = hot_add(&s->hot, hash, is_loose, number, namespace);
    if (!subject)
        return -ENOMEM;
    r = load_events(s, t, subject, location.segment);
    if (r < 0)
        return r;
    *ret = subject;
    s->n_buried++;
    /* A run has the number of its seal, and a seal takes two. */
    s->n_revived += location.runs[first] && s->meta.next_segment - location.runs[first] <= 2 * STORE_LATELY;
    /* Its rows are in the memtable from now on, even where no new event comes of this. */
    r = store_touch(s, subject);
    if (r == 0 && store_has_first(s) && location.runs[first])
        r = facts_bury(t, s->memtable, s->meta.generation, location.runs[first], number, s->tick);
    if (r == 0 && store_is_refolded(s, number) && location.runs[!first])
        r = facts_bury(t, s->memtable, store_second(s), location.runs[!first], number, s->tick);
    return r;
}

int store_subject(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint16_t namespace,
                  struct subject **ret)
{
    *ret = hot_find(&s->hot, hash, is_loose);
    if (*ret)
        return 0;
    uint32_t number;
    int r = directory_find(s->directory, t, hash, is_loose, &number);
    if (r < 0)
        return r;
    if (r == 1)
        return store_revive(s, t, hash, is_loose, number, namespace, ret);
    if (s->meta.n_subjects == UINT32_MAX)
        return -EOVERFLOW;
    *ret = hot_add(&s->hot, hash, is_loose, s->meta.n_subjects, namespace);
    if (!*ret)
        return -ENOMEM;
    s->meta.n_subjects++;
    return 0;
}

/* Brings back what the last seal left in memory. */
static int load_hot(struct store *s, struct txn *t)
{
    struct walk walk;
    int r = walk_open(&walk, t, DB_HOT, NULL, 0);
    while (r == 0 && walk_next(&walk)) {
        if (walk.value.mv_size % sizeof(struct hot_record)) {
            r = -EBADMSG;
            break;
        }
        size_t n = walk.value.mv_size / sizeof(struct hot_record);
        for (size_t i = 0; i < n && r == 0; i++) {
            struct hot_record record;
            memcpy(&record, (const uint8_t *)walk.value.mv_data + i * sizeof(record), sizeof(record));
            struct subject *subject =
                hot_add(&s->hot, record.hash, record.is_loose, record.number, record.namespace);
            r = subject ? load_events(s, t, subject, record.last_segment) : -ENOMEM;
            if (r == 0) {
                subject->is_kept = true;
                r = store_touch(s, subject);
            }
        }
    }
    walk_close(&walk, t);
    return r;
}

/* Takes the events that came after the last seal out of the journal. */
static int load_journal(struct store *s, struct txn *t)
{
    struct walk walk;
    int r = walk_open(&walk, t, DB_JOURNAL, NULL, 0);
    while (r == 0 && walk_next(&walk)) {
        const uint8_t *at = walk.value.mv_data, *end = at + walk.value.mv_size;
        while (at < end && r == 0) {
            struct journal_head head;
            uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
            size_t size = journal_read(at, (size_t)(end - at), &head, (struct event *)room);
            if (size == 0) {
                r = -EBADMSG;
                break;
            }
            struct subject *subject = hot_find(&s->hot, head.hash, head.is_loose);
            if (!subject) {
                uint32_t number;
                r = directory_find(s->directory, t, head.hash, head.is_loose, &number);
                if (r == 1)
                    r = store_revive(s, t, head.hash, head.is_loose, head.number, head.namespace, &subject);
                else if (r == 0 &&
                         !(subject = hot_add(&s->hot, head.hash, head.is_loose, head.number, head.namespace)))
                    r = -ENOMEM;
                if (r > 0)
                    r = -EBADMSG; /* nothing of what has left the log was taken */
            }
            if (r == 0)
                r = subject_append(&s->hot, subject, (const struct event *)room);
            if (r == 0)
                r = store_touch(s, subject);
            s->journal_events++;
            at += size;
        }
        s->journal_entries++;
    }
    walk_close(&walk, t);
    return r;
}

void store_publish(struct store *s)
{
    (void)pthread_mutex_lock(&s->view_lock);
    store_publish_locked(s);
    (void)pthread_mutex_unlock(&s->view_lock);
}

void store_publish_locked(struct store *s)
{
    s->as_of = s->meta.position;
    s->shown = s->tick++;
    s->n_touched = s->touched.n;
    s->shown_tables = s->tables;
    s->is_readable = true;
    s->generation = s->meta.generation;
    s->is_due = s->meta.must_refold;
    s->progress = (struct store_progress){
        .is_refolding = s->is_due || s->wants_other,
        .is_retiring = store_retire_is_due(s, store_now_ms()),
        .is_compacting = s->may_compact,
        .has_facts = store_has_first(s),
        .n_done = s->meta.refolded ? s->meta.refolded - 1 : 0,
        .n_subjects = s->meta.n_subjects - 1,
    };
    s->n_hot_subjects = s->hot.n;
    s->n_hot_events = s->hot.n_events;
}

static int load_meta(struct store *s, struct txn *t, bool *ret_new, struct error *err)
{
    MDB_val value;
    *ret_new = !txn_get(t, DB_META, "state", 5, &value);
    if (t->rc)
        return db_error(t->rc, err);
    if (*ret_new) {
        s->meta = (struct store_meta){.format = STORE_FORMAT,
                                      .fact_version = FACT_VERSION,
                                      .n_subjects = 1,
                                      .next_segment = LOCATION_FIRST,
                                      .generation = 1};
        memcpy(s->meta.key_check, s->key_check, sizeof(s->key_check));
        return 0;
    }
    uint32_t format = 0;
    memcpy(&format, value.mv_data, value.mv_size < 4 ? value.mv_size : 4);
    if (format != STORE_FORMAT || value.mv_size != sizeof(s->meta)) {
        (void)error_set(err, -EPROTO, "store_version", "%s has format %u, this tendond knows format %d",
                        s->path, format, STORE_FORMAT);
        error_hint(err,
                   format < STORE_FORMAT
                       ? "run the version that wrote it, or have the sources send again into a new tenant"
                       : "run the version that wrote it, or a newer one");
        return -EPROTO;
    }
    memset(&s->meta, 0, sizeof(s->meta));
    memcpy(&s->meta, value.mv_data, value.mv_size);
    if (s->meta.frozen_version && s->meta.frozen_version != FACT_VERSION) {
        (void)error_set(err, -EPROTO, "store_version",
                        "%s has facts of version %u whose events have left the log, this tendond makes "
                        "version %d",
                        s->path, s->meta.frozen_version, FACT_VERSION);
        error_hint(err, "run the version that wrote it, or one that reads both");
        return -EPROTO;
    }
    if (memcmp(s->meta.key_check, s->key_check, sizeof(s->key_check)) != 0) {
        (void)error_set(err, -EACCES, "store_key", "%s was made with another key", s->path);
        error_hint(
            err,
            "put the tenant's own key file back in place; without it new events would not meet old tickets");
        return -EACCES;
    }
    return 0;
}

/* Whether this build can go on with the facts and the refold that it finds; what it cannot is made anew. What
 * it cannot read no other build shall find half swept: it is nobody's any more. */
static bool judge_versions(struct store_meta *m)
{
    struct store_meta found = *m;
    if (m->fact_version != FACT_VERSION) {
        bool has_facts = m->n_subjects > 1;
        m->fact_version = has_facts ? 0 : FACT_VERSION;
        m->must_refold = has_facts;
        m->has_before = 0;
    }
    if (m->refolded && (m->second_version != FACT_VERSION || !m->must_refold))
        m->refolded = 0;
    return memcmp(&found, m, sizeof(found)) != 0;
}

int store_load(struct store *s, struct error *err)
{
    struct txn t;
    bool is_new;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    r = load_meta(s, &t, &is_new, err);
    if (r == 0 && (judge_versions(&s->meta) || is_new))
        r = store_write_meta(s, &t);
    s->must_sweep = true;
    store_refold_forget(s);
    store_retire_forget(s);
    if (r == 0 && (r = outgoing_load(s, &t)) < 0)
        (void)error_set(err, r, "store_failed", "%s: what is to be forwarded cannot be read", s->path);
    if (r == 0 && (r = load_dictionary(s, &t)) < 0)
        (void)error_set(err, r, "store_corrupt", "%s: the dictionary cannot be read: %s", s->path,
                        strerror(-r));
    struct source **sources = NULL;
    size_t n_sources = 0;
    if (r == 0)
        r = sources_load(&t, &sources, &n_sources, err);
    if (r == 0)
        r = store_load_environments(s, &t, err);
    if (r == 0 && (r = store_load_retired(s, &t, store_now_ms())) < 0)
        (void)error_set(err, r, "store_failed", "%s: the day of the last retention cannot be read", s->path);
    if (r == 0)
        r = directory_open(&s->directory, &t, err);
    struct memtable *memtable = r == 0 ? memtable_new(&s->pool) : NULL;
    s->memtable = memtable; /* for the views when it is published */
    if (r == 0 && (!memtable || hot_init(&s->hot) < 0))
        r = error_set(err, -ENOMEM, "no_memory", "out of memory for the hot tickets");
    (void)pthread_mutex_lock(&s->lock);
    s->sources = sources;
    s->n_sources = n_sources;
    (void)pthread_mutex_unlock(&s->lock);
    s->journal_events = s->journal_entries = 0;
    s->touched.n = 0;
    if (r == 0) {
        r = load_hot(s, &t);
        if (r == 0)
            r = load_journal(s, &t);
        segment_cache_fini(&s->cache);
        if (r < 0)
            (void)error_set(err, r, r == -ENOMEM ? "no_memory" : "store_corrupt",
                            "%s: the newest events cannot be read back: %s", s->path, strerror(-r));
    }
    if (r < 0) {
        txn_abort(&t);
        return r;
    }
    r = txn_commit(&t, err);
    if (r == 0) {
        s->must_reload = false;
        store_publish(s);
    }
    return r;
}

void store_unload(struct store *s)
{
    store_seal_forget(s);
    (void)pthread_mutex_lock(&s->view_lock);
    struct memtable *memtable = s->memtable;
    s->memtable = NULL;
    s->is_readable = false;
    (void)pthread_mutex_unlock(&s->view_lock);
    (void)pthread_mutex_lock(&s->lock);
    struct source **sources = s->sources;
    size_t n_sources = s->n_sources;
    s->sources = NULL;
    s->n_sources = 0;
    (void)pthread_mutex_unlock(&s->lock);
    memtable_unref(memtable);
    sources_free(sources, n_sources);
    directory_close(s->directory);
    s->directory = NULL;
    segment_cache_fini(&s->cache);
    hot_fini(&s->hot);
    s->touched.n = 0;
}
