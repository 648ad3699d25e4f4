/* How tables lie on a terminal, and the answer of a query as one. */
#include "tools/answer.h"
#include "tools/table.h"
#include "tools/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *written(const struct table *t, unsigned width, int markdown)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(markdown ? table_write_markdown(t, out) : table_write(t, out, width), 0);
    (void)fclose(out);
    return text;
}

static void assert_table(const struct table *t, unsigned width, const char *expected)
{
    char *text = written(t, width, 0);
    assert_string_equal(text, expected);
    free(text);
}

static void plain_table(void **state)
{
    struct table t;
    (void)state;
    table_init(&t);
    table_column(&t, NULL, "vendor", TABLE_KEY);
    table_column(&t, NULL, "tickets", TABLE_RIGHT);
    table_cell(&t, "Zürich Süd");
    table_cell(&t, "4,211");
    table_cell(&t, "東京");
    table_cell(&t, NULL);
    assert_table(&t, 0,
                 "vendor      tickets\n"
                 "──────────  ───────\n"
                 "Zürich Süd    4,211\n"
                 "東京              –\n");
    table_fini(&t);
}

static void groups_have_a_heading(void **state)
{
    struct table t;
    (void)state;
    table_init(&t);
    table_column(&t, NULL, "vendor", TABLE_KEY);
    table_column(&t, "wait", "p50", TABLE_RIGHT);
    table_column(&t, "wait", "p90", TABLE_RIGHT);
    table_column(&t, "long_metric_name", "n", TABLE_RIGHT);
    static const char *const CELLS[] = {"acme", "2h 14m", "3d 4h", "7"};
    for (size_t i = 0; i < 4; i++)
        table_cell(&t, CELLS[i]);
    assert_table(&t, 0,
                 "        ─── wait ────  long_metric_name\n"
                 "vendor     p50    p90                 n\n"
                 "──────  ──────  ─────  ────────────────\n"
                 "acme    2h 14m  3d 4h                 7\n");
    table_fini(&t);
}

static void texts_are_shortened_before_columns_move(void **state)
{
    struct table t;
    (void)state;
    table_init(&t);
    table_column(&t, NULL, "site", TABLE_KEY);
    table_column(&t, NULL, "tickets", TABLE_RIGHT);
    table_cell(&t, "Saint Bartholomew General Hospital");
    table_cell(&t, "12");
    assert_table(&t, 30,
                 "site                   tickets\n"
                 "─────────────────────  ───────\n"
                 "Saint Bartholomew Ge…       12\n");
    table_fini(&t);
}

static void what_does_not_fit_goes_below(void **state)
{
    struct table t;
    (void)state;
    table_init(&t);
    table_column(&t, NULL, "v", TABLE_KEY);
    table_column(&t, NULL, "first", TABLE_RIGHT);
    table_column(&t, NULL, "second", TABLE_RIGHT);
    table_column(&t, NULL, "third", TABLE_RIGHT);
    static const char *const CELLS[] = {"a", "1", "2", "3"};
    for (size_t i = 0; i < 4; i++)
        table_cell(&t, CELLS[i]);
    assert_table(&t, 16,
                 "v  first  second\n"
                 "─  ─────  ──────\n"
                 "a      1       2\n"
                 "\n"
                 "v  third\n"
                 "─  ─────\n"
                 "a      3\n");
    for (unsigned width = 1; width < 40; width++) {
        char *text = written(&t, width, 0);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            assert_true(text_width(line) <= width || text_width(line) <= 10);
        free(text);
    }
    table_fini(&t);
}

/* A value, its interval and its n go on together, where a block can hold them. */
static void sentences_are_wrapped_and_not_shortened(void **state)
{
    struct table t;
    (void)state;
    table_init(&t);
    table_column(&t, NULL, "metric", TABLE_KEY | TABLE_RIGID);
    table_column(&t, NULL, "n", TABLE_RIGHT);
    table_column(&t, NULL, "why", TABLE_WRAP);
    table_cell(&t, "csat");
    table_cell(&t, "12");
    table_cell(&t, "nobody rated the ticket after it was solved");
    table_cell(&t, "nps");
    table_cell(&t, "0");
    table_cell(&t, NULL);
    assert_table(&t, 30,
                 "metric   n\n"
                 "──────  ──\n"
                 "csat    12\n"
                 "nps      0\n"
                 "\n"
                 "metric  why\n"
                 "──────  ──────────────────────\n"
                 "csat    nobody rated the\n"
                 "        ticket after it was\n"
                 "        solved\n"
                 "nps     –\n");
    assert_table(&t, 0,
                 "metric   n  why\n"
                 "──────  ──  ───────────────────────────────────────────\n"
                 "csat    12  nobody rated the ticket after it was solved\n"
                 "nps      0  –\n");
    table_fini(&t);
}

