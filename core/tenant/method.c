#include "core/tenant/method.h"

#include "core/base/instant.h"
#include "core/base/nearest.h"
#include "core/fold/fact.h"
#include "core/ingest/pattern.h"

#include <stdlib.h>
#include <string.h>

#define OPERATOR_ONLY 0u
#define SOURCE        (1u << ROLE_SOURCE)
#define READER        (1u << ROLE_READER)
#define ADMIN         (1u << ROLE_ADMIN)
#define BENCHMARK     (1u << ROLE_BENCHMARK)

const struct method METHODS[] = {
    {"audit.export", OPERATOR_ONLY, method_audit_export, {"chain", "from", "until", "limit"}},
    {"audit.list", ADMIN, method_audit_list, {"chain", "tenant", "act", "since", "limit"}},
    {"benchmark.consent", ADMIN, method_benchmark_consent, {"tenant"}}, /* and not the operator */
    {"benchmark.define", OPERATOR_ONLY, method_benchmark_define, {"cube", "metric", "by", "groups"}},
    {"benchmark.freeze", OPERATOR_ONLY, method_benchmark_freeze, {"month"}},
    {"benchmark.list", ADMIN | BENCHMARK, method_benchmark_list, {NULL}},
    {"benchmark.show", BENCHMARK, method_benchmark_show, {"cube", "month"}},
    {"benchmark.undefine", OPERATOR_ONLY, method_benchmark_undefine, {"cube"}},
    {"benchmark.withdraw", ADMIN, method_benchmark_withdraw, {"tenant"}},
    {"calendar.import", ADMIN, method_calendar_import, {"tenant", "calendar", "valid_from", "definition"}},
    {"calendar.list", ADMIN, method_calendar_list, {"tenant"}},
    {"calendar.remove", ADMIN, method_calendar_remove, {"tenant", "calendar", "valid_from"}},
    {"calendar.show", ADMIN, method_calendar_show, {"tenant", "calendar"}},
    {"code.import", ADMIN, method_code_import, {"tenant", "rows"}},
    {"code.list", ADMIN, method_code_list, {"tenant"}},
    {"key.grant",
     ADMIN,
     method_key_grant,
     {"public_key", "name", "role", "tenant", "source", "namespace", "types", "vendor", "outsourcer",
      "sites"}},
    {"key.list", ADMIN, method_key_list, {NULL}},
    {"key.revoke", ADMIN, method_key_revoke, {"public_key", "name"}},
    {"key.rotate", ADMIN, method_key_rotate, {"public_key", "name", "new_public_key"}},
    {"metric.explain", READER, method_metric_explain, {"tenant", "query"}},
    {"metric.list", READER | ADMIN | BENCHMARK, method_metric_list, {NULL}},
    {"metric.show", READER | ADMIN | BENCHMARK, method_metric_show, {"name"}},
    {"plugin.list", OPERATOR_ONLY, method_plugin_list, {NULL}},
    {"plugin.release", OPERATOR_ONLY, method_plugin_release, {"tenant", "source"}},
    {"plugin.reload", OPERATOR_ONLY, method_plugin_reload, {"tenant", "source"}},
    {"plugin.show", OPERATOR_ONLY, method_plugin_show, {"plugin"}},
    {"plugin.top", OPERATOR_ONLY, method_plugin_top, {NULL}},
    {"reference.import", ADMIN, method_reference_import, {"tenant", "table", "valid_from", "rows"}},
    {"reference.list", ADMIN, method_reference_list, {"tenant", "table"}},
    {"server.key", ADMIN, method_server_key, {NULL}},
    {"source.list", ADMIN, method_source_list, {"tenant"}},
    {"source.rejects", SOURCE | ADMIN, method_source_rejects, {"tenant", "source", "limit"}},
    {"source.reset", OPERATOR_ONLY, method_source_reset, {"tenant", "source"}},
    {"source.show", SOURCE | ADMIN, method_source_show, {"tenant", "source"}},
    {"status", OPERATOR_ONLY, method_status, {NULL}},
    {"tenant.add", OPERATOR_ONLY, method_tenant_add, {"tenant", "zone", "limits"}},
    {"tenant.export", OPERATOR_ONLY, method_tenant_export, {"tenant", "with_key", "reader"}},
    {"tenant.import",
     OPERATOR_ONLY,
     method_tenant_import,
     {"tenant", "settings", "key", "key_check", "parcels", "done"},
     .of_importing = true},
    {"tenant.limit", ADMIN, method_tenant_limit, {"tenant", "limits"}},
    {"tenant.list", OPERATOR_ONLY, method_tenant_list, {NULL}},
    {"tenant.reindex", OPERATOR_ONLY, method_tenant_reindex, {"tenant"}},
    {"tenant.remove", OPERATOR_ONLY, method_tenant_remove, {"tenant"}, .of_importing = true},
    {"tenant.retention", ADMIN, method_tenant_retention, {"tenant", "log_ms", "facts_ms", "default"}},
    {"tenant.show", ADMIN, method_tenant_show, {"tenant"}, .of_importing = true},
    {"ticket.explain", READER, method_ticket_explain, {"tenant", "ticket", "as", "now", "tz"}},
};

