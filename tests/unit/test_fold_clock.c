/* The fold on the business clock: worked cases with calendars of the tenant and of sites, in versions. */
#include "core/fold/calendar.h"
#include "tests/unit/fold_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)
#define D0_MS  INT64_C(1704672000000) /* 2024-01-08T00:00:00Z */

/* --- what a bench has
 * --------------------------------------------------------------------------------------- */

static void add_calendar(struct fold_bench *b, const char *name, int64_t valid_from, const char *definition)
{
    struct calendar *calendar;
    struct error err = ERROR_INIT;
    json_t *map = json_loads(definition, 0, NULL);
    assert_non_null(map);
    assert_int_equal(calendar_new(map, &calendar, &err), 0);
    assert_int_equal(reference_set_calendar(b->reference, name, valid_from, calendar, &err), 0);
    calendar_unref(calendar);
    json_decref(map);
}

static void add_site(struct fold_bench *b, const char *site, int64_t valid_from, const char *calendar)
{
    const char *values[REFERENCE_ATTRIBUTES_N] = {NULL};
    values[REFERENCE_CALENDAR] = calendar;
    assert_int_equal(reference_set(b->reference, REFERENCE_SITE, site, valid_from, values, NULL), 0);
}

static void set_default(struct fold_bench *b, const char *name)
{
    snprintf(b->settings.calendar, sizeof(b->settings.calendar), "%s", name);
}

static void check(struct fold_bench *b, const struct fold_case *cases, size_t n_cases)
{
    fold_bench_check(b, cases, n_cases);
    fold_bench_contradict(b, cases, n_cases);
}
#define CHECK(b, cases) check(b, cases, sizeof(cases) / sizeof((cases)[0]))

#define OFFICE "{\"zone\": \"UTC\", \"hours\": \"mon-fri 09:00-17:00\"}"
#define NOON   "{\"zone\": \"UTC\", \"hours\": \"daily 11:00-13:00\"}"
#define ALWAYS "{\"zone\": \"UTC\", \"hours\": \"daily 00:00-24:00\"}"

/* --- one calendar
 * ------------------------------------------------------------------------------------------- */

static const struct fold_case OFFICE_CASES[] = {
    {"11 solved while pending, and again on the next day",
     "10:00 c; 10:10 O; 10:30 P; 11:00 S; d1 11:00 O; d1 11:20 S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:10 business 600\n"
     "solve 11:00 #0 new 600 open 1200 pending 1800 hold 0 business 3600 reopened d1 11:00 in-time\n"
     "solve d1 11:20 #1 new 600 open 2400 pending 1800 hold 0 business 33600"
     " at work new 600 open 2400 pending 1800 hold 0 again 86400 last\n"
     "reopen d1 11:00\n"
     "span 10:00 to 11:00 age 0\n"
     "span d1 11:00 to d1 11:20 age 32400\n" /* 7 h and 2 h */
     "holding 3000 until d1 11:20 business 3000\n"},
    {"21 over a weekend", "d4 16:50 c; d7 09:10 >",
     "ticket new created d4 16:50 speaks\n"
     "acknowledgement d7 09:10 business 1200\n" /* 10 minutes and 10 */
     "reply d4 16:50 to d7 09:10 business 1200\n"
     "span d4 16:50 to - age 0\n"},
    {"22 outside hours", "d5 10:00 c; d5 11:00 O",
     "ticket open created d5 10:00\n"
     "acknowledgement d5 11:00 business 0\n"
     "span d5 10:00 to - age 0\n"},
    {"45 an age is counted until its span begins", "10:00 c{severity=3}; d1 10:00 u{severity=2}",
     "ticket new created 10:00 {severity=3} now {severity=2}\n"
     "span 10:00 to d1 10:00 age 0 {severity=3}\n"
     "span d1 10:00 to - age 28800 {severity=2}\n"},
    {"61 two teams over a night", "16:30 c @A; d1 09:30 @B; d1 10:00 S",
     "ticket solved created 16:30 now {team=B}\n"
     "acknowledgement 16:30 business 0 {team=A}\n"
     "solve d1 10:00 #0 new 63000 open 0 pending 0 hold 0 business 5400"
     " at work new 5400 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 before late last {team=B}\n"
     "span 16:30 to d1 09:30 age 0 {team=A}\n"
     "span d1 09:30 to d1 10:00 age 3600 {team=B}\n"
     "holding 61200 until d1 09:30 business 3600 {team=A}\n"
     "holding 1800 until d1 10:00 business 1800 {team=B}\n"},
    {"12 each class by its own hours", "16:00 c; 16:30 O; 16:40 H; d1 09:10 P; d1 10:00 O; d1 10:30 S",
     "ticket solved created 16:00\n"
     "acknowledgement 16:30 business 1800\n"
     "solve d1 10:30 #0 new 1800 open 2400 pending 3000 hold 59400 business 9000"
     " at work new 1800 open 2400 pending 3000 hold 1800 late last\n"
     "span 16:00 to d1 10:30 age 0\n"
     "holding 4200 until d1 10:30 business 4200\n"},
    {"57 in time: an hour of business time", "16:30 c{channel=email}; d1 09:30 S",
     "ticket solved created 16:30 {channel=email}\n"
     "acknowledgement d1 09:30 business 3600 {channel=email}\n"
     "solve d1 09:30 #0 new 61200 open 0 pending 0 hold 0 business 3600"
     " at work new 3600 open 0 pending 0 hold 0 in-time last {channel=email}\n"
     "span 16:30 to d1 09:30 age 0 {channel=email}\n"
     "holding 61200 until d1 09:30 business 3600 {channel=email}\n"},
    {"57a and not a millisecond more", "16:30 c{channel=email}; d1 09:30:00.001 S",
     "ticket solved created 16:30 {channel=email}\n"
     "acknowledgement d1 09:30:00.001 business 3600.001 {channel=email}\n"
     "solve d1 09:30:00.001 #0 new 61200.001 open 0 pending 0 hold 0 business 3600.001"
     " at work new 3600.001 open 0 pending 0 hold 0 late last {channel=email}\n"
     "span 16:30 to d1 09:30:00.001 age 0 {channel=email}\n"
     "holding 61200.001 until d1 09:30:00.001 business 3600.001 {channel=email}\n"},
    {"5 what came before creation took no time", "09:30 O; 10:00 c; 10:30 S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:00 business 0\n"
     "solve 10:30 #0 new 0 open 1800 pending 0 hold 0 business 1800"
     " at work new 0 open 1800 pending 0 hold 0 in-time last\n"
     "span 10:00 to 10:30 age 0\n"
     "holding 1800 until 10:30 business 1800\n"},
    {"6 inferred: only its runs are measured", "10:00 O; 10:10 >; 11:00 <; 11:30 >; 12:00 S",
     "ticket solved created 10:00 speaks inferred\n"
     "reply 11:00 to 11:30 #1 business 1800 inferred\n"
     "solve 12:00 #0 new - open - pending - hold - touches 2 last inferred\n"
     "span 10:00 to 12:00 inferred\n"},
};

