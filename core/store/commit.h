/* One commit, from its beginning to what is published: what is common to batches of sources (store.c) and to
 * what comes from another store (inlet.c). Under the turn. */
#ifndef TENDON_STORE_COMMIT_H
#define TENDON_STORE_COMMIT_H

#include "core/store/state.h"

/* What a commit changes of one source: copied, and put in place of the original only when all is on disk. */
struct pending {
    struct source source;
    uint16_t number, namespace; /* 0 of a site, which sends nothing of its own */
    bool has_rejects;
};

struct commit {
    struct store *store;
    struct txn txn;
    struct pending **pending;
    size_t n_pending;
    uint64_t n_events; /* new ones */
    int64_t now;       /* ms */
};

/* Has take do its part of a commit, writes the rest and publishes. take's error is its own, or a negative
 * errno without one. What take did counts when this returns 0. */
int commit_run(struct store *s, int (*take)(struct commit *c, void *context, struct error *err),
               void *context, struct error *err);

/* The source as the commit leaves it; new where it is not known. */
int commit_pending(struct commit *c, const char *source, const char *namespace, struct pending **ret);

enum taken { TAKEN_NEW, TAKEN_DUPLICATE };
/* Puts one event into the set. An enum event_reject or a negative errno; *ret_taken when it was not refused.
 */
int commit_event(struct commit *c, uint64_t hash, bool is_loose, uint16_t namespace, const struct event *e,
                 enum taken *ret_taken);
/* -EMSGSIZE, -EIO */
int commit_seal_cursor(const struct store *s, struct source *source, const void *cursor, size_t size);

#endif
