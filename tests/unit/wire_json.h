/* Messages of the wire protocol as JSON, for tests: bytes are {"bin": HEX}. */
#ifndef TENDON_TESTS_WIRE_JSON_H
#define TENDON_TESTS_WIRE_JSON_H

#include "proto/msgpack.h"

#include <jansson.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WIRE_JSON_BIN 8192 /* bytes of a bin, at most */

static inline json_t *wire_json_bin(const uint8_t *bytes, uint32_t n)
{
    static char hex[2 * WIRE_JSON_BIN + 1];
    assert_true(n <= WIRE_JSON_BIN);
    for (uint32_t i = 0; i < n; i++)
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", bytes[i]);
    hex[2 * (size_t)n] = '\0';
    return json_pack("{s:s}", "bin", hex);
}

static inline json_t *wire_json_read(struct mp_reader *r, unsigned depth)
{
    const char *s = NULL;
    const uint8_t *bytes = NULL;
    uint32_t n = 0;
    int64_t integer = 0;
    double real = 0;
    bool flag = false;
    json_t *json = NULL;
    assert_true(depth < 8);
    switch (mp_peek(r)) {
    case MP_NIL:
        assert_true(mp_read_nil(r));
        return json_null();
    case MP_BOOL:
        assert_true(mp_read_bool(r, &flag));
        return json_boolean(flag);
    case MP_INT:
        assert_true(mp_read_int(r, &integer));
        return json_integer(integer);
    case MP_FLOAT:
        assert_true(mp_read_double(r, &real));
        return json_real(real);
    case MP_STR:
        assert_true(mp_read_str(r, &s, &n));
        return json_stringn(s, n);
    case MP_BIN:
        assert_true(mp_read_bin(r, &bytes, &n));
        return wire_json_bin(bytes, n);
    case MP_ARRAY:
        assert_true(mp_read_array(r, &n));
        json = json_array();
        for (uint32_t i = 0; i < n; i++)
            json_array_append_new(json, wire_json_read(r, depth + 1));
        return json;
    case MP_MAP:
        assert_true(mp_read_map(r, &n));
        json = json_object();
        for (uint32_t i = 0; i < n; i++) {
            char key[64];
            uint32_t size = 0;
            assert_true(mp_read_str(r, &s, &size) && size < sizeof(key));
            memcpy(key, s, size);
            key[size] = '\0';
            json_object_set_new(json, key, wire_json_read(r, depth + 1));
        }
        return json;
    case MP_EXT:
    case MP_NONE:
        break;
    }
    fail_msg("no message of ours holds that type");
    return NULL;
}

static inline void wire_json_write_text(msgpack_packer *p, const char *s)
{
    msgpack_pack_str(p, strlen(s));
    msgpack_pack_str_body(p, s, strlen(s));
}

static inline void wire_json_write(msgpack_packer *p, const json_t *json)
{
    const char *key;
    json_t *value;
    size_t i;
    const char *hex = json_string_value(json_object_get(json, "bin"));
    switch (json_typeof(json)) {
    case JSON_NULL:
        msgpack_pack_nil(p);
        break;
    case JSON_TRUE:
        msgpack_pack_true(p);
        break;
    case JSON_FALSE:
        msgpack_pack_false(p);
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(p, json_integer_value(json));
        break;
    case JSON_REAL:
        msgpack_pack_double(p, json_real_value(json));
        break;
    case JSON_STRING:
        wire_json_write_text(p, json_string_value(json));
        break;
    case JSON_ARRAY:
        msgpack_pack_array(p, json_array_size(json));
        json_array_foreach(json, i, value) wire_json_write(p, value);
        break;
    case JSON_OBJECT:
        if (hex) {
            msgpack_pack_bin(p, strlen(hex) / 2);
            for (i = 0; i < strlen(hex) / 2; i++) {
                unsigned byte = 0;
                assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
                msgpack_pack_bin_body(p, &(uint8_t){(uint8_t)byte}, 1);
            }
            break;
        }
        msgpack_pack_map(p, json_object_size(json));
        json_object_foreach((json_t *)json, key, value)
        {
            wire_json_write_text(p, key);
            wire_json_write(p, value);
        }
        break;
    }
}

#endif
