/* Which plugins were handed to the supervisor, for the audit log: an entry when an instance is there for the
 * first time or is another file, and when it is taken away. Not thread-safe. */
#ifndef TENDON_TENANT_PLUGIN_AUDIT_H
#define TENDON_TENANT_PLUGIN_AUDIT_H

#include "core/supervise/supervise.h"
#include "core/tenant/audit.h"

struct plugin_audit; /* what was recorded last */

/* Records what differs from the last time (*known, NULL at first; replaced) before it is loaded: plugin.load
 * with source, plugin and the SHA-256 of its file, plugin.unload. On an error nothing of the list may be
 * loaded. */
int plugin_audit_record(struct plugin_audit **known, struct audit *a,
                        const struct supervise_instance *instances, size_t n, struct error *err);
/* What an entry says of an instance: source, plugin, sha256. */
json_t *plugin_audit_json(const struct supervise_instance *instance);
void plugin_audit_free(struct plugin_audit *known); /* NULL is fine */

#endif
