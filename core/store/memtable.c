#include "core/store/memtable.h"

#include <errno.h>
#include <stdlib.h>

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

struct memtable *memtable_new(void)
{
    struct memtable *m = calloc(1, sizeof(*m));
    if (m)
        atomic_init(&m->references, 1);
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
            chunk_free(m->parts[t].chunks[i]);
    for (unsigned i = 0; i < MEMTABLE_CHUNKS_MAX && m->dead[i]; i++)
        free(m->dead[i]);
    free(m);
}

int64_t memtable_add(struct memtable *m, const struct fact_row *row, uint64_t born)
{
    struct memtable_part *part = &m->parts[row->table];
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    uint32_t number = atomic_load_explicit(&part->n_rows, memory_order_relaxed), first;
    unsigned chunk = memtable_chunk_of(number, &first);
    if (chunk >= MEMTABLE_CHUNKS_MAX)
        return -ENOMEM;
    struct memtable_chunk *c = part->chunks[chunk];
    if (!c) {
        c = chunk_new(row->table, memtable_chunk_rows(chunk));
        if (!c)
            return -ENOMEM;
        part->chunks[chunk] = c;
    }
    uint32_t i = number - first, n = c->n_rows_max;
    c->born[i] = born;
    atomic_store_explicit(&c->died[i], UINT64_MAX, memory_order_relaxed);
    for (unsigned v = 0; v < info->n_values; v++)
        if (row->values[v])
            c->values[(size_t)v * n + i] = row->values[v];
    for (unsigned s = 0; s < info->n_sets; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            if (row->dimensions[s][f])
                c->dimensions[(size_t)(s * FIELD_N_DIMENSIONS + f) * n + i] = row->dimensions[s][f];
    atomic_store_explicit(&part->n_rows, number + 1, memory_order_release);
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

void memtable_end(struct memtable *m, enum fact_table table, uint32_t row, uint64_t died)
{
    uint32_t i;
    struct memtable_chunk *c = chunk_at(m, table, row, &i);
    atomic_store_explicit(&c->died[i], died, memory_order_release);
}

void memtable_get(const struct memtable *m, enum fact_table table, uint32_t row, struct fact_row *ret)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    uint32_t i;
    const struct memtable_chunk *c = chunk_at(m, table, row, &i);
    ret->table = (uint8_t)table;
    for (unsigned v = 0; v < info->n_values; v++)
        ret->values[v] = c->values[(size_t)v * c->n_rows_max + i];
    for (unsigned s = 0; s < info->n_sets; s++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            ret->dimensions[s][f] = c->dimensions[(size_t)(s * FIELD_N_DIMENSIONS + f) * c->n_rows_max + i];
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
