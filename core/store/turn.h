/* Whose turn it is to change a store: a lock that is given in the order in which it was asked for, so that
 * who opens a view between two commits waits for one of them and not for many. Whoever has it may take it
 * again. */
#ifndef TENDON_STORE_TURN_H
#define TENDON_STORE_TURN_H

#include <pthread.h>
#include <stdint.h>

struct turn {
    pthread_mutex_t lock;
    pthread_cond_t given;
    uint64_t next, now; /* the number that who comes gets, and the one that has it or may take it */
    unsigned depth;     /* how often it was taken; 0: nobody has it */
    pthread_t owner;    /* where depth is not 0 */
};

void turn_init(struct turn *t);
void turn_fini(struct turn *t);
void turn_take(struct turn *t);
void turn_give(struct turn *t);

#endif
