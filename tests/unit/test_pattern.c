/* Values that look personal, and their neighbours that do not. */
#include "core/ingest/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const personal[] = {
    "jane.doe@example.org",
    "mail jane@example.org now",
    "<j+d@mail.example.co.uk>",
    "JANE@EXAMPLE.ORG",
    "jane\xef\xbc\xa0"
    "example.org", /* full-width @ */
    "123-45-6789",
    "123 45 6789",
    "123.45.6789",
    "SSN 123-45-6789",
    "123\xe2\x80\x91"
    "45\xe2\x80\x91"
    "6789", /* non-breaking hyphens */
    "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93-45-6789",
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "card 4111-1111-1111-1111 exp 12",
    "12 4111 1111 1111 1111",
    "378282246310005",     /* 15 digits */
    "4222222222222",       /* 13 */
    "6304000000000000000", /* 19 */
    "+15558675309",
    "+1 555 867 5309",
    "+49 (30) 1234-5678",
    "tel +44 20 7946 0958",
    "555-867-5309",
    "(555) 867-5309",
    "555.867.5309",
    "1-555-867-5309",
    "call 555 867 5309",
    "867-5309",
    "020 7946 0958",
    "030/1234567",
    "https://example.org/x",
    "see http://h",
    "ftp://host/file",
    "www.example.org",
    "WWW.EXAMPLE.ORG",
    "mailto:jane",
    "192.168.0.1",
    "host 10.0.0.255 down",
    "[192.168.0.1]:80",
    "2001:db8::1",
    "fe80::1",
    "2001:0db8:0000:0000:0000:ff00:0042:8329",
    "::ffff:192.0.2.1",
    "host 2001:db8::1.",
    "2001:db8::1.csv",
};

static const char *const plain[] = {
    "acme",
    "Group 70",
    "Category 26",
    "Subcategory 174",
    "INC0000045",
    "INC4111111111111111", /* digits in a word */
    "330101",
    "1234567890",           /* an NPI: ten digits in a row */
    "4111111111111112",     /* fails Luhn */
    "411111111111",         /* 12 digits */
    "63040000000000000001", /* 20 */
    "9.2",
    "10.0.19041",
    "10.0.19041.1", /* a build number: no octet */
    "1.2.3.4.5",
    "256.1.1.1",
    "2024-01-08", /* a date as a version */
    "2024.01.08",
    "08-01-2024",
    "2024-01-08 10:30",
    "10:20:30",
    "a@b", /* no domain */
    "L2@night",
    "@home",
    "std::string",
    "tier 1/2",
    "24/7",
    "ICD-10",
    "1-800",
    "HL7 v2.5.1",
    "www",
    "http",
    "Notaufnahme f\xc3\xbcr \xc3\x84rzte",
    "\xe5\x8c\xbb\xe9\x99\xa2",
    "",
    " ",
    "+",
    "+1",
    "(((",
    "555-",
};

static void test_personal(void **state)
{
    for (size_t i = 0; i < sizeof(personal) / sizeof(*personal); i++)
        if (!pattern_is_personal(personal[i], strlen(personal[i])))
            fail_msg("not recognised: %s", personal[i]);
}

static void test_plain(void **state)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
        if (pattern_is_personal(plain[i], strlen(plain[i])))
            fail_msg("taken for personal: %s", plain[i]);
}

/* Whatever stands around: a personal value between words is one. */
static void test_embedded(void **state)
{
    for (size_t i = 0; i < sizeof(personal) / sizeof(*personal); i++) {
        char value[160] = "ward ";
        strncat(value, personal[i], 128);
        if (!pattern_is_personal(value, strlen(value)))
            fail_msg("not recognised: %s", value);
    }
}

/* Nothing outside the bytes is read, wherever they are cut (the address sanitizer watches). */
static void test_cut(void **state)
{
    for (size_t i = 0; i < sizeof(personal) / sizeof(*personal); i++)
        for (size_t n = 0; n <= strlen(personal[i]); n++) {
            char *exact = malloc(n + 1);
            memcpy(exact, personal[i], n);
            (void)pattern_is_personal(exact, n);
            free(exact);
        }
    char *separators = malloc(300);
    memset(separators, '-', 300);
    memcpy(separators + 254, "12", 2);
    assert_false(pattern_is_personal(separators, 300));
    free(separators);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_personal),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_embedded),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
