/* Contacts of a subject: calls, chats and visits that ended. */
#ifndef TENDON_FOLD_CONTACT_H
#define TENDON_FOLD_CONTACT_H

#include "core/fold/run.h"

/* A contact.ended at its counted instant. */
void contact_note(struct run *r, const struct event *e, int64_t at);

/* How many were answered at or before an instant, as the source said it. */
size_t contacts_answered(const struct run *r, int64_t raw_at);

/* Whether the first solve came in time for a resolution at the first contact: 1, 0, or FACT_NULL where it
 * cannot be said. On a live channel that is until the end of the first answered contact and its wrap-up, as
 * the source said both; elsewhere within an hour of business time. The run has a solve. */
int64_t contact_solved_in_time(struct run *r);

#endif
