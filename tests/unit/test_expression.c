/* Conditions: what they say of values, null included, and where a wrong one points. */
#include "core/query/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct dimension_names names;

/* Works a condition out over one row of texts "vendor=acme beds=#100": what is not there is null. */
static enum truth judge(const char *condition, const char *row)
{
    struct expression *e;
    struct error err = ERROR_INIT;
    enum truth stack[EXPRESSION_NODES];
    unsigned top = 0;
    if (expression_parse(condition, &names, &e, &err) < 0)
        fail_msg("%s: %s", condition, err.message);
    for (unsigned i = 0; i < e->n_nodes; i++) {
        const struct expression_node *node = &e->nodes[i];
        if (node->op == OP_NOT) {
            stack[top - 1] = TRUTH_TRUE - stack[top - 1];
        } else if (node->op == OP_AND || node->op == OP_OR) {
            enum truth a = stack[top - 2], b = stack[top - 1];
            top--;
            stack[top - 1] = (node->op == OP_AND) == (a < b) ? a : b;
        } else {
            struct dimension_value value = {.type = VALUE_IS_NULL};
            char text[64] = "", key[80];
            (void)snprintf(key, sizeof(key), "%s=", names.names[node->dimension].name);
            const char *at = strstr(row, key);
            if (at) {
                (void)sscanf(at + strlen(key), "%63s", text);
                value.type = text[0] == '#' ? VALUE_IS_NUMBER : VALUE_IS_TEXT;
                value.text = text;
                value.number = text[0] == '#' ? strtol(text + 1, NULL, 10) : 0;
            }
            stack[top++] = expression_test(e, node, &value);
        }
        assert_true(top <= e->depth);
    }
    assert_int_equal(top, 1);
    expression_free(e);
    return stack[0];
}

static void test_comparisons(void **state)
{
    assert_int_equal(judge("vendor=acme", "vendor=acme"), TRUTH_TRUE);
    assert_int_equal(judge("vendor = 'acme'", "vendor=acme"), TRUTH_TRUE);
    assert_int_equal(judge("vendor!=acme", "vendor=acme"), TRUTH_FALSE);
    assert_int_equal(judge("vendor=acme", "vendor=acm"), TRUTH_FALSE);
    assert_int_equal(judge("beds>100", "beds=#100"), TRUTH_FALSE);
    assert_int_equal(judge("beds>=100", "beds=#100"), TRUTH_TRUE);
    assert_int_equal(judge("beds<=99", "beds=#100"), TRUTH_FALSE);
    assert_int_equal(judge("beds<101", "beds=#100"), TRUTH_TRUE);
    assert_int_equal(judge("severity in (1, 2)", "severity=#2"), TRUTH_TRUE);
    assert_int_equal(judge("severity not in (1, 2)", "severity=#2"), TRUTH_FALSE);
}

static void test_null(void **state)
{
    const char *tests[] = {"vendor=acme", "vendor!=acme",   "not vendor=acme",   "vendor in (acme)",
                           "beds>1",      "not (beds > 1)", "vendor not in (x)", "not vendor in (x)"};
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        assert_int_equal(judge(tests[i], ""), TRUTH_NULL);
    assert_int_equal(judge("vendor is null", ""), TRUTH_TRUE);
    assert_int_equal(judge("vendor is not null", ""), TRUTH_FALSE);
    assert_int_equal(judge("not vendor IS NULL", "vendor=a"), TRUTH_TRUE);
    /* Three values: what the other side decides alone stands. */
    assert_int_equal(judge("vendor=x or beds=1", "beds=#1"), TRUTH_TRUE);
    assert_int_equal(judge("vendor=x and beds=1", "beds=#2"), TRUTH_FALSE);
    assert_int_equal(judge("vendor=x and beds=1", "beds=#1"), TRUTH_NULL);
    assert_int_equal(judge("vendor=x or vendor!=x", ""), TRUTH_NULL);
}

static void test_precedence(void **state)
{
    assert_int_equal(judge("vendor=a or vendor=b and beds=1", "vendor=a beds=#2"), TRUTH_TRUE);
    assert_int_equal(judge("(vendor=a or vendor=b) and beds=1", "vendor=a beds=#2"), TRUTH_FALSE);
    assert_int_equal(judge("not vendor=a and beds=1", "vendor=a beds=#2"), TRUTH_FALSE);
    assert_int_equal(judge("not (vendor=a and beds=1)", "vendor=a beds=#2"), TRUTH_TRUE);
    assert_int_equal(judge("not not vendor=a", "vendor=a"), TRUTH_TRUE);
    assert_int_equal(judge("facility_kind=hospital and beds>100 and support_region=offshore",
                           "facility_kind=hospital beds=#101 support_region=offshore"),
                     TRUTH_TRUE);
}

static void check_error(const char *condition, const char *code, const char *message, const char *hint)
{
    struct expression *e;
    struct error err = ERROR_INIT;
    assert_int_equal(expression_parse(condition, &names, &e, &err), -EINVAL);
    assert_string_equal(err.code, code);
    if (!strstr(err.message, message))
        fail_msg("'%s' is not in '%s'", message, err.message);
    if (!strstr(err.hint, hint))
        fail_msg("'%s' is not in the hint '%s'", hint, err.hint);
}

