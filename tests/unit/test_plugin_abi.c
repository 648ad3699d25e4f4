/* Pins the plugin ABI: every offset, size and number of tendon_plugin.h. A plugin built years ago was built
 * with these; what fails here would have broken it. New members are added at the end of a structure, and
 * their offsets here. */
#include "proto/tendon_plugin.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#if __SIZEOF_POINTER__ == 8

#define AT(type, member, offset) assert_int_equal(offsetof(struct type, member), offset)

static void test_option(void **state)
{
    AT(tendon_option, name, 0);
    AT(tendon_option, help, 8);
    AT(tendon_option, type, 16);
    AT(tendon_option, shape, 20);
    AT(tendon_option, flags, 24);
    AT(tendon_option, n_max, 28);
    AT(tendon_option, low, 32);
    AT(tendon_option, high, 40);
    AT(tendon_option, fallback, 48);
    AT(tendon_option, values, 56);
    assert_int_equal(sizeof(struct tendon_option), 64);
}

static void test_plugin(void **state)
{
    AT(tendon_plugin, magic, 0);
    AT(tendon_plugin, abi, 4);
    AT(tendon_plugin, struct_size, 8);
    AT(tendon_plugin, option_size, 12);
    AT(tendon_plugin, id, 16);
    AT(tendon_plugin, vendor, 24);
    AT(tendon_plugin, version, 32);
    AT(tendon_plugin, help, 40);
    AT(tendon_plugin, options, 48);
    AT(tendon_plugin, create, 56);
    AT(tendon_plugin, start, 64);
    AT(tendon_plugin, poll, 72);
    AT(tendon_plugin, ack, 80);
    AT(tendon_plugin, wake, 88);
    AT(tendon_plugin, stop, 96);
    AT(tendon_plugin, destroy, 104);
    assert_int_equal(sizeof(struct tendon_plugin), 112);
}

static void test_host(void **state)
{
    AT(tendon_host, struct_size, 0);
    AT(tendon_host, abi, 4);
    AT(tendon_host, instance, 8);
    AT(tendon_host, log, 16);
    AT(tendon_host, now, 24);
    AT(tendon_host, count, 32);
    AT(tendon_host, get_int, 40);
    AT(tendon_host, get_string, 48);
    AT(tendon_host, get_key, 56);
    AT(tendon_host, find, 64);
    AT(tendon_host, event, 72);
    AT(tendon_host, set_string, 80);
    AT(tendon_host, set_int, 88);
    AT(tendon_host, set_double, 96);
    AT(tendon_host, set_bool, 104);
    AT(tendon_host, set_nil, 112);
    AT(tendon_host, end, 120);
    AT(tendon_host, full, 128);
    AT(tendon_host, cursor, 136);
    AT(tendon_host, skip, 144);
    AT(tendon_host, retry_after, 152);
    AT(tendon_host, time_parse, 160);
    AT(tendon_host, time_format, 168);
    AT(tendon_host, extension, 176);
    assert_int_equal(sizeof(struct tendon_host), 184);
}

static void test_file(void **state)
{
    AT(tendon_file_options, struct_size, 0);
    AT(tendon_file_options, format, 4);
    AT(tendon_file_options, path, 8);
    AT(tendon_file_options, pattern, 16);
    AT(tendon_file_options, encoding, 24);
    AT(tendon_file_options, separator, 32);
    AT(tendon_file_options, has_header, 36);
    AT(tendon_file_options, settle_ms, 40);
    assert_int_equal(sizeof(struct tendon_file_options), 48);
    AT(tendon_record, fields, 0);
    AT(tendon_record, sizes, 8);
    AT(tendon_record, n_fields, 16);
    AT(tendon_record, file_changed, 20);
    AT(tendon_record, line, 24);
    AT(tendon_record, file, 32);
    AT(tendon_record, problem, 40);
    assert_int_equal(sizeof(struct tendon_record), 48);
    AT(tendon_file_1, struct_size, 0);
    AT(tendon_file_1, open, 8);
    AT(tendon_file_1, next, 16);
    AT(tendon_file_1, column, 24);
    AT(tendon_file_1, position, 32);
    AT(tendon_file_1, close, 40);
    assert_int_equal(sizeof(struct tendon_file_1), 48);
}

