/* The host's side of the wire protocol: one source's session with the collector.
 *
 * Batches go into an outbox that is bounded by the credit; they are sent in order, several under way at a
 * time, and kept until they are acknowledged. After a NACK or a lost connection they are sent again from the
 * first that the collector does not have. A batch larger than the credit goes out in pieces, cut between
 * events, only the last with the cursor. One thread. */
#ifndef TENDON_HOST_SESSION_H
#define TENDON_HOST_SESSION_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

struct session_options {
    void *zmq;           /* the process's context */
    const char *connect; /* the collector's endpoint */
    const char *source;
    const char *software;
};

int session_new(const struct session_options *options, struct session **ret, struct error *err);
void session_free(struct session *s);

/* What to wait on: readable means that session_work has something to do. */
int session_fd(const struct session *s);

enum session_state {
    SESSION_WAITING, /* for the collector's WELCOME */
    SESSION_OPEN,
    SESSION_LOST,   /* the collector's last_seq is none that follows from what was sent: begin anew from its
                       cursor */
    SESSION_REFUSED /* for good: err of session_work says why */
};

/* Sends, receives, times out; call it when the descriptor is readable, after session_put and at the time
 * session_next_ms says. Returns the state. */
enum session_state session_work(struct session *s, int64_t now_ms, struct error *err);
/* Monotonic, when session_work wants to be called at the latest. */
int64_t session_next_ms(const struct session *s, int64_t now_ms);

/* The cursor that the collector has committed, as it said or acknowledged it last. */
const void *session_cursor(const struct session *s, size_t *ret_size);
/* Counts up with each acknowledgement that brought a newer cursor. */
uint64_t session_n_cursors(const struct session *s);

/* How many bytes of events the next batch should have, or 0 while there is enough under way. */
size_t session_room(const struct session *s);
/* Takes a batch: events are n_events msgpack maps in size bytes. cursor NULL: the committed one stays.
 * -ENOMEM. */
int session_put(struct session *s, const void *events, size_t size, size_t n_events, const void *cursor,
                size_t cursor_size);
/* How many batches were put, and how many of them are acknowledged as a whole. */
uint64_t session_n_put(const struct session *s);
uint64_t session_n_done(const struct session *s);
/* Whether everything is acknowledged. */
bool session_is_empty(const struct session *s);

struct session_statistics {
    uint64_t batches, events, bytes; /* acknowledged */
    uint64_t accepted, rejected;
    uint64_t nacks, resets;
    uint64_t credit; /* bytes, as said last */
    char nack[32];   /* code of the last NACK, while its batch is not acknowledged; else empty */
};
void session_statistics(const struct session *s, struct session_statistics *ret);

/* Counts the msgpack maps that fill size bytes exactly. -EBADMSG when they are something else. */
int session_count_events(const void *events, size_t size, size_t *ret_n);

#endif
