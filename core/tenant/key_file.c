#include "core/tenant/key_file.h"

#include "core/base/directory.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static int path_of(char room[PATH_MAX], const char *directory, const char *name, struct error *err)
{
    if (snprintf(room, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
        return error_set(err, -ENAMETOOLONG, "key_file", "the path of the key file %s is too long", name);
    return 0;
}

static int read_line(int fd, const char *path, char room[KEY_FILE_BYTES], struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_set(err, -errno, "key_file", "%s cannot be looked at: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) || (st.st_uid != geteuid() && st.st_uid != 0)) {
        error_set(err, -EPERM, "key_file", "%s must be a file that only its owner may read", path);
        error_hint(err, "chmod 600 it and give it to the daemon's user; if others could read it, it is no "
                        "secret any more");
        return -EPERM;
    }
    ssize_t n = read(fd, room, KEY_FILE_BYTES);
    if (n < 0)
        return error_set(err, -errno, "key_file", "%s cannot be read: %s", path, strerror(errno));
    size_t size = 0;
    while (size < (size_t)n && (unsigned char)room[size] > ' ')
        size++;
    if (size == KEY_FILE_BYTES || size == 0)
        return error_set(err, -EBADMSG, "key_file", "%s holds no key", path);
    room[size] = '\0';
    return 0;
}

int key_file_read(const char *directory, const char *name, char room[KEY_FILE_BYTES], struct error *err)
{
    char path[PATH_MAX];
    int r = path_of(path, directory, name, err);
    if (r < 0)
        return r;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, -errno, "key_file", "%s cannot be opened: %s", path, strerror(errno));
    r = read_line(fd, path, room, err);
    (void)close(fd);
    return r;
}

static int write_line(int fd, const char *line)
{
    char text[KEY_FILE_BYTES + 1];
    int n = snprintf(text, sizeof(text), "%s\n", line);
    int r = 0;
    if (n >= (int)sizeof(text))
        r = -EMSGSIZE;
    else if (write(fd, text, (size_t)n) != n)
        r = errno ? -errno : -EIO;
    else if (fsync(fd) < 0)
        r = -errno;
    sodium_memzero(text, sizeof(text));
    return r;
}

int key_file_create(const char *directory, const char *name, const char *line, struct error *err)
{
    /* Written beside and linked into place: a file of that name is always whole, and never replaced. */
    char path[PATH_MAX], beside[PATH_MAX], hidden[NAME_MAX + 1];
    (void)snprintf(hidden, sizeof(hidden), ".%s.new", name);
    int r = path_of(path, directory, name, err);
    if (r == 0)
        r = path_of(beside, directory, hidden, err);
    if (r < 0)
        return r;
    if (unlink(beside) < 0 && errno != ENOENT)
        return error_set(err, -errno, "key_file", "%s cannot be removed: %s", beside, strerror(errno));
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(err, -errno, "key_file", "%s cannot be made: %s", beside, strerror(errno));
    errno = 0;
    r = write_line(fd, line);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && link(beside, path) < 0)
        r = -errno;
    (void)unlink(beside);
    if (r == 0)
        r = directory_sync(directory);
    if (r < 0)
        return error_set(err, r, "key_file", "%s cannot be written: %s", path, strerror(-r));
    return 0;
}

/* A key of 32 bytes, as hexadecimal digits. */
static int read_hex(const char *directory, const char *name, int create, uint8_t ret[TENANT_KEY_BYTES],
                    struct error *err)
{
    char line[KEY_FILE_BYTES];
    uint8_t key[TENANT_KEY_BYTES];
    size_t n = 0;
    int r = key_file_read(directory, name, line, err);
    if (r == -ENOENT && create) {
        randombytes_buf(key, sizeof(key));
        (void)sodium_bin2hex(line, sizeof(line), key, sizeof(key));
        r = key_file_create(directory, name, line, err);
    } else if (r == 0 && (sodium_hex2bin(key, sizeof(key), line, strlen(line), NULL, &n, NULL) < 0 ||
                          n != sizeof(key))) {
        r = error_set(err, -EBADMSG, "key_file", "%s/%s does not hold 64 hexadecimal digits", directory,
                      name);
    }
    if (r == 0)
        memcpy(ret, key, sizeof(key));
    sodium_memzero(key, sizeof(key));
    sodium_memzero(line, sizeof(line));
    return r;
}

