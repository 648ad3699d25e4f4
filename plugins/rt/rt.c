/* rt: Request Tracker 5, transaction by transaction, through its REST 2 interface.
 *
 * Polls go through RT's transactions by number, a page at a time, from the lowest number that is still waited
 * for (window.h) to the end, and then begin there again after `every`. What was read once is passed over. */
#include "plugins/common/options.h"
#include "plugins/rt/transaction.h"
#include "plugins/rt/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const QUEUES[] = {"team", "category", "product", "module", "vendor", "site", "none", NULL};

static const struct tendon_option OPTIONS[] = {
    {.name = "url",
     .type = TENDON_URL,
     .flags = TENDON_REQUIRED,
     .help = "Where RT is: scheme, server and path, without /REST/2.0."},
    {.name = "token", .type = TENDON_SECRET, .help = "The file with an authentication token of RT's."},
    {.name = "user",
     .type = TENDON_STRING,
     .low = 1,
     .high = 200,
     .help = "Instead of a token: the name of RT's user that asks."},
    {.name = "password", .type = TENDON_SECRET, .help = "The file with that user's password."},
    {.name = "ca_file",
     .type = TENDON_PATH,
     .help = "Certificates of who is trusted to vouch for the server, instead of the machine's."},
    {.name = "per_minute",
     .type = TENDON_INT,
     .low = 1,
     .high = 60000,
     .fallback = "600",
     .help = "Requests a minute, at most."},
    {.name = "every",
     .type = TENDON_DURATION,
     .low = 1000,
     .high = 86400000,
     .fallback = "30s",
     .help = "How often RT is asked when there was nothing new."},
    {.name = "settle",
     .type = TENDON_DURATION,
     .low = 0,
     .high = 3600000,
     .fallback = "1m",
     .help = "How long a transaction may take in RT from its number to its end; a lower number that appears "
             "later is missed."},
    {.name = "since",
     .type = TENDON_STRING,
     .low = 10,
     .high = 10,
     .help = "Only tickets that were created on this day or later: YYYY-MM-DD."},
    {.name = "queue",
     .type = TENDON_ENUM,
     .values = QUEUES,
     .fallback = "team",
     .help = "The dimension that the queue's name is."},
    {.name = "custom_fields",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = FIELD_N_BUILTIN,
     .help = "The custom field that a dimension comes from: DIMENSION: NAME."},
    {.name = "dimensions",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = EVENT_DECLARED_MAX,
     .help = "Custom fields of the dimensions that the tenant declares: DIMENSION: NAME."},
    {.name = "constants",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = FIELD_N_DIMENSIONS,
     .help = "What a dimension is where nothing else tells it: DIMENSION: VALUE."},
    {.name = "missing",
     .type = TENDON_STRING,
     .shape = TENDON_LIST,
     .n_max = 32,
     .help = "Texts that stand for no value, besides an empty one."},
    OPTIONS_WORDS,
    {.name = "statuses",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = 128,
     .help = "What RT's statuses mean: STATUS: new, open, pending, hold, solved or closed; or why the ticket "
             "does not count: spam, test, duplicate or erasure."},
    {0},
};

struct rt {
    const struct tendon_host *host;
    struct rest rest;
    struct names names;
    struct tickets tickets;
    struct teller teller;
    struct mapping *mapping;
    const char *since;
    int64_t every_ms, settle_ms;

    struct window window;
    char cursor[TENDON_CURSOR_BYTES]; /* as it was given last */
    size_t n_cursor;
    int64_t at;           /* how far this round has come */
    uint32_t page_number; /* behind it: over 1 where the pages before hold only what is not shown */
    struct tendon_json *page;
    const struct tendon_json *items;
    uint32_t next, n; /* of the items */
    int64_t settled_ms;
};

/* --- the configuration -----------------------------------------------------------------------------------
 */

static int refuse(char *err, const char *option, const char *name, const char *why)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s: \"%.64s\" %s", option, name, why);
    return TENDON_E_CONFIG;
}

