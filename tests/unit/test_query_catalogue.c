/* The metrics of the catalogue one by one, on both clocks, and the catalogue itself against what it
 * documents. */
#include "tests/unit/query_bench.h"

#include "core/query/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY "{\"zone\": \"UTC\", \"hours\": \"mon-fri 09:00-17:00\"}"

/* Site H1 works by day, H2 has no calendar. */
static void calendars(void)
{
    bench_calendar("day", INT64_MIN, DAY);
    bench_reference(REFERENCE_SITE, INT64_MIN, "H1", "country=US calendar=day");
    bench_reference(REFERENCE_SITE, INT64_MIN, "H2", "country=US");
}

static void test_next_response(void **state)
{
    tell("10:00 c; 10:10 >; 11:00 <; 11:30 <; 11:45 > || 10:00 c; 10:10 >; 11:00 <; 11:30 S; d21 09:00 < O; "
         "d21 09:20 > || 10:00 c; 10:10 >; 11:00 <~; 11:30 > || 10:00 c; 11:00 <; 11:05 >");
    check("{'metrics': 'next_response_time.min,next_response_time.max,first_response_time.sum'}",
          "next_response_time.min next_response_time.max next_response_time.max.n first_response_time.sum",
          "1200/2700/2/5700");
}

static void test_acknowledgement(void **state)
{
    tell("10:00 c @A/r; 10:20 O; 10:50 > || 10:00 c; 10:15 P || 09:30 O; 10:00 c; 10:30 S || 10:00 c @A/r");
    check("{'metrics': 'time_to_acknowledge.sum'}", "time_to_acknowledge.sum time_to_acknowledge.sum.n",
          "2100/3");
}

static void test_handling(void **state)
{
    bench_teams();
    tell(
        "10:00 c{site=H1} @A; 10:10 O; 10:30 P; 10:40 @B; 11:00 O; 11:30 S || 10:00 c @A; 10:10 P; 10:20 @B; "
        "10:30 S || 10:00 c; 10:10 O; 10:20 @A; 10:30 S || 10:00 c @A; 11:00 O");
    check("{'metrics': 'handling_time.sum', 'by': 'team'}", "team handling_time.sum handling_time.sum.n",
          "A/3000/3 B/1800/1 null/1200/1");
    check("{'metrics': 'handling_time.sum,support_work_time.sum'}", "handling_time.sum support_work_time.sum",
          "6000/6000");
    check("{'metrics': 'handling_time.sum', 'where': 'site=H1', 'by': 'support_model'}",
          "support_model handling_time.sum", "direct/1800 outsourced/1800");
    /* today's dimensions, but the team that held */
    check("{'metrics': 'handling_time.sum', 'where': 'site=H1', 'by': 'team', 'dims': 'current'}",
          "team handling_time.sum", "A/1800 B/1800");
    /* what the team was when it had the ticket last */
    bench_reference(REFERENCE_TEAM, D0 + 11 * 3600000, "A", "employer=later tier=1 team_country=US");
    check("{'metrics': 'handling_time.sum', 'where': 'site=H1', 'by': 'employer'}",
          "employer handling_time.sum", "acme/1800 bpo/1800");
}

static void test_touches(void **state)
{
    tell("10:00 c; 10:30 > S || 10:00 c{channel=phone}; 10:05 call:answered:q12:w60 S || 10:00 c; 11:00 S || "
         "10:00 c; 10:30 > S; d2 10:00 O; d2 10:30 S || 10:00 c; 10:30 > > S");
    check("{'metrics': 'one_touch_rate,silent_close_rate'}",
          "one_touch_rate one_touch_rate.n one_touch_rate.censored silent_close_rate silent_close_rate.n",
          "0.4/5/0/0.2/5");
    check("{'metrics': 'one_touch_rate', 'reopen_window': '24h'}", "one_touch_rate one_touch_rate.n",
          "0.6/5");
    check("{'metrics': 'one_touch_rate,silent_close_rate', 'now': '2024-01-15T00:00:00Z'}",
          "one_touch_rate one_touch_rate.n one_touch_rate.censored silent_close_rate.n", "null/0/5/5");
}

static void test_silent_source(void **state)
{
    tell("10:00 c; 11:00 S || 10:00 c; 11:00 S; 12:00 x:spam || 10:00 c; 11:00 O");
    check("{'metrics': 'one_touch_rate,silent_close_rate'}",
          "one_touch_rate one_touch_rate.n one_touch_rate.censored silent_close_rate silent_close_rate.n",
          "null/0/0/null/0");
    check_meta("{'metrics': 'one_touch_rate,silent_close_rate'}", "left_out.silent_source", 1);
    tell("|~| 10:00 call:answered:q1{site=H1}"); /* the source speaks after all */
    check("{'metrics': 'silent_close_rate'}", "silent_close_rate silent_close_rate.n", "1/1");
}

