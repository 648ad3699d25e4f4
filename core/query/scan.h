/* Reads the fact tables for a plan and fills its measures. */
#ifndef TENDON_QUERY_SCAN_H
#define TENDON_QUERY_SCAN_H

#include "core/query/plan.h"

/* Runs every pass; after it the measures are finished. */
int scan_run(struct plan *p, struct error *err);

#endif