static int set_column(struct rt *self, int slot, const char *option, const char *name, char *err)
{
    int column = transaction_column(&self->teller, name);

    if (column < 0)
        return refuse(err, option, name, "is one custom field too many: 48 is the limit");
    mapping_set_column(self->mapping, slot, name, false);
    self->teller.column_fields[column] |= (uint64_t)1 << (slot - SLOT_FIELDS);
    return TENDON_OK;
}

static bool is_dimension(int slot)
{
    return slot >= SLOT_FIELDS && slot < SLOT_FIELDS + FIELD_N_DIMENSIONS;
}

/* The slot of a dimension that an option names, or −1 with err. */
static int dimension(struct rt *self, const char *option, const char *name, char *err)
{
    int slot = options_slot(self->mapping, option, name, err);

    if (slot < 0 || is_dimension(slot))
        return slot;
    (void)refuse(err, option, name, "is no dimension");
    return -1;
}

static int set_columns(struct rt *self, const struct tendon_config *config, char *err)
{
    const struct tendon_host *host = self->host;
    const char *queue = host->get_string(config, "queue", 0);
    int result = TENDON_OK;

    (void)transaction_column(&self->teller, TRANSACTION_QUEUE);
    if (strcmp(queue, "none") != 0)
        result = set_column(self, mapping_slot(self->mapping, queue), "queue", TRANSACTION_QUEUE, err);
    for (uint32_t i = 0; result == TENDON_OK && i < host->count(config, "dimensions"); i++) {
        const char *name = host->get_key(config, "dimensions", i);
        int slot = mapping_declare(self->mapping, name);

        if (slot < SLOT_FIELDS + FIELD_DECLARED || !is_dimension(slot))
            return refuse(err, "dimensions", name, "is a field already, and no dimension of the tenant's");
        result = set_column(self, slot, "dimensions", host->get_string(config, "dimensions", i), err);
    }
    for (uint32_t i = 0; result == TENDON_OK && i < host->count(config, "custom_fields"); i++) {
        const char *name = host->get_key(config, "custom_fields", i);
        int slot = dimension(self, "custom_fields", name, err);

        if (slot < 0)
            return TENDON_E_CONFIG;
        if (mapping_has(self->mapping, slot))
            return refuse(err, "custom_fields", name, "is the queue's name already: say queue: none");
        result = set_column(self, slot, "custom_fields", host->get_string(config, "custom_fields", i), err);
    }
    return result;
}

static int set_words(struct rt *self, const struct tendon_config *config, char *err)
{
    const struct tendon_host *host = self->host;

    for (uint32_t i = 0; i < host->count(config, "constants"); i++) {
        int slot = dimension(self, "constants", host->get_key(config, "constants", i), err);

        if (slot < 0)
            return TENDON_E_CONFIG;
        mapping_set_constant(self->mapping, slot, host->get_string(config, "constants", i));
    }
    for (uint32_t i = 0; i < host->count(config, "missing"); i++)
        (void)mapping_add_missing(self->mapping, host->get_string(config, "missing", i)); /* n_max: 32 */
    for (uint32_t i = 0; i < host->count(config, "statuses"); i++)
        if (!transaction_is_state(host->get_string(config, "statuses", i)))
            return refuse(err, "statuses", host->get_string(config, "statuses", i),
                          "is none of new, open, pending, hold, solved, closed, spam, test, duplicate, "
                          "erasure");
    return options_words(self->mapping, host, config, err);
}

