/* What the fold reads beside a subject's events: the tenant's settings and reference tables. The facts of one
 * generation are all made by one environment.
 *
 * Immutable and counted once made; any thread. Its policies have their dictionary numbers. */
#ifndef TENDON_STORE_ENVIRONMENT_H
#define TENDON_STORE_ENVIRONMENT_H

#include "core/base/buffer.h"
#include "core/fold/fold.h"
#include "core/fold/policy.h"
#include "core/fold/reference.h"

#include <stdatomic.h>

#define ENVIRONMENT_SETTINGS_BYTES (32u << 20) /* of the settings on disk */

struct environment {
    atomic_uint references;
    struct fold_settings settings; /* the policies are its own */
    struct policy *policies;
    struct reference *reference;
};

/* A copy of the settings (NULL: none) with a reference of the tables (NULL: none). -ENOMEM. */
int environment_new(const struct fold_settings *settings, struct reference *reference,
                    struct environment **ret);
struct environment *environment_ref(struct environment *e);
void environment_unref(struct environment *e);

/* Gives the policies their numbers: the committer's, before anything is folded by it. */
int environment_intern(struct environment *e, struct dictionary *d);

/* The settings as bytes: equal settings, equal bytes. Failure is the buffer's. */
void settings_encode(const struct fold_settings *settings, struct buffer *b);
/* Back: an environment with these settings and the tables. -EBADMSG, -ENOMEM. */
int settings_decode(const void *data, size_t size, struct reference *reference, struct environment **ret);

#endif
