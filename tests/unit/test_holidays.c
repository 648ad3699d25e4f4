/* Holidays from iCalendar files: which days come of which events, and what is said of a file that is wrong.
 */
#include "tools/holidays.h"

#include "core/fold/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct error err;

/* The days of a file, separated by "|"; NULL when it is refused. */
static char *read_text(const char *zone_name, const char *text)
{
    static char out[65536];
    struct zone *zone;
    struct ics ics;
    size_t i;
    json_t *days = json_array(), *day;
    memset(&err, 0, sizeof(err));
    assert_int_equal(zone_open(zone_name, &zone, NULL), 0);
    int r = ics_open_bytes(&ics, "h.ics", text, strlen(text), &err);
    if (r == 0) {
        r = holidays_read(&ics, zone, days, &err);
        ics_close(&ics);
    }
    *out = '\0';
    json_array_foreach(days, i, day)
    {
        if (strlen(out) + 64 < sizeof(out)) {
            strcat(out, *out ? "|" : "");
            strcat(out, json_string_value(day));
        }
    }
    json_decref(days);
    zone_close(zone);
    return r == 0 ? out : NULL;
}

#define EVENT(lines) "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" lines "\nEND:VEVENT\nEND:VCALENDAR\n"

static void expect_in(const char *zone, const char *text, const char *days)
{
    const char *found = read_text(zone, text);
    if (!found)
        fail_msg("%s\n%s", text, err.message);
    if (strcmp(found, days) != 0)
        fail_msg("%s\n%s\nnot %s", text, found, days);
}

static void expect(const char *lines, const char *days)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), EVENT("%s"), lines);
    expect_in("America/New_York", text, days);
}

static void refuse_text(const char *text, const char *message)
{
    if (read_text("America/New_York", text))
        fail_msg("taken: %.400s", text);
    if (strcmp(err.code, "bad_ics") != 0 || (!strstr(err.message, message) && !strstr(err.hint, message)))
        fail_msg("%s: %s (%s)", err.code, err.message, err.hint);
}

static void refuse(const char *lines, const char *message)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), EVENT("%s"), lines);
    refuse_text(text, message);
}

static void whole_days(void **state)
{
    expect("DTSTART;VALUE=DATE:20241225", "2024-12-25");
    expect("dtstart;value=date:20241225\r\nSUMMARY:of no interest: at all", "2024-12-25");
    expect("DTSTART;VALUE=DATE:20241224\nDTEND;VALUE=DATE:20241227", "2024-12-24|2024-12-25|2024-12-26");
    expect("DTSTART;VALUE=DATE:20241231\nDURATION:P2D", "2024-12-31|2025-01-01");
    expect("DTSTART;VALUE=DATE:20241225\nDTEND;VALUE=DATE:20241225", "2024-12-25"); /* seen in the wild */
    expect("DTSTART;VALUE=DA\n TE:2024\r\n\t1225", "2024-12-25");                   /* folded */
    expect("DTSTART;VALUE=DATE:20241225\nSTATUS:CANCELLED", "");
    expect("DTSTART;VALUE=DATE:20241225\nTRANSP:TRANSPARENT", "2024-12-25");
    expect("DTSTART;VALUE=DATE:19891225", "");
}

static void hours(void **state)
{
    /* the calendar's zone, UTC, the event's own */
    expect("DTSTART:20241224T120000\nDTEND:20241225T000000", "2024-12-24 12:00:00-24:00:00");
    expect("DTSTART:20241224T170000Z\nDURATION:PT1H30M", "2024-12-24 12:00:00-13:30:00");
    expect("DTSTART;TZID=America/Los_Angeles:20241224T100000\nDTEND;TZID=America/Los_Angeles:20241224T120000",
           "2024-12-24 13:00:00-15:00:00");
    expect("DTSTART;TZID=\"/example.org/2020/Europe/Berlin\":20240704T140000\nDURATION:PT1H",
           "2024-07-04 08:00:00-09:00:00");
    /* over midnight, and over one of the event's zone that is none of the calendar's */
    expect("DTSTART:20241231T180000\nDTEND:20250102T060000",
           "2024-12-31 18:00:00-24:00:00|2025-01-01|2025-01-02 00:00:00-06:00:00");
    expect("DTSTART:20241231T230000Z\nDTEND:20250101T040000Z", "2024-12-31 18:00:00-23:00:00");
    /* where clocks are turned in between it is the clock of the zone that counts */
    expect("DTSTART:20240310T010000\nDTEND:20240310T040000", "2024-03-10 01:00:00-04:00:00");
}

