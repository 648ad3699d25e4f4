/* template: reads a help desk's log, a CSV file or a folder of them, a row an event:
 *
 *     id,ticket,at,event,value,severity,site
 *     1,T-100,2024-01-08T10:00:00Z,created,,2,north
 *     2,T-100,2024-01-08T10:30:00Z,status,solved,,
 *
 * The host reads the files (service file/1): it follows a file that grows, takes up new ones and knows after
 * a restart where it was. What is left for a plugin is to say what a row means: map_record. */
#include <tendon_plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- options: what stands under `options:` in the collector's configuration ------------------------------
 */

static const char *const ENCODINGS[] = {"utf-8", "latin1", "cp1252", "utf-16", NULL};

static const struct tendon_option OPTIONS[] = {
    {.name = "path",
     .type = TENDON_PATH,
     .flags = TENDON_REQUIRED,
     .help = "The CSV file, or the folder that such files are dropped into."},
    {.name = "pattern", .type = TENDON_STRING, .help = "In a folder: the names to read, such as *.csv."},
    {.name = "encoding",
     .type = TENDON_ENUM,
     .fallback = "utf-8",
     .values = ENCODINGS,
     .help = "Of the files."},
    {.name = "zone",
     .type = TENDON_ZONE,
     .fallback = "UTC",
     .help = "Of times that do not say their offset."},
    {0},
};

/* --- the columns -----------------------------------------------------------------------------------------
 */

enum column { ID, TICKET, AT, EVENT, VALUE, SEVERITY, SITE, N_COLUMNS };

static const char *const COLUMNS[N_COLUMNS] = {"id", "ticket", "at", "event", "value", "severity", "site"};

struct reader {
    const struct tendon_host *host;
    const struct tendon_file_1 *files;
    struct tendon_file_options options;
    const char *zone;
    struct tendon_file *file;
    int columns[N_COLUMNS]; /* where each is in the file being read, -1: it has none */
};

/* Checks the configuration. Its strings live until destroy: nothing need be copied. */
static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct reader *t = calloc(1, sizeof(*t));
    if (!t) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "no memory");
        return TENDON_E_TEMPORARY;
    }
    *ret = t;
    t->host = host;
    t->files = host->extension(host, TENDON_FILE_1);
    if (!t->files) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "this host cannot read files; it needs the service file/1");
        return TENDON_E_CONFIG;
    }
    t->zone = host->get_string(config, "zone", 0);
    t->options = (struct tendon_file_options){
        .struct_size = sizeof(t->options),
        .format = TENDON_FILE_CSV,
        .path = host->get_string(config, "path", 0),
        .pattern = host->get_string(config, "pattern", 0),
        .encoding = host->get_string(config, "encoding", 0),
        .has_header = 1,
    };
    return TENDON_OK;
}

/* Goes to where the collector says that it has everything up to. Called again after an error. */
static int start(void *self, const void *cursor, size_t size, char *err)
{
    struct reader *t = self;
    t->files->close(t->file);
    t->file = NULL;
    return t->files->open(t->host, &t->options, cursor, size, &t->file, err);
}

/* The text of a column, or NULL where it is missing or empty. */
static const char *text(const struct reader *t, const struct tendon_record *record, enum column column)
{
    int i = t->columns[column];
    return i < 0 || record->sizes[i] == 0 ? NULL : record->fields[i];
}

/* One row, one event. TENDON_FULL: the batch has no room for it. */
static int map_record(struct reader *t, struct tendon_batch *batch, const struct tendon_record *record)
{
    const struct tendon_host *host = t->host;
    const char *id = text(t, record, ID), *ticket = text(t, record, TICKET), *at = text(t, record, AT);
    const char *event = text(t, record, EVENT), *value = text(t, record, VALUE);
    int64_t at_ms;
    if (!id || !ticket || !event) {
        host->skip(batch, "missing_value", record->file, record->line);
        return TENDON_OK;
    }
    if (!at || host->time_parse(host, NULL, t->zone, at, TENDON_TEXT, &at_ms) != TENDON_OK) {
        host->skip(batch, "bad_time", record->file, record->line);
        return TENDON_OK;
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
        host->skip(batch, "unknown_event", record->file, record->line);
        return TENDON_OK;
    }
    if (text(t, record, SEVERITY))
        host->set_int(batch, "severity", text(t, record, SEVERITY)[0] - '0');
    if (text(t, record, SITE))
        host->set_string(batch, "site", text(t, record, SITE), TENDON_TEXT);
    int result = host->end(batch);
    if (result == TENDON_INVALID)
        host->skip(batch, "bad_event", record->file, record->line);
    return result;
}

/* Takes rows until the batch is full or there are none, and says where it stands then. */
static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct reader *t = self;
    struct tendon_record record;
    int result = TENDON_OK;
    (void)timeout_ms; /* there is nothing to wait on: the host asks again after a second */
    while (!t->host->full(batch)) {
        result = t->files->next(t->file, &record, err);
        if (result == TENDON_INVALID)
            t->host->skip(batch, record.problem, record.file, record.line);
        else if (result != TENDON_OK)
            break;
        if (result == TENDON_INVALID)
            continue;
        if (record.file_changed)
            for (int i = 0; i < N_COLUMNS; i++)
                t->columns[i] = t->files->column(t->file, COLUMNS[i]);
        /* One event fits whenever the batch is not full. */
        (void)map_record(t, batch, &record);
    }
    if (result < TENDON_OK)
        return result;
    unsigned char position[TENDON_FILE_POSITION_BYTES];
    t->host->cursor(batch, position, t->files->position(t->file, position));
    return result == TENDON_IDLE ? TENDON_IDLE : TENDON_OK;
}

static void stop(void *self)
{
    struct reader *t = self;
    t->files->close(t->file);
    t->file = NULL;
}

static void destroy(void *self)
{
    free(self);
}

static const struct tendon_plugin PLUGIN = {
    .magic = TENDON_MAGIC,
    .abi = TENDON_ABI,
    .struct_size = sizeof(PLUGIN),
    .option_size = sizeof(struct tendon_option),
    .id = "template",
    .vendor = "Tendon",
    .version = "1.0",
    .help = "Reads a CSV log with one row an event.",
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
