#include "core/store/store.h"

#include "core/store/commit.h"
#include "core/store/fetch.h"
#include "core/store/inlet.h"
#include "core/store/outgoing.h"
#include "core/store/outlet.h"
#include "core/store/prepare.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { JOURNAL_BYTES_MAX = 256 << 20, NEW_VALUES_A_DAY = 4096, DAY_MS = 86400000 };

/* The tenant's key is never used itself: one key for hashing ids, one for sealing cursors, one to recognise
 * it. */
static int derive_keys(struct store *s, const uint8_t key[32])
{
    if (sodium_init() < 0)
        return -EIO;
    static const char *const CONTEXT[] = {"tendon hash ids", "tendon seal cursors"};
    uint8_t *const out[] = {s->hash_key, s->box_key};
    const size_t size[] = {sizeof(s->hash_key), sizeof(s->box_key)};
    for (unsigned i = 0; i < 2; i++)
        if (crypto_generichash(out[i], size[i], (const uint8_t *)CONTEXT[i], strlen(CONTEXT[i]), key, 32) !=
            0)
            return -EIO;
    return store_key_check_of(key, s->key_check);
}

int store_key_check_of(const uint8_t key[32], uint8_t ret[STORE_KEY_CHECK_BYTES])
{
    static const char CONTEXT[] = "tendon key check";
    return crypto_generichash(ret, STORE_KEY_CHECK_BYTES, (const uint8_t *)CONTEXT, strlen(CONTEXT), key,
                              32) == 0
               ? 0
               : -EIO;
}

void store_declare(struct store *s, const char (*names)[EVENT_CODE_BYTES + 1], unsigned n)
{
    unsigned known = atomic_load_explicit(&s->n_declared, memory_order_relaxed);
    for (; known < n && known < EVENT_DECLARED_MAX; known++)
        memcpy(s->declared[known], names[known], sizeof(s->declared[known]));
    atomic_store_explicit(&s->n_declared, known, memory_order_release);
}

int store_open(const struct store_options *options, struct store **ret, struct error *err)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a store");
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_init(&s->view_lock, NULL);
    (void)pthread_mutex_init(&s->placing_lock, NULL);
    (void)pthread_cond_init(&s->seal_shown, NULL);
    turn_init(&s->turn);
    s->map_bytes = options->map_bytes;
    s->tick = 1;
    s->hot_events = options->hot_events ? options->hot_events : STORE_HOT_EVENTS;
    s->kept_least = options->kept_events ? options->kept_events : STORE_KEPT_TIMES * s->hot_events;
    s->kept_most = options->kept_events ? options->kept_events : STORE_KEPT_TIMES_MAX * s->hot_events;
    s->kept_events = s->kept_least;
    s->slice_subjects = options->slice_subjects ? options->slice_subjects : STORE_SLICE_SUBJECTS;
    s->seal_beside = options->beside ? options->beside : STORE_SEAL_BESIDE;
    s->fold_beside = options->beside ? options->beside : STORE_FOLD_BESIDE;
    s->tables_ms = options->tables_ms ? options->tables_ms : STORE_TABLES_MS;
    store_declare(s, options->declared, options->n_declared);
    buffer_init(&s->journal, JOURNAL_BYTES_MAX);
    memtable_pool_init(&s->pool);
    int r = derive_keys(s, options->key);
    s->path = strdup(options->path);
    if (r < 0 || !s->path || dictionary_new(&s->dictionary) < 0 || store_folder_make(&s->folder) < 0 ||
        store_placer_make(&s->placers[0]) < 0 || segment_writer_new(&s->segment_writer) < 0)
        r = error_set(err, -ENOMEM, "no_memory", "out of memory for a store");
    if (r == 0)
        r = db_open(&s->db, options->path, options->map_bytes, options->create, err);
    if (r == 0)
        r = store_load(s, err);
    if (r < 0) {
        s->must_reload = true; /* nothing in memory is worth sealing */
        store_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    /* The journal holds what could not be sealed. */
    if (s->db.env && !s->must_reload && (s->journal_events || store_seal_is_under_way(s)))
        (void)store_seal(s, SEAL_ALL, NULL);
    store_outlets_close(s);
    store_unload(s);
    store_seal_free(s);
    environment_unref(s->environment);
    environment_unref(s->before);
    environment_unref(s->wanted);
    store_refold_forget(s);
    store_retire_forget(s);
    dictionary_free(s->dictionary);
    store_folder_free(&s->folder);
    for (unsigned i = 0; i < 2; i++) {
        store_folder_free(&s->sealers[i].folder);
        segment_writer_free(s->sealers[i].segment);
    }
    segment_writer_free(s->segment_writer);
    buffer_fini(&s->journal);
    prepared_fini(&s->prepared);
    memtable_pool_fini(&s->pool);
    free(s->touched.list);
    free(s->rows);
    for (unsigned i = 0; i < MEMTABLE_WRITERS; i++)
        store_placer_free(&s->placers[i]);
    db_close(&s->db);
    free(s->path);
    sodium_memzero(s->hash_key, sizeof(s->hash_key));
    sodium_memzero(s->box_key, sizeof(s->box_key));
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->view_lock);
    (void)pthread_mutex_destroy(&s->placing_lock);
    (void)pthread_cond_destroy(&s->seal_shown);
    turn_fini(&s->turn);
    free(s);
}

