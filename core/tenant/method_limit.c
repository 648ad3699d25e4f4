/* tenant.add, tenant.limit, tenant.retention, tenant.remove */
#include "core/ingest/committer.h"
#include "core/tenant/config.h"
#include "core/tenant/limit.h"
#include "core/tenant/method.h"
#include "core/tenant/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- limits --- */

/* Limits as a request names them: each by its checked value, 0 where it is to be as if never set. */
struct asked_limits {
    const char *layer; /* of the record: limits_operator, limits_admin */
    bool is_admin;
    json_t *values;
};

static void asked_fini(struct asked_limits *a)
{
    json_decref(a->values);
}

/* The parameter "limits": {name: value, or null for the configured one}. */
static int asked_read(const struct request *r, struct asked_limits *ret)
{
    const json_t *limits = json_object_get(r->params, "limits");
    const char *name;
    json_t *value;
    bool is_admin = r->who->role != ROLE_OPERATOR;
    *ret = (struct asked_limits){.layer = is_admin ? "limits_admin" : "limits_operator",
                                 .is_admin = is_admin,
                                 .values = json_object()};
    if (!ret->values)
        return error_set(r->err, -ENOMEM, "no_memory", "out of memory for the limits");
    if (limits && !json_is_null(limits) && !json_is_object(limits))
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"limits\" takes a map");
    json_object_foreach((json_t *)limits, name, value)
    {
        const struct limit_info *info;
        int64_t n = 0;
        int result = limit_find(name, &info, r->err);
        if (result == 0 && !json_is_null(value))
            result = limit_value(info, value, &n, r->err);
        if (result < 0)
            return result;
        (void)json_object_set_new(ret->values, info->name, json_integer(n));
    }
    return 0;
}

/* An admin may lower a limit, not raise it beyond what it would be without him. */
static int check_admin(const struct asked_limits *a, const struct tenant_settings *s, struct error *err)
{
    static const struct tenant_limits NONE;
    struct tenant_limits most;
    limits_resolve(&s->limits_configured, &s->limits_operator, &NONE, &most);
    for (size_t i = 0; i < N_LIMITS; i++) {
        int64_t asked = json_integer_value(json_object_get(a->values, LIMIT_INFO[i].name));
        int64_t limit = *limit_at(&most, &LIMIT_INFO[i]);
        bool is_none = limit_is_none(&LIMIT_INFO[i], limit);
        if (asked > limit && !is_none) {
            error_set(err, -EPERM, "not_granted", "%s is %lld at most; only the operator raises it",
                      LIMIT_INFO[i].name, (long long)limit);
            return -EPERM;
        }
    }
    return 0;
}

static int change_limits(void *ctx, json_t *record, const struct tenant_settings *s, struct error *err)
{
    const struct asked_limits *a = ctx;
    const char *name;
    json_t *value, *layer = json_object_get(record, a->layer);
    int r = a->is_admin ? check_admin(a, s, err) : 0;
    json_object_foreach(a->values, name, value)
    {
        if (json_integer_value(value) == 0)
            (void)json_object_del(layer, name);
        else if (r == 0 && json_object_set(layer, name, value) < 0)
            r = error_set(err, -ENOMEM, "no_memory", "out of memory for the limits");
    }
    return r;
}

/* Each limit, where it comes from and what the layers say. */
static json_t *limits_rows(struct tenant *t)
{
    struct tenant_settings *s = tenant_settings_get(t);
    json_t *list = json_array();
    int result = 0;
    for (size_t i = 0; result == 0 && i < N_LIMITS; i++) {
        const struct limit_info *info = &LIMIT_INFO[i];
        int64_t in_force = *limit_at(&s->limits, info), set = *limit_at(&s->limits_operator, info);
        int64_t lowered = *limit_at(&s->limits_admin, info);
        const char *from = lowered && lowered == in_force ? "admin" : set ? "operator" : "configuration";
        static const char *const UNITS[] = {[LIMIT_COUNT] = "", [LIMIT_BYTES] = "bytes", [LIMIT_MS] = "ms"};
        bool is_none = limit_is_none(info, in_force);
        result = list_append(list, json_pack("{s:s, s:o, s:s, s:s, s:I, s:o, s:o}", "limit", info->name,
                                             "value", is_none ? json_null() : json_integer(in_force), "unit",
                                             UNITS[info->kind], "from", from, "configured",
                                             (json_int_t)*limit_at(&s->limits_configured, info), "operator",
                                             set ? json_integer(set) : json_null(), "admin",
                                             lowered ? json_integer(lowered) : json_null()));
    }
    tenant_settings_unref(s);
    if (result < 0) {
        json_decref(list);
        list = NULL;
    }
    return list;
}

