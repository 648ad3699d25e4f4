#include "core/tenant/config.h"

#include "core/fold/policy.h"
#include "core/tenant/config_check.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a)  (sizeof(a) / sizeof(*(a)))
#define KEY(s, m) .offset = offsetof(struct s, m)
#define LIMIT(m)  .offset = offsetof(struct config_limits, value.m)

static const char *const LOG_LEVELS[] = {"error", "warning", "info", "debug", NULL};

static const struct config_key LIMIT_KEYS[] = {
    {"stored_bytes", CONFIG_SIZE, LIMIT(stored_bytes), .preset = "64GiB", .low = 16 << 20, .high = 16ll << 40,
     .help =
         "How much the tenant may keep on disk. At the limit its sources are told disk_full and keep what "
         "they have; queries go on. A change holds at once, but up to twice the value at the start at most."},
    {"hot_events", CONFIG_INT, LIMIT(hot_events), .low = 1000, .high = 50000000,
     .help = "Events taken before they are sealed into blocks on disk; tickets that stay in memory have up "
             "to twice as many, up to five times where tickets come back. Left out: 262,144. More memory, "
             "fewer and larger blocks. A change holds from the next start on."},
    {"query_time", CONFIG_DURATION, LIMIT(query_time), .preset = "5s", .low = 100, .high = 3600000,
     .help = "How long one query may run."},
    {"result_rows", CONFIG_INT, LIMIT(result_rows), .preset = "100000", .low = 1, .high = 10000000,
     .help = "Rows of one answer, at most."},
    {"events_per_second", CONFIG_INT, LIMIT(events_per_second), .low = 1, .high = 10000000,
     .help = "Events that its sources may send, all together, over time. A batch beyond it is answered with "
             "over_rate and "
             "when to send it again; nothing of it is lost at its source. Left out: as many as there are."},
    {"burst", CONFIG_INT, LIMIT(burst), .low = 1, .high = 1000000000,
     .help = "Events that may come at once after a silence. Left out: what events_per_second gives in ten "
             "seconds."},
    {"sources", CONFIG_INT, LIMIT(sources), .preset = "1024", .low = 1, .high = 65536,
     .help = "Sources that it may have; one more is told too_many_sources."},
    {"connections", CONFIG_INT, LIMIT(connections), .preset = "1024", .low = 1, .high = 65536,
     .help = "Connections of its keys and plugins at a time. What comes over one more is answered with "
             "too_many_connections, and the connection ended."},
    {"queries", CONFIG_INT, LIMIT(queries), .low = 1, .high = 64,
     .help = "Questions to it that are answered at a time; others wait their turn. Left out: while there are "
             "other "
             "tenants, one thread fewer than query_threads, at least one."},
};

static const struct config_key RETENTION_KEYS[] = {
    {"log", CONFIG_DURATION, KEY(config_retention, log_ms), .low = RETENTION_LOW_MS,
     .high = RETENTION_HIGH_MS,
     .help =
         "How long the events of a ticket are kept after its newest one, once it is done: 400d. Then they "
         "leave the log; its figures stay as they are, and a further event for it is rejected as frozen. "
         "Left out: for ever."},
    {"facts", CONFIG_DURATION, KEY(config_retention, facts_ms), .low = RETENTION_LOW_MS,
     .high = RETENTION_HIGH_MS,
     .help =
         "How long its figures stay after that event, at least as long as log: 1100d. An event older "
         "than this is rejected as too_old; then the ticket is forgotten, and a later event for it begins a "
         "new one. Left out: for ever."},
};

static const struct config_section RETENTION = {"retention", sizeof(struct config_retention), RETENTION_KEYS,
                                                COUNT(RETENTION_KEYS)};

static const struct config_section LIMITS = {"limits", sizeof(struct config_limits), LIMIT_KEYS,
                                             COUNT(LIMIT_KEYS)};

static const char *const METRICS[] = {ENUM_METRIC, NULL};
static const char *const CLOCKS[] = {ENUM_CLOCK, NULL};

