#include "plugins/host/http/client.h"

#include "plugins/host/ask.h"
#include "plugins/host/pipe.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_BYTES    16384
#define HEADERS_MAX  64
#define ASK_BYTES    PIPE_TEXT_BYTES
#define ANSWER_BYTES (128 * 1024) /* of an answer's headers as kept here */

/* As of ABI 1.0: a plugin says at least this. */
#define OPTIONS_1_0 (offsetof(struct tendon_http_options, body_bytes) + sizeof(uint64_t))
#define REQUEST_1_0 (offsetof(struct tendon_http_request, size) + sizeof(size_t))

struct tendon_http {
    const struct ask *ask;
    char *held; /* the answer that was given last: the body lies in it */
    char *base;
    struct buffer fixed;      /* the part of a parcel that is the same every time */
    struct buffer parameters; /* name=value&… of the next request */
    struct buffer parcel;
    struct buffer headers; /* of the answer: "name\0value\0…" */
    struct buffer next;
    struct tendon_http_answer answer;
};

static int say(char *err, int result, const char *text)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s", text);
    return result;
}

static bool put_headers(struct buffer *parcel, const char *const *headers)
{
    for (size_t i = 0; headers && headers[i]; i++) {
        if (i == HEADERS_MAX)
            return false;
        parcel_put_text(parcel, PARCEL_HEADER, headers[i]);
    }
    return true;
}

static void http_close(struct tendon_http *http)
{
    if (!http)
        return;
    free(http->base);
    free(http->held);
    buffer_fini(&http->fixed);
    buffer_fini(&http->parameters);
    buffer_fini(&http->parcel);
    buffer_fini(&http->headers);
    buffer_fini(&http->next);
    free(http);
}

static int http_open(const struct tendon_host *host, const struct tendon_http_options *options,
                     struct tendon_http **ret, char *err)
{
    struct tendon_http_options o = {0};
    *ret = NULL;
    if (options->struct_size < OPTIONS_1_0)
        return say(err, TENDON_E_CONFIG, "http/1: the options do not say their size");
    memcpy(&o, options, options->struct_size < sizeof(o) ? options->struct_size : sizeof(o));
    if (!o.base || strlen(o.base) > URL_BYTES)
        return say(err, TENDON_E_CONFIG, "http/1: there is no base, the value of a url option");
    struct tendon_http *http = calloc(1, sizeof(*http));
    if (!http)
        return say(err, TENDON_E_TEMPORARY, "no memory for an HTTP client");
    http->ask = ask_of(host);
    buffer_init(&http->fixed, ASK_BYTES);
    buffer_init(&http->parameters, URL_BYTES);
    buffer_init(&http->parcel, ASK_BYTES);
    buffer_init(&http->headers, ANSWER_BYTES);
    buffer_init(&http->next, URL_BYTES);
    http->base = strdup(o.base);
    parcel_put_number(&http->fixed, PARCEL_SERVICE, PARCEL_HTTP);
    parcel_put_number(&http->fixed, PARCEL_PER_MINUTE, o.per_minute);
    parcel_put_number(&http->fixed, PARCEL_TIMEOUT_MS, o.timeout_ms);
    parcel_put_number(&http->fixed, PARCEL_BODY_BYTES, (int64_t)(o.body_bytes & INT64_MAX));
    parcel_put_text(&http->fixed, PARCEL_USER, o.user);
    parcel_put_text(&http->fixed, PARCEL_PASSWORD, o.password);
    parcel_put_text(&http->fixed, PARCEL_CA_FILE, o.ca_file);
    bool is_good = put_headers(&http->fixed, o.headers);
    if (!http->base || !is_good || buffer_failed(&http->fixed)) {
        http_close(http);
        return say(err, TENDON_E_CONFIG, "http/1: the options are too large");
    }
    *ret = http;
    return TENDON_OK;
}

/* What need not be encoded in a query. */
static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

static void put_encoded(struct buffer *b, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (is_plain(*p))
            buffer_append(b, p, 1);
        else
            buffer_printf(b, "%%%02X", *p);
}

static void http_parameter(struct tendon_http *http, const char *name, const char *value)
{
    if (!name || !value)
        return;
    if (http->parameters.size)
        buffer_append(&http->parameters, "&", 1);
    put_encoded(&http->parameters, name);
    buffer_append(&http->parameters, "=", 1);
    put_encoded(&http->parameters, value);
}

