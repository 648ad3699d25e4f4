/* The pictures of an answer: bars for groups, sparklines over periods. */
#include "tools/answer.h"
#include "tools/answer_column.h"
#include "tools/chart.h"
#include "tools/format.h"
#include "tools/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void title_write(FILE *out, const char *title)
{
    char *clean = text_clean(title);
    (void)fprintf(out, "\n%s\n", clean ? clean : "");
    free(clean);
}

/* The values of a row's dimensions, as one label; a new string. */
static char *row_label(const json_t *row, const struct answer_column *columns, size_t n)
{
    char *label = NULL, *room = NULL;
    size_t size;
    bool any = false;
    FILE *out = open_memstream(&label, &size);
    if (!out)
        return NULL;
    for (size_t c = 0; c < n; c++) {
        if (!answer_column_is(&columns[c], "dimension"))
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

static double row_value(const json_t *row, const struct answer_column *c)
{
    const json_t *value = json_object_get(row, c->name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void bars_write(const json_t *rows, const struct answer_column *columns, size_t n,
                       const struct answer_column *c, FILE *out, unsigned width)
{
    size_t n_rows = json_array_size(rows), i;
    struct chart_bar *bars = calloc(n_rows + 1, sizeof(*bars));
    char *room = NULL;
    json_t *row;
    title_write(out, c->name);
    json_array_foreach((json_t *)rows, i, row)
    {
        if (!bars)
            break;
        const char *text = output_cell(c->cell, json_object_get(row, c->name), &room);
        bars[i].label = row_label(row, columns, n);
        bars[i].value = row_value(row, c);
        bars[i].text = text ? text_clean(text) : NULL;
    }
    if (bars)
        chart_bars(out, bars, n_rows, width);
    for (i = 0; bars && i < n_rows; i++) {
        free(bars[i].label);
        free(bars[i].text);
    }
    free(bars);
    free(room);
}

/* The values of each group, {label: [value…]}, in the order of its periods; *ret_widest is the width of the
 * widest label. */
static json_t *series_collect(const json_t *rows, const struct answer_column *columns, size_t n,
                              const struct answer_column *c, size_t *ret_widest)
{
    json_t *series = json_object(), *row;
    size_t i;
    *ret_widest = 0;
    json_array_foreach((json_t *)rows, i, row)
    {
        char *label = row_label(row, columns, n);
        if (!label)
            continue;
        if (!json_object_get(series, label))
            (void)json_object_set_new(series, label, json_array());
        json_t *value = json_object_get(row, c->name);
        (void)json_array_append(json_object_get(series, label), value ? value : json_null());
        *ret_widest = text_width(label) > *ret_widest ? text_width(label) : *ret_widest;
        free(label);
    }
    return series;
}

struct extent {
    double least, greatest; /* least > greatest: nothing was measured */
};

static void extent_add(struct extent *e, double value)
{
    if (!isfinite(value))
        return;
    e->least = value < e->least ? value : e->least;
    e->greatest = value > e->greatest ? value : e->greatest;
}

/* The last values of a list that fit, as numbers; their count. */
static size_t values_read(const json_t *list, size_t room, double *values, struct extent *e)
{
    size_t n = json_array_size(list), first = n > room ? n - room : 0;
    for (size_t i = first; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        values[i - first] = json_is_number(value) ? json_number_value(value) : NAN;
        extent_add(e, values[i - first]);
    }
    return n - first;
}

/* One scale for all groups, so that the lines can be compared; each with its own least and greatest value. */
static void sparklines_write(const json_t *rows, const struct answer_column *columns, size_t n,
                             const struct answer_column *c, FILE *out, unsigned width)
{
    size_t widest, n_rows = json_array_size(rows);
    json_t *series = series_collect(rows, columns, n, c, &widest), *list;
    size_t room = width > widest + 30 ? width - widest - 30 : 20;
    double *values = calloc(n_rows + 1, sizeof(*values));
    char *spark = malloc(4 * n_rows + 1), *low = NULL, *high = NULL;
    struct extent all = {INFINITY, -INFINITY};
    const char *label;
    title_write(out, c->name);
    json_object_foreach(series, label, list)
    {
        if (values)
            (void)values_read(list, room, values, &all);
    }
    json_object_foreach(series, label, list)
    {
        struct extent own = {INFINITY, -INFINITY};
        if (!values || !spark)
            break;
        size_t n_values = values_read(list, room, values, &own);
        (void)fprintf(out, "%s%*s  %s", label, (int)(widest - text_width(label)), "",
                      chart_sparkline(spark, values, n_values, all.least, all.greatest));
        json_t *least = json_real(own.least <= own.greatest ? own.least : 0);
        json_t *greatest = json_real(own.least <= own.greatest ? own.greatest : 0);
        if (own.least <= own.greatest)
            (void)fprintf(out, "  %s … %s", output_cell(c->cell, least, &low),
                          output_cell(c->cell, greatest, &high));
        json_decref(least);
        json_decref(greatest);
        (void)fputc('\n', out);
    }
    free(low);
    free(high);
    free(spark);
    free(values);
    json_decref(series);
}

/* "2025-01 to 2026-01": what the sparklines reach over. */
static void span_write(const json_t *rows, FILE *out)
{
    char first[FORMAT_ROOM], last[FORMAT_ROOM];
    size_t n = json_array_size(rows);
    const char *a = json_string_value(json_object_get(json_array_get(rows, 0), "period"));
    const char *b = n ? json_string_value(json_object_get(json_array_get(rows, n - 1), "period")) : NULL;
    if (!a || !b)
        return;
    char text[2 * FORMAT_ROOM + 64];
    (void)snprintf(text, sizeof(text), "From %s to %s, each with its least and greatest value:",
                   format_period(first, sizeof(first), a), format_period(last, sizeof(last), b));
    title_write(out, text);
}

void answer_chart(const json_t *answer, const char *every, FILE *out, unsigned width)
{
    const json_t *rows = json_object_get(answer, "rows");
    struct answer_column *columns = calloc(ANSWER_COLUMNS_MAX, sizeof(*columns));
    if (!columns)
        return;
    size_t n = answer_columns(answer, columns);
    if (every)
        span_write(rows, out);
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
