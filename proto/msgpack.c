#include "proto/msgpack.h"

#include "proto/bytes8.h"

#include <endian.h>
#include <string.h>

static size_t mp_left(const struct mp_reader *r)
{
    return (size_t)(r->end - r->at);
}

static bool mp_fail(struct mp_reader *r)
{
    r->failed = true;
    return false;
}

/* 1, 2, 4 or 8 bytes; big-endian, as all of msgpack. */
static uint64_t mp_load(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    uint32_t v32;
    uint16_t v16;
    switch (n) {
    case 1:
        return *p;
    case 2:
        memcpy(&v16, p, sizeof(v16));
        return be16toh(v16);
    case 4:
        memcpy(&v32, p, sizeof(v32));
        return be32toh(v32);
    default:
        memcpy(&v, p, sizeof(v));
        return be64toh(v);
    }
}

const uint8_t MP_TYPES[32] = {
    /* 0xc0 */ MP_NIL, MP_NONE, MP_BOOL,  MP_BOOL,  MP_BIN,   MP_BIN,   MP_BIN, MP_EXT,
    /* 0xc8 */ MP_EXT, MP_EXT,  MP_FLOAT, MP_FLOAT, MP_INT,   MP_INT,   MP_INT, MP_INT,
    /* 0xd0 */ MP_INT, MP_INT,  MP_INT,   MP_INT,   MP_EXT,   MP_EXT,   MP_EXT, MP_EXT,
    /* 0xd8 */ MP_EXT, MP_STR,  MP_STR,   MP_STR,   MP_ARRAY, MP_ARRAY, MP_MAP, MP_MAP,
};

bool mp_read_nil(struct mp_reader *r)
{
    if (mp_peek(r) != MP_NIL)
        return mp_fail(r);
    r->at++;
    return true;
}

bool mp_read_bool(struct mp_reader *r, bool *ret)
{
    if (mp_peek(r) != MP_BOOL)
        return mp_fail(r);
    *ret = *r->at++ == 0xc3;
    return true;
}

/* The integer at the reader as 64 bits, and whether it is to be read as signed. */
static bool mp_read_integer(struct mp_reader *r, uint64_t *ret, bool *ret_signed)
{
    if (mp_peek(r) != MP_INT)
        return mp_fail(r);
    uint8_t b = *r->at;
    if (b <= 0x7f || b >= 0xe0) {
        r->at++;
        *ret = (uint64_t)(int64_t)(int8_t)b;
        *ret_signed = true;
        return true;
    }
    /* 0xcc … 0xcf: unsigned of 1, 2, 4, 8 bytes; 0xd0 … 0xd3: signed */
    unsigned n = 1u << ((b - 0xcc) & 3);
    if (mp_left(r) < 1 + n)
        return mp_fail(r);
    uint64_t v = mp_load(r->at + 1, n);
    r->at += 1 + n;
    *ret_signed = b >= 0xd0;
    if (*ret_signed && n < 8) {
        uint64_t sign = 1ull << (8 * n - 1);
        v = (v ^ sign) - sign;
    }
    *ret = v;
    return true;
}

bool mp_read_int(struct mp_reader *r, int64_t *ret)
{
    uint64_t v;
    bool is_signed;
    if (!mp_read_integer(r, &v, &is_signed))
        return false;
    if (!is_signed && v > INT64_MAX)
        return mp_fail(r);
    *ret = (int64_t)v;
    return true;
}

bool mp_read_uint(struct mp_reader *r, uint64_t *ret)
{
    uint64_t v;
    bool is_signed;
    if (!mp_read_integer(r, &v, &is_signed))
        return false;
    if (is_signed && (int64_t)v < 0)
        return mp_fail(r);
    *ret = v;
    return true;
}

bool mp_read_double(struct mp_reader *r, double *ret)
{
    if (mp_peek(r) != MP_FLOAT)
        return mp_fail(r);
    unsigned n = *r->at == 0xca ? 4 : 8;
    if (mp_left(r) < 1 + n)
        return mp_fail(r);
    uint64_t bits = mp_load(r->at + 1, n);
    r->at += 1 + n;
    if (n == 4) {
        uint32_t bits32 = (uint32_t)bits;
        float f;
        memcpy(&f, &bits32, sizeof(f));
        *ret = (double)f;
    } else {
        memcpy(ret, &bits, sizeof(*ret));
    }
    return true;
}

/* A header whose length is in the next n bytes (after one byte of type): reads it and checks that `unit`
 * times the length, plus `more` bytes, are there behind it. */
static bool mp_read_length(struct mp_reader *r, unsigned n, unsigned unit, unsigned more, uint32_t *ret)
{
    if (mp_left(r) < 1 + n)
        return mp_fail(r);
    uint64_t length = mp_load(r->at + 1, n);
    if (length * unit + more > mp_left(r) - 1 - n)
        return mp_fail(r);
    r->at += 1 + n;
    *ret = (uint32_t)length;
    return true;
}

/* The same where the length is in the type byte itself. */
static bool mp_read_fixed_length(struct mp_reader *r, uint32_t length, unsigned unit, uint32_t *ret)
{
    if ((size_t)length * unit > mp_left(r) - 1)
        return mp_fail(r);
    r->at++;
    *ret = length;
    return true;
}

