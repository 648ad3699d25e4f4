/* What the control environment knows of tenants. */
#include "core/tenant/control_inside.h"

#include <string.h>

struct tenant_call {
    int (*each)(void *ctx, const char *name, json_t *record);
    void *ctx;
};

static int call_tenant(void *ctx, const MDB_val *k, json_t *record, struct error *err)
{
    struct tenant_call *call = ctx;
    char name[STORE_NAME_BYTES + 1];
    if (k->mv_size >= sizeof(name))
        return error_set(err, -EBADMSG, "control_corrupt",
                         "a tenant's name in the control environment is damaged");
    memcpy(name, k->mv_data, k->mv_size);
    name[k->mv_size] = '\0';
    return call->each(call->ctx, name, record);
}

int control_tenants_each(struct control *c, int (*each)(void *ctx, const char *name, json_t *record),
                         void *ctx, struct error *err)
{
    MDB_txn *txn;
    int r = mdb_txn_begin(c->env, NULL, MDB_RDONLY, &txn);
    if (r)
        return control_fail(err, "be read", r);
    r = control_each_record(txn, c->tenants, call_tenant, &(struct tenant_call){each, ctx}, err);
    mdb_txn_abort(txn);
    return r;
}

int control_tenants_put(struct control *c, const json_t *records, struct error *err)
{
    MDB_txn *txn;
    const char *name;
    json_t *record;
    (void)pthread_mutex_lock(&c->writing);
    int r = mdb_txn_begin(c->env, NULL, 0, &txn);
    if (r == 0) {
        json_object_foreach((json_t *)records, name, record)
        {
            if (r == 0)
                r = control_put_record(txn, c->tenants, name, record);
        }
        if (r == 0)
            r = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    (void)pthread_mutex_unlock(&c->writing);
    return r ? control_fail(err, "be written", r) : 0;
}

static int write_removing(struct control *c, const char *tenant)
{
    MDB_txn *txn;
    json_t *record = json_pack("{s:b}", "removing", 1);
    int r = record ? mdb_txn_begin(c->env, NULL, 0, &txn) : ENOMEM;
    if (r == 0) {
        r = control_put_record(txn, c->tenants, tenant, record);
        for (size_t i = 0; r == 0 && i < c->n_known; i++)
            if (strcmp(c->known[i].grant.tenant, tenant) == 0)
                r = mdb_del(txn, c->keys, &(MDB_val){CURVE_KEY_BYTES - 1, c->known[i].public_key}, NULL);
        if (r == 0)
            r = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    json_decref(record);
    return r;
}

int control_tenant_removing(struct control *c, const char *tenant, struct error *err)
{
    size_t n = 0;
    (void)pthread_mutex_lock(&c->writing);
    int r = write_removing(c, tenant);
    if (r == 0) {
        (void)pthread_rwlock_wrlock(&c->lock);
        for (size_t i = 0; i < c->n_known; i++)
            if (strcmp(c->known[i].grant.tenant, tenant) != 0)
                c->known[n++] = c->known[i];
        c->n_known = n;
        (void)pthread_rwlock_unlock(&c->lock);
    }
    (void)pthread_mutex_unlock(&c->writing);
    return r ? control_fail(err, "be written", r) : 0;
}

int control_tenant_delete(struct control *c, const char *tenant, struct error *err)
{
    MDB_txn *txn;
    (void)pthread_mutex_lock(&c->writing);
    int r = mdb_txn_begin(c->env, NULL, 0, &txn);
    if (r == 0) {
        r = mdb_del(txn, c->tenants, &(MDB_val){strlen(tenant), (void *)tenant}, NULL);
        if (r == 0 || r == MDB_NOTFOUND)
            r = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    (void)pthread_mutex_unlock(&c->writing);
    return r ? control_fail(err, "be written", r) : 0;
}