int store_reload(struct store *s, struct error *err)
{
    s->must_reload = true;
    store_unload(s);
    return store_load(s, err);
}

int store_settle(struct store *s, struct error *err)
{
    return s->must_reload ? store_reload(s, err) : store_seal_end(s, true, err);
}

/* --- one commit
 * ---------------------------------------------------------------------------------------------- */

int commit_pending(struct commit *c, const char *source, const char *namespace, struct pending **ret)
{
    struct store *s = c->store;
    for (size_t i = 0; i < c->n_pending; i++)
        if (strcmp(c->pending[i]->source.record.name, source) == 0) {
            *ret = c->pending[i];
            return 0;
        }
    struct pending **more = realloc(c->pending, (c->n_pending + 1) * sizeof(struct pending *));
    if (!more)
        return -ENOMEM;
    c->pending = more;
    struct pending *p = malloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    c->pending[c->n_pending++] = p;
    const struct source *known = sources_find(s->sources, s->n_sources, source);
    if (known)
        p->source = *known;
    else
        source_init(&p->source, source, namespace);
    (void)snprintf(p->source.record.namespace, sizeof(p->source.record.namespace), "%s", namespace);
    p->number = p->namespace = 0;
    p->has_rejects = false;
    if (p->source.day != c->now / DAY_MS) {
        p->source.day = c->now / DAY_MS;
        memset(p->source.new_values, 0, sizeof(p->source.new_values));
    }
    *ret = p;
    if (source_is_site(source))
        return 0;
    uint32_t number, namespace_number;
    char label[SOURCE_LABEL_BYTES];
    size_t size = source_label(&p->source.record, label);
    int r = dictionary_intern(s->dictionary, DICTIONARY_SOURCE, label, size, &number, NULL);
    if (r == 0)
        r = dictionary_intern(s->dictionary, DICTIONARY_NAMESPACE, namespace, strlen(namespace),
                              &namespace_number, NULL);
    if (r < 0)
        return r;
    p->number = (uint16_t)number;
    p->namespace = (uint16_t)namespace_number;
    return 0;
}

/* Whether an import named the value: then it is the operator's, and no source can flood with it. */
static bool is_imported(const struct store *s, const struct wire_value *v)
{
    const char *dimension = v->field < FIELD_DECLARED || v->field >= FIELD_N_DIMENSIONS
                                ? FIELDS[v->field].name
                                : store_declared(s, v->field - FIELD_DECLARED);
    return dimension &&
           reference_has_value(s->environment->reference, dimension, v->string.data, v->string.size);
}

/* Sets the codes of the strings that have one by now, and says how many have none yet; REJECT_NONE where the
 * dictionary and the limits of the source have room for those. Nothing is kept: the event may still be
 * refused for another reason, and what is refused is never stored. */
static enum event_reject find_unknown(const struct store *s, const struct pending *p,
                                      const struct store_prepared *prepared,
                                      const struct prepared_event *from, struct event *e, unsigned *ret_n_new)
{
    *ret_n_new = 0;
    for (uint32_t i = 0; i < from->n_unknown; i++) {
        const struct prepared_unknown *u = &prepared->unknown[from->first_unknown + i];
        const struct wire_value *v = u->value;
        uint32_t code = dictionary_find(s->dictionary, v->field, v->string.data, v->string.size);
        if (!code) {
            if (p->source.new_values[v->field] >= NEW_VALUES_A_DAY && !is_imported(s, v))
                return REJECT_NEW_VALUES;
            if (dictionary_count(s->dictionary, v->field) >= DICTIONARY_VALUES_MAX)
                return REJECT_DIMENSION_FULL;
            ++*ret_n_new;
        }
        e->fields[u->place] = event_field_pack(v->field, code);
    }
    return REJECT_NONE;
}

