#include "core/store/memtable.h"

#include "core/store/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A table's chunks are of 64, 256, 1,024 and then always 4,096 rows: a small tenant stays small. */
static const uint32_t FIRST_ROWS[] = {64, 256, 1024};
enum { N_FIRST = 3 };

/* Columns are so far apart that the lines of one row do not meet in one set of the processor's cache. */
enum { STRIDE_MORE = 40 };

static void chunk_free(struct memtable_chunk *c)
{
    if (!c)
        return;
    free(c->born);
    free((void *)c->died);
    free((void *)c->owners);
    free(c->values);
    free(c->dimensions);
    free(c->ranges);
    free(c);
}

static struct memtable_chunk *chunk_new(enum fact_table table, uint32_t n)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    struct memtable_chunk *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->n_rows_max = n;
    c->stride = n + STRIDE_MORE;
    c->born = malloc(n * sizeof(*c->born));
    c->died = malloc(n * sizeof(*c->died));
    c->owners = malloc(n * sizeof(*c->owners));
    /* calloc, as most dimensions of most rows are 0 and their pages are then never touched */
    c->values = calloc((size_t)info->n_values * c->stride, sizeof(*c->values));
    c->dimensions = calloc((size_t)info->n_sets * FIELD_N_DIMENSIONS * c->stride, sizeof(*c->dimensions));
    c->ranges = calloc(1, sizeof(*c->ranges) + info->n_values * sizeof(c->ranges->of[0]));
    if (!c->born || !c->died || !c->owners || !c->values || !c->dimensions || !c->ranges) {
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
    if (!c)
        c = chunk_new(table, n_rows);
    if (c)
        atomic_init(&c->references, 1);
    return c;
}

static void chunk_unref(struct memtable_pool *pool, enum fact_table table, struct memtable_chunk *c)
{
    if (!c || atomic_fetch_sub(&c->references, 1) != 1)
        return;
    if (c->n_rows_max == MEMTABLE_CHUNK_ROWS) {
        const uint32_t n = c->stride;
        for (uint64_t used = c->used_values; used; used &= used - 1)
            memset(c->values + (size_t)__builtin_ctzll(used) * n, 0, n * sizeof(*c->values));
        for (uint64_t used = c->used_dimensions; used; used &= used - 1)
            memset(c->dimensions + (size_t)__builtin_ctzll(used) * n, 0, n * sizeof(*c->dimensions));
        c->used_values = 0;
        c->used_dimensions = 0;
        for (unsigned w = 0; w < MEMTABLE_WRITERS; w++)
            atomic_store_explicit(&c->n_ended[w], 0, memory_order_relaxed);
        atomic_store_explicit(&c->ranges->claimed, 0, memory_order_relaxed);
        atomic_store_explicit(&c->ranges->known, 0, memory_order_relaxed);
        atomic_store_explicit(&c->n_rows, 0, memory_order_relaxed);
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
        (void)pthread_mutex_init(&m->lock, NULL);
    }
    return m;
}

/* Whether so few of a chunk's rows hold that it is better to copy them and have it free: there are never much
 * more than twice the rows that hold. */
static bool is_sparse(const struct memtable_chunk *c)
{
    const uint32_t n = atomic_load_explicit(&c->n_rows, memory_order_relaxed);
    return memtable_chunk_living(c) < n / 2;
}

static struct memtable_chunk *chunk_at(const struct memtable *m, enum fact_table table, uint32_t place)
{
    return atomic_load_explicit(&m->parts[table].chunks[place], memory_order_relaxed);
}

static void part_share(struct memtable_part *part, const struct memtable *from, enum fact_table table)
{
    const struct memtable_part *old = &from->parts[table];
    const uint32_t n = atomic_load_explicit(&old->n_places, memory_order_relaxed);
    for (uint32_t i = 0; i < n; i++) {
        struct memtable_chunk *c = chunk_at(from, table, i);
        if (!c || is_sparse(c))
            continue;
        atomic_fetch_add(&c->references, 1);
        atomic_init(&part->chunks[i], c);
        part->n_chunks++;
    }
    atomic_init(&part->n_places, n);
    for (unsigned w = 0; w < MEMTABLE_WRITERS; w++)
        if (old->open[w] && atomic_load_explicit(&part->chunks[old->open[w] - 1], memory_order_relaxed))
            part->open[w] = old->open[w];
}

