#include "core/fold/hours.h"

#include "core/base/nearest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const DAYS[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* Minutes of a day before they are joined: one bit each, so that overlaps cost nothing. */
#define DAY_MINUTES 1440
struct week {
    bool open[7][DAY_MINUTES];
};

/* --- reading
 * ------------------------------------------------------------------------------------------------- */

static bool read_two(const char **p, const char *end, unsigned max, unsigned *ret)
{
    unsigned n = 0, value = 0;
    while (*p < end && n < 2 && **p >= '0' && **p <= '9') {
        value = value * 10 + (unsigned)(*(*p)++ - '0');
        n++;
    }
    *ret = value;
    return n > 0 && value <= max;
}

static bool read_clock(const char **p, const char *end, bool with_seconds, int64_t *ret_ms)
{
    unsigned hour, minute, second = 0;
    if (!read_two(p, end, 24, &hour) || *p == end || *(*p)++ != ':' || end - *p < 2 ||
        !read_two(p, end, 59, &minute))
        return false;
    if (with_seconds && *p < end && **p == ':') {
        (*p)++;
        if (end - *p < 2 || !read_two(p, end, 59, &second))
            return false;
    }
    *ret_ms = ((int64_t)hour * 3600 + minute * 60 + second) * 1000;
    return *ret_ms <= HOURS_DAY_MS;
}

const char *hours_interval_parse(const char *text, size_t size, bool with_seconds, struct hours_interval *ret)
{
    const char *p = text, *end = text + size;
    struct hours_interval interval;
    if (!read_clock(&p, end, with_seconds, &interval.from) || p == end || *p++ != '-' ||
        !read_clock(&p, end, with_seconds, &interval.to) || p != end)
        return "is no interval like 08:00-17:00";
    if (interval.to <= interval.from)
        return "does not end after it begins (an interval past midnight is two, the first until 24:00)";
    *ret = interval;
    return NULL;
}

static int day_find(const char *word, size_t size)
{
    for (int d = 0; d < 7; d++)
        if (size == 3 && strncasecmp(word, DAYS[d], 3) == 0)
            return d;
    return -1;
}

static int refuse(struct error *err, const char *word, size_t size, const char *fault)
{
    return error_set(err, -EINVAL, "bad_calendar", "hours: '%.*s' %s", size > 40 ? 40 : (int)size, word,
                     fault);
}

static int refuse_day(struct error *err, const char *word, size_t size)
{
    struct nearest near;
    nearest_init(&near, word, size);
    for (int d = 0; d < 7; d++)
        nearest_offer(&near, DAYS[d]);
    nearest_offer(&near, "daily");
    int c = refuse(err, word, size, "is no day of the week");
    if (near.best)
        error_hint(err, "did you mean %s?", near.best);
    else
        error_hint(err, "days are mon, tue, wed, thu, fri, sat, sun, a range like mon-fri, or daily");
    return c;
}

/* A word that names days: "mon", "mon-fri", "daily"; set bits for them. */
static int read_days(const char *word, size_t size, unsigned *days, struct error *err)
{
    if (size == 5 && strncasecmp(word, "daily", 5) == 0) {
        *days |= 0x7f;
        return 0;
    }
    const char *dash = memchr(word, '-', size);
    size_t n_first = dash ? (size_t)(dash - word) : size;
    int first = day_find(word, n_first);
    if (first < 0)
        return refuse_day(err, word, n_first);
    int last = dash ? day_find(dash + 1, size - n_first - 1) : first;
    if (last < 0)
        return refuse_day(err, dash + 1, size - n_first - 1);
    for (int d = first;; d = (d + 1) % 7) {
        *days |= 1u << d;
        if (d == last)
            return 0;
    }
}

static void week_add(struct week *week, unsigned days, const struct hours_interval *interval)
{
    for (int d = 0; d < 7; d++)
        if (days & 1u << d)
            for (int64_t m = interval->from / 60000; m < interval->to / 60000; m++)
                week->open[d][m] = true;
}

