#include "core/fold/calendar.h"

#include "core/base/nearest.h"
#include "core/base/zone.h"
#include "core/fold/fact.h"
#include "core/fold/federal.h"
#include "core/fold/hours.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Local time is an axis of its own here: ms since 1970-01-01 00:00 as the local clock shows it. On it the
 * week repeats and a holiday is an interval, whatever the zone does. Where the clock is moved, an interval of
 * UTC becomes another interval of that axis: a repeated hour is walked twice, a skipped one not at all. So
 * business time since the beginning is three sums that are known at the start of each week's interval, of
 * each holiday and of each stretch of constant offset, and what is left of the one that holds the instant. */

/* [from, to) of local time in a holiday, ascending, none overlapping. */
struct holiday {
    int64_t from, to;
    int64_t at_from; /* hours_until(from) */
    int64_t lost;    /* weekly hours within the holidays before this one */
};

/* A stretch of UTC with one offset, until the next one's. */
struct stretch {
    int64_t from;
    int64_t offset_ms;
    int64_t at_from; /* local_until(from) */
    int64_t before;  /* business time before it */
};

struct calendar {
    atomic_size_t n_users;
    json_t *definition;
    size_t n_named; /* holidays of the definition */
    bool is_federal;
    struct hours hours;
    int64_t hours_before[HOURS_INTERVALS]; /* of the week, before each interval */
    int64_t hours_week;                    /* of a whole week */
    struct holiday *holidays;
    size_t n_holidays;
    struct stretch *stretches;
    size_t n_stretches;
    int64_t begin, end; /* UTC; business time passes in [begin, end) */
    int64_t total;      /* of all of it */
};

/* --- the sums
 * ------------------------------------------------------------------------------------------------ */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Weekly hours from a fixed Monday until a local time, whatever the holidays. */
static int64_t hours_until(const struct calendar *c, int64_t local)
{
    int64_t monday = local + 3 * HOURS_DAY_MS; /* 1970-01-01 was a Thursday */
    int64_t week = floor_div(monday, HOURS_WEEK_MS), in_week = monday - week * HOURS_WEEK_MS;
    size_t low = 0, high = c->hours.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->hours.at[middle].from <= in_week)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t sum = week * c->hours_week;
    if (low > 0) {
        const struct hours_interval *last = &c->hours.at[low - 1];
        sum += c->hours_before[low - 1] + min64(in_week, last->to) - last->from;
    }
    return sum;
}

/* Business time until a local time, as if the clock had never been moved. */
static int64_t local_until(const struct calendar *c, int64_t local)
{
    size_t low = 0, high = c->n_holidays;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->holidays[middle].from <= local)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return hours_until(c, local);
    const struct holiday *last = &c->holidays[low - 1];
    if (local < last->to) /* within it: nothing since it began */
        return last->at_from - last->lost;
    return hours_until(c, local) - last->lost - (hours_until(c, last->to) - last->at_from);
}

/* The stretch that holds an instant at or after begin. */
static const struct stretch *stretch_find(const struct calendar *c, int64_t at)
{
    size_t low = 0, high = c->n_stretches;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (c->stretches[middle].from <= at)
            low = middle;
        else
            high = middle;
    }
    return &c->stretches[low];
}

int64_t calendar_until_ms(const struct calendar *c, int64_t at)
{
    if (at <= c->begin)
        return 0;
    if (at >= c->end)
        return c->total;
    const struct stretch *s = stretch_find(c, at);
    return s->before + local_until(c, at + s->offset_ms) - s->at_from;
}

int64_t calendar_elapsed_ms(const struct calendar *c, int64_t from, int64_t to)
{
    return to <= from ? 0 : calendar_until_ms(c, to) - calendar_until_ms(c, from);
}

