#include "core/daemon.h"

#include "core/base/directory.h"
#include "core/base/instant.h"
#include "core/base/quantity.h"
#include "core/forward/forwarder.h"
#include "core/forward/refusals.h"
#include "core/ingest/committer.h"
#include "core/ingest/server.h"
#include "core/ingest/zap.h"
#include "core/supervise/supervise.h"
#include "core/tenant/audit.h"
#include "core/tenant/control.h"
#include "core/tenant/dispatch.h"
#include "core/tenant/plugin_audit.h"
#include "core/tenant/plugin_instance.h"
#include "core/tenant/plugin_path.h"
#include "core/tenant/plugin_trust.h"
#include "core/tenant/reject_audit.h"
#include "core/tenant/tenant.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define LOCK_WAIT_MS 2000
#define HOSTS_END_MS 3000 /* after a host was killed, until it is known to be gone */

struct daemon {
    struct config *config;
    struct logger *logger;
    int lock_fd;
    char plugin_host[PATH_MAX];
    char secret[CURVE_KEY_BYTES], public_key[CURVE_KEY_BYTES];
    struct control *control;
    struct audit *audit;
    struct plugin_audit *plugins_recorded;
    json_t *rejects_recorded;
    struct tenants *tenants;
    struct committer *committer;
    void *zmq;
    struct zap *zap;
    /* The operators' requests have threads of their own: nobody else can keep them waiting. */
    struct dispatch *dispatch, *data_dispatch;
    struct server *_Atomic control_server, *_Atomic data_server;
    struct supervisor *_Atomic supervisor;
    struct forwarders *_Atomic forwarders;
};

/* --- who is who --- */

static int resolve(void *ctx, const char *user_id, struct grant *ret)
{
    struct daemon *d = ctx;
    int64_t number;
    if (strncmp(user_id, "key:", 4) == 0)
        return control_resolve(d->control, user_id + 4, ret);
    if (strncmp(user_id, "uid:", 4) == 0 && quantity_int(user_id + 4, 0, UINT32_MAX, &number) == 0 &&
        (number == 0 || number == (int64_t)geteuid())) {
        *ret = (struct grant){.role = ROLE_OPERATOR};
        (void)snprintf(ret->name, sizeof(ret->name), "uid:%u", (unsigned)number);
        return 0;
    }
    if (strncmp(user_id, "pid:", 4) == 0) {
        char pid[16];
        size_t n = strcspn(user_id + 4, ":");
        struct supervisor *supervisor = atomic_load(&d->supervisor);
        (void)snprintf(pid, sizeof(pid), "%.*s", (int)n, user_id + 4);
        if (supervisor && n < sizeof(pid) && quantity_int(pid, 1, INT32_MAX, &number) == 0)
            return supervisor_resolve(supervisor, (pid_t)number, ret);
    }
    return -ENOENT;
}

static json_t *server_json(const char *name, struct server *server)
{
    struct server_statistics s = {0};
    server_statistics(server, &s);
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "server", name,
                     "listening", (int)s.is_listening, "connections", (json_int_t)s.connections, "sessions",
                     (json_int_t)s.sessions, "messages", (json_int_t)s.messages, "bytes", (json_int_t)s.bytes,
                     "malformed", (json_int_t)s.malformed, "multipart", (json_int_t)s.multipart, "endless",
                     (json_int_t)s.endless, "over_rate", (json_int_t)s.over_rate, "refused",
                     (json_int_t)s.refused, "unsent", (json_int_t)s.unsent, "credit_reserved",
                     (json_int_t)s.credit_reserved);
}

static json_t *servers_json(void *ctx)
{
    struct daemon *d = ctx;
    struct server *control = atomic_load(&d->control_server), *data = atomic_load(&d->data_server);
    json_t *list = json_array();
    if (list && control)
        (void)json_array_append_new(list, server_json("control", control));
    if (list && data)
        (void)json_array_append_new(list, server_json("data", data));
    return list;
}

static json_t *forwarding_json(void *ctx)
{
    struct daemon *d = ctx;
    struct forwarders *forwarders = atomic_load(&d->forwarders);
    return forwarders ? forwarders_status(forwarders) : json_array();
}

/* --- the process --- */

