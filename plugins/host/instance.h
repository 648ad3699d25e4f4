/* The configuration of one instance, and its plugin at work in a sandboxed process: what running, checking
 * and describing have in common. */
#ifndef TENDON_HOST_INSTANCE_H
#define TENDON_HOST_INSTANCE_H

#include "core/base/error.h"
#include "plugins/host/child.h"
#include "plugins/host/options.h"

#include <jansson.h>
#include <stdbool.h>

/* What the ABI gives to each call, ms (tendon-plugin(3)). */
#define LIMIT_LOAD_MS    5000
#define LIMIT_CREATE_MS  2000
#define LIMIT_START_MS   30000
#define LIMIT_POLL_MS    5000 /* on top of its timeout */
#define LIMIT_ACK_MS     2000
#define LIMIT_STOP_MS    5000
#define LIMIT_DESTROY_MS 2000

struct instance {
    const char *path; /* of the plugin */
    const char *source, *connect;
    const json_t *keys; /* of which one must have signed it; NULL: it needs no signature */
    json_t *options;
    json_int_t user, group, nobody;
    json_int_t memory_bytes;          /* 0: 1 GiB */
    uint32_t limits_ms[PIPE_N_KINDS]; /* of calls, by kind; 0: the ABI's (instance_limit) */
    bool keep_stderr;
    int64_t now_ms;   /* what the plugin's clock is to show, for tests; 0: that of the system */
    bool for_trial;   /* as options_check */
    json_t *document; /* keeps the strings; may be NULL */
};

typedef void (*instance_log)(void *ctx, const struct child_log *line);

/* Reads the document of core/supervise/channel.h. Code bad_configuration. */
int instance_read(int fd, struct instance *ret, struct error *err);
void instance_fini(struct instance *in);

/* How long that call may take, ms; a poll on top of its timeout. */
uint32_t instance_limit(const struct instance *in, enum pipe_kind call);

/* What the plugin says of itself, from a process that may read nothing but the plugin; it is gone after. */
int instance_describe(const struct instance *in, json_t **ret, struct error *err);

/* Describes, checks the options, starts a process that may read what they name, loads and creates. On success
 * the child waits for START. -EINVAL: the configuration or the plugin is wrong; -ECHILD: it died or hung.
 * ret_description and ret_options may be NULL. */
int instance_create(const struct instance *in, struct child *ret, json_t **ret_description,
                    struct options *ret_options, instance_log log, void *ctx, struct error *err);

/* For a call that ended with r < 0: kills the process and says what happened. Returns -ECHILD. */
int instance_died(struct child *c, const char *call, int r, struct error *err);

#endif
