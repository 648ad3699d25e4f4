/* key.grant, key.list, key.revoke, key.rotate, server.key */
#include "core/base/instant.h"
#include "core/tenant/config_check.h"
#include "core/tenant/control.h"
#include "core/tenant/method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const TYPE_NAMES[EVENT_N_TYPES] = {
#define X(name, text) text,
    EVENT_TYPES(X)
#undef X
};

static json_t *types_json(uint32_t types)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < EVENT_N_TYPES; i++)
        if (types >> i & 1)
            (void)json_array_append_new(list, json_string(TYPE_NAMES[i]));
    return list;
}

static json_t *sites_json(const struct grant *g)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < g->n_sites; i++)
        (void)json_array_append_new(list, json_string(g->sites[i]));
    return list;
}

static json_t *key_row(const struct control_key *key)
{
    const struct grant *g = &key->grant;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "name", key->name, "role",
                     role_name(g->role), "tenant", g->tenant, "source", g->source, "namespace", g->namespace,
                     "vendor", g->stamp_vendor, "outsourcer", g->stamp_outsourcer, "types",
                     types_json(g->types), "sites", sites_json(g), "granted_at",
                     instant_json(key->granted_at), "public_key", key->public_key);
}

/* A parameter that is a name, into room; preset (NULL: it must be there) where it is left out. */
static int name_param(const struct request *r, const char *param, const char *preset,
                      char room[STORE_NAME_BYTES + 1])
{
    const char *text;
    int result = request_text(r, param, !preset, &text);
    if (result < 0)
        return result;
    if (!text)
        text = preset;
    if (!tenant_name_valid(text)) {
        error_set(r->err, -EINVAL, "bad_param", "the parameter \"%s\" takes a name", param);
        error_hint(r->err, "at most 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first");
        return -EINVAL;
    }
    result = request_check_kept(r, param, text);
    if (result == 0)
        (void)snprintf(room, STORE_NAME_BYTES + 1, "%s", text);
    return result;
}

static int code_param(const struct request *r, const char *param, bool required,
                      char room[EVENT_CODE_BYTES + 1])
{
    const char *text;
    int result = request_text(r, param, required, &text);
    if (result < 0 || !text)
        return result;
    if (!config_code_valid(text))
        return error_set(
            r->err, -EINVAL, "bad_param",
            "the parameter \"%s\" takes a code: at most %d printable bytes with at most %d spaces", param,
            EVENT_CODE_BYTES, EVENT_CODE_SPACES);
    result = request_check_kept(r, param, text);
    if (result == 0)
        (void)snprintf(room, EVENT_CODE_BYTES + 1, "%s", text);
    return result;
}

static int types_param(const struct request *r, uint32_t *ret)
{
    json_t *list = json_object_get(r->params, "types");
    *ret = grant_default_types();
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"types\" takes a list of event types");
    *ret = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        uint32_t bits = text ? grant_types(text) : 0;
        *ret |= bits;
        if (bits)
            continue;
        const char *near = text ? grant_types_nearest(text) : NULL;
        error_set(r->err, -EINVAL, "bad_param", "the parameter \"types\" names no event type at place %zu",
                  i);
        if (near)
            error_hint(r->err, "did you mean \"%s\"?", near);
        return -EINVAL;
    }
    return 0;
}

/* A source that a plugin of the configuration speaks for must not be spoken for by a key too: the two would
 * supersede each other for ever. */
static int check_source_free(const struct request *r, const struct grant *g)
{
    for (size_t i = 0; i < r->config->plugins.n; i++) {
        const struct config_plugin *p = config_plugin_at(r->config, i);
        if (strcmp(p->source, g->source) == 0 && strcmp(config_plugin_tenant(r->config, p), g->tenant) == 0) {
            error_set(r->err, -EEXIST, "source_taken",
                      "a plugin of the configuration speaks for this source");
            error_hint(r->err,
                       "grant another source; with the same namespace it may speak of the same tickets");
            return -EEXIST;
        }
    }
    return 0;
}

static int sites_param(const struct request *r, struct grant *g)
{
    json_t *list = json_object_get(r->params, "sites");
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > GRANT_SITES_MAX)
        return error_set(r->err, -EINVAL, "bad_param",
                         "the parameter \"sites\" takes a list of 1 to %d sites", GRANT_SITES_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *site = json_string_value(json_array_get(list, i));
        /* With both kinds of quotes it could stand in no condition. */
        if (!site || !config_code_valid(site) || (strchr(site, '\'') && strchr(site, '"')))
            return error_set(r->err, -EINVAL, "bad_param",
                             "the parameter \"sites\" names no site at place %zu", i);
        int result = request_check_kept(r, "sites", site);
        if (result < 0)
            return result;
        (void)snprintf(g->sites[g->n_sites++], sizeof(g->sites[0]), "%s", site);
    }
    return 0;
}

