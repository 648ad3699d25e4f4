/* Returns from a crash's signal handler, to crash again, for ever. */
#include "zoo.h"

#include <signal.h>

static void again(int number)
{
    (void)number;
}

static void harm(struct zoo *z)
{
    (void)z;
    (void)signal(SIGSEGV, again);
    volatile uintptr_t nowhere = 8;
    *(volatile int *)nowhere = 1;
}

ZOO(.once = harm)
