/* Takes its limits away, and gives itself precedence. */
#include "zoo.h"

#include <sched.h>
#include <sys/resource.h>

static void harm(struct zoo *z)
{
    const struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY}, fewer = {0, 0};
    const struct sched_param best = {.sched_priority = 1};
    ZOO_TRY(z, "memory", setrlimit(RLIMIT_DATA, &more));
    ZOO_TRY(z, "files", setrlimit(RLIMIT_FSIZE, &more));
    ZOO_TRY(z, "core files", setrlimit(RLIMIT_CORE, &more));
    ZOO_TRY(z, "the limits of its parent", prlimit(getppid(), RLIMIT_NOFILE, &fewer, NULL));
    ZOO_TRY(z, "precedence", setpriority(PRIO_PROCESS, 0, -20));
    ZOO_TRY(z, "real time", sched_setscheduler(0, SCHED_FIFO, &best));
    ZOO_TRY(z, "to stop its parent", setpriority(PRIO_PROCESS, (id_t)getppid(), 19));
}

ZOO(.once = harm)
