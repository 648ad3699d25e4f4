/* Supervision of plugin hosts: one process (tendon-plugin-host) an instance, started, watched, started again.
 *
 *     starting ──▶ running ──▶ backoff ──▶ starting …      it died: again after 1 s, 2 s, … 60 s, with jitter
 *        │            │  │         └─────▶ quarantined     5 crashes in 10 minutes: until released or changed
 *        │            │  └─▶ retrying ──▶ running          alive; its source fails for now
 *        ├────────────┴────▶ failed_config, failed_auth    waits for a reload
 *        └─────────────────▶ ended                         the source is finished for good
 *     any ──▶ stopping ──▶ (gone)                          SIGTERM, and SIGKILL after the grace
 *
 * The supervisor has a thread of its own that waits on the hosts' pidfds and on a channel from each, over
 * which a host says how it is. A host gets its configuration on descriptor 3 as one JSON document and that
 * channel on 4; it ends by itself when the channel closes, so none outlives the collector. Hosts are children
 * of this process, known by pid only while they are not reaped.
 *
 * All functions may be called on any thread, and none but supervisor_free waits for a host. */
#ifndef TENDON_SUPERVISE_SUPERVISE_H
#define TENDON_SUPERVISE_SUPERVISE_H

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/tenant/grant.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SUPERVISE_INSTANCES_MAX 1024
#define SUPERVISE_BACKOFF_MS    1000
#define SUPERVISE_SILENT_MS     60000 /* beside what loading and creating the plugin may take */
#define SUPERVISE_LOAD_MS       5000  /* what the ABI gives to loading, with and without its options, */
#define SUPERVISE_CREATE_MS     2000  /* to create, */
#define SUPERVISE_STOP_MS       5000  /* to stop */
#define SUPERVISE_DESTROY_MS    2000  /* and to destroy */
#define SUPERVISE_DRAIN_MS      3000  /* for what was polled before and is not acknowledged */
#define SUPERVISE_GRACE_MAX_MS  70000 /* between SIGTERM and SIGKILL, whatever the limits */
#define SUPERVISE_CRASHES       5     /* in */
#define SUPERVISE_CRASHES_MS    600000

/* What an instance's processes may use, and how long its calls may take (tendon-plugin(3)); 0: the ABI's. */
struct supervise_limits {
    uint64_t memory_bytes;
    uint32_t load_ms, create_ms, start_ms;
    uint32_t poll_ms; /* on top of the time that the host gives it */
    uint32_t ack_ms, stop_ms, destroy_ms;
};

/* One plugin at work as one source. */
struct supervise_instance {
    struct grant grant; /* role source: tenant, source, namespace, types, stamp */
    const char *plugin; /* name, for status */
    const char *path;   /* of the .so */
    json_t *keys;    /* array of public keys, one of which must have signed it; NULL: it needs no signature */
    json_t *options; /* object, or NULL for none */
    struct supervise_limits limits;
};

struct supervisor_options {
    const char *host;      /* path of tendon-plugin-host */
    const char *connect;   /* where hosts send: "ipc:///run/tendon/hosts.sock" */
    uid_t user;            /* whom plugins run as when this process is root; 0: each a user of no name */
    gid_t group;           /* with user */
    uint32_t grace_ms;     /* 0: what stop and destroy may take, and SUPERVISE_DRAIN_MS */
    uint32_t silent_ms;    /* a host that is not heard of for so long is killed; 0: SUPERVISE_SILENT_MS */
    uint32_t backoff_ms;   /* after the first failure; 0: SUPERVISE_BACKOFF_MS */
    struct logger *logger; /* what happens to hosts, in part "supervise" */
    /* Or NULL: what the supervisor does by itself, for the audit log. path NULL: it is done, a quarantine or
     * a release. Else plugin.load: the file at path is about to be loaded once more, as a host starts again;
     * on an error it is not, and tried later. On the supervisor's thread, no lock held. */
    int (*audit)(void *ctx, const char *act, const char *tenant, const char *source, const char *plugin,
                 const char *path);
    void *audit_ctx;
};

struct supervisor;

/* Starts the thread, and no host yet. Strings are copied. */
int supervisor_new(const struct supervisor_options *options, struct supervisor **ret, struct error *err);
/* Stops every host (SIGTERM, SIGKILL after the grace), waits for them, ends the thread. NULL is fine. */
void supervisor_free(struct supervisor *s);

/* Puts this list in place of the present one: starts what is new, stops what is gone, restarts what changed
 * (plugin, options, grant or the file at path) and what waits in failed_config or failed_auth; leaves the
 * rest alone. Copies; takes references of the options. All or nothing: -EINVAL when a source stands twice in
 * a tenant or there are too many. */
int supervisor_apply(struct supervisor *s, const struct supervise_instance *instances, size_t n,
                     struct error *err);

/* Puts this one in place of the instance of the same source, whether or not anything changed: what runs is
 * stopped in order (it hands over what it has polled), and the new one goes on from there. -ENOENT
 * unknown_source. */
int supervisor_replace(struct supervisor *s, const struct supervise_instance *instance, struct error *err);

/* Who a process is: 0 and the grant of the instance that runs as pid; -ENOENT when it is no host of ours or
 * has been reaped. */
int supervisor_resolve(struct supervisor *s, pid_t pid, struct grant *ret);

/* Starts a quarantined, failed or waiting instance at once and forgets its crashes. -ENOENT unknown_source.
 */
int supervisor_release(struct supervisor *s, const char *tenant, const char *source, struct error *err);

/* Starts an instance again, whatever it is doing, and forgets its crashes: it asks the collector where its
 * source stands. -ENOENT unknown_source. */
int supervisor_restart(struct supervisor *s, const char *tenant, const char *source, struct error *err);

/* An array of flat objects, by tenant and source: tenant, source, plugin, state, since, pid (of the host),
 * inner (of its process with the plugin), restarts, crashes, skipped, last_skip, accepted, rejected (of the
 * present process), landlock, message: why it is in that state. NULL without memory. */
json_t *supervisor_status(struct supervisor *s);

/* What the plugin at path says of itself, by `tendon-plugin-host --describe`, in a sandbox: {id, vendor,
 * version, help, abi, options: [{name, type, shape, required, default, range, values, help}]}. Waits for at
 * most 10 s. keys as of struct supervise_instance. Needs no supervisor. */
int supervise_describe(const char *host, const char *path, const json_t *keys, json_t **ret,
                       struct error *err);

/* Whether the plugin at path takes these options, by `tendon-plugin-host --check`, in a sandbox. */
int supervise_check(const char *host, const char *path, const json_t *keys, json_t *options,
                    struct error *err);

#endif