int method_tenant_limit(struct request *r)
{
    struct asked_limits asked;
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result < 0)
        return result;
    result = asked_read(r, &asked);
    if (result == 0 && json_object_size(asked.values) > 0) {
        result = request_act(r, t, json_deep_copy(asked.values));
        if (result == 0)
            result = tenants_change(r->parts->tenants, t->name, change_limits, &asked, r->err);
    }
    asked_fini(&asked);
    return result < 0 ? result : request_answer(r, limits_rows(t));
}

/* --- retention --- */

struct asked_retention {
    bool is_default;
    int64_t log_ms, facts_ms;
};

static int change_retention(void *ctx, json_t *record, const struct tenant_settings *s, struct error *err)
{
    const struct asked_retention *a = ctx;
    if (a->is_default) {
        (void)json_object_del(record, "retention_set");
        return 0;
    }
    json_t *set =
        json_pack("{s:I, s:I}", "log_ms", (json_int_t)a->log_ms, "facts_ms", (json_int_t)a->facts_ms);
    return json_object_set_new(record, "retention_set", set) < 0
               ? error_set(err, -ENOMEM, "no_memory", "out of memory for the retention")
               : 0;
}

static int retention_param(const struct request *r, const char *name, int64_t *ret)
{
    *ret = 0;
    int result = request_int(r, name, 0, RETENTION_HIGH_MS, ret);
    if (result == 0 && *ret != 0 && *ret < RETENTION_LOW_MS)
        result = error_set(r->err, -EINVAL, "bad_param",
                           "the parameter \"%s\" takes a day or more, or 0 for ever", name);
    return result;
}

static int retention_read(const struct request *r, struct asked_retention *ret)
{
    const json_t *preset = json_object_get(r->params, "default");
    int result = retention_param(r, "log_ms", &ret->log_ms);
    if (result == 0)
        result = retention_param(r, "facts_ms", &ret->facts_ms);
    if (result < 0)
        return result;
    ret->is_default = json_is_true(preset);
    if (ret->is_default)
        return 0;
    if (!json_object_get(r->params, "log_ms"))
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"log_ms\" is missing");
    if (ret->facts_ms && (!ret->log_ms || ret->facts_ms < ret->log_ms)) {
        error_set(r->err, -EINVAL, "bad_param", "figures live at least as long as their events");
        error_hint(r->err, "make the one of facts the longer, or leave it out: for ever");
        return -EINVAL;
    }
    return 0;
}

int method_tenant_retention(struct request *r)
{
    struct asked_retention asked = {.is_default = false};
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = retention_read(r, &asked);
    if (result == 0)
        result = request_act(r, t,
                             asked.is_default ? json_pack("{s:b}", "default", 1)
                                              : json_pack("{s:I, s:I}", "log_ms", (json_int_t)asked.log_ms,
                                                          "facts_ms", (json_int_t)asked.facts_ms));
    if (result == 0)
        result = tenants_change(r->parts->tenants, t->name, change_retention, &asked, r->err);
    if (result < 0)
        return result;
    committer_wake(r->parts->committer, t);
    struct tenant_settings *s = tenant_settings_get(t);
    json_t *row =
        json_pack("{s:s, s:I, s:I, s:b}", "tenant", t->name, "log_ms", (json_int_t)s->retention.log_ms,
                  "facts_ms", (json_int_t)s->retention.facts_ms, "configured", !s->is_retention_set);
    tenant_settings_unref(s);
    return request_answer(r, row);
}

/* --- adding and removing --- */

static bool is_configured(const struct request *r, const char *name)
{
    bool is = false;
    for (size_t i = 0; i < r->config->tenants.n && !is; i++)
        is = strcmp(config_tenant_at(r->config, i)->name, name) == 0;
    return is;
}

/* Limits as a configuration writes them. */
static json_t *limits_written(const json_t *values)
{
    json_t *written = json_object();
    for (size_t i = 0; i < N_LIMITS; i++) {
        char text[32];
        json_int_t n = json_integer_value(json_object_get(values, LIMIT_INFO[i].name));
        (void)snprintf(text, sizeof(text), "%lld%s", (long long)n,
                       LIMIT_INFO[i].kind == LIMIT_MS ? "ms" : "");
        if (n > 0)
            (void)json_object_set_new(written, LIMIT_INFO[i].name, json_string(text));
    }
    return written;
}

