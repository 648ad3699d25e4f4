#include "tools/answer.h"

#include "tools/chart.h"
#include "tools/format.h"
#include "tools/output.h"
#include "tools/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 1024

/* A column of the answer, read. */
struct column {
    const char *name, *kind, *metric, *stat;
    enum cell_kind cell;
    bool is_key;      /* dimension or period */
    bool is_value;    /* what was asked for, and not what stands beside it */
    bool hidden;      /* in tables: shown elsewhere */
    const char *high; /* of an interval's lower bound: the name of the upper one */
};

static enum cell_kind kind_cell(const char *kind)
{
    static const struct {
        const char *name;
        enum cell_kind cell;
    } KINDS[] = {{"period", CELL_PERIOD}, {"count", CELL_COUNT},   {"duration", CELL_DURATION},
                 {"ratio", CELL_RATIO},   {"mean", CELL_NUMBER},   {"score", CELL_NUMBER},
                 {"n", CELL_COUNT},       {"interval", CELL_RATIO}};
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++)
        if (strcmp(KINDS[i].name, kind) == 0)
            return KINDS[i].cell;
    return CELL_TEXT;
}

static const char *member(const json_t *map, const char *key)
{
    const char *s = json_string_value(json_object_get(map, key));
    return s ? s : "";
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static bool is_kind(const struct column *c, const char *kind)
{
    return strcmp(c->kind, kind) == 0;
}

/* Whether two columns have the same value in every row. */
static bool equal_everywhere(const json_t *rows, const char *a, const char *b)
{
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)rows, i, row)
    {
        const json_t *x = json_object_get(row, a), *y = json_object_get(row, b);
        if (x && y && json_is_number(x) && json_is_number(y) ? json_number_value(x) != json_number_value(y)
                                                             : !json_equal(x, y))
            return false;
    }
    return true;
}

/* The n of a statistic that the next statistic of its metric repeats, and that of a count, say nothing new.
 */
static void ns_hide(struct column *columns, size_t n, const json_t *rows)
{
    struct column *last_n = NULL, *count = NULL;
    for (size_t i = 0; i < n; i++) {
        struct column *c = &columns[i];
        if (is_kind(c, "count"))
            count = c;
        if (!is_kind(c, "n"))
            continue;
        if (count && strcmp(count->metric, c->metric) == 0 && equal_everywhere(rows, count->name, c->name)) {
            c->hidden = true;
            continue;
        }
        if (last_n && strcmp(last_n->metric, c->metric) == 0 && equal_everywhere(rows, last_n->name, c->name))
            last_n->hidden = true;
        last_n = c;
    }
}

/* Whether a column is one of those asked for. */
static bool is_asked(const json_t *answer, const char *name)
{
    size_t i;
    json_t *asked;
    json_array_foreach(json_object_get(answer, "metrics"), i,
                       asked) if (json_is_string(asked) &&
                                  strcmp(json_string_value(asked), name) == 0) return true;
    return false;
}

static size_t columns_read(const json_t *answer, struct column *columns)
{
    const json_t *list = json_object_get(answer, "columns"), *rows = json_object_get(answer, "rows");
    size_t n = 0, i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (n == COLUMNS_MAX)
            break;
        struct column *c = &columns[n++];
        *c = (struct column){member(item, "name"), member(item, "kind"), member(item, "metric"),
                             member(item, "stat")};
        c->cell = kind_cell(c->kind);
        c->is_key = is_kind(c, "dimension") || is_kind(c, "period");
        c->is_value = is_asked(answer, c->name);
    }
    for (i = 0; i + 1 < n; i++)
        if (is_kind(&columns[i], "interval") && ends_with(columns[i].name, ".low") &&
            ends_with(columns[i + 1].name, ".high")) {
            columns[i].high = columns[i + 1].name;
            columns[i + 1].hidden = true;
        }
    ns_hide(columns, n, rows);
    return n;
}

/* Whether a value needs its statistic told: that of a count or a ratio goes without saying. */
static bool has_statistic(const struct column *c)
{
    return c->stat[0] && !is_kind(c, "count") && !is_kind(c, "ratio");
}

