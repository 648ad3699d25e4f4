#include "core/ingest/kept.h"

#include "core/ingest/server.h"

#include <errno.h>
#include <stdlib.h>

struct kept {
    struct kept *next; /* older */
    struct peer peer;
    uint64_t request;
    int64_t used_at;
    struct buffer document;
};

void kept_init(struct kept_answers *k, size_t bytes_max)
{
    *k = (struct kept_answers){.bytes_max = bytes_max};
}

/* Unlinks and frees the one that *at points to. */
static void kept_drop(struct kept_answers *k, struct kept **at)
{
    struct kept *one = *at;
    *at = one->next;
    k->n--;
    k->bytes -= one->document.capacity;
    buffer_fini(&one->document);
    free(one);
}

void kept_fini(struct kept_answers *k)
{
    while (k->head)
        kept_drop(k, &k->head);
}

static struct kept **kept_at(struct kept_answers *k, const struct peer *peer, uint64_t request)
{
    for (struct kept **at = &k->head; *at; at = &(*at)->next)
        if ((*at)->request == request && peer_equal(&(*at)->peer, peer))
            return at;
    return NULL;
}

/* Drops the oldest answers of a peer that keeps asking and does not fetch. */
static void kept_trim(struct kept_answers *k, const struct peer *peer)
{
    unsigned n = 0;
    for (struct kept **at = &k->head; *at;) {
        if (peer_equal(&(*at)->peer, peer) && ++n >= KEPT_PEER_MAX)
            kept_drop(k, at);
        else
            at = &(*at)->next;
    }
}

int kept_add(struct kept_answers *k, const struct peer *peer, uint64_t request, struct buffer *document,
             int64_t now)
{
    kept_remove(k, peer, request);
    kept_trim(k, peer);
    if (k->n >= KEPT_MAX || document->capacity > k->bytes_max || k->bytes > k->bytes_max - document->capacity)
        return -ENOSPC;
    struct kept *one = malloc(sizeof(*one));
    if (!one)
        return -ENOMEM;
    *one = (struct kept){
        .next = k->head, .peer = *peer, .request = request, .used_at = now, .document = *document};
    buffer_init(document, document->maximum);
    k->head = one;
    k->n++;
    k->bytes += one->document.capacity;
    return 0;
}

const struct buffer *kept_find(struct kept_answers *k, const struct peer *peer, uint64_t request, int64_t now)
{
    struct kept **at = kept_at(k, peer, request);
    if (!at)
        return NULL;
    (*at)->used_at = now;
    return &(*at)->document;
}

void kept_remove(struct kept_answers *k, const struct peer *peer, uint64_t request)
{
    struct kept **at = kept_at(k, peer, request);
    if (at)
        kept_drop(k, at);
}

void kept_expire(struct kept_answers *k, int64_t now)
{
    for (struct kept **at = &k->head; *at;) {
        if (now - (*at)->used_at > SERVER_ANSWER_MS)
            kept_drop(k, at);
        else
            at = &(*at)->next;
    }
}
