/* Calendars: worked examples by hand, and random calendars against a walk minute by minute that asks only
 * for the local time of day. */
#include "core/fold/calendar.h"

#include "core/base/zone.h"
#include "core/fold/fact.h"
#include "core/fold/federal.h"
#include "core/fold/hours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS 60000
#define HOUR_S    3600

static int64_t utc(int y, int mo, int d, int h, int mi, int s)
{
    return (civil_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + s) * 1000;
}

/* holidays: NULL, or days separated by "|". */
static json_t *definition(const char *zone, const char *hours, bool federal, const char *holidays)
{
    json_t *list = json_array();
    char text[512];
    (void)snprintf(text, sizeof(text), "%s", holidays ? holidays : "");
    for (char *rest, *day = strtok_r(text, "|", &rest); day; day = strtok_r(NULL, "|", &rest))
        json_array_append_new(list, json_string(day));
    return json_pack("{s:s, s:s, s:b, s:o}", "zone", zone, "hours", hours, "federal", federal, "holidays",
                     list);
}

static struct calendar *made(const char *zone, const char *hours, bool federal, const char *holidays)
{
    json_t *d = definition(zone, hours, federal, holidays);
    struct error err = ERROR_INIT;
    struct calendar *c;
    if (calendar_new(d, &c, &err) < 0)
        fail_msg("%s", err.message);
    json_decref(d);
    return c;
}

static void expect(struct calendar *c, int64_t from, int64_t to, int64_t elapsed_s)
{
    assert_int_equal(calendar_elapsed_ms(c, from, to), elapsed_s * 1000);
}

/* --- worked examples
 * ----------------------------------------------------------------------------------------- */

static void test_weekend(void **state)
{
    struct calendar *c = made("UTC", "mon-fri 09:00-17:00", false, NULL);
    expect(c, utc(2024, 1, 12, 16, 50, 0), utc(2024, 1, 15, 9, 10, 0), 1200);
    expect(c, utc(2024, 1, 13, 10, 0, 0), utc(2024, 1, 13, 11, 0, 0), 0);
    expect(c, utc(2024, 1, 8, 10, 0, 0), utc(2024, 1, 9, 11, 20, 0), 33600);
    assert_int_equal(calendar_elapsed_ms(c, 5, 5), 0);
    assert_int_equal(calendar_elapsed_ms(c, utc(2024, 1, 9, 9, 0, 0), utc(2024, 1, 8, 9, 0, 0)), 0);
    calendar_unref(c);
}

static void test_two_zones(void **state)
{
    struct calendar *chicago = made("America/Chicago", "daily 07:00-21:00", false, NULL);
    struct calendar *angeles = made("America/Los_Angeles", "mon-fri 08:00-17:30", false, NULL);
    int64_t created = utc(2020, 9, 29, 17, 1, 38), replied = utc(2020, 9, 30, 19, 1, 46);
    int64_t solved = utc(2020, 10, 1, 15, 3, 44), moved = utc(2020, 9, 30, 19, 1, 25);
    assert_int_equal(calendar_elapsed_ms(chicago, created, moved) +
                         calendar_elapsed_ms(angeles, moved, replied),
                     57608000);
    assert_int_equal(
        calendar_elapsed_ms(chicago, created, moved) + calendar_elapsed_ms(angeles, moved, solved), 77526000);
    expect(chicago, created, replied, 57608);
    expect(chicago, created, solved, 93726);
    expect(angeles, created, replied, 41408);
    expect(angeles, created, solved, 61326);
    calendar_unref(chicago);
    calendar_unref(angeles);
}

