#include "tools/table.h"

#include "tools/format.h"
#include "tools/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP         2 /* columns between columns */
#define TEXT_MIN    8 /* texts are not shortened below this */
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

void table_column(struct table *t, const char *group, const char *heading, unsigned flags)
{
    struct table_column *more =
        t->n_columns < COLUMNS_MAX ? realloc(t->columns, (t->n_columns + 1) * sizeof(*more)) : NULL;
    if (!more) {
        t->failed = true;
        return;
    }
    t->columns = more;
    struct table_column *c = &t->columns[t->n_columns++];
    *c = (struct table_column){
        .group = group ? text_clean(group) : NULL, .heading = text_clean(heading), .flags = flags};
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
            if (fill > 1) {
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
        cell_write(out, c->heading, widths[b->columns[i]], c->flags & TABLE_RIGHT, i + 1 == b->n);
    }
    (void)fputc('\n', out);
    for (size_t i = 0; i < b->n; i++) {
        pad(out, i > 0 ? GAP : 0, " ");
        pad(out, widths[b->columns[i]], "─");
    }
    (void)fputc('\n', out);
    for (size_t row = 0; row < table_rows(t); row++) {
        size_t at = 0;
        for (size_t i = 0; i < b->n; i++) {
            size_t column = b->columns[i];
            pad(out, i > 0 ? GAP : 0, " ");
            const char *text = t->cells[row * t->n_columns + column];
            bool last = i + 1 == b->n, wraps = last && t->columns[column].flags & TABLE_WRAP;
            if (wraps)
                text_wrap(out, text, at, at + widths[column]);
            else
                cell_write(out, text, widths[column], t->columns[column].flags & TABLE_RIGHT, last);
            if (last && !wraps)
                (void)fputc('\n', out);
            at += widths[column] + GAP;
        }
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
    /* A group's heading needs its width too: its columns share what is missing. */
    for (size_t c = 0, end; c < t->n_columns; c = end) {
        size_t span = widths[c];
        for (end = c + 1; end < t->n_columns && same_group(t, c, end); end++)
            span += GAP + widths[end];
        size_t heading = t->columns[c].group ? text_width(t->columns[c].group) : 0;
        for (size_t missing = heading > span ? heading - span : 0, at = end; missing > 0; missing--) {
            at = at == c ? end - 1 : at - 1;
            widths[at]++;
        }
    }
}

/* Columns that the table's columns with these flags take beside each other. */
static size_t widths_total(const struct table *t, const size_t *widths, unsigned only)
{
    size_t total = 0;
    for (size_t c = 0; c < t->n_columns; c++)
        if ((t->columns[c].flags & only) == only)
            total += widths[c] + (total > 0 ? GAP : 0);
    return total;
}

size_t table_width(const struct table *t)
{
    size_t *widths = calloc(t->n_columns + 1, sizeof(*widths)), total = SIZE_MAX;
    if (widths && !t->failed) {
        widths_measure(t, widths);
        total = widths_total(t, widths, 0);
    }
    free(widths);
    return total;
}

/* Takes columns from the widest shortenable text, down to TEXT_MIN, until the total is width. Whether it got
 * there. */
static bool widths_shrink(const struct table *t, size_t *widths, size_t width, unsigned only)
{
    for (size_t total = widths_total(t, widths, only); total > width; total--) {
        size_t widest = SIZE_MAX;
        for (size_t c = 0; c < t->n_columns; c++)
            if (!(t->columns[c].flags & (TABLE_RIGHT | TABLE_RIGID | TABLE_WRAP)) &&
                (t->columns[c].flags & only) == only && widths[c] > TEXT_MIN &&
                (widest == SIZE_MAX || widths[c] > widths[widest]))
                widest = c;
        if (widest == SIZE_MAX)
            return false;
        widths[widest]--;
    }
    return true;
}

/* Fits the widths to a terminal: all columns beside each other where shortened texts make that possible, else
 * so that each column fits beside the keys. */
static int widths_fit(const struct table *t, size_t *widths, size_t width)
{
    size_t *whole = malloc(t->n_columns * sizeof(*whole));
    if (!whole)
        return -ENOMEM;
    memcpy(whole, widths, t->n_columns * sizeof(*whole));
    if (!widths_shrink(t, widths, width, 0)) {
        memcpy(widths, whole, t->n_columns * sizeof(*whole));
        (void)widths_shrink(t, widths, width / 2, TABLE_KEY);
        size_t keys = widths_total(t, widths, TABLE_KEY),
               room = width > keys + GAP + TEXT_MIN ? width - keys - GAP : TEXT_MIN;
        for (size_t c = 0; c < t->n_columns; c++)
            if (!(t->columns[c].flags & (TABLE_RIGHT | TABLE_RIGID | TABLE_KEY)) && widths[c] > room)
                widths[c] = room;
    }
    free(whole);
    return 0;
}

/* The end of the columns from `next` on that belong together, and what they take with a gap behind each. */
static size_t unit_end(const struct table *t, const size_t *widths, size_t next, size_t *ret_span)
{
    size_t end = next;
    *ret_span = 0;
    do
        *ret_span += widths[end++] + GAP;
    while (end < t->n_columns && (t->columns[end].flags & TABLE_JOIN || same_group(t, next, end)));
    return end;
}

/* Fills the next block with keys and as many columns from `next` on as fit, at least one; returns the first
 * that is left. */
static size_t block_fill(const struct table *t, struct block *block, const size_t *widths, size_t next,
                         size_t width)
{
    size_t total = 0;
    bool fresh = false; /* a column that is no key is in the block */
    block->n = 0;
    for (size_t c = 0; c < next; c++) {
        if (!(t->columns[c].flags & TABLE_KEY))
            continue;
        block->columns[block->n++] = c;
        total += widths[c] + GAP;
    }
    while (next < t->n_columns) {
        size_t span, end = unit_end(t, widths, next, &span);
        bool fits = width == 0 || total + span - GAP <= width;
        if (!fits && fresh)
            break;
        /* What belongs together is parted only where no block could hold it. */
        for (; next < end && (fits || !fresh || total + widths[next] <= width); next++) {
            fresh |= !(t->columns[next].flags & TABLE_KEY);
            block->columns[block->n++] = next;
            total += widths[next] + GAP;
        }
        if (next < end)
            break;
    }
    return next;
}

int table_write(const struct table *t, FILE *out, unsigned width)
{
    if (t->failed)
        return -ENOMEM;
    if (t->n_columns == 0)
        return 0;
    size_t *widths = calloc(t->n_columns, sizeof(*widths));
    struct block *block = malloc(sizeof(*block));
    int r = widths && block ? 0 : -ENOMEM;
    if (r == 0) {
        widths_measure(t, widths);
        if (width > 0)
            r = widths_fit(t, widths, width);
    }
    for (size_t next = 0; r == 0 && next < t->n_columns;) {
        if (next > 0)
            (void)fputc('\n', out);
        next = block_fill(t, block, widths, next, width);
        block_write(t, block, widths, out);
    }
    free(block);
    free(widths);
    return r;
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
        (void)fputs(t->columns[c].flags & TABLE_RIGHT ? " ---: |" : " --- |", out);
    (void)fputc('\n', out);
    for (size_t row = 0; row < table_rows(t); row++) {
        (void)fputc('|', out);
        for (size_t c = 0; c < t->n_columns; c++)
            markdown_cell(out, t->cells[row * t->n_columns + c]);
        (void)fputc('\n', out);
    }
    return 0;
}
