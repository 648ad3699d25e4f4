/* Any bytes as a file of JSON records, by a file/1 that cuts it into lines. Begun again from any position
 * that was given, what comes is the rest of what came before, perhaps from a little earlier on: nothing is
 * missing. */
#include "plugins/common/records.h"
#include "plugins/host/json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS_MAX 512 /* that are looked at */

/* A file in memory. A position is the number of bytes read. */
struct tendon_file {
    const char *text;
    size_t size, at;
    uint64_t line;
    bool is_begun;
    char *copy; /* of the line at hand, with its NUL */
    const char *field;
    uint32_t field_size;
};

static const char *TEXT;
static size_t SIZE;

static int file_open(const struct tendon_host *host, const struct tendon_file_options *options,
                     const void *position, size_t size, struct tendon_file **ret, char *err)
{
    struct tendon_file *file = calloc(1, sizeof(*file));
    (void)host;
    (void)err;
    if (!file || options->format != TENDON_FILE_LINES)
        abort();
    file->text = TEXT;
    file->size = SIZE;
    if (size)
        memcpy(&file->at, position, sizeof(file->at));
    for (size_t i = 0; i < file->at; i++)
        file->line += file->text[i] == '\n';
    *ret = file;
    return TENDON_OK;
}

static int file_next(struct tendon_file *file, struct tendon_record *ret, char *err)
{
    (void)err;
    if (file->at == file->size)
        return TENDON_IDLE;
    const char *begin = file->text + file->at, *end = memchr(begin, '\n', file->size - file->at);
    size_t n = end ? (size_t)(end - begin) : file->size - file->at;
    free(file->copy);
    file->copy = malloc(n + 1);
    if (!file->copy)
        abort();
    memcpy(file->copy, begin, n);
    file->copy[n] = '\0';
    file->field = file->copy;
    file->field_size = (uint32_t)n;
    file->at += n + (end != NULL);
    *ret = (struct tendon_record){
        .fields = &file->field,
        .sizes = &file->field_size,
        .n_fields = 1,
        .file_changed = !file->is_begun,
        .line = ++file->line,
        .file = "records",
    };
    file->is_begun = true;
    return TENDON_OK;
}

static size_t file_position(const struct tendon_file *file, void *room)
{
    memcpy(room, &file->at, sizeof(file->at));
    return sizeof(file->at);
}

static void file_close(struct tendon_file *file)
{
    if (file)
        free(file->copy);
    free(file);
}

static const void *extension(const struct tendon_host *host, const char *name)
{
    static const struct tendon_file_1 files = {
        .struct_size = sizeof(files),
        .open = file_open,
        .next = file_next,
        .position = file_position,
        .close = file_close,
    };
    (void)host;
    return strcmp(name, TENDON_FILE_1) == 0 ? (const void *)&files : json_service();
}

/* What came: of a record its line and a value, of a bad one its line and why. */
struct row {
    uint64_t line;
    char text[24];
    uint8_t position[RECORDS_POSITION_BYTES];
    size_t size;
};

static size_t read_rows(enum records_form form, const char *member, const void *position, size_t size,
                        struct row *rows)
{
    const struct tendon_host host = {.struct_size = sizeof(host), .extension = extension};
    const struct tendon_file_options options = {.struct_size = sizeof(options), .path = "/"};
    struct records *records = NULL;
    struct tendon_record record;
    char err[TENDON_ERROR_BYTES] = "";
    size_t n = 0;
    int result;
    if (records_new(&host, form, member, &records, err) != TENDON_OK ||
        records_open(records, &options, position, size, err) != TENDON_OK ||
        records_column(records, "a") != 0)
        abort();
    while (n < ROWS_MAX && (result = records_next(records, &record, err)) != TENDON_IDLE) {
        if (result != TENDON_OK && (result != TENDON_INVALID || !record.problem))
            abort();
        if (result == TENDON_OK && (record.n_fields <= 1 || record.fields[0][record.sizes[0]] != '\0'))
            abort();
        rows[n].line = record.line;
        strncpy(rows[n].text, result == TENDON_OK ? record.fields[0] : record.problem,
                sizeof(rows[n].text) - 1);
        rows[n].size = records_position(records, rows[n].position);
        n++;
    }
    records_free(records);
    return n;
}

static bool is_same(const struct row *left, const struct row *right)
{
    return left->line == right->line && strcmp(left->text, right->text) == 0;
}

/* Whether again[n_again] is the end of rows[n], begun at `from` or before. */
static bool is_rest(const struct row *rows, size_t n, size_t from, const struct row *again, size_t n_again)
{
    if (n_again > n || n - n_again > from)
        return false;
    for (size_t i = 0; i < n_again; i++)
        if (!is_same(&rows[n - n_again + i], &again[i]))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct row rows[ROWS_MAX], again[ROWS_MAX];
    static const struct {
        enum records_form form;
        const char *member;
    } ways[] = {{RECORDS_LINES, NULL}, {RECORDS_ARRAY, NULL}, {RECORDS_ARRAY, "rows"}};
    TEXT = (const char *)data;
    SIZE = size;
    for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
        memset(rows, 0, sizeof(rows));
        size_t n = read_rows(ways[w].form, ways[w].member, NULL, 0, rows);
        if (n == ROWS_MAX)
            continue;
        size_t step = n / 16 + 1;
        for (size_t i = 0; i < n; i += step) {
            memset(again, 0, sizeof(again));
            size_t n_again = read_rows(ways[w].form, ways[w].member, rows[i].position, rows[i].size, again);
            if (!is_rest(rows, n, i + 1, again, n_again))
                abort();
        }
    }
    return 0;
}
