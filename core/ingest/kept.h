/* Answers longer than one RESULT, kept until their last part is fetched with MORE or SERVER_ANSWER_MS are
 * over. Bounded in bytes and in number. The socket thread's alone. */
#ifndef TENDON_INGEST_KEPT_H
#define TENDON_INGEST_KEPT_H

#include "core/base/buffer.h"
#include "core/ingest/session.h"

#include <stddef.h>
#include <stdint.h>

#define KEPT_MAX      256 /* answers */
#define KEPT_PEER_MAX 8   /* of one connection; the oldest goes */

struct kept;

struct kept_answers {
    struct kept *head;
    size_t n, bytes, bytes_max;
};

void kept_init(struct kept_answers *k, size_t bytes_max);
void kept_fini(struct kept_answers *k);

/* Takes the document over and leaves an empty buffer. One of the same peer and request is replaced. -ENOSPC:
 * no room for it; -ENOMEM. */
int kept_add(struct kept_answers *k, const struct peer *peer, uint64_t request, struct buffer *document,
             int64_t now);
/* The document, or NULL; keeps it for another while. */
const struct buffer *kept_find(struct kept_answers *k, const struct peer *peer, uint64_t request,
                               int64_t now);
void kept_remove(struct kept_answers *k, const struct peer *peer, uint64_t request);
void kept_expire(struct kept_answers *k, int64_t now);

#endif
