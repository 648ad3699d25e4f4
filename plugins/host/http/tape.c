#include "plugins/host/http/tape.h"

#include "core/base/instant.h"
#include "plugins/host/parcel.h"
#include "plugins/host/secret.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAPE_BYTES (256 * 1024 * 1024)

struct tape {
    FILE *out;         /* recording */
    json_t *exchanges; /* playing back: array */
    json_t *pushes;
    bool *is_used;
    size_t n_pushed;
    int64_t now_ms;
    bool may_reuse;
    enum tape_fault fault;
    unsigned one_in;
    unsigned seed; /* of rand_r */
};

int tape_record(const char *path, struct tape **ret, struct error *err)
{
    struct tape *t = calloc(1, sizeof(*t));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (t && fd >= 0)
        t->out = fdopen(fd, "w");
    if (!t || !t->out || fprintf(t->out, "{\"now\": %lld}\n", (long long)instant_now()) < 0) {
        if (fd >= 0 && (!t || !t->out))
            (void)close(fd);
        tape_free(t);
        return error_set(err, -EIO, "tape", "cannot write %s: %s", path, strerror(errno));
    }
    *ret = t;
    return 0;
}

static int read_line(struct tape *t, json_t *line)
{
    json_t *push = json_object_get(line, "push");
    if (json_is_integer(json_object_get(line, "now")))
        t->now_ms = json_integer_value(json_object_get(line, "now"));
    else if (json_is_object(push))
        return json_array_append(t->pushes, push);
    else if (json_is_string(json_object_get(line, "method")) &&
             json_is_string(json_object_get(line, "target")) &&
             json_is_integer(json_object_get(line, "status")))
        return json_array_append(t->exchanges, line);
    else
        return -1;
    return 0;
}

int tape_replay(const char *path, struct tape **ret, struct error *err)
{
    struct tape *t = calloc(1, sizeof(*t));
    FILE *in = fopen(path, "re");
    if (!t || !in) {
        free(t);
        if (in)
            (void)fclose(in);
        return error_set(err, -EIO, "tape", "cannot read %s: %s", path, strerror(errno));
    }
    t->exchanges = json_array();
    t->pushes = json_array();
    char *text = NULL;
    size_t room = 0, total = 0;
    unsigned n = 0;
    ssize_t size;
    int r = 0;
    while (r == 0 && (size = getline(&text, &room, in)) >= 0) {
        json_error_t why;
        n++;
        total += (size_t)size;
        if (strspn(text, " \t\r\n") == (size_t)size)
            continue;
        json_t *line = json_loadb(text, (size_t)size, JSON_ALLOW_NUL, &why);
        if (!line || read_line(t, line) < 0 || total > TAPE_BYTES)
            r = error_set(err, -EINVAL, "tape", "%s:%u is no exchange, no push and no {\"now\": …}", path, n);
        json_decref(line);
    }
    free(text);
    (void)fclose(in);
    t->is_used = calloc(json_array_size(t->exchanges) + 1, sizeof(*t->is_used));
    if (r == 0 && !t->is_used)
        r = error_set(err, -ENOMEM, "no_memory", "no memory for %s", path);
    if (r < 0) {
        tape_free(t);
        return r;
    }
    *ret = t;
    return 0;
}

void tape_free(struct tape *t)
{
    if (!t)
        return;
    if (t->out)
        (void)fclose(t->out);
    json_decref(t->exchanges);
    json_decref(t->pushes);
    free(t->is_used);
    free(t);
}

bool tape_is_replay(const struct tape *t)
{
    return t->exchanges != NULL;
}

int64_t tape_now_ms(const struct tape *t)
{
    return t->now_ms;
}

void tape_rewind(struct tape *t)
{
    memset(t->is_used, 0, json_array_size(t->exchanges) * sizeof(*t->is_used));
    t->n_pushed = 0;
}

/* --- recording ------------------------------------------------------------------------------------------ */

