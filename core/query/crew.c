#include "core/query/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* Work that helpers may still join, on the stack of who asks. */
struct work {
    struct work *next;
    void (*run)(void *context, unsigned place);
    void *context;
    unsigned n_max, n_joined, n_left; /* helpers; those that joined and those that are done */
    pthread_cond_t left;
};

struct crew {
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wanted;
    struct work *open; /* that can be joined */
    bool stopping;
    unsigned n_helpers, grain;
    pthread_t helpers[CREW_HELPERS_MAX];
    void *memory[CREW_THREADS_MAX];
    unsigned n_memory;
    void (*release)(void *memory);
    void *blocks[CREW_BLOCKS_KEPT];
    unsigned n_blocks;
};

static void close_work(struct crew *c, struct work *w)
{
    for (struct work **at = &c->open; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            return;
        }
}

static void *help(void *context)
{
    struct crew *c = context;
    (void)pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        struct work *w = c->open;
        if (!w) {
            (void)pthread_cond_wait(&c->wanted, &c->lock);
            continue;
        }
        unsigned place = ++w->n_joined;
        if (w->n_joined == w->n_max)
            close_work(c, w);
        (void)pthread_mutex_unlock(&c->lock);
        w->run(w->context, place);
        (void)pthread_mutex_lock(&c->lock);
        w->n_left++;
        (void)pthread_cond_signal(&w->left);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

static int start_helpers(struct crew *c, unsigned n)
{
    sigset_t all, before;
    int r = 0;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    for (; c->n_helpers < n && r == 0; c->n_helpers += r == 0)
        r = pthread_create(&c->helpers[c->n_helpers], NULL, help, c);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

int crew_new(unsigned n_helpers, unsigned grain, struct crew **ret)
{
    struct crew *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->grain = grain;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->wanted, NULL);
    int r = start_helpers(c, n_helpers < CREW_HELPERS_MAX ? n_helpers : CREW_HELPERS_MAX);
    if (r < 0) {
        crew_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

void crew_free(struct crew *c)
{
    if (!c)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->stopping = true;
    (void)pthread_cond_broadcast(&c->wanted);
    (void)pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < c->n_helpers; i++)
        (void)pthread_join(c->helpers[i], NULL);
    while (c->n_memory > 0)
        c->release(c->memory[--c->n_memory]);
    while (c->n_blocks > 0)
        free(c->blocks[--c->n_blocks]);
    (void)pthread_cond_destroy(&c->wanted);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

unsigned crew_threads(const struct crew *c, size_t n_units)
{
    if (!c || n_units / c->grain <= 1)
        return 1;
    return n_units / c->grain < c->n_helpers + 1 ? (unsigned)(n_units / c->grain) : c->n_helpers + 1;
}

unsigned crew_run(struct crew *c, unsigned n_max, void (*run)(void *context, unsigned place), void *context)
{
    struct work w = {.run = run, .context = context, .n_max = n_max - 1};
    if (!c || c->n_helpers == 0 || n_max <= 1) {
        run(context, 0);
        return 1;
    }
    (void)pthread_cond_init(&w.left, NULL);
    (void)pthread_mutex_lock(&c->lock);
    struct work **last = &c->open;
    while (*last)
        last = &(*last)->next;
    *last = &w;
    if (w.n_max == 1)
        (void)pthread_cond_signal(&c->wanted);
    else
        (void)pthread_cond_broadcast(&c->wanted);
    (void)pthread_mutex_unlock(&c->lock);
    run(context, 0);
    (void)pthread_mutex_lock(&c->lock);
    close_work(c, &w);
    while (w.n_left < w.n_joined)
        (void)pthread_cond_wait(&w.left, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_cond_destroy(&w.left);
    return 1 + w.n_joined;
}

void *crew_take(struct crew *c)
{
    void *memory = NULL;
    if (!c)
        return NULL;
    (void)pthread_mutex_lock(&c->lock);
    if (c->n_memory > 0)
        memory = c->memory[--c->n_memory];
    (void)pthread_mutex_unlock(&c->lock);
    return memory;
}

void crew_leave(struct crew *c, void *memory, void (*release)(void *memory))
{
    bool is_kept = false;
    if (c) {
        (void)pthread_mutex_lock(&c->lock);
        is_kept = c->n_memory < CREW_THREADS_MAX && c->n_memory <= c->n_helpers;
        if (is_kept) {
            c->memory[c->n_memory++] = memory;
            c->release = release;
        }
        (void)pthread_mutex_unlock(&c->lock);
    }
    if (!is_kept)
        release(memory);
}

void *crew_block_take(struct crew *c)
{
    void *block = NULL;
    if (c) {
        (void)pthread_mutex_lock(&c->lock);
        if (c->n_blocks > 0)
            block = c->blocks[--c->n_blocks];
        (void)pthread_mutex_unlock(&c->lock);
    }
    return block ? block : malloc(CREW_BLOCK_BYTES);
}

void crew_block_leave(struct crew *c, void *block)
{
    if (c) {
        (void)pthread_mutex_lock(&c->lock);
        if (c->n_blocks < CREW_BLOCKS_KEPT) {
            c->blocks[c->n_blocks++] = block;
            block = NULL;
        }
        (void)pthread_mutex_unlock(&c->lock);
    }
    free(block);
}
