/* One batch of rows, judged, grouped and counted; and what a query's scans work in. */
#ifndef TENDON_QUERY_COUNT_H
#define TENDON_QUERY_COUNT_H

#include "core/query/ballot.h"
#include "core/query/current.h"
#include "core/query/cycle.h"
#include "core/query/judge.h"

/* The working memory of one query's scans. */
struct scan {
    struct plan *plan;
    struct error *err;
    struct current current;
    struct ballots ballots; /* that the pass keeps aside */
    uint64_t resellers;     /* ballots that the pass left out */

    uint32_t *ids[PLAN_DIMENSIONS_MAX];
    uint32_t own_ids[2][FACT_VECTOR_ROWS]; /* support_model and support_region as they were */
    uint8_t *verdicts[PLAN_MEASURES_MAX], *success[PLAN_MEASURES_MAX]; /* by place in the pass */
    int64_t instants[FACT_VECTOR_ROWS]; /* at which reference rows are looked up */
    int64_t asked[FACT_VECTOR_ROWS];    /* of spans: the instant that each gathered row is for */
    int64_t ages[FACT_VECTOR_ROWS];     /* … and its age */
    uint16_t sites[FACT_VECTOR_ROWS];   /* … and its own site */
    struct cycles cycles;
    int32_t slots[3][FACT_VECTOR_ROWS];
    uint8_t keep[FACT_VECTOR_ROWS], wanted[FACT_VECTOR_ROWS], cuts[FACT_VECTOR_ROWS];
    uint32_t groups[FACT_VECTOR_ROWS];
    int32_t ends[FACT_VECTOR_ROWS]; /* of spans: the instant from which they no longer count */
    struct fact_scan *source;       /* the scan that runs */
    struct fact_vector vector;      /* and what it gave */
    /* rows put together from others: spans at instants, ratings kept aside, today's dimensions */
    int64_t values[FACT_VALUES_MAX][FACT_VECTOR_ROWS];
    uint16_t dimensions[FIELD_N_DIMENSIONS][FACT_VECTOR_ROWS];
};

/* Judges the rows, numbers their groups and counts them. b has rows and slots; s->keep says which are there.
 */
int count_batch(struct scan *s, const struct pass *pass, struct batch *b);

/* Sets no_memory and returns -ENOMEM. */
int scan_no_memory(struct error *err);

#endif
