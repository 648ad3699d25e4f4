/* What `site import|list`, `team import|list` and `code import` share. */
#include "tools/import.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"
#include "tools/valid_from.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So that a request stays below what the collector takes, over tcp 1 MiB. */
#define ROWS_A_CALL  5000
#define BYTES_A_CALL (512 * 1024)

static const char *const TABLES[] = {"site", "team"};

/* The values of an option that may be given again. */
static size_t values_collect(const struct invocation *invocation, const char *name, const char **ret)
{
    size_t n = 0;
    for (size_t i = 0; i < invocation->n_given; i++)
        if (strcmp(invocation->given[i].option->name, name) == 0)
            ret[n++] = invocation->given[i].value;
    return n;
}

/* Sends the rows in pieces and adds up what the collector says. */
static int rows_send(struct session *s, const char *method, const json_t *rows, const json_t *params,
                     json_t *summary)
{
    json_int_t imported = 0, changed = 0;
    for (size_t at = 0; at < json_array_size(rows);) {
        json_t *piece = json_array(), *call = json_copy((json_t *)params), *result = NULL;
        size_t bytes = 0;
        while (at < json_array_size(rows) && json_array_size(piece) < ROWS_A_CALL && bytes < BYTES_A_CALL) {
            bytes += json_dumpb(json_array_get(rows, at), NULL, 0, JSON_COMPACT);
            (void)json_array_append(piece, json_array_get(rows, at++));
        }
        (void)json_object_set_new(call, "rows", piece);
        int code = session_call(s, method, call, &result);
        if (code != 0) {
            if (imported > 0)
                (void)fprintf(stderr,
                              "tendon: the first %" JSON_INTEGER_FORMAT
                              " rows are imported; importing all again does no harm\n",
                              imported);
            return code;
        }
        (void)json_object_set(summary, "refolding", json_object_get(result, "refolding"));
        (void)json_object_set(summary, "missing_calendars", json_object_get(result, "missing_calendars"));
        imported += json_integer_value(json_object_get(result, "imported"));
        changed += json_integer_value(json_object_get(result, "changed"));
        json_decref(result);
    }
    (void)json_object_set_new(summary, "imported", json_integer(imported));
    (void)json_object_set_new(summary, "changed", json_integer(changed));
    return 0;
}

/* A line on standard error; what it says of the file is cleaned. */
static void said(const char *before, const char *text)
{
    char *clean = text_clean(text);
    (void)fprintf(stderr, "%s%s\n", before, clean ? clean : "");
    free(clean);
}

/* One kind of fault: FILE:LINE: what, and in which further lines. */
static void fault_print(const char *file, const json_t *fault)
{
    const json_t *lines = json_object_get(fault, "lines"), *line;
    json_int_t n = json_integer_value(json_object_get(fault, "n"));
    char *text = NULL;
    size_t size, i;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    (void)fprintf(out, "%s:%" JSON_INTEGER_FORMAT ": %s", file, json_integer_value(json_array_get(lines, 0)),
                  json_text(fault, "text"));
    json_array_foreach((json_t *)lines, i, line)
    {
        if (i > 0)
            (void)fprintf(out, "%s%" JSON_INTEGER_FORMAT, i == 1 ? "; also in lines " : ", ",
                          json_integer_value(line));
    }
    if ((size_t)n > json_array_size(lines))
        (void)fprintf(out, " and %" JSON_INTEGER_FORMAT " more", n - (json_int_t)json_array_size(lines));
    if (fclose(out) == 0)
        said("tendon: ", text);
    free(text);
}

/* Nothing is imported from a file with something wrong in it. */
static int errors_print(const char *file, const struct import_result *result, const char *way_out)
{
    size_t i;
    json_int_t shown = 0;
    const json_t *fault;
    json_array_foreach(result->errors, i, fault)
    {
        fault_print(file, fault);
        shown += json_integer_value(json_object_get(fault, "n"));
    }
    if (result->n_errors > (size_t)shown)
        (void)fprintf(stderr, "        … and %zu rows with other faults\n", result->n_errors - (size_t)shown);
    (void)fprintf(stderr, "        nothing was imported: put the file right%s\n", way_out);
    return TENDON_EXIT_FAILED;
}

