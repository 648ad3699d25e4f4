#include "plugins/host/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By version of the kernel's interface; the header of the build may know only the first. */
#define FS_1    ((1ull << 13) - 1) /* execute, write, read, list, remove, make */
#define FS_2    (1ull << 13)       /* move between folders */
#define FS_3    (1ull << 14)       /* truncate */
#define FS_5    (1ull << 15)       /* ioctl on devices */
#define NET_4   3ull               /* bind and connect TCP */
#define SCOPE_6 3ull               /* abstract sockets and signals to outside */

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

struct attributes {
    uint64_t fs, net, scoped;
};

/* The loader's, the time zones', and what a C library looks at. */
static const char *const SYSTEM_PATHS[] = {
    "/lib",           "/lib64",   "/usr/lib", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache",
    "/etc/localtime", "/dev/null"};

static int allow_path(int ruleset, const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
    struct stat st;
    struct landlock_path_beneath_attr rule = {.parent_fd = fd, .allowed_access = FS_READ};
    /* A rule on a file may not speak of folders. */
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
    int r = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    r = r < 0 ? -errno : 0;
    (void)close(fd);
    return r;
}

/* The version of the kernel's interface; 0: it has none. Or a negative errno. */
static long find_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version >= 0)
        return version;
    /* EPERM: a container's filter hides it, the kernel itself never says so here. */
    return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
}

/* All that this version knows is handled, and so refused where no rule allows it, but for what is free. */
static int create(long version, struct attributes free)
{
    struct attributes attributes = {.fs = FS_1};
    size_t size = sizeof(attributes.fs);
    if (version >= 2)
        attributes.fs |= FS_2;
    if (version >= 3)
        attributes.fs |= FS_3;
    if (version >= 4) {
        attributes.net = NET_4;
        size += sizeof(attributes.net);
    }
    if (version >= 5)
        attributes.fs |= FS_5;
    if (version >= 6) {
        attributes.scoped = SCOPE_6;
        size += sizeof(attributes.scoped);
    }
    attributes.fs &= ~free.fs;
    attributes.net &= ~free.net;
    attributes.scoped &= ~free.scoped;
    return (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
}

/* *ret_fd −1: there is no Landlock. */
static int open_ruleset(struct attributes free, int *ret_fd, struct error *err)
{
    long version = find_version();
    *ret_fd = -1;
    if (version == 0)
        return 0;
    int fd = version < 0 ? -1 : create(version, free);
    if (fd < 0) {
        int r = version < 0 ? (int)version : -errno;
        return error_set(err, r, "sandbox", "cannot make a Landlock rule set: %s", strerror(-r));
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    *ret_fd = fd;
    return 0;
}

int landlock_open(const char *const *paths, size_t n, int *ret_fd, struct error *err)
{
    int fd;
    int r = open_ruleset((struct attributes){0}, &fd, err);
    if (r < 0)
        return r;
    for (size_t i = 0; fd >= 0 && r == 0 && i < sizeof(SYSTEM_PATHS) / sizeof(*SYSTEM_PATHS); i++)
        r = allow_path(fd, SYSTEM_PATHS[i]);
    /* What is not there cannot be read, which the plugin finds out and says. */
    for (size_t i = 0; fd >= 0 && r == 0 && i < n; i++)
        r = allow_path(fd, paths[i]);
    if (r < 0) {
        (void)close(fd);
        return error_set(err, r, "sandbox", "cannot name the plugin's paths to Landlock: %s", strerror(-r));
    }
    *ret_fd = fd;
    return 0;
}

int landlock_open_readable(int *ret_fd, struct error *err)
{
    const struct attributes free = {.fs = FS_READ, .net = NET_4, .scoped = SCOPE_6};
    return open_ruleset(free, ret_fd, err);
}

int landlock_enter(int fd, struct error *err)
{
    if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return error_set(err, -errno, "sandbox", "cannot limit the plugin to its paths with Landlock: %s",
                         strerror(errno));
    return 0;
}
