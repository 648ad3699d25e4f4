/* Credit: how many bytes of batches a source may have under way.
 *
 * Each has a window from WIRE_CREDIT_START up. What goes beyond that start is reserved from one pool, doubled
 * while at least half of the window is used and batches are answered soon (or, below one of the largest
 * batches, not late), cut by a quarter while they wait
 * longer than is of any use, halved while it is idle: more under way than a few commits take only makes
 * everybody wait. What is under way of all sources together never exceeds the pool either: that is what
 * bounds the memory of batches. One thread. */
#ifndef TENDON_INGEST_CREDIT_H
#define TENDON_INGEST_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#define CREDIT_IDLE_MS 10000
#define CREDIT_SOON_MS 50  /* from a batch to its answer: below, a window may grow */
#define CREDIT_LATE_MS 150 /* above, it is cut, but not below two of the largest batches */

struct credit_pool {
    uint64_t limit;      /* bytes */
    uint64_t source_max; /* the greatest window */
    uint64_t reserved;   /* of windows beyond their start */
    uint64_t under_way;  /* of all sources */
};

struct credit {
    uint64_t window;
    uint64_t promised; /* what the source was told last: it may rely on it while the pool has room */
    uint64_t under_way;
    uint64_t peak;     /* of under_way since the window changed */
    uint64_t largest;  /* batch so far */
    int64_t cut_at;    /* when the window was cut last */
    int64_t used_at;   /* ms, monotonic */
    int64_t shrink_at; /* when an idle window is halved next */
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
/* Now and then: halves the window of an idle source. */
void credit_shrink(struct credit_pool *p, struct credit *c, int64_t now);

#endif