/* What a configuration that names only this tenant would be: all that is not said is as its manual says. */
static struct config *config_of_one(const char *name, const char *zone, const json_t *limits,
                                    struct error *err)
{
    struct config_problems problems;
    json_t *json = json_pack("{s:[{s:s, s:s, s:o}]}", "tenants", "name", name, "zone", zone ? zone : "UTC",
                             "limits", limits_written(limits));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    config_problems_init(&problems, "tenant.add");
    struct config *config = text ? config_parse(text, strlen(text), &problems) : NULL;
    if (!config)
        error_set(err, -EINVAL, "bad_param", "%s",
                  problems.n ? config_problems_text(&problems) : "out of memory");
    config_problems_fini(&problems);
    free(text);
    return config;
}

static bool zone_looks_right(const char *zone)
{
    static const char BYTES[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    return strlen(zone) <= TENANT_ZONE_MAX && zone[strspn(zone, BYTES)] == '\0';
}

int method_tenant_add(struct request *r)
{
    const char *name, *zone;
    struct asked_limits asked;
    int result = request_text(r, "tenant", true, &name);
    if (result == 0)
        result = request_text(r, "zone", false, &zone);
    if (result < 0)
        return result;
    if (!tenant_name_valid(name)) {
        error_set(r->err, -EINVAL, "bad_param", "the parameter \"tenant\" takes a name");
        error_hint(r->err, "at most 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first");
        return -EINVAL;
    }
    result = request_check_kept(r, "tenant", name);
    if (result < 0)
        return result;
    if (zone && !zone_looks_right(zone))
        return error_set(r->err, -EINVAL, "bad_param",
                         "the parameter \"zone\" takes an IANA time zone, such as America/Chicago");
    if (tenants_find(r->parts->tenants, name))
        return error_set(r->err, -EEXIST, "tenant_exists", "there is a tenant %s already", name);
    result = asked_read(r, &asked);
    struct config *config = result == 0 ? config_of_one(name, zone, asked.values, r->err) : NULL;
    asked_fini(&asked);
    if (!config)
        return result < 0 ? result : -EINVAL;
    result = audit_act(r->parts->audit, r->who->name, r->method->name, name,
                       json_pack("{s:s}", "zone", zone ? zone : "UTC"), &r->act, r->err);
    if (result == 0)
        result = tenants_apply(r->parts->tenants, config, r->err);
    config_unref(config);
    struct tenant *t = result == 0 ? tenants_hold(r->parts->tenants, name) : NULL;
    if (!t)
        return result < 0 ? result : error_set(r->err, -EIO, "unknown_tenant", "tenant %s is not open", name);
    committer_wake(r->parts->committer, t);
    tenant_release(t);
    return request_answer(r, json_pack("{s:s, s:s}", "tenant", name, "zone", zone ? zone : "UTC"));
}

static void drain(void *ctx, struct tenant *t)
{
    committer_forget(ctx, t);
}

int method_tenant_remove(struct request *r)
{
    const char *name;
    struct store_statistics statistics = {0};
    int result = request_text(r, "tenant", true, &name);
    if (result < 0)
        return result;
    if (is_configured(r, name)) {
        error_set(r->err, -EBUSY, "configured", "tenant %s is named in the configuration", name);
        error_hint(r->err, "take it out of there, with its plugins, and reload; then remove it");
        return -EBUSY;
    }
    struct tenant *t;
    result = request_tenant(r, &t); /* for what is said when there is none of that name */
    if (result < 0)
        return result;
    store_statistics(t->store, &statistics);
    result = request_act(r, t,
                         json_pack("{s:I, s:I}", "events", (json_int_t)statistics.log_position,
                                   "stored_bytes", (json_int_t)statistics.used_bytes));
    tenant_release(r->held); /* this request is not one to wait for */
    r->held = NULL;
    if (result == 0)
        result = tenants_remove(r->parts->tenants, name, drain, r->parts->committer, r->err);
    if (result < 0)
        return result;
    return request_answer(r, json_pack("{s:s, s:I, s:I, s:b}", "tenant", name, "events",
                                       (json_int_t)statistics.log_position, "stored_bytes",
                                       (json_int_t)statistics.used_bytes, "key_destroyed", 1));
}
