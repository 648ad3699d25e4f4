/* The inside of the audit log, for audit.c and audit_read.c alone. */
#ifndef TENDON_TENANT_AUDIT_INSIDE_H
#define TENDON_TENANT_AUDIT_INSIDE_H

#include "core/tenant/audit.h"

#include <lmdb.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>

/* What waits to be chained. */
struct pending {
    struct pending *next;
    int64_t at;
    json_t *body; /* who, act, tenant, what; or of, outcome */
};

struct audit {
    MDB_env *env;
    MDB_dbi entries[AUDIT_N_CHAINS], heads;
    struct logger *logger;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    pthread_mutex_t writing; /* one group of usage at a time, so that its order is that of the questions */
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t wanted;
    struct pending *first, **last;
    size_t n_pending;
    bool is_stopping, is_started, is_failing;
    pthread_t thread;
    pthread_mutex_t summarising; /* of what follows, and while it runs */
    void (*summarise)(void *ctx);
    void *summarise_ctx;
};

/* An entry's value: its hash and its text; its key is its number, the most significant byte first. */
struct record {
    const uint8_t *hash;
    const char *text;
    size_t size;
};

/* A head as it is kept, with the bytes that the chain's entries take. */
struct kept_head {
    struct audit_head head;
    uint64_t bytes;
};

/* The number of an entry's key. */
uint64_t audit_key_number(const MDB_val *k);
/* False for what is no entry. */
bool audit_record_read(const MDB_val *v, struct record *ret);
/* 0, MDB_NOTFOUND, or EBADMSG for one that is no head. */
int audit_head_get(struct audit *a, MDB_txn *txn, enum audit_chain chain, struct kept_head *ret);
/* Fills err with audit_failed for an error of LMDB's or the system's; what: "read". The negative errno. */
int audit_fail(struct error *err, const char *what, int code);

#endif
