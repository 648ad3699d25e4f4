/* Answers to QUERY and CALL: a table of methods, the rights each needs, and a pool of threads that run them.
 *
 * The socket thread submits and goes on; a thread of the pool runs the request and calls reply, exactly once
 * for each submission that was taken. Reads open a view of their own; what writes to a tenant goes through
 * its committer. */
#ifndef TENDON_TENANT_DISPATCH_H
#define TENDON_TENANT_DISPATCH_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/tenant/grant.h"
#include "proto/wire.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define DISPATCH_RESULT_BYTES (256u * 1024 * 1024) /* one answer, at most */

struct audit;
struct committer;
struct config;
struct control;
struct dispatch;
struct logger;
struct supervisor;
struct tenants;

struct dispatch_options {
    struct tenants *tenants;
    struct control *control;
    struct committer *committer;
    struct audit *audit;
    struct supervisor *supervisor; /* may be NULL: no plugins */
    struct logger *logger;
    struct config *config;   /* the present one; a reference is taken */
    const char *public_key;  /* the server's, Z85; copied */
    const char *plugin_host; /* the program; copied */
    /* What the servers say of themselves, an array for `status`; NULL: nothing. On a thread of the pool. */
    json_t *(*servers)(void *ctx);
    json_t *(*forwarding)(void *ctx); /* the same of tenants that are forwarded; with servers_ctx */
    void *servers_ctx;
    unsigned n_threads;
    unsigned queue_max; /* requests waiting, at most */
};

/* On a thread of the pool. Either result (one msgpack document; the callee takes the bytes over and leaves an
 * empty buffer, or lets them be freed) or err is set, the other NULL. */
typedef void (*dispatch_reply)(void *ctx, struct buffer *result, const struct error *err);

int dispatch_new(const struct dispatch_options *options, struct dispatch **ret, struct error *err);
/* Cancels what runs, answers what waits with an error (code stopping), ends the threads. NULL is fine. */
void dispatch_free(struct dispatch *d);
/* The first half of dispatch_free: every request from now on is refused, running queries are cancelled, and
 * when it returns no reply is called any more. */
void dispatch_stop(struct dispatch *d);

/* From now on answers go by this configuration; a reference is taken. */
void dispatch_reload(struct dispatch *d, struct config *config);

/* Takes one request: kind WIRE_QUERY or WIRE_CALL, body the msgpack map of the message (copied). Any thread;
 * never blocks. -EAGAIN busy: too many are waiting; -ESHUTDOWN stopping; -ENOMEM. On an error reply is not
 * called and err is the answer. */
int dispatch_submit(struct dispatch *d, const struct grant *who, enum wire_kind kind, const void *body,
                    size_t size, dispatch_reply reply, void *ctx, struct error *err);

#endif
