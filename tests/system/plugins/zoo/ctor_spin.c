/* Is never done with being loaded. */
#include "zoo.h"

__attribute__((constructor)) static void harm(void)
{
    for (volatile int i = 0;;)
        i++;
}

ZOO(.create = NULL)
