/* Plugins that ask a server and take its troubles the wrong way: SWALLOW a page that failed for one without
 * events, CRASH at what is not of the form that it expects, CIRCLE until an answer is. With none of them
 * sound. Pages are /page/0, /page/1 …: {"events": [id, …]}, the last one empty; the cursor is the next page.
 */
#include "proto/tendon_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct asker {
    const struct tendon_host *host;
    const struct tendon_http_1 *http;
    const struct tendon_json_1 *json;
    struct tendon_http *client;
    long page;
};

static const struct tendon_option OPTIONS[] = {
    {.name = "url", .type = TENDON_URL, .flags = TENDON_REQUIRED, .help = "The server."}, {0}};

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct asker *a = calloc(1, sizeof(*a));
    if (!a)
        return TENDON_E_TEMPORARY;
    *ret = a;
    a->host = host;
    a->http = host->extension(host, TENDON_HTTP_1);
    a->json = host->extension(host, TENDON_JSON_1);
    const struct tendon_http_options options = {.struct_size = sizeof(options),
                                                .base = host->get_string(config, "url", 0)};
    return a->http->open(host, &options, &a->client, err);
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    struct asker *a = self;
    char text[16] = "", *end;
    if (size < sizeof(text))
        memcpy(text, cursor, size);
    a->page = strtol(text, &end, 10);
    if (size >= sizeof(text) || *end || a->page < 0) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "the cursor is none of this plugin's");
        return TENDON_E_CURSOR;
    }
    return TENDON_OK;
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct asker *a = self;
    const struct tendon_http_answer *answer;
    char text[24], room[TENDON_JSON_BYTES];
    struct tendon_json *page = NULL;
    (void)timeout_ms;
    (void)snprintf(text, sizeof(text), "/page/%ld", a->page);
    const struct tendon_http_request request = {.struct_size = sizeof(request), .path = text};
    int result = a->http->send(a->client, &request, &answer, err);
#ifdef SWALLOW
    result = TENDON_OK;
#endif
    if (result != TENDON_OK)
        return result == TENDON_INVALID ? TENDON_E_CONFIG : result;
    int is_json = answer && a->json->parse(a->host, answer->body, answer->size, &page, err) == TENDON_OK;
    const struct tendon_json *events = a->json->get(page, "events");
#ifdef CRASH
    if (a->json->type(events) != 'a')
        abort();
#endif
#ifdef CIRCLE
    while (!is_json)
        continue;
#endif
#ifndef SWALLOW
    if (!is_json)
        return TENDON_E_TEMPORARY;
#endif
    uint32_t n = a->json->count(events);
    for (uint32_t i = 0; i < n; i++) {
        const char *id = a->json->text(a->json->at(events, i), NULL, room);
        if (!id)
            continue;
        a->host->event(batch, "ticket.created", id, id, 1704708000000, 0);
        (void)a->host->end(batch);
    }
    a->json->free(page);
    if (is_json && n == 0)
        return TENDON_IDLE;
    a->page++;
    a->host->cursor(batch, text, (size_t)snprintf(text, sizeof(text), "%ld", a->page));
    return TENDON_OK;
}

static void stop(void *self)
{
    (void)self;
}

static void destroy(void *self)
{
    struct asker *a = self;
    if (a)
        a->http->close(a->client);
    free(a);
}

static const struct tendon_plugin PLUGIN = {
    .magic = TENDON_MAGIC,
    .abi = TENDON_ABI,
    .struct_size = sizeof(PLUGIN),
    .option_size = sizeof(struct tendon_option),
    .id = "broken-http",
    .vendor = "tests",
    .version = "1",
    .help = "Asks a server for pages.",
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