/* Text as itself, with secrets masked; what is no UTF-8 in base64. */
static json_t *text_of(const json_t *secrets, const char *text, size_t size)
{
    struct buffer masked;
    buffer_init(&masked, 2 * size + SECRET_BYTES);
    json_t *json = NULL;
    if (secret_mask(secrets, text, size, &masked) == 0) {
        json = json_stringn(masked.data ? (const char *)masked.data : "", masked.size);
        size_t room = sodium_base64_encoded_len(masked.size, sodium_base64_VARIANT_ORIGINAL);
        char *encoded = json ? NULL : malloc(room);
        if (encoded)
            json = json_pack(
                "{s:s}", "base64",
                sodium_bin2base64(encoded, room, masked.data, masked.size, sodium_base64_VARIANT_ORIGINAL));
        free(encoded);
    }
    buffer_fini(&masked);
    return json;
}

static json_t *headers_of(const json_t *secrets, const struct buffer *headers)
{
    json_t *json = json_object();
    const char *at = (const char *)headers->data, *end = at + headers->size;
    while (at && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *colon = stop ? memchr(at, ':', (size_t)(stop - at)) : NULL;
        if (!colon)
            break;
        char name[64] = "";
        memcpy(name, at, (size_t)(colon - at) < sizeof(name) - 1 ? (size_t)(colon - at) : sizeof(name) - 1);
        (void)json_object_set_new(json, name, text_of(secrets, colon + 2, (size_t)(stop - colon - 2)));
        at = stop + 1;
    }
    return json;
}

int tape_add(struct tape *t, const json_t *secrets, const struct tape_request *request,
             const struct response *response, struct error *err)
{
    json_t *line = json_pack(
        "{s:s,s:o,s:I,s:o,s:o}", "method", request->method, "target",
        text_of(secrets, request->target, strlen(request->target)), "status", (json_int_t)response->status,
        "headers", headers_of(secrets, &response->headers), "answer",
        text_of(secrets, response->body.data ? (const char *)response->body.data : "", response->body.size));
    if (line && request->body)
        (void)json_object_set_new(line, "body", text_of(secrets, request->body, request->size));
    bool is_written = line && json_dumpf(line, t->out, JSON_COMPACT) == 0 && fputc('\n', t->out) != EOF &&
                      fflush(t->out) == 0;
    json_decref(line);
    return is_written ? 0 : error_set(err, -EIO, "tape", "cannot write the record of the exchanges");
}

int tape_add_push(struct tape *t, const json_t *secrets, const struct tape_request *request,
                  const struct buffer *headers, struct error *err)
{
    size_t n = strcspn(request->target, "?");
    const char *query = request->target[n] ? request->target + n + 1 : "";
    json_t *push = json_pack(
        "{s:s,s:o,s:o,s:o}", "method", request->method, "path", text_of(secrets, request->target, n), "query",
        text_of(secrets, query, strlen(query)), "body", text_of(secrets, request->body, request->size));
    json_t *named = json_object();
    struct parcel p = {headers->data, headers->data + headers->size};
    struct parcel_field field;
    while (headers->data && parcel_next(&p, &field)) {
        const char *colon = memchr(field.data, ':', field.size);
        char *name = colon ? strndup(field.data, (size_t)(colon - field.data)) : NULL;
        if (name && field.data + field.size - colon >= 2)
            (void)json_object_set_new(
                named, name, text_of(secrets, colon + 2, (size_t)(field.data + field.size - colon - 2)));
        free(name);
    }
    (void)json_object_set_new(push, "headers", named);
    json_t *line = push ? json_pack("{s:o}", "push", push) : NULL;
    bool is_written = line && json_dumpf(line, t->out, JSON_COMPACT) == 0 && fputc('\n', t->out) != EOF &&
                      fflush(t->out) == 0;
    json_decref(line);
    return is_written ? 0 : error_set(err, -EIO, "tape", "cannot write the record of the requests");
}

/* --- playing back --------------------------------------------------------------------------------------- */

static bool is_text(const json_t *json, const char *text, size_t size)
{
    if (!json)
        return text == NULL;
    return text && json_string_length(json) == size && memcmp(json_string_value(json), text, size) == 0;
}

