/* The catalogue over many small blocks: one thread, two and three give the same answers. */
#include "core/query/metric.h"
#include "tests/unit/query_bench.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 30

static const char *const VENDORS[] = {"acme", "borg", "cira"}, *const TEAMS[] = {"A", "B", "D", "F", "M"},
                         *const SITES[] = {"H1", "H2", "H3", "H9"};

/* A dozen tickets of all fates. */
static void tell_round(unsigned round)
{
    char text[8192];
    size_t n = 0;
    for (unsigned i = 0; i < 12; i++) {
        unsigned k = round * 12 + i, day = k % 61, score = 1 + k % 5;
        n += (size_t)snprintf(
            text + n, sizeof(text) - n,
            "%s[k%u] d%u 08:00 c{vendor=%s,team=%s,site=%s}; 08:%02u >; 09:00 <; 09:%02u >; 10:00 O; %s "
            "11:%02u S; d%u 12:00 q:%u/1-5; d%u 13:00 %s",
            i ? " || " : "", k, day, VENDORS[k % 3], TEAMS[k % 5], SITES[k % 4], k % 60, 1 + k * 7 % 59,
            k % 4 ? "" : "10:30 @F/e; 10:40 sla:first_resolution_time:3600:w; ", k * 11 % 60, day + k % 3,
            score, day + 4,
            k % 7 == 0   ? "O"
            : k % 7 == 1 ? "x:spam"
            : k % 7 == 2 ? "call:answered:q10:t60"
                         : "C");
    }
    n += (size_t)snprintf(text + n, sizeof(text) - n,
                          " |~| d%u 07:00 q:%u/1-5{site=H1}; d%u 07:30 sent{site=H2}", round, 1 + round % 5,
                          round);
    assert_true(n < sizeof(text));
    tell(text);
    bench_seal();
    /* Rows of the sealed blocks that no longer hold, and some in memory that do. */
    (void)snprintf(text, sizeof(text), "[k%u] d70 10:00 O; d71 10:00 S || [k%u] d70 10:00 u{vendor=borg}",
                   round * 12 + 3, round * 6);
    tell(text);
}

static void ask_all(const struct metric *m, const char *options)
{
    static const char *const STATISTICS[] = {"p50", "p99", "avg", "max"};
    char text[512];
    size_t n = (size_t)snprintf(text, sizeof(text), "{'metrics': [");
    if (m->kind == METRIC_DURATION)
        for (unsigned i = 0; i < 4; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s'%s.%s'", i ? ", " : "", m->name,
                                  STATISTICS[i]);
    else
        n += (size_t)snprintf(text + n, sizeof(text) - n, "'%s'", m->name);
    (void)snprintf(text + n, sizeof(text) - n, "]%s}", options);
    json_decref(ask(text));
}

static void test_catalogue(void **state)
{
    static const char *const OPTIONS[] = {
        "",
        ", 'by': 'vendor,support_region'",
        ", 'every': '1w'",
        ", 'every': '1mo', 'since': '2024-01-10', 'until': '2024-03-02', 'by': 'site'",
        ", 'where': 'not (facility_kind=hospital and beds>100) and support_region=offshore or team in (A, "
        "D)'",
        ", 'where': 'beds>100 or beds is null', 'by': 'employer', 'dims': 'current'",
    };
    bench_teams();
    /* One team whose row has two versions. */
    bench_reference(REFERENCE_TEAM, D0 + INT64_C(20) * 86400000, "B", "employer=acme tier=1 team_country=US");
    for (unsigned round = 0; round < ROUNDS; round++)
        tell_round(round);
    for (size_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        if (m->trial == TRIAL_ANSWER) { /* a share of answers needs to know which */
            ask_all(m, ", 'by': 'box'");
            continue;
        }
        for (size_t k = 0; k < sizeof(OPTIONS) / sizeof(OPTIONS[0]) && !m->is_hidden; k++)
            ask_all(m, OPTIONS[k]);
        if (m->has_ticket && !m->is_hidden)
            ask_all(m, ", 'anchor': 'created', 'by': 'outsourcer'");
    }
    json_decref(ask("{'metrics': ['tickets_created', 'resolutions', 'reopens', 'tickets_solved', 'backlog', "
                    "'csat', 'dissatisfaction', 'first_response_time.p90', 'full_resolution_time.p90'],"
                    " 'every': '1w', 'by': 'vendor,team,site'}"));
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
        assert_true(bench->n_shared > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_catalogue, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
