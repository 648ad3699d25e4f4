/* Writes to the collector's data, and removes it. */
#include "zoo.h"

#include <fcntl.h>
#include <sys/stat.h>

static void harm(struct zoo *z)
{
    char store[512], other[512];
    (void)snprintf(store, sizeof(store), "%s/data/control/data.mdb", z->target);
    (void)snprintf(other, sizeof(other), "%s/data/control/other", z->target);
    ZOO_TRY(z, "to open it", open(store, O_RDWR));
    ZOO_TRY(z, "to append to it", open(store, O_WRONLY | O_APPEND));
    ZOO_TRY(z, "to truncate it by opening", open(store, O_RDONLY | O_TRUNC));
    ZOO_TRY(z, "to truncate it", truncate(store, 0));
    ZOO_TRY(z, "to rename it", rename(store, other));
    ZOO_TRY(z, "to remove it", unlink(store));
    ZOO_TRY(z, "to change its mode", chmod(store, 0777));
    ZOO_TRY(z, "to take it", chown(store, getuid(), getgid()));
    ZOO_TRY(z, "a file beside it", open(other, O_WRONLY | O_CREAT, 0600));
}

ZOO(.once = harm)
