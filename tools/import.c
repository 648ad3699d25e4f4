#include "tools/import.h"

#include "core/base/nearest.h"
#include "core/ingest/pattern.h"
#include "tools/json.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 512 /* --value options; more than a command line has */
#define NO_COLUMN  SIZE_MAX

static const char *const TABLE_NAMES[] = {"site", "team"};

struct value_map {
    size_t column;
    const char *old;
    size_t old_size;
    const char *new;
    bool used;
};

/* What a file's header and the options come to. */
struct import_map {
    const struct import_options *options;
    const char *names[CSV_COLUMNS_MAX]; /* of the columns; into the CSV's own bytes */
    size_t n_columns;
    size_t key;
    size_t columns[REFERENCE_ATTRIBUTES_N];        /* of an attribute, or NO_COLUMN */
    const char *constants[REFERENCE_ATTRIBUTES_N]; /* of --set */
    struct value_map values[VALUES_MAX];
};

static int attribute_find(enum reference_table table, const char *name)
{
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++)
        if (REFERENCE_ATTRIBUTE_INFO[a].table == table && strcmp(REFERENCE_ATTRIBUTE_INFO[a].name, name) == 0)
            return a;
    return -1;
}

static int attribute_unknown(const struct import_map *map, const char *option, const char *name,
                             struct error *err)
{
    struct nearest nearest;
    char list[200] = "";
    nearest_init(&nearest, name, strlen(name));
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
        const struct reference_attribute_info *info = &REFERENCE_ATTRIBUTE_INFO[a];
        if (info->table != map->options->table)
            continue;
        nearest_offer(&nearest, info->name);
        size_t at = strlen(list);
        (void)snprintf(list + at, sizeof(list) - at, "%s%s", at > 0 ? ", " : "", info->name);
    }
    error_set(err, -EINVAL, "usage", "%s: a %s has no attribute \"%.64s\"; it has %s", option,
              TABLE_NAMES[map->options->table], name, list);
    if (nearest.best)
        error_hint(err, "did you mean %s?", nearest.best);
    return -EINVAL;
}

/* The column of a name of `size` bytes, or NO_COLUMN. */
static size_t column_find(const struct import_map *map, const char *name, size_t size)
{
    for (size_t c = 0; c < map->n_columns; c++)
        if (strlen(map->names[c]) == size && memcmp(map->names[c], name, size) == 0)
            return c;
    return NO_COLUMN;
}

static int column_unknown(const struct import_map *map, const struct csv *csv, const char *option,
                          const char *name, size_t size, struct error *err)
{
    struct nearest nearest;
    nearest_init(&nearest, name, size);
    for (size_t c = 0; c < map->n_columns; c++)
        nearest_offer(&nearest, map->names[c]);
    error_set(err, -EINVAL, "usage", "%s: %s has no column \"%.*s\"", option, csv->name,
              (int)(size < 64 ? size : 64), name);
    if (nearest.best)
        error_hint(err, "did you mean \"%s\"?", nearest.best);
    else
        error_hint(err, "its first line names the columns: head -1 %.120s", csv->name);
    return -EINVAL;
}

static int map_set(struct import_map *map, struct error *err)
{
    for (size_t i = 0; i < map->options->n_sets; i++) {
        const char *text = map->options->sets[i], *equals = strchr(text, '=');
        char name[64];
        if (!equals || equals == text)
            return error_set(err, -EINVAL, "usage", "--set wants NAME=VALUE, for example --set country=US");
        (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
        int a = attribute_find(map->options->table, name);
        if (a < 0)
            return attribute_unknown(map, "--set", name, err);
        map->constants[a] = equals + 1;
    }
    return 0;
}

/* Columns that bear an attribute's name are that attribute; --map says more. */
static int map_columns(struct import_map *map, const struct csv *csv, struct error *err)
{
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
        map->columns[a] = NO_COLUMN;
        if (REFERENCE_ATTRIBUTE_INFO[a].table == map->options->table)
            map->columns[a] =
                column_find(map, REFERENCE_ATTRIBUTE_INFO[a].name, strlen(REFERENCE_ATTRIBUTE_INFO[a].name));
    }
    for (size_t i = 0; i < map->options->n_maps; i++) {
        /* The name of a column may hold an equals sign, that of an attribute never. */
        const char *text = map->options->maps[i], *equals = strrchr(text, '=');
        if (!equals || equals == text || !equals[1])
            return error_set(err, -EINVAL, "usage",
                             "--map wants COLUMN=NAME, for example --map type=facility_kind");
        size_t column = column_find(map, text, (size_t)(equals - text));
        if (column == NO_COLUMN)
            return column_unknown(map, csv, "--map", text, (size_t)(equals - text), err);
        int a = attribute_find(map->options->table, equals + 1);
        if (a < 0)
            return attribute_unknown(map, "--map", equals + 1, err);
        map->columns[a] = column;
    }
    return 0;
}

