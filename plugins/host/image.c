#include "plugins/host/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* All of the file, up to the largest that is taken; a file that shrinks or grows meanwhile is what was read.
 */
static int copy(int from, int to)
{
    for (off_t at = 0; at <= IMAGE_BYTES_MAX;) {
        ssize_t n = sendfile(to, from, NULL, 1 << 20);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        at += n;
    }
    return -EFBIG;
}

int image_open(const char *path, int *ret_fd, struct error *err)
{
    struct stat st;
    /* Not blocked by what is no file at all. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return error_set(err, -EINVAL, "bad_plugin", "cannot open %s: %s", path, strerror(errno));
    int fd = -1, r = 0;
    if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
        r = error_set(err, -EINVAL, "bad_plugin", "%s is no file", path);
    if (r == 0 && (fd = memfd_create("tendon-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING)) < 0)
        r = error_set(err, -errno, "no_memory", "no memory for the plugin's file: %s", strerror(errno));
    if (r == 0) {
        r = copy(file, fd);
        if (r == -EFBIG)
            r = error_set(err, -EINVAL, "bad_plugin", "%s is larger than %lld MiB", path,
                          IMAGE_BYTES_MAX >> 20);
        else if (r < 0)
            r = error_set(err, r, "bad_plugin", "cannot read %s: %s", path, strerror(-r));
    }
    if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        r = error_set(err, -errno, "bad_plugin", "cannot seal the copy of %s: %s", path, strerror(errno));
    (void)close(file);
    if (r < 0) {
        if (fd >= 0)
            (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}
