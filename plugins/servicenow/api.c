/* servicenow-api: incidents of a ServiceNow instance, by its Table API.
 *
 * Incidents are asked for in the order in which they were updated, from the last one on: first the rest of
 * its second, by sys_id, then what is later. So a page is never cut by an offset, under which rows move while
 * they are read. For those of a page all that happened to them is read as well (history.h). The cursor is
 * that last incident, as a JSON object. */
#include "plugins/servicenow/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_NAMES "new", "open", "pending", "hold", "solved", "closed"
#define HOPS_MAX     10000 /* pages without a row that may be seen, in a row */

static const char *const STATUSES[] = {STATUS_NAMES, NULL};

static const struct tendon_option OPTIONS[] = {
    {.name = "url",
     .type = TENDON_URL,
     .flags = TENDON_REQUIRED,
     .help = "Where the instance is: the scheme and NAME.service-now.com, without a path."},
    {.name = "user",
     .type = TENDON_STRING,
     .low = 1,
     .high = 256,
     .help = "The user whose password it is; without it the secret is an access token of OAuth."},
    {.name = "password",
     .type = TENDON_SECRET,
     .flags = TENDON_REQUIRED,
     .help = "The file with the password, or the access token of OAuth."},
    {.name = "table",
     .type = TENDON_STRING,
     .low = 1,
     .high = 60,
     .fallback = "incident",
     .help = "The table of incidents, or another that extends task."},
    {.name = "filter",
     .type = TENDON_STRING,
     .low = 1,
     .high = 512,
     .help = "Which incidents, as an encoded query: company.name=Riverbend^category!=test."},
    {.name = "since",
     .type = TENDON_STRING,
     .low = 10,
     .high = 40,
     .fallback = "1990-01-01",
     .help = "Incidents that were updated since: a day, 2024-01-01, or a time as RFC 3339 writes it."},
    OPTIONS_DIMENSIONS,
    {.name = "references",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = TRACKED_MAX,
     .help =
         "What a field refers to: FIELD: TABLE or TABLE.COLUMN, whose text is the value; empty for nothing."},
    {.name = "states",
     .type = TENDON_ENUM,
     .shape = TENDON_MAP,
     .values = STATUSES,
     .help = "What the instance's own states mean, by their number: STATE: STATUS, or STATE/HOLD REASON: "
             "STATUS."},
    {.name = "messages",
     .type = TENDON_BOOL,
     .fallback = "true",
     .help = "Whether comments and work notes are looked for; their text is never asked for."},
    {.name = "per_page",
     .type = TENDON_INT,
     .low = 1,
     .high = 100,
     .fallback = "50",
     .help = "Incidents of a page."},
    {.name = "per_minute",
     .type = TENDON_INT,
     .low = 1,
     .high = 60000,
     .fallback = "120",
     .help = "Requests a minute, at most."},
    {.name = "every",
     .type = TENDON_DURATION,
     .low = 1000,
     .high = 86400000,
     .fallback = "1m",
     .help = "How often updates are looked for when all were read."},
    {.name = "lag",
     .type = TENDON_DURATION,
     .low = 0,
     .high = 86400000,
     .fallback = "2m",
     .help =
         "How long an update is left alone, so that one that began before it and took longer is seen too."},
    {0},
};

/* The last incident that was taken. */
struct place {
    int64_t from_s;
    char id[SYS_ID_CHARS + 1]; /* "": all of from_s is to come */
};

struct api {
    struct instance instance;
    struct history history;
    const char *filter;
    int64_t since_s, every_ms, lag_ms;
    int per_page;
    bool with_messages;

    struct place at;
    bool in_second;      /* the rest of at's second comes first */
    int64_t not_before;  /* ms: when to ask again */
    int64_t complete_ms; /* the last watermark given */

    struct tendon_json *page; /* at hand, or NULL */
    const struct tendon_json *rows;
    uint32_t n, i; /* rows of it that are old enough, and those taken */
    bool is_last;  /* nothing comes behind it yet */
};

