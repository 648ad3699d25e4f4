/* Queries over a real store: small worked examples, written as events and as what is asked of them. */
#include "tests/unit/query_bench.h"

#include <stdio.h>
#include <string.h>

/* --- metrics
 * ----------------------------------------------------------------------------------------------------- */

static void test_flows(void **state)
{
    tell("10:00 c; d1 10:00 S; d2 10:00 O; d28 10:00 S");
    check("{'metrics': ['tickets_created', 'resolutions', 'reopens', 'tickets_solved'], 'every': '1mo',"
          " 'since': '2024-01-01', 'until': '2024-03-01'}",
          "period tickets_created resolutions reopens tickets_solved partial",
          "2024-01-01T00:00:00Z/1/1/1/0/no 2024-02-01T00:00:00Z/0/1/0/1/no");
    check("{'metrics': 'backlog', 'every': '1mo', 'since': '2024-01-01', 'until': '2024-03-01'}",
          "backlog.opening backlog backlog.n", "0/1/1 1/0/0");
    check("{'metrics': 'backlog'}", "backlog backlog.opening", "0/(no backlog.opening)");
    check("{'metrics': 'backlog', 'at': '2024-01-08T10:00:00Z'}", "backlog", "1");
    check("{'metrics': 'backlog', 'at': '2024-01-08T09:59:59.999Z'}", "backlog", "0");
    check("{'metrics': 'backlog', 'at': '2024-01-09T10:00:00Z'}", "backlog", "0");
    check("{'metrics': 'backlog', 'at': '2024-01-09T09:59:59.999Z'}", "backlog", "1");
    /* Where it runs still, a period closes at the present. */
    check("{'metrics': 'backlog', 'every': '1mo', 'since': '2024-01-01', 'until': '2024-03-01',"
          " 'now': '2024-01-09T12:00:00Z'}",
          "backlog.opening backlog partial", "0/0/yes 0/0/yes");
}

static void test_backlog_over_days(void **state)
{
    tell("10:00 c{vendor=acme}; d3 10:00 S; d4 10:00 O || d1 10:00 c{vendor=acme} || 10:00 c{vendor=acme}; "
         "d3 09:00 x:spam");
    check("{'metrics': 'backlog', 'every': '1d', 'since': '2024-01-07', 'until': '2024-01-14'}",
          "backlog.opening backlog", "0/0 0/1 1/2 2/2 2/1 1/2 2/2");
    /* Reopenings are part of the balance: nothing moved. */
    check("{'metrics': 'backlog', 'where': 'vendor=acme', 'every': '1w', 'since': '2024-01-08', 'until': "
          "'2024-01-22'}",
          "backlog.opening backlog backlog.moved", "0/2/0 2/2/0");
    json_t *answer =
        ask("{'metrics': 'backlog', 'every': '1d', 'since': '2024-01-07', 'until': '2024-01-14'}");
    const json_t *row;
    size_t i, n_days = 0;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        n_days += json_object_get(json_object_get(row, "excluded"), "spam") != NULL;
    }
    assert_int_equal(n_days, 6); /* it would have been active on every day from its creation on */
    json_decref(answer);
}

static void test_durations(void **state)
{
    tell("10:00 c; 10:00:00.600 O; 10:00:01.400 H; 10:00:02.300 S");
    check("{'metrics': ['support_work_time', 'hold_time', 'requester_wait_time', 'first_resolution_time']}",
          "support_work_time hold_time requester_wait_time first_resolution_time", "1.4/0.9/2.3/2.3");
    tell("10:00 c; 10:10 O; 10:30 P; 11:00 S; d1 11:00 O; d1 11:20 S");
    check("{'metrics': ['pending_time.max', 'support_work_time.max', 'requester_wait_time.max', "
          "'hold_time.max',"
          " 'full_resolution_time.max', 'first_resolution_time.max', 'full_resolution_time.count']}",
          "pending_time.max support_work_time.max requester_wait_time.max hold_time.max "
          "full_resolution_time.max"
          " first_resolution_time.max full_resolution_time.count",
          "1800/3000/3000/0.9/91200/3600/2");
    /* Averages are rounded once, from the sum: (2.300 + 91,200.000) / 2. */
    check(
        "{'metrics': ['full_resolution_time', 'full_resolution_time.wall.avg', 'full_resolution_time.sum',"
        " 'full_resolution_time.min', 'full_resolution_time.p50', 'full_resolution_time.p50.1']}",
        "full_resolution_time full_resolution_time.wall.avg full_resolution_time.sum full_resolution_time.min"
        " full_resolution_time.p50 full_resolution_time.p50.1",
        "45601.2/45601.2/91202.3/2.3/2.3/91200");
}