/* Numbers for those that had none, of an event that is taken. 0 or a negative errno. */
static int intern_unknown(struct store *s, struct pending *p, const struct store_prepared *prepared,
                          const struct prepared_event *from, struct event *e)
{
    for (uint32_t i = 0; i < from->n_unknown; i++) {
        const struct prepared_unknown *u = &prepared->unknown[from->first_unknown + i];
        const struct wire_value *v = u->value;
        uint32_t code;
        int is_new;
        int r = dictionary_intern(s->dictionary, v->field, v->string.data, v->string.size, &code, &is_new);
        if (r < 0)
            return r;
        if (is_new && !is_imported(s, v))
            p->source.new_values[v->field]++;
        e->fields[u->place] = event_field_pack(v->field, code);
    }
    return 0;
}

static void journal_add(struct store *s, const struct subject *subject, const struct event *e)
{
    const struct journal_head head = {.hash = subject->hash,
                                      .number = subject->number,
                                      .namespace = subject->namespace,
                                      .is_loose = subject->is_loose};
    journal_put(&s->journal, &head, e);
}

/* The subject of an event, and whether the event is in the set already; not where it has a string that
 * nobody sent before. An enum event_reject or a negative errno. */
static int event_find(struct commit *c, uint64_t hash, bool is_loose, uint16_t namespace,
                      const struct event *e, bool has_new_string, struct subject **ret_subject,
                      enum taken *ret_taken)
{
    struct store *s = c->store;
    int r = store_subject(s, &c->txn, hash, is_loose, namespace, ret_subject);
    if (r != 0)
        return r;
    unsigned n_live = 0;
    *ret_taken = TAKEN_NEW;
    for (const struct event *old = subject_first(*ret_subject); old; old = subject_next(*ret_subject, old)) {
        if (environment_drops(s->environment, old->source))
            continue;
        n_live++;
        if (!has_new_string && old->id == e->id && event_same_content(old, e)) {
            *ret_taken = TAKEN_DUPLICATE;
            return REJECT_NONE;
        }
    }
    return n_live >= EVENT_TICKET_MAX ? REJECT_TICKET_FULL : REJECT_NONE;
}

static int event_add(struct commit *c, struct subject *subject, const struct event *e)
{
    struct store *s = c->store;
    int r = subject_append(&s->hot, subject, e);
    if (r == 0)
        r = store_touch(s, subject);
    if (r < 0)
        return r;
    journal_add(s, subject, e);
    c->n_events++;
    return REJECT_NONE;
}

int commit_event(struct commit *c, uint64_t hash, bool is_loose, uint16_t namespace, const struct event *e,
                 enum taken *ret_taken)
{
    struct subject *subject;
    int r = event_find(c, hash, is_loose, namespace, e, false, &subject, ret_taken);
    return r != REJECT_NONE || *ret_taken == TAKEN_DUPLICATE ? r : event_add(c, subject, e);
}

/* Puts one event of a batch into the set. An enum event_reject or a negative errno; *ret_taken when it was
 * not refused.
 */
