#include "core/store/column.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Form on disk: kind u8, width u8 (bits), specials u8, base i64, then the payload.
 *
 * A value v is kept as u = v - base + n, where the n lowest numbers stand for the special values that occur.
 * With KIND_DELTA u is the zigzag of the difference to the row before and there are no specials. */
enum { KIND_CONSTANT, KIND_PACK, KIND_PLANES };
enum { FLAG_DELTA = 0x80 };
enum { SPECIAL_NULL = 1, SPECIAL_FOREVER = 2 };
enum { HEADER_BYTES = 11, PLANE_LEVEL = 1 };

static const int64_t NULL_VALUE = INT64_MIN, FOREVER_VALUE = INT64_MAX;

static unsigned width_of(uint64_t max)
{
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

static void put_header(struct buffer *out, unsigned kind, unsigned width, unsigned specials, int64_t base)
{
    uint8_t *p = buffer_extend(out, HEADER_BYTES);
    if (!p)
        return;
    p[0] = (uint8_t)kind;
    p[1] = (uint8_t)width;
    p[2] = (uint8_t)specials;
    memcpy(p + 3, &base, sizeof(base));
}

static size_t packed_bytes(size_t n, unsigned width)
{
    /* 8 more so that a reader may load whole words */
    return (n * width + 7) / 8 + 8;
}

static void pack(uint8_t *out, const uint64_t *u, size_t n, unsigned width)
{
    memset(out, 0, packed_bytes(n, width));
    for (size_t i = 0, bit = 0; i < n; i++, bit += width) {
        uint8_t *p = out + (bit >> 3);
        unsigned shift = bit & 7;
        uint64_t word;
        memcpy(&word, p, 8);
        word |= u[i] << shift;
        memcpy(p, &word, 8);
        if (shift && width + shift > 64)
            p[8] |= (uint8_t)(u[i] >> (64 - shift));
    }
}

static void unpack(const uint8_t *in, uint64_t *u, size_t n, unsigned width)
{
    if (width == 8) {
        for (size_t i = 0; i < n; i++)
            u[i] = in[i];
        return;
    }
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    if (width <= 56) {
        for (size_t i = 0, bit = 0; i < n; i++, bit += width) {
            uint64_t word;
            memcpy(&word, in + (bit >> 3), 8);
            u[i] = word >> (bit & 7) & mask;
        }
        return;
    }
    for (size_t i = 0, bit = 0; i < n; i++, bit += width) {
        const uint8_t *p = in + (bit >> 3);
        unsigned shift = bit & 7;
        uint64_t word;
        memcpy(&word, p, 8);
        word >>= shift;
        if (shift && width + shift > 64)
            word |= (uint64_t)p[8] << (64 - shift);
        u[i] = word & mask;
    }
}

/* Appends u as byte planes, each under zstd where that is smaller: [size u32 | raw bit][bytes] a plane. */
static void put_planes(struct buffer *out, const uint64_t *u, size_t n, unsigned width)
{
    uint8_t *plane = malloc(n + 1);
    size_t bound = ZSTD_compressBound(n);
    if (!plane) {
        out->failed = true;
        return;
    }
    for (unsigned b = 0; b < (width + 7) / 8; b++) {
        for (size_t i = 0; i < n; i++)
            plane[i] = (uint8_t)(u[i] >> (8 * b));
        size_t start = out->size;
        uint8_t *p = buffer_extend(out, 4 + bound);
        if (!p)
            break;
        size_t size = ZSTD_compress(p + 4, bound, plane, n, PLANE_LEVEL);
        uint32_t head;
        if (ZSTD_isError(size) || size >= n - n / 16) {
            memcpy(p + 4, plane, n);
            size = n;
            head = (uint32_t)n | UINT32_C(1) << 31;
        } else {
            head = (uint32_t)size;
        }
        memcpy(p, &head, 4);
        out->size = start + 4 + size;
    }
    free(plane);
}

static int get_planes(const uint8_t *data, size_t size, uint64_t *u, size_t n, unsigned width)
{
    uint8_t *plane = malloc(n);
    if (!plane)
        return -ENOMEM;
    memset(u, 0, n * sizeof(*u));
    int r = 0;
    for (unsigned b = 0; b < (width + 7) / 8 && r == 0; b++) {
        uint32_t head;
        if (size < 4) {
            r = -EBADMSG;
            break;
        }
        memcpy(&head, data, 4);
        uint32_t bytes = head & ~(UINT32_C(1) << 31);
        data += 4;
        size -= 4;
        const uint8_t *from = data;
        if (bytes > size || (head >> 31 && bytes != n)) {
            r = -EBADMSG;
        } else if (!(head >> 31)) {
            size_t got = ZSTD_decompress(plane, n, data, bytes);
            if (ZSTD_isError(got) || got != n)
                r = -EBADMSG;
            from = plane;
        }
        if (r == 0)
            for (size_t i = 0; i < n; i++)
                u[i] |= (uint64_t)from[i] << (8 * b);
        data += bytes;
        size -= bytes;
    }
    free(plane);
    return r;
}

static void put_payload(struct buffer *out, const uint64_t *u, size_t n, unsigned width, unsigned flags,
                        unsigned specials, int64_t base, unsigned effort)
{
    size_t start = out->size, packed = packed_bytes(n, width);
    if (effort & COLUMN_PLANES && n >= 64 && width >= 2) {
        put_header(out, KIND_PLANES | flags, width, specials, base);
        put_planes(out, u, n, width);
        if (buffer_failed(out) || out->size - start - HEADER_BYTES < packed - packed / 10)
            return;
        out->size = start;
    }
    put_header(out, KIND_PACK | flags, width, specials, base);
    uint8_t *p = buffer_extend(out, packed);
    if (p)
        pack(p, u, n, width);
}

void column_encode(struct buffer *out, const int64_t *values, size_t n, unsigned effort)
{
    bool null = false, forever = false, any = false, constant = true;
    int64_t min = 0, max = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t v = values[i];
        constant &= v == values[0];
        if (v == NULL_VALUE) {
            null = true;
        } else if (v == FOREVER_VALUE) {
            forever = true;
        } else if (!any) {
            min = max = v;
            any = true;
        } else {
            min = v < min ? v : min;
            max = v > max ? v : max;
        }
    }
    if (constant) {
        put_header(out, KIND_CONSTANT, 0, 0, values[0]);
        return;
    }
    uint64_t *u = malloc(2 * n * sizeof(*u));
    if (!u) {
        out->failed = true;
        return;
    }
    unsigned specials = (null ? SPECIAL_NULL : 0) | (forever ? SPECIAL_FOREVER : 0);
    uint64_t n_special = (uint64_t)null + forever, range = (uint64_t)max - (uint64_t)min;
    /* A full range has no room for the specials: none of our columns has one, and a hash is never special. */
    if (range > UINT64_MAX - n_special) {
        n_special = 0;
        specials = 0;
        min = INT64_MIN;
        range = UINT64_MAX;
    }
    for (size_t i = 0; i < n; i++) {
        if (specials & SPECIAL_NULL && values[i] == NULL_VALUE)
            u[i] = 0;
        else if (specials & SPECIAL_FOREVER && values[i] == FOREVER_VALUE)
            u[i] = n_special - 1;
        else
            u[i] = (uint64_t)values[i] - (uint64_t)min + n_special;
    }
    unsigned width = width_of(range + n_special);
    size_t start = out->size;
    put_payload(out, u, n, width, 0, specials, min, effort);
    if (effort & COLUMN_DELTA && !specials && !buffer_failed(out)) {
        uint64_t *d = u + n, top = 0;
        d[0] = 0;
        for (size_t i = 1; i < n; i++) {
            int64_t step = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
            d[i] = (uint64_t)step << 1 ^ (uint64_t)(step >> 63);
            top |= d[i];
        }
        size_t plain = out->size - start, delta_start = out->size;
        put_payload(out, d, n, width_of(top), FLAG_DELTA, 0, values[0], effort);
        size_t delta = out->size - delta_start;
        if (!buffer_failed(out) && delta < plain) {
            memmove(out->data + start, out->data + delta_start, delta);
            out->size = start + delta;
        } else if (!buffer_failed(out)) {
            out->size = delta_start;
        }
    }
    free(u);
}

