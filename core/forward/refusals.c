#include "core/forward/refusals.h"

#include "core/base/instant.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct refusals {
    pthread_mutex_t lock;
    struct refusal *list;
    size_t n, capacity;
    void (*tell)(void *ctx, const struct refusal *refusal);
    void *ctx;
};

struct refusals *refusals_new(void)
{
    struct refusals *r = calloc(1, sizeof(*r));
    if (r)
        (void)pthread_mutex_init(&r->lock, NULL);
    return r;
}

void refusals_free(struct refusals *r)
{
    if (!r)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r->list);
    free(r);
}

static struct refusal *find(struct refusals *r, const char *tenant, const char *site)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->list[i].tenant, tenant) == 0 && strcmp(r->list[i].site, site) == 0)
            return &r->list[i];
    return NULL;
}

/* A new one; NULL where there is no room: it is in the log of the site all the same. */
static struct refusal *add(struct refusals *r)
{
    if (r->n == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 8;
        struct refusal *more = capacity <= REFUSALS_MAX ? realloc(r->list, capacity * sizeof(*more)) : NULL;
        if (!more)
            return NULL;
        r->list = more;
        r->capacity = capacity;
    }
    return &r->list[r->n++];
}

void refusals_note(struct refusals *r, const char *tenant, const char *site, const struct error *why)
{
    struct refusal news = {.since = 0};
    (void)pthread_mutex_lock(&r->lock);
    struct refusal *known = find(r, tenant, site);
    if (known && !why) {
        *known = r->list[--r->n];
    } else if (why && (!known || strcmp(known->why.code, why->code) != 0) && (known || (known = add(r)))) {
        *known = (struct refusal){.why = *why, .since = instant_now()};
        (void)snprintf(known->tenant, sizeof(known->tenant), "%s", tenant);
        (void)snprintf(known->site, sizeof(known->site), "%s", site);
        news = *known;
    }
    void (*tell)(void *ctx, const struct refusal *refusal) = r->tell;
    void *ctx = r->ctx;
    (void)pthread_mutex_unlock(&r->lock);
    if (news.since && tell)
        tell(ctx, &news);
}

int refusals_list(struct refusals *r, struct refusal **ret, size_t *ret_n)
{
    (void)pthread_mutex_lock(&r->lock);
    struct refusal *list = malloc((r->n + 1) * sizeof(*list));
    if (list && r->n)
        memcpy(list, r->list, r->n * sizeof(*list));
    *ret = list;
    *ret_n = r->n;
    (void)pthread_mutex_unlock(&r->lock);
    return list ? 0 : -ENOMEM;
}

void refusals_tell(struct refusals *r, void (*tell)(void *ctx, const struct refusal *refusal), void *ctx)
{
    (void)pthread_mutex_lock(&r->lock);
    r->tell = tell;
    r->ctx = ctx;
    (void)pthread_mutex_unlock(&r->lock);
}
