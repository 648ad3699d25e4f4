#include "tools/table.h"

#include "tools/format.h"
#include "tools/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP         2  /* columns between columns */
#define TEXT_MIN    12 /* texts are not shortened below this */
#define COLUMNS_MAX 1024

void table_init(struct table *t)
{
    *t = (struct table){0};
}

void table_fini(struct table *t)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        free(t->columns[i].group);
        free(t->columns[i].heading);
    }
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    free(t->columns);
    free(t->cells);
    *t = (struct table){0};
}

void table_column(struct table *t, const char *group, const char *heading, bool right, bool key)
{
    struct table_column *more =
        t->n_columns < COLUMNS_MAX ? realloc(t->columns, (t->n_columns + 1) * sizeof(*more)) : NULL;
    if (!more) {
        t->failed = true;
        return;
    }
    t->columns = more;
    struct table_column *c = &t->columns[t->n_columns++];
    *c = (struct table_column){.group = group ? text_clean(group) : NULL,
                               .heading = text_clean(heading),
                               .right = right,
                               .key = key};
    t->failed |= !c->heading || (group && !c->group);
}

void table_cell(struct table *t, const char *text)
{
    if (t->n_cells == t->n_room) {
        size_t room = t->n_room ? 2 * t->n_room : 64;
        char **more = realloc(t->cells, room * sizeof(*more));
        if (!more) {
            t->failed = true;
            return;
        }
        t->cells = more;
        t->n_room = room;
    }
    char *clean = text_clean(text ? text : FORMAT_MISSING);
    t->failed |= !clean;
    if (clean)
        t->cells[t->n_cells++] = clean;
}

size_t table_rows(const struct table *t)
{
    return t->n_columns ? t->n_cells / t->n_columns : 0;
}

static void pad(FILE *out, size_t n, const char *with)
{
    while (n-- > 0)
        (void)fputs(with, out);
}

/* One cell in its width, shortened where it is longer. Nothing follows the last text of a line. */
static void cell_write(FILE *out, const char *text, size_t width, bool right, bool last)
{
    size_t taken = text_width(text), bytes = strlen(text);
    bool cut = taken > width;
    if (cut)
        bytes = text_fit(text, width - 1, &taken), taken++;
    if (right)
        pad(out, width - taken, " ");
    (void)fwrite(text, 1, bytes, out);
    if (cut)
        (void)fputs("…", out);
    if (!right && !last)
        pad(out, width - taken, " ");
}

static bool same_group(const struct table *t, size_t a, size_t b)
{
    const char *g = t->columns[a].group, *h = t->columns[b].group;
    return g && h && strcmp(g, h) == 0;
}

/* A block: the columns of one piece of the table, in order. */
struct block {
    size_t columns[COLUMNS_MAX];
    size_t n;
};

/* The end of the group that begins at place i of the block. */
static size_t group_end(const struct table *t, const struct block *b, size_t i)
{
    size_t end = i + 1;
    while (end < b->n && same_group(t, b->columns[i], b->columns[end]))
        end++;
    return end;
}

static void groups_write(const struct table *t, const struct block *b, const size_t *widths, FILE *out)
{
    bool any = false;
    for (size_t i = 0; i < b->n; i++)
        any |= t->columns[b->columns[i]].group != NULL;
    if (!any)
        return;
    size_t owed = 0; /* blanks before the next heading */
    for (size_t i = 0, end; i < b->n; i = end) {
        end = group_end(t, b, i);
        size_t span = 0;
        for (size_t k = i; k < end; k++)
            span += widths[b->columns[k]] + (k > i ? GAP : 0);
        const char *group = t->columns[b->columns[i]].group;
        if (group) {
            size_t taken = text_width(group), fill = span > taken + 2 ? span - taken - 2 : 0;
            pad(out, owed, " ");
            if (fill > 0) {
                pad(out, fill / 2, "─");
                (void)fprintf(out, " %s ", group);
                pad(out, fill - fill / 2, "─");
            } else {
                cell_write(out, group, span, false, false);
            }
            owed = 0;
        } else {
            owed += span;
        }
        owed += GAP;
    }
    (void)fputc('\n', out);
}

static void block_write(const struct table *t, const struct block *b, const size_t *widths, FILE *out)
{
    groups_write(t, b, widths, out);
    for (size_t i = 0; i < b->n; i++) {
        const struct table_column *c = &t->columns[b->columns[i]];
        pad(out, i > 0 ? GAP : 0, " ");
        cell_write(out, c->heading, widths[b->columns[i]], c->right, i + 1 == b->n);
    }
    (void)fputc('\n', out);
    for (size_t i = 0; i < b->n; i++) {
        pad(out, i > 0 ? GAP : 0, " ");
        pad(out, widths[b->columns[i]], "─");
    }
    (void)fputc('\n', out);
    for (size_t row = 0; row < table_rows(t); row++) {
        for (size_t i = 0; i < b->n; i++) {
            size_t column = b->columns[i];
            pad(out, i > 0 ? GAP : 0, " ");
            cell_write(out, t->cells[row * t->n_columns + column], widths[column], t->columns[column].right,
                       i + 1 == b->n);
        }
        (void)fputc('\n', out);
    }
}

