#include "core/store/memtable.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Chunks of 64, 256, 1,024 and then always 4,096 rows: a small tenant stays small. */
static const uint32_t FIRST_ROWS[] = {64, 256, 1024};
enum { N_FIRST = 3, ROWS_BEFORE = 64 + 256 + 1024 };

uint32_t memtable_chunk_rows(unsigned chunk)
{
    return chunk < N_FIRST ? FIRST_ROWS[chunk] : MEMTABLE_CHUNK_ROWS;
}

unsigned memtable_chunk_of(uint32_t row, uint32_t *ret_first)
{
    uint32_t first = 0;
    for (unsigned i = 0; i < N_FIRST; i++) {
        if (row < first + FIRST_ROWS[i]) {
            *ret_first = first;
            return i;
        }
        first += FIRST_ROWS[i];
    }
    unsigned chunk = (row - ROWS_BEFORE) / MEMTABLE_CHUNK_ROWS;
    *ret_first = ROWS_BEFORE + chunk * MEMTABLE_CHUNK_ROWS;
    return N_FIRST + chunk;
}

static void chunk_free(struct memtable_chunk *c)
{
    if (!c)
        return;
    free(c->born);
    free((void *)c->died);
    free(c->values);
    free(c->dimensions);
    free(c);
}

static struct memtable_chunk *chunk_new(enum fact_table table, uint32_t n)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    struct memtable_chunk *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->n_rows_max = n;
    c->born = malloc(n * sizeof(*c->born));
    c->died = malloc(n * sizeof(*c->died));
    /* calloc, as most dimensions of most rows are 0 and their pages are then never touched */
    c->values = calloc((size_t)info->n_values * n, sizeof(*c->values));
    c->dimensions = calloc((size_t)info->n_sets * FIELD_N_DIMENSIONS * n, sizeof(*c->dimensions));
    if (!c->born || !c->died || !c->values || !c->dimensions) {
        chunk_free(c);
        return NULL;
    }
    return c;
}

void memtable_pool_init(struct memtable_pool *pool)
{
    *pool = (struct memtable_pool){0};
    (void)pthread_mutex_init(&pool->lock, NULL);
}

void memtable_pool_fini(struct memtable_pool *pool)
{
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        while (pool->free[t]) {
            struct memtable_chunk *next = pool->free[t]->next;
            chunk_free(pool->free[t]);
            pool->free[t] = next;
        }
    (void)pthread_mutex_destroy(&pool->lock);
}

static struct memtable_chunk *pool_take(struct memtable_pool *pool, enum fact_table table, uint32_t n_rows)
{
    struct memtable_chunk *c = NULL;
    if (n_rows == MEMTABLE_CHUNK_ROWS) {
        (void)pthread_mutex_lock(&pool->lock);
        c = pool->free[table];
        if (c) {
            pool->free[table] = c->next;
            pool->n_free--;
        }
        (void)pthread_mutex_unlock(&pool->lock);
    }
    return c ? c : chunk_new(table, n_rows);
}

static void pool_give(struct memtable_pool *pool, enum fact_table table, struct memtable_chunk *c)
{
    if (c->n_rows_max == MEMTABLE_CHUNK_ROWS) {
        const uint32_t n = c->n_rows_max;
        for (uint64_t used = c->used_values; used; used &= used - 1)
            memset(c->values + (size_t)__builtin_ctzll(used) * n, 0, n * sizeof(*c->values));
        for (uint64_t used = c->used_dimensions; used; used &= used - 1)
            memset(c->dimensions + (size_t)__builtin_ctzll(used) * n, 0, n * sizeof(*c->dimensions));
        c->used_values = 0;
        c->used_dimensions = 0;
        (void)pthread_mutex_lock(&pool->lock);
        bool keep = pool->n_free < MEMTABLE_POOL_MAX;
        if (keep) {
            c->next = pool->free[table];
            pool->free[table] = c;
            pool->n_free++;
        }
        (void)pthread_mutex_unlock(&pool->lock);
        if (keep)
            return;
    }
    chunk_free(c);
}

struct memtable *memtable_new(struct memtable_pool *pool)
{
    struct memtable *m = calloc(1, sizeof(*m));
    if (m) {
        atomic_init(&m->references, 1);
        m->pool = pool;
    }
    return m;
}

struct memtable *memtable_ref(struct memtable *m)
{
    atomic_fetch_add(&m->references, 1);
    return m;
}

void memtable_unref(struct memtable *m)
{
    if (!m || atomic_fetch_sub(&m->references, 1) != 1)
        return;
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        for (unsigned i = 0; i < MEMTABLE_CHUNKS_MAX && m->parts[t].chunks[i]; i++)
            pool_give(m->pool, t, m->parts[t].chunks[i]);
    for (unsigned i = 0; i < MEMTABLE_CHUNKS_MAX && m->dead[i]; i++)
        free(m->dead[i]);
    free(m);
}

