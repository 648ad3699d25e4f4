/* Takes memory that the limit of its data does not count. */
#include "zoo.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

static void harm(struct zoo *z)
{
    int ends[2];
    void *room = mmap(NULL, 4ull << 30, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ZOO_TRY(z, "shared anonymous memory", room == MAP_FAILED ? -1 : 0);
    ZOO_TRY(z, "a memory file", memfd_create("zoo", 0));
    ZOO_TRY(z, "a shared segment", shmget(IPC_PRIVATE, 1 << 20, 0600 | IPC_CREAT));
    ZOO_TRY(z, "locked memory", syscall(SYS_mlock, z, sizeof(*z)));
    ZOO_TRY(z, "a larger pipe", pipe(ends) < 0 ? -1 : fcntl(ends[1], F_SETPIPE_SZ, 1 << 20));
}

ZOO(.once = harm)
