#include "core/store/handover.h"

#include "core/store/fetch.h"
#include "core/store/hot.h"

#include <errno.h>
#include <stdlib.h>

/* Of a row's number until its whole table is through: it is one of the next memtable, where what is copied
 * may get the number that another row of the same subject had. */
#define HAS_MOVED (UINT32_C(1) << 31)
_Static_assert(MEMTABLE_CHUNKS_MAX *MEMTABLE_CHUNK_ROWS <= HAS_MOVED, "numbers leave the bit free");

struct handover {
    struct memtable *next, *before;
    const struct bitmap *cooled;
    uint64_t tick;
    struct subject_row **moved; /* those of the table that have */
    size_t n_moved, capacity;
};

/* The rows of a chunk that go over; returns how many. Where both memtables have it none does, and those of
 * what cools down end. */
static uint32_t sift(struct handover *h, enum fact_table table, uint32_t place,
                     const struct memtable_chunk *c, uint32_t n, bool is_shared, uint32_t *ret)
{
    const int64_t *subjects = c->values + (size_t)FACT_SUBJECT * c->stride;
    uint32_t n_stay = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (atomic_load_explicit(&c->died[i], memory_order_relaxed) != UINT64_MAX)
            continue;
        const bool cools = bitmap_has(h->cooled, (uint32_t)subjects[i]);
        if (!is_shared && !cools)
            ret[n_stay++] = i;
        else if (is_shared && cools)
            memtable_end(h->next, 0, table, place * MEMTABLE_CHUNK_ROWS + i, h->tick);
    }
    return n_stay;
}

static int reserve_moved(struct handover *h, size_t n)
{
    if (n <= h->capacity)
        return 0;
    struct subject_row **moved = realloc(h->moved, n * 2 * sizeof(struct subject_row *));
    if (!moved)
        return -ENOMEM;
    h->moved = moved;
    h->capacity = n * 2;
    return 0;
}

/* Subjects are all over memory, and so are their lists of rows. */
FETCHES fetch_ahead(const struct memtable_chunk *c, const uint32_t *rows, uint32_t n, uint32_t i)
{
    enum { FAR = 16, NEAR = 8 };
    if (i + FAR < n)
        __builtin_prefetch(c->owners[rows[i + FAR]]);
    if (i + NEAR < n)
        for (unsigned line = 0; line < 2; line++)
            __builtin_prefetch(
                (const uint8_t *)((const struct subject *)c->owners[rows[i + NEAR]])->rows + line * 64, 1);
}

/* Tells the owners of copied rows their new numbers. */
static void tell_owners(struct handover *h, enum fact_table table, uint32_t place,
                        const struct memtable_chunk *c, const uint32_t *rows, uint32_t n,
                        const uint32_t *numbers)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct subject *owner = c->owners[rows[i]];
        const uint32_t old = place * MEMTABLE_CHUNK_ROWS + rows[i];
        fetch_ahead(c, rows, n, i);
        uint32_t k = 0;
        while (k < owner->n_rows && (owner->rows[k].row != old || owner->rows[k].table != table))
            k++;
        if (k == owner->n_rows)
            continue;
        owner->rows[k].row = numbers[i] | HAS_MOVED;
        h->moved[h->n_moved++] = &owner->rows[k];
    }
}

static int hand_over_chunk(struct handover *h, enum fact_table table, uint32_t place)
{
    uint32_t n, n_next, rows[MEMTABLE_CHUNK_ROWS], numbers[MEMTABLE_CHUNK_ROWS];
    const struct memtable_chunk *c = memtable_chunk_at(h->before, table, place, &n);
    if (!c)
        return 0;
    const bool is_shared = c == memtable_chunk_at(h->next, table, place, &n_next);
    const uint32_t n_stay = sift(h, table, place, c, n, is_shared, rows);
    if (n_stay == 0)
        return 0;
    int r = reserve_moved(h, h->n_moved + n_stay);
    if (r == 0)
        r = memtable_copy(h->next, table, c, rows, n_stay, h->tick, numbers);
    if (r == 0)
        tell_owners(h, table, place, c, rows, n_stay, numbers);
    return r;
}

static int hand_over_table(struct handover *h, enum fact_table table)
{
    enum { AHEAD = 16 };
    const uint32_t n_places = atomic_load_explicit(&h->before->parts[table].n_places, memory_order_relaxed);
    int r = 0;
    h->n_moved = 0;
    for (uint32_t place = 0; place < n_places && r == 0; place++)
        r = hand_over_chunk(h, table, place);
    for (size_t i = 0; i < h->n_moved; i++) {
        if (i + AHEAD < h->n_moved)
            __builtin_prefetch(h->moved[i + AHEAD], 1);
        h->moved[i]->row &= ~HAS_MOVED;
    }
    return r;
}

int handover_rows(struct memtable *next, struct memtable *before, const struct bitmap *cooled, uint64_t tick)
{
    struct handover h = {.next = next, .before = before, .cooled = cooled, .tick = tick};
    int r = 0;
    for (unsigned table = 0; table < FACT_N_TABLES && r == 0; table++)
        r = hand_over_table(&h, table);
    free(h.moved);
    return r;
}
