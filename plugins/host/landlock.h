/* Landlock: which files a process may read, and nothing else of the file system.
 *
 * Of a newer kernel all that Landlock knows is used: no truncating, no ioctl on devices, no TCP, no abstract
 * sockets and no signals to processes outside. */
#ifndef TENDON_HOST_LANDLOCK_H
#define TENDON_HOST_LANDLOCK_H

#include "core/base/error.h"

#include <stddef.h>

/* A rule set that lets read what the loader and the C library look at and the paths, with what lies beneath.
 * It is made with the rights of before: what it names need not be found by the user that enters it. *ret_fd
 * is the caller's to close; −1 where the kernel has no Landlock. A path that is not there is left out. */
int landlock_open(const char *const *paths, size_t n, int *ret_fd, struct error *err);
/* For this thread and those that it starts, for good. Needs no_new_privs. */
int landlock_enter(int fd, struct error *err);

#endif
