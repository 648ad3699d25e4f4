/* Closes all descriptors, its channel to the host with them. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    (void)z;
    for (int fd = 0; fd < 1024; fd++)
        (void)close(fd);
}

ZOO(.once = harm)
