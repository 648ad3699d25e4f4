/* Says that it is finished and dies in destroy. */
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
    abort();
}

ZOO(.poll = end, .destroy = harm)
