/* What a plugin's entry in the configuration says, as the supervisor wants to know it. */
#ifndef TENDON_TENANT_PLUGIN_INSTANCE_H
#define TENDON_TENANT_PLUGIN_INSTANCE_H

#include "core/supervise/supervise.h"
#include "core/tenant/config.h"

#include <limits.h>

/* Looks for the plugin's file, whose path goes to room. *ret points into room and the configuration but for
 * keys, which are the caller's to decref. Codes unknown_plugin, no_memory. */
int plugin_instance_fill(const struct config *config, const struct config_plugin *plugin, char room[PATH_MAX],
                         struct supervise_instance *ret, struct error *err);

/* The enabled entry of that source of a tenant, or NULL. */
const struct config_plugin *plugin_instance_find(const struct config *config, const char *tenant,
                                                 const char *source);

#endif
