#include "plugins/common/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS_A_POLL 4096 /* also of rows that give no event, so that a poll ends in time */

int reader_create(struct reader *reader, const struct tendon_host *host, const struct tendon_config *config,
                  char *err)
{
    const char *separator = host->get_string(config, "separator", 0);
    int64_t settle_ms = host->get_int(config, "settle", 0);

    *reader = (struct reader){.host = host};
    reader->service = host->extension(host, TENDON_FILE_1);
    if (!reader->service) {
        snprintf(err, TENDON_ERROR_BYTES, "this host cannot read files: it lacks the service file/1");
        return TENDON_E_CONFIG;
    }
    if (strcmp(separator, "tab") == 0)
        separator = "\t";
    if (strlen(separator) != 1 || strchr("\"\r\n", *separator) || *separator < 0) {
        snprintf(err, TENDON_ERROR_BYTES, "separator is one ASCII character, but no quote, or the word tab");
        return TENDON_E_CONFIG;
    }
    if (mapping_new(host, &reader->mapping) < 0)
        return options_no_memory(err);
    mapping_set_zone(reader->mapping, host->get_string(config, "zone", 0));
    for (uint32_t i = 0; i < host->count(config, "time_format"); i++)
        (void)mapping_add_format(reader->mapping, host->get_string(config, "time_format", i)); /* n_max */
    reader->options = (struct tendon_file_options){
        .struct_size = sizeof(reader->options),
        .format = TENDON_FILE_CSV,
        .path = host->get_string(config, "path", 0),
        .pattern = host->get_string(config, "pattern", 0),
        .encoding = host->get_string(config, "encoding", 0),
        .separator = (uint8_t)*separator,
        .has_header = 1,
        .settle_ms = settle_ms ? settle_ms : -1,
    };
    return TENDON_OK;
}

int reader_use_json(struct reader *reader, enum records_form form, const char *member, char *err)
{
    return records_new(reader->host, form, member, &reader->records, err);
}

int reader_start(struct reader *reader, const void *cursor, size_t size, char *err)
{
    reader_stop(reader);
    reader->draft = (struct draft){.host = reader->host, .mapping = reader->mapping};
    if (reader->records)
        return records_open(reader->records, &reader->options, cursor, size, err);
    return reader->service->open(reader->host, &reader->options, cursor, size, &reader->file, err);
}

/* The place of a column; without a header its name is its number, from 1. */
static int find_column(void *ctx, const char *name)
{
    const struct reader *reader = ctx;
    unsigned long number;
    char *end;

    if (reader->records)
        return records_column(reader->records, name);
    if (reader->options.has_header)
        return reader->service->column(reader->file, name);
    errno = 0;
    number = strtoul(name, &end, 10);
    if (errno != 0 || *end || number < 1 || number > TENDON_RECORD_FIELDS)
        return -1;
    return (int)number - 1;
}

/* Finds the columns of a file. When one is missing, the file of a folder is stepped over row by row, for the
 * others go on; but where there is only that one, nothing of it is counted as read: it is looked at again,
 * until the file or the configuration is right. */
static int bind(struct reader *reader, char *err)
{
    const char *absent = mapping_bind(reader->mapping, find_column, reader);
    struct stat st;

    reader->is_unbound = absent != NULL;
    if (!absent)
        return TENDON_OK;
    if (stat(reader->options.path, &st) == 0 && S_ISDIR(st.st_mode)) {
        char line[192];

        snprintf(line, sizeof(line), "a file has no column \"%.64s\": its rows are skipped as missing_column",
                 absent);
        reader->host->log(reader->host, TENDON_WARNING, line);
        return TENDON_OK;
    }
    snprintf(err, TENDON_ERROR_BYTES,
             "the file has no column \"%.64s\": correct the options, or the export; nothing of it is lost "
             "meanwhile",
             absent);
    return TENDON_E_TEMPORARY;
}

/* The row at hand. TENDON_FULL when it did not fit; an error of bind. */
static int take(struct reader *reader, struct tendon_batch *batch, char *err)
{
    const struct tendon_record *record = &reader->record;
    struct draft *draft = &reader->draft;

    if (record->file_changed && !reader->is_pending) {
        int rc = bind(reader, err);

        if (rc != TENDON_OK)
            return rc;
    }
    draft->batch = batch;
    draft->n_offered = 0;
    if (reader->is_unbound) {
        reader->host->skip(batch, "missing_column", record->file, record->line);
        return TENDON_OK;
    }
    switch ((enum draft_result)reader->row(draft, record, reader->ctx)) {
    case DRAFT_FULL:
        return TENDON_FULL;
    case DRAFT_BAD:
        reader->host->skip(batch, draft->problem, record->file, record->line);
        break;
    case DRAFT_OK:
        break;
    }
    return TENDON_OK;
}

static int next(struct reader *reader, char *err)
{
    return reader->records ? records_next(reader->records, &reader->record, err)
                           : reader->service->next(reader->file, &reader->record, err);
}

static size_t position(const struct reader *reader, void *room)
{
    return reader->records ? records_position(reader->records, room)
                           : reader->service->position(reader->file, room);
}

int reader_poll(struct reader *reader, struct tendon_batch *batch, char *err)
{
    uint8_t cursor[RECORDS_POSITION_BYTES];
    const struct tendon_host *host = reader->host;
    int result = TENDON_OK;

    for (int n = 0; n < ROWS_A_POLL && !host->full(batch); n++) {
        int rc;

        if (!reader->is_pending) {
            rc = next(reader, err);

            if (rc == TENDON_IDLE) {
                result = TENDON_IDLE;
                break;
            }
            if (rc == TENDON_INVALID) {
                host->skip(batch, reader->record.problem, reader->record.file, reader->record.line);
                continue;
            }
            if (rc != TENDON_OK)
                return rc;
            reader->draft.n_taken = 0;
        }
        rc = take(reader, batch, err);
        if (rc < 0)
            return rc;
        reader->is_pending = rc == TENDON_FULL;
        /* the record stays where it is, and the cursor before it, until the rest of it is taken */
        if (reader->is_pending)
            return TENDON_OK;
    }
    if (!reader->is_pending)
        host->cursor(batch, cursor, position(reader, cursor));
    return result;
}

void reader_stop(struct reader *reader)
{
    if (reader->records)
        records_close(reader->records);
    if (reader->service)
        reader->service->close(reader->file);
    reader->file = NULL;
    reader->is_pending = reader->is_unbound = false;
}

void reader_destroy(struct reader *reader)
{
    reader_stop(reader);
    records_free(reader->records);
    reader->records = NULL;
    mapping_free(reader->mapping);
    reader->mapping = NULL;
}
