/* Logs thousands of long lines in each poll. */
#include "zoo.h"

static int harm(struct zoo *z, char *err)
{
    static char line[65536];
    (void)err;
    memset(line, 'x', sizeof(line) - 1);
    for (int i = 0; i < 2000; i++)
        z->host->log(z->host, i % 5, line);
    if (z->next < ZOO_TICKETS) {
        const char escapes[] = "\x1b[2J\x07 held: \xff\xfe\n\r second line";
        z->host->log(z->host, TENDON_INFO, escapes);
        z->host->skip(z->batch, line, line, 1);
        zoo_ticket(z);
    }
    return TENDON_IDLE;
}

ZOO(.poll = harm)
