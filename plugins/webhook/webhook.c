/* webhook: events in Tendon's own form, as JSON, that others send in signed requests.
 *
 *     POST /events        X-Signature: HMAC-SHA-256 of the body
 *     {"type": "ticket.created", "id": "7781", "at": 1704708000000, "ticket": "INC0000045", "severity": 2}
 *
 * or a list of such. The host takes the requests (service push/1). Here each member becomes the field of its
 * name, by its JSON type; what a field may be is the collector's to judge. A request is answered as a whole,
 * by the poll that was given it: so all its events go into that poll, or none. There is no cursor: what was
 * not answered is sent again. */
#include <tendon_plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a request: events are at most 11/8 of their JSON ("k":1e0, is 8 bytes, and a key of 2 and a double of
 * 9), and 32 KiB of them fit whenever the batch is not full. */
#define BODY_BYTES (20 * 1024)

static const struct tendon_option OPTIONS[] = {
    {.name = "listen",
     .type = TENDON_LISTEN,
     .flags = TENDON_REQUIRED,
     .help = "Where requests come, behind a proxy that speaks TLS: a loopback address with a port, or unix: "
             "and a path."},
    {.name = "secret",
     .type = TENDON_SECRET,
     .flags = TENDON_REQUIRED,
     .help = "The file with the key of signatures."},
    {.name = "path",
     .type = TENDON_STRING,
     .low = 1,
     .high = 256,
     .fallback = "/events",
     .help = "The path of requests; all others are answered 404."},
    {.name = "signature",
     .type = TENDON_STRING,
     .low = 1,
     .high = 64,
     .fallback = "X-Signature",
     .help = "The header that holds the HMAC-SHA-256 of the body, in hex or base64, perhaps behind sha256=."},
    {.name = "queue",
     .type = TENDON_INT,
     .low = 1,
     .high = 4096,
     .fallback = "256",
     .help = "How many requests may wait; further ones are answered 503 with Retry-After."},
    {0},
};

struct webhook {
    const struct tendon_host *host;
    const struct tendon_push_1 *push;
    const struct tendon_json_1 *json;
    struct tendon_push *requests;
};

static int fail(char *err, int result, const char *why)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s", why);
    return result;
}

/* Checks the configuration; the host listens from the first poll on. */
static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct webhook *self = calloc(1, sizeof(*self));

    if (!self)
        return fail(err, TENDON_E_TEMPORARY, "no memory for the plugin");
    *ret = self;
    self->host = host;
    self->push = host->extension(host, TENDON_PUSH_1);
    self->json = host->extension(host, TENDON_JSON_1);
    if (!self->push || !self->json)
        return fail(err, TENDON_E_CONFIG, "this host lacks the services push/1 and json/1: take a newer one");

    const struct tendon_push_options options = {
        .struct_size = sizeof(options),
        .queue = (uint32_t)host->get_int(config, "queue", 0),
        .listen = host->get_string(config, "listen", 0),
        .path = host->get_string(config, "path", 0),
        .secret = host->get_string(config, "secret", 0),
        .signature = host->get_string(config, "signature", 0),
        .body_bytes = BODY_BYTES,
    };

    if (options.path[0] != '/' || strpbrk(options.path, "?# "))
        return fail(err, TENDON_E_CONFIG, "option path begins with / and has no ?, # or blank, as /events");
    if (options.signature[strspn(options.signature, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                    "0123456789-_")])
        return fail(err, TENDON_E_CONFIG,
                    "option signature is the name of a header, of letters, digits and -, as X-Signature");
    return self->push->open(host, &options, &self->requests, err);
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    (void)self;
    (void)cursor;
    (void)size;
    (void)err;
    return TENDON_OK;
}

/* --- from JSON to events ---------------------------------------------------------------------------------
 */

/* The members that the builder of an event takes itself. */
struct head {
    const char *type, *ticket, *id;
    int64_t at, seq;
};

/* NULL, or why there is no event in it: a code for skip. */
static const char *read_head(const struct tendon_json_1 *json, const struct tendon_json *event,
                             struct head *ret)
{
    static const char *const texts[] = {"type", "ticket", "id"};
    static const char *const numbers[] = {"at", "seq"};

    if (json->type(event) != 'o')
        return "wrong_type";
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int type = json->type(json->get(event, texts[i]));

        if (type && type != 's')
            return "wrong_type";
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int type = json->type(json->get(event, numbers[i]));

        if (type && type != 'i')
            return "wrong_type";
    }
    *ret = (struct head){
        .type = json->string(event, "type"),
        .ticket = json->string(event, "ticket"),
        .id = json->string(event, "id"),
        .seq = json->integer(event, "seq", 0),
        /* source.watermark may go without a time of its own. */
        .at = json->integer(event, json->type(json->get(event, "at")) ? "at" : "complete_until", INT64_MIN),
    };
    if (!ret->type || ret->at == INT64_MIN)
        return "missing_field";
    return ret->seq < 0 || ret->seq > UINT32_MAX ? "out_of_range" : NULL;
}

