#include "core/tenant/plugin_trust.h"

#include <string.h>

/* Whether the path is that of a file in the directory itself. */
static bool is_in(const char *path, const char *directory)
{
    const char *slash = strrchr(path, '/');
    size_t n = strlen(directory), n_path = slash ? (size_t)(slash - path) : 0;
    while (n > 0 && directory[n - 1] == '/')
        n--;
    while (n_path > 0 && path[n_path - 1] == '/')
        n_path--;
    return slash && n == n_path && memcmp(path, directory, n) == 0;
}

int plugin_trust(const struct config *config, const char *tenant, const char *path, json_t **ret,
                 struct error *err)
{
    for (size_t i = 0; i < config->plugin_unsigned.n; i++)
        if (is_in(path, config->plugin_unsigned.at[i])) {
            *ret = NULL;
            return 0;
        }
    json_t *keys = json_array();
    bool is_whole = keys != NULL;
    for (size_t i = 0; is_whole && i < config->tenants.n; i++) {
        const struct config_tenant *t = config_tenant_at(config, i);
        for (size_t j = 0; is_whole && j < t->plugin_keys.n && (!tenant || strcmp(t->name, tenant) == 0); j++)
            is_whole = json_array_append_new(keys, json_string(t->plugin_keys.at[j])) == 0;
    }
    if (!is_whole) {
        json_decref(keys);
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the keys of plugins");
    }
    *ret = keys;
    return 0;
}
