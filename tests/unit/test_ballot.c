/* The plugin survey: what becomes of a ballot, and of an answer that stands in a row of its own. */
#include "tests/unit/fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char FOLDER[64], PATH[128];

static int setup(void **state)
{
    (void)state;
    strcpy(FOLDER, "/tmp/tendon-survey-XXXXXX");
    assert_non_null(mkdtemp(FOLDER));
    snprintf(PATH, sizeof(PATH), "%s/ballots.csv", FOLDER);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", FOLDER);
    return system(command);
}

static void put(const char *text)
{
    FILE *file = fopen(PATH, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void open_plugin(struct fake_host *host, const struct fake_option *options)
{
    fake_load(host, SURVEY_SO, options);
    if (fake_create(host) != TENDON_OK)
        fail_msg("%s", host->err);
    assert_int_equal(fake_start(host), TENDON_OK);
}

static void assert_line(const struct fake_host *host, size_t i, const char *line)
{
    assert_true(i < host->n_lines);
    assert_string_equal(host->lines[i], line);
}

static void assert_skip(const struct fake_host *host, size_t i, const char *code, uint64_t line)
{
    assert_true(i < host->n_skips);
    assert_string_equal(host->skips[i].code, code);
    assert_int_equal(host->skips[i].line, line);
    assert_string_equal(host->skips[i].where, "ballots.csv");
}

/* --- one row one respondent ------------------------------------------------------------------------------
 */

static const struct fake_option BALLOTS[] = {
    {"path", NULL, PATH},
    {"rows", NULL, "respondent"},
    {"time_format", NULL, "%Y-%m-%d %H:%M"},
    {"columns", "id", "Response"},
    {"columns", "at", "Submitted"},
    {"columns", "site", "Hospital"},
    {"columns", "respondent", "Person"},
    {"columns", "respondent_role", "Role"},
    {"columns", "rater_relation", "Who"},
    {"columns", "team", "Desk"},
    {"columns", "ticket", "Case"},
    {"constants", "instrument", "yearly"},
    {"values", "rater_relation:Hospital staff", "self"},
    {"values", "rater_relation:Reseller", "reseller"},
    {"questions", "How satisfied are you?", "satisfaction"},
    {"questions", "How much effort?", "effort"},
    {"questions", "Would you buy again?", "buys_again"},
    {"scales", "satisfaction", "1..5"},
    {"scales", "effort", "7..1"},
    {"answers", "*:Yes", "yes"},
    {"answers", "*:No", "no"},
    {"answers", "*:Prefer not to say", ""},
    {"answers", "satisfaction:Delighted", "5"},
    {"sent", NULL, "Sent"},
    {0},
};

#define BALLOT_HEADER                                                                                        \
    "Response,Sent,Submitted,Hospital,Person,Role,Who,Desk,Case,How satisfied are you?,How much effort?,"    \
    "Would you buy again?\n"

static void test_ballots(void **state)
{
    struct fake_host host;

    (void)state;
    put(BALLOT_HEADER "r1,2024-01-08 09:00,2024-01-08 10:00,H1,p1,nurse,Hospital staff,desk,,4,2,YES\n"
                      "r2,2024-01-08 09:00,,H1,p2,,,,,,,\n"
                      "r3,,2024-01-08 10:00,,p3,,Reseller,,T7,delighted,,Prefer not to say\n");
    open_plugin(&host, BALLOTS);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_skips, 0);
    assert_int_equal(host.n_lines, 6);
    assert_line(&host, 0,
                "survey.sent - 1704704400000 0 r1/sent team=desk site=H1 instrument=yearly respondent=p1 "
                "respondent_role=nurse rater_relation=self");
    assert_line(&host, 1,
                "survey.response - 1704708000000 0 r1/satisfaction team=desk site=H1 instrument=yearly "
                "respondent=p1 respondent_role=nurse rater_relation=self question=satisfaction score=4 min=1 "
                "max=5");
    /* 2 of 7, where 1 is the best, is 6 of 7 */
    assert_line(
        &host, 2,
        "survey.response - 1704708000000 0 r1/effort team=desk site=H1 instrument=yearly "
        "respondent=p1 respondent_role=nurse rater_relation=self question=effort score=6 min=1 max=7");
    assert_line(&host, 3,
                "survey.response - 1704708000000 0 r1/buys_again team=desk site=H1 instrument=yearly "
                "respondent=p1 respondent_role=nurse rater_relation=self question=buys_again choice=yes");
    assert_line(&host, 4, "survey.sent - 1704704400000 0 r2/sent site=H1 instrument=yearly respondent=p2");
    assert_line(&host, 5,
                "survey.response T7 1704708000000 0 r3/satisfaction instrument=yearly respondent=p3 "
                "rater_relation=reseller question=satisfaction score=5 min=1 max=5");
    fake_end(&host);
}

/* A row that cannot be read gives nothing: half a ballot would count as one. */
static void test_bad_ballots(void **state)
{
    static const char *const codes[] = {"bad_score", "out_of_scale", "out_of_scale", "no_time",
                                        "bad_time",  "bad_time",     "no_site",      "no_answer",
                                        "bad_score", "id_too_long"};
    struct fake_host host;
    char text[4096], id[130];

    (void)state;
    memset(id, 'i', 129);
    id[124] = '\0'; /* with "/effort" it is over 128 */
    snprintf(text, sizeof(text),
             BALLOT_HEADER "r1,,2024-01-08 10:00,H1,,,,,,4,much,Yes\n"
                           "r2,2024-01-08 09:00,2024-01-08 10:00,H1,,,,,,6,2,Yes\n"
                           "r3,,2024-01-08 10:00,H1,,,,,,0.999,2,Yes\n"
                           "r4,2024-01-08 09:00,,H1,,,,,,5,2,Yes\n"
                           "r5,,soon,H1,,,,,,5,2,Yes\n"
                           "r6,never,2024-01-08 10:00,H1,,,,,,5,2,Yes\n"
                           "r7,,2024-01-08 10:00,,,,,,,5,2,Yes\n"
                           "r8,,2024-01-08 10:00,H1,,,,,,,,Prefer not to say\n"
                           "r9,,2024-01-08 10:00,H1,,,,,,Very good,2,Yes\n"
                           "%s,,2024-01-08 10:00,H1,,,,,,,2,\n"
                           "r11,,2024-01-08 10:00,H1,,,,,,2.5,,\n",
             id);
    put(text);
    open_plugin(&host, BALLOTS);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_skips, 10);
    for (size_t i = 0; i < 10; i++)
        assert_skip(&host, i, codes[i], i + 2);
    assert_int_equal(host.n_lines, 1);
    assert_line(&host, 0,
                "survey.response - 1704708000000 0 r11/satisfaction site=H1 instrument=yearly "
                "question=satisfaction score=2.5 min=1 max=5");
    fake_end(&host);
}

