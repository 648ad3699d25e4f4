/* Ends its process as if all were well. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    (void)z;
    exit(0);
}

ZOO(.once = harm)