static int map_values(struct import_map *map, const struct csv *csv, struct error *err)
{
    if (map->options->n_values > VALUES_MAX)
        return error_set(err, -EINVAL, "usage", "more than %d --value", VALUES_MAX);
    for (size_t i = 0; i < map->options->n_values; i++) {
        const char *text = map->options->values[i], *equals = strrchr(text, '=');
        /* The longest column name that fits: names may hold colons. */
        size_t column = NO_COLUMN, size = 0;
        for (size_t c = 0; c < map->n_columns; c++) {
            size_t n = strlen(map->names[c]);
            if (n > 0 && n >= size && strncmp(text, map->names[c], n) == 0 && text[n] == ':') {
                column = c;
                size = n;
            }
        }
        const char *colon = column == NO_COLUMN ? strchr(text, ':') : text + size;
        if (!equals || !colon || equals < colon)
            return error_set(
                err, -EINVAL, "usage",
                "--value wants COLUMN:OLD=NEW, for example --value 'type:Acute Care Hospitals=hospital'");
        if (column == NO_COLUMN)
            return column_unknown(map, csv, "--value", text, (size_t)(colon - text), err);
        map->values[i] =
            (struct value_map){column, colon + 1, (size_t)(equals - colon - 1), equals + 1, false};
    }
    return 0;
}

static int map_make(struct import_map *map, struct csv *csv, const struct import_options *options,
                    struct import_result *ret, struct error *err)
{
    map->options = options;
    int r = csv_next(csv, err);
    if (r == 0) {
        error_set(err, -EINVAL, "bad_csv", "%s is empty", csv->name);
        error_hint(err, "its first line names the columns");
        r = -EINVAL;
    }
    if (r < 0)
        return r;
    map->n_columns = csv->n_fields;
    for (size_t c = 0; c < map->n_columns; c++) {
        map->names[c] = csv->fields[c];
        for (size_t d = 0; d < c; d++)
            if (map->names[c][0] && strcmp(map->names[c], map->names[d]) == 0)
                return error_set(err, -EINVAL, "bad_csv", "%s:1: two columns have the name \"%.64s\"",
                                 csv->name, map->names[c]);
    }
    map->key = column_find(map, options->key, strlen(options->key));
    if (map->key == NO_COLUMN)
        return column_unknown(map, csv, "--key", options->key, strlen(options->key), err);
    r = map_columns(map, csv, err);
    if (r == 0)
        r = map_set(map, err);
    if (r == 0)
        r = map_values(map, csv, err);
    for (size_t c = 0; r == 0 && c < map->n_columns; c++) {
        bool used = c == map->key;
        for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++)
            used |= map->columns[a] == c;
        if (!used)
            (void)json_array_append_new(ret->left_out, json_string(map->names[c]));
    }
    return r;
}

/* The blanks around a cell say nothing. */
static char *trim(char *s)
{
    s += strspn(s, " \t\r\n");
    size_t size = strlen(s);
    while (size > 0 && strchr(" \t\r\n", s[size - 1]))
        s[--size] = '\0';
    return s;
}

static const char *value_mapped(struct import_map *map, size_t column, const char *value)
{
    for (size_t i = 0; i < map->options->n_values; i++) {
        struct value_map *v = &map->values[i];
        if (v->column == column && strlen(value) == v->old_size && memcmp(value, v->old, v->old_size) == 0) {
            v->used = true;
            return v->new;
        }
    }
    return value;
}

/* The texts of a record by attribute; empty ones are absent. */
static void record_read(struct import_map *map, struct csv *csv, const char **ret_key,
                        const char *values[REFERENCE_ATTRIBUTES_N])
{
    for (size_t c = 0; c < csv->n_fields; c++)
        csv->fields[c] = trim(csv->fields[c]);
    *ret_key = value_mapped(map, map->key, csv->fields[map->key]);
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
        size_t column = map->columns[a];
        values[a] = column != NO_COLUMN ? value_mapped(map, column, csv->fields[column]) : NULL;
        if (!values[a] || !values[a][0])
            values[a] = map->constants[a];
        if (values[a] && !values[a][0])
            values[a] = NULL;
    }
}

