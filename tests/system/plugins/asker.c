/* A plugin of the tests that asks a server: what it is told to, or page after page of tickets.
 *
 * paths: each is asked for once, and what came is logged: "asked RESULT STATUS SIZE, and the body or why".
 * Without paths it reads /tickets?after=N, pages linked by a Link header, a ticket an event; its cursor is
 * the last id. */
#include "proto/tendon_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct asker {
    const struct tendon_host *host;
    const struct tendon_config *config;
    const struct tendon_http_1 *http;
    const struct tendon_json_1 *json;
    struct tendon_http *client;
    char token[256];
    const char *headers[2];
    uint32_t n_asked;
    long long last;
};

static const struct tendon_option OPTIONS[] = {
    {.name = "url", .type = TENDON_URL, .flags = TENDON_REQUIRED, .help = "The server."},
    {.name = "other", .type = TENDON_URL, .help = "Another."},
    {.name = "token", .type = TENDON_SECRET, .help = "Goes into a header."},
    {.name = "user", .type = TENDON_STRING, .help = "Of Basic authentication."},
    {.name = "ca_file", .type = TENDON_PATH, .help = "Who is trusted."},
    {.name = "header", .type = TENDON_STRING, .help = "Another header."},
    {.name = "paths", .type = TENDON_STRING, .shape = TENDON_LIST, .help = "What is asked for."},
    {.name = "method", .type = TENDON_STRING, .help = "How."},
    {.name = "body", .type = TENDON_STRING, .help = "With what."},
    {.name = "per_minute", .type = TENDON_INT, .low = 0, .high = 100000, .help = "How often."},
    {.name = "body_bytes", .type = TENDON_SIZE, .low = 0, .high = 1 << 30, .help = "How much."},
    {.name = "timeout", .type = TENDON_DURATION, .low = 0, .high = 1 << 30, .help = "How long."},
    {.name = "in_create", .type = TENDON_BOOL, .help = "Asks there, too."},
    {0},
};

static void say(struct asker *a, const char *what, int result, const struct tendon_http_answer *answer,
                const char *err)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s %d %d %zu %.200s", what, result, answer ? (int)answer->status : 0,
                   answer ? answer->size : 0, result == TENDON_OK ? answer->body : err);
    a->host->log(a->host, TENDON_INFO, text);
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct asker *a = calloc(1, sizeof(*a));
    if (!a)
        return TENDON_E_TEMPORARY;
    *ret = a;
    a->host = host;
    a->config = config;
    a->http = host->extension(host, TENDON_HTTP_1);
    a->json = host->extension(host, TENDON_JSON_1);
    const char *token = host->get_string(config, "token", 0);
    struct tendon_http_options options = {
        .struct_size = sizeof(options),
        .per_minute = (uint32_t)host->get_int(config, "per_minute", 0),
        .base = host->get_string(config, "url", 0),
        .user = host->get_string(config, "user", 0),
        .ca_file = host->get_string(config, "ca_file", 0),
        .timeout_ms = host->get_int(config, "timeout", 0),
        .body_bytes = (uint64_t)host->get_int(config, "body_bytes", 0),
    };
    if (token && options.user)
        options.password = token;
    else if (token)
        (void)snprintf(a->token, sizeof(a->token), "Authorization: token %s", token);
    a->headers[0] = a->token;
    if (*a->token)
        options.headers = a->headers;
    int result = a->http->open(host, &options, &a->client, err);
    if (result == TENDON_OK && host->get_int(config, "in_create", 0)) {
        const struct tendon_http_answer *answer;
        char why[TENDON_ERROR_BYTES] = "";
        struct tendon_http_request request = {.struct_size = sizeof(request)};
        int asked = a->http->send(a->client, &request, &answer, why);
        say(a, "create", asked, answer, why);
    }
    return result;
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    struct asker *a = self;
    char text[32] = "0";
    (void)err;
    memcpy(text, cursor, size < sizeof(text) - 1 ? size : 0);
    a->last = atoll(text);
    return TENDON_OK;
}

static int ask_paths(struct asker *a, struct tendon_batch *batch, uint32_t n)
{
    const struct tendon_host *host = a->host;
    if (a->n_asked == n)
        return TENDON_IDLE;
    const char *path = host->get_string(a->config, "paths", a->n_asked++);
    const char *headers[] = {host->get_string(a->config, "header", 0), NULL};
    struct tendon_http_request request = {
        .struct_size = sizeof(request),
        .method = host->get_string(a->config, "method", 0),
        .path = path,
        .headers = headers,
        .body = host->get_string(a->config, "body", 0),
        .size = TENDON_TEXT,
    };
    const struct tendon_http_answer *answer;
    char why[TENDON_ERROR_BYTES] = "";
    int result = a->http->send(a->client, &request, &answer, why);
    say(a, "asked", result, answer, why);
    if (answer && a->http->header(a->client, "X-Answer"))
        host->log(host, TENDON_INFO, a->http->header(a->client, "x-answer"));
    (void)batch;
    return TENDON_OK;
}

static int read_page(struct asker *a, struct tendon_batch *batch, const struct tendon_http_answer *answer,
                     char *err)
{
    const struct tendon_host *host = a->host;
    struct tendon_json *document;
    char room[TENDON_JSON_BYTES];
    if (a->json->parse(host, answer->body, answer->size, &document, err) != TENDON_OK)
        return TENDON_E_TEMPORARY;
    const struct tendon_json *tickets = a->json->get(document, "tickets");
    for (uint32_t i = 0; i < a->json->count(tickets); i++) {
        const struct tendon_json *ticket = a->json->at(tickets, i);
        const char *id = a->json->text(ticket, "id", room), *at = a->json->string(ticket, "/times/created");
        int64_t at_ms;
        if (!id || !at || host->time_parse(host, NULL, NULL, at, TENDON_TEXT, &at_ms) != TENDON_OK) {
            host->skip(batch, "bad_ticket", NULL, i);
            continue;
        }
        host->event(batch, "ticket.created", id, id, at_ms, 0);
        (void)host->end(batch);
        a->last = a->json->integer(ticket, "id", a->last);
    }
    a->json->free(document);
    return TENDON_OK;
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct asker *a = self;
    const struct tendon_http_answer *answer;
    char text[2048];
    uint32_t n = a->host->count(a->config, "paths");
    (void)timeout_ms;
    if (n)
        return ask_paths(a, batch, n);
    long long before = a->last;
    (void)snprintf(text, sizeof(text), "%lld", a->last);
    a->http->parameter(a->client, "after", text);
    struct tendon_http_request request = {.struct_size = sizeof(request), .path = "/tickets"};
    for (;;) {
        int result = a->http->send(a->client, &request, &answer, err);
        if (result != TENDON_OK)
            return result == TENDON_INVALID ? TENDON_E_TEMPORARY : result;
        result = read_page(a, batch, answer, err);
        if (result != TENDON_OK)
            return result;
        if (!answer->next || a->host->full(batch))
            break;
        (void)snprintf(text, sizeof(text), "%s", answer->next);
        request.path = text;
    }
    int n_text = snprintf(text, sizeof(text), "%lld", a->last);
    a->host->cursor(batch, text, (size_t)n_text);
    return a->last == before ? TENDON_IDLE : TENDON_OK;
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
    .id = "asker",
    .vendor = "tests",
    .version = "1",
    .help = "Asks a server.",
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
