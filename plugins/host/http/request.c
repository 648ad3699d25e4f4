#include "plugins/host/http/request.h"

#include "plugins/host/parcel.h"
#include "plugins/host/pipe.h"
#include "plugins/host/secret.h"

#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_BYTES     (128 * 1024)
#define ANSWER_PRESET  (8 * 1024 * 1024)
#define ANSWER_MOST    (32 * 1024 * 1024)
#define TIMEOUT_PRESET 30000
#define TIMEOUT_MOST   120000
#define RATE_PRESET    600
#define RATE_MOST      60000

static const char *const METHODS[] = {"GET", "HEAD", "POST"};
/* What the client itself says, and what would speak for another. */
static const char *const OWN_HEADERS[] = {"host",
                                          "content-length",
                                          "transfer-encoding",
                                          "connection",
                                          "te",
                                          "trailer",
                                          "upgrade",
                                          "proxy-connection",
                                          "expect",
                                          "keep-alive",
                                          "cookie",
                                          "proxy-authorization"};

void request_fini(struct request *r)
{
    curl_url_cleanup(r->url);
    curl_slist_free_all(r->headers);
    if (r->body.data)
        sodium_memzero(r->body.data, r->body.capacity);
    buffer_fini(&r->body);
    free(r->target);
    free(r->asked);
    free(r->user);
    free(r->password);
    free(r->ca_file);
    *r = (struct request){0};
}

static int refuse(struct error *err, const char *why)
{
    return error_set(err, -EINVAL, "bad_request", "the plugin asked for something that is not sent: %s", why);
}

static int read_method(const struct parcel_field *field, struct request *r, struct error *err)
{
    for (size_t i = 0; i < sizeof(METHODS) / sizeof(*METHODS); i++)
        if (strlen(METHODS[i]) == field->size && memcmp(METHODS[i], field->data, field->size) == 0) {
            r->method = METHODS[i];
            return 0;
        }
    return refuse(err, "a method that is none of GET, HEAD and POST");
}

static bool is_token(const char *text, size_t size)
{
    static const char TOKEN[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < size; i++)
        if (!text[i] || !strchr(TOKEN, text[i]))
            return false;
    return size > 0 && size < 64;
}

/* A text with its secrets in, as a string of its own; one line, without control characters. */
static int expand_line(const struct options *options, const char *text, size_t size, char **ret,
                       struct error *err)
{
    struct buffer b;
    buffer_init(&b, 128 * 1024);
    int r = secret_expand(options->secrets, text, size, &b, err);
    for (size_t i = 0; r == 0 && i < b.size; i++)
        if (b.data[i] < ' ' && b.data[i] != '\t')
            r = refuse(err, "a header, user or password with a line end in it");
    if (r == 0 && !(*ret = strndup(b.data ? (const char *)b.data : "", b.size)))
        r = error_set(err, -ENOMEM, "no_memory", "no memory for a request");
    if (b.data)
        sodium_memzero(b.data, b.capacity);
    buffer_fini(&b);
    return r;
}

static int read_header(const struct options *options, const struct parcel_field *field, struct request *r,
                       struct error *err)
{
    const char *colon = memchr(field->data, ':', field->size);
    size_t n = colon ? (size_t)(colon - field->data) : 0;
    char *line = NULL;
    if (!is_token(field->data, n))
        return refuse(err, "a header that is not of the form Name: value");
    for (size_t i = 0; i < sizeof(OWN_HEADERS) / sizeof(*OWN_HEADERS); i++)
        if (strlen(OWN_HEADERS[i]) == n && strncasecmp(OWN_HEADERS[i], field->data, n) == 0)
            return refuse(err, "a header that is the host's own, such as Host or Cookie");
    int result = expand_line(options, field->data, field->size, &line, err);
    struct curl_slist *longer = result == 0 ? curl_slist_append(r->headers, line) : NULL;
    if (longer)
        r->headers = longer;
    else if (result == 0)
        result = error_set(err, -ENOMEM, "no_memory", "no memory for a request");
    if (line)
        sodium_memzero(line, strlen(line));
    free(line);
    return result;
}

