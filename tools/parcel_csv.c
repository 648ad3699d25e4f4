#include "tools/parcel_csv.h"

#include "core/base/instant.h"
#include "core/forward/form.h"
#include "proto/msgpack.h"

#include <inttypes.h>
#include <string.h>

/* Columns in front of those of the fields. */
static const char *const FIRST[] = {"at",     "type",  "namespace", "source",    "generation",
                                    "ticket", "event", "seq",       "refers_to", NULL};

struct text {
    const char *data;
    uint32_t size;
};

struct csv {
    FILE *out;
    const json_t *declared;
    struct mp_reader reader;
    struct text namespace, source;
    uint64_t generation;
    const uint8_t *hash;
    bool is_loose;
};

static size_t n_columns(const json_t *declared)
{
    return FIELD_N - EVENT_DECLARED_MAX + json_array_size(declared);
}

/* The name of a column of fields. */
static const char *column_name(const json_t *declared, size_t i)
{
    if (i < FIELD_N_BUILTIN)
        return FIELDS[i].name;
    i -= FIELD_N_BUILTIN;
    if (i < json_array_size(declared))
        return json_string_value(json_array_get(declared, i));
    return FIELDS[FIELD_N_DIMENSIONS + i - json_array_size(declared)].name;
}

static enum value_kind column_kind(const json_t *declared, size_t i)
{
    const char *name = column_name(declared, i);
    int field = name ? event_field_find(NULL, name, strlen(name)) : -1;
    return field < 0 ? VALUE_DICTIONARY : FIELDS[field].kind;
}

static void put_text(FILE *out, const char *data, size_t size)
{
    bool quotes = false;
    for (size_t i = 0; i < size; i++)
        quotes |= strchr(",\"\r\n", data[i]) != NULL;
    if (quotes)
        (void)fputc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '"')
            (void)fputc('"', out);
        (void)fputc(data[i], out);
    }
    if (quotes)
        (void)fputc('"', out);
}

static void put_hash(FILE *out, const uint8_t *hash)
{
    for (unsigned i = 0; hash && i < 8; i++)
        (void)fprintf(out, "%02x", hash[i]);
}

int parcel_csv_header(FILE *out, const json_t *declared, struct error *err)
{
    for (size_t i = 0; FIRST[i]; i++)
        (void)fprintf(out, "%s%s", i ? "," : "", FIRST[i]);
    for (size_t i = 0; i < n_columns(declared); i++) {
        const char *name = column_name(declared, i);
        if (name && strcmp(name, "into") != 0 && strcmp(name, "respondent") != 0)
            (void)fprintf(out, ",%s", name);
    }
    (void)fputc('\n', out);
    return ferror(out) ? error_set(err, -EIO, "file", "the file cannot be written: %s", strerror(errno)) : 0;
}

static bool read_hash(struct mp_reader *r, const uint8_t **ret)
{
    uint32_t size;
    *ret = NULL;
    if (mp_peek(r) == MP_NIL)
        return mp_read_nil(r);
    return mp_read_bin(r, ret, &size) && size == 8;
}

/* One field's value into its column. */
static bool put_value(struct csv *c, size_t column, struct mp_reader value)
{
    enum value_kind kind = column_kind(c->declared, column);
    struct text text;
    int64_t number;
    bool flag;
    switch (mp_peek(&value)) {
    case MP_STR:
        if (!mp_read_str(&value, &text.data, &text.size))
            return false;
        put_text(c->out, text.data, text.size);
        return true;
    case MP_INT:
        if (!mp_read_int(&value, &number))
            return false;
        if (kind == VALUE_SECONDS || kind == VALUE_SCORE)
            (void)fprintf(c->out, "%s%" PRId64 ".%03" PRId64, number < 0 ? "-" : "",
                          (number < 0 ? -number : number) / 1000, (number < 0 ? -number : number) % 1000);
        else
            (void)fprintf(c->out, "%" PRId64, number);
        return true;
    case MP_BOOL:
        if (!mp_read_bool(&value, &flag))
            return false;
        (void)fputs(flag ? "true" : "false", c->out);
        return true;
    default: /* nil: the event clears it */
        (void)fputs("null", c->out);
        return true;
    }
}

