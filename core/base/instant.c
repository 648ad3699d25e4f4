#include "core/base/instant.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t instant_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t instant_monotonic_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

char *instant_text(int64_t ms, char room[INSTANT_TEXT_BYTES])
{
    int64_t seconds = ms / 1000;
    int rest = (int)(ms % 1000);
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    struct tm tm;
    time_t t = (time_t)seconds;
    room[0] = '\0';
    if (!gmtime_r(&t, &tm) || tm.tm_year < 1 - 1900 || tm.tm_year > 9999 - 1900)
        return room;
    size_t n = strftime(room, INSTANT_TEXT_BYTES, "%FT%T", &tm);
    if (rest)
        n += (size_t)snprintf(room + n, INSTANT_TEXT_BYTES - n, ".%03d", rest);
    (void)snprintf(room + n, INSTANT_TEXT_BYTES - n, "Z");
    return room;
}
