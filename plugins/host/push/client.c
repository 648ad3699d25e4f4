#include "plugins/host/push/client.h"

#include "plugins/host/ask.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ASK_BYTES  16384
#define TEXT_BYTES (128 * 1024) /* of a request's line and headers */

/* As of ABI 1.0: a plugin says at least this. */
#define OPTIONS_1_0 (offsetof(struct tendon_push_options, body_bytes) + sizeof(uint64_t))

struct tendon_push {
    const struct ask *ask;
    char *held;          /* the answer that was given last: the body lies in it */
    struct buffer fixed; /* the part of a parcel that is the same every time */
    struct buffer parcel;
    size_t n_line;       /* of texts: what stands before the headers */
    struct buffer texts; /* of the request: "name\0value\0…" */
    struct tendon_push_request request;
};

static int say(char *err, int result, const char *text)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s", text);
    return result;
}

static void push_close(struct tendon_push *push)
{
    if (!push)
        return;
    free(push->held);
    buffer_fini(&push->fixed);
    buffer_fini(&push->parcel);
    buffer_fini(&push->texts);
    free(push);
}

static int push_open(const struct tendon_host *host, const struct tendon_push_options *options,
                     struct tendon_push **ret, char *err)
{
    struct tendon_push_options o = {0};
    *ret = NULL;
    if (options->struct_size < OPTIONS_1_0)
        return say(err, TENDON_E_CONFIG, "push/1: the options do not say their size");
    memcpy(&o, options, options->struct_size < sizeof(o) ? options->struct_size : sizeof(o));
    if (!o.listen)
        return say(err, TENDON_E_CONFIG, "push/1: there is nowhere to listen, the value of a listen option");
    struct tendon_push *push = calloc(1, sizeof(*push));
    if (!push)
        return say(err, TENDON_E_TEMPORARY, "no memory to take requests");
    push->ask = ask_of(host);
    buffer_init(&push->fixed, ASK_BYTES);
    buffer_init(&push->parcel, 2 * ASK_BYTES);
    buffer_init(&push->texts, TEXT_BYTES);
    parcel_put_number(&push->fixed, PARCEL_QUEUE, o.queue);
    parcel_put_number(&push->fixed, PARCEL_BODY_BYTES, (int64_t)(o.body_bytes & INT64_MAX));
    parcel_put_text(&push->fixed, PARCEL_LISTEN, o.listen);
    parcel_put_text(&push->fixed, PARCEL_PATH, o.path);
    parcel_put_text(&push->fixed, PARCEL_SECRET, o.secret);
    parcel_put_text(&push->fixed, PARCEL_SIGNATURE, o.signature);
    parcel_put_text(&push->fixed, PARCEL_TIMESTAMP, o.timestamp);
    parcel_put_text(&push->fixed, PARCEL_BETWEEN, o.between);
    if (buffer_failed(&push->fixed)) {
        push_close(push);
        return say(err, TENDON_E_CONFIG, "push/1: the options are too large");
    }
    *ret = push;
    return TENDON_OK;
}

/* Where a text was put in texts: they may move until all are in. */
static size_t put_text(struct tendon_push *push, const char *data, size_t size)
{
    size_t at = push->texts.size;
    buffer_append(&push->texts, data, size);
    buffer_append(&push->texts, "", 1);
    return at;
}

static bool take_request(struct tendon_push *push, const char *data, size_t size)
{
    struct parcel p = {(const uint8_t *)data, (const uint8_t *)data + size};
    struct parcel_field field;
    size_t method = 0, path = 0, query = 0;
    buffer_clear(&push->texts);
    (void)put_text(push, "", 0); /* what is not there is empty */
    push->request = (struct tendon_push_request){.struct_size = sizeof(push->request), .body = ""};
    /* The line of the request, and behind it the headers, name and value. */
    while (parcel_next(&p, &field)) {
        if (field.tag == PARCEL_METHOD)
            method = put_text(push, field.data, field.size);
        else if (field.tag == PARCEL_PATH)
            path = put_text(push, field.data, field.size);
        else if (field.tag == PARCEL_QUERY)
            query = put_text(push, field.data, field.size);
        else if (field.tag == PARCEL_BODY) {
            push->request.body = field.data;
            push->request.size = field.size;
        }
    }
    push->n_line = push->texts.size;
    p.at = (const uint8_t *)data;
    while (parcel_next(&p, &field)) {
        const char *colon = field.tag == PARCEL_HEADER ? memchr(field.data, ':', field.size) : NULL;
        if (!colon || field.data + field.size - colon < 2)
            continue;
        (void)put_text(push, field.data, (size_t)(colon - field.data));
        (void)put_text(push, colon + 2, (size_t)(field.data + field.size - colon - 2));
    }
    if (buffer_failed(&push->texts))
        return false;
    const char *texts = (const char *)push->texts.data;
    push->request.method = texts + method;
    push->request.path = texts + path;
    push->request.query = texts + query;
    return true;
}

static int push_next(struct tendon_push *push, uint32_t timeout_ms, const struct tendon_push_request **ret,
                     char *err)
{
    size_t size;
    *ret = NULL;
    buffer_clear(&push->parcel);
    parcel_put_number(&push->parcel, PARCEL_SERVICE, PARCEL_PUSH_NEXT);
    parcel_put_number(&push->parcel, PARCEL_TIMEOUT_MS, timeout_ms);
    buffer_append(&push->parcel, push->fixed.data, push->fixed.size);
    free(push->held);
    push->held = NULL;
    int result = push->ask->send(push->ask->ctx, &push->parcel, &push->held, &size, err);
    if (result == TENDON_OK)
        result = ask_result(push->held, size, err);
    if (result != TENDON_OK)
        return result;
    if (!take_request(push, push->held, size))
        return say(err, TENDON_E_TEMPORARY, "no memory for a request");
    *ret = &push->request;
    return TENDON_OK;
}

static const char *push_header(const struct tendon_push *push, const char *name)
{
    const char *at = (const char *)push->texts.data + push->n_line;
    const char *end = (const char *)push->texts.data + push->texts.size;
    while (name && push->texts.data && at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

static void push_refuse(struct tendon_push *push, uint32_t status)
{
    char err[TENDON_ERROR_BYTES], *answer = NULL;
    size_t size;
    buffer_clear(&push->parcel);
    parcel_put_number(&push->parcel, PARCEL_SERVICE, PARCEL_PUSH_REFUSE);
    parcel_put_number(&push->parcel, PARCEL_STATUS, status);
    (void)push->ask->send(push->ask->ctx, &push->parcel, &answer, &size, err);
    free(answer);
}

const struct tendon_push_1 *push_service(void)
{
    static const struct tendon_push_1 service = {
        .struct_size = sizeof(service),
        .open = push_open,
        .next = push_next,
        .header = push_header,
        .refuse = push_refuse,
        .close = push_close,
    };
    return &service;
}
