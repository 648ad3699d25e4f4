#include "tools/output.h"

#include "tools/format.h"
#include "tools/json.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYS_MAX 1024 /* columns of a machine form */

const char *const OUTPUT_FORMS[] = {"table", "json", "ndjson", "csv", "tsv", "md", NULL};

enum output_form output_form(const struct invocation *invocation, unsigned *ret_width)
{
    const char *name = invocation_value(invocation, "output");
    *ret_width = terminal_width(STDOUT_FILENO);
    if (!name)
        return *ret_width > 0 ? OUTPUT_TABLE : OUTPUT_TSV;
    for (size_t i = 0; OUTPUT_FORMS[i]; i++)
        if (strcmp(OUTPUT_FORMS[i], name) == 0)
            return (enum output_form)i;
    return OUTPUT_TABLE;
}

/* Any value as text: lists with commas, maps as JSON. NULL where there is nothing. */
static const char *text_cell(const json_t *value, char **room)
{
    if (json_is_string(value))
        return json_string_length(value) > 0 ? json_string_value(value) : NULL;
    free(*room);
    *room = NULL;
    bool is_container = json_is_array(value) || json_is_object(value);
    if (json_is_null(value) || !value ||
        (is_container && json_array_size(value) + json_object_size(value) == 0))
        return NULL;
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    size_t size;
    FILE *out = open_memstream(room, &size);
    if (!out)
        return NULL;
    bool plain = json_is_array(value);
    json_t *member;
    size_t i;
    json_array_foreach((json_t *)value, i, member)
    {
        plain &= json_is_string(member) || json_is_number(member);
    }
    if (plain) {
        json_array_foreach((json_t *)value, i, member)
        {
            (void)fputs(i > 0 ? ", " : "", out);
            if (json_is_string(member))
                (void)fputs(json_string_value(member), out);
            else
                json_write_line(member, out);
        }
    } else {
        json_write_line(value, out);
    }
    if (fclose(out) != 0)
        return NULL;
    return *room;
}

static unsigned cell_flags(enum cell_kind kind)
{
    if (kind == CELL_INSTANT || kind == CELL_MINUTE || kind == CELL_PERIOD || kind == CELL_WHOLE)
        return TABLE_RIGID;
    if (kind == CELL_SENTENCE)
        return TABLE_WRAP;
    return kind == CELL_TEXT ? 0 : TABLE_RIGHT;
}

const char *output_cell(enum cell_kind kind, const json_t *value, char **room)
{
    const char *text = json_string_value(value);
    bool is_time = kind == CELL_INSTANT || kind == CELL_MINUTE || kind == CELL_PERIOD;
    if (kind == CELL_TEXT || kind == CELL_WHOLE || kind == CELL_SENTENCE ||
        (is_time ? !text && !json_is_integer(value) : !json_is_number(value)))
        return text_cell(value, room);
    double number = json_number_value(value);
    free(*room);
    *room = malloc(FORMAT_ROOM);
    if (!*room)
        return NULL;
    switch (kind) {
    case CELL_INSTANT:
        return text ? format_instant(*room, FORMAT_ROOM, text)
                    : format_instant_ms(*room, FORMAT_ROOM, json_integer_value(value));
    case CELL_MINUTE:
    case CELL_PERIOD:
        if (!text)
            return format_instant_ms(*room, FORMAT_ROOM, json_integer_value(value));
        return kind == CELL_MINUTE ? format_minute(*room, FORMAT_ROOM, text)
                                   : format_period(*room, FORMAT_ROOM, text);
    case CELL_COUNT:
        return format_count(*room, FORMAT_ROOM, number);
    case CELL_DURATION:
        return format_duration(*room, FORMAT_ROOM, number);
    case CELL_TERM:
        return number > 0 ? format_duration(*room, FORMAT_ROOM, number / 1000.0) : "for ever";
    case CELL_RATIO:
        return format_ratio(*room, FORMAT_ROOM, number);
    case CELL_BYTES:
        return format_bytes(*room, FORMAT_ROOM, number);
    default:
        return format_number(*room, FORMAT_ROOM, number);
    }
}

static void csv_field(const char *s, FILE *out)
{
    if (!strpbrk(s, ",\"\r\n") && *s != ' ') {
        (void)fputs(s, out);
        return;
    }
    (void)fputc('"', out);
    for (; *s; s++) {
        if (*s == '"')
            (void)fputc('"', out);
        (void)fputc(*s, out);
    }
    (void)fputc('"', out);
}

static void tsv_field(const char *s, FILE *out)
{
    for (; *s; s++) {
        const char *escape = *s == '\t'   ? "\\t"
                             : *s == '\n' ? "\\n"
                             : *s == '\r' ? "\\r"
                             : *s == '\\' ? "\\\\"
                                          : NULL;
        if (escape)
            (void)fputs(escape, out);
        else
            (void)fputc(*s, out);
    }
}

static void field_write(enum output_form form, const char *s, FILE *out)
{
    if (form == OUTPUT_CSV)
        csv_field(s, out);
    else
        tsv_field(s, out);
}