static bool is_of_head(const char *key)
{
    static const char *const keys[] = {"type", "ticket", "id", "at", "seq"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* A name as fields have it; others are no path of json->get either. */
static bool is_name(const char *key)
{
    return *key >= 'a' && *key <= 'z' && strlen(key) <= TENDON_ID_BYTES &&
           !key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

/* The fields beside the head. Whether each has a name and a value that an event can hold. */
static const char *check_fields(const struct tendon_json_1 *json, const struct tendon_json *event)
{
    for (const char *key = json->key(event, NULL); key; key = json->key(event, key)) {
        if (!is_name(key))
            return "unknown_field";
        if (strchr("ao", json->type(json->get(event, key))))
            return "wrong_type";
    }
    return NULL;
}

static void set_fields(const struct webhook *self, struct tendon_batch *batch,
                       const struct tendon_json *event)
{
    const struct tendon_host *host = self->host;
    const struct tendon_json_1 *json = self->json;

    for (const char *key = json->key(event, NULL); key; key = json->key(event, key)) {
        char room[TENDON_JSON_BYTES];

        if (is_of_head(key))
            continue;
        switch (json->type(json->get(event, key))) {
        case 's':
            host->set_string(batch, key, json->string(event, key), TENDON_TEXT);
            break;
        case 'i':
            host->set_int(batch, key, json->integer(event, key, 0));
            break;
        case 'r':
            host->set_double(batch, key, json->real(event, key, 0));
            break;
        case 'b':
            host->set_bool(batch, key, strcmp(json->text(event, key, room), "true") == 0);
            break;
        default:
            host->set_nil(batch, key);
        }
    }
}

/* TENDON_OK, TENDON_FULL, or TENDON_INVALID and the code for skip. */
static int add_event(const struct webhook *self, struct tendon_batch *batch, const struct tendon_json *event,
                     const char **ret_code)
{
    struct head head;
    int result;

    *ret_code = read_head(self->json, event, &head);
    if (!*ret_code)
        *ret_code = check_fields(self->json, event);
    if (*ret_code)
        return TENDON_INVALID;
    self->host->event(batch, head.type, head.ticket, head.id, head.at, (uint32_t)head.seq);
    set_fields(self, batch, event);
    result = self->host->end(batch);
    *ret_code = "too_long";
    return result;
}

/* The events of a request. TENDON_OK; TENDON_INVALID: there is none in it that could be read; TENDON_FULL. */
static int take_request(const struct webhook *self, struct tendon_batch *batch,
                        const struct tendon_push_request *request)
{
    const struct tendon_json_1 *json = self->json;
    struct tendon_json *body = NULL;
    char err[TENDON_ERROR_BYTES];
    int result = TENDON_OK;

    if (json->parse(self->host, request->body, request->size, &body, err) != TENDON_OK) {
        self->host->skip(batch, "bad_json", "body", 1);
        return TENDON_INVALID;
    }
    bool is_list = json->type(body) == 'a';
    uint32_t n = is_list ? json->count(body) : 1, n_bad = 0;

    for (uint32_t i = 0; i < n && result != TENDON_FULL; i++) {
        const char *code;

        result = add_event(self, batch, is_list ? json->at(body, i) : body, &code);
        if (result == TENDON_INVALID) {
            self->host->skip(batch, code, "event", i + 1ull);
            n_bad++;
        }
    }
    json->free(body);
    if (result == TENDON_FULL)
        return TENDON_FULL;
    return n > 0 && n_bad == n ? TENDON_INVALID : TENDON_OK;
}

/* Requests until there are none for a while, or the batch is full. */
static int poll(void *data, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct webhook *self = data;
    const struct tendon_push_request *request;
    int result = TENDON_OK;

    while (!self->host->full(batch)) {
        result = self->push->next(self->requests, timeout_ms, &request, err);
        if (result != TENDON_OK)
            break;
        int taken = take_request(self, batch, request);
        if (taken == TENDON_FULL) /* not on a host that keeps its word: all are told to come again */
            return fail(err, TENDON_E_TEMPORARY, "a request did not fit into a batch that was not full");
        if (taken == TENDON_INVALID)
            self->push->refuse(self->requests, 400);
        timeout_ms = 0; /* what waits comes along, and then the batch goes out */
    }
    /* The host need not wait before it polls again: next does. */
    return result == TENDON_IDLE ? TENDON_OK : result;
}

static void stop(void *self)
{
    (void)self;
}

static void destroy(void *data)
{
    struct webhook *self = data;

    if (self && self->push)
        self->push->close(self->requests);
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "webhook",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help = "Takes events in Tendon's own form that others send in signed requests.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
