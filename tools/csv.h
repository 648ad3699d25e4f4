/* Reading CSV for imports: RFC 4180, comma-separated, UTF-8 with or without a byte order mark.
 *
 * Fields may be quoted, quotes doubled, line ends inside quotes; records end with LF or CRLF. The whole file
 * is in memory, within CSV_BYTES_MAX; fields are unquoted in place. Empty lines are passed over. Errors name
 * the line (and never show what stands there). One thread. */
#ifndef TENDON_TOOLS_CSV_H
#define TENDON_TOOLS_CSV_H

#include "core/base/error.h"

#include <stddef.h>

#define CSV_BYTES_MAX   (64u * 1024 * 1024)
#define CSV_COLUMNS_MAX 256
#define CSV_FIELD_BYTES (64u * 1024)

struct csv {
    const char *name; /* of the file, for messages */
    char *data;       /* the file, with a NUL behind it */
    size_t size, at;
    size_t line; /* of the next record, from 1 */

    /* the record just read */
    size_t record_line; /* where it begins */
    size_t n_fields;
    char *fields[CSV_COLUMNS_MAX];
};

/* Reads a whole file ("-": standard input). Codes: import_file (cannot be read, too large, UTF-16), the
 * message names the file.
 */
int csv_open(struct csv *csv, const char *path, struct error *err);
/* Over a copy of bytes in memory, for tests. */
int csv_open_bytes(struct csv *csv, const char *name, const void *data, size_t size, struct error *err);
void csv_close(struct csv *csv);

/* 1 and the next record in fields[]; 0 at the end; -EBADMSG with code bad_csv. */
int csv_next(struct csv *csv, struct error *err);

#endif
