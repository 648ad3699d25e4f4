/* What the outer and the inner process of the host say to each other over their socketpair.
 *
 * A frame is a header and its payload. The outer process calls, one call at a time, and the inner one answers
 * each with a REPLY; LOG may come at any time, WAKE has no answer. While a call is under way the inner
 * process may ASK for a service, one thing at a time, and gets its ANSWER in pieces. The inner process holds
 * a vendor's code: the outer one checks every size it says and every text before it uses them. Both ends are
 * the same build. */
#ifndef TENDON_HOST_PIPE_H
#define TENDON_HOST_PIPE_H

#include "proto/tendon_plugin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIPE_EVENTS_BYTES (248 * 1024) /* of a poll: leaves room for cursor and envelope in a BATCH */
#define PIPE_TEXT_BYTES   (256 * 1024) /* a configuration or a description */
#define PIPE_LOG_BYTES    256
#define PIPE_SKIPS        64 /* distinct ones of a poll; the rest is counted with the last */
#define PIPE_CODE_BYTES   32
#define PIPE_WHERE_BYTES  64
#define PIPE_PIECE_BYTES  (64 * 1024)                     /* of an answer, in one frame */
#define PIPE_ANSWER_BYTES (32 * 1024 * 1024 + 256 * 1024) /* an answer, at most */

enum pipe_kind {
    PIPE_SETUP = 1, /* JSON: what the sandbox allows; answered when it stands */
    PIPE_LOAD,      /* dlopen of the image and entry, once; the reply's data is a description in JSON */
    PIPE_CREATE,    /* JSON: the checked options */
    PIPE_START,     /* the cursor */
    PIPE_POLL,      /* struct pipe_poll */
    PIPE_ACK,       /* the cursor */
    PIPE_STOP,
    PIPE_DESTROY,
    PIPE_WAKE,
    PIPE_LOG,     /* inner to outer: a level byte and the text */
    PIPE_REPLY,   /* inner to outer: struct pipe_reply, data, cursor, skips */
    PIPE_ASK,     /* inner to outer: a parcel of at most PIPE_TEXT_BYTES */
    PIPE_ANSWER,  /* struct pipe_piece and its bytes, in order */
    PIPE_MEASURE, /* for tests: the reply's data is what the process holds, in JSON */
    PIPE_N_KINDS
};

struct pipe_header {
    uint32_t kind;
    uint32_t size; /* of the payload */
};

struct pipe_poll {
    uint32_t soft_bytes; /* of events, after which full() says so */
    uint32_t timeout_ms;
};

struct pipe_piece {
    uint32_t total; /* of the answer, in bytes */
    uint32_t at;    /* where in it this piece belongs */
};

struct pipe_skip {
    uint64_t line;
    uint32_t count;
    uint32_t unused;
    char code[PIPE_CODE_BYTES];
    char where[PIPE_WHERE_BYTES];
};

#define PIPE_NO_CURSOR UINT32_MAX

struct pipe_reply {
    uint32_t call;          /* the kind that is answered */
    int32_t result;         /* enum tendon_result */
    int64_t retry_after_ms; /* 0: not said */
    uint32_t data_bytes;    /* events, or a description */
    uint32_t cursor_bytes;  /* PIPE_NO_CURSOR: none was set */
    uint32_t n_skips;
    uint32_t unused;
    char err[TENDON_ERROR_BYTES];
};

#define PIPE_FRAME_BYTES                                                                                     \
    (sizeof(struct pipe_reply) + PIPE_TEXT_BYTES + TENDON_CURSOR_BYTES +                                     \
     PIPE_SKIPS * sizeof(struct pipe_skip))

/* Blocking, whole: 0 or a negative errno; -EPIPE when the other end is gone. */
int pipe_write(int fd, enum pipe_kind kind, const void *payload, size_t size);
/* Reads exactly size bytes; -EPIPE at the end. */
int pipe_read(int fd, void *ret, size_t size);

/* An answer, in as many frames as it takes. */
int pipe_write_answer(int fd, const void *data, size_t size);

/* Whether a reply's sizes fit the frame that brought it and the limits above. */
bool pipe_reply_is_sound(const struct pipe_reply *reply, size_t payload_bytes);

#endif