static int role_param(const struct request *r, enum role *ret)
{
    const char *text, *near;
    int result = request_text(r, "role", true, &text);
    if (result < 0)
        return result;
    *ret = role_find(text, &near);
    if (*ret != ROLE_NONE)
        return 0;
    error_set(r->err, -EINVAL, "bad_param",
              "the parameter \"role\" takes source, reader, admin, forwarder, benchmark or operator");
    if (near)
        error_hint(r->err, "did you mean \"%s\"?", near);
    return -EINVAL;
}

/* What says nothing for a role is refused: who gave it meant something by it. */
static int check_params_of_role(const struct request *r, enum role role)
{
    static const struct {
        const char *param;
        unsigned roles;
    } PARAMS[] = {
        {"tenant", 1u << ROLE_SOURCE | 1u << ROLE_READER | 1u << ROLE_ADMIN | 1u << ROLE_FORWARDER},
        {"source", 1u << ROLE_SOURCE},
        {"namespace", 1u << ROLE_SOURCE},
        {"types", 1u << ROLE_SOURCE},
        {"vendor", 1u << ROLE_SOURCE},
        {"outsourcer", 1u << ROLE_SOURCE},
        {"sites", 1u << ROLE_READER | 1u << ROLE_FORWARDER},
    };
    for (size_t i = 0; i < sizeof(PARAMS) / sizeof(*PARAMS); i++) {
        const json_t *value = json_object_get(r->params, PARAMS[i].param);
        if (value && !json_is_null(value) && !(PARAMS[i].roles >> role & 1))
            return error_set(r->err, -EINVAL, "bad_param",
                             "the parameter \"%s\" says nothing for the role %s", PARAMS[i].param,
                             role_name(role));
    }
    return 0;
}

/* What the role source has beside its tenant. */
static int source_params(const struct request *r, struct grant *g)
{
    int result = name_param(r, "source", NULL, g->source);
    if (result == 0)
        result = name_param(r, "namespace", g->source, g->namespace);
    if (result == 0)
        result = code_param(r, "vendor", false, g->stamp_vendor);
    if (result == 0)
        result = code_param(r, "outsourcer", false, g->stamp_outsourcer);
    if (result == 0)
        result = types_param(r, &g->types);
    return result == 0 ? check_source_free(r, g) : result;
}

/* What a forwarder's site is called here: the one that --site names, else as the key. Its record among the
 * sources has that name and a slash (core/store/inlet.h). */
static int forwarder_params(const struct request *r, const struct control_key *key, struct grant *g)
{
    const char *site = g->n_sites ? g->sites[0] : key->name;
    if (g->n_sites > 1 || !tenant_name_valid(site) || strlen(site) > GRANT_SITE_NAME_BYTES) {
        error_set(r->err, -EINVAL, "bad_param",
                  "the role forwarder needs one site, by a name of at most %d bytes", GRANT_SITE_NAME_BYTES);
        error_hint(r->err, "--site NAME of a-z, 0-9, \".\", \"_\" and \"-\": what it is called here");
        return -EINVAL;
    }
    (void)snprintf(g->source, sizeof(g->source), "%s/", site);
    g->n_sites = 0;
    return 0;
}

/* An admin gives away what is the tenant's, not what is the collector's. */
static bool may_give(const struct grant *who, enum role role)
{
    return who->role == ROLE_OPERATOR || role == ROLE_SOURCE || role == ROLE_READER || role == ROLE_ADMIN;
}

static int public_key_param(const struct request *r, const char *param, char ret[CURVE_KEY_BYTES])
{
    const char *text;
    int result = request_text(r, param, true, &text);
    if (result < 0)
        return result;
    if (!control_key_valid(text)) {
        error_set(r->err, -EINVAL, "bad_param", "the parameter \"%s\" takes 40 characters of Z85", param);
        error_hint(r->err, "tendon key new makes a pair");
        return -EINVAL;
    }
    memcpy(ret, text, CURVE_KEY_BYTES);
    return 0;
}