/* --- the configuration -----------------------------------------------------------------------------------
 */

static int open_client(struct api *self, char *err)
{
    struct instance *instance = &self->instance;
    const struct tendon_host *host = instance->host;
    const char *secret = host->get_string(instance->config, "password", 0);
    char authorization[TENDON_ERROR_BYTES];
    const char *const with_token[] = {"Accept: application/json", authorization, NULL};
    const char *const with_password[] = {"Accept: application/json", NULL};
    struct tendon_http_options options = {
        .struct_size = sizeof(options),
        .per_minute = (uint32_t)host->get_int(instance->config, "per_minute", 0),
        .base = host->get_string(instance->config, "url", 0),
        .user = host->get_string(instance->config, "user", 0),
        .timeout_ms = 120000,
        .body_bytes = 32ull * 1024 * 1024,
    };

    (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", secret);
    instance->has_token = !options.user;
    options.headers = instance->has_token ? with_token : with_password;
    options.password = instance->has_token ? NULL : secret;
    return instance->http->open(host, &options, &instance->client, err);
}

static int read_options(struct api *self, char *err)
{
    struct instance *instance = &self->instance;
    const struct tendon_host *host = instance->host;
    const struct tendon_config *config = instance->config;
    const char *since = host->get_string(config, "since", 0);
    int64_t ms;

    instance->table = host->get_string(config, "table", 0);
    if (instance->table[strspn(instance->table, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        return instance_fail(err, TENDON_E_CONFIG, "table is no name of a table, as incident");
    self->filter = host->get_string(config, "filter", 0);
    if (self->filter &&
        (strstr(self->filter, "^NQ") || strstr(self->filter, "ORDERBY") || self->filter[0] == '^'))
        return instance_fail(err, TENDON_E_CONFIG, "filter must not have ^NQ or an order, nor begin with ^");
    if (host->time_parse(host, "%Y-%m-%d", NULL, since, TENDON_TEXT, &ms) != TENDON_OK &&
        host->time_parse(host, NULL, NULL, since, TENDON_TEXT, &ms) != TENDON_OK)
        return instance_fail(err, TENDON_E_CONFIG,
                             "since is neither a day, as 2024-01-01, nor a time, as "
                             "2024-01-01T06:00:00Z");
    self->since_s = ms > 0 ? ms / 1000 : 0;
    self->every_ms = host->get_int(config, "every", 0);
    self->lag_ms = host->get_int(config, "lag", 0);
    self->per_page = (int)host->get_int(config, "per_page", 0);
    self->with_messages = host->get_int(config, "messages", 0) != 0;
    return TENDON_OK;
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct api *self = calloc(1, sizeof(*self));

    if (!self)
        return instance_fail(err, TENDON_E_TEMPORARY, "no memory for the plugin");
    *ret = self;
    struct instance *instance = &self->instance;

    instance->host = host;
    instance->config = config;
    instance->http = host->extension(host, TENDON_HTTP_1);
    instance->json = host->extension(host, TENDON_JSON_1);
    self->history.dimensions = (struct dimensions){.host = host, .config = config};
    if (!instance->http || !instance->json)
        return instance_fail(err, TENDON_E_CONFIG,
                             "this host lacks the services http/1 and json/1: take a newer one");
    int result = read_options(self, err);
    if (result == TENDON_OK)
        result = dimensions_check(host, config, err);
    if (result == TENDON_OK)
        result = tracked_open(instance, err);
    return result == TENDON_OK ? open_client(self, err) : result;
}

/* --- the cursor ------------------------------------------------------------------------------------------
 */

static void drop_page(struct api *self)
{
    if (self->page)
        self->instance.json->free(self->page);
    self->page = NULL;
    self->n = self->i = 0;
    history_clear(&self->history, &self->instance);
}

static int start(void *data, const void *cursor, size_t size, char *err)
{
    struct api *self = data;
    struct instance *instance = &self->instance;
    const struct tendon_json_1 *json = instance->json;
    struct tendon_json *document = NULL;
    bool is_good = true;

    drop_page(self);
    self->at = (struct place){.from_s = self->since_s};
    if (size && json->parse(instance->host, cursor, size, &document, err) != TENDON_OK)
        return instance_fail(err, TENDON_E_CURSOR, "the cursor is none of this plugin's");
    if (size) {
        const char *id = json->string(document, "id");

        self->at.from_s = json->integer(document, "from", -1);
        is_good =
            self->at.from_s >= 0 && self->at.from_s < INT64_MAX / 10000 && (is_sys_id(id) || (id && !*id));
        if (is_good)
            (void)snprintf(self->at.id, sizeof(self->at.id), "%s", id);
    }
    self->complete_ms = json->integer(document, "complete", 0);
    json->free(document);
    self->in_second = *self->at.id != '\0';
    self->not_before = 0;
    return is_good ? instance_check_clock(instance, err)
                   : instance_fail(err, TENDON_E_CURSOR, "the cursor is none of this plugin's");
}

static void set_cursor(const struct api *self, struct tendon_batch *batch)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "{\"from\":%" PRId64 ",\"id\":\"%s\",\"complete\":%" PRId64 "}",
                     self->at.from_s, self->at.id, self->complete_ms);

    self->instance.host->cursor(batch, text, (size_t)n);
}

/* --- polling ---------------------------------------------------------------------------------------------
 */

static bool write_query(const struct api *self, char query[QUERY_BYTES])
{
    const struct tendon_host *host = self->instance.host;
    const char *filter = self->filter ? self->filter : "", *glue = self->filter ? "^" : "";
    char at[TIME_BYTES];

    if (host->time_format(host, "%Y-%m-%d %H:%M:%S", NULL, self->at.from_s * 1000, at, sizeof(at)) == 0)
        return false;
    if (self->in_second)
        (void)snprintf(query, QUERY_BYTES, "%s%ssys_updated_on=%s^sys_id>%s^ORDERBYsys_id", filter, glue, at,
                       self->at.id);
    else
        (void)snprintf(query, QUERY_BYTES, "%s%ssys_updated_on%s%s^ORDERBYsys_updated_on^ORDERBYsys_id",
                       filter, glue, *self->at.id ? ">" : ">=", at);
    return true;
}

/* The first page with a row that may be seen, or the last. */
static int ask_page(struct api *self, bool *ret_more, char *err)
{
    struct instance *instance = &self->instance;
    char query[QUERY_BYTES], fields[QUERY_BYTES];
    uint32_t offset = 0;
    const struct table_request request = {instance->table, query, fields, self->per_page, false};

    history_fields(instance, fields);
    if (!write_query(self, query))
        return instance_fail(err, TENDON_E_CURSOR, "the cursor is none of this plugin's");
    for (int hop = 0; hop < HOPS_MAX; hop++) {
        int result = table_ask(instance, &request, &offset, &self->page, &self->rows, err);

        if (result != TENDON_OK)
            return result;
        self->n = instance->json->count(self->rows);
        *ret_more = offset != 0;
        if (self->n > 0 || !*ret_more)
            return TENDON_OK;
        drop_page(self);
    }
    return instance_fail(err, TENDON_E_CONFIG,
                         "the user may see no row of many: give it the right to read the table");
}

static bool read_place(const struct api *self, const struct tendon_json *row, struct place *ret)
{
    const struct tendon_json_1 *json = self->instance.json;
    const char *id = json->string(row, "sys_id");
    int64_t at;

    if (!is_sys_id(id) || !instance_time(&self->instance, json->string(row, "sys_updated_on"), &at))
        return false;
    ret->from_s = at / 1000;
    (void)snprintf(ret->id, sizeof(ret->id), "%s", id);
    return true;
}

/* Rows that are too young, and what is behind them, wait for the next time. A row that stands nowhere, or not
 * behind the one before, would lead in a circle. */
static int check_rows(struct api *self, char *err)
{
    int64_t now = self->instance.host->now(self->instance.host);
    struct place last = self->at, place = {0};

    for (uint32_t i = 0; i < self->n; i++) {
        if (!read_place(self, self->instance.json->at(self->rows, i), &place))
            return instance_fail(
                err, TENDON_E_CONFIG,
                "a row has no sys_id or sys_updated_on: the user needs the right to read them");
        if (place.from_s < last.from_s || (place.from_s == last.from_s && strcmp(place.id, last.id) <= 0))
            return instance_fail(err, TENDON_E_TEMPORARY, "rows do not come in the order that was asked for");
        if (place.from_s * 1000 > now - self->lag_ms) {
            self->n = i;
            self->is_last = true;
            return TENDON_OK;
        }
        last = place;
    }
    return TENDON_OK;
}

/* TENDON_OK and a page at hand, TENDON_IDLE: there is nothing more yet, or an error. */
static int fetch(struct api *self, char *err)
{
    bool has_more = false;
    int result = ask_page(self, &has_more, err);

    if (result == TENDON_OK && self->n == 0 && self->in_second) {
        drop_page(self);
        self->in_second = false;
        result = ask_page(self, &has_more, err);
    }
    self->is_last = !self->in_second && !has_more;
    if (result == TENDON_OK)
        result = check_rows(self, err);
    if (result == TENDON_OK && self->n > 0)
        result = history_load(&self->history, &self->instance, self->rows, self->n, self->with_messages, err);
    if (result != TENDON_OK || self->n == 0)
        drop_page(self);
    return result == TENDON_OK && !self->page ? TENDON_IDLE : result;
}

/* All was read: nothing that was updated before the last one comes any more. */
static void rest(struct api *self, struct tendon_batch *batch)
{
    const struct tendon_host *host = self->instance.host;
    int64_t complete_ms = self->at.from_s * 1000;

    self->not_before = host->now(host) + self->every_ms;
    self->in_second = *self->at.id != '\0';
    if (complete_ms <= self->complete_ms || !*self->at.id)
        return;
    host->event(batch, "source.watermark", NULL, NULL, complete_ms, 0);
    host->set_int(batch, "complete_until", complete_ms);
    if (host->end(batch) == TENDON_OK)
        self->complete_ms = complete_ms;
}

static void take(struct api *self, struct tendon_batch *batch)
{
    struct instance *instance = &self->instance;

    for (; self->i < self->n && !instance->host->full(batch); self->i++) {
        const struct tendon_json *row = instance->json->at(self->rows, self->i);

        if (history_map(&self->history, instance, batch, row) == TENDON_FULL)
            return;
        (void)read_place(self, row, &self->at);
    }
    if (self->i < self->n)
        return;
    self->in_second = true;
    drop_page(self);
    if (self->is_last)
        rest(self, batch);
}

static int poll(void *data, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct api *self = data;
    const struct tendon_host *host = self->instance.host;
    int64_t wait_ms = self->not_before - host->now(host);

    (void)timeout_ms; /* a request has a limit of its own */
    if (!self->page && wait_ms > 0) {
        host->retry_after(batch, wait_ms);
        return TENDON_IDLE;
    }
    if (!self->page) {
        int result = fetch(self, err);

        if (result == TENDON_IDLE) {
            rest(self, batch);
            set_cursor(self, batch);
            host->retry_after(batch, self->every_ms);
        }
        if (result != TENDON_OK)
            return result;
    }
    take(self, batch);
    set_cursor(self, batch);
    return TENDON_OK;
}

static void stop(void *data)
{
    drop_page(data);
}

static void destroy(void *data)
{
    struct api *self = data;

    if (!self)
        return;
    drop_page(self);
    tracked_close(&self->instance);
    if (self->instance.http)
        self->instance.http->close(self->instance.client);
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "servicenow-api",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help = "Reads incidents of a ServiceNow instance by its Table API, with their history.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
