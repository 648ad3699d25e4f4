#include "core/base/document.h"

#include <math.h>
#include <msgpack.h>
#include <string.h>

#define MAP_COST 8 /* an empty map takes about as much memory as so many numbers */

struct reading {
    struct mp_reader *r;
    size_t values_left;
    struct error *err;
};

static int refuse(struct reading *d, const char *why)
{
    return error_set(d->err, -EBADMSG, "bad_document", "the document %s", why);
}

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "out of memory for a document");
}

static int read_string(struct reading *d, const char **ret, uint32_t *ret_size)
{
    if (!mp_read_str(d->r, ret, ret_size))
        return refuse(d, "is cut short in a string");
    if (*ret_size && memchr(*ret, '\0', *ret_size))
        return refuse(d, "has a string with a NUL byte");
    if (!utf8_valid(*ret, *ret_size))
        return refuse(d, "has a string that is not UTF-8");
    return 0;
}

static int read_value(struct reading *d, unsigned depth, json_t **ret);

static int read_array(struct reading *d, unsigned depth, json_t **ret)
{
    uint32_t n;
    if (!mp_read_array(d->r, &n))
        return refuse(d, "has an array longer than itself");
    json_t *array = json_array();
    if (!array)
        return no_memory(d->err);
    for (uint32_t i = 0; i < n; i++) {
        json_t *value;
        int r = read_value(d, depth + 1, &value);
        if (r == 0 && json_array_append_new(array, value) < 0)
            r = no_memory(d->err);
        if (r < 0) {
            json_decref(array);
            return r;
        }
    }
    *ret = array;
    return 0;
}

static int read_entry(struct reading *d, unsigned depth, json_t *map)
{
    const char *key;
    uint32_t size;
    if (mp_peek(d->r) != MP_STR)
        return refuse(d, "has a map key that is not a string");
    int r = read_string(d, &key, &size);
    if (r < 0)
        return r;
    if (json_object_getn(map, key, size))
        return refuse(d, "has a map with one key twice");
    json_t *value;
    r = read_value(d, depth + 1, &value);
    if (r == 0 && json_object_setn_new_nocheck(map, key, size, value) < 0)
        r = no_memory(d->err);
    return r;
}

static int read_map(struct reading *d, unsigned depth, json_t **ret)
{
    uint32_t n;
    if (d->values_left < MAP_COST)
        return refuse(d, "has too many values");
    d->values_left -= MAP_COST;
    if (!mp_read_map(d->r, &n))
        return refuse(d, "has a map longer than itself");
    json_t *map = json_object();
    if (!map)
        return no_memory(d->err);
    for (uint32_t i = 0; i < n; i++) {
        int r = read_entry(d, depth, map);
        if (r < 0) {
            json_decref(map);
            return r;
        }
    }
    *ret = map;
    return 0;
}

static int read_scalar(struct reading *d, enum mp_type type, json_t **ret)
{
    json_t *value = NULL;
    bool flag;
    int64_t number;
    double real;
    const char *text;
    uint32_t size;
    int r;
    switch (type) {
    case MP_NIL:
        (void)mp_read_nil(d->r);
        value = json_null();
        break;
    case MP_BOOL:
        (void)mp_read_bool(d->r, &flag);
        value = json_boolean(flag);
        break;
    case MP_INT:
        if (!mp_read_int(d->r, &number))
            return refuse(d, "has an integer beyond 64 bits with sign");
        value = json_integer(number);
        break;
    case MP_FLOAT:
        if (!mp_read_double(d->r, &real) || !isfinite(real))
            return refuse(d, "has a number that is not finite");
        value = json_real(real);
        break;
    case MP_STR:
        r = read_string(d, &text, &size);
        if (r < 0)
            return r;
        value = json_stringn_nocheck(text, size);
        break;
    default:
        return refuse(d, "is cut short, or has a value that is none of JSON's");
    }
    if (!value)
        return no_memory(d->err);
    *ret = value;
    return 0;
}

static int read_value(struct reading *d, unsigned depth, json_t **ret)
{
    if (depth >= DOCUMENT_DEPTH_MAX)
        return refuse(d, "is nested too deep");
    if (d->values_left == 0)
        return refuse(d, "has too many values");
    d->values_left--;
    enum mp_type type = mp_peek(d->r);
    if (type == MP_ARRAY)
        return read_array(d, depth, ret);
    if (type == MP_MAP)
        return read_map(d, depth, ret);
    return read_scalar(d, type, ret);
}

int document_read(struct mp_reader *r, size_t values_max, json_t **ret, struct error *err)
{
    struct reading d = {.r = r, .values_left = values_max, .err = err};
    return read_value(&d, 0, ret);
}

int document_decode(const void *data, size_t size, size_t values_max, json_t **ret, struct error *err)
{
    struct mp_reader reader;
    mp_reader_init(&reader, data, size);
    json_t *value;
    int r = document_read(&reader, values_max, &value, err);
    if (r < 0)
        return r;
    if (reader.at != reader.end) {
        json_decref(value);
        return error_set(err, -EBADMSG, "bad_document", "the document has bytes behind its end");
    }
    *ret = value;
    return 0;
}

/* --- writing --- */

static int write_buffer(void *context, const char *data, size_t size)
{
    struct buffer *b = context;
    buffer_append(b, data, size);
    return buffer_failed(b) ? -1 : 0;
}

static int write_text(msgpack_packer *p, const char *text, size_t size)
{
    return msgpack_pack_str(p, size) < 0 || msgpack_pack_str_body(p, text, size) < 0 ? -1 : 0;
}

/* 0; -1 when the buffer is full; -EBADMSG too deep. */
static int write_value(msgpack_packer *p, const json_t *value, unsigned depth)
{
    if (depth >= DOCUMENT_DEPTH_MAX)
        return -EBADMSG;
    int r = 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *member;
        r = msgpack_pack_map(p, json_object_size(value));
        json_object_foreach((json_t *)value, key, member)
        {
            if (r == 0)
                r = write_text(p, key, strlen(key));
            if (r == 0)
                r = write_value(p, member, depth + 1);
        }
        return r;
    }
    case JSON_ARRAY:
        r = msgpack_pack_array(p, json_array_size(value));
        for (size_t i = 0; r == 0 && i < json_array_size(value); i++)
            r = write_value(p, json_array_get(value, i), depth + 1);
        return r;
    case JSON_STRING:
        return write_text(p, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return msgpack_pack_int64(p, json_integer_value(value));
    case JSON_REAL:
        return msgpack_pack_double(p, json_real_value(value));
    case JSON_TRUE:
        return msgpack_pack_true(p);
    case JSON_FALSE:
        return msgpack_pack_false(p);
    case JSON_NULL:
        return msgpack_pack_nil(p);
    }
    return r;
}

int document_encode(const json_t *document, struct buffer *b)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, b, write_buffer);
    int r = write_value(&packer, document, 0);
    if (r == -EBADMSG)
        return r;
    return r < 0 || buffer_failed(b) ? -EMSGSIZE : 0;
}