int64_t calendar_reach(const struct calendar *c, int64_t from, int64_t ms)
{
    if (ms < 0)
        return from;
    int64_t before = calendar_until_ms(c, from);
    if (c->total - before <= ms)
        return FACT_FOREVER;
    int64_t low = from > c->begin ? from : c->begin, high = c->end; /* low is within, high is not */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (calendar_until_ms(c, middle) - before <= ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t calendar_next_holidays(const struct calendar *c, int64_t at, struct calendar_holiday *ret, size_t n)
{
    int64_t instant = at < c->begin ? c->begin : at < c->end ? at : c->end;
    int64_t local = instant + stretch_find(c, instant)->offset_ms;
    size_t n_found = 0;
    for (size_t i = 0; i < c->n_holidays && n_found < n; i++) {
        const struct holiday *h = &c->holidays[i];
        if (h->to <= local)
            continue;
        int64_t day = floor_div(h->from, HOURS_DAY_MS), start = day * HOURS_DAY_MS;
        ret[n_found++] = (struct calendar_holiday){day, h->from - start, h->to - start,
                                                   c->is_federal ? federal_name(day) : NULL};
    }
    return n_found;
}

/* --- making
 * -------------------------------------------------------------------------------------------------- */

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "no memory for a calendar");
}

/* "2024-12-25" or "2024-12-24 12:00-24:00"; NULL, or why it is none. */
static const char *holiday_parse(const char *text, struct holiday *ret)
{
    static const char FORM[] = "0000-00-00";
    struct hours_interval part = {0, HOURS_DAY_MS};
    int32_t number[3] = {0};
    size_t n = 0;
    for (int k = 0; FORM[n]; n++) {
        bool is_digit = text[n] >= '0' && text[n] <= '9';
        if (FORM[n] == '0' ? !is_digit : text[n] != FORM[n])
            return "is no date like 2024-12-25, and no part of one like 2024-12-24 12:00-24:00";
        if (is_digit)
            number[k] = number[k] * 10 + (text[n] - '0');
        else
            k++;
    }
    if (!civil_is_date(number[0], number[1], number[2]))
        return "is no day of the calendar from 1970 to 2100";
    if (text[n]) {
        if (text[n++] != ' ')
            return "has something else than an interval behind its date";
        const char *fault = hours_interval_parse(text + n, strlen(text + n), true, &part);
        if (fault)
            return fault;
    }
    int64_t day = civil_days(number[0], number[1], number[2]) * HOURS_DAY_MS;
    *ret = (struct holiday){.from = day + part.from, .to = day + part.to};
    return NULL;
}

static int holiday_compare(const void *a, const void *b)
{
    const struct holiday *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Sorts and joins what overlaps or touches within one day; days stay apart, so that the definition can name
 * them. The count. */
static size_t holidays_join(struct holiday *holidays, size_t n)
{
    size_t n_joined = 0;
    qsort(holidays, n, sizeof(*holidays), holiday_compare);
    for (size_t i = 0; i < n; i++) {
        struct holiday *last = n_joined ? &holidays[n_joined - 1] : NULL;
        if (last && holidays[i].from <= last->to &&
            floor_div(holidays[i].from, HOURS_DAY_MS) == floor_div(last->from, HOURS_DAY_MS)) {
            if (last->to < holidays[i].to)
                last->to = holidays[i].to;
        } else
            holidays[n_joined++] = holidays[i];
    }
    return n_joined;
}

static size_t clock_format(int64_t ms, char *room, size_t size)
{
    unsigned s = (unsigned)(ms / 1000);
    int n = s % 60 ? snprintf(room, size, "%02u:%02u:%02u", s / 3600, s / 60 % 60, s % 60)
                   : snprintf(room, size, "%02u:%02u", s / 3600, s / 60 % 60);
    return (size_t)n;
}

static json_t *holiday_json(const struct holiday *h)
{
    char text[64], *p = text;
    struct civil date;
    int64_t day = floor_div(h->from, HOURS_DAY_MS) * HOURS_DAY_MS;
    civil_of_local(day, &date);
    p += snprintf(p, 32, "%04d-%02u-%02u", (int)date.year, date.month, date.day);
    if (h->to - h->from < HOURS_DAY_MS) {
        *p++ = ' ';
        p += clock_format(h->from - day, p, 16);
        *p++ = '-';
        p += clock_format(h->to - day, p, 16);
    }
    *p = '\0';
    return json_string(text);
}

/* The holidays that the definition names, into c->holidays, with room for the federal ones behind. */
static int read_holidays(struct calendar *c, const json_t *list, size_t n_more, struct error *err)
{
    size_t n = json_array_size(list);
    if (list && !json_is_array(list))
        return error_set(err, -EINVAL, "bad_calendar", "holidays: takes a list of days");
    if (n > CALENDAR_HOLIDAYS_MAX)
        return error_set(err, -EINVAL, "bad_calendar", "holidays: %zu of them; a calendar has at most %d", n,
                         CALENDAR_HOLIDAYS_MAX);
    c->holidays = calloc(n + n_more + 1, sizeof(*c->holidays));
    if (!c->holidays)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        const char *fault = text ? holiday_parse(text, &c->holidays[i]) : "is no text";
        if (fault)
            return error_set(err, -EINVAL, "bad_calendar", "holidays: number %zu %s", i + 1, fault);
    }
    c->n_holidays = c->n_named = holidays_join(c->holidays, n);
    return 0;
}

