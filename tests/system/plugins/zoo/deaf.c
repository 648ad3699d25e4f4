/* Blocks and ignores every signal, takes those of crashes as if nothing were, and never returns. */
#include "zoo.h"

#include <signal.h>

static void harm(struct zoo *z)
{
    sigset_t all;
    (void)sigfillset(&all);
    for (int i = 1; i < 65; i++)
        (void)signal(i, SIG_IGN);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    for (;;)
        *(volatile int64_t *)&z->next = z->next;
}

ZOO(.once = harm)
