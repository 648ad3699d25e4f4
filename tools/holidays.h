/* Holidays from an iCalendar file: its events as local days, whole or in part, in a calendar's zone.
 *
 * Recurrence rules are worked out for the years in which business time passes. An event with dates is whole
 * days; one with times is turned from its zone (its TZID, UTC, or none: the calendar's) into the calendar's
 * and cut at local midnights. Cancelled events are none; events that stand in for one occurrence of another
 * do so. One thread. */
#ifndef TENDON_TOOLS_HOLIDAYS_H
#define TENDON_TOOLS_HOLIDAYS_H

#include "core/base/error.h"
#include "core/base/zone.h"
#include "tools/ics.h"

#include <jansson.h>

#define HOLIDAYS_SPAN_DAYS 366    /* of one event */
#define HOLIDAYS_STEPS     200000 /* occurrences looked at, of one file */
#define HOLIDAYS_TIME_MS   10000  /* that the rules of one file may take */

/* Appends the holidays of a file to days, as a calendar's definition writes them ("2024-12-24 12:00-24:00"),
 * at most CALENDAR_HOLIDAYS_MAX altogether. 0; or -EINVAL with code bad_ics, the file and the line in the
 * message and what to do in the hint; -ENOMEM. */
int holidays_read(const struct ics *ics, const struct zone *zone, json_t *days, struct error *err);

#endif