static void test_clock_moved(void **state)
{
    struct calendar *york = made("America/New_York", "mon-fri 08:00-17:00", false, NULL);
    expect(york, utc(2024, 3, 8, 21, 0, 0), utc(2024, 3, 11, 13, 0, 0), 7200);
    calendar_unref(york);
    /* The hour from one to two comes twice … */
    struct calendar *all = made("America/Chicago", "daily 00:00-24:00", false, NULL);
    struct calendar *one = made("America/Chicago", "daily 01:00-02:00", false, NULL);
    expect(all, utc(2024, 11, 3, 5, 0, 0), utc(2024, 11, 4, 6, 0, 0), 90000);
    expect(one, utc(2024, 11, 3, 5, 0, 0), utc(2024, 11, 4, 6, 0, 0), 7200);
    calendar_unref(all);
    calendar_unref(one);
    /* … and the one from two to three is skipped. */
    struct calendar *two = made("America/Chicago", "daily 02:00-03:00", false, NULL);
    expect(two, utc(2024, 3, 10, 0, 0, 0), utc(2024, 3, 11, 0, 0, 0), 0);
    calendar_unref(two);
    /* Samoa had no 30 December 2011. */
    struct calendar *apia = made("Pacific/Apia", "daily 00:00-24:00", false, "2011-12-31");
    expect(apia, utc(2011, 12, 29, 10, 0, 0), utc(2012, 1, 1, 10, 0, 0), 2 * 86400);
    calendar_unref(apia);
    /* The first hour of a day comes twice, and with it midnight. */
    struct calendar *havana = made("America/Havana", "sun 00:00-01:00", false, NULL);
    expect(havana, utc(2023, 11, 4, 12, 0, 0), utc(2023, 11, 6, 12, 0, 0), 7200);
    calendar_unref(havana);
}

static void test_federal_observed(void **state)
{
    struct calendar *york = made("America/New_York", "mon-fri 09:00-17:00", true, NULL);
    expect(york, utc(2021, 7, 2, 20, 0, 0), utc(2021, 7, 6, 14, 0, 0), 7200);
    expect(york, utc(2021, 12, 30, 21, 0, 0), utc(2022, 1, 3, 15, 0, 0), 7200);
    calendar_unref(york);
    /* Where support works at weekends the day of the weekend is none. */
    struct calendar *daily = made("America/New_York", "daily 09:00-17:00", true, NULL);
    expect(daily, utc(2021, 7, 4, 4, 0, 0), utc(2021, 7, 5, 4, 0, 0), 8 * HOUR_S);
    expect(daily, utc(2021, 7, 5, 4, 0, 0), utc(2021, 7, 6, 4, 0, 0), 0);
    calendar_unref(daily);
    struct calendar *partial =
        made("America/New_York", "mon-fri 09:00-17:00", true, "2024-12-24 12:00-24:00");
    expect(partial, utc(2024, 12, 24, 16, 0, 0), utc(2024, 12, 26, 15, 0, 0), 7200);
    calendar_unref(partial);
}

static bool is_federal(int y, int m, int d)
{
    int64_t days[FEDERAL_MAX];
    for (int year = y; year <= y + 1; year++)
        for (size_t i = 0, n = federal_holidays(year, days); i < n; i++)
            if (days[i] == civil_days(y, m, d))
                return true;
    return false;
}