static int event_take(struct commit *c, struct pending *p, const struct store_batch *batch,
                      const struct store_prepared *prepared, size_t i, enum taken *ret_taken)
{
    struct store *s = c->store;
    const struct wire_event *w = &batch->events[i];
    const struct prepared_event *from = &prepared->events[i];
    struct store_source *record = &p->source.record;
    if (w->type == EVENT_SOURCE_WATERMARK) {
        for (uint32_t k = 0; k < w->n_values; k++)
            if (w->values[k].field == FIELD_COMPLETE_UNTIL && w->values[k].number > record->complete_until)
                record->complete_until = w->values[k].number;
        *ret_taken = TAKEN_NEW;
        return REJECT_NONE;
    }
    int64_t facts_ms = atomic_load_explicit(&s->facts_ms, memory_order_relaxed);
    if (facts_ms && w->at < c->now - facts_ms)
        return REJECT_TOO_OLD;
    struct event *e = prepared_record(prepared, i);
    e->source = p->number;
    unsigned n_new;
    int r = find_unknown(s, p, prepared, from, e, &n_new);
    if (r != REJECT_NONE)
        return r;
    const uint64_t hash = from->hash;
    const bool is_loose = from->is_loose;
    if (w->type == EVENT_TICKET_MERGED && e->ref == hash)
        return REJECT_SELF_MERGE;
    struct subject *subject;
    r = event_find(c, hash, is_loose, p->namespace, e, n_new > 0, &subject, ret_taken);
    if (r != REJECT_NONE || *ret_taken == TAKEN_DUPLICATE)
        return r;
    r = n_new > 0 ? intern_unknown(s, p, prepared, from, e) : 0;
    if (r == 0)
        r = event_add(c, subject, e);
    if (r < 0)
        return r;
    if (record->complete_until != FACT_NULL && e->at < record->complete_until)
        record->after_watermark++;
    if (record->first_at == FACT_NULL || e->at < record->first_at)
        record->first_at = e->at;
    if (record->last_at == FACT_NULL || e->at > record->last_at)
        record->last_at = e->at;
    return REJECT_NONE;
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const struct store_reject *)a)->index, y = ((const struct store_reject *)b)->index;
    return x < y ? -1 : x > y;
}

int commit_seal_cursor(const struct store *s, struct source *source, const void *cursor, size_t size)
{
    if (size > STORE_CURSOR_BYTES)
        return -EMSGSIZE;
    uint8_t *out = source->sealed;
    randombytes_buf(out, crypto_secretbox_NONCEBYTES);
    if (crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, cursor, size, out, s->box_key) != 0)
        return -EIO;
    source->sealed_size = (uint32_t)(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + size);
    return 0;
}

/* Tickets are all over memory: it is asked for those of the next events while one is taken. */
FETCHES fetch_ahead(const struct store *s, const struct store_prepared *p, size_t i)
{
    enum { FAR = 16, MIDDLE = 8, NEAR = 4 };
    if (i + FAR < p->n)
        hot_prefetch_slot(&s->hot, p->events[i + FAR].hash, p->events[i + FAR].is_loose);
    if (i + MIDDLE < p->n &&
        !hot_prefetch_subject(&s->hot, p->events[i + MIDDLE].hash, p->events[i + MIDDLE].is_loose))
        directory_prefetch(s->directory, p->events[i + MIDDLE].hash, p->events[i + MIDDLE].is_loose);
    if (i + NEAR < p->n)
        hot_prefetch_events(&s->hot, p->events[i + NEAR].hash, p->events[i + NEAR].is_loose);
}

static int batch_take(struct commit *c, struct store_batch *batch)
{
    struct pending *p;
    int r = commit_pending(c, batch->source, batch->namespace, &p);
    if (r < 0)
        return r;
    struct store_source *record = &p->source.record;
    struct store_prepared *prepared = batch->prepared;
    batch->n_accepted = batch->n_duplicates = 0;
    if (!prepared) {
        prepared = &c->store->prepared;
        r = store_prepare(c->store, batch->namespace, batch->events, batch->n_events, prepared);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < batch->n_events; i++) {
        enum taken taken;
        fetch_ahead(c->store, prepared, i);
        r = event_take(c, p, batch, prepared, i, &taken);
        if (r < 0)
            return r;
        if (r != REJECT_NONE)
            batch->rejects[batch->n_rejects++] = (struct store_reject){batch->indices[i], (uint8_t)r};
        else if (taken == TAKEN_DUPLICATE)
            batch->n_duplicates++;
        else
            batch->n_accepted++;
    }
    if (batch->n_rejects > 1)
        qsort(batch->rejects, batch->n_rejects, sizeof(*batch->rejects), by_index);
    for (size_t i = 0; i < batch->n_rejects; i++) {
        struct store_source_reject reject = {.seq = batch->seq,
                                             .index = batch->rejects[i].index,
                                             .code = batch->rejects[i].code,
                                             .when = c->now};
        source_add_reject(&p->source, &reject);
        record->rejected_by[reject.code]++;
        p->has_rejects = true;
    }
    record->accepted += batch->n_accepted;
    record->duplicates += batch->n_duplicates;
    record->rejected += batch->n_rejects;
    record->last_seq = batch->seq;
    record->last_commit = c->now;
    return batch->cursor ? commit_seal_cursor(c->store, &p->source, batch->cursor, batch->cursor_size) : 0;
}