static void widths_measure(const struct table *t, size_t *widths)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        widths[c] = text_width(t->columns[c].heading);
        for (size_t row = 0; row < table_rows(t); row++) {
            size_t width = text_width(t->cells[row * t->n_columns + c]);
            if (width > widths[c])
                widths[c] = width;
        }
        if (widths[c] == 0)
            widths[c] = 1;
    }
    /* A group's heading needs its width too: the group's last column gives it. */
    for (size_t c = 0, end; c < t->n_columns; c = end) {
        size_t span = widths[c];
        for (end = c + 1; end < t->n_columns && same_group(t, c, end); end++)
            span += GAP + widths[end];
        size_t heading = t->columns[c].group ? text_width(t->columns[c].group) : 0;
        if (heading > span)
            widths[end - 1] += heading - span;
    }
}

static size_t widths_total(const struct table *t, const size_t *widths)
{
    size_t total = 0;
    for (size_t c = 0; c < t->n_columns; c++)
        total += widths[c] + (c > 0 ? GAP : 0);
    return total;
}

/* Shortens the widest text until the table fits or no text is left that may be shorter. */
static void widths_shrink(const struct table *t, size_t *widths, unsigned width)
{
    for (size_t total = widths_total(t, widths); total > width;) {
        size_t widest = SIZE_MAX, second = TEXT_MIN;
        for (size_t c = 0; c < t->n_columns; c++) {
            if (t->columns[c].right || widths[c] <= TEXT_MIN)
                continue;
            if (widest == SIZE_MAX || widths[c] > widths[widest]) {
                if (widest != SIZE_MAX && widths[widest] > second)
                    second = widths[widest];
                widest = c;
            } else if (widths[c] > second) {
                second = widths[c];
            }
        }
        if (widest == SIZE_MAX)
            return;
        size_t over = total - width, can = widths[widest] - second;
        size_t less = can == 0 ? 1 : over < can ? over : can;
        widths[widest] -= less;
        total -= less;
    }
}

int table_write(const struct table *t, FILE *out, unsigned width)
{
    if (t->failed)
        return -ENOMEM;
    if (t->n_columns == 0)
        return 0;
    size_t *widths = calloc(t->n_columns, sizeof(*widths));
    struct block *block = malloc(sizeof(*block));
    if (!widths || !block) {
        free(widths);
        free(block);
        return -ENOMEM;
    }
    widths_measure(t, widths);
    if (width > 0)
        widths_shrink(t, widths, width);
    size_t next = 0; /* the first column not written yet */
    for (bool first = true; next < t->n_columns; first = false) {
        size_t total = 0;
        block->n = 0;
        /* key columns that came before; in the first block they come as they are */
        for (size_t c = 0; c < next; c++) {
            if (!t->columns[c].key)
                continue;
            block->columns[block->n++] = c;
            total += widths[c] + GAP;
        }
        bool fresh = false;
        while (next < t->n_columns) {
            size_t end = next, span = 0;
            do
                span += widths[end++] + GAP;
            while (end < t->n_columns && same_group(t, next, end));
            if (width > 0 && fresh && total + span - GAP > width)
                break;
            total += span;
            for (; next < end; next++) {
                fresh |= !t->columns[next].key;
                block->columns[block->n++] = next;
            }
        }
        if (!first)
            (void)fputc('\n', out);
        block_write(t, block, widths, out);
    }
    free(block);
    free(widths);
    return 0;
}

/* A cell of a Markdown table: the characters that would end it or begin a markup escaped. */
static void markdown_cell(FILE *out, const char *text)
{
    (void)fputc(' ', out);
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]", *text))
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
    (void)fputs(" |", out);
}

int table_write_markdown(const struct table *t, FILE *out)
{
    if (t->failed)
        return -ENOMEM;
    (void)fputc('|', out);
    for (size_t c = 0; c < t->n_columns; c++) {
        char heading[256];
        const struct table_column *column = &t->columns[c];
        if (column->group)
            (void)snprintf(heading, sizeof(heading), "%s %s", column->group, column->heading);
        markdown_cell(out, column->group ? heading : column->heading);
    }
    (void)fputs("\n|", out);
    for (size_t c = 0; c < t->n_columns; c++)
        (void)fputs(t->columns[c].right ? " ---: |" : " --- |", out);
    (void)fputc('\n', out);
    for (size_t row = 0; row < table_rows(t); row++) {
        (void)fputc('|', out);
        for (size_t c = 0; c < t->n_columns; c++)
            markdown_cell(out, t->cells[row * t->n_columns + c]);
        (void)fputc('\n', out);
    }
    return 0;
}
