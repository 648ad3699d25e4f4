/* Eight bytes at a time: tests on the bytes of a word, for short ASCII strings. A mask has 0x80 in each byte
 * that the test holds for, 0 elsewhere; all are exact, whatever the other bytes are. */
#ifndef TENDON_PROTO_BYTES8_H
#define TENDON_PROTO_BYTES8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BYTES8(b)   (0x0101010101010101ull * (uint8_t)(b))
#define BYTES8_HIGH BYTES8(0x80)

/* The n ≤ 8 bytes at p, filled up with pad. */
static inline uint64_t bytes8_load(const void *p, size_t n, uint8_t pad)
{
    uint64_t w = BYTES8(pad);
    if (n >= 8) {
        memcpy(&w, p, 8);
        return w;
    }
    uint8_t *to = (uint8_t *)&w;
    const uint8_t *from = p;
    switch (n) { /* a copy of known size is one instruction; of an unknown one, a call */
    case 7:
        to[6] = from[6];
        /* fall through */
    case 6:
        memcpy(to + 4, from + 4, 2);
        memcpy(to, from, 4);
        break;
    case 5:
        to[4] = from[4];
        /* fall through */
    case 4:
        memcpy(to, from, 4);
        break;
    case 3:
        to[2] = from[2];
        /* fall through */
    case 2:
        memcpy(to, from, 2);
        break;
    case 1:
        to[0] = from[0];
        break;
    default:
        break;
    }
    return w;
}

/* Bytes below 0x80 that are at most max, which is below 0x80. */
static inline uint64_t bytes8_at_most(uint64_t w, uint8_t max)
{
    uint64_t above = (w & ~BYTES8_HIGH) + BYTES8(0x7f - max);
    return ~(above | w) & BYTES8_HIGH;
}

static inline uint64_t bytes8_equal(uint64_t w, uint8_t b)
{
    return bytes8_at_most(w ^ BYTES8(b), 0);
}

static inline uint64_t bytes8_digits(uint64_t w)
{
    return bytes8_at_most(w ^ BYTES8('0'), 9);
}

/* How many bytes a mask marks. */
static inline unsigned bytes8_count(uint64_t mask)
{
    return (unsigned)((mask >> 7) * BYTES8(1) >> 56);
}

#endif
