/* plugin.list, plugin.show, plugin.release, plugin.reload, plugin.top */
#include "core/base/instant.h"
#include "core/base/nearest.h"
#include "core/supervise/supervise.h"
#include "core/tenant/method.h"
#include "core/tenant/plugin_audit.h"
#include "core/tenant/plugin_instance.h"
#include "core/tenant/plugin_path.h"
#include "core/tenant/plugin_trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int method_plugin_list(struct request *r)
{
    return request_answer(r, r->parts->supervisor ? supervisor_status(r->parts->supervisor) : json_array());
}

int method_plugin_show(struct request *r)
{
    const char *name;
    char path[PATH_MAX];
    int result = request_text(r, "plugin", true, &name);
    if (result == 0)
        result = plugin_path_find(&r->config->plugin_path, name, path, r->err);
    json_t *keys = NULL;
    if (result == 0)
        result = plugin_trust(r->config, NULL, path, &keys, r->err);
    if (result == 0)
        result = supervise_describe(r->parts->plugin_host, path, keys, &r->result, r->err);
    json_decref(keys);
    if (result == 0)
        (void)json_object_set_new(r->result, "path", json_string(path));
    return result;
}

static int unknown_instance(const struct request *r, const char *tenant, const char *source)
{
    struct nearest near;
    nearest_init(&near, source, strlen(source));
    for (size_t i = 0; i < r->config->plugins.n; i++) {
        const struct config_plugin *plugin = config_plugin_at(r->config, i);
        if (plugin->enabled && strcmp(config_plugin_tenant(r->config, plugin), tenant) == 0)
            nearest_offer(&near, plugin->source);
    }
    error_set(r->err, -ENOENT, "unknown_source", "no plugin instance is the source %.64s of that tenant",
              source);
    if (near.best)
        error_hint(r->err, "did you mean \"%s\"?", near.best);
    else
        error_hint(r->err, "tendon plugin list shows those that are at work");
    return -ENOENT;
}

int method_plugin_release(struct request *r)
{
    struct tenant *t;
    const char *source;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = request_text(r, "source", true, &source);
    if (result < 0)
        return result;
    if (!r->parts->supervisor || !plugin_instance_find(r->config, t->name, source))
        return unknown_instance(r, t->name, source);
    result = request_act(r, t, json_pack("{s:s}", "source", source));
    if (result == 0)
        result = supervisor_release(r->parts->supervisor, t->name, source, r->err);
    return result < 0 ? result
                      : request_answer(r, json_pack("{s:s, s:s}", "tenant", t->name, "source", source));
}

/* --- reload --------------------------------------------------------------------------------------------- */

/* What would not run is told, and what runs goes on. */
static int try_out(const struct request *r, const struct supervise_instance *instance, json_t **ret_described)
{
    const char *host = r->parts->plugin_host;
    int result = supervise_describe(host, instance->path, instance->keys, ret_described, r->err);
    if (result == 0)
        result = supervise_check(host, instance->path, instance->keys, instance->options, r->err);
    if (result < 0)
        error_prefix(r->err, "the plugin was not changed, as what lies there now would not run");
    return result;
}

int method_plugin_reload(struct request *r)
{
    struct tenant *t;
    const char *source;
    char path[PATH_MAX];
    struct supervise_instance instance;
    json_t *described = NULL;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = request_text(r, "source", true, &source);
    if (result < 0)
        return result;
    const struct config_plugin *plugin = plugin_instance_find(r->config, t->name, source);
    if (!plugin || !r->parts->supervisor)
        return unknown_instance(r, t->name, source);
    result = plugin_instance_fill(r->config, plugin, path, &instance, r->err);
    if (result == 0)
        result = try_out(r, &instance, &described);
    if (result == 0)
        result = request_act(r, t, plugin_audit_json(&instance));
    if (result == 0)
        result = supervisor_replace(r->parts->supervisor, &instance, r->err);
    json_decref(instance.keys);
    if (result == 0)
        result = request_answer(r, json_pack("{s:s, s:s, s:s, s:O?}", "tenant", t->name, "source", source,
                                             "plugin", plugin->plugin, "version",
                                             json_object_get(described, "version")));
    json_decref(described);
    return result;
}

/* --- top ------------------------------------------------------------------------------------------------ */

/* Adds what a process has used of the processor, in seconds, and holds of memory. One that is gone adds
 * nothing. The clock counts nanoseconds, where /proc/PID/stat counts ticks of which a busy plugin may use
 * none in a second. */
static void add_usage(const json_t *pid, double *cpu_s, uint64_t *bytes)
{
    char path[64];
    clockid_t clock;
    struct timespec used;
    uint64_t pages;
    if (!json_is_integer(pid))
        return;
    (void)snprintf(path, sizeof(path), "/proc/%lld/statm", (long long)json_integer_value(pid));
    FILE *file = fopen(path, "re");
    int n = file ? fscanf(file, "%*u %" SCNu64, &pages) : 0;
    if (file)
        (void)fclose(file);
    if (n == 1 && pages > 0 && clock_getcpuclockid((pid_t)json_integer_value(pid), &clock) == 0 &&
        clock_gettime(clock, &used) == 0) {
        *cpu_s += (double)used.tv_sec + (double)used.tv_nsec / 1e9;
        *bytes += pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
}

static json_t *age_json(int64_t now, int64_t at)
{
    return at == FACT_NULL ? json_null() : json_real((double)(now > at ? now - at : 0) / 1000);
}

/* What the source's events say, and what the processes use, beside the state of the instance. */
static int top_row(const struct request *r, json_t *row)
{
    uint64_t bytes = 0;
    double cpu_s = 0;
    int64_t now = instant_now(), known_until = FACT_NULL, last_commit = FACT_NULL;
    json_int_t events = 0;
    struct store_source s;
    const char *source = json_string_value(json_object_get(row, "source"));
    struct tenant *t = tenants_find(r->parts->tenants, json_string_value(json_object_get(row, "tenant")));
    if (t && store_source_get(t->store, source, &s) > 0) {
        known_until = s.last_at;
        if (s.complete_until != FACT_NULL && (known_until == FACT_NULL || s.complete_until > known_until))
            known_until = s.complete_until;
        last_commit = s.last_commit;
        events = (json_int_t)(s.accepted + s.duplicates + s.rejected);
    }
    add_usage(json_object_get(row, "pid"), &cpu_s, &bytes);
    add_usage(json_object_get(row, "inner"), &cpu_s, &bytes);
    return json_object_update_new(row, json_pack("{s:I, s:o, s:o, s:I, s:f}", "events", events, "lag_s",
                                                 age_json(now, known_until), "cursor_age_s",
                                                 age_json(now, last_commit), "memory_bytes",
                                                 (json_int_t)bytes, "cpu_s", cpu_s));
}

int method_plugin_top(struct request *r)
{
    json_t *list = r->parts->supervisor ? supervisor_status(r->parts->supervisor) : json_array(), *row;
    size_t i;
    int result = list ? 0 : -ENOMEM;
    json_array_foreach(list, i, row)
    {
        if (result == 0)
            result = top_row(r, row);
    }
    if (result < 0) {
        json_decref(list);
        return error_set(r->err, -ENOMEM, "no_memory", "out of memory for the answer");
    }
    return request_answer(r, list);
}