static void rules(void **state)
{
    expect("DTSTART;VALUE=DATE:20221225\nRRULE:FREQ=YEARLY;COUNT=3", "2022-12-25|2023-12-25|2024-12-25");
    expect("DTSTART;VALUE=DATE:20221124\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20241231",
           "2022-11-24|2023-11-23|2024-11-28");
    expect("DTSTART;VALUE=DATE:20221225\nRRULE:FREQ=YEARLY;COUNT=3\nEXDATE;VALUE=DATE:20231225,20241225",
           "2022-12-25");
    expect("DTSTART;VALUE=DATE:20221225\nRDATE;VALUE=DATE:20230101,20230106\nEXDATE;VALUE=DATE:20230101",
           "2022-12-25|2023-01-06");
    /* eight in the morning in Chicago is nine in New York, the whole year */
    expect(
        "DTSTART;TZID=America/Chicago:20240215T080000\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;INTERVAL=6;COUNT=2",
        "2024-02-15 09:00:00-10:00:00|2024-08-15 09:00:00-10:00:00");
    /* but thirteen hours UTC is not: UNTIL, in UTC, is the last occurrence itself */
    expect("DTSTART:20240215T130000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;INTERVAL=6;UNTIL=20240815T130000Z",
           "2024-02-15 08:00:00-09:00:00|2024-08-15 09:00:00-10:00:00");
    expect("DTSTART;TZID=America/Chicago:20240215T190000\nDURATION:PT1H\n"
           "RRULE:FREQ=DAILY;UNTIL=20240217T010000Z",
           "2024-02-15 20:00:00-21:00:00|2024-02-16 20:00:00-21:00:00");
    expect("DTSTART:20240215T190000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20240216",
           "2024-02-15 19:00:00-20:00:00|2024-02-16 19:00:00-20:00:00");
    expect("DTSTART:20240215T190000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20240216T190000",
           "2024-02-15 19:00:00-20:00:00|2024-02-17 19:00:00-20:00:00");
    expect("DTSTART:20240215T190000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20240217T000000Z",
           "2024-02-15 19:00:00-20:00:00|2024-02-17 19:00:00-20:00:00");
    /* without an end: as long as business time passes */
    const char *found = read_text("UTC", EVENT("DTSTART;VALUE=DATE:19700704\nRRULE:FREQ=YEARLY"));
    assert_non_null(found);
    assert_int_equal(strlen(found), 110 * 11 - 1);
    assert_memory_equal(found, "1990-07-04|", 11);
    assert_string_equal(found + 109 * 11, "2099-07-04");
}

static void stand_ins(void **state)
{
    expect_in(
        "UTC",
        "BEGIN:VCALENDAR\n"
        "BEGIN:VEVENT\nUID:a\nDTSTART;VALUE=DATE:20220704\nRRULE:FREQ=YEARLY;COUNT=3\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;VALUE=DATE:20230704\nDTSTART;VALUE=DATE:20230703\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;VALUE=DATE:20240704\nDTSTART;VALUE=DATE:20240704\n"
        "STATUS:CANCELLED\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:b\nRECURRENCE-ID;VALUE=DATE:20220704\nDTSTART;VALUE=DATE:20220705\nEND:VEVENT\n"
        "END:VCALENDAR\n",
        "2022-07-04|2023-07-03|2022-07-05");
}

static void other_components(void **state)
{
    /* a zone of the file's own, alarms and tasks; two calendars in one file; a byte order mark */
    expect_in("UTC",
              "\xef\xbb\xbf"
              "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
              "BEGIN:VTIMEZONE\r\nTZID:Our time\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
              "TZOFFSETFROM:-0330\r\nTZOFFSETTO:-0330\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
              "BEGIN:VTODO\r\nDTSTART;VALUE=DATE:20200101\r\nEND:VTODO\r\n"
              "BEGIN:VEVENT\r\nDTSTART;TZID=Our time:20240101T120000\r\nDURATION:PT1H\r\n"
              "BEGIN:VALARM\r\nDURATION:P300D\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
              "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20240102\r\nEND:VEVENT\r\nEND:VCALENDAR",
              "2024-01-01 15:30:00-16:30:00|2024-01-02");
    /* one whose place the system knows: the rules of the system */
    expect_in(
        "UTC",
        "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Eastern Standard Time\nX-LIC-LOCATION:America/New_York\n"
        "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:STANDARD\n"
        "END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Eastern Standard Time:20240101T120000\nDURATION:PT1H\n"
        "RRULE:FREQ=YEARLY;COUNT=2\nEND:VEVENT\nEND:VCALENDAR\n",
        "2024-01-01 17:00:00-18:00:00|2025-01-01 17:00:00-18:00:00");
}

