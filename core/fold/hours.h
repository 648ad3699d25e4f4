/* Weekly hours: "mon-fri 08:00-17:00, sat 09:00-12:00 13:00-15:00", "daily 00:00-24:00".
 *
 * Days (mon … sun, a range of them, which may pass sunday, or daily) and behind them their intervals, which
 * end before or at 24:00; parts are separated by commas. A day named again has the intervals of both; where
 * they overlap or touch they are one. Plain values; any thread. */
#ifndef TENDON_FOLD_HOURS_H
#define TENDON_FOLD_HOURS_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOURS_TEXT_BYTES 1024 /* room for what hours_format writes of any hours, NUL included */
#define HOURS_INTERVALS  64   /* a week, after joining */
#define HOURS_DAY_MS     INT64_C(86400000)
#define HOURS_WEEK_MS    (7 * HOURS_DAY_MS)

/* [from, to) in ms since Monday 00:00, within one day, ascending. */
struct hours_interval {
    int64_t from, to;
};

struct hours {
    size_t n;
    struct hours_interval at[HOURS_INTERVALS];
};

/* -EINVAL with code bad_calendar: what is wrong with which word, and the nearest right day. */
int hours_parse(const char *text, struct hours *ret, struct error *err);

/* The same hours, the same text; hours_parse reads it back. Returns room. */
char *hours_format(const struct hours *h, char room[HOURS_TEXT_BYTES]);

/* "08:00-17:00" in ms of the day, [from, to) with to ≤ 24:00; with_seconds: also 08:00:00. Returns NULL, or
 * why the text is none. */
const char *hours_interval_parse(const char *text, size_t size, bool with_seconds,
                                 struct hours_interval *ret);

#endif
