/* source.list, source.show, source.rejects, source.reset */
#include "core/base/nearest.h"
#include "core/ingest/committer.h"
#include "core/supervise/supervise.h"
#include "core/tenant/control.h"
#include "core/tenant/method.h"

#include <stdio.h>
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

/* The sources that may send for a tenant, by configuration or key, whether or not they ever did: calls each
 * until it returns something else than 0, and returns that. */
static int each_expected(const struct request *r, const char *tenant,
                         int (*each)(void *ctx, const char *source, const char *namespace), void *ctx)
{
    struct control_key *keys = NULL;
    size_t n = 0;
    int result = control_list(r->parts->control, &keys, &n);
    for (size_t i = 0; result == 0 && i < r->config->plugins.n; i++) {
        const struct config_plugin *p = config_plugin_at(r->config, i);
        if (strcmp(config_plugin_tenant(r->config, p), tenant) == 0)
            result = each(ctx, p->source, p->namespace ? p->namespace : p->source);
    }
    for (size_t i = 0; result == 0 && i < n; i++) {
        const struct grant *g = &keys[i].grant;
        if (g->role == ROLE_SOURCE && strcmp(g->tenant, tenant) == 0)
            result = each(ctx, g->source, g->namespace);
    }
    free(keys);
    return result;
}

/* A source that has sent nothing yet. */
static struct store_source silent_source(const char *name, const char *namespace)
{
    struct store_source s = {
        .first_at = FACT_NULL,
        .last_at = FACT_NULL,
        .last_commit = FACT_NULL,
        .complete_until = FACT_NULL,
    };
    (void)snprintf(s.name, sizeof(s.name), "%s", name);
    (void)snprintf(s.namespace, sizeof(s.namespace), "%s", namespace);
    return s;
}

struct listing {
    const char *tenant;
    const json_t *instances;
    json_t *list;
    json_t *seen; /* names that are in the list already */
};

static int list_source(struct listing *l, const struct store_source *s)
{
    int result = json_object_set_new(l->seen, s->name, json_true()) < 0 ? -ENOMEM : 0;
    if (result == 0)
        result =
            list_append(l->list, source_row(l->tenant, s, find_instance(l->instances, l->tenant, s->name)));
    return result;
}

static int list_expected(void *ctx, const char *source, const char *namespace)
{
    struct listing *l = ctx;
    struct store_source silent = silent_source(source, namespace);
    return json_object_get(l->seen, source) ? 0 : list_source(l, &silent);
}

static int list_tenant(const struct request *r, struct tenant *t, const json_t *instances, json_t *list)
{
    struct listing l = {.tenant = t->name, .instances = instances, .list = list, .seen = json_object()};
    struct store_source *sources = NULL;
    size_t n = 0;
    int result = store_source_list(t->store, &sources, &n);
    for (size_t i = 0; result == 0 && i < n; i++)
        result = list_source(&l, &sources[i]);
    if (result == 0)
        result = each_expected(r, t->name, list_expected, &l);
    json_decref(l.seen);
    free(sources);
    return result;
}

int method_source_list(struct request *r)
{
    struct tenant *only = NULL;
    if (r->who->role != ROLE_OPERATOR || json_object_get(r->params, "tenant")) {
        int result = request_tenant(r, &only);
        if (result < 0)
            return result;
    }
    json_t *list = json_array(), *instances = instances_of(r);
    int result = list ? 0 : -ENOMEM;
    for (unsigned i = 0; result == 0 && i < tenants_count(r->parts->tenants); i++) {
        struct tenant *t = tenants_hold_at(r->parts->tenants, i);
        if (t && (!only || t == only))
            result = list_tenant(r, t, instances, list);
        tenant_release(t);
    }
    json_decref(instances);
    if (result < 0) {
        json_decref(list);
        return error_set(r->err, result, "store_failed", "the sources cannot be read: %s", strerror(-result));
    }
    return request_answer(r, list);
}

struct search {
    const char *name;
    struct store_source *found;
};

