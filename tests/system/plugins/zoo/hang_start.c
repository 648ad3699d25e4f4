/* Never returns from start. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    (void)z;
    for (;;)
        (void)sleep(1000);
}

ZOO(.start = harm)
