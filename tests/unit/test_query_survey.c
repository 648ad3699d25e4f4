/* Queries of surveys: what tests/data/cases does not say. */
#include "tests/unit/query_bench.h"

#include "core/query/metric.h"

#include <string.h>

static void test_refused(void **state)
{
    refuse("{'metrics': 'survey_share', 'question': 'p'}", "bad_option", "group by choice");
    refuse("{'metrics': 'mean_rating', 'by': 'choice'}", "unknown_dimension", "survey_share");
    refuse("{'metrics': 'nps', 'where': 'choice=yes'}", "unknown_dimension", "survey_share");
    refuse("{'metrics': 'instrument_score', 'where': 'box=top'}", "unknown_dimension", "survey_share");
    refuse("{'metrics': 'csat', 'where': 'box=top'}", "unknown_dimension", "survey_share");
    refuse("{'metrics': 'response_rate', 'by': 'question'}", "unknown_dimension", "");
    refuse("{'metrics': 'response_rate', 'question': 'p'}", "bad_option", "");
    refuse("{'metrics': 'tickets_solved', 'by': 'respondent_role'}", "unknown_dimension", "csat");
    refuse("{'metrics': 'survey_share', 'by': 'choice', 'unit': 'ticket'}", "bad_option", "");
    refuse("{'metrics': 'instrument_score', 'unit': 'ticket'}", "bad_option", "");
    refuse("{'metrics': 'survey_share', 'by': 'choice', 'anchor': 'created'}", "bad_option", "");
    refuse("{'metrics': 'mean_rating.p50', 'unit': 'org'}", "unknown_statistic", "leave out");
    refuse("{'metrics': 'nps.avg'}", "unknown_statistic", "score");
    refuse("{'metrics': 'csat', 'unit': 'site', 'threshold': '0.5'}", "bad_option", "");
    refuse("{'metrics': 'survey_share', 'by': 'choices'}", "unknown_dimension", "choice");
}

static size_t n_warnings(const char *request)
{
    json_t *answer = ask(request);
    size_t n = json_array_size(meta_of(answer, "warnings"));
    json_decref(answer);
    return n;
}

/* A reseller's ballot is in the table of ratings and in that of answers, and left out once. */
static void test_resellers(void **state)
{
    tell("10:00 c |~| 12:00 q:5/1-5{question=a,respondent=r1,site=H1,rater_relation=reseller}"
         " q:5/1-5{question=a,respondent=r2,site=H1} sent{respondent=r3,site=H1,rater_relation=reseller}");
    check_meta("{'metrics': ['csat', 'instrument_score']}", "left_out.reseller", 1);
    check_meta("{'metrics': ['csat', 'survey_share'], 'by': 'choice'}", "left_out.reseller", 1);
    check_meta("{'metrics': ['csat', 'response_rate']}", "left_out.reseller", 2);
}

static void test_mixtures(void **state)
{
    tell("10:00 c |~| 12:00 a:yes{instrument=panel,question=p,respondent=r1,site=H1}"
         " a:yes{instrument=panel,question=q,respondent=r1,site=H1} q:5/1-5{respondent=r2,site=H1}"
         " q:3/1-5{instrument=panel,question=s,respondent=r2,site=H1}");
    assert_int_equal(n_warnings("{'metrics': 'survey_share', 'by': 'choice'}"), 1);
    assert_int_equal(n_warnings("{'metrics': 'survey_share', 'by': 'choice,question'}"), 0);
    assert_int_equal(n_warnings("{'metrics': 'survey_share', 'by': 'choice', 'question': 'p'}"), 0);
    assert_int_equal(n_warnings("{'metrics': 'survey_share', 'where': 'choice=yes and question=p'}"), 0);
    assert_int_equal(n_warnings("{'metrics': 'instrument_score'}"), 1);
    assert_int_equal(n_warnings("{'metrics': 'instrument_score', 'instrument': 'panel'}"), 0);
    assert_int_equal(n_warnings("{'metrics': 'survey_share', 'by': 'choice', 'question': 'pp'}"), 1);
}

/* A row of a period says what a query of that period alone says: who has answered in both has a vote in each.
 */
static void test_periods(void **state)
{
    tell("10:00 c |~| 12:00 a:yes{question=p,respondent=r1,site=H1} a:no{question=p,respondent=r2,site=H1};"
         " d1 12:00 a:no{question=p,respondent=r1,site=H1}");
    check("{'metrics': 'survey_share', 'where': 'choice=yes', 'every': '1d'}", "survey_share survey_share.n",
          "0.5/2 0/1");
    check("{'metrics': 'survey_share', 'where': 'choice=yes', 'until': '2024-01-09'}",
          "survey_share survey_share.n", "0.5/2");
    check("{'metrics': 'survey_share', 'where': 'choice=yes'}", "survey_share survey_share.n", "0/2");
    /* Groups by the answer are there in every period in which somebody voted at all. */
    check("{'metrics': 'survey_share', 'by': 'choice', 'every': '1d'}", "choice survey_share survey_share.n",
          "no/0.5/2 no/1/1 yes/0.5/2 yes/0/1");
}

