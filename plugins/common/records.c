#include "plugins/common/records.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES   128
#define NUMBER_BYTES 40

/* Where in a file the lines have come to. Between two records or files it is all that there is to know, and
 * stands before a position. */
enum place { PLACE_BEFORE, PLACE_IN_ARRAY, PLACE_IN_MEMBER, PLACE_BEHIND };

struct column {
    const char *name;
    char number[NUMBER_BYTES]; /* room for the text of a value that is none */
};

struct records {
    const struct tendon_host *host;
    const struct tendon_file_1 *service;
    const struct tendon_json_1 *json;
    struct tendon_file *file;
    enum records_form form;
    const char *member;

    struct tendon_record line; /* the line at hand */
    uint32_t at;               /* what of it was read */
    bool has_line, is_new_file;

    enum place place;
    int depth; /* of open brackets */
    bool in_string, is_escaped, is_key;
    char name[NAME_BYTES]; /* the last string of the outermost object: the name of what comes next */
    size_t name_size;

    bool in_record, is_too_long;
    char *text; /* the record at hand, as far as it was read */
    size_t size, room;
    uint64_t began;     /* its first line */
    char began_in[256]; /* its file */

    struct tendon_json *record;
    uint32_t n_columns;
    struct column columns[RECORDS_COLUMNS];
    const char *fields[RECORDS_COLUMNS];
    uint32_t sizes[RECORDS_COLUMNS];

    uint8_t safe[RECORDS_POSITION_BYTES]; /* behind the last line that ended between two records */
    size_t safe_size;
};

int records_new(const struct tendon_host *host, enum records_form form, const char *member,
                struct records **ret, char *err)
{
    struct records *records = calloc(1, sizeof(*records));

    if (!records) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "no memory");
        return TENDON_E_TEMPORARY;
    }
    *ret = records;
    records->host = host;
    records->form = form;
    records->member = member;
    records->service = host->extension(host, TENDON_FILE_1);
    records->json = host->extension(host, TENDON_JSON_1);
    if (records->service && records->json)
        return TENDON_OK;
    (void)snprintf(err, TENDON_ERROR_BYTES,
                   "this host lacks the services file/1 and json/1: take a newer one");
    return TENDON_E_CONFIG;
}

void records_free(struct records *records)
{
    if (!records)
        return;
    records_close(records);
    free(records->text);
    free(records);
}

/* --- positions -------------------------------------------------------------------------------------------
 */

/* How many brackets are open between two records there. */
static const int DEPTHS[] = {
    [PLACE_BEFORE] = 0, [PLACE_IN_ARRAY] = 1, [PLACE_IN_MEMBER] = 2, [PLACE_BEHIND] = 1};

static bool is_between(const struct records *records)
{
    return !records->in_record && !records->in_string && records->depth == DEPTHS[records->place];
}

static void keep_position(struct records *records)
{
    records->safe[0] = (uint8_t)('0' + records->place);
    records->safe_size = 1 + records->service->position(records->file, records->safe + 1);
}

size_t records_position(struct records *records, void *room)
{
    bool is_read = !records->has_line || records->at == records->line.sizes[0];

    if (records->form == RECORDS_LINES || (is_read && is_between(records)))
        keep_position(records);
    memcpy(room, records->safe, records->safe_size);
    return records->safe_size;
}

static void set_place(struct records *records, enum place place)
{
    records->place = place;
    records->depth = DEPTHS[place];
    records->in_string = records->is_escaped = records->is_key = false;
    records->in_record = records->is_too_long = false;
    records->name_size = records->size = 0;
}

int records_open(struct records *records, const struct tendon_file_options *options, const void *position,
                 size_t size, char *err)
{
    struct tendon_file_options lines = *options;
    const uint8_t *bytes = position;

    records_close(records);
    lines.format = TENDON_FILE_LINES;
    lines.has_header = 0;
    if (size && (*bytes < '0' || *bytes > '0' + PLACE_BEHIND || size > RECORDS_POSITION_BYTES)) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "the cursor is none of files with JSON");
        return TENDON_E_CURSOR;
    }
    int result = records->service->open(records->host, &lines, size ? bytes + 1 : NULL, size ? size - 1 : 0,
                                        &records->file, err);

    if (result != TENDON_OK)
        return result;
    set_place(records, size ? (enum place)(*bytes - '0') : PLACE_BEFORE);
    records->is_new_file = false;
    keep_position(records);
    return TENDON_OK;
}

void records_close(struct records *records)
{
    if (records->record)
        records->json->free(records->record);
    if (records->service)
        records->service->close(records->file);
    records->record = NULL;
    records->file = NULL;
    records->has_line = false;
    records->safe_size = 0;
}

