#include "tools/signing.h"

#include "tools/secret_file.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY_FILE_BYTES 1024
#define VARIANT        sodium_base64_VARIANT_ORIGINAL

static int make_ready(struct error *err)
{
    return sodium_init() < 0 ? error_set(err, -EIO, "key", "libsodium cannot be initialised") : 0;
}

int signing_key_make(const char *path, uint8_t ret_public[SIGNATURE_KEY_BYTES], struct error *err)
{
    uint8_t seed[crypto_sign_SEEDBYTES], secret[SIGNATURE_SECRET_BYTES];
    char day[16] = "", text[KEY_FILE_BYTES], public_text[SIGNATURE_KEY_TEXT];
    char seed_text[sodium_base64_ENCODED_LEN(sizeof(seed), VARIANT)];
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
    int r = make_ready(err);
    if (r < 0)
        return r;
    randombytes_buf(seed, sizeof(seed));
    (void)crypto_sign_seed_keypair(ret_public, secret, seed);
    (void)sodium_bin2base64(seed_text, sizeof(seed_text), seed, sizeof(seed), VARIANT);
    signature_key_text(ret_public, public_text);
    int n = snprintf(
        text, sizeof(text),
        "# Signing key made by tendon on %s. Keep it secret: who holds this file signs in your name.\n"
        "public %s\n"
        "secret %s\n",
        day, public_text, seed_text);
    r = secret_file_write(path, text, (size_t)n, err);
    sodium_memzero(text, sizeof(text));
    sodium_memzero(seed_text, sizeof(seed_text));
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(secret, sizeof(secret));
    return r;
}

/* The value of the line "name value"; NULL when there is none. */
static const char *find_value(const char *text, const char *name, size_t *ret_size)
{
    size_t n = strlen(name);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, name, n) == 0 && line[n] == ' ') {
            *ret_size = strcspn(line + n + 1, "\r\n");
            return line + n + 1;
        }
    return NULL;
}

int signing_key_read(const char *path, uint8_t ret_secret[SIGNATURE_SECRET_BYTES], struct error *err)
{
    char text[KEY_FILE_BYTES + 1];
    uint8_t seed[crypto_sign_SEEDBYTES], public[SIGNATURE_KEY_BYTES];
    size_t size = 0, n_seed = 0;
    int r = make_ready(err);
    if (r == 0)
        r = secret_file_read(path, true, text, sizeof(text), err);
    if (r < 0)
        return r;
    const char *value = find_value(text, "secret", &size);
    bool is_key = value &&
                  sodium_base642bin(seed, sizeof(seed), value, size, NULL, &n_seed, NULL, VARIANT) == 0 &&
                  n_seed == sizeof(seed);
    if (is_key)
        (void)crypto_sign_seed_keypair(public, ret_secret, seed);
    sodium_memzero(text, sizeof(text));
    sodium_memzero(seed, sizeof(seed));
    if (is_key)
        return 0;
    error_set(err, -EINVAL, "key_file", "%s holds no signing key", path);
    error_hint(err, "tendon plugin key FILE makes one");
    return -EINVAL;
}

/* Maps the whole file to read; *ret is NULL for an empty one. */
static int map_file(const char *path, void **ret, size_t *ret_size, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, -errno, "plugin_file", "%s cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return error_set(err, -EINVAL, "plugin_file", "%s is no file", path);
    }
    *ret_size = (size_t)st.st_size;
    *ret = *ret_size ? mmap(NULL, *ret_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    (void)close(fd);
    if (*ret == MAP_FAILED)
        return error_set(err, -ENOMEM, "plugin_file", "%s cannot be read: %s", path, strerror(errno));
    return 0;
}

/* Under another name first: whoever reads it meanwhile reads the old one or the new one. */
static int write_signature(const char *path, const char *text, struct error *err)
{
    char name[PATH_MAX], fresh[PATH_MAX + 16];
    if (snprintf(name, sizeof(name), "%s" SIGNATURE_SUFFIX, path) >= (int)sizeof(name))
        return error_set(err, -ENAMETOOLONG, "plugin_file", "the name %.200s is too long", path);
    (void)snprintf(fresh, sizeof(fresh), "%s.XXXXXX", name);
    int fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return error_set(err, -errno, "plugin_file", "%s cannot be made: %s", name, strerror(errno));
    size_t n = strlen(text);
    int r = write(fd, text, n) != (ssize_t)n || fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? -EIO : 0;
    if (close(fd) < 0 || (r == 0 && rename(fresh, name) < 0))
        r = -EIO;
    if (r == 0)
        return 0;
    error_set(err, r, "plugin_file", "%s cannot be written: %s", name, strerror(errno ? errno : EIO));
    (void)unlink(fresh);
    return r;
}

int signing_sign(const char *path, const uint8_t secret[SIGNATURE_SECRET_BYTES], struct error *err)
{
    struct signature s;
    char text[SIGNATURE_TEXT];
    void *data;
    size_t size;
    int r = make_ready(err);
    if (r == 0)
        r = map_file(path, &data, &size, err);
    if (r < 0)
        return r;
    signature_make(SIGNATURE_PLUGIN, data ? data : "", size, secret, &s);
    if (data)
        (void)munmap(data, size);
    signature_text(&s, text);
    return write_signature(path, text, err);
}

int signing_verify(const char *path, struct signature *ret, struct error *err)
{
    void *data;
    size_t size;
    int r = make_ready(err);
    if (r == 0)
        r = map_file(path, &data, &size, err);
    if (r < 0)
        return r;
    r = signature_read(path, ret, err);
    if (r == 0 && !signature_verify(ret, SIGNATURE_PLUGIN, data ? data : "", size)) {
        r = error_set(err, -EINVAL, "bad_signature",
                      "%s is not what was signed, or its signature is another file's", path);
        error_hint(err, "ask whoever gave it to you for both anew");
    }
    if (data)
        (void)munmap(data, size);
    return r;
}