bool mp_read_long_str(struct mp_reader *r, const char **ret_data, uint32_t *ret_size)
{
    uint32_t size;
    if (mp_peek(r) != MP_STR)
        return mp_fail(r);
    uint8_t b = *r->at;
    if (!(b <= 0xbf ? mp_read_fixed_length(r, b & 0x1f, 1, &size)
                    : mp_read_length(r, 1u << (b - 0xd9), 1, 0, &size)))
        return false;
    *ret_data = (const char *)r->at;
    *ret_size = size;
    r->at += size;
    return true;
}

bool mp_read_bin(struct mp_reader *r, const uint8_t **ret_data, uint32_t *ret_size)
{
    if (mp_peek(r) != MP_BIN)
        return mp_fail(r);
    uint32_t size;
    if (!mp_read_length(r, 1u << (*r->at - 0xc4), 1, 0, &size))
        return false;
    *ret_data = r->at;
    *ret_size = size;
    r->at += size;
    return true;
}

bool mp_read_array(struct mp_reader *r, uint32_t *ret_count)
{
    if (mp_peek(r) != MP_ARRAY)
        return mp_fail(r);
    uint8_t b = *r->at;
    return b <= 0x9f ? mp_read_fixed_length(r, b & 0x0f, 1, ret_count)
                     : mp_read_length(r, b == 0xdc ? 2 : 4, 1, 0, ret_count);
}

bool mp_read_map(struct mp_reader *r, uint32_t *ret_count)
{
    if (mp_peek(r) != MP_MAP)
        return mp_fail(r);
    uint8_t b = *r->at;
    return b <= 0x8f ? mp_read_fixed_length(r, b & 0x0f, 2, ret_count)
                     : mp_read_length(r, b == 0xde ? 2 : 4, 2, 0, ret_count);
}

static bool mp_read_ext(struct mp_reader *r)
{
    uint8_t b = *r->at;
    uint32_t size;
    if (b >= 0xd4 && b <= 0xd8) { /* 1, 2, 4, 8 or 16 bytes behind a byte of application type */
        size = 1u << (b - 0xd4);
        if (mp_left(r) < 2 + size)
            return mp_fail(r);
        r->at++;
    } else if (!mp_read_length(r, 1u << (b - 0xc7), 1, 1, &size)) {
        return false;
    }
    r->at += 1 + size;
    return true;
}

/* Whatever is no array or map. */
static bool mp_skip_scalar(struct mp_reader *r)
{
    const char *string;
    const uint8_t *bytes;
    uint64_t integer;
    uint32_t size;
    double number;
    bool flag;
    switch (mp_peek(r)) {
    case MP_NIL:
        return mp_read_nil(r);
    case MP_BOOL:
        return mp_read_bool(r, &flag);
    case MP_INT:
        return mp_read_integer(r, &integer, &flag);
    case MP_FLOAT:
        return mp_read_double(r, &number);
    case MP_STR:
        return mp_read_str(r, &string, &size);
    case MP_BIN:
        return mp_read_bin(r, &bytes, &size);
    case MP_EXT:
        return mp_read_ext(r);
    case MP_ARRAY:
    case MP_MAP:
    case MP_NONE:
        break;
    }
    return mp_fail(r);
}

bool mp_skip_within(struct mp_reader *r, unsigned depth_max)
{
    uint64_t left[MP_DEPTH_MAX]; /* values still to skip, by depth */
    unsigned depth = 0;
    if (depth_max > MP_DEPTH_MAX)
        depth_max = MP_DEPTH_MAX;
    do {
        enum mp_type type = mp_peek(r);
        if (type == MP_ARRAY || type == MP_MAP) {
            uint32_t count;
            if (depth == depth_max)
                return mp_fail(r);
            if (!(type == MP_ARRAY ? mp_read_array(r, &count) : mp_read_map(r, &count)))
                return false;
            left[depth++] = type == MP_ARRAY ? count : 2 * (uint64_t)count;
        } else {
            if (!mp_skip_scalar(r))
                return false;
            if (depth > 0)
                left[depth - 1]--;
        }
        /* A container that is done is one value of the one around it. */
        while (depth > 0 && left[depth - 1] == 0)
            if (--depth > 0)
                left[depth - 1]--;
    } while (depth > 0);
    return true;
}

bool mp_skip(struct mp_reader *r)
{
    return mp_skip_within(r, MP_DEPTH_MAX);
}

/* The size of the well-formed sequence at p, or 0: the table of well-formed byte sequences of the Unicode
 * standard (no overlong forms, no surrogates, nothing above U+10FFFF). */
static unsigned utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t b = p[0];
    if (b < 0x80)
        return 1;
    if (b < 0xc2 || b > 0xf4)
        return 0;
    unsigned n = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    if (left < n)
        return 0;
    uint8_t low = 0x80, high = 0xbf;
    if (b == 0xe0)
        low = 0xa0;
    else if (b == 0xed)
        high = 0x9f;
    else if (b == 0xf0)
        low = 0x90;
    else if (b == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (unsigned i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool utf8_valid(const char *data, size_t size)
{
    const uint8_t *p = (const uint8_t *)data;
    size_t i = 0;
    while (i < size && !(bytes8_load(p + i, size - i, 0) & BYTES8_HIGH))
        i += 8;
    while (i < size) { /* from the first eight bytes that are not all ASCII */
        unsigned n = utf8_sequence(p + i, size - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}
