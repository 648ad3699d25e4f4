/* Signatures: who made them, for what, over what; and texts that are none. */
#include "core/base/signature.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* RFC 8032's first secret, so that the key's text can be known. */
static const uint8_t SEED[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const char PUBLIC[] = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

static uint8_t secret[SIGNATURE_SECRET_BYTES], public[SIGNATURE_KEY_BYTES];

static int set_up(void **state)
{
    return sodium_init() < 0 || crypto_sign_seed_keypair(public, secret, SEED);
}

static void test_key_text(void **state)
{
    static const char *const BAD[] = {"",
                                      "ed25519:",
                                      "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                                      "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                                      "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= ",
                                      "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==",
                                      "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=A",
                                      "rsa:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="};
    char text[SIGNATURE_KEY_TEXT];
    uint8_t key[SIGNATURE_KEY_BYTES];
    signature_key_text(public, text);
    assert_string_equal(text, PUBLIC);
    assert_true(signature_key_parse(text, key));
    assert_memory_equal(key, public, sizeof(key));
    for (size_t i = 0; i < sizeof(BAD) / sizeof(*BAD); i++)
        assert_false(signature_key_parse(BAD[i], key));
}

static void test_what_is_signed(void **state)
{
    struct signature s, other;
    char data[] = "contents";
    signature_make(SIGNATURE_PLUGIN, data, sizeof(data), secret, &s);
    assert_memory_equal(s.key, public, sizeof(public));
    assert_true(signature_verify(&s, SIGNATURE_PLUGIN, data, sizeof(data)));
    assert_false(signature_verify(&s, "export", data, sizeof(data)));
    assert_false(signature_verify(&s, SIGNATURE_PLUGIN, data, sizeof(data) - 1));
    for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
        data[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(signature_verify(&s, SIGNATURE_PLUGIN, data, sizeof(data)));
        data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < sizeof(s) * 8; bit++) {
        other = s;
        ((uint8_t *)&other)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(signature_verify(&other, SIGNATURE_PLUGIN, data, sizeof(data)));
    }
    assert_true(signature_verify(&s, SIGNATURE_PLUGIN, data, sizeof(data)));
    /* Of nothing, too. */
    signature_make(SIGNATURE_PLUGIN, "", 0, secret, &s);
    assert_true(signature_verify(&s, SIGNATURE_PLUGIN, "", 0));
}

static void test_text(void **state)
{
    struct signature s, read;
    char text[SIGNATURE_TEXT], changed[SIGNATURE_TEXT];
    signature_make(SIGNATURE_PLUGIN, "x", 1, secret, &s);
    signature_text(&s, text);
    size_t n = strlen(text);
    assert_true(signature_parse(text, n, &read));
    assert_memory_equal(&read, &s, sizeof(s));
    /* Cut anywhere, or with more behind it, it is none; whatever is changed, it is none or another. */
    for (size_t i = 0; i < n; i++)
        assert_false(signature_parse(text, i, &read));
    memcpy(changed, text, n);
    changed[n] = '\n';
    assert_false(signature_parse(changed, n + 1, &read));
    for (size_t i = 0; i < n; i++) {
        memcpy(changed, text, n);
        changed[i] ^= 1;
        if (signature_parse(changed, n, &read))
            assert_memory_not_equal(&read, &s, sizeof(s));
    }
}

static void test_beside_the_file(void **state)
{
    char folder[] = "/tmp/tendon-signature-XXXXXX", path[64], name[80], text[SIGNATURE_TEXT];
    struct signature s, read;
    struct error err = ERROR_INIT;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/x.so", folder);
    (void)snprintf(name, sizeof(name), "%s.sig", path);
    assert_int_equal(signature_read(path, &read, &err), -ENOENT);
    assert_string_equal(err.code, "not_signed");
    signature_make(SIGNATURE_PLUGIN, "x", 1, secret, &s);
    signature_text(&s, text);
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fflush(file) == 0);
    assert_int_equal(signature_read(path, &read, &err), 0);
    assert_memory_equal(&read, &s, sizeof(s));
    assert_true(fputs("more", file) >= 0 && fclose(file) == 0);
    assert_int_equal(signature_read(path, &read, &err), -EINVAL);
    assert_string_equal(err.code, "bad_signature");
    assert_int_equal(unlink(name), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_text),
        cmocka_unit_test(test_what_is_signed),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_beside_the_file),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
