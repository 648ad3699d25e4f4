/* CSV as it comes, right and wrong. */
#include "tools/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The records of a text, as "field|field/field|field"; or the error's message. */
static char *records(const void *data, size_t size)
{
    static char out[4096];
    struct csv csv;
    struct error err = ERROR_INIT;
    out[0] = '\0';
    int r = csv_open_bytes(&csv, "f.csv", data, size, &err);
    while (r == 0 && (r = csv_next(&csv, &err)) > 0) {
        for (size_t i = 0; i < csv.n_fields; i++) {
            (void)strcat(out, i > 0 ? "|" : "");
            (void)strcat(out, csv.fields[i]);
        }
        (void)strcat(out, "/");
        r = 0;
    }
    if (r < 0)
        (void)snprintf(out, sizeof(out), "%s: %s", err.code, err.message);
    csv_close(&csv);
    return out;
}

static char *text_records(const char *text)
{
    return records(text, strlen(text));
}

static void records_are_read(void **state)
{
    (void)state;
    assert_string_equal(text_records(""), "");
    assert_string_equal(text_records("a,b\n1,2\n"), "a|b/1|2/");
    assert_string_equal(text_records("a,b\r\n1,2"), "a|b/1|2/");
    assert_string_equal(text_records("\xef\xbb\xbf"
                                     "a\nü\n"),
                        "a/ü/");
    assert_string_equal(text_records("a,\n,b\n"), "a|/|b/");
    assert_string_equal(text_records("a,"), "a|/");
    assert_string_equal(text_records("a\n\n\r\nb\n"), "a/b/");
    assert_string_equal(text_records("\"x, \"\"y\"\"\",z\n"), "x, \"y\"|z/");
    assert_string_equal(text_records("\"two\nlines\",z\r\nn\n"), "two\nlines|z/n/");
    assert_string_equal(text_records("a \"b\" c,d\n"), "a \"b\" c|d/");
    assert_string_equal(text_records("\"\",\"\"\n"), "|/");
    assert_string_equal(text_records("\"a\"\r"), "a/");
}

static void faults_name_the_line(void **state)
{
    static const char NUL[] = "a\nb\0c\n";
    (void)state;
    assert_string_equal(
        text_records("a\n\"two\nlines\"\n\"open\nand on"),
        "bad_csv: f.csv:4: a quoted field that begins in this record is not closed before the file ends");
    assert_string_equal(text_records("a\n\n\"b\"c\n"),
                        "bad_csv: f.csv:3: text stands behind a closing quote");
    assert_string_equal(text_records("a\nb\xff\n"), "bad_csv: f.csv:2: a field is not valid UTF-8");
    assert_string_equal(records(NUL, sizeof(NUL) - 1), "bad_csv: f.csv:2: a field is not valid UTF-8");
    assert_string_equal(records("\xff\xfe"
                                "a\0",
                                4),
                        "import_file: f.csv is UTF-16");
}

static void limits_hold(void **state)
{
    char *data = malloc(CSV_FIELD_BYTES + 16);
    (void)state;
    memset(data, ',', CSV_COLUMNS_MAX);
    assert_string_equal(records(data, CSV_COLUMNS_MAX), "bad_csv: f.csv:1: more than 256 columns");
    memset(data, 'x', CSV_FIELD_BYTES + 1);
    assert_string_equal(records(data, CSV_FIELD_BYTES + 1), "bad_csv: f.csv:1: a field is over 64 KiB");
    free(data);
}

/* Whatever is cut off at the end: no read outside, and an end. */
static void any_cut_ends(void **state)
{
    static const char TEXT[] = "k,\"a \"\"b\"\"\r\nc\",d\r\n\"\",\"x\",\r\n";
    (void)state;
    for (size_t size = 0; size < sizeof(TEXT); size++) {
        char *exact = malloc(size + 1);
        memcpy(exact, TEXT, size);
        (void)records(exact, size);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read),
        cmocka_unit_test(faults_name_the_line),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(any_cut_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
