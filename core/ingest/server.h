/* A server: one thread and one ROUTER socket, bound to some endpoints, that speaks tendon-protocol(7).
 *
 * The thread only moves messages: HELLO and BATCH of sources go to the committer, QUERY and CALL to dispatch;
 * their answers come back through an outbox and are sent by the thread. It waits for no commit, no query and
 * no lock held across either. tendond makes two: the data server (`listen` and hosts.sock) and the control
 * server (control.sock), which outlives every limit of the other.
 *
 * The server keeps the sessions (which connection speaks for a source) and the credit: each source may have
 * so many bytes of batches under way, from WIRE_CREDIT_START, doubled while it is used and the pool has room,
 * halved while it is idle. */
#ifndef TENDON_INGEST_SERVER_H
#define TENDON_INGEST_SERVER_H

#include "core/base/error.h"
#include "core/ingest/zap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_CREDIT_POOL   (64u * 1024 * 1024)  /* all sources together */
#define SERVER_CREDIT_SOURCE (4u * 1024 * 1024)   /* one source, at most */
#define SERVER_ANSWERS_BYTES (512u * 1024 * 1024) /* answers kept for MORE, all together */
#define SERVER_ANSWER_MS     60000                /* how long one is kept */

struct committer;
struct dispatch;
struct logger;
struct server;
struct tenants;

struct server_endpoint {
    const char *address; /* tcp://127.0.0.1:7780, ipc:///run/tendon/hosts.sock */
    bool curve;
};

/* name lives as long as the server, as do the objects; endpoints and the key are read once. */
struct server_options {
    void *zmq;              /* the process's one context; the zap handler is there already */
    const char *name;       /* "data", "control": in logs and as the thread's name */
    const char *zap_domain; /* WIRE_ZAP_DOMAIN or WIRE_ZAP_DOMAIN_CONTROL */
    const struct server_endpoint *endpoints;
    size_t n_endpoints;
    const char *curve_secret; /* the server's secret key in Z85; NULL where no endpoint is curve */
    size_t message_bytes;     /* a message, at most; 0: what a batch and its envelope need */
    uint64_t credit_pool;     /* 0: SERVER_CREDIT_POOL; at least WIRE_CREDIT_START a source */
    uint64_t credit_source;   /* 0: SERVER_CREDIT_SOURCE */
    zap_resolve resolve;      /* the same as the zap handler's; asked for every message */
    void *resolve_ctx;
    struct tenants *tenants;
    struct committer *committer; /* NULL: no batches here */
    struct dispatch *dispatch;   /* NULL: no queries and calls here */
    struct logger *logger;
};

/* Binds and starts the thread. Codes: bind, curve, zap (this libzmq cannot enforce ZAP). */
int server_new(const struct server_options *options, struct server **ret, struct error *err);

/* From now on every message is refused (NACK or ERROR stopping). Then stop the committer and dispatch: what
 * they still answer goes out. */
void server_stop(struct server *s);
/* Sends what is in the outbox, ends the thread, closes the socket. After the committer and dispatch have
 * stopped, for they answer into it. NULL is fine. */
void server_free(struct server *s);

/* The address as bound (a tcp port of * is a number now); NULL beyond the last. */
const char *server_address(const struct server *s, size_t index);

struct server_statistics {
    uint64_t connections;                   /* now */
    uint64_t sessions;                      /* now */
    uint64_t messages, bytes;               /* taken */
    uint64_t malformed, multipart, refused; /* messages that were not */
    uint64_t over_rate;                     /* batches beyond their tenant's rate */
    uint64_t endless;                       /* connections ended for a message without end */
    uint64_t unsent;                        /* answers whose peer was gone or did not read */
    uint64_t credit_reserved;               /* bytes, now */
    bool is_listening; /* false: near the limit of descriptors, or too many came at once */
};
void server_statistics(struct server *s, struct server_statistics *ret);

#endif
