/* Answers a poll itself, before the host does. */
#include "zoo.h"

#include "plugins/host/pipe.h"

static void harm(struct zoo *z)
{
    struct {
        struct pipe_header header;
        struct pipe_reply reply;
    } frame = {
        .header = {PIPE_REPLY, sizeof(frame.reply)},
        .reply = {.call = PIPE_POLL, .cursor_bytes = PIPE_NO_CURSOR},
    };
    (void)z;
    for (int i = 0; i < 2; i++) {
        ssize_t n = write(3, &frame, sizeof(frame));
        (void)n;
    }
}

ZOO(.once = harm)
