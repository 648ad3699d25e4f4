#include "tools/holidays.h"

#include "core/base/instant.h"
#include "core/fold/calendar.h"
#include "core/fold/hours.h"

#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_S    86400
#define TZID_MAX 128

/* A zone that the file speaks of: the system's, or where that knows none of the name the file's own. */
struct named_zone {
    char tzid[TZID_MAX];
    struct zone *zone;
    icaltimezone *defined;
};

enum frame { FRAME_LOCAL, FRAME_UTC, FRAME_ZONE }; /* LOCAL: the calendar's own zone */

/* A date or a time, as it was written. */
struct moment {
    struct icaltimetype time; /* no zone; is_date of whole days */
    enum frame frame;
    const struct named_zone *zone; /* FRAME_ZONE */
};

struct expansion {
    const struct ics *ics;
    const struct zone *zone; /* the calendar's */
    json_t *days;
    struct named_zone zones[ICS_ZONES_MAX];
    size_t n_zones;
    bool has_stand_ins; /* some event has a RECURRENCE-ID */
    size_t n_steps;
    int64_t deadline; /* of instant_monotonic_ms */
    struct error *err;
};

static int refuse(const struct expansion *x, size_t line, const char *fault, const char *hint)
{
    error_set(x->err, -EINVAL, "bad_ics", "%s:%zu: %s", x->ics->name, line, fault);
    if (hint)
        error_hint(x->err, "%s", hint);
    return -EINVAL;
}

/* --- zones
 * --------------------------------------------------------------------------------------------------- */

/* Some programs put a path before the name: "/example.org/20200101/America/New_York". */
static struct zone *system_zone(const char *tzid)
{
    struct zone *zone;
    for (const char *name = tzid; name; name = strchr(name, '/')) {
        name += *name == '/';
        if (zone_exists(name) && zone_open(name, &zone, NULL) == 0)
            return zone;
    }
    return NULL;
}

static icaltimezone *defined_zone(const struct ics *ics, const char *tzid, struct zone **ret_system)
{
    for (size_t i = 0; i < ics->n_zones; i++) {
        icalcomponent *component = icalcomponent_new_from_string(ics->zones[i].text);
        icaltimezone *zone = component ? icaltimezone_new() : NULL;
        if (zone && icaltimezone_set_component(zone, component)) { /* takes the component over */
            const char *id = icaltimezone_get_tzid(zone), *location = icaltimezone_get_location(zone);
            if (id && strcmp(id, tzid) == 0) {
                /* The place that the definition names is known better by the system. */
                *ret_system = location ? system_zone(location) : NULL;
                return zone;
            }
        } else if (component) {
            icalcomponent_free(component);
        }
        if (zone)
            icaltimezone_free(zone, 1);
    }
    return NULL;
}

static const struct named_zone *zone_of(struct expansion *x, const char *tzid, size_t line)
{
    for (size_t i = 0; i < x->n_zones; i++)
        if (strcmp(x->zones[i].tzid, tzid) == 0)
            return &x->zones[i];
    struct named_zone zone = {.zone = system_zone(tzid)};
    if (strlen(tzid) < TZID_MAX && x->n_zones < ICS_ZONES_MAX) {
        memcpy(zone.tzid, tzid, strlen(tzid) + 1);
        if (!zone.zone)
            zone.defined = defined_zone(x->ics, tzid, &zone.zone);
        if (zone.zone || zone.defined) {
            x->zones[x->n_zones] = zone;
            return &x->zones[x->n_zones++];
        }
    }
    if (zone.zone)
        zone_close(zone.zone);
    (void)refuse(x, line, "its TZID is no zone of the IANA database, and the file has no VTIMEZONE for it",
                 "write an IANA name, as TZID=America/Chicago, or export the file with its time zones");
    return NULL;
}

static void zones_fini(struct expansion *x)
{
    for (size_t i = 0; i < x->n_zones; i++) {
        zone_close(x->zones[i].zone);
        if (x->zones[i].defined)
            icaltimezone_free(x->zones[i].defined, 1);
    }
}

/* --- moments
 * ------------------------------------------------------------------------------------------------- */

