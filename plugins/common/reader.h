/* A plugin that reads rows of files: polling, resuming, skipping, the same for every one of them.
 *
 * The owner sets the fields at the top, then forwards start, poll and stop. The cursor is the position of the
 * host's service "file/1", or that of records. One thread. */
#ifndef TENDON_PLUGINS_COMMON_READER_H
#define TENDON_PLUGINS_COMMON_READER_H

#include "plugins/common/draft.h"
#include "plugins/common/options.h"
#include "plugins/common/records.h"

struct reader {
    const struct tendon_host *host;
    struct mapping *mapping;
    struct tendon_file_options options;
    /* Makes events of one row. enum draft_result. */
    int (*row)(struct draft *draft, const struct tendon_record *record, void *ctx);
    void *ctx;

    struct records *records; /* the rows are JSON; or NULL: CSV */
    const struct tendon_file_1 *service;
    struct tendon_file *file;
    struct draft draft;
    struct tendon_record record; /* the row that did not fit into the last batch */
    bool is_pending;
    bool is_unbound; /* the file lacks a column: its rows are no use */
};

/* Takes OPTIONS_FILE from the configuration into reader->options and the mapping; makes the mapping. The rest
 * of reader is zeroed. TENDON_OK or an error with err. */
int reader_create(struct reader *reader, const struct tendon_host *host, const struct tendon_config *config,
                  char *err);
/* After reader_create: the rows are JSON records. As records_new. */
int reader_use_json(struct reader *reader, enum records_form form, const char *member, char *err);
int reader_start(struct reader *reader, const void *cursor, size_t size, char *err);
int reader_poll(struct reader *reader, struct tendon_batch *batch, char *err);
void reader_stop(struct reader *reader);
void reader_destroy(struct reader *reader);

#endif
