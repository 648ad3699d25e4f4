#include "core/store/state.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

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

void store_publish_environment(struct store *s, struct environment *next)
{
    (void)pthread_mutex_lock(&s->view_lock);
    struct environment *old = s->environment;
    s->environment = next;
    (void)pthread_mutex_unlock(&s->view_lock);
    environment_unref(old);
}

int store_publish_reference(struct store *s, struct reference *next)
{
    struct environment *e;
    int r = environment_new(&s->environment->settings, next, &e);
    if (r == 0)
        store_publish_environment(s, e);
    return r;
}

struct write_reference {
    struct txn *txn;
    struct buffer row;
    uint32_t place;
    enum reference_table table;
};

static int put_record(struct write_reference *w, int encoded)
{
    if (encoded < 0 || buffer_failed(&w->row))
        return -ENOMEM;
    uint8_t place[4];
    put_u32(place, w->place++);
    txn_put(w->txn, DB_REFERENCE, place, sizeof(place), w->row.data, w->row.size);
    return w->txn->rc ? -EIO : 0;
}

static int write_row(void *context, const char *key, const struct reference_row *row)
{
    struct write_reference *w = context;
    buffer_clear(&w->row);
    return put_record(w, reference_row_encode(&w->row, w->table, key, row));
}

static int write_calendar(void *context, const char *name, const struct reference_calendar *c)
{
    struct write_reference *w = context;
    buffer_clear(&w->row);
    return put_record(w, reference_calendar_encode(&w->row, name, c));
}

int store_write_reference(struct store *s, const struct reference *next, bool refold, struct error *err)
{
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    struct write_reference w = {.txn = &t};
    buffer_init(&w.row, 1 << 20);
    txn_empty(&t, DB_REFERENCE);
    for (w.table = 0; w.table < REFERENCE_N && r == 0; w.table++)
        r = reference_each(next, w.table, write_row, &w);
    if (r == 0)
        r = reference_each_calendar(next, write_calendar, &w);
    buffer_fini(&w.row);
    struct store_meta before = s->meta;
    s->meta.must_refold |= refold;
    if (r == 0)
        r = store_write_meta(s, &t);
    if (r == -ENOMEM) {
        txn_abort(&t);
        (void)error_set(err, r, "no_memory", "out of memory while writing the reference tables");
    } else {
        r = txn_commit(&t, err);
    }
    if (r < 0)
        s->meta = before;
    return r;
}

static int load_reference(struct txn *t, struct reference **ret, struct error *err)
{
    struct reference *reference;
    int r = reference_new(NULL, &reference);
    struct walk walk;
    if (r == 0)
        r = walk_open(&walk, t, DB_REFERENCE, NULL, 0);
    if (r < 0)
        return error_set(err, r, "no_memory", "the reference tables cannot be loaded");
    while (r == 0 && walk_next(&walk))
        r = reference_row_decode(reference, walk.value.mv_data, walk.value.mv_size, err);
    walk_close(&walk, t);
    if (r < 0) {
        reference_unref(reference);
        return r;
    }
    *ret = reference;
    return 0;
}

static int load_environment(struct store *s, struct txn *t, struct error *err)
{
    struct reference *reference = NULL;
    struct environment *e;
    MDB_val value;
    int r = load_reference(t, &reference, err);
    if (r < 0)
        return r;
    r = txn_get(t, DB_META, "settings", 8, &value)
            ? settings_decode(value.mv_data, value.mv_size, reference, &e)
            : environment_new(NULL, reference, &e);
    reference_unref(reference);
    if (r == 0 && (r = environment_intern(e, s->dictionary)) < 0)
        environment_unref(e);
    if (r < 0)
        return error_set(err, r, r == -ENOMEM ? "no_memory" : "store_corrupt",
                         "%s: the settings of the fold cannot be read: %s", s->path, strerror(-r));
    store_publish_environment(s, e);
    return 0;
}