static void notes_print(const struct import_result *result, const struct import_options *options)
{
    char *room = NULL;
    size_t i;
    json_t *item;
    if (json_array_size(result->left_out) > 0) {
        const char *names = output_cell(CELL_TEXT, result->left_out, &room);
        said("left out, as neither known nor mapped: ", names ? names : "");
        free(room);
    }
    json_array_foreach(result->unused, i, item)
    {
        said("note: no row has the value of --value ", options->values[json_integer_value(item)]);
    }
    if (result->n_duplicates > 0)
        (void)fprintf(stderr, "note: %zu rows repeat another one and were passed over\n",
                      result->n_duplicates);
}

/* Sites may be imported before their calendars; a slip in a name is told all the same. */
static void missing_print(const json_t *names)
{
    char *room = NULL;
    const char *list = json_array_size(names) > 0 ? output_cell(CELL_TEXT, names, &room) : NULL;
    if (list)
        said("note: sites name calendars that nobody imported (tendon calendar import): ", list);
    free(room);
}

static int rows_import(const struct invocation *invocation, enum reference_table table,
                       const struct import_result *result)
{
    static const struct output_column COLUMNS[] = {
        {"table", "table", CELL_TEXT},          {"rows", "rows in the file", CELL_COUNT},
        {"imported", "imported", CELL_COUNT},   {"changed", "changed", CELL_COUNT},
        {"duplicates", "repeated", CELL_COUNT}, {"valid_from", "valid from", CELL_TEXT},
    };
    struct session *s = NULL;
    int code = session_open(invocation, "importing", &s);
    if (code != 0)
        return code;
    const char *from = invocation_value(invocation, "valid-from");
    json_t *params = session_params(invocation);
    (void)json_object_set_new(params, "table", json_string(TABLES[table]));
    json_t *summary = json_pack("{s:s, s:I}", "table", TABLES[table], "rows",
                                (json_int_t)(json_array_size(result->rows) + result->n_duplicates));
    code = valid_from_read(invocation, s, params);
    if (code == 0)
        code = rows_send(s, "reference.import", result->rows, params, summary);
    if (code == 0)
        code = session_await_facts(s, invocation, summary, params);
    session_close(s);
    (void)json_object_del(summary, "refolding");
    if (code == 0)
        missing_print(json_object_get(summary, "missing_calendars"));
    (void)json_object_del(summary, "missing_calendars");
    if (code == 0) {
        (void)json_object_set_new(summary, "duplicates", json_integer((json_int_t)result->n_duplicates));
        unsigned width;
        enum output_form form = output_form(invocation, &width);
        bool is_table = form == OUTPUT_TABLE || form == OUTPUT_MD;
        /* A person has already been told of the columns left out. */
        (void)json_object_set_new(summary, "valid_from",
                                  from       ? json_string(from)
                                  : is_table ? json_string("ever")
                                             : json_null());
        if (!is_table)
            (void)json_object_set(summary, "left_out", result->left_out);
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), summary);
    }
    json_decref(params);
    json_decref(summary);
    return code;
}

int import_run(const struct invocation *invocation, enum reference_table table)
{
    const char *maps[INVOCATION_MAX], *values[INVOCATION_MAX], *sets[INVOCATION_MAX];
    struct error err = ERROR_INIT;
    struct csv csv;
    struct import_result result;
    struct import_options options = {.table = table,
                                     .key = invocation_value(invocation, "key"),
                                     .maps = maps,
                                     .values = values,
                                     .sets = sets};
    if (!options.key) {
        error_set(&err, -EINVAL, "usage",
                  "tendon %s import needs --key COLUMN: which column tells the %ss apart", TABLES[table],
                  TABLES[table]);
        error_hint(&err, "tendon %s import --help shows examples", TABLES[table]);
        return error_print(&err);
    }
    options.n_maps = values_collect(invocation, "map", maps);
    options.n_values = values_collect(invocation, "value", values);
    options.n_sets = values_collect(invocation, "set", sets);
    if (csv_open(&csv, invocation_argument(invocation, 0), &err) < 0)
        return error_print(&err);
    int code;
    if (import_read(&csv, &options, &result, &err) < 0) {
        code = error_print(&err);
    } else if (result.n_errors > 0) {
        code = errors_print(csv.name, &result,
                            ", or map values: --value 'COLUMN:OLD=NEW' (NEW empty: no value)");
    } else {
        notes_print(&result, &options);
        code = rows_import(invocation, table, &result);
    }
    import_fini(&result);
    csv_close(&csv);
    return code;
}

