#include "plugins/host/http/response.h"

#include "plugins/host/parcel.h"
#include "proto/tendon_plugin.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS 86400000

void response_init(struct response *r, size_t body_bytes)
{
    r->status = 0;
    buffer_init(&r->headers, RESPONSE_HEADER_BYTES);
    buffer_init(&r->body, body_bytes);
}

void response_fini(struct response *r)
{
    buffer_fini(&r->headers);
    buffer_fini(&r->body);
}

void response_clear(struct response *r)
{
    r->status = 0;
    buffer_clear(&r->headers);
    buffer_clear(&r->body);
}

static bool is_dropped(const char *name, size_t size)
{
    static const char *const NAMES[] = {"set-cookie",       "set-cookie2", "connection",
                                        "content-encoding", "keep-alive",  "transfer-encoding",
                                        "content-length"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++)
        if (strlen(NAMES[i]) == size && memcmp(NAMES[i], name, size) == 0)
            return true;
    return false;
}

void response_header(struct response *r, const char *line, size_t size)
{
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        buffer_clear(&r->headers);
        return;
    }
    while (size && (line[size - 1] == '\n' || line[size - 1] == '\r' || line[size - 1] == ' '))
        size--;
    const char *colon = memchr(line, ':', size);
    char name[64];
    size_t n = colon ? (size_t)(colon - line) : 0;
    if (n == 0 || n >= sizeof(name))
        return;
    for (size_t i = 0; i < n; i++)
        name[i] = (char)tolower((unsigned char)line[i]);
    const char *value = colon + 1, *end = line + size;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    /* One that does not fit is left out: the plugin looks for those it knows. */
    if (is_dropped(name, n) || memchr(value, '\0', (size_t)(end - value)) ||
        n + (size_t)(end - value) + 3 > r->headers.maximum - r->headers.size)
        return;
    buffer_append(&r->headers, name, n);
    buffer_append(&r->headers, ": ", 2);
    buffer_append(&r->headers, value, (size_t)(end - value));
    buffer_append(&r->headers, "\n", 1);
}

/* Retry-After is seconds or a date. */
static int64_t retry_ms(const char *value, size_t size)
{
    char text[64];
    if (size == 0 || size >= sizeof(text))
        return 0;
    memcpy(text, value, size);
    text[size] = '\0';
    int64_t ms = 0;
    if (strspn(text, "0123456789") == size) {
        for (const char *p = text; *p && ms <= DAY_MS; p++)
            ms = ms * 10 + (*p - '0') * 1000;
    } else {
        time_t at = curl_getdate(text, NULL);
        ms = at < 0 ? 0 : ((int64_t)at - (int64_t)time(NULL)) * 1000;
    }
    return ms < 0 ? 0 : ms > DAY_MS ? DAY_MS : ms;
}

static const char *status_name(long status)
{
    static const struct {
        long status;
        const char *name;
    } NAMES[] = {
        {400, "bad request"},       {401, "unauthorized"},      {403, "forbidden"},
        {404, "not found"},         {408, "timed out"},         {410, "gone"},
        {413, "too large"},         {422, "not understood"},    {425, "too early"},
        {429, "too many requests"}, {500, "server error"},      {502, "bad gateway"},
        {503, "unavailable"},       {504, "gateway timed out"},
    };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++)
        if (NAMES[i].status == status)
            return NAMES[i].name;
    return status >= 300 && status < 400 ? "moved elsewhere" : status >= 500 ? "server error" : "refused";
}

static int status_result(long status)
{
    if (status >= 200 && status < 300)
        return TENDON_OK;
    if (status == 304)
        return TENDON_IDLE;
    if (status == 401 || status == 403)
        return TENDON_E_AUTH;
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return TENDON_E_TEMPORARY;
    return TENDON_INVALID;
}

/* The address in angle brackets of the link that is the next page: <…>; rel="next". A copy, or NULL. */
static char *find_next(const char *link)
{
    for (const char *at = link; (at = strchr(at, '<'));) {
        const char *end = strchr(at, '>');
        if (!end)
            return NULL;
        /* The parameters of this link: up to the comma in front of the next one. */
        const char *stop = strchr(end, ',');
        while (stop && stop[1 + strspn(stop + 1, " \t")] != '<')
            stop = strchr(stop + 1, ',');
        size_t n = stop ? (size_t)(stop - end) : strlen(end);
        const char *rel = memmem(end, n, "rel=", 4);
        if (rel) {
            rel += 4 + (rel[4] == '"');
            if (strncmp(rel, "next", 4) == 0 && strchr("\" ;,", rel[4]))
                return strndup(at + 1, (size_t)(end - at - 1));
        }
        at = end;
    }
    return NULL;
}

/* As a whole URL, whatever it was relative to. */
static void put_next(const char *header, size_t size, CURLU *url, struct buffer *answer)
{
    char *link = strndup(header, size), *next = link ? find_next(link) : NULL, *whole = NULL;
    CURLU *copy = next && url ? curl_url_dup(url) : NULL;
    if (copy && curl_url_set(copy, CURLUPART_URL, next, 0) == CURLUE_OK &&
        curl_url_get(copy, CURLUPART_URL, &whole, 0) == CURLUE_OK)
        parcel_put_text(answer, PARCEL_NEXT, whole);
    curl_free(whole);
    curl_url_cleanup(copy);
    free(next);
    free(link);
}

int64_t response_pack(const struct response *r, CURLU *url, const char *origin, const char *method,
                      struct buffer *answer)
{
    int result = status_result(r->status);
    int64_t wait_ms = 0;
    buffer_clear(answer);
    parcel_put_number(answer, PARCEL_RESULT, result);
    if (result != TENDON_OK && result != TENDON_IDLE) {
        char text[TENDON_ERROR_BYTES];
        (void)snprintf(text, sizeof(text), "%s answered %ld (%s) to a %s", origin, r->status,
                       status_name(r->status), method);
        parcel_put_text(answer, PARCEL_ERROR, text);
    }
    parcel_put_number(answer, PARCEL_STATUS, r->status);
    const char *at = (const char *)r->headers.data, *end = at + r->headers.size;
    while (at && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            break;
        if (stop - at > 13 && memcmp(at, "retry-after: ", 13) == 0)
            wait_ms = retry_ms(at + 13, (size_t)(stop - at - 13));
        if (stop - at > 6 && memcmp(at, "link: ", 6) == 0)
            put_next(at + 6, (size_t)(stop - at - 6), url, answer);
        parcel_put(answer, PARCEL_HEADER, at, (size_t)(stop - at));
        at = stop + 1;
    }
    parcel_put_number(answer, PARCEL_RETRY_MS, wait_ms);
    /* The last field: the plugin's process puts a NUL behind it. */
    parcel_put(answer, PARCEL_BODY, r->body.data, r->body.size);
    return result == TENDON_E_TEMPORARY ? wait_ms : 0;
}

void response_fail(struct buffer *answer, int result, const char *text)
{
    buffer_clear(answer);
    parcel_put_number(answer, PARCEL_RESULT, result);
    parcel_put_text(answer, PARCEL_ERROR, text);
}
