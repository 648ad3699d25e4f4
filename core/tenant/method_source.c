/* source.list, source.show, source.rejects */
#include "core/base/nearest.h"
#include "core/supervise/supervise.h"
#include "core/tenant/method.h"

#include <stdlib.h>
#include <string.h>

/* The counters of a source; the plugin's name and state come from the supervisor's list (NULL: none), where
 * it has one. */
static json_t *source_row(const char *tenant, const struct store_source *s, const json_t *instance)
{
    json_t *plugin = json_object_get(instance, "plugin"), *state = json_object_get(instance, "state");
    return json_pack("{s:s, s:s, s:s, s:O?, s:O?, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "tenant",
                     tenant, "source", s->name, "namespace", s->namespace, "plugin", plugin, "state", state,
                     "accepted", (json_int_t)s->accepted, "duplicates", (json_int_t)s->duplicates, "rejected",
                     (json_int_t)s->rejected, "after_watermark", (json_int_t)s->after_watermark, "last_seq",
                     (json_int_t)s->last_seq, "first_at", instant_json(s->first_at), "last_at",
                     instant_json(s->last_at), "last_commit", instant_json(s->last_commit), "complete_until",
                     instant_json(s->complete_until));
}

static bool is_instance(const json_t *instance, const char *tenant, const char *source)
{
    const char *its_tenant = json_string_value(json_object_get(instance, "tenant"));
    const char *its_source = json_string_value(json_object_get(instance, "source"));
    return its_tenant && its_source && strcmp(its_tenant, tenant) == 0 && strcmp(its_source, source) == 0;
}

static json_t *find_instance(const json_t *instances, const char *tenant, const char *source)
{
    json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(instances) && !found; i++)
        if (is_instance(json_array_get(instances, i), tenant, source))
            found = json_array_get(instances, i);
    return found;
}

static json_t *instances_of(const struct request *r)
{
    return r->parts->supervisor ? supervisor_status(r->parts->supervisor) : NULL;
}

/* A source that is configured and has sent nothing yet, as its configuration has it. */
static struct store_source silent_source(const struct request *r, const char *tenant, const char *name)
{
    struct store_source s = {
        .first_at = FACT_NULL, .last_at = FACT_NULL, .last_commit = FACT_NULL, .complete_until = FACT_NULL};
    (void)snprintf(s.name, sizeof(s.name), "%s", name);
    (void)snprintf(s.namespace, sizeof(s.namespace), "%s", name);
    for (size_t i = 0; i < r->config->plugins.n; i++) {
        const struct config_plugin *p = config_plugin_at(r->config, i);
        if (p->namespace && strcmp(p->source, name) == 0 &&
            strcmp(config_plugin_tenant(r->config, p), tenant) == 0)
            (void)snprintf(s.namespace, sizeof(s.namespace), "%s", p->namespace);
    }
    return s;
}

static int list_tenant(const struct request *r, struct tenant *t, const json_t *instances, json_t *list)
{
    struct store_source *sources = NULL;
    size_t n = 0;
    int result = store_source_list(t->store, &sources, &n);
    for (size_t i = 0; result == 0 && i < n; i++)
        result = list_append(
            list, source_row(t->name, &sources[i], find_instance(instances, t->name, sources[i].name)));
    for (size_t i = 0; result == 0 && i < json_array_size(instances); i++) {
        const json_t *instance = json_array_get(instances, i);
        const char *name = json_string_value(json_object_get(instance, "source"));
        bool known = !name || !is_instance(instance, t->name, name);
        for (size_t j = 0; j < n && !known; j++)
            known = strcmp(sources[j].name, name) == 0;
        if (known)
            continue;
        struct store_source silent = silent_source(r, t->name, name);
        result = list_append(list, source_row(t->name, &silent, instance));
    }
    free(sources);
    return result;
}

int method_source_list(struct request *r)
{
    struct tenant *only = NULL;
    if (json_object_get(r->params, "tenant")) {
        int result = request_tenant(r, &only);
        if (result < 0)
            return result;
    }
    json_t *list = json_array(), *instances = instances_of(r);
    int result = list ? 0 : -ENOMEM;
    for (unsigned i = 0; result == 0 && i < tenants_count(r->parts->tenants); i++) {
        struct tenant *t = tenants_at(r->parts->tenants, i);
        if (!only || t == only)
            result = list_tenant(r, t, instances, list);
    }
    json_decref(instances);
    if (result < 0) {
        json_decref(list);
        return error_set(r->err, result, "store_failed", "the sources cannot be read: %s", strerror(-result));
    }
    return request_answer(r, list);
}

