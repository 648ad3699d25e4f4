#include "core/base/signature.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_PREFIX    "ed25519:"
#define FIRST_LINE    "tendon-signature 1\n"
#define PURPOSE_BYTES 64
#define VARIANT       sodium_base64_VARIANT_ORIGINAL

_Static_assert(SIGNATURE_KEY_BYTES == crypto_sign_PUBLICKEYBYTES &&
                   SIGNATURE_SECRET_BYTES == crypto_sign_SECRETKEYBYTES &&
                   SIGNATURE_BYTES == crypto_sign_BYTES,
               "Ed25519");

void signature_key_text(const uint8_t key[SIGNATURE_KEY_BYTES], char room[SIGNATURE_KEY_TEXT])
{
    size_t n = sizeof(KEY_PREFIX) - 1;
    memcpy(room, KEY_PREFIX, n);
    (void)sodium_bin2base64(room + n, SIGNATURE_KEY_TEXT - n, key, SIGNATURE_KEY_BYTES, VARIANT);
}

/* Exactly n bytes in base64 that fill the text. */
static bool decode(const char *text, size_t size, uint8_t *ret, size_t n)
{
    size_t n_bytes;
    const char *end;
    return sodium_base642bin(ret, n, text, size, NULL, &n_bytes, &end, VARIANT) == 0 && n_bytes == n &&
           end == text + size;
}

static bool parse_key(const char *text, size_t size, uint8_t ret[SIGNATURE_KEY_BYTES])
{
    size_t n = sizeof(KEY_PREFIX) - 1;
    return size > n && memcmp(text, KEY_PREFIX, n) == 0 &&
           decode(text + n, size - n, ret, SIGNATURE_KEY_BYTES);
}

bool signature_key_parse(const char *text, uint8_t ret[SIGNATURE_KEY_BYTES])
{
    uint8_t key[SIGNATURE_KEY_BYTES];
    if (!parse_key(text, strlen(text), key))
        return false;
    memcpy(ret, key, sizeof(key));
    return true;
}

/* What is signed. Returns its size. */
static size_t make_message(const char *purpose, const void *data, size_t size,
                           uint8_t room[PURPOSE_BYTES + 1 + crypto_hash_sha512_BYTES])
{
    size_t n = strnlen(purpose, PURPOSE_BYTES);
    memcpy(room, purpose, n);
    room[n++] = '\0';
    (void)crypto_hash_sha512(room + n, data, size);
    return n + crypto_hash_sha512_BYTES;
}

void signature_make(const char *purpose, const void *data, size_t size,
                    const uint8_t secret[SIGNATURE_SECRET_BYTES], struct signature *ret)
{
    uint8_t message[PURPOSE_BYTES + 1 + crypto_hash_sha512_BYTES];
    size_t n = make_message(purpose, data, size, message);
    (void)crypto_sign_detached(ret->bytes, NULL, message, n, secret);
    (void)crypto_sign_ed25519_sk_to_pk(ret->key, secret);
}

bool signature_verify(const struct signature *s, const char *purpose, const void *data, size_t size)
{
    uint8_t message[PURPOSE_BYTES + 1 + crypto_hash_sha512_BYTES];
    size_t n = make_message(purpose, data, size, message);
    return crypto_sign_verify_detached(s->bytes, message, n, s->key) == 0;
}

void signature_text(const struct signature *s, char room[SIGNATURE_TEXT])
{
    char key[SIGNATURE_KEY_TEXT], bytes[sodium_base64_ENCODED_LEN(SIGNATURE_BYTES, VARIANT)];
    signature_key_text(s->key, key);
    (void)sodium_bin2base64(bytes, sizeof(bytes), s->bytes, sizeof(s->bytes), VARIANT);
    (void)snprintf(room, SIGNATURE_TEXT, FIRST_LINE "key %s\nsignature %s\n", key, bytes);
}

/* The value of a line "name value\n" that *at stands at, which goes behind it; NULL when it is another. */
static const char *take_line(const char **at, const char *end, const char *name, size_t *ret_size)
{
    size_t n = strlen(name);
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    if (!newline || (size_t)(newline - *at) < n + 1 || memcmp(*at, name, n) != 0 || (*at)[n] != ' ')
        return NULL;
    const char *value = *at + n + 1;
    *ret_size = (size_t)(newline - value);
    *at = newline + 1;
    return value;
}

bool signature_parse(const char *text, size_t size, struct signature *ret)
{
    struct signature s;
    size_t n = sizeof(FIRST_LINE) - 1, n_key, n_bytes;
    const char *at = text + n, *end = text + size;
    if (size < n || memcmp(text, FIRST_LINE, n) != 0)
        return false;
    const char *key = take_line(&at, end, "key", &n_key);
    const char *bytes = key ? take_line(&at, end, "signature", &n_bytes) : NULL;
    if (!bytes || at != end || !parse_key(key, n_key, s.key) ||
        !decode(bytes, n_bytes, s.bytes, sizeof(s.bytes)))
        return false;
    *ret = s;
    return true;
}

int signature_read(const char *path, struct signature *ret, struct error *err)
{
    char name[PATH_MAX], text[SIGNATURE_TEXT];
    struct stat st;
    if (snprintf(name, sizeof(name), "%s" SIGNATURE_SUFFIX, path) >= (int)sizeof(name))
        return error_set(err, -ENAMETOOLONG, "bad_signature",
                         "the name of the signature of %.200s is too long", path);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, -ENOENT, "not_signed", "%s is not signed: there is no %s", path, name);
    if (fd < 0)
        return error_set(err, -errno, "bad_signature", "cannot open %s: %s", name, strerror(errno));
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof(text)) : -1;
    (void)close(fd);
    if (n < 0 || !signature_parse(text, (size_t)n, ret))
        return error_set(err, -EINVAL, "bad_signature", "%s is no signature", name);
    return 0;
}
