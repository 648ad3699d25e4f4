/* The answer of a query, for people: its table and its picture.
 *
 * Columns come with their kinds in the answer itself. Statistics of one metric stand under a common heading;
 * the interval of a ratio and the n of a value stand beside it. Where all statistics of a metric have the
 * same n in every row it is shown once, behind them; the n of a count is the count. One thread. */
#ifndef TENDON_TOOLS_ANSWER_H
#define TENDON_TOOLS_ANSWER_H

#include "tools/output.h"
#include "tools/table.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define ANSWER_WARNINGS_MAX 64 /* shown of one answer */

/* Fills an initialised table from the answer. every: as it was asked, or NULL. */
void answer_table(const json_t *answer, const char *every, struct table *table);

/* Writes the answer in a form for programs; false, and nothing, where that is one for people. */
bool answer_write(enum output_form form, const json_t *answer);

/* Bars for groups; for an answer over periods columns, or a sparkline for each of several groups. */
void answer_chart(const json_t *answer, const char *every, FILE *out, unsigned width, bool ascii);

/* Whether nothing was measured: no row, or none with a count or an n above 0. */
bool answer_is_empty(const json_t *answer);

/* The sentences of meta's warnings. */
size_t answer_warnings(const json_t *answer, const char **ret, size_t n);

/* What belongs to the figures: period, zone, now, as_of, exclusions, completeness, warnings. */
void answer_footer(const json_t *answer, FILE *out, unsigned width, bool markdown);
/* A line of one's own below it, in the same form. */
void answer_footer_line(FILE *out, unsigned width, bool markdown, const char *label, const char *text);

#endif
