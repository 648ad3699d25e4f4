/* The periods of a query: from --since, --until, --every, --at, --now and --tz to instants.
 *
 * A period is [start, end) in ms. Cuts are local midnights of the zone, so a day has 23 to 25 hours where
 * clocks are turned. */
#ifndef TENDON_QUERY_PERIOD_H
#define TENDON_QUERY_PERIOD_H

#include "core/base/error.h"
#include "core/base/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open ends: everything there is. */
#define PERIOD_BEGINNING INT64_MIN
#define PERIOD_END       INT64_MAX

struct period_options {
    const char *since, *until, *every, *at; /* NULL: not given */
    const struct zone *zone;
    int64_t now;
};

/* What was asked, before it is known how far the data reach. */
struct period_range {
    int64_t since, until; /* PERIOD_BEGINNING, PERIOD_END: open */
    bool is_given;        /* since, until or every was */
    bool has_every, has_at;
    enum zone_unit unit; /* of every */
    int32_t n_units;
    int64_t at;
};

/* Reads the options. Codes: bad_period, with what would be right. */
int period_range_parse(const struct period_options *options, struct period_range *ret, struct error *err);

/* An instant: RFC 3339, or a local date (its first instant) with or without a time of day. option is the name
 * for errors. Code bad_period. */
int instant_parse(const char *option, const char *text, const struct zone *zone, int64_t *ret_ms,
                  struct error *err);

/* The list of periods. */
struct periods {
    uint32_t n;
    int64_t *starts; /* n + 1: the last is the end of the last */
    bool *partial;   /* n: cut short by the range, or still running */

    /* The period in which each step of 2^shift ms from the first start on begins; NULL: too many steps. No
     * step meets more than one start. */
    uint32_t *steps;
    unsigned shift;
};

/* Cuts the range. first and last are the instants of the first and last thing measured, and close the open
 * ends of a range with every (first > last: nothing measured, no periods). At most n_max periods: result_size
 * beyond. */
int periods_cut(const struct period_range *range, const struct zone *zone, int64_t now, int64_t first,
                int64_t last, uint32_t n_max, struct periods *ret, struct error *err);
void periods_fini(struct periods *p);

/* Whether every instant lies in the one period there is. */
bool periods_are_everything(const struct periods *p);
/* Whether all instants from min to max are in one period, and which: -1 where they lie outside. */
bool periods_find_one(const struct periods *p, int64_t min, int64_t max, int32_t *ret);
/* The period of each of n instants that are kept (NULL: all), or -1; INT64_MIN is none. */
void periods_find_all(const struct periods *p, const int64_t *at, uint32_t n, const uint8_t *keep,
                      int32_t *ret);

/* How many of n ascending instants lie before `at`. Periods are about equally long: a guess from the ends is
 * mostly right or beside it, and a search of halves ends what it leaves. */
static inline uint32_t instants_before(const int64_t *instants, uint32_t n, int64_t at)
{
    uint32_t low = 0, high = n;
    if (n > 8 && at > instants[0] && at <= instants[n - 1] && instants[0] > 0) {
        uint32_t guess =
            (uint32_t)((double)(at - instants[0]) / (double)(instants[n - 1] - instants[0]) * (n - 1));
        for (unsigned step = 0; step < 3; step++, guess += instants[guess] < at ? 1 : -1)
            if (guess > 0 && guess < n && instants[guess - 1] < at && at <= instants[guess])
                return guess;
            else if (guess == 0 || guess >= n)
                break;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (instants[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The period that holds an instant, or -1. *hint is where the one before was found. */
static inline int32_t periods_find(const struct periods *p, int64_t at, uint32_t *hint)
{
    uint32_t i = *hint;
    if (p->n == 0)
        return -1;
    if (at >= p->starts[i] && at < p->starts[i + 1])
        return (int32_t)i;
    if (at < p->starts[0] || at >= p->starts[p->n])
        return -1;
    *hint = instants_before(p->starts, p->n + 1, at + 1) - 1;
    return (int32_t)*hint;
}

#endif
