#include "plugins/host/describe.h"

#include <stdbool.h>
#include <string.h>

#define NAME_BYTES  32
#define TEXT_BYTES  256
#define OPTIONS_MAX 256
#define VALUES_MAX  256
#define PLUGIN_1_0  (offsetof(struct tendon_plugin, destroy) + sizeof(void (*)(void)))
#define OPTION_1_0  (offsetof(struct tendon_option, values) + sizeof(void *))

static const char *const TYPES[] = {NULL,   "bool", "int",  "duration", "size",   "string",
                                    "enum", "zone", "path", "url",      "secret", "listen"};
static const char *const SHAPES[] = {"one", "list", "map"};

static bool name_is_valid(const char *name, const char *also)
{
    size_t n = name ? strnlen(name, NAME_BYTES + 1) : 0;
    if (n == 0 || n > NAME_BYTES || name[0] < 'a' || name[0] > 'z')
        return false;
    for (size_t i = 1; i < n; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
            !strchr(also, name[i]))
            return false;
    return true;
}

int describe_load(const struct tendon_plugin *entry, struct tendon_plugin *ret, struct error *err)
{
    if (!entry)
        return error_set(err, -EINVAL, "bad_plugin", "the plugin declines to run on a host of ABI %d.%d",
                         TENDON_ABI_MAJOR, TENDON_ABI_MINOR);
    if (entry->magic != TENDON_MAGIC)
        return error_set(err, -EINVAL, "bad_plugin", "the descriptor does not begin with TENDON_MAGIC");
    if (entry->abi >> 16 != TENDON_ABI_MAJOR) {
        error_set(err, -EINVAL, "bad_plugin", "the plugin was built for ABI %u.%u, this host runs %d.x",
                  entry->abi >> 16, entry->abi & 0xffff, TENDON_ABI_MAJOR);
        error_hint(err, "build it with the tendon_plugin.h of this version of Tendon");
        return -EINVAL;
    }
    /* What stood in them at 1.0: no plugin is without it, whatever was added since. */
    if (entry->struct_size < PLUGIN_1_0 || entry->option_size < OPTION_1_0)
        return error_set(err, -EINVAL, "bad_plugin",
                         "the descriptor says it is smaller than that of ABI 1.0");
    memset(ret, 0, sizeof(*ret));
    memcpy(ret, entry, entry->struct_size < sizeof(*ret) ? entry->struct_size : sizeof(*ret));
    if (!ret->create || !ret->start || !ret->poll || !ret->stop || !ret->destroy)
        return error_set(err, -EINVAL, "bad_plugin",
                         "one of the functions create, start, poll, stop and destroy is missing");
    if (!name_is_valid(ret->id, "-"))
        return error_set(err, -EINVAL, "bad_plugin",
                         "the id is not of the form [a-z][a-z0-9-]* with at most %d bytes", NAME_BYTES);
    return 0;
}

/* A text of the plugin's, cut; what is no UTF-8 becomes nothing. */
static json_t *text(const char *s)
{
    size_t n = s ? strnlen(s, TEXT_BYTES) : 0;
    json_t *json = json_stringn(s ? s : "", n);
    return json ? json : json_string("");
}

static int describe_values(const struct tendon_option *o, json_t *entry, struct error *err)
{
    json_t *values = json_array();
    for (size_t i = 0; o->values && o->values[i]; i++) {
        if (i == VALUES_MAX || json_array_append_new(values, text(o->values[i])) < 0) {
            json_decref(values);
            return error_set(err, -EINVAL, "bad_plugin", "option %s has over %d values", o->name, VALUES_MAX);
        }
    }
    if (json_array_size(values) == 0) {
        json_decref(values);
        return error_set(err, -EINVAL, "bad_plugin", "option %s is an enum without values", o->name);
    }
    return json_object_set_new(entry, "values", values);
}

static int describe_option(const struct tendon_option *o, json_t *entry, struct error *err)
{
    if (!name_is_valid(o->name, "_"))
        return error_set(err, -EINVAL, "bad_plugin",
                         "the name of an option is not of the form [a-z][a-z0-9_]* with at most %d bytes",
                         NAME_BYTES);
    if (o->type < TENDON_BOOL || o->type > TENDON_LISTEN || o->shape > TENDON_MAP)
        return error_set(err, -EINVAL, "bad_plugin",
                         "option %s is of a type or shape that this host does not know", o->name);
    if (o->low > o->high || o->n_max > 4096)
        return error_set(err, -EINVAL, "bad_plugin", "option %s has a range that nothing is in", o->name);
    json_object_set_new(entry, "name", json_string(o->name));
    json_object_set_new(entry, "type", json_string(TYPES[o->type]));
    json_object_set_new(entry, "shape", json_string(SHAPES[o->shape]));
    json_object_set_new(entry, "required", json_boolean(o->flags & TENDON_REQUIRED));
    if (o->shape != TENDON_ONE)
        json_object_set_new(entry, "n_max", json_integer(o->n_max ? o->n_max : 256));
    if (o->low || o->high) {
        json_object_set_new(entry, "low", json_integer(o->low));
        json_object_set_new(entry, "high", json_integer(o->high));
    }
    if (o->fallback && o->shape == TENDON_ONE)
        json_object_set_new(entry, "default", text(o->fallback));
    json_object_set_new(entry, "help", text(o->help));
    return o->type == TENDON_ENUM ? describe_values(o, entry, err) : 0;
}

int describe_plugin(const struct tendon_plugin *plugin, json_t **ret, struct error *err)
{
    json_t *document = json_object(), *options = json_array();
    char abi[16];
    (void)snprintf(abi, sizeof(abi), "%u.%u", plugin->abi >> 16, plugin->abi & 0xffff);
    json_object_set_new(document, "id", text(plugin->id));
    json_object_set_new(document, "vendor", text(plugin->vendor));
    json_object_set_new(document, "version", text(plugin->version));
    json_object_set_new(document, "help", text(plugin->help));
    json_object_set_new(document, "abi", json_string(abi));
    json_object_set_new(document, "has_ack", json_boolean(plugin->ack != NULL));
    json_object_set_new(document, "options", options);
    const char *at = (const char *)plugin->options;
    for (unsigned i = 0; at; i++, at += plugin->option_size) {
        struct tendon_option o = {0};
        memcpy(&o, at, plugin->option_size < sizeof(o) ? plugin->option_size : sizeof(o));
        if (!o.name)
            break;
        json_t *entry = json_object();
        int r = json_array_append_new(options, entry) < 0 ? -ENOMEM : describe_option(&o, entry, err);
        for (size_t j = 0; r == 0 && j < i; j++)
            if (strcmp(json_string_value(json_object_get(json_array_get(options, j), "name")), o.name) == 0)
                r = error_set(err, -EINVAL, "bad_plugin", "option %s stands twice in the table", o.name);
        if (r == 0 && i == OPTIONS_MAX)
            r = error_set(err, -EINVAL, "bad_plugin", "the option table has no end within %d entries",
                          OPTIONS_MAX);
        if (r < 0) {
            json_decref(document);
            return r;
        }
    }
    if (!document)
        return error_set(err, -ENOMEM, "no_memory", "no memory to describe the plugin");
    *ret = document;
    return 0;
}