static void append_text(const json_t *json, struct buffer *b)
{
    const char *encoded = json_string_value(json_object_get(json, "base64"));
    if (json_is_string(json)) {
        buffer_append(b, json_string_value(json), json_string_length(json));
    } else if (encoded) {
        size_t n = strlen(encoded), got = 0;
        uint8_t *room = buffer_extend(b, n);
        if (room &&
            sodium_base642bin(room, n, encoded, n, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
            b->size -= n - got;
        else if (room)
            b->size -= n;
    } else if (json) {
        /* Written by hand: JSON as itself. */
        char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text)
            buffer_append_string(b, text);
        free(text);
    }
}

void tape_set_reuse(struct tape *t)
{
    t->may_reuse = true;
}

void tape_set_faults(struct tape *t, enum tape_fault fault, unsigned one_in, unsigned seed)
{
    t->fault = fault;
    t->one_in = one_in;
    t->seed = seed;
}

size_t tape_n_exchanges_of(const char *path)
{
    struct tape *t;
    if (tape_replay(path, &t, NULL) < 0)
        return 0;
    size_t n = json_array_size(t->exchanges);
    tape_free(t);
    return n;
}

static int spoil(struct tape *t, struct response *r)
{
    static const long STATUS[] = {
        [TAPE_FAULT_UNAVAILABLE] = 503, [TAPE_FAULT_TOO_MANY] = 429, [TAPE_FAULT_BROKEN] = 500,
        [TAPE_FAULT_EMPTY] = 200,       [TAPE_FAULT_CUT] = 200,      [TAPE_FAULT_GARBAGE] = 200,
        [TAPE_FAULT_OTHER] = 200,       [TAPE_FAULT_GONE] = 404};
    size_t size = r->body.size;
    if (t->fault == TAPE_FAULT_NONE_CAME)
        return -EIO;
    r->status = STATUS[t->fault];
    if (t->fault == TAPE_FAULT_TOO_MANY)
        response_header(r, "Retry-After: 1", 14);
    if (t->fault == TAPE_FAULT_CUT) {
        r->body.size = size / 2;
        return 0;
    }
    buffer_clear(&r->headers);
    buffer_clear(&r->body);
    if (t->fault == TAPE_FAULT_GARBAGE || t->fault == TAPE_FAULT_BROKEN)
        buffer_append_string(&r->body, "<html><body>It works!</body></html>\n");
    if (t->fault == TAPE_FAULT_OTHER)
        buffer_append_string(&r->body, "{\"data\": [1, null, {\"id\": {}}, []], \"next\": 7}");
    return 0;
}

/* The first exchange for a request that was not used, else the last one that may be used again, else n. */
static size_t find_exchange(const struct tape *t, const struct tape_request *request)
{
    size_t i, found = json_array_size(t->exchanges);
    json_t *line;
    json_array_foreach(t->exchanges, i, line)
    {
        const char *method = json_string_value(json_object_get(line, "method"));
        if ((t->is_used[i] && !t->may_reuse) || strcmp(method, request->method) != 0 ||
            !is_text(json_object_get(line, "target"), request->target, strlen(request->target)) ||
            !is_text(json_object_get(line, "body"), request->body, request->size))
            continue;
        found = i;
        if (!t->is_used[i])
            break;
    }
    return found;
}

int tape_find(struct tape *t, const struct tape_request *request, struct response *ret)
{
    size_t i = find_exchange(t, request);
    json_t *line = json_array_get(t->exchanges, i);
    if (line) {
        bool is_spoilt = t->fault && (unsigned)rand_r(&t->seed) / 7 % t->one_in == 0;
        t->is_used[i] = !is_spoilt;
        response_clear(ret);
        ret->status = (long)json_integer_value(json_object_get(line, "status"));
        const char *name;
        json_t *value;
        json_object_foreach(json_object_get(line, "headers"), name, value)
        {
            char header[4096];
            int n = snprintf(header, sizeof(header), "%s: %s", name, json_string_value(value));
            if (json_is_string(value) && n > 0 && (size_t)n < sizeof(header))
                response_header(ret, header, (size_t)n);
        }
        append_text(json_object_get(line, "answer"), &ret->body);
        return is_spoilt ? spoil(t, ret) : 0;
    }
    return -ENOENT;
}

const json_t *tape_push(struct tape *t)
{
    return json_array_get(t->pushes, t->n_pushed++);
}