static const struct config_key POLICY_KEYS[] = {
    {"policy", CONFIG_TEXT, KEY(config_policy, policy), .required = true,
     .help = "What answers call it: a code. Several entries may share one, such as the first response and "
             "the resolution of one contract."},
    {"metric", CONFIG_ENUM, KEY(config_policy, metric), .values = METRICS, .required = true,
     .help = "What has the target: first_response_time, next_response_time, time_to_acknowledge, "
             "first_resolution_time, requester_wait_time or support_work_time."},
    {"target", CONFIG_DURATION, KEY(config_policy, target_ms), .low = 1,
     .high = EVENT_DURATION_MAX_S * 1000ll, .required = true,
     .help = "How long it may take: that long to the millisecond is still met."},
    {"clock", CONFIG_ENUM, KEY(config_policy, clock), .values = CLOCKS, .required = true,
     .help = "wall counts all time, business only that of a calendar."},
    {"calendar", CONFIG_TEXT, KEY(config_policy, calendar),
     .help = "With clock business: the calendar that counts (tendon calendar import). Left out: the one of "
             "the ticket's site, else the tenant's."},
    {"where", CONFIG_JSON, KEY(config_policy, where),
     .help = "Which tickets: dimensions, built-in or declared, each with a value or a list of values of "
             "which the ticket must have one. Left out: all tickets."},
};

static const struct config_section POLICY = {"a policy", sizeof(struct config_policy), POLICY_KEYS,
                                             COUNT(POLICY_KEYS)};

/* Each dimension once: the eight of FIELDS that are strings, and the tenant's own. */
#define CLOSED_MAX (8 + EVENT_DECLARED_MAX)

static const struct config_key TENANT_KEYS[] = {
    {"name", CONFIG_NAME, KEY(config_tenant, name), .required = true,
     .help = "The tenant's name, once and for all: a-z, 0-9, \".\", \"_\" and \"-\"."},
    {"zone", CONFIG_TEXT, KEY(config_tenant, zone), .preset = "UTC",
     .help = "IANA time zone in which the tenant's days, weeks and months begin: America/Chicago."},
    {"dimensions", CONFIG_TEXTS, KEY(config_tenant, dimensions), .high = EVENT_DECLARED_MAX,
     .help = "Dimensions of the tenant's own, beside the built-in ones. A dimension that was declared once "
             "stays declared; all that ever were count."},
    {"closed", CONFIG_TEXTS, KEY(config_tenant, closed), .high = CLOSED_MAX,
     .help =
         "Dimensions that take only imported values: site (tendon site import), team (tendon team import), "
         "vendor, product, module, version, category, requester_role and the tenant's own (tendon code "
         "import). An event with another value is rejected as closed_dimension, and the value is neither "
         "kept nor said. Until something is imported every value is."},
    {"nearshore", CONFIG_TEXTS, KEY(config_tenant, nearshore), .high = 64,
     .help =
         "Countries (two letters) from which support counts as nearshore, neither domestic nor offshore."},
    {"calendar", CONFIG_TEXT, KEY(config_tenant, calendar),
     .help = "The calendar whose hours count as business time where a ticket's site names none: one that "
             "tendon calendar import loads, before or after this. Left out: such tickets have no business "
             "clock."},
    {"sla", CONFIG_SECTIONS, KEY(config_tenant, sla), .high = POLICIES_MAX, .section = &POLICY,
     .help = "Targets for tickets whose source sends none: of each metric's policies the first that matches "
             "holds. See SLA POLICIES."},
    {"not_level1", CONFIG_TEXTS, KEY(config_tenant, not_level1), .high = 64,
     .help = "Categories that the first level of support cannot solve: their tickets are in no "
             "first_contact_resolution."},
    {"plugin_keys", CONFIG_TEXTS, KEY(config_tenant, plugin_keys), .high = 64,
     .help =
         "Public keys (ed25519:...) whose holders may sign plugins that run for this tenant; tendon plugin "
         "verify says whose a plugin is. See PLUGINS."},
    {"retention", CONFIG_SECTION, KEY(config_tenant, retention), .section = &RETENTION,
     .help = "How long tickets are kept. What is due leaves once a day, after midnight UTC. What tendon "
             "tenant retention sets "
             "counts in place of it."},
    {"limits", CONFIG_SECTION, KEY(config_tenant, limits), .section = &LIMITS,
     .help = "What the tenant may use. What tendon tenant limit sets counts in place of it."},
};