static void value_write(enum output_form form, const json_t *value, FILE *out)
{
    char room[JSON_NUMBER_ROOM], *text = NULL;
    if (json_is_real(value))
        (void)fputs(json_real_format(room, sizeof(room), json_real_value(value)), out);
    else if (json_is_integer(value))
        (void)fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_boolean(value))
        (void)fputs(json_is_true(value) ? "true" : "false", out);
    else if (value && !json_is_null(value)) {
        const char *s = text_cell(value, &text);
        field_write(form, s ? s : "", out);
    }
    free(text);
}

void output_separated(enum output_form form, const char *const *keys, size_t n, const json_t *rows, FILE *out)
{
    char separator = form == OUTPUT_CSV ? ',' : '\t';
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            (void)fputc(separator, out);
        field_write(form, keys[i], out);
    }
    (void)fputc('\n', out);
    const json_t *row;
    size_t r;
    json_array_foreach((json_t *)rows, r, row)
    {
        for (size_t i = 0; i < n; i++) {
            if (i > 0)
                (void)fputc(separator, out);
            value_write(form, json_object_get(row, keys[i]), out);
        }
        (void)fputc('\n', out);
    }
}

/* All keys of the rows: those of the columns that occur, then the others as they first come. */
static size_t keys_collect(const struct output_column *columns, size_t n, const json_t *rows,
                           const char **keys)
{
    size_t n_keys = 0, r;
    json_t *row, *seen = json_object();
    for (size_t i = 0; i < n && n_keys < KEYS_MAX; i++) {
        keys[n_keys++] = columns[i].key;
        (void)json_object_set_new(seen, columns[i].key, json_true());
    }
    json_array_foreach((json_t *)rows, r, row)
    {
        const char *key;
        json_t *value;
        json_object_foreach(row, key, value)
        {
            if (n_keys < KEYS_MAX && !json_object_get(seen, key)) {
                keys[n_keys++] = key;
                (void)json_object_set_new(seen, key, json_true());
            }
        }
    }
    json_decref(seen);
    return n_keys;
}

static bool is_same_everywhere(const json_t *rows, const char *key)
{
    const json_t *first = json_object_get(json_array_get(rows, 0), key), *row;
    size_t r;
    json_array_foreach((json_t *)rows, r, row)
    {
        if (!json_equal(json_object_get(row, key), first))
            return false;
    }
    return true;
}

static void list_table(struct table *t, const struct output_column *columns, size_t n, const json_t *rows)
{
    struct output_column shown[KEYS_MAX];
    size_t n_shown = 0, r;
    char *room = NULL;
    json_t *row;
    for (size_t i = 0; i < n && n_shown < KEYS_MAX; i++)
        if (!columns[i].if_differs || !is_same_everywhere(rows, columns[i].key))
            shown[n_shown++] = columns[i];
    for (size_t i = 0; i < n_shown; i++)
        table_column(t, NULL, shown[i].heading, cell_flags(shown[i].kind) | (i == 0 ? TABLE_KEY : 0));
    json_array_foreach((json_t *)rows, r, row)
    {
        for (size_t i = 0; i < n_shown; i++)
            table_cell(t, output_cell(shown[i].kind, json_object_get(row, shown[i].key), &room));
    }
    free(room);
}

static void lines_write(const json_t *rows, FILE *out)
{
    size_t r;
    json_t *row;
    json_array_foreach((json_t *)rows, r, row)
    {
        json_write_line(row, out);
        (void)fputc('\n', out);
    }
}

static int table_print(const struct table *t, enum output_form form, unsigned width)
{
    int r = form == OUTPUT_MD ? table_write_markdown(t, stdout) : table_write(t, stdout, width);
    if (r == 0)
        return 0;
    struct error err = ERROR_INIT;
    error_set(&err, r, "memory", "no memory for the table");
    return error_print(&err);
}

/* For lists of maps that no column is given for. */
static size_t columns_guess(const char *const *keys, size_t n, const json_t *rows,
                            struct output_column *columns)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(json_array_get(rows, 0), keys[i]);
        columns[i] = (struct output_column){keys[i], keys[i],
                                            json_is_integer(value) ? CELL_COUNT
                                            : json_is_real(value)  ? CELL_NUMBER
                                                                   : CELL_TEXT};
    }
    return n;
}

int output_list(const struct invocation *invocation, const struct output_column *columns, size_t n,
                const json_t *rows, const char *empty)
{
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    const char *keys[KEYS_MAX];
    size_t n_keys = keys_collect(columns, n, rows, keys);
    int code = 0;
    if (form == OUTPUT_JSON) {
        json_write(rows, stdout);
    } else if (form == OUTPUT_NDJSON) {
        lines_write(rows, stdout);
    } else if (form == OUTPUT_CSV || form == OUTPUT_TSV) {
        output_separated(form, keys, n_keys, rows, stdout);
    } else if (json_array_size(rows) > 0 || form == OUTPUT_MD) {
        struct output_column guessed[KEYS_MAX];
        struct table table;
        if (n == 0) {
            n = columns_guess(keys, n_keys, rows, guessed);
            columns = guessed;
        }
        table_init(&table);
        list_table(&table, columns, n, rows);
        code = table_print(&table, form, width);
        table_fini(&table);
    } else {
        (void)fprintf(stderr, "%s\n", empty);
    }
    if (code == 0 && json_array_size(rows) == 0 && invocation_has(invocation, "fail-empty"))
        code = TENDON_EXIT_EMPTY;
    return output_finish(code);
}

