#include "tools/answer.h"

#include "tools/answer_column.h"
#include "tools/format.h"
#include "tools/json.h"

#include <stdlib.h>
#include <string.h>

/* Whether a value needs its statistic told: that of a count or a ratio goes without saying. */
static bool has_statistic(const struct answer_column *c)
{
    return c->stat[0] && !answer_column_is(c, "count") && !answer_column_is(c, "ratio");
}

/* What a column's group does not say. */
static const char *heading(const struct answer_column *c, bool grouped)
{
    size_t n = strlen(c->metric);
    if (c->high)
        return "95 %";
    if (answer_column_is(c, "n"))
        return "n";
    if (n > 0 && strncmp(c->name, c->metric, n) == 0 && c->name[n] == '.')
        return c->name + n + 1;
    return grouped && c->is_value && c->stat[0] ? c->stat : c->name;
}

/* Whether the columns of a metric share a heading: where one of them is a statistic of it. */
static bool needs_group(const struct answer_column *columns, size_t n, const char *metric)
{
    for (size_t i = 0; i < n; i++)
        if (columns[i].is_value && strcmp(columns[i].metric, metric) == 0 &&
            (has_statistic(&columns[i]) || strcmp(columns[i].name, metric) != 0))
            return true;
    return false;
}

/* A period's start, as coarse as it was cut. */
static const char *period_text(const json_t *row, const struct answer_column *c, const char *every,
                               char **room)
{
    const char *text = output_cell(CELL_PERIOD, json_object_get(row, c->name), room);
    bool partial = json_is_true(json_object_get(row, "partial"));
    if (!text || !*room)
        return text;
    format_month(*room, every);
    if (partial && strlen(*room) + 2 < FORMAT_ROOM)
        (void)strcat(*room, " *");
    return *room;
}

/* A value with an asterisk where it is one of few. */
static const char *value_text(const json_t *row, const struct answer_column *c, char **room)
{
    char key[192];
    const char *text = output_cell(c->cell, json_object_get(row, c->name), room);
    (void)snprintf(key, sizeof(key), "%s.few", c->name);
    if (c->is_value && text && text == *room && json_is_true(json_object_get(row, key)) &&
        strlen(*room) + 2 < FORMAT_ROOM)
        (void)strcat(*room, " *");
    return text;
}

static const char *column_text(const json_t *row, const struct answer_column *c, const char *every,
                               char **room)
{
    const json_t *value = json_object_get(row, c->name);
    if (answer_column_is(c, "period"))
        return period_text(row, c, every, room);
    if (!c->high)
        return value_text(row, c, room);
    const json_t *high = json_object_get(row, c->high);
    if (!json_is_number(value) || !json_is_number(high))
        return NULL;
    free(*room);
    *room = malloc(FORMAT_ROOM);
    return *room ? format_interval(*room, FORMAT_ROOM, json_number_value(value), json_number_value(high))
                 : NULL;
}

/* previous: the column shown before it, or NULL. What stands beside a value stays with it. */
static unsigned column_flags(const struct answer_column *c, const struct answer_column *previous)
{
    unsigned flags = TABLE_RIGHT;
    if (answer_column_is(c, "dimension") || answer_column_is(c, "text"))
        flags = 0;
    else if (answer_column_is(c, "period"))
        flags = TABLE_RIGID;
    if (previous && c->metric[0] && !c->is_value && strcmp(previous->metric, c->metric) == 0)
        flags |= TABLE_JOIN;
    return flags | (c->is_key ? TABLE_KEY : 0);
}

void answer_table(const json_t *answer, const char *every, struct table *table)
{
    struct answer_column *columns = calloc(ANSWER_COLUMNS_MAX, sizeof(*columns));
    char *room = NULL;
    if (!columns) {
        table->failed = true;
        return;
    }
    size_t n = answer_columns(answer, columns), i;
    const struct answer_column *previous = NULL;
    for (size_t c = 0; c < n; c++) {
        const struct answer_column *column = &columns[c];
        if (column->hidden)
            continue;
        bool grouped = column->metric[0] && needs_group(columns, n, column->metric);
        table_column(table, grouped ? column->metric : NULL, heading(column, grouped),
                     column_flags(column, previous));
        previous = column;
    }
    const json_t *row;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        for (size_t c = 0; c < n; c++)
            if (!columns[c].hidden)
                table_cell(table, column_text(row, &columns[c], every, &room));
    }
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
            const char *kind = json_text(column, "kind");
            if ((strcmp(kind, "n") == 0 || strcmp(kind, "count") == 0) &&
                json_number_value(json_object_get(row, json_text(column, "name"))) > 0)
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
        const char *text = json_is_string(item) ? json_string_value(item) : json_text(item, "message");
        if (found < n)
            ret[found++] = text;
    }
    return found;
}