static int key_of_params(struct request *r, struct control_key *ret)
{
    struct tenant *t;
    enum role role = ROLE_NONE;
    *ret = (struct control_key){.granted_at = instant_now()};
    struct grant *g = &ret->grant;
    int result = public_key_param(r, "public_key", ret->public_key);
    if (result == 0)
        result = role_param(r, &role);
    if (result == 0 && !may_give(r->who, role))
        result =
            error_set(r->err, -EPERM, "not_granted", "only the operator grants the role %s", role_name(role));
    if (result == 0)
        result = check_params_of_role(r, role);
    if (result == 0 && role_has_tenant(role)) {
        result = request_tenant(r, &t);
        if (result == 0)
            memcpy(g->tenant, t->name, sizeof(g->tenant));
    }
    if (result == 0 && role == ROLE_SOURCE)
        result = source_params(r, g);
    if (result == 0)
        result = sites_param(r, g);
    if (result == 0)
        result = code_param(r, "name", true, ret->name);
    if (result == 0 && role == ROLE_FORWARDER)
        result = forwarder_params(r, ret, g);
    g->role = role;
    return result;
}

int method_key_grant(struct request *r)
{
    struct control_key key;
    int result = key_of_params(r, &key);
    if (result == 0)
        result = request_act(r, tenants_find(r->parts->tenants, key.grant.tenant), key_row(&key));
    if (result == 0)
        result = control_grant(r->parts->control, &key, r->err);
    return result < 0 ? result : request_answer(r, key_row(&key));
}

/* Whether a key is one that the caller has to do with. */
static bool is_within(const struct grant *who, const struct grant *g)
{
    return who->role == ROLE_OPERATOR || (strcmp(g->tenant, who->tenant) == 0 && may_give(who, g->role));
}

/* The key that the request names, one way or the other. To an admin others' keys are not there. */
static int key_param(const struct request *r, struct control_key *ret)
{
    const char *public_key, *name;
    int result = request_text(r, "public_key", false, &public_key);
    if (result == 0)
        result = request_text(r, "name", false, &name);
    if (result < 0)
        return result;
    if (!public_key == !name)
        return error_set(r->err, -EINVAL, "bad_param", "%s takes either \"public_key\" or \"name\"",
                         r->method->name);
    result = control_find(r->parts->control, public_key ? public_key : name, ret, r->err);
    if (r->who->role == ROLE_OPERATOR || (result == 0 && is_within(r->who, &ret->grant)))
        return result;
    *r->err = (struct error)ERROR_INIT; /* nor their names, in a hint */
    error_set(r->err, -ENOENT, "unknown_key", "the tenant has no key \"%.64s\" that an admin may change",
              public_key ? public_key : name);
    error_hint(r->err, "tendon key list shows those that there are");
    return -ENOENT;
}

int method_key_list(struct request *r)
{
    struct control_key *keys = NULL;
    size_t n = 0;
    json_t *list = json_array();
    int result = list ? control_list(r->parts->control, &keys, &n) : -ENOMEM;
    for (size_t i = 0; result == 0 && i < n; i++)
        if (r->who->role == ROLE_OPERATOR || strcmp(keys[i].grant.tenant, r->who->tenant) == 0)
            result = list_append(list, key_row(&keys[i]));
    free(keys);
    if (result < 0) {
        json_decref(list);
        list = NULL;
    }
    return request_answer(r, list);
}

/* A key that is to be revoked is refused from now on, whether or not that can be recorded. */
int method_key_revoke(struct request *r)
{
    struct control_key key;
    int result = key_param(r, &key);
    if (result < 0)
        return result;
    result = request_act(r, tenants_find(r->parts->tenants, key.grant.tenant), key_row(&key));
    if (result < 0) {
        (void)control_revoke(r->parts->control, key.public_key, NULL, NULL);
        error_prefix(r->err, "the key is refused from now on, at least until the next start");
        return result;
    }
    result = control_revoke(r->parts->control, key.public_key, &key, r->err);
    return result < 0 ? result : request_answer(r, key_row(&key));
}

int method_key_rotate(struct request *r)
{
    struct control_key key;
    char next[CURVE_KEY_BYTES];
    int result = key_param(r, &key);
    if (result == 0)
        result = public_key_param(r, "new_public_key", next);
    if (result < 0)
        return result;
    json_t *what = key_row(&key);
    (void)json_object_set_new(what, "new_public_key", json_string(next));
    result = request_act(r, tenants_find(r->parts->tenants, key.grant.tenant), what);
    if (result == 0)
        result = control_rotate(r->parts->control, key.public_key, next, &key, r->err);
    return result < 0 ? result : request_answer(r, key_row(&key));
}

int method_server_key(struct request *r)
{
    return request_answer(r, json_pack("{s:s}", "public_key", r->parts->public_key));
}