/* One part between commas: days, then intervals. */
static int read_part(const char *p, const char *end, struct week *week, struct error *err)
{
    unsigned days = 0, n_intervals = 0;
    const char *part = p;
    size_t part_size = (size_t)(end - p);
    while (p < end) {
        if (*p == ' ') {
            p++;
            continue;
        }
        size_t size = 0;
        struct hours_interval interval;
        while (p + size < end && p[size] != ' ')
            size++;
        if (*p >= '0' && *p <= '9') {
            const char *fault = hours_interval_parse(p, size, false, &interval);
            if (!fault && !days)
                fault = "stands before any day";
            if (fault)
                return refuse(err, p, size, fault);
            week_add(week, days, &interval);
            n_intervals++;
        } else {
            if (n_intervals) {
                refuse(err, p, size, "stands behind an interval");
                error_hint(err, "separate days with other hours by a comma: mon-fri 08:00-17:00, sat "
                                "09:00-12:00");
                return -EINVAL;
            }
            int c = read_days(p, size, &days, err);
            if (c)
                return c;
        }
        p += size;
    }
    if (!n_intervals) {
        refuse(err, part, part_size, days ? "has days without an interval" : "says nothing");
        error_hint(err, "write days and hours, as mon-fri 08:00-17:00");
        return -EINVAL;
    }
    return 0;
}

static int join(const struct week *week, struct hours *ret, struct error *err)
{
    ret->n = 0;
    for (int d = 0; d < 7; d++)
        for (int m = 0; m < DAY_MINUTES; m++) {
            if (!week->open[d][m])
                continue;
            int64_t at = d * HOURS_DAY_MS + (int64_t)m * 60000;
            if (m > 0 && week->open[d][m - 1]) {
                ret->at[ret->n - 1].to = at + 60000;
                continue;
            }
            if (ret->n == HOURS_INTERVALS)
                return error_set(err, -EINVAL, "bad_calendar", "hours: a week has more than %d intervals",
                                 HOURS_INTERVALS);
            ret->at[ret->n++] = (struct hours_interval){at, at + 60000};
        }
    return 0;
}

int hours_parse(const char *text, struct hours *ret, struct error *err)
{
    struct week week = {.open = {{false}}};
    struct hours hours;
    size_t size = strnlen(text, HOURS_TEXT_BYTES);
    if (size == HOURS_TEXT_BYTES)
        return error_set(err, -EINVAL, "bad_calendar", "hours: longer than %d bytes", HOURS_TEXT_BYTES - 1);
    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] > '~')
            return error_set(err, -EINVAL, "bad_calendar", "hours: byte %zu is not printable ASCII", i + 1);
    for (const char *p = text, *end = text + size;; p++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        int c = read_part(p, comma ? comma : end, &week, err);
        if (c)
            return c;
        if (!comma)
            break;
        p = comma;
    }
    int c = join(&week, &hours, err);
    if (c == 0)
        *ret = hours;
    return c;
}

/* --- writing
 * ------------------------------------------------------------------------------------------------- */

/* The intervals of a day, as places in h->at. */
static size_t day_intervals(const struct hours *h, int day, size_t *ret_first)
{
    size_t first = 0, n = 0;
    while (first < h->n && h->at[first].from < day * HOURS_DAY_MS)
        first++;
    while (first + n < h->n && h->at[first + n].from < (day + 1) * HOURS_DAY_MS)
        n++;
    *ret_first = first;
    return n;
}

static bool days_equal(const struct hours *h, int a, int b)
{
    size_t first_a, first_b, n = day_intervals(h, a, &first_a);
    int64_t shift = (b - a) * HOURS_DAY_MS;
    if (n != day_intervals(h, b, &first_b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (h->at[first_a + i].from + shift != h->at[first_b + i].from ||
            h->at[first_a + i].to + shift != h->at[first_b + i].to)
            return false;
    return true;
}

char *hours_format(const struct hours *h, char room[HOURS_TEXT_BYTES])
{
    size_t used = 0;
    room[0] = '\0';
    for (int d = 0, last; d < 7; d = last + 1) {
        size_t first, n = day_intervals(h, d, &first);
        for (last = d; last < 6 && days_equal(h, d, last + 1);)
            last++;
        if (n == 0)
            continue;
        used += (size_t)snprintf(room + used, HOURS_TEXT_BYTES - used, "%s%s", used ? ", " : "",
                                 d == 0 && last == 6 ? "daily" : DAYS[d]);
        if (last > d && !(d == 0 && last == 6))
            used += (size_t)snprintf(room + used, HOURS_TEXT_BYTES - used, "-%s", DAYS[last]);
        for (size_t i = first; i < first + n; i++) {
            int64_t from = (h->at[i].from - d * HOURS_DAY_MS) / 60000;
            int64_t to = (h->at[i].to - d * HOURS_DAY_MS) / 60000;
            used += (size_t)snprintf(room + used, HOURS_TEXT_BYTES - used,
                                     " %02" PRId64 ":%02" PRId64 "-%02" PRId64 ":%02" PRId64, from / 60,
                                     from % 60, to / 60, to % 60);
        }
    }
    return room;
}
