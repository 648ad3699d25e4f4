/* What each row of a batch is to each measure of a pass: a sample, or why it is none. */
#ifndef TENDON_QUERY_JUDGE_H
#define TENDON_QUERY_JUDGE_H

#include "core/query/plan.h"

/* Rows with everything that a pass looks at beside their values. */
struct batch {
    struct rows rows;
    const int32_t *slots[3]; /* by enum metric_anchor: the period or instant, -1 outside; NULL: not used */
    const uint32_t *ids[PLAN_DIMENSIONS_MAX]; /* by place in the names */
    const uint32_t *model, *region; /* ids of who did it, whatever the dimensions are; NULL: those in ids */
    const uint8_t *keep;            /* live, and the condition is true */
    const uint8_t *cuts;            /* what the condition says of the answer too is true; NULL: all */
    const int64_t *instants;        /* that were asked for: of samples of an instant */
    const uint16_t *site, *category,
        *channel;  /* the rows' own, whatever the dimensions are; NULL: not read */
    int64_t *ages; /* room: of spans, their age on the business clock */
};

enum verdict {
    VERDICT_NONE,
    VERDICT_SAMPLE,
    VERDICT_BESIDE,   /* counted beside the value, as the metric's first such name */
    VERDICT_BESIDE_2, /* … and as the second */
    VERDICT_EXCLUDED, /* would be a sample of a ticket that is excluded */
    VERDICT_INFERRED, /* would be one if the ticket's creation were known */
    VERDICT_LEFT_OUT, /* + enum left_out: why it is none */
};

/* Fills verdicts[n], and for ratios success[n]. 0 or -ENOMEM. */
int judge_rows(const struct plan *p, const struct measure *m, const struct batch *b, uint8_t *verdicts,
               uint8_t *success);

/* The value of a row, for durations and means. */
int64_t judge_value(const struct measure *m, const struct batch *b, uint32_t i);

#endif