/* One daemon a data directory: the lock is the kernel's and ends with the process, however it ends. One that
 * was killed a moment ago may still hold it while the kernel takes it apart. */
static int take_lock(int fd)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int64_t end = instant_monotonic_ms() + LOCK_WAIT_MS;
    while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if ((errno != EAGAIN && errno != EACCES) || instant_monotonic_ms() >= end)
            return -errno;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static int lock_data(struct daemon *d, struct error *err)
{
    char path[PATH_MAX], text[32] = "";
    if (snprintf(path, sizeof(path), "%s/lock", d->config->data) >= (int)sizeof(path))
        return error_set(err, -ENAMETOOLONG, "directory", "the path of data is too long");
    d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d->lock_fd < 0)
        return error_set(err, -errno, "lock", "%s cannot be opened: %s", path, strerror(errno));
    if (take_lock(d->lock_fd) < 0) {
        ssize_t n = read(d->lock_fd, text, sizeof(text) - 1);
        text[n > 0 ? strspn(text, "0123456789") : 0] = '\0';
        error_set(err, -EBUSY, "lock", "another tendond%s%s%s works on %s", *text ? " (pid " : "", text,
                  *text ? ")" : "", d->config->data);
        error_hint(err, "stop it first, or give this one another data directory");
        return -EBUSY;
    }
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(d->lock_fd, 0) < 0 || write(d->lock_fd, text, (size_t)n) != n)
        return error_set(err, -EIO, "lock", "%s cannot be written: %s", path, strerror(errno));
    return 0;
}