struct memtable *memtable_next(const struct memtable *m)
{
    struct memtable *next = memtable_new(m->pool);
    for (unsigned t = 0; next && t < FACT_N_TABLES; t++)
        part_share(&next->parts[t], m, t);
    return next;
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
        for (uint32_t i = 0; i < m->parts[t].n_places; i++)
            chunk_unref(m->pool, t, chunk_at(m, t, i));
    for (unsigned i = 0; i < MEMTABLE_CHUNKS_MAX && m->dead[i]; i++)
        free(m->dead[i]);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

/* A new chunk for a writer, at the first place that is free; NULL: no memory, or none is. Under the lock. */
static struct memtable_chunk *part_grow(struct memtable *m, unsigned writer, enum fact_table table)
{
    struct memtable_part *part = &m->parts[table];
    const uint32_t n = part->n_chunks, n_rows = n < N_FIRST ? FIRST_ROWS[n] : MEMTABLE_CHUNK_ROWS;
    uint32_t place = 0;
    while (place < MEMTABLE_CHUNKS_MAX && chunk_at(m, table, place))
        place++;
    struct memtable_chunk *c = place < MEMTABLE_CHUNKS_MAX ? pool_take(m->pool, table, n_rows) : NULL;
    if (!c)
        return NULL;
    atomic_store_explicit(&part->chunks[place], c, memory_order_release);
    if (place >= atomic_load_explicit(&part->n_places, memory_order_relaxed))
        atomic_store_explicit(&part->n_places, place + 1, memory_order_release);
    part->open[writer] = place + 1;
    part->n_chunks++;
    return c;
}

/* The chunk that takes a writer's next row of a table, and where there; NULL: no memory. */
static struct memtable_chunk *chunk_with_room(struct memtable *m, unsigned writer, enum fact_table table,
                                              uint32_t *ret_i)
{
    const uint32_t open = m->parts[table].open[writer];
    struct memtable_chunk *c = open ? chunk_at(m, table, open - 1) : NULL;
    if (!c || atomic_load_explicit(&c->n_rows, memory_order_relaxed) == c->n_rows_max) {
        (void)pthread_mutex_lock(&m->lock);
        c = part_grow(m, writer, table);
        (void)pthread_mutex_unlock(&m->lock);
    }
    *ret_i = c ? atomic_load_explicit(&c->n_rows, memory_order_relaxed) : 0;
    return c;
}

static void row_begin(struct memtable_chunk *c, uint32_t i, uint64_t born, void *owner)
{
    c->born[i] = born;
    c->owners[i] = owner;
    atomic_store_explicit(&c->died[i], UINT64_MAX, memory_order_relaxed);
}

int64_t memtable_add(struct memtable *m, unsigned writer, const struct fact_row *row, uint64_t born,
                     void *owner)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    uint32_t i;
    struct memtable_chunk *c = chunk_with_room(m, writer, row->table, &i);
    if (!c)
        return -ENOMEM;
    row_begin(c, i, born, owner);
    /* The lines that the next rows go to are asked for: each column is written elsewhere. */
    for (unsigned v = 0; v < info->n_values; v++)
        if (row->values[v]) {
            int64_t *to = &c->values[(size_t)v * c->stride + i];
            *to = row->values[v];
            __builtin_prefetch(to + 8, 1);
            c->used_values |= UINT64_C(1) << v;
        }
    const uint16_t *dimensions = row->dimensions[0];
    for (unsigned d = 0; d < info->n_sets * FIELD_N_DIMENSIONS; d++)
        if (dimensions[d]) {
            uint16_t *to = &c->dimensions[(size_t)d * c->stride + i];
            *to = dimensions[d];
            __builtin_prefetch(to + 32, 1);
            c->used_dimensions |= UINT64_C(1) << d;
        }
    atomic_store_explicit(&c->n_rows, i + 1, memory_order_release);
    return (int64_t)(m->parts[row->table].open[writer] - 1) * MEMTABLE_CHUNK_ROWS + i;
}

