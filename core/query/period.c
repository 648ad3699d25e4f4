#include "core/query/period.h"

#include <stdlib.h>
#include <string.h>

#define SINCE_MAX 100000 /* days, weeks or months in --since 90d */
#define EVERY_MAX 1000   /* and in --every 7d */
#define STEPS_MAX 65536  /* of periods.steps */

struct text {
    const char *p;
};

static bool text_take(struct text *t, char c)
{
    if (*t->p != c)
        return false;
    t->p++;
    return true;
}

/* Exactly n digits. */
static bool text_digits(struct text *t, int n, int32_t *ret)
{
    int32_t v = 0;
    for (int i = 0; i < n; i++, t->p++) {
        if (*t->p < '0' || *t->p > '9')
            return false;
        v = v * 10 + (*t->p - '0');
    }
    *ret = v;
    return true;
}

/* "YYYY-MM-DD"; "YYYY-MM" is the first of the month. */
static bool text_date(struct text *t, int32_t date[3])
{
    date[2] = 1;
    if (!text_digits(t, 4, &date[0]) || !text_take(t, '-') || !text_digits(t, 2, &date[1]))
        return false;
    if (*t->p == '-' && (!text_take(t, '-') || !text_digits(t, 2, &date[2])))
        return false;
    return civil_is_date(date[0], date[1], date[2]);
}

/* "HH:MM[:SS[.fff]]" */
static bool text_time(struct text *t, int64_t *ret_ms)
{
    int32_t h, m, s = 0, ms = 0, scale = 100;
    if (!text_digits(t, 2, &h) || !text_take(t, ':') || !text_digits(t, 2, &m))
        return false;
    if (text_take(t, ':')) {
        if (!text_digits(t, 2, &s))
            return false;
        if (text_take(t, '.')) {
            if (*t->p < '0' || *t->p > '9')
                return false;
            for (; *t->p >= '0' && *t->p <= '9' && scale > 0; t->p++, scale /= 10)
                ms += scale * (*t->p - '0');
        }
    }
    *ret_ms = ((int64_t)h * 3600 + m * 60 + s) * 1000 + ms;
    return h < 24 && m < 60 && s < 60;
}

/* "Z" or "±HH:MM" */
static bool text_offset(struct text *t, int64_t *ret_ms)
{
    int32_t h, m;
    *ret_ms = 0;
    if (text_take(t, 'Z') || text_take(t, 'z'))
        return true;
    int sign = *t->p == '-' ? -1 : 1;
    if (!text_take(t, '+') && !text_take(t, '-'))
        return false;
    if (!text_digits(t, 2, &h) || !text_take(t, ':') || !text_digits(t, 2, &m) || h > 23 || m > 59)
        return false;
    *ret_ms = sign * ((int64_t)h * 60 + m) * 60000;
    return true;
}

int instant_parse(const char *option, const char *text, const struct zone *zone, int64_t *ret_ms,
                  struct error *err)
{
    struct text t = {text};
    int32_t date[3];
    int64_t of_day = 0, offset;
    if (!text_date(&t, date))
        goto bad;
    if (*t.p == '\0') {
        *ret_ms = zone_instant(zone, date[0], date[1], date[2], 0);
        return 0;
    }
    if ((!text_take(&t, 'T') && !text_take(&t, ' ')) || !text_time(&t, &of_day))
        goto bad;
    if (*t.p == '\0') {
        *ret_ms = zone_instant(zone, date[0], date[1], date[2], of_day);
        return 0;
    }
    if (!text_offset(&t, &offset) || *t.p != '\0')
        goto bad;
    *ret_ms = civil_days(date[0], date[1], date[2]) * 86400000 + of_day - offset;
    return 0;
bad:
    (void)error_set(err, -EINVAL, "bad_period", "%s: '%.40s' is no date and no instant", option, text);
    error_hint(err, "write 2024-02-01 or 2024-02-01T08:30:00Z, from 1970 to 2100");
    return -EINVAL;
}

/* "7d", "2w", "1mo": false when it is something else. */
static bool count_parse(const char *text, int32_t max, int32_t *ret_n, enum zone_unit *ret_unit)
{
    int32_t n = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (*p - '0');
        if (n > max)
            return false;
    }
    if (p == text || n == 0)
        return false;
    if (strcmp(p, "d") == 0)
        *ret_unit = ZONE_DAY;
    else if (strcmp(p, "w") == 0)
        *ret_unit = ZONE_WEEK;
    else if (strcmp(p, "mo") == 0)
        *ret_unit = ZONE_MONTH;
    else
        return false;
    *ret_n = n;
    return true;
}

