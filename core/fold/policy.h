/* SLA policies of the tenant's configuration: targets for tickets whose source sends none.
 *
 * They act as if the source had sent sla.applied: when a ticket is made, and whenever a change of its
 * dimensions makes another policy the first of a metric's list that matches (sla.h has the whole rule). A
 * ticket with an sla.* event of a metric has its targets of that metric from its events alone.
 *
 * A list of policies belongs to who made it; it is immutable from policies_intern on, and then any thread may
 * read it. */
#ifndef TENDON_FOLD_POLICY_H
#define TENDON_FOLD_POLICY_H

#include "core/base/buffer.h"
#include "core/store/dictionary.h"
#include "proto/event.h"

#include <stdbool.h>
#include <stddef.h>

#define POLICIES_MAX          256 /* of a tenant */
#define POLICY_CONDITIONS_MAX 8
#define POLICY_VALUES_MAX     64

/* A dimension's value as text, as on the wire ("2" for a severity), and as events carry it. */
struct policy_value {
    char text[EVENT_CODE_BYTES + 1];
    uint16_t number; /* policies_intern: 0 when the value has none, and then it matches nothing */
};

/* The dimension has one of these values. */
struct policy_condition {
    enum event_field field;
    unsigned n_values;
    struct policy_value *values;
};

struct policy {
    char name[EVENT_CODE_BYTES + 1];
    uint8_t metric; /* enum event_metric */
    int64_t target_ms;
    enum event_clock clock;
    char calendar[EVENT_CODE_BYTES + 1]; /* "": the site's or the tenant's */
    unsigned n_conditions;
    struct policy_condition conditions[POLICY_CONDITIONS_MAX]; /* ascending by field, each once */
    uint16_t name_number;                                      /* policies_intern: of FIELD_POLICY */
    uint16_t calendar_number;                                  /* and of FIELD_CALENDAR; 0 none */
};

/* A copy with memory of its own. 0 or -ENOMEM. policies_free takes NULL. */
int policies_copy(const struct policy *policies, size_t n, struct policy **ret);
void policies_free(struct policy *policies, size_t n);

/* Gives names, calendars and values their numbers: values of enumerations and ranges those of the schema, the
 * rest those of the tenant's dictionaries, new ones where they must be (a value may be named here before any
 * event brings it). What a full dictionary has no room for gets 0: no event can bring that value either. The
 * dictionary's writer only, before the first fold that reads the policies. 0 or -ENOMEM. */
int policies_intern(struct policy *policies, size_t n, struct dictionary *dictionary);

/* Appends what the fold makes of them, and nothing else, as bytes: equal bytes, equal facts. */
void policies_encode(const struct policy *policies, size_t n, struct buffer *b);
/* And back, without numbers. -EBADMSG, -ENOMEM. */
int policies_decode(const void *data, size_t size, struct policy **ret, size_t *ret_n);

/* Whether a ticket with these dimensions meets every condition. A value that it does not have meets none. */
bool policy_matches(const struct policy *p, const uint16_t dimensions[FIELD_N_DIMENSIONS]);

#endif
