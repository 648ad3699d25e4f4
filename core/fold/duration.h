/* How long something took on the business clock, both ways: the …_BUSINESS and …_LAST columns. */
#ifndef TENDON_FOLD_DURATION_H
#define TENDON_FOLD_DURATION_H

#include "core/fold/business.h"

/* Whole milliseconds; both FACT_NULL where a part has no calendar, last also where the end has none. */
struct duration {
    int64_t business; /* each part by the calendar in force there */
    int64_t last;     /* all of it by the calendar in force at the end */
};

/* [from, to) of what ended at `end`. clock NULL: a tenant without calendars. */
struct duration duration_of(const struct business *clock, int64_t from, int64_t to, int64_t end);

/* Adds a part: a sum of which a part is not known is not known. */
void duration_add(struct duration *sum, struct duration part);

#endif