static bool is_day(const char *text)
{
    static const char form[] = "0000-00-00";

    for (size_t i = 0; i < sizeof(form); i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return true;
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct rt *self = calloc(1, sizeof(*self));
    int result;

    if (!self)
        return options_no_memory(err);
    *ret = self;
    self->host = host;
    self->every_ms = host->get_int(config, "every", 0);
    self->settle_ms = host->get_int(config, "settle", 0);
    self->since = host->get_string(config, "since", 0);
    if (self->since && !is_day(self->since))
        return refuse(err, "since", self->since, "is no day as 2024-01-31");
    result = rest_open(&self->rest, host, config, err);
    if (result != TENDON_OK)
        return result;
    if (mapping_new(host, &self->mapping) < 0 || names_init(&self->names, &self->rest) < 0 ||
        tickets_init(&self->tickets, &self->rest, &self->names) < 0)
        return options_no_memory(err);
    self->teller = (struct teller){
        .host = host,
        .config = config,
        .rest = &self->rest,
        .names = &self->names,
        .tickets = &self->tickets,
        .draft = {.host = host, .mapping = self->mapping},
    };
    result = set_columns(self, config, err);
    if (result == TENDON_OK)
        result = set_words(self, config, err);
    if (result != TENDON_OK)
        return result;
    self->tickets.fields = self->teller.columns + 1;
    self->tickets.n_fields = self->teller.n_columns - 1;
    mapping_bind_names(self->mapping, self->teller.columns, self->teller.n_columns);
    return TENDON_OK;
}

/* --- pages -----------------------------------------------------------------------------------------------
 */

static void drop_page(struct rt *self)
{
    self->rest.json->free(self->page);
    self->page = NULL;
    self->items = NULL;
    self->next = self->n = 0;
    self->teller.draft.n_taken = 0;
    tickets_clear(&self->tickets);
}

/* A transaction's number; 0 for one that has none, which is no number of RT's. */
static int64_t number_of(const struct rt *self, const struct tendon_json *transaction)
{
    int64_t id = self->rest.json->integer(transaction, "id", 0);

    return id > 0 && id <= WINDOW_ID_MAX ? id : 0;
}

static int64_t last_of_page(const struct rt *self)
{
    int64_t last = 0;

    for (uint32_t i = 0; i < self->n; i++) {
        int64_t id = number_of(self, self->rest.json->at(self->items, i));

        last = id > last ? id : last;
    }
    return last;
}

static int start(void *data, const void *cursor, size_t size, char *err)
{
    struct rt *self = data;

    drop_page(self);
    self->n_cursor = 0;
    if (window_parse(&self->window, cursor, size) < 0) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "the cursor is none of this plugin's");
        return TENDON_E_CURSOR;
    }
    self->at = self->window.low;
    self->page_number = 1;
    return TENDON_OK;
}

/* What is behind the place that this round has come to. */
static int list(struct rt *self, const char *which, const char *order, uint32_t number,
                struct tendon_json **ret, char *err)
{
    char query[512];
    int n = snprintf(query, sizeof(query), "id > %lld AND %s", (long long)self->at, which);

    if (self->since)
        (void)snprintf(query + n, sizeof(query) - (size_t)n, " AND TicketCreated >= '%s'", self->since);
    return rest_list(&self->rest, "/REST/2.0/transactions", query, TRANSACTION_FIELDS, order, number, ret,
                     err);
}

/* The tickets that the page's transactions need to be told by. */
static int load_tickets(struct rt *self, char *err)
{
    const struct tendon_json_1 *json = self->rest.json;
    int64_t ids[REST_PAGE], after = -1;
    uint32_t n = 0;
    bool is_new = false;

    for (uint32_t i = 0; i < self->n; i++) {
        const struct tendon_json *transaction = json->at(self->items, i);
        enum transaction_kind kind = transaction_kind(json, transaction);
        int64_t id = number_of(self, transaction), ticket = json->integer(transaction, "ObjectId", 0);

        is_new |= !window_has(&self->window, id);
        if (ticket <= 0 ||
            (kind != TRANSACTION_CREATE && kind != TRANSACTION_CORRESPOND && kind != TRANSACTION_OWNER))
            continue;
        if (kind != TRANSACTION_CORRESPOND && (after < 0 || id < after))
            after = id;
        ids[n++] = ticket;
    }
    return is_new ? tickets_load(&self->tickets, ids, n, after, err) : TENDON_OK;
}