const size_t N_METHODS = sizeof(METHODS) / sizeof(*METHODS);

int method_find(const char *name, const struct method **ret, struct error *err)
{
    struct nearest near;
    nearest_init(&near, name, strlen(name));
    for (size_t i = 0; i < N_METHODS; i++) {
        if (strcmp(METHODS[i].name, name) == 0) {
            *ret = &METHODS[i];
            return 0;
        }
        nearest_offer(&near, METHODS[i].name);
    }
    error_set(err, -ENOENT, "unknown_method", "there is no method \"%.64s\"", name);
    if (near.best)
        error_hint(err, "did you mean \"%s\"?", near.best);
    else
        error_hint(err, "this is tendond " TENDON_VERSION "; does the client come from a newer one?");
    return -ENOENT;
}

int method_allow(const struct method *m, const struct request *r)
{
    bool may = r->who->role == ROLE_OPERATOR || (r->who->role != ROLE_NONE && m->roles >> r->who->role & 1);
    if (!may)
        return error_set(r->err, -EPERM, "not_granted", "%s is not for the role %s", m->name,
                         role_name(r->who->role));
    const char *key;
    json_t *value;
    json_object_foreach(r->params, key, value)
    {
        struct nearest near;
        bool known = false;
        nearest_init(&near, key, strlen(key));
        for (const char *const *p = m->params; *p && !known; p++) {
            known = strcmp(*p, key) == 0;
            nearest_offer(&near, *p);
        }
        if (known)
            continue;
        error_set(r->err, -EINVAL, "unknown_param", "%s has no parameter \"%.64s\"", m->name, key);
        if (near.best)
            error_hint(r->err, "did you mean \"%s\"?", near.best);
        return -EINVAL;
    }
    return 0;
}

int request_text(const struct request *r, const char *name, bool required, const char **ret)
{
    json_t *value = json_object_get(r->params, name);
    if (!value || json_is_null(value)) {
        *ret = NULL;
        return required ? error_set(r->err, -EINVAL, "bad_param", "the parameter \"%s\" is missing", name)
                        : 0;
    }
    if (!json_is_string(value) || json_string_length(value) == 0)
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"%s\" takes a text", name);
    *ret = json_string_value(value);
    return 0;
}

int request_check_kept(const struct request *r, const char *name, const char *text)
{
    if (!pattern_is_personal(text, strlen(text)))
        return 0;
    error_set(r->err, -EINVAL, "looks_personal",
              "the parameter \"%s\" looks as if it spoke of a person, and would be kept", name);
    error_hint(r->err, "tendon-event(5) says under PERSONAL VALUES what looks so");
    return -EINVAL;
}

int request_int(const struct request *r, const char *name, int64_t low, int64_t high, int64_t *ret)
{
    json_t *value = json_object_get(r->params, name);
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < low || json_integer_value(value) > high)
        return error_set(r->err, -EINVAL, "bad_param",
                         "the parameter \"%s\" takes a whole number from %lld to %lld", name, (long long)low,
                         (long long)high);
    *ret = json_integer_value(value);
    return 0;
}

/* Why there is no such tenant: it could not be opened, or nobody knows it. */
static int no_tenant(const struct request *r, const char *name)
{
    struct tenant_failure *failures = NULL;
    size_t n = 0;
    struct nearest near;
    nearest_init(&near, name, strlen(name));
    if (r->who->role != ROLE_OPERATOR)
        return error_set(r->err, -ENOENT, "unknown_tenant", "this connection's tenant is not open");
    for (unsigned i = 0; i < tenants_count(r->parts->tenants); i++) {
        struct tenant *t = tenants_at(r->parts->tenants, i);
        if (t)
            nearest_offer(&near, t->name);
    }
    (void)tenants_failures(r->parts->tenants, &failures, &n);
    int result = -ENOENT;
    for (size_t i = 0; i < n; i++)
        if (strcmp(failures[i].name, name) == 0) {
            *r->err = failures[i].error;
            error_prefix(r->err, "tenant %s is not open", name);
            result = -EIO;
        }
    free(failures);
    if (result == -EIO)
        return result;
    error_set(r->err, -ENOENT, "unknown_tenant", "there is no tenant \"%.64s\"", name);
    if (near.best)
        error_hint(r->err, "did you mean \"%s\"?", near.best);
    else
        error_hint(r->err, "tendon tenant list shows those there are");
    return -ENOENT;
}

