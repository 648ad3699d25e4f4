#include "tools/secret_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int secret_file_write(const char *path, const char *text, size_t n, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int number = -errno;
        error_set(err, number, "key_file", "%s cannot be made: %s", path, strerror(errno));
        if (number == -EEXIST)
            error_hint(err, "a key is never overwritten: give another name, or move that file away");
        return number;
    }
    ssize_t written = write(fd, text, n);
    int r = 0;
    if (written != (ssize_t)n || fsync(fd) < 0)
        r = error_set(err, -EIO, "key_file", "%s cannot be written: %s", path,
                      written >= 0 && written != (ssize_t)n ? "the disk is full" : strerror(errno));
    if (close(fd) < 0 && r == 0)
        r = error_set(err, -errno, "key_file", "%s cannot be written: %s", path, strerror(errno));
    if (r < 0)
        (void)unlink(path);
    return r;
}

int secret_file_read(const char *path, bool is_secret, char *room, size_t size, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, -errno, "key_file", "%s cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return error_set(err, -EINVAL, "key_file", "%s is no file", path);
    }
    if (is_secret && (st.st_mode & 077) != 0) {
        (void)close(fd);
        error_set(err, -EPERM, "key_file",
                  "%s may be read by others than its owner (mode %03o): a secret is not read from there",
                  path, st.st_mode & 0777u);
        error_hint(err, "chmod 600 %s; if others could really read it, make a new key and revoke this one",
                   path);
        return -EPERM;
    }
    ssize_t n = read(fd, room, size - 1);
    (void)close(fd);
    if (n < 0)
        return error_set(err, -EIO, "key_file", "%s cannot be read: %s", path, strerror(EIO));
    room[n] = '\0';
    return 0;
}
