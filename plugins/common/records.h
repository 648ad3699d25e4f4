/* JSON records of files, as rows: what the host's service file/1 is for CSV, for an array of records or a
 * record a line. A column is the name of a member, or a JSON pointer; one that a record does not have is
 * empty.
 *
 * An array may stand in a file alone, or as a member of an object; it is cut into records as its lines are
 * read, so that only one record is held. A position is behind the last line that ended between two records.
 * One thread. */
#ifndef TENDON_PLUGINS_COMMON_RECORDS_H
#define TENDON_PLUGINS_COMMON_RECORDS_H

#include "proto/tendon_plugin.h"

#define RECORDS_COLUMNS        256 /* at most */
#define RECORDS_POSITION_BYTES (TENDON_FILE_POSITION_BYTES + 1)

enum records_form {
    RECORDS_ARRAY, /* the first array of a file, or that of a member of its object */
    RECORDS_LINES
};

struct records;

/* member: the name of the array's member, NULL for the first that there is; the configuration's. TENDON_OK or
 * an error. */
int records_new(const struct tendon_host *host, enum records_form form, const char *member,
                struct records **ret, char *err);
void records_free(struct records *records); /* NULL is fine */

/* As the functions of file/1 (tendon_plugin.h). Of options format, separator and has_header do not count. */
int records_open(struct records *records, const struct tendon_file_options *options, const void *position,
                 size_t size, char *err);
/* ret's fields are those of the columns that records_column was asked for, in that order; problem is one of
 * file/1's, or bad_json: no JSON, no object, or a file that ends within a record; no_records: no array of the
 * name; too_long: more than TENDON_RECORD_BYTES. */
int records_next(struct records *records, struct tendon_record *ret, char *err);
/* The place of a column, which the record at hand and all others then have; −1: there are too many. */
int records_column(struct records *records, const char *name);
size_t records_position(struct records *records, void *room);
void records_close(struct records *records);

#endif