/* The one tenant where there is one; *ret_n says how many there are. */
static struct tenant *only_tenant(struct tenants *ts, unsigned *ret_n)
{
    struct tenant *only = NULL;
    *ret_n = 0;
    for (unsigned i = 0; i < tenants_count(ts); i++) {
        struct tenant *t = tenants_at(ts, i);
        *ret_n += t != NULL;
        only = t ? t : only;
    }
    return *ret_n == 1 ? only : NULL;
}

static bool tenant_is_importing(struct tenant *t)
{
    struct tenant_settings *s = tenant_settings_get(t);
    bool is = s->is_importing;
    tenant_settings_unref(s);
    return is;
}

int request_tenant(struct request *r, struct tenant **ret)
{
    const char *name;
    int result = request_text(r, "tenant", false, &name);
    if (result < 0)
        return result;
    if (r->who->role != ROLE_OPERATOR) {
        if (!role_has_tenant(r->who->role))
            return error_set(r->err, -EPERM, "not_granted", "the role %s speaks for no tenant",
                             role_name(r->who->role));
        if (name && strcmp(name, r->who->tenant) != 0)
            return error_set(r->err, -EPERM, "not_granted", "this connection speaks for another tenant");
        name = r->who->tenant;
    }
    unsigned n = 0;
    struct tenant *t = name ? tenants_find(r->parts->tenants, name) : only_tenant(r->parts->tenants, &n);
    if (!name && !t) {
        error_set(r->err, -EINVAL, "tenant_required",
                  n ? "there are several tenants: say which" : "there is no tenant yet");
        error_hint(
            r->err,
            n ? "--tenant NAME; tendon tenant list shows them"
              : "tendon tenant add makes one, or name one under tenants: in the configuration and reload");
        return -EINVAL;
    }
    if (t != r->held) {
        tenant_release(r->held);
        r->held = t && tenant_hold(t) ? t : NULL;
    }
    if (!r->held)
        return no_tenant(r, name ? name : "");
    if (tenant_is_importing(r->held) && !(r->method && r->method->of_importing)) {
        error_set(r->err, -EAGAIN, "importing", "tenant %s is being imported, and not all of it is there yet",
                  r->held->name);
        error_hint(r->err, "run tendon tenant import with its file to the end, or tendon tenant remove");
        return -EAGAIN;
    }
    *ret = r->held;
    return 0;
}

int request_answer(struct request *r, json_t *result)
{
    r->result = result;
    return result ? 0 : error_set(r->err, -ENOMEM, "no_memory", "out of memory for the answer");
}

static const char *tenant_name(const struct tenant *t)
{
    return t ? t->name : NULL;
}

int request_act(struct request *r, struct tenant *t, json_t *what)
{
    if (r->who->role != ROLE_OPERATOR && t && !tenant_count_act(t, instant_now())) {
        json_decref(what);
        error_set(r->err, -EAGAIN, "too_many_acts",
                  "the tenant's admins have done %d things today, which is the most", TENANT_ACTS_MAX);
        error_hint(r->err, "go on tomorrow (UTC), or ask the operator");
        return -EAGAIN;
    }
    return audit_act(r->parts->audit, r->who->name, r->method->name, tenant_name(t), what, &r->act, r->err);
}

int request_outcome(struct request *r, int result)
{
    const char *outcome = result == 0 ? "done" : r->err->code;
    struct error err = ERROR_INIT;
    if (audit_outcome(r->parts->audit, r->act, r->method->name, outcome, &err) == 0)
        return 0;
    *r->err = err;
    error_prefix(r->err, result == 0 ? "it was done, but what became of it is not recorded"
                                     : "it was not done, and what became of it is not recorded");
    return -EIO;
}

int request_ask(struct request *r, const struct tenant *t, json_t *what)
{
    return audit_use(r->parts->audit, r->who->name, r->method ? r->method->name : "query", tenant_name(t),
                     what, r->err);
}

json_t *refolding_json(const struct tenant *t)
{
    struct store_progress p;
    store_progress(t->store, &p);
    return p.is_refolding
               ? json_pack("{s:I, s:I}", "done", (json_int_t)p.n_done, "subjects", (json_int_t)p.n_subjects)
               : json_null();
}

int request_answer_change(struct request *r, const struct tenant *t, json_t *result)
{
    if (result && json_object_set_new(result, "refolding", refolding_json(t)) < 0) {
        json_decref(result);
        result = NULL;
    }
    return request_answer(r, result);
}

json_t *instant_json(int64_t ms)
{
    char room[INSTANT_TEXT_BYTES];
    return ms == FACT_NULL ? json_null() : json_string(instant_text(ms, room));
}

int list_append(json_t *list, json_t *value)
{
    return list && value && json_array_append_new(list, value) == 0 ? 0 : -ENOMEM;
}
