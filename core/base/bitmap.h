/* A set of 32-bit numbers: a bit each, in pages that are there where a number is. */
#ifndef TENDON_BASE_BITMAP_H
#define TENDON_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_PAGE_BITS  12 /* of a number; the others say which page */
#define BITMAP_PAGE_WORDS ((1u << BITMAP_PAGE_BITS) / 64)

/* All zeros: empty. */
struct bitmap {
    uint64_t **pages; /* NULL: none of its numbers */
    size_t n_pages;
    size_t n_bytes; /* of memory */
};

void bitmap_fini(struct bitmap *b);
/* 1 when it was not in the set, 0 when it was, -ENOMEM. */
int bitmap_add(struct bitmap *b, uint32_t number);
/* Adds all of other's; adds to *ret_new how many were not in the set. 0 or -ENOMEM. */
int bitmap_merge(struct bitmap *b, const struct bitmap *other, uint64_t *ret_new);

static inline bool bitmap_has(const struct bitmap *b, uint32_t number)
{
    const size_t page = number >> BITMAP_PAGE_BITS;
    return page < b->n_pages && b->pages[page] &&
           (b->pages[page][number / 64 % BITMAP_PAGE_WORDS] >> number % 64 & 1);
}

#endif
