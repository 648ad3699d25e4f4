/* Periods before periods, and what a change is called. */
#include "core/query/metric.h"
#include "tools/scorecard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static const char *before(const char *since, const char *until)
{
    static char text[SCORECARD_TEXT];
    return scorecard_before(since, until, text) ? text : "none";
}

static void months_go_back_by_months(void **state)
{
    (void)state;
    assert_string_equal(before("2026-03-01T00:00:00-06:00", "2026-04-01T00:00:00-05:00"), "2026-02-01");
    assert_string_equal(before("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"), "2023-12-01");
    assert_string_equal(before("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"), "2025-10-01");
    assert_string_equal(before("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), "2024-01-01");
}

static void days_go_back_by_days(void **state)
{
    (void)state;
    /* 30 days with the hour of autumn in them are 30 days */
    assert_string_equal(before("2026-10-24T00:00:00-05:00", "2026-11-23T00:00:00-06:00"), "2026-09-24");
    assert_string_equal(before("2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z"), "2024-02-29");
    assert_string_equal(before("2026-03-02T00:00:00+01:00", "2026-04-01T00:00:00+02:00"), "2026-01-31");
    assert_int_equal(scorecard_days("2026-10-24T00:00:00-05:00", "2026-11-23T00:00:00-06:00"), 30);
    assert_int_equal(scorecard_days("2026-10-24T00:30:00-05:00", "2026-11-23T00:00:00-06:00"), 0);
}

static void instants_go_back_by_their_length(void **state)
{
    (void)state;
    assert_string_equal(before("2026-10-23T20:00:00-05:00", "2026-10-24T20:00:00-05:00"),
                        "2026-10-23T01:00:00Z");
    assert_string_equal(before("2026-10-23T00:00:00.001Z", "2026-10-23T00:00:10Z"), "2026-10-22T23:59:50Z");
    /* a day that begins at one, for there is no midnight */
    assert_string_equal(before("2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"),
                        "2026-09-05T05:00:00Z");
}

static void what_is_no_period_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "2026-10-23",
                                        "2026-10-23T00:00:00",
                                        "2026-13-01T00:00:00Z",
                                        "2026-10-23T00:00:00+02:00x",
                                        "2026-10-23T00:00:00Zx",
                                        "yesterday"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_string_equal(before(texts[i], "2030-01-01T00:00:00Z"), "none");
        assert_string_equal(before("2020-01-01T00:00:00Z", texts[i]), "none");
    }
    assert_string_equal(before("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), "none");
    assert_string_equal(before("2026-01-01T00:00:00-05:00", "2026-01-01T00:00:00Z"), "none");
}

static void last_month(void **state)
{
    char since[SCORECARD_TEXT], until[SCORECARD_TEXT];
    (void)state;
    assert_true(scorecard_last_month("2026-01-31T00:00:00-06:00", since, until));
    assert_string_equal(since, "2025-12-01");
    assert_string_equal(until, "2026-01-01");
    assert_true(scorecard_last_month("2026-03-01T01:00:00-03:00", since, until));
    assert_string_equal(since, "2026-02-01");
    assert_string_equal(until, "2026-03-01");
    assert_false(scorecard_last_month("", since, until));
}

/* --- figures ---------------------------------------------------------------------------------------------
 */

static const struct figure NOTHING;

static struct figure ratio(double value, double low, double high)
{
    return (struct figure){true, value, 100, low, high};
}

static struct figure plain(double value, double n)
{
    return (struct figure){.is_known = true, .value = value, .n = n};
}

static void assert_verdict(enum verdict want, const char *metric, enum figure_kind kind, struct figure now,
                           struct figure earlier)
{
    assert_int_equal(scorecard_verdict(metric, kind, &now, &earlier), want);
}

static void ratios_move_when_intervals_part(void **state)
{
    struct figure low = ratio(0.5, 0.4, 0.6), high = ratio(0.8, 0.7, 0.9), touching = ratio(0.7, 0.6, 0.8);
    (void)state;
    assert_verdict(VERDICT_BETTER, "csat", FIGURE_RATIO, high, low);
    assert_verdict(VERDICT_WORSE, "csat", FIGURE_RATIO, low, high);
    assert_verdict(VERDICT_WORSE, "reopen_rate", FIGURE_RATIO, high, low);
    assert_verdict(VERDICT_BETTER, "dissatisfaction", FIGURE_RATIO, low, high);
    assert_verdict(VERDICT_HIGHER, "outsourced_share", FIGURE_RATIO, high, low);
    assert_verdict(VERDICT_WITHIN, "csat", FIGURE_RATIO, touching, low);
    assert_verdict(VERDICT_WITHIN, "csat", FIGURE_RATIO, low, touching);
}

static void other_figures_move_by_a_share(void **state)
{
    (void)state;
    assert_verdict(VERDICT_WORSE, "first_response_time.p50", FIGURE_DURATION, plain(105, 20), plain(100, 20));
    assert_verdict(VERDICT_SAME, "first_response_time.p50", FIGURE_DURATION, plain(104.9, 20),
                   plain(100, 20));
    assert_verdict(VERDICT_BETTER, "full_resolution_time.business.p90", FIGURE_DURATION, plain(95, 20),
                   plain(100, 20));
    assert_verdict(VERDICT_FEW, "first_response_time.p50", FIGURE_DURATION, plain(200, 19), plain(100, 20));
    assert_verdict(VERDICT_FEW, "first_response_time.p50", FIGURE_DURATION, plain(200, 20), plain(100, 19));
    assert_verdict(VERDICT_WORSE, "backlog", FIGURE_COUNT, plain(20, 20), plain(2, 2));
    assert_verdict(VERDICT_FEW, "backlog", FIGURE_COUNT, plain(19, 19), plain(2, 2));
    assert_verdict(VERDICT_LOWER, "tickets_solved", FIGURE_COUNT, plain(0, 0), plain(40, 40));
    assert_verdict(VERDICT_SAME, "handoffs", FIGURE_NUMBER, plain(0, 90), plain(0, 90));
    assert_verdict(VERDICT_WORSE, "handoffs", FIGURE_NUMBER, plain(0.1, 90), plain(0, 90));
    assert_verdict(VERDICT_BETTER, "nps", FIGURE_NUMBER, plain(-10, 90), plain(-20, 90));
}

static void what_is_not_known_is_said(void **state)
{
    (void)state;
    assert_verdict(VERDICT_NEW, "csat", FIGURE_RATIO, ratio(0.5, 0.4, 0.6), NOTHING);
    assert_verdict(VERDICT_GONE, "csat", FIGURE_RATIO, NOTHING, ratio(0.5, 0.4, 0.6));
    assert_verdict(VERDICT_NONE, "csat", FIGURE_RATIO, NOTHING, NOTHING);
    assert_null(VERDICT_WORDS[VERDICT_NONE]);
    for (int verdict = VERDICT_NONE + 1; verdict < VERDICT_N; verdict++)
        assert_non_null(VERDICT_WORDS[verdict]);
}

static bool is_in(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* A new metric must be said to be good when high, or when low, or neither. */
static void the_whole_catalogue_is_judged(void **state)
{
    static const char *const neither[] = {
        "tickets_created", "tickets_solved",   "resolutions",    "response_rate",
        "survey_share",    "outsourced_share", "offshore_share", NULL};
    const char *const *const lists[] = {SCORECARD_HIGH_IS_GOOD, SCORECARD_LOW_IS_GOOD, neither};
    (void)state;
    for (size_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        int n = 0;
        for (size_t l = 0; l < 3; l++)
            n += is_in(lists[l], m->name);
        if (!m->is_hidden && n != 1)
            fail_msg("%s is in %d lists", m->name, n);
    }
    for (size_t l = 0; l < 3; l++)
        for (const char *const *name = lists[l]; *name; name++)
            if (!metric_find(*name, strlen(*name)))
                fail_msg("there is no metric %s", *name);
}

static void changes(void **state)
{
    struct figure a = plain(120, 1), b = plain(100, 1), zero = plain(0, 0);
    struct figure high = ratio(0.75, 0.6, 0.9), low = ratio(0.5, 0.4, 0.6);
    (void)state;
    assert_float_equal(scorecard_change(FIGURE_DURATION, &a, &b), 0.2, 1e-9);
    assert_float_equal(scorecard_change(FIGURE_COUNT, &b, &a), -1.0 / 6, 1e-9);
    assert_float_equal(scorecard_change(FIGURE_RATIO, &high, &low), 0.25, 1e-9);
    assert_float_equal(scorecard_change(FIGURE_NUMBER, &a, &b), 20, 1e-9);
    assert_true(isnan(scorecard_change(FIGURE_COUNT, &a, &zero)));
    assert_true(isnan(scorecard_change(FIGURE_COUNT, &a, &NOTHING)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(months_go_back_by_months),
        cmocka_unit_test(days_go_back_by_days),
        cmocka_unit_test(instants_go_back_by_their_length),
        cmocka_unit_test(what_is_no_period_is_refused),
        cmocka_unit_test(last_month),
        cmocka_unit_test(ratios_move_when_intervals_part),
        cmocka_unit_test(other_figures_move_by_a_share),
        cmocka_unit_test(what_is_not_known_is_said),
        cmocka_unit_test(the_whole_catalogue_is_judged),
        cmocka_unit_test(changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
