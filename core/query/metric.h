/* The catalogue: one row a metric. The engine, `tendon metrics show` and the documentation read the same
 * table, so a metric is added by adding a row (catalogue_….c, by family).
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
    METRIC_MEAN,     /* a sample is a number */
    METRIC_RATIO,    /* a sample is a trial */
    METRIC_SCORE,    /* a sample is a number, of which only the mean means something */
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

/* By which clock a duration runs. A metric has those clocks that it has a value for; what is no duration has
 * its value by the wall clock. */
enum metric_clock {
    METRIC_WALL,
    METRIC_BUSINESS, /* each part by the calendar in force there */
    METRIC_LAST,     /* all of it by the calendar in force at its end: --calendar-rule last */
    METRIC_CLOCKS
};

/* A row's value: the sum of the columns; or first − second, where COLUMN_INSTANT is the instant asked for;
 * or, of spans, the business time from created_at to that instant. A row without it (FACT_NULL) has no
 * calendar there: it is left out. */
enum value_of {
    VALUE_OF_NOTHING,
    VALUE_OF_SUM,
    VALUE_OF_DIFFERENCE,
    VALUE_OF_AGE,
    VALUE_OF_RATING,   /* (score − min) / (max − min), in RATING_UNITS */
    VALUE_OF_PROMOTER, /* 100 for a score of 9 and up, −100 for one of 6 and down, else 0 */
};
/* Parts of one: a number that spans of 1 to 10 divide, with or without decimals, so that means are exact. */
#define RATING_UNITS INT64_C(2520000000000000)

#define METRIC_COLUMNS 3
#define COLUMN_INSTANT 0xff
#define COLUMN_NONE    0xfe
struct metric_value {
    enum value_of is;
    uint8_t columns[METRIC_COLUMNS]; /* COLUMN_NONE ends */
};

/* When a trial succeeds, and which rows are no trial. */
enum metric_trial {
    TRIAL_NONE,
    TRIAL_COLUMN,    /* the column is not zero */
    TRIAL_KNOWN,     /* the column is not FACT_NULL */
    TRIAL_REOPENED,  /* the next reopening came within the window; solves whose window runs are censored */
    TRIAL_ONE_TOUCH, /* one touch and no solve reopened within the window; the same are censored */
    TRIAL_SILENT,    /* no touch */
    TRIAL_FIRST_CONTACT, /* solved in time, not escalated, not reopened within the window; the same */
    TRIAL_SLA,           /* met; cycles that run are beside it */
    TRIAL_SERVICE_LEVEL, /* answered within --within */
    TRIAL_ABANDONED,
    TRIAL_TOP,        /* the score is in the top quarter of its scale */
    TRIAL_BOTTOM,     /* … in the bottom quarter */
    TRIAL_OUTSOURCED, /* support_model is outsourced; rows without one are unknown */
    TRIAL_OFFSHORE,   /* support_region is offshore; rows without one are unknown */
    TRIAL_ANSWER,     /* the condition or group on the answer itself holds */
};

/* Rows that are kept aside until all are read, because others say whether they count. */
enum metric_gather {
    GATHER_NONE,
    GATHER_RATINGS, /* ratings without a ticket: of each site, respondent and question the last in a period */
    GATHER_ANSWERS, /* of each respondent and question the last in a period */
    GATHER_BALLOTS, /* the last answers of each respondent, site or ticket, together */
    GATHER_SENDINGS, /* surveys sent without a ticket, and the answers to them */
};

/* Options of a query that a metric reads. */
#define OPTION_REOPEN_WINDOW 1u
#define OPTION_THRESHOLD     2u /* with a unit of site or org */
#define OPTION_INSTRUMENT    4u
#define OPTION_QUESTION      8u
#define OPTION_WITHIN        16u
#define OPTION_CALENDAR_RULE 32u /* of every metric that has a business clock */

/* Why a row that would be a sample is none. Each row counts once in meta.left_out, under its reason's name.
 * X(ID, name, why) */
