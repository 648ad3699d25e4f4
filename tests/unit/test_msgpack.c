/* Reading msgpack in place: against msgpack-c's own writer, and against every way in which bytes can lie. */
#include "proto/msgpack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static struct mp_reader reader(const uint8_t *data, size_t size)
{
    struct mp_reader r;
    mp_reader_init(&r, data, size);
    return r;
}

static void test_integers(void **state)
{
    static const int64_t values[] = {
        0,         1,         127,        128,       255,       256,       65535,
        65536,     INT32_MAX, UINT32_MAX, 1LL << 32, INT64_MAX, -1,        -32,
        -33,       -128,      -129,       -32768,    -32769,    INT32_MIN, (int64_t)INT32_MIN - 1,
        INT64_MIN,
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        msgpack_sbuffer b;
        msgpack_packer p;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
        msgpack_pack_int64(&p, values[i]);
        struct mp_reader r = reader((const uint8_t *)b.data, b.size);
        int64_t got = 0;
        assert_int_equal(mp_peek(&r), MP_INT);
        assert_true(mp_read_int(&r, &got));
        assert_true(got == values[i]);
        assert_ptr_equal(r.at, r.end);

        uint64_t unsigned_got = 7;
        r = reader((const uint8_t *)b.data, b.size);
        assert_int_equal(mp_read_uint(&r, &unsigned_got), values[i] >= 0);
        assert_true(unsigned_got == (values[i] >= 0 ? (uint64_t)values[i] : 7));
        /* the same value, cut short anywhere */
        for (size_t n = 0; n < b.size; n++) {
            r = reader((const uint8_t *)b.data, n);
            assert_false(mp_read_int(&r, &got));
            assert_true(r.failed);
        }
        msgpack_sbuffer_destroy(&b);
    }
    /* every signed form holds small negatives as well */
    int64_t got = 0;
    struct mp_reader r = reader(BYTES(0xd0, 0xff, 0xd1, 0xff, 0xfe, 0xd2, 0xff, 0xff, 0xff, 0xfd));
    assert_true(mp_read_int(&r, &got) && got == -1);
    assert_true(mp_read_int(&r, &got) && got == -2);
    assert_true(mp_read_int(&r, &got) && got == -3);
}

static void test_uint64_over_int64(void **state)
{
    int64_t got = 5;
    uint64_t unsigned_got;
    struct mp_reader r = reader(BYTES(0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0));
    assert_true(mp_read_uint(&r, &unsigned_got));
    assert_true(unsigned_got == 1ull << 63);
    r = reader(BYTES(0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0));
    assert_false(mp_read_int(&r, &got));
    assert_int_equal(got, 5);
}

static void test_floats(void **state)
{
    double got = 0;
    struct mp_reader r = reader(BYTES(0xca, 0x3f, 0x80, 0, 0, 0xcb, 0xc0, 0x04, 0, 0, 0, 0, 0, 0, 0xcb, 0x7f,
                                      0xf8, 0, 0, 0, 0, 0, 0, 0xca, 0x7f, 0x80, 0, 0, 0xcb, 0));
    assert_true(mp_read_double(&r, &got) && got == 1.0);
    assert_true(mp_read_double(&r, &got) && got == -2.5);
    assert_true(mp_read_double(&r, &got) && isnan(got));
    assert_true(mp_read_double(&r, &got) && isinf(got));
    assert_false(mp_read_double(&r, &got));
}

static void test_strings_and_bins(void **state)
{
    const char *s = NULL;
    const uint8_t *b = NULL;
    uint32_t n = 0;
    struct mp_reader r = reader(BYTES(0xa0, 0xa2, 'h', 'i', 0xd9, 1, 'x', 0xda, 0, 1, 'y', 0xdb, 0, 0, 0, 1,
                                      'z', 0xc4, 1, 9, 0xc5, 0, 1, 8, 0xc6, 0, 0, 0, 1, 7));
    assert_true(mp_read_str(&r, &s, &n) && n == 0);
    assert_true(mp_read_str(&r, &s, &n) && n == 2 && memcmp(s, "hi", 2) == 0);
    assert_true(mp_read_str(&r, &s, &n) && n == 1 && *s == 'x');
    assert_true(mp_read_str(&r, &s, &n) && n == 1 && *s == 'y');
    assert_true(mp_read_str(&r, &s, &n) && n == 1 && *s == 'z');
    assert_true(mp_read_bin(&r, &b, &n) && n == 1 && *b == 9);
    assert_true(mp_read_bin(&r, &b, &n) && n == 1 && *b == 8);
    assert_true(mp_read_bin(&r, &b, &n) && n == 1 && *b == 7);
    assert_int_equal(mp_peek(&r), MP_NONE);
    assert_false(r.failed);
}

