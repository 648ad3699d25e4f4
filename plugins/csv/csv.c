/* csv: any ticket log that is a table, described by its options. */
#include "plugins/common/reader.h"
#include "plugins/common/snapshot.h"
#include "plugins/csv/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMES_MAX 32 /* columns with a time of a ticket, at most */

struct csv {
    struct reader reader;
    uint8_t meanings[TIMES_MAX]; /* of the time columns */
    uint32_t n_times;
};

enum rows { ROWS_EVENT, ROWS_SNAPSHOT, ROWS_TICKET };
static const char *const ROWS[] = {"event", "snapshot", "ticket", NULL};

static const struct tendon_option OPTIONS[] = {
    OPTIONS_FILE,
    OPTIONS_MAPPING,
    {.name = "rows",
     .type = TENDON_ENUM,
     .values = ROWS,
     .flags = TENDON_REQUIRED,
     .help = "What a row is: an event, a snapshot of a ticket after an update, or a whole ticket."},
    {.name = "header",
     .type = TENDON_BOOL,
     .fallback = "true",
     .help = "Whether the first row names the columns; without, a column is its number, from 1."},
    OPTIONS_WORDS,
    {.name = "times",
     .type = TENDON_ENUM,
     .shape = TENDON_MAP,
     .n_max = TIMES_MAX,
     .values = TIME_MEANINGS,
     .help = "rows: ticket: what each column with a time means: COLUMN: MEANING."},
    {0},
};

static void set_times(struct csv *self, const struct tendon_host *host, const struct tendon_config *config)
{
    for (uint32_t i = 0; i < host->count(config, "times"); i++) {
        (void)mapping_add_column(self->reader.mapping,
                                 host->get_key(config, "times", i)); /* n_max says how many */
        self->meanings[self->n_times++] = (uint8_t)host->get_int(config, "times", i);
    }
}

/* Whether everything is there that the kind of row needs. */
static int check(const struct csv *self, enum rows rows, char *err)
{
    static const char *const needs[][5] = {
        [ROWS_EVENT] = {"type", "at", NULL},
        [ROWS_SNAPSHOT] = {"ticket", "at", "to", NULL},
        [ROWS_TICKET] = {"ticket", NULL},
    };

    for (int i = 0; needs[rows][i]; i++)
        if (!mapping_has(self->reader.mapping, mapping_slot(self->reader.mapping, needs[rows][i]))) {
            snprintf(err, TENDON_ERROR_BYTES, "rows: %s needs the column of \"%s\" in columns", ROWS[rows],
                     needs[rows][i]);
            return TENDON_E_CONFIG;
        }
    if ((rows == ROWS_TICKET) != (self->n_times > 0)) {
        snprintf(err, TENDON_ERROR_BYTES,
                 rows == ROWS_TICKET ? "rows: ticket needs times: which column holds which time"
                                     : "times is for rows: ticket only");
        return TENDON_E_CONFIG;
    }
    return TENDON_OK;
}

static int row_event(struct draft *draft, const struct tendon_record *record, void *ctx)
{
    (void)ctx;
    return event_row(draft, record);
}

static int row_snapshot(struct draft *draft, const struct tendon_record *record, void *ctx)
{
    (void)ctx;
    return snapshot_row(draft, record);
}

static int row_ticket(struct draft *draft, const struct tendon_record *record, void *ctx)
{
    const struct csv *self = ctx;

    return ticket_row(draft, record, self->meanings, self->n_times);
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    static int (*const functions[])(struct draft *, const struct tendon_record *, void *) = {
        [ROWS_EVENT] = row_event,
        [ROWS_SNAPSHOT] = row_snapshot,
        [ROWS_TICKET] = row_ticket,
    };
    struct csv *self = calloc(1, sizeof(*self));
    enum rows rows;
    int rc;

    if (!self)
        return options_no_memory(err);
    *ret = self;
    rc = reader_create(&self->reader, host, config, err);
    if (rc == TENDON_OK)
        rc = options_mapping(self->reader.mapping, host, config, err);
    if (rc == TENDON_OK)
        rc = options_words(self->reader.mapping, host, config, err);
    if (rc != TENDON_OK)
        return rc;
    set_times(self, host, config);
    rows = (enum rows)host->get_int(config, "rows", 0);
    self->reader.row = functions[rows];
    self->reader.ctx = self;
    self->reader.options.has_header = host->get_int(config, "header", 0) != 0;
    return check(self, rows, err);
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    return reader_start(&((struct csv *)self)->reader, cursor, size, err);
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    (void)timeout_ms;
    return reader_poll(&((struct csv *)self)->reader, batch, err);
}

static void stop(void *self)
{
    reader_stop(&((struct csv *)self)->reader);
}

static void destroy(void *self)
{
    if (!self)
        return;
    reader_destroy(&((struct csv *)self)->reader);
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "csv",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help = "Reads any ticket log that is a table: rows that are events, states of tickets, or tickets.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
