/* Looks for a hole in the kernel where few have looked. */
#include "zoo.h"

#include <sys/syscall.h>

static void harm(struct zoo *z)
{
    static const struct {
        const char *name;
        long number;
    } CALLS[] = {
        {"io_uring_setup", SYS_io_uring_setup},
        {"bpf", SYS_bpf},
        {"perf_event_open", SYS_perf_event_open},
        {"userfaultfd", SYS_userfaultfd},
        {"keyctl", SYS_keyctl},
        {"add_key", SYS_add_key},
        {"personality", SYS_personality},
        {"seccomp", SYS_seccomp},
        {"fanotify_init", SYS_fanotify_init},
        {"vmsplice", SYS_vmsplice},
        {"io_setup", SYS_io_setup},
        {"ioctl", SYS_ioctl},
        {"no call at all", 9999},
    };
    for (size_t i = 0; i < sizeof(CALLS) / sizeof(*CALLS); i++)
        ZOO_TRY(z, CALLS[i].name, syscall(CALLS[i].number, 0, 0, 0, 0, 0, 0));
}

ZOO(.once = harm)
