/* SipHash in pieces: the vectors of its authors, and the same as libsodium's for every size and every cut. */
#include "core/store/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

enum { SIZE_MAX_TESTED = 300 };

static uint64_t sodium_hash(const uint8_t *data, size_t size, const uint8_t key[16])
{
    uint8_t hash[crypto_shorthash_siphashx24_BYTES];
    uint64_t h;
    (void)crypto_shorthash_siphashx24(hash, data, size, key);
    memcpy(&h, hash, sizeof(h));
    return h;
}

/* The first halves of vectors_sip128 of the reference implementation: the key is 00 01 … 0f, the text of n
 * bytes is 00 01 … n − 1. */
static void test_reference_vectors(void **state)
{
    static const uint8_t expected[][8] = {
        {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6},
        {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44},
    };
    uint8_t key[16], text[16];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = text[i] = i;
    for (size_t n = 0; n < sizeof(expected) / sizeof(*expected); n++) {
        struct siphash h;
        siphash_init(&h, key);
        uint64_t hash = siphash_with(h, text, n);
        assert_memory_equal(&hash, expected[n], 8);
    }
}

/* A front of any size, and behind it a text of any size: in memory of exactly that, for the address
 * sanitizer. */
static void test_cuts(void **state)
{
    uint8_t key[16], all[SIZE_MAX_TESTED];
    randombytes_buf(key, sizeof(key));
    randombytes_buf(all, sizeof(all));
    for (size_t front = 0; front <= 70; front++) {
        struct siphash begun;
        siphash_init(&begun, key);
        siphash_add(&begun, all, front / 3);
        siphash_add(&begun, all + front / 3, front - front / 3);
        for (size_t n = front; n <= SIZE_MAX_TESTED; n++) {
            uint8_t *exact = malloc(n - front + 1);
            assert_non_null(exact);
            memcpy(exact + 1, all + front, n - front);
            if (siphash_with(begun, exact + 1, n - front) != sodium_hash(all, n, key))
                fail_msg("%zu bytes behind %zu", n - front, front);
            free(exact);
        }
        assert_true(siphash_end(begun) == sodium_hash(all, front, key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_vectors),
        cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
