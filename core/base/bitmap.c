#include "core/base/bitmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void bitmap_fini(struct bitmap *b)
{
    for (size_t i = 0; i < b->n_pages; i++)
        free(b->pages[i]);
    free(b->pages);
    *b = (struct bitmap){0};
}

/* The words of a page that is made where there is none; NULL: no memory. */
static uint64_t *page_of(struct bitmap *b, size_t page)
{
    if (page >= b->n_pages) {
        size_t n = b->n_pages ? b->n_pages : 64;
        while (n <= page)
            n *= 2;
        uint64_t **pages = realloc(b->pages, n * sizeof(uint64_t *));
        if (!pages)
            return NULL;
        memset(pages + b->n_pages, 0, (n - b->n_pages) * sizeof(uint64_t *));
        b->n_bytes += (n - b->n_pages) * sizeof(uint64_t *);
        b->pages = pages;
        b->n_pages = n;
    }
    if (!b->pages[page]) {
        b->pages[page] = calloc(BITMAP_PAGE_WORDS, sizeof(uint64_t));
        b->n_bytes += b->pages[page] ? BITMAP_PAGE_WORDS * sizeof(uint64_t) : 0;
    }
    return b->pages[page];
}

int bitmap_add(struct bitmap *b, uint32_t number)
{
    uint64_t *words = page_of(b, number >> BITMAP_PAGE_BITS);
    if (!words)
        return -ENOMEM;
    uint64_t *word = &words[number / 64 % BITMAP_PAGE_WORDS], bit = UINT64_C(1) << number % 64;
    const bool is_new = !(*word & bit);
    *word |= bit;
    return is_new;
}

int bitmap_merge(struct bitmap *b, const struct bitmap *other, uint64_t *ret_new)
{
    for (size_t page = 0; page < other->n_pages; page++) {
        const uint64_t *from = other->pages[page];
        if (!from)
            continue;
        uint64_t *to = page_of(b, page);
        if (!to)
            return -ENOMEM;
        for (unsigned i = 0; i < BITMAP_PAGE_WORDS; i++) {
            *ret_new += (unsigned)__builtin_popcountll(from[i] & ~to[i]);
            to[i] |= from[i];
        }
    }
    return 0;
}