/* Room for one more row of a table: its chunk and place there; its number, or -ENOMEM. */
static int64_t row_begin(struct memtable *m, enum fact_table table, uint64_t born,
                         struct memtable_chunk **ret, uint32_t *ret_i)
{
    struct memtable_part *part = &m->parts[table];
    uint32_t number = atomic_load_explicit(&part->n_rows, memory_order_relaxed), first;
    unsigned chunk = memtable_chunk_of(number, &first);
    if (chunk >= MEMTABLE_CHUNKS_MAX)
        return -ENOMEM;
    struct memtable_chunk *c = part->chunks[chunk];
    if (!c) {
        c = pool_take(m->pool, table, memtable_chunk_rows(chunk));
        if (!c)
            return -ENOMEM;
        part->chunks[chunk] = c;
    }
    *ret = c;
    *ret_i = number - first;
    c->born[*ret_i] = born;
    atomic_store_explicit(&c->died[*ret_i], UINT64_MAX, memory_order_relaxed);
    return number;
}

static void row_end(struct memtable *m, enum fact_table table, int64_t number)
{
    atomic_store_explicit(&m->parts[table].n_rows, (uint32_t)number + 1, memory_order_release);
}

int64_t memtable_add(struct memtable *m, const struct fact_row *row, uint64_t born)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    struct memtable_chunk *c;
    uint32_t i;
    int64_t number = row_begin(m, row->table, born, &c, &i);
    if (number < 0)
        return number;
    for (unsigned v = 0; v < info->n_values; v++)
        if (row->values[v]) {
            c->values[(size_t)v * c->n_rows_max + i] = row->values[v];
            c->used_values |= UINT64_C(1) << v;
        }
    const uint16_t *dimensions = row->dimensions[0];
    for (unsigned d = 0; d < info->n_sets * FIELD_N_DIMENSIONS; d++)
        if (dimensions[d]) {
            c->dimensions[(size_t)d * c->n_rows_max + i] = dimensions[d];
            c->used_dimensions |= UINT64_C(1) << d;
        }
    row_end(m, row->table, number);
    return number;
}

static struct memtable_chunk *chunk_at(const struct memtable *m, enum fact_table table, uint32_t row,
                                       uint32_t *ret_i)
{
    uint32_t first;
    unsigned chunk = memtable_chunk_of(row, &first);
    *ret_i = row - first;
    return m->parts[table].chunks[chunk];
}

int64_t memtable_copy(struct memtable *m, const struct memtable *from, enum fact_table table, uint32_t row,
                      uint64_t born)
{
    struct memtable_chunk *c;
    uint32_t i, k;
    int64_t number = row_begin(m, table, born, &c, &i);
    if (number < 0)
        return number;
    const struct memtable_chunk *old = chunk_at(from, table, row, &k);
    for (uint64_t used = old->used_values; used; used &= used - 1) {
        size_t v = (size_t)__builtin_ctzll(used);
        c->values[v * c->n_rows_max + i] = old->values[v * old->n_rows_max + k];
    }
    for (uint64_t used = old->used_dimensions; used; used &= used - 1) {
        size_t d = (size_t)__builtin_ctzll(used);
        c->dimensions[d * c->n_rows_max + i] = old->dimensions[d * old->n_rows_max + k];
    }
    c->used_values |= old->used_values;
    c->used_dimensions |= old->used_dimensions;
    row_end(m, table, number);
    return number;
}

void memtable_end(struct memtable *m, enum fact_table table, uint32_t row, uint64_t died)
{
    uint32_t i;
    struct memtable_chunk *c = chunk_at(m, table, row, &i);
    atomic_store_explicit(&c->died[i], died, memory_order_release);
}

int memtable_add_dead(struct memtable *m, const struct memtable_dead *dead)
{
    uint32_t n = atomic_load_explicit(&m->n_dead, memory_order_relaxed);
    unsigned chunk = n / MEMTABLE_DEAD_CHUNK;
    if (chunk >= MEMTABLE_CHUNKS_MAX)
        return -ENOMEM;
    if (!m->dead[chunk]) {
        m->dead[chunk] = malloc(MEMTABLE_DEAD_CHUNK * sizeof(**m->dead));
        if (!m->dead[chunk])
            return -ENOMEM;
    }
    m->dead[chunk][n % MEMTABLE_DEAD_CHUNK] = *dead;
    atomic_store_explicit(&m->n_dead, n + 1, memory_order_release);
    return 0;
}