static bool time_is_sane(const struct icaltimetype *t)
{
    return t->year >= 1 && t->year <= 9999 && t->month >= 1 && t->month <= 12 && t->day >= 1 &&
           t->day <= civil_days(t->year, t->month + 1, 1) - civil_days(t->year, t->month, 1) &&
           t->hour >= 0 && t->hour <= 23 && t->minute >= 0 && t->minute <= 59 && t->second >= 0 &&
           t->second <= 60;
}

static int64_t days_of(const struct icaltimetype *t)
{
    return civil_days(t->year, t->month, t->day);
}

static int64_t ms_of_day(const struct icaltimetype *t)
{
    return t->is_date ? 0 : ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000;
}

/* The text of a property as libical reads it, or NULL. value NULL: as it stands. */
static icalproperty *property_new(const struct ics_line *line, const char *value, size_t size)
{
    if (!value)
        return icalproperty_new_from_string(line->text);
    int n = (int)(line->value - line->text);
    char *text = NULL;
    if (asprintf(&text, "%.*s%.*s", n, line->text, (int)size, value) < 0)
        return NULL;
    icalproperty *property = icalproperty_new_from_string(text);
    free(text);
    return property;
}

/* The i-th of the values of a line that takes a list, by commas; 1, 0 behind the last, or negative. */
static int moment_read(struct expansion *x, const struct ics_line *line, size_t i, struct moment *ret)
{
    const char *value = line->value;
    for (; i > 0 && value; i--) {
        value = strchr(value, ',');
        if (value)
            value++;
    }
    if (!value)
        return 0;
    icalproperty *property = property_new(line, value, strcspn(value, ","));
    icalvalue *v = property ? icalproperty_get_value(property) : NULL;
    icalvalue_kind kind = v ? icalvalue_isa(v) : ICAL_NO_VALUE;
    struct moment m = {.frame = FRAME_LOCAL};
    if (kind == ICAL_DATE_VALUE)
        m.time = icalvalue_get_date(v);
    else if (kind == ICAL_DATETIME_VALUE || kind == ICAL_DATETIMEDATE_VALUE)
        m.time = icalvalue_get_datetime(v);
    else if (kind == ICAL_DATETIMEPERIOD_VALUE)
        m.time = icalvalue_get_datetimeperiod(v).time; /* null of a period */
    int c = time_is_sane(&m.time) ? 1
                                  : refuse(x, line->line, "it is no date, and no date with a time",
                                           "a date is 20241225, a time 20241224T120000 with a TZID, or with "
                                           "Z behind it");
    icalparameter *tzid = property ? icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER) : NULL;
    if (c == 1 && !m.time.is_date && icaltime_is_utc(m.time)) {
        m.frame = FRAME_UTC;
    } else if (c == 1 && !m.time.is_date && tzid) {
        const char *name = icalparameter_get_tzid(tzid);
        m.frame = FRAME_ZONE;
        m.zone = zone_of(x, name ? name : "", line->line);
        if (!m.zone)
            c = -EINVAL;
    }
    if (property)
        icalproperty_free(property);
    m.time.zone = NULL;
    if (c == 1)
        *ret = m;
    return c;
}

/* The instant, in ms; of a date its beginning in the calendar's zone. */
static int64_t moment_instant(const struct expansion *x, const struct moment *m)
{
    const struct icaltimetype *t = &m->time;
    if (m->frame == FRAME_UTC)
        return days_of(t) * DAY_S * 1000 + ms_of_day(t);
    if (m->frame == FRAME_ZONE && !m->zone->zone)
        return (int64_t)icaltime_as_timet_with_zone(*t, m->zone->defined) * 1000;
    return zone_instant(m->frame == FRAME_ZONE ? m->zone->zone : x->zone, t->year, t->month, t->day,
                        ms_of_day(t));
}

/* The local time of an instant in a moment's own frame, as its rules count. */
static struct icaltimetype frame_local(const struct expansion *x, const struct moment *like, int64_t instant)
{
    struct civil c;
    if (like->frame == FRAME_ZONE && !like->zone->zone) {
        struct icaltimetype t =
            icaltime_from_timet_with_zone((time_t)(instant / 1000), 0, icaltimezone_get_utc_timezone());
        t = icaltime_convert_to_zone(t, like->zone->defined);
        t.zone = NULL;
        return t;
    }
    if (like->frame == FRAME_UTC)
        civil_of_local(instant, &c);
    else
        zone_civil(like->frame == FRAME_ZONE ? like->zone->zone : x->zone, instant, &c);
    return (struct icaltimetype){.year = c.year,
                                 .month = c.month,
                                 .day = c.day,
                                 .hour = c.hour,
                                 .minute = c.minute,
                                 .second = c.second};
}

