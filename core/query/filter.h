/* A condition made ready for one view: for each test a table from a dimension's ids to truths, worked out
 * once a query, so that rows are judged without looking at a value. */
#ifndef TENDON_QUERY_FILTER_H
#define TENDON_QUERY_FILTER_H

#include "core/query/expression.h"

#include <jansson.h>

struct filter;

/* Whether a condition tests the answer itself (dimension_name.cuts). */
bool filter_cuts(const struct expression *e, const struct dimension_names *names);

/* dimensions[place] is the dimension of that place in the names, for all that the condition uses.
 * whatever_answer: true of each row that the condition could be true of if its answer were another: tests of
 * the answer itself are taken as they would let most through. A value that no row can have is said in
 * warnings. */
int filter_new(const struct expression *e, struct dimension *const *dimensions, bool whatever_answer,
               json_t *warnings, struct filter **ret);
void filter_free(struct filter *f);

/* Whether the codes of one field alone say of some rows that the condition is not true: the field, and by
 * code, 65,536 of them, whether it may be: 1, else 0. */
bool filter_sift(const struct filter *f, int *ret_field, const uint8_t **ret_table);
/* Bytes of room that judging takes. */
size_t filter_room(const struct filter *f);
/* Whether it looks at the ids of a dimension, by place; not so where the codes of rows say all. NULL: no. */
bool filter_reads_ids(const struct filter *f, unsigned dimension);
/* keep[i] = 1 where the condition is true of row i, else 0. The codes that its dimensions are of have been
 * read; ids[place] are the ids of the rows, where it looks at them. are_sifted: filter_sift says of all rows
 * that it may be. Any thread, each with a room of its own. */
void filter_judge(const struct filter *f, const struct rows *rows, bool are_sifted, uint32_t *const *ids,
                  uint8_t *room, uint8_t *keep);

#endif
