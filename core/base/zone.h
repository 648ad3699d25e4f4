/* IANA time zones: instants (ms since 1970 UTC) to local civil time and back.
 *
 * The compiled rules of the system's tzdata are read whole when a zone is opened (RFC 8536, with the rule for
 * later years worked out until 2100); a struct zone is immutable from then on, so any thread may use it
 * without a lock. libical, which reads the same files, is not used for this: it turns them into recurrence
 * rules that lose transitions (Cairo 1990, Jerusalem 2005, St. John's at 00:01). */
#ifndef TENDON_BASE_ZONE_H
#define TENDON_BASE_ZONE_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define ZONE_NAME_BYTES 64

/* Instants outside are taken as given, but their local time is that of the nearest rule known. */
#define ZONE_YEAR_MIN 1970
#define ZONE_YEAR_MAX 2100

struct zone;

/* A local date and time of day in the proleptic Gregorian calendar. */
struct civil {
    int32_t year;
    uint8_t month, day; /* from 1 */
    uint8_t weekday;    /* 0 Monday … 6 Sunday */
    uint8_t hour, minute, second;
    uint16_t ms;
    int32_t offset_s; /* of local time, east of UTC */
};

/* Opens a zone by its name ("America/Chicago", "UTC"). -ENOENT unknown_zone, with the nearest name in the
 * hint; -EIO or -EBADMSG bad_zone when the system's file cannot be read; -ENOMEM. */
int zone_open(const char *name, struct zone **ret, struct error *err);
void zone_close(struct zone *z);
const char *zone_name(const struct zone *z);

/* Whether the system knows a zone of that name. Opens no file but that one. */
bool zone_exists(const char *name);

/* The version of the system's rules ("2025b"), "" where it does not say. room has ZONE_VERSION_BYTES. Returns
 * room. */
#define ZONE_VERSION_BYTES 32
char *zone_version(char *room);

/* Local time at an instant. */
void zone_civil(const struct zone *z, int64_t ms, struct civil *ret);

/* What is to be added to an instant for its local time, in seconds. */
int32_t zone_offset_s(const struct zone *z, int64_t ms);

/* The stretch [from, to) around an instant in which that does not change; INT64_MIN and INT64_MAX where it
 * has no end. Returns the offset in seconds. */
int32_t zone_stretch(const struct zone *z, int64_t ms, int64_t *ret_from, int64_t *ret_to);

/* The first instant at which the local clock shows this date and time of day, or anything later where it is
 * skipped (ms_of_day 0: the first instant of the local day, also where midnight does not exist). month and
 * day may be outside their ranges and count on: month 13 is the next January, day 0 the last of the month
 * before. */
int64_t zone_instant(const struct zone *z, int32_t year, int32_t month, int32_t day, int64_t ms_of_day);

/* Start of the local day, week (Monday) or month that holds the instant, moved by n of them. */
enum zone_unit { ZONE_DAY, ZONE_WEEK, ZONE_MONTH };
int64_t zone_floor(const struct zone *z, int64_t ms, enum zone_unit unit, int32_t n);

/* Days since 1970-01-01 of a date of the Gregorian calendar; month and day as in zone_instant. */
int64_t civil_days(int32_t year, int32_t month, int32_t day);
/* The date and time of day that lie so many ms behind 1970-01-01 00:00 on a clock that is never moved;
 * offset_s is 0. */
void civil_of_local(int64_t local_ms, struct civil *ret);
bool civil_is_date(int32_t year, int32_t month, int32_t day);

/* "2024-02-01T00:00:00-06:00", with milliseconds where there are any; room has CIVIL_TEXT_BYTES. Returns
 * room. */
#define CIVIL_TEXT_BYTES 40
char *zone_format(const struct zone *z, int64_t ms, char *room);

#endif
