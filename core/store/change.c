/* What the fold reads, on disk, and what becomes of a change of it.
 *
 * Today's environment is in DB_REFERENCE and DB_META. While a refold is due, the one by which the facts were
 * made is in DB_BEFORE, so that after a restart new events join the old facts as they would have before. */
#include "core/store/outgoing.h"
#include "core/store/prune.h"

#include <stdlib.h>
#include <string.h>

#define SETTINGS "settings"
#define DROPPED  "dropped"

static size_t size_of(const char *key)
{
    return strlen(key);
}

/* --- reading --- */

static int read_tables(struct txn *t, enum db_name from, struct reference **ret, struct error *err)
{
    struct reference *reference;
    struct walk walk;
    int r = reference_new(NULL, &reference);
    if (r < 0)
        return error_set(err, r, "no_memory", "out of memory for the reference tables");
    r = walk_open(&walk, t, from, NULL, 0);
    while (r == 0 && walk_next(&walk))
        if (walk.key.mv_size == 4)
            r = reference_row_decode(reference, walk.value.mv_data, walk.value.mv_size, err);
    walk_close(&walk, t);
    if (r == 0 && t->rc)
        r = db_error(t->rc, err);
    if (r < 0) {
        reference_unref(reference);
        return r;
    }
    *ret = reference;
    return 0;
}

static int read_settings(struct txn *t, enum db_name from, struct reference *reference,
                         struct environment **ret)
{
    MDB_val value;
    if (!txn_get(t, from, SETTINGS, size_of(SETTINGS), &value))
        return t->rc ? -EIO : environment_new(NULL, reference, ret);
    return settings_decode(value.mv_data, value.mv_size, reference, ret);
}

static int read_dropped(struct txn *t, enum db_name from, struct environment *e)
{
    MDB_val value;
    if (!txn_get(t, from, DROPPED, size_of(DROPPED), &value))
        return t->rc ? -EIO : 0;
    if (value.mv_size % sizeof(e->dropped[0]) || value.mv_size > sizeof(e->dropped))
        return -EBADMSG;
    memcpy(e->dropped, value.mv_data, value.mv_size);
    e->n_dropped = (unsigned)(value.mv_size / sizeof(e->dropped[0]));
    return 0;
}

static int load_one(struct store *s, struct txn *t, enum db_name tables, enum db_name rest,
                    struct environment **ret, struct error *err)
{
    struct reference *reference = NULL;
    struct environment *e = NULL;
    int r = read_tables(t, tables, &reference, err);
    if (r < 0)
        return r;
    r = read_settings(t, rest, reference, &e);
    reference_unref(reference);
    if (r == 0)
        r = read_dropped(t, rest, e);
    if (r == 0)
        r = environment_intern(e, s->dictionary);
    if (r < 0) {
        environment_unref(e);
        return error_set(err, r, r == -ENOMEM ? "no_memory" : "store_corrupt",
                         "%s: the settings of the fold cannot be read: %s", s->path, strerror(-r));
    }
    *ret = e;
    return 0;
}

/* Takes over both. */
static void publish(struct store *s, struct environment *today, struct environment *before)
{
    (void)pthread_mutex_lock(&s->view_lock);
    struct environment *old[2] = {s->environment, s->before};
    s->environment = today;
    s->before = before;
    (void)pthread_mutex_unlock(&s->view_lock);
    environment_unref(old[0]);
    environment_unref(old[1]);
}

int store_load_environments(struct store *s, struct txn *t, struct error *err)
{
    struct environment *today, *before;
    int r = load_one(s, t, DB_REFERENCE, DB_META, &today, err);
    if (r < 0)
        return r;
    if (s->meta.has_before) {
        r = load_one(s, t, DB_BEFORE, DB_BEFORE, &before, err);
        if (r < 0) {
            environment_unref(today);
            return r;
        }
    } else {
        before = environment_ref(today);
    }
    publish(s, today, before);
    return 0;
}

/* --- writing --- */

struct writing {
    struct txn *txn;
    struct buffer record;
    uint32_t place;
    enum reference_table table;
};