static const struct config_section TENANT = {"a tenant", sizeof(struct config_tenant), TENANT_KEYS,
                                             COUNT(TENANT_KEYS)};

static const struct config_key STAMP_KEYS[] = {
    {"vendor", CONFIG_TEXT, KEY(config_stamp, vendor),
     .help =
         "The vendor this source speaks for. An event without one gets it, one with another is rejected."},
    {"outsourcer", CONFIG_TEXT, KEY(config_stamp, outsourcer),
     .help = "The outsourcer this source speaks for: an event with a team that the team table gives to "
             "another employer is rejected as foreign_team."},
};

static const struct config_section STAMP = {"a stamp", sizeof(struct config_stamp), STAMP_KEYS,
                                            COUNT(STAMP_KEYS)};

static const struct config_key PLUGIN_LIMIT_KEYS[] = {
    {"memory", CONFIG_SIZE, KEY(config_plugin_limits, memory_bytes), .preset = "1GiB", .low = 16 << 20,
     .high = 1ll << 40, .help = "Memory of the plugin's process. What goes beyond is not given to it."},
    {"load", CONFIG_DURATION, KEY(config_plugin_limits, load_ms), .preset = "5s", .low = 100, .high = 60000,
     .help = "How long loading may take, with all that the plugin does in constructors."},
    {"create", CONFIG_DURATION, KEY(config_plugin_limits, create_ms), .preset = "2s", .low = 100,
     .high = 60000, .help = "How long its create may take."},
    {"start", CONFIG_DURATION, KEY(config_plugin_limits, start_ms), .preset = "30s", .low = 100,
     .high = 600000, .help = "How long its start may take."},
    {"poll", CONFIG_DURATION, KEY(config_plugin_limits, poll_ms), .preset = "5s", .low = 100, .high = 600000,
     .help = "How much longer than the second that it is given a poll may take."},
    {"ack", CONFIG_DURATION, KEY(config_plugin_limits, ack_ms), .preset = "2s", .low = 100, .high = 60000,
     .help = "How long its ack may take."},
    {"stop", CONFIG_DURATION, KEY(config_plugin_limits, stop_ms), .preset = "5s", .low = 100, .high = 30000,
     .help = "How long its stop may take."},
    {"destroy", CONFIG_DURATION, KEY(config_plugin_limits, destroy_ms), .preset = "2s", .low = 100,
     .high = 30000, .help = "How long its destroy may take."},
};

static const struct config_section PLUGIN_LIMITS = {"limits", sizeof(struct config_plugin_limits),
                                                    PLUGIN_LIMIT_KEYS, COUNT(PLUGIN_LIMIT_KEYS)};

static const struct config_key PLUGIN_KEYS[] = {
    {"source", CONFIG_NAME, KEY(config_plugin, source), .required = true,
     .help =
         "The name under which its events are kept, once and for all; its resume position belongs to it."},
    {"tenant", CONFIG_NAME, KEY(config_plugin, tenant),
     .help = "Whose events these are. May be left out when there is one tenant."},
    {"plugin", CONFIG_NAME, KEY(config_plugin, plugin), .required = true,
     .help = "Which plugin: the file NAME.so of plugin_path."},
    {"namespace", CONFIG_NAME, KEY(config_plugin, namespace),
     .help = "Sources that speak of the same help desk's tickets share one. Left out: the source's name."},
    {"types", CONFIG_TEXTS, KEY(config_plugin, types), .high = 64,
     .help =
         "Event types it may send, by name or family (survey.*). Left out: ticket.*, sla.*, contact.* and "
         "source.watermark."},
    {"stamp", CONFIG_SECTION, KEY(config_plugin, stamp), .section = &STAMP,
     .help = "Who the source is; what it says of itself must agree."},
    {"options", CONFIG_JSON, KEY(config_plugin, options),
     .help = "The plugin's own options; tendon plugin show NAME lists them."},
    {"limits", CONFIG_SECTION, KEY(config_plugin, limits), .section = &PLUGIN_LIMITS,
     .help = "What its process may use, and how long its calls may take: one that takes longer is killed and "
             "counts as a crash (tendon-plugin-host(8))."},
    {"enabled", CONFIG_BOOL, KEY(config_plugin, enabled), .preset = "true",
     .help = "false keeps the instance from running."},
};

