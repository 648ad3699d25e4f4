#include "tools/ics.h"

#include "core/base/buffer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ZONE_TEXT_BYTES (256u * 1024)

static const char *const KINDS[ICS_KINDS_N] = {
#define X(id, name) name,
    ICS_KINDS(X)
#undef X
};

struct reader {
    struct ics *ics;
    char *at, *end; /* what is left of the file */
    size_t next_line;
    char *line; /* the present one, joined, NUL behind it */
    size_t number;

    const char *open[ICS_DEPTH_MAX]; /* names of the components that are open */
    size_t depth;
    struct buffer zone; /* of the VTIMEZONE that is open */
    bool in_zone, in_event;
};

static int refuse(const struct reader *r, struct error *err, const char *fault)
{
    return error_set(err, -EBADMSG, "bad_ics", "%s:%zu: %s", r->ics->name, r->number, fault);
}

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "no memory to read a calendar file");
}

/* --- lines
 * --------------------------------------------------------------------------------------------------- */

/* Joins the next line with those that go on it (they begin with a blank), in place. False at the end. */
static bool line_next(struct reader *r)
{
    if (r->at == r->end)
        return false;
    char *to = r->line = r->at;
    r->number = r->next_line;
    do {
        char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
        char *stop = newline ? newline : r->end;
        size_t size = (size_t)(stop - r->at);
        if (size > 0 && r->at[size - 1] == '\r')
            size--;
        memmove(to, r->at, size);
        to += size;
        r->at = newline ? newline + 1 : r->end;
        r->next_line++;
        if (r->at == r->end || (*r->at != ' ' && *r->at != '\t'))
            break;
        r->at++; /* the blank that marks it */
    } while (r->at < r->end);
    *to = '\0'; /* the line end, or the NUL behind the file, made room for it */
    return true;
}

/* Whether the line has this name; its parameters or value follow. */
static bool line_is(const char *line, const char *name)
{
    size_t n = strlen(name);
    return strncasecmp(line, name, n) == 0 && (line[n] == ':' || line[n] == ';');
}

/* What stands behind the first colon outside quotes, or NULL. */
static const char *line_value(const char *line)
{
    bool quoted = false;
    for (const char *p = line; *p; p++) {
        if (*p == '"')
            quoted = !quoted;
        if (*p == ':' && !quoted)
            return p + 1;
    }
    return NULL;
}

/* --- components
 * ---------------------------------------------------------------------------------------------- */

static int zone_end(struct reader *r, struct error *err)
{
    struct ics *ics = r->ics;
    r->in_zone = false;
    if (ics->n_zones == ICS_ZONES_MAX)
        return refuse(r, err, "more time zones than a calendar file may define (64)");
    buffer_append(&r->zone, "", 1);
    if (buffer_failed(&r->zone))
        return refuse(r, err, "the time zone that ends here is longer than it may be (256 KiB)");
    char *text = strdup((const char *)r->zone.data);
    if (!text)
        return no_memory(err);
    ics->zones[ics->n_zones++].text = text;
    return 0;
}

static int event_begin(struct reader *r, struct error *err)
{
    struct ics *ics = r->ics;
    if (ics->n_events == ICS_EVENTS_MAX)
        return refuse(r, err, "more events than a file of holidays may have (4096)");
    ics->events[ics->n_events++] = (struct ics_event){.line = r->number, .lines = ics->lines + ics->n_lines};
    r->in_event = true;
    return 0;
}

static int component_begin(struct reader *r, const char *name, struct error *err)
{
    if (r->depth == ICS_DEPTH_MAX)
        return refuse(r, err, "components lie deeper in each other than they may (8)");
    if (r->depth == 0 && strcasecmp(name, "VCALENDAR") != 0)
        return refuse(r, err, "a calendar file begins with BEGIN:VCALENDAR");
    r->open[r->depth++] = name;
    if (r->depth != 2)
        return 0;
    if (strcasecmp(name, "VTIMEZONE") == 0) {
        r->in_zone = true;
        buffer_clear(&r->zone);
    }
    return strcasecmp(name, "VEVENT") == 0 ? event_begin(r, err) : 0;
}

static int component_end(struct reader *r, const char *name, struct error *err)
{
    if (r->depth == 0 || strcasecmp(r->open[r->depth - 1], name) != 0)
        return refuse(r, err, "this END is not that of the component which is open");
    r->depth--;
    if (r->depth == 1)
        r->in_event = false;
    return r->depth == 1 && r->in_zone ? zone_end(r, err) : 0;
}

