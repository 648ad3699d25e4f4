/* Whole numbers of one width, packed bit by bit. */
#ifndef TENDON_STORE_BITS_H
#define TENDON_STORE_BITS_H

#include <stddef.h>
#include <stdint.h>

/* How many bits a number takes. */
static inline unsigned bits_width(uint64_t max)
{
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

/* Bytes of n numbers: 8 more than they take, so that a reader may load whole words. */
static inline size_t bits_size(size_t n, unsigned width)
{
    return (n * width + 7) / 8 + 8;
}

/* The lowest `width` bits of each, width from 0 to 64; out has bits_size. */
void bits_pack(uint8_t *out, const uint64_t *u, size_t n, unsigned width);

/* Each number times `unit` plus `add`, width from 1 to 64; in has bits_size. On processors that have AVX2 by
 * a path of its own, with the same results. */
void bits_unpack(const uint8_t *in, uint64_t *out, size_t n, unsigned width, uint32_t unit, uint64_t add);
/* Each plus `add`, cut to 16 bits; width from 1 to 48. */
void bits_unpack_u16(const uint8_t *in, uint16_t *out, size_t n, unsigned width, uint64_t add);

/* From differences to numbers, in place: each is its zigzag, in units, to the one before, the first to
 * `from`. By a path of its own as well. */
void bits_sum(uint64_t *u, size_t n, uint64_t from, uint32_t unit);

/* The paths that every processor has; for tests. */
void bits_unpack_portable(const uint8_t *in, uint64_t *out, size_t n, unsigned width, uint32_t unit,
                          uint64_t add);
void bits_unpack_u16_portable(const uint8_t *in, uint16_t *out, size_t n, unsigned width, uint64_t add);
void bits_sum_portable(uint64_t *u, size_t n, uint64_t from, uint32_t unit);
/* The numbers that `rows` lists; width from 0 to 64. */
void bits_pick(const uint8_t *in, uint64_t *out, const uint16_t *rows, size_t n, unsigned width);

#endif