static const struct config_section PLUGIN = {"a plugin", sizeof(struct config_plugin), PLUGIN_KEYS,
                                             COUNT(PLUGIN_KEYS)};

static const struct config_key FORWARD_KEYS[] = {
    {"tenant", CONFIG_NAME, KEY(config_forward, tenant), .required = true,
     .help = "Which tenant. At the centre there must be one of any name with the same key (tenant-NAME.key), "
             "dimensions, SLA policies and calendar."},
    {"to", CONFIG_TEXT, KEY(config_forward, to), .required = true,
     .help = "Where the central collector listens: tcp://central.example:7780."},
    {"server_key", CONFIG_TEXT, KEY(config_forward, server_key), .required = true,
     .help = "Its public key, as tendon key server prints it there."},
    {"site", CONFIG_NAME, KEY(config_forward, site), .required = true,
     .help =
         "What this site is called there: sources are shown as SITE/NAME. The name that its key was granted "
         "with."},
    {"hold", CONFIG_DURATION, KEY(config_forward, hold_ms), .preset = "30d", .low = 3600000,
     .high = RETENTION_HIGH_MS,
     .help =
         "How long what is not delivered is kept, and tickets wait with leaving the log before all that was "
         "there is delivered for the first time. After that what is there is sent once more from the "
         "beginning."},
};

static const struct config_section FORWARD = {"a forwarding", sizeof(struct config_forward), FORWARD_KEYS,
                                              COUNT(FORWARD_KEYS)};

