/* Numbers and instants as answers show them. */
#ifndef TENDON_QUERY_SHOWN_H
#define TENDON_QUERY_SHOWN_H

#include "core/base/zone.h"
#include "core/query/metric.h"

#include <jansson.h>

/* Seconds with at most three decimals; null for FACT_NULL. */
static inline json_t *shown_seconds(int64_t ms)
{
    if (ms == FACT_NULL)
        return json_null();
    return ms % 1000 == 0 ? json_integer(ms / 1000) : json_real((double)ms / 1000.0);
}

/* Local time in RFC 3339; null for FACT_NULL. */
static inline json_t *shown_instant(const struct zone *zone, int64_t ms)
{
    char text[CIVIL_TEXT_BYTES];
    return ms == FACT_NULL ? json_null() : json_string(zone_format(zone, ms, text));
}

/* A sample of a metric: seconds, a number, or 1. */
static inline json_t *shown_sample(const struct metric *m, int64_t value)
{
    if (m->kind == METRIC_DURATION)
        return shown_seconds(value);
    return m->per > 1 ? json_real((double)value / (double)m->per) : json_integer(value);
}

#endif
