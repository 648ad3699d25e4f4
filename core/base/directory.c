#include "core/base/directory.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_parents(const char *path, struct error *err)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
        return error_set(err, -ENAMETOOLONG, "directory", "the path of a directory is too long");
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return error_set(err, -errno, "directory", "%s cannot be made: %s", part, strerror(errno));
        *slash = '/';
    }
    return 0;
}

int directory_make(const char *path, struct error *err)
{
    int r = make_parents(path, err);
    if (r < 0)
        return r;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_set(err, -errno, "directory", "%s cannot be made: %s", path, strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return error_set(err, -errno, "directory", "%s cannot be opened as a directory: %s", path,
                         strerror(errno));
    if (fstat(fd, &st) < 0)
        r = error_set(err, -errno, "directory", "%s cannot be looked at: %s", path, strerror(errno));
    else if (st.st_uid != geteuid()) {
        r = error_set(err, -EPERM, "directory", "%s belongs to user %u, not to this daemon's user %u", path,
                      (unsigned)st.st_uid, (unsigned)geteuid());
        error_hint(err, "chown it, or run tendond as its owner");
    } else if ((st.st_mode & 0777) != 0700 && fchmod(fd, 0700) < 0)
        r = error_set(err, -errno, "directory", "%s cannot be given mode 0700: %s", path, strerror(errno));
    (void)close(fd);
    return r;
}

int directory_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    (void)close(fd);
    return r;
}
