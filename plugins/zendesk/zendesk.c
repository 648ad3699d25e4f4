/* zendesk: tickets of a Zendesk Support account, by its incremental exports.
 *
 * Three exports are read side by side, the one that is furthest behind first: ticket events (audit.c), ticket
 * metric events, for the targets of SLA policies (target.c), and tickets, for deletions. A poll takes one
 * page at most (export.c); it stays at hand until a batch had room for all of it. The cursor is a JSON object
 * with the place in each. */
#include "plugins/zendesk/audit.h"
#include "plugins/zendesk/export.h"
#include "plugins/zendesk/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BYTES (32ull * 1024 * 1024) /* of a page: it holds the comments, which are not read */

static const char *const SITES[] = {"external_id", "name", "none", NULL};
static const char *const DELETED[] = {"spam", "test", "duplicate", "erasure", "ignored", NULL};
static const char *const NAMES[EXPORT_N] = {"events", "metrics", "tickets"}; /* in the cursor */

static const struct tendon_option OPTIONS[] = {
    {.name = "url",
     .type = TENDON_URL,
     .flags = TENDON_REQUIRED,
     .help = "Where the account is: the scheme and NAME.zendesk.com, without a path."},
    {.name = "user",
     .type = TENDON_STRING,
     .low = 1,
     .high = 256,
     .help = "The e-mail address of the admin whose API token it is; without it the token is one of OAuth."},
    {.name = "token",
     .type = TENDON_SECRET,
     .flags = TENDON_REQUIRED,
     .help = "The file with the API token, or the access token of OAuth."},
    {.name = "since",
     .type = TENDON_STRING,
     .low = 10,
     .high = 40,
     .fallback = "1990-01-01",
     .help = "Where to begin: a day, 2024-01-01, or a time as RFC 3339 writes it."},
    OPTIONS_DIMENSIONS,
    {.name = "site",
     .type = TENDON_ENUM,
     .values = SITES,
     .fallback = "external_id",
     .help = "What of a ticket's organization is its site."},
    {.name = "teams",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = 4096,
     .low = 1,
     .high = 64,
     .help = "What the team of a group is called, where not as the group: GROUP: TEAM."},
    {.name = "policies",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = 256,
     .low = 1,
     .high = 64,
     .help = "The same for SLA policies: TITLE: POLICY."},
    {.name = "former_staff",
     .type = TENDON_INT,
     .shape = TENDON_LIST,
     .n_max = 4096,
     .low = 1,
     .high = INT64_MAX,
     .help = "Ids of users who were agents and are no longer, so that their comments stay staff's."},
    {.name = "sla",
     .type = TENDON_BOOL,
     .fallback = "true",
     .help = "Whether targets of SLA policies are read."},
    {.name = "ratings",
     .type = TENDON_BOOL,
     .fallback = "false",
     .help = "Whether satisfaction ratings are read; the source needs the grant of survey.*."},
    {.name = "deleted",
     .type = TENDON_ENUM,
     .values = DELETED,
     .fallback = "spam",
     .help = "The reason that deleted tickets are given; ignored: they are not looked for."},
    {.name = "comments",
     .type = TENDON_BOOL,
     .fallback = "true",
     .help = "Whether comments are asked for, for their author; without, it is whoever updated the ticket."},
    {.name = "per_page",
     .type = TENDON_INT,
     .low = 1,
     .high = 1000,
     .fallback = "1000",
     .help = "Entries of a page of an export."},
    {.name = "per_minute",
     .type = TENDON_INT,
     .low = 1,
     .high = 60000,
     .fallback = "10",
     .help = "Requests to exports a minute, at most, as the account's plan allows."},
    {.name = "every",
     .type = TENDON_DURATION,
     .low = 1000,
     .high = 86400000,
     .fallback = "1m",
     .help = "How often an export is looked at that was read to its end."},
    {0},
};

struct zendesk {
    struct desk desk;
    int64_t since_s, every_ms;
    int per_page;
    bool with_comments;
    bool is_read[EXPORT_N];
    struct export exports[EXPORT_N];
    struct export *at_hand; /* the one with a page, or NULL */
    int64_t complete_ms;    /* the last watermark given */
};

/* --- the configuration -----------------------------------------------------------------------------------
 */

