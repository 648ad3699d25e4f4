/* The catalogue: one row a metric. The engine, `tendon metrics show` and the documentation read the same
 * table, so a metric is added by adding a row.
 *
 * A metric looks at the rows of one fact table. Of those that its conditions take, each gives one sample, in
 * the period that holds its anchor: nothing but a count, a value, or a trial that succeeds or not. */
#ifndef TENDON_QUERY_METRIC_H
#define TENDON_QUERY_METRIC_H

#include "core/fold/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind {
    METRIC_COUNT,    /* samples are counted */
    METRIC_DURATION, /* a sample is whole milliseconds, printed in seconds */
    METRIC_MEAN,     /* a sample is a whole number */
    METRIC_RATIO,    /* a sample is a trial */
};

/* Where a sample lies in time. */
enum metric_anchor {
    ANCHOR_CREATED,   /* created_at of its ticket */
    ANCHOR_COMPLETED, /* when the measured thing ended */
    ANCHOR_INSTANT,   /* at each instant asked for while it held: backlog */
};

/* A row is taken when all of these hold. */
struct metric_condition {
    enum { CONDITION_NONE, CONDITION_EQUAL, CONDITION_NOT_EQUAL, CONDITION_LESS } is;
    uint8_t column;
    int64_t value;
};
#define METRIC_CONDITIONS 3

/* A row's value: the sum of the columns, or first − second. COLUMN_INSTANT is the instant asked for. */
enum metric_value { VALUE_OF_NOTHING, VALUE_OF_SUM, VALUE_OF_DIFFERENCE };
#define METRIC_VALUE_COLUMNS 3
#define COLUMN_INSTANT       0xff
#define COLUMN_NONE          0xfe

/* When a trial succeeds, and which rows are no trial. */
enum metric_trial {
    TRIAL_NONE,
    TRIAL_COLUMN,     /* the column is not zero */
    TRIAL_REOPENED,   /* the next reopening came within the window; solves whose window runs are censored */
    TRIAL_TOP,        /* the score is in the top quarter of its scale */
    TRIAL_BOTTOM,     /* … in the bottom quarter */
    TRIAL_OUTSOURCED, /* support_model is outsourced; rows without one are unknown */
    TRIAL_OFFSHORE,   /* support_region is offshore; rows without one are unknown */
};

/* Options of a query that a metric reads. */
#define OPTION_REOPEN_WINDOW 1u
#define OPTION_THRESHOLD     2u /* with a unit of site or org */
#define OPTION_INSTRUMENT    4u
#define OPTION_QUESTION      8u

/* What has one vote. */
enum metric_unit { UNIT_TICKET, UNIT_SITE, UNIT_ORG, UNIT_RESPONDENT, UNIT_N };
#define UNITS_NONE   0u
#define UNITS_SHARE  (1u << UNIT_TICKET | 1u << UNIT_SITE | 1u << UNIT_ORG)
#define UNITS_SURVEY (1u << UNIT_TICKET | 1u << UNIT_SITE | 1u << UNIT_ORG | 1u << UNIT_RESPONDENT)

struct metric {
    const char *name;
    unsigned version; /* goes up with every change of what the numbers mean */
    const char *unit; /* as people say it */
    const char *definition;
    enum fact_table table;
    enum metric_kind kind;
    enum metric_anchor anchor;   /* the default */
    uint8_t completed;           /* the column of the instant at which it ended */
    uint8_t required, forbidden; /* FACT_FLAG_… */
    struct metric_condition conditions[METRIC_CONDITIONS];
    enum metric_value value;
    uint8_t columns[METRIC_VALUE_COLUMNS]; /* of the value, or of the trial; COLUMN_NONE ends */
    enum metric_trial trial;
    const char *instrument; /* of ratings, unless --instrument names another */
    unsigned options, units;
    bool has_ticket; /* every sample is a ticket's: --anchor created makes sense */
    bool is_hidden;  /* the engine's own helpers: in no catalogue */
};

extern const struct metric METRICS[];
extern const size_t N_METRICS;

/* A metric of the catalogue, or NULL. */
const struct metric *metric_find(const char *name, size_t size);
/* One of the engine's own, by name. */
const struct metric *metric_helper(const char *name);
const char *metric_nearest(const char *name, size_t size);

/* The option's name as it stands in a request: "reopen_window". */
const char *metric_option_name(unsigned option);
const char *metric_unit_name(enum metric_unit unit);

#endif
