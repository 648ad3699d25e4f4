/* Rows of what a run found. */
#ifndef TENDON_FOLD_ROW_H
#define TENDON_FOLD_ROW_H

#include "core/fold/run.h"

/* Calls emit for each row of an applied run: by table, then by instant. 0, or what emit returned when that
 * was not 0. */
int rows_emit(struct run *r, int (*emit)(void *context, const struct fact_row *row), void *context);

#endif
