/* plugin.list, plugin.show, plugin.release */
#include "core/supervise/supervise.h"
#include "core/tenant/method.h"
#include "core/tenant/plugin_path.h"
#include "core/tenant/plugin_trust.h"

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

int method_plugin_release(struct request *r)
{
    struct tenant *t;
    const char *source;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = request_text(r, "source", true, &source);
    if (result < 0)
        return result;
    if (!r->parts->supervisor)
        return error_set(r->err, -ENOENT, "unknown_source", "the collector runs no plugins");
    result = supervisor_release(r->parts->supervisor, t->name, source, r->err);
    return result < 0 ? result
                      : request_answer(r, json_pack("{s:s, s:s}", "tenant", t->name, "source", source));
}