/* Three descriptors a tenant's environment, a connection each, a few a host, and some of our own. */
static void raise_descriptors(const struct daemon *d)
{
    struct rlimit limit;
    rlim_t wanted =
        (rlim_t)d->config->connections + 8 * d->config->tenants.n + 8 * d->config->plugins.n + 256;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
        log_warning(d->logger, "daemon", "few_descriptors", "limit=%llu wanted=%llu",
                    (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
}

/* The plugin host: as configured, beside this program, in the tree it was built in, or as installed. */
static void find_plugin_host(const struct config *config, char room[PATH_MAX])
{
    static const char *const PLACES[] = {"tendon-plugin-host", "../plugins/host/tendon-plugin-host"};
    char self[PATH_MAX - 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (config->plugin_host) {
        (void)snprintf(room, PATH_MAX, "%s", config->plugin_host);
        return;
    }
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof(PLACES) / sizeof(*PLACES); i++) {
        (void)snprintf(room, PATH_MAX, "%s/%s", self, PLACES[i]);
        if (access(room, X_OK) == 0)
            return;
    }
    (void)snprintf(room, PATH_MAX, "%s/tendon-plugin-host", TENDON_LIBEXECDIR);
}

/* --- plugins --- */

static int plugin_user(const struct config *config, struct supervisor_options *ret, struct error *err)
{
    if (!config->plugin_user || geteuid() != 0)
        return 0;
    const struct passwd *user = getpwnam(config->plugin_user);
    if (!user)
        return error_set(err, -ENOENT, "unknown_user", "this machine has no user \"%s\" (plugin_user)",
                         config->plugin_user);
    if (user->pw_uid == 0) {
        error_set(err, -EINVAL, "bad_user", "plugins must not run as root (plugin_user)");
        error_hint(err,
                   "leave plugin_user out: each plugin then runs as a user of no name and still reads what "
                   "its path options name");
        return -EINVAL;
    }
    ret->user = user->pw_uid;
    ret->group = user->pw_gid;
    return 0;
}

struct instances {
    struct supervise_instance *at;
    char (*paths)[PATH_MAX];
    size_t n;
};

static void instances_fini(struct instances *list)
{
    for (size_t i = 0; list->at && i < list->n; i++)
        json_decref(list->at[i].keys);
    free(list->at);
    free(list->paths);
}

/* The enabled plugins, each with its file. */
static int find_instances(const struct config *config, struct instances *ret, struct error *err)
{
    size_t n = config->plugins.n;
    *ret = (struct instances){
        .at = calloc(n + 1, sizeof(*ret->at)),
        .paths = calloc(n + 1, sizeof(*ret->paths)),
    };
    int r = ret->at && ret->paths ? 0 : error_set(err, -ENOMEM, "no_memory", "out of memory for the plugins");
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct config_plugin *plugin = config_plugin_at(config, i);
        if (!plugin->enabled)
            continue;
        struct supervise_instance *instance = &ret->at[ret->n];
        r = plugin_instance_fill(config, plugin, ret->paths[ret->n], instance, err);
        if (r < 0)
            error_prefix(err, "plugin instance %s", plugin->source);
        ret->n++;
    }
    if (r < 0)
        instances_fini(ret);
    return r;
}

/* Those whose tenant is open: the others would only be refused. */
static int apply_instances(struct daemon *d, const struct instances *list, struct error *err)
{
    struct supervise_instance *open = calloc(list->n + 1, sizeof(*open));
    size_t n = 0;
    if (!open)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the plugins");
    for (size_t i = 0; i < list->n; i++)
        if (tenants_find(d->tenants, list->at[i].grant.tenant))
            open[n++] = list->at[i];
    int r = plugin_audit_record(d->plugins_recorded, open, n, err);
    if (r == 0)
        r = supervisor_apply(atomic_load(&d->supervisor), open, n, err);
    free(open);
    return r;
}

void daemon_check_plugins(const struct config *config, struct config_problems *p)
{
    char host[PATH_MAX], path[PATH_MAX];
    find_plugin_host(config, host);
    for (size_t i = 0; i < config->plugins.n; i++) {
        const struct config_plugin *plugin = config_plugin_at(config, i);
        struct error err = ERROR_INIT;
        const char *key = "plugin";
        int r = plugin_path_find(&config->plugin_path, plugin->plugin, path, &err);
        if (r == 0) {
            key = config_node_get(plugin->node, "options") ? "options" : "plugin";
            json_t *keys = NULL;
            r = plugin_trust(config, config_plugin_tenant(config, plugin), path, &keys, &err);
            if (r == 0)
                r = supervise_check(host, path, keys, plugin->options, &err);
            json_decref(keys);
        }
        if (r < 0)
            config_problem(p, config_node_get(plugin->node, key), "%s%s%s", err.message,
                           *err.hint ? "; " : "", err.hint);
    }
}

/* --- starting --- */

static int start_stores(struct daemon *d, struct error *err)
{
    const struct config *c = d->config;
    char path[PATH_MAX];
    int r = directory_make(c->data, err);
    if (r == 0)
        r = lock_data(d, err);
    if (r == 0)
        r = directory_make(c->run, err);
    if (r == 0)
        r = directory_make(c->keys, err);
    if (r == 0)
        r = key_file_server(c->keys, d->secret, d->public_key, err);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof(path), "%s/control", c->data);
    r = control_open(path, &d->control, err);
    if (r == 0)
        r = audit_open(&(struct audit_options){.control = d->control, .keys = c->keys, .logger = d->logger},
                       &d->audit, err);
    if (r == 0 && plugin_audit_new(d->audit, &d->plugins_recorded) < 0)
        r = error_set(err, -ENOMEM, "no_memory", "out of memory for the plugins");
    if (r == 0)
        r = tenants_new(&(struct tenants_options){.data = c->data, .keys = c->keys, .control = d->control},
                        &d->tenants, err);
    return r == 0 ? tenants_apply(d->tenants, c, err) : r;
}

static int start_dispatch(struct daemon *d, unsigned n_threads, unsigned queue_max, struct dispatch **ret,
                          struct error *err)
{
    const struct dispatch_options options = {
        .tenants = d->tenants,
        .control = d->control,
        .committer = d->committer,
        .audit = d->audit,
        .supervisor = atomic_load(&d->supervisor),
        .logger = d->logger,
        .config = d->config,
        .public_key = d->public_key,
        .plugin_host = d->plugin_host,
        .servers = servers_json,
        .forwarding = forwarding_json,
        .servers_ctx = d,
        .n_threads = n_threads,
        .queue_max = queue_max,
    };
    return dispatch_new(&options, ret, err);
}

