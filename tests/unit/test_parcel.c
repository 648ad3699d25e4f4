/* Parcels: what is put in comes out, and nothing reaches beyond what is there. */
#include "plugins/host/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_what_is_put_in_comes_out(void **state)
{
    struct buffer b;
    struct parcel_field field;
    buffer_init(&b, 4096);
    parcel_put_number(&b, PARCEL_SERVICE, -5);
    parcel_put_text(&b, PARCEL_METHOD, "GET");
    parcel_put_text(&b, PARCEL_USER, NULL);
    parcel_put(&b, PARCEL_BODY, "a\0b", 3);
    struct parcel p = {b.data, b.data + b.size};
    assert_true(parcel_next(&p, &field));
    assert_int_equal(parcel_number(&field), -5);
    assert_true(parcel_next(&p, &field));
    assert_int_equal(field.tag, PARCEL_METHOD);
    assert_int_equal(parcel_number(&field), 0);
    assert_true(parcel_next(&p, &field));
    assert_int_equal(field.size, 3);
    assert_memory_equal(field.data, "a\0b", 3);
    assert_false(parcel_next(&p, &field));
    assert_null(parcel_find(b.data, b.size, PARCEL_USER).data);
    assert_int_equal(parcel_find(b.data, b.size, PARCEL_BODY).size, 3);
    buffer_fini(&b);
}

static void test_one_that_is_cut_ends_there(void **state)
{
    struct buffer b;
    buffer_init(&b, 4096);
    parcel_put_text(&b, PARCEL_METHOD, "GET");
    parcel_put_text(&b, PARCEL_URL, "http://desk.example/");
    for (size_t n = 0; n < b.size; n++) {
        /* A copy of its own, so that a sanitizer sees a byte too many. */
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, b.data, n);
        struct parcel p = {cut, cut + n};
        struct parcel_field field;
        unsigned fields = 0;
        while (parcel_next(&p, &field))
            fields++;
        assert_int_equal(fields, n >= 11);
        free(cut);
    }
    buffer_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_in_comes_out),
        cmocka_unit_test(test_one_that_is_cut_ends_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
