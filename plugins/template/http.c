/* template: reads the events of a ticket system from its server, page by page, as JSON:
 *
 *     GET /events?after=41        Authorization: Bearer …
 *     {"events": [{"id": 42, "ticket": "T-100", "at": "2024-01-08T10:00:00Z", "event": "created",
 *                  "value": null, "severity": 2, "site": "north"}, …]}
 *
 * The host connects (service http/1): it keeps to the server's limits, waits where the server says so and
 * puts in the secret. What is left for a plugin is to say what to ask for and what an event of the source
 * means: poll and map_event. The cursor is the id of the last event. */
#include <tendon_plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- options: what stands under `options:` in the collector's configuration ------------------------------
 */

static const struct tendon_option OPTIONS[] = {
    {.name = "url",
     .type = TENDON_URL,
     .flags = TENDON_REQUIRED,
     .help = "Where the API is: scheme, server and path."},
    {.name = "token",
     .type = TENDON_SECRET,
     .flags = TENDON_REQUIRED,
     .help = "The file with the key of the API."},
    {.name = "per_minute",
     .type = TENDON_INT,
     .low = 1,
     .high = 60000,
     .fallback = "120",
     .help = "Requests a minute, at most."},
    {.name = "zone",
     .type = TENDON_ZONE,
     .fallback = "UTC",
     .help = "Of times that do not say their offset."},
    {0},
};

struct reader {
    const struct tendon_host *host;
    const struct tendon_http_1 *http;
    const struct tendon_json_1 *json;
    const char *zone;
    struct tendon_http *client;
    int64_t last; /* id of the last event that was given */
};

static int fail(char *err, int result, const char *why)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s", why);
    return result;
}

/* Checks the configuration; nothing is asked here. */
static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct reader *t = calloc(1, sizeof(*t));
    char authorization[TENDON_ERROR_BYTES];
    if (!t)
        return fail(err, TENDON_E_TEMPORARY, "no memory");
    *ret = t;
    t->host = host;
    t->http = host->extension(host, TENDON_HTTP_1);
    t->json = host->extension(host, TENDON_JSON_1);
    if (!t->http || !t->json)
        return fail(err, TENDON_E_CONFIG, "this host lacks the services http/1 and json/1");
    t->zone = host->get_string(config, "zone", 0);
    /* A handle, in whose place the host puts the key when it sends the request. */
    (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
                   host->get_string(config, "token", 0));
    const char *const headers[] = {authorization, "Accept: application/json", NULL};
    const struct tendon_http_options options = {
        .struct_size = sizeof(options),
        .base = host->get_string(config, "url", 0),
        .per_minute = (uint32_t)host->get_int(config, "per_minute", 0),
        .headers = headers,
    };
    return t->http->open(host, &options, &t->client, err);
}

/* Goes to where the collector says that it has everything up to. Called again after an error. */
static int start(void *self, const void *cursor, size_t size, char *err)
{
    struct reader *t = self;
    char text[24] = "0", *end;
    if (size >= sizeof(text))
        return fail(err, TENDON_E_CURSOR, "the cursor is none of this plugin's");
    if (size) {
        memcpy(text, cursor, size);
        text[size] = '\0';
    }
    t->last = strtoll(text, &end, 10);
    return *end || t->last < 0 ? fail(err, TENDON_E_CURSOR, "the cursor is none of this plugin's")
                               : TENDON_OK;
}

/* One event of the source, one of ours. What cannot be used is skipped: it is no error. */
static void map_event(struct reader *t, struct tendon_batch *batch, const struct tendon_json *source)
{
    const struct tendon_host *host = t->host;
    const struct tendon_json_1 *json = t->json;
    char room[TENDON_JSON_BYTES];
    const char *id = json->text(source, "id", room), *ticket = json->string(source, "ticket");
    const char *at = json->string(source, "at"), *event = json->string(source, "event");
    const char *value = json->string(source, "value"), *site = json->string(source, "site");
    int64_t severity = json->integer(source, "severity", 0), at_ms;
    if (!id || !ticket || !event) {
        host->skip(batch, "missing_value", NULL, 0);
        return;
    }
    if (!at || host->time_parse(host, NULL, t->zone, at, TENDON_TEXT, &at_ms) != TENDON_OK) {
        host->skip(batch, "bad_time", NULL, 0);
        return;
    }
    if (strcmp(event, "created") == 0) {
        host->event(batch, "ticket.created", ticket, id, at_ms, 0);
    } else if (strcmp(event, "status") == 0) {
        host->event(batch, "ticket.status", ticket, id, at_ms, 0);
        host->set_string(batch, "to", value ? value : "", TENDON_TEXT);
    } else if (strcmp(event, "message") == 0) {
        host->event(batch, "ticket.message", ticket, id, at_ms, 0);
        host->set_string(batch, "direction", value ? value : "", TENDON_TEXT);
    } else {
        host->skip(batch, "unknown_event", NULL, 0);
        return;
    }
    if (severity)
        host->set_int(batch, "severity", severity);
    if (site)
        host->set_string(batch, "site", site, TENDON_TEXT);
    if (host->end(batch) == TENDON_INVALID)
        host->skip(batch, "bad_event", NULL, 0);
}

/* One page a poll: an error drops no page but the one it came in. Pages are small enough for a batch. */
static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct reader *t = self;
    const struct tendon_http_answer *answer;
    const struct tendon_http_request request = {.struct_size = sizeof(request), .path = "/events"};
    struct tendon_json *page;
    char text[24];
    (void)timeout_ms; /* send has a limit of its own */
    (void)snprintf(text, sizeof(text), "%lld", (long long)t->last);
    t->http->parameter(t->client, "after", text);
    int result = t->http->send(t->client, &request, &answer, err);
    if (result == TENDON_INVALID) /* err says which status: the server does not know what it is asked for */
        return TENDON_E_CONFIG;
    if (result != TENDON_OK)
        return result;
    if (t->json->parse(t->host, answer->body, answer->size, &page, err) != TENDON_OK)
        return TENDON_E_TEMPORARY;
    const struct tendon_json *events = t->json->get(page, "events");
    uint32_t n = t->json->count(events);
    int64_t last = t->last;
    for (uint32_t i = 0; i < n && !t->host->full(batch); i++) {
        const struct tendon_json *event = t->json->at(events, i);
        map_event(t, batch, event);
        last = t->json->integer(event, "id", last);
    }
    t->json->free(page);
    if (last == t->last)
        return TENDON_IDLE;
    t->last = last;
    t->host->cursor(batch, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)last));
    return TENDON_OK;
}

static void stop(void *self)
{
    (void)self;
}

static void destroy(void *self)
{
    struct reader *t = self;
    if (t && t->http)
        t->http->close(t->client);
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
    .help = "Reads events from the JSON API of a ticket system.",
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
