#include "core/tenant/config_check.h"

#include "core/base/nearest.h"
#include "core/base/quantity.h"
#include "core/base/signature.h"
#include "core/base/zone.h"
#include "core/fold/reference.h"
#include "core/tenant/config_policy.h"
#include "core/tenant/control.h"
#include "core/tenant/grant.h"
#include "proto/msgpack.h"

#include <string.h>

/* Names that a declared dimension may not take: they mean something in an event or in a query. */
static const char *const TAKEN[] = {"type",
                                    "id",
                                    "at",
                                    "seq",
                                    "ticket",
                                    "source",
                                    "namespace",
                                    "period",
                                    "support_model",
                                    "support_region",
                                    "and",
                                    "or",
                                    "not",
                                    "in",
                                    "is",
                                    "null",
#define X(name, text, kind, low, high) text,
                                    EVENT_DIMENSIONS(X) EVENT_OTHER_FIELDS(X)
#undef X
#define X(id, name, number, low, high) name,
                                        REFERENCE_SITE_ATTRIBUTES(X) REFERENCE_TEAM_ATTRIBUTES(X)
#undef X
};

/* The value under the key, or the map itself: where a problem of it is told. */
static const struct config_node *place(const struct config_node *map, const char *key)
{
    const struct config_node *node = config_node_get(map, key);
    return node ? node : map;
}

/* The i-th of a list that may have been written as the one. */
static const struct config_node *place_at(const struct config_node *map, const char *key, size_t i)
{
    const struct config_node *node = place(map, key);
    return node && node->kind == CONFIG_LIST && i < node->n ? node->values[i] : node;
}

static bool is_under(const char *path, const char *directory)
{
    size_t n = strlen(directory);
    while (n > 1 && directory[n - 1] == '/')
        n--;
    return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

static void check_directories(const struct config *c, struct config_problems *p)
{
    if (c->keys && c->data && is_under(c->keys, c->data))
        config_problem(p, place(c->node, config_node_get(c->node, "keys") ? "keys" : "data"),
                       "keys must not lie under data: a copy of the data would hold the keys too");
    if (c->run && c->data && (is_under(c->run, c->data) || is_under(c->data, c->run)))
        config_problem(p, place(c->node, config_node_get(c->node, "run") ? "run" : "data"),
                       "run and data must be two directories, neither in the other");
}

/* A local socket's address holds 107 bytes. */
static void check_run(const struct config *c, struct config_problems *p)
{
    if (c->run && strlen(c->run) + strlen("/control.sock") > 107)
        config_problem(p, place(c->node, "run"), "run is too long for a socket's path: at most %zu bytes",
                       107 - strlen("/control.sock"));
}

static bool endpoint_valid(const char *endpoint)
{
    int64_t port;
    const char *address = endpoint + strlen("tcp://");
    const char *colon = strncmp(endpoint, "tcp://", 6) == 0 ? strrchr(address, ':') : NULL;
    return colon && colon != address && strlen(endpoint) <= 255 && !strpbrk(address, "/ ;,") &&
           quantity_int(colon + 1, 1, 65535, &port) == 0;
}

static void check_listen(const struct config *c, struct config_problems *p)
{
    for (size_t i = 0; i < c->listen.n; i++) {
        const char *endpoint = c->listen.at[i];
        if (!endpoint_valid(endpoint))
            config_problem(p, place_at(c->node, "listen", i),
                           "listen takes tcp://ADDRESS:PORT, for example tcp://127.0.0.1:7780");
    }
}

static bool dimension_name_valid(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n > 0 && n <= EVENT_CODE_BYTES && s[n] == '\0' && *s >= 'a' && *s <= 'z';
}

static bool is_one_of(const char *s, const char *const *names, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n && !found; i++)
        found = strcmp(names[i], s) == 0;
    return found;
}

/* Numbers and fixed lists are closed anyhow. */
static void check_closed(const struct config_tenant *t, struct config_problems *p)
{
    for (size_t i = 0; i < t->closed.n; i++) {
        const char *name = t->closed.at[i];
        struct nearest near;
        bool is_dimension = is_one_of(name, (const char *const *)t->dimensions.at, t->dimensions.n),
             is_string = is_dimension;
        nearest_init(&near, name, strlen(name));
        for (unsigned field = 0; field < FIELD_N_BUILTIN; field++) {
            bool is_it = strcmp(FIELDS[field].name, name) == 0;
            is_dimension |= is_it;
            is_string |= is_it && FIELDS[field].kind == VALUE_DICTIONARY;
            if (FIELDS[field].kind == VALUE_DICTIONARY)
                nearest_offer(&near, FIELDS[field].name);
        }
        for (size_t d = 0; d < t->dimensions.n; d++)
            nearest_offer(&near, t->dimensions.at[d]);
        if (is_dimension && !is_string)
            config_problem(p, place_at(t->node, "closed", i),
                           "\"%s\" need not be closed: it takes nothing but its fixed list or range", name);
        else if (!is_dimension)
            config_problem(p, place_at(t->node, "closed", i), "there is no dimension \"%s\" to close; %s%s%s",
                           name, near.best ? "did you mean \"" : "the tenant's own stand in dimensions",
                           near.best ? near.best : "", near.best ? "\"?" : "");
    }
}

