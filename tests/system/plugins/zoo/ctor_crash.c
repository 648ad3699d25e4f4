/* Dies while it is loaded. */
#include "zoo.h"

__attribute__((constructor)) static void harm(void)
{
    abort();
}

ZOO(.create = NULL)
