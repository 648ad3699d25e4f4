#include "tools/key.h"

#include <ctype.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define KEY_FILE_BYTES 4096

bool key_valid(const char *s)
{
    uint8_t raw[32];
    if (strlen(s) != KEY_Z85)
        return false;
    for (size_t i = 0; i < KEY_Z85; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr(".-:+=^!/*?&<>()[]{}@%$#", s[i]))
            return false;
    return zmq_z85_decode(raw, s) != NULL;
}

int key_generate(struct key_pair *ret, struct error *err)
{
    if (zmq_curve_keypair(ret->public_key, ret->secret_key) < 0)
        return error_set(err, -ENOTSUP, "key", "this libzmq was built without CURVE");
    return 0;
}

int key_write(const char *path, const struct key_pair *key, struct error *err)
{
    char day[16] = "", text[KEY_FILE_BYTES];
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
    int n = snprintf(text, sizeof(text),
                     "# Key pair made by tendon on %s. Keep it secret: who holds this file is its owner.\n"
                     "metadata\n"
                     "curve\n"
                     "    public-key = \"%s\"\n"
                     "    secret-key = \"%s\"\n",
                     day, key->public_key, key->secret_key);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int number = -errno;
        error_set(err, number, "key_file", "%s cannot be made: %s", path, strerror(errno));
        if (number == -EEXIST)
            error_hint(err, "a key is never overwritten: give another name, or move that file away");
        sodium_memzero(text, sizeof(text));
        return number;
    }
    ssize_t written = write(fd, text, (size_t)n);
    int r = 0;
    if (written != n || fsync(fd) < 0)
        r = error_set(err, -EIO, "key_file", "%s cannot be written: %s", path,
                      written >= 0 && written != n ? "the disk is full" : strerror(errno));
    if (close(fd) < 0 && r == 0)
        r = error_set(err, -errno, "key_file", "%s cannot be written: %s", path, strerror(errno));
    if (r < 0)
        (void)unlink(path);
    sodium_memzero(text, sizeof(text));
    return r;
}

/* The quoted value of `name` in a ZPL text, when it is a key. */
static bool value_find(const char *text, const char *name, char ret[KEY_Z85 + 1])
{
    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        line += strspn(line, " \t");
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        const char *p = line + strlen(name);
        p += strspn(p, " \t");
        if (*p != '=')
            continue;
        p += 1 + strspn(p + 1, " \t");
        char quote = *p == '"' || *p == '\'' ? *p++ : '\n';
        if (strnlen(p, KEY_Z85) < KEY_Z85 ||
            (p[KEY_Z85] != quote && p[KEY_Z85] != '\0' && p[KEY_Z85] != '\r'))
            continue;
        memcpy(ret, p, KEY_Z85);
        ret[KEY_Z85] = '\0';
        return key_valid(ret);
    }
    return false;
}

int key_read(const char *path, bool with_secret, struct key_pair *ret, struct error *err)
{
    struct stat st;
    char text[KEY_FILE_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, -errno, "key_file", "%s cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return error_set(err, -EINVAL, "key_file", "%s is no file", path);
    }
    if (with_secret && (st.st_mode & 077) != 0) {
        (void)close(fd);
        error_set(err, -EPERM, "key_file",
                  "%s may be read by others than its owner (mode %03o): a secret is not read from there",
                  path, st.st_mode & 0777u);
        error_hint(err, "chmod 600 %s; if others could really read it, make a new key and revoke this one",
                   path);
        return -EPERM;
    }
    ssize_t n = read(fd, text, KEY_FILE_BYTES);
    (void)close(fd);
    if (n < 0)
        return error_set(err, -EIO, "key_file", "%s cannot be read: %s", path, strerror(EIO));
    text[n] = '\0';
    struct key_pair key = {"", ""};
    bool has_public = value_find(text, "public-key", key.public_key);
    bool has_secret = value_find(text, "secret-key", key.secret_key);
    sodium_memzero(text, sizeof(text));
    if (!has_public || (with_secret && !has_secret)) {
        key_forget(&key);
        error_set(err, -EINVAL, "key_file", "%s holds no %s", path, has_public ? "secret key" : "key");
        error_hint(err, "tendon key new FILE makes one");
        return -EINVAL;
    }
    char derived[KEY_Z85 + 1];
    if (with_secret &&
        (zmq_curve_public(derived, key.secret_key) < 0 || strcmp(derived, key.public_key) != 0)) {
        key_forget(&key);
        return error_set(err, -EINVAL, "key_file", "%s: the public key does not belong to the secret one",
                         path);
    }
    *ret = key;
    if (!with_secret)
        sodium_memzero(ret->secret_key, sizeof(ret->secret_key));
    return 0;
}

void key_forget(struct key_pair *key)
{
    sodium_memzero(key->secret_key, sizeof(key->secret_key));
}
