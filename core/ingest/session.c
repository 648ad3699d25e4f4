#include "core/ingest/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BUCKETS 4096 /* a power of two */

struct session_table {
    size_t n;
    struct session *buckets[BUCKETS];
};

bool peer_equal(const struct peer *a, const struct peer *b)
{
    return a->size == b->size && memcmp(a->id, b->id, a->size) == 0;
}

int session_table_new(struct session_table **ret)
{
    struct session_table *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    *ret = t;
    return 0;
}

void session_table_free(struct session_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (t->buckets[i]) {
            struct session *next = t->buckets[i]->next;
            free(t->buckets[i]);
            t->buckets[i] = next;
        }
    free(t);
}

/* Names are the configuration's and the grants': no stranger picks them to collide. */
static size_t bucket_of(const char *tenant, const char *source)
{
    return XXH3_64bits_withSeed(source, strlen(source), XXH3_64bits(tenant, strlen(tenant))) & (BUCKETS - 1);
}

struct session *session_find(const struct session_table *t, const char *tenant, const char *source)
{
    struct session *s = t->buckets[bucket_of(tenant, source)];
    while (s && (strcmp(s->source, source) != 0 || strcmp(s->tenant, tenant) != 0))
        s = s->next;
    return s;
}

int session_add(struct session_table *t, const char *tenant, const char *source, int64_t now,
                struct session **ret)
{
    if (t->n >= SESSIONS_MAX)
        return -ENOSPC;
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    memcpy(s->tenant, tenant, strnlen(tenant, STORE_NAME_BYTES));
    memcpy(s->source, source, strnlen(source, STORE_NAME_BYTES));
    credit_open(&s->credit, now);
    size_t b = bucket_of(tenant, source);
    s->next = t->buckets[b];
    t->buckets[b] = s;
    t->n++;
    *ret = s;
    return 0;
}

void session_remove(struct session_table *t, struct session *s)
{
    struct session **at = &t->buckets[bucket_of(s->tenant, s->source)];
    while (*at && *at != s)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = s->next;
    t->n--;
    free(s);
}

size_t session_count(const struct session_table *t)
{
    return t->n;
}

void session_each(struct session_table *t, void (*each)(void *ctx, struct session *s), void *ctx)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct session *s = t->buckets[i]; s; s = s->next)
            each(ctx, s);
}

struct session *session_idlest(struct session_table *t, int64_t before)
{
    struct session *idlest = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct session *s = t->buckets[i]; s; s = s->next)
            if (s->n_pending == 0 && s->credit.used_at < before &&
                (!idlest || s->credit.used_at < idlest->credit.used_at))
                idlest = s;
    return idlest;
}

bool session_is_past(const struct session *s, const struct peer *peer)
{
    for (unsigned i = 0; i < s->n_past && i < SESSION_PAST; i++)
        if (peer_equal(&s->past[i].peer, peer))
            return true;
    return false;
}

enum session_claim session_claim(struct session *s, const struct peer *peer, uint64_t number,
                                 struct peer *ret_old)
{
    if (s->peer.size == 0) {
        s->peer = *peer;
        s->number = number;
        return SESSION_NEW;
    }
    if (s->number == number) { /* it has reconnected, or greets twice */
        s->peer = *peer;
        return SESSION_SAME;
    }
    for (unsigned i = 0; i < s->n_past && i < SESSION_PAST; i++)
        if (s->past[i].number == number)
            return SESSION_SUPERSEDED;
    bool is_other_peer = !peer_equal(&s->peer, peer);
    if (is_other_peer) {
        s->past[s->n_past % SESSION_PAST] = (struct session_past){.number = s->number, .peer = s->peer};
        s->n_past++;
    }
    *ret_old = s->peer;
    s->peer = *peer;
    s->number = number;
    return is_other_peer ? SESSION_TAKEOVER : SESSION_SAME;
}