static void test_http(void **state)
{
    AT(tendon_http_options, struct_size, 0);
    AT(tendon_http_options, per_minute, 4);
    AT(tendon_http_options, base, 8);
    AT(tendon_http_options, user, 16);
    AT(tendon_http_options, password, 24);
    AT(tendon_http_options, headers, 32);
    AT(tendon_http_options, ca_file, 40);
    AT(tendon_http_options, timeout_ms, 48);
    AT(tendon_http_options, body_bytes, 56);
    assert_int_equal(sizeof(struct tendon_http_options), 64);
    AT(tendon_http_request, struct_size, 0);
    AT(tendon_http_request, method, 8);
    AT(tendon_http_request, path, 16);
    AT(tendon_http_request, headers, 24);
    AT(tendon_http_request, body, 32);
    AT(tendon_http_request, size, 40);
    assert_int_equal(sizeof(struct tendon_http_request), 48);
    AT(tendon_http_answer, struct_size, 0);
    AT(tendon_http_answer, status, 4);
    AT(tendon_http_answer, body, 8);
    AT(tendon_http_answer, size, 16);
    AT(tendon_http_answer, next, 24);
    AT(tendon_http_answer, retry_after_ms, 32);
    assert_int_equal(sizeof(struct tendon_http_answer), 40);
    AT(tendon_http_1, struct_size, 0);
    AT(tendon_http_1, open, 8);
    AT(tendon_http_1, parameter, 16);
    AT(tendon_http_1, send, 24);
    AT(tendon_http_1, header, 32);
    AT(tendon_http_1, close, 40);
    assert_int_equal(sizeof(struct tendon_http_1), 48);
}

static void test_json(void **state)
{
    AT(tendon_json_1, struct_size, 0);
    AT(tendon_json_1, parse, 8);
    AT(tendon_json_1, free, 16);
    AT(tendon_json_1, get, 24);
    AT(tendon_json_1, type, 32);
    AT(tendon_json_1, count, 40);
    AT(tendon_json_1, at, 48);
    AT(tendon_json_1, key, 56);
    AT(tendon_json_1, string, 64);
    AT(tendon_json_1, text, 72);
    AT(tendon_json_1, integer, 80);
    AT(tendon_json_1, real, 88);
    assert_int_equal(sizeof(struct tendon_json_1), 96);
}

static void test_push(void **state)
{
    AT(tendon_push_options, struct_size, 0);
    AT(tendon_push_options, queue, 4);
    AT(tendon_push_options, listen, 8);
    AT(tendon_push_options, path, 16);
    AT(tendon_push_options, secret, 24);
    AT(tendon_push_options, signature, 32);
    AT(tendon_push_options, timestamp, 40);
    AT(tendon_push_options, between, 48);
    AT(tendon_push_options, body_bytes, 56);
    assert_int_equal(sizeof(struct tendon_push_options), 64);
    AT(tendon_push_request, struct_size, 0);
    AT(tendon_push_request, method, 8);
    AT(tendon_push_request, path, 16);
    AT(tendon_push_request, query, 24);
    AT(tendon_push_request, body, 32);
    AT(tendon_push_request, size, 40);
    assert_int_equal(sizeof(struct tendon_push_request), 48);
    AT(tendon_push_1, struct_size, 0);
    AT(tendon_push_1, open, 8);
    AT(tendon_push_1, next, 16);
    AT(tendon_push_1, header, 24);
    AT(tendon_push_1, refuse, 32);
    AT(tendon_push_1, close, 40);
    assert_int_equal(sizeof(struct tendon_push_1), 48);
}

#else

static void test_option(void **state)
{
    skip();
}
#define test_plugin test_option
#define test_host   test_option
#define test_file   test_option
#define test_http   test_option
#define test_json   test_option
#define test_push   test_option

#endif

static void test_numbers(void **state)
{
    assert_int_equal(TENDON_MAGIC, 0x444e4554);
    assert_int_equal(TENDON_ABI, 0x00010000);
    const int results[] = {TENDON_OK,       TENDON_IDLE,   TENDON_END,         TENDON_FULL,    TENDON_INVALID,
                           TENDON_E_CONFIG, TENDON_E_AUTH, TENDON_E_TEMPORARY, TENDON_E_CURSOR};
    const int expected[] = {0, 1, 2, 3, 4, -1, -2, -3, -4};
    for (unsigned i = 0; i < sizeof(results) / sizeof(*results); i++)
        assert_int_equal(results[i], expected[i]);
    const int types[] = {TENDON_BOOL, TENDON_INT,  TENDON_DURATION, TENDON_SIZE,   TENDON_STRING, TENDON_ENUM,
                         TENDON_ZONE, TENDON_PATH, TENDON_URL,      TENDON_SECRET, TENDON_LISTEN};
    for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_int_equal(types[i], i + 1);
    assert_int_equal(TENDON_ONE, 0);
    assert_int_equal(TENDON_LIST, 1);
    assert_int_equal(TENDON_MAP, 2);
    assert_int_equal(TENDON_REQUIRED, 1);
    assert_int_equal(TENDON_ERROR, 0);
    assert_int_equal(TENDON_DEBUG, 3);
    assert_int_equal(TENDON_FILE_LINES, 1);
    assert_int_equal(TENDON_FILE_CSV, 2);
    assert_string_equal(TENDON_FILE_1, "file/1");
    /* Rooms that plugins allocate. */
    assert_int_equal(TENDON_ERROR_BYTES, 256);
    assert_int_equal(TENDON_CURSOR_BYTES, 4096);
    assert_int_equal(TENDON_FILE_POSITION_BYTES, 3072);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option), cmocka_unit_test(test_plugin),  cmocka_unit_test(test_host),
        cmocka_unit_test(test_file),   cmocka_unit_test(test_http),    cmocka_unit_test(test_json),
        cmocka_unit_test(test_push),   cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