/* Behind the base, with one slash between, or the URL itself; and the parameters behind that. */
static void put_url(struct tendon_http *http, const char *path)
{
    char url[URL_BYTES];
    bool is_whole = path && (strncasecmp(path, "http://", 7) == 0 || strncasecmp(path, "https://", 8) == 0);
    size_t n_base = strlen(http->base);
    while (n_base && http->base[n_base - 1] == '/')
        n_base--;
    const char *rest = path ? path : "";
    const char *slash = is_whole || *rest == '/' || *rest == '\0' || *rest == '?' ? "" : "/";
    const char *mark = http->parameters.size == 0 ? "" : strchr(rest, '?') ? "&" : "?";
    int n = snprintf(url, sizeof(url), "%.*s%s%s%s%.*s", is_whole ? 0 : (int)n_base, http->base, slash, rest,
                     mark, (int)http->parameters.size,
                     http->parameters.data ? (const char *)http->parameters.data : "");
    if (n < 0 || (size_t)n >= sizeof(url) || buffer_failed(&http->parameters))
        http->parcel.failed = true;
    else
        parcel_put(&http->parcel, PARCEL_URL, url, (size_t)n);
    buffer_clear(&http->parameters);
}

static const char *find_header(const struct tendon_http *http, const char *name)
{
    const char *at = (const char *)http->headers.data, *end = at + http->headers.size;
    while (at && at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

/* Takes the answer apart. False when there is none in it. */
static bool take_answer(struct tendon_http *http, const char *data, size_t size)
{
    struct parcel p = {(const uint8_t *)data, (const uint8_t *)data + size};
    struct parcel_field field;
    bool has_status = false;
    http->answer = (struct tendon_http_answer){.struct_size = sizeof(http->answer), .body = ""};
    buffer_clear(&http->headers);
    buffer_clear(&http->next);
    while (parcel_next(&p, &field)) {
        if (field.tag == PARCEL_STATUS) {
            http->answer.status = (int32_t)parcel_number(&field);
            has_status = true;
        } else if (field.tag == PARCEL_RETRY_MS) {
            http->answer.retry_after_ms = parcel_number(&field);
        } else if (field.tag == PARCEL_NEXT) {
            buffer_append(&http->next, field.data, field.size);
            buffer_append(&http->next, "", 1);
        } else if (field.tag == PARCEL_BODY) {
            /* The last field: a NUL stands behind it. */
            http->answer.body = field.data;
            http->answer.size = field.size;
        } else if (field.tag == PARCEL_HEADER) {
            const char *colon = memchr(field.data, ':', field.size);
            if (!colon)
                continue;
            buffer_append(&http->headers, field.data, (size_t)(colon - field.data));
            buffer_append(&http->headers, "", 1);
            const char *value = colon + 1 + (colon + 1 < field.data + field.size && colon[1] == ' ');
            buffer_append(&http->headers, value, (size_t)(field.data + field.size - value));
            buffer_append(&http->headers, "", 1);
        }
    }
    /* Headers that do not fit are left out as a whole: a name without its value would be worse. */
    if (buffer_failed(&http->headers))
        buffer_clear(&http->headers);
    if (http->next.size && !buffer_failed(&http->next))
        http->answer.next = (const char *)http->next.data;
    return has_status;
}

static int http_send(struct tendon_http *http, const struct tendon_http_request *request,
                     const struct tendon_http_answer **ret, char *err)
{
    struct tendon_http_request r = {0};
    size_t size;
    *ret = NULL;
    if (request->struct_size < REQUEST_1_0)
        return say(err, TENDON_E_CONFIG, "http/1: the request does not say its size");
    memcpy(&r, request, request->struct_size < sizeof(r) ? request->struct_size : sizeof(r));
    buffer_clear(&http->parcel);
    buffer_append(&http->parcel, http->fixed.data, http->fixed.size);
    parcel_put_text(&http->parcel, PARCEL_METHOD, r.method ? r.method : r.body ? "POST" : "GET");
    put_url(http, r.path);
    bool is_good = put_headers(&http->parcel, r.headers);
    if (r.body)
        parcel_put(&http->parcel, PARCEL_BODY, r.body, r.size == TENDON_TEXT ? strlen(r.body) : r.size);
    if (!is_good || buffer_failed(&http->parcel))
        return say(err, TENDON_E_CONFIG, "http/1: the request is too large");
    free(http->held);
    http->held = NULL;
    int result = http->ask->send(http->ask->ctx, &http->parcel, &http->held, &size, err);
    if (result != TENDON_OK)
        return result;
    if (take_answer(http, http->held, size))
        *ret = &http->answer;
    return ask_result(http->held, size, err);
}

static const char *http_header(const struct tendon_http *http, const char *name)
{
    return name ? find_header(http, name) : NULL;
}

const struct tendon_http_1 *http_service(void)
{
    static const struct tendon_http_1 service = {
        .struct_size = sizeof(service),
        .open = http_open,
        .parameter = http_parameter,
        .send = http_send,
        .header = http_header,
        .close = http_close,
    };
    return &service;
}
