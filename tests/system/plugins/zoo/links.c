/* Makes links, and follows those that the kernel has. */
#include "zoo.h"

#include <fcntl.h>

static void harm(struct zoo *z)
{
    ZOO_TRY(z, "a symbolic link", symlink("/etc/shadow", "/tmp/tendon-zoo-link"));
    ZOO_TRY(z, "a link", link("/etc/shadow", "/tmp/tendon-zoo-link"));
    ZOO_TRY(z, "a link to an open file", linkat(3, "", AT_FDCWD, "/tmp/tendon-zoo-link", AT_EMPTY_PATH));
    ZOO_TRY(z, "by its working folder", open("/proc/self/cwd/etc/shadow", O_RDONLY));
    ZOO_TRY(z, "by its root", open("/proc/self/root", O_RDONLY));
    ZOO_TRY(z, "by its program", open("/proc/self/exe", O_RDWR));
    ZOO_TRY(z, "by its task", open("/proc/thread-self/root/etc/shadow", O_RDONLY));
}

ZOO(.once = harm)
