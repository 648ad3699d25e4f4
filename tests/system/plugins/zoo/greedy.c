/* Uses all of a processor within its limits: each poll takes most of its time. */
#include "zoo.h"

#include <time.h>

static int harm(struct zoo *z, char *err)
{
    int64_t end = z->host->now(z->host) + 900;
    (void)err;
    while (z->host->now(z->host) < end)
        continue;
    if (z->next < ZOO_TICKETS)
        zoo_ticket(z);
    return TENDON_OK;
}

ZOO(.poll = harm)