static enum cell_kind kind_find(const struct output_column *columns, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(columns[i].key, key) == 0)
            return columns[i].kind;
    return CELL_TEXT;
}

static const char *heading_find(const struct output_column *columns, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(columns[i].key, key) == 0)
            return columns[i].heading;
    return key;
}

static bool is_list_of_maps(const json_t *value)
{
    return json_is_object(json_array_get(value, 0));
}

/* The members of a map as rows {key, value}, those of maps in it as "map.member". */
static void members_flatten(const json_t *map, const char *prefix, unsigned depth, json_t *rows)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)map, key, value)
    {
        char name[256];
        (void)snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value) && json_object_size(value) > 0 && depth < 4)
            members_flatten(value, name, depth + 1, rows);
        else
            (void)json_array_append_new(rows, json_pack("{s:s, s:O}", "key", name, "value", value));
    }
}

/* The columns of one list of a map: those given as "name.…", else all keys. */
static size_t list_columns(const struct output_column *columns, size_t n, const char *name,
                           const json_t *list, struct output_column *ret)
{
    size_t found = 0, size = strlen(name);
    for (size_t c = 0; c < n && found < KEYS_MAX; c++)
        if (strncmp(columns[c].key, name, size) == 0 && columns[c].key[size] == '.')
            ret[found++] = (struct output_column){columns[c].key + size + 1, columns[c].heading,
                                                  columns[c].kind, columns[c].if_differs};
    if (found > 0)
        return found;
    const char *keys[KEYS_MAX];
    return columns_guess(keys, keys_collect(NULL, 0, list, keys), list, ret);
}

static int show_lists(const struct output_column *columns, size_t n, const json_t *members,
                      enum output_form form, unsigned width)
{
    size_t i;
    json_t *member;
    json_array_foreach((json_t *)members, i, member)
    {
        const json_t *list = json_object_get(member, "value");
        const char *name = json_string_value(json_object_get(member, "key"));
        if (!is_list_of_maps(list))
            continue;
        struct output_column found[KEYS_MAX];
        struct table table;
        table_init(&table);
        list_table(&table, found, list_columns(columns, n, name, list, found), list);
        (void)printf(form == OUTPUT_MD ? "\n**%s**\n\n" : "\n%s\n", heading_find(columns, n, name));
        int code = table_print(&table, form, width);
        table_fini(&table);
        if (code != 0)
            return code;
    }
    return 0;
}

static int show_table(const struct output_column *columns, size_t n, const json_t *members,
                      enum output_form form, unsigned width)
{
    size_t i, widest = 0;
    json_t *member;
    char *room = NULL;
    struct table table;
    table_init(&table);
    table_column(&table, NULL, "name", TABLE_KEY);
    table_column(&table, NULL, "value", 0);
    json_array_foreach((json_t *)members, i, member)
    {
        const char *key = json_string_value(json_object_get(member, "key"));
        const json_t *value = json_object_get(member, "value");
        if (is_list_of_maps(value))
            continue;
        const char *heading = heading_find(columns, n, key);
        table_cell(&table, heading);
        table_cell(&table, output_cell(kind_find(columns, n, key), value, &room));
        widest = text_width(heading) > widest ? text_width(heading) : widest;
    }
    int code = 0;
    if (form == OUTPUT_MD) {
        code = table_print(&table, form, width);
    } else {
        /* On a terminal without headings: a line a member, long texts wrapped under themselves. */
        for (size_t row = 0; row < table_rows(&table) && !table.failed; row++) {
            const char *name = table.cells[2 * row], *value = table.cells[2 * row + 1];
            (void)printf("%s%*s  ", name, (int)(widest - text_width(name)), "");
            text_wrap(stdout, value, widest + 2, width);
        }
    }
    table_fini(&table);
    free(room);
    return code != 0 ? code : show_lists(columns, n, members, form, width);
}

int output_show(const struct invocation *invocation, const struct output_column *columns, size_t n,
                const json_t *map)
{
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    if (form == OUTPUT_JSON) {
        json_write(map, stdout);
        return output_finish(0);
    }
    if (form == OUTPUT_NDJSON) {
        json_write_line(map, stdout);
        (void)fputc('\n', stdout);
        return output_finish(0);
    }
    json_t *members = json_array();
    members_flatten(map, "", 0, members);
    int code = 0;
    if (form == OUTPUT_CSV || form == OUTPUT_TSV) {
        static const char *const KEYS[] = {"key", "value"};
        output_separated(form, KEYS, 2, members, stdout);
    } else {
        code = show_table(columns, n, members, form, width);
    }
    json_decref(members);
    return output_finish(code);
}

int output_finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    struct error err = ERROR_INIT;
    error_set(&err, -EIO, "output", "the answer could not be written: %s", strerror(errno));
    return error_print(&err);
}
