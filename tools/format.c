#include "tools/format.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Drops the zeros that end a decimal fraction, and its point. */
static void zeros_drop(char *s)
{
    char *point = strchr(s, '.');
    if (!point)
        return;
    char *end = s + strlen(s);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        end[-1] = '\0';
}

char *format_duration(char *room, size_t n, double seconds)
{
    const char *sign = seconds < 0 ? "−" : "";
    double s = fabs(seconds);
    char number[FORMAT_ROOM];
    /* Rounding comes before the choice of units, so that 59.6 s is 1m and never 60s. */
    if (s < 0.9995) {
        (void)snprintf(number, sizeof(number), "%.*f", s < 0.0995 ? 3 : 2, s);
        zeros_drop(number);
        (void)snprintf(room, n, "%s%ss", strcmp(number, "0") == 0 ? "" : sign, number);
    } else if (s < 9.95) {
        (void)snprintf(number, sizeof(number), "%.1f", s);
        zeros_drop(number);
        (void)snprintf(room, n, "%s%ss", sign, number);
    } else if (s < 3599.5) {
        unsigned whole = (unsigned)(s + 0.5), minutes = whole / 60;
        if (minutes == 0)
            (void)snprintf(room, n, "%s%us", sign, whole);
        else if (whole % 60 == 0)
            (void)snprintf(room, n, "%s%um", sign, minutes);
        else
            (void)snprintf(room, n, "%s%um %us", sign, minutes, whole % 60);
    } else if (s < 86370) {
        unsigned minutes = (unsigned)(s / 60 + 0.5);
        if (minutes % 60 == 0)
            (void)snprintf(room, n, "%s%uh", sign, minutes / 60);
        else
            (void)snprintf(room, n, "%s%uh %um", sign, minutes / 60, minutes % 60);
    } else if (s < 100.0 * 86400) {
        unsigned hours = (unsigned)(s / 3600 + 0.5);
        if (hours % 24 == 0)
            (void)snprintf(room, n, "%s%ud", sign, hours / 24);
        else
            (void)snprintf(room, n, "%s%ud %uh", sign, hours / 24, hours % 24);
    } else {
        format_count(number, sizeof(number), floor(s / 86400 + 0.5));
        (void)snprintf(room, n, "%s%sd", sign, number);
    }
    return room;
}

char *format_count(char *room, size_t n, double value)
{
    char digits[FORMAT_ROOM];
    bool fraction = fabs(value - nearbyint(value)) >= 0.005;
    if (!(fabs(value) < 1e15)) {
        (void)snprintf(room, n, "%g", value);
        return room;
    }
    (void)snprintf(digits, sizeof(digits), "%.*f", fraction ? 2 : 0, fabs(value));
    if (fraction)
        zeros_drop(digits);
    size_t whole = strcspn(digits, "."), at = 0;
    /* "−" is three bytes; groups add a third again */
    if (n < FORMAT_ROOM)
        return room;
    if (value < 0 && strcmp(digits, "0") != 0) {
        memcpy(room, "−", 3);
        at = 3;
    }
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0)
            room[at++] = ',';
        room[at++] = digits[i];
    }
    (void)snprintf(room + at, n - at, "%s", digits + whole);
    return room;
}

char *format_ratio(char *room, size_t n, double ratio)
{
    double percent = ratio * 100;
    if (percent > 0 && percent < 0.05)
        (void)snprintf(room, n, "<0.1 %%");
    else if (percent < 100 && percent >= 99.95)
        (void)snprintf(room, n, ">99.9 %%");
    else
        (void)snprintf(room, n, "%.1f %%", percent);
    return room;
}

char *format_interval(char *room, size_t n, double low, double high)
{
    (void)snprintf(room, n, "[%.1f, %.1f]", low * 100, high * 100);
    return room;
}

char *format_number(char *room, size_t n, double value)
{
    char number[FORMAT_ROOM];
    int decimals = fabs(value) < 10 ? 3 : fabs(value) < 100 ? 2 : 1;
    if (!(fabs(value) < 1e15)) {
        (void)snprintf(room, n, "%g", value);
        return room;
    }
    (void)snprintf(number, sizeof(number), "%.*f", decimals, fabs(value));
    zeros_drop(number);
    (void)snprintf(room, n, "%s%s", value < 0 && strcmp(number, "0") != 0 ? "−" : "", number);
    return room;
}

char *format_bytes(char *room, size_t n, double bytes)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;
    while (fabs(bytes) >= 1023.95 && unit + 1 < sizeof(UNITS) / sizeof(UNITS[0])) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(room, n, "%.*f %s", unit == 0 ? 0 : 1, bytes, UNITS[unit]);
    return room;
}

/* Whether s begins as the pattern says, where 0 stands for a digit. */
static bool looks_like(const char *s, const char *pattern)
{
    for (; *pattern; s++, pattern++)
        if (*pattern == '0' ? !isdigit((unsigned char)*s) : *s != *pattern)
            return false;
    return true;
}

char *format_period(char *room, size_t n, const char *rfc3339)
{
    if (!looks_like(rfc3339, "0000-00-00T00:00:00")) {
        (void)snprintf(room, n, "%s", rfc3339);
        return room;
    }
    const char *clock = rfc3339 + 11;
    bool has_fraction = clock[8] == '.' && strspn(clock + 9, "0") < strspn(clock + 9, "0123456789");
    int digits = strncmp(clock + 6, "00", 2) != 0 || has_fraction ? 8
                 : strncmp(clock, "00:00", 5) != 0                ? 5
                                                                  : 0;
    (void)snprintf(room, n, "%.10s%s%.*s", rfc3339, digits ? " " : "", digits, clock);
    return room;
}

void format_month(char *period, const char *every)
{
    if (every && strstr(every, "mo") && strlen(period) == 10 && strcmp(period + 7, "-01") == 0)
        period[7] = '\0';
}

/* An instant with so many characters of its time of day, and its offset. */
static char *instant_write(char *room, size_t n, const char *rfc3339, int digits)
{
    if (looks_like(rfc3339, "0000-00-00T00:00:00"))
        (void)snprintf(room, n, "%.10s %.*s%s", rfc3339, digits, rfc3339 + 11,
                       rfc3339 + 19 + strspn(rfc3339 + 19, ".0123456789"));
    else
        (void)snprintf(room, n, "%s", rfc3339);
    return room;
}

char *format_instant(char *room, size_t n, const char *rfc3339)
{
    return instant_write(room, n, rfc3339, 8);
}

char *format_minute(char *room, size_t n, const char *rfc3339)
{
    return instant_write(room, n, rfc3339, 5);
}

char *format_instant_ms(char *room, size_t n, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(room, n, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
        (void)snprintf(room, n, "%" PRId64 " ms", ms);
    return room;
}
