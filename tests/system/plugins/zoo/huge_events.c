/* Gives events that are too large, too many, of bytes that are no text, and never ended. */
#include "zoo.h"

static int flood(struct zoo *z)
{
    static char text[100000];
    char key[32];
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        z->host->event(z->batch, i % 3 ? "ticket.created" : text, i % 2 ? key : text,
                       i % 5 ? key : "\xff\xfe", INT64_MIN, i);
        for (int j = 0; j < 70; j++)
            z->host->set_string(z->batch, "site", text, j % 2 ? TENDON_TEXT : sizeof(text));
        if (i % 7)
            (void)z->host->end(z->batch);
    }
    return TENDON_OK;
}

static void harm(struct zoo *z)
{
    zoo_say(z, "a flood of events", flood(z) == TENDON_OK);
    z->host->event(z->batch, "ticket.created", "never", "ended", 0, 0);
}

ZOO(.once = harm)
