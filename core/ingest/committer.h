/* The committer: takes batches from the socket threads and answers when they are durable.
 *
 * Each tenant has one queue, worked on by one thread of the pool at a time (its store knows no other writer);
 * different tenants are worked on side by side, in turn. A turn takes what is queued, at most
 * COMMITTER_GROUP_BYTES, into one store_commit. The next batches are decoded by the other threads meanwhile;
 * while those have turns of their own, each turn decodes what it commits.
 * Queues are bounded by the senders' credit (core/ingest/server.h). A refold's slices (store_refold) come
 * between two turns: one after another while a tenant has nothing else, else for at most half of the time.
 *
 * The sequence rules of the protocol live here, where the order is known: last_seq + 1 is taken, lower is a
 * repeat, higher is out of order; after a commit that failed, last_seq is read back before anything is
 * answered. */
#ifndef TENDON_INGEST_COMMITTER_H
#define TENDON_INGEST_COMMITTER_H

#include "core/base/error.h"
#include "core/store/store.h"
#include "core/tenant/grant.h"
#include "proto/wire.h"

#include <stddef.h>
#include <stdint.h>

#define COMMITTER_GROUP_BYTES (4u * 1024 * 1024)   /* of batches in one commit */
#define COMMITTER_FREE_BYTES  (256u * 1024 * 1024) /* less free space on the data disk: disk_full, untried */
#define COMMITTER_SETTLE_MS   10000                /* a tenant idle this long gets sealed what is worth it */
#define COMMITTER_RETRY_MS    2000                 /* when to try again after disk_full and store_failed */
#define COMMITTER_NICE        8 /* priority of its threads, below those that answer questions */

struct committer;
struct logger;
struct refusals;
struct tenant;

struct committer_options {
    const char *data_path; /* whose disk must have room; copied */
    uint64_t free_bytes;   /* 0: COMMITTER_FREE_BYTES */
    unsigned n_threads;    /* 0: 2 */
    struct logger *logger;
};

/* The answer to one HELLO or BATCH, all but its credit. Pointers are valid during the call. */
struct committer_answer {
    enum wire_kind kind; /* WIRE_WELCOME, WIRE_ACK or WIRE_NACK */
    uint64_t seq;        /* of the batch */
    uint64_t last_seq;   /* committed */
    /* ACK of a batch that was new */
    uint32_t n_accepted, n_duplicates;
    const struct store_reject *rejects; /* by index */
    size_t n_rejects;
    /* WELCOME, and ACK of a repeated one */
    bool repeat;
    const void *cursor;
    size_t cursor_size;
    /* NACK */
    enum wire_nack nack;
    uint32_t retry_ms;       /* 0: none */
    bool final;              /* these bytes will never be taken */
    const struct error *why; /* WIRE_NACK_REFUSED: what is refused and why; else NULL */
};

/* On a thread of the pool (or, from committer_stop, on its caller's), exactly once for each message taken. */
typedef void (*committer_done)(void *ctx, const struct committer_answer *answer);

int committer_new(const struct committer_options *options, struct committer **ret, struct error *err);
/* Refuses new work, finishes what is being committed, answers the rest with NACK stopping and joins the
 * threads. */
void committer_stop(struct committer *c);
/* After committer_stop (or does it). NULL is fine. */
void committer_free(struct committer *c);

/* Both: any thread, never wait for a commit. -ESHUTDOWN stopping, -ENOMEM: done is not called. who is copied.
 * Everything of one tenant is answered in the order submitted. */
int committer_hello(struct committer *c, struct tenant *t, const struct grant *who, committer_done done,
                    void *ctx);
/* body is the map of a BATCH message; the bytes are copied. */
int committer_submit_batch(struct committer *c, struct tenant *t, const struct grant *who, const void *body,
                           size_t size, committer_done done, void *ctx);

/* body is the map of a FORWARD message of a forwarder; the bytes are copied. One at a time of a site. */
int committer_submit_forward(struct committer *c, struct tenant *t, const struct grant *who, const void *body,
                             size_t size, committer_done done, void *ctx);

/* What sites were told that is not taken of them (core/forward/refusals.h). */
struct refusals *committer_refusals(struct committer *c);

/* Runs fn where the tenant's store may be written, between two commits, and waits for it; returns what fn
 * returned. Not from a thread of the committer's, nor from a socket thread. -ESHUTDOWN (code stopping)
 * without calling fn when the committer is stopping. */
int committer_call(struct committer *c, struct tenant *t,
                   int (*fn)(struct tenant *t, void *ctx, struct error *err), void *ctx, struct error *err);

/* Whether there is room for more of the tenant, as a commit of batches asks first: 0; -ENOSPC disk_full,
 * tenant_full. Any thread. */
int committer_room(struct committer *c, struct tenant *t, struct error *err);

/* Looks whether the tenant's store has something to do of its own: settings that changed, a refold. After a
 * tenant was opened and after its settings were set. Any thread, never waits. */
void committer_wake(struct committer *c, struct tenant *t);

/* Waits until nothing of the tenant is queued or worked on, and forgets it. Nobody submits, calls or wakes
 * for it any more. Not from a thread of the committer's. */
void committer_forget(struct committer *c, struct tenant *t);

struct committer_statistics {
    uint64_t batches, events, commits, failed_commits, repeats, out_of_order, malformed;
    uint64_t queued_bytes; /* now */
};
void committer_statistics(struct committer *c, struct committer_statistics *ret);

#endif
