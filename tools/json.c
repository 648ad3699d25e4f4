#include "tools/json.h"

#include <stdbool.h>
#include <stdlib.h>

const char *json_text(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));
    return text ? text : "";
}

char *json_real_format(char *room, size_t n, double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(room, n, "%.*g", digits, value);
        if (strtod(room, NULL) == value)
            break;
    }
    return room;
}

static int string_out(const char *data, size_t size, void *out)
{
    return fwrite(data, 1, size, out) == size ? 0 : -1;
}

static void scalar_write(const json_t *value, FILE *out)
{
    char room[JSON_NUMBER_ROOM];
    if (json_is_real(value))
        (void)fputs(json_real_format(room, sizeof(room), json_real_value(value)), out);
    else
        (void)json_dump_callback(value, string_out, out, JSON_ENCODE_ANY);
}

static void key_write(const char *key, FILE *out)
{
    json_t *text = json_string(key);
    scalar_write(text, out);
    json_decref(text);
    (void)fputs(": ", out);
}

/* levels: how many more levels of containers have a line for each member. The depth is the document's, which
 * is bounded where it was read. */
static void value_write(const json_t *value, FILE *out, unsigned levels, unsigned indent)
{
    bool is_array = json_is_array(value), is_object = json_is_object(value), first = true;
    if (!is_array && !is_object) {
        scalar_write(value, out);
        return;
    }
    /* An array of plain values stays on its line. */
    bool lines = levels > 0 && (is_object ? json_object_size(value) > 0
                                          : json_is_array(json_array_get(value, 0)) ||
                                                json_is_object(json_array_get(value, 0)));
    (void)fputc(is_array ? '[' : '{', out);
    const char *key;
    json_t *member;
    size_t i;
    if (is_array) {
        json_array_foreach(value, i, member)
        {
            (void)fputs(first ? "" : lines ? "," : ", ", out);
            if (lines)
                (void)fprintf(out, "\n%*s", (int)(indent + 2), "");
            first = false;
            value_write(member, out, lines ? levels - 1 : 0, indent + 2);
        }
    } else {
        json_object_foreach((json_t *)value, key, member)
        {
            (void)fputs(first ? "" : lines ? "," : ", ", out);
            if (lines)
                (void)fprintf(out, "\n%*s", (int)(indent + 2), "");
            first = false;
            key_write(key, out);
            value_write(member, out, lines ? levels - 1 : 0, indent + 2);
        }
    }
    if (lines)
        (void)fprintf(out, "\n%*s", (int)indent, "");
    (void)fputc(is_array ? ']' : '}', out);
}

void json_write_line(const json_t *value, FILE *out)
{
    value_write(value, out, 0, 0);
}

void json_write(const json_t *value, FILE *out)
{
    /* an array of rows: a row a line; a document: its members, and the rows in them, a line each */
    value_write(value, out, json_is_array(value) ? 1 : 2, 0);
    (void)fputc('\n', out);
}