static void test_response(void **state)
{
    tell("10:00 c <; 10:25 > || 10:00 c <; 10:00:05 >~; 10:10 >-; 10:30 > || 10:00 c!; 10:01 >; 12:00 S");
    check("{'metrics': ['first_response_time.p50', 'first_response_time.p90', 'first_response_time']}",
          "first_response_time.p50 first_response_time.p90 first_response_time first_response_time.n",
          "1500/1800/1650/2");
    check("{'metrics': 'first_response_time', 'since': '2025-01-01', 'now': '2025-02-01T00:00:00Z'}",
          "first_response_time first_response_time.n", "null/0");
}

/* Percentiles that were asked together, in any order and twice at one rank. */
static void test_percentiles(void **state)
{
    tell("10:00 c; 10:07 S || 10:00 c; 10:03 S || 10:00 c; 10:01 S || 10:00 c; 10:10 S || 10:00 c; 10:05 S ||"
         "10:00 c; 10:02 S || 10:00 c; 10:09 S || 10:00 c; 10:04 S || 10:00 c; 10:08 S || 10:00 c; 10:06 S");
    check("{'metrics': ['full_resolution_time.p90', 'full_resolution_time.p50', 'full_resolution_time.p50.0',"
          " 'full_resolution_time.p49.9', 'full_resolution_time.p99', 'full_resolution_time.p7']}",
          "full_resolution_time.p90 full_resolution_time.p50 full_resolution_time.p50.0 "
          "full_resolution_time.p49.9"
          " full_resolution_time.p99 full_resolution_time.p7",
          "540/300/300/300/600/60");
}

static void test_inferred(void **state)
{
    tell("10:00 O; 12:00 S || 10:00 c; 10:30 S");
    check("{'metrics': ['tickets_created', 'resolutions', 'tickets_solved', 'full_resolution_time']}",
          "tickets_created resolutions tickets_solved full_resolution_time full_resolution_time.n",
          "2/2/2/1800/1");
    check_meta("{'metrics': 'tickets_created'}", "inferred", 1);
    check_meta("{'metrics': 'full_resolution_time'}", "inferred", 1);
    check_meta("{'metrics': 'tickets_created', 'since': '2025-01-01'}", "inferred", 0);
    tell("10:00 O");
    check("{'metrics': ['backlog', 'backlog_age']}", "backlog backlog_age backlog_age.n", "1/null/0");
}

static void test_backlog_age(void **state)
{
    tell("10:00 c || d1 10:00 c || 10:00 c; d1 11:00 S");
    check("{'metrics': ['backlog_age', 'backlog_age.p50', 'backlog_age.max', 'backlog'],"
          " 'at': '2024-01-10T10:00:00Z'}",
          "backlog_age backlog_age.p50 backlog_age.max backlog_age.n backlog", "129600/86400/172800/2/2");
    check("{'metrics': 'backlog_age.min', 'every': '1d', 'since': '2024-01-08', 'until': '2024-01-10'}",
          "backlog_age.min backlog_age.min.n", "50400/2 50400/2");
}

