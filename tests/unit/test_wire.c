/* The envelope: what is written is read, and what is no envelope is refused. */
#include "proto/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define READ(ret, ...)                                                                                       \
    wire_envelope_read((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), ret)

static void test_round_trip(void **state)
{
    for (int kind = 0; kind < WIRE_N_KINDS; kind++) {
        msgpack_sbuffer b;
        msgpack_packer p;
        struct wire_envelope e;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
        assert_int_equal(wire_envelope_write(&p, (enum wire_kind)kind, UINT64_MAX), 0);
        msgpack_pack_map(&p, 0);
        assert_int_equal(wire_envelope_read(b.data, b.size, &e), 0);
        assert_int_equal(e.kind, kind);
        assert_true(e.request == UINT64_MAX);
        assert_int_equal(mp_peek(&e.body), MP_MAP);
        for (size_t n = 0; n < b.size; n++) {
            char *exact = malloc(n + 1);
            memcpy(exact, b.data, n);
            assert_int_equal(wire_envelope_read(exact, n, &e), -EBADMSG);
            free(exact);
        }
        msgpack_sbuffer_destroy(&b);
    }
}

static void test_refused(void **state)
{
    struct wire_envelope e;
    assert_int_equal(READ(&e, 0xc0), -EBADMSG);                                       /* nil */
    assert_int_equal(READ(&e, 0x90), -EBADMSG);                                       /* [] */
    assert_int_equal(READ(&e, 0x94, 1, 0xa4, 'M', 'O', 'R', 'E', 1, 0x90), -EBADMSG); /* body no map */
    assert_int_equal(READ(&e, 0x93, 1, 0xa4, 'M', 'O', 'R', 'E', 1), -EBADMSG);       /* three of four */
    assert_int_equal(READ(&e, 0x95, 1, 0xa4, 'M', 'O', 'R', 'E', 1, 0x80, 0xc0), -EBADMSG); /* five */
    assert_int_equal(READ(&e, 0x94, 1, 0xa4, 'm', 'o', 'r', 'e', 1, 0x80), -EBADMSG);       /* no kind */
    assert_int_equal(READ(&e, 0x94, 1, 0xa4, 'M', 'O', 'R', 'E', 0xff, 0x80), -EBADMSG);    /* request −1 */
    assert_int_equal(READ(&e, 0x94, 0xc3, 0xa4, 'M', 'O', 'R', 'E', 1, 0x80), -EBADMSG);    /* version true */
    assert_int_equal(READ(&e, 0xdd, 0xff, 0xff, 0xff, 0xff), -EBADMSG); /* a lying length */
    assert_int_equal(READ(&e, 0x94, 1, 0xa4, 'M', 'O', 'R', 'E', 1, 0x80), 0);
}

static void test_other_version(void **state)
{
    struct wire_envelope e;
    assert_int_equal(READ(&e, 0x94, 2, 0xa4, 'M', 'O', 'R', 'E', 77, 0x80), -EPROTONOSUPPORT);
    assert_int_equal(e.version, 2);
    assert_int_equal(e.request, 77);
    assert_int_equal(READ(&e, 0x92, 9, 0xc0), -EPROTONOSUPPORT);
    assert_int_equal(e.request, 0);
}

static void test_names(void **state)
{
    assert_string_equal(wire_kind_name(WIRE_BATCH), "BATCH");
    for (int i = 0; i < WIRE_N_NACKS; i++) {
        assert_true(strlen(wire_nack_code((enum wire_nack)i)) > 0);
        assert_true(strlen(wire_nack_sentence((enum wire_nack)i)) > 10);
    }
    assert_string_equal(wire_nack_code(WIRE_NACK_SUPERSEDED), "superseded");
    assert_string_equal(wire_nack_code(WIRE_N_NACKS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_other_version),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
