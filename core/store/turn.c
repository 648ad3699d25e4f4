#include "core/store/turn.h"

void turn_init(struct turn *t)
{
    *t = (struct turn){0};
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->given, NULL);
}

void turn_fini(struct turn *t)
{
    (void)pthread_cond_destroy(&t->given);
    (void)pthread_mutex_destroy(&t->lock);
}

void turn_take(struct turn *t)
{
    (void)pthread_mutex_lock(&t->lock);
    if (t->depth == 0 || !pthread_equal(t->owner, pthread_self())) {
        const uint64_t own = t->next++;
        while (t->now != own)
            (void)pthread_cond_wait(&t->given, &t->lock);
        t->owner = pthread_self();
    }
    t->depth++;
    (void)pthread_mutex_unlock(&t->lock);
}

void turn_give(struct turn *t)
{
    (void)pthread_mutex_lock(&t->lock);
    if (--t->depth == 0 && ++t->now != t->next)
        (void)pthread_cond_broadcast(&t->given);
    (void)pthread_mutex_unlock(&t->lock);
}
