/* The samples of a measure: values and their cells, kept until all are there and then put in order of cells.
 * One thread fills one; another may be merged into it. */
#ifndef TENDON_QUERY_SAMPLES_H
#define TENDON_QUERY_SAMPLES_H

#include "core/query/crew.h"

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_CHUNK 65536

struct samples_chunk {
    uint32_t n;
    uint32_t cells[SAMPLES_CHUNK];
    int64_t values[SAMPLES_CHUNK];
};

/* Begins as zeros. */
struct samples {
    struct samples_chunk **chunks; /* until they are sorted */
    size_t n_chunks, capacity;
    size_t n; /* samples */

    int64_t *sorted; /* then: cell by cell */
    size_t *offsets; /* one more than there are cells: where each begins */
};

void samples_fini(struct samples *s);
size_t samples_bytes(const struct samples *s); /* with what sorting takes */

/* Room for n more, at most half a chunk, which the caller fills. -ENOMEM. */
int samples_extend(struct samples *s, uint32_t n, uint32_t **ret_cells, int64_t **ret_values);

/* Takes over all of another one, whose cells have other numbers here. -ENOMEM. */
int samples_merge(struct samples *s, struct samples *other, const uint32_t *cell_map);

/* Puts them in order of cells, which are below n_cells, with the crew's help. -ENOMEM. */
int samples_sort(struct samples *s, size_t n_cells, struct crew *crew);

#endif
