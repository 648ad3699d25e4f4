/* template: takes the events of a ticket system that sends them, a request an event, as JSON:
 *
 *     POST /events        X-Signature: HMAC-SHA-256 of the body, in hex
 *     {"id": 42, "ticket": "T-100", "at": "2024-01-08T10:00:00Z", "event": "created", "value": null,
 *      "severity": 2, "site": "north"}
 *
 * The host takes the requests (service push/1): it checks the signature, holds them in a queue, and answers
 * each once the collector has what came of it. What is left for a plugin is to say what an event of the
 * source means: map_event. There is no cursor: what was not answered is sent again. */
#include <tendon_plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- options: what stands under `options:` in the collector's configuration ------------------------------
 */

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
    {.name = "zone",
     .type = TENDON_ZONE,
     .fallback = "UTC",
     .help = "Of times that do not say their offset."},
    {0},
};

struct taker {
    const struct tendon_host *host;
    const struct tendon_push_1 *push;
    const struct tendon_json_1 *json;
    const char *zone;
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
    struct taker *t = calloc(1, sizeof(*t));
    if (!t)
        return fail(err, TENDON_E_TEMPORARY, "no memory");
    *ret = t;
    t->host = host;
    t->push = host->extension(host, TENDON_PUSH_1);
    t->json = host->extension(host, TENDON_JSON_1);
    if (!t->push || !t->json)
        return fail(err, TENDON_E_CONFIG, "this host lacks the services push/1 and json/1");
    t->zone = host->get_string(config, "zone", 0);
    const struct tendon_push_options options = {
        .struct_size = sizeof(options),
        .listen = host->get_string(config, "listen", 0),
        .path = "/events",
        .secret = host->get_string(config, "secret", 0),
        .signature = "X-Signature",
    };
    return t->push->open(host, &options, &t->requests, err);
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    (void)self;
    (void)cursor;
    (void)size;
    (void)err;
    return TENDON_OK;
}

/* One event of the source, one of ours. False: there is nothing in it that could be used. */
static int map_event(struct taker *t, struct tendon_batch *batch, const struct tendon_json *source)
{
    const struct tendon_host *host = t->host;
    const struct tendon_json_1 *json = t->json;
    char room[TENDON_JSON_BYTES];
    const char *id = json->text(source, "id", room), *ticket = json->string(source, "ticket");
    const char *at = json->string(source, "at"), *event = json->string(source, "event");
    const char *value = json->string(source, "value"), *site = json->string(source, "site");
    int64_t severity = json->integer(source, "severity", 0), at_ms;
    if (!id || !ticket || !event || !at ||
        host->time_parse(host, NULL, t->zone, at, TENDON_TEXT, &at_ms) != TENDON_OK)
        return 0;
    if (strcmp(event, "created") == 0) {
        host->event(batch, "ticket.created", ticket, id, at_ms, 0);
    } else if (strcmp(event, "status") == 0) {
        host->event(batch, "ticket.status", ticket, id, at_ms, 0);
        host->set_string(batch, "to", value ? value : "", TENDON_TEXT);
    } else if (strcmp(event, "message") == 0) {
        host->event(batch, "ticket.message", ticket, id, at_ms, 0);
        host->set_string(batch, "direction", value ? value : "", TENDON_TEXT);
    } else {
        return 0;
    }
    if (severity)
        host->set_int(batch, "severity", severity);
    if (site)
        host->set_string(batch, "site", site, TENDON_TEXT);
    return host->end(batch) == TENDON_OK;
}

/* Requests until there are none for a while, or the batch is full. */
static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct taker *t = self;
    const struct tendon_push_request *request;
    int result = TENDON_OK;
    while (!t->host->full(batch)) {
        struct tendon_json *event = NULL;
        result = t->push->next(t->requests, timeout_ms, &request, err);
        if (result != TENDON_OK)
            break;
        int is_good = t->json->parse(t->host, request->body, request->size, &event, err) == TENDON_OK &&
                      map_event(t, batch, event);
        t->json->free(event);
        if (!is_good) {
            t->host->skip(batch, "bad_request", NULL, 0);
            t->push->refuse(t->requests, 400);
        }
        timeout_ms = 0; /* what waits comes along, and then the batch goes out */
    }
    /* The host need not wait before it polls again: next does. */
    return result == TENDON_IDLE ? TENDON_OK : result;
}

static void stop(void *self)
{
    (void)self;
}

static void destroy(void *self)
{
    struct taker *t = self;
    if (t && t->push)
        t->push->close(t->requests);
    free(t);
}

static const struct tendon_plugin PLUGIN = {
    .magic = TENDON_MAGIC,
    .abi = TENDON_ABI,
    .struct_size = sizeof(PLUGIN),
    .option_size = sizeof(struct tendon_option),
    .id = "template",
    .vendor = "Tendon",
    .version = "1.0",
    .help = "Takes events that a ticket system sends, signed, as JSON.",
    .options = OPTIONS,
    .create = create,
    .start = start,
    .poll = poll,
    .stop = stop,
    .destroy = destroy,
};

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    return host_abi >> 16 == TENDON_ABI_MAJOR ? &PLUGIN : NULL;
}
