/* Says that it is finished and never returns from destroy. */
#include "zoo.h"

static int end(struct zoo *z, char *err)
{
    (void)z;
    (void)err;
    return TENDON_END;
}

static void harm(struct zoo *z)
{
    (void)z;
    for (;;)
        (void)sleep(1000);
}

ZOO(.poll = end, .destroy = harm)
