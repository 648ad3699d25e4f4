/* How long things took on the business clock of one ticket: the …_BUSINESS and …_LAST columns.
 *
 * Nearly every ticket has one calendar for good, and its few instants begin and end many durations: what they
 * are on that calendar is looked up once. One thread; lives as long as one fold_run. */
#ifndef TENDON_FOLD_DURATION_H
#define TENDON_FOLD_DURATION_H

#include "core/fold/business.h"
#include "core/fold/fact.h"

#define STOPWATCH_KNOWN 16 /* instants; a power of two */

struct stopwatch {
    const struct business *clock;    /* whole when it is first read; NULL: a tenant without calendars */
    const struct calendar *calendar; /* the only one; NULL: several, or none */
    struct {
        int64_t at, until_ms;
    } known[STOPWATCH_KNOWN];
};

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

/* clock NULL: there is none, and all that is read is FACT_NULL. */
void stopwatch_init(struct stopwatch *s, const struct business *clock);

int64_t stopwatch_business(struct stopwatch *s, int64_t from, int64_t to);
/* [from, to) of what ended at `end`. */
int64_t stopwatch_last(struct stopwatch *s, int64_t from, int64_t to, int64_t end);
struct duration stopwatch_both(struct stopwatch *s, int64_t from, int64_t to, int64_t end);

/* Adds a part. */
void duration_add(struct duration *sum, struct duration part);

#endif
