/* The reference tables on disk: one record a version of a row or of a calendar, or a value of a dimension. */
#include "core/base/buffer.h"
#include "core/base/document.h"
#include "core/fold/calendar.h"
#include "core/fold/reference_inside.h"
#include "proto/event.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <msgpack.h>
#include <string.h>

#define FORMAT_VERSION 2
#define ROW_VERSION    1 /* of rows and calendars: a build that knows no other record still reads them */

static int buffer_write(void *context, const char *data, size_t size)
{
    buffer_append(context, data, size);
    return 0;
}

static void pack_text(msgpack_packer *p, const char *s)
{
    msgpack_pack_str(p, strlen(s));
    msgpack_pack_str_body(p, s, strlen(s));
}

/* [format, table, key, valid_from, {attribute: value}] */
int reference_row_encode(struct buffer *b, enum reference_table table, const char *key,
                         const struct reference_row *row)
{
    msgpack_packer p;
    msgpack_packer_init(&p, b, buffer_write);
    msgpack_pack_array(&p, 5);
    msgpack_pack_int(&p, ROW_VERSION);
    pack_text(&p, REFERENCE_TABLE_NAMES[table]);
    pack_text(&p, key);
    msgpack_pack_int64(&p, row->valid_from);
    unsigned n = 0;
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++)
        n += row->strings[a] || row->numbers[a] != REFERENCE_NONE;
    msgpack_pack_map(&p, n);
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
        if (!row->strings[a] && row->numbers[a] == REFERENCE_NONE)
            continue;
        pack_text(&p, REFERENCE_ATTRIBUTE_INFO[a].name);
        if (row->strings[a])
            pack_text(&p, row->strings[a]);
        else
            msgpack_pack_int64(&p, row->numbers[a]);
    }
    return buffer_failed(b) ? -ENOMEM : 0;
}

#define CALENDAR_RECORD "calendar" /* stands where a row has the name of its table */

/* [format, "calendar", name, valid_from, definition] */
int reference_calendar_encode(struct buffer *b, const char *name, const struct reference_calendar *c)
{
    msgpack_packer p;
    msgpack_packer_init(&p, b, buffer_write);
    msgpack_pack_array(&p, 5);
    msgpack_pack_int(&p, ROW_VERSION);
    pack_text(&p, CALENDAR_RECORD);
    pack_text(&p, name);
    msgpack_pack_int64(&p, c->valid_from);
    return document_encode(calendar_definition(c->calendar), b) < 0 || buffer_failed(b) ? -ENOMEM : 0;
}

#define CODE_RECORD "code"

/* [format, "code", dimension, value, {}]; the map has room for what may come to be said of a value. A build
 * of before there were such reads the format and refuses it. */
int reference_code_encode(struct buffer *b, const char *dimension, const char *value)
{
    msgpack_packer p;
    msgpack_packer_init(&p, b, buffer_write);
    msgpack_pack_array(&p, 5);
    msgpack_pack_int(&p, FORMAT_VERSION);
    pack_text(&p, CODE_RECORD);
    pack_text(&p, dimension);
    pack_text(&p, value);
    msgpack_pack_map(&p, 0);
    return buffer_failed(b) ? -ENOMEM : 0;
}

#define TEXT_BYTES (EVENT_CODE_BYTES + 1)

/* A string into room, NUL-terminated. */
static bool read_text(struct mp_reader *reader, char room[TEXT_BYTES])
{
    const char *data;
    uint32_t size;
    if (!mp_read_str(reader, &data, &size) || size >= TEXT_BYTES || memchr(data, '\0', size))
        return false;
    memcpy(room, data, size);
    room[size] = '\0';
    return true;
}

static int attribute_find(enum reference_table table, const char *name)
{
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++)
        if (REFERENCE_ATTRIBUTE_INFO[a].table == table && strcmp(REFERENCE_ATTRIBUTE_INFO[a].name, name) == 0)
            return a;
    return -1;
}

