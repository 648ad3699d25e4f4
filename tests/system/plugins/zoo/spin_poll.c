/* Never returns from poll, and uses all of a processor. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    for (;;)
        *(volatile int64_t *)&z->next = z->next;
}

ZOO(.once = harm)
