/* One metric as it is asked for: NAME[.CLOCK][.STAT]. */
#ifndef TENDON_QUERY_ASKED_H
#define TENDON_QUERY_ASKED_H

#include "core/query/request.h"

/* Adds it to what the request asks, unless it is there. Codes unknown_metric, unknown_statistic, bad_option,
 * with the nearest right name in the hint. */
int asked_read(struct request *r, const char *text, size_t size, struct error *err);

#endif
