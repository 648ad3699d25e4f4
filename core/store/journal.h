/* The journal: the events of commits that no seal has written to a segment yet, as they came.
 *
 * A value of DB_JOURNAL holds the events of one commit one after the other, each as short as it can be said:
 * it is read only at a start and to explain a ticket. */
#ifndef TENDON_STORE_JOURNAL_H
#define TENDON_STORE_JOURNAL_H

#include "core/base/buffer.h"
#include "core/store/db.h"
#include "core/store/event.h"

/* Whose event it is. */
struct journal_head {
    uint64_t hash; /* the subject's */
    uint32_t number;
    uint16_t namespace;
    bool is_loose;
};

void journal_put(struct buffer *out, const struct journal_head *head, const struct event *e);

/* Reads the entry at `at`, of which `left` bytes are there; room has event_size(FIELD_N). How long it is, or
 * 0 when it is none. */
size_t journal_read(const uint8_t *at, size_t left, struct journal_head *ret_head, struct event *room);

/* Deletes the commits below a log position: a segment has them. 0 or -EIO. */
int journal_forget(struct txn *t, uint64_t position);

#endif
