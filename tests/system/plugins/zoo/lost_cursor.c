/* Says of every cursor, its own too, that it means nothing. */
#include "zoo.h"

static int harm(struct zoo *z, char *err)
{
    (void)z;
    (void)snprintf(err, TENDON_ERROR_BYTES, "never heard of it");
    return TENDON_E_CURSOR;
}

ZOO(.poll = harm)
