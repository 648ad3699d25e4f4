/* One plugin driven call by call without a collector: for trials and conformance tests. One thread. */
#ifndef TENDON_HOST_DRIVE_H
#define TENDON_HOST_DRIVE_H

#include "plugins/host/instance.h"
#include "plugins/host/service.h"

struct drive {
    struct child child;
    struct options options;
    struct service *service;
    struct tape *tape; /* the caller's; NULL: none */
    instance_log log;
    void *log_ctx;
};

/* Makes relative paths of `path` and `secret` options in an object of options absolute, from that folder. */
void drive_resolve(const json_t *description, json_t *options, const char *folder);

/* Loads and creates. As instance_create. */
int drive_create(struct drive *d, const struct instance *instance, struct tape *tape, instance_log log,
                 void *log_ctx, struct error *err);
void drive_free(struct drive *d); /* kills what is left */

/* A call, with what services it asks for. 0 and its reply, which lives until the next call; or why it did not
 * come: -ETIMEDOUT, -EPIPE, -EPROTO. */
int drive_call(struct drive *d, enum pipe_kind kind, const void *payload, size_t size, uint32_t limit_ms,
               struct child_reply *ret);
int drive_start(struct drive *d, const void *cursor, size_t size, struct child_reply *ret);
int drive_poll(struct drive *d, uint32_t soft_bytes, uint32_t timeout_ms, struct child_reply *ret);
/* stop and destroy, and the process is gone. 0, or what the first that failed returned. */
int drive_end(struct drive *d);

#endif