static void test_one_calendar(void **state)
{
    struct fold_bench *b = *state;
    add_calendar(b, "office", INT64_MIN, OFFICE);
    set_default(b, "office");
    CHECK(b, OFFICE_CASES);
}

/* --- versions
 * ------------------------------------------------------------------------------------------------ */

static const struct fold_case VERSION_CASES[] = {
    {"30, 31 the version in force at each instant, and the one at the end",
     "2020-09-29T17:01:38Z c <; 2020-09-30T19:01:46Z >; 2020-10-01T15:03:44Z > S",
     "ticket solved created 2020-09-29T17:01:38Z speaks\n"
     "acknowledgement 2020-09-30T19:01:46Z business 57608/41408\n" /* 32,302 + 25,285 + 21 */
     "reply 2020-09-29T17:01:38Z to 2020-09-30T19:01:46Z business 57608/41408\n"
     "solve 2020-10-01T15:03:44Z #0 new 165726 open 0 pending 0 hold 0 business 77526/61326"
     " at work new 77526/61326 open 0 pending 0 hold 0 touches 2 late last\n"
     "span 2020-09-29T17:01:38Z to 2020-10-01T15:03:44Z age 0\n"
     "holding 165726 until 2020-10-01T15:03:44Z business 77526/61326\n"},
};

static void test_versions(void **state)
{
    struct fold_bench *b = *state;
    add_calendar(b, "desk", INT64_MIN, "{\"zone\": \"America/Chicago\", \"hours\": \"daily 07:00-21:00\"}");
    add_calendar(b, "desk", INT64_C(1601492485000), /* 2020-09-30T19:01:25Z */
                 "{\"zone\": \"America/Los_Angeles\", \"hours\": \"mon-fri 08:00-17:30\"}");
    set_default(b, "desk");
    CHECK(b, VERSION_CASES);
}

/* --- sites
 * --------------------------------------------------------------------------------------------------- */

