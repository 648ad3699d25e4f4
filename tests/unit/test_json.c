/* The service json/1, as a plugin uses it. */
#include "plugins/host/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tendon_json *parse(const char *text)
{
    struct tendon_json *document;
    char err[TENDON_ERROR_BYTES] = "";
    if (json_service()->parse(NULL, text, TENDON_TEXT, &document, err) != TENDON_OK)
        fail_msg("%s", err);
    return document;
}

static void test_values(void **state)
{
    const struct tendon_json_1 *j = json_service();
    struct tendon_json *d =
        parse("{\"id\": 7, \"name\": \"x\", \"none\": null, \"yes\": true, \"half\": 0.5,"
              " \"list\": [{\"a/b\": \"slash\", \"m~n\": \"tilde\"}, 2], \"digits\": \"41\","
              " \"\": \"empty\", \"a.b\": \"dot\"}");
    char room[TENDON_JSON_BYTES];
    const struct {
        const char *path;
        int type;
    } types[] = {{NULL, 'o'},      {"id", 'i'},       {"name", 's'},   {"none", 'n'}, {"yes", 'b'},
                 {"half", 'r'},    {"list", 'a'},     {"absent", 0},   {"/id", 'i'},  {"/list/1", 'i'},
                 {"/list/2", 0},   {"/list/0", 'o'},  {"/list/-1", 0}, {"/", 's'},    {"/list/x", 0},
                 {"/list/0/y", 0}, {"/id/deeper", 0}, {"/~2", 0},      {"a.b", 's'},  {"/a.b", 's'}};
    for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_int_equal(j->type(j->get(d, types[i].path)), types[i].type);
    assert_string_equal(j->string(d, "/list/0/a~1b"), "slash");
    assert_string_equal(j->string(d, "/list/0/m~0n"), "tilde");
    assert_string_equal(j->string(d, "/"), "empty");
    assert_null(j->string(d, "id"));
    assert_string_equal(j->text(d, "id", room), "7");
    assert_string_equal(j->text(d, "yes", room), "true");
    assert_string_equal(j->text(d, "name", room), "x");
    assert_null(j->text(d, "none", room));
    assert_null(j->text(d, "half", room));
    assert_int_equal(j->integer(d, "id", -1), 7);
    assert_int_equal(j->integer(d, "digits", -1), 41);
    assert_int_equal(j->integer(d, "name", -1), -1);
    assert_int_equal(j->integer(d, "absent", -1), -1);
    assert_true(j->real(d, "half", 0) == 0.5 && j->real(d, "id", 0) == 7 && j->real(d, "name", 3) == 3);
    assert_int_equal(j->count(j->get(d, "list")), 2);
    assert_int_equal(j->count(d), 9);
    assert_int_equal(j->count(j->get(d, "id")), 0);
    assert_int_equal(j->integer(j->at(j->get(d, "list"), 1), NULL, 0), 2);
    assert_null(j->at(j->get(d, "list"), 2));
    unsigned n = 0;
    for (const char *key = j->key(d, NULL); key; key = j->key(d, key), n++)
        assert_non_null(j->get(d, NULL));
    assert_int_equal(n, 9);
    j->free(d);
}

static void test_of_nothing_everything_is_missing(void **state)
{
    const struct tendon_json_1 *j = json_service();
    char room[TENDON_JSON_BYTES];
    assert_int_equal(j->type(NULL), 0);
    assert_null(j->get(NULL, "a"));
    assert_null(j->get(NULL, "/a/b"));
    assert_int_equal(j->count(NULL), 0);
    assert_null(j->at(NULL, 0));
    assert_null(j->key(NULL, NULL));
    assert_null(j->string(NULL, NULL));
    assert_null(j->text(NULL, "a", room));
    assert_int_equal(j->integer(NULL, "a", 5), 5);
    j->free(NULL);
}

static void test_what_is_none(void **state)
{
    static const char *const TEXTS[] = {
        "", "{", "[1,]", "nul", "{\"a\": 1} 2", "\"\\u12\"", "1e999", "99999999999999999999", "\xff"};
    for (unsigned i = 0; i < sizeof(TEXTS) / sizeof(*TEXTS); i++) {
        struct tendon_json *document = (struct tendon_json *)&document;
        char err[TENDON_ERROR_BYTES] = "";
        assert_int_equal(json_service()->parse(NULL, TEXTS[i], TENDON_TEXT, &document, err), TENDON_INVALID);
        assert_null(document);
        assert_non_null(strstr(err, "line 1"));
    }
    /* Never what stands in it. */
    struct tendon_json *document;
    char err[TENDON_ERROR_BYTES] = "";
    assert_int_equal(json_service()->parse(NULL, "{\"jane\" doe", TENDON_TEXT, &document, err),
                     TENDON_INVALID);
    assert_null(strstr(err, "jane"));
    assert_null(strstr(err, "doe"));
    assert_int_equal(json_service()->parse(NULL, NULL, 0, &document, err), TENDON_INVALID);
    /* Deep nesting is refused, and does not use up the stack. */
    char *deep = malloc(1000001);
    memset(deep, '[', 1000000);
    deep[1000000] = '\0';
    assert_int_equal(json_service()->parse(NULL, deep, TENDON_TEXT, &document, err), TENDON_INVALID);
    free(deep);
}

/* What no C string can hold comes as U+FFFD: the rest of the document is as readable, and no text is another.
 */
static void test_what_no_string_can_hold(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"a\\u0000b\"", "a\xef\xbf\xbd"
                          "b"},
        {"\"\\u0000\"", "\xef\xbf\xbd"},
        {"\"\\\\u0000\"", "\\u0000"},
        {"\"\\\\\\u0000\"", "\\\xef\xbf\xbd"},
        {"\"\\u0000\\u0041\\n\"", "\xef\xbf\xbd"
                                  "A\n"},
        {"\"\\ud800\"", "\xef\xbf\xbd"},
        {"\"\\uDC00x\"", "\xef\xbf\xbdx"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\uD83D\\uDE00\\uD83D\"", "\xf0\x9f\x98\x80\xef\xbf\xbd"},
        {"\"\\ud800\\u0000\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct tendon_json *d = parse(cases[i].json);
        assert_string_equal(json_service()->string(d, NULL), cases[i].text);
        json_service()->free(d);
    }
    struct tendon_json *d = parse("{\"a\\u0000\": 1, \"b\": 2}");
    assert_int_equal(json_service()->integer(d, "a\xef\xbf\xbd", 0), 1);
    json_service()->free(d);
    /* Cut in the middle of an escape, at the end of the text. */
    static const char *const CUT[] = {"\"\\u0000\\", "\"\\u0000\\u", "\"\\ud800\\ud", "\"\\ud8",
                                      "\"\\u0000\\ud800"};
    for (unsigned i = 0; i < sizeof(CUT) / sizeof(*CUT); i++) {
        char err[TENDON_ERROR_BYTES];
        char *exact = malloc(strlen(CUT[i])); /* so that a sanitizer sees what is read behind it */
        memcpy(exact, CUT[i], strlen(CUT[i]));
        assert_int_equal(json_service()->parse(NULL, exact, strlen(CUT[i]), &d, err), TENDON_INVALID);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_of_nothing_everything_is_missing),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_what_no_string_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
