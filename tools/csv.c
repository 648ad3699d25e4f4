#include "tools/csv.h"

#include "proto/msgpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int csv_start(struct csv *csv, struct error *err)
{
    const unsigned char *d = (const unsigned char *)csv->data;
    if (csv->size >= 2 && ((d[0] == 0xff && d[1] == 0xfe) || (d[0] == 0xfe && d[1] == 0xff))) {
        error_set(err, -EINVAL, "import_file", "%s is UTF-16", csv->name);
        error_hint(err, "save it as CSV UTF-8, or convert it: iconv -f UTF-16 -t UTF-8");
        return -EINVAL;
    }
    if (csv->size >= 3 && memcmp(d, "\xef\xbb\xbf", 3) == 0)
        csv->at = 3;
    csv->line = 1;
    return 0;
}

int csv_open_bytes(struct csv *csv, const char *name, const void *data, size_t size, struct error *err)
{
    *csv = (struct csv){.name = name, .size = size};
    csv->data = malloc(size + 1);
    if (!csv->data)
        return error_set(err, -ENOMEM, "memory", "no memory for %s", name);
    memcpy(csv->data, data, size);
    csv->data[size] = '\0';
    int r = csv_start(csv, err);
    if (r < 0)
        csv_close(csv);
    return r;
}

static int bytes_read(struct csv *csv, int fd, struct error *err)
{
    size_t capacity = 64 * 1024;
    csv->data = malloc(capacity + 1);
    while (csv->data) {
        ssize_t n = read(fd, csv->data + csv->size, capacity - csv->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, -errno, "import_file", "%s cannot be read: %s", csv->name, strerror(errno));
        if (n == 0) {
            csv->data[csv->size] = '\0';
            return 0;
        }
        csv->size += (size_t)n;
        if (csv->size > CSV_BYTES_MAX) {
            error_set(err, -EFBIG, "import_file", "%s is over %u MiB", csv->name, CSV_BYTES_MAX >> 20);
            error_hint(err, "cut it into files of less; each may be imported by itself");
            return -EFBIG;
        }
        if (csv->size == capacity) {
            capacity *= 2;
            char *more = realloc(csv->data, capacity + 1);
            if (!more)
                break;
            csv->data = more;
        }
    }
    return error_set(err, -ENOMEM, "memory", "no memory for %s", csv->name);
}

int csv_open(struct csv *csv, const char *path, struct error *err)
{
    bool is_input = strcmp(path, "-") == 0;
    *csv = (struct csv){.name = is_input ? "standard input" : path};
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, -errno, "import_file", "%s cannot be opened: %s", path, strerror(errno));
    int r = bytes_read(csv, fd, err);
    if (!is_input)
        (void)close(fd);
    if (r == 0)
        r = csv_start(csv, err);
    if (r < 0)
        csv_close(csv);
    return r;
}

void csv_close(struct csv *csv)
{
    free(csv->data);
    csv->data = NULL;
}

static int csv_bad(struct csv *csv, const char *what, struct error *err)
{
    return error_set(err, -EBADMSG, "bad_csv", "%s:%zu: %s", csv->name, csv->record_line, what);
}

/* Reads one field at csv->at, unquoted in place. Returns what ended it: ',', '\n' or 0 for the end of the
 * file; -EBADMSG. */
static int field_read(struct csv *csv, struct error *err)
{
    char *to = csv->data + csv->at, *start = to;
    if (csv->n_fields == CSV_COLUMNS_MAX)
        return csv_bad(csv, "more than 256 columns", err);
    if (csv->at < csv->size && csv->data[csv->at] == '"') {
        csv->at++;
        for (;; csv->at++) {
            if (csv->at >= csv->size)
                return csv_bad(
                    csv, "a quoted field that begins in this record is not closed before the file ends", err);
            char c = csv->data[csv->at];
            if (c == '"') {
                if (csv->data[csv->at + 1] != '"')
                    break;
                csv->at++;
            } else if (c == '\n') {
                csv->line++;
            }
            *to++ = c;
        }
        csv->at++;
        size_t at = csv->at;
        if (at < csv->size && csv->data[at] != ',' && csv->data[at] != '\n' &&
            !(csv->data[at] == '\r' && (at + 1 == csv->size || csv->data[at + 1] == '\n')))
            return csv_bad(csv, "text stands behind a closing quote", err);
    } else {
        while (csv->at < csv->size && csv->data[csv->at] != ',' && csv->data[csv->at] != '\n')
            *to++ = csv->data[csv->at++];
        if (to > start && to[-1] == '\r' && (csv->at >= csv->size || csv->data[csv->at] == '\n'))
            to--;
    }
    if (csv->at < csv->size && csv->data[csv->at] == '\r')
        csv->at++;
    int end = csv->at < csv->size ? (unsigned char)csv->data[csv->at] : 0;
    csv->at += csv->at < csv->size;
    if ((size_t)(to - start) > CSV_FIELD_BYTES)
        return csv_bad(csv, "a field is over 64 KiB", err);
    if (memchr(start, '\0', (size_t)(to - start)) || !utf8_valid(start, (size_t)(to - start)))
        return csv_bad(csv, "a field is not valid UTF-8", err);
    *to = '\0';
    csv->fields[csv->n_fields++] = start;
    return end;
}

int csv_next(struct csv *csv, struct error *err)
{
    do {
        if (csv->at >= csv->size)
            return 0;
        csv->n_fields = 0;
        csv->record_line = csv->line;
        int end;
        do
            end = field_read(csv, err);
        while (end == ',');
        if (end < 0)
            return end;
        csv->line++;
    } while (csv->n_fields == 1 && csv->fields[0][0] == '\0');
    return 1;
}
