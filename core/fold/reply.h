/* What is said between support and the requester: the first response, the runs of requester messages after
 * it, and the acknowledgement. The part of a run that turns messages into replies. */
#ifndef TENDON_FOLD_REPLY_H
#define TENDON_FOLD_REPLY_H

#include "core/fold/run.h"

/* A ticket.message at its counted instant; its dimensions are applied. */
void reply_message(struct run *r, const struct event *e, int64_t at);

/* The ticket was made: by a requester who waits from here on, by others, or nobody knows how (inferred). */
void reply_created(struct run *r, const struct event *e, int64_t at);
void reply_solved(struct run *r, const struct event *e);
void reply_reopened(struct run *r, int64_t at);

/* Something showed that support has seen the ticket; only the first time counts. */
void reply_acknowledge(struct run *r, int64_t at);

#endif