static void test_first_contact(void **state)
{
    static const char *const CATEGORIES[] = {"hardware", "unheard of", NULL};
    calendars();
    bench_teams();
    bench_reference(REFERENCE_SITE, INT64_MIN, "H1", "country=US calendar=day");
    tell("10:00 c{channel=phone}; 10:06 call:answered:q12:w60; 10:07 S || 10:00 c{channel=phone}; 10:06 "
         "call:answered:q12:w60; 10:07:00.001 S || 10:00 c{channel=phone}; 10:07 S");
    check("{'metrics': 'first_contact_resolution'}", "first_contact_resolution first_contact_resolution.n",
          "0.5/2");
    tell("10:00 c{channel=email,site=H1,category=hardware}; 11:00 S || 10:00 c{channel=email,site=H1}; 11:00 "
         "S || "
         "10:00 c{channel=email,site=H2}; 11:00 S || 10:00 c{channel=email,site=H1} @D; 11:00 S || 10:00 "
         "c{channel=email,site=H1} @A; 10:30 @D/e; 11:00 S");
    check("{'metrics': 'first_contact_resolution', 'where': 'channel=email'}",
          "first_contact_resolution first_contact_resolution.n first_contact_resolution.censored",
          "0.666667/3/0");
    check_meta("{'metrics': 'first_contact_resolution'}", "left_out.no_calendar", 1);
    bench->context.not_level1 = CATEGORIES;
    check("{'metrics': 'first_contact_resolution', 'where': 'channel=email'}",
          "first_contact_resolution first_contact_resolution.n", "0.5/2");
    check("{'metrics': 'first_contact_resolution', 'now': '2024-01-10'}",
          "first_contact_resolution first_contact_resolution.n first_contact_resolution.censored",
          "null/0/4");
}

static void test_ping_pong(void **state)
{
    bench_teams();
    tell("10:00 c @A; 10:20 @D/e; 10:50 @A; 11:00 S || 10:00 c @A; 10:20 @B; 11:00 S || 10:00 c; 11:00 S");
    check("{'metrics': 'ping_pong_rate,handoffs.sum'}", "ping_pong_rate ping_pong_rate.n handoffs.sum",
          "0.333333/3/3");
}

static void test_contacts(void **state)
{
    tell("|~| 10:00 call:answered:q10{site=H1} |~| 10:01 call:answered:q40{site=H1} |~| 10:02 "
         "call:abandoned:q4{site=H1} |~| 10:03 call:abandoned:q5{site=H1} |~| 10:04 "
         "call:callback:q60{site=H1} |~| 10:05 call:overflow:q9{site=H2} |~| 10:06 call:answered{site=H2}");
    check("{'metrics': 'service_level,abandonment_rate,queue_time,queue_time.p50'}",
          "service_level service_level.n abandonment_rate abandonment_rate.n queue_time queue_time.n "
          "queue_time.p50",
          "0.333333/3/0.25/4/25/2/10");
    check("{'metrics': 'service_level', 'within': '40'}", "service_level", "0.666667");
    check("{'metrics': 'service_level', 'within': '1m'}", "service_level", "0.666667");
    /* each row once, however many metrics leave it out */
    const char *both = "{'metrics': 'service_level,abandonment_rate'}";
    check_meta(both, "left_out.short", 1);
    check_meta(both, "left_out.callback", 1);
    check_meta(both, "left_out.overflow", 1);
    check_meta(both, "left_out.no_queue", 1);
    json_t *answer = ask("{'metrics': 'service_level', 'where': 'site=H1'}");
    assert_null(meta_of(answer, "left_out.overflow"));
    json_decref(answer);
    refuse("{'metrics': 'service_level', 'anchor': 'created'}", "bad_option", "");
    refuse("{'metrics': 'service_level', 'within': 'soon'}", "bad_option", "20");
    refuse("{'metrics': 'queue_time.business'}", "bad_option", "queue_time");
}

