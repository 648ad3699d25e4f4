/* What queries refuse, and how: each in a sentence, with the nearest right thing as its hint. */
#include "tests/unit/query_bench.h"

#include <string.h>

static void test_refused(void **state)
{
    refuse("{'metrics': 'ticket_created'}", "unknown_metric", "tickets_created");
    refuse("{'metrics': []}", "unknown_metric", "");
    refuse("{}", "unknown_metric", "");
    refuse("{'metrics': 'open_now'}", "unknown_metric", "");
    refuse("{'metrics': 'tickets_created.p50'}", "unknown_statistic", "is a count");
    refuse("{'metrics': 'csat.avg'}", "unknown_statistic", "interval");
    refuse("{'metrics': 'full_resolution_time.p101'}", "unknown_statistic", "p100");
    refuse("{'metrics': 'full_resolution_time.'}", "unknown_statistic", "");
    refuse("{'metrics': 'full_resolution_time.wall.wall'}", "bad_option",
           "did you mean full_resolution_time.wall?");
    refuse("{'metrics': 'full_resolution_time.business.wall.p90'}", "bad_option",
           "did you mean full_resolution_time.business.p90?");
    refuse("{'metrics': 'full_resolution_time.mx'}", "unknown_statistic", "max");
    refuse("{'metrics': 'full_resolution_time.business.p50'}", "no_calendar", "tendon calendar import");
    refuse("{'metrics': 'tickets_created.business'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'by': 'vendr'}", "unknown_dimension", "vendor");
    refuse("{'metrics': 'tickets_created', 'by': 'question'}", "unknown_dimension", "");
    refuse("{'metrics': 'tickets_created', 'where': 'instrument=csat'}", "unknown_dimension", "");
    refuse("{'metrics': 'tickets_created', 'where': 'vendor='}", "bad_expression", "");
    refuse("{'metrics': 'tickets_created', 'tz': 'Amerika/Chicago'}", "unknown_zone", "America/Chicago");
    refuse("{'metrics': 'tickets_created', 'evry': '1d'}", "bad_option", "every");
    refuse("{'metrics': 'tickets_created', 'every': 7}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'at': '2024-01-01'}", "bad_option", "since");
    refuse("{'metrics': 'backlog', 'anchor': 'created'}", "bad_option", "");
    refuse("{'metrics': 'csat', 'anchor': 'created'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'anchor': 'finished'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'unit': 'site'}", "bad_option", "shares");
    refuse("{'metrics': 'outsourced_share', 'unit': 'respondent'}", "bad_option",
           "it takes ticket, site, org");
    refuse("{'metrics': 'outsourced_share', 'threshold': '0.5'}", "bad_option", "");
    refuse("{'metrics': 'outsourced_share', 'unit': 'site', 'threshold': '1.5'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'reopen_window': '14d'}", "bad_option", "");
    refuse("{'metrics': 'reopen_rate', 'reopen_window': 'long'}", "bad_option", "14d");
    refuse("{'metrics': 'tickets_created', 'within': '20'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'calendar_rule': 'last'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'since': 'yesterday'}", "bad_period", "90d");
    refuse("{'metrics': 'tickets_created', 'dims': 'past'}", "bad_option", "current");
}

/* A clock or statistic that the metric does not have. */
static void test_clocks(void **state)
{
    refuse("{'metrics': 'full_resolution_time.busines.p50'}", "bad_option",
           "full_resolution_time.business.p50");
    refuse("{'metrics': 'full_resolution_time.p90.business'}", "unknown_statistic",
           "full_resolution_time.business.p90");
    refuse("{'metrics': 'full_resolution_time.p99.9.wall'}", "unknown_statistic",
           "full_resolution_time.wall.p99.9");
    refuse("{'metrics': 'sla_breach_time.business'}", "bad_option", "ask for sla_breach_time");
    refuse("{'metrics': 'queue_time.business.p90'}", "bad_option", "ask for queue_time");
    refuse("{'metrics': 'reopen_rate.business'}", "bad_option", "");
    refuse("{'metrics': 'handoffs.business'}", "bad_option", "");
    refuse("{'metrics': 'handling_time.business.p0'}", "unknown_statistic", "p0.001");
    refuse("{'metrics': 'full_resolution_time', 'calendar_rule': 'last'}", "bad_option",
           "full_resolution_time.business");
    refuse("{'metrics': 'full_resolution_time.business', 'calendar_rule': 'first'}", "bad_option", "last");
}