static int codes_import(const struct invocation *invocation, const struct import_result *result)
{
    static const struct output_column COLUMNS[] = {
        {"rows", "rows in the file", CELL_COUNT},
        {"imported", "imported", CELL_COUNT},
        {"changed", "changed", CELL_COUNT},
        {"duplicates", "repeated", CELL_COUNT},
    };
    struct session *s = NULL;
    int code = session_open(invocation, "importing", &s);
    if (code != 0)
        return code;
    json_t *params = session_params(invocation);
    json_t *summary =
        json_pack("{s:I, s:I}", "rows", (json_int_t)(json_array_size(result->rows) + result->n_duplicates),
                  "duplicates", (json_int_t)result->n_duplicates);
    code = rows_send(s, "code.import", result->rows, params, summary);
    session_close(s);
    if (code == 0) {
        unsigned width;
        enum output_form form = output_form(invocation, &width);
        if (form != OUTPUT_TABLE && form != OUTPUT_MD) /* a person has already been told */
            (void)json_object_set(summary, "left_out", result->left_out);
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), summary);
    }
    json_decref(params);
    json_decref(summary);
    return code;
}

int import_run_codes(const struct invocation *invocation)
{
    static const struct import_options NONE = {.table = REFERENCE_N};
    struct error err = ERROR_INIT;
    struct csv csv;
    struct import_result result;
    int code;
    if (csv_open(&csv, invocation_argument(invocation, 0), &err) < 0)
        return error_print(&err);
    if (import_read_codes(&csv, &result, &err) < 0) {
        code = error_print(&err);
    } else if (result.n_errors > 0) {
        code = errors_print(csv.name, &result, "");
    } else {
        notes_print(&result, &NONE);
        code = codes_import(invocation, &result);
    }
    import_fini(&result);
    csv_close(&csv);
    return code;
}

int reference_list_run(const struct invocation *invocation, enum reference_table table)
{
    static const struct output_column SITES[] = {
        {"key", "site", CELL_TEXT},
        {"valid_from", "valid from", CELL_INSTANT},
        {"facility_kind", "kind", CELL_TEXT},
        {"beds", "beds", CELL_COUNT},
        {"physicians", "physicians", CELL_COUNT},
        {"state", "state", CELL_TEXT},
        {"country", "country", CELL_TEXT},
        {"org", "org", CELL_TEXT},
        {"ccn", "ccn", CELL_TEXT},
        {"npi", "npi", CELL_TEXT},
        {"calendar", "calendar", CELL_TEXT},
    };
    static const struct output_column TEAMS[] = {
        {"key", "team", CELL_TEXT},
        {"valid_from", "valid from", CELL_INSTANT},
        {"employer", "employer", CELL_TEXT},
        {"outsourcer", "outsourcer", CELL_TEXT},
        {"team_country", "country", CELL_TEXT},
        {"languages", "languages", CELL_TEXT},
        {"tier", "tier", CELL_COUNT},
    };
    json_t *params = session_params(invocation), *rows = NULL;
    (void)json_object_set_new(params, "table", json_string(TABLES[table]));
    int code = session_call_once(invocation, "asking", "reference.list", params, &rows);
    if (code != 0)
        return code;
    code = table == REFERENCE_SITE
               ? output_list(invocation, SITES, sizeof(SITES) / sizeof(SITES[0]), rows,
                             "no site is known yet; tendon site import FILE --key COLUMN brings some in")
               : output_list(invocation, TEAMS, sizeof(TEAMS) / sizeof(TEAMS[0]), rows,
                             "no team is known yet; tendon team import FILE --key COLUMN brings some in");
    json_decref(rows);
    return code;
}