/* --- a record's values -----------------------------------------------------------------------------------
 */

static void set_field(struct records *records, uint32_t index)
{
    const struct tendon_json_1 *json = records->json;
    struct column *column = &records->columns[index];
    const struct tendon_json *value = json->get(records->record, column->name);
    const char *text = json->text(value, NULL, column->number);

    if (!text && json->type(value) == 'r') {
        (void)snprintf(column->number, sizeof(column->number), "%.15g", json->real(value, NULL, 0));
        text = column->number;
    }
    records->fields[index] = text ? text : "";
    records->sizes[index] = (uint32_t)strlen(records->fields[index]);
}
_Static_assert(NUMBER_BYTES >= TENDON_JSON_BYTES, "json/1 writes numbers there");

int records_column(struct records *records, const char *name)
{
    for (uint32_t i = 0; i < records->n_columns; i++)
        if (strcmp(records->columns[i].name, name) == 0)
            return (int)i;
    if (records->n_columns == RECORDS_COLUMNS)
        return -1;
    records->columns[records->n_columns].name = name;
    set_field(records, records->n_columns++);
    return (int)records->n_columns - 1;
}

/* The record of a text, into ret. TENDON_OK or TENDON_INVALID. */
static int give_record(struct records *records, const char *text, size_t size, struct tendon_record *ret)
{
    const struct tendon_json_1 *json = records->json;
    char err[TENDON_ERROR_BYTES];

    if (records->record)
        json->free(records->record);
    records->record = NULL;
    *ret = (struct tendon_record){
        .fields = records->fields,
        .sizes = records->sizes,
        .n_fields = RECORDS_COLUMNS,
        .line = records->began,
        .file = records->began_in,
    };
    if (records->is_too_long)
        ret->problem = "too_long";
    else if (json->parse(records->host, text, size, &records->record, err) != TENDON_OK ||
             json->type(records->record) != 'o')
        ret->problem = "bad_json";
    if (ret->problem)
        return TENDON_INVALID;
    ret->file_changed = records->is_new_file;
    records->is_new_file = false;
    for (uint32_t i = 0; i < RECORDS_COLUMNS; i++)
        records->fields[i] = "", records->sizes[i] = 0;
    for (uint32_t i = 0; i < records->n_columns; i++)
        set_field(records, i);
    return TENDON_OK;
}

/* --- cutting an array ------------------------------------------------------------------------------------
 */

static bool append(struct records *records, char c)
{
    if (records->size == TENDON_RECORD_BYTES) {
        records->is_too_long = true;
        return true;
    }
    if (records->size == records->room) {
        size_t room = records->room ? records->room * 2 : 4096;
        char *text = realloc(records->text, room);

        if (!text)
            return false;
        records->text = text;
        records->room = room;
    }
    records->text[records->size++] = c;
    return true;
}

