/* What the inner process may still do once a vendor's code runs in it.
 *
 * Files: Landlock, read-only, the plugin's `path` options, its shared object, the system's libraries and time
 * zones. Calls: seccomp, a list of what is allowed, without sockets, processes, threads, writing to the file
 * system, tracing and signals to others; what is not on it fails with EPERM. Limits: memory, descriptors, no
 * core file, no file growth. Own user where the process is root and one is configured.
 *
 * Descriptors but the standard ones and the channel are closed by the exec that made the process. */
#ifndef TENDON_HOST_SANDBOX_H
#define TENDON_HOST_SANDBOX_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sandbox_options {
    const char *const *paths; /* may be read, with what lies beneath */
    size_t n_paths;
    uid_t user; /* 0: stay */
    gid_t group;
    uint64_t memory_bytes; /* 0: no limit */
};

/* Before the process has threads. A kernel without Landlock is no error: *ret_landlock says. */
int sandbox_enter(const struct sandbox_options *options, bool *ret_landlock, struct error *err);

/* The last step, on all threads: from now on none can be started. */
int sandbox_seal(struct error *err);

#endif