static int start_control_server(struct daemon *d, struct error *err)
{
    char address[PATH_MAX + 32];
    struct server *server;
    (void)snprintf(address, sizeof(address), "ipc://%s/control.sock", d->config->run);
    const struct server_endpoint endpoint = {.address = address};
    const struct server_options options = {
        .zmq = d->zmq,
        .name = "control",
        .zap_domain = WIRE_ZAP_DOMAIN_CONTROL,
        .endpoints = &endpoint,
        .n_endpoints = 1,
        .message_bytes = WIRE_REQUEST_BYTES,
        .resolve = resolve,
        .resolve_ctx = d,
        .tenants = d->tenants,
        .dispatch = d->dispatch,
        .logger = d->logger,
    };
    int r = server_new(&options, &server, err);
    if (r == 0)
        atomic_store(&d->control_server, server);
    return r;
}

static int start_data_server(struct daemon *d, struct error *err)
{
    const struct config *c = d->config;
    char address[PATH_MAX + 32];
    struct server_endpoint endpoints[CONFIG_LISTEN_MAX + 1] = {{.address = address}};
    struct server *server;
    (void)snprintf(address, sizeof(address), "ipc://%s/hosts.sock", c->run);
    for (size_t i = 0; i < c->listen.n; i++)
        endpoints[i + 1] = (struct server_endpoint){.address = c->listen.at[i], .curve = true};
    const struct server_options options = {
        .zmq = d->zmq,
        .name = "data",
        .zap_domain = WIRE_ZAP_DOMAIN,
        .endpoints = endpoints,
        .n_endpoints = c->listen.n + 1,
        .curve_secret = d->secret,
        .credit_pool = (uint64_t)c->credit_bytes,
        .resolve = resolve,
        .resolve_ctx = d,
        .tenants = d->tenants,
        .committer = d->committer,
        .dispatch = d->data_dispatch,
        .logger = d->logger,
    };
    int r = server_new(&options, &server, err);
    if (r == 0)
        atomic_store(&d->data_server, server);
    return r;
}

/* What the supervisor does by itself. */
static int audit_host(void *ctx, const char *act, const char *tenant, const char *source, const char *plugin,
                      const char *path)
{
    struct daemon *d = ctx;
    struct error err = ERROR_INIT;
    int r =
        path ? plugin_audit_again(d->plugins_recorded, tenant, source, plugin, path, &err)
             : audit_act(d->audit, "tendond", act, tenant, json_pack("{s:s}", "source", source), NULL, &err);
    if (r < 0)
        log_error(d->logger, "audit", "audit_failed", "act=%s code=%s", act, err.code);
    return r;
}

static int start_supervisor(struct daemon *d, struct error *err)
{
    char address[PATH_MAX + 32];
    struct supervisor *supervisor;
    (void)snprintf(address, sizeof(address), "ipc://%s/hosts.sock", d->config->run);
    struct supervisor_options options = {
        .host = d->plugin_host,
        .connect = address,
        .backoff_ms = (uint32_t)d->config->plugin_backoff_ms,
        .logger = d->logger,
        .audit = audit_host,
        .audit_ctx = d,
    };
    int r = plugin_user(d->config, &options, err);
    if (r == 0)
        r = supervisor_new(&options, &supervisor, err);
    if (r == 0)
        atomic_store(&d->supervisor, supervisor);
    return r;
}

static void audit_forwarding(void *ctx, const char *act, const char *tenant, json_t *what)
{
    struct daemon *d = ctx;
    struct error err = ERROR_INIT;
    if (audit_act(d->audit, "tendond", act, tenant, what, NULL, &err) < 0)
        log_error(d->logger, "audit", "audit_failed", "act=%s code=%s", act, err.code);
}

/* What a site was told: recorded by the committer's thread when it is told first. */
static void audit_refusal(void *ctx, const struct refusal *refusal)
{
    audit_forwarding(ctx, "forward.refused", refusal->tenant,
                     json_pack("{s:s, s:s}", "site", refusal->site, "code", refusal->why.code));
}

static int start_forwarders(struct daemon *d, struct error *err)
{
    struct forwarders *forwarders;
    const struct forwarders_options options = {.zmq = d->zmq,
                                               .tenants = d->tenants,
                                               .committer = d->committer,
                                               .logger = d->logger,
                                               .audit = audit_forwarding,
                                               .audit_ctx = d};
    refusals_tell(committer_refusals(d->committer), audit_refusal, d);
    int r = forwarders_new(&options, &forwarders, err);
    if (r < 0)
        return r;
    atomic_store(&d->forwarders, forwarders);
    return forwarders_apply(forwarders, d->config, err);
}

