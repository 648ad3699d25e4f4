/* The inner process as the outer one holds it: started, called, watched, killed.
 *
 * One call at a time: child_call sends it, child_read brings log lines and the reply. Whoever does not answer
 * within the limit of its call is killed. Nothing that comes from there is trusted. One thread. */
#ifndef TENDON_HOST_CHILD_H
#define TENDON_HOST_CHILD_H

#include "core/base/error.h"
#include "plugins/host/pipe.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid;           /* 0: none */
    int channel;         /* −1: none */
    enum pipe_kind call; /* under way; 0: none */
    int64_t deadline_ms; /* monotonic, of the call */
    int64_t last_ms;     /* the same, with all the time that services may take */
    int64_t asked_ms;    /* since when it waits for an answer; 0: it does not */
    uint8_t *frame;      /* [sizeof(struct pipe_header) + PIPE_FRAME_BYTES] */
    size_t have;         /* bytes of the frame */
    bool has_landlock;
};

/* What a frame brought. Pointers are valid until the next child_read. */
struct child_reply {
    struct pipe_reply fixed; /* sizes are checked, err ends with NUL */
    const uint8_t *data;
    const uint8_t *cursor;
    const uint8_t *skips; /* n_skips × struct pipe_skip, not aligned */
};

struct child_log {
    int level;
    const char *text; /* not terminated */
    size_t size;
};

/* A parcel (parcel.h) that a service is asked with; nothing in it is checked. */
struct child_ask {
    const uint8_t *data;
    size_t size;
};

enum child_event { CHILD_NOTHING, CHILD_REPLY, CHILD_LOG, CHILD_ASK };

/* Starts this program again as `--inner`, for the plugin of that image (image.h), which stays the caller's.
 * keep_stderr: what the plugin prints is shown. */
int child_start(struct child *c, int image, bool keep_stderr, struct error *err);
/* SIGKILL and reaping; NULL and not started are fine. */
void child_kill(struct child *c);
/* Waits for at most ms, then kills. Returns the status of waitpid. */
int child_finish(struct child *c, int64_t ms);

/* Sends a call, whose limit begins now. -EPIPE: it is gone. */
int child_call(struct child *c, enum pipe_kind kind, const void *payload, size_t size, uint32_t limit_ms);
int child_wake(struct child *c);

/* One frame, if a whole one is there; never waits. -EPIPE: it is gone; -EPROTO: it said what no inner process
 * of ours says. */
int child_read(struct child *c, enum child_event *ret, struct child_reply *ret_reply,
               struct child_log *ret_log, struct child_ask *ret_ask);
/* What was asked is answered; the time it took does not count against the call's limit. */
int child_answer(struct child *c, const void *data, size_t size);
/* When the call's limit is over, in monotonic ms. */
int64_t child_limit_ms(const struct child *c);
/* child_read until the reply; log lines go to log. -ETIMEDOUT after the call's limit. For calls in which no
 * service can be asked: an ask is -EPROTO. */
int child_wait(struct child *c, struct child_reply *ret, void (*log)(void *ctx, const struct child_log *line),
               void *ctx);

/* Why a process ended, as a sentence: "was killed by signal 11 (Segmentation fault)". */
void child_describe_end(int status, char *room, size_t size);

#endif
