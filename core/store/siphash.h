/* SipHash-2-4 with 128 bits, of which the first 64 are made, of texts that begin alike: what stands in front
 * is taken in once, and each text goes on from there without being copied behind it. It is the beginning of
 * what crypto_shorthash_siphashx24 of libsodium gives for the whole, which can only hash one piece and makes
 * the other 64 bits too. */
#ifndef TENDON_STORE_SIPHASH_H
#define TENDON_STORE_SIPHASH_H

#include "proto/bytes8.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct siphash {
    uint64_t v[4];
    uint64_t rest; /* the last size % 8 bytes, which are no block yet */
    size_t size;   /* of all that was taken in */
};

static inline uint64_t siphash_rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void siphash_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = siphash_rotate(v[1], 13) ^ v[0];
    v[0] = siphash_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = siphash_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = siphash_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = siphash_rotate(v[1], 17) ^ v[2];
    v[2] = siphash_rotate(v[2], 32);
}

static inline void siphash_block(uint64_t v[4], uint64_t block)
{
    v[3] ^= block;
    siphash_round(v);
    siphash_round(v);
    v[0] ^= block;
}

/* Up to eight bytes; those behind them are 0. */
static inline uint64_t siphash_load(const uint8_t *p, size_t n)
{
    return le64toh(bytes8_load(p, n, 0));
}

static inline void siphash_init(struct siphash *h, const uint8_t key[16])
{
    uint64_t k0 = siphash_load(key, 8), k1 = siphash_load(key + 8, 8);
    *h = (struct siphash){.v = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
                                k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}};
}

static inline void siphash_add(struct siphash *h, const void *data, size_t size)
{
    const uint8_t *p = data;
    const bool is_long = size > 8;
    unsigned shift = 8 * (h->size % 8);
    h->size += size;
    for (; size >= 8; p += 8, size -= 8) {
        uint64_t w = siphash_load(p, 8);
        siphash_block(h->v, h->rest | w << shift);
        h->rest = w >> 1 >> (63 - shift); /* shift may be 0, and 64 is no shift */
    }
    if (size == 0)
        return;
    /* Behind others, the bytes that are left end a whole word: no case for each size. */
    uint64_t w = is_long ? siphash_load(p + size - 8, 8) >> (64 - 8 * size) : siphash_load(p, size);
    h->rest |= w << shift;
    if (shift + 8 * size >= 64) {
        siphash_block(h->v, h->rest);
        h->rest = w >> 1 >> (63 - shift);
    }
}

/* Of what was taken in. */
static inline uint64_t siphash_end(struct siphash h)
{
    siphash_block(h.v, h.rest | (uint64_t)h.size << 56);
    h.v[2] ^= 0xee;
    for (int i = 0; i < 4; i++)
        siphash_round(h.v);
    return htole64(h.v[0] ^ h.v[1] ^ h.v[2] ^ h.v[3]);
}

/* Of what was taken in and data behind it. */
static inline uint64_t siphash_with(struct siphash h, const void *data, size_t size)
{
    siphash_add(&h, data, size);
    return siphash_end(h);
}

#endif
