/* Pictures: what is drawn, and that no line is longer than it may be. */
#include "tools/answer.h"
#include "tools/chart.h"
#include "tools/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define U (&CHART_UNICODE)
#define A (&CHART_ASCII)

static struct chart_bar bar(const char *label, double value, const char *text)
{
    return (struct chart_bar){(char *)label, value, (char *)text};
}

static const char *bars(const struct chart_signs *signs, const struct chart_bar *list, size_t n,
                        bool is_share, unsigned width)
{
    static char text[65536];
    double values[64];
    FILE *out = fmemopen(text, sizeof(text), "w");
    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        values[i] = list[i].value;
    struct chart_range range = chart_range(values, n, is_share);
    range.low_text = range.low < 0 ? "least" : "0";
    range.high_text = "most";
    chart_bars(out, signs, list, n, &range, width);
    (void)fclose(out);
    return text;
}

static void bars_of_counts(void **state)
{
    const struct chart_bar list[] = {bar("acme", 4, "4"), bar("bolt", 1, "1"), bar("none", 0, "0"),
                                     bar("–", NAN, NULL), bar("tiny", 0.001, "0.001")};
    (void)state;
    assert_string_equal(bars(U, list, 4, false, 21), "acme  4  ████████████\n"
                                                     "bolt  1  ███\n"
                                                     "none  0  \n"
                                                     "–     –  \n"
                                                     "         0       most\n");
    assert_string_equal(bars(A, list, 4, false, 21), "acme  4  ############\n"
                                                     "bolt  1  ###\n"
                                                     "none  0  \n"
                                                     "–     -  \n"
                                                     "         0       most\n");
    /* what is there is seen, however small */
    assert_non_null(strstr(bars(U, list, 5, false, 40), "tiny  0.001  ▏\n"));
}

/* A ratio's bar is of a round percentage, so that pictures of 5 % and of 50 % do not look the same. */
static void bars_of_shares(void **state)
{
    const struct chart_bar low[] = {bar("a", 0.03, "3 %"), bar("b", 0.05, "5 %")};
    const struct chart_bar high[] = {bar("a", 0.5, "50 %"), bar("b", 0.75, "75 %")};
    const double over[] = {0.051}, all[] = {1}, none[] = {NAN, 0};
    (void)state;
    assert_string_equal(bars(U, low, 2, true, 28), "a  3 %  ████████████\nb  5 %  ████████████████████\n"
                                                   "        0               most\n");
    assert_string_equal(bars(U, high, 2, true, 29), "a  50 %  ██████████\nb  75 %  ███████████████\n"
                                                    "         0               most\n");
    assert_float_equal(chart_range(over, 1, true).high, 0.1, 0);
    assert_float_equal(chart_range(all, 1, true).high, 1, 0);
    assert_float_equal(chart_range(none, 2, true).high, 0, 0);
}

static void negative_bars_go_left(void **state)
{
    const struct chart_bar list[] = {bar("up", 50, "50"), bar("down", -25, "−25"), bar("bad", -50, "−50"),
                                     bar("none", 0, "0"), bar("null", NAN, NULL)};
    const struct chart_bar below[] = {bar("a", -10, "−10"), bar("b", -20, "−20")};
    (void)state;
    assert_string_equal(bars(U, list, 5, false, 32), "up     50            │██████████\n"
                                                     "down  −25       █████│\n"
                                                     "bad   −50  ██████████│\n"
                                                     "none    0            │\n"
                                                     "null    –            │\n"
                                                     "           least            most\n");
    assert_string_equal(bars(U, below, 2, false, 20), "a  −10       ▐█████│\n"
                                                      "b  −20  ███████████│\n"
                                                      "        least   most\n");
    assert_string_equal(bars(A, below, 2, false, 20), "a  −10       :#####|\n"
                                                      "b  −20  ###########|\n"
                                                      "        least   most\n");
}

static void assert_fits(const char *text, size_t width)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        char *line = strndup(text, size);
        if (text_width(line) > width)
            fail_msg("over %zu columns: %s", width, line);
        free(line);
        text += size + (text[size] == '\n');
    }
}