static void test_federal_history(void **state)
{
    int64_t days[FEDERAL_MAX];
    /* Observed days as published by the Office of Personnel Management. */
    static const struct {
        int y, m, d;
    } OBSERVED[] = {
        {2024, 1, 1},   {2024, 1, 15},  {2024, 2, 19},  {2024, 5, 27},  {2024, 6, 19},  {2024, 7, 4},
        {2024, 9, 2},   {2024, 10, 14}, {2024, 11, 11}, {2024, 11, 28}, {2024, 12, 25}, {2021, 12, 31},
        {2021, 6, 18},  {2021, 7, 5},   {2021, 12, 24}, {2022, 6, 20},  {2022, 12, 26}, {2023, 1, 2},
        {2010, 12, 31}, {2011, 12, 26}, {2015, 7, 3},   {2018, 11, 12}, {1971, 10, 25}, {1977, 10, 24},
        {1978, 11, 10}, {1986, 1, 20},  {1999, 12, 31}, {2023, 11, 23}, {2027, 12, 31},
    };
    for (size_t i = 0; i < sizeof(OBSERVED) / sizeof(*OBSERVED); i++)
        if (!is_federal(OBSERVED[i].y, OBSERVED[i].m, OBSERVED[i].d))
            fail_msg("%d-%d-%d", OBSERVED[i].y, OBSERVED[i].m, OBSERVED[i].d);
    assert_false(is_federal(2020, 6, 19)); /* not yet a law */
    assert_false(is_federal(2021, 6, 19)); /* a Saturday */
    assert_false(is_federal(1985, 1, 21));
    assert_false(is_federal(1978, 10, 23));
    assert_false(is_federal(1976, 11, 11));
    assert_false(is_federal(2022, 1, 1));
    assert_int_equal(federal_holidays(2020, days), 10);
    assert_int_equal(federal_holidays(2021, days), 11);
    assert_int_equal(federal_holidays(1985, days), 9);
    assert_int_equal(federal_holidays(1970, days), 0);
    for (int year = 1971; year <= 2100; year++) {
        size_t n = federal_holidays(year, days);
        for (size_t i = 0; i < n; i++) {
            assert_true((days[i] + 3) % 7 < 5);
            assert_true(i == 0 || days[i - 1] < days[i]);
        }
    }
}

/* --- definitions
 * --------------------------------------------------------------------------------------------- */