/* --- an event
 * ------------------------------------------------------------------------------------------------ */

struct occurrence {
    size_t line;
    struct moment start;
    int64_t seconds; /* how long, by the clock of its own zone */
};

static int length_read(struct expansion *x, const struct ics_event *event, struct occurrence *o)
{
    const struct ics_line *end = ics_find(event, ICS_DTEND), *duration = ics_find(event, ICS_DURATION);
    bool is_date = o->start.time.is_date;
    size_t line = end ? end->line : duration ? duration->line : o->line;
    struct moment m;
    o->seconds = is_date ? DAY_S : 0;
    if (end) {
        int c = moment_read(x, end, 0, &m);
        if (c < 0)
            return c;
        if ((m.time.is_date != 0) != is_date)
            return refuse(x, line,
                          "the event begins with a date and ends with a time, or the other way round", NULL);
        bool same = m.frame == o->start.frame && m.zone == o->start.zone;
        o->seconds = same ? (days_of(&m.time) - days_of(&o->start.time)) * DAY_S +
                                (ms_of_day(&m.time) - ms_of_day(&o->start.time)) / 1000
                          : (moment_instant(x, &m) - moment_instant(x, &o->start)) / 1000;
    } else if (duration) {
        icalproperty *property = property_new(duration, NULL, 0);
        if (!property)
            return refuse(x, line, "it is no duration", "a duration is P1D, or PT4H30M");
        struct icaldurationtype d = icalproperty_get_duration(property);
        o->seconds = (d.is_neg ? -1 : 1) * ((int64_t)d.weeks * 7 * DAY_S + (int64_t)d.days * DAY_S +
                                            (int64_t)d.hours * 3600 + (int64_t)d.minutes * 60 + d.seconds);
        icalproperty_free(property);
    }
    if (is_date && o->seconds >= 0 && o->seconds < DAY_S)
        o->seconds = DAY_S; /* some programs end a day where it begins */
    if (o->seconds <= 0)
        return refuse(
            x, line, "the event has no length, or ends before it begins",
            "give it DTEND or DURATION, or take it out; a whole day is DTSTART;VALUE=DATE:20241225");
    if (o->seconds > (int64_t)HOLIDAYS_SPAN_DAYS * DAY_S)
        return refuse(x, line, "the event lasts longer than a year",
                      "hours that change for good are another version of the calendar: --valid-from");
    return 0;
}

static int day_add(struct expansion *x, size_t line, int64_t day, int64_t from_ms, int64_t to_ms)
{
    char text[64];
    struct civil c;
    civil_of_local(day * HOURS_DAY_MS, &c);
    if (c.year < CALENDAR_YEAR_MIN || c.year >= CALENDAR_YEAR_END || from_ms >= to_ms)
        return 0;
    if (json_array_size(x->days) == CALENDAR_HOLIDAYS_MAX)
        return refuse(x, line, "with this event there are more holidays than a calendar may have (4096)",
                      "what repeats every week belongs into --hours");
    int n = snprintf(text, sizeof(text), "%04d-%02u-%02u", (int)c.year, c.month, c.day);
    if (from_ms > 0 || to_ms < HOURS_DAY_MS) {
        unsigned from = (unsigned)(from_ms / 1000), to = (unsigned)(to_ms / 1000);
        (void)snprintf(text + n, sizeof(text) - (size_t)n, " %02u:%02u:%02u-%02u:%02u:%02u", from / 3600,
                       from / 60 % 60, from % 60, to / 3600, to / 60 % 60, to % 60);
    }
    return json_array_append_new(x->days, json_string(text)) < 0
               ? error_set(x->err, -ENOMEM, "no_memory", "no memory for holidays")
               : 0;
}

