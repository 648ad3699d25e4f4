/* Reads what it was not given, by name and by detour. */
#include "zoo.h"

#include <fcntl.h>
#include <sys/syscall.h>

static void harm(struct zoo *z)
{
    static const char *const PATHS[] = {"/etc/shadow",
                                        "/proc/self/root/etc/shadow",
                                        "/lib/../etc/shadow",
                                        "/etc/hostname",
                                        "/proc/self/environ",
                                        "/root",
                                        "/",
                                        "/tmp",
                                        "/proc/1/cmdline"};
    char what[80];
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(*PATHS); i++) {
        (void)snprintf(what, sizeof(what), "to read %s", PATHS[i]);
        ZOO_TRY(z, what, open(PATHS[i], O_RDONLY));
    }
    int folder = open("/usr/lib", O_RDONLY | O_DIRECTORY);
    ZOO_TRY(z, "from a folder upwards", openat(folder, "../../etc/shadow", O_RDONLY));
    ZOO_TRY(z, "by openat2", syscall(SYS_openat2, folder, "../../etc/shadow", NULL, 0));
    ZOO_TRY(z, "by handle", syscall(SYS_open_by_handle_at, folder, NULL, O_RDONLY));
}

ZOO(.once = harm)
