/* Who held a ticket how long: its time in new and open before the last solve, by team. */
#ifndef TENDON_FOLD_HOLDING_H
#define TENDON_FOLD_HOLDING_H

#include "core/fold/run.h"

/* Makes the holdings of an applied run of a ticket that is done, in f->holdings, one a team (0: none), the
 * one that had it last first, also of those that had it only while it waited. Returns how many. */
size_t holdings_make(struct run *r);

#endif