/* What a column's group does not say. */
static const char *heading(const struct column *c, bool grouped)
{
    size_t n = strlen(c->metric);
    if (c->high)
        return "95 %";
    if (is_kind(c, "n"))
        return "n";
    if (n > 0 && strncmp(c->name, c->metric, n) == 0 && c->name[n] == '.')
        return c->name + n + 1;
    return grouped && c->is_value && c->stat[0] ? c->stat : c->name;
}

/* Whether the columns of a metric share a heading: where one of them is a statistic of it. */
static bool needs_group(const struct column *columns, size_t n, const char *metric)
{
    for (size_t i = 0; i < n; i++)
        if (columns[i].is_value && strcmp(columns[i].metric, metric) == 0 &&
            (has_statistic(&columns[i]) || strcmp(columns[i].name, metric) != 0))
            return true;
    return false;
}

/* A period's start, as coarse as it was cut. */
static const char *period_text(const json_t *row, const struct column *c, const char *every, char **room)
{
    const char *text = output_cell(CELL_PERIOD, json_object_get(row, c->name), room);
    bool partial = json_is_true(json_object_get(row, "partial"));
    if (!text || !*room)
        return text;
    if (every && ends_with(every, "mo") && strlen(text) == 10 && strcmp(text + 7, "-01") == 0)
        (*room)[7] = '\0';
    if (partial && strlen(*room) + 2 < FORMAT_ROOM)
        (void)strcat(*room, " *");
    return *room;
}

static const char *column_text(const json_t *row, const struct column *c, const char *every, char **room)
{
    const json_t *value = json_object_get(row, c->name);
    if (is_kind(c, "period"))
        return period_text(row, c, every, room);
    if (!c->high)
        return output_cell(c->cell, value, room);
    const json_t *high = json_object_get(row, c->high);
    if (!json_is_number(value) || !json_is_number(high))
        return NULL;
    free(*room);
    *room = malloc(FORMAT_ROOM);
    return *room ? format_interval(*room, FORMAT_ROOM, json_number_value(value), json_number_value(high))
                 : NULL;
}

void answer_table(const json_t *answer, const char *every, struct table *table)
{
    struct column *columns = calloc(COLUMNS_MAX, sizeof(*columns));
    char *room = NULL;
    if (!columns) {
        table->failed = true;
        return;
    }
    size_t n = columns_read(answer, columns), i;
    for (size_t c = 0; c < n; c++) {
        const struct column *column = &columns[c];
        if (column->hidden)
            continue;
        bool grouped = column->metric[0] && needs_group(columns, n, column->metric);
        table_column(table, grouped ? column->metric : NULL, heading(column, grouped),
                     !column->is_key && !is_kind(column, "text"), column->is_key);
    }
    const json_t *row;
    json_array_foreach(json_object_get(answer, "rows"), i, row) for (size_t c = 0; c < n;
                                                                     c++) if (!columns[c].hidden)
        table_cell(table, column_text(row, &columns[c], every, &room));
    free(room);
    free(columns);
}

bool answer_is_empty(const json_t *answer)
{
    size_t i, k;
    json_t *row, *column;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        json_array_foreach(json_object_get(answer, "columns"), k, column)
        {
            const char *kind = member(column, "kind");
            if ((strcmp(kind, "n") == 0 || strcmp(kind, "count") == 0) &&
                json_number_value(json_object_get(row, member(column, "name"))) > 0)
                return false;
        }
    }
    return true;
}

size_t answer_warnings(const json_t *answer, const char **ret, size_t n)
{
    const json_t *list = json_object_get(json_object_get(answer, "meta"), "warnings");
    size_t i, found = 0;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        const char *text = json_is_string(item) ? json_string_value(item) : member(item, "message");
        if (found < n)
            ret[found++] = text;
    }
    return found;
}

/* --- pictures ------------------------------------------------------------------------------------------- */

/* The values of a row's dimensions, as one label; a new string. */
static char *row_label(const json_t *row, const struct column *columns, size_t n)
{
    char *label = NULL, *room = NULL;
    size_t size;
    bool any = false;
    FILE *out = open_memstream(&label, &size);
    if (!out)
        return NULL;
    for (size_t c = 0; c < n; c++) {
        if (!is_kind(&columns[c], "dimension"))
            continue;
        const char *text = output_cell(CELL_TEXT, json_object_get(row, columns[c].name), &room);
        (void)fprintf(out, "%s%s", any ? " · " : "", text ? text : FORMAT_MISSING);
        any = true;
    }
    if (!any)
        (void)fputs("all", out);
    free(room);
    if (fclose(out) != 0)
        return NULL;
    char *clean = text_clean(label);
    free(label);
    return clean;
}

