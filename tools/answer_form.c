/* Answers of queries for programs. */
#include "tools/answer.h"
#include "tools/json.h"

#include <string.h>

#define COLUMNS_MAX 1024

static void separated_write(enum output_form form, const json_t *answer)
{
    const char *keys[COLUMNS_MAX];
    const json_t *rows = json_object_get(answer, "rows");
    bool has_partial = json_object_get(json_array_get(rows, 0), "partial") != NULL;
    size_t n = 0, i;
    json_t *column;
    json_array_foreach(json_object_get(answer, "columns"), i, column)
    {
        const char *name = json_string_value(json_object_get(column, "name"));
        if (name && n < COLUMNS_MAX)
            keys[n++] = name;
        /* Whether a period is whole stands in the rows and is no column of the answer. */
        const char *kind = json_string_value(json_object_get(column, "kind"));
        if (kind && strcmp(kind, "period") == 0 && has_partial && n < COLUMNS_MAX)
            keys[n++] = "partial";
    }
    output_separated(form, keys, n, rows, stdout);
}

bool answer_write(enum output_form form, const json_t *answer)
{
    size_t i;
    json_t *row;
    switch (form) {
    case OUTPUT_JSON:
        json_write(answer, stdout);
        return true;
    case OUTPUT_NDJSON:
        json_array_foreach(json_object_get(answer, "rows"), i, row)
        {
            json_write_line(row, stdout);
            (void)fputc('\n', stdout);
        }
        return true;
    case OUTPUT_CSV:
    case OUTPUT_TSV:
        separated_write(form, answer);
        return true;
    default:
        return false;
    }
}
