/* Conformance tests of the shared object and of what it says of itself. */
#include "core/ingest/pattern.h"
#include "plugins/host/conform/conform.h"
#include "plugins/host/conform/object.h"
#include "plugins/host/instance.h"
#include "plugins/host/sandbox.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct symbols {
    char exported[128], lacking[128]; /* the first that should not be */
    unsigned n_exported, n_lacking;
    bool has_entry;
};

static void take_symbol(void *ctx, const char *name, int exported)
{
    struct symbols *s = ctx;
    if (!exported) {
        if (s->n_lacking++ == 0)
            (void)snprintf(s->lacking, sizeof(s->lacking), "%s", name);
    } else if (strcmp(name, "tendon_plugin_entry") == 0) {
        s->has_entry = true;
    } else if (s->n_exported++ == 0) {
        (void)snprintf(s->exported, sizeof(s->exported), "%s", name);
    }
}

static enum verdict read_symbols(struct conform *c, struct symbols *ret)
{
    struct error err = ERROR_INIT;
    *ret = (struct symbols){.has_entry = false};
    if (object_read(c->plugin, take_symbol, ret, &err) < 0)
        return conform_fail(c, "%s", err.message);
    return VERDICT_PASSED;
}

static enum verdict test_exports(struct conform *c)
{
    struct symbols s;
    if (read_symbols(c, &s) != VERDICT_PASSED)
        return VERDICT_FAILED;
    if (!s.has_entry)
        return conform_fail(c, "tendon_plugin_entry is not exported");
    if (s.n_exported)
        return conform_fail(c, "%u symbols are exported besides tendon_plugin_entry, the first is %s",
                            s.n_exported, s.exported);
    return VERDICT_PASSED;
}

static enum verdict test_imports(struct conform *c)
{
    struct symbols s;
    if (read_symbols(c, &s) != VERDICT_PASSED)
        return VERDICT_FAILED;
    if (s.n_lacking)
        return conform_fail(c, "%u symbols are undefined that no library it names brings, the first is %s",
                            s.n_lacking, s.lacking);
    return VERDICT_PASSED;
}

static enum verdict test_load(struct conform *c)
{
    struct error err = ERROR_INIT;
    struct instance instance = {.path = c->plugin};
    json_t *description;
    if (instance_describe(&instance, &description, &err) < 0)
        return conform_fail(c, "%s%s%s", err.message, *err.hint ? "; " : "", err.hint);
    json_decref(description);
    return VERDICT_PASSED;
}

/* In this process, which is the test's own and goes into the sandbox for it. */
static enum verdict test_entry(struct conform *c)
{
    char folder[PATH_MAX];
    struct error err = ERROR_INIT;
    bool has_landlock;
    (void)snprintf(folder, sizeof(folder), "%s", c->plugin);
    const char *path = dirname(folder);
    struct sandbox_options options = {.paths = &path, .n_paths = 1};
    if (sandbox_enter(&options, &has_landlock, &err) < 0 || sandbox_seal(&err) < 0)
        return conform_fail(c, "%s", err.message);
    void *object = dlopen(c->plugin, RTLD_NOW | RTLD_LOCAL);
    const struct tendon_plugin *(*entry)(uint32_t) = NULL;
    if (object)
        *(void **)&entry = dlsym(object, "tendon_plugin_entry");
    const struct tendon_plugin *first = entry ? entry(TENDON_ABI) : NULL;
    if (!first)
        return conform_skip(c, "the plugin cannot be loaded");
    struct tendon_plugin copy = {.magic = 0};
    size_t n = first->struct_size < sizeof(copy) ? first->struct_size : sizeof(copy);
    memcpy(&copy, first, n);
    for (unsigned i = 0; i < 1000; i++) {
        /* Hosts to come, and those that were. */
        const struct tendon_plugin *again = entry(i % 2 ? TENDON_ABI : TENDON_ABI + 1 + i);
        if (!again && i % 2 == 0)
            return conform_fail(c, "entry refuses a host whose ABI is newer in minor: %d.%u",
                                TENDON_ABI_MAJOR, TENDON_ABI_MINOR + 1 + i);
        if (again != first || memcmp(again, &copy, n) != 0)
            return conform_fail(c, "entry gives another descriptor when it is called again");
    }
    /* A host of another major, and none at all: no more than NULL is asked for. */
    (void)entry((TENDON_ABI_MAJOR + 1) << 16);
    (void)entry(0);
    return VERDICT_PASSED;
}

static bool is_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && *text;
}

static enum verdict test_describe(struct conform *c)
{
    static const char *const TEXTS[] = {"vendor", "version", "help"};
    size_t i;
    json_t *option;
    if (!c->description)
        return conform_skip(c, "the plugin cannot be loaded");
    for (i = 0; i < sizeof(TEXTS) / sizeof(*TEXTS); i++)
        if (!is_text(c->description, TEXTS[i]))
            return conform_fail(c, "the descriptor has no %s", TEXTS[i]);
    json_array_foreach(json_object_get(c->description, "options"), i, option)
    {
        const char *name = json_string_value(json_object_get(option, "name"));
        const char *help = json_string_value(json_object_get(option, "help"));
        if (!help || !*help)
            return conform_fail(c, "option %s has no help", name);
        if (pattern_is_personal(help, strlen(help)))
            return conform_fail(
                c,
                "the help of option %s has an address or the like in it: errors that show it are "
                "withheld",
                name);
    }
    return VERDICT_PASSED;
}

const struct conform_test CONFORM_LOAD[] = {
    {"exports",
     "A plugin exports tendon_plugin_entry and nothing else. Every further symbol can collide with one of "
     "another "
     "library, which the loader then resolves to the wrong one without a word. Build with "
     "-fvisibility=hidden.",
     test_exports},
    {"imports",
     "A plugin has no undefined symbols but those of the libraries that it names as needed. What it lacks is "
     "found "
     "at best by accident, in a library that this host happens to have loaded, and is gone with the next "
     "version. "
     "Link with -Wl,-z,defs.",
     test_imports},
    {"load",
     "The host loads the plugin in its sandbox and takes its descriptor: magic, ABI, all functions, an id, a "
     "table of "
     "options that makes sense. A constructor that opens a file or a socket fails there.",
     test_load},
    {"entry",
     "entry is pure: the same descriptor every time, without work, for every host of the plugin's major ABI, "
     "also one "
     "that is newer in minor: such a host runs the plugin as it is. It is called before anything is known.",
     test_entry},
    {"describe",
     "The vendor, the version, and a sentence on the plugin and on each option are what an operator has in "
     "`tendon plugin show` when he writes a configuration.",
     test_describe},
    {NULL},
};