static void expect_hours(const char *text, const char *canonical)
{
    struct error err = ERROR_INIT;
    struct hours h, again;
    char room[HOURS_TEXT_BYTES];
    if (hours_parse(text, &h, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(hours_format(&h, room), canonical);
    assert_int_equal(hours_parse(room, &again, &err), 0);
    assert_int_equal(again.n, h.n);
    assert_memory_equal(again.at, h.at, h.n * sizeof(*h.at));
}

static void test_hours(void **state)
{
    expect_hours("mon-fri 08:00-17:00, sat 09:00-12:00 13:00-15:00",
                 "mon-fri 08:00-17:00, sat 09:00-12:00 13:00-15:00");
    expect_hours("daily 0:00-24:00", "daily 00:00-24:00");
    expect_hours("Mon-Sun 10:00-12:00 11:00-13:00 13:00-14:00", "daily 10:00-14:00");
    expect_hours("sat-mon 9:00-10:00", "mon 09:00-10:00, sat-sun 09:00-10:00");
    expect_hours("mon tue thu 09:00-10:00,thu 11:00-12:00",
                 "mon-tue 09:00-10:00, thu 09:00-10:00 11:00-12:00");
    expect_hours("fri 22:00-24:00, sat 00:00-06:00", "fri 22:00-24:00, sat 00:00-06:00");
    /* As much as a week can hold is still written whole and read back. */
    char text[HOURS_TEXT_BYTES] = "", *p = text;
    struct hours h;
    char room[HOURS_TEXT_BYTES];
    static const char *const NAMES[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int d = 0, left = HOURS_INTERVALS; d < 7; d++) {
        p += sprintf(p, "%s%s", d ? ", " : "", NAMES[d]);
        for (int i = 0; i < (d == 6 ? left : 9); i++)
            p += sprintf(p, " %02d:%02d-%02d:59", 2 * i, d, 2 * i);
        left -= 9;
    }
    assert_int_equal(hours_parse(text, &h, NULL), 0);
    assert_int_equal(h.n, HOURS_INTERVALS);
    assert_string_equal(hours_format(&h, room), text);
}

static void refuse_hours(const char *text, const char *message, const char *hint)
{
    struct error err = ERROR_INIT;
    struct hours h;
    assert_int_equal(hours_parse(text, &h, &err), -EINVAL);
    assert_string_equal(err.code, "bad_calendar");
    if (!strstr(err.message, message) || !strstr(err.hint, hint))
        fail_msg("%s: %s (%s)", text, err.message, err.hint);
}

static void test_hours_refused(void **state)
{
    refuse_hours("", "says nothing", "");
    refuse_hours("mon-fri", "'mon-fri' has days without an interval", "write days and hours");
    refuse_hours("mon-fri 8-17", "'8-17' is no interval like 08:00-17:00", "");
    refuse_hours("mon 08:00-25:00", "'08:00-25:00' is no interval", "");
    refuse_hours("mon 08:00-24:01", "is no interval", "");
    refuse_hours("mon 08:00-17:0", "is no interval", "");
    refuse_hours("mon 08:60-17:00", "is no interval", "");
    refuse_hours("mon 22:00-06:00", "an interval past midnight is two", "");
    refuse_hours("mon 09:00-09:00", "does not end after it begins", "");
    refuse_hours("08:00-17:00", "stands before any day", "");
    refuse_hours("tues 08:00-17:00", "'tues' is no day", "did you mean tue?");
    refuse_hours("mon-firday 08:00-17:00", "'firday' is no day", "days are mon");
    refuse_hours("dayly 08:00-17:00", "'dayly'", "did you mean daily?");
    refuse_hours("mon 08:00-12:00 tue 08:00-12:00", "'tue' stands behind", "by a comma");
    refuse_hours("mon 08:00-12:00,", "says nothing", "");
    refuse_hours("mon\n08:00-12:00", "byte 4 is not printable", "");
    refuse_hours("daily 00:00-00:01 00:02-00:03 00:04-00:05 00:06-00:07 00:08-00:09 00:10-00:11 00:12-00:13 "
                 "00:14-00:15 00:16-00:17 00:18-00:19",
                 "more than 64 intervals", "");
    char text[HOURS_TEXT_BYTES + 1];
    memset(text, ' ', sizeof(text));
    text[HOURS_TEXT_BYTES] = '\0';
    refuse_hours(text, "longer than 1023 bytes", "");
}

static void refuse(const char *text, const char *code, const char *message)
{
    struct error err = ERROR_INIT;
    struct calendar *c = NULL;
    json_t *d = json_loads(text, 0, NULL);
    assert_non_null(d);
    assert_int_equal(calendar_new(d, &c, &err), -EINVAL);
    assert_null(c);
    assert_string_equal(err.code, code);
    if (!strstr(err.message, message) && !strstr(err.hint, message))
        fail_msg("%s: %s (%s)", text, err.message, err.hint);
    json_decref(d);
}

static void test_definition(void **state)
{
    struct calendar *a = made("America/Chicago", "Mon-Fri 8:00-12:00 12:00-17:00", true,
                              "2024-12-26 15:00-16:30|2024-12-25|2024-12-24 12:00-24:00|2024-12-25 "
                              "09:00-10:00|2024-12-26 16:00-17:00:30");
    char *text = json_dumps(calendar_definition(a), JSON_COMPACT);
    assert_string_equal(text,
                        "{\"zone\":\"America/Chicago\",\"hours\":\"mon-fri 08:00-17:00\",\"federal\":true,"
                        "\"holidays\":[\"2024-12-24 12:00-24:00\",\"2024-12-25\",\"2024-12-26 "
                        "15:00-17:00:30\"]}");
    free(text);
    struct error err = ERROR_INIT;
    struct calendar *b;
    assert_int_equal(calendar_new(calendar_definition(a), &b, &err), 0);
    assert_true(calendar_equal(a, b));
    assert_int_equal(calendar_n_holidays(a), 3);
    struct calendar *other = made("America/Chicago", "mon-fri 08:00-17:00", true, NULL);
    assert_false(calendar_equal(a, other));
    calendar_unref(calendar_ref(a));
    calendar_unref(a);
    calendar_unref(b);
    calendar_unref(other);
    calendar_unref(NULL);

    refuse("[]", "bad_calendar", "is a map");
    refuse("{\"hours\":\"daily 00:00-24:00\"}", "bad_calendar", "zone:");
    refuse("{\"zone\":\"UTC\"}", "bad_calendar", "hours:");
    refuse("{\"zoen\":\"UTC\"}", "bad_calendar", "did you mean zone?");
    refuse("{\"zone\":\"Amerika/Chicago\",\"hours\":\"daily 00:00-24:00\"}", "unknown_zone",
           "America/Chicago");
#define WITH(rest) "{\"zone\":\"UTC\",\"hours\":\"daily 00:00-24:00\"," rest "}"
    refuse(WITH("\"federal\":1"), "bad_calendar", "federal:");
    refuse(WITH("\"holidays\":\"2024-12-25\""), "bad_calendar", "a list");
    refuse(WITH("\"holidays\":[\"2024-12-25\",\"2023-02-29\"]"), "bad_calendar", "number 2 is no day");
    refuse(WITH("\"holidays\":[\"25.12.2024\"]"), "bad_calendar", "number 1 is no date");
    refuse(WITH("\"holidays\":[\"2024-12-2\"]"), "bad_calendar", "number 1 is no date");
    refuse(WITH("\"holidays\":[\"2024-12-25x\"]"), "bad_calendar", "something else");
    refuse(WITH("\"holidays\":[\"2024-12-25 12:00\"]"), "bad_calendar", "no interval");
    refuse(WITH("\"holidays\":[7]"), "bad_calendar", "is no text");
}

static void test_range(void **state)
{
    struct calendar *c = made("UTC", "daily 00:00-24:00", false, NULL);
    int64_t begin = utc(1990, 1, 1, 0, 0, 0), end = utc(2100, 1, 1, 0, 0, 0);
    assert_int_equal(calendar_elapsed_ms(c, INT64_MIN, INT64_MAX), end - begin);
    assert_int_equal(calendar_elapsed_ms(c, 0, begin + 7), 7);
    assert_int_equal(calendar_elapsed_ms(c, end - 7, end + 7), 7);
    assert_int_equal(calendar_reach(c, end - 7, 6), end - 1);
    assert_int_equal(calendar_reach(c, end - 7, 7), FACT_FOREVER);
    assert_int_equal(calendar_reach(c, end + 7, 0), FACT_FOREVER);
    assert_int_equal(calendar_reach(c, begin, INT64_MAX), FACT_FOREVER);
    assert_int_equal(calendar_reach(c, begin, -1), begin);
    assert_int_equal(calendar_reach(c, INT64_MIN, 5), begin + 5);
    calendar_unref(c);
    c = made("UTC", "mon-fri 09:00-17:00", false, NULL);
    /* Friday 16:00 and an hour: the clock stands until Monday 09:00. */
    assert_int_equal(calendar_reach(c, utc(2024, 1, 12, 16, 0, 0), 3600000), utc(2024, 1, 15, 9, 0, 0));
    assert_int_equal(calendar_reach(c, utc(2024, 1, 12, 16, 0, 0), 3599999), utc(2024, 1, 12, 17, 0, 0) - 1);
    calendar_unref(c);
}

static void test_next_holidays(void **state)
{
    struct calendar *c = made("America/New_York", "mon-fri 09:00-17:00", true, "2024-12-24 12:00-24:00");
    struct calendar_holiday next[4];
    assert_int_equal(calendar_next_holidays(c, utc(2024, 12, 25, 4, 59, 59), next, 4), 4);
    assert_int_equal(next[0].day, civil_days(2024, 12, 24));
    assert_int_equal(next[0].from, 12 * HOUR_S * 1000);
    assert_int_equal(next[0].to, HOURS_DAY_MS);
    assert_null(next[0].name);
    assert_int_equal(next[1].day, civil_days(2024, 12, 25));
    assert_string_equal(next[1].name, "Christmas Day");
    assert_string_equal(next[2].name, "New Year's Day");
    assert_int_equal(calendar_next_holidays(c, utc(2024, 12, 25, 5, 0, 0), next, 1), 1);
    assert_string_equal(next[0].name, "Christmas Day");
    assert_int_equal(calendar_next_holidays(c, utc(2021, 12, 30, 0, 0, 0), next, 1), 1);
    assert_int_equal(next[0].day, civil_days(2021, 12, 31));
    assert_string_equal(next[0].name, "New Year's Day");
    assert_int_equal(calendar_next_holidays(c, INT64_MIN, next, 4), 4);
    assert_int_equal(next[0].day, civil_days(1990, 1, 1));
    assert_true(calendar_next_holidays(c, INT64_MAX, next, 1) == 1);
    assert_int_equal(next[0].day, civil_days(2100, 1, 1));
    calendar_unref(c);
}

/* --- against a walk
 * ------------------------------------------------------------------------------------------ */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Of a random calendar, in minutes of the day: what the walk asks. */
struct plain {
    struct zone *zone;
    bool open[7][1440];
    bool federal;
    struct {
        int64_t day;
        int from, to;
    } holidays[8];
    int n_holidays;
};

static bool plain_is_business(const struct plain *p, int64_t at)
{
    struct civil c;
    zone_civil(p->zone, at, &c);
    int minute = c.hour * 60 + c.minute;
    int64_t day = civil_days(c.year, c.month, c.day);
    for (int i = 0; i < p->n_holidays; i++)
        if (p->holidays[i].day == day && minute >= p->holidays[i].from && minute < p->holidays[i].to)
            return false;
    if (p->federal && is_federal(c.year, c.month, c.day))
        return false;
    return p->open[c.weekday][minute];
}

static void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t used = strlen(text);
    (void)vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

/* Where the clock is moved in ways worth a look, and instants near that. */
static const struct {
    const char *zone;
    int y, m, d;
} PLACES[] = {
    {"America/Chicago", 2024, 3, 10},
    {"America/Chicago", 2024, 11, 3},
    {"America/New_York", 2021, 12, 30},
    {"Europe/London", 2024, 10, 27},
    {"Australia/Lord_Howe", 2024, 4, 7},
    {"Australia/Lord_Howe", 2024, 10, 6},
    {"Pacific/Apia", 2011, 12, 30},
    {"Asia/Kathmandu", 2000, 2, 29},
    {"Africa/Casablanca", 2024, 3, 10},
    {"America/Sao_Paulo", 2018, 11, 4},
    {"America/Sao_Paulo", 2018, 2, 18},
    {"America/St_Johns", 2006, 10, 29},
    {"America/Havana", 2023, 11, 5},
    {"Asia/Manila", 2024, 5, 27},
    {"UTC", 1999, 12, 31},
    {"America/Los_Angeles", 2022, 1, 1},
    {"Asia/Gaza", 2023, 4, 29},
    {"America/Caracas", 2007, 12, 9},
};

static struct calendar *random_calendar(uint64_t *seed, size_t place, struct plain *plain)
{
    static const char *const NAMES[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    char hours[512] = "", holidays[512] = "";
    *plain = (struct plain){.federal = next_random(seed) % 2};
    int64_t middle = civil_days(PLACES[place].y, PLACES[place].m, PLACES[place].d);
    for (int n = 1 + (int)(next_random(seed) % 4); n > 0; n--) {
        int first = (int)(next_random(seed) % 7), last = (int)(next_random(seed) % 7);
        int a = (int)(next_random(seed) % 1440), b = (int)(next_random(seed) % 1441);
        int from = a < b ? a : b, to = a < b ? b : a + 1;
        append(hours, sizeof(hours), "%s%s-%s %02d:%02d-%02d:%02d", *hours ? ", " : "", NAMES[first],
               NAMES[last], from / 60, from % 60, to / 60, to % 60);
        for (int d = first;; d = (d + 1) % 7) {
            memset(&plain->open[d][from], true, (size_t)(to - from));
            if (d == last)
                break;
        }
    }
    for (plain->n_holidays = 0; plain->n_holidays < (int)(next_random(seed) % 6); plain->n_holidays++) {
        int i = plain->n_holidays, a = (int)(next_random(seed) % 1440), b = (int)(next_random(seed) % 1441);
        bool whole = next_random(seed) % 2;
        struct civil c;
        plain->holidays[i].day = middle - 4 + (int64_t)(next_random(seed) % 9);
        plain->holidays[i].from = whole ? 0 : a < b ? a : b;
        plain->holidays[i].to = whole ? 1440 : a < b ? b : a + 1;
        civil_of_local(plain->holidays[i].day * 86400000, &c);
        append(holidays, sizeof(holidays), "%04d-%02d-%02d", c.year, c.month, c.day);
        if (!whole)
            append(holidays, sizeof(holidays), " %02d:%02d-%02d:%02d", plain->holidays[i].from / 60,
                   plain->holidays[i].from % 60, plain->holidays[i].to / 60, plain->holidays[i].to % 60);
        append(holidays, sizeof(holidays), "|");
    }
    assert_int_equal(zone_open(PLACES[place].zone, &plain->zone, NULL), 0);
    return made(PLACES[place].zone, hours, plain->federal, holidays);
}

#define WALK_MINUTES (10 * 1440)

static void test_walk(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    static int64_t until[WALK_MINUTES + 1]; /* business minutes before each minute of the walk */
    for (int round = 0; round < 12; round++)
        for (size_t place = 0; place < sizeof(PLACES) / sizeof(*PLACES); place++) {
            struct plain plain;
            struct calendar *c = random_calendar(&seed, place, &plain);
            int64_t start = utc(PLACES[place].y, PLACES[place].m, PLACES[place].d - 5, 0, 0, 0);
            for (int m = 0; m < WALK_MINUTES; m++)
                until[m + 1] = until[m] + plain_is_business(&plain, start + (int64_t)m * MINUTE_MS);
            for (int i = 0; i < 300; i++) {
                int a = (int)(next_random(&seed) % (WALK_MINUTES + 1));
                int b = a + (int)(next_random(&seed) % (uint64_t)(WALK_MINUTES + 1 - a));
                int64_t from = start + (int64_t)a * MINUTE_MS, to = start + (int64_t)b * MINUTE_MS;
                int64_t elapsed = calendar_elapsed_ms(c, from, to);
                if (elapsed != (until[b] - until[a]) * MINUTE_MS)
                    fail_msg("%s round %d: minutes %d to %d: %lld ms, the walk has %lld min",
                             PLACES[place].zone, round, a, b, (long long)elapsed,
                             (long long)(until[b] - until[a]));
                /* The reach of what has elapsed is the last instant before more has. */
                int64_t reach = calendar_reach(c, from, elapsed);
                assert_true(reach >= to);
                if (reach != FACT_FOREVER) {
                    assert_int_equal(calendar_elapsed_ms(c, from, reach), elapsed);
                    assert_int_equal(calendar_elapsed_ms(c, from, reach + 1), elapsed + 1);
                }
            }
            calendar_unref(c);
            zone_close(plain.zone);
        }
}

/* A split anywhere adds up, over all the years. */
static void test_sums(void **state)
{
    uint64_t seed = 88172645463325252;
    struct calendar *c = made("America/New_York", "mon-fri 08:00-17:00, sat 09:00-12:00", true, "2001-09-11");
    int64_t begin = utc(1990, 1, 1, 0, 0, 0), end = utc(2100, 1, 1, 0, 0, 0), at = begin, sum = 0;
    while (at < end) {
        int64_t next = at + (int64_t)(next_random(&seed) % (200 * (uint64_t)86400000));
        int64_t elapsed = calendar_elapsed_ms(c, at, next);
        assert_true(elapsed >= 0 && elapsed <= next - at);
        sum += elapsed;
        at = next;
    }
    assert_int_equal(sum, calendar_elapsed_ms(c, begin, end));
    calendar_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weekend),
        cmocka_unit_test(test_two_zones),
        cmocka_unit_test(test_clock_moved),
        cmocka_unit_test(test_federal_observed),
        cmocka_unit_test(test_federal_history),
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_hours_refused),
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_next_holidays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
