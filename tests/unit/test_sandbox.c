/* What the outer process of the host may still do once the inner one runs, tried in a process of its own.
 * What the inner one may do the hostile plugins of the system tests try. */
#include "plugins/host/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

/* In the child no assertion of cmocka's: its status is the line that failed. */
#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            _exit(__LINE__ % 255 + 1);                                                                       \
    } while (0)

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static void *write_file(void *path)
{
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ? path : NULL;
}

static void try_out(const char *folder, pid_t inner, int before)
{
    struct error err = ERROR_INIT;
    char *const argv[] = {(char *)"/bin/true", NULL}, *const environment[] = {NULL};
    char path[64], room[8];
    struct iovec here = {room, sizeof(room)}, there = {room, sizeof(room)};
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    bool is_there = has_landlock();
    MUST(sandbox_watch(&err) == 0);

    /* What it needs: reading, sockets, threads, what was open before, and the end of the inner process. */
    MUST(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
    MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
    MUST(write(before, "x", 1) == 1);
    MUST(kill(inner, SIGKILL) == 0);
    MUST(waitpid(inner, NULL, 0) == inner);

    MUST(execve("/bin/true", argv, environment) < 0);
    MUST(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 && errno == EPERM);
    MUST(process_vm_readv(getppid(), &here, 1, &there, 1, 0) < 0 && errno == EPERM);
    MUST(mount("none", folder, "tmpfs", 0, NULL) < 0 && errno == EPERM);
    pthread_t thread;
    void *refused = NULL;
    MUST(pthread_create(&thread, NULL, write_file, path) == 0 && pthread_join(thread, &refused) == 0);
    if (is_there) {
        MUST(refused != NULL);
        MUST(open("/dev/null", O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES);
        MUST(mkdir(path, 0700) < 0 && errno == EACCES);
        MUST(rmdir(folder) < 0 && errno == EACCES);
    }
    _exit(0);
}

static void test_the_outer_process(void **state)
{
    char folder[] = "/tmp/tendon-sandbox-XXXXXX", path[64];
    int status = 0;
    if (IS_SANITIZED)
        skip();
    assert_non_null(mkdtemp(folder));
    int before = memfd_create("before", MFD_CLOEXEC);
    pid_t outer = fork();
    if (outer == 0) {
        pid_t inner = fork();
        if (inner == 0)
            for (;;)
                (void)pause();
        try_out(folder, inner, before);
    }
    assert_int_equal(waitpid(outer, &status, 0), outer);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status))
        fail_msg("line %d", WEXITSTATUS(status) - 1);
    (void)close(before);
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    (void)unlink(path); /* there where the kernel has no Landlock */
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_outer_process)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
