#include "plugins/host/file/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t ns(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_change(const void *left, const void *right)
{
    const struct folder_file *a = left, *b = right;

    if (a->changed_ns != b->changed_ns)
        return a->changed_ns < b->changed_ns ? -1 : 1;
    return (a->inode > b->inode) - (a->inode < b->inode);
}

/* Whether there may be something to read in the file. */
static bool wanted(const struct known *known, const struct known_file *file, const struct folder_file *now)
{
    if (!file)
        return known_after(known, now->changed_ns, now->inode);
    if (file->changed_ns != now->changed_ns || file->size != now->size)
        return true;
    return file->state == KNOWN_MORE || (file->state == KNOWN_TAIL && now->last);
}

static void consider(struct folder *folder, const char *name, const struct stat *st, int64_t now_ns,
                     int64_t settle_ms, struct known *known)
{
    struct known_file *file = known_find(known, st->st_ino);
    struct folder_file found = {
        .inode = st->st_ino,
        .changed_ns = ns(st->st_ctim),
        .size = (uint64_t)st->st_size,
    };
    uint32_t place;

    if (!S_ISREG(st->st_mode) || strlen(name) >= sizeof(found.name))
        return;
    strcpy(found.name, name);
    found.last = settle_ms >= 0 && now_ns - found.changed_ns >= settle_ms * 1000000;
    if (file)
        file->seen = true;
    if (!wanted(known, file, &found))
        return;
    if (folder->n_files < FOLDER_FILES) {
        folder->files[folder->n_files++] = found;
        return;
    }
    place = 0; /* the newest gives way to an older one */
    for (uint32_t i = 1; i < FOLDER_FILES; i++)
        if (by_change(&folder->files[i], &folder->files[place]) > 0)
            place = i;
    if (by_change(&found, &folder->files[place]) < 0)
        folder->files[place] = found;
}

int folder_look(struct folder *folder, const char *path, const char *pattern, int64_t settle_ms,
                struct known *known)
{
    struct timespec now;
    struct dirent *entry;
    struct stat st;
    DIR *dir;
    int64_t now_ns;
    int fd;

    folder->n_files = folder->at = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    now_ns = ns(now);
    for (uint32_t i = 0; i < known->n_files; i++)
        known->files[i].seen = false;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode)) {
        if (!S_ISREG(st.st_mode))
            return -EINVAL;
        known->before_ns = INT64_MIN; /* one file is never too old */
        consider(folder, "", &st, now_ns, settle_ms, known);
        known_sweep(known);
        return 0;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    dir = fdopendir(fd);
    if (!dir) {
        int rc = -errno;

        close(fd);
        return rc;
    }
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (pattern ? fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0 : entry->d_name[0] == '.')
            continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
            consider(folder, entry->d_name, &st, now_ns, settle_ms, known);
    }
    if (errno != 0) {
        int rc = -errno;

        closedir(dir);
        return rc;
    }
    closedir(dir);
    known_sweep(known);
    qsort(folder->files, folder->n_files, sizeof(folder->files[0]), by_change);
    return 0;
}
