#include "plugins/host/timestamp.h"

#include "proto/tendon_plugin.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const MONTHS[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};

void time_zones_fini(struct time_zones *zones)
{
    for (unsigned i = 0; i < TIME_ZONES; i++) {
        zone_close(zones->slots[i].zone);
        zones->slots[i].zone = NULL;
    }
}

static const struct zone *find_zone(struct time_zones *zones, const char *name)
{
    struct time_zone *oldest = &zones->slots[0];
    for (unsigned i = 0; i < TIME_ZONES; i++) {
        struct time_zone *slot = &zones->slots[i];
        if (slot->zone && strcmp(zone_name(slot->zone), name) == 0) {
            slot->used = ++zones->n_used;
            return slot->zone;
        }
        if (slot->used < oldest->used)
            oldest = slot;
    }
    struct zone *zone;
    if (zone_open(name, &zone, NULL) < 0)
        return NULL;
    zone_close(oldest->zone);
    *oldest = (struct time_zone){zone, ++zones->n_used};
    return zone;
}

struct text {
    const char *at, *end;
};

static bool read_number(struct text *t, unsigned digits_min, unsigned digits_max, int64_t *ret)
{
    int64_t n = 0;
    unsigned i = 0;
    for (; i < digits_max && t->at < t->end && *t->at >= '0' && *t->at <= '9'; i++)
        n = n * 10 + (*t->at++ - '0');
    *ret = n;
    return i >= digits_min;
}

struct parsed {
    int64_t year, month, day, hour, minute, second, ms;
    int64_t instant_ms; /* %s, %Q */
    int64_t offset_s;   /* %z */
    bool has_instant, has_offset, has_half, is_afternoon;
};

static bool read_fraction(struct text *t, int64_t *ret_ms)
{
    int64_t n = 0, scale = 100;
    unsigned i = 0;
    for (; i < 9 && t->at < t->end && *t->at >= '0' && *t->at <= '9'; i++, t->at++) {
        n += (*t->at - '0') * scale;
        scale /= 10;
    }
    *ret_ms = n;
    return i > 0;
}

