/* Begins an answer on its channel and does not end it. */
#include "zoo.h"

#include "plugins/host/pipe.h"

static void harm(struct zoo *z)
{
    const struct pipe_header header = {PIPE_REPLY, PIPE_FRAME_BYTES};
    ssize_t n = write(3, &header, sizeof(header));
    (void)n;
    (void)z;
    for (;;)
        (void)sleep(1000);
}

ZOO(.once = harm)
