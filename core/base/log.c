#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const LEVELS[] = {"error", "warning", "info", "debug"};

void logger_init(struct logger *l, int fd, enum log_level level)
{
    l->fd = fd;
    atomic_init(&l->level, (int)level);
    l->with_time = getenv("JOURNAL_STREAM") == NULL;
}

void log_write(struct logger *l, enum log_level level, const char *part, const char *event,
               const char *format, ...)
{
    if (!l || (int)level > atomic_load_explicit(&l->level, memory_order_relaxed))
        return;
    char line[2048];
    size_t n = 0;
    if (l->with_time) {
        struct timespec now;
        struct tm tm;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)gmtime_r(&now.tv_sec, &tm);
        n += strftime(line, sizeof(line), "time=%Y-%m-%dT%H:%M:%S", &tm);
        n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03ldZ ", now.tv_nsec / 1000000);
    }
    n +=
        (size_t)snprintf(line + n, sizeof(line) - n, "level=%s part=%s event=%s", LEVELS[level], part, event);
    if (*format && n < sizeof(line) - 2) {
        line[n++] = ' ';
        va_list args;
        va_start(args, format);
        int made = vsnprintf(line + n, sizeof(line) - n - 1, format, args);
        va_end(args);
        if (made > 0)
            n += (size_t)made < sizeof(line) - n - 2 ? (size_t)made : sizeof(line) - n - 2;
    }
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    line[n++] = '\n';
    /* A log that cannot be written has nowhere to say so. */
    ssize_t written = write(l->fd, line, n);
    (void)written;
}

const char *log_quote(char *room, size_t n, const char *s)
{
    if (n < 8)
        return "";
    int plain = *s != '\0';
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || (unsigned char)*p == 0x7f)
            plain = 0;
    if (plain && strlen(s) < n) {
        memcpy(room, s, strlen(s) + 1);
        return room;
    }
    size_t at = 0;
    room[at++] = '"';
    for (; *s; s++) {
        if (at > n - 6) {
            memcpy(room + at, "\xe2\x80\xa6", 3);
            at += 3;
            break;
        }
        if (*s == '"' || *s == '\\')
            room[at++] = '\\';
        room[at++] = (unsigned char)*s < 0x20 || (unsigned char)*s == 0x7f ? ' ' : *s;
    }
    room[at++] = '"';
    room[at] = '\0';
    return room;
}