int period_range_parse(const struct period_options *options, struct period_range *ret, struct error *err)
{
    struct period_range r = {.since = PERIOD_BEGINNING, .until = PERIOD_END};
    int64_t end_of_today = zone_floor(options->zone, options->now, ZONE_DAY, 1);
    int32_t n;
    enum zone_unit unit;
    int e;

    r.is_given = options->since || options->until || options->every;
    if (options->at && r.is_given) {
        (void)error_set(err, -EINVAL, "bad_period", "at is one instant and goes with no period");
        error_hint(err, "leave out since, until and every, or at");
        return -EINVAL;
    }
    if (options->at) {
        r.has_at = true;
        if ((e = instant_parse("at", options->at, options->zone, &r.at, err)) < 0)
            return e;
    }
    if (options->until && (e = instant_parse("until", options->until, options->zone, &r.until, err)) < 0)
        return e;
    if (options->since && count_parse(options->since, SINCE_MAX, &n, &unit)) {
        /* Whole local days (a week is seven), or months, up to --until or the end of today. */
        int64_t end = options->until ? r.until : end_of_today;
        if (!options->until)
            r.until = end;
        if (unit == ZONE_WEEK) {
            unit = ZONE_DAY;
            n *= 7;
        }
        struct civil c;
        zone_civil(options->zone, end, &c);
        r.since = unit == ZONE_MONTH ? zone_instant(options->zone, c.year, c.month - n, c.day, 0)
                                     : zone_instant(options->zone, c.year, c.month, c.day - n, 0);
    } else if (options->since &&
               (e = instant_parse("since", options->since, options->zone, &r.since, err)) < 0) {
        error_hint(err, "write 90d, 2024-02-01 or 2024-02-01T08:30:00Z");
        return e;
    }
    if (r.since >= r.until) {
        bool is_empty = r.since == r.until;
        (void)error_set(err, -EINVAL, "bad_period",
                        is_empty ? "the period is empty: it ends where it starts"
                                 : "the period ends before it starts");
        error_hint(err, is_empty ? "until is exclusive, the first instant that no longer counts: for one day "
                                   "write the next one"
                                 : "exchange since and until; until is exclusive");
        return -EINVAL;
    }
    if (options->every) {
        r.has_every = true;
        if (!count_parse(options->every, EVERY_MAX, &r.n_units, &r.unit)) {
            (void)error_set(err, -EINVAL, "bad_period", "every: '%.40s' is no step", options->every);
            error_hint(err, "write 1d, 1w or 1mo");
            return -EINVAL;
        }
    }
    *ret = r;
    return 0;
}

static int periods_reserve(struct periods *p, uint32_t *capacity)
{
    if (p->n + 1 < *capacity)
        return 0;
    uint32_t next = *capacity ? *capacity * 2 : 64;
    int64_t *starts = realloc(p->starts, next * sizeof(*starts));
    if (starts)
        p->starts = starts;
    bool *partial = realloc(p->partial, next * sizeof(*partial));
    if (partial)
        p->partial = partial;
    if (!starts || !partial)
        return -ENOMEM;
    *capacity = next;
    return 0;
}

static int periods_step(struct periods *p)
{
    int64_t shortest = INT64_MAX;
    if (p->n < 2)
        return 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->starts[i + 1] - p->starts[i] < shortest)
            shortest = p->starts[i + 1] - p->starts[i];
    const uint64_t all = (uint64_t)(p->starts[p->n] - p->starts[0]);
    p->shift = 63 - (unsigned)__builtin_clzll((uint64_t)shortest);
    if (all >> p->shift >= STEPS_MAX)
        return 0;
    const uint32_t n = (uint32_t)(all >> p->shift) + 1;
    p->steps = malloc(n * sizeof(*p->steps));
    if (!p->steps)
        return -ENOMEM;
    for (uint32_t k = 0, period = 0; k < n; k++) {
        int64_t at = p->starts[0] + (int64_t)((uint64_t)k << p->shift);
        while (period + 1 < p->n && at >= p->starts[period + 1])
            period++;
        p->steps[k] = period;
    }
    return 0;
}

