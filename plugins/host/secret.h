/* The secrets of an instance: files of `secret` options, put in the place of their handles where a service
 * uses them. Read anew each time, so that a file may be replaced. Outer process, one thread. */
#ifndef TENDON_HOST_SECRET_H
#define TENDON_HOST_SECRET_H

#include "core/base/buffer.h"
#include "core/base/error.h"

#include <jansson.h>

#define SECRET_BYTES 65536

/* Appends text with each handle in it replaced by what its file holds, without the line end behind it.
 * secrets: {handle: path}. -EIO when a file cannot be read or is empty, -EMSGSIZE when b is full. */
int secret_expand(const json_t *secrets, const char *text, size_t size, struct buffer *b, struct error *err);

/* Replaces what any secret's file holds by its handle, for what is written down. Secrets of under six bytes
 * are left: they would be found everywhere. -ENOMEM. */
int secret_mask(const json_t *secrets, const char *text, size_t size, struct buffer *b);

#endif
