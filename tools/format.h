/* Numbers as a person reads them, in tables. Machine forms never come through here.
 *
 * Each function writes into room[n] and returns it; FORMAT_ROOM bytes are always enough. */
#ifndef TENDON_TOOLS_FORMAT_H
#define TENDON_TOOLS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_ROOM    64
#define FORMAT_MISSING "–" /* a value that is not there; never 0 */

/* Seconds in at most two units, rounded to the smaller one: 0.3s, 45s, 12m 5s, 2h 14m, 3d 4h, 412d. */
char *format_duration(char *room, size_t n, double seconds);
/* 4,211; a value with a fraction (shares of votes) keeps up to two decimals. */
char *format_count(char *room, size_t n, double value);
/* A ratio of 0..1 as a percentage: 82.1 %. A share that is neither none nor all never reads as 0.0 % or
 * 100.0 %: <0.1 %, >99.9 %. */
char *format_ratio(char *room, size_t n, double ratio);
/* The bounds of a ratio: [80.9, 83.2] (percent). */
char *format_interval(char *room, size_t n, double low, double high);
/* A mean or a score: at most three significant decimals, no trailing zeros. */
char *format_number(char *room, size_t n, double value);
/* 0 B, 512 B, 1.5 KiB, 12.0 GiB. */
char *format_bytes(char *room, size_t n, double bytes);
/* The start of a period, RFC 3339, without what says nothing: "2026-01-05" for a local midnight, else
 * "2026-01-05 10:00" or "2026-01-05 10:00:07"; the offset is left to the footer. Any other text comes back as
 * it is, cut to n. */
char *format_period(char *room, size_t n, const char *rfc3339);
/* Cuts the start of a period that --every 1mo, 3mo, … cut, "2026-01-01", to "2026-01"; leaves any other.
 * every NULL: not cut. */
void format_month(char *period, const char *every);
/* An instant, RFC 3339, to the second and with its offset: "2026-01-05 10:00:07Z". Any other text comes back
 * as it is, cut to n. */
char *format_instant(char *room, size_t n, const char *rfc3339);
/* The same to the minute: "2026-01-05 10:00Z". */
char *format_minute(char *room, size_t n, const char *rfc3339);
/* An instant of milliseconds since 1970, in UTC. */
char *format_instant_ms(char *room, size_t n, int64_t ms);

#endif