#define FEDERAL_ALL (FEDERAL_MAX * (CALENDAR_YEAR_END - CALENDAR_YEAR_MIN + 2))

static void add_federal(struct calendar *c)
{
    /* the year behind the last may have its New Year in it */
    for (int32_t year = CALENDAR_YEAR_MIN; year <= CALENDAR_YEAR_END; year++) {
        int64_t days[FEDERAL_MAX];
        size_t n = federal_holidays(year, days);
        for (size_t i = 0; i < n; i++)
            c->holidays[c->n_holidays++] =
                (struct holiday){.from = days[i] * HOURS_DAY_MS, .to = (days[i] + 1) * HOURS_DAY_MS};
    }
    c->n_holidays = holidays_join(c->holidays, c->n_holidays);
}

static int make_definition(struct calendar *c, const struct zone *zone, struct error *err)
{
    char hours[HOURS_TEXT_BYTES];
    json_t *holidays = json_array();
    for (size_t i = 0; holidays && i < c->n_named; i++)
        if (json_array_append_new(holidays, holiday_json(&c->holidays[i])) < 0) {
            json_decref(holidays);
            holidays = NULL;
        }
    if (holidays)
        c->definition =
            json_pack("{s:s, s:s, s:b, s:o}", "zone", zone_name(zone), "hours",
                      hours_format(&c->hours, hours), "federal", c->is_federal, "holidays", holidays);
    return c->definition ? 0 : no_memory(err);
}

static void sum_hours(struct calendar *c)
{
    for (size_t i = 0; i < c->hours.n; i++) {
        c->hours_before[i] = c->hours_week;
        c->hours_week += c->hours.at[i].to - c->hours.at[i].from;
    }
}

static void sum_holidays(struct calendar *c)
{
    int64_t lost = 0;
    for (size_t i = 0; i < c->n_holidays; i++) {
        struct holiday *h = &c->holidays[i];
        h->at_from = hours_until(c, h->from);
        h->lost = lost;
        lost += hours_until(c, h->to) - h->at_from;
    }
}

static int sum_stretches(struct calendar *c, const struct zone *zone, struct error *err)
{
    size_t n = 0;
    int64_t from, to;
    for (int64_t at = c->begin; at < c->end; at = to, n++)
        (void)zone_stretch(zone, at, &from, &to);
    c->stretches = calloc(n, sizeof(*c->stretches));
    if (!c->stretches)
        return no_memory(err);
    for (int64_t at = c->begin; at < c->end; at = to) {
        struct stretch *s = &c->stretches[c->n_stretches++];
        s->from = at;
        s->offset_ms = (int64_t)zone_stretch(zone, at, &from, &to) * 1000;
        s->at_from = local_until(c, at + s->offset_ms);
        s->before = c->total;
        c->total += local_until(c, min64(to, c->end) + s->offset_ms) - s->at_from;
    }
    return 0;
}