/* Puts the sources as committed where other threads see them. */
static int publish_sources(struct commit *c)
{
    struct store *s = c->store;
    int r = 0;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < c->n_pending && r == 0; i++) {
        struct source *of = sources_find(s->sources, s->n_sources, c->pending[i]->source.record.name);
        if (!of) {
            struct source **more = realloc(s->sources, (s->n_sources + 1) * sizeof(struct source *));
            of = more ? malloc(sizeof(*of)) : NULL;
            if (more)
                s->sources = more;
            if (!of) {
                r = -ENOMEM;
                break;
            }
            size_t at = s->n_sources++;
            for (; at > 0 && strcmp(s->sources[at - 1]->record.name, c->pending[i]->source.record.name) > 0;
                 at--)
                s->sources[at] = s->sources[at - 1];
            s->sources[at] = of;
        }
        *of = c->pending[i]->source;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return r;
}

static bool memtable_is_filling(const struct store *s)
{
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        if (s->memtable->parts[t].n_chunks > MEMTABLE_CHUNKS_MAX / 4 * 3)
            return true;
    return atomic_load_explicit(&s->memtable->n_dead, memory_order_relaxed) >
           MEMTABLE_CHUNKS_MAX * MEMTABLE_DEAD_CHUNK / 2;
}

static bool seal_is_due(const struct store *s)
{
    return s->journal_events >= s->hot_events || s->journal_entries >= STORE_JOURNAL_ENTRIES ||
           memtable_is_filling(s);
}

static bool is_worth_settling(const struct store *s)
{
    return s->journal_events >= STORE_SETTLE_EVENTS || s->hot.n_events >= STORE_SETTLE_HOT;
}

/* Ends the seal under way where it is drafted, and begins one that is due. 1: it did something, or is about
 * to.
 */
static int seal_step(struct store *s, enum seal_kind kind, bool is_due, struct error *err)
{
    bool was_under_way = store_seal_is_under_way(s);
    int r = store_seal_end(s, is_due, err);
    if (r < 0 || !is_due)
        return r < 0 ? r : was_under_way;
    r = store_seal_begin(s, kind, err);
    return r < 0 ? r : 1;
}

static int commit_begin(struct commit *c, struct error *err)
{
    struct store *s = c->store;
    int r = 0;
    if (s->must_reload)
        r = store_reload(s, err);
    if (r == 0)
        r = store_adopt_settings(s, err);
    if (r == 0)
        r = seal_step(s, SEAL_COOL, seal_is_due(s), err);
    return r < 0 ? r : txn_begin(&c->txn, &s->db, true, err);
}

/* Folding a ticket with each of its events costs more than folding it once, when it cools down or somebody
 * asks. So commits fold only while somebody keeps asking: then all that was acknowledged is folded, and who
 * asks next needs no turn, whatever commit or seal is under way. */
static bool is_fold_due(const struct store *s)
{
    /* Less than nothing where somebody has asked since the clock was read. */
    int64_t since = store_now_ms() - atomic_load_explicit(&s->asked_before, memory_order_relaxed);
    return s->touched.n > 0 && since < STORE_ASKED_MS;
}

int commit_run(struct store *s, int (*take)(struct commit *c, void *context, struct error *err),
               void *context, struct error *err)
{
    struct commit c = {.store = s, .now = store_now_ms()};
    struct error own = ERROR_INIT;
    int r = commit_begin(&c, err);
    if (r < 0)
        return r;
    uint64_t before = s->meta.position;
    buffer_clear(&s->journal);
    r = take(&c, context, &own);
    if (r == 0 && c.n_events) {
        uint8_t key[8];
        put_u64(key, before);
        txn_put(&c.txn, DB_JOURNAL, key, sizeof(key), s->journal.data, s->journal.size);
        s->meta.position += c.n_events;
    }
    if (r == 0 && buffer_failed(&s->journal))
        r = -ENOMEM;
    if (r == 0) {
        for (size_t i = 0; i < c.n_pending; i++)
            source_put(&c.txn, &c.pending[i]->source, c.pending[i]->has_rejects);
        outgoing_put_commit(s, &c);
        store_write_dictionary(s, &c.txn);
        (void)store_write_meta(s, &c.txn);
        r = txn_commit(&c.txn, err);
    } else {
        int rc = c.txn.rc;
        txn_abort(&c.txn);
        if (rc)
            r = db_error(rc, err);
        else if (own.code[0] && err)
            *err = own;
        else if (!own.code[0])
            (void)error_set(err, r, "store_failed", "the batch could not be taken: %s", strerror(-r));
    }
    if (r < 0) {
        s->must_reload = true;
    } else {
        store_dictionary_written(s);
        s->journal_events += c.n_events;
        s->journal_entries += c.n_events != 0;
        r = is_fold_due(s) ? store_fold_touched(s) : 0;
        if (r == 0) {
            store_publish(s);
            r = publish_sources(&c); /* after the view: what a source counts as taken is there to ask for */
        }
        if (r < 0) /* on disk, but not in memory: read it back, so that what is answered is what is there */
            r = store_reload(s, err);
    }
    for (size_t i = 0; i < c.n_pending; i++)
        free(c.pending[i]);
    free(c.pending);
    return r;
}

