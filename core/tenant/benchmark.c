#include "core/tenant/benchmark.h"

#include "core/base/document.h"
#include "core/tenant/control_inside.h"

#include <stdio.h>
#include <string.h>

/* Keys of the one database: "cube/NAME", "month/YYYY-MM", "figures/NAME/YYYY-MM"; no name has a slash. */
#define KEY_BYTES 160

static int begin(struct control *c, unsigned flags, MDB_txn **ret, struct error *err)
{
    int r = mdb_txn_begin(c->env, NULL, flags, ret);
    return r ? control_fail(err, flags & MDB_RDONLY ? "be read" : "be written", r) : 0;
}

static int decode(const MDB_val *v, json_t **ret, struct error *err)
{
    if (document_decode(v->mv_data, v->mv_size, DOCUMENT_VALUES_MAX, ret, err) == 0)
        return 0;
    return error_set(err, -EBADMSG, "control_corrupt",
                     "a record of the benchmark in the control environment is damaged");
}

/* Calls each for every record whose key begins so, with the rest of the key. */
static int each_record(struct control *c, const char *prefix,
                       int (*each)(void *ctx, const char *rest, const MDB_val *v, struct error *err),
                       void *ctx, struct error *err)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    char rest[KEY_BYTES];
    size_t size = strlen(prefix);
    MDB_val k = {size, (void *)prefix}, v;
    int result = begin(c, MDB_RDONLY, &txn, err);
    if (result < 0)
        return result;
    int r = mdb_cursor_open(txn, c->cubes, &cursor);
    if (r == 0) {
        for (r = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
             r == 0 && result == 0 && k.mv_size > size && k.mv_size - size < sizeof(rest) &&
             memcmp(k.mv_data, prefix, size) == 0;
             r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
            memcpy(rest, (const char *)k.mv_data + size, k.mv_size - size);
            rest[k.mv_size - size] = '\0';
            result = each(ctx, rest, &v, err);
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return result < 0 || r == 0 || r == MDB_NOTFOUND ? result : control_fail(err, "be read", r);
}

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "out of memory for the benchmark");
}

static int collect(void *ctx, const char *rest, const MDB_val *v, struct error *err)
{
    json_t *record;
    int r = decode(v, &record, err);
    return r < 0 ? r : json_object_set_new(ctx, rest, record) < 0 ? no_memory(err) : 0;
}

static int collect_all(struct control *c, const char *prefix,
                       int (*each)(void *ctx, const char *rest, const MDB_val *v, struct error *err),
                       json_t **ret, struct error *err)
{
    json_t *all = json_object();
    int r = all ? each_record(c, prefix, each, all, err) : no_memory(err);
    if (r < 0) {
        json_decref(all);
        return r;
    }
    *ret = all;
    return 0;
}

int benchmark_cubes(struct control *c, json_t **ret, struct error *err)
{
    return collect_all(c, "cube/", collect, ret, err);
}

int benchmark_figures(struct control *c, const char *name, json_t **ret, struct error *err)
{
    char prefix[KEY_BYTES];
    (void)snprintf(prefix, sizeof(prefix), "figures/%s/", name);
    return collect_all(c, prefix, collect, ret, err);
}

static int collect_month(void *ctx, const char *rest, const MDB_val *v, struct error *err)
{
    char name[KEY_BYTES];
    const char *slash = strchr(rest, '/');
    if (!slash)
        return 0;
    (void)snprintf(name, sizeof(name), "%.*s", (int)(slash - rest), rest);
    json_t *months = json_object_get(ctx, name);
    if (!months) {
        months = json_array();
        if (json_object_set_new(ctx, name, months) < 0)
            return no_memory(err);
    }
    return json_array_append_new(months, json_string(slash + 1)) < 0 ? no_memory(err) : 0;
}

int benchmark_months(struct control *c, json_t **ret, struct error *err)
{
    return collect_all(c, "figures/", collect_month, ret, err);
}

int benchmark_month(struct control *c, const char *month, json_t **ret, struct error *err)
{
    MDB_txn *txn;
    char key[KEY_BYTES];
    MDB_val v;
    int result = begin(c, MDB_RDONLY, &txn, err);
    if (result < 0)
        return result;
    int size = snprintf(key, sizeof(key), "month/%s", month);
    int r = mdb_get(txn, c->cubes, &(MDB_val){(size_t)size, key}, &v);
    *ret = NULL;
    if (r == 0)
        result = decode(&v, ret, err);
    else if (r != MDB_NOTFOUND)
        result = control_fail(err, "be read", r);
    mdb_txn_abort(txn);
    return result;
}

int benchmark_is_frozen(struct control *c, const char *month, bool *ret, struct error *err)
{
    json_t *record;
    int r = benchmark_month(c, month, &record, err);
    if (r < 0)
        return r;
    *ret = record != NULL;
    json_decref(record);
    return 0;
}

/* --- writing --- */

int benchmark_put(struct control *c, const char *name, const json_t *cube, struct error *err)
{
    MDB_txn *txn;
    char key[KEY_BYTES];
    int size = snprintf(key, sizeof(key), "cube/%s", name);
    (void)pthread_mutex_lock(&c->writing);
    int r = mdb_txn_begin(c->env, NULL, 0, &txn);
    if (r == 0) {
        r = cube ? control_put_record(txn, c->cubes, key, cube)
                 : mdb_del(txn, c->cubes, &(MDB_val){(size_t)size, key}, NULL);
        if (r == 0)
            r = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    (void)pthread_mutex_unlock(&c->writing);
    return r ? control_fail(err, "be written", r) : 0;
}

static int write_month(struct control *c, MDB_txn *txn, const char *month, const json_t *record,
                       const json_t *figures)
{
    char key[KEY_BYTES];
    const char *name;
    json_t *some;
    MDB_val v;
    int size = snprintf(key, sizeof(key), "month/%s", month);
    int r = mdb_get(txn, c->cubes, &(MDB_val){(size_t)size, key}, &v);
    if (r != MDB_NOTFOUND)
        return r == 0 ? MDB_KEYEXIST : r;
    r = control_put_record(txn, c->cubes, key, record);
    json_object_foreach((json_t *)figures, name, some)
    {
        (void)snprintf(key, sizeof(key), "figures/%s/%s", name, month);
        if (r == 0)
            r = control_put_record(txn, c->cubes, key, some);
    }
    return r;
}

int benchmark_freeze(struct control *c, const char *month, const json_t *record, const json_t *figures,
                     struct error *err)
{
    MDB_txn *txn;
    (void)pthread_mutex_lock(&c->writing);
    int r = mdb_txn_begin(c->env, NULL, 0, &txn);
    if (r == 0) {
        r = write_month(c, txn, month, record, figures);
        if (r == 0)
            r = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    (void)pthread_mutex_unlock(&c->writing);
    if (r == MDB_KEYEXIST)
        return error_set(err, -EEXIST, "frozen", "%s is frozen already", month);
    return r ? control_fail(err, "be written", r) : 0;
}