/* The same fault in many rows is told once, with the first of its lines. */
static void row_error(struct import_result *ret, const struct csv *csv, const char *where,
                      const char *message)
{
    char text[1024];
    json_t *found = NULL, *fault;
    size_t i;
    ret->n_errors++;
    (void)snprintf(text, sizeof(text), "%s%s%s", where, *where ? ": " : "", message);
    json_array_foreach(ret->errors, i, fault)
    {
        if (strcmp(json_text(fault, "text"), text) == 0)
            found = fault;
    }
    if (!found && json_array_size(ret->errors) == IMPORT_ERRORS_SHOWN)
        return;
    if (!found) {
        found = json_pack("{s:s, s:[], s:i}", "text", text, "lines", "n", 0);
        (void)json_array_append_new(ret->errors, found);
    }
    json_t *lines = json_object_get(found, "lines");
    if (json_array_size(lines) < IMPORT_LINES_SHOWN)
        (void)json_array_append_new(lines, json_integer((json_int_t)csv->record_line));
    (void)json_object_set_new(found, "n", json_integer(json_integer_value(json_object_get(found, "n")) + 1));
}

static bool fields_check(const struct csv *csv, size_t n_columns, struct import_result *ret)
{
    char message[96];
    if (csv->n_fields == n_columns)
        return true;
    (void)snprintf(message, sizeof(message), "%zu fields, but the header has %zu", csv->n_fields, n_columns);
    row_error(ret, csv, "", message);
    return false;
}

/* Finds what in a refused row is wrong, by trying its parts alone. */
static void row_blame(const struct import_map *map, struct import_result *ret, const struct csv *csv,
                      const char *key, const char *const values[REFERENCE_ATTRIBUTES_N],
                      const struct error *whole)
{
    char where[160], message[sizeof(whole->message) + sizeof(whole->hint) + 4];
    for (int a = -1; a < REFERENCE_ATTRIBUTES_N; a++) {
        struct reference *alone = NULL;
        struct error err = ERROR_INIT;
        const char *one[REFERENCE_ATTRIBUTES_N] = {NULL};
        if (a >= 0)
            one[a] = values[a];
        if ((a >= 0 && !values[a]) || reference_new(NULL, &alone) < 0)
            continue;
        int r = reference_set(alone, map->options->table, a >= 0 ? "key" : key, INT64_MIN, one, &err);
        reference_unref(alone);
        if (r >= 0)
            continue;
        size_t column = a < 0 ? map->key : map->columns[a];
        if (column == NO_COLUMN)
            (void)snprintf(where, sizeof(where), "--set %s", REFERENCE_ATTRIBUTE_INFO[a].name);
        else
            (void)snprintf(where, sizeof(where), "column \"%.100s\"", map->names[column]);
        (void)snprintf(message, sizeof(message), "%s%s%s%s", err.message, err.hint[0] ? " (" : "", err.hint,
                       err.hint[0] ? ")" : "");
        row_error(ret, csv, where, message);
        return;
    }
    row_error(ret, csv, "", whole->message);
}

static json_t *row_document(const char *key, const char *const values[REFERENCE_ATTRIBUTES_N])
{
    json_t *row = json_pack("{s:s}", "key", key);
    for (int a = 0; row && a < REFERENCE_ATTRIBUTES_N; a++)
        if (values[a])
            (void)json_object_set_new(row, REFERENCE_ATTRIBUTE_INFO[a].name, json_string(values[a]));
    return row;
}

/* index: key → place of its row */
static int row_add(struct import_map *map, struct csv *csv, struct reference *checked, json_t *index,
                   struct import_result *ret, struct error *err)
{
    const char *key, *values[REFERENCE_ATTRIBUTES_N];
    struct error wrong = ERROR_INIT;
    if (!fields_check(csv, map->n_columns, ret))
        return 0;
    record_read(map, csv, &key, values);
    json_t *row = row_document(key, values);
    const json_t *before = json_object_get(index, key);
    if (!row)
        return error_set(err, -ENOMEM, "memory", "no memory for the rows of %s", csv->name);
    if (before) {
        bool same = json_equal(json_array_get(ret->rows, (size_t)json_integer_value(before)), row);
        json_decref(row);
        if (same)
            ret->n_duplicates++;
        else
            row_error(ret, csv, "", "its key stands in a line above with other values");
        return 0;
    }
    if (reference_set(checked, map->options->table, key, INT64_MIN, values, &wrong) < 0) {
        json_decref(row);
        row_blame(map, ret, csv, key, values, &wrong);
        return 0;
    }
    (void)json_object_set_new(index, key, json_integer((json_int_t)json_array_size(ret->rows)));
    (void)json_array_append_new(ret->rows, row);
    return 0;
}

