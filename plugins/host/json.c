#include "plugins/host/json.h"

#include "core/base/quantity.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 256 /* of a step of a path */

/* A struct tendon_json is a json_t: the plugin only ever has pointers to it. */
static json_t *value_of(const struct tendon_json *value)
{
    return (json_t *)value;
}

/* One step of a JSON pointer, up to the next slash, with ~1 for a slash and ~0 for a tilde. */
static bool read_step(const char **at, char *room)
{
    size_t n = 0;
    const char *p = *at;
    for (; *p && *p != '/'; p++) {
        char c = *p;
        if (c == '~') {
            if (p[1] != '0' && p[1] != '1')
                return false;
            c = *++p == '0' ? '~' : '/';
        }
        if (n == NAME_BYTES - 1)
            return false;
        room[n++] = c;
    }
    room[n] = '\0';
    *at = p;
    return true;
}

static json_t *follow(json_t *value, const char *path)
{
    if (!path)
        return value;
    if (*path != '/')
        return json_object_get(value, path);
    while (value && *path == '/') {
        char name[NAME_BYTES];
        int64_t index;
        path++;
        if (!read_step(&path, name))
            return NULL;
        if (json_is_object(value))
            value = json_object_get(value, name);
        else if (json_is_array(value) && quantity_int(name, 0, INT32_MAX, &index) == 0)
            value = json_array_get(value, (size_t)index);
        else
            value = NULL;
    }
    return value;
}

/* The four digits of an escape at \u, or −1. */
static int read_escape(const char *at, const char *end)
{
    int code = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        char c = at[i] | 0x20;
        if ((at[i] < '0' || at[i] > '9') && (c < 'a' || c > 'f'))
            return -1;
        code = code * 16 + (at[i] <= '9' ? at[i] - '0' : c - 'a' + 10);
    }
    return code;
}

/* Puts \ufffd in the place of escapes that no C string can hold: U+0000, which would end it in the middle,
 * and halves of surrogate pairs. Whoever can write one text of a document must not make all of it unreadable.
 */
static void replace_escapes(char *text, size_t size)
{
    const char *end = text + size;
    for (char *at = text; (at = memchr(at, '\\', (size_t)(end - at)));) {
        int code = read_escape(at, end);
        bool is_pair = code >= 0xd800 && code < 0xdc00 && (read_escape(at + 6, end) & ~0x3ff) == 0xdc00;
        if (code == 0 || (code >= 0xd800 && code < 0xe000 && !is_pair))
            memcpy(at, "\\ufffd", 6);
        at += is_pair ? 12 : code >= 0 ? 6 : end - at < 2 ? 1 : 2;
    }
}

/* Whether there may be such an escape: most texts have none, and are read as they are. */
static bool has_escapes(const char *text, size_t size)
{
    return memmem(text, size, "\\u0000", 6) || memmem(text, size, "\\ud", 3) || memmem(text, size, "\\uD", 3);
}

static json_t *load(const char *text, size_t size, json_error_t *why)
{
    if (!has_escapes(text, size))
        return json_loadb(text, size, JSON_DECODE_ANY, why);
    char *copy = malloc(size);
    if (!copy) {
        *why = (json_error_t){.line = 1, .column = 1};
        return NULL;
    }
    memcpy(copy, text, size);
    replace_escapes(copy, size);
    json_t *document = json_loadb(copy, size, JSON_DECODE_ANY, why);
    free(copy);
    return document;
}

static int value_parse(const struct tendon_host *host, const char *text, size_t size,
                       struct tendon_json **ret, char *err)
{
    (void)host;
    json_error_t why;
    size_t n = !text ? 0 : size == TENDON_TEXT ? strlen(text) : size;
    json_t *document = text ? load(text, n, &why) : NULL;
    *ret = (struct tendon_json *)document;
    if (document)
        return TENDON_OK;
    /* jansson's own words quote the text. */
    (void)snprintf(err, TENDON_ERROR_BYTES, "what should be JSON is none: line %d, column %d of %zu bytes",
                   text ? why.line : 1, text ? why.column : 1, n);
    return TENDON_INVALID;
}

static void value_free(struct tendon_json *document)
{
    json_decref(value_of(document));
}

static const struct tendon_json *value_get(const struct tendon_json *value, const char *path)
{
    return (const struct tendon_json *)follow(value_of(value), path);
}

static int value_type(const struct tendon_json *value)
{
    static const char TYPES[] = {
        [JSON_OBJECT] = 'o', [JSON_ARRAY] = 'a', [JSON_STRING] = 's', [JSON_INTEGER] = 'i',
        [JSON_REAL] = 'r',   [JSON_TRUE] = 'b',  [JSON_FALSE] = 'b',  [JSON_NULL] = 'n',
    };
    return value ? TYPES[json_typeof(value_of(value))] : 0;
}

static uint32_t value_count(const struct tendon_json *value)
{
    const json_t *json = value_of(value);
    return (uint32_t)(json_is_array(json) ? json_array_size(json) : json_object_size(json));
}

static const struct tendon_json *value_at(const struct tendon_json *array, uint32_t index)
{
    return (const struct tendon_json *)json_array_get(value_of(array), index);
}

static const char *value_key(const struct tendon_json *object, const char *after)
{
    json_t *json = value_of(object);
    void *at = after ? json_object_iter_next(json, json_object_iter_at(json, after)) : json_object_iter(json);
    return at ? json_object_iter_key(at) : NULL;
}

static const char *value_string_at(const struct tendon_json *value, const char *path)
{
    return json_string_value(follow(value_of(value), path));
}

static const char *value_text(const struct tendon_json *value, const char *path, char room[TENDON_JSON_BYTES])
{
    const json_t *json = follow(value_of(value), path);
    if (json_is_integer(json))
        (void)snprintf(room, TENDON_JSON_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    else if (json_is_boolean(json))
        (void)snprintf(room, TENDON_JSON_BYTES, "%s", json_is_true(json) ? "true" : "false");
    else
        return json_string_value(json);
    return room;
}

static int64_t value_integer_at(const struct tendon_json *value, const char *path, int64_t otherwise)
{
    const json_t *json = follow(value_of(value), path);
    int64_t number;
    if (json_is_integer(json))
        return json_integer_value(json);
    const char *text = json_string_value(json);
    return text && quantity_int(text, INT64_MIN, INT64_MAX, &number) == 0 ? number : otherwise;
}

static double value_real_at(const struct tendon_json *value, const char *path, double otherwise)
{
    const json_t *json = follow(value_of(value), path);
    return json_is_number(json) ? json_number_value(json) : otherwise;
}

const struct tendon_json_1 *json_service(void)
{
    static const struct tendon_json_1 service = {
        .struct_size = sizeof(service),
        .parse = value_parse,
        .free = value_free,
        .get = value_get,
        .type = value_type,
        .count = value_count,
        .at = value_at,
        .key = value_key,
        .string = value_string_at,
        .text = value_text,
        .integer = value_integer_at,
        .real = value_real_at,
    };
    return &service;
}
