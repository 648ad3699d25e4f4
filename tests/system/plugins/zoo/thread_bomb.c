/* Makes as many threads as it can, to call the host from them. */
#include "zoo.h"

#include <pthread.h>

static void *call(void *arg)
{
    struct zoo *z = arg;
    for (;;)
        z->host->log(z->host, TENDON_INFO, "ESCAPED: a thread that calls");
    return NULL;
}

static void harm(struct zoo *z)
{
    int made = -1;
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, call, z) == 0)
            made = 0;
    }
    ZOO_TRY(z, "threads", made);
}

ZOO(.once = harm)