static void begin_here(struct records *records)
{
    records->began = records->line.line;
    (void)snprintf(records->began_in, sizeof(records->began_in), "%s", records->line.file);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_member(const struct records *records)
{
    return !records->member || (strlen(records->member) == records->name_size &&
                                memcmp(records->member, records->name, records->name_size) == 0);
}

/* A character within a string. */
static void take_string(struct records *records, char c)
{
    if (records->is_escaped)
        records->is_escaped = false;
    else if (c == '\\')
        records->is_escaped = true;
    else if (c == '"')
        records->in_string = false;
    if (records->is_key && records->in_string && records->name_size < NAME_BYTES)
        records->name[records->name_size++] = c;
}

enum found { FOUND_NOTHING, FOUND_RECORD, FOUND_NO_ARRAY, FOUND_NO_MEMORY };

/* A character outside of a record: what surrounds the array. */
static enum found take_outer(struct records *records, char c)
{
    bool is_in = records->place == PLACE_IN_ARRAY || records->place == PLACE_IN_MEMBER;

    if (c == '"') {
        records->in_string = true;
        records->is_key = records->place == PLACE_BEFORE && records->depth == 1;
        records->name_size = records->is_key ? 0 : records->name_size;
    } else if (c == '[' && !is_in && records->place == PLACE_BEFORE &&
               (records->depth == 0 || (records->depth == 1 && is_member(records)))) {
        set_place(records, records->depth == 0 ? PLACE_IN_ARRAY : PLACE_IN_MEMBER);
    } else if (c == '[' || c == '{') {
        records->depth++;
    } else if (c == ']' || c == '}') {
        bool was_behind = records->place == PLACE_BEHIND || is_in;

        records->depth -= records->depth > 0;
        if (is_in && records->depth > 0)
            set_place(records, PLACE_BEHIND);
        if (records->depth == 0) {
            set_place(records, PLACE_BEFORE);
            return was_behind ? FOUND_NOTHING : FOUND_NO_ARRAY;
        }
    } else if (records->depth == 0 && records->place == PLACE_BEFORE && !is_blank(c) && c != ',' &&
               (unsigned char)c < 0x80) {
        /* A value that is neither array nor object: what it is made of is told once, by its first letter. */
        bool is_first = records->at == 1 || is_blank(records->line.fields[0][records->at - 2]);

        return is_first ? FOUND_NO_ARRAY : FOUND_NOTHING;
    }
    return FOUND_NOTHING;
}

/* A character of the array's elements. */
static enum found take_inner(struct records *records, char c)
{
    int base = DEPTHS[records->place];

    if (!records->in_record) {
        if (is_blank(c) || c == ',')
            return FOUND_NOTHING;
        if (c == ']' || c == '}')
            return take_outer(records, c);
        records->in_record = true;
        records->is_too_long = false;
        records->size = 0;
        begin_here(records);
    } else if (records->depth == base && (c == ',' || c == ']')) { /* behind a text or number */
        records->at -= c == ']';
        records->in_record = false;
        return FOUND_RECORD;
    }
    if (!append(records, c))
        return FOUND_NO_MEMORY;
    if (c == '"')
        records->in_string = true, records->is_key = false;
    records->depth += c == '{' || c == '[';
    if (c == '}' || c == ']') {
        records->depth--;
        records->in_record = records->depth > base;
        return records->in_record ? FOUND_NOTHING : FOUND_RECORD;
    }
    return FOUND_NOTHING;
}

static enum found take(struct records *records, char c)
{
    bool is_in = records->place == PLACE_IN_ARRAY || records->place == PLACE_IN_MEMBER;

    if (records->in_string) {
        bool is_kept = !records->in_record || append(records, c);

        take_string(records, c);
        return is_kept ? FOUND_NOTHING : FOUND_NO_MEMORY;
    }
    return is_in ? take_inner(records, c) : take_outer(records, c);
}

/* The line at hand, up to a record. */
static enum found cut(struct records *records)
{
    const char *line = records->line.fields[0];

    while (records->at < records->line.sizes[0]) {
        enum found found = take(records, line[records->at++]);

        if (found != FOUND_NOTHING)
            return found;
    }
    if (records->in_record && !append(records, '\n'))
        return FOUND_NO_MEMORY;
    return FOUND_NOTHING;
}

/* --- lines -----------------------------------------------------------------------------------------------
 */

static int give_problem(const struct records *records, const char *problem, struct tendon_record *ret)
{
    *ret = (struct tendon_record){.line = records->began, .file = records->began_in, .problem = problem};
    return TENDON_INVALID;
}

/* The next line; what a file that was left in the middle had is told first. */
static int next_line(struct records *records, struct tendon_record *ret, char *err)
{
    records->has_line = false;
    if (records->form == RECORDS_ARRAY && is_between(records))
        keep_position(records);
    int result = records->service->next(records->file, &records->line, err);

    if (result != TENDON_OK) {
        if (result == TENDON_INVALID)
            *ret = records->line;
        return result;
    }
    records->has_line = true;
    records->at = 0;
    if (!records->line.file_changed)
        return TENDON_OK;
    records->is_new_file = true;
    if (records->line.line != 1 || (records->place == PLACE_BEFORE && is_between(records)))
        return TENDON_OK; /* it goes on where it was left, or begins where another ended */
    if (!records->began_in[0])
        begin_here(records);
    set_place(records, PLACE_BEFORE);
    return give_problem(records, "bad_json", ret);
}

int records_next(struct records *records, struct tendon_record *ret, char *err)
{
    for (;;) {
        if (!records->has_line || (records->form == RECORDS_ARRAY && records->at == records->line.sizes[0])) {
            int result = next_line(records, ret, err);

            if (result != TENDON_OK)
                return result;
        }
        if (records->form == RECORDS_LINES) {
            const char *line = records->line.fields[0];
            size_t n_blank = strspn(line, " \t\r");

            records->has_line = false;
            if (n_blank >= records->line.sizes[0])
                continue;
            begin_here(records);
            return give_record(records, line, records->line.sizes[0], ret);
        }
        switch (cut(records)) {
        case FOUND_NOTHING:
            break;
        case FOUND_RECORD:
            return give_record(records, records->text, records->size, ret);
        case FOUND_NO_ARRAY:
            begin_here(records);
            return give_problem(records, "no_records", ret);
        case FOUND_NO_MEMORY:
            (void)snprintf(err, TENDON_ERROR_BYTES, "no memory for a record");
            return TENDON_E_TEMPORARY;
        }
    }
}