static int open_clients(struct desk *desk, int per_minute, char *err)
{
    const struct tendon_host *host = desk->host;
    const char *user = host->get_string(desk->config, "user", 0);
    char name[300], authorization[TENDON_ERROR_BYTES];
    const char *with_oauth[] = {"Accept: application/json", authorization, NULL};
    const char *with_token[] = {"Accept: application/json", NULL};
    struct tendon_http_options options = {
        .struct_size = sizeof(options),
        .per_minute = (uint32_t)per_minute,
        .base = host->get_string(desk->config, "url", 0),
        .headers = user ? with_token : with_oauth,
        .timeout_ms = 120000,
        .body_bytes = BODY_BYTES,
    };

    (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
                   host->get_string(desk->config, "token", 0));
    if (user) {
        (void)snprintf(name, sizeof(name), "%s/token", user);
        options.user = name;
        options.password = host->get_string(desk->config, "token", 0);
    }
    int result = desk->http->open(host, &options, &desk->exports, err);
    if (result != TENDON_OK)
        return result;
    options.per_minute = 0;
    return desk->http->open(host, &options, &desk->lookups, err);
}

static int read_since(struct zendesk *self, char *err)
{
    const struct tendon_host *host = self->desk.host;
    const char *text = host->get_string(self->desk.config, "since", 0);
    int64_t ms;

    if (host->time_parse(host, "%Y-%m-%d", NULL, text, TENDON_TEXT, &ms) != TENDON_OK &&
        host->time_parse(host, NULL, NULL, text, TENDON_TEXT, &ms) != TENDON_OK)
        return desk_fail(err, TENDON_E_CONFIG,
                         "since is neither a day, as 2024-01-01, nor a time, as "
                         "2024-01-01T06:00:00Z");
    self->since_s = ms > 0 ? ms / 1000 : 0;
    return TENDON_OK;
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct zendesk *self = calloc(1, sizeof(*self));

    if (!self)
        return desk_fail(err, TENDON_E_TEMPORARY, "no memory for the plugin");
    *ret = self;
    struct desk *desk = &self->desk;
    const char *deleted = host->get_string(config, "deleted", 0);

    *desk = (struct desk){.host = host, .config = config, .dimensions = {.host = host, .config = config}};
    desk->http = host->extension(host, TENDON_HTTP_1);
    desk->json = host->extension(host, TENDON_JSON_1);
    if (!desk->http || !desk->json)
        return desk_fail(err, TENDON_E_CONFIG,
                         "this host lacks the services http/1 and json/1: take a newer one");
    desk->site = (enum site_source)host->get_int(config, "site", 0);
    desk->with_ratings = host->get_int(config, "ratings", 0) != 0;
    desk->deleted_reason = strcmp(deleted, "ignored") == 0 ? NULL : deleted;
    self->every_ms = host->get_int(config, "every", 0);
    self->per_page = (int)host->get_int(config, "per_page", 0);
    self->with_comments = host->get_int(config, "comments", 0) != 0;
    self->is_read[EXPORT_EVENTS] = true;
    self->is_read[EXPORT_METRICS] = host->get_int(config, "sla", 0) != 0;
    self->is_read[EXPORT_TICKETS] = desk->deleted_reason != NULL;
    int result = read_since(self, err);

    if (result == TENDON_OK)
        result = dimensions_check(host, config, err);
    return result == TENDON_OK ? open_clients(desk, (int)host->get_int(config, "per_minute", 0), err)
                               : result;
}

/* --- the cursor ------------------------------------------------------------------------------------------
 */

/* {"complete": ms, "events": {"from": s, "seen": [id, …]}, "metrics": {…}, "tickets": {"from": s, "after":
 * text}}
 */
