/* Writes where nothing is. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    (void)z;
    volatile uintptr_t nowhere = 8;
    *(volatile int *)nowhere = 1;
}

ZOO(.once = harm)
