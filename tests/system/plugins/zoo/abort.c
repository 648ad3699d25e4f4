/* Aborts. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    (void)z;
    abort();
}

ZOO(.once = harm)
