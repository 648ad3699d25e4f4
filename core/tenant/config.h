/* The daemon's configuration: tendond.conf(5), read, checked and whole.
 *
 * The tables in config.c say what each key is called, takes and means; the manual page is made from them. A
 * struct config never changes after it was read: a reload reads a second one and puts it in place of the
 * first or, when anything is wrong with it, leaves everything as it was. */
#ifndef TENDON_TENANT_CONFIG_H
#define TENDON_TENANT_CONFIG_H

#include "core/base/config_table.h"
#include "core/store/store.h"
#include "core/tenant/limit.h"
#include "proto/event.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CONFIG_TENANTS_MAX 1024
#define CONFIG_PLUGINS_MAX 1024
#define CONFIG_LISTEN_MAX  16
#define CONFIG_FORWARD_MAX 64
#define CONFIG_MAPS_BYTES  (100ll << 40) /* address space that all stores together may map */

#define RETENTION_LOW_MS  86400000ll
#define RETENTION_HIGH_MS (100ll * 366 * 86400000)

struct config_retention {
    const struct config_node *node;
    int64_t log_ms, facts_ms; /* 0: for ever */
};

struct config_limits {
    const struct config_node *node;
    struct tenant_limits value;
};

/* An SLA policy; what stands under `where` is read with config_policy.h. */
struct config_policy {
    const struct config_node *node;
    char *policy;
    unsigned metric; /* enum event_metric − 1 */
    int64_t target_ms;
    unsigned clock; /* enum event_clock − 1 */
    char *calendar; /* or NULL */
    json_t *where;  /* a map, or NULL */
};

struct config_tenant {
    const struct config_node *node;
    char *name;
    char *zone;
    struct config_texts dimensions;
    struct config_texts closed;
    struct config_texts nearshore;
    char *calendar;         /* or NULL */
    struct config_list sla; /* struct config_policy */
    struct config_texts not_level1;
    struct config_texts plugin_keys; /* "ed25519:…" */
    struct config_retention retention;
    struct config_limits limits;
};

struct config_stamp {
    const struct config_node *node;
    char *vendor;     /* or NULL */
    char *outsourcer; /* or NULL */
};

/* The keys are those of struct supervise_limits; 0: the ABI's. */
struct config_plugin_limits {
    const struct config_node *node;
    int64_t memory_bytes;
    int64_t load_ms, create_ms, start_ms, poll_ms, ack_ms, stop_ms, destroy_ms;
};

struct config_plugin {
    const struct config_node *node;
    char *source;
    char *tenant; /* NULL: the only one (config_plugin_tenant) */
    char *plugin;
    char *namespace; /* NULL: the source's name */
    struct config_texts types;
    uint32_t type_bits; /* of types, or the default ones */
    struct config_stamp stamp;
    json_t *options; /* a map, or NULL */
    struct config_plugin_limits limits;
    bool enabled;
};

struct config_forward {
    const struct config_node *node;
    char *tenant;
    char *to;         /* tcp://ADDRESS:PORT */
    char *server_key; /* Z85 */
    char *site;
    int64_t hold_ms;
};

struct config {
    const struct config_node *node;
    char *data;
    char *run;
    char *keys;
    struct config_texts listen;
    struct config_texts plugin_path;
    struct config_texts plugin_unsigned; /* directories of it */
    char *plugin_user;                   /* whom plugins run as when tendond runs as root, or NULL */
    int64_t plugin_backoff_ms;
    char *plugin_host;  /* the program, or NULL: beside tendond or as it was installed */
    unsigned log_level; /* enum log_level */
    int64_t committers;
    int64_t query_threads;
    int64_t query_queue;
    int64_t connections;
    int64_t credit_bytes;
    struct config_list tenants; /* struct config_tenant */
    struct config_list plugins; /* struct config_plugin */
    struct config_list forward; /* struct config_forward */
    struct config_node *tree;
    atomic_uint references;
};

extern const struct config_section CONFIG_DAEMON;

/* Reads and checks a file; NULL when anything is wrong, and then the problems say what. */
struct config *config_read(const char *path, struct config_problems *p);
/* The same for text in memory. */
struct config *config_parse(const char *text, size_t size, struct config_problems *p);
/* Counted: who keeps it takes a reference. NULL is fine. */
struct config *config_ref(struct config *c);
void config_unref(struct config *c);

static inline struct config_tenant *config_tenant_at(const struct config *c, size_t i)
{
    return (struct config_tenant *)c->tenants.at + i;
}

static inline struct config_policy *config_policy_at(const struct config_tenant *t, size_t i)
{
    return (struct config_policy *)t->sla.at + i;
}

static inline struct config_plugin *config_plugin_at(const struct config *c, size_t i)
{
    return (struct config_plugin *)c->plugins.at + i;
}

static inline struct config_forward *config_forward_at(const struct config *c, size_t i)
{
    return (struct config_forward *)c->forward.at + i;
}

/* The name of the plugin's tenant. */
const char *config_plugin_tenant(const struct config *c, const struct config_plugin *plugin);

#endif
