#include "core/tenant/plugin_instance.h"

#include "core/tenant/plugin_path.h"
#include "core/tenant/plugin_trust.h"

#include <stdio.h>
#include <string.h>

static void fill_grant(const struct config *config, const struct config_plugin *plugin, struct grant *ret)
{
    *ret = (struct grant){.role = ROLE_SOURCE, .types = plugin->type_bits};
    (void)snprintf(ret->tenant, sizeof(ret->tenant), "%s", config_plugin_tenant(config, plugin));
    (void)snprintf(ret->source, sizeof(ret->source), "%s", plugin->source);
    (void)snprintf(ret->namespace, sizeof(ret->namespace), "%s",
                   plugin->namespace ? plugin->namespace : plugin->source);
    (void)snprintf(ret->stamp_vendor, sizeof(ret->stamp_vendor), "%s",
                   plugin->stamp.vendor ? plugin->stamp.vendor : "");
    (void)snprintf(ret->stamp_outsourcer, sizeof(ret->stamp_outsourcer), "%s",
                   plugin->stamp.outsourcer ? plugin->stamp.outsourcer : "");
}

static struct supervise_limits plugin_limits(const struct config_plugin_limits *l)
{
    return (struct supervise_limits){
        .memory_bytes = (uint64_t)l->memory_bytes,
        .load_ms = (uint32_t)l->load_ms,
        .create_ms = (uint32_t)l->create_ms,
        .start_ms = (uint32_t)l->start_ms,
        .poll_ms = (uint32_t)l->poll_ms,
        .ack_ms = (uint32_t)l->ack_ms,
        .stop_ms = (uint32_t)l->stop_ms,
        .destroy_ms = (uint32_t)l->destroy_ms,
    };
}

int plugin_instance_fill(const struct config *config, const struct config_plugin *plugin, char room[PATH_MAX],
                         struct supervise_instance *ret, struct error *err)
{
    *ret = (struct supervise_instance){
        .plugin = plugin->plugin,
        .path = room,
        .options = plugin->options,
        .limits = plugin_limits(&plugin->limits),
    };
    fill_grant(config, plugin, &ret->grant);
    int r = plugin_path_find(&config->plugin_path, plugin->plugin, room, err);
    return r == 0 ? plugin_trust(config, ret->grant.tenant, room, &ret->keys, err) : r;
}

const struct config_plugin *plugin_instance_find(const struct config *config, const char *tenant,
                                                 const char *source)
{
    for (size_t i = 0; i < config->plugins.n; i++) {
        const struct config_plugin *plugin = config_plugin_at(config, i);
        if (plugin->enabled && strcmp(plugin->source, source) == 0 &&
            strcmp(config_plugin_tenant(config, plugin), tenant) == 0)
            return plugin;
    }
    return NULL;
}
