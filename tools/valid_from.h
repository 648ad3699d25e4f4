/* --valid-from of the imports: the instant from which what is imported holds. */
#ifndef TENDON_TOOLS_VALID_FROM_H
#define TENDON_TOOLS_VALID_FROM_H

#include "core/base/zone.h"
#include "tools/session.h"

#include <jansson.h>

/* The tenant's zone, asked of the collector; 0 or an exit code, and the error has been printed. */
int tenant_zone_open(const struct invocation *invocation, struct session *s, struct zone **ret);

/* --valid-from into params: a date is the beginning of that day in the tenant's zone. 0, also where it is not
 * given; or an exit code, and the error has been printed. */
int valid_from_read(const struct invocation *invocation, struct session *s, json_t *params);

#endif
