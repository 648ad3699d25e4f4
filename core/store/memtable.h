/* The fact rows of hot subjects, in memory, by column, each with the ticks between which it holds: a tick is
 * what the committer publishes at once.
 *
 * The committer adds rows and ends them, with a helper where many subjects are folded; readers on any thread
 * see those that hold at their tick, without a lock: a row is whole before the tick that shows it is
 * published, and rows never move. Rows lie in chunks, to each of which one of the two writers adds. A seal
 * makes a new table, which shares the old one's chunks but for those in which too few rows still hold: what
 * is in these is copied. The old one lives as long as a view refers to it. */
#ifndef TENDON_STORE_MEMTABLE_H
#define TENDON_STORE_MEMTABLE_H

#include "core/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define MEMTABLE_CHUNK_ROWS 4096 /* the largest; the first ones are smaller */
#define MEMTABLE_CHUNKS_MAX 512  /* of one table; seal before */
#define MEMTABLE_WRITERS    2

/* What the values of a full chunk are like, by column: its rows may end, but no value changes. Worked out
 * when somebody first asks; bits of those that somebody writes, and that are there. */
struct memtable_ranges {
    _Atomic uint64_t claimed, known;
    struct fact_range of[];
};

struct memtable_chunk {
    struct memtable_chunk *next; /* in the pool */
    atomic_uint references;      /* of memtables */
    uint32_t n_rows_max;
    uint32_t stride; /* from a column to the next, in rows */
    _Atomic uint32_t n_rows;
    _Atomic uint32_t n_ended[MEMTABLE_WRITERS]; /* of them, by each */
    uint64_t used_values;                       /* bits of columns that hold anything but zeros */
    uint64_t used_dimensions;                   /* the same, by set × FIELD_N_DIMENSIONS + field */
    uint64_t *born;                             /* tick from which a row holds */
    _Atomic uint64_t *died; /* tick from which it no longer does; UINT64_MAX while it does */
    void **owners;          /* the writers': whose row it is */
    int64_t *values;        /* [column][stride] */
    uint16_t *dimensions;   /* [set × FIELD_N_DIMENSIONS + field][stride] */
    struct memtable_ranges *ranges;
};

/* Rows that have not ended; for the writers. */
static inline uint32_t memtable_chunk_living(const struct memtable_chunk *c)
{
    uint32_t n = atomic_load_explicit(&c->n_rows, memory_order_relaxed);
    for (unsigned w = 0; w < MEMTABLE_WRITERS; w++)
        n -= atomic_load_explicit(&c->n_ended[w], memory_order_relaxed);
    return n;
}

/* The rows of one table. A row's number is its chunk's place and its own there. */
struct memtable_part {
    _Atomic(struct memtable_chunk *) chunks[MEMTABLE_CHUNKS_MAX]; /* NULL: none there */
    _Atomic uint32_t n_places;                                    /* chunks have lower ones */
    uint32_t n_chunks;                                            /* the writers' */
    uint32_t open[MEMTABLE_WRITERS]; /* place + 1 of the chunk that each adds to; 0: it has none */
};

/* A row of a sealed group's base that no longer holds since died, nor do its children: its subject is hot
 * again. */
struct memtable_dead {
    uint64_t died;
    uint32_t run; /* no two generations have one in common */
    uint32_t row;
    uint16_t generation;
    uint16_t place;
};

#define MEMTABLE_DEAD_CHUNK 1024

/* Chunks of the largest size that no memtable uses any more: a seal begins a new memtable with them, as the
 * first touch of fresh memory costs more than all that is written to it. Shared by the memtables of one
 * store. */
struct memtable_pool {
    pthread_mutex_t lock;
    struct memtable_chunk *free[FACT_N_TABLES];
    unsigned n_free;
};
#define MEMTABLE_POOL_MAX 128 /* chunks kept */

void memtable_pool_init(struct memtable_pool *pool);
void memtable_pool_fini(struct memtable_pool *pool);

struct memtable {
    atomic_uint references;
    struct memtable_pool *pool; /* outlives it */
    pthread_mutex_t lock;       /* of the writers: for new chunks */
    struct memtable_part parts[FACT_N_TABLES];
    struct memtable_dead *dead[MEMTABLE_CHUNKS_MAX]; /* chunks of MEMTABLE_DEAD_CHUNK, in order of died */
    _Atomic uint32_t n_dead;
};

struct memtable *memtable_new(struct memtable_pool *pool);
/* What takes over from m. */
struct memtable *memtable_next(const struct memtable *m);
struct memtable *memtable_ref(struct memtable *m);
void memtable_unref(struct memtable *m);

/* Adds a row that holds from born on; its number in its table (place of its chunk × MEMTABLE_CHUNK_ROWS +
 * place there), or -ENOMEM. Two threads may add rows and end them at once, each as a writer of its own. */
int64_t memtable_add(struct memtable *m, unsigned writer, const struct fact_row *row, uint64_t born,
                     void *owner);
void memtable_end(struct memtable *m, unsigned writer, enum fact_table table, uint32_t row, uint64_t died);
/* Has the processor fetch what memtable_end writes to. */
void memtable_prefetch_end(const struct memtable *m, enum fact_table table, uint32_t row);
/* Copies n rows of a chunk, by their places there, to a memtable that does not share it, as the first writer
 * and no other at once; they hold from born on, and *ret_numbers are theirs in their table. 0 or -ENOMEM. */
int memtable_copy(struct memtable *m, enum fact_table table, const struct memtable_chunk *from,
                  const uint32_t *rows, uint32_t n, uint64_t born, uint32_t *ret_numbers);

int memtable_add_dead(struct memtable *m, const struct memtable_dead *dead);

static inline const struct memtable_dead *memtable_dead_at(const struct memtable *m, uint32_t i)
{
    return &m->dead[i / MEMTABLE_DEAD_CHUNK][i % MEMTABLE_DEAD_CHUNK];
}

/* The chunk at a place, with the rows that it has so far, for any thread; NULL: there is none. */
static inline const struct memtable_chunk *memtable_chunk_at(const struct memtable *m, enum fact_table table,
                                                             uint32_t place, uint32_t *ret_n_rows)
{
    const struct memtable_chunk *c =
        atomic_load_explicit(&m->parts[table].chunks[place], memory_order_acquire);
    *ret_n_rows = c ? atomic_load_explicit(&c->n_rows, memory_order_acquire) : 0;
    return c;
}

/* Of a column of a chunk that has been seen to have n_rows_max rows; any thread. */
void memtable_range(const struct memtable_chunk *c, unsigned column, struct fact_range *ret);

#endif
