/* Incidents with all that happened to them, and the events that come of it.
 *
 * Of an incident that was updated the whole history is read: what it was when it was opened is what the first
 * change of each field changed. So the events of an incident are made of it alone, the same ones whenever it
 * is read, and those that are known already change nothing. One thread. */
#ifndef TENDON_SERVICENOW_HISTORY_H
#define TENDON_SERVICENOW_HISTORY_H

#include "plugins/servicenow/instance.h"

#define HISTORY_CHANGES_MAX 200000 /* of the incidents of a page */

struct change;

struct history {
    struct tendon_json **documents; /* which hold the texts of changes */
    uint32_t n_documents, room_documents;
    struct change *changes; /* by incident, time and order */
    uint32_t n_changes, room_changes;
    /* Of the incident at hand: events that an earlier batch took, and those offered by now. */
    uint32_t n_taken, n_offered;
    struct dimensions dimensions;
};

/* The fields of incidents that history_map needs, as sysparm_fields. */
void history_fields(const struct instance *instance, char fields[QUERY_BYTES]);
/* Asks for the changes of these incidents, and for the names of what they refer to. */
int history_load(struct history *history, struct instance *instance, const struct tendon_json *incidents,
                 uint32_t n, bool with_messages, char *err);
/* The events of one of them. TENDON_OK; or TENDON_FULL, and the rest follows with the next batch. */
int history_map(struct history *history, struct instance *instance, struct tendon_batch *batch,
                const struct tendon_json *incident);
void history_clear(struct history *history, const struct instance *instance);

#endif