int key_file_tenant(const char *directory, const char *tenant, int create, uint8_t ret[TENANT_KEY_BYTES],
                    struct error *err)
{
    char name[NAME_MAX + 1];
    if (snprintf(name, sizeof(name), "tenant-%s.key", tenant) >= (int)sizeof(name))
        return error_set(err, -EINVAL, "key_file", "the tenant's name is too long");
    return read_hex(directory, name, create, ret, err);
}

int key_file_destroy(const char *directory, const char *tenant, struct error *err)
{
    static const char ZEROS[2 * TENANT_KEY_BYTES] = {0};
    char name[NAME_MAX + 1], path[PATH_MAX];
    (void)snprintf(name, sizeof(name), "tenant-%s.key", tenant);
    int r = path_of(path, directory, name, err);
    if (r < 0)
        return r;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0;
    /* Where the file system writes in place the old bytes are gone, too. */
    if (fd < 0 || write(fd, ZEROS, sizeof(ZEROS)) != (ssize_t)sizeof(ZEROS) || fsync(fd) < 0 ||
        unlink(path) < 0)
        r = errno ? -errno : -EIO;
    if (fd >= 0)
        (void)close(fd);
    if (r == 0)
        r = directory_sync(directory);
    return r < 0 ? error_set(err, r, "key_file", "%s cannot be destroyed: %s", path, strerror(-r)) : 0;
}

int key_file_audit(const char *directory, uint8_t ret[TENANT_KEY_BYTES], struct error *err)
{
    return read_hex(directory, "audit.key", 1, ret, err);
}

static int read_curve(const char *directory, const char *name, char ret_secret[CURVE_KEY_BYTES],
                      char ret_public[CURVE_KEY_BYTES], struct error *err)
{
    char line[KEY_FILE_BYTES], public_key[CURVE_KEY_BYTES];
    int r = key_file_read(directory, name, line, err);
    if (r == -ENOENT) {
        int made;
        do /* one that begins so would look like an option */
            made = zmq_curve_keypair(public_key, line);
        while (made == 0 && public_key[0] == '-');
        if (made < 0)
            return error_set(err, -errno, "key_file", "no CURVE key pair: %s", zmq_strerror(errno));
        r = key_file_create(directory, name, line, err);
    }
    if (r == 0 && (strlen(line) != CURVE_KEY_BYTES - 1 || zmq_curve_public(public_key, line) < 0))
        r = error_set(err, -EBADMSG, "key_file", "%s/%s does not hold a CURVE key in Z85 (40 characters)",
                      directory, name);
    if (r == 0) {
        memcpy(ret_secret, line, CURVE_KEY_BYTES);
        memcpy(ret_public, public_key, CURVE_KEY_BYTES);
    }
    sodium_memzero(line, sizeof(line));
    return r;
}

int key_file_server(const char *directory, char ret_secret[CURVE_KEY_BYTES], char ret_public[CURVE_KEY_BYTES],
                    struct error *err)
{
    return read_curve(directory, "server.key", ret_secret, ret_public, err);
}

int key_file_forward(const char *directory, const char *tenant, char ret_secret[CURVE_KEY_BYTES],
                     char ret_public[CURVE_KEY_BYTES], struct error *err)
{
    char name[NAME_MAX + 1];
    if (snprintf(name, sizeof(name), "forward-%s.key", tenant) >= (int)sizeof(name))
        return error_set(err, -EINVAL, "key_file", "the tenant's name is too long");
    return read_curve(directory, name, ret_secret, ret_public, err);
}
