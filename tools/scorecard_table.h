/* The table of a scorecard, as wide as the terminal. */
#ifndef TENDON_TOOLS_SCORECARD_TABLE_H
#define TENDON_TOOLS_SCORECARD_TABLE_H

#include "tools/answer_column.h"
#include "tools/scorecard.h"
#include "tools/table.h"

enum figure_kind scorecard_kind(enum cell_kind cell);

/* Fills an initialised table with the lines {metric, dimensions…, value, n, low, high, before, change,
 * direction}; `now` is the answer that they were made of, columns[n] are its. Lines of which nothing was
 * measured in either period are left out. With a column for each dimension where that fits, else with the
 * groups below their metric. width 0: as wide as it gets. */
void scorecard_table(struct table *t, const json_t *now, const struct answer_column *columns, size_t n,
                     const json_t *lines, unsigned width, bool markdown);

#endif
