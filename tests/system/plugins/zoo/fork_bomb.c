/* Makes as many processes as it can. */
#include "zoo.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void harm(struct zoo *z)
{
    int made = -1;
    for (int i = 0; i < 1000; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid > 0)
            made = 0;
    }
    ZOO_TRY(z, "fork", made);
#ifdef SYS_vfork
    ZOO_TRY(z, "vfork", syscall(SYS_vfork));
#endif
    ZOO_TRY(z, "clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

ZOO(.once = harm)
