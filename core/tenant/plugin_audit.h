/* Which plugin files were given to hosts, for the audit log: an entry when an instance is there for the first
 * time or is another file, when its host starts again, and when it is taken away. Any thread. */
#ifndef TENDON_TENANT_PLUGIN_AUDIT_H
#define TENDON_TENANT_PLUGIN_AUDIT_H

#include "core/supervise/supervise.h"
#include "core/tenant/audit.h"

struct plugin_audit;

/* audit outlives it. -ENOMEM. */
int plugin_audit_new(struct audit *audit, struct plugin_audit **ret);
void plugin_audit_free(struct plugin_audit *p); /* NULL is fine */

/* Records what differs from the last list before it is loaded: plugin.load with source, plugin and the
 * SHA-256 of its file, plugin.unload. On an error nothing of the list may be loaded. */
int plugin_audit_record(struct plugin_audit *p, const struct supervise_instance *instances, size_t n,
                        struct error *err);
/* Records plugin.load, with the file that lies there now, before an instance's host starts once more. */
int plugin_audit_again(struct plugin_audit *p, const char *tenant, const char *source, const char *plugin,
                       const char *path, struct error *err);
/* What an entry says of an instance: source, plugin, sha256. */
json_t *plugin_audit_json(const struct supervise_instance *instance);

#endif
