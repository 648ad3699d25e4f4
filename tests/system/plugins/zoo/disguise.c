/* Calls itself by the collector's name. */
#include "zoo.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>

static void harm(struct zoo *z)
{
    ZOO_TRY(z, "a name", prctl(PR_SET_NAME, "tendond"));
    ZOO_TRY(z, "a name for its thread", -pthread_setname_np(pthread_self(), "tendond"));
    ZOO_TRY(z, "a name by file", open("/proc/self/comm", O_RDWR));
}

ZOO(.once = harm)