static bool read_attributes(struct mp_reader *reader, enum reference_table table, struct reference_row *row,
                            char texts[REFERENCE_ATTRIBUTES_N][TEXT_BYTES])
{
    uint32_t n;
    if (!mp_read_map(reader, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        char name[TEXT_BYTES];
        int a = read_text(reader, name) ? attribute_find(table, name) : -1;
        if (a < 0)
            return false;
        if (REFERENCE_ATTRIBUTE_INFO[a].is_number) {
            if (!mp_read_int(reader, &row->numbers[a]))
                return false;
        } else {
            if (!read_text(reader, texts[a]))
                return false;
            row->strings[a] = texts[a];
        }
    }
    return true;
}

static int corrupt(struct error *err)
{
    return error_set(err, -EBADMSG, "reference_corrupt", "a row of the reference tables cannot be read");
}

/* What stands behind the name of the table. */
static int calendar_decode(struct reference *r, struct mp_reader *reader, struct error *err)
{
    char name[TEXT_BYTES];
    int64_t valid_from;
    json_t *definition = NULL;
    struct calendar *calendar;
    if (!read_text(reader, name) || !mp_read_int(reader, &valid_from) ||
        document_read(reader, DOCUMENT_VALUES_MAX, &definition, NULL) < 0 || reader->at != reader->end) {
        json_decref(definition);
        return corrupt(err);
    }
    int c = calendar_new(definition, &calendar, err);
    json_decref(definition);
    if (c < 0) {
        error_prefix(err, "calendar %s", name);
        return c;
    }
    c = reference_set_calendar(r, name, valid_from, calendar, err);
    calendar_unref(calendar);
    return c;
}

static int code_decode(struct reference *r, struct mp_reader *reader, struct error *err)
{
    char dimension[TEXT_BYTES], value[TEXT_BYTES];
    uint32_t n;
    if (!read_text(reader, dimension) || !read_text(reader, value) || !mp_read_map(reader, &n) || n != 0 ||
        reader->at != reader->end)
        return corrupt(err);
    int c = reference_add_code(r, dimension, value, err);
    return c < 0 ? c : 0;
}

int reference_row_decode(struct reference *r, const void *data, size_t size, struct error *err)
{
    struct mp_reader reader;
    uint32_t n;
    int64_t format, valid_from;
    char name[TEXT_BYTES], key[TEXT_BYTES], texts[REFERENCE_ATTRIBUTES_N][TEXT_BYTES];
    mp_reader_init(&reader, data, size);
    if (!mp_read_array(&reader, &n) || n != 5 || !mp_read_int(&reader, &format))
        return corrupt(err);
    if (format < ROW_VERSION || format > FORMAT_VERSION) {
        error_set(err, -EPROTONOSUPPORT, "reference_version",
                  "a row of the reference tables has format %lld; this build knows %d", (long long)format,
                  FORMAT_VERSION);
        error_hint(err, "run the version that wrote it, or a newer one");
        return -EPROTONOSUPPORT;
    }
    struct reference_row row;
    reference_row_clear(&row);
    int table = REFERENCE_N;
    if (!read_text(&reader, name))
        return corrupt(err);
    if (strcmp(name, CALENDAR_RECORD) == 0)
        return calendar_decode(r, &reader, err);
    if (strcmp(name, CODE_RECORD) == 0)
        return code_decode(r, &reader, err);
    for (table = 0; table < REFERENCE_N && strcmp(REFERENCE_TABLE_NAMES[table], name) != 0; table++)
        ;
    if (table == REFERENCE_N || !read_text(&reader, key) || !mp_read_int(&reader, &valid_from) ||
        !read_attributes(&reader, (enum reference_table)table, &row, texts) || reader.at != reader.end)
        return corrupt(err);
    row.valid_from = valid_from;
    int c = reference_put(r, (enum reference_table)table, key, &row);
    return c ? error_set(err, c, "reference_full", "no room for the rows of the %s table",
                         REFERENCE_TABLE_NAMES[table])
             : 0;
}
