/* Opens descriptors until there are none left, and keeps them. */
#include "zoo.h"

#include <fcntl.h>

static void harm(struct zoo *z)
{
    int n = 0;
    while (n < 4096 && open("/dev/null", O_RDONLY) >= 0)
        n++;
    ZOO_TRY(z, "4,096 descriptors", n == 4096 ? 0 : -1);
}

ZOO(.once = harm)
