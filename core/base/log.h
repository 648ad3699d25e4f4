/* The daemon's log: one line an event, in logfmt, on one descriptor.
 *
 *     level=info part=ingest event=source_connected tenant=riverbend source=acme-servicedesk
 *
 * The line is `event=NAME` and then what the format makes, which the caller writes as logfmt pairs; a value
 * that may hold blanks or quotes goes through log_quote. No value of an event, no raw id, ever. Thread-safe:
 * a line is one write. */
#ifndef TENDON_BASE_LOG_H
#define TENDON_BASE_LOG_H

#include <stdatomic.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct logger {
    int fd;
    atomic_int level; /* the most talkative enum log_level that is written */
    int with_time;    /* 0 where the journal stamps lines itself */
};

void logger_init(struct logger *l, int fd, enum log_level level);
void log_write(struct logger *l, enum log_level level, const char *part, const char *event,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

#define log_error(l, part, event, ...)   log_write(l, LOG_LEVEL_ERROR, part, event, __VA_ARGS__)
#define log_warning(l, part, event, ...) log_write(l, LOG_LEVEL_WARNING, part, event, __VA_ARGS__)
#define log_info(l, part, event, ...)    log_write(l, LOG_LEVEL_INFO, part, event, __VA_ARGS__)
#define log_debug(l, part, event, ...)   log_write(l, LOG_LEVEL_DEBUG, part, event, __VA_ARGS__)

/* s as a logfmt value in room[n]: quoted where needed, control characters escaped, cut with "…" where too
 * long. Returns room. */
const char *log_quote(char *room, size_t n, const char *s);

#endif