struct batches {
    struct store_batch *list;
    size_t n;
};

static int batches_take(struct commit *c, void *context, struct error *err)
{
    const struct batches *b = context;
    int r = 0;
    (void)err;
    for (size_t i = 0; i < b->n && r == 0; i++)
        r = batch_take(c, &b->list[i]);
    return r;
}

int store_commit(struct store *s, struct store_batch *batches, size_t n, struct error *err)
{
    struct batches b = {batches, n};
    store_turn_take(s);
    int r = commit_run(s, batches_take, &b, err);
    store_turn_give(s);
    return r;
}

int store_maintain(struct store *s, bool settle, struct error *err)
{
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    if (r == 0)
        r = store_adopt_settings(s, err);
    if (r == 0 && settle)
        r = store_seal_end(s, true, err);
    if (r == 0)
        r = seal_step(s, settle ? SEAL_ALL : SEAL_COOL, seal_is_due(s) || (settle && is_worth_settling(s)),
                      err);
    if (r == 0)
        r = outgoing_trim(s, settle, err);
    store_turn_give(s);
    return r;
}

static int set_reference(struct store *s, struct reference *next, struct error *err)
{
    struct environment *e;
    bool refold = reference_needs_refold(s->environment->reference, next);
    int r = store_settle(s, err);
    if (r == 0 && (r = environment_copy(s->environment, &e)) < 0)
        r = error_set(err, r, "no_memory", "out of memory for the reference tables");
    if (r < 0) {
        reference_unref(next);
        return r;
    }
    reference_unref(e->reference);
    e->reference = next;
    return store_change(s, e, refold, NULL, NULL, err);
}

int store_set_reference(struct store *s, struct reference *next, struct error *err)
{
    store_turn_take(s);
    int r = set_reference(s, next, err);
    store_turn_give(s);
    return r;
}

/* --- for other threads
 * --------------------------------------------------------------------------------------- */

int store_source_get(struct store *s, const char *name, struct store_source *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    const struct source *source = sources_find(s->sources, s->n_sources, name);
    if (source)
        *ret = source->record;
    (void)pthread_mutex_unlock(&s->lock);
    return source != NULL;
}

int store_source_cursor(struct store *s, const char *name, uint8_t *room, size_t *ret_size, struct error *err)
{
    uint8_t sealed[SOURCE_SEALED_BYTES];
    size_t size = 0, overhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    (void)pthread_mutex_lock(&s->lock);
    const struct source *source = sources_find(s->sources, s->n_sources, name);
    if (source && source->sealed_size >= overhead) {
        size = source->sealed_size;
        memcpy(sealed, source->sealed, size);
    }
    (void)pthread_mutex_unlock(&s->lock);
    *ret_size = 0;
    if (size == 0)
        return 0;
    if (crypto_secretbox_open_easy(room, sealed + crypto_secretbox_NONCEBYTES,
                                   size - crypto_secretbox_NONCEBYTES, sealed, s->box_key) != 0)
        return error_set(err, -EBADMSG, "store_corrupt", "the cursor of source %s cannot be opened", name);
    *ret_size = size - overhead;
    return 0;
}

static int list_records(struct store *s, bool sites, struct store_source **ret, size_t *ret_n)
{
    (void)pthread_mutex_lock(&s->lock);
    size_t n = s->n_sources;
    struct store_source *list = malloc((n ? n : 1) * sizeof(*list));
    size_t n_sources = 0;
    for (size_t i = 0; list && i < n; i++)
        if (source_is_site(s->sources[i]->record.name) == sites)
            list[n_sources++] = s->sources[i]->record;
    (void)pthread_mutex_unlock(&s->lock);
    if (!list)
        return -ENOMEM;
    *ret = list;
    *ret_n = n_sources;
    return 0;
}

