/* Tables of text: columns by width, fitted to a terminal, or as Markdown.
 *
 * A table owns copies of its cells, cleaned of what a terminal would act on. Where it is wider than the
 * terminal, texts are shortened first ("…"), then the columns go on in a further block that repeats the key
 * columns. Failure (no memory) is sticky and shows when it is written. One thread. */
#ifndef TENDON_TOOLS_TABLE_H
#define TENDON_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_RIGHT 1u  /* aligned right, never shortened: numbers */
#define TABLE_RIGID 2u  /* never shortened: times */
#define TABLE_KEY   4u  /* stands in every block */
#define TABLE_JOIN  8u  /* stands in one block with the column before */
#define TABLE_WRAP  16u /* never shortened: wrapped under itself, beside the keys alone */

struct table_column {
    char *group; /* columns beside each other with the same group share a heading above theirs; NULL none */
    char *heading;
    unsigned flags; /* TABLE_… */
};

struct table {
    struct table_column *columns;
    size_t n_columns;
    char **cells; /* by row, then column */
    size_t n_cells, n_room;
    bool failed;
};

void table_init(struct table *t);
void table_fini(struct table *t);

/* All columns come before the first cell. */
void table_column(struct table *t, const char *group, const char *heading, unsigned flags);
/* Cells are added from left to right, row by row. NULL: a missing value, shown as "–". */
void table_cell(struct table *t, const char *text);

size_t table_rows(const struct table *t);

/* Columns that it takes as wide as it gets; SIZE_MAX: no memory. */
size_t table_width(const struct table *t);

/* Writes the table with its headings, at most width columns wide (0: as wide as it gets). 0, or -ENOMEM. */
int table_write(const struct table *t, FILE *out, unsigned width);
int table_write_markdown(const struct table *t, FILE *out);

#endif