static double row_value(const json_t *row, const struct column *c)
{
    const json_t *value = json_object_get(row, c->name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void bars_write(const json_t *rows, const struct column *columns, size_t n, const struct column *c,
                       FILE *out, unsigned width)
{
    size_t n_rows = json_array_size(rows), i;
    struct chart_bar *bars = calloc(n_rows + 1, sizeof(*bars));
    char **texts = calloc(n_rows + 1, sizeof(*texts));
    json_t *row;
    (void)fprintf(out, "\n%s\n", c->name);
    json_array_foreach((json_t *)rows, i, row)
    {
        if (!bars || !texts)
            break;
        char *label = row_label(row, columns, n);
        (void)output_cell(c->cell, json_object_get(row, c->name), &texts[i]);
        bars[i] = (struct chart_bar){label ? label : strdup("?"), row_value(row, c), texts[i]};
    }
    if (bars && texts)
        chart_bars(out, bars, n_rows, width);
    for (i = 0; bars && texts && i < n_rows; i++) {
        free((char *)bars[i].label);
        free(texts[i]);
    }
    free(bars);
    free(texts);
}

/* The rows of one group follow each other or not: they are found by their label. Periods come in order. */
static void sparklines_write(const json_t *rows, const struct column *columns, size_t n,
                             const struct column *c, FILE *out, unsigned width)
{
    size_t n_rows = json_array_size(rows), i, widest = 0;
    json_t *groups = json_object(), *row, *list;
    const char *label;
    json_array_foreach((json_t *)rows, i, row)
    {
        char *text = row_label(row, columns, n);
        if (!text)
            continue;
        if (!json_object_get(groups, text))
            (void)json_object_set_new(groups, text, json_array());
        (void)json_array_append(json_object_get(groups, text), json_object_get(row, c->name));
        widest = text_width(text) > widest ? text_width(text) : widest;
        free(text);
    }
    double *values = calloc(n_rows + 1, sizeof(*values));
    char *spark = malloc(4 * n_rows + 1), *low = NULL, *high = NULL;
    (void)fprintf(out, "\n%s\n", c->name);
    json_object_foreach(groups, label, list)
    {
        size_t n_values = json_array_size(list), room = width > widest + 30 ? width - widest - 30 : 20;
        /* what does not fit is the oldest */
        size_t skip = n_values > room ? n_values - room : 0, least = SIZE_MAX, greatest = SIZE_MAX;
        if (!values || !spark)
            break;
        for (i = skip; i < n_values; i++) {
            const json_t *value = json_array_get(list, i);
            values[i] = json_is_number(value) ? json_number_value(value) : NAN;
            if (!isfinite(values[i]))
                continue;
            least = least == SIZE_MAX || values[i] < values[least] ? i : least;
            greatest = greatest == SIZE_MAX || values[i] > values[greatest] ? i : greatest;
        }
        (void)chart_sparkline(spark, values + skip, n_values - skip);
        (void)fprintf(out, "%s%*s  %s", label, (int)(widest - text_width(label)), "", spark);
        if (least != SIZE_MAX)
            (void)fprintf(out, "  %s … %s", output_cell(c->cell, json_array_get(list, least), &low),
                          output_cell(c->cell, json_array_get(list, greatest), &high));
        (void)fputc('\n', out);
    }
    free(low);
    free(high);
    free(spark);
    free(values);
    json_decref(groups);
}

void answer_chart(const json_t *answer, const char *every, FILE *out, unsigned width)
{
    const json_t *rows = json_object_get(answer, "rows");
    struct column *columns = calloc(COLUMNS_MAX, sizeof(*columns));
    if (!columns)
        return;
    size_t n = columns_read(answer, columns);
    for (size_t c = 0; c < n; c++) {
        if (!columns[c].is_value)
            continue;
        if (every)
            sparklines_write(rows, columns, n, &columns[c], out, width);
        else
            bars_write(rows, columns, n, &columns[c], out, width);
    }
    free(columns);
}
