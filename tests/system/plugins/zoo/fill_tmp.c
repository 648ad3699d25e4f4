/* Writes files wherever others may. */
#include "zoo.h"

#include <fcntl.h>
#include <sys/stat.h>

static void harm(struct zoo *z)
{
    ZOO_TRY(z, "a file in /tmp", open("/tmp/tendon-zoo-file", O_WRONLY | O_CREAT, 0600));
    ZOO_TRY(z, "a file without a name", open("/tmp", O_RDWR | O_TMPFILE, 0600));
    ZOO_TRY(z, "a file in /dev/shm", open("/dev/shm/tendon-zoo-file", O_WRONLY | O_CREAT, 0600));
    ZOO_TRY(z, "a folder", mkdir("/tmp/tendon-zoo-folder", 0700));
    ZOO_TRY(z, "a pipe", mkfifo("/tmp/tendon-zoo-pipe", 0600));
    ZOO_TRY(z, "standard output", open("/proc/self/fd/1", O_WRONLY));
}

ZOO(.once = harm)