/* The same events however small the batches are, and wherever it is stopped. */
static void test_resumed(void **state)
{
    struct fake_host host;
    uint64_t sum;
    FILE *file;
    int rc;

    (void)state;
    file = fopen(PATH, "w");
    assert_non_null(file);
    fputs(BALLOT_HEADER, file);
    for (int i = 0; i < 500; i++)
        fprintf(file, "r%d,2024-01-08 09:00,2024-01-08 10:%02d,H%d,p%d,nurse,,desk,,%d,%d,%s\n", i, i % 60,
                i % 9, i, 1 + i % 5, 1 + i % 7, i % 2 ? "Yes" : "No");
    fclose(file);
    open_plugin(&host, BALLOTS);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_events, 2000);
    sum = host.sum;
    fake_end(&host);

    open_plugin(&host, BALLOTS);
    host.batch_lines = 7;
    for (int i = 1; (rc = fake_poll(&host)) == TENDON_OK; i++) {
        if (i % 5 != 0 || host.n_events % 4 != 0) /* a restart within a row gives its events again */
            continue;
        host.plugin->destroy(host.self);
        assert_int_equal(fake_create(&host), TENDON_OK);
        assert_int_equal(fake_start(&host), TENDON_OK);
    }
    assert_int_equal(rc, TENDON_IDLE);
    assert_int_equal(host.n_events, 2000);
    assert_true(host.sum == sum);
    fake_end(&host);
}

