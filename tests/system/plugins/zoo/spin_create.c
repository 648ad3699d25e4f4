/* Never returns from create. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    for (;;)
        *(volatile int64_t *)&z->next = z->next;
}

ZOO(.create = harm)
