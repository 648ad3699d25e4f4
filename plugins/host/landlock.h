/* Landlock: what of the file system a process may use.
 *
 * Of a newer kernel all that Landlock knows of files is used: no truncating, no ioctl on devices; and for a
 * plugin no TCP, no abstract sockets and no signals to processes outside. */
#ifndef TENDON_HOST_LANDLOCK_H
#define TENDON_HOST_LANDLOCK_H

#include "core/base/error.h"

#include <stddef.h>

/* A rule set that lets read what the loader and the C library look at and the paths, with what lies beneath.
 * It is made with the rights of before: what it names need not be found by the user that enters it. *ret_fd
 * is the caller's to close; −1 where the kernel has no Landlock. A path that is not there is left out. */
int landlock_open(const char *const *paths, size_t n, int *ret_fd, struct error *err);
/* A rule set that lets read everything, and write and execute nothing. *ret_fd as of landlock_open. */
int landlock_open_readable(int *ret_fd, struct error *err);
/* For this thread and those that it starts, for good. Needs no_new_privs. */
int landlock_enter(int fd, struct error *err);

#endif
