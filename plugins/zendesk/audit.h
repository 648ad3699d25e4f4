/* A ticket event of Zendesk: an update of a ticket, with what it changed, becomes up to eight events. */
#ifndef TENDON_ZENDESK_AUDIT_H
#define TENDON_ZENDESK_AUDIT_H

#include "plugins/zendesk/desk.h"

/* Loads what the mapping of these ticket events needs to know of users, groups and organizations. */
int audit_prepare(struct desk *desk, const struct tendon_json *audits, char *err);
/* Its events: TENDON_OK, or TENDON_FULL, and it comes again whole. What cannot be used is skipped, with its
 * place in the page. */
int audit_map(struct desk *desk, struct tendon_batch *batch, const struct tendon_json *audit, uint64_t place);

#endif