static bool read_offset(struct text *t, int64_t *ret_s)
{
    if (t->at == t->end)
        return false;
    char sign = *t->at++;
    int64_t hours, minutes = 0;
    if (sign == 'Z' || sign == 'z') {
        *ret_s = 0;
        return true;
    }
    if ((sign != '+' && sign != '-') || !read_number(t, 2, 2, &hours))
        return false;
    if (t->at < t->end && *t->at == ':') {
        t->at++;
        if (!read_number(t, 2, 2, &minutes))
            return false;
    } else if (t->at < t->end && *t->at >= '0' && *t->at <= '9' && !read_number(t, 2, 2, &minutes)) {
        return false;
    }
    if (hours > 18 || minutes > 59)
        return false;
    *ret_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

static bool read_month_name(struct text *t, int64_t *ret)
{
    if (t->end - t->at < 3)
        return false;
    for (int i = 0; i < 12; i++)
        if (strncasecmp(t->at, MONTHS[i], 3) == 0) {
            t->at += 3;
            *ret = i + 1;
            return true;
        }
    return false;
}

static bool read_half(struct text *t, struct parsed *p)
{
    if (t->end - t->at < 2 || (t->at[1] != 'm' && t->at[1] != 'M') || !strchr("aApP", t->at[0]))
        return false;
    p->has_half = true;
    p->is_afternoon = t->at[0] == 'p' || t->at[0] == 'P';
    t->at += 2;
    return true;
}

static bool read_conversion(struct text *t, char conversion, struct parsed *p)
{
    switch (conversion) {
    case 'Y':
        return read_number(t, 4, 4, &p->year);
    case 'y':
        if (!read_number(t, 2, 2, &p->year))
            return false;
        p->year += p->year < 69 ? 2000 : 1900;
        return true;
    case 'm':
        return read_number(t, 1, 2, &p->month);
    case 'd':
        return read_number(t, 1, 2, &p->day);
    case 'b':
        return read_month_name(t, &p->month);
    case 'H':
        return read_number(t, 1, 2, &p->hour);
    case 'I':
        return read_number(t, 1, 2, &p->hour) && p->hour >= 1 && p->hour <= 12;
    case 'M':
        return read_number(t, 1, 2, &p->minute);
    case 'S':
        return read_number(t, 1, 2, &p->second);
    case 'p':
        return read_half(t, p);
    case 'f':
        return read_fraction(t, &p->ms);
    case 'z':
        return p->has_offset = read_offset(t, &p->offset_s);
    case 's':
        p->has_instant = read_number(t, 1, 12, &p->instant_ms);
        p->instant_ms *= 1000;
        return p->has_instant;
    case 'Q':
        return p->has_instant = read_number(t, 1, 15, &p->instant_ms);
    case '%':
        return t->at < t->end && *t->at++ == '%';
    default:
        return false;
    }
}

static bool read_format(struct text *t, const char *format, struct parsed *p)
{
    for (const char *f = format; *f; f++) {
        if (*f == '%') {
            if (!read_conversion(t, *++f, p))
                return false;
        } else if (*f == ' ') {
            while (t->at < t->end && *t->at == ' ')
                t->at++;
        } else if (t->at == t->end || *t->at++ != *f) {
            return false;
        }
    }
    return true;
}

static bool read_rfc3339(struct text *t, struct parsed *p)
{
    if (!read_format(t, "%Y-%m-%d", p) || t->at == t->end || !strchr("Tt ", *t->at))
        return false;
    t->at++;
    if (!read_format(t, "%H:%M:%S", p))
        return false;
    if (t->at < t->end && *t->at == '.') {
        t->at++;
        if (!read_fraction(t, &p->ms))
            return false;
    }
    /* Without an offset the zone speaks. */
    return t->at == t->end || (p->has_offset = read_offset(t, &p->offset_s));
}

int time_parse(struct time_zones *zones, const char *format, const char *zone, const char *text, size_t size,
               int64_t *ret_ms)
{
    if (!text)
        return TENDON_INVALID;
    struct text t = {text, text + (size == TENDON_TEXT ? strlen(text) : size)};
    struct parsed p = {.year = 1970, .month = 1, .day = 1};
    if (!(format ? read_format(&t, format, &p) : read_rfc3339(&t, &p)) || t.at != t.end)
        return TENDON_INVALID;
    if (p.has_instant) {
        *ret_ms = p.instant_ms + p.ms;
        return TENDON_OK;
    }
    if (p.has_half)
        p.hour = p.hour % 12 + (p.is_afternoon ? 12 : 0);
    /* A leap second is the last of its minute. */
    if (p.second == 60)
        p.second = 59;
    if (!civil_is_date((int32_t)p.year, (int32_t)p.month, (int32_t)p.day) || p.hour > 23 || p.minute > 59 ||
        p.second > 59)
        return TENDON_INVALID;
    int64_t of_day = ((p.hour * 60 + p.minute) * 60 + p.second) * 1000 + p.ms;
    if (p.has_offset || !zone || strcmp(zone, "UTC") == 0) {
        int64_t days = civil_days((int32_t)p.year, (int32_t)p.month, (int32_t)p.day);
        *ret_ms = days * 86400000 + of_day - p.offset_s * 1000;
        return TENDON_OK;
    }
    const struct zone *z = find_zone(zones, zone);
    if (!z)
        return TENDON_INVALID;
    *ret_ms = zone_instant(z, (int32_t)p.year, (int32_t)p.month, (int32_t)p.day, of_day);
    return TENDON_OK;
}

/* --- the other way -------------------------------------------------------------------------------------- */

struct writer {
    char *room;
    size_t size, n; /* n ≥ size: it does not fit */
};

static void write_text(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void write_text(struct writer *w, const char *format, ...)
{
    if (w->n >= w->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->room + w->n, w->size - w->n, format, args);
    va_end(args);
    w->n += n < 0 ? w->size : (size_t)n;
}

static void write_offset(struct writer *w, int32_t offset_s)
{
    int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    if (offset_s == 0)
        write_text(w, "Z");
    else
        write_text(w, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static bool write_conversion(struct writer *w, char conversion, const struct civil *c, int64_t at_ms)
{
    switch (conversion) {
    case 'Y':
        write_text(w, "%04d", c->year);
        return true;
    case 'y':
        write_text(w, "%02d", c->year % 100);
        return true;
    case 'm':
        write_text(w, "%02d", c->month);
        return true;
    case 'd':
        write_text(w, "%02d", c->day);
        return true;
    case 'H':
        write_text(w, "%02d", c->hour);
        return true;
    case 'I':
        write_text(w, "%02d", c->hour % 12 ? c->hour % 12 : 12);
        return true;
    case 'p':
        write_text(w, "%s", c->hour < 12 ? "AM" : "PM");
        return true;
    case 'b':
        write_text(w, "%c%s", MONTHS[c->month - 1][0] - 'a' + 'A', MONTHS[c->month - 1] + 1);
        return true;
    case 'M':
        write_text(w, "%02d", c->minute);
        return true;
    case 'S':
        write_text(w, "%02d", c->second);
        return true;
    case 'f':
        write_text(w, "%03d", c->ms);
        return true;
    case 'z':
        write_offset(w, c->offset_s);
        return true;
    case 's':
        write_text(w, "%lld", (long long)(at_ms - c->ms) / 1000);
        return true;
    case 'Q':
        write_text(w, "%lld", (long long)at_ms);
        return true;
    case '%':
        write_text(w, "%%");
        return true;
    default:
        return false;
    }
}

size_t time_format(struct time_zones *zones, const char *format, const char *zone, int64_t at_ms, char *room,
                   size_t size)
{
    struct writer w = {room, size, 0};
    struct civil c;
    const struct zone *z = zone && strcmp(zone, "UTC") != 0 ? find_zone(zones, zone) : NULL;
    if (!room || size == 0 || (zone && strcmp(zone, "UTC") != 0 && !z))
        return 0;
    room[0] = '\0';
    if (z)
        zone_civil(z, at_ms, &c);
    else
        civil_of_local(at_ms, &c);
    if (c.year < 1 || c.year > 9999)
        return 0;
    for (const char *f = format ? format : "%Y-%m-%dT%H:%M:%S.%f%z"; *f; f++) {
        if (*f != '%')
            write_text(&w, "%c", *f);
        else if (!write_conversion(&w, *++f, &c, at_ms))
            w.n = size;
        if (w.n >= size) {
            room[0] = '\0';
            return 0;
        }
    }
    return w.n;
}