static const struct fold_case SITE_CASES[] = {
    {"the site that the ticket then had", "10:00 c{site=H1}; 12:00 u{site=H2}; 14:00 S",
     "ticket solved created 10:00 {site=H1} now {site=H2}\n"
     "acknowledgement 14:00 business 10800/14400 {site=H2}\n" /* 11 to 12 and 12 to 14; all of it */
     "solve 14:00 #0 new 14400 open 0 pending 0 hold 0 business 10800/14400"
     " at work new 10800/14400 open 0 pending 0 hold 0 late last {site=H2}\n"
     "span 10:00 to 12:00 age 0 {site=H1}\n"
     "span 12:00 to 14:00 age 3600 {site=H2}\n"
     "holding 14400 until 14:00 business 10800/14400 {site=H2}\n"},
    {"the site that comes with the end is the one in force there", "10:00 c{site=H1}; 14:00 S u{site=H2}",
     "ticket solved created 10:00 {site=H1} now {site=H2}\n"
     "acknowledgement 14:00 business 7200/14400 {site=H2}\n"
     "solve 14:00 #0 new 14400 open 0 pending 0 hold 0 business 7200/14400"
     " at work new 7200/14400 open 0 pending 0 hold 0 late last {site=H2}\n"
     "span 10:00 to 14:00 age 0 {site=H1}\n"
     "holding 14400 until 14:00 business 7200/14400 {site=H2}\n"},
    {"also behind it within its instant", "10:00 c{site=H1}; 14:00 S~1 u{site=H2}~2",
     "ticket solved created 10:00 {site=H1} now {site=H2}\n"
     "acknowledgement 14:00 business 7200/14400 {site=H1}\n"
     "solve 14:00 #0 new 14400 open 0 pending 0 hold 0 business 7200/14400"
     " at work new 7200/14400 open 0 pending 0 hold 0 late last {site=H1}\n"
     "span 10:00 to 14:00 age 0 {site=H1}\n"
     "holding 14400 until 14:00 business 7200/14400 {site=H1}\n"},
    {"no calendar for a part of it, one at its end", "10:00 c; 12:00 u{site=H2}; 13:00 S",
     "ticket solved created 10:00 now {site=H2}\n"
     "acknowledgement 13:00 business -/10800 {site=H2}\n"
     "solve 13:00 #0 new 10800 open 0 pending 0 hold 0 business -/10800"
     " at work new -/10800 open 0 pending 0 hold 0 last {site=H2}\n"
     "span 10:00 to 12:00 age 0\n"
     "span 12:00 to 13:00 {site=H2}\n"
     "holding 10800 until 13:00 business -/10800 {site=H2}\n"},
    {"one for all of it, none at its end", "10:00 c{site=H2}; 12:00 S{site=}",
     "ticket solved created 10:00 {site=H2} now\n"
     "acknowledgement 12:00 business 7200/-\n"
     "solve 12:00 #0 new 7200 open 0 pending 0 hold 0 business 7200/-"
     " at work new 7200/- open 0 pending 0 hold 0 late last\n"
     "span 10:00 to 12:00 age 0 {site=H2}\n"
     "holding 7200 until 12:00 business 7200/-\n"},
    {"what is empty needs none", "10:00 c S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:00 business 0\n"
     "solve 10:00 #0 new 0 open 0 pending 0 hold 0 business 0"
     " at work new 0 open 0 pending 0 hold 0 in-time last\n"},
    {"a class that has none beside one that has",
     "10:00 c{site=H2}; 11:00 P{site=}; 12:00 O{site=H2}; 13:00 S",
     "ticket solved created 10:00 {site=H2}\n"
     "acknowledgement 11:00 business 3600/-\n"
     "solve 13:00 #0 new 3600 open 3600 pending 3600 hold 0 business -/10800"
     " at work new 3600 open 3600 pending -/3600 hold 0 last {site=H2}\n"
     "span 10:00 to 11:00 age 0 {site=H2}\n"
     "span 11:00 to 12:00 age 3600\n"
     "span 12:00 to 13:00 {site=H2}\n"
     "holding 7200 until 13:00 business 7200 {site=H2}\n"},
    {"a site from before creation, the last of its instant",
     "08:00 u{site=H2}; 09:00 u{site=H1}; 10:00 c; 12:00 S",
     "ticket solved created 10:00 {site=H1}\n"
     "acknowledgement 12:00 business 3600 {site=H1}\n"
     "solve 12:00 #0 new 7200 open 0 pending 0 hold 0 business 3600"
     " at work new 3600 open 0 pending 0 hold 0 in-time last {site=H1}\n"
     "span 10:00 to 12:00 age 0 {site=H1}\n"
     "holding 7200 until 12:00 business 3600 {site=H1}\n"},
    {"a row of the site's that begins in between", "10:00 c{site=H3}; 14:00 S",
     "ticket solved created 10:00 {site=H3}\n"
     "acknowledgement 14:00 business 10800/14400 {site=H3}\n" /* 11 to 11:30, 11:30 to 14 */
     "solve 14:00 #0 new 14400 open 0 pending 0 hold 0 business 10800/14400"
     " at work new 10800/14400 open 0 pending 0 hold 0 late last {site=H3}\n"
     "span 10:00 to 14:00 age 0 {site=H3}\n"
     "holding 14400 until 14:00 business 10800/14400 {site=H3}\n"},
};

