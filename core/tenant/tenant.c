#include "core/tenant/tenant.h"

#include "core/base/directory.h"
#include "core/base/instant.h"
#include "core/fold/fold.h"
#include "core/tenant/control.h"
#include "core/tenant/settings.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define HOLDERS_WAIT_MS 60000 /* for questions to a tenant that is to be removed */
#define SLOTS           8192  /* of the name table: twice TENANTS_MAX */

/* A tenant that is known, open or not. */
struct entry {
    char name[STORE_NAME_BYTES + 1];
    struct tenant_settings *settings; /* in force; NULL: the configuration names it for the first time */
    struct tenant_settings *next;     /* during tenants_apply: what comes into force */
    struct tenant *tenant;            /* NULL: not open */
    struct error error;               /* why not */
    int failure;                      /* and its negative errno */
};

#define OPENERS 8 /* threads that open stores, beside the caller's */

struct tenants {
    char data[PATH_MAX], keys[PATH_MAX];
    struct control *control;
    pthread_mutex_t changing; /* one change at a time: of the configuration, of one tenant, a removal */
    pthread_mutex_t lock;     /* of the entries */
    struct entry *entries;    /* TENANTS_MAX */
    size_t n_entries;
    /* Open ones, for any thread: written once each, the table before the count. */
    struct tenant *_Atomic at[TENANTS_MAX];
    struct tenant *_Atomic slots[SLOTS];
    atomic_uint n;
    struct tenant *graves; /* removed ones, for who still has a pointer */
};

bool tenant_name_valid(const char *s)
{
    return config_name_valid(s);
}

/* --- the table of open ones --- */

static unsigned slot_of(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a: names are the operator's, nobody else chooses them */
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h % SLOTS;
}

