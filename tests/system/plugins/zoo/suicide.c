/* Kills its own process. */
#include "zoo.h"

#include <signal.h>

static void harm(struct zoo *z)
{
    (void)z;
    (void)raise(SIGKILL);
}

ZOO(.once = harm)
