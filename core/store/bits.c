#include "core/store/bits.h"

#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

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

static void unpack_plus(const uint8_t *in, uint64_t *out, size_t n, unsigned width, uint64_t add)
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

void bits_unpack_portable(const uint8_t *in, uint64_t *out, size_t n, unsigned width, uint32_t unit,
                          uint64_t add)
{
    unpack_plus(in, out, n, width, unit == 1 ? add : 0);
    for (size_t i = 0; unit != 1 && i < n; i++)
        out[i] = out[i] * unit + add;
}

void bits_pick(const uint8_t *in, uint64_t *out, const uint16_t *rows, size_t n, unsigned width)
{
    for (size_t k = 0; k < n; k++)
        out[k] = width ? number_at(in, (size_t)rows[k] * width, width) : 0;
}

void bits_unpack_u16_portable(const uint8_t *in, uint16_t *out, size_t n, unsigned width, uint64_t add)
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

void bits_sum_portable(uint64_t *u, size_t n, uint64_t from, uint32_t unit)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t step = u[i] >> 1 ^ (UINT64_C(0) - (u[i] & 1));
        from += step * unit;
        u[i] = from;
    }
}

#ifdef __x86_64__
/* Eight numbers of one width begin at a byte again. Bytes are moved to where each number's lane is, and each
 * lane is shifted by the bits that its first byte has too many. Returns how many were unpacked: no load goes
 * beyond what bits_size has. */
__attribute__((target("avx2"))) static size_t unpack_avx2(const uint8_t *in, uint64_t *out, size_t n,
                                                          unsigned width, uint32_t unit, uint64_t add)
{
    const __m256i mask = _mm256_set1_epi64x((int64_t)(UINT64_MAX >> (64 - width))),
                  more = _mm256_set1_epi64x((int64_t)add), units = _mm256_set1_epi64x(unit);
    __m256i places[2], shifts[2];
    uint8_t place[8][8];
    uint64_t shift[8];
    size_t from[4]; /* where each pair begins */
    for (unsigned k = 0; k < 8; k++) {
        from[k / 2] = k % 2 ? from[k / 2] : k * width / 8;
        for (unsigned byte = 0; byte < 8; byte++)
            place[k][byte] = (uint8_t)(k * width / 8 - from[k / 2] + byte);
        shift[k] = k * width % 8;
    }
    for (unsigned half = 0; half < 2; half++) {
        places[half] = _mm256_loadu_si256((const __m256i *)place[4 * half]);
        shifts[half] = _mm256_loadu_si256((const __m256i *)&shift[4 * half]);
    }
    size_t i = 0;
    for (; (n - i) * width >= 8 * width + 64; i += 8, in += width)
        for (unsigned half = 0; half < 2; half++) {
            const __m128i low = _mm_loadu_si128((const __m128i *)(in + from[2 * half])),
                          high = _mm_loadu_si128((const __m128i *)(in + from[2 * half + 1]));
            __m256i u = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
            u = _mm256_srlv_epi64(_mm256_shuffle_epi8(u, places[half]), shifts[half]);
            u = _mm256_and_si256(u, mask);
            if (unit != 1)
                u = _mm256_mul_epu32(u, units);
            u = _mm256_add_epi64(u, more);
            _mm256_storeu_si256((__m256i *)(out + i + 4 * half), u);
        }
    return i;
}