static void lines_fit_whatever_the_names(void **state)
{
    static const char *const labels[] = {
        "",
        "a",
        "名前名前名前名前名前名前名前名前名前名前名前名前",
        "e\u0301e\u0301",
        "a very long name of an outsourcer · and of the region it works from",
        "x"};
    struct chart_bar list[12];
    (void)state;
    for (unsigned i = 0; i < 12; i++)
        list[i] = bar(labels[i % 6],
                      i == 5  ? NAN
                      : i < 3 ? (double)i - 3.5
                              : i * 1e6,
                      i == 5   ? NULL
                      : i == 7 ? "a text that no value has, with 名前 in it"
                               : "1d 12h");
    for (unsigned width = CHART_WIDTH_MIN; width < 220; width++) {
        assert_fits(bars(U, list, 12, false, width), width);
        assert_fits(bars(A, list, 12, false, width), width);
        assert_fits(bars(U, list, 7, false, width), width);
    }
}

static void long_labels_end_with_an_ellipsis(void **state)
{
    const struct chart_bar list[] = {bar("名前名前名前名前", 1, "1"), bar("abcdefghijklmnopqrst", 1, "1")};
    (void)state;
    assert_string_equal(bars(U, list, 2, false, 27), "名前名前…   1  ████████████\n"
                                                     "abcdefghi…  1  ████████████\n"
                                                     "               0       most\n");
    assert_string_equal(bars(A, list, 1, false, 27), "名前名前..  1  ############\n"
                                                     "               0       most\n");
}

static void sparklines(void **state)
{
    static const double values[] = {0, 1, NAN, 7}, flat[] = {5, 5};
    char room[64];
    (void)state;
    assert_string_equal(chart_sparkline(room, U, values, 4, 1, 0, 7), "▁▂–█");
    assert_string_equal(chart_sparkline(room, U, values, 4, 2, 0, 7), "▁▁▂▂––██");
    assert_string_equal(chart_sparkline(room, A, values, 4, 1, 0, 7), "_.-#");
    assert_string_equal(chart_sparkline(room, U, flat, 2, 1, 5, 5), "▄▄");
}

static void columns(void **state)
{
    static const double values[] = {8, 4, NAN, 0, 0.01};
    char text[4096];
    struct chart_range range = chart_range(values, 5, false);
    (void)state;
    range.low_text = "0";
    range.high_text = "8";
    FILE *out = fmemopen(text, sizeof(text), "w");
    chart_columns(out, U, values, 5, &range, "2026-01", "05*", 24);
    (void)fclose(out);
    assert_string_equal(text, "8 │███                 \n"
                              "  │███                 \n"
                              "  │███                 \n"
                              "  │███                 \n"
                              "  │███ ███             \n"
                              "  │███ ███             \n"
                              "  │███ ███             \n"
                              "0 │███ ███ –––     ▁▁▁ \n"
                              "  └────────────────────\n"
                              "   2026-01          05*\n");
}

static void columns_fit(void **state)
{
    double values[500];
    char text[65536];
    (void)state;
    for (unsigned i = 0; i < 500; i++)
        values[i] = i % 7 == 3 ? NAN : i;
    struct chart_range range = chart_range(values, 500, false);
    range.low_text = "0s";
    range.high_text = "12d 13h";
    for (unsigned width = CHART_WIDTH_MIN; width < 220; width++) {
        size_t n = chart_columns_fit(&range, width);
        FILE *out = fmemopen(text, sizeof(text), "w");
        assert_in_range(n, 1, 500);
        chart_columns(out, U, values, n, &range, "2026-01-01", "2026-12-01*", width);
        (void)fclose(out);
        assert_fits(text, width);
    }
}

/* --- answers ---------------------------------------------------------------------------------------------
 */

static const char *answered(const char *rows, const char *every, unsigned width, bool ascii)
{
    static char text[65536];
    json_t *answer =
        json_pack("{s:[s], s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s, s:s}], s:o}", "metrics", "csat", "columns",
                  "name", "period", "kind", "period", "name", "vendor", "kind", "dimension", "name", "csat",
                  "kind", "ratio", "metric", "csat", "rows", json_loads(rows, 0, NULL));
    assert_non_null(answer);
    FILE *out = fmemopen(text, sizeof(text), "w");
    answer_chart(answer, every, out, width, ascii);
    (void)fclose(out);
    json_decref(answer);
    return text;
}

