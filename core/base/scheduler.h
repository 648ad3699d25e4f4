/* Deficit round robin: whose turn it is, where what a turn costs is known only when it is over.
 *
 * A flow is somebody who may have work: a tenant. Flows with work wait in a ring. Each time the ring comes to
 * one it is given a quantum, and has turns as long as it has credit; one still in debt waits for the next
 * round. What a turn has cost is taken off afterwards, so that a costly turn is made up for by sitting out
 * rounds: over any time in which two flows both wait all along they are given the same, but for what one turn
 * costs and a quantum. One that has nothing to do saves up nothing. The unit of cost is the caller's: bytes,
 * milliseconds. A pure thing: no clock, no lock, no allocation. */
#ifndef TENDON_BASE_SCHEDULER_H
#define TENDON_BASE_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULER_DEBT_ROUNDS 256 /* a debt is never more than so many quanta */

/* Zeroed before its first use; belongs to whatever it stands in. */
struct flow {
    struct flow *next;
    int64_t credit;
    bool is_waiting;
};

struct scheduler {
    struct flow *head, *tail;
    size_t n_waiting;
    int64_t quantum;
};

void scheduler_init(struct scheduler *s, int64_t quantum);

/* It has work; one that waits already is left where it is. */
void scheduler_offer(struct scheduler *s, struct flow *f);
/* The next one's turn: it waits no longer, and is offered again when it still has work. NULL: nobody waits.
 */
struct flow *scheduler_take(struct scheduler *s);
/* What a turn has cost; also while it waits again. */
void scheduler_charge(struct scheduler *s, struct flow *f, int64_t cost);
/* It still has work after a turn that was charged: with credit left it is the next one's turn again. */
void scheduler_go_on(struct scheduler *s, struct flow *f);
/* It has no work any more; one that does not wait is fine. */
void scheduler_remove(struct scheduler *s, struct flow *f);

#endif
