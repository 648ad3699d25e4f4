#include "plugins/host/image.h"

#include "core/base/signature.h"

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

static bool is_trusted(const struct signature *s, const json_t *keys)
{
    uint8_t key[SIGNATURE_KEY_BYTES];
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *text = json_string_value(json_array_get(keys, i));
        if (text && signature_key_parse(text, key) && memcmp(key, s->key, sizeof(key)) == 0)
            return true;
    }
    return false;
}

/* What is mapped is sealed: it is what will be loaded. */
static int verify(int fd, const char *path, const json_t *keys, struct error *err)
{
    struct signature s;
    struct stat st;
    char signer[SIGNATURE_KEY_TEXT];
    int r = signature_read(path, &s, err);
    if (r == -ENOENT)
        error_hint(err, "have it signed (tendon plugin sign), or name its folder under plugin_unsigned");
    if (r < 0)
        return -EINVAL;
    signature_key_text(s.key, signer);
    if (!is_trusted(&s, keys)) {
        error_set(err, -EINVAL, "bad_signature", "%s is signed by %s, whose plugins are not trusted here",
                  path, signer);
        error_hint(err, "if you know whose key it is, name it under plugin_keys of the tenant");
        return -EINVAL;
    }
    size_t size = fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
    void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (data == MAP_FAILED)
        return error_set(err, -EINVAL, "no_memory", "no memory to verify %s", path);
    bool is_right = signature_verify(&s, SIGNATURE_PLUGIN, size ? data : "", size);
    if (data)
        (void)munmap(data, size);
    if (!is_right) {
        error_set(err, -EINVAL, "bad_signature",
                  "%s is not what was signed, or its signature is another file's", path);
        error_hint(err, "put the plugin and its signature there anew, both of one delivery");
        return -EINVAL;
    }
    return 0;
}

int image_open(const char *path, const json_t *keys, int *ret_fd, struct error *err)
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
    if (r == 0 && keys)
        r = verify(fd, path, keys, err);
    if (r < 0) {
        if (fd >= 0)
            (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}
