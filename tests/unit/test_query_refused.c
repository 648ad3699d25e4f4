/* What queries refuse, and how: each in a sentence, with the nearest right thing as its hint. */
#include "tests/unit/query_bench.h"

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
    refuse("{'metrics': 'outsourced_share', 'unit': 'respondent'}", "bad_option", "");
    refuse("{'metrics': 'outsourced_share', 'threshold': '0.5'}", "bad_option", "");
    refuse("{'metrics': 'outsourced_share', 'unit': 'site', 'threshold': '1.5'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'reopen_window': '14d'}", "bad_option", "");
    refuse("{'metrics': 'reopen_rate', 'reopen_window': 'long'}", "bad_option", "14d");
    refuse("{'metrics': 'tickets_created', 'within': '20'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'calendar_rule': 'last'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'since': 'yesterday'}", "bad_period", "90d");
    refuse("{'metrics': 'tickets_created', 'dims': 'past'}", "bad_option", "current");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
