/* What each row of a batch is to each measure of a pass: a sample, or why it is none. */
#ifndef TENDON_QUERY_JUDGE_H
#define TENDON_QUERY_JUDGE_H

#include "core/query/batch.h"

enum verdict {
    VERDICT_NONE,
    VERDICT_SAMPLE,
    VERDICT_BESIDE,   /* counted beside the value, as the metric's first such name */
    VERDICT_BESIDE_2, /* … and as the second */
    VERDICT_EXCLUDED, /* would be a sample of a ticket that is excluded */
    VERDICT_INFERRED, /* would be one if the ticket's creation were known */
    VERDICT_LEFT_OUT, /* + enum left_out: why it is none */
};

struct judged {
    uint8_t *verdicts, *success; /* room of the caller's; success is filled for ratios */
    bool is_one;                 /* every row has the verdict `one`, and verdicts are not filled */
    uint8_t one;
    uint8_t top; /* the greatest verdict of any row */
};

/* Judges all rows of a batch. 0 or -ENOMEM. */
int judge_rows(const struct plan *p, const struct measure *m, struct batch *b, struct judged *ret);

/* Fills verdicts where is_one says that they are not. */
void judged_fill(struct judged *j, uint32_t n);

/* The value of a row, for durations and means, whose columns have been read. */
int64_t judge_value(const struct measure *m, const struct batch *b, uint32_t i);
/* Those of n rows, which rows names (NULL: the first n). */
void judge_values(const struct measure *m, struct batch *b, const uint16_t *rows, uint32_t n, int64_t *ret);

#endif
