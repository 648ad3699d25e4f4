/* Short strings that are known: words with a number, put in at the start, and words that came lately and were
 * found good. One look answers what otherwise takes a search or a check of each byte.
 *
 * A look never errs: size, all bytes and what the string stands for are compared. What is not found is only
 * unknown here: it was too long, never came, or gave its place to another. All zeros is an empty vocabulary.
 * One thread at a time. */
#ifndef TENDON_PROTO_VOCABULARY_H
#define TENDON_PROTO_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD_BYTES         16 /* a longer string is no word */
#define VOCABULARY_FIXED   128
#define VOCABULARY_LEARNED 1024

/* A string's bytes, filled up with zeros; what it stands for, above its size: never 0. */
struct word {
    uint64_t bytes[WORD_BYTES / 8];
    uint32_t tag;
    uint32_t number; /* in a vocabulary: a fixed word's, or a learned one's turn */
};

/* Another word takes a learned one's place with the next turn, from 1: place and turn together are one word
 * for as long as the vocabulary lives. A place whose turns are used up keeps its word. */
struct vocabulary {
    struct word fixed[VOCABULARY_FIXED];
    struct word learned[VOCABULARY_LEARNED];
};

/* The bytes of a string, where it is short enough, not empty, and WORD_BYTES may be read from its start, up
 * to end. */
static inline bool word_bytes(const char *s, size_t size, const void *end, uint64_t ret[WORD_BYTES / 8])
{
    static const uint8_t MASK[2 * WORD_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint64_t bytes[WORD_BYTES / 8], mask[WORD_BYTES / 8];
    if (size - 1 >= WORD_BYTES || (const char *)end - s < WORD_BYTES)
        return false;
    memcpy(bytes, s, WORD_BYTES);
    memcpy(mask, MASK + WORD_BYTES - size, WORD_BYTES);
    ret[0] = bytes[0] & mask[0];
    ret[1] = bytes[1] & mask[1];
    return true;
}

static inline bool word_make(unsigned stands_for, const char *s, size_t size, const void *end,
                             struct word *ret)
{
    ret->tag = stands_for << 8 | (uint32_t)size;
    return word_bytes(s, size, end, ret->bytes);
}

static inline bool word_equal(const struct word *a, const struct word *b)
{
    return ((a->bytes[0] ^ b->bytes[0]) | (a->bytes[1] ^ b->bytes[1]) | (a->tag ^ b->tag)) == 0;
}

/* Its highest bits are a place. The first factor is one by which each fixed word of an event has a place of
 * its own. */
static inline uint64_t word_hash(const struct word *w)
{
    return (w->bytes[0] ^ w->tag * 0x9e3779b97f4a7c15ull) * 0xa767ca75c643b721ull +
           w->bytes[1] * 0xd6e8feb86659fd93ull;
}

/* The number of a fixed word, or -1. */
static inline int vocabulary_number(const struct vocabulary *v, const struct word *w)
{
    const struct word *fixed = &v->fixed[word_hash(w) / (UINT64_MAX / VOCABULARY_FIXED + 1)];
    return word_equal(fixed, w) ? (int)fixed->number : -1;
}

static inline unsigned vocabulary_place(const struct word *w)
{
    return (unsigned)(word_hash(w) / (UINT64_MAX / VOCABULARY_LEARNED + 1));
}

/* The turn of a learned word at its place, or 0. */
static inline uint32_t vocabulary_turn(const struct vocabulary *v, const struct word *w, unsigned place)
{
    const struct word *learned = &v->learned[place];
    return word_equal(learned, w) ? learned->number : 0;
}

/* Gives a word a number, ≥ 0; not where another has its place. */
void vocabulary_fix(struct vocabulary *v, unsigned stands_for, const char *s, int number);
/* Puts a word at its place: the turn that it has from now on, or 0. */
uint32_t vocabulary_learn(struct vocabulary *v, const struct word *w, unsigned place);

#endif
