/* Ends its process while it is loaded. */
#include "zoo.h"

__attribute__((constructor)) static void harm(void)
{
    _exit(0);
}

ZOO(.create = NULL)
