/* Warnings of calendars that are named and that nobody imported. */
#ifndef TENDON_QUERY_CALENDAR_WARN_H
#define TENDON_QUERY_CALENDAR_WARN_H

#include "core/query/plan.h"

/* Where the business clock is asked for: says which names of calendars, of sites or the tenant's default, no
 * calendar has, and which comes nearest. 0 or -ENOMEM. */
int calendar_warn(struct plan *p, struct error *err);

#endif
