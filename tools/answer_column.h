/* The columns of an answer, read: what tables and pictures both need to know of them. */
#ifndef TENDON_TOOLS_ANSWER_COLUMN_H
#define TENDON_TOOLS_ANSWER_COLUMN_H

#include "tools/output.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ANSWER_COLUMNS_MAX 1024

/* Everything points into the answer. */
struct answer_column {
    const char *name, *kind, *metric, *stat; /* empty where there is none */
    enum cell_kind cell;
    bool is_key;      /* dimension or period */
    bool is_value;    /* what was asked for, and not what stands beside it */
    bool hidden;      /* in tables: shown elsewhere, or says nothing new */
    const char *high; /* of an interval's lower bound: the name of the upper one; else NULL */
};

/* Reads them into columns[ANSWER_COLUMNS_MAX]; the count. */
size_t answer_columns(const json_t *answer, struct answer_column *columns);
bool answer_column_is(const struct answer_column *c, const char *kind);

#endif
