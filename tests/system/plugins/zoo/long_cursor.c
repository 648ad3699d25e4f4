/* Sets a cursor that is too long. */
#include "zoo.h"

static int harm(struct zoo *z, char *err)
{
    static const char cursor[TENDON_CURSOR_BYTES + 1];
    (void)err;
    z->host->cursor(z->batch, cursor, sizeof(cursor));
    return TENDON_OK;
}

ZOO(.poll = harm)