int column_decode(const uint8_t *data, size_t size, size_t n, int64_t *ret)
{
    if (size < HEADER_BYTES)
        return -EBADMSG;
    unsigned kind = data[0] & ~(unsigned)FLAG_DELTA, width = data[1], specials = data[2];
    bool delta = data[0] & FLAG_DELTA;
    int64_t base;
    memcpy(&base, data + 3, sizeof(base));
    data += HEADER_BYTES;
    size -= HEADER_BYTES;
    if (kind == KIND_CONSTANT) {
        for (size_t i = 0; i < n; i++)
            ret[i] = base;
        return 0;
    }
    if (width > 64 || specials > 3 || (delta && specials))
        return -EBADMSG;
    uint64_t *u = (uint64_t *)ret;
    if (kind == KIND_PACK) {
        if (size < packed_bytes(n, width))
            return -EBADMSG;
        if (width == 0)
            memset(u, 0, n * sizeof(*u));
        else
            unpack(data, u, n, width);
    } else if (kind == KIND_PLANES) {
        int r = get_planes(data, size, u, n, width);
        if (r < 0)
            return r;
    } else {
        return -EBADMSG;
    }
    if (delta) {
        uint64_t v = (uint64_t)base;
        for (size_t i = 0; i < n; i++) {
            v += u[i] >> 1 ^ (UINT64_C(0) - (u[i] & 1));
            u[i] = v;
        }
        return 0;
    }
    if (!specials) {
        for (size_t i = 0; i < n; i++)
            u[i] += (uint64_t)base;
        return 0;
    }
    uint64_t n_special = (specials & 1) + (specials >> 1);
    uint64_t null = specials & SPECIAL_NULL ? 0 : UINT64_MAX;
    uint64_t forever = specials & SPECIAL_FOREVER ? n_special - 1 : UINT64_MAX;
    uint64_t shift = (uint64_t)base - n_special;
    for (size_t i = 0; i < n; i++)
        u[i] = u[i] == null ? (uint64_t)NULL_VALUE : u[i] == forever ? (uint64_t)FOREVER_VALUE : u[i] + shift;
    return 0;
}
