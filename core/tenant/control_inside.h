/* The inside of the control environment, for control.c, control_tenants.c and benchmark.c alone. */
#ifndef TENDON_TENANT_CONTROL_INSIDE_H
#define TENDON_TENANT_CONTROL_INSIDE_H

#include "core/tenant/control.h"

#include <lmdb.h>
#include <pthread.h>

struct control {
    MDB_env *env;
    MDB_dbi meta, keys, tenants, cubes;
    pthread_mutex_t writing;   /* one writer: what it read is still so when it commits */
    pthread_rwlock_t lock;     /* of what follows */
    struct control_key *known; /* by public key */
    size_t n_known, room;
};

/* Fills err with control_write for an error of LMDB's; the negative errno. */
int control_fail(struct error *err, const char *what, int code);
/* 0, or an error of LMDB's; ENOMEM where the record is NULL or too large. */
int control_put_record(MDB_txn *txn, MDB_dbi dbi, const char *key, const json_t *record);
/* Calls each for every record of a database. */
int control_each_record(MDB_txn *txn, MDB_dbi dbi,
                        int (*each)(void *ctx, const MDB_val *key, json_t *record, struct error *err),
                        void *ctx, struct error *err);

#endif