static bool same_settings(const struct buffer *a, const struct buffer *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static int write_settings(struct store *s, const struct buffer *bytes, struct error *err)
{
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    struct store_meta before = s->meta;
    txn_put(&t, DB_META, "settings", 8, bytes->data, bytes->size);
    s->meta.must_refold = 1;
    store_write_dictionary(s, &t);
    (void)store_write_meta(s, &t);
    r = txn_commit(&t, err);
    if (r < 0)
        s->meta = before;
    else
        store_dictionary_written(s);
    return r;
}

int store_adopt_settings(struct store *s, struct error *err)
{
    (void)pthread_mutex_lock(&s->lock);
    struct environment *wanted = s->wanted, *next = NULL;
    s->wanted = NULL;
    (void)pthread_mutex_unlock(&s->lock);
    if (!wanted)
        return 0;
    struct buffer old, new;
    buffer_init(&old, ENVIRONMENT_SETTINGS_BYTES);
    buffer_init(&new, ENVIRONMENT_SETTINGS_BYTES);
    settings_encode(&s->environment->settings, &old);
    settings_encode(&wanted->settings, &new);
    int r = buffer_failed(&old) || buffer_failed(&new) ? -ENOMEM : 0;
    bool differ = r == 0 && !same_settings(&old, &new);
    if (differ)
        r = environment_new(&wanted->settings, s->environment->reference, &next);
    if (differ && r == 0)
        r = environment_intern(next, s->dictionary);
    if (r < 0)
        (void)error_set(err, r, "no_memory", "out of memory for the settings of the fold");
    else if (differ)
        r = write_settings(s, &new, err);
    buffer_fini(&old);
    buffer_fini(&new);
    if (r == 0 && differ) {
        store_publish_environment(s, next);
        next = NULL;
    }
    environment_unref(next);
    if (r < 0) { /* again at the next turn, unless others came meanwhile */
        (void)pthread_mutex_lock(&s->lock);
        if (!s->wanted) {
            s->wanted = wanted;
            wanted = NULL;
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    environment_unref(wanted);
    return r < 0 ? r : differ;
}

int store_touch(struct store *s, struct subject *subject)
{
    struct touched *touched = &s->touched;
    subject->epoch = s->epoch;
    if (subject->is_touched)
        return 0;
    if (touched->n == touched->capacity) {
        size_t capacity = touched->capacity ? touched->capacity * 2 : 1024;
        struct subject **list = realloc(touched->list, capacity * sizeof(struct subject *));
        if (!list)
            return -ENOMEM;
        touched->list = list;
        touched->capacity = capacity;
    }
    subject->is_touched = true;
    touched->list[touched->n++] = subject;
    return 0;
}

static int keep_row(void *context, const struct fact_row *row)
{
    struct store *s = context;
    if (s->n_rows == s->rows_capacity) {
        size_t capacity = s->rows_capacity ? s->rows_capacity * 2 : 64;
        struct fact_row *rows = realloc(s->rows, capacity * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        s->rows = rows;
        s->rows_capacity = capacity;
    }
    s->rows[s->n_rows++] = *row;
    return 0;
}

int store_make_rows(struct store *s, const struct subject *subject)
{
    const struct event *few[64], **events = few;
    if (subject->n_events > 64) {
        events = malloc(subject->n_events * sizeof(*events));
        if (!events)
            return -ENOMEM;
    }
    size_t n = 0;
    for (const struct event *e = subject_first(subject); e; e = subject_next(subject, e))
        events[n++] = e;
    struct fold_environment environment = {
        .dictionary = s->dictionary,
        .reference = s->environment->reference,
        .settings = &s->environment->settings,
        .declared = (const char(*)[EVENT_CODE_BYTES + 1]) s->declared,
        .n_declared = atomic_load_explicit(&s->n_declared, memory_order_acquire),
    };
    struct fold_subject of = {.number = subject->number,
                              .namespace = subject->namespace,
                              .is_loose = subject->is_loose,
                              .hash = subject->hash};
    s->n_rows = 0;
    int r = fold_run(s->fold, &environment, &of, events, n, keep_row, s);
    if (events != few)
        free((void *)events);
    return r;
}

static uint64_t digest_of(const struct fact_row *row)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    uint64_t values = XXH3_64bits(row->values, info->n_values * sizeof(*row->values));
    return XXH3_64bits_withSeed(row->dimensions, info->n_sets * sizeof(*row->dimensions), values);
}

int store_fold_subject(struct store *s, struct subject *subject, uint64_t position)
{
    int r = store_make_rows(s, subject);
    if (r < 0)
        return r;
    if (s->n_rows > s->placed_capacity) {
        struct subject_row *placed = realloc(s->placed, s->rows_capacity * sizeof(*placed));
        if (!placed)
            return -ENOMEM;
        s->placed = placed;
        s->placed_capacity = s->rows_capacity;
    }
    /* Both lists are by table, then in the fold's order: a row that is where it was stays. */
    for (size_t i = 0, k = 0; i < s->n_rows || k < subject->n_rows;) {
        const struct subject_row *old = k < subject->n_rows ? &subject->rows[k] : NULL;
        const struct fact_row *row = i < s->n_rows ? &s->rows[i] : NULL;
        bool ends = old && (!row || old->table <= row->table),
             begins = row && (!old || row->table <= old->table);
        uint64_t digest = begins ? digest_of(row) : 0;
        if (ends && begins && old->digest == digest) {
            s->placed[i++] = *old;
            k++;
            continue;
        }
        if (ends) {
            memtable_end(s->memtable, old->table, old->row, position);
            k++;
        }
        if (begins) {
            int64_t number = memtable_add(s->memtable, row, position);
            if (number < 0)
                return (int)number;
            s->placed[i++] =
                (struct subject_row){.digest = digest, .row = (uint32_t)number, .table = row->table};
        }
    }
    if (s->n_rows > subject->rows_capacity) {
        struct subject_row *rows = realloc(subject->rows, (s->n_rows + 2) * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        subject->rows = rows;
        subject->rows_capacity = (uint32_t)s->n_rows + 2;
    }
    if (s->n_rows)
        memcpy(subject->rows, s->placed, s->n_rows * sizeof(*s->placed));
    subject->n_rows = (uint32_t)s->n_rows;
    return 0;
}

int store_revive(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint32_t number,
                 uint64_t position, struct subject **ret)
{
    struct location location;
    int r = location_get(t, number, &location);
    if (r < 0)
        return r;
    struct subject *subject = hot_add(&s->hot, hash, is_loose, number, 0);
    if (!subject)
        return -ENOMEM;
    r = segment_load(&s->cache, t, &s->hot, subject, location.segment);
    if (r < 0)
        return r;
    *ret = subject;
    /* Its rows are in the memtable from now on, even where no new event comes of this. */
    r = store_touch(s, subject);
    if (r < 0 || location.fact_run == 0)
        return r;
    /* The facts are a function of the events: what the fold makes now is what the run holds. */
    r = store_make_rows(s, subject);
    for (size_t i = 0; i < s->n_rows && r == 0; i++) {
        uint16_t month = fact_month(&s->rows[i]);
        bool done = false;
        for (size_t k = 0; k < i && !done; k++)
            done = s->rows[k].table == s->rows[i].table && fact_month(&s->rows[k]) == month;
        if (!done)
            r = facts_bury(t, s->memtable, s->meta.generation, location.fact_run, s->rows[i].table, month,
                           number, position);
    }
    return r;
}

int store_subject(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint16_t namespace,
                  uint64_t position, struct subject **ret)
{
    *ret = hot_find(&s->hot, hash, is_loose);
    if (*ret)
        return 0;
    uint32_t number;
    int r = directory_find(s->directory, t, hash, is_loose, &number);
    if (r < 0)
        return r;
    if (r == 1)
        return store_revive(s, t, hash, is_loose, number, position, ret);
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
            r = subject ? segment_load(&s->cache, t, &s->hot, subject, record.last_segment) : -ENOMEM;
            if (r == 0)
                r = store_touch(s, subject);
        }
    }
    walk_close(&walk, t);
    return r;
}

size_t journal_read(const uint8_t *at, size_t left, struct journal_head *ret_head, struct event *room)
{
    struct event fixed;
    if (left < sizeof(*ret_head) + sizeof(fixed))
        return 0;
    memcpy(&fixed, at + sizeof(*ret_head), sizeof(fixed));
    size_t size = event_size(fixed.n_fields);
    if (fixed.n_fields > FIELD_N || left < sizeof(*ret_head) + size)
        return 0;
    memcpy(ret_head, at, sizeof(*ret_head));
    memcpy(room, at + sizeof(*ret_head), size);
    return sizeof(*ret_head) + size;
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
                    r = store_revive(s, t, head.hash, head.is_loose, head.number, s->meta.position, &subject);
                else if (r == 0 &&
                         !(subject = hot_add(&s->hot, head.hash, head.is_loose, head.number, head.namespace)))
                    r = -ENOMEM;
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
    s->as_of = s->meta.position;
    s->is_readable = true;
    (void)pthread_cond_broadcast(&s->view_ready);
    s->generation = s->meta.generation;
    s->n_hot_subjects = s->hot.n;
    s->n_hot_events = s->hot.n_events;
    (void)pthread_mutex_unlock(&s->view_lock);
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
                                      .next_segment = 1,
                                      .generation = 1};
        memcpy(s->meta.key_check, s->key_check, sizeof(s->key_check));
        return 0;
    }
    uint32_t format = 0;
    memcpy(&format, value.mv_data, value.mv_size < 4 ? value.mv_size : 4);
    if (format != STORE_FORMAT || value.mv_size != sizeof(s->meta)) {
        (void)error_set(err, -EPROTO, "store_version", "%s has format %u, this tendond knows format %d",
                        s->path, format, STORE_FORMAT);
        error_hint(err, "run the version that wrote it, or a newer one");
        return -EPROTO;
    }
    memcpy(&s->meta, value.mv_data, sizeof(s->meta));
    if (memcmp(s->meta.key_check, s->key_check, sizeof(s->key_check)) != 0) {
        (void)error_set(err, -EACCES, "store_key", "%s was made with another key", s->path);
        error_hint(
            err,
            "put the tenant's own key file back in place; without it new events would not meet old tickets");
        return -EACCES;
    }
    return 0;
}

int store_load(struct store *s, struct error *err)
{
    struct txn t;
    bool is_new;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    r = load_meta(s, &t, &is_new, err);
    if (r == 0 && is_new)
        r = store_write_meta(s, &t);
    if (r == 0 && (r = load_dictionary(s, &t)) < 0)
        (void)error_set(err, r, "store_corrupt", "%s: the dictionary cannot be read: %s", s->path,
                        strerror(-r));
    struct source **sources = NULL;
    size_t n_sources = 0;
    if (r == 0)
        r = sources_load(&t, &sources, &n_sources, err);
    if (r == 0)
        r = load_environment(s, &t, err);
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
        for (size_t i = 0; i < s->touched.n && r == 0; i++) {
            s->touched.list[i]->is_touched = false;
            r = store_fold_subject(s, s->touched.list[i], s->meta.position);
        }
        s->touched.n = 0;
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
