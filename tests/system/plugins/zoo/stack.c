/* Uses up its stack. */
#include "zoo.h"

/* The compiler must not make a loop of it. */
static int deeper(volatile int *n)
{
    volatile char room[4096];
    room[0] = (char)++*n;
    return *n < 0 ? 0 : deeper(n) + room[0];
}

static void harm(struct zoo *z)
{
    volatile int n = 0;
    (void)z;
    (void)deeper(&n);
}

ZOO(.once = harm)