/* A tenant's store looks after itself from the committer's threads: settings that changed, a refold. */
static void wake_tenants(struct daemon *d)
{
    for (unsigned i = 0; i < tenants_count(d->tenants); i++) {
        struct tenant *t = tenants_hold_at(d->tenants, i);
        if (t)
            committer_wake(d->committer, t);
        tenant_release(t);
    }
}

static int start_parts(struct daemon *d, struct error *err)
{
    const struct config *c = d->config;
    int r = committer_new(&(struct committer_options){.data_path = c->data,
                                                      .n_threads = (unsigned)c->committers,
                                                      .logger = d->logger},
                          &d->committer, err);
    if (r == 0)
        wake_tenants(d);
    if (r == 0)
        r = start_supervisor(d, err);
    if (r == 0)
        r = start_dispatch(d, (unsigned)c->query_threads, (unsigned)c->query_queue, &d->dispatch, err);
    if (r == 0)
        r = start_dispatch(d, (unsigned)c->query_threads, (unsigned)c->query_queue, &d->data_dispatch, err);
    if (r == 0 && !(d->zmq = zmq_ctx_new()))
        r = error_set(err, -errno, "zmq", "libzmq gives no context: %s", zmq_strerror(errno));
    if (r == 0)
        r = zap_new(
            &(struct zap_options){.zmq = d->zmq, .resolve = resolve, .resolve_ctx = d, .logger = d->logger},
            &d->zap, err);
    if (r == 0)
        r = start_forwarders(d, err);
    if (r == 0)
        r = start_control_server(d, err);
    return r == 0 ? start_data_server(d, err) : r;
}

static void audit_rejects(void *ctx)
{
    struct daemon *d = ctx;
    struct error err = ERROR_INIT;
    if (reject_audit_record(d->audit, d->tenants, d->rejects_recorded, &err) < 0)
        log_error(d->logger, "audit", "audit_failed", "act=source.rejects code=%s", err.code);
}

/* Each hour. A tenant that is idle over midnight is woken for its retention. */
static void every_hour(void *ctx)
{
    audit_rejects(ctx);
    wake_tenants(ctx);
}

static void log_failures(const struct daemon *d)
{
    struct tenant_failure *failures = NULL;
    size_t n = 0;
    char message[600];
    (void)tenants_failures(d->tenants, &failures, &n);
    for (size_t i = 0; i < n; i++)
        log_error(d->logger, "daemon", "tenant_not_open", "tenant=%s message=%s", failures[i].name,
                  log_quote(message, sizeof(message), failures[i].error.message));
    free(failures);
}

int daemon_start(struct config *config, struct logger *logger, struct daemon **ret, struct error *err)
{
    struct instances instances;
    struct daemon *d = calloc(1, sizeof(*d));
    if (!d)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the collector");
    d->config = config_ref(config);
    d->logger = logger;
    d->lock_fd = -1;
    find_plugin_host(config, d->plugin_host);
    raise_descriptors(d);
    int r = find_instances(config, &instances, err);
    if (r < 0) {
        daemon_stop(d);
        return r;
    }
    r = start_stores(d, err);
    if (r == 0)
        r = audit_act(d->audit, "tendond", "collector.start", NULL,
                      json_pack("{s:s, s:i, s:i}", "version", TENDON_VERSION, "tenants",
                                (int)config->tenants.n, "plugins", (int)instances.n),
                      NULL, err);
    if (r == 0)
        r = start_parts(d, err);
    if (r == 0)
        r = apply_instances(d, &instances, err);
    instances_fini(&instances);
    if (r < 0) {
        daemon_stop(d);
        return r;
    }
    d->rejects_recorded = json_object();
    audit_every_hour(d->audit, every_hour, d);
    log_failures(d);
    *ret = d;
    return 0;
}

/* --- reloading and stopping --- */