static void what_belongs_together_stays(void **state)
{
    struct table t;
    (void)state;
    table_init(&t);
    table_column(&t, NULL, "v", TABLE_KEY);
    table_column(&t, NULL, "first", TABLE_RIGHT);
    table_column(&t, NULL, "csat", TABLE_RIGHT);
    table_column(&t, NULL, "n", TABLE_RIGHT | TABLE_JOIN);
    static const char *const CELLS[] = {"a", "1", "2", "3"};
    for (size_t i = 0; i < 4; i++)
        table_cell(&t, CELLS[i]);
    assert_table(&t, 15,
                 "v  first\n"
                 "─  ─────\n"
                 "a      1\n"
                 "\n"
                 "v  csat  n\n"
                 "─  ────  ─\n"
                 "a     2  3\n");
    assert_table(&t, 8,
                 "v  first\n"
                 "─  ─────\n"
                 "a      1\n"
                 "\n"
                 "v  csat\n"
                 "─  ────\n"
                 "a     2\n"
                 "\n"
                 "v  n\n"
                 "─  ─\n"
                 "a  3\n");
    table_fini(&t);
}

static void markdown_is_escaped(void **state)
{
    struct table t;
    (void)state;
    table_init(&t);
    table_column(&t, NULL, "team", TABLE_KEY);
    table_column(&t, "csat", "n", TABLE_RIGHT);
    table_cell(&t, "a|b*");
    table_cell(&t, "3");
    char *text = written(&t, 0, 1);
    assert_string_equal(text, "| team | csat n |\n| --- | ---: |\n| a\\|b\\* | 3 |\n");
    free(text);
    table_fini(&t);
}

static const char ANSWER[] =
    "{\"metrics\": [\"wait.p50\", \"wait.p90\", \"csat\", \"created\"], \"by\": [\"vendor\"],"
    " \"columns\": ["
    "  {\"name\": \"vendor\", \"kind\": \"dimension\"},"
    "  {\"name\": \"wait.p50\", \"kind\": \"duration\", \"metric\": \"wait\", \"stat\": \"p50\"},"
    "  {\"name\": \"wait.p50.n\", \"kind\": \"n\", \"metric\": \"wait\", \"stat\": \"p50\"},"
    "  {\"name\": \"wait.p90\", \"kind\": \"duration\", \"metric\": \"wait\", \"stat\": \"p90\"},"
    "  {\"name\": \"wait.p90.n\", \"kind\": \"n\", \"metric\": \"wait\", \"stat\": \"p90\"},"
    "  {\"name\": \"csat\", \"kind\": \"ratio\", \"metric\": \"csat\"},"
    "  {\"name\": \"csat.low\", \"kind\": \"interval\", \"metric\": \"csat\"},"
    "  {\"name\": \"csat.high\", \"kind\": \"interval\", \"metric\": \"csat\"},"
    "  {\"name\": \"csat.n\", \"kind\": \"n\", \"metric\": \"csat\"},"
    "  {\"name\": \"created\", \"kind\": \"count\", \"metric\": \"created\"},"
    "  {\"name\": \"created.n\", \"kind\": \"n\", \"metric\": \"created\"}],"
    " \"rows\": ["
    "  {\"vendor\": \"acme\", \"wait.p50\": 8040, \"wait.p50.n\": 4211, \"wait.p90\": 273600, "
    "\"wait.p90.n\": 4211,"
    "   \"csat\": 0.861111, \"csat.low\": 0.803008, \"csat.high\": 0.904123, \"csat.n\": 180, \"created\": "
    "4300, \"created.n\": 4300},"
    "  {\"vendor\": null, \"wait.p50\": null, \"wait.p50.n\": 0, \"wait.p90\": null, \"wait.p90.n\": 0,"
    "   \"csat\": null, \"csat.low\": null, \"csat.high\": null, \"csat.n\": 0, \"created\": 0, "
    "\"created.n\": 0}],"
    " \"meta\": {\"warnings\": [{\"code\": \"x\", \"message\": \"one\"}, \"two\"]}}";

