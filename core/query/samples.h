/* The samples of a measure: the values of each cell, kept until all are there.
 *
 * A cell's values are in runs, each twice as long as the one before up to a limit, so that a value is written
 * once, where it stays. Runs are cut from blocks, which the crew keeps from query to query. One thread fills
 * one; another may be merged into it. */
#ifndef TENDON_QUERY_SAMPLES_H
#define TENDON_QUERY_SAMPLES_H

#include "core/query/crew.h"
#include "core/query/statistic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct samples_cell {
    int64_t *at, *end; /* of the newest run: where the next value goes, and what is no longer its */
    struct values_run *runs;
};

/* Begins as zeros but for the crew, which may be NULL. */
struct samples {
    struct crew *crew;
    struct samples_cell *cells;
    size_t n_cells;
    void **blocks;
    size_t n_blocks, capacity, used; /* used: bytes of the newest block */
    size_t n;                        /* samples */
    bool has_negative;               /* some value is below 0 */
};

void samples_fini(struct samples *s);
size_t samples_bytes(const struct samples *s);

/* Makes room for so many cells. -ENOMEM. */
int samples_reserve(struct samples *s, size_t n_cells);
/* Adds n samples: their cells (NULL: all are in the one), and values. -ENOMEM. */
int samples_put(struct samples *s, const uint32_t *cells, uint32_t one, const int64_t *values, uint32_t n);
/* Takes over all of another one, whose cells have other numbers here, for which there is room. -ENOMEM. */
int samples_merge(struct samples *s, struct samples *other, const uint32_t *cell_map);

/* How many a cell has. */
size_t samples_count(const struct samples *s, size_t cell);
/* Its runs, of which the lengths are filled in, or NULL; until a sample is put or merged. */
const struct values_run *samples_runs(struct samples *s, size_t cell);

#endif
