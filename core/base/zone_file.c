#include "core/base/zone_file.h"

#include "core/base/zone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 44
#define OFFSET_MAX_S (26 * 3600)

struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* The header at p and the size of what follows it, with times of `width` bytes. */
static int header_read(const uint8_t *p, size_t left, size_t width, struct counts *ret, size_t *ret_body)
{
    if (left < HEADER_BYTES || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return -EBADMSG;
    *ret =
        (struct counts){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
    if (ret->isut > 256 || ret->isstd > 256 || ret->leap > 256 || ret->time > ZONE_TRANSITIONS_MAX / 2 ||
        ret->type == 0 || ret->type > 256 || ret->chars > 1024)
        return -EBADMSG;
    *ret_body = ret->time * width + ret->time + ret->type * 6 + ret->chars + ret->leap * (width + 4) +
                ret->isstd + ret->isut;
    return left - HEADER_BYTES < *ret_body ? -EBADMSG : 0;
}

/* --- the rule for later years: a POSIX TZ string, "CST6CDT,M3.2.0,M11.1.0"
 * ------------------------------------ */

struct rule_date {
    int32_t month, week, weekday; /* weekday 0 is Sunday; week 5 the last */
    int32_t time_s;               /* local time, may be negative or beyond a day */
};

struct rule {
    int32_t standard_s, daylight_s; /* offsets east of UTC */
    bool has_daylight;
    struct rule_date start, end; /* of daylight time */
};

struct cursor {
    const char *p, *end;
};

static bool cursor_take(struct cursor *c, char ch)
{
    if (c->p == c->end || *c->p != ch)
        return false;
    c->p++;
    return true;
}

static bool cursor_number(struct cursor *c, int32_t max, int32_t *ret)
{
    int32_t n = 0;
    const char *start = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
        n = n * 10 + (*c->p++ - '0');
        if (n > max)
            return false;
    }
    *ret = n;
    return c->p > start;
}

static bool cursor_abbreviation(struct cursor *c)
{
    const char *start = c->p;
    if (cursor_take(c, '<')) {
        while (c->p < c->end && *c->p != '>')
            c->p++;
        return cursor_take(c, '>');
    }
    while (c->p < c->end && ((*c->p >= 'A' && *c->p <= 'Z') || (*c->p >= 'a' && *c->p <= 'z')))
        c->p++;
    return c->p > start;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool cursor_time(struct cursor *c, int32_t *ret_s)
{
    bool negative = cursor_take(c, '-');
    if (!negative)
        (void)cursor_take(c, '+');
    int32_t h, m = 0, s = 0;
    if (!cursor_number(c, 167, &h))
        return false;
    if (cursor_take(c, ':')) {
        if (!cursor_number(c, 59, &m))
            return false;
        if (cursor_take(c, ':') && !cursor_number(c, 59, &s))
            return false;
    }
    int32_t total = h * 3600 + m * 60 + s;
    *ret_s = negative ? -total : total;
    return true;
}

/* Mm.w.d[/time]: the only form that tzdata uses. */
static bool cursor_date(struct cursor *c, struct rule_date *ret)
{
    ret->time_s = 7200;
    if (!cursor_take(c, ',') || !cursor_take(c, 'M') || !cursor_number(c, 12, &ret->month) ||
        !cursor_take(c, '.') || !cursor_number(c, 5, &ret->week) || !cursor_take(c, '.') ||
        !cursor_number(c, 6, &ret->weekday) || ret->month < 1 || ret->week < 1)
        return false;
    return cursor_take(c, '/') ? cursor_time(c, &ret->time_s) : true;
}

static bool rule_parse(const char *text, size_t size, struct rule *ret)
{
    struct cursor c = {text, text + size};
    int32_t west;
    *ret = (struct rule){0};
    if (!cursor_abbreviation(&c) || !cursor_time(&c, &west) || abs(west) > OFFSET_MAX_S)
        return false;
    ret->standard_s = -west;
    if (c.p == c.end)
        return true;
    ret->has_daylight = true;
    ret->daylight_s = ret->standard_s + 3600;
    if (!cursor_abbreviation(&c))
        return false;
    if (c.p < c.end && *c.p != ',') {
        if (!cursor_time(&c, &west) || abs(west) > OFFSET_MAX_S)
            return false;
        ret->daylight_s = -west;
    }
    return cursor_date(&c, &ret->start) && cursor_date(&c, &ret->end) && c.p == c.end;
}

/* Seconds since 1970 of a rule's date, as a local time. */
static int64_t rule_date_s(const struct rule_date *d, int32_t year)
{
    int64_t first = civil_days(year, d->month, 1);
    int32_t weekday = (int32_t)((first + 4) % 7); /* 1970-01-01 was a Thursday */
    int64_t day = first + (d->weekday - weekday + 7) % 7 + 7 * (d->week - 1);
    while (day >= civil_days(year, d->month + 1, 1))
        day -= 7;
    return day * 86400 + d->time_s;
}

/* --- the table
 * -------------------------------------------------------------------------------------------------- */

struct table {
    struct zone_transition *rows;
    size_t n;
};

static int table_add(struct table *t, int64_t at_s, int32_t offset_s)
{
    if (t->n > 0 && (at_s <= t->rows[t->n - 1].at_s || abs(offset_s) > OFFSET_MAX_S))
        return -EBADMSG;
    if (t->n > 0 && t->rows[t->n - 1].offset_s == offset_s)
        return 0;
    if (t->n == ZONE_TRANSITIONS_MAX)
        return -EBADMSG;
    t->rows[t->n++] = (struct zone_transition){at_s, offset_s};
    return 0;
}

static int table_add_rule(struct table *t, const struct rule *rule, int64_t after_s, int32_t year_max)
{
    if (!rule->has_daylight)
        return after_s == INT64_MIN ? 0 : table_add(t, after_s + 1, rule->standard_s);
    for (int32_t year = ZONE_YEAR_MIN; year <= year_max; year++) {
        struct zone_transition pair[2] = {
            {rule_date_s(&rule->start, year) - rule->standard_s, rule->daylight_s},
            {rule_date_s(&rule->end, year) - rule->daylight_s, rule->standard_s},
        };
        bool swap = pair[1].at_s < pair[0].at_s;
        for (int i = 0; i < 2; i++) {
            const struct zone_transition *p = &pair[i ^ (int)swap];
            int r = p->at_s > after_s ? table_add(t, p->at_s, p->offset_s) : 0;
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int zone_file_decode(const uint8_t *data, size_t size, int32_t year_max, struct zone_transition **ret,
                     size_t *ret_n)
{
    struct counts n;
    size_t body;
    /* A first block with times of 32 bits, which nobody needs any more, then the one with 64. */
    int r = header_read(data, size, 4, &n, &body);
    if (r < 0)
        return r;
    const uint8_t *p = data + HEADER_BYTES + body;
    r = header_read(p, size - HEADER_BYTES - body, 8, &n, &body);
    if (r < 0)
        return r;
    const uint8_t *times = p + HEADER_BYTES, *indices = times + (size_t)n.time * 8, *types = indices + n.time;
    const char *footer = (const char *)p + HEADER_BYTES + body;
    size_t footer_size = (size_t)((const char *)data + size - footer);

    struct table table = {malloc(ZONE_TRANSITIONS_MAX * sizeof(struct zone_transition)), 0};
    if (!table.rows)
        return -ENOMEM;
    r = table_add(&table, INT64_MIN, (int32_t)be32(types));
    int64_t last_s = INT64_MIN;
    for (uint32_t i = 0; r == 0 && i < n.time; i++) {
        last_s = be64(times + 8 * (size_t)i);
        r = indices[i] < n.type ? table_add(&table, last_s, (int32_t)be32(types + 6 * (size_t)indices[i]))
                                : -EBADMSG;
    }
    if (r == 0 && footer_size > 2) {
        struct rule rule;
        if (footer[0] != '\n' || footer[footer_size - 1] != '\n' ||
            !rule_parse(footer + 1, footer_size - 2, &rule))
            r = -EBADMSG;
        else
            r = table_add_rule(&table, &rule, last_s, year_max);
    }
    if (r < 0) {
        free(table.rows);
        return r;
    }
    struct zone_transition *fitting = realloc(table.rows, table.n * sizeof(*fitting));
    *ret = fitting ? fitting : table.rows;
    *ret_n = table.n;
    return 0;
}
