/* The inside of a server, for its files alone: server.c (the thread, messages, questions), intake.c (HELLO
 * and BATCH) and delivery.c (answers). All of it belongs to the socket's thread, but for what a pending says.
 */
#ifndef TENDON_INGEST_SERVER_INSIDE_H
#define TENDON_INGEST_SERVER_INSIDE_H

#include "core/base/buffer.h"
#include "core/ingest/answer.h"
#include "core/ingest/committer.h"
#include "core/ingest/kept.h"
#include "core/ingest/outbox.h"
#include "core/ingest/quota.h"
#include "core/ingest/server.h"
#include "core/ingest/session.h"
#include "core/ingest/socket.h"
#include "core/tenant/tenant.h"
#include "proto/wire.h"

#include <pthread.h>
#include <stdatomic.h>

#define SERVER_REFUSALS_LOGGED 10 /* a tick */

struct server {
    struct server_options options;
    struct endpoint_socket socket; /* the thread's, once it runs */
    struct outbox outbox;
    struct session_table *sessions;
    struct credit_pool pool;
    struct quotas quotas;
    struct kept_answers kept;
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping, is_ending;
    int64_t now;         /* ms, monotonic; of this turn */
    unsigned n_refusals; /* logged since the last tick */

    pthread_mutex_t statistics_lock;
    struct server_statistics statistics, published;
};

/* A request that is under way, and then its answer. The socket thread's, but while the committer or dispatch
 * has it. */
struct pending {
    struct outbox_item item; /* first: the outbox's handle */
    struct server *server;
    struct peer peer;
    uint64_t request;
    struct session *session; /* HELLO and BATCH */
    uint64_t charged;        /* bytes of credit */
    int64_t taken_at;        /* ms, monotonic */
    struct quota *quota;     /* BATCH */
    uint32_t n_events;       /* taken from it */
    struct tenant *tenant;   /* HELLO: whose dimensions WELCOME lists; BATCH: whose rate */
    uint32_t types;          /* HELLO: granted */
    bool is_query;           /* QUERY and CALL */

    /* the answer */
    struct buffer message;  /* without its credit where has_credit */
    struct buffer document; /* of a query that was answered */
    bool has_credit, is_committed;
};

/* --- intake.c --- */

/* HELLO, BATCH or FORWARD, with the tenant held (NULL: it is not open) until what it says is in the
 * committer's queue.
 */
void server_take_source_s(struct server *s, const struct peer *peer, const struct grant *who,
                          struct wire_envelope *envelope, size_t message_size);

/* --- delivery.c --- */

void server_send_error(struct server *s, const struct peer *peer, uint64_t request, const char *code,
                       const char *message, const char *hint);
void server_send_nack(struct server *s, const struct peer *peer, uint64_t request, enum wire_nack nack,
                      uint64_t seq, uint64_t last_seq, uint32_t retry_ms, bool final, uint64_t credit);
/* Sends one part of a document. */
void server_send_part(struct server *s, const struct peer *peer, uint64_t request,
                      const struct buffer *document, uint64_t part);
/* A message that is refused before anybody works on it: HELLO and BATCH with NACK, the others with ERROR.
 * What cannot be read is taken for a source's, unless it is somebody else's who sent it. */
void server_refuse(struct server *s, const struct peer *peer, const struct grant *who,
                   const struct wire_envelope *envelope, enum wire_nack nack);

/* NULL: no memory. */
struct pending *pending_new(struct server *s, const struct peer *peer, uint64_t request);
void pending_free(struct pending *p); /* NULL is fine */
/* What the committer and dispatch call, on their threads: p is ctx. */
void pending_committed(void *ctx, const struct committer_answer *answer);
void pending_dispatched(void *ctx, struct buffer *result, const struct error *err);
/* Sends what is in the outbox. */
void server_deliver_all(struct server *s);

#endif