__attribute__((target("avx2"))) static size_t unpack_u16_avx2(const uint8_t *in, uint16_t *out, size_t n,
                                                              unsigned width, uint64_t add)
{
    const __m256i mask = _mm256_set1_epi32((int)(UINT32_MAX >> (32 - width))),
                  more = _mm256_set1_epi32((int)(uint32_t)add), narrow = _mm256_set1_epi32(UINT16_MAX);
    uint8_t place[8][4];
    uint32_t shift[8];
    for (unsigned k = 0; k < 8; k++) {
        for (unsigned byte = 0; byte < 4; byte++) {
            unsigned at = k * width / 8 + byte;
            place[k][byte] = at < 16 ? (uint8_t)at : 0x80; /* which no number reaches: 0 */
        }
        shift[k] = k * width % 8;
    }
    const __m256i places = _mm256_loadu_si256((const __m256i *)place),
                  shifts = _mm256_loadu_si256((const __m256i *)shift);
    size_t i = 0;
    for (; (n - i) * width >= 8 * width + 64; i += 8, in += width) {
        __m256i u = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)in));
        u = _mm256_srlv_epi32(_mm256_shuffle_epi8(u, places), shifts);
        u = _mm256_and_si256(_mm256_add_epi32(_mm256_and_si256(u, mask), more), narrow);
        u = _mm256_permute4x64_epi64(_mm256_packus_epi32(u, u), 0x08);
        _mm_storeu_si128((__m128i *)(out + i), _mm256_castsi256_si128(u));
    }
    return i;
}

/* Four at a time: sums within each half, then that of the lower one and of all before to the others. They are
 * in units until they are written. Returns how many were summed. */
__attribute__((target("avx2"))) static size_t sum_avx2(uint64_t *u, size_t n, uint64_t from, uint32_t unit)
{
    const __m256i ones = _mm256_set1_epi64x(1), none = _mm256_setzero_si256(),
                  units = _mm256_set1_epi64x(unit), start = _mm256_set1_epi64x((int64_t)from);
    __m256i before = none;
    size_t i = 0;
    for (; n - i >= 4; i += 4) {
        const __m256i zigzag = _mm256_loadu_si256((const __m256i *)(u + i));
        __m256i sum = _mm256_xor_si256(_mm256_srli_epi64(zigzag, 1),
                                       _mm256_sub_epi64(none, _mm256_and_si256(zigzag, ones)));
        sum = _mm256_add_epi64(sum, _mm256_slli_si256(sum, 8));
        sum = _mm256_add_epi64(sum, _mm256_blend_epi32(none, _mm256_permute4x64_epi64(sum, 0x55), 0xf0));
        sum = _mm256_add_epi64(sum, before);
        before = _mm256_permute4x64_epi64(sum, 0xff);
        const __m256i low = _mm256_mul_epu32(sum, units),
                      high = _mm256_mul_epu32(_mm256_srli_epi64(sum, 32), units);
        sum = _mm256_add_epi64(low, _mm256_slli_epi64(high, 32));
        _mm256_storeu_si256((__m256i *)(u + i), _mm256_add_epi64(sum, start));
    }
    return i;
}

void bits_sum(uint64_t *u, size_t n, uint64_t from, uint32_t unit)
{
    size_t done = __builtin_cpu_supports("avx2") ? sum_avx2(u, n, from, unit) : 0;
    bits_sum_portable(u + done, n - done, done ? u[done - 1] : from, unit);
}

void bits_unpack(const uint8_t *in, uint64_t *out, size_t n, unsigned width, uint32_t unit, uint64_t add)
{
    const bool is_narrow = width <= (unit == 1 ? 57 : 32); /* for one load, and for one multiplication */
    size_t done = is_narrow && __builtin_cpu_supports("avx2") ? unpack_avx2(in, out, n, width, unit, add) : 0;
    bits_unpack_portable(in + done / 8 * width, out + done, n - done, width, unit, add);
}

void bits_unpack_u16(const uint8_t *in, uint16_t *out, size_t n, unsigned width, uint64_t add)
{
    size_t done = width <= 16 && __builtin_cpu_supports("avx2") ? unpack_u16_avx2(in, out, n, width, add) : 0;
    bits_unpack_u16_portable(in + done / 8 * width, out + done, n - done, width, add);
}
#else
void bits_sum(uint64_t *u, size_t n, uint64_t from, uint32_t unit)
{
    bits_sum_portable(u, n, from, unit);
}

void bits_unpack(const uint8_t *in, uint64_t *out, size_t n, unsigned width, uint32_t unit, uint64_t add)
{
    bits_unpack_portable(in, out, n, width, unit, add);
}

void bits_unpack_u16(const uint8_t *in, uint16_t *out, size_t n, unsigned width, uint64_t add)
{
    bits_unpack_u16_portable(in, out, n, width, add);
}
#endif