static bool put_event(struct csv *c)
{
    struct mp_reader *r = &c->reader;
    struct mp_reader values[FIELD_N];
    bool present[FIELD_N] = {false};
    struct text type, key;
    int64_t at;
    uint64_t seq;
    uint32_t n;
    const uint8_t *id, *ref;
    char instant[INSTANT_TEXT_BYTES];
    if (!c->hash || !mp_read_str(r, &type.data, &type.size) || !mp_read_int(r, &at) ||
        !mp_read_uint(r, &seq) || !read_hash(r, &id) || !read_hash(r, &ref) || !mp_read_map(r, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        size_t column = 0;
        if (!mp_read_str(r, &key.data, &key.size))
            return false;
        for (; column < n_columns(c->declared); column++) {
            const char *name = column_name(c->declared, column);
            if (name && strlen(name) == key.size && memcmp(name, key.data, key.size) == 0)
                break;
        }
        if (column < n_columns(c->declared)) {
            values[column] = *r;
            present[column] = true;
        }
        if (!mp_skip(r))
            return false;
    }
    (void)fprintf(c->out, "%s,", instant_text(at, instant));
    put_text(c->out, type.data, type.size);
    (void)fputc(',', c->out);
    put_text(c->out, c->namespace.data, c->namespace.size);
    (void)fputc(',', c->out);
    put_text(c->out, c->source.data, c->source.size);
    (void)fprintf(c->out, ",%" PRIu64 ",", c->generation);
    put_hash(c->out, c->is_loose ? NULL : c->hash);
    (void)fputc(',', c->out);
    put_hash(c->out, c->is_loose ? c->hash : id);
    (void)fprintf(c->out, ",%" PRIu64 ",", seq);
    put_hash(c->out, ref);
    for (size_t i = 0; i < n_columns(c->declared); i++) {
        const char *name = column_name(c->declared, i);
        if (!name || strcmp(name, "into") == 0 || strcmp(name, "respondent") == 0)
            continue;
        (void)fputc(',', c->out);
        if (present[i] && !put_value(c, i, values[i]))
            return false;
    }
    (void)fputc('\n', c->out);
    return true;
}

static bool put_entry(struct csv *c)
{
    struct mp_reader *r = &c->reader;
    uint32_t n, size;
    uint64_t entry;
    if (!mp_read_array(r, &n) || n == 0 || !mp_read_uint(r, &entry))
        return false;
    if (entry == FORM_SUBJECT && n == 4)
        return mp_read_bin(r, &c->hash, &size) && size == 8 && mp_read_bool(r, &c->is_loose) &&
               mp_read_str(r, &c->namespace.data, &c->namespace.size);
    if (entry == FORM_ORIGIN && n == 3)
        return mp_read_str(r, &c->source.data, &c->source.size) && mp_read_uint(r, &c->generation);
    if (entry == FORM_EVENT && n == 7)
        return put_event(c);
    for (uint32_t i = 1; i < n; i++)
        if (!mp_skip(r))
            return false;
    return true;
}

int parcel_csv_write(FILE *out, const json_t *declared, const void *bytes, size_t size, struct error *err)
{
    struct csv c = {.out = out, .declared = declared};
    mp_reader_init(&c.reader, bytes, size);
    bool is_good = true;
    while (is_good && c.reader.at < c.reader.end)
        is_good = put_entry(&c);
    if (!is_good)
        return error_set(err, -EBADMSG, "malformed", "what the collector gave is not of the form");
    return ferror(out) ? error_set(err, -EIO, "file", "the file cannot be written: %s", strerror(errno)) : 0;
}
