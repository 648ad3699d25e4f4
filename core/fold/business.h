/* The business clock of one ticket: which calendar counts at each instant.
 *
 * Between the fold, which knows which site the ticket had and when, and the calendars of the reference
 * tables: in force at an instant is the version then valid of the calendar that the then valid row of the
 * then site names, else of the tenant's default calendar; else there is none. A site's calendar that has no
 * version yet at an instant gives way to the default; a name that no calendar has is a mistake, and there is
 * none. The memory is reused from ticket to ticket; one thread. */
#ifndef TENDON_FOLD_BUSINESS_H
#define TENDON_FOLD_BUSINESS_H

#include "core/fold/calendar.h"
#include "core/fold/reference.h"

#include <stddef.h>

struct business_piece {
    int64_t from; /* until the next piece's */
    const struct calendar *calendar;
};

struct business {
    const struct reference *reference;
    const char *fallback; /* the default calendar's name; NULL or "": none */
    struct business_piece *pieces;
    size_t n, capacity;
};

void business_fini(struct business *b);

/* Begins a ticket's clock, which has no site yet. reference NULL: no calendars at all. */
void business_begin(struct business *b, const struct reference *reference, const char *fallback);

/* From `at` on the ticket's site is this (NULL: none); in order of time, the first with INT64_MIN or the
 * ticket's first instant. 0 or -ENOMEM. */
int business_site(struct business *b, int64_t at, const char *site);

/* The same for one calendar by name whatever the site (sla.applied with a calendar); instead of
 * business_site. An unknown one: no calendar. */
int business_named(struct business *b, const char *calendar);

/* Business time in [from, to), in ms, 0 when to ≤ from; FACT_NULL when a part of it that is not empty has no
 * calendar, as has what lies before the first business_site. */
int64_t business_elapsed_ms(const struct business *b, int64_t from, int64_t to);

/* Time in [from, to) by the calendar in force at `end` alone, 0 when to ≤ from; FACT_NULL when there is none.
 */
int64_t business_last_ms(const struct business *b, int64_t from, int64_t to, int64_t end);

/* The last instant t ≥ from with business_elapsed_ms(b, from, t) ≤ ms; FACT_FOREVER where so much never
 * passes; FACT_NULL when the clock has no calendar before it. */
int64_t business_reach(const struct business *b, int64_t from, int64_t ms);

#endif
