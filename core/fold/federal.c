#include "core/fold/federal.h"

#include "core/base/zone.h"

#include <assert.h>

/* A date of a month, or the nth of a weekday in it. */
struct rule {
    const char *name;
    int32_t since, until; /* years; until 0: to this day */
    uint8_t month;
    uint8_t day;     /* 0: by weekday */
    uint8_t weekday; /* 0 Monday … 6 Sunday */
    uint8_t nth;     /* 5: the last */
};

enum { MONDAY = 0, THURSDAY = 3 };

/* By date. Since when a day was first observed: Birthday of Martin Luther King, Jr.: law of 1983, from 1986.
 * Veterans Day: moved to a Monday with the others in 1971, back to the 11th in 1978. Columbus Day: from 1971.
 * Juneteenth: law of 17 June 2021, observed the next day. The others are older than 1971. */
static const struct rule RULES[] = {
    {"New Year's Day", .since = 1971, .month = 1, .day = 1},
    {"Birthday of Martin Luther King, Jr.", .since = 1986, .month = 1, .weekday = MONDAY, .nth = 3},
    {"Washington's Birthday", .since = 1971, .month = 2, .weekday = MONDAY, .nth = 3},
    {"Memorial Day", .since = 1971, .month = 5, .weekday = MONDAY, .nth = 5},
    {"Juneteenth", .since = 2021, .month = 6, .day = 19},
    {"Independence Day", .since = 1971, .month = 7, .day = 4},
    {"Labor Day", .since = 1971, .month = 9, .weekday = MONDAY, .nth = 1},
    {"Columbus Day", .since = 1971, .month = 10, .weekday = MONDAY, .nth = 2},
    {"Veterans Day", .since = 1971, .until = 1977, .month = 10, .weekday = MONDAY, .nth = 4},
    {"Veterans Day", .since = 1978, .month = 11, .day = 11},
    {"Thanksgiving Day", .since = 1971, .month = 11, .weekday = THURSDAY, .nth = 4},
    {"Christmas Day", .since = 1971, .month = 12, .day = 25},
};

static_assert(sizeof(RULES) / sizeof(*RULES) <= FEDERAL_MAX, "room for every holiday of a year");

static unsigned weekday(int64_t day)
{
    return (unsigned)((day + 3) % 7); /* 1970-01-01 was a Thursday */
}

static int64_t rule_day(const struct rule *rule, int32_t year)
{
    if (rule->day) {
        int64_t day = civil_days(year, rule->month, rule->day);
        switch (weekday(day)) {
        case 5:
            return day - 1;
        case 6:
            return day + 1;
        default:
            return day;
        }
    }
    /* the last is the one in the week before the next month's first */
    int64_t first = rule->nth == 5 ? civil_days(year, rule->month + 1, 1) - 7
                                   : civil_days(year, rule->month, 1) + 7 * (rule->nth - 1);
    return first + (7 + rule->weekday - weekday(first)) % 7;
}

static bool rule_holds(const struct rule *rule, int32_t year)
{
    return year >= rule->since && (!rule->until || year <= rule->until);
}

size_t federal_holidays(int32_t year, int64_t ret[FEDERAL_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof(RULES) / sizeof(*RULES); i++)
        if (rule_holds(&RULES[i], year))
            ret[n++] = rule_day(&RULES[i], year);
    return n;
}

const char *federal_name(int64_t day)
{
    struct civil date;
    civil_of_local(day * 86400000, &date);
    /* a New Year may be observed in the year before its own */
    for (int32_t year = date.year; year <= date.year + 1; year++)
        for (size_t i = 0; i < sizeof(RULES) / sizeof(*RULES); i++)
            if (rule_holds(&RULES[i], year) && rule_day(&RULES[i], year) == day)
                return RULES[i].name;
    return NULL;
}
