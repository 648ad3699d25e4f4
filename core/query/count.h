/* One batch of rows, judged, grouped and counted; and what one thread's scans work in. */
#ifndef TENDON_QUERY_COUNT_H
#define TENDON_QUERY_COUNT_H

#include "core/query/ballot.h"
#include "core/query/current.h"
#include "core/query/cycle.h"
#include "core/query/judge.h"

/* The working memory of one thread of a query, kept from query to query: the first touch of fresh memory
 * costs more than what is done in it. */
struct scan {
    struct plan *plan; /* the thread's share */
    struct error *err;
    const struct current *current;
    struct ballots ballots; /* that the pass keeps aside */
    struct fact_reader *reader;

    uint32_t *ids[PLAN_DIMENSIONS_MAX];
    struct dimension_room dimension_room;
    uint8_t *filter_room;
    size_t filter_room_size;
    uint32_t own_ids[2][FACT_VECTOR_ROWS];   /* support_model and support_region as they were */
    struct judged judged[PLAN_MEASURES_MAX]; /* by place in the pass */
    int64_t instants[FACT_VECTOR_ROWS];      /* at which reference rows are looked up */
    int64_t asked[FACT_VECTOR_ROWS];         /* of spans: the instant that each gathered row is for */
    int64_t ages[FACT_VECTOR_ROWS];          /* … and its age */
    uint16_t sites[FACT_VECTOR_ROWS];        /* … and its own site */
    struct cycles cycles;
    uint8_t bytes[2][FACT_VECTOR_ROWS]; /* of batches */
    int32_t slots[3][FACT_VECTOR_ROWS];
    uint8_t keep[FACT_VECTOR_ROWS], wanted[FACT_VECTOR_ROWS], cuts[FACT_VECTOR_ROWS];
    uint32_t groups[FACT_VECTOR_ROWS];
    int32_t ends[FACT_VECTOR_ROWS]; /* of spans: the instant from which they no longer count */
    uint32_t n_gathered;            /* spans put together so far */

    uint16_t sifted[FACT_VECTOR_ROWS]; /* rows of a vector that the condition may be true of */
    struct picks picks;                /* their columns */
    uint16_t chosen[FACT_VECTOR_ROWS]; /* rows that are samples of a measure */
    uint32_t cells[FACT_VECTOR_ROWS];  /* and their cells and values */
    int64_t samples[FACT_VECTOR_ROWS];

    /* rows put together from others: spans at instants, ratings kept aside, today's dimensions */
    int64_t values[FACT_VALUES_MAX][FACT_VECTOR_ROWS];
    uint16_t dimensions[FIELD_N_DIMENSIONS][FACT_VECTOR_ROWS];
};

/* The memory of a query that has ended, with a reader, or new; NULL: no memory. And gives it back. */
struct scan *scan_take(struct crew *crew);
void scan_give(struct crew *crew, struct scan *s);

/* Judges the rows, numbers their groups and counts them. b has rows, of spans slots, and keep where not all
 * rows are there: then it is s->keep. */
int count_batch(struct scan *s, struct pass *pass, struct batch *b);

/* b->keep, made where all rows are kept so far. */
uint8_t *count_keep(struct scan *s, struct batch *b);

/* Sets result_size and returns -E2BIG. */
int count_too_many_groups(const struct plan *p, struct error *err);
/* Sets no_memory and returns -ENOMEM. */
int scan_no_memory(struct error *err);

#endif