/* An option that none of the metrics reads: the hint names those that do. */
static void test_options(void **state)
{
    refuse("{'metrics': 'handoffs', 'within': '20'}", "bad_option", "service_level");
    refuse("{'metrics': 'handoffs', 'reopen_window': '14d'}", "bad_option", "reopen_rate");
    refuse("{'metrics': 'handoffs', 'threshold': '0.5'}", "bad_option", "outsourced_share");
    refuse("{'metrics': 'handoffs', 'instrument': 'csat'}", "bad_option", "csat");
    refuse("{'metrics': 'service_level', 'within': '3d'}", "bad_option", "seconds");
    refuse("{'metrics': 'service_level', 'within': ''}", "bad_option", "seconds");
    refuse("{'metrics': 'service_level', 'anchor': 'created'}", "bad_option", "tickets_created");
}

/* A dimension that the metric's rows do not have: the hint names the metrics that have it. */
static void test_dimensions(void **state)
{
    refuse("{'metrics': 'first_response_time', 'by': 'instrument'}", "unknown_dimension", "csat");
    refuse("{'metrics': 'csat', 'by': 'policy'}", "unknown_dimension", "sla_attainment");
    refuse("{'metrics': 'tickets_created,sla_attainment', 'where': 'sla_metric=first_response_time'}",
           "unknown_dimension", "sla_attainment, sla_breach_time");
    refuse("{'metrics': 'sla_attainment', 'where': 'sla_metric=first_respons_time'}", "bad_expression",
           "first_response_time");
    json_decref(ask("{'metrics': 'sla_attainment', 'by': 'policy,sla_metric,sla_clock'}"));
}

static void warned(const char *request, const char *words)
{
    json_t *answer = ask(request);
    const json_t *warnings = meta_of(answer, "warnings");
    const char *text = json_string_value(json_array_get(warnings, 0));
    if (!words ? json_array_size(warnings) != 0 : !text || !strstr(text, words))
        fail_msg("%s: warned of %s", request, text ? text : "nothing");
    json_decref(answer);
}

/* A value that nothing has: of a closed list refused, else a warning with the nearest one. */
static void test_unknown_values(void **state)
{
    bench_teams();
    tell("10:00 c{vendor=north,site=H1} @A; 11:00 S");
    refuse("{'metrics': 'tickets_created', 'where': 'channel=phon'}", "bad_expression", "phone");
    refuse("{'metrics': 'tickets_created', 'where': 'severity=7'}", "bad_expression", "");
    refuse("{'metrics': 'tickets_created', 'where': 'support_model=outsorced'}", "bad_expression",
           "outsourced");
    warned("{'metrics': 'tickets_created', 'where': 'vendor=nort'}", "did you mean north?");
    warned("{'metrics': 'tickets_created', 'where': 'employer=acm'}", "did you mean acme?");
    warned("{'metrics': 'tickets_created', 'where': 'site in (H1, H77)'}", "H77");
    warned("{'metrics': 'tickets_created', 'where': 'vendor=north'}", NULL);
    tell("|~| 10:00 q:4/1-5{instrument=panel,question=speed,site=H1}");
    warned("{'metrics': 'csat', 'instrument': 'pannel'}", "did you mean panel?");
    warned("{'metrics': 'csat', 'instrument': 'panel', 'question': 'sped'}", "did you mean speed?");
}

/* A period in which nothing is, and one that is none. */
static void test_empty_periods(void **state)
{
    warned("{'metrics': 'tickets_created', 'since': '2024-01-01'}", "nothing is there yet");
    tell("10:00 c; d2 11:00 S");
    refuse("{'metrics': 'resolutions', 'since': '2024-02-01', 'until': '2024-01-01'}", "bad_period",
           "exchange");
    refuse("{'metrics': 'resolutions', 'since': '2024-02-01', 'until': '2024-02-01'}", "bad_period", "next");
    warned("{'metrics': 'resolutions', 'since': '2024-02-01'}",
           "from 2024-01-10T11:00:00Z to 2024-01-10T11:00:00Z");
    warned("{'metrics': 'tickets_created,resolutions', 'until': '2024-01-01'}",
           "from 2024-01-08T10:00:00Z to 2024-01-10T11:00:00Z");
    warned("{'metrics': 'resolutions', 'since': '2024-01-09'}", NULL);
    warned("{'metrics': 'resolutions', 'since': '2024-01-10', 'where': 'vendor is not null'}", NULL);
    warned("{'metrics': 'backlog', 'until': '2024-01-01'}", NULL); /* 0 is what there was */
    refuse("{'metrics': 'resolutions', 'tz': 'Europe/Lundon'}", "unknown_zone", "Europe/London");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused),    TEST(test_clocks),         TEST(test_options),
        TEST(test_dimensions), TEST(test_unknown_values), TEST(test_empty_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
