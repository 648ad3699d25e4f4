#include "core/store/dictionary.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Strings live in chunks that never move, so that readers need no lock: a number is published by the count.
 */
enum { CHUNK = 1024, N_CHUNKS = (DICTIONARY_VALUES_MAX + CHUNK) / CHUNK, ARENA_BYTES = 64 * 1024 };

struct entry {
    const char *string;
    uint32_t size;
    uint32_t hash;
};

/* A hash table of numbers, 0 empty. A larger one takes its place; it stays, as somebody may be reading it. */
struct table {
    struct table *smaller;
    uint32_t n_slots; /* a power of two */
    atomic_uint slots[];
};

struct list {
    struct entry *chunks[N_CHUNKS];
    atomic_uint n;                 /* numbers given; the greatest number */
    _Atomic(struct table *) table; /* NULL: none yet */
};

struct arena {
    struct arena *next;
    char bytes[];
};

struct dictionary {
    struct list lists[DICTIONARY_N];
    struct arena *arenas;
    size_t left; /* in the newest arena */
    char *at;
    uint64_t identity;
};

int dictionary_new(struct dictionary **ret)
{
    struct dictionary *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    randombytes_buf(&d->identity, sizeof(d->identity));
    *ret = d;
    return 0;
}

uint64_t dictionary_identity(const struct dictionary *d)
{
    return d->identity;
}

void dictionary_free(struct dictionary *d)
{
    if (!d)
        return;
    for (unsigned f = 0; f < DICTIONARY_N; f++) {
        for (unsigned c = 0; c < N_CHUNKS; c++)
            free(d->lists[f].chunks[c]);
        for (struct table *t = d->lists[f].table, *next; t; t = next) {
            next = t->smaller;
            free(t);
        }
    }
    while (d->arenas) {
        struct arena *next = d->arenas->next;
        free(d->arenas);
        d->arenas = next;
    }
    free(d);
}

static const struct entry *list_entry(const struct list *l, uint32_t number)
{
    return &l->chunks[(number - 1) / CHUNK][(number - 1) % CHUNK];
}

static uint32_t hash_of(const char *s, size_t size)
{
    return (uint32_t)XXH3_64bits(s, size);
}

/* The slot that holds the string, or the empty one where it would go; *ret_number is what it holds. A number
 * in a slot was put there when its entry was whole. */
static atomic_uint *list_slot(const struct list *l, struct table *t, const char *s, size_t size,
                              uint32_t hash, uint32_t *ret_number)
{
    for (uint32_t i = hash & (t->n_slots - 1);; i = (i + 1) & (t->n_slots - 1)) {
        uint32_t number = atomic_load_explicit(&t->slots[i], memory_order_acquire);
        *ret_number = number;
        if (number == 0)
            return &t->slots[i];
        const struct entry *e = list_entry(l, number);
        if (e->hash == hash && e->size == size && memcmp(e->string, s, size) == 0)
            return &t->slots[i];
    }
}

static int list_grow(struct list *l)
{
    struct table *old = atomic_load_explicit(&l->table, memory_order_relaxed);
    uint32_t n_slots = old ? old->n_slots * 2 : 64, taken;
    struct table *t = calloc(1, sizeof(*t) + n_slots * sizeof(t->slots[0]));
    if (!t)
        return -ENOMEM;
    t->smaller = old;
    t->n_slots = n_slots;
    uint32_t n = atomic_load_explicit(&l->n, memory_order_relaxed);
    for (uint32_t number = 1; number <= n; number++) {
        const struct entry *e = list_entry(l, number);
        atomic_uint *slot = list_slot(l, t, e->string, e->size, e->hash, &taken);
        atomic_store_explicit(slot, number, memory_order_relaxed);
    }
    atomic_store_explicit(&l->table, t, memory_order_release);
    return 0;
}

static char *arena_string(struct dictionary *d, const char *s, size_t size)
{
    if (!d->arenas || d->left < size + 1) {
        size_t bytes = size + 1 > ARENA_BYTES ? size + 1 : ARENA_BYTES;
        struct arena *a = malloc(sizeof(*a) + bytes);
        if (!a)
            return NULL;
        a->next = d->arenas;
        d->arenas = a;
        d->at = a->bytes;
        d->left = bytes;
    }
    char *copy = d->at;
    memcpy(copy, s, size);
    copy[size] = '\0';
    d->at += size + 1;
    d->left -= size + 1;
    return copy;
}

int dictionary_intern(struct dictionary *d, unsigned field, const char *s, size_t size, uint32_t *ret_number,
                      int *ret_new)
{
    struct list *l = &d->lists[field];
    uint32_t n = atomic_load_explicit(&l->n, memory_order_relaxed);
    uint32_t hash = hash_of(s, size), number = 0;
    struct table *t = atomic_load_explicit(&l->table, memory_order_relaxed);
    if (t)
        (void)list_slot(l, t, s, size, hash, &number);
    if (ret_new)
        *ret_new = number == 0;
    if (number) {
        *ret_number = number;
        return 0;
    }
    if (n >= DICTIONARY_VALUES_MAX)
        return -ENOSPC;
    if (!t || (n + 1) * 2 > t->n_slots) {
        int r = list_grow(l);
        if (r < 0)
            return r;
        t = atomic_load_explicit(&l->table, memory_order_relaxed);
    }
    if (!l->chunks[n / CHUNK]) {
        l->chunks[n / CHUNK] = calloc(CHUNK, sizeof(struct entry));
        if (!l->chunks[n / CHUNK])
            return -ENOMEM;
    }
    char *copy = arena_string(d, s, size);
    if (!copy)
        return -ENOMEM;
    l->chunks[n / CHUNK][n % CHUNK] = (struct entry){.string = copy, .size = (uint32_t)size, .hash = hash};
    atomic_uint *slot = list_slot(l, t, s, size, hash, &number);
    atomic_store_explicit(&l->n, n + 1,
                          memory_order_release); /* first: who finds a number may ask for its string */
    atomic_store_explicit(slot, n + 1, memory_order_release);
    *ret_number = n + 1;
    return 0;
}

uint32_t dictionary_find(const struct dictionary *d, unsigned field, const char *s, size_t size)
{
    const struct list *l = &d->lists[field];
    struct table *t = atomic_load_explicit(&l->table, memory_order_acquire);
    uint32_t number = 0;
    if (t)
        (void)list_slot(l, t, s, size, hash_of(s, size), &number);
    return number;
}

const char *dictionary_string(const struct dictionary *d, unsigned field, uint32_t number)
{
    if (number == 0 || number > dictionary_count(d, field))
        return NULL;
    return list_entry(&d->lists[field], number)->string;
}

uint32_t dictionary_count(const struct dictionary *d, unsigned field)
{
    return atomic_load_explicit(&d->lists[field].n, memory_order_acquire);
}