static void test_as_of_dimensions(void **state)
{
    tell("10:00 c{severity=3}; d1 10:00 u{severity=2}; d2 10:00 S");
    check("{'metrics': 'tickets_created', 'by': ['severity']}", "severity tickets_created", "3/1");
    check("{'metrics': 'tickets_created', 'by': ['severity'], 'dims': 'current'}", "severity tickets_created",
          "2/1");
    check("{'metrics': 'full_resolution_time', 'by': ['severity']}", "severity full_resolution_time",
          "2/172800");
    check("{'metrics': 'backlog', 'by': ['severity'], 'at': '2024-01-08T12:00:00Z'}", "severity backlog",
          "3/1");
    check("{'metrics': 'backlog', 'by': ['severity'], 'at': '2024-01-09T12:00:00Z'}", "severity backlog",
          "2/1");
    check("{'metrics': 'backlog', 'by': ['severity'], 'at': '2024-01-08T12:00:00Z', 'dims': 'current'}",
          "severity backlog", "2/1");
    /* What moved between groups while it was active is said, and balances each. */
    check("{'metrics': 'backlog', 'by': ['severity'], 'every': '1d', 'since': '2024-01-08',"
          " 'until': '2024-01-11'}",
          "severity backlog.opening backlog backlog.moved",
          "2/0/0/0 2/0/1/1 2/1/0/0 3/0/1/0 3/1/0/-1 3/0/0/0");
    check("{'metrics': 'backlog', 'where': 'severity=3', 'since': '2024-01-08', 'until': '2024-01-10'}",
          "backlog.opening backlog backlog.moved", "0/0/-1");
    check("{'metrics': 'backlog', 'since': '2024-01-08', 'until': '2024-01-10'}", "backlog backlog.moved",
          "1/(no backlog.moved)");
}