static void refused(void **state)
{
    refuse_text("", "h.ics has no events");
    refuse_text("ccn,name\n", "h.ics:1: a calendar file begins with");
    refuse_text("BEGIN:VEVENT\nEND:VEVENT\n", "h.ics:1: a calendar file begins with");
    refuse_text("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "cut short");
    refuse_text("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", "h.ics:3: this END");
    refuse_text("END:VCALENDAR\n", "h.ics:1: this END");
    refuse_text("BEGIN:VCALENDAR\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\n",
                "h.ics:9: components lie deeper");
    refuse("SUMMARY:x", "h.ics:2: the event has no DTSTART");
    refuse("SUMMARY:x\nDTSTART:2024122", "h.ics:4: it is no date");
    refuse("DTSTART;VALUE=DATE:20230229", "h.ics:3: it is no date");
    refuse("DTSTART:20240101T250000\nDURATION:PT1H", "h.ics:3: it is no date");
    refuse("DTSTART;VALUE=DATE", "h.ics:3: the line has no value");
    refuse("DTSTART:20240101T100000", "h.ics:2: the event has no length");
    refuse("DTSTART:20240101T100000\nDTEND:20240101T090000", "h.ics:4: the event has no length, or ends");
    refuse("DTSTART;VALUE=DATE:20240101\nDTEND;VALUE=DATE:20231231", "ends before it begins");
    refuse("DTSTART;VALUE=DATE:20240101\nDTEND:20240101T090000", "ends with a time");
    refuse("DTSTART;VALUE=DATE:20240101\nDURATION:P400D", "h.ics:4: the event lasts longer than a year");
    refuse("DTSTART;VALUE=DATE:20240101\nDURATION:soon", "h.ics:4: it is no duration");
    refuse("DTSTART;TZID=Middle-earth/Shire:20240101T100000\nDURATION:PT1H", "h.ics:3: its TZID is no zone");
    refuse("DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=ALWAYS", "h.ics:4: it is no recurrence rule");
    refuse("DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=HOURLY", "h.ics:4: holidays do not repeat within a day");
    refuse("DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=DAILY;BYHOUR=1,2", "do not repeat within a day");
    refuse("DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=DAILY", "h.ics:2: with this event there are more");
    refuse("DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "gives no day at all");
    refuse("DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY", "h.ics:4: the rules of the file take more work");
    refuse("DTSTART;VALUE=DATE:20240101\nEXRULE:FREQ=DAILY", "EXRULE is not understood");
    refuse("DTSTART;VALUE=DATE:20240101\nRDATE:20240102T100000", "RDATE takes dates");
    refuse("DTSTART:20240101T100000\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20240102T100000Z/PT1H",
           "h.ics:5: it is no date");
    refuse("DTSTART;VALUE=DATE:20240101\nRECURRENCE-ID;RANGE=THISANDFUTURE:20240101",
           "stands in for all later ones");
}

static void bounded(void **state)
{
    /* more events than there may be */
    size_t size = 0, capacity = 400000;
    char *text = malloc(capacity);
    assert_non_null(text);
    size += (size_t)snprintf(text, capacity, "BEGIN:VCALENDAR\n");
    for (int i = 0; i <= ICS_EVENTS_MAX; i++)
        size += (size_t)snprintf(text + size, capacity - size,
                                 "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20240101\nEND:VEVENT\n");
    (void)snprintf(text + size, capacity - size, "END:VCALENDAR\n");
    refuse_text(text, "h.ics:12290: more events");
    free(text);
    struct ics ics;
    assert_int_equal(ics_open_bytes(&ics, "h.ics", "BEGIN:VCALENDAR\n\0", 17, &err), -EBADMSG);
    assert_non_null(strstr(err.message, "NUL"));
    assert_int_equal(ics_open(&ics, "/nonexistent/h.ics", &err), -ENOENT);
    assert_string_equal(err.code, "ics_file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_days), cmocka_unit_test(hours),   cmocka_unit_test(rules),
        cmocka_unit_test(stand_ins),  cmocka_unit_test(refused), cmocka_unit_test(other_components),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