/* Two rows that say the same are one ballot, unless the source has ids. */
static void test_ids_of_content(void **state)
{
    static const struct fake_option options[] = {
        {"path", NULL, PATH},
        {"rows", NULL, "respondent"},
        {"columns", "at", "At"},
        {"columns", "site", "Site"},
        {"constants", "instrument", "x"},
        {"questions", "Q", "q"},
        {0},
    };
    struct fake_host host;
    char first[512];

    (void)state;
    put("At,Site,Q\n2024-01-08T10:00:00Z,H1,often\n2024-01-08T10:00:00Z,H1,often\n2024-01-08T10:00:00Z,H1,"
        "never\n");
    open_plugin(&host, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_lines, 3);
    snprintf(first, sizeof(first), "%s", host.lines[0]);
    assert_line(&host, 1, first);
    assert_string_not_equal(host.lines[2], first);
    assert_non_null(strstr(first, " site=H1 instrument=x question=q choice=often"));
    fake_end(&host);
}

/* --- one row one answer ----------------------------------------------------------------------------------
 */

static void test_answers(void **state)
{
    static const struct fake_option options[] = {
        {"path", NULL, PATH},
        {"rows", NULL, "answer"},
        {"columns", "at", "At"},
        {"columns", "ticket", "Case"},
        {"columns", "id", "Id"},
        {"columns", "instrument", "Survey"},
        {"columns", "question", "Item"},
        {"columns", "min", "Least"},
        {"columns", "max", "Most"},
        {"answer", NULL, "Answer"},
        {"questions", "Q1", "quality"},
        {"questions", "Q2", "speed"},
        {"questions", "Q2 (fr)", "speed"},
        {"questions", "Anything else?", ""},
        {"scales", "quality", "1..5"},
        {"answers", "speed:*", "other"},
        {"answers", "speed:fast", "fast"},
        {0},
    };
    static const char *const codes[] = {"unknown_question", "no_question", "no_answer",
                                        "no_instrument",    "bad_scale",   "bad_score"};
    struct fake_host host;

    (void)state;
    put("At,Case,Id,Survey,Item,Answer,Least,Most\n"
        "2024-01-08T10:00:00Z,T1,r1,csat,Q1,4,,\n"
        "2024-01-08T10:00:00Z,T1,r1,csat,Q2,fast,,\n"
        "2024-01-08T10:00:00Z,T1,r1,csat,Anything else?,Mrs Miller was kind,,\n"
        "2024-01-08T10:00:00Z,T2,r2,csat,Q2 (fr),lent,,\n"
        "2024-01-08T10:00:00Z,T2,r2,csat,Q3,4,,\n"
        "2024-01-08T10:00:00Z,T2,r2,csat,,4,,\n"
        "2024-01-08T10:00:00Z,T2,r2,csat,Q1,,,\n"
        "2024-01-08T10:00:00Z,T2,r2,,Q1,4,,\n"
        "2024-01-08T10:00:00Z,T2,r3,csat,Q2,4,5,1\n"
        "2024-01-08T10:00:00Z,T2,r3,csat,Q2,4,1,3\n");
    open_plugin(&host, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_skips, 6);
    for (size_t i = 0; i < 6; i++)
        assert_skip(&host, i, codes[i], i + 6);
    assert_int_equal(host.n_lines, 3);
    assert_line(
        &host, 0,
        "survey.response T1 1704708000000 0 r1/quality instrument=csat question=quality score=4 min=1 "
        "max=5");
    assert_line(&host, 1,
                "survey.response T1 1704708000000 0 r1/speed instrument=csat question=speed choice=fast");
    assert_line(&host, 2,
                "survey.response T2 1704708000000 0 r2/speed instrument=csat question=speed choice=other");
    fake_end(&host);
}

/* Without questions those of the export are the names; a scale may stand in the row. */
static void test_answers_by_name(void **state)
{
    static const struct fake_option options[] = {
        {"path", NULL, PATH},
        {"rows", NULL, "answer"},
        {"columns", "at", "At"},
        {"columns", "site", "Site"},
        {"columns", "question", "Item"},
        {"columns", "min", "Least"},
        {"columns", "max", "Most"},
        {"constants", "instrument", "nps"},
        {"answer", NULL, "Answer"},
        {"scales", "turned", "10..0"},
        {0},
    };
    struct fake_host host;

    (void)state;
    put("At,Site,Item,Answer,Least,Most\n"
        "2024-01-08T10:00:00Z,H1,recommends,9,0,10\n"
        "2024-01-08T10:00:00Z,H1,turned,9,0,10\n"
        "2024-01-08T10:00:00Z,H1,channel,phone,,\n");
    open_plugin(&host, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_skips, 0);
    assert_int_equal(host.n_lines, 3);
    assert_non_null(fake_find(&host, "question=recommends score=9 min=0 max=10"));
    assert_non_null(fake_find(&host, "question=turned score=1 min=0 max=10"));
    assert_non_null(fake_find(&host, "question=channel choice=phone"));
    fake_end(&host);
}

