/* The tickets that a page of transactions speaks of, and how they were at any of these.
 *
 * RT's transaction of a new ticket does not say in which queue, with which status and custom fields it began:
 * that is what the ticket is now, with all changes since undone. So two questions are asked for a page, what
 * its tickets are, and then what was changed on them from there on; in this order, since a change that comes
 * between the two is then among the changes and is undone. One thread. */
#ifndef TENDON_PLUGINS_RT_TICKETS_H
#define TENDON_PLUGINS_RT_TICKETS_H

#include "plugins/rt/names.h"

#define TICKETS_FIELDS_MAX  48    /* custom fields that are asked for, at most */
#define TICKETS_CHANGES_MAX 10000 /* of the tickets of a page; later ones are not undone */

struct tickets_change {
    int64_t id, ticket;
    const struct tendon_json *value; /* the transaction */
};

struct tickets {
    struct rest *rest;
    struct names *names;
    const char *const *fields; /* [n_fields] names of custom fields */
    uint32_t n_fields;

    uint32_t n;
    int64_t ids[REST_PAGE];
    const struct tendon_json *values[REST_PAGE]; /* NULL: it is not shown */
    uint32_t n_changes;
    struct tickets_change *changes; /* [TICKETS_CHANGES_MAX], ascending by id */
    uint32_t n_documents;
    struct tendon_json *documents[2 + REST_PAGE + TICKETS_CHANGES_MAX / REST_PAGE];
};

/* Texts belong to the documents, or to names; NULL: none. */
struct tickets_view {
    const char *queue; /* its number */
    char queue_room[TENDON_JSON_BYTES];
    const char *status;
    const char *fields[TICKETS_FIELDS_MAX];
};

/* 0 or -ENOMEM */
int tickets_init(struct tickets *tickets, struct rest *rest, struct names *names);
void tickets_fini(struct tickets *tickets);
/* Forgets the page before, and asks for these tickets (at most REST_PAGE) and for what was changed on them
 * after a transaction; −1: only for the tickets. TENDON_OK or an error for poll to return. */
int tickets_load(struct tickets *tickets, const int64_t *ids, uint32_t n, int64_t after, char *err);
void tickets_clear(struct tickets *tickets);
/* A ticket as it was right after a transaction. TENDON_OK or an error for poll to return. */
int tickets_view(struct tickets *tickets, int64_t ticket, int64_t transaction, struct tickets_view *ret,
                 char *err);
/* Whether a user is one of its requestors now. */
bool tickets_is_requestor(const struct tickets *tickets, int64_t ticket, const char *user);

#endif