static size_t write_cursor(const struct zendesk *self, char room[TENDON_CURSOR_BYTES])
{
    size_t n = (size_t)snprintf(room, TENDON_CURSOR_BYTES, "{\"complete\":%" PRId64, self->complete_ms);

    for (int kind = 0; kind < EXPORT_N; kind++) {
        struct export_position at;

        export_position(&self->exports[kind], &self->desk, &at);
        n += (size_t)snprintf(room + n, TENDON_CURSOR_BYTES - n, ",\"%s\":{\"from\":%" PRId64, NAMES[kind],
                              at.from_s);
        if (*at.after)
            n += (size_t)snprintf(room + n, TENDON_CURSOR_BYTES - n, ",\"after\":\"%s\"", at.after);
        for (uint32_t i = 0; i < at.n_seen; i++)
            n += (size_t)snprintf(room + n, TENDON_CURSOR_BYTES - n, "%s%" PRId64, i ? "," : ",\"seen\":[",
                                  at.seen[i]);
        n += (size_t)snprintf(room + n, TENDON_CURSOR_BYTES - n, at.n_seen ? "]}" : "}");
    }
    n += (size_t)snprintf(room + n, TENDON_CURSOR_BYTES - n, "}");
    return n;
}
_Static_assert(EXPORT_N *(EXPORT_SEEN * 21 + 64) - EXPORT_SEEN * 21 + EXPORT_AFTER_BYTES + 64 <
                   TENDON_CURSOR_BYTES,
               "a cursor always fits: tickets have no seen ones");

static bool read_position(const struct desk *desk, const struct tendon_json *value, int64_t since_s,
                          struct export_position *ret)
{
    const struct tendon_json_1 *json = desk->json;
    const struct tendon_json *seen = json->get(value, "seen");
    const char *after = json->string(value, "after");
    struct export_position at = {.from_s = json->integer(value, "from", -1)};

    if (!json->type(value)) { /* it was not read then */
        *ret = (struct export_position){.from_s = since_s};
        return true;
    }
    /* A time that the host's clock cannot show is none of ours. */
    if (at.from_s < 0 || at.from_s > INT64_MAX / 10000 || json->count(seen) > EXPORT_SEEN)
        return false;
    for (uint32_t i = 0; i < json->count(seen); i++)
        at.seen[at.n_seen++] = json->integer(json->at(seen, i), NULL, 0);
    if (after && strlen(after) < EXPORT_AFTER_BYTES && !after[strcspn(after, "\"\\")])
        (void)snprintf(at.after, sizeof(at.after), "%s", after);
    *ret = at;
    return true;
}

static int start(void *data, const void *cursor, size_t size, char *err)
{
    struct zendesk *self = data;
    const struct tendon_json_1 *json = self->desk.json;
    struct tendon_json *document = NULL;
    bool is_good = true;

    if (size && json->parse(self->desk.host, cursor, size, &document, err) != TENDON_OK)
        return desk_fail(err, TENDON_E_CURSOR, "the cursor is none of this plugin's");
    if (size)
        is_good = json->type(document) == 'o' && json->type(json->get(document, NAMES[EXPORT_EVENTS])) == 'o';
    for (int kind = 0; kind < EXPORT_N && is_good; kind++) {
        struct export_position at;

        is_good = read_position(&self->desk, json->get(document, NAMES[kind]), self->since_s, &at);
        if (is_good)
            export_begin(&self->exports[kind], &self->desk, (enum export_kind)kind, &at);
    }
    self->complete_ms = json->integer(document, "complete", 0);
    self->at_hand = NULL;
    json->free(document);
    return is_good ? TENDON_OK : desk_fail(err, TENDON_E_CURSOR, "the cursor is none of this plugin's");
}

/* --- polling ---------------------------------------------------------------------------------------------
 */

/* A ticket of the export of tickets: only that it was deleted is told. */
static int map_ticket(struct desk *desk, struct tendon_batch *batch, const struct tendon_json *ticket,
                      uint64_t place)
{
    const struct tendon_host *host = desk->host;
    const char *status = desk->json->string(ticket, "status"), *at = desk->json->string(ticket, "updated_at");
    char room[TENDON_JSON_BYTES], name[40];
    const char *id = desk->json->text(ticket, "id", room);
    int64_t at_ms;

    if (!status || strcmp(status, "deleted") != 0)
        return TENDON_OK;
    if (!id || !at || host->time_parse(host, NULL, NULL, at, TENDON_TEXT, &at_ms) != TENDON_OK) {
        host->skip(batch, id ? "bad_time" : "missing_value", "tickets", place);
        return TENDON_OK;
    }
    (void)snprintf(name, sizeof(name), "deleted/%" PRId64, at_ms / 1000);
    host->event(batch, "ticket.deleted", id, name, at_ms, 0);
    host->set_string(batch, "reason", desk->deleted_reason, TENDON_TEXT);
    int result = host->end(batch);
    if (result == TENDON_INVALID)
        host->skip(batch, "bad_event", "tickets", place);
    return result == TENDON_FULL ? TENDON_FULL : TENDON_OK;
}