static void test_business(void **state)
{
    calendars();
    /* over a weekend; outside hours; at a site without a calendar */
    tell("d4 16:50 c{site=H1}; d7 09:10 > || d5 10:00 c{site=H1}; d5 11:00 O || 10:00 c{site=H2}; 11:00 > S");
    check("{'metrics': 'first_response_time.business,first_response_time'}",
          "first_response_time.business first_response_time.business.n first_response_time "
          "first_response_time.n",
          "1200/1/117600/2");
    check("{'metrics': 'time_to_acknowledge.business,time_to_acknowledge', 'since': '2024-01-13'}",
          "time_to_acknowledge.business time_to_acknowledge", "600/117600");
    check_meta("{'metrics': 'first_response_time.business.p50'}", "left_out.no_calendar", 1);
    check("{'metrics': 'full_resolution_time.business,support_work_time.business', 'by': 'site'}",
          "site full_resolution_time.business support_work_time.business", "");
    tell("10:00 c{site=H1}; 10:10 O; 10:30 P; 11:00 S; d1 11:00 O; d1 11:20 S");
    check("{'metrics': "
          "'pending_time.business.sum,support_work_time.business.sum,full_resolution_time.business.max'}",
          "pending_time.business.sum support_work_time.business.sum full_resolution_time.business.max",
          "1800/3000/33600");
    refuse("{'metrics': 'first_response_time', 'calendar_rule': 'last'}", "bad_option",
           "first_response_time.business");
    refuse("{'metrics': 'first_response_time.business', 'calendar_rule': 'lst'}", "bad_option", "last");
}

static void test_calendar_rule(void **state)
{
    /* case: the version in force changes between question and answer */
    bench_calendar("desk", INT64_MIN, "{\"zone\": \"America/Chicago\", \"hours\": \"daily 07:00-21:00\"}");
    bench_calendar("desk", INT64_C(1601492485000),
                   "{\"zone\": \"America/Los_Angeles\", \"hours\": \"mon-fri 08:00-17:30\"}");
    bench_reference(REFERENCE_SITE, INT64_MIN, "H1", "country=US calendar=desk");
    /* d-1196 is 2020-09-29 */
    tell("d-1196 17:01:38 c{site=H1} <; d-1195 19:01:46 >; d-1194 15:03:44 > S");
    check("{'metrics': 'first_response_time.business,first_resolution_time.business'}",
          "first_response_time.business first_resolution_time.business", "57608/77526");
    const char *last = "{'metrics': 'first_response_time.business,first_resolution_time.business', "
                       "'calendar_rule': 'last'}";
    check(last, "first_response_time.business first_resolution_time.business", "41408/61326");
    json_t *answer = ask(last);
    assert_string_equal(json_string_value(meta_of(answer, "calendar_rule")), "last");
    json_decref(answer);
}

static void test_business_age(void **state)
{
    calendars();
    tell("10:00 c{site=H1} || d1 10:00 c{site=H1} || 10:00 c{site=H1}; d1 11:00 S || 10:00 c{site=H2}");
    check("{'metrics': 'backlog_age,backlog_age.business,backlog_age.business.p50', 'at': "
          "'2024-01-10T10:00:00Z', 'where': 'site=H1'}",
          "backlog_age backlog_age.n backlog_age.business backlog_age.business.n backlog_age.business.p50",
          "129600/2/43200/2/28800");
    check_meta("{'metrics': 'backlog_age.business', 'at': '2024-01-10T10:00:00Z'}", "left_out.no_calendar",
               1);
    /* a span is one row at each instant; today's site does not change whose hours ran */
    tell("10:00 c{site=H1,product=lab}; d1 10:00 u{site=H2}");
    const char *daily = "{'metrics': 'backlog_age.business', 'since': '2024-01-08', 'until': '2024-01-10', "
                        "'every': '1d', 'where': 'product=lab'}";
    check(daily, "backlog_age.business backlog_age.business.n", "25200/1 null/0");
    check("{'metrics': 'backlog_age.business', 'since': '2024-01-08', 'until': '2024-01-10', 'every': '1d', "
          "'where': 'product=lab', 'dims': 'current'}",
          "backlog_age.business backlog_age.business.n", "25200/1 null/0");
    /* all of it by the calendar at the instant */
    tell("10:00 c{site=H2,product=ehr}; d1 10:00 u{site=H1}");
    check("{'metrics': 'backlog_age.business', 'at': '2024-01-09T11:00:00Z', 'where': 'product=ehr'}",
          "backlog_age.business", "null");
    check("{'metrics': 'backlog_age.business', 'at': '2024-01-09T11:00:00Z', 'where': 'product=ehr', "
          "'calendar_rule': 'last'}",
          "backlog_age.business", "32400");
}