/* TENDON_OK with or without a page; TENDON_IDLE: there is nothing more; or an error. */
static int load_page(struct rt *self, char *err)
{
    const struct tendon_json_1 *json = self->rest.json;
    struct tendon_json *newest;
    bool is_all;
    int64_t last;
    int result = list(self, TRANSACTION_QUERY, "ASC", self->page_number, &self->page, err);

    if (result != TENDON_OK)
        return result;
    self->settled_ms = rest_now(&self->rest) - self->settle_ms;
    self->items = json->get(self->page, "items");
    self->n = json->count(self->items);
    if (self->n > REST_PAGE)
        self->n = REST_PAGE;
    self->next = 0;
    if (self->n > 0) {
        if (last_of_page(self) > self->at) {
            result = load_tickets(self, err);
        } else { /* it would be asked for again, for ever */
            (void)snprintf(err, TENDON_ERROR_BYTES, "RT answered with transactions that nobody asked for");
            result = TENDON_E_TEMPORARY;
        }
        if (result != TENDON_OK)
            drop_page(self);
        return result;
    }
    is_all = json->type(json->get(self->page, "total")) == 'i';
    drop_page(self);
    if (is_all)
        return TENDON_IDLE;
    /* RT takes out of a page what the account may not see, mostly comments and custom fields: an empty one is
     * the end only if nothing stands behind it, or it came since. */
    result = list(self, TRANSACTION_QUERY_PLAIN, "DESC", 1, &newest, err);
    if (result != TENDON_OK)
        return result;
    last = json->integer(json->at(json->get(newest, "items"), 0), "id", 0);
    json->free(newest);
    if (last - self->at <= (int64_t)self->page_number * REST_PAGE)
        return TENDON_IDLE;
    self->page_number++;
    return TENDON_OK;
}

/* All of the page was told: on to the next. */
static void finish_page(struct rt *self)
{
    const struct tendon_json_1 *json = self->rest.json;

    self->at = last_of_page(self);
    for (uint32_t i = 0; i < self->n; i++) {
        const struct tendon_json *transaction = json->at(self->items, i);
        const char *created = json->string(transaction, "Created");
        int64_t at;

        /* Numbers below were given out before, so they have been on their way for as long at least. */
        if (created &&
            self->host->time_parse(self->host, NULL, NULL, created, TENDON_TEXT, &at) == TENDON_OK &&
            at <= self->settled_ms)
            window_settle(&self->window, number_of(self, transaction));
    }
    self->page_number = 1;
    drop_page(self);
}

static void give_cursor(struct rt *self, struct tendon_batch *batch)
{
    char cursor[TENDON_CURSOR_BYTES];
    size_t n = window_format(&self->window, cursor, sizeof(cursor));

    if (n == self->n_cursor && memcmp(cursor, self->cursor, n) == 0)
        return;
    memcpy(self->cursor, cursor, n);
    self->n_cursor = n;
    self->host->cursor(batch, cursor, n);
}

static int poll(void *data, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct rt *self = data;
    int result;

    (void)timeout_ms; /* requests have a limit of their own */
    if (!self->page) {
        result = load_page(self, err);
        if (result == TENDON_IDLE) {
            self->at = self->window.low;
            self->page_number = 1;
            self->host->retry_after(batch, self->every_ms);
        }
        if (result != TENDON_OK || !self->page)
            return result;
    }
    self->teller.draft.batch = batch;
    for (; self->next < self->n && !self->host->full(batch); self->next++) {
        const struct tendon_json *transaction = self->rest.json->at(self->items, self->next);
        int64_t id = number_of(self, transaction);

        if (window_has(&self->window, id))
            continue;
        result = transaction_tell(&self->teller, transaction, err);
        if (result == TENDON_FULL)
            break;
        if (result != TENDON_OK)
            return result;
        self->teller.draft.n_taken = 0;
        window_add(&self->window, id);
    }
    if (self->next == self->n)
        finish_page(self);
    give_cursor(self, batch);
    return TENDON_OK;
}

static void stop(void *data)
{
    drop_page(data);
}

static void destroy(void *data)
{
    struct rt *self = data;

    if (!self)
        return;
    if (self->rest.json)
        drop_page(self);
    tickets_fini(&self->tickets);
    names_fini(&self->names);
    mapping_free(self->mapping);
    rest_close(&self->rest);
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "rt",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help = "Reads tickets from Request Tracker 5, transaction by transaction.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
