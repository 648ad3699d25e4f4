/* What the fold reads beside a subject's events: the tenant's settings and reference tables, and which events
 * are still of the set. The facts of one generation are all made by one environment.
 *
 * Immutable and counted once made; any thread. Its policies have their dictionary numbers. */
#ifndef TENDON_STORE_ENVIRONMENT_H
#define TENDON_STORE_ENVIRONMENT_H

#include "core/base/buffer.h"
#include "core/fold/fold.h"
#include "core/fold/policy.h"
#include "core/fold/reference.h"
#include "core/store/hot.h"

#include <stdatomic.h>
#include <stdbool.h>

#define ENVIRONMENT_SETTINGS_BYTES (32u << 20) /* of the settings on disk */
#define ENVIRONMENT_DROPPED_MAX    64          /* sources whose events are on their way out */

struct environment {
    atomic_uint references;
    struct fold_settings settings; /* the policies are its own */
    struct policy *policies;
    struct reference *reference;
    /* numbers in DICTIONARY_SOURCE: what came under them has left the set */
    unsigned n_dropped;
    uint16_t dropped[ENVIRONMENT_DROPPED_MAX];
};

/* A copy of the settings (NULL: none) with a reference of the tables (NULL: none); nothing is dropped.
 * -ENOMEM.
 */
int environment_new(const struct fold_settings *settings, struct reference *reference,
                    struct environment **ret);
/* One like another, to be changed before it is shared. */
int environment_copy(const struct environment *from, struct environment **ret);
struct environment *environment_ref(struct environment *e);
void environment_unref(struct environment *e);

static inline bool environment_drops(const struct environment *e, uint16_t source)
{
    for (unsigned i = 0; i < e->n_dropped; i++)
        if (e->dropped[i] == source)
            return true;
    return false;
}

/* The events of a subject that are of an environment's set, into ret[n_events]; their number. today is the
 * environment in force: an event that came again after its source was dropped there is in the older set once.
 */
size_t environment_events(const struct environment *e, const struct environment *today,
                          const struct subject *subject, const struct event **ret);

/* Gives the policies their numbers: the committer's, before anything is folded by it. */
int environment_intern(struct environment *e, struct dictionary *d);

/* The settings as bytes: equal settings, equal bytes. Failure is the buffer's. */
void settings_encode(const struct fold_settings *settings, struct buffer *b);
/* Back: an environment with these settings and the tables (NULL: none). -EBADMSG, -ENOMEM. */
int settings_decode(const void *data, size_t size, struct reference *reference, struct environment **ret);

#endif
