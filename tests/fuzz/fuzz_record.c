/* Any bytes as a file of records, read to its end as CSV with each separator, and as lines. */
#include "plugins/host/file/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct record *record, enum tendon_file_format format, char separator, const char *text,
                     size_t size)
{
    while (size > 0) {
        int r = record_read(record, format, separator, text, size, true);
        if (r < 0)
            abort();
        if (r == RECORD_UNFINISHED || record->n_text == 0 || record->n_text > size)
            abort(); /* the last text ends every record, and every record takes some of it */
        if (r == RECORD_BAD && !record->problem)
            abort();
        if (r == RECORD_WHOLE) {
            if (record->n_fields == 0 || record->n_fields > TENDON_RECORD_FIELDS)
                abort();
            for (uint32_t i = 0; i < record->n_fields; i++)
                if (record->sizes[i] > TENDON_RECORD_BYTES || record->fields[i][record->sizes[i]] != '\0')
                    abort();
        }
        text += record->n_text;
        size -= record->n_text;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record *record = NULL;
    const char *text = (const char *)data;
    if (record_new(&record) < 0)
        abort();
    read_all(record, TENDON_FILE_CSV, ',', text, size);
    read_all(record, TENDON_FILE_CSV, '\t', text, size);
    read_all(record, TENDON_FILE_LINES, 0, text, size);
    /* what has not ended yet is waited for, or it is a record already */
    if (size > 0 && record_read(record, TENDON_FILE_CSV, ',', text, size, false) < 0)
        abort();
    record_free(record);
    return 0;
}
