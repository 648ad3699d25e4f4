/* key.grant, key.list, key.revoke, server.key */
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

static json_t *key_row(const struct control_key *key)
{
    const struct grant *g = &key->grant;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s}", "name", key->name, "role",
                     role_name(g->role), "tenant", g->tenant, "source", g->source, "namespace", g->namespace,
                     "vendor", g->stamp_vendor, "outsourcer", g->stamp_outsourcer, "types",
                     types_json(g->types), "granted_at", instant_json(key->granted_at), "public_key",
                     key->public_key);
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
    (void)snprintf(room, STORE_NAME_BYTES + 1, "%s", text);
    return 0;
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
    (void)snprintf(room, EVENT_CODE_BYTES + 1, "%s", text);
    return 0;
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

static int key_of_params(const struct request *r, struct control_key *ret)
{
    const char *public_key, *role;
    struct tenant *t;
    int result = request_text(r, "public_key", true, &public_key);
    if (result == 0)
        result = request_text(r, "role", true, &role);
    if (result < 0)
        return result;
    if (!control_key_valid(public_key)) {
        error_set(r->err, -EINVAL, "bad_param", "the parameter \"public_key\" takes 40 characters of Z85");
        error_hint(r->err, "tendon key new makes a pair");
        return -EINVAL;
    }
    if (strcmp(role, "source") != 0)
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"role\" takes source");
    *ret = (struct control_key){.granted_at = instant_now(), .grant.role = ROLE_SOURCE};
    memcpy(ret->public_key, public_key, CURVE_KEY_BYTES);
    struct grant *g = &ret->grant;
    result = request_tenant(r, &t);
    if (result == 0)
        result = name_param(r, "source", NULL, g->source);
    if (result == 0)
        result = name_param(r, "namespace", g->source, g->namespace);
    if (result == 0)
        result = code_param(r, "name", true, ret->name);
    if (result == 0)
        result = code_param(r, "vendor", false, g->stamp_vendor);
    if (result == 0)
        result = code_param(r, "outsourcer", false, g->stamp_outsourcer);
    if (result == 0)
        result = types_param(r, &g->types);
    if (result < 0)
        return result;
    memcpy(g->tenant, t->name, sizeof(g->tenant));
    return check_source_free(r, g);
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

int method_key_list(struct request *r)
{
    struct control_key *keys = NULL;
    size_t n = 0;
    json_t *list = json_array();
    int result = list ? control_list(r->parts->control, &keys, &n) : -ENOMEM;
    for (size_t i = 0; result == 0 && i < n; i++)
        result = list_append(list, key_row(&keys[i]));
    free(keys);
    if (result < 0) {
        json_decref(list);
        list = NULL;
    }
    return request_answer(r, list);
}

int method_key_revoke(struct request *r)
{
    const char *public_key, *name;
    struct control_key was;
    int result = request_text(r, "public_key", false, &public_key);
    if (result == 0)
        result = request_text(r, "name", false, &name);
    if (result < 0)
        return result;
    if (!public_key == !name)
        return error_set(r->err, -EINVAL, "bad_param", "key.revoke takes either \"public_key\" or \"name\"");
    result = control_find(r->parts->control, public_key ? public_key : name, &was, r->err);
    if (result == 0)
        result = request_act(r, tenants_find(r->parts->tenants, was.grant.tenant), key_row(&was));
    if (result == 0)
        result = control_revoke(r->parts->control, was.public_key, &was, r->err);
    return result < 0 ? result : request_answer(r, key_row(&was));
}

int method_server_key(struct request *r)
{
    return request_answer(r, json_pack("{s:s}", "public_key", r->parts->public_key));
}
