#include "core/query/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a cell's first run and of its longest. */
#define RUN_LEAST 64
#define RUN_MOST  8192

void samples_fini(struct samples *s)
{
    for (size_t i = 0; i < s->n_blocks; i++)
        crew_block_leave(s->crew, s->blocks[i]);
    free(s->blocks);
    free(s->cells);
    *s = (struct samples){.crew = s->crew};
}

size_t samples_bytes(const struct samples *s)
{
    return s->n_blocks * CREW_BLOCK_BYTES + s->n_cells * sizeof(*s->cells);
}

int samples_reserve(struct samples *s, size_t n_cells)
{
    if (n_cells <= s->n_cells)
        return 0;
    struct samples_cell *grown = realloc(s->cells, n_cells * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memset(grown + s->n_cells, 0, (n_cells - s->n_cells) * sizeof(*grown));
    s->cells = grown;
    s->n_cells = n_cells;
    return 0;
}

static int reserve_blocks(struct samples *s, size_t n)
{
    size_t capacity = s->capacity ? s->capacity : 16;
    if (s->n_blocks + n <= s->capacity)
        return 0;
    while (capacity < s->n_blocks + n)
        capacity *= 2;
    void **grown = realloc(s->blocks, capacity * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    s->blocks = grown;
    s->capacity = capacity;
    return 0;
}

/* Bytes of the newest block; of a new one where it has no room for them. */
static void *cut(struct samples *s, size_t size)
{
    if (s->n_blocks == 0 || s->used + size > CREW_BLOCK_BYTES) {
        void *block = reserve_blocks(s, 1) == 0 ? crew_block_take(s->crew) : NULL;
        if (!block)
            return NULL;
        s->blocks[s->n_blocks++] = block;
        s->used = 0;
    }
    void *cut = (char *)s->blocks[s->n_blocks - 1] + s->used;
    s->used += size;
    return cut;
}

/* The newest run holds what has been put. */
static void cell_settle(struct samples_cell *c)
{
    if (c->runs)
        c->runs->n = (uint32_t)(c->at - c->runs->values);
}

/* Begins a run. */
static int cell_extend(struct samples *s, struct samples_cell *c)
{
    size_t size = c->runs ? 2 * c->runs->size : RUN_LEAST;
    if (size > RUN_MOST)
        size = RUN_MOST;
    struct values_run *run = cut(s, size);
    if (!run)
        return -ENOMEM;
    cell_settle(c);
    *run = (struct values_run){.next = c->runs, .size = (uint32_t)size};
    c->runs = run;
    c->at = run->values;
    c->end = run->values + (size - sizeof(*run)) / sizeof(run->values[0]);
    return 0;
}

static int put_one(struct samples *s, struct samples_cell *c, const int64_t *values, uint32_t n)
{
    while (n > 0) {
        if (c->at == c->end && cell_extend(s, c) < 0)
            return -ENOMEM;
        uint32_t part = n < c->end - c->at ? n : (uint32_t)(c->end - c->at);
        memcpy(c->at, values, part * sizeof(*values));
        c->at += part;
        values += part;
        n -= part;
    }
    return 0;
}

int samples_put(struct samples *s, const uint32_t *cells, uint32_t one, const int64_t *values, uint32_t n)
{
    int64_t signs = 0;
    for (uint32_t i = 0; i < n; i++)
        signs |= values[i];
    s->has_negative |= signs < 0;
    s->n += n;
    if (!cells)
        return put_one(s, &s->cells[one], values, n);
    for (uint32_t i = 0; i < n; i++) {
        struct samples_cell *c = &s->cells[cells[i]];
        if (c->at == c->end && cell_extend(s, c) < 0)
            return -ENOMEM;
        *c->at++ = values[i];
    }
    return 0;
}

/* All runs of one are put before those of the other. */
static void cell_merge(struct samples_cell *c, struct samples_cell *other)
{
    struct values_run *last = other->runs;
    cell_settle(other);
    if (!last)
        return;
    while (last->next)
        last = last->next;
    cell_settle(c);
    last->next = c->runs;
    *c = *other;
    *other = (struct samples_cell){0};
}

int samples_merge(struct samples *s, struct samples *other, const uint32_t *cell_map)
{
    if (reserve_blocks(s, other->n_blocks) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < other->n_cells; i++)
        if (other->cells[i].runs)
            cell_merge(&s->cells[cell_map[i]], &other->cells[i]);
    /* Its newest block goes to the end: both may be cut from. */
    for (size_t i = 0; i < other->n_blocks; i++)
        s->blocks[s->n_blocks++] = other->blocks[i];
    if (other->n_blocks)
        s->used = other->used;
    s->has_negative |= other->has_negative;
    s->n += other->n;
    other->n = other->n_blocks = 0;
    return 0;
}

const struct values_run *samples_runs(struct samples *s, size_t cell)
{
    cell_settle(&s->cells[cell]);
    return s->cells[cell].runs;
}

size_t samples_count(const struct samples *s, size_t cell)
{
    const struct samples_cell *c = &s->cells[cell];
    size_t n = c->runs ? (size_t)(c->at - c->runs->values) : 0;
    for (const struct values_run *run = c->runs ? c->runs->next : NULL; run; run = run->next)
        n += run->n;
    return n;
}