static const struct config_key DAEMON_KEYS[] = {
    {"data", CONFIG_PATH, KEY(config, data), .preset = "/var/lib/tendon", .restart = true,
     .help = "Directory of the stores: one folder a tenant, one for control. Made when missing, mode 0700."},
    {"run", CONFIG_PATH, KEY(config, run), .preset = "/run/tendon", .restart = true,
     .help = "Directory of the local sockets, mode 0700: control.sock for the command line tool, hosts.sock "
             "for the plugin hosts that the daemon starts."},
    {"keys", CONFIG_PATH, KEY(config, keys), .preset = "/etc/tendon/keys", .restart = true,
     .help = "Directory of the secret keys, never under data: server.key, audit.key and one tenant-NAME.key "
             "a tenant, "
             "each mode 0600 and made when missing. Who has the data without the keys cannot tell whose "
             "tickets they are; who loses a tenant's key loses its data."},
    {"listen", CONFIG_TEXTS, KEY(config, listen), .high = CONFIG_LISTEN_MAX, .restart = true,
     .help = "Where sources on other machines connect: tcp://ADDRESS:PORT, encrypted with CURVE, for keys "
             "that were granted (tendon key grant). Left out: nowhere."},
    {"plugin_path", CONFIG_PATHS, KEY(config, plugin_path), .preset = "/usr/lib/tendon/plugins", .high = 64,
     .help = "Directories where plugins are looked for, in order."},
    {"plugin_unsigned", CONFIG_PATHS, KEY(config, plugin_unsigned), .preset = "/usr/lib/tendon/plugins",
     .high = 64,
     .help =
         "Directories of plugin_path whose plugins need no signature: who can write there decides what is "
         "loaded. A plugin anywhere else must be signed by one of its tenant's plugin_keys."},
    {"plugin_host", CONFIG_PATH, KEY(config, plugin_host), .restart = true,
     .help = "The program tendon-plugin-host. Left out: beside tendond, else where it was installed."},
    {"plugin_user", CONFIG_NAME, KEY(config, plugin_user), .restart = true,
     .help = "The user whom plugins run as when tendond runs as root; it must be able to read their files. "
             "Left out: each instance runs as a user of no name and reads just what its path options name. "
             "When tendond runs as another user, so do plugins."},
    {"plugin_backoff", CONFIG_DURATION, KEY(config, plugin_backoff_ms), .preset = "1s", .low = 10,
     .high = 60000, .restart = true,
     .help = "How long a plugin that died waits before it is started again; twice as long after each further "
             "time, up to a minute."},
    {"log_level", CONFIG_ENUM, KEY(config, log_level), .preset = "info", .values = LOG_LEVELS,
     .help = "The most talkative level that is logged: error, warning, info or debug."},
    {"committers", CONFIG_INT, KEY(config, committers), .preset = "8", .low = 1, .high = 64, .restart = true,
     .help = "Threads that decode, commit and fold; a tenant is on one of them at a time."},
    {"query_threads", CONFIG_INT, KEY(config, query_threads), .preset = "2", .low = 1, .high = 64,
     .restart = true,
     .help = "Threads that answer queries and administrative requests; so many, but no more than there are "
             "processors, may work on one query."},
    {"query_queue", CONFIG_INT, KEY(config, query_queue), .preset = "256", .low = 1, .high = 65536,
     .restart = true,
     .help = "Requests that may wait for one of those threads; more are told to come again."},
    {"connections", CONFIG_INT, KEY(config, connections), .preset = "1024", .low = 16, .high = 65536,
     .restart = true, .help = "Connections that the daemon makes room for."},
    {"credit", CONFIG_SIZE, KEY(config, credit_bytes), .preset = "64MiB", .low = 1 << 20, .high = 4ll << 30,
     .restart = true,
     .help = "Batches under way, in bytes, over all sources together: the bound of the ingest's memory."},
    {"tenants", CONFIG_SECTIONS, KEY(config, tenants), .high = CONFIG_TENANTS_MAX, .section = &TENANT,
     .help = "Tenants. One that is named here is made when missing; taking it out of the file removes "
             "nothing (tendon tenant remove does), and tendon tenant add makes others."},
    {"forward", CONFIG_SECTIONS, KEY(config, forward), .high = CONFIG_FORWARD_MAX, .section = &FORWARD,
     .help = "Tenants that are forwarded to a central collector. See FORWARDING."},
    {"plugins", CONFIG_SECTIONS, KEY(config, plugins), .high = CONFIG_PLUGINS_MAX, .section = &PLUGIN,
     .help = "Plugin instances, each in processes of its own."},
};

const struct config_section CONFIG_DAEMON = {"the configuration", sizeof(struct config), DAEMON_KEYS,
                                             COUNT(DAEMON_KEYS)};

const char *config_plugin_tenant(const struct config *c, const struct config_plugin *plugin)
{
    if (plugin->tenant)
        return plugin->tenant;
    return c->tenants.n == 1 ? config_tenant_at(c, 0)->name : NULL;
}

static struct config *config_of_tree(struct config_node *tree, struct config_problems *p)
{
    if (!tree)
        return NULL;
    struct config *c = calloc(1, sizeof(*c));
    if (!c) {
        config_node_free(tree);
        config_problem(p, NULL, "out of memory");
        return NULL;
    }
    c->tree = tree;
    atomic_init(&c->references, 1);
    config_section_read(&CONFIG_DAEMON, tree, c, p);
    config_check(c, p);
    if (p->n > 0) {
        config_unref(c);
        return NULL;
    }
    return c;
}

struct config *config_read(const char *path, struct config_problems *p)
{
    return config_of_tree(config_tree_read(path, p), p);
}

struct config *config_parse(const char *text, size_t size, struct config_problems *p)
{
    return config_of_tree(config_tree_parse(text, size, p), p);
}

struct config *config_ref(struct config *c)
{
    atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void config_unref(struct config *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    config_section_fini(&CONFIG_DAEMON, c);
    config_node_free(c->tree);
    free(c);
}
