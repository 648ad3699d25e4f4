/* Gives memory back twice. */
#include "zoo.h"

static void harm(struct zoo *z)
{
    void *volatile room = malloc(64);
    (void)z;
    free(room);
    free(room);
}

ZOO(.once = harm)