static int no_source(const struct request *r, struct tenant *t, const char *name)
{
    struct store_source *sources = NULL;
    size_t n = 0;
    struct nearest near;
    nearest_init(&near, name, strlen(name));
    (void)store_source_list(t->store, &sources, &n);
    for (size_t i = 0; i < n; i++)
        nearest_offer(&near, sources[i].name);
    error_set(r->err, -ENOENT, "unknown_source", "tenant %s has no such source", t->name);
    if (near.best)
        error_hint(r->err, "did you mean \"%s\"?", near.best);
    else
        error_hint(r->err, "tendon source list shows those there are");
    free(sources);
    return -ENOENT;
}

/* The tenant and the source that the request speaks of; a source speaks of itself. *ret_instance is the
 * caller's, or NULL. */
static int request_source(const struct request *r, struct tenant **ret_tenant, struct store_source *ret,
                          json_t **ret_instance)
{
    const char *name;
    bool is_source = r->who->role == ROLE_SOURCE;
    int result = request_tenant(r, ret_tenant);
    if (result == 0)
        result = request_text(r, "source", !is_source, &name);
    if (result < 0)
        return result;
    if (is_source && name && strcmp(name, r->who->source) != 0)
        return error_set(r->err, -EPERM, "not_granted", "this connection speaks for another source");
    if (is_source)
        name = r->who->source;
    json_t *instances = instances_of(r);
    json_t *instance = find_instance(instances, (*ret_tenant)->name, name);
    result = store_source_get((*ret_tenant)->store, name, ret);
    if (result == 0 && (instance || is_source))
        *ret = silent_source(r, (*ret_tenant)->name, name);
    else if (result == 0)
        result = no_source(r, *ret_tenant, name);
    else if (result < 0)
        error_set(r->err, result, "store_failed", "the source cannot be read: %s", strerror(-result));
    *ret_instance = result < 0 ? NULL : json_incref(instance);
    json_decref(instances);
    return result < 0 ? result : 0;
}

int method_source_show(struct request *r)
{
    struct tenant *t;
    struct store_source s;
    json_t *instance;
    int result = request_source(r, &t, &s, &instance);
    if (result < 0)
        return result;
    json_t *row = source_row(t->name, &s, instance), *by = json_object();
    for (unsigned code = 1; row && by && code < REJECT_N; code++)
        if (s.rejected_by[code])
            (void)json_object_set_new(by, event_reject_code((enum event_reject)code),
                                      json_integer((json_int_t)s.rejected_by[code]));
    if (row && json_object_set_new(row, "rejected_by", by) == 0)
        (void)json_object_set(row, "message", json_object_get(instance, "message"));
    json_decref(instance);
    return request_answer(r, row);
}

int method_source_rejects(struct request *r)
{
    struct tenant *t;
    struct store_source s;
    json_t *instance;
    int64_t limit = STORE_REJECTS_KEPT;
    int result = request_int(r, "limit", 1, STORE_REJECTS_KEPT, &limit);
    if (result == 0)
        result = request_source(r, &t, &s, &instance);
    if (result < 0)
        return result;
    json_decref(instance);
    struct store_source_reject rejects[STORE_REJECTS_KEPT];
    size_t n = store_source_rejects(t->store, s.name, rejects, (size_t)limit);
    json_t *list = json_array();
    for (size_t i = 0; result == 0 && i < n; i++) {
        enum event_reject code = (enum event_reject)rejects[i].code;
        result = list_append(
            list, json_pack("{s:o, s:I, s:I, s:s, s:s}", "when", instant_json(rejects[i].when), "seq",
                            (json_int_t)rejects[i].seq, "index", (json_int_t)rejects[i].index, "code",
                            event_reject_code(code), "sentence", event_reject_sentence(code)));
    }
    if (result < 0) {
        json_decref(list);
        list = NULL;
    }
    return request_answer(r, list);
}
