#include "plugins/host/secret.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define MASKED_LEAST 6

static int read_secret(const char *path, char *room, size_t *ret_size)
{
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && n < SECRET_BYTES) {
        got = read(fd, room + n, SECRET_BYTES - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        (void)close(fd);
    while (n && (room[n - 1] == '\n' || room[n - 1] == '\r'))
        n--;
    *ret_size = n;
    return got < 0 || n == 0 ? -EIO : 0;
}

/* The handle that text begins with, or NULL. */
static const char *handle_at(const json_t *secrets, const char *text, size_t size)
{
    const char *handle;
    json_t *path;
    json_object_foreach((json_t *)secrets, handle, path)
    {
        size_t n = strlen(handle);
        if (n <= size && memcmp(text, handle, n) == 0)
            return handle;
    }
    return NULL;
}

int secret_expand(const json_t *secrets, const char *text, size_t size, struct buffer *b, struct error *err)
{
    char room[SECRET_BYTES];
    int r = 0;
    for (size_t i = 0; r == 0 && i < size;) {
        const char *handle = text[i] == '{' ? handle_at(secrets, text + i, size - i) : NULL;
        size_t n;
        if (!handle) {
            buffer_append(b, text + i++, 1);
            continue;
        }
        r = read_secret(json_string_value(json_object_get(secrets, handle)), room, &n);
        if (r == 0)
            buffer_append(b, room, n);
        else
            error_set(err, r, "secret", "the file of the secret %s cannot be read, or is empty", handle);
        i += strlen(handle);
    }
    sodium_memzero(room, sizeof(room));
    if (r == 0 && buffer_failed(b))
        r = error_set(err, -EMSGSIZE, "secret", "what the plugin asked for is too large");
    return r;
}

/* b := b with every occurrence of one secret replaced. */
static void mask_one(struct buffer *b, const char *secret, size_t n, const char *handle)
{
    struct buffer masked;
    buffer_init(&masked, b->maximum);
    const char *at = (const char *)b->data, *end = at + b->size, *found;
    while ((found = memmem(at, (size_t)(end - at), secret, n))) {
        buffer_append(&masked, at, (size_t)(found - at));
        buffer_append_string(&masked, handle);
        at = found + n;
    }
    buffer_append(&masked, at, (size_t)(end - at));
    buffer_fini(b);
    *b = masked;
}

int secret_mask(const json_t *secrets, const char *text, size_t size, struct buffer *b)
{
    char room[SECRET_BYTES];
    const char *handle;
    json_t *path;
    buffer_append(b, text, size);
    json_object_foreach((json_t *)secrets, handle, path)
    {
        size_t n;
        if (b->size && read_secret(json_string_value(path), room, &n) == 0 && n >= MASKED_LEAST)
            mask_one(b, room, n, handle);
    }
    sodium_memzero(room, sizeof(room));
    return buffer_failed(b) ? -ENOMEM : 0;
}
