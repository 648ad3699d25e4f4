/* Sends signals to everybody, itself and through the kernel. */
#include "zoo.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>

static void harm(struct zoo *z)
{
    const struct itimerval timer = {.it_value = {.tv_usec = 1}};
    ZOO_TRY(z, "to kill its parent", kill(getppid(), SIGKILL));
    ZOO_TRY(z, "to kill all", kill(-1, SIGKILL));
    ZOO_TRY(z, "to kill its group", kill(0, SIGKILL));
    ZOO_TRY(z, "to kill by thread", syscall(SYS_tgkill, getppid(), getppid(), SIGKILL));
    ZOO_TRY(z, "to kill by thread alone", syscall(SYS_tkill, getppid(), SIGKILL));
    ZOO_TRY(z, "to queue a signal", syscall(SYS_rt_sigqueueinfo, getppid(), SIGKILL, NULL));
    ZOO_TRY(z, "to name an owner", fcntl(3, F_SETOWN, getppid()));
    ZOO_TRY(z, "to choose the signal", fcntl(3, F_SETSIG, SIGKILL));
    ZOO_TRY(z, "a timer", setitimer(ITIMER_REAL, &timer, NULL));
}

ZOO(.once = harm)
