/* From columns to attributes, and what is said of a file that is wrong. */
#include "tools/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char HOSPITALS[] = "ccn,name,type,beds,state\n"
                                "010001,\"Southeast, Dothan\",Acute Care,326,AL\n"
                                "010005,Marshall,Critical Access,,AL\n"
                                "010001,\"Southeast, Dothan\",Acute Care,326,AL\n";

static struct import_result result;
static struct error err;

struct sites {
    const char *key, *maps[4], *values[4], *sets[4];
};

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (n < 4 && list[n])
        n++;
    return n;
}

static int import_text(enum reference_table table, const char *text, const struct sites *s)
{
    struct csv csv;
    struct import_options options = {table,     s->key,           s->maps, count(s->maps),
                                     s->values, count(s->values), s->sets, count(s->sets)};
    memset(&err, 0, sizeof(err));
    assert_int_equal(csv_open_bytes(&csv, "h.csv", text, strlen(text), &err), 0);
    int r = import_read(&csv, &options, &result, &err);
    csv_close(&csv);
    return r;
}

static void assert_rows(const char *json)
{
    json_t *expected = json_loads(json, 0, NULL);
    assert_non_null(expected);
    if (!json_equal(expected, result.rows))
        fail_msg("%s", json_dumps(result.rows, 0));
    json_decref(expected);
}

static void columns_become_attributes(void **state)
{
    (void)state;
    struct sites s = {.key = "ccn",
                      .maps = {"type=facility_kind"},
                      .values = {"type:Acute Care=hospital", "type:Critical Access=cah", "type:Other=other"},
                      .sets = {"country=US"}};
    assert_int_equal(import_text(REFERENCE_SITE, HOSPITALS, &s), 0);
    assert_int_equal(result.n_errors, 0);
    assert_int_equal(result.n_duplicates, 1);
    assert_rows(
        "[{\"key\": \"010001\", \"facility_kind\": \"hospital\", \"beds\": \"326\", \"state\": \"AL\","
        "  \"country\": \"US\", \"ccn\": \"010001\"},"
        " {\"key\": \"010005\", \"facility_kind\": \"cah\", \"state\": \"AL\", \"country\": \"US\","
        "  \"ccn\": \"010005\"}]");
    assert_int_equal(json_array_size(result.left_out), 1);
    assert_string_equal(json_string_value(json_array_get(result.left_out, 0)), "name");
    assert_int_equal(json_array_size(result.unused), 1);
    assert_int_equal(json_integer_value(json_array_get(result.unused, 0)), 2);
    import_fini(&result);
}

static void odd_names_and_empty_values(void **state)
{
    (void)state;
    struct sites s = {.key = "team id",
                      .maps = {"a:b=c=outsourcer", "who pays=employer"},
                      .values = {"a:b=c:none=", "a:b=c:x=y:z=northwind"}};
    assert_int_equal(import_text(REFERENCE_TEAM,
                                 "team id,who pays,a:b=c,tier\n"
                                 " east ,acme,none,2\n"
                                 "west,bolt,x=y:z,\n",
                                 &s),
                     0);
    assert_int_equal(result.n_errors, 0);
    assert_rows("[{\"key\": \"east\", \"employer\": \"acme\", \"tier\": \"2\"},"
                " {\"key\": \"west\", \"employer\": \"bolt\", \"outsourcer\": \"northwind\"}]");
    import_fini(&result);
}

static void assert_refused(enum reference_table table, const struct sites *s, const char *message,
                           const char *hint)
{
    assert_true(import_text(table, HOSPITALS, s) < 0);
    if (!strstr(err.message, message) || !strstr(err.hint, hint))
        fail_msg("%s / %s", err.message, err.hint);
    import_fini(&result);
}

static void wrong_names_get_the_nearest(void **state)
{
    (void)state;
    assert_refused(REFERENCE_SITE, &(struct sites){.key = "cnn"}, "--key: h.csv has no column \"cnn\"",
                   "\"ccn\"");
    assert_refused(REFERENCE_SITE, &(struct sites){.key = "ccn", .maps = {"type=facility_knd"}},
                   "no attribute \"facility_knd\"", "facility_kind");
    assert_refused(REFERENCE_SITE, &(struct sites){.key = "ccn", .maps = {"tpye=facility_kind"}},
                   "no column \"tpye\"", "\"type\"");
    assert_refused(REFERENCE_SITE, &(struct sites){.key = "ccn", .maps = {"type"}}, "COLUMN=NAME", "");
    assert_refused(REFERENCE_SITE, &(struct sites){.key = "ccn", .values = {"tpe:a=b"}}, "no column \"tpe\"",
                   "\"type\"");
    assert_refused(REFERENCE_SITE, &(struct sites){.key = "ccn", .values = {"type=b"}}, "COLUMN:OLD=NEW", "");
    assert_refused(REFERENCE_SITE, &(struct sites){.key = "ccn", .sets = {"employer=b"}},
                   "a site has no attribute", "");
    assert_refused(REFERENCE_TEAM, &(struct sites){.key = "ccn", .sets = {"tier"}}, "NAME=VALUE", "");
}

