/* Taking events out of the sealed log: of a source that was reset, of a ticket that leaves.
 *
 * The log's blocks are written anew without the rows that are to go. Facts and memory are not looked at: who
 * prunes has seen to it that no generation reads those events any more, nor the hot subjects hold them. The
 * committer's. */
#ifndef TENDON_STORE_PRUNE_H
#define TENDON_STORE_PRUNE_H

#include "core/store/segment.h"

struct store;

/* Prunes one block: 1 when it changed, 2 when nothing of it is left and it is deleted, 0 when all of it
 * stays; -EBADMSG when there is none. *ret_n_events grows by the events that went. */
int prune_block(struct store *s, struct txn *t, uint32_t segment, uint16_t place,
                const struct segment_pruning *pruning, uint64_t *ret_n_events);

/* The next prune_step begins with the first block: what is dropped may be more than when it began. */
void prune_begin(struct txn *t);

/* One transaction of pruning what today's environment drops, a few blocks on from the one before; when the
 * log is through nothing is dropped any more. Only while no refold is due. 1 when there was something to do.
 */
int prune_step(struct store *s, struct error *err);

#endif
