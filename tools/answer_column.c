#include "tools/answer_column.h"
#include "tools/json.h"

#include <string.h>

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

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

bool answer_column_is(const struct answer_column *c, const char *kind)
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
static void ns_hide(struct answer_column *columns, size_t n, const json_t *rows)
{
    struct answer_column *last_n = NULL, *count = NULL;
    for (size_t i = 0; i < n; i++) {
        struct answer_column *c = &columns[i];
        if (answer_column_is(c, "count"))
            count = c;
        if (!answer_column_is(c, "n"))
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
    json_array_foreach(json_object_get(answer, "metrics"), i, asked)
    {
        if (json_is_string(asked) && strcmp(json_string_value(asked), name) == 0)
            return true;
    }

    return false;
}

size_t answer_columns(const json_t *answer, struct answer_column *columns)
{
    const json_t *list = json_object_get(answer, "columns"), *rows = json_object_get(answer, "rows");
    size_t n = 0, i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (n == ANSWER_COLUMNS_MAX)
            break;
        struct answer_column *c = &columns[n++];
        *c = (struct answer_column){json_text(item, "name"), json_text(item, "kind"),
                                    json_text(item, "metric"), json_text(item, "stat")};
        c->cell = kind_cell(c->kind);
        c->is_key = answer_column_is(c, "dimension") || answer_column_is(c, "period");
        c->is_value = is_asked(answer, c->name);
        c->hidden = answer_column_is(c, "flag"); /* an asterisk at the value */
    }
    for (i = 0; i + 1 < n; i++)
        if (answer_column_is(&columns[i], "interval") && ends_with(columns[i].name, ".low") &&
            ends_with(columns[i + 1].name, ".high")) {
            columns[i].high = columns[i + 1].name;
            columns[i + 1].hidden = true;
        }
    ns_hide(columns, n, rows);
    return n;
}
