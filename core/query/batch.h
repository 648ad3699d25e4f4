/* One batch of rows, with what is looked at beside their values.
 *
 * Rows of the store are read column by column, only those columns that somebody looks at; what is known of a
 * column of the whole batch often says all there is to say. */
#ifndef TENDON_QUERY_BATCH_H
#define TENDON_QUERY_BATCH_H

#include "core/query/plan.h"

/* The period or instant of each row by one anchor, -1 outside. */
struct slots {
    const int32_t *at; /* NULL: all rows have the same one */
    int32_t slot;      /* that one */
};

/* Room for columns of rows that were picked, made as it is needed; begins as zeros. */
struct picks {
    int64_t *values[FACT_VALUES_MAX];
    uint16_t *codes[FIELD_N_DIMENSIONS];
    uint8_t *bytes[FACT_VALUES_MAX];
    int failed;
};
void picks_fini(struct picks *p);

struct batch {
    struct rows rows;                   /* columns that have been read so far */
    struct fact_reader *reader;         /* where the others come from; NULL: all are there */
    unsigned set;                       /* of dimensions */
    bool has_ranges;                    /* the rows are the reader's as they are: its ranges hold */
    const uint16_t *picked;             /* of the reader's rows those that the batch is of; NULL: all */
    struct picks *picks;                /* room for their columns */
    uint8_t (*bytes)[FACT_VECTOR_ROWS]; /* room for FLAGS and EXCLUDED as bytes … */
    const uint8_t *read_bytes[2];       /* … and where they are, once they have been read */
    bool has_some_flags;
    uint8_t some_flags;                       /* those that some row has, once that has been asked */
    struct slots slots[3];                    /* by enum metric_anchor, of those that the pass uses */
    const uint32_t *ids[PLAN_DIMENSIONS_MAX]; /* by place in the names */
    const uint32_t *model, *region; /* ids of who did it, whatever the dimensions are; NULL: those in ids */
    const uint8_t *keep;            /* live, and the condition is true; NULL: all rows are kept */
    const uint8_t *cuts;            /* what the condition says of the answer too is true; NULL: all */
    const int64_t *instants;        /* that were asked for: of samples of an instant */
    const uint16_t *site, *category,
        *channel;  /* the rows' own, whatever the dimensions are; NULL: not read */
    int64_t *ages; /* room: of spans, their age on the business clock */
};

const int64_t *batch_read(struct batch *b, unsigned column);
const uint16_t *batch_read_codes(struct batch *b, unsigned field);

/* The values of a column, or the codes of a dimension in the rows' set. */
static inline const int64_t *batch_values(struct batch *b, unsigned column)
{
    return b->rows.values[column] ? b->rows.values[column] : batch_read(b, column);
}

static inline const uint16_t *batch_codes(struct batch *b, unsigned field)
{
    return b->rows.dimensions[field] ? b->rows.dimensions[field] : batch_read_codes(b, field);
}

/* FACT_FLAGS and FACT_EXCLUDED, which are small. */
const uint8_t *batch_flags(struct batch *b);
const uint8_t *batch_excluded(struct batch *b);
/* Those of the flags asked about that some row has. */
uint8_t batch_some_flags(struct batch *b, uint8_t asked);
/* A column as bytes where its range lies between 0 and 255 and the rows are as the store has them; else NULL.
 */
const uint8_t *batch_bytes(struct batch *b, unsigned column);

/* Reads what a dimension looks at. */
void batch_for_dimension(struct batch *b, const struct dimension_name *name);

/* Makes a batch of those n of the reader's rows that `rows` lists, ascending; of what has been looked at
 * before nothing is used any more. rows and the room of picks stay in use. */
void batch_pick(struct batch *b, const uint16_t *rows, uint32_t n, struct picks *picks);
/* Whether everything that has been looked at could be read. */
int batch_check(const struct batch *b, struct error *err);

/* What is known of a column without reading it. */
struct fact_range batch_range(const struct batch *b, unsigned column);

/* Whether all rows have one value, and which; or one that lies between two, ends included. */
bool range_is_one(const struct fact_range *range, int64_t *ret);
static inline bool range_is_within(const struct fact_range *range, int64_t low, int64_t high)
{
    return (!range->has_null || low == INT64_MIN) && (!range->has_forever || high == INT64_MAX) &&
           range->min >= low && range->max <= high;
}
/* Whether none has a value between the two. */
static inline bool range_is_outside(const struct fact_range *range, int64_t low, int64_t high)
{
    return (range->min > high || range->max < low) && !(range->has_null && low == INT64_MIN) &&
           !(range->has_forever && high == INT64_MAX);
}

/* Of a column of flags: those that every row may have, and those that every one has. */
void range_flags(const struct fact_range *range, int64_t *ret_some, int64_t *ret_all);

#endif
