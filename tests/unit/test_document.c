/* Documents: msgpack ↔ JSON, and what is refused. */
#include "core/base/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void round_trip(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "null",
        "true",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "0.5",
        "\"\"",
        "\"caf\xc3\xa9\"",
        "[]",
        "{}",
        "[1,[2,[3,{\"a\":[null,false]}]]]",
        "{\"z\":1,\"a\":{\"m\":-0.25},\"\":[300,70000,5000000000]}",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(*TEXTS); i++) {
        json_t *in = json_loads(TEXTS[i], JSON_DECODE_ANY, NULL), *out;
        struct buffer b;
        struct error err = ERROR_INIT;
        buffer_init(&b, 1000);
        assert_int_equal(document_encode(in, &b), 0);
        assert_int_equal(document_decode(b.data, b.size, 1000, &out, &err), 0);
        char *text = json_dumps(out, JSON_ENCODE_ANY | JSON_COMPACT);
        assert_string_equal(text, TEXTS[i]);
        free(text);
        json_decref(in);
        json_decref(out);
        /* every prefix is cut short, every byte more is one too many */
        for (size_t n = 0; n < b.size; n++)
            assert_int_equal(document_decode(b.data, n, 1000, &out, &err), -EBADMSG);
        buffer_append(&b, "\xc0", 1);
        assert_int_equal(document_decode(b.data, b.size, 1000, &out, &err), -EBADMSG);
        assert_string_equal(err.message, "the document has bytes behind its end");
        buffer_fini(&b);
    }
}

#define BYTES(s) s, sizeof(s) - 1

static const struct {
    const char *data;
    size_t size;
    const char *message;
} HOSTILE[] = {
    {BYTES("\xdd\x10\x00\x00\x00"), "the document has an array longer than itself"},
    {BYTES("\xdf\x10\x00\x00\x00"), "the document has a map longer than itself"},
    {BYTES("\xdb\xff\xff\xff\xff"), "the document is cut short in a string"},
    {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "the document has an integer beyond 64 bits with sign"},
    {BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), "the document has a number that is not finite"},
    {BYTES("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"), "the document has a number that is not finite"},
    {BYTES("\xa2\xc3\x28"), "the document has a string that is not UTF-8"},
    {BYTES("\xa3"
           "a\0b"),
     "the document has a string with a NUL byte"},
    {BYTES("\xc4\x01x"), "the document is cut short, or has a value that is none of JSON's"},
    {BYTES("\xd4\x01x"), "the document is cut short, or has a value that is none of JSON's"},
    {BYTES("\xc1"), "the document is cut short, or has a value that is none of JSON's"},
    {BYTES("\x82\xa1k\x01\xa1k\x02"), "the document has a map with one key twice"},
    {BYTES("\x81\x01\x02"), "the document has a map key that is not a string"},
    {BYTES("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01"),
     "the document is nested too deep"},
};

static void hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(HOSTILE) / sizeof(*HOSTILE); i++) {
        json_t *out = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(document_decode(HOSTILE[i].data, HOSTILE[i].size, 1000, &out, &err), -EBADMSG);
        assert_string_equal(err.message, HOSTILE[i].message);
        assert_string_equal(err.code, "bad_document");
        assert_null(out);
    }
}

static void too_many_values(void **state)
{
    (void)state;
    json_t *out;
    struct error err = ERROR_INIT;
    assert_int_equal(document_decode(BYTES("\x93\x01\x02\x03"), 3, &out, &err), -EBADMSG);
    assert_string_equal(err.message, "the document has too many values");
    assert_int_equal(document_decode(BYTES("\x93\x01\x02\x03"), 4, &out, &err), 0);
    json_decref(out);
    /* a map costs what it takes */
    assert_int_equal(document_decode(BYTES("\x80"), 8, &out, &err), -EBADMSG);
    assert_int_equal(document_decode(BYTES("\x80"), 9, &out, &err), 0);
    json_decref(out);
}

static void encoding_is_bounded(void **state)
{
    (void)state;
    json_t *deep = json_integer(1), *text = json_string("0123456789");
    struct buffer b;
    for (int i = 0; i < DOCUMENT_DEPTH_MAX; i++)
        deep = json_pack("[o]", deep);
    buffer_init(&b, 10);
    assert_int_equal(document_encode(text, &b), -EMSGSIZE);
    buffer_fini(&b);
    buffer_init(&b, 100);
    assert_int_equal(document_encode(deep, &b), -EBADMSG);
    buffer_fini(&b);
    json_decref(deep);
    json_decref(text);
}

static void random_bytes(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252;
    uint8_t data[64];
    for (int i = 0; i < 200000; i++) {
        for (size_t j = 0; j < sizeof(data); j += 8) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            memcpy(data + j, &random, 8);
        }
        /* small maps and arrays are likelier to be whole */
        data[0] = (uint8_t)(0x80 | (data[0] & 0x1f));
        json_t *out;
        struct error err = ERROR_INIT;
        if (document_decode(data, data[63] % 64, 100, &out, &err) == 0) {
            struct buffer b;
            buffer_init(&b, 4096);
            assert_int_equal(document_encode(out, &b), 0);
            buffer_fini(&b);
            json_decref(out);
        } else
            assert_string_equal(err.code, "bad_document");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),      cmocka_unit_test(hostile),
        cmocka_unit_test(too_many_values), cmocka_unit_test(encoding_is_bounded),
        cmocka_unit_test(random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
