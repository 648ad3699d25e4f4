#include "tools/scorecard_table.h"

#include "tools/format.h"
#include "tools/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum figure_kind scorecard_kind(enum cell_kind cell)
{
    return cell == CELL_RATIO      ? FIGURE_RATIO
           : cell == CELL_COUNT    ? FIGURE_COUNT
           : cell == CELL_DURATION ? FIGURE_DURATION
                                   : FIGURE_NUMBER;
}

static const char *change_text(char *room, size_t n, enum cell_kind cell, const json_t *line)
{
    const json_t *change = json_object_get(line, "change");
    char number[FORMAT_ROOM];
    double value = json_number_value(change);
    const char *sign = value > 0 ? "+" : "";
    if (!json_is_number(change))
        return NULL;
    if (cell == CELL_RATIO)
        (void)snprintf(room, n, "%s%.1f points", fabs(value) < 0.0005 ? "" : sign,
                       fabs(value) < 0.0005 ? 0 : value * 100);
    else if (scorecard_kind(cell) == FIGURE_NUMBER)
        (void)snprintf(room, n, "%s%s", sign, format_number(number, sizeof(number), value));
    else if (fabs(value) < 0.0005)
        (void)snprintf(room, n, "0 %%");
    else /* near the bound of what counts the reader must see on which side it is */
        (void)snprintf(room, n, "%s%.*f %%", sign, fabs(value) < 0.0995 ? 1 : 0, value * 100);
    return room;
}

static enum cell_kind cell_find(const struct answer_column *columns, size_t n, const char *metric)
{
    for (size_t c = 0; c < n; c++)
        if (strcmp(columns[c].name, metric) == 0)
            return columns[c].cell;
    return CELL_TEXT;
}

/* Whether nothing was measured in either period. */
static bool line_is_empty(const json_t *line)
{
    return json_number_value(json_object_get(line, "n")) == 0 &&
           json_number_value(json_object_get(line, "before_n")) == 0;
}

/* The cells of a line from its figures, each of them once: a table has them in its own order. */
enum part { PART_VALUE, PART_INTERVAL, PART_N, PART_BEFORE, PART_CHANGE, PART_DIRECTION, PART_N_ };
static const struct {
    const char *heading;
    unsigned flags;
} PARTS[PART_N_] = {
    [PART_VALUE] = {"value", TABLE_RIGHT},   [PART_INTERVAL] = {"95 %", TABLE_RIGHT},
    [PART_N] = {"n", TABLE_RIGHT},           [PART_BEFORE] = {"before", TABLE_RIGHT},
    [PART_CHANGE] = {"change", TABLE_RIGHT}, [PART_DIRECTION] = {"direction", TABLE_JOIN | TABLE_RIGID},
};

static void part_add(struct table *t, enum part part, enum cell_kind cell, const json_t *line, char **room)
{
    const json_t *low = json_object_get(line, "low"), *high = json_object_get(line, "high");
    char text[2 * FORMAT_ROOM];
    switch (part) {
    case PART_VALUE:
        table_cell(t, output_cell(cell, json_object_get(line, "value"), room));
        break;
    case PART_INTERVAL:
        if (json_is_number(low) && json_is_number(high))
            table_cell(t,
                       format_interval(text, sizeof(text), json_number_value(low), json_number_value(high)));
        else
            table_cell(t, cell == CELL_RATIO ? NULL : "");
        break;
    case PART_N:
        table_cell(t, output_cell(CELL_COUNT, json_object_get(line, "n"), room));
        break;
    case PART_BEFORE:
        table_cell(t, output_cell(cell, json_object_get(line, "before"), room));
        break;
    case PART_CHANGE:
        table_cell(t, change_text(text, sizeof(text), cell, line));
        break;
    default:
        table_cell(t, output_cell(CELL_TEXT, json_object_get(line, "direction"), room));
    }
}

/* A column for the metric and each dimension. A metric's name is not repeated, but in Markdown. */
static void table_wide(struct table *t, const json_t *now, const struct answer_column *columns, size_t n,
                       const json_t *lines, bool markdown)
{
    const char *last = "";
    char *room = NULL;
    json_t *line, *name;
    size_t i, d;
    table_column(t, NULL, "metric", TABLE_KEY | TABLE_RIGID);
    json_array_foreach(json_object_get(now, "by"), d, name)
    {
        table_column(t, NULL, json_string_value(name), TABLE_KEY);
    }
    for (int part = 0; part < PART_N_; part++)
        table_column(t, NULL, PARTS[part].heading, PARTS[part].flags);
    json_array_foreach((json_t *)lines, i, line)
    {
        const char *metric = json_text(line, "metric");
        if (line_is_empty(line))
            continue;
        table_cell(t, strcmp(metric, last) == 0 && !markdown ? "" : metric);
        last = metric;
        json_array_foreach(json_object_get(now, "by"), d, name)
        {
            table_cell(t, output_cell(CELL_TEXT, json_object_get(line, json_string_value(name)), &room));
        }
        for (int part = 0; part < PART_N_; part++)
            part_add(t, part, cell_find(columns, n, metric), line, &room);
    }
    free(room);
}

/* The values of a line's dimensions as one label, set in below the metric; a new string. */
static char *group_label(const json_t *now, const json_t *line)
{
    char *label = NULL, *room = NULL;
    size_t size, d;
    json_t *name;
    FILE *out = open_memstream(&label, &size);
    if (!out)
        return NULL;
    json_array_foreach(json_object_get(now, "by"), d, name)
    {
        const char *text = output_cell(CELL_TEXT, json_object_get(line, json_string_value(name)), &room);
        (void)fprintf(out, "%s%s", d > 0 ? " · " : "  ", text ? text : FORMAT_MISSING);
    }
    free(room);
    if (fclose(out) != 0) {
        free(label);
        return NULL;
    }
    return label;
}

/* For terminals on which that does not fit: groups below their metric, and first what is read first. */
static void table_narrow(struct table *t, const json_t *now, const struct answer_column *columns, size_t n,
                         const json_t *lines)
{
    static const enum part ORDER[PART_N_] = {PART_VALUE,     PART_N,        PART_CHANGE,
                                             PART_DIRECTION, PART_INTERVAL, PART_BEFORE};
    const char *last = "";
    char *room = NULL;
    json_t *line;
    size_t i;
    table_column(t, NULL, "metric", TABLE_KEY);
    for (int at = 0; at < PART_N_; at++)
        table_column(t, NULL, PARTS[ORDER[at]].heading, PARTS[ORDER[at]].flags);
    json_array_foreach((json_t *)lines, i, line)
    {
        const char *metric = json_text(line, "metric");
        if (line_is_empty(line))
            continue;
        if (strcmp(metric, last) != 0) {
            table_cell(t, metric);
            for (int at = 0; at < PART_N_; at++)
                table_cell(t, "");
        }
        last = metric;
        char *label = group_label(now, line);
        table_cell(t, label);
        free(label);
        for (int at = 0; at < PART_N_; at++)
            part_add(t, ORDER[at], cell_find(columns, n, metric), line, &room);
    }
    free(room);
}

void scorecard_table(struct table *t, const json_t *now, const struct answer_column *columns, size_t n,
                     const json_t *lines, unsigned width, bool markdown)
{
    table_wide(t, now, columns, n, lines, markdown);
    if (width == 0 || markdown || table_width(t) <= width)
        return;
    table_fini(t);
    table_init(t);
    table_narrow(t, now, columns, n, lines);
}
