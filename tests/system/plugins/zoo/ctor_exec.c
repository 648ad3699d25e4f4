/* Starts other programs while it is loaded. */
#include "zoo.h"

#include <spawn.h>

static int executed, spawned;

__attribute__((constructor)) static void harm(void)
{
    char *const argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"touch /tmp/tendon-zoo-exec", NULL};
    char *const environment[] = {NULL};
    pid_t pid;
    spawned = -posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environment);
    executed = execve("/bin/sh", argv, environment);
}

static void tell(struct zoo *z)
{
    ZOO_TRY(z, "spawn", spawned);
    ZOO_TRY(z, "exec", executed);
}

ZOO(.once = tell)
