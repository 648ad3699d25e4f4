#include "core/ingest/outbox.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int outbox_init(struct outbox *o)
{
    *o = (struct outbox){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (o->fd < 0)
        return -errno;
    (void)pthread_mutex_init(&o->lock, NULL);
    return 0;
}

void outbox_fini(struct outbox *o)
{
    if (o->fd < 0)
        return;
    (void)close(o->fd);
    o->fd = -1;
    (void)pthread_mutex_destroy(&o->lock);
}

void outbox_wake(struct outbox *o)
{
    /* It fails only when the counter is full, and then the descriptor is readable already. */
    (void)!write(o->fd, &(uint64_t){1}, sizeof(uint64_t));
}

void outbox_put(struct outbox *o, struct outbox_item *item)
{
    item->next = NULL;
    (void)pthread_mutex_lock(&o->lock);
    int was_empty = o->head == NULL;
    if (o->tail)
        o->tail->next = item;
    else
        o->head = item;
    o->tail = item;
    (void)pthread_mutex_unlock(&o->lock);
    if (was_empty)
        outbox_wake(o);
}

struct outbox_item *outbox_take(struct outbox *o)
{
    uint64_t n;
    (void)!read(o->fd, &n, sizeof(n)); /* before taking: what comes between wakes again */
    (void)pthread_mutex_lock(&o->lock);
    struct outbox_item *head = o->head;
    o->head = o->tail = NULL;
    (void)pthread_mutex_unlock(&o->lock);
    return head;
}
