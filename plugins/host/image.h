/* A plugin's file as a sealed copy in memory: what is loaded is what was looked at, whatever becomes of the
 * file. It is loaded from /proc/self/fd, so that its user need not be able to read the file. */
#ifndef TENDON_HOST_IMAGE_H
#define TENDON_HOST_IMAGE_H

#include "core/base/error.h"

#include <jansson.h>

#define IMAGE_BYTES_MAX (256ll * 1024 * 1024)

/* The copy, when one of the keys (an array of texts; NULL: it needs no signature) has signed it. The
 * descriptor is the caller's to close. -EINVAL: bad_plugin (not there, no file, too large), not_signed,
 * bad_signature. */
int image_open(const char *path, const json_t *keys, int *ret_fd, struct error *err);

#endif
