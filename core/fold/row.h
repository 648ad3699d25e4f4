/* Rows of what a run found. */
#ifndef TENDON_FOLD_ROW_H
#define TENDON_FOLD_ROW_H

#include "core/fold/run.h"

/* Calls emit for each row that an applied run has in a set of tables: by table, then by instant. 0, or what
 * emit returned when that was not 0. */
int rows_emit(struct run *r, uint32_t tables, int (*emit)(void *context, const struct fact_row *row),
              void *context);

#endif
