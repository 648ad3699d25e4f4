#include "plugins/host/file/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int record_new(struct record **ret)
{
    struct record *record = calloc(1, sizeof(*record));

    if (!record)
        return -ENOMEM;
    record->fields = calloc(TENDON_RECORD_FIELDS, sizeof(*record->fields));
    record->sizes = calloc(TENDON_RECORD_FIELDS, sizeof(*record->sizes));
    if (!record->fields || !record->sizes) {
        record_free(record);
        return -ENOMEM;
    }
    *ret = record;
    return 0;
}

void record_free(struct record *record)
{
    if (!record)
        return;
    free(record->fields);
    free(record->sizes);
    free(record->room);
    free(record);
}

/* UTF-8 without NUL, without surrogates and over-long forms. */
static bool text_valid(const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + size;

    while (at < end) {
        uint32_t point, low;
        size_t n;

        if (*at < 0x80) {
            if (*at++ == 0)
                return false;
            continue;
        }
        if (*at >= 0xc2 && *at < 0xe0)
            n = 1, low = 0x80, point = *at & 0x1f;
        else if (*at >= 0xe0 && *at < 0xf0)
            n = 2, low = 0x800, point = *at & 0x0f;
        else if (*at >= 0xf0 && *at < 0xf5)
            n = 3, low = 0x10000, point = *at & 0x07;
        else
            return false;
        if ((size_t)(end - at) <= n)
            return false;
        at++;
        for (; n > 0; n--, at++) {
            if ((*at & 0xc0) != 0x80)
                return false;
            point = point << 6 | (*at & 0x3f);
        }
        if (point < low || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
    }
    return true;
}

static int bad(struct record *record, const char *problem, const char *text, size_t size)
{
    const char *newline = memchr(text, '\n', size);

    record->problem = problem;
    record->n_text = newline ? (size_t)(newline - text) + 1 : size;
    record->n_lines = newline != NULL;
    return RECORD_BAD;
}

/* Where the record's text ends, without and with its line end. */
struct extent {
    size_t end, next;
    uint32_t n_lines;
    bool quoted;
};

static int line_extent(const char *text, size_t size, bool last, struct extent *ret)
{
    const char *newline = memchr(text, '\n', size);
    size_t end;

    if (!newline && !(last && size > 0))
        return RECORD_UNFINISHED;
    end = newline ? (size_t)(newline - text) : size;
    *ret = (struct extent){.end = end, .next = end + (newline != NULL), .n_lines = newline != NULL};
    if (ret->end > 0 && text[ret->end - 1] == '\r')
        ret->end--;
    return RECORD_WHOLE;
}

/* As line_extent for a record with quotes in it: a line end between quotes does not end it. */
static int quoted_extent(const char *text, size_t size, char separator, bool last, struct extent *ret)
{
    bool within = false, field_start = true;
    uint32_t n_lines = 0;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (within) {
            if (c == '"') {
                if (i + 1 == size && !last)
                    return RECORD_UNFINISHED;
                if (i + 1 < size && text[i + 1] == '"')
                    i++;
                else
                    within = false;
            } else if (c == '\n') {
                n_lines++;
            }
        } else if (c == '\n') {
            *ret = (struct extent){.end = i, .next = i + 1, .n_lines = n_lines + 1, .quoted = true};
            if (i > 0 && text[i - 1] == '\r')
                ret->end--;
            return RECORD_WHOLE;
        } else if (c == separator) {
            field_start = true;
            continue;
        } else if (c == '"' && field_start) {
            within = true;
        }
        field_start = false;
    }
    if (!last || size == 0)
        return RECORD_UNFINISHED;
    if (within)
        return RECORD_BAD;
    *ret = (struct extent){.end = size, .next = size, .n_lines = n_lines, .quoted = true};
    if (text[size - 1] == '\r')
        ret->end--;
    return RECORD_WHOLE;
}

static bool field_add(struct record *record, const char *field, size_t size)
{
    if (record->n_fields == TENDON_RECORD_FIELDS)
        return false;
    record->fields[record->n_fields] = field;
    record->sizes[record->n_fields++] = (uint32_t)size;
    return true;
}

/* Fills fields from the text of one record; the room is large enough. Returns the problem, or NULL. */
static const char *csv_split(struct record *record, const char *text, const struct extent *extent,
                             char separator)
{
    const char *at = text, *end = text + extent->end;
    char *to = record->room;

    for (;;) {
        char *field = to;

        if (extent->quoted && at < end && *at == '"') {
            for (at++;; at++) {
                const char *quote = memchr(at, '"', end - at);

                if (!quote)
                    return "bad_quotes";
                memcpy(to, at, quote - at);
                to += quote - at;
                at = quote + 1;
                if (at == end || *at != '"')
                    break;
                *to++ = '"';
            }
            if (at < end && *at != separator)
                return "bad_quotes";
        } else {
            const char *stop = memchr(at, separator, end - at);

            if (!stop)
                stop = end;
            memcpy(to, at, stop - at);
            to += stop - at;
            at = stop;
        }
        if (!field_add(record, field, to - field))
            return "too_many_fields";
        *to++ = '\0';
        if (at == end)
            return NULL;
        at++;
    }
}

static int make_room(struct record *record, size_t size)
{
    char *room;

    if (size <= record->n_room)
        return 0;
    size = size < 4096 ? 4096 : size;
    room = realloc(record->room, size);
    if (!room)
        return -ENOMEM;
    record->room = room;
    record->n_room = size;
    return 0;
}

int record_read(struct record *record, enum tendon_file_format format, char separator, const char *text,
                size_t size, bool last)
{
    struct extent extent;
    const char *problem;
    int rc;

    rc = line_extent(text, size, last, &extent);
    if (rc == RECORD_UNFINISHED)
        return size > TENDON_RECORD_BYTES ? bad(record, "too_long", text, size) : RECORD_UNFINISHED;
    if (format == TENDON_FILE_CSV && memchr(text, '"', extent.end)) {
        rc = quoted_extent(text, size, separator, last, &extent);
        if (rc == RECORD_UNFINISHED && size <= TENDON_RECORD_BYTES)
            return rc;
        if (rc != RECORD_WHOLE)
            return bad(record, "bad_quotes", text, size);
    }
    if (extent.end > TENDON_RECORD_BYTES)
        return bad(record, "too_long", text, size);
    record->n_text = extent.next;
    record->n_lines = extent.n_lines;
    record->n_fields = 0;
    if (extent.end == 0)
        return RECORD_EMPTY;
    if (!text_valid(text, extent.end))
        return bad(record, "bad_utf8", text, size);
    /* a NUL behind every field: at most one for each byte of text, and one */
    rc = make_room(record, extent.end + extent.end + 2);
    if (rc < 0)
        return rc;
    if (format == TENDON_FILE_LINES) {
        memcpy(record->room, text, extent.end);
        record->room[extent.end] = '\0';
        field_add(record, record->room, extent.end);
        return RECORD_WHOLE;
    }
    problem = csv_split(record, text, &extent, separator);
    return problem ? bad(record, problem, text, size) : RECORD_WHOLE;
}
