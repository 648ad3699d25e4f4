/* A ticket metric event of Zendesk: of its kinds only apply_sla tells what Tendon does not derive itself. */
#ifndef TENDON_ZENDESK_TARGET_H
#define TENDON_ZENDESK_TARGET_H

#include "plugins/zendesk/desk.h"

/* As audit_map. */
int target_map(struct desk *desk, struct tendon_batch *batch, const struct tendon_json *event,
               uint64_t place);

#endif