int periods_cut(const struct period_range *range, const struct zone *zone, int64_t now, int64_t first,
                int64_t last, uint32_t n_max, struct periods *ret, struct error *err)
{
    struct periods p = {0};
    uint32_t capacity = 0;
    int64_t since = range->since, until = range->until;

    if (!range->has_every) {
        if (periods_reserve(&p, &capacity) < 0)
            goto no_memory;
        p.n = 1;
        p.starts[0] = since;
        p.starts[1] = until;
        p.partial[0] = false;
        *ret = p;
        return 0;
    }
    bool is_empty = first > last;
    if (since == PERIOD_BEGINNING)
        since = is_empty ? until : first;
    if (until == PERIOD_END)
        until = is_empty ? since : last + 1;
    if (periods_reserve(&p, &capacity) < 0)
        goto no_memory;
    /* An open end is no cut: the first and last period are then whole. */
    if (since < until) {
        int64_t start = zone_floor(zone, since, range->unit, 0);
        int64_t from = range->since == PERIOD_BEGINNING ? start : since;
        p.starts[0] = from;
        const int64_t base = start;
        for (int32_t i = 1; start < until; i++) {
            /* Counted from the first, so that no step depends on the length of another. */
            int64_t end = zone_floor(zone, base, range->unit, i * range->n_units);
            if (end == start)
                continue; /* a day that the zone never had */
            bool cut = end > until && range->until != PERIOD_END;
            if (p.n == n_max) {
                periods_fini(&p);
                (void)error_set(err, -E2BIG, "result_size", "the range has more than %u periods", n_max);
                error_hint(err, "ask for a shorter range or longer periods");
                return -E2BIG;
            }
            if (periods_reserve(&p, &capacity) < 0)
                goto no_memory;
            p.partial[p.n] = cut || (p.n == 0 && from > start) || end > now;
            p.n++;
            p.starts[p.n] = cut ? until : end;
            start = end;
        }
    } else {
        p.starts[0] = since;
    }
    if (periods_step(&p) < 0)
        goto no_memory;
    *ret = p;
    return 0;
no_memory:
    periods_fini(&p);
    return error_set(err, -ENOMEM, "no_memory", "no memory for the periods of the query");
}

void periods_fini(struct periods *p)
{
    free(p->starts);
    free(p->partial);
    free(p->steps);
    *p = (struct periods){0};
}

bool periods_are_everything(const struct periods *p)
{
    return p->n == 1 && p->starts[0] == PERIOD_BEGINNING && p->starts[1] == PERIOD_END;
}

bool periods_find_one(const struct periods *p, int64_t min, int64_t max, int32_t *ret)
{
    uint32_t hint = 0;
    if (min > max)
        return false;
    *ret = -1;
    if (p->n == 0 || max < p->starts[0] || min >= p->starts[p->n])
        return true;
    int32_t slot = periods_find(p, min, &hint);
    if (slot < 0 || max >= p->starts[slot + 1])
        return false;
    *ret = slot;
    return true;
}

void periods_find_all(const struct periods *p, const int64_t *at, uint32_t n, const uint8_t *keep,
                      int32_t *ret)
{
    uint32_t hint = 0;
    if (p->n == 1) {
        /* An open beginning holds every instant, but INT64_MIN is none. */
        const int64_t start = p->starts[0] == PERIOD_BEGINNING ? PERIOD_BEGINNING + 1 : p->starts[0],
                      end = p->starts[1];
        for (uint32_t i = 0; i < n; i++)
            ret[i] = (at[i] >= start) & (at[i] < end) ? 0 : -1;
        return;
    }
    if (!p->steps) {
        for (uint32_t i = 0; i < n; i++)
            ret[i] = (keep && !keep[i]) || at[i] == INT64_MIN ? -1 : periods_find(p, at[i], &hint);
        return;
    }
    const int64_t first = p->starts[0];
    const uint64_t all = (uint64_t)(p->starts[p->n] - first);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t since = (uint64_t)at[i] - (uint64_t)first;
        if ((keep && !keep[i]) || since >= all) {
            ret[i] = -1;
            continue;
        }
        uint32_t period = p->steps[since >> p->shift];
        ret[i] = (int32_t)(period + (at[i] >= p->starts[period + 1]));
    }
}
