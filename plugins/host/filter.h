/* System call filters (seccomp).
 *
 * filter_install: that of a process that runs a vendor's code: a list of what is allowed, without
 * sockets, processes, threads, writing to the file system, tracing and signals to others. What is not on it
 * fails with EPERM. Memory is either writable or executable, and code comes from files only. */
#ifndef TENDON_HOST_FILTER_H
#define TENDON_HOST_FILTER_H

#include "core/base/error.h"

/* On all threads of the process, for good. */
int filter_install(struct error *err);

/* That of the outer process: everything but starting programs, looking into other processes, and what only
 * attacks on the kernel and the machine want. On all threads, for good. */
int filter_install_outer(struct error *err);

#endif