static int put_record(struct writing *w, int encoded)
{
    if (encoded < 0 || buffer_failed(&w->record))
        return -ENOMEM;
    uint8_t place[4];
    put_u32(place, w->place++);
    txn_put(w->txn, DB_REFERENCE, place, sizeof(place), w->record.data, w->record.size);
    return w->txn->rc ? -EIO : 0;
}

static int write_row(void *context, const char *key, const struct reference_row *row)
{
    struct writing *w = context;
    buffer_clear(&w->record);
    return put_record(w, reference_row_encode(&w->record, w->table, key, row));
}

static int write_calendar(void *context, const char *name, const struct reference_calendar *c)
{
    struct writing *w = context;
    buffer_clear(&w->record);
    return put_record(w, reference_calendar_encode(&w->record, name, c));
}

static int write_code(void *context, const char *dimension, const char *value)
{
    struct writing *w = context;
    buffer_clear(&w->record);
    return put_record(w, reference_code_encode(&w->record, dimension, value));
}

static int write_tables(struct txn *t, const struct reference *reference)
{
    struct writing w = {.txn = t};
    int r = 0;
    buffer_init(&w.record, 1 << 20);
    txn_empty(t, DB_REFERENCE);
    for (w.table = 0; w.table < REFERENCE_N && r == 0; w.table++)
        r = reference_each(reference, w.table, write_row, &w);
    if (r == 0)
        r = reference_each_calendar(reference, write_calendar, &w);
    if (r == 0)
        r = reference_each_code(reference, write_code, &w);
    buffer_fini(&w.record);
    return r;
}

static int write_settings(struct txn *t, const struct environment *e)
{
    struct buffer b;
    buffer_init(&b, ENVIRONMENT_SETTINGS_BYTES);
    settings_encode(&e->settings, &b);
    int r = buffer_failed(&b) ? -ENOMEM : 0;
    if (r == 0)
        txn_put(t, DB_META, SETTINGS, size_of(SETTINGS), b.data, b.size);
    buffer_fini(&b);
    txn_put(t, DB_META, DROPPED, size_of(DROPPED), e->dropped, e->n_dropped * sizeof(e->dropped[0]));
    return r < 0 ? r : t->rc ? -EIO : 0;
}

/* Copies an entry of meta, where there is one. */
static void keep_entry(struct txn *t, const char *key)
{
    MDB_val value;
    if (!txn_get(t, DB_META, key, size_of(key), &value))
        return;
    void *copy = malloc(value.mv_size ? value.mv_size : 1); /* the next write may move what value names */
    if (!copy) {
        t->rc = ENOMEM;
        return;
    }
    memcpy(copy, value.mv_data, value.mv_size);
    txn_put(t, DB_BEFORE, key, size_of(key), copy, value.mv_size);
    free(copy);
}

/* Today's environment, as it is on disk, becomes the one before. */
static int keep_before(struct txn *t)
{
    struct walk walk;
    txn_empty(t, DB_BEFORE);
    int r = walk_open(&walk, t, DB_REFERENCE, NULL, 0);
    while (r == 0 && walk_next(&walk)) {
        txn_put(t, DB_BEFORE, walk.key.mv_data, walk.key.mv_size, walk.value.mv_data, walk.value.mv_size);
        r = t->rc ? -EIO : 0;
    }
    walk_close(&walk, t);
    keep_entry(t, SETTINGS);
    keep_entry(t, DROPPED);
    return t->rc ? -EIO : r;
}

/* A refold is due from now on; one under way made facts by what is today's no longer. */
static int make_due(struct store *s, struct txn *t)
{
    int r = 0;
    if (store_has_first(s) && !s->meta.has_before) {
        r = keep_before(t);
        s->meta.has_before = 1;
    }
    s->meta.must_refold = 1;
    s->meta.refolded = 0;
    prune_begin(t);
    return r;
}

