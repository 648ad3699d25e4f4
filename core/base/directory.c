#include "core/base/directory.h"

#include <dirent.h>
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

/* The files of a directory; the directory stays. */
static int remove_files(DIR *d)
{
    const struct dirent *e;
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) < 0 && errno != ENOENT)
            return errno == EISDIR ? -ENOTEMPTY : -errno;
    }
    return 0;
}

/* Of the directory that it stands in. */
static int sync_parent(const char *path)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return 0;
    *slash = '\0';
    return directory_sync(parent);
}

int directory_remove(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r;
    if (fd < 0 && errno == ENOENT)
        return 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        r = -errno;
        if (fd >= 0)
            (void)close(fd);
    } else {
        r = remove_files(d);
        (void)closedir(d);
        if (r == 0 && rmdir(path) < 0)
            r = -errno;
        if (r == 0)
            r = sync_parent(path);
    }
    return r < 0 ? error_set(err, r, "directory", "%s cannot be removed: %s", path, strerror(-r)) : 0;
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
