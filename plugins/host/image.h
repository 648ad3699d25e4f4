/* A plugin's file as a sealed copy in memory: what is loaded is what was looked at, whatever becomes of the
 * file. It is loaded from /proc/self/fd, so that its user need not be able to read the file. */
#ifndef TENDON_HOST_IMAGE_H
#define TENDON_HOST_IMAGE_H

#include "core/base/error.h"

#define IMAGE_BYTES_MAX (256ll * 1024 * 1024)

/* The descriptor is the caller's to close. -EINVAL bad_plugin: not there, no file, or too large. */
int image_open(const char *path, int *ret_fd, struct error *err);

#endif
