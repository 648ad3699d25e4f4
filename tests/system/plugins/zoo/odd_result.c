/* Returns what is no result. */
#include "zoo.h"

static int harm(struct zoo *z, char *err)
{
    (void)z;
    memset(err, 'x', TENDON_ERROR_BYTES); /* without an end */
    return 77;
}

ZOO(.poll = harm)