#define LEFT_OUT_REASONS(X)                                                                                  \
    X(NO_CALENDAR, "no_calendar", "no calendar is in force for some part of it, so it has no business time") \
    X(SILENT, "silent_source", "its source never sent a message or a contact")                               \
    X(SHORT, "short", "an abandoned contact that waited less than 5 seconds")                                \
    X(CALLBACK, "callback", "a contact that ended in a callback")                                            \
    X(OVERFLOW, "overflow", "a contact that went to another queue")                                          \
    X(NO_QUEUE, "no_queue", "a contact whose time in the queue is not known")                                \
    X(RESELLER, "reseller", "a ballot of a reseller")                                                        \
    X(SCALE, "scale", "a rating on another scale than the metric's")

enum left_out {
#define X(id, name, why) LEFT_OUT_##id,
    LEFT_OUT_REASONS(X)
#undef X
        LEFT_OUT_N
};

/* What has one vote. */
enum metric_unit { UNIT_TICKET, UNIT_SITE, UNIT_ORG, UNIT_RESPONDENT, UNIT_N };
#define UNITS_NONE   0u
#define UNITS_SHARE  (1u << UNIT_TICKET | 1u << UNIT_SITE | 1u << UNIT_ORG)
#define UNITS_VOTE   (1u << UNIT_SITE | 1u << UNIT_ORG | 1u << UNIT_RESPONDENT)
#define UNITS_SURVEY (1u << UNIT_TICKET | UNITS_VOTE)

/* Rows that a value stands beside: METRIC.censored and the like. */
#define METRIC_BESIDE 2

struct metric {
    const char *name;
    unsigned version; /* goes up with every change of what the numbers mean */
    const char *unit; /* as people say it */
    const char *definition;
    const char *none; /* why a ticket that nothing leaves out has no sample */
    enum fact_table table;
    enum metric_kind kind;
    enum metric_anchor anchor;   /* the default */
    const char *anchor_name;     /* NULL: as its kind is called */
    uint8_t completed;           /* the column of the instant at which it ended */
    uint8_t required, forbidden; /* FACT_FLAG_… */
    struct metric_condition conditions[METRIC_CONDITIONS];
    struct metric_value values[METRIC_CLOCKS];
    enum metric_trial trial;
    uint8_t trial_columns[METRIC_COLUMNS]; /* read by the trial; COLUMN_NONE ends */
    const char *beside[METRIC_BESIDE];     /* NULL: none */
    const char *instrument;                /* of ratings, unless --instrument names another */
    int64_t scale_min, scale_max;          /* thousandths: the only scale that is taken; both 0: any */
    int64_t per;                           /* a value of so much is 1; 0: of 1 */
    unsigned options, units;
    enum metric_unit default_unit;
    enum metric_gather gather;
    unsigned left_out;    /* bits of enum left_out: reasons that its rows may have */
    const char *no_clock; /* a duration without business clock: why */
    bool has_own_clocks;  /* a duration of which each sample has a clock of its own */
    bool has_ticket;      /* every sample is a ticket's: --anchor created makes sense */
    bool is_hidden;       /* the engine's own helpers: in no catalogue */
};

/* The catalogue by place, hidden ones included; NULL from metric_count() on. */
size_t metric_count(void);
const struct metric *metric_at(size_t place);

/* A metric of the catalogue, or NULL. */
const struct metric *metric_find(const char *name, size_t size);
/* One of the engine's own, by name. */
const struct metric *metric_helper(const char *name);
const char *metric_nearest(const char *name, size_t size);

/* Whether it can be asked with .business. */
bool metric_has_business(const struct metric *m);

/* The statistics that it can be asked with, as a list that ends with NULL ("pNN" for percentiles). */
const char *const *metric_statistics(const struct metric *m);

/* An option by place, or NULL: its bit, its name as it stands in a request ("reopen_window"), and what it
 * takes. */
struct metric_option {
    unsigned option;
    const char *name, *values;
};
const struct metric_option *metric_option_at(size_t place);
const char *metric_unit_name(enum metric_unit unit);
const char *metric_anchor_name(const struct metric *m);

/* Name and reason of enum left_out. */
const char *left_out_name(enum left_out reason);
const char *left_out_why(enum left_out reason);

#endif