static void test_errors(void **state)
{
    check_error("suport_region=offshore", "unknown_dimension", "column 1:", "support_region");
    check_error("beds>100 and vendr=acme", "unknown_dimension", "column 14:", "vendor");
    check_error("support_region=offshor", "bad_expression", "column 16:", "offshore");
    check_error("channel=telephone", "bad_expression", "column 9:", "phone");
    check_error("channel=zzzzzzzzz", "bad_expression", "column 9:", "one of phone, email");
    check_error("facility_kind=hosptial", "bad_expression", "column 15:", "hospital");
    check_error("severity=5", "bad_expression", "severity goes from 1 to 4", "");
    check_error("beds>many", "bad_expression", "column 6: beds is compared with whole numbers", "");
    check_error("beds>1.5", "bad_expression", "whole numbers", "");
    check_error("vendor<acme", "bad_expression", "column 7: vendor is no number", "");
    check_error("vendor=null", "bad_expression", "column 8:", "is null");
    check_error("vendor in (a, null)", "bad_expression", "column 15:", "is null");
    check_error("vendor=", "bad_expression", "column 8: a value is missing", "");
    check_error("", "bad_expression", "column 1:", "");
    check_error("vendor", "bad_expression", "column 7: a comparison is missing", "");
    check_error("vendor=a beds=1", "bad_expression", "column 10: 'and' or 'or' is missing", "");
    check_error("(vendor=a", "bad_expression", "column 10: a ')' is missing", "");
    check_error("vendor=a)", "bad_expression", "column 9:", "");
    check_error("vendor in a", "bad_expression", "column 11:", "");
    check_error("vendor in ()", "bad_expression", "column 12:", "");
    check_error("vendor in (a b)", "bad_expression", "column 14:", "");
    check_error("vendor is 5", "bad_expression", "column 11:", "");
    check_error("vendor='acme", "bad_expression", "column 8: the text that starts here", "");
    check_error("vendor=a & beds=1", "bad_expression", "column 10: this character", "");
    check_error("and vendor=a", "unknown_dimension", "column 1:", "");
    check_error("vendor='\xc3\xa9t\xc3\xa9' and x=1", "unknown_dimension", "column 18:", "");
}

static void test_limits(void **state)
{
    struct expression *e;
    char text[20000] = "";
    for (int i = 0; i < 40; i++)
        strcat(text, "(");
    strcat(text, "vendor=a");
    check_error(text, "bad_expression", "deeper than 32", "");
    text[0] = '\0';
    for (int i = 0; i < 40; i++)
        strcat(text, "not ");
    strcat(text, "vendor=a");
    check_error(text, "bad_expression", "deeper than 32", "");
    strcpy(text, "tier=1");
    for (int i = 0; i < 300; i++)
        strcat(text, " or tier=1");
    check_error(text, "bad_expression", "too many parts", "");
    strcpy(text, "tier in (1");
    for (int i = 0; i < 600; i++)
        strcat(text, ",1");
    strcat(text, ")");
    check_error(text, "bad_expression", "too many values", "");
    memset(text, ' ', 5000);
    text[5000] = '\0';
    check_error(text, "bad_expression", "longer than", "");
    /* As many and as long as is allowed. */
    strcpy(text, "vendor in (a");
    for (int i = 0; i < 511; i++)
        strcat(text, ",''");
    strcat(text, ")");
    assert_int_equal(expression_parse(text, &names, &e, NULL), 0);
    assert_int_equal(e->n_literals, 512);
    expression_free(e);
}

/* Whatever comes: an answer or an error, and never a read outside. */
static void test_garbage(void **state)
{
    const char *const pieces[] = {"vendor", "beds", "=",  "!=",   "(",     ")",  "in", ",",    "not",
                                  "and",    "or",   "is", "null", "'x y'", "12", "\"", "\xff", "severity"};
    unsigned seed = 3;
    unsigned n_good = 0;
    for (int i = 0; i < 20000; i++) {
        char text[200] = "";
        struct expression *e;
        for (int k = 0; k < 8; k++) {
            seed = seed * 1103515245u + 12345u;
            strcat(text, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
            if (seed >> 31)
                strcat(text, " ");
        }
        if (expression_parse(text, &names, &e, NULL) == 0) {
            n_good++;
            expression_free(e);
        }
    }
    assert_true(n_good < 20000);
}

static void test_names(void **state)
{
    const char declared[2][EVENT_CODE_BYTES + 1] = {"contract", "beds"};
    struct dimension_names mine;
    dimension_names_init(&mine, declared, 2);
    int place = dimension_names_find(&mine, "contract", 8);
    assert_true(place >= 0);
    assert_int_equal(mine.names[place].field, FIELD_DECLARED);
    place = dimension_names_find(&mine, "beds", 4); /* the tenant's own hides the attribute */
    assert_int_equal(mine.names[place].kind, DIMENSION_EVENT);
    for (size_t i = 0; i < mine.n; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(mine.names[i].name, mine.names[k].name);
    place = dimension_names_find(&mine, "tier", 4);
    assert_int_equal(mine.names[place].kind, DIMENSION_TIER);
    assert_string_equal(dimension_names_nearest(&mine, "sevrity", 7), "severity");
    assert_int_equal(dimension_names_find(&mine, "namespace", 9), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons), cmocka_unit_test(test_null),   cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_errors),      cmocka_unit_test(test_limits), cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_names),
    };
    dimension_names_init(&names, NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
