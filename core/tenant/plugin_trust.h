/* Whose plugins are loaded: the keys that must have signed one, by where it lies and whose events it brings.
 */
#ifndef TENDON_TENANT_PLUGIN_TRUST_H
#define TENDON_TENANT_PLUGIN_TRUST_H

#include "core/tenant/config.h"

/* For a plugin at that path (plugin_path_find) that a tenant uses (NULL: anybody, any tenant's keys will do):
 * *ret is NULL where it needs no signature, else an array of public keys, which may be empty. -ENOMEM. */
int plugin_trust(const struct config *config, const char *tenant, const char *path, json_t **ret,
                 struct error *err);

#endif