/* The export to ask next: of those that may be asked, the one furthest behind. */
static struct export *choose(struct zendesk *self, int64_t *ret_wait_ms)
{
    int64_t now = self->desk.host->now(self->desk.host);
    struct export *best = NULL;

    *ret_wait_ms = self->every_ms;
    for (int kind = 0; kind < EXPORT_N; kind++) {
        struct export *export = &self->exports[kind];

        if (!self->is_read[kind])
            continue;
        if (export->not_before > now) {
            int64_t wait = export->not_before - now;

            *ret_wait_ms = wait < *ret_wait_ms ? wait : *ret_wait_ms;
        } else if (!best || export->at.from_s < best->at.from_s) {
            best = export;
        }
    }
    return best;
}

/* Everything older than what comes next of each export is there, once all were read to their end. */
static void give_watermark(struct zendesk *self, struct tendon_batch *batch)
{
    const struct tendon_host *host = self->desk.host;
    int64_t complete_ms = INT64_MAX;

    for (int kind = 0; kind < EXPORT_N; kind++) {
        const struct export *export = &self->exports[kind];

        /* A ticket's time of deletion is that of its update, which its place in the export is not. */
        if (!self->is_read[kind] || kind == EXPORT_TICKETS)
            continue;
        if (!export->is_complete)
            return;
        complete_ms = export->at.from_s * 1000 < complete_ms ? export->at.from_s * 1000 : complete_ms;
    }
    if (complete_ms <= self->complete_ms)
        return;
    host->event(batch, "source.watermark", NULL, NULL, complete_ms, 0);
    host->set_int(batch, "complete_until", complete_ms);
    if (host->end(batch) == TENDON_OK)
        self->complete_ms = complete_ms;
}

static int fetch(struct zendesk *self, struct export *export, char *err)
{
    int result = export_fetch(export, &self->desk, self->per_page, self->with_comments, err);

    if (result == TENDON_OK && export->kind == EXPORT_EVENTS)
        result = audit_prepare(&self->desk, export->list, err);
    if (result == TENDON_OK)
        self->at_hand = export;
    return result;
}

/* What is at hand, as far as the batch takes it. */
static void take(struct zendesk *self, struct tendon_batch *batch)
{
    static int (*const map[EXPORT_N])(struct desk *, struct tendon_batch *, const struct tendon_json *,
                                      uint64_t) = {audit_map, target_map, map_ticket};
    struct export *export = self->at_hand;
    const struct tendon_json *entry = NULL;
    uint64_t place;

    while (!self->desk.host->full(batch) && (entry = export_entry(export, &self->desk, &place))) {
        if (map[export->kind](&self->desk, batch, entry, place) == TENDON_FULL)
            return;
        export_take(export);
    }
    if (entry || export->i < export->n)
        return;
    export_turn(export, &self->desk, self->every_ms);
    self->at_hand = NULL;
    give_watermark(self, batch);
}

static int poll(void *data, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct zendesk *self = data;
    char cursor[TENDON_CURSOR_BYTES];
    int64_t wait_ms;

    (void)timeout_ms; /* a request has a limit of its own */
    if (!self->at_hand) {
        struct export *export = choose(self, &wait_ms);

        if (!export) {
            self->desk.host->retry_after(batch, wait_ms);
            return TENDON_IDLE;
        }
        int result = fetch(self, export, err);
        if (result == TENDON_IDLE) { /* this one has to wait; another may not */
            give_watermark(self, batch);
            self->desk.host->cursor(batch, cursor, write_cursor(self, cursor));
            return TENDON_OK;
        }
        if (result != TENDON_OK)
            return result;
    }
    take(self, batch);
    self->desk.host->cursor(batch, cursor, write_cursor(self, cursor));
    return TENDON_OK;
}

static void stop(void *data)
{
    struct zendesk *self = data;

    for (int kind = 0; kind < EXPORT_N; kind++)
        export_end(&self->exports[kind], &self->desk);
    self->at_hand = NULL;
}

static void destroy(void *data)
{
    struct zendesk *self = data;

    if (!self)
        return;
    stop(self);
    directory_clear(&self->desk);
    if (self->desk.http) {
        self->desk.http->close(self->desk.exports);
        self->desk.http->close(self->desk.lookups);
    }
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "zendesk",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help = "Reads tickets of a Zendesk Support account by its incremental exports.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
