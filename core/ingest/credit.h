/* Credit: how many bytes of batches a source may have under way.
 *
 * Each has a window from WIRE_CREDIT_START up. What goes beyond that start is reserved from one pool. A
 * window that is used is doubled while batches are answered soon; while they are answered late it is cut,
 * such that they would not be; in between one that is smaller than the largest batch there may be grows
 * slowly. More under way than a few commits take makes nothing faster and everybody wait. Where little is
 * under way it is the disk that is slow, not the crowd: then a window doubles to the largest batch there may
 * be however late answers are. An idle one is halved.
 *
 * What a source has been told it may rely on while the pool has room: where its window was cut it is told so
 * little by little, with each answer no more than that gives back. What is on its way to us then fits.
 *
 * What is under way of all sources together never exceeds the pool either: that is what bounds the memory of
 * batches. One thread. */
#ifndef TENDON_INGEST_CREDIT_H
#define TENDON_INGEST_CREDIT_H

#include "proto/wire.h"

#include <stdbool.h>
#include <stdint.h>

#define CREDIT_IDLE_MS    10000
#define CREDIT_SOON_MS    50  /* from a batch to its answer: below, a window may double */
#define CREDIT_LATE_MS    120 /* above, it is cut, but not below two of the largest batches sent */
#define CREDIT_CUT_MOST   4   /* to a fourth at once, at most */
#define CREDIT_SLOW_SHARE 8   /* by an eighth grows a small one in between */
#define CREDIT_CROWD      (4 * WIRE_BATCH_BYTES) /* under way of all sources: below, nobody waits for others */

struct credit_pool {
    uint64_t limit;      /* bytes */
    uint64_t source_max; /* the greatest window */
    uint64_t reserved;   /* of windows beyond their start */
    uint64_t under_way;  /* of all sources */
};

struct credit {
    uint64_t window;
    uint64_t promised; /* what the source was told last */
    uint64_t under_way;
    uint64_t peak;      /* of under_way since the window changed */
    uint64_t largest;   /* batch so far */
    int64_t adapted_at; /* when answers that did not come soon were heeded last */
    int64_t used_at;    /* ms, monotonic */
    int64_t shrink_at;  /* when an idle window is halved next */
};

void credit_pool_init(struct credit_pool *p, uint64_t limit, uint64_t source_max);

void credit_open(struct credit *c, int64_t now);
/* Gives the reservation back. Nothing is under way. */
void credit_close(struct credit_pool *p, struct credit *c);

/* Takes n bytes, or false: more than was promised, or (*ret_is_short) more than the pool has now. */
bool credit_take(struct credit_pool *p, struct credit *c, uint64_t n, int64_t now, bool *ret_is_short);
/* The same for who has one message under way at a time, of any size: beside its window. */
bool credit_take_alone(struct credit_pool *p, struct credit *c, uint64_t n, int64_t now, bool *ret_is_short);
/* Gives n bytes back when their batch is answered. */
void credit_give(struct credit_pool *p, struct credit *c, uint64_t n);
/* After a batch was committed that was taken at taken_at: grows the window where it is used and the pool has
 * room, or cuts it. */
void credit_adapt(struct credit_pool *p, struct credit *c, int64_t taken_at, int64_t now);
/* Says in promised what the source is told with an answer that gave n bytes back. */
void credit_promise(struct credit *c, uint64_t n);
/* Now and then: halves the window of an idle source. */
void credit_shrink(struct credit_pool *p, struct credit *c, int64_t now);

#endif