/* One occurrence that takes place, as days. */
static int occurrence_add(struct expansion *x, const struct occurrence *o)
{
    int64_t day = days_of(&o->start.time), first = 0, last;
    int c = 0;
    if (o->start.time.is_date) {
        for (int64_t n = (o->seconds + DAY_S - 1) / DAY_S; n > 0 && c == 0; n--, day++)
            c = day_add(x, o->line, day, 0, HOURS_DAY_MS);
        return c;
    }
    /* The end by the clock of the event's zone, then both by that of the calendar's. */
    struct moment end = o->start;
    icaltime_adjust(&end.time, 0, 0, 0, (int)o->seconds);
    struct civil from, to;
    zone_civil(x->zone, moment_instant(x, &o->start), &from);
    zone_civil(x->zone, moment_instant(x, &end), &to);
    day = civil_days(from.year, from.month, from.day);
    last = civil_days(to.year, to.month, to.day);
    first = ((int64_t)from.hour * 3600 + from.minute * 60 + from.second) * 1000;
    for (; day < last && c == 0; day++, first = 0)
        c = day_add(x, o->line, day, first, HOURS_DAY_MS);
    return c == 0 && day == last ? day_add(x, o->line, day, first,
                                           ((int64_t)to.hour * 3600 + to.minute * 60 + to.second) * 1000)
                                 : c;
}

static bool uid_equal(const struct ics_event *a, const struct ics_event *b)
{
    const struct ics_line *x = ics_find(a, ICS_UID), *y = ics_find(b, ICS_UID);
    return x && y && strcmp(x->value, y->value) == 0;
}

/* Whether a date that takes an occurrence out means this one. */
static bool is_meant(const struct expansion *x, const struct moment *out, const struct moment *start)
{
    if (out->time.is_date)
        return days_of(&out->time) == days_of(&start->time);
    return !start->time.is_date && moment_instant(x, out) == moment_instant(x, start);
}

/* 1 when EXDATE or another event's RECURRENCE-ID takes the occurrence out, 0, or negative. */
static int is_out(struct expansion *x, const struct ics_event *event, const struct moment *start)
{
    struct moment m;
    for (size_t i = 0; i < event->n; i++) {
        int c = event->lines[i].kind == ICS_EXDATE;
        for (size_t k = 0; c > 0; k++) {
            if (++x->n_steps > HOLIDAYS_STEPS)
                return refuse(x, event->lines[i].line, "the file takes more work than a calendar may", NULL);
            c = moment_read(x, &event->lines[i], k, &m);
            if (c < 0)
                return c;
            if (c > 0 && is_meant(x, &m, start))
                return 1;
        }
    }
    for (size_t i = 0; x->has_stand_ins && i < x->ics->n_events; i++) {
        const struct ics_event *other = &x->ics->events[i];
        const struct ics_line *id = ics_find(other, ICS_RECURRENCE_ID);
        if (!id || !uid_equal(event, other))
            continue;
        if (++x->n_steps > HOLIDAYS_STEPS)
            return refuse(x, id->line, "the file takes more work than a calendar may", NULL);
        int c = moment_read(x, id, 0, &m);
        if (c < 0)
            return c;
        if (is_meant(x, &m, start))
            return 1;
    }
    return 0;
}

/* An occurrence of an event, unless it is taken out. */
static int occurrence_offer(struct expansion *x, const struct ics_event *event, const struct occurrence *o)
{
    bool stands_in = ics_find(event, ICS_RECURRENCE_ID) != NULL;
    if (o->start.time.year < CALENDAR_YEAR_MIN - 2 || o->start.time.year > CALENDAR_YEAR_END)
        return 0;
    int c = stands_in ? 0 : is_out(x, event, &o->start);
    return c < 0 ? c : c == 0 ? occurrence_add(x, o) : 0;
}

/* UNTIL is given in UTC, or as a date; rules are counted by the local clock of the start. */
static void until_localize(const struct expansion *x, struct icalrecurrencetype *rule,
                           const struct moment *start)
{
    struct icaltimetype *until = &rule->until;
    if (icaltime_is_null_time(*until))
        return;
    if (start->time.is_date) {
        until->is_date = 1;
        until->hour = until->minute = until->second = 0;
    } else if (until->is_date) { /* the whole of that day */
        until->is_date = 0;
        until->hour = 23;
        until->minute = until->second = 59;
    } else if (icaltime_is_utc(*until) && start->frame != FRAME_UTC) {
        *until = frame_local(x, start, days_of(until) * DAY_S * 1000 + ms_of_day(until));
    }
    until->zone = NULL;
}