static int read_body(const struct options *options, const struct parcel_field *field, struct request *r,
                     struct error *err)
{
    if (field->size > BODY_BYTES)
        return refuse(err, "a body of over 128 KiB");
    r->has_body = true;
    r->n_asked = field->size;
    r->asked = malloc(field->size + 1);
    if (!r->asked)
        return error_set(err, -ENOMEM, "no_memory", "no memory for a request");
    memcpy(r->asked, field->data, field->size);
    return secret_expand(options->secrets, field->data, field->size, &r->body, err);
}

/* The value of a `path` option: its folder is one that the options name. */
static int read_ca_file(const struct options *options, const struct parcel_field *field, struct request *r,
                        struct error *err)
{
    char folder[PATH_MAX];
    if (field->size >= sizeof(folder) || memchr(field->data, '\0', field->size))
        return refuse(err, "a ca_file that is no path");
    memcpy(folder, field->data, field->size);
    folder[field->size] = '\0';
    r->ca_file = strdup(folder);
    const char *parent = dirname(folder);
    size_t i;
    json_t *path;
    json_array_foreach(options->paths, i, path)
    {
        if (r->ca_file && strcmp(json_string_value(path), parent) == 0)
            return 0;
    }
    return refuse(err, "a ca_file that no path option names");
}

/* Path and query, behind the server's name. */
static char *copy_target(const char *url, size_t size)
{
    const char *colon = memmem(url, size, "://", 3);
    size_t from = colon ? (size_t)(colon - url) + 3 : 0;
    while (from < size && !strchr("/?#", url[from]))
        from++;
    size_t n = 0;
    while (from + n < size && url[from + n] != '#')
        n++;
    return strndup(url + from, n);
}

static int64_t bounded(int64_t given, int64_t preset, int64_t most)
{
    return given <= 0 ? preset : given > most ? most : given;
}

static int read_field(const struct options *options, struct origins *origins,
                      const struct parcel_field *field, struct request *r, struct error *err)
{
    switch (field->tag) {
    case PARCEL_METHOD:
        return read_method(field, r, err);
    case PARCEL_URL:
        if (r->url)
            return refuse(err, "two URLs");
        r->origin = origins_find(origins, field->data, field->size, &r->url, err);
        r->target = copy_target(field->data, field->size);
        return r->origin && r->target ? 0 : -EINVAL;
    case PARCEL_HEADER:
        return read_header(options, field, r, err);
    case PARCEL_BODY:
        return r->has_body ? refuse(err, "two bodies") : read_body(options, field, r, err);
    case PARCEL_USER:
        return r->user ? refuse(err, "two users")
                       : expand_line(options, field->data, field->size, &r->user, err);
    case PARCEL_PASSWORD:
        return r->password ? refuse(err, "two passwords")
                           : expand_line(options, field->data, field->size, &r->password, err);
    case PARCEL_CA_FILE:
        return r->ca_file ? refuse(err, "two ca_files") : read_ca_file(options, field, r, err);
    case PARCEL_PER_MINUTE:
        r->per_minute = parcel_number(field);
        return 0;
    case PARCEL_TIMEOUT_MS:
        r->timeout_ms = parcel_number(field);
        return 0;
    case PARCEL_BODY_BYTES:
        r->body_bytes = parcel_number(field);
        return 0;
    default:
        return 0;
    }
}

int request_read(const void *parcel, size_t size, const struct options *options, struct origins *origins,
                 struct request *ret, struct error *err)
{
    struct parcel p = {parcel, (const uint8_t *)parcel + size};
    struct parcel_field field;
    int r = 0;
    *ret = (struct request){0};
    buffer_init(&ret->body, BODY_BYTES + SECRET_BYTES);
    while (r == 0 && parcel_next(&p, &field))
        r = read_field(options, origins, &field, ret, err);
    if (r == 0 && (!ret->url || !ret->method))
        r = refuse(err, "a request without method or URL");
    if (r == 0 && ret->has_body != (strcmp(ret->method, "POST") == 0))
        r = refuse(err, "a GET with a body, or a POST without");
    ret->per_minute = bounded(ret->per_minute, RATE_PRESET, RATE_MOST);
    ret->timeout_ms = bounded(ret->timeout_ms, TIMEOUT_PRESET, TIMEOUT_MOST);
    ret->body_bytes = bounded(ret->body_bytes, ANSWER_PRESET, ANSWER_MOST);
    if (r < 0)
        request_fini(ret);
    return r;
}