int store_source_list(struct store *s, struct store_source **ret, size_t *ret_n)
{
    return list_records(s, false, ret, ret_n);
}

int store_site_list(struct store *s, struct store_source **ret, size_t *ret_n)
{
    return list_records(s, true, ret, ret_n);
}

size_t store_source_rejects(struct store *s, const char *name, struct store_source_reject *ret, size_t n)
{
    size_t given = 0;
    (void)pthread_mutex_lock(&s->lock);
    const struct source *source = sources_find(s->sources, s->n_sources, name);
    size_t kept = !source                                  ? 0
                  : source->n_rejects < STORE_REJECTS_KEPT ? source->n_rejects
                                                           : STORE_REJECTS_KEPT;
    for (; given < n && given < kept; given++)
        ret[given] = source->rejects[(source->n_rejects - 1 - given) % STORE_REJECTS_KEPT];
    (void)pthread_mutex_unlock(&s->lock);
    return given;
}

void store_statistics(struct store *s, struct store_statistics *ret)
{
    *ret = (struct store_statistics){0};
    (void)pthread_mutex_lock(&s->view_lock);
    ret->log_position = s->as_of;
    ret->hot_subjects = s->n_hot_subjects;
    ret->hot_events = s->n_hot_events;
    (void)pthread_mutex_unlock(&s->view_lock);
    struct txn t;
    if (txn_begin(&t, &s->db, false, NULL) < 0)
        return;
    for (unsigned i = 0; i < DB_N; i++) {
        MDB_stat stat_;
        if (mdb_stat(t.mdb, s->db.dbi[i], &stat_) != 0)
            continue;
        uint64_t bytes = (stat_.ms_branch_pages + stat_.ms_leaf_pages + stat_.ms_overflow_pages) *
                         (uint64_t)stat_.ms_psize;
        ret->used_bytes += bytes;
        if (i == DB_SEGMENTS || i == DB_JOURNAL)
            ret->bytes_log += bytes;
        else if (i == DB_DIRECTORY || i == DB_SUBJECTS || i == DB_HOT)
            ret->bytes_directory += bytes;
        else if (i == DB_FACTS || i == DB_DEAD)
            ret->bytes_facts += bytes;
        else
            ret->bytes_other += bytes;
        if (i == DB_SEGMENTS)
            ret->log_segments = stat_.ms_entries;
        if (i == DB_FACTS)
            ret->fact_blocks = stat_.ms_entries;
    }
    MDB_val value;
    struct store_meta meta;
    if (txn_get(&t, DB_META, "state", 5, &value) && value.mv_size == sizeof(meta)) {
        memcpy(&meta, value.mv_data, sizeof(meta));
        ret->subjects = meta.n_subjects - 1;
    }
    store_retired(&t, &ret->frozen, &ret->erased);
    txn_abort(&t);
    mdb_filehandle_t fd;
    struct stat st;
    if (mdb_env_get_fd(s->db.env, &fd) == 0 && fstat(fd, &st) == 0)
        ret->file_bytes = (uint64_t)st.st_size;
}

bool store_uses(struct store *s, uint64_t bytes)
{
    MDB_envinfo info;
    if (mdb_env_info(s->db.env, &info) == 0 && (info.me_last_pgno + 1) * s->db.page_bytes < bytes)
        return false;
    struct store_statistics statistics;
    store_statistics(s, &statistics);
    return statistics.used_bytes >= bytes;
}

void store_progress(struct store *s, struct store_progress *ret)
{
    (void)pthread_mutex_lock(&s->view_lock);
    *ret = s->progress;
    (void)pthread_mutex_unlock(&s->view_lock);
}

uint64_t store_hash_ticket(const struct store *s, const char *namespace, const char *id, size_t size)
{
    /* One that came through sites has their names in front, the last one's first. */
    char name[STORE_NAME_BYTES + 1];
    (void)snprintf(name, sizeof(name), "%s", namespace);
    char *slash = strrchr(name, '/');
    uint64_t hash = store_hash(s, 't', slash ? slash + 1 : name, id, size);
    while (slash) {
        *slash = '\0';
        slash = strrchr(name, '/');
        hash = store_site_hash(s, slash ? slash + 1 : name, hash);
    }
    return hash;
}
