/* How long something took on the business clock, both ways: the …_BUSINESS and …_LAST columns. */
#ifndef TENDON_FOLD_DURATION_H
#define TENDON_FOLD_DURATION_H

#include "core/fold/business.h"
#include "core/fold/fact.h"

/* Whole milliseconds. */
struct duration {
    int64_t business; /* each part by the calendar in force there; FACT_NULL where one has none */
    int64_t last;     /* all of it by the calendar in force at the end; FACT_NULL where that has none */
};

/* A sum of which a part is not known is not known. */
static inline int64_t known_sum(int64_t a, int64_t b)
{
    return a == FACT_NULL || b == FACT_NULL ? FACT_NULL : a + b;
}

/* [from, to) of what ended at `end`. clock NULL: a tenant without calendars. */
struct duration duration_of(const struct business *clock, int64_t from, int64_t to, int64_t end);

/* Adds a part. */
void duration_add(struct duration *sum, struct duration part);

#endif