static void test_exclusions(void **state)
{
    tell("10:00 c{vendor=acme}; 12:00 S || 10:05 c{vendor=acme}; 10:20 S; 10:25 O; 10:30 x:merged"
         " || 10:00 c{vendor=bolt}; 11:00 x:spam || 10:00 c{vendor=bolt}; 11:00 x:spam; 11:01 x:restored");
    check("{'metrics': ['tickets_created', 'resolutions']}", "tickets_created resolutions", "2/1");
    check_meta("{'metrics': ['tickets_created', 'resolutions', 'reopens']}", "excluded.merged", 1);
    check_meta("{'metrics': ['tickets_created', 'resolutions']}", "excluded.spam", 1);
    check_meta("{'metrics': 'resolutions'}", "excluded_by_source.desk.merged", 1);
    json_t *answer = ask("{'metrics': ['tickets_created', 'resolutions'], 'by': ['vendor']}");
    char *rows = json_dumps(json_object_get(answer, "rows"), JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(
        rows, "[{\"excluded\":{\"merged\":1},\"resolutions\":1,\"resolutions.n\":1,"
              "\"tickets_created\":1,\"tickets_created.n\":1,\"vendor\":\"acme\"},"
              "{\"excluded\":{\"spam\":1},\"resolutions\":0,\"resolutions.n\":0,\"tickets_created\":1,"
              "\"tickets_created.n\":1,\"vendor\":\"bolt\"}]");
    free(rows);
    json_decref(answer);
    check("{'metrics': 'backlog', 'at': '2024-01-08T10:20:00Z'}", "backlog", "2");
}

static void test_reopen_rate(void **state)
{
    tell("10:00 c; 11:00 S; d1 10:00 O; d1 12:00 S");
    check("{'metrics': ['reopen_rate', 'tickets_solved']}",
          "reopen_rate reopen_rate.low reopen_rate.high reopen_rate.n reopen_rate.censored tickets_solved",
          "0.5/0.0945312/0.905469/2/0/1");
    check("{'metrics': 'reopen_rate', 'now': '2024-01-22T11:00:00Z'}",
          "reopen_rate reopen_rate.n reopen_rate.censored", "1/1/1");
    check("{'metrics': 'reopen_rate', 'now': '2024-01-22T10:59:59.999Z'}",
          "reopen_rate reopen_rate.low reopen_rate.n reopen_rate.censored", "null/null/0/2");
    check("{'metrics': 'reopen_rate', 'reopen_window': '22h'}", "reopen_rate reopen_rate.n", "0/2");
    tell("10:00 c; 11:00 S; d14 11:00 O || 10:00 c; 11:00 S; d14 11:00:00.001 O");
    check("{'metrics': 'reopen_rate', 'since': '2024-01-08', 'until': '2024-01-09'}",
          "reopen_rate.n reopen_rate", "3/0.666667");
}

static void test_teams(void **state)
{
    bench_teams();
    tell("10:00 c @A; 10:20 @D/e; 10:50 @A; 11:00 S || 10:00 c @A; 10:20 @B; 11:00 S || 10:00 c @D; 10:20 "
         "@A; 11:00 S"
         " || 10:00 c; 11:00 S");
    check("{'metrics': ['escalation_rate', 'handoffs', 'handoffs.max', 'handoffs.sum']}",
          "escalation_rate.n escalation_rate handoffs handoffs.n handoffs.max handoffs.sum",
          "3/0.666667/1/4/2/4");
    check("{'metrics': 'tickets_solved', 'by': ['support_model', 'tier']}",
          "support_model tier tickets_solved", "direct/1/2 outsourced/1/1 null/null/1");
    check("{'metrics': 'tickets_solved', 'by': 'employer', 'where': 'team is not null'}",
          "employer tickets_solved", "acme/2 bpo/1");
}

static void test_shares(void **state)
{
    bench_teams();
    tell("10:00 c{site=H1} @B; 11:00 S || 10:00 c{site=H1} @B; 11:00 S || 10:00 c{site=H1} @A; 11:00 S ||"
         " 10:00 c{site=H2} @A; 11:00 S || 10:00 c{site=H3}; 11:00 S");
    check("{'metrics': 'outsourced_share'}", "outsourced_share outsourced_share.n outsourced_share.unknown",
          "0.5/4/1");
    check("{'metrics': 'outsourced_share', 'unit': 'site', 'threshold': '0.5'}",
          "outsourced_share outsourced_share.n outsourced_share.unknown", "0.5/2/1");
    check("{'metrics': 'outsourced_share', 'unit': 'site', 'threshold': '0.67'}",
          "outsourced_share outsourced_share.n", "0/2");
    check("{'metrics': 'outsourced_share', 'unit': 'org'}", "outsourced_share outsourced_share.n", "1/1");
    check("{'metrics': 'outsourced_share', 'by': ['site']}", "site outsourced_share outsourced_share.unknown",
          "H1/0.666667/0 H2/0/0 H3/null/1");
    tell("10:00 c{site=H2} @F; 11:00 S || 10:00 c{site=H2} @M; 11:00 S");
    check("{'metrics': 'offshore_share', 'where': 'site=H2'}",
          "offshore_share offshore_share.low offshore_share.high offshore_share.n",
          "0.333333/0.0614919/0.79234/3");
    check("{'metrics': 'tickets_solved', 'by': 'support_region', 'where': 'site in (H2)'}",
          "support_region tickets_solved", "domestic/1 nearshore/1 offshore/1");
    check("{'metrics': 'tickets_solved', 'where': 'beds>100'}", "tickets_solved", "3");
    check("{'metrics': 'tickets_solved', 'where': 'not beds>100'}", "tickets_solved", "3");
    check("{'metrics': 'tickets_solved', 'where': 'beds is null and facility_kind=clinic'}", "tickets_solved",
          "1");
    check("{'metrics': 'tickets_solved', 'by': ['beds']}", "beds tickets_solved", "100/3 250/3 null/1");
}

/* Reference rows hold from an instant on; a row is judged by those of its own. */
static void test_versions(void **state)
{
    bench_teams();
    bench_reference(REFERENCE_TEAM, D0 + 86400000, "A", "employer=bpo outsourcer=bpo team_country=PH");
    tell(
        "10:00 c{site=H1,team=A}; 11:00 S || 10:00 c{site=H1,team=A}; d1 11:00 S || 10:00 c{site=H1,team=A}");
    check("{'metrics': 'tickets_solved', 'by': ['support_model', 'support_region']}",
          "support_model support_region tickets_solved", "direct/domestic/1 outsourced/offshore/1");
    check("{'metrics': 'tickets_solved', 'by': 'support_model', 'dims': 'current'}",
          "support_model tickets_solved", "outsourced/2");
    /* who solved it is told by the solve, whatever the groups are */
    check("{'metrics': 'outsourced_share', 'by': 'support_model', 'dims': 'current'}",
          "support_model outsourced_share outsourced_share.n", "outsourced/0.5/2");
    check("{'metrics': 'backlog', 'by': 'support_model', 'every': '1d', 'since': '2024-01-08', 'until': "
          "'2024-01-10'}",
          "support_model backlog.opening backlog backlog.moved",
          "direct/0/2/0 direct/2/0/-2 outsourced/0/0/0 outsourced/0/1/2");
    check("{'metrics': 'tickets_solved', 'by': 'tier'}", "tier tickets_solved", "1/1 null/1");
    /* A rating is judged by the tables of the solve that it rates, not of its own day. */
    tell("10:00 c{team=A}; 11:00 S; d1 12:00 q:5/1-5");
    check("{'metrics': 'csat', 'by': 'support_model'}", "support_model csat", "direct/1");
    /* A version holds from its very instant on. */
    tell("10:00 c{team=A}; d1 00:00 S || 10:00 c{team=A}; 23:59:59.999 S");
    check("{'metrics': 'tickets_solved', 'by': 'support_model', 'where': 'site is null'}",
          "support_model tickets_solved", "direct/2 outsourced/1");
}

static void test_ratings(void **state)
{
    tell("10:00 c{vendor=acme}; 11:00 S; 12:00 q:2/1-5; 13:00 q:5/1-5; d1 10:00 O; d1 11:00 S; d1 12:00 "
         "q:1/1-5");
    check("{'metrics': ['csat', 'dissatisfaction']}", "csat csat.n dissatisfaction", "0.5/2/0.5");
    check("{'metrics': 'csat', 'by': 'vendor', 'every': '1d'}", "vendor period csat csat.n",
          "acme/2024-01-08T00:00:00Z/1/1 acme/2024-01-09T00:00:00Z/0/1");
    /* Without a ticket: the last of each site, respondent and question in the period. */
    tell("10:00 c |~| 14:00 q:5/1-5{site=H1,respondent=r1,question=help};"
         " 15:00 q:1/1-5{site=H1,respondent=r1,question=help};"
         " 15:00 q:3/1-5{site=H1,respondent=r2,question=help};"
         " d1 15:00 q:5/1-5{site=H1,respondent=r1,question=help};"
         " 15:00 q:5/1-5{site=H1,respondent=r3,question=help,rater_relation=reseller};"
         " 15:00 q:5/1-5{site=H1,question=help} q:4/1-5{site=H1,question=help}");
    check("{'metrics': 'csat', 'question': 'help'}", "csat.n csat", "4/0.75");
    check("{'metrics': 'csat', 'question': 'help', 'every': '1d'}", "csat.n csat", "2/0 3/1");
    check_meta("{'metrics': ['csat', 'dissatisfaction'], 'question': 'help'}", "left_out.reseller", 1);
    /* The last is chosen before the condition is looked at. */
    check("{'metrics': 'csat', 'question': 'help', 'until': '2024-01-09', 'where': 'site=H1'}", "csat.n",
          "2");
    check("{'metrics': 'csat', 'by': 'question'}", "question csat.n", "help/4 null/2");
    check("{'metrics': 'csat', 'question': 'help', 'unit': 'site'}", "csat.n csat", "1/0.75");
    check("{'metrics': 'csat', 'question': 'help', 'unit': 'respondent'}", "csat.n csat", "4/0.75");
    json_t *answer = ask("{'metrics': 'csat', 'instrument': 'cast'}");
    assert_int_equal(json_array_size(meta_of(answer, "warnings")), 1);
    json_decref(answer);
}

static void test_questions_of_tickets(void **state)
{
    tell("10:00 c; 11:00 S; 12:00 q:5/1-5{question=speed}; 12:01 q:1/1-5{question=care}");
    check("{'metrics': 'csat'}", "csat.n csat", "1/0");
    check("{'metrics': 'csat', 'question': 'speed'}", "csat.n csat", "1/1");
    check("{'metrics': 'csat', 'by': 'question'}", "question csat.n csat", "care/1/0 speed/1/1");
    check("{'metrics': 'csat', 'where': 'question=speed'}", "csat.n csat", "1/1");
    tell("10:00 c; 11:00 S; 12:00 q:10/0-10{instrument=nps}");
    check("{'metrics': 'csat'}", "csat.n", "1");
    check("{'metrics': 'csat', 'instrument': 'nps'}", "csat.n csat", "1/1");
    check("{'metrics': 'csat', 'by': 'instrument'}", "instrument csat.n", "csat/1 nps/1");
}

static void test_orphans(void **state)
{
    tell("10:00 q:5/1-5");
    check("{'metrics': ['tickets_created', 'backlog']}", "tickets_created backlog", "0/0");
    check_meta("{'metrics': 'tickets_created'}", "orphans", 1);
    check_meta("{'metrics': 'tickets_created'}", "conflicts", 0);
}

static void test_cohorts(void **state)
{
    tell(
        "10:00 c{vendor=acme}; d40 11:00 S || 10:00 c{vendor=acme} || d40 10:00 c{vendor=bolt}; d40 11:00 S");
    check("{'metrics': 'full_resolution_time', 'anchor': 'created', 'every': '1mo'}",
          "period full_resolution_time.n full_resolution_time.open",
          "2024-01-01T00:00:00Z/1/1 2024-02-01T00:00:00Z/1/0");
    check("{'metrics': 'full_resolution_time', 'every': '1mo'}",
          "full_resolution_time.n full_resolution_time.open", "2/(no full_resolution_time.open)");
    check("{'metrics': 'tickets_solved', 'anchor': 'created', 'by': 'vendor', 'until': '2024-02-01'}",
          "vendor tickets_solved tickets_solved.open", "acme/1/1");
}

static void test_periods_in_zones(void **state)
{
    tell("d293 00:30 c || d293 01:30 c || d297 23:59:59 c || d298 00:00 c");
    check("{'metrics': 'tickets_created', 'every': '1mo', 'tz': 'Europe/London'}", "period tickets_created",
          "2024-10-01T00:00:00+01:00/3 2024-11-01T00:00:00Z/1");
    check("{'metrics': 'tickets_created', 'every': '1d', 'tz': 'Europe/London', 'since': '2024-10-27',"
          " 'until': '2024-10-28'}",
          "period tickets_created", "2024-10-27T00:00:00+01:00/2");
    check("{'metrics': 'tickets_created', 'since': '2d', 'now': '2024-10-28T12:00:00Z'}", "tickets_created",
          "2");
}

static void test_groups(void **state)
{
    tell("10:00 c{vendor=bolt,contract=gold} || 10:00 c{vendor=acme} || 10:00 c || 10:00 "
         "c{vendor=acme,channel=phone}");
    check("{'metrics': 'tickets_created', 'by': ['vendor', 'contract', 'channel']}",
          "vendor contract channel tickets_created",
          "acme/null/phone/1 acme/null/null/1 bolt/gold/null/1 null/null/null/1");
    check("{'metrics': 'tickets_created', 'by': 'vendor,channel', 'where': 'vendor!=acme'}",
          "vendor tickets_created", "bolt/1");
    check("{'metrics': 'tickets_created', 'by': 'vendor', 'where': 'vendor=none'}", "vendor", "");
    check("{'metrics': 'tickets_created', 'where': 'vendor=acme and channel=phone'}", "tickets_created", "1");
    check("{'metrics': 'tickets_created', 'where': 'vendor=bolt or channel=phone'}", "tickets_created", "2");
    check("{'metrics': 'tickets_created', 'where': 'not (vendor=bolt or channel=phone)'}", "tickets_created",
          "0");
    json_t *answer = ask("{'metrics': 'tickets_created', 'where': 'vendor=acmee'}");
    const char *warning = json_string_value(json_array_get(meta_of(answer, "warnings"), 0));
    assert_string_equal(warning, "where: column 8: no vendor is 'acmee'; did you mean acme?");
    json_decref(answer);
    bench->context.rows_max = 2;
    refuse("{'metrics': 'tickets_created', 'by': 'vendor'}", "result_size", "fewer dimensions");
    check("{'metrics': 'tickets_created', 'by': 'vendor', 'where': 'vendor is not null'}", "vendor",
          "acme bolt");
}

static void test_limits(void **state)
{
    atomic_bool cancelled = false;
    tell("10:00 c; 11:00 S");
    bench->context.deadline = 1;
    refuse("{'metrics': 'tickets_created'}", "query_time", "shorter");
    bench->context.deadline = 0;
    bench->context.cancelled = &cancelled;
    check("{'metrics': 'tickets_created'}", "tickets_created", "1");
    atomic_store(&cancelled, true);
    refuse("{'metrics': 'tickets_created'}", "cancelled", "");
}

static void test_meta(void **state)
{
    tell("10:00 c; 11:00 S");
    json_t *answer =
        ask("{'metrics': ['tickets_created', 'csat', 'full_resolution_time.p99.9'], 'since': '2024-01-01',"
            " 'explain': true, 'tz': 'America/Chicago'}");
    char *names = json_dumps(json_object_get(answer, "metrics"), JSON_COMPACT);
    assert_string_equal(names, "[\"tickets_created\",\"csat\",\"full_resolution_time.p99.9\"]");
    free(names);
    assert_string_equal(json_string_value(meta_of(answer, "period.since")), "2024-01-01T00:00:00-06:00");
    assert_true(json_is_null(meta_of(answer, "period.until")));
    assert_string_equal(json_string_value(meta_of(answer, "now")), "2024-12-31T18:00:00-06:00");
    assert_string_equal(json_string_value(meta_of(answer, "zone")), "America/Chicago");
    assert_int_equal(json_integer_value(meta_of(answer, "as_of")), 2);
    assert_int_equal(json_integer_value(meta_of(answer, "definitions.csat")), 1);
    assert_int_equal(json_array_size(meta_of(answer, "sources")), 1);
    assert_true(json_is_array(meta_of(answer, "explain.tables")));
    /* Every key of a row is a column, but for what is said beside it. */
    const json_t *row = json_array_get(json_object_get(answer, "rows"), 0);
    const char *key;
    json_t *value;
    size_t n = 0, i;
    json_object_foreach((json_t *)row, key, value)
    {
        bool found = false;
        json_array_foreach(json_object_get(answer, "columns"), i, value)
        {
            found |= strcmp(json_string_value(json_object_get(value, "name")), key) == 0;
        }
        if (!found)
            fail_msg("%s is no column", key);
        n++;
    }
    assert_int_equal(n, json_array_size(json_object_get(answer, "columns")));
    const json_t *last = json_array_get(json_object_get(answer, "columns"), n - 2);
    assert_string_equal(json_string_value(json_object_get(last, "stat")), "p99.9");
    json_decref(answer);
    /* Nothing at all is an answer too. */
    check("{'metrics': 'tickets_created', 'every': '1d', 'since': '2030-01-01'}", "tickets_created", "");
}

/* The order of arrival, repetition and where the rows lie change no answer. */
static void test_arrival(void **state)
{
    static const char ASKED[] =
        "{'metrics': ['tickets_created', 'full_resolution_time', 'backlog', 'reopen_rate'],"
        " 'by': ['vendor'], 'every': '1d'}";
    struct error err = ERROR_INIT;
    tell("10:00 c{vendor=acme}; d1 11:00 S; d2 09:00 O; d3 10:00 S || 10:00 c{vendor=bolt}; d1 09:00 "
         "u{vendor=acme};"
         " d2 10:00 S");
    json_t *before = ask(ASKED);
    store_close(bench->store); /* which seals */
    bench_open();
    json_t *sealed = ask(ASKED);
    assert_true(json_equal(json_object_get(before, "rows"), json_object_get(sealed, "rows")));
    assert_int_equal(store_reindex(bench->store, &err), 0);
    bench_refold();
    json_t *again = ask(ASKED);
    assert_true(json_equal(json_object_get(before, "rows"), json_object_get(again, "rows")));
    json_decref(before);
    json_decref(sealed);
    json_decref(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flows),
        TEST(test_durations),
        TEST(test_percentiles),
        TEST(test_backlog_over_days),
        TEST(test_response),
        TEST(test_inferred),
        TEST(test_backlog_age),
        TEST(test_as_of_dimensions),
        TEST(test_exclusions),
        TEST(test_reopen_rate),
        TEST(test_teams),
        TEST(test_shares),
        TEST(test_versions),
        TEST(test_ratings),
        TEST(test_questions_of_tickets),
        TEST(test_orphans),
        TEST(test_cohorts),
        TEST(test_periods_in_zones),
        TEST(test_groups),
        TEST(test_limits),
        TEST(test_meta),
        TEST(test_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