static void add_sites(struct fold_bench *b)
{
    add_calendar(b, "noon", INT64_MIN, NOON);
    add_calendar(b, "always", INT64_MIN, ALWAYS);
    add_site(b, "H1", INT64_MIN, "noon");
    add_site(b, "H2", INT64_MIN, "always");
    add_site(b, "H3", INT64_MIN, "noon");
    add_site(b, "H3", D0_MS + 23 * DAY_MS / 48, "always"); /* from 11:30 on d0 */
}

static void test_sites(void **state)
{
    struct fold_bench *b = *state;
    add_sites(b);
    CHECK(b, SITE_CASES);
}

/* --- none
 * ---------------------------------------------------------------------------------------------------- */

static int each_is_null(void *context, const struct fact_row *row)
{
    unsigned *n = context;
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    for (unsigned c = FACT_N_COMMON; c < info->n_values; c++) {
        const char *name = info->value_names[c];
        size_t size = strlen(name);
        bool is_business = size >= 8 && strcmp(name + size - 8, "BUSINESS") == 0;
        if (!is_business && (size < 4 || strcmp(name + size - 4, "LAST") != 0))
            continue;
        assert_int_equal(row->values[c], FACT_NULL);
        ++*n;
    }
    return 0;
}

/* Neither without calendars nor on inferred tickets; also where nothing lasted. */
static void test_no_clock(void **state)
{
    struct fold_bench *b = *state;
    struct notation n;
    unsigned n_values = 0;
    const struct fold_subject subject = {.number = 7};
    notation_init(&n, "10:00 c{site=H1} S; 11:00 O; 12:00 > S");
    struct fold_environment environment = {.dictionary = n.dictionary, .settings = &b->settings};
    set_default(b, "office");
    for (unsigned k = 0; k < 2; k++) {
        environment.reference = k ? b->reference : NULL;
        assert_int_equal(fold_run(b->fold, &environment, &subject, (const struct event *const *)n.events, n.n,
                                  FACT_TABLES_ALL, each_is_null, &n_values),
                         0);
    }
    assert_int_equal(n_values, 2 * (2 + 2 + 2 * 10 + 1 + 2));
    notation_fini(&n);
}

/* A ticket as large as one may be whose site changes with every event. */
static void test_site_of_every_event(void **state)
{
    struct fold_bench *b = *state;
    struct dictionary *dictionary;
    struct event **events = calloc(EVENT_TICKET_MAX, sizeof(struct event *));
    uint32_t sites[2];
    assert_non_null(events);
    add_sites(b);
    assert_int_equal(dictionary_new(&dictionary), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(dictionary_intern(dictionary, FIELD_SITE, i ? "H2" : "H1", 2, &sites[i], NULL), 0);
    for (size_t i = 0; i < EVENT_TICKET_MAX; i++) {
        struct event *e = events[i] = calloc(1, event_size(2));
        assert_non_null(e);
        e->at = D0_MS + (int64_t)i * 3600000;
        e->id = i;
        e->type = i ? EVENT_TICKET_STATUS : EVENT_TICKET_CREATED;
        e->n_fields = 2;
        e->fields[0] = event_field_pack(FIELD_SITE, sites[i % 2]);
        e->fields[1] = i ? event_field_pack(FIELD_TO, i % 2 ? STATUS_SOLVED : STATUS_OPEN)
                         : event_field_pack(FIELD_BY, BY_REQUESTER);
    }
    /* Even hours belong to H1, which works from 11 to 13: 12 of each day; odd ones to H2, all of them. 4,095
     * hours: 2,048 even, 2,047 odd; 170 whole days and 15 hours have 171 noons. */
    const char *text = fold_bench_text(b, dictionary, events, EVENT_TICKET_MAX, false);
    const char *last = strstr(text, " #2047 ");
    assert_non_null(last);
    assert_memory_equal(strstr(last, " business "), " business 7984800/14742000 ", 27);
    for (size_t i = 0; i < EVENT_TICKET_MAX; i++)
        free(events[i]);
    free(events);
    dictionary_free(dictionary);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fold_bench_setup, fold_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_calendar),        TEST(test_versions), TEST(test_sites), TEST(test_no_clock),
        TEST(test_site_of_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
