/* Answers what nobody asked, with counts that do not fit. */
#include "zoo.h"

#include "plugins/host/pipe.h"

static void harm(struct zoo *z)
{
    struct {
        struct pipe_header header;
        struct pipe_reply reply;
    } frame = {
        .header = {PIPE_REPLY, sizeof(frame.reply)},
        .reply = {.call = PIPE_POLL,
                  .data_bytes = 0xfffffff0,
                  .cursor_bytes = 0x7fffffff,
                  .n_skips = 0x00ffffff},
    };
    (void)z;
    ssize_t n = write(3, &frame, sizeof(frame));
    (void)n;
}

ZOO(.once = harm)
