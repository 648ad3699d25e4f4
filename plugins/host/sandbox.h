/* What the inner process may still do once a vendor's code runs in it.
 *
 * Files: Landlock, read-only, the plugin's `path` options, the system's libraries and time zones. Calls: the
 * filter. Limits: memory, descriptors, stack, no core file, no file growth, no further process or thread. Its
 * memory is nobody's to read but root's. It gives way to everything else that wants the processor.
 *
 * User: where the process is root, another one always. With one that is configured, the modes of files decide
 * as well as Landlock; else it is a user of no name and with no file, which keeps of root's rights that of
 * reading any file that Landlock lets it (and without Landlock none).
 *
 * Descriptors but the standard ones, the channel and the plugin's image are closed by the exec that made the
 * process. */
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
    uid_t user; /* that is configured; 0: none */
    gid_t group;
    uid_t nobody;          /* the user of no name where none is configured; 0: CHANNEL_NOBODY_LAST */
    uint64_t memory_bytes; /* 0: no limit */
};

/* Before the process has threads. A kernel without Landlock is no error: *ret_landlock says. */
int sandbox_enter(const struct sandbox_options *options, bool *ret_landlock, struct error *err);

/* The last step, on all threads: from now on none can be started. */
int sandbox_seal(struct error *err);

/* What the outer process gives up once the inner one runs, in case that one's words, or those of a server
 * that the host asks for it, find a mistake in it: writing to the file system (Landlock) and starting
 * programs, and the calls of filter_install_outer. Before the process has threads. */
int sandbox_watch(struct error *err);

#endif