static void groups_over_time_are_sparklines(void **state)
{
    static const char rows[] =
        "[{\"period\": \"2026-01-01T00:00:00Z\", \"vendor\": \"acme\", \"csat\": 0.1},"
        " {\"period\": \"2026-02-01T00:00:00Z\", \"vendor\": \"acme\", \"csat\": null},"
        " {\"period\": \"2026-03-01T00:00:00Z\", \"vendor\": \"acme\", \"csat\": 0.9, \"partial\": true},"
        " {\"period\": \"2026-02-01T00:00:00Z\", \"vendor\": null, \"csat\": 0.5}]";
    (void)state;
    assert_string_equal(answered(rows, "1mo", 60, false), "\ncsat\n2026-01 to 2026-03*\n"
                                                          "acme  ▁▁––██  10.0 % … 90.0 %\n"
                                                          "–     ––▅▅––  50.0 % … 50.0 %\n");
    assert_string_equal(answered(rows, "1mo", 20, true), "\ncsat\n2026-01 to 2026-03*\n"
                                                         "acme  __--##\n"
                                                         "-     --==--\n");
}

static void one_group_over_time_is_columns(void **state)
{
    static const char rows[] =
        "[{\"period\": \"2026-01-01T00:00:00Z\", \"vendor\": \"acme\", \"csat\": 0.1},"
        " {\"period\": \"2026-01-02T00:00:00Z\", \"vendor\": \"acme\", \"csat\": 0.2}]";
    const char *text = answered(rows, "1d", 40, false);
    (void)state;
    assert_non_null(strstr(text, "20.0 % │      █████"));
    assert_non_null(strstr(text, " 0.0 % │█████ █████"));
}

/* The last that fit are drawn, and it is said of how many. */
static void more_periods_than_columns(void **state)
{
    char rows[65536], *at = rows;
    (void)state;
    *at++ = (char)91;
    for (int i = 0; i < 100; i++)
        at += snprintf(at, sizeof(rows) - (size_t)(at - rows),
                       "%s{\"period\": \"20%02d-01-01T00:00:00Z\", \"vendor\": \"%s\", \"csat\": 0.%02d}",
                       i ? "," : "", i / 2, i % 2 ? "acme" : "bolt", i);
    (void)strcpy(at, "]");
    const char *text = answered(rows, "1mo", 30, false);
    assert_non_null(strstr(text, "2026-01 to 2049-01, the last\n24 of 50 periods\n"));
    assert_fits(text, 30);
}

static void many_groups_end(void **state)
{
    char rows[65536], *at = rows;
    (void)state;
    *at++ = (char)91;
    for (int i = 0; i < 100; i++)
        at += snprintf(at, sizeof(rows) - (size_t)(at - rows), "%s{\"vendor\": \"v%d\", \"csat\": 0.5}",
                       i ? "," : "", i);
    (void)strcpy(at, "]");
    const char *text = answered(rows, NULL, 60, false);
    assert_non_null(strstr(text, "\nv59 "));
    assert_null(strstr(text, "\nv60 "));
    assert_non_null(strstr(text, "\nand 40 more in the table\n"));
}

static void what_a_locale_can_write(void **state)
{
    static const struct {
        const char *all, *ctype, *lang;
        bool unicode;
    } cases[] = {
        {"C.UTF-8", "C", "C", true},
        {"C", "C.UTF-8", "C.UTF-8", false},
        {"", "", "de_DE.utf8", true},
        {"", "POSIX", "C.UTF-8", false},
        {"", "", "", false},
        {"", "", "xx_XX", false},
        {"", "en_GB.UTF-8", "C", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)setenv("LC_ALL", cases[i].all, 1);
        (void)setenv("LC_CTYPE", cases[i].ctype, 1);
        (void)setenv("LANG", cases[i].lang, 1);
        if (terminal_has_unicode() != cases[i].unicode)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* as the program does: for widths */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_of_counts),
        cmocka_unit_test(bars_of_shares),
        cmocka_unit_test(negative_bars_go_left),
        cmocka_unit_test(lines_fit_whatever_the_names),
        cmocka_unit_test(long_labels_end_with_an_ellipsis),
        cmocka_unit_test(sparklines),
        cmocka_unit_test(columns),
        cmocka_unit_test(columns_fit),
        cmocka_unit_test(groups_over_time_are_sparklines),
        cmocka_unit_test(one_group_over_time_is_columns),
        cmocka_unit_test(more_periods_than_columns),
        cmocka_unit_test(many_groups_end),
        cmocka_unit_test(what_a_locale_can_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
