#include "core/store/bits.h"

#include <string.h>

void bits_pack(uint8_t *out, const uint64_t *u, size_t n, unsigned width)
{
    uint64_t word = 0;
    unsigned used = 0;
    uint8_t *end = out + bits_size(n, width);
    const uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    for (size_t i = 0; i < n; i++) {
        const uint64_t v = u[i] & mask;
        word |= v << used;
        used += width;
        if (used >= 64) {
            memcpy(out, &word, 8);
            out += 8;
            used -= 64;
            word = used ? v >> (width - used) : 0;
        }
    }
    memcpy(out, &word, 8); /* the 8 bytes more leave room for it */
    out += 8;
    if (out < end)
        memset(out, 0, (size_t)(end - out));
}

/* The number that begins at a bit; width from 1. */
static inline uint64_t number_at(const uint8_t *in, size_t bit, unsigned width)
{
    const uint8_t *p = in + (bit >> 3);
    const unsigned shift = bit & 7;
    uint64_t word;
    memcpy(&word, p, 8);
    word >>= shift;
    if (width + shift > 64)
        word |= (uint64_t)p[8] << (64 - shift);
    return word & (UINT64_MAX >> (64 - width));
}

/* Eight values of one width: each load and shift is a constant of the unrolled loop. */
#define UNPACK_GROUPS(WIDTH, add, type)                                                                      \
    for (; n >= 8; n -= 8, in += (WIDTH), out += 8) {                                                        \
        _Pragma("GCC unroll 8") for (unsigned k = 0; k < 8; k++)                                             \
        {                                                                                                    \
            uint64_t word_;                                                                                  \
            memcpy(&word_, in + ((k * (WIDTH)) >> 3), 8);                                                    \
            out[k] = (type)((word_ >> ((k * (WIDTH)) & 7) & ((UINT64_C(1) << (WIDTH)) - 1)) + (add));        \
        }                                                                                                    \
    }                                                                                                        \
    break;
#define UNPACK_CASE(WIDTH, add, type)                                                                        \
    case WIDTH:                                                                                              \
        UNPACK_GROUPS(WIDTH, add, type)
#define UNPACK_CASES(add, type)                                                                              \
    UNPACK_CASE(1, add, type)                                                                                \
    UNPACK_CASE(2, add, type)                                                                                \
    UNPACK_CASE(3, add, type)                                                                                \
    UNPACK_CASE(4, add, type)                                                                                \
    UNPACK_CASE(5, add, type)                                                                                \
    UNPACK_CASE(6, add, type)                                                                                \
    UNPACK_CASE(7, add, type)                                                                                \
    UNPACK_CASE(8, add, type)                                                                                \
    UNPACK_CASE(9, add, type)                                                                                \
    UNPACK_CASE(10, add, type)                                                                               \
    UNPACK_CASE(11, add, type)                                                                               \
    UNPACK_CASE(12, add, type)                                                                               \
    UNPACK_CASE(13, add, type)                                                                               \
    UNPACK_CASE(14, add, type)                                                                               \
    UNPACK_CASE(15, add, type)                                                                               \
    UNPACK_CASE(16, add, type)
#define UNPACK_WIDE_CASES(add, type)                                                                         \
    UNPACK_CASE(17, add, type)                                                                               \
    UNPACK_CASE(18, add, type)                                                                               \
    UNPACK_CASE(19, add, type)                                                                               \
    UNPACK_CASE(20, add, type)                                                                               \
    UNPACK_CASE(21, add, type)                                                                               \
    UNPACK_CASE(22, add, type)                                                                               \
    UNPACK_CASE(23, add, type)                                                                               \
    UNPACK_CASE(24, add, type)                                                                               \
    UNPACK_CASE(25, add, type)                                                                               \
    UNPACK_CASE(26, add, type)                                                                               \
    UNPACK_CASE(27, add, type)                                                                               \
    UNPACK_CASE(28, add, type)                                                                               \
    UNPACK_CASE(29, add, type)                                                                               \
    UNPACK_CASE(30, add, type)                                                                               \
    UNPACK_CASE(31, add, type)                                                                               \
    UNPACK_CASE(32, add, type)                                                                               \
    UNPACK_CASE(33, add, type)                                                                               \
    UNPACK_CASE(34, add, type)                                                                               \
    UNPACK_CASE(35, add, type)                                                                               \
    UNPACK_CASE(36, add, type)

void bits_unpack(const uint8_t *in, uint64_t *out, size_t n, unsigned width, uint64_t add)
{
    switch (width) {
        UNPACK_CASES(add, uint64_t)
        UNPACK_WIDE_CASES(add, uint64_t)
    default:
        break;
    }
    for (size_t i = 0, bit = 0; i < n; i++, bit += width)
        out[i] = number_at(in, bit, width) + add;
}

void bits_pick(const uint8_t *in, uint64_t *out, const uint16_t *rows, size_t n, unsigned width)
{
    for (size_t k = 0; k < n; k++)
        out[k] = width ? number_at(in, (size_t)rows[k] * width, width) : 0;
}

void bits_unpack_u16(const uint8_t *in, uint16_t *out, size_t n, unsigned width, uint64_t add)
{
    switch (width) {
        UNPACK_CASES(add, uint16_t)
    default:
        break;
    }
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    for (size_t i = 0, bit = 0; i < n; i++, bit += width) {
        uint64_t word;
        memcpy(&word, in + (bit >> 3), 8);
        out[i] = (uint16_t)((word >> (bit & 7) & mask) + add);
    }
}
