/* Never returns from ack. */
#include "zoo.h"

static int give(struct zoo *z, char *err)
{
    (void)err;
    zoo_ticket(z);
    return TENDON_IDLE;
}

static void harm(struct zoo *z)
{
    (void)z;
    for (;;)
        (void)sleep(1000);
}

ZOO_WITH(.ack = zoo_ack, .poll = give, .ack = harm)
