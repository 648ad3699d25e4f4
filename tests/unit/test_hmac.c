/* Signatures of pushed requests. */
#include "plugins/host/push/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4231, test case 2. */
#define KEY  "Jefe"
#define TEXT "what do ya want for nothing?"
#define HEX  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

static bool is_good(const char *signature, const char *text)
{
    /* In parts: what is signed is all of them. */
    size_t half = strlen(text) / 2;
    const struct hmac_part parts[] = {{text, half}, {NULL, 0}, {text + half, strlen(text) - half}};
    return hmac_is_good(signature, KEY, strlen(KEY), parts, 3);
}

static void test_forms(void **state)
{
    assert_true(is_good(HEX, TEXT));
    assert_true(is_good("sha256=" HEX, TEXT));
    assert_true(is_good("SHA256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843", TEXT));
    assert_true(is_good("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", TEXT));
    assert_true(is_good("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM", TEXT));
    assert_true(is_good("sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", TEXT));
}

static void test_what_is_wrong(void **state)
{
    static const char *const WRONG[] = {
        "",          "sha256=",
        "sha1=" HEX, HEX "00",
        "5bdcc146",  "W9zBRr9gdU5qBCQmCJV1",
        "zz" HEX,    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384z"};
    for (unsigned i = 0; i < sizeof(WRONG) / sizeof(*WRONG); i++)
        assert_false(is_good(WRONG[i], TEXT));
    assert_false(is_good(NULL, TEXT));
    assert_false(is_good(HEX, TEXT "?"));
    const struct hmac_part part = {TEXT, strlen(TEXT)};
    assert_false(hmac_is_good(HEX, "Jeff", 4, &part, 1));
    assert_false(hmac_is_good(HEX, "", 0, &part, 1));
    /* Each bit counts. */
    for (unsigned i = 0; i < 64; i++) {
        char wrong[65] = HEX;
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        assert_false(is_good(wrong, TEXT));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