struct tenant *tenants_find(struct tenants *ts, const char *name)
{
    struct tenant *t;
    unsigned i = slot_of(name);
    for (unsigned n = 0; n < SLOTS; n++, i = (i + 1) % SLOTS) {
        t = atomic_load_explicit(&ts->slots[i], memory_order_acquire);
        if (!t)
            return NULL;
        if (!atomic_load(&t->is_removed) && strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}

unsigned tenants_count(struct tenants *ts)
{
    return atomic_load_explicit(&ts->n, memory_order_acquire);
}

struct tenant *tenants_at(struct tenants *ts, unsigned index)
{
    struct tenant *t = atomic_load_explicit(&ts->at[index], memory_order_acquire);
    return atomic_load(&t->is_removed) ? NULL : t;
}

bool tenant_hold(struct tenant *t)
{
    /* First the one, then the other: who removes it does it the other way round. */
    atomic_fetch_add(&t->n_holders, 1);
    if (!atomic_load(&t->is_removed))
        return true;
    tenant_release(t);
    return false;
}

void tenant_release(struct tenant *t)
{
    if (t)
        atomic_fetch_sub(&t->n_holders, 1);
}

struct tenant *tenants_hold(struct tenants *ts, const char *name)
{
    struct tenant *t = tenants_find(ts, name);
    return t && tenant_hold(t) ? t : NULL;
}

struct tenant *tenants_hold_at(struct tenants *ts, unsigned index)
{
    struct tenant *t = tenants_at(ts, index);
    return t && tenant_hold(t) ? t : NULL;
}

bool tenant_count_act(struct tenant *t, int64_t now)
{
    (void)pthread_mutex_lock(&t->lock);
    if (t->acts_day != now / 86400000) {
        t->acts_day = now / 86400000;
        t->n_acts = 0;
    }
    bool is_allowed = t->n_acts < TENANT_ACTS_MAX;
    t->n_acts += is_allowed;
    (void)pthread_mutex_unlock(&t->lock);
    return is_allowed;
}

static bool is_free(const struct tenant *t)
{
    return !t || atomic_load(&t->is_gone);
}

/* Puts it where another was, if there is such a place. */
static void publish(struct tenants *ts, struct tenant *t)
{
    unsigned i = slot_of(t->name), n = tenants_count(ts);
    t->index = 0;
    while (t->index < n && !is_free(atomic_load(&ts->at[t->index])))
        t->index++;
    while (!is_free(atomic_load(&ts->slots[i])))
        i = (i + 1) % SLOTS;
    atomic_store_explicit(&ts->at[t->index], t, memory_order_release);
    atomic_store_explicit(&ts->slots[i], t, memory_order_release);
    if (t->index == n)
        atomic_store_explicit(&ts->n, n + 1, memory_order_release);
}

/* --- opening one --- */

static void tenant_free(struct tenant *t)
{
    if (!t)
        return;
    store_close(t->store);
    tenant_settings_unref(t->settings);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

/* The store under its key. A key is made only where there are no data yet: with another key than the one they
 * were written with they would be lost. */
static int open_store(const struct tenants *ts, const struct entry *e, struct store **ret, struct error *err)
{
    char path[PATH_MAX];
    struct stat st;
    struct store_options options = {
        .path = path,
        .map_bytes = 2 * (uint64_t)e->next->limits.stored_bytes,
        .hot_events = (uint64_t)e->next->limits.hot_events,
        .create = !e->settings,
        .declared = (const char(*)[EVENT_CODE_BYTES + 1]) e->next->declared,
        .n_declared = e->next->n_declared,
    };
    if (snprintf(path, sizeof(path), "%s/tenants/%s", ts->data, e->name) >= (int)sizeof(path))
        return error_set(err, -ENAMETOOLONG, "directory", "the path of the data is too long");
    bool has_data = stat(path, &st) == 0;
    int r = key_file_tenant(ts->keys, e->name, !has_data, options.key, err);
    if (r == -ENOENT)
        error_hint(err, "the data in %s were written under that key: put the file back", path);
    if (r == 0 && options.create)
        r = directory_make(path, err);
    if (r == 0)
        r = store_open(&options, ret, err);
    sodium_memzero(options.key, sizeof(options.key));
    return r;
}

static int open_entry(struct tenants *ts, struct entry *e)
{
    struct tenant *t = calloc(1, sizeof(*t));
    if (!t)
        return error_set(&e->error, -ENOMEM, "no_memory", "out of memory for a tenant");
    (void)pthread_mutex_init(&t->lock, NULL);
    memcpy(t->name, e->name, sizeof(t->name));
    int r = open_store(ts, e, &t->store, &e->error);
    if (r < 0) {
        tenant_free(t);
        return r;
    }
    e->tenant = t;
    return 0;
}

/* --- the registry --- */

static struct entry *find_entry(struct tenants *ts, const char *name)
{
    for (size_t i = 0; i < ts->n_entries; i++)
        if (strcmp(ts->entries[i].name, name) == 0)
            return &ts->entries[i];
    return NULL;
}

static struct entry *add_entry(struct tenants *ts, const char *name)
{
    if (ts->n_entries == TENANTS_MAX)
        return NULL;
    struct entry *e = &ts->entries[ts->n_entries++];
    *e = (struct entry){.settings = NULL};
    (void)snprintf(e->name, sizeof(e->name), "%s", name);
    return e;
}

struct loading {
    struct tenants *ts;
    json_t *removing; /* names */
    struct error *err;
};

static int load_entry(void *ctx, const char *name, json_t *record)
{
    struct loading *l = ctx;
    if (tenant_name_valid(name) && json_is_true(json_object_get(record, "removing")))
        return json_array_append_new(l->removing, json_string(name)) < 0
                   ? error_set(l->err, -ENOMEM, "no_memory", "out of memory for the tenants")
                   : 0;
    struct entry *e = tenant_name_valid(name) ? add_entry(l->ts, name) : NULL;
    if (!e)
        return error_set(
            l->err, -EBADMSG, "control_corrupt",
            "the control environment knows more tenants than there can be, or one without a name");
    return settings_of_record(record, &e->settings, l->err);
}

/* The second half of a removal: nothing of the tenant is in use any more. Again and again does no harm. */
static int remove_rest(struct tenants *ts, const char *name, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/tenants/%s", ts->data, name) >= (int)sizeof(path))
        return error_set(err, -ENAMETOOLONG, "directory", "the path of the data is too long");
    int r = key_file_destroy(ts->keys, name, err);
    if (r == 0)
        r = directory_remove(path, err);
    return r == 0 ? control_tenant_delete(ts->control, name, err) : r;
}

static int load_all(struct tenants *ts, struct error *err)
{
    struct loading l = {.ts = ts, .removing = json_array(), .err = err};
    int r = l.removing ? control_tenants_each(ts->control, load_entry, &l, err)
                       : error_set(err, -ENOMEM, "no_memory", "out of memory for the tenants");
    for (size_t i = 0; r == 0 && i < json_array_size(l.removing); i++)
        r = remove_rest(ts, json_string_value(json_array_get(l.removing, i)), err);
    json_decref(l.removing);
    return r;
}

int tenants_new(const struct tenants_options *options, struct tenants **ret, struct error *err)
{
    char path[PATH_MAX];
    struct tenants *ts = calloc(1, sizeof(*ts));
    struct entry *entries = calloc(TENANTS_MAX, sizeof(*entries));
    int r = 0;
    if (!ts || !entries) {
        free(entries);
        free(ts);
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the tenants");
    }
    ts->entries = entries;
    ts->control = options->control;
    (void)pthread_mutex_init(&ts->lock, NULL);
    (void)pthread_mutex_init(&ts->changing, NULL);
    if (snprintf(ts->data, sizeof(ts->data), "%s", options->data) >= (int)sizeof(ts->data) ||
        snprintf(ts->keys, sizeof(ts->keys), "%s", options->keys) >= (int)sizeof(ts->keys) ||
        snprintf(path, sizeof(path), "%s/tenants", ts->data) >= (int)sizeof(path))
        r = error_set(err, -ENAMETOOLONG, "directory", "the path of the data or keys is too long");
    if (r == 0)
        r = directory_make(path, err);
    if (r == 0)
        r = load_all(ts, err);
    if (r < 0) {
        tenants_free(ts);
        return r;
    }
    *ret = ts;
    return 0;
}

void tenants_free(struct tenants *ts)
{
    if (!ts)
        return;
    for (size_t i = 0; i < ts->n_entries; i++) {
        tenant_free(ts->entries[i].tenant);
        tenant_settings_unref(ts->entries[i].settings);
    }
    while (ts->graves) {
        struct tenant *t = ts->graves;
        ts->graves = t->next_grave;
        tenant_free(t);
    }
    (void)pthread_mutex_destroy(&ts->lock);
    (void)pthread_mutex_destroy(&ts->changing);
    free(ts->entries);
    free(ts);
}

/* The settings to come: the configuration's where it names the tenant, else those in force. */
static int prepare(struct tenants *ts, const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->tenants.n; i++) {
        const struct config_tenant *c = config_tenant_at(config, i);
        struct entry *e = find_entry(ts, c->name);
        if (!e)
            e = add_entry(ts, c->name);
        if (!e)
            return error_set(err, -ENOSPC, "too_many_tenants", "%d tenants are known, which is the most",
                             TENANTS_MAX);
        int r = settings_of_config(c, e->settings, &e->next, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < ts->n_entries; i++) {
        struct entry *e = &ts->entries[i];
        if (!e->next) {
            e->next = e->settings;
            atomic_fetch_add_explicit(&e->next->references, 1, memory_order_relaxed);
        }
    }
    return 0;
}

/* Entries that are opened, by several threads at once: a store waits for its disk, or for memory. */
struct opening {
    struct tenants *ts;
    atomic_size_t next;
};

static void *open_some(void *arg)
{
    struct opening *o = arg;
    size_t i;
    while ((i = atomic_fetch_add(&o->next, 1)) < o->ts->n_entries)
        if (!o->ts->entries[i].tenant)
            o->ts->entries[i].failure = open_entry(o->ts, &o->ts->entries[i]);
    return NULL;
}

/* Opens what is not open. Only a tenant that was not known before makes the whole fail. */
static int open_all(struct tenants *ts, struct error *err)
{
    struct opening o = {.ts = ts};
    pthread_t threads[OPENERS];
    size_t n_closed = 0, n_threads = 0;
    for (size_t i = 0; i < ts->n_entries; i++)
        n_closed += !ts->entries[i].tenant;
    while (n_threads < OPENERS && n_threads + 1 < n_closed &&
           pthread_create(&threads[n_threads], NULL, open_some, &o) == 0)
        n_threads++;
    (void)open_some(&o); /* all of it where there are no threads */
    for (size_t i = 0; i < n_threads; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < ts->n_entries; i++) {
        const struct entry *e = &ts->entries[i];
        if (!e->tenant && !e->settings) {
            *err = e->error;
            error_prefix(err, "tenant %s", e->name);
            return e->failure;
        }
    }
    return 0;
}

/* All stores together may map so much. */
static int check_maps(const struct tenants *ts, struct error *err)
{
    int64_t mapped = 0;
    for (size_t i = 0; i < ts->n_entries; i++) {
        const struct tenant_settings *s = ts->entries[i].next ? ts->entries[i].next : ts->entries[i].settings;
        mapped += 2 * s->limits.stored_bytes;
    }
    if (mapped <= CONFIG_MAPS_BYTES)
        return 0;
    error_set(err, -ENOSPC, "too_large",
              "the stored_bytes of all tenants come to more than %lld TiB together",
              (long long)(CONFIG_MAPS_BYTES / 2 >> 40));
    error_hint(err, "give this one, or others, less");
    return -ENOSPC;
}

static int write_records(struct tenants *ts, struct error *err)
{
    json_t *records = json_object();
    int r = records ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < ts->n_entries; i++)
        if (json_object_set_new(records, ts->entries[i].name, settings_record(ts->entries[i].next)) < 0)
            r = -ENOMEM;
    if (r < 0)
        error_set(err, r, "no_memory", "out of memory for the tenants' records");
    else
        r = control_tenants_put(ts->control, records, err);
    json_decref(records);
    return r;
}

/* Tells the store what of the settings its fold reads. It cannot keep more than memory: where that is gone
 * the facts stay those of the settings before, and the next reload or start tells it again. */
static void tell_fold(struct tenant *t, const struct tenant_settings *s)
{
    struct fold_settings fold = {.policies = s->policies, .n_policies = s->n_policies};
    memcpy(fold.calendar, s->calendar, sizeof(fold.calendar));
    (void)zone_version(fold.zones); /* the system was given other rules: calendars read otherwise */
    (void)store_set_fold(t->store, &fold, NULL);
}

/* Nothing can fail from here on. */
static void put_one_in_force(struct tenants *ts, struct entry *e)
{
    struct tenant *t = e->tenant;
    tenant_settings_unref(e->settings);
    e->settings = e->next;
    e->next = NULL;
    if (!t)
        return;
    store_declare(t->store, (const char(*)[EVENT_CODE_BYTES + 1]) e->settings->declared,
                  e->settings->n_declared);
    tell_fold(t, e->settings);
    store_set_retention(t->store, &e->settings->retention);
    struct tenant_settings *before = t->settings;
    atomic_fetch_add_explicit(&e->settings->references, 1, memory_order_relaxed);
    (void)pthread_mutex_lock(&t->lock);
    t->settings = e->settings;
    (void)pthread_mutex_unlock(&t->lock);
    if (!before)
        publish(ts, t);
    tenant_settings_unref(before);
}

static void put_in_force(struct tenants *ts)
{
    for (size_t i = 0; i < ts->n_entries; i++)
        put_one_in_force(ts, &ts->entries[i]);
}

/* Back to what was: tenants that were not known are forgotten (their empty stores stay on disk and are found
 * again), those known that opened now stay closed. */
static void take_back(struct tenants *ts)
{
    size_t kept = 0;
    for (size_t i = 0; i < ts->n_entries; i++) {
        struct entry *e = &ts->entries[i];
        tenant_settings_unref(e->next);
        e->next = NULL;
        if (e->tenant && !e->tenant->settings) {
            tenant_free(e->tenant);
            e->tenant = NULL;
        }
        if (e->settings)
            ts->entries[kept++] = *e;
    }
    ts->n_entries = kept;
}

int tenants_apply(struct tenants *ts, const struct config *config, struct error *err)
{
    (void)pthread_mutex_lock(&ts->changing);
    (void)pthread_mutex_lock(&ts->lock);
    int r = prepare(ts, config, err);
    if (r == 0)
        r = check_maps(ts, err);
    if (r == 0)
        r = open_all(ts, err);
    if (r == 0)
        r = write_records(ts, err);
    if (r == 0)
        put_in_force(ts);
    else
        take_back(ts);
    (void)pthread_mutex_unlock(&ts->lock);
    (void)pthread_mutex_unlock(&ts->changing);
    return r;
}

/* --- one tenant --- */

static int write_record(struct tenants *ts, const struct entry *e, struct error *err)
{
    json_t *records = json_pack("{s:o}", e->name, settings_record(e->next));
    int r = records ? control_tenants_put(ts->control, records, err)
                    : error_set(err, -ENOMEM, "no_memory", "out of memory for a tenant's record");
    json_decref(records);
    return r;
}

static int change_entry(struct tenants *ts, struct entry *e,
                        int (*change)(void *ctx, json_t *record, const struct tenant_settings *s,
                                      struct error *err),
                        void *ctx, struct error *err)
{
    json_t *record = settings_record(e->settings);
    int r = record ? change(ctx, record, e->settings, err)
                   : error_set(err, -ENOMEM, "no_memory", "out of memory for a tenant's record");
    if (r == 0)
        r = settings_of_record(record, &e->next, err);
    json_decref(record);
    if (r == 0)
        r = check_maps(ts, err);
    if (r == 0)
        r = write_record(ts, e, err);
    if (r == 0) {
        put_one_in_force(ts, e);
    } else {
        tenant_settings_unref(e->next);
        e->next = NULL;
    }
    return r;
}

/* The key that an export brought, where there is none yet. */
static int keep_key(const struct tenants *ts, const char *name, const uint8_t *key, struct error *err)
{
    char file[NAME_MAX + 1], line[2 * TENANT_KEY_BYTES + 1];
    uint8_t known[TENANT_KEY_BYTES];
    int r = key_file_tenant(ts->keys, name, false, known, err);
    if (r == 0 && key && sodium_memcmp(known, key, sizeof(known)) != 0) {
        r = error_set(err, -EEXIST, "wrong_key",
                      "there is a key file tenant-%s.key already, with another key", name);
        error_hint(err, "import under another name, or move that file away");
    } else if (r == -ENOENT && key) {
        (void)snprintf(file, sizeof(file), "tenant-%s.key", name);
        (void)sodium_bin2hex(line, sizeof(line), key, TENANT_KEY_BYTES);
        r = key_file_create(ts->keys, file, line, err);
    } else if (r == -ENOENT) {
        error_hint(err, "the file has no key: put tenant-%s.key of where it was exported there first", name);
    }
    sodium_memzero(known, sizeof(known));
    sodium_memzero(line, sizeof(line));
    return r;
}

static int make_entry(struct tenants *ts, struct entry *e, json_t *record, struct error *err)
{
    int r = settings_of_record(record, &e->next, err);
    if (r == 0)
        r = check_maps(ts, err);
    if (r == 0 && (r = open_entry(ts, e)) < 0)
        *err = e->error;
    return r == 0 ? write_record(ts, e, err) : r;
}

int tenants_make(struct tenants *ts, const char *name, json_t *record, const uint8_t *key, struct error *err)
{
    (void)pthread_mutex_lock(&ts->changing);
    (void)pthread_mutex_lock(&ts->lock);
    struct entry *e = NULL;
    int r = find_entry(ts, name)
                ? error_set(err, -EEXIST, "tenant_exists", "there is a tenant %s already", name)
                : keep_key(ts, name, key, err);
    if (r == 0 && !(e = add_entry(ts, name)))
        r = error_set(err, -ENOSPC, "too_many_tenants", "%d tenants are known, which is the most",
                      TENANTS_MAX);
    if (r == 0)
        r = make_entry(ts, e, record, err);
    if (r == 0) {
        put_one_in_force(ts, e);
    } else if (e) { /* its key file and its empty store stay, and are found by the next try */
        tenant_free(e->tenant);
        tenant_settings_unref(e->next);
        ts->n_entries--;
    }
    (void)pthread_mutex_unlock(&ts->lock);
    (void)pthread_mutex_unlock(&ts->changing);
    return r;
}

static int unknown(const char *name, struct error *err)
{
    return error_set(err, -ENOENT, "unknown_tenant", "there is no tenant \"%.64s\"", name);
}

int tenants_change(struct tenants *ts, const char *name,
                   int (*change)(void *ctx, json_t *record, const struct tenant_settings *s,
                                 struct error *err),
                   void *ctx, struct error *err)
{
    (void)pthread_mutex_lock(&ts->changing);
    (void)pthread_mutex_lock(&ts->lock);
    struct entry *e = find_entry(ts, name);
    int r = e && e->tenant ? change_entry(ts, e, change, ctx, err) : unknown(name, err);
    (void)pthread_mutex_unlock(&ts->lock);
    (void)pthread_mutex_unlock(&ts->changing);
    return r;
}

/* Until nobody holds it; -EBUSY when that takes too long. */
static int wait_for_holders(const struct tenant *t)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int64_t end = instant_monotonic_ms() + HOLDERS_WAIT_MS;
    while (atomic_load(&t->n_holders) > 0) {
        if (instant_monotonic_ms() >= end)
            return -EBUSY;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

/* Takes the entry off the list; its struct stays, with a closed store. */
static void bury(struct tenants *ts, struct entry *e)
{
    struct tenant *t = e->tenant;
    (void)pthread_mutex_lock(&ts->lock);
    tenant_settings_unref(e->settings);
    *e = ts->entries[--ts->n_entries];
    t->next_grave = ts->graves;
    ts->graves = t;
    (void)pthread_mutex_unlock(&ts->lock);
    atomic_store(&t->is_gone, true);
}

static int remove_entry(struct tenants *ts, struct entry *e, void (*drain)(void *ctx, struct tenant *t),
                        void *ctx, struct error *err)
{
    struct tenant *t = e->tenant;
    char name[STORE_NAME_BYTES + 1];
    memcpy(name, e->name, sizeof(name));
    atomic_store(&t->is_removed, true);
    int r = wait_for_holders(t);
    if (r < 0) {
        error_set(err, r, "busy", "tenant %s is still being asked something", name);
        error_hint(err, "it stays as it was; try again in a moment");
    } else {
        drain(ctx, t);
        r = control_tenant_removing(ts->control, name, err);
    }
    if (r < 0) {
        atomic_store(&t->is_removed, false);
        return r;
    }
    store_close(t->store);
    t->store = NULL;
    bury(ts, e);
    r = remove_rest(ts, name, err);
    if (r < 0)
        error_hint(
            err,
            "its keys are revoked and nobody reaches it any more; the next start tries to delete the rest");
    return r;
}

int tenants_remove(struct tenants *ts, const char *name, void (*drain)(void *ctx, struct tenant *t),
                   void *ctx, struct error *err)
{
    (void)pthread_mutex_lock(&ts->changing);
    (void)pthread_mutex_lock(&ts->lock);
    struct entry *e = find_entry(ts, name); /* stays in its place: only who has `changing` moves entries */
    (void)pthread_mutex_unlock(&ts->lock);
    int r = e && e->tenant ? remove_entry(ts, e, drain, ctx, err) : unknown(name, err);
    (void)pthread_mutex_unlock(&ts->changing);
    return r;
}

int tenants_failures(struct tenants *ts, struct tenant_failure **ret, size_t *ret_n)
{
    (void)pthread_mutex_lock(&ts->lock);
    struct tenant_failure *failures = calloc(ts->n_entries + 1, sizeof(*failures));
    size_t n = 0;
    for (size_t i = 0; failures && i < ts->n_entries; i++) {
        const struct entry *e = &ts->entries[i];
        if (e->tenant)
            continue;
        memcpy(failures[n].name, e->name, sizeof(failures[n].name));
        failures[n++].error = e->error;
    }
    (void)pthread_mutex_unlock(&ts->lock);
    if (!failures)
        return -ENOMEM;
    *ret = failures;
    *ret_n = n;
    return 0;
}