static void test_rings(void **state)
{
    tell("[x]10:00 c; 11:00 x:merged>y || [y]10:00 c; 11:00 x:merged>z || [z]10:00 c; 11:00 x:merged>x || "
         "[v]10:00 c; 11:00 x:merged>y || [w]10:00 c; 11:00 x:merged>gone || 10:00 c");
    check("{'metrics': 'tickets_created'}", "tickets_created", "1");
    check_meta("{'metrics': 'tickets_created'}", "data_errors.merge_ring", 3);
    check_meta("{'metrics': 'tickets_created'}", "excluded.merged", 5);
    tell("[z]12:00 x:restored");
    json_t *answer = ask("{'metrics': 'tickets_created'}");
    assert_null(meta_of(answer, "data_errors.merge_ring"));
    json_decref(answer);
}

static void test_excluded_cells(void **state)
{
    bench_teams();
    tell("10:00 c{vendor=north} @A; 11:00 > S; 12:00 x:spam || 10:00 c{vendor=south} @A; 11:00 > S");
    static const char *const METRICS[] = {"time_to_acknowledge", "handling_time",       "one_touch_rate",
                                          "ping_pong_rate",      "first_response_time", "escalation_rate"};
    for (size_t i = 0; i < sizeof(METRICS) / sizeof(METRICS[0]); i++) {
        char text[160];
        (void)snprintf(text, sizeof(text), "{'metrics': '%s', 'by': 'vendor'}", METRICS[i]);
        json_t *answer = ask(text);
        const json_t *row = json_array_get(json_object_get(answer, "rows"), 0);
        assert_string_equal(json_string_value(json_object_get(row, "vendor")), "north");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "excluded"), "spam")), 1);
        assert_int_equal(json_integer_value(meta_of(answer, "excluded_by_source.desk.spam")), 1);
        json_decref(answer);
    }
}

/* --- catalogue, documentation and engine
 * ------------------------------------------------------------------------------ */

/* Every metric of the table answers, on each of its clocks and with each of its statistics. */
static void test_all_answer(void **state)
{
    const struct metric *m;
    calendars();
    tell("10:00 c{site=H1}; 10:30 > S");
    for (size_t i = 0; (m = metric_at(i)); i++) {
        char text[200], key[100];
        if (m->is_hidden)
            continue;
        /* the share of which answer must be said */
        bool is_of_answer = strcmp(m->name, "survey_share") == 0;
        (void)snprintf(text, sizeof(text), "{'metrics': '%s'%s}", m->name,
                       is_of_answer ? ", 'where': 'choice=yes'" : "");
        json_t *answer = ask(text);
        assert_int_equal(json_array_size(json_object_get(answer, "rows")), 1);
        const json_t *row = json_array_get(json_object_get(answer, "rows"), 0);
        assert_non_null(json_object_get(row, m->name));
        (void)snprintf(key, sizeof(key), "%s.n", m->name);
        assert_true(json_is_number(json_object_get(row, key)));
        for (unsigned k = 0; k < METRIC_BESIDE && m->beside[k]; k++) {
            (void)snprintf(key, sizeof(key), "%s.%s", m->name, m->beside[k]);
            assert_true(json_is_integer(json_object_get(row, key)));
        }
        json_decref(answer);
        for (const char *const *s = metric_statistics(m); *s; s++) {
            const char *statistic = strcmp(*s, "pNN") == 0 ? "p50" : *s;
            (void)snprintf(text, sizeof(text), "{'metrics': '%s.%s'}", m->name, statistic);
            json_decref(ask(text));
            (void)snprintf(text, sizeof(text), "{'metrics': '%s.business.%s'}", m->name, statistic);
            if (metric_has_business(m))
                json_decref(ask(text));
            else if (m->kind == METRIC_DURATION)
                refuse(text, "bad_option", m->name);
        }
    }
}

/* However it is asked, a metric reads no table that its view was not opened with. */
static void test_all_tables_are_asked_for(void **state)
{
    static const char *const WAYS[] = {
        "",
        ", 'by': 'team'",
        ", 'where': 'site=H1', 'since': '2024-01-01', 'until': '2024-02-01'",
        ", 'by': 'team', 'since': '2024-01-01', 'every': '1w'",
        ", 'every': '1mo'",
        ", 'anchor': 'created'",
        ", 'anchor': 'created', 'by': 'site', 'every': '1mo'",
        ", 'dims': 'current', 'by': 'team'",
        ", 'unit': 'site'",
        ", 'unit': 'org'",
        ", 'since': '1990-01-01', 'until': '1990-02-01'", /* nothing is there: the answer says what there is
                                                           */
        ", 'where': 'choice=yes'",
        ", 'explain': true",
    };
    const struct metric *m;
    unsigned n_answered = 0;
    (void)state;
    calendars();
    bench_teams();
    tell("10:00 c{site=H1} @A; 10:30 > S; 11:00 q:4/1-5 || 10:00 c [B]; 10:10 x:merged>A");
    tell("|~| 10:00 sent{site=H1,respondent=r} |~| 10:05 a:yes{site=H1,respondent=r} |~| 10:00 "
         "call:answered:q10{site=H1}");
    for (size_t i = 0; (m = metric_at(i)); i++)
        for (size_t k = 0; k < sizeof(WAYS) / sizeof(*WAYS) && !m->is_hidden; k++)
            for (unsigned business = 0; business <= metric_has_business(m); business++) {
                char text[300];
                struct error err = ERROR_INIT;
                json_t *answer = NULL;
                (void)snprintf(text, sizeof(text), "{'metrics': '%s%s'%s}", m->name,
                               business ? ".business" : "", WAYS[k]);
                json_t *request = request_of(text);
                int r = query_run(&bench->context, request, &answer, &err);
                if (r < 0 && strcmp(err.code, "store_failed") == 0)
                    fail_msg("%s: %s", text, err.message);
                n_answered += r == 0;
                json_decref(answer);
                json_decref(request);
            }
    print_message("%u of these questions are answered\n", n_answered);
    assert_true(n_answered > 300);
}

