/* The outbox: answers on their way from the threads that make them to the socket thread that sends them.
 *
 * Any thread puts; the socket thread waits on the descriptor and takes all. Nobody waits for anybody for
 * longer than it takes to link a list. What is in it is bounded by the requests that were taken. */
#ifndef TENDON_INGEST_OUTBOX_H
#define TENDON_INGEST_OUTBOX_H

#include <pthread.h>

struct outbox_item {
    struct outbox_item *next;
};

struct outbox {
    pthread_mutex_t lock;
    struct outbox_item *head, *tail;
    int fd; /* an eventfd: readable while something is in it */
};

int outbox_init(struct outbox *o); /* negative errno */
void outbox_fini(struct outbox *o);

void outbox_put(struct outbox *o, struct outbox_item *item);
/* All of it, in the order put; NULL when empty. */
struct outbox_item *outbox_take(struct outbox *o);
/* Makes the descriptor readable with nothing in it: wakes the socket thread. */
void outbox_wake(struct outbox *o);

#endif