static int rule_expand(struct expansion *x, const struct ics_event *event, const struct ics_line *line,
                       const struct occurrence *first)
{
    struct occurrence o = *first;
    icalproperty *property = property_new(line, NULL, 0);
    if (!property)
        return refuse(x, line->line, "it is no recurrence rule",
                      "a rule is FREQ=YEARLY, or FREQ=YEARLY;BYMONTH="
                      "11;BYDAY=4TH");
    struct icalrecurrencetype rule = icalproperty_get_rrule(property);
    if (rule.freq < ICAL_DAILY_RECURRENCE || rule.freq > ICAL_YEARLY_RECURRENCE ||
        rule.by_hour[0] != ICAL_RECURRENCE_ARRAY_MAX || rule.by_minute[0] != ICAL_RECURRENCE_ARRAY_MAX ||
        rule.by_second[0] != ICAL_RECURRENCE_ARRAY_MAX) {
        icalproperty_free(property);
        return refuse(
            x, line->line, "holidays do not repeat within a day",
            "rules are taken with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, without BYHOUR and the like");
    }
    until_localize(x, &rule, &o.start);
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, o.start.time);
    int c = iterator ? 0 : refuse(x, line->line, "the rule gives no day at all", NULL);
    bool is_over = false;
    while (c == 0 && !is_over) {
        o.start.time = icalrecur_iterator_next(iterator);
        is_over = icaltime_is_null_time(o.start.time) || o.start.time.year > CALENDAR_YEAR_END;
        if (++x->n_steps > HOLIDAYS_STEPS || instant_monotonic_ms() > x->deadline)
            c = refuse(x, line->line, "the rules of the file take more work than a calendar may",
                       "give the rule an end (UNTIL), or list the days");
        else if (!is_over && icaltime_compare(o.start.time, first->start.time) != 0)
            c = occurrence_offer(x, event, &o);
    }
    if (iterator)
        icalrecur_iterator_free(iterator);
    icalproperty_free(property);
    return c;
}

static int event_expand(struct expansion *x, const struct ics_event *event)
{
    const struct ics_line *start = ics_find(event, ICS_DTSTART), *status = ics_find(event, ICS_STATUS);
    const struct ics_line *id = ics_find(event, ICS_RECURRENCE_ID);
    struct occurrence o = {.line = event->line};
    if (status && strcasecmp(status->value, "CANCELLED") == 0)
        return 0;
    if (!start)
        return refuse(x, event->line, "the event has no DTSTART", NULL);
    if (id && strcasestr(id->text, "RANGE="))
        return refuse(x, id->line, "an event that stands in for all later ones is not understood",
                      "export the file with each event of its own");
    int c = moment_read(x, start, 0, &o.start);
    if (c > 0)
        c = length_read(x, event, &o);
    if (c == 0)
        c = occurrence_offer(x, event, &o);
    for (size_t i = 0; i < event->n && c == 0; i++) {
        const struct ics_line *line = &event->lines[i];
        struct occurrence further = o;
        if (line->kind == ICS_EXRULE)
            c = refuse(x, line->line, "EXRULE is not understood", "list the days with EXDATE");
        else if (line->kind == ICS_RRULE)
            c = rule_expand(x, event, line, &o);
        else if (line->kind == ICS_RDATE) {
            for (size_t k = 0; (c = moment_read(x, line, k, &further.start)) > 0; k++) {
                if ((further.start.time.is_date != 0) != (o.start.time.is_date != 0))
                    c = refuse(x, line->line, "RDATE takes dates where DTSTART is a date, else times", NULL);
                else
                    c = occurrence_offer(x, event, &further);
                if (c < 0)
                    break;
            }
        }
    }
    return c;
}

int holidays_read(const struct ics *ics, const struct zone *zone, json_t *days, struct error *err)
{
    struct expansion x = {.ics = ics,
                          .zone = zone,
                          .days = days,
                          .deadline = instant_monotonic_ms() + HOLIDAYS_TIME_MS,
                          .err = err};
    int c = 0;
    for (size_t i = 0; i < ics->n_events; i++)
        x.has_stand_ins |= ics_find(&ics->events[i], ICS_RECURRENCE_ID) != NULL;
    icalerror_set_errors_are_fatal(0); /* what it cannot read it says, and does not abort */
    for (size_t i = 0; i < ics->n_events && c == 0; i++)
        c = event_expand(&x, &ics->events[i]);
    zones_fini(&x);
    return c;
}