/* Where a rating comes with a choice, the choice cuts what is counted and not what it is a share of. */
static void test_choice_of_ratings(void **state)
{
    tell("10:00 c; 11:00 S; 12:00 q:5/1-5 || 10:00 c; 11:00 S; 12:00 q:5/1-5 || 10:00 c; 11:00 S; 12:00 "
         "q:1/1-5");
    check("{'metrics': ['csat', 'dissatisfaction'], 'by': 'choice'}", "choice csat csat.n dissatisfaction",
          "null/0.666667/3/0.333333");
    check("{'metrics': 'csat', 'where': 'choice=speed'}", "csat csat.n", "0/3");
    check("{'metrics': 'csat', 'where': 'choice is null'}", "csat csat.n", "0.666667/3");
}

/* Of two ratings of one instant the last is the one that the fold would take, in whatever order they came:
 * content is compared as a map with sorted keys, so that max and min come before question and score. */
static void test_ties(void **state)
{
    static const char *const PAIRS[][2] = {
        {"q:1/1-5", "q:5/1-5"},
        {"q:5/1-5", "q:1/0-10"},
        {"q:5/1-5{respondent_role=nurse}", "q:1/1-5{respondent_role=aide}"},
        {"q:5/1-5{product=zoo}", "q:1/1-5{product=ant}"},
        {"q:5/1-5{question=a}", "q:1/1-5{question=a,product=b}"},
    };
    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++)
        for (unsigned order = 0; order < 2; order++) {
            char text[256], request[160], ticket[64];
            static unsigned n_sites;
            const char *one = PAIRS[i][order], *two = PAIRS[i][!order];
            const char *fields[2] = {strchr(one, '{'), strchr(two, '{')};
            n_sites++;
            int sizes[2] = {(int)strcspn(one, "{"), (int)strcspn(two, "{")};
            (void)snprintf(text, sizeof(text), "10:00 c{product=t%u}; 11:00 S; 12:00 %s; 12:00 %s", n_sites,
                           one, two);
            tell(text);
            (void)snprintf(
                text, sizeof(text),
                "10:00 c |~| 12:00 %.*s{site=S%u,respondent=r%s%s; 12:00 %.*s{site=S%u,respondent=r%s%s",
                sizes[0], one, n_sites, fields[0] ? "," : "}", fields[0] ? fields[0] + 1 : "", sizes[1], two,
                n_sites, fields[1] ? "," : "}", fields[1] ? fields[1] + 1 : "");
            tell(text);
            (void)snprintf(request, sizeof(request), "{'metrics': 'csat', 'where': 'site=S%u'}", n_sites);
            (void)snprintf(ticket, sizeof(ticket), "{'metrics': 'csat', 'where': 'product=t%u'}", n_sites);
            json_t *loose = ask(request), *of_ticket = ask(ticket);
            char x[2048], y[2048];
            assert_string_equal(rows_of(loose, "csat csat.n", x), rows_of(of_ticket, "csat csat.n", y));
            json_decref(loose);
            json_decref(of_ticket);
        }
}

/* Today's dimensions of a ticket go before those of its ballot; a ballot without a ticket keeps its own. */
static void test_current(void **state)
{
    bench_teams();
    tell("10:00 c{site=H1,team=A}; 11:00 S; 12:00 a:yes{question=p,respondent=r1}; d1 10:00 u{team=B}"
         " |~| 12:00 a:yes{question=p,respondent=r2,site=H1,team=F}");
    check("{'metrics': 'survey_share', 'where': 'choice=yes', 'by': 'team'}", "team survey_share.n",
          "A/1 F/1");
    check("{'metrics': 'survey_share', 'where': 'choice=yes', 'by': 'team', 'dims': 'current'}",
          "team survey_share.n", "B/1 F/1");
}

/* A site that changes hands: each ballot belongs to the organisation of its day. */
static void test_organisation_of_the_day(void **state)
{
    bench_reference(REFERENCE_SITE, INT64_MIN, "H1", "country=US org=north");
    bench_reference(REFERENCE_SITE, D0 + INT64_C(86400000), "H1", "country=US org=south");
    tell("10:00 c |~| 12:00 q:5/1-5{question=a,respondent=r1,site=H1} "
         "q:1/1-5{question=a,respondent=r2,site=H1};"
         " d1 12:00 q:1/1-5{question=b,respondent=r1,site=H1}");
    check("{'metrics': 'instrument_score', 'by': 'org'}", "org instrument_score instrument_score.ballots",
          "north/0/1 south/50/1");
    check("{'metrics': 'instrument_score', 'by': 'org', 'until': '2024-01-09'}",
          "org instrument_score instrument_score.ballots", "north/50/2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused),           TEST(test_mixtures),
        TEST(test_resellers),         TEST(test_periods),
        TEST(test_choice_of_ratings), TEST(test_ties),
        TEST(test_current),           TEST(test_organisation_of_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