/* Rows of one chunk behind those of another, a column after the other. */
static void rows_copy(struct memtable_chunk *c, uint32_t i, const struct memtable_chunk *from,
                      const uint32_t *rows, uint32_t n, uint64_t born)
{
    for (uint32_t k = 0; k < n; k++)
        row_begin(c, i + k, born, from->owners[rows[k]]);
    for (uint64_t used = from->used_values; used; used &= used - 1) {
        const size_t v = (size_t)__builtin_ctzll(used);
        int64_t *to = &c->values[v * c->stride + i];
        const int64_t *of = &from->values[v * from->stride];
        for (uint32_t k = 0; k < n; k++)
            to[k] = of[rows[k]];
    }
    for (uint64_t used = from->used_dimensions; used; used &= used - 1) {
        const size_t d = (size_t)__builtin_ctzll(used);
        uint16_t *to = &c->dimensions[d * c->stride + i];
        const uint16_t *of = &from->dimensions[d * from->stride];
        for (uint32_t k = 0; k < n; k++)
            to[k] = of[rows[k]];
    }
    c->used_values |= from->used_values;
    c->used_dimensions |= from->used_dimensions;
    atomic_store_explicit(&c->n_rows, i + n, memory_order_release);
}

int memtable_copy(struct memtable *m, enum fact_table table, const struct memtable_chunk *from,
                  const uint32_t *rows, uint32_t n, uint64_t born, uint32_t *ret_numbers)
{
    for (uint32_t done = 0; done < n;) {
        uint32_t i;
        struct memtable_chunk *c = chunk_with_room(m, 0, table, &i);
        if (!c)
            return -ENOMEM;
        const uint32_t room = c->n_rows_max - i, part = n - done < room ? n - done : room;
        rows_copy(c, i, from, rows + done, part, born);
        for (uint32_t k = 0; k < part; k++)
            ret_numbers[done + k] = (m->parts[table].open[0] - 1) * MEMTABLE_CHUNK_ROWS + i + k;
        done += part;
    }
    return 0;
}

/* Of each writer a count of its own: an atomic addition would wait until all that was written before has come
 * to memory. */
void memtable_end(struct memtable *m, unsigned writer, enum fact_table table, uint32_t row, uint64_t died)
{
    struct memtable_chunk *c = chunk_at(m, table, row / MEMTABLE_CHUNK_ROWS);
    const uint32_t n = atomic_load_explicit(&c->n_ended[writer], memory_order_relaxed);
    atomic_store_explicit(&c->died[row % MEMTABLE_CHUNK_ROWS], died, memory_order_release);
    atomic_store_explicit(&c->n_ended[writer], n + 1, memory_order_relaxed);
}

void memtable_prefetch_end(const struct memtable *m, enum fact_table table, uint32_t row)
{
    const struct memtable_chunk *c = chunk_at(m, table, row / MEMTABLE_CHUNK_ROWS);
    __builtin_prefetch((const void *)&c->died[row % MEMTABLE_CHUNK_ROWS], 1);
}

void memtable_range(const struct memtable_chunk *c, unsigned column, struct fact_range *ret)
{
    struct memtable_ranges *ranges = c->ranges;
    const uint64_t bit = UINT64_C(1) << column;
    struct summary s = {0}; /* of a column that nobody has written */
    if (atomic_load_explicit(&ranges->known, memory_order_acquire) & bit) {
        *ret = ranges->of[column];
        return;
    }
    if (c->used_values & bit)
        summary_of(c->values + (size_t)column * c->stride, c->n_rows_max, 0, &s);
    *ret = (struct fact_range){
        .min = s.min, .max = s.max, .has_null = s.n_null > 0, .has_forever = s.n_forever > 0};
    if (atomic_fetch_or_explicit(&ranges->claimed, bit, memory_order_relaxed) & bit)
        return; /* another thread writes the same */
    ranges->of[column] = *ret;
    atomic_fetch_or_explicit(&ranges->known, bit, memory_order_release);
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
