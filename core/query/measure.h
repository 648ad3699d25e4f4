/* What a query keeps of one metric: a cell for each group and slot of time, and where needed the samples.
 *
 * Slots are the periods; for metrics of an instant they are the instants asked for. A cell's number is
 * group × n_slots + slot. */
#ifndef TENDON_QUERY_MEASURE_H
#define TENDON_QUERY_MEASURE_H

#include "core/base/error.h"
#include "core/query/metric.h"
#include "core/query/samples.h"
#include "core/query/statistic.h"
#include "core/query/vote.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell {
    uint64_t n;                     /* samples */
    uint64_t x;                     /* trials that succeeded */
    uint64_t beside[METRIC_BESIDE]; /* as the metric names them: censored, unknown, … */
    int64_t min, max;               /* min > max: of none */
    __int128 sum;
};

#define MEASURE_PERCENTILES_MAX 32

struct measure {
    const struct metric *metric;
    enum metric_clock clock;
    enum metric_anchor anchor;
    uint32_t n_slots;
    bool is_helper;             /* asked for by the engine: it leaves out nothing */
    bool until_now;             /* counts only what happened up to the present */
    bool wants_sum, wants_ends; /* of samples: the sum; the least and greatest. Else they are not made */
    /* Percentiles asked for, in thousandths of a percent, ascending; where there are any samples are kept. */
    uint32_t percentiles[MEASURE_PERCENTILES_MAX];
    unsigned n_percentiles;
    bool is_running;       /* n of a cell is the change from the slot before, until measure_finish */
    enum metric_unit unit; /* what has one vote; UNIT_TICKET: no votes, each sample counts */
    uint32_t threshold_millionths;
    uint32_t instrument, question; /* numbers in their dictionaries, 0 any; UINT32_MAX: one that nobody has */
    uint32_t met;                  /* the question or instrument of the first sample, 0 none yet … */
    bool is_mixed;                 /* … and whether another one came */

    struct cell *cells;
    size_t n_cells;
    struct samples samples;
    int64_t *ranked; /* [cell][percentile], as measure_rank finds them */

    struct votes votes;
};

void measure_fini(struct measure *m);
/* Makes room for the cells of n_groups groups. */
int measure_reserve(struct measure *m, uint32_t n_groups);
size_t measure_bytes(const struct measure *m);

/* Adds n samples: their cells (NULL: all are in the one), whose room has been made, and values. Not where
 * there are percentiles: there they are put into m->samples, from which all else is made. */
void measure_add(struct measure *m, const uint32_t *cells, uint32_t one, const int64_t *values, uint32_t n);

/* A question or instrument that samples are about: whether there are several is told in the end. */
static inline void measure_meet(struct measure *m, uint32_t number)
{
    m->is_mixed |= m->met && m->met != number;
    m->met = number;
}

/* One that another thread fills, to be merged. */
void measure_share(const struct measure *m, struct measure *ret);
/* Takes over what a share has; group_map[number]: its n_groups groups in m, whose room has been made.
 * -ENOMEM; the share is to be finished with measure_fini all the same. */
int measure_merge(struct measure *m, struct measure *share, const uint32_t *group_map, uint32_t n_groups);

/* When all rows were read: makes of samples and votes what the cells count. bases[group]: the group with
 * whose samples it shares them (votes_finish); NULL: each its own. */
int measure_finish(struct measure *m, const uint32_t *bases, uint32_t n_groups);

/* The place of the unknown units among what stands beside a value, or METRIC_BESIDE. */
unsigned measure_unknown(const struct measure *m);

static inline struct cell *measure_cell(const struct measure *m, uint32_t group, uint32_t slot)
{
    return &m->cells[(size_t)group * m->n_slots + slot];
}

/* Asks for a percentile. */
void measure_want(struct measure *m, uint32_t thousandths);
/* Finds all that is asked for of one cell's samples, after measure_finish. Any thread, each cell once.
 * -ENOMEM.
 */
int measure_rank(struct measure *m, size_t cell, struct ranks_room *room);
/* A percentile of a cell that has samples, after that. */
int64_t measure_percentile(const struct measure *m, uint32_t group, uint32_t slot, uint32_t thousandths);

/* Successes of a cell: a whole number, or a sum of shares where units vote. */
double measure_successes(const struct measure *m, uint32_t group, uint32_t slot);

/* The mean of a cell's samples or votes, in the metric's own measure. False: there are none. */
bool measure_mean(const struct measure *m, uint32_t group, uint32_t slot, double *ret);

#endif
