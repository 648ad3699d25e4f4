#include "core/query/samples.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Chunks are sorted side by side while this many counters do. */
#define COUNTERS_MAX (1u << 20)

/* A chunk counts as so many units of work (crew.h). */
#define CHUNK_UNITS 8

static void free_chunks(struct samples *s)
{
    for (size_t i = 0; i < s->n_chunks; i++)
        free(s->chunks[i]);
    free(s->chunks);
    s->chunks = NULL;
    s->n_chunks = s->capacity = 0;
}

void samples_fini(struct samples *s)
{
    free_chunks(s);
    free(s->sorted);
    free(s->offsets);
    *s = (struct samples){0};
}

size_t samples_bytes(const struct samples *s)
{
    return s->n_chunks * sizeof(struct samples_chunk) + s->n * sizeof(int64_t);
}

static int reserve_chunks(struct samples *s, size_t n)
{
    size_t capacity = s->capacity ? s->capacity : 16;
    if (s->n_chunks + n <= s->capacity)
        return 0;
    while (capacity < s->n_chunks + n)
        capacity *= 2;
    struct samples_chunk **grown = realloc(s->chunks, capacity * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    s->chunks = grown;
    s->capacity = capacity;
    return 0;
}

int samples_extend(struct samples *s, uint32_t n, uint32_t **ret_cells, int64_t **ret_values)
{
    struct samples_chunk *c = s->n_chunks ? s->chunks[s->n_chunks - 1] : NULL;
    if (!c || SAMPLES_CHUNK - c->n < n) {
        if (reserve_chunks(s, 1) < 0 || !(c = malloc(sizeof(*c))))
            return -ENOMEM;
        c->n = 0;
        s->chunks[s->n_chunks++] = c;
    }
    *ret_cells = c->cells + c->n;
    *ret_values = c->values + c->n;
    c->n += n;
    s->n += n;
    return 0;
}

int samples_merge(struct samples *s, struct samples *other, const uint32_t *cell_map)
{
    if (reserve_chunks(s, other->n_chunks) < 0)
        return -ENOMEM;
    for (size_t k = 0; k < other->n_chunks; k++) {
        struct samples_chunk *c = other->chunks[k];
        for (uint32_t i = 0; i < c->n; i++)
            c->cells[i] = cell_map[c->cells[i]];
        s->chunks[s->n_chunks++] = c;
    }
    s->n += other->n;
    other->n = other->n_chunks = 0;
    return 0;
}

/* --- sorting
 * ---------------------------------------------------------------------------------------------------- */

/* Each chunk counts its cells; from all counts it is known where each chunk's part of each cell begins; and
 * each chunk puts its values there. The first and the last of these are done by all threads that come. */
struct sorting {
    struct samples *samples;
    size_t n_cells;
    size_t *starts; /* [chunk][cell]: first how many, then where */
    bool is_placing;
    atomic_size_t next; /* chunk to be taken */
};

static void sort_chunk(const struct sorting *g, size_t k)
{
    const struct samples_chunk *c = g->samples->chunks[k];
    size_t *starts = g->starts + k * g->n_cells;
    int64_t *sorted = g->samples->sorted;
    if (g->is_placing)
        for (uint32_t i = 0; i < c->n; i++)
            sorted[starts[c->cells[i]]++] = c->values[i];
    else
        for (uint32_t i = 0; i < c->n; i++)
            starts[c->cells[i]]++;
}

static void sort_chunks(void *context, unsigned place)
{
    struct sorting *g = context;
    for (size_t k; (k = atomic_fetch_add(&g->next, 1)) < g->samples->n_chunks;)
        sort_chunk(g, k);
}

static void find_starts(struct sorting *g)
{
    size_t at = 0;
    for (size_t cell = 0; cell < g->n_cells; cell++) {
        g->samples->offsets[cell] = at;
        for (size_t k = 0; k < g->samples->n_chunks; k++) {
            size_t *start = &g->starts[k * g->n_cells + cell], n = *start;
            *start = at;
            at += n;
        }
    }
    g->samples->offsets[g->n_cells] = at;
}

static int sort_together(struct samples *s, size_t n_cells, struct crew *crew)
{
    struct sorting g = {.samples = s, .n_cells = n_cells};
    unsigned n_threads = crew_threads(crew, s->n_chunks * CHUNK_UNITS);
    g.starts = calloc(s->n_chunks * n_cells, sizeof(*g.starts));
    if (!g.starts)
        return -ENOMEM;
    (void)crew_run(crew, n_threads, sort_chunks, &g);
    find_starts(&g);
    g.is_placing = true;
    atomic_store(&g.next, 0);
    (void)crew_run(crew, n_threads, sort_chunks, &g);
    free(g.starts);
    return 0;
}

/* The same with one counter a cell, one chunk after the other. */
static void sort_alone(struct samples *s, size_t n_cells)
{
    size_t *offsets = s->offsets;
    memset(offsets, 0, (n_cells + 1) * sizeof(*offsets));
    for (size_t k = 0; k < s->n_chunks; k++)
        for (uint32_t i = 0; i < s->chunks[k]->n; i++)
            offsets[s->chunks[k]->cells[i] + 1]++;
    for (size_t cell = 0; cell < n_cells; cell++)
        offsets[cell + 1] += offsets[cell];
    for (size_t k = 0; k < s->n_chunks; k++)
        for (uint32_t i = 0; i < s->chunks[k]->n; i++)
            s->sorted[offsets[s->chunks[k]->cells[i]]++] = s->chunks[k]->values[i];
    /* Each has moved to where the next cell begins. */
    memmove(offsets + 1, offsets, n_cells * sizeof(*offsets));
    offsets[0] = 0;
}

int samples_sort(struct samples *s, size_t n_cells, struct crew *crew)
{
    int r = 0;
    s->offsets = malloc((n_cells + 1) * sizeof(*s->offsets));
    s->sorted = malloc((s->n ? s->n : 1) * sizeof(*s->sorted));
    if (!s->offsets || !s->sorted)
        return -ENOMEM;
    if (s->n_chunks > 1 && s->n_chunks * n_cells <= COUNTERS_MAX)
        r = sort_together(s, n_cells, crew);
    else
        sort_alone(s, n_cells);
    free_chunks(s);
    return r;
}