int import_read(struct csv *csv, const struct import_options *options, struct import_result *ret,
                struct error *err)
{
    *ret = (struct import_result){
        .rows = json_array(), .left_out = json_array(), .unused = json_array(), .errors = json_array()};
    struct reference *checked = NULL;
    json_t *index = json_object();
    struct import_map *map = calloc(1, sizeof(*map));
    int r = map && index && reference_new(NULL, &checked) == 0
                ? map_make(map, csv, options, ret, err)
                : error_set(err, -ENOMEM, "memory", "no memory to read %s", csv->name);
    while (r == 0) {
        r = csv_next(csv, err);
        if (r <= 0)
            break;
        r = row_add(map, csv, checked, index, ret, err);
    }
    for (size_t i = 0; r == 0 && i < options->n_values; i++)
        if (!map->values[i].used)
            (void)json_array_append_new(ret->unused, json_integer((json_int_t)i));
    reference_unref(checked);
    json_decref(index);
    free(map);
    return r;
}

/* --- values of dimensions --- */

/* The columns dimension and value; the others are left out. */
static int code_columns(struct csv *csv, size_t *ret_dimension, size_t *ret_value, struct import_result *ret,
                        struct error *err)
{
    int r = csv_next(csv, err);
    if (r < 0)
        return r;
    *ret_dimension = *ret_value = NO_COLUMN;
    for (size_t c = 0; r > 0 && c < csv->n_fields; c++) {
        size_t *column = strcmp(csv->fields[c], "dimension") == 0 ? ret_dimension
                         : strcmp(csv->fields[c], "value") == 0   ? ret_value
                                                                  : NULL;
        if (column && *column != NO_COLUMN)
            return error_set(err, -EINVAL, "bad_csv", "%s:1: two columns have the name \"%s\"", csv->name,
                             csv->fields[c]);
        if (column)
            *column = c;
        else
            (void)json_array_append_new(ret->left_out, json_string(csv->fields[c]));
    }
    if (*ret_dimension != NO_COLUMN && *ret_value != NO_COLUMN)
        return 0;
    error_set(err, -EINVAL, "bad_csv", "%s has no column \"%s\"", csv->name,
              *ret_dimension == NO_COLUMN ? "dimension" : "value");
    error_hint(err, "its first line has to name the columns: dimension,value");
    return -EINVAL;
}

static int code_add(struct csv *csv, size_t dimension_column, size_t value_column, struct reference *checked,
                    struct import_result *ret, struct error *err)
{
    struct error wrong = ERROR_INIT;
    const char *dimension = trim(csv->fields[dimension_column]), *value = trim(csv->fields[value_column]);
    int r = pattern_is_personal(value, strlen(value))
                ? error_set(&wrong, -EINVAL, "bad_value", "the value looks as if it spoke of a person")
                : reference_add_code(checked, dimension, value, &wrong);
    if (r < 0) {
        row_error(ret, csv, "", wrong.message);
        return 0;
    }
    if (r == 0)
        ret->n_duplicates++;
    else if (json_array_append_new(ret->rows,
                                   json_pack("{s:s, s:s}", "dimension", dimension, "value", value)) < 0)
        return error_set(err, -ENOMEM, "memory", "no memory for the rows of %s", csv->name);
    return 0;
}

int import_read_codes(struct csv *csv, struct import_result *ret, struct error *err)
{
    *ret = (struct import_result){
        .rows = json_array(), .left_out = json_array(), .unused = json_array(), .errors = json_array()};
    struct reference *checked = NULL;
    size_t dimension, value;
    if (reference_new(NULL, &checked) < 0)
        return error_set(err, -ENOMEM, "memory", "no memory to read %s", csv->name);
    int r = code_columns(csv, &dimension, &value, ret, err);
    size_t n_columns = csv->n_fields;
    while (r == 0) {
        r = csv_next(csv, err);
        if (r <= 0)
            break;
        r = fields_check(csv, n_columns, ret) ? code_add(csv, dimension, value, checked, ret, err) : 0;
    }
    reference_unref(checked);
    return r;
}

void import_fini(struct import_result *result)
{
    json_decref(result->rows);
    json_decref(result->left_out);
    json_decref(result->unused);
    json_decref(result->errors);
    *result = (struct import_result){0};
}
