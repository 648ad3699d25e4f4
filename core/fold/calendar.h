/* A calendar: when support is at work. One version of one, immutable once made; any thread.
 *
 * An instant is business time when its local date and time of day, in the calendar's zone, lie in a weekly
 * interval [from, to) and in no holiday. So where the clock is set back an hour that happens twice counts
 * twice, and where it is set forward the hour that is skipped does not count. A day may have several
 * intervals; where they overlap time counts once. 24:00 may end one; one past midnight is two. */
#ifndef TENDON_FOLD_CALENDAR_H
#define TENDON_FOLD_CALENDAR_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_HOLIDAYS_MAX 4096 /* of one version, beside the computed ones */

/* Business time passes in these UTC years: from the earliest instant an event may have until 2100 begins. */
#define CALENDAR_YEAR_MIN 1990
#define CALENDAR_YEAR_END 2100

struct calendar;

/* From its definition, a map:
 *   zone       "America/Chicago"
 *   hours      "mon-fri 08:00-17:00, sat 09:00-12:00 13:00-15:00"; "daily 00:00-24:00" (hours.h)
 *   federal    true: the US federal holidays as observed, computed for any year (may be left out)
 *   holidays   ["2024-12-25", "2024-12-24 12:00-24:00", …]: local days, whole or in part (may be left out)
 * `err` names the key, the place in it and what is wrong. -EINVAL with code bad_calendar or unknown_zone,
 * -EIO or -EBADMSG bad_zone, -ENOMEM. */
int calendar_new(const json_t *definition, struct calendar **ret, struct error *err);
struct calendar *calendar_ref(struct calendar *c);
void calendar_unref(struct calendar *c);

/* The definition in its one canonical form: the same calendar, the same text in the same order. Borrowed. */
const json_t *calendar_definition(const struct calendar *c);
/* How many holidays the definition names (the federal ones are not among them). */
size_t calendar_n_holidays(const struct calendar *c);
bool calendar_equal(const struct calendar *a, const struct calendar *b);

/* A holiday, or what of it lies in one local day. */
struct calendar_holiday {
    int64_t day;      /* since 1970-01-01 */
    int64_t from, to; /* ms of the day; 0 and HOURS_DAY_MS: all of it */
    const char *name; /* of a federal one, or NULL; static */
};
/* The first n holidays that are not over at an instant, in order of time. The count. */
size_t calendar_next_holidays(const struct calendar *c, int64_t at, struct calendar_holiday *ret, size_t n);

/* Business time in [from, to), in ms; 0 when to ≤ from. */
int64_t calendar_elapsed_ms(const struct calendar *c, int64_t from, int64_t to);

/* Business time until an instant, in ms from a beginning that all instants of one calendar share: the
 * difference of two is the time between them. */
int64_t calendar_until_ms(const struct calendar *c, int64_t at);

/* The last instant t ≥ from with calendar_elapsed_ms(c, from, t) ≤ ms (ms ≥ 0; else from); FACT_FOREVER
 * (INT64_MAX) where more never passes before 2100. */
int64_t calendar_reach(const struct calendar *c, int64_t from, int64_t ms);

#endif
