/* What a transaction of Request Tracker means: events.
 *
 *   Create          ticket.created, with the queue and custom fields that the ticket began with, and
 *                   ticket.status where it did not begin as new
 *   Correspond      ticket.message, in from a requestor or a user who is no staff, else out
 *   Comment         ticket.message, internal
 *   Status          ticket.status; ticket.deleted and ticket.restored as `statuses` says
 *   Set Queue       ticket.assigned where the queue is the team, else ticket.updated
 *   Owner           ticket.assigned to the team that the ticket has
 *   CustomField     ticket.updated, or ticket.assigned for one that is team or tier
 *   AddLink         ticket.merged, of the ticket that was merged away
 *
 * The id of an event is the transaction's number, which is its order as well. No text of a ticket is asked
 * for but the values of custom fields that the configuration names. One thread. */
#ifndef TENDON_PLUGINS_RT_TRANSACTION_H
#define TENDON_PLUGINS_RT_TRANSACTION_H

#include "plugins/common/draft.h"
#include "plugins/rt/tickets.h"

/* What transaction_tell reads of one; in RT's query language, which are of use. */
#define TRANSACTION_FIELDS "Type,Field,OldValue,NewValue,Created,Creator,ObjectId"
#define TRANSACTION_QUERY                                                                                    \
    "ObjectType = 'RT::Ticket' AND TicketType = 'ticket' AND (" TRANSACTION_PLAIN                            \
    " OR Type = 'Comment' OR Type = 'CustomField')"
/* Those that RT shows to whom it shows the ticket. */
#define TRANSACTION_QUERY_PLAIN                                                                              \
    "ObjectType = 'RT::Ticket' AND TicketType = 'ticket' AND (" TRANSACTION_PLAIN ")"
#define TRANSACTION_PLAIN                                                                                    \
    "Type = 'Create' OR Type = 'Correspond' OR Type = 'Status' OR Field = 'Queue' OR (Field = 'Owner' AND "  \
    "Type != 'SetWatcher') OR Field = 'MergedInto'"

#define TRANSACTION_QUEUE "\001queue" /* the column of the mapping that is the queue's name */

enum transaction_kind {
    TRANSACTION_OTHER,
    TRANSACTION_CREATE,
    TRANSACTION_CORRESPOND,
    TRANSACTION_COMMENT,
    TRANSACTION_STATUS,
    TRANSACTION_QUEUE_SET,
    TRANSACTION_OWNER,
    TRANSACTION_FIELD,
    TRANSACTION_MERGE
};

struct teller {
    const struct tendon_host *host;
    const struct tendon_config *config;
    struct rest *rest;
    struct names *names;
    struct tickets *tickets;
    struct draft draft; /* its mapping's columns: the queue, then the custom fields */
    uint32_t n_columns;
    const char *columns[1 + TICKETS_FIELDS_MAX];
    uint64_t column_fields[1 + TICKETS_FIELDS_MAX]; /* bits of the dimensions that come from it */
    /* the values of the columns, for the mapping */
    const char *texts[1 + TICKETS_FIELDS_MAX];
    uint32_t sizes[1 + TICKETS_FIELDS_MAX];
    char queue[TENDON_ID_BYTES + 1];
};

/* Adds a column, or finds it. Its place, or −1 when there are TICKETS_FIELDS_MAX custom fields. */
int transaction_column(struct teller *teller, const char *name);
enum transaction_kind transaction_kind(const struct tendon_json_1 *json,
                                       const struct tendon_json *transaction);
/* Its events, into teller->draft.batch, with the tickets of its page loaded. TENDON_OK; TENDON_FULL: again in
 * the next poll; an error for poll to return. What cannot be used is skipped. */
int transaction_tell(struct teller *teller, const struct tendon_json *transaction, char *err);
/* The word that `statuses`, or else what RT comes with, has for a status; NULL: none. */
const char *transaction_state(const struct teller *teller, const char *status);
/* Whether it is one of `statuses`: a status of Tendon's, or a reason to leave the ticket out. */
bool transaction_is_state(const char *word);

#endif