static int event_line(struct reader *r, struct error *err)
{
    struct ics *ics = r->ics;
    enum ics_kind kind = 0;
    while (kind < ICS_KINDS_N && !line_is(r->line, KINDS[kind]))
        kind++;
    if (kind == ICS_KINDS_N)
        return 0;
    const char *value = line_value(r->line);
    if (!value)
        return refuse(r, err, "the line has no value");
    if (ics->n_lines == ICS_LINES_MAX)
        return refuse(r, err, "more dates and rules than a file of holidays may have (65536)");
    ics->lines[ics->n_lines++] =
        (struct ics_line){.kind = kind, .line = r->number, .text = r->line, .value = value};
    ics->events[ics->n_events - 1].n++;
    return 0;
}

static int line_take(struct reader *r, struct error *err)
{
    bool begins = line_is(r->line, "BEGIN"), ends = line_is(r->line, "END");
    const char *value = begins || ends ? line_value(r->line) : NULL;
    int c = 0;
    if ((begins || ends) && !value)
        return refuse(r, err, "the line has no value");
    if (begins)
        c = component_begin(r, value, err);
    if (c == 0 && r->in_zone) {
        buffer_append_string(&r->zone, r->line);
        buffer_append_string(&r->zone, "\r\n");
    }
    if (c == 0 && ends)
        c = component_end(r, value, err);
    if (c == 0 && !begins && !ends && *r->line) {
        if (r->depth == 0)
            c = refuse(r, err, "a calendar file begins with BEGIN:VCALENDAR");
        else if (r->in_event && r->depth == 2)
            c = event_line(r, err);
    }
    return c;
}

/* --- files
 * --------------------------------------------------------------------------------------------------- */

/* Takes over data, which has a NUL behind it. */
static int ics_read(struct ics *ics, const char *name, char *data, size_t size, struct error *err)
{
    *ics = (struct ics){.name = name, .data = data};
    struct reader r = {.ics = ics, .at = data, .end = data + size, .next_line = 1, .number = 1};
    int c = 0;
    buffer_init(&r.zone, ZONE_TEXT_BYTES);
    ics->events = calloc(ICS_EVENTS_MAX, sizeof(*ics->events));
    ics->lines = calloc(ICS_LINES_MAX, sizeof(*ics->lines));
    if (!ics->events || !ics->lines)
        c = no_memory(err);
    else if (memchr(data, '\0', size))
        c = error_set(err, -EBADMSG, "bad_ics", "%s holds NUL bytes: it is no calendar file in UTF-8", name);
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        r.at += 3;
    while (c == 0 && line_next(&r))
        c = line_take(&r, err);
    if (c == 0 && r.depth > 0)
        c = error_set(err, -EBADMSG, "bad_ics", "%s ends within a component: it is cut short", name);
    if (c == 0 && ics->n_events == 0) {
        c = error_set(err, -EBADMSG, "bad_ics", "%s has no events", name);
        error_hint(err, "a calendar file (.ics) of holidays has a VEVENT for each of them");
    }
    buffer_fini(&r.zone);
    if (c < 0)
        ics_close(ics);
    return c;
}

int ics_open_bytes(struct ics *ics, const char *name, const void *bytes, size_t size, struct error *err)
{
    char *data = malloc(size + 1);
    if (!data)
        return no_memory(err);
    if (size)
        memcpy(data, bytes, size);
    data[size] = '\0';
    return ics_read(ics, name, data, size, err);
}

int ics_open(struct ics *ics, const char *path, struct error *err)
{
    bool is_input = strcmp(path, "-") == 0;
    FILE *f = is_input ? stdin : fopen(path, "re");
    if (!f)
        return error_set(err, -errno, "ics_file", "%s cannot be read: %s", path, strerror(errno));
    char *data = malloc(ICS_BYTES_MAX + 1);
    size_t size = data ? fread(data, 1, ICS_BYTES_MAX + 1, f) : 0;
    int number = data && ferror(f) ? errno : 0;
    if (!is_input)
        (void)fclose(f);
    if (!data)
        return no_memory(err);
    if (number || size > ICS_BYTES_MAX) {
        free(data);
        return number ? error_set(err, -number, "ics_file", "%s cannot be read: %s", path, strerror(number))
                      : error_set(err, -EFBIG, "ics_file",
                                  "%s is larger than the 4 MiB that a file of holidays may have", path);
    }
    data[size] = '\0';
    return ics_read(ics, is_input ? "standard input" : path, data, size, err);
}

void ics_close(struct ics *ics)
{
    for (size_t i = 0; i < ics->n_zones; i++)
        free(ics->zones[i].text);
    free(ics->events);
    free(ics->lines);
    free(ics->data);
    *ics = (struct ics){.name = NULL};
}

const struct ics_line *ics_find(const struct ics_event *event, enum ics_kind kind)
{
    for (size_t i = 0; i < event->n; i++)
        if (event->lines[i].kind == kind)
            return &event->lines[i];
    return NULL;
}
