#include "core/tenant/control.h"

#include "core/base/buffer.h"
#include "core/base/directory.h"
#include "core/base/document.h"
#include "core/base/nearest.h"
#include "core/tenant/control_inside.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONTROL_VERSION 1
#define RECORD_BYTES    (1024 * 1024)
#define DATABASES       16 /* ours, and the audit log's */

int control_fail(struct error *err, const char *what, int code)
{
    return error_set(err, code == MDB_MAP_FULL ? -ENOSPC : -EIO, "control_write",
                     "the control environment cannot %s: %s", what, mdb_strerror(code));
}

int control_key_valid(const char *s)
{
    static const char Z85[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    return strspn(s, Z85) == CURVE_KEY_BYTES - 1 && s[CURVE_KEY_BYTES - 1] == '\0';
}

/* --- records --- */

static json_t *key_record(const struct control_key *key)
{
    const struct grant *g = &key->grant;
    json_t *sites = json_array();
    for (unsigned i = 0; i < g->n_sites; i++)
        (void)json_array_append_new(sites, json_string(g->sites[i]));
    if (json_array_size(sites) !=
        g->n_sites) { /* a key that is narrowed must never be kept as one that is not */
        json_decref(sites);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:i, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "name", key->name, "granted_at",
                     (json_int_t)key->granted_at, "role", (int)g->role, "tenant", g->tenant, "source",
                     g->source, "namespace", g->namespace, "types", (json_int_t)g->types, "stamp_vendor",
                     g->stamp_vendor, "stamp_outsourcer", g->stamp_outsourcer, "sites", sites);
}

static bool copy_text(char *room, size_t n, const char *text)
{
    size_t size = strlen(text);
    if (size >= n)
        return false;
    memcpy(room, text, size + 1);
    return true;
}

static bool copy_sites(struct grant *g, const json_t *sites)
{
    bool good = json_array_size(sites) <= GRANT_SITES_MAX;
    for (size_t i = 0; good && i < json_array_size(sites); i++) {
        const char *site = json_string_value(json_array_get(sites, i));
        good = site && copy_text(g->sites[g->n_sites++], sizeof(g->sites[0]), site);
    }
    return good;
}

static bool key_of_record(const MDB_val *at, json_t *record, struct control_key *ret)
{
    const char *name, *tenant, *source, *namespace, *vendor, *outsourcer;
    json_int_t granted_at, types;
    json_t *sites = NULL; /* grants of before there were any have none */
    int role;
    *ret = (struct control_key){.granted_at = 0};
    if (at->mv_size != CURVE_KEY_BYTES - 1 ||
        json_unpack(record, "{s:s, s:I, s:i, s:s, s:s, s:s, s:I, s:s, s:s, s?o}", "name", &name, "granted_at",
                    &granted_at, "role", &role, "tenant", &tenant, "source", &source, "namespace", &namespace,
                    "types", &types, "stamp_vendor", &vendor, "stamp_outsourcer", &outsourcer, "sites",
                    &sites) < 0)
        return false;
    memcpy(ret->public_key, at->mv_data, at->mv_size);
    ret->granted_at = granted_at;
    ret->grant.role = (enum role)role;
    ret->grant.types = (uint32_t)types;
    return role > ROLE_NONE && role <= ROLE_OPERATOR && copy_text(ret->name, sizeof(ret->name), name) &&
           copy_text(ret->grant.tenant, sizeof(ret->grant.tenant), tenant) &&
           copy_text(ret->grant.source, sizeof(ret->grant.source), source) &&
           copy_text(ret->grant.namespace, sizeof(ret->grant.namespace), namespace) &&
           copy_text(ret->grant.stamp_vendor, sizeof(ret->grant.stamp_vendor), vendor) &&
           copy_text(ret->grant.stamp_outsourcer, sizeof(ret->grant.stamp_outsourcer), outsourcer) &&
           copy_sites(&ret->grant, sites);
}

int control_put_record(MDB_txn *txn, MDB_dbi dbi, const char *key, const json_t *record)
{
    struct buffer b;
    buffer_init(&b, RECORD_BYTES);
    int r = record ? document_encode(record, &b) : -ENOMEM;
    MDB_val k = {strlen(key), (void *)key}, v = {b.size, b.data};
    r = r < 0 ? ENOMEM : mdb_put(txn, dbi, &k, &v, 0);
    buffer_fini(&b);
    return r;
}

/* --- the keys in memory --- */

/* The place of a public key, or where it belongs. */
static size_t find_place(const struct control *c, const char *public_key)
{
    size_t low = 0, high = c->n_known;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->known[middle].public_key, public_key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct control_key *find_key(const struct control *c, const char *public_key)
{
    size_t i = find_place(c, public_key);
    return i < c->n_known && strcmp(c->known[i].public_key, public_key) == 0 ? &c->known[i] : NULL;
}

static const struct control_key *find_name(const struct control *c, const char *name)
{
    for (size_t i = 0; i < c->n_known; i++)
        if (strcmp(c->known[i].name, name) == 0)
            return &c->known[i];
    return NULL;
}

static int reserve(struct control *c)
{
    if (c->n_known < c->room)
        return 0;
    size_t room = c->room ? c->room * 2 : 16;
    struct control_key *known = realloc(c->known, room * sizeof(*known));
    if (!known)
        return -ENOMEM;
    c->known = known;
    c->room = room;
    return 0;
}

static void insert(struct control *c, const struct control_key *key)
{
    size_t i = find_place(c, key->public_key);
    memmove(c->known + i + 1, c->known + i, (c->n_known - i) * sizeof(*c->known));
    c->known[i] = *key;
    c->n_known++;
}

/* --- opening --- */

static int check_version(struct control *c, MDB_txn *txn, struct error *err)
{
    uint32_t version = CONTROL_VERSION;
    MDB_val k = {7, (void *)"version"}, v;
    int r = mdb_get(txn, c->meta, &k, &v);
    if (r == MDB_NOTFOUND) {
        v = (MDB_val){sizeof(version), &version};
        r = mdb_put(txn, c->meta, &k, &v, 0);
        return r ? control_fail(err, "be written", r) : 0;
    }
    if (r)
        return control_fail(err, "be read", r);
    if (v.mv_size == sizeof(version))
        memcpy(&version, v.mv_data, sizeof(version));
    if (v.mv_size == sizeof(version) && version == CONTROL_VERSION)
        return 0;
    error_set(err, -EPROTO, "control_version", "the control environment has format %u, this tendond knows %d",
              (unsigned)version, CONTROL_VERSION);
    error_hint(err, "start the tendond that wrote it, or a newer one");
    return -EPROTO;
}

int control_each_record(MDB_txn *txn, MDB_dbi dbi,
                        int (*each)(void *ctx, const MDB_val *key, json_t *record, struct error *err),
                        void *ctx, struct error *err)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    int r = mdb_cursor_open(txn, dbi, &cursor);
    if (r)
        return control_fail(err, "be read", r);
    int result = 0;
    while (result == 0 && (r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        json_t *record = NULL;
        result = document_decode(v.mv_data, v.mv_size, DOCUMENT_VALUES_MAX, &record, err);
        if (result < 0)
            error_set(err, result, "control_corrupt", "a record of the control environment is damaged");
        else
            result = each(ctx, &k, record, err);
        json_decref(record);
    }
    mdb_cursor_close(cursor);
    if (result == 0 && r != MDB_NOTFOUND)
        return control_fail(err, "be read", r);
    return result;
}

static int load_key(void *ctx, const MDB_val *k, json_t *record, struct error *err)
{
    struct control *c = ctx;
    struct control_key key;
    if (!key_of_record(k, record, &key))
        return error_set(err, -EBADMSG, "control_corrupt",
                         "a key's record in the control environment is damaged");
    if (reserve(c) < 0)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the granted keys");
    insert(c, &key);
    return 0;
}

static int open_databases(struct control *c, struct error *err)
{
    MDB_txn *txn;
    int r = mdb_txn_begin(c->env, NULL, 0, &txn);
    if (r)
        return control_fail(err, "be opened", r);
    if ((r = mdb_dbi_open(txn, "meta", MDB_CREATE, &c->meta)) ||
        (r = mdb_dbi_open(txn, "keys", MDB_CREATE, &c->keys)) ||
        (r = mdb_dbi_open(txn, "tenants", MDB_CREATE, &c->tenants)) ||
        (r = mdb_dbi_open(txn, "cubes", MDB_CREATE, &c->cubes))) {
        mdb_txn_abort(txn);
        return control_fail(err, "be opened", r);
    }
    int result = check_version(c, txn, err);
    if (result == 0)
        result = control_each_record(txn, c->keys, load_key, c, err);
    if (result < 0) {
        mdb_txn_abort(txn);
        return result;
    }
    r = mdb_txn_commit(txn);
    return r ? control_fail(err, "be written", r) : 0;
}

static int open_environment(struct control *c, const char *path, struct error *err)
{
    mdb_filehandle_t fd;
    int r = mdb_env_create(&c->env);
    if (r)
        return control_fail(err, "be opened", r);
    if ((r = mdb_env_set_maxdbs(c->env, DATABASES)) || (r = mdb_env_set_mapsize(c->env, CONTROL_MAP_BYTES)) ||
        (r = mdb_env_open(c->env, path, MDB_NOTLS, 0600)))
        return control_fail(err, "be opened", r);
    /* LMDB opens its file without O_CLOEXEC; plugin hosts must not inherit it. */
    if (mdb_env_get_fd(c->env, &fd) == 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return directory_sync(path);
}

int control_open(const char *path, struct control **ret, struct error *err)
{
    int r = directory_make(path, err);
    if (r < 0)
        return r;
    struct control *c = calloc(1, sizeof(*c));
    if (!c)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the control environment");
    (void)pthread_mutex_init(&c->writing, NULL);
    (void)pthread_rwlock_init(&c->lock, NULL);
    r = open_environment(c, path, err);
    if (r == 0)
        r = open_databases(c, err);
    if (r < 0) {
        error_prefix(err, "%s", path);
        control_close(c);
        return r;
    }
    *ret = c;
    return 0;
}

void control_close(struct control *c)
{
    if (!c)
        return;
    if (c->env)
        mdb_env_close(c->env);
    (void)pthread_rwlock_destroy(&c->lock);
    (void)pthread_mutex_destroy(&c->writing);
    free(c->known);
    free(c);
}

struct MDB_env *control_environment(struct control *c)
{
    return c->env;
}

/* --- keys --- */

/* One change of the keys on disk: puts the record, or without one deletes. */
static int write_key(struct control *c, const char *public_key, const json_t *record, struct error *err)
{
    MDB_txn *txn;
    int r = mdb_txn_begin(c->env, NULL, 0, &txn);
    if (r)
        return control_fail(err, "be written", r);
    if (record)
        r = control_put_record(txn, c->keys, public_key, record);
    else
        r = mdb_del(txn, c->keys, &(MDB_val){strlen(public_key), (void *)public_key}, NULL);
    if (r) {
        mdb_txn_abort(txn);
        return control_fail(err, "be written", r);
    }
    r = mdb_txn_commit(txn);
    return r ? control_fail(err, "be written", r) : 0;
}

static int grant_checked(struct control *c, const struct control_key *key, struct error *err)
{
    if (find_key(c, key->public_key))
        return error_set(err, -EEXIST, "key_exists", "this public key is granted already");
    if (find_name(c, key->name))
        return error_set(err, -EEXIST, "key_exists", "a key named \"%s\" is granted already", key->name);
    if (c->n_known >= CONTROL_KEYS_MAX)
        return error_set(err, -ENOSPC, "too_many_keys", "%d keys are granted, which is the most",
                         CONTROL_KEYS_MAX);
    json_t *record = key_record(key);
    if (!record)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a key");
    int r = write_key(c, key->public_key, record, err);
    json_decref(record);
    if (r < 0)
        return r;
    (void)pthread_rwlock_wrlock(&c->lock);
    r = reserve(c);
    if (r == 0)
        insert(c, key);
    (void)pthread_rwlock_unlock(&c->lock);
    return r < 0 ? error_set(err, r, "no_memory", "out of memory: the key counts from the next start on") : 0;
}

int control_grant(struct control *c, const struct control_key *key, struct error *err)
{
    (void)pthread_mutex_lock(&c->writing);
    int r = grant_checked(c, key, err);
    (void)pthread_mutex_unlock(&c->writing);
    return r;
}

/* By public key or name; NULL and err where there is none. */
static const struct control_key *find_either(const struct control *c, const char *key_or_name,
                                             struct error *err)
{
    const struct control_key *key = find_key(c, key_or_name);
    if (!key)
        key = find_name(c, key_or_name);
    if (key)
        return key;
    struct nearest near;
    nearest_init(&near, key_or_name, strlen(key_or_name));
    for (size_t i = 0; i < c->n_known; i++)
        nearest_offer(&near, c->known[i].name);
    error_set(err, -ENOENT, "unknown_key", "no key \"%.64s\" is granted", key_or_name);
    if (near.best)
        error_hint(err, "did you mean \"%s\"?", near.best);
    else
        error_hint(err, "tendon key list shows those that are");
    return NULL;
}

int control_find(struct control *c, const char *key_or_name, struct control_key *ret, struct error *err)
{
    (void)pthread_mutex_lock(&c->writing);
    const struct control_key *key = find_either(c, key_or_name, err);
    if (key)
        *ret = *key;
    (void)pthread_mutex_unlock(&c->writing);
    return key ? 0 : -ENOENT;
}

static int revoke_checked(struct control *c, const char *key_or_name, struct control_key *ret,
                          struct error *err)
{
    const struct control_key *key = find_either(c, key_or_name, err);
    if (!key)
        return -ENOENT;
    struct control_key was = *key;
    /* First in memory: it stops at once, and stays stopped until the next start should the disk refuse. */
    (void)pthread_rwlock_wrlock(&c->lock);
    size_t i = find_place(c, was.public_key);
    memmove(c->known + i, c->known + i + 1, (c->n_known - i - 1) * sizeof(*c->known));
    c->n_known--;
    (void)pthread_rwlock_unlock(&c->lock);
    int r = write_key(c, was.public_key, NULL, err);
    if (r < 0) {
        error_hint(err, "the key is refused from now on, but a restart would bring it back: revoke it again");
        (void)pthread_rwlock_wrlock(&c->lock);
        was.grant.role = ROLE_NONE;
        insert(c, &was);
        (void)pthread_rwlock_unlock(&c->lock);
        return r;
    }
    if (ret)
        *ret = was;
    return 0;
}

int control_revoke(struct control *c, const char *key_or_name, struct control_key *ret, struct error *err)
{
    (void)pthread_mutex_lock(&c->writing);
    int r = revoke_checked(c, key_or_name, ret, err);
    (void)pthread_mutex_unlock(&c->writing);
    return r;
}

/* One transaction: there is never a moment, nor a crash, in which both count or none. */
static int write_rotation(struct control *c, const char *old, const struct control_key *key,
                          struct error *err)
{
    MDB_txn *txn;
    json_t *record = key_record(key);
    int r = record ? mdb_txn_begin(c->env, NULL, 0, &txn) : ENOMEM;
    if (r == 0) {
        r = mdb_del(txn, c->keys, &(MDB_val){strlen(old), (void *)old}, NULL);
        if (r == 0)
            r = control_put_record(txn, c->keys, key->public_key, record);
        if (r == 0)
            r = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    json_decref(record);
    return r ? control_fail(err, "be written", r) : 0;
}

static int rotate_checked(struct control *c, const char *key_or_name, const char *new_public_key,
                          struct control_key *ret, struct error *err)
{
    const struct control_key *key = find_either(c, key_or_name, err);
    if (!key)
        return -ENOENT;
    if (find_key(c, new_public_key))
        return error_set(err, -EEXIST, "key_exists", "the new public key is granted already");
    struct control_key now = *key;
    char old[CURVE_KEY_BYTES];
    memcpy(old, key->public_key, sizeof(old));
    (void)snprintf(now.public_key, sizeof(now.public_key), "%s", new_public_key);
    int r = write_rotation(c, old, &now, err);
    if (r < 0)
        return r;
    (void)pthread_rwlock_wrlock(&c->lock);
    size_t i = find_place(c, old);
    memmove(c->known + i, c->known + i + 1, (c->n_known - i - 1) * sizeof(*c->known));
    c->n_known--;
    insert(c, &now); /* where the old one was there is room */
    (void)pthread_rwlock_unlock(&c->lock);
    if (ret)
        *ret = now;
    return 0;
}

int control_rotate(struct control *c, const char *key_or_name, const char *new_public_key,
                   struct control_key *ret, struct error *err)
{
    (void)pthread_mutex_lock(&c->writing);
    int r = rotate_checked(c, key_or_name, new_public_key, ret, err);
    (void)pthread_mutex_unlock(&c->writing);
    return r;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct control_key *)a)->name, ((const struct control_key *)b)->name);
}

int control_list(struct control *c, struct control_key **ret, size_t *ret_n)
{
    (void)pthread_rwlock_rdlock(&c->lock);
    size_t n = c->n_known;
    struct control_key *keys = calloc(n + 1, sizeof(*keys));
    if (keys && n)
        memcpy(keys, c->known, n * sizeof(*keys));
    (void)pthread_rwlock_unlock(&c->lock);
    if (!keys)
        return -ENOMEM;
    qsort(keys, n, sizeof(*keys), by_name);
    *ret = keys;
    *ret_n = n;
    return 0;
}

int control_resolve(struct control *c, const char *public_key, struct grant *ret)
{
    (void)pthread_rwlock_rdlock(&c->lock);
    const struct control_key *key = find_key(c, public_key);
    bool good = key && key->grant.role != ROLE_NONE;
    if (good) { /* asked for every message: only the sites that there are */
        const struct grant *g = &key->grant;
        memcpy(ret, g, offsetof(struct grant, sites) + g->n_sites * sizeof(g->sites[0]));
        memcpy(ret->name, key->name, sizeof(ret->name));
    }
    (void)pthread_rwlock_unlock(&c->lock);
    return good ? 0 : -ENOENT;
}