int store_change(struct store *s, struct environment *next, bool refold,
                 void (*also)(struct store *s, struct txn *t, void *context), void *context,
                 struct error *err)
{
    struct txn t;
    struct store_meta old = s->meta;
    bool is_first = s->meta.n_subjects == 1; /* there are no facts */
    refold = refold && !is_first;
    int r = environment_intern(next, s->dictionary);
    if (r < 0)
        (void)error_set(err, r, "no_memory", "out of memory for the settings of the fold");
    if (r == 0)
        r = txn_begin(&t, &s->db, true, err);
    if (r < 0) {
        environment_unref(next);
        return r;
    }
    if (refold)
        r = make_due(s, &t);
    if (r == 0 && next->reference != s->environment->reference) {
        outgoing_put_reference(s, &t, s->environment->reference, next->reference);
        r = write_tables(&t, next->reference);
    }
    if (r == 0)
        r = write_settings(&t, next);
    if (r == 0 && also)
        also(s, &t, context);
    if (r == -ENOMEM) {
        txn_abort(&t);
        (void)error_set(err, r, "no_memory", "out of memory while writing what the fold reads");
    } else {
        store_write_dictionary(s, &t);
        (void)store_write_meta(s, &t);
        r = txn_commit(&t, err);
    }
    if (r < 0) {
        s->meta = old;
        s->must_reload = true; /* it may be on disk all the same */
        environment_unref(next);
        return r;
    }
    store_dictionary_written(s);
    if (old.refolded && !s->meta.refolded) {
        s->must_sweep = true;
        store_refold_forget(s);
    }
    publish(s, next, environment_ref(s->meta.must_refold && !is_first ? s->before : next));
    store_publish(s);
    return 0;
}

/* Whether two settings say the same; -ENOMEM. */
static int same_settings(const struct fold_settings *a, const struct fold_settings *b)
{
    struct buffer x, y;
    buffer_init(&x, ENVIRONMENT_SETTINGS_BYTES);
    buffer_init(&y, ENVIRONMENT_SETTINGS_BYTES);
    settings_encode(a, &x);
    settings_encode(b, &y);
    int r = buffer_failed(&x) || buffer_failed(&y) ? -ENOMEM
                                                   : x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    buffer_fini(&x);
    buffer_fini(&y);
    return r;
}

int store_set_fold(struct store *s, const struct fold_settings *settings, struct error *err)
{
    struct environment *wanted;
    if (environment_new(settings, NULL, &wanted) < 0)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the settings of the fold");
    (void)pthread_mutex_lock(&s->view_lock);
    struct environment *old = s->wanted;
    s->wanted = wanted;
    s->wants_other = same_settings(&s->environment->settings, &wanted->settings) != 1;
    /* Whoever asks from now on is told, though the committer has not looked yet. */
    s->progress.is_refolding = s->is_due || s->wants_other;
    (void)pthread_mutex_unlock(&s->view_lock);
    environment_unref(old);
    return 0;
}

/* Puts back what could not be taken over, unless others came meanwhile. */
static void give_back(struct store *s, struct environment *wanted)
{
    (void)pthread_mutex_lock(&s->view_lock);
    if (!s->wanted) {
        s->wanted = wanted;
        s->wants_other = true;
        wanted = NULL;
    }
    (void)pthread_mutex_unlock(&s->view_lock);
    environment_unref(wanted);
}

int store_adopt_settings(struct store *s, struct error *err)
{
    (void)pthread_mutex_lock(&s->view_lock);
    struct environment *wanted = s->wanted, *next;
    s->wanted = NULL;
    s->wants_other = false;
    (void)pthread_mutex_unlock(&s->view_lock);
    if (!wanted)
        return 0;
    if (same_settings(&s->environment->settings, &wanted->settings) == 1) {
        environment_unref(wanted);
        return 0;
    }
    int r = environment_new(&wanted->settings, s->environment->reference, &next);
    if (r < 0) {
        (void)error_set(err, r, "no_memory", "out of memory for the settings of the fold");
    } else {
        next->n_dropped = s->environment->n_dropped;
        memcpy(next->dropped, s->environment->dropped, sizeof(next->dropped));
        r = store_seal_end(s, true, err);
        if (r < 0)
            environment_unref(next);
        else
            r = store_change(s, next, true, NULL, NULL, err);
    }
    if (r < 0)
        give_back(s, wanted);
    else
        environment_unref(wanted);
    return r;
}