/* And stands in the manual with its version, definition, options and what it leaves out. */
static void test_all_documented(void **state)
{
    static char manual[1 << 17], plain[1 << 17];
    FILE *f = fopen(METRICS_MAN, "re");
    assert_non_null(f);
    size_t n = fread(manual, 1, sizeof(manual) - 1, f), at = 0;
    assert_true(n > 0 && n < sizeof(manual) - 1);
    (void)fclose(f);
    for (size_t i = 0; i < n; i++)
        if (manual[i] != '\\')
            plain[at++] = manual[i];
    const struct metric *m;
    for (size_t i = 0; (m = metric_at(i)); i++) {
        char head[100];
        if (m->is_hidden)
            continue;
        (void)snprintf(head, sizeof(head), "*%s* (version %u)", m->name, m->version);
        const char *entry = strstr(plain, head);
        if (!entry || !strstr(entry, m->definition))
            fail_msg("tendon-metrics(7) does not define %s", m->name);
        const char *end = strstr(entry, "\n\n*");
        for (unsigned k = 0; k < LEFT_OUT_N; k++) {
            const char *why = m->left_out & 1u << k ? strstr(entry, left_out_why(k)) : entry;
            if (!why || (end && why > end))
                fail_msg("tendon-metrics(7) does not say that %s leaves out %s", m->name, left_out_name(k));
        }
    }
}

static void test_catalogue(void **state)
{
    struct error err = ERROR_INIT;
    json_t *list = metric_catalogue(), *one, *entry;
    size_t i;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        assert_string_equal(metric_find(name, strlen(name))->name, name);
        assert_true(strlen(json_string_value(json_object_get(entry, "definition"))) > 40);
        assert_true(json_integer_value(json_object_get(entry, "version")) >= 1);
    }
    json_decref(list);
    assert_int_equal(metric_show("csat", &one, &err), 0);
    assert_int_equal(json_object_size(json_object_get(one, "options")), 3);
    json_decref(one);
    assert_int_equal(metric_show("csta", &one, &err), -ENOENT);
    assert_string_equal(err.code, "unknown_metric");
    assert_string_equal(err.hint, "did you mean csat?");
    assert_int_equal(metric_show("open_now", &one, &err), -ENOENT);
    /* What the table says must fit the facts. */
    const struct metric *m;
    for (i = 0; (m = metric_at(i)); i++) {
        assert_true(m->completed < FACT_TABLE_INFO[m->table].n_values);
        assert_true((m->kind == METRIC_RATIO) == (m->trial != TRIAL_NONE));
        assert_true((m->kind == METRIC_DURATION || m->kind == METRIC_MEAN || m->kind == METRIC_SCORE) ==
                    (m->values[METRIC_WALL].is != VALUE_OF_NOTHING));
        for (unsigned k = 0; k < METRIC_CONDITIONS; k++)
            assert_true(m->conditions[k].column < FACT_TABLE_INFO[m->table].n_values);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(metric_at(k)->name, m->name);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_next_response),
        TEST(test_acknowledgement),
        TEST(test_handling),
        TEST(test_touches),
        TEST(test_silent_source),
        TEST(test_first_contact),
        TEST(test_ping_pong),
        TEST(test_contacts),
        TEST(test_business),
        TEST(test_calendar_rule),
        TEST(test_business_age),
        TEST(test_rings),
        TEST(test_excluded_cells),
        TEST(test_all_answer),
        TEST(test_all_tables_are_asked_for),
        cmocka_unit_test(test_all_documented),
        cmocka_unit_test(test_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
