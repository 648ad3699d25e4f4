/* Reading iCalendar files (RFC 5545) as far as holidays need it: which events there are, with the lines that
 * say when, and which time zones the file defines. Nothing else of a file is looked at, no text of it shown.
 *
 * The whole file is in memory, within ICS_BYTES_MAX. Errors name the file and the line. One thread. */
#ifndef TENDON_TOOLS_ICS_H
#define TENDON_TOOLS_ICS_H

#include "core/base/error.h"

#include <stddef.h>

#define ICS_BYTES_MAX  (4u * 1024 * 1024)
#define ICS_EVENTS_MAX 4096
#define ICS_LINES_MAX  65536 /* that are kept, of all events */
#define ICS_ZONES_MAX  64
#define ICS_DEPTH_MAX  8 /* components within each other */

#define ICS_KINDS(X)                                                                                         \
    X(DTSTART, "DTSTART")                                                                                    \
    X(DTEND, "DTEND")                                                                                        \
    X(DURATION, "DURATION")                                                                                  \
    X(RRULE, "RRULE")                                                                                        \
    X(RDATE, "RDATE")                                                                                        \
    X(EXDATE, "EXDATE")                                                                                      \
    X(EXRULE, "EXRULE")                                                                                      \
    X(RECURRENCE_ID, "RECURRENCE-ID")                                                                        \
    X(STATUS, "STATUS")                                                                                      \
    X(UID, "UID")

enum ics_kind {
#define X(id, name) ICS_##id,
    ICS_KINDS(X)
#undef X
        ICS_KINDS_N
};

/* One line of an event, folded ones joined. */
struct ics_line {
    enum ics_kind kind;
    size_t line;       /* in the file, from 1 */
    const char *text;  /* whole: "DTSTART;VALUE=DATE:20241225" */
    const char *value; /* what stands behind the colon */
};

struct ics_event {
    size_t line; /* of its BEGIN */
    const struct ics_line *lines;
    size_t n;
};

/* A VTIMEZONE, as text. */
struct ics_zone {
    char *text;
};

struct ics {
    const char *name; /* of the file, for messages */
    struct ics_event *events;
    size_t n_events;
    struct ics_zone zones[ICS_ZONES_MAX];
    size_t n_zones;

    char *data; /* what the lines point into */
    struct ics_line *lines;
    size_t n_lines;
};

/* Reads a whole file. 0; or code ics_file (cannot be read, too large), bad_ics: then there is nothing to
 * close. */
int ics_open(struct ics *ics, const char *path, struct error *err);
/* Over a copy of bytes in memory. */
int ics_open_bytes(struct ics *ics, const char *name, const void *data, size_t size, struct error *err);
void ics_close(struct ics *ics);

/* The first line of a kind, or NULL. */
const struct ics_line *ics_find(const struct ics_event *event, enum ics_kind kind);

#endif
