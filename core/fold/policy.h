/* SLA policies of the tenant's configuration: targets for tickets whose source sends none.
 *
 * They act as if the source had sent sla.applied: when a ticket is made, and whenever a change of its
 * dimensions makes another policy the first of a metric's list that matches. A ticket with an sla.* event of
 * a metric has its targets of that metric from its events alone. Immutable; any thread. */
#ifndef TENDON_FOLD_POLICY_H
#define TENDON_FOLD_POLICY_H

#include "proto/event.h"

#include <stddef.h>

#define POLICIES_MAX          256 /* of a tenant */
#define POLICY_CONDITIONS_MAX 8
#define POLICY_VALUES_MAX     64

/* The dimension has one of these values: texts as on the wire ("2" for a severity). */
struct policy_condition {
    enum event_field field;
    unsigned n_values;
    char (*values)[EVENT_CODE_BYTES + 1];
};

struct policy {
    char name[EVENT_CODE_BYTES + 1];
    uint8_t metric; /* place in ENUM_METRIC */
    int64_t target_ms;
    enum event_clock clock;
    char calendar[EVENT_CODE_BYTES + 1]; /* "": the site's or the tenant's */
    unsigned n_conditions;
    struct policy_condition conditions[POLICY_CONDITIONS_MAX];
};

#endif