static void answer_as_a_table(void **state)
{
    struct table t;
    const char *warnings[4];
    (void)state;
    json_t *answer = json_loads(ANSWER, 0, NULL);
    assert_non_null(answer);
    table_init(&t);
    answer_table(answer, NULL, &t);
    assert_table(&t, 0,
                 "        ─────── wait ───────\n"
                 "vendor     p50    p90      n    csat          95 %    n  created\n"
                 "──────  ──────  ─────  ─────  ──────  ────────────  ───  ───────\n"
                 "acme    2h 14m  3d 4h  4,211  86.1 %  [80.3, 90.4]  180    4,300\n"
                 "–            –      –      0       –             –    0        0\n");
    table_fini(&t);
    assert_int_equal(answer_warnings(answer, warnings, 4), 2);
    assert_string_equal(warnings[0], "one");
    assert_string_equal(warnings[1], "two");
    assert_false(answer_is_empty(answer));
    (void)json_array_remove(json_object_get(answer, "rows"), 0);
    assert_true(answer_is_empty(answer));
    json_decref(answer);
}

static void an_n_that_differs_stands_beside_its_value(void **state)
{
    struct table t;
    (void)state;
    json_t *answer = json_loads(ANSWER, 0, NULL);
    json_object_set_new(json_array_get(json_object_get(answer, "rows"), 0), "wait.p90.n", json_integer(7));
    table_init(&t);
    answer_table(answer, NULL, &t);
    assert_int_equal(t.n_columns, 9);
    assert_string_equal(t.columns[2].heading, "n");
    assert_string_equal(t.columns[4].heading, "n");
    table_fini(&t);
    json_decref(answer);
}

static const char META[] =
    "{\"rows\": [{\"partial\": true}], \"meta\": {\"tenant\": \"riverbend\","
    " \"period\": {\"since\": \"2026-01-01T00:00:00-06:00\", \"until\": \"2026-02-01T00:00:00-06:00\"},"
    " \"zone\": \"America/Chicago\", \"now\": \"2026-02-02T10:00:07.250-06:00\", \"as_of\": 1234567,"
    " \"definitions\": {\"csat\": 1, \"reopen_rate\": 2},"
    " \"excluded\": {\"merged\": 12, \"spam\": 1},"
    " \"excluded_by_source\": {\"acme\": {\"merged\": 12}, \"bolt\": {\"spam\": 1}},"
    " \"left_out\": {\"reseller\": 3}, \"inferred\": 2, \"orphans\": 0, \"conflicts\": 1,"
    " \"sources\": [{\"name\": \"acme\", \"complete_until\": \"2026-01-31T12:00:00-06:00\"},"
    "              {\"name\": \"bolt\", \"complete_until\": null}],"
    " \"warnings\": [\"one \\u001b[2J\"]}}";

static void footers(void **state)
{
    char *text;
    size_t size;
    (void)state;
    json_t *answer = json_loads(META, 0, NULL);
    assert_non_null(answer);
    FILE *out = open_memstream(&text, &size);
    answer_footer(answer, out, 60, false);
    (void)fclose(out);
    assert_string_equal(text, "\n"
                              "Period       from 2026-01-01 until before 2026-02-01,\n"
                              "             America/Chicago, now 2026-02-02 10:00:07-06:00,\n"
                              "             as of event 1,234,567\n"
                              "*            a period cut short, or still running\n"
                              "Left out     12 merged, 1 spam (acme 12, bolt 1), 3 reseller\n"
                              "Odd          2 tickets without their beginning, 1 events\n"
                              "             sent again with other content\n"
                              "Complete     acme until 2026-01-31 12:00, bolt does not say\n"
                              "Definitions  csat v1, reopen_rate v2\n"
                              "Warning      one \ufffd[2J\n");
    free(text);
    /* the least that an answer may hold */
    (void)json_object_clear(answer);
    out = open_memstream(&text, &size);
    answer_footer(answer, out, 60, true);
    (void)fclose(out);
    assert_string_equal(text, "\n* Period: everything\n");
    free(text);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_table),
        cmocka_unit_test(groups_have_a_heading),
        cmocka_unit_test(texts_are_shortened_before_columns_move),
        cmocka_unit_test(what_does_not_fit_goes_below),
        cmocka_unit_test(sentences_are_wrapped_and_not_shortened),
        cmocka_unit_test(what_belongs_together_stays),
        cmocka_unit_test(markdown_is_escaped),
        cmocka_unit_test(answer_as_a_table),
        cmocka_unit_test(an_n_that_differs_stands_beside_its_value),
        cmocka_unit_test(footers),
    };
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