static void check_dimensions(const struct config_tenant *t, struct config_problems *p)
{
    for (size_t i = 0; i < t->dimensions.n; i++) {
        const char *name = t->dimensions.at[i];
        const struct config_node *at = place_at(t->node, "dimensions", i);
        if (!dimension_name_valid(name))
            config_problem(p, at, "a dimension is called by a-z, 0-9 and \"_\", a letter first, at most %d",
                           EVENT_CODE_BYTES);
        else if (is_one_of(name, TAKEN, sizeof(TAKEN) / sizeof(*TAKEN)))
            config_problem(p, at, "the name \"%s\" is taken: it has a meaning of its own", name);
        else if (is_one_of(name, (const char *const *)t->dimensions.at, i))
            config_problem(p, at, "the dimension \"%s\" is declared twice", name);
    }
    check_closed(t, p);
    for (size_t i = 0; i < t->nearshore.n; i++) {
        const char *country = t->nearshore.at[i];
        if (strlen(country) != 2 || strspn(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
            config_problem(p, place_at(t->node, "nearshore", i),
                           "nearshore takes countries as two capital letters, for example MX");
    }
    for (size_t i = 0; i < t->not_level1.n; i++)
        if (!config_code_valid(t->not_level1.at[i]))
            config_problem(p, place_at(t->node, "not_level1", i),
                           "not_level1 takes categories: at most %d printable bytes with at most %d spaces",
                           EVENT_CODE_BYTES, EVENT_CODE_SPACES);
}

static void check_plugin_keys(const struct config_tenant *t, struct config_problems *p)
{
    uint8_t key[SIGNATURE_KEY_BYTES];
    for (size_t i = 0; i < t->plugin_keys.n; i++)
        if (!signature_key_parse(t->plugin_keys.at[i], key))
            config_problem(p, place_at(t->node, "plugin_keys", i),
                           "plugin_keys takes public keys as tendon plugin key prints them: ed25519: and 44 "
                           "characters of base64");
}

static void check_zone(const struct config_tenant *t, struct config_problems *p)
{
    struct zone *zone;
    struct error err = ERROR_INIT;
    if (!t->zone)
        return;
    if (zone_open(t->zone, &zone, &err) == 0)
        zone_close(zone);
    else
        config_problem(p, place(t->node, "zone"), "%s%s%s", err.message, *err.hint ? "; " : "", err.hint);
}

static void check_tenants(const struct config *c, struct config_problems *p)
{
    int64_t mapped = 0;
    for (size_t i = 0; i < c->tenants.n; i++) {
        const struct config_tenant *t = config_tenant_at(c, i);
        for (size_t j = 0; t->name && j < i; j++)
            if (config_tenant_at(c, j)->name && strcmp(config_tenant_at(c, j)->name, t->name) == 0)
                config_problem(p, place(t->node, "name"), "the tenant \"%s\" stands here and in line %u",
                               t->name, config_tenant_at(c, j)->node->line);
        check_zone(t, p);
        check_dimensions(t, p);
        check_plugin_keys(t, p);
        if (t->calendar && !config_code_valid(t->calendar))
            config_problem(p, place(t->node, "calendar"),
                           "calendar takes a code: at most %d printable bytes with at most %d spaces",
                           EVENT_CODE_BYTES, EVENT_CODE_SPACES);
        config_policies_check(t, p);
        if (t->retention.facts_ms && !t->retention.log_ms)
            config_problem(
                p, place(t->retention.node, "facts"),
                "figures cannot go while their events stay for ever: say how long \"log\" is, too");
        else if (t->retention.facts_ms && t->retention.facts_ms < t->retention.log_ms)
            config_problem(p, place(t->retention.node, "facts"),
                           "facts live at least as long as the log: make \"facts\" the longer of the two, or "
                           "leave it out");
        mapped += 2 * t->limits.value.stored_bytes;
    }
    if (mapped > CONFIG_MAPS_BYTES)
        config_problem(p, place(c->node, "tenants"),
                       "the stored_bytes of all tenants come to more than %lld TiB together",
                       (long long)(CONFIG_MAPS_BYTES / 2 >> 40));
}

/* --- plugins --- */

static void check_plugin_tenant(const struct config *c, const struct config_plugin *plugin,
                                struct config_problems *p)
{
    const struct config_node *at = place(plugin->node, "tenant");
    if (!plugin->tenant) {
        /* A name that was refused has been told. */
        if (c->tenants.n != 1 && config_node_is_null(config_node_get(plugin->node, "tenant")))
            config_problem(p, at, "a plugin needs the key \"tenant\": there %s",
                           c->tenants.n ? "are several" : "is none to take");
        return;
    }
    struct nearest near;
    nearest_init(&near, plugin->tenant, strlen(plugin->tenant));
    bool known = false;
    for (size_t i = 0; i < c->tenants.n; i++) {
        const char *name = config_tenant_at(c, i)->name;
        known = known || (name && strcmp(name, plugin->tenant) == 0);
        if (name)
            nearest_offer(&near, name);
    }
    if (!known)
        config_problem(p, at, "there is no tenant \"%s\"%s%s%s", plugin->tenant,
                       near.best ? "; did you mean \"" : "", near.best ? near.best : "",
                       near.best ? "\"?" : "");
}

static void check_plugin_source(const struct config *c, size_t i, struct config_problems *p)
{
    const struct config_plugin *plugin = config_plugin_at(c, i);
    const char *tenant = config_plugin_tenant(c, plugin);
    for (size_t j = 0; plugin->source && tenant && j < i; j++) {
        const struct config_plugin *other = config_plugin_at(c, j);
        const char *other_tenant = config_plugin_tenant(c, other);
        if (other->source && other_tenant && strcmp(other->source, plugin->source) == 0 &&
            strcmp(other_tenant, tenant) == 0)
            config_problem(p, place(plugin->node, "source"),
                           "the source \"%s\" of %s stands here and in line %u; each needs a name of its own",
                           plugin->source, tenant, other->node->line);
    }
}

static void check_plugin_types(struct config_plugin *plugin, struct config_problems *p)
{
    plugin->type_bits = plugin->types.n ? 0 : grant_default_types();
    for (size_t i = 0; i < plugin->types.n; i++) {
        uint32_t bits = grant_types(plugin->types.at[i]);
        const char *near = bits ? NULL : grant_types_nearest(plugin->types.at[i]);
        plugin->type_bits |= bits;
        if (!bits)
            config_problem(p, place_at(plugin->node, "types", i), "there is no event type \"%s\"%s%s%s",
                           plugin->types.at[i], near ? "; did you mean \"" : "", near ? near : "",
                           near ? "\"?" : "");
    }
}

bool config_code_valid(const char *s)
{
    size_t n = strlen(s);
    unsigned n_spaces = 0;
    bool printable = n > 0 && n <= EVENT_CODE_BYTES && utf8_valid(s, n);
    for (const unsigned char *c = (const unsigned char *)s; *c; c++) {
        n_spaces += *c == ' ';
        printable = printable && *c >= ' ' && *c != 0x7f;
    }
    return printable && n_spaces <= EVENT_CODE_SPACES;
}

static void check_stamp(const struct config_stamp *stamp, struct config_problems *p)
{
    const struct {
        const char *key, *text;
    } parts[] = {{"vendor", stamp->vendor}, {"outsourcer", stamp->outsourcer}};
    for (size_t i = 0; i < 2; i++)
        if (parts[i].text && !config_code_valid(parts[i].text))
            config_problem(p, place(stamp->node, parts[i].key),
                           "%s takes a code: at most %d printable bytes with at most %d spaces", parts[i].key,
                           EVENT_CODE_BYTES, EVENT_CODE_SPACES);
}

/* --- forwarding --- */

static void check_forward(const struct config *c, size_t i, struct config_problems *p)
{
    const struct config_forward *f = config_forward_at(c, i);
    if (f->to && !endpoint_valid(f->to))
        config_problem(p, place(f->node, "to"),
                       "to takes tcp://ADDRESS:PORT, for example tcp://central.example:7780");
    if (f->server_key && !control_key_valid(f->server_key))
        config_problem(
            p, place(f->node, "server_key"),
            "server_key takes 40 characters of Z85, as tendon key server prints them at the central "
            "collector");
    if (f->site && strlen(f->site) > GRANT_SITE_NAME_BYTES)
        config_problem(p, place(f->node, "site"), "a site's name has at most %d bytes",
                       GRANT_SITE_NAME_BYTES);
    for (size_t k = 0; f->tenant && k < i; k++)
        if (config_forward_at(c, k)->tenant && strcmp(config_forward_at(c, k)->tenant, f->tenant) == 0)
            config_problem(p, place(f->node, "tenant"),
                           "tenant %s is forwarded twice: a tenant goes to one place", f->tenant);
}

void config_check(struct config *c, struct config_problems *p)
{
    for (size_t i = 0; i < c->forward.n; i++)
        check_forward(c, i, p);
    check_directories(c, p);
    check_run(c, p);
    check_listen(c, p);
    check_tenants(c, p);
    for (size_t i = 0; i < c->plugins.n; i++) {
        struct config_plugin *plugin = config_plugin_at(c, i);
        check_plugin_tenant(c, plugin, p);
        check_plugin_source(c, i, p);
        check_plugin_types(plugin, p);
        check_stamp(&plugin->stamp, p);
    }
}
