/* The families of the catalogue, in the order in which they are shown, and short words for their rows.
 * Only metric.c and the catalogue_….c look here. */
#ifndef TENDON_QUERY_CATALOGUE_H
#define TENDON_QUERY_CATALOGUE_H

#include "core/query/metric.h"

/* Each ends with a row without a name. */
extern const struct metric CATALOGUE_FLOW[], CATALOGUE_TIME[], CATALOGUE_RATE[], CATALOGUE_SLA[],
    CATALOGUE_SURVEY[], CATALOGUE_CONTACT[];

#define EQUAL(c, v)                                                                                          \
    {                                                                                                        \
        CONDITION_EQUAL, (c), (v)                                                                            \
    }
#define NOT_EQUAL(c, v)                                                                                      \
    {                                                                                                        \
        CONDITION_NOT_EQUAL, (c), (v)                                                                        \
    }
#define LESS(c, v)                                                                                           \
    {                                                                                                        \
        CONDITION_LESS, (c), (v)                                                                             \
    }

#define SUM(c)                                                                                               \
    {                                                                                                        \
        VALUE_OF_SUM,                                                                                        \
        {                                                                                                    \
            (c), COLUMN_NONE                                                                                 \
        }                                                                                                    \
    }
#define SUM2(c, d)                                                                                           \
    {                                                                                                        \
        VALUE_OF_SUM,                                                                                        \
        {                                                                                                    \
            (c), (d), COLUMN_NONE                                                                            \
        }                                                                                                    \
    }
#define SUM3(c, d, e)                                                                                        \
    {                                                                                                        \
        VALUE_OF_SUM,                                                                                        \
        {                                                                                                    \
            (c), (d), (e)                                                                                    \
        }                                                                                                    \
    }
#define DIFFERENCE(c, d)                                                                                     \
    {                                                                                                        \
        VALUE_OF_DIFFERENCE,                                                                                 \
        {                                                                                                    \
            (c), (d), COLUMN_NONE                                                                            \
        }                                                                                                    \
    }
#define AGE(...)                                                                                             \
    {                                                                                                        \
        VALUE_OF_AGE,                                                                                        \
        {                                                                                                    \
            __VA_ARGS__, COLUMN_NONE                                                                         \
        }                                                                                                    \
    }

/* A duration on both clocks. */
#define CLOCKS(wall, business, last)                                                                         \
    .kind = METRIC_DURATION, .unit = "seconds", .values = {wall, business, last},                            \
    .options = OPTION_CALENDAR_RULE, .left_out = 1u << LEFT_OUT_NO_CALENDAR

#endif