/* --- what the configuration may say ----------------------------------------------------------------------
 */

static void assert_refused(const char *words, const struct fake_option *more, size_t n_more)
{
    struct fake_option options[64] = {{"path", NULL, PATH}};
    struct fake_host host;

    memcpy(options + 1, more, n_more * sizeof(*more));
    fake_load(&host, SURVEY_SO, options);
    assert_int_equal(fake_create(&host), TENDON_E_CONFIG);
    assert_string_equal(host.err, words);
    host.plugin->destroy(host.self);
}

#define REFUSED(words, ...)                                                                                  \
    do {                                                                                                     \
        static const struct fake_option more[] = {__VA_ARGS__};                                              \
        assert_refused(words, more, sizeof(more) / sizeof(more[0]));                                         \
    } while (0)

#define HEAD                                                                                                 \
    {"columns", "at", "At"}, {"columns", "site", "Site"},                                                    \
    {                                                                                                        \
        "constants", "instrument", "x"                                                                       \
    }

static void test_refused(void **state)
{
    (void)state;
    REFUSED("rows: respondent needs questions: which column answers which question",
            {"rows", NULL, "respondent"}, HEAD);
    REFUSED("rows: answer needs answer: the column that holds the answer", {"rows", NULL, "answer"}, HEAD);
    REFUSED("answer is for rows: answer, not for rows: respondent", {"rows", NULL, "respondent"}, HEAD,
            {"questions", "Q", "q"}, {"answer", NULL, "A"});
    REFUSED("rows: answer needs \"question\" in columns or constants", {"rows", NULL, "answer"}, HEAD,
            {"answer", NULL, "A"});
    REFUSED("rows: respondent needs the column of \"at\" in columns: when it was answered",
            {"rows", NULL, "respondent"}, {"questions", "Q", "q"});
    REFUSED("rows: respondent needs \"instrument\" in constants or columns: which survey it is",
            {"rows", NULL, "respondent"}, {"questions", "Q", "q"}, {"columns", "at", "At"});
    REFUSED("rows: respondent needs \"site\" or \"ticket\" in columns: what was rated",
            {"rows", NULL, "respondent"}, {"questions", "Q", "q"}, {"columns", "at", "At"},
            {"constants", "instrument", "x"});
    REFUSED("questions: \"q\" is answered by two columns", {"rows", NULL, "respondent"}, HEAD,
            {"questions", "A", "q"}, {"questions", "B", "q"});
    REFUSED("questions: column \"A\" has no question; leave it out instead", {"rows", NULL, "respondent"},
            HEAD, {"questions", "A", ""});
    REFUSED("scales: questions names no \"r\"", {"rows", NULL, "respondent"}, HEAD, {"questions", "A", "q"},
            {"scales", "r", "1..5"});
    REFUSED("scales: that of \"q\" is not WORST..BEST, such as 1..5 or 5..1", {"rows", NULL, "respondent"},
            HEAD, {"questions", "A", "q"}, {"scales", "q", "5"});
    REFUSED("scales: that of \"q\" is not WORST..BEST, such as 1..5 or 5..1", {"rows", NULL, "respondent"},
            HEAD, {"questions", "A", "q"}, {"scales", "q", "5..5"});
    REFUSED("answers: \"Yes\" is not QUESTION:WORD", {"rows", NULL, "respondent"}, HEAD,
            {"questions", "A", "q"}, {"answers", "Yes", "yes"});
    REFUSED("answers: questions names no \"r\"", {"rows", NULL, "respondent"}, HEAD, {"questions", "A", "q"},
            {"answers", "r:Yes", "yes"});
    REFUSED(
        "columns: \"score\" is no field of a survey with rows: respondent; questions, scales and answers say "
        "what was answered",
        {"rows", NULL, "respondent"}, HEAD, {"questions", "A", "q"}, {"columns", "score", "S"});
    REFUSED("columns: there is no field \"respondant\"; did you mean respondent?",
            {"rows", NULL, "respondent"}, HEAD, {"questions", "A", "q"}, {"columns", "respondant", "S"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ballots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_ballots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resumed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids_of_content, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