static void assert_error(size_t i, const char *text, const char *lines)
{
    const json_t *fault = json_array_get(result.errors, i);
    const char *got = json_string_value(json_object_get(fault, "text"));
    char *where = json_dumps(json_object_get(fault, "lines"), 0);
    assert_non_null(got);
    if (strncmp(got, text, strlen(text)) != 0)
        fail_msg("%s", got);
    assert_string_equal(where, lines);
    assert_null(strstr(got, "SECRET"));
    free(where);
}

static void faults_name_line_and_column_and_no_value(void **state)
{
    (void)state;
    assert_int_equal(import_text(REFERENCE_SITE,
                                 "ccn,kind of,beds,country\n"
                                 "1,hospital,SECRET,US\n"
                                 "2,SECRET,1,US\n"
                                 "3,hospital,1,SECRET\n"
                                 "4,hospital,-1,US\n"
                                 "5,hospital,1\n"
                                 "6,hospital,1,US\n"
                                 "6,hospital,2,US\n"
                                 ",hospital,2,US\n",
                                 &(struct sites){.key = "ccn", .maps = {"kind of=facility_kind"}}),
                     0);
    assert_int_equal(result.n_errors, 7);
    assert_error(0, "column \"beds\": ", "[2, 5]");
    assert_error(1, "column \"kind of\": ", "[3]");
    assert_error(2, "column \"country\": ", "[4]");
    assert_error(3, "3 fields, but the header has 4", "[6]");
    assert_error(4, "its key stands in a line above with other values", "[8]");
    assert_error(5, "column \"ccn\": ", "[9]");
    import_fini(&result);
}

static void many_faults_are_counted(void **state)
{
    char *text = malloc(64 * 1024);
    size_t at = (size_t)sprintf(text, "key,beds\n");
    (void)state;
    for (int i = 0; i < 500; i++)
        at += (size_t)sprintf(text + at, "%d,many\n", i);
    assert_int_equal(import_text(REFERENCE_SITE, text, &(struct sites){.key = "key"}), 0);
    assert_int_equal(result.n_errors, 500);
    assert_int_equal(json_array_size(result.errors), 1);
    assert_error(0, "column \"beds\": ", "[2, 3, 4, 5, 6]");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(result.errors, 0), "n")), 500);
    import_fini(&result);
    free(text);
}

static int import_codes(const char *text)
{
    struct csv csv;
    memset(&err, 0, sizeof(err));
    assert_int_equal(csv_open_bytes(&csv, "c.csv", text, strlen(text), &err), 0);
    int r = import_read_codes(&csv, &result, &err);
    csv_close(&csv);
    return r;
}

static void values_of_dimensions(void **state)
{
    (void)state;
    assert_int_equal(
        import_codes("note,value,dimension\nx, orders ,category\n,icu,ward\ny,orders,category\n"), 0);
    assert_int_equal(result.n_errors, 0);
    assert_int_equal(result.n_duplicates, 1);
    assert_rows("[{\"dimension\": \"category\", \"value\": \"orders\"}, {\"dimension\": \"ward\", \"value\": "
                "\"icu\"}]");
    assert_int_equal(json_array_size(result.left_out), 1);
    import_fini(&result);

    assert_int_equal(
        import_codes(
            "dimension,value\ncategory,Ann told me of a thing\ncategory\n,x\ncategory,\nward,a@b.example\n"),
        0);
    assert_int_equal(result.n_errors, 5);
    assert_error(4, "the value looks as if it spoke of a person", "[6]");
    assert_error(0, "the value has unprintable characters, more than four spaces or nothing else", "[2]");
    assert_error(1, "1 fields, but the header has 2", "[3]");
    assert_error(2, "the name of a dimension is empty or longer than 64 bytes", "[4]");
    assert_error(3, "the value is empty or longer than 64 bytes", "[5]");
    import_fini(&result);

    static const char *const WRONG[] = {"", "value\nx\n", "dimension,valeu\nx,y\n",
                                        "dimension,value,value\n"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(*WRONG); i++) {
        assert_int_equal(import_codes(WRONG[i]), -EINVAL);
        assert_string_equal(err.code, "bad_csv");
        import_fini(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_become_attributes),
        cmocka_unit_test(odd_names_and_empty_values),
        cmocka_unit_test(wrong_names_get_the_nearest),
        cmocka_unit_test(faults_name_line_and_column_and_no_value),
        cmocka_unit_test(many_faults_are_counted),
        cmocka_unit_test(values_of_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
