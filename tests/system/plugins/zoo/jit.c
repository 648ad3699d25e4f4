/* Runs what it wrote. */
#include "zoo.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static void harm(struct zoo *z)
{
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    void *room = mmap(NULL, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ZOO_TRY(z, "memory to write and run", room == MAP_FAILED ? -1 : 0);
    room = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ZOO_TRY(z, "to run it later", mprotect(room, 4096, PROT_READ | PROT_EXEC));
    ZOO_TRY(z, "with a key", syscall(SYS_pkey_mprotect, room, 4096, all, -1));
    int file = open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY);
    room = mmap(NULL, 4096, all, MAP_PRIVATE, file, 0);
    ZOO_TRY(z, "to change a library", room == MAP_FAILED ? -1 : 0);
    room = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    ZOO_TRY(z, "to change it first", room == MAP_FAILED ? -1 : mprotect(room, 4096, PROT_EXEC));
}

ZOO(.once = harm)
