/* Reads the memory of the process that watches it. */
#include "zoo.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static void harm(struct zoo *z)
{
    static const char *const FILES[] = {"mem", "environ", "maps", "fd/3", "root/etc/shadow", "auxv"};
    char path[64], room[64];
    struct iovec ours = {room, sizeof(room)}, theirs = {(void *)0x400000, sizeof(room)};
    for (size_t i = 0; i < sizeof(FILES) / sizeof(*FILES); i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", getppid(), FILES[i]);
        ZOO_TRY(z, FILES[i], open(path, O_RDONLY));
    }
    ZOO_TRY(z, "ptrace", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
    ZOO_TRY(z, "seize", ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
    ZOO_TRY(z, "process_vm_readv", process_vm_readv(getppid(), &ours, 1, &theirs, 1, 0));
    ZOO_TRY(z, "a descriptor of it", syscall(SYS_pidfd_open, getppid(), 0));
    ZOO_TRY(z, "to compare", syscall(SYS_kcmp, getpid(), getppid(), 0, 3, 3));
    ZOO_TRY(z, "its own memory as a file", open("/proc/self/mem", O_RDWR));
}

ZOO(.once = harm)