static void test_lying_lengths(void **state)
{
    static const struct {
        uint8_t bytes[6];
        size_t size;
    } lies[] = {
        {{0xa5, 'a', 'b'}, 3},                    /* str of 5 */
        {{0xd9, 0xff, 'a'}, 3},                   /* str8 of 255 */
        {{0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}, 6}, /* str32 of 4 GiB */
        {{0xc6, 0xff, 0xff, 0xff, 0xff, 'a'}, 6}, /* bin32 */
        {{0xdd, 0x10, 0, 0, 0}, 5},               /* array32 of 268 million */
        {{0xdf, 0x7f, 0xff, 0xff, 0xff}, 5},      /* map32 */
        {{0xdf, 0x80, 0, 0, 1, 0xc0}, 6},         /* map32 whose doubled count wraps 32 bits */
        {{0x92, 0xc0}, 2},                        /* [nil, */
        {{0x81, 0xc0}, 2},                        /* {nil: */
        {{0xde, 0x00}, 2},                        /* half a length */
        {{0xc9, 0xff, 0xff, 0xff, 0xff, 1}, 6},   /* ext32 */
        {{0xc7, 0x02, 0x01, 0x00}, 4},            /* ext8 of 2 with one byte */
        {{0xd8, 0x01}, 2},                        /* fixext 16 */
        {{0xc1}, 1},                              /* the reserved byte */
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        /* in memory of exactly that size, so that the address sanitizer sees a byte too far */
        uint8_t *exact = malloc(lies[i].size);
        memcpy(exact, lies[i].bytes, lies[i].size);
        struct mp_reader r = reader(exact, lies[i].size);
        assert_false(mp_skip(&r));
        assert_true(r.failed);
        free(exact);
    }
}

/* Counts that no bytes can stand behind are refused before anybody makes room for them. */
static void test_lying_counts(void **state)
{
    uint32_t n = 99;
    struct mp_reader r = reader(BYTES(0xdf, 0, 0, 0, 2, 0xc0, 0xc0, 0xc0)); /* two entries in three bytes */
    assert_false(mp_read_map(&r, &n));
    r = reader(BYTES(0x82, 0xc0, 0xc0, 0xc0));
    assert_false(mp_read_map(&r, &n));
    r = reader(BYTES(0xdd, 0, 0, 0, 4, 0xc0, 0xc0, 0xc0));
    assert_false(mp_read_array(&r, &n));
    assert_int_equal(n, 99);
    r = reader(BYTES(0xdf, 0, 0, 0, 2, 0xc0, 0xc0, 0xc0, 0xc0));
    assert_true(mp_read_map(&r, &n) && n == 2);
}

static void test_failure_is_sticky(void **state)
{
    struct mp_reader r = reader(BYTES(0x01, 0x02));
    bool flag = true;
    int64_t n = 3;
    assert_false(mp_read_bool(&r, &flag));
    assert_true(flag);
    assert_false(mp_read_int(&r, &n));
    assert_int_equal(n, 3);
    assert_int_equal(mp_peek(&r), MP_NONE);
}

static void test_skip(void **state)
{
    /* {1: [true, {"a": ext}], nil: 2.5}, 7 */
    struct mp_reader r = reader(
        BYTES(0x82, 0x01, 0x92, 0xc3, 0x81, 0xa1, 'a', 0xd4, 0x00, 0x00, 0xc0, 0xca, 0x40, 0x20, 0, 0, 0x07));
    int64_t n = 0;
    assert_true(mp_skip(&r));
    assert_true(mp_read_int(&r, &n) && n == 7);
    /* empty containers inside containers */
    r = reader(BYTES(0x93, 0x90, 0x80, 0x91, 0x90, 0x07));
    assert_true(mp_skip(&r));
    assert_true(mp_read_int(&r, &n) && n == 7);
}

static void test_skip_depth(void **state)
{
    for (unsigned depth = 0; depth <= MP_DEPTH_MAX + 2; depth++) {
        uint8_t nested[MP_DEPTH_MAX + 3];
        memset(nested, 0x91, depth);
        nested[depth] = 0xc0;
        for (unsigned limit = 0; limit <= MP_DEPTH_MAX; limit++) {
            struct mp_reader r = reader(nested, depth + 1);
            assert_int_equal(mp_skip_within(&r, limit), depth <= limit);
        }
        struct mp_reader r = reader(nested, depth + 1);
        assert_int_equal(mp_skip(&r), depth <= MP_DEPTH_MAX);
    }
}

/* Every two-byte beginning: whatever it is, nothing is read behind the end. */
static void test_all_beginnings(void **state)
{
    uint8_t *room = malloc(2);
    for (unsigned v = 0; v < 65536; v++) {
        room[0] = (uint8_t)(v >> 8);
        room[1] = (uint8_t)v;
        struct mp_reader r = reader(room, 2);
        bool ok = mp_skip(&r);
        assert_int_equal(ok, !r.failed);
        assert_true(r.at <= r.end);
    }
    free(room);
}

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } texts[] = {
        {"", true},
        {"plain ASCII, more than eight bytes", true},
        {"gr\xc3\xbc\xc3\x9f", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x8f\xa5", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"12345678\x80", false},
        {"\xc3", false},     /* cut short */
        {"\xc0\xaf", false}, /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},     /* overlong */
        {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xed\xa0\x80", false},     /* a surrogate */
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xe2\x28\xa1", false},
        {"\xe2\x82", false},
        {"\xff", false},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(utf8_valid(texts[i].text, strlen(texts[i].text)), texts[i].valid);
    assert_true(utf8_valid("a\0b", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_uint64_over_int64),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_strings_and_bins),
        cmocka_unit_test(test_lying_lengths),
        cmocka_unit_test(test_lying_counts),
        cmocka_unit_test(test_failure_is_sticky),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_skip_depth),
        cmocka_unit_test(test_all_beginnings),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