static int reload_checked(struct daemon *d, struct config *config, const struct instances *instances,
                          struct error *err)
{
    int r = tenants_apply(d->tenants, config, err);
    if (r < 0)
        return r;
    r = apply_instances(d, instances, err);
    if (r < 0) {
        struct error ignored;
        (void)tenants_apply(d->tenants, d->config, &ignored);
        wake_tenants(d);
        return r;
    }
    wake_tenants(d);
    atomic_store_explicit(&d->logger->level, (int)config->log_level, memory_order_relaxed);
    dispatch_reload(d->dispatch, config);
    dispatch_reload(d->data_dispatch, config);
    config_unref(d->config);
    d->config = config_ref(config);
    log_failures(d);
    return forwarders_apply(atomic_load(&d->forwarders), config, err);
}

int daemon_reload(struct daemon *d, struct config *config, struct error *err)
{
    struct instances instances;
    uint64_t act;
    const char *key = config_section_changed(&CONFIG_DAEMON, d->config, config);
    if (key) {
        error_set(err, -EBUSY, "restart", "%s cannot change while tendond runs; nothing was changed", key);
        error_hint(err, "restart tendond, or take the change back and reload");
        return -EBUSY;
    }
    int r = find_instances(config, &instances, err);
    if (r < 0)
        return r;
    r = audit_act(d->audit, "tendond", "collector.reload", NULL,
                  json_pack("{s:i, s:i}", "tenants", (int)config->tenants.n, "plugins", (int)instances.n),
                  &act, err);
    if (r == 0) {
        struct error ignored;
        r = reload_checked(d, config, &instances, err);
        (void)audit_outcome(d->audit, act, "collector.reload", r == 0 ? "done" : err->code, &ignored);
    }
    instances_fini(&instances);
    return r;
}

/* Ends the hosts and waits for it; until each is gone it may still hand over what it has. */
static void stop_hosts(struct supervisor *s)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    int64_t end = instant_monotonic_ms() + SUPERVISE_GRACE_MAX_MS + HOSTS_END_MS;
    if (supervisor_apply(s, NULL, 0, NULL) < 0)
        return;
    for (size_t n = 1; n > 0 && instant_monotonic_ms() < end;) {
        json_t *left = supervisor_status(s);
        n = json_array_size(left);
        json_decref(left);
        if (n > 0)
            (void)nanosleep(&pause, NULL);
    }
}

/* Nobody commits, asks or changes anything any more, and the tenants are still there. */
static void stop_audit(struct daemon *d)
{
    if (!d->audit)
        return;
    if (d->rejects_recorded)
        audit_rejects(d);
    (void)audit_act(d->audit, "tendond", "collector.stop", NULL, NULL, NULL, NULL);
    audit_close(d->audit);
    json_decref(d->rejects_recorded);
}

/* Also of one that did not start whole. */
void daemon_stop(struct daemon *d)
{
    if (!d)
        return;
    struct server *control = atomic_load(&d->control_server), *data = atomic_load(&d->data_server);
    struct supervisor *supervisor = atomic_load(&d->supervisor);
    struct forwarders *forwarders = atomic_load(&d->forwarders);
    if (d->audit) /* it wakes the committer */
        audit_every_hour(d->audit, NULL, NULL);
    /* Nobody asks any more; hosts may still hand over what they have. */
    if (control)
        server_stop(control);
    if (d->dispatch)
        dispatch_stop(d->dispatch);
    if (d->data_dispatch)
        dispatch_stop(d->data_dispatch);
    if (supervisor)
        stop_hosts(supervisor);
    if (data)
        server_stop(data);
    atomic_store(&d->forwarders, NULL);
    forwarders_free(forwarders);
    if (d->committer)
        committer_stop(d->committer);
    server_free(data);
    server_free(control);
    dispatch_free(d->dispatch);
    dispatch_free(d->data_dispatch);
    committer_free(d->committer);
    zap_free(d->zap);
    supervisor_free(supervisor); /* asked for its hosts by the servers and ZAP until here */
    if (d->zmq)
        (void)zmq_ctx_term(d->zmq);
    stop_audit(d);
    tenants_free(d->tenants);
    plugin_audit_free(d->plugins_recorded);
    control_close(d->control);
    if (d->lock_fd >= 0)
        (void)close(d->lock_fd);
    explicit_bzero(d->secret, sizeof(d->secret));
    config_unref(d->config);
    free(d);
}
