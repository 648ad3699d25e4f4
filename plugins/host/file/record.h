/* Cutting text into records and their fields.
 *
 * A record's fields are copied out of the text, so that the text stays as it is; they are valid until the
 * next one is read. One thread. */
#ifndef TENDON_HOST_FILE_RECORD_H
#define TENDON_HOST_FILE_RECORD_H

#include "proto/tendon_plugin.h"

#include <stdbool.h>

enum record_result {
    RECORD_WHOLE,     /* fields are set */
    RECORD_EMPTY,     /* a line without a byte in it: no record */
    RECORD_BAD,       /* problem is set */
    RECORD_UNFINISHED /* its end is not in the text; nothing is set */
};

struct record {
    const char **fields; /* [n_fields] */
    uint32_t *sizes;
    uint32_t n_fields;
    const char *problem; /* RECORD_BAD: the code */
    size_t n_text;       /* bytes of text that it takes, with its line end */
    uint32_t n_lines;    /* line ends among them */
    char *room;          /* the fields' bytes */
    size_t n_room;
};

int record_new(struct record **ret);     /* 0 or -ENOMEM */
void record_free(struct record *record); /* NULL is fine */

/* Reads the record at the beginning of the text. last: nothing follows this text, its end ends a record. A
 * CSV record follows RFC 4180: fields between separators, a quoted one with doubled quotes and line ends in
 * it. What is wrong is stepped over up to the end of its first line. -ENOMEM, or enum record_result. */
int record_read(struct record *record, enum tendon_file_format format, char separator, const char *text,
                size_t size, bool last);

#endif