/* 1: found, look no further. */
static int match_expected(void *ctx, const char *source, const char *namespace)
{
    struct search *search = ctx;
    if (strcmp(source, search->name) != 0)
        return 0;
    *search->found = silent_source(source, namespace);
    return 1;
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
    error_set(r->err, -ENOENT, "unknown_source", "tenant %s has no source \"%.64s\"", t->name, name);
    if (near.best)
        error_hint(r->err, "did you mean \"%s\"?", near.best);
    else
        error_hint(r->err, "tendon source list shows those there are");
    free(sources);
    return -ENOENT;
}

/* The tenant and the source that the request speaks of; a source speaks of itself. */
static int request_source(struct request *r, struct tenant **ret_tenant, struct store_source *ret)
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
    struct search search = {name, ret};
    result = store_source_get((*ret_tenant)->store, name, ret);
    if (result == 0)
        result = each_expected(r, (*ret_tenant)->name, match_expected, &search);
    if (result == 0)
        return no_source(r, *ret_tenant, name);
    if (result < 0)
        return error_set(r->err, result, "store_failed", "the source cannot be read: %s", strerror(-result));
    return 0;
}

int method_source_show(struct request *r)
{
    struct tenant *t;
    struct store_source s;
    int result = request_source(r, &t, &s);
    if (result < 0)
        return result;
    json_t *instances = instances_of(r), *instance = find_instance(instances, t->name, s.name);
    json_t *row = source_row(t->name, &s, instance), *by = json_object();
    for (unsigned code = 1; row && by && code < REJECT_N; code++)
        if (s.rejected_by[code])
            (void)json_object_set_new(by, event_reject_code((enum event_reject)code),
                                      json_integer((json_int_t)s.rejected_by[code]));
    if (row)
        (void)json_object_set_new(row, "generation", json_integer(s.generation));
    if (row && json_object_set_new(row, "rejected_by", by) == 0)
        (void)json_object_set(row, "message", json_object_get(instance, "message"));
    json_decref(instances);
    return request_answer(r, row);
}

int method_source_rejects(struct request *r)
{
    struct tenant *t;
    struct store_source s;
    int64_t limit = STORE_REJECTS_KEPT;
    int result = request_int(r, "limit", 1, STORE_REJECTS_KEPT, &limit);
    if (result == 0)
        result = request_source(r, &t, &s);
    if (result < 0)
        return result;
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

struct reset {
    const char *source;
    uint64_t n_events;
};

static int reset(struct tenant *t, void *ctx, struct error *err)
{
    struct reset *reset = ctx;
    return store_source_reset(t->store, reset->source, &reset->n_events, err);
}

int method_source_reset(struct request *r)
{
    struct tenant *t;
    struct store_source s;
    int result = request_source(r, &t, &s);
    if (result < 0)
        return result;
    if (strchr(s.name, '/')) {
        error_set(r->err, -EPERM, "of_a_site", "the source %s is a site's: it is reset there", s.name);
        error_hint(r->err, "tendon source reset at the site; what it does comes here as well");
        return -EPERM;
    }
    struct reset reset_ = {.source = s.name};
    result = request_act(r, t, json_pack("{s:s}", "source", s.name));
    if (result == 0)
        result = committer_call(r->parts->committer, t, reset, &reset_, r->err);
    if (result < 0)
        return result;
    /* A plugin that runs as this source begins at its configured beginning. What it still sends before it is
     * stopped is not taken, as it goes on behind what is gone. */
    bool has_plugin =
        r->parts->supervisor && supervisor_restart(r->parts->supervisor, t->name, s.name, NULL) == 0;
    (void)store_source_get(t->store, s.name, &s);
    return request_answer_change(r, t,
                                 json_pack("{s:s, s:s, s:I, s:I, s:b}", "tenant", t->name, "source", s.name,
                                           "events", (json_int_t)reset_.n_events, "generation",
                                           (json_int_t)s.generation, "plugin_restarted", has_plugin));
}