/* --- life
 * ---------------------------------------------------------------------------------------------------- */

static int check_keys(const json_t *definition, struct error *err)
{
    static const char *const KEYS[] = {"zone", "hours", "federal", "holidays"};
    const char *key;
    json_t *value;
    if (!json_is_object(definition))
        return error_set(err, -EINVAL, "bad_calendar",
                         "a calendar is a map of zone, hours, federal, holidays");
    json_object_foreach((json_t *)definition, key, value)
    {
        size_t k = 0;
        while (k < 4 && strcmp(KEYS[k], key) != 0)
            k++;
        if (k < 4)
            continue;
        error_set(err, -EINVAL, "bad_calendar", "a calendar has no key '%.40s'", key);
        const char *near = nearest_name(key, KEYS, 4);
        if (near)
            error_hint(err, "did you mean %s?", near);
        else
            error_hint(err, "its keys are zone, hours, federal and holidays");
        return -EINVAL;
    }
    return 0;
}

static int read_definition(struct calendar *c, const json_t *definition, struct error *err)
{
    struct zone *zone;
    const char *name = json_string_value(json_object_get(definition, "zone"));
    const char *hours = json_string_value(json_object_get(definition, "hours"));
    const json_t *federal = json_object_get(definition, "federal");
    if (!name)
        return error_set(err, -EINVAL, "bad_calendar",
                         "zone: takes the name of a time zone, and must be there");
    if (!hours)
        return error_set(err, -EINVAL, "bad_calendar", "hours: takes a text, and must be there");
    if (federal && !json_is_boolean(federal))
        return error_set(err, -EINVAL, "bad_calendar", "federal: takes true or false");
    int r = hours_parse(hours, &c->hours, err);
    if (r == 0)
        r = read_holidays(c, json_object_get(definition, "holidays"), FEDERAL_ALL, err);
    if (r == 0)
        r = zone_open(name, &zone, err);
    if (r < 0)
        return r == -ENOENT ? -EINVAL : r;
    c->is_federal = json_is_true(federal);
    r = make_definition(c, zone, err);
    if (r == 0) {
        if (c->is_federal)
            add_federal(c);
        sum_hours(c);
        sum_holidays(c);
        r = sum_stretches(c, zone, err);
    }
    zone_close(zone);
    return r;
}

static void calendar_free(struct calendar *c)
{
    json_decref(c->definition);
    free(c->holidays);
    free(c->stretches);
    free(c);
}

int calendar_new(const json_t *definition, struct calendar **ret, struct error *err)
{
    struct calendar *c = calloc(1, sizeof(*c));
    if (!c)
        return no_memory(err);
    atomic_init(&c->n_users, 1);
    c->begin = civil_days(CALENDAR_YEAR_MIN, 1, 1) * HOURS_DAY_MS;
    c->end = civil_days(CALENDAR_YEAR_END, 1, 1) * HOURS_DAY_MS;
    int r = check_keys(definition, err);
    if (r == 0)
        r = read_definition(c, definition, err);
    if (r < 0) {
        calendar_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

struct calendar *calendar_ref(struct calendar *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->n_users, 1, memory_order_relaxed);
    return c;
}

void calendar_unref(struct calendar *c)
{
    if (c && atomic_fetch_sub_explicit(&c->n_users, 1, memory_order_acq_rel) == 1)
        calendar_free(c);
}

const json_t *calendar_definition(const struct calendar *c)
{
    return c->definition;
}

size_t calendar_n_holidays(const struct calendar *c)
{
    return c->n_named;
}

bool calendar_equal(const struct calendar *a, const struct calendar *b)
{
    return json_equal(a->definition, b->definition);
}
