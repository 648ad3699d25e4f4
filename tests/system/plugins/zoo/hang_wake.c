/* Never returns from wake, nor sooner than it must from poll. */
#include "zoo.h"

static int wait(struct zoo *z, char *err)
{
    (void)err;
    if (z->next < ZOO_TICKETS)
        zoo_ticket(z);
    else
        (void)sleep(1);
    return TENDON_OK;
}

static void harm(struct zoo *z)
{
    (void)z;
    for (;;)
        (void)sleep(1000);
}

ZOO_WITH(.wake = zoo_wake, .poll = wait, .wake = harm, .stop = harm)
