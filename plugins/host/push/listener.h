/* A listening socket on loopback or in the file system, from the text of a `listen` option: "127.0.0.1:8080",
 * "localhost:8080", "[::1]:8080", "unix:/run/x.sock". */
#ifndef TENDON_HOST_PUSH_LISTENER_H
#define TENDON_HOST_PUSH_LISTENER_H

#include "core/base/error.h"

/* The descriptor, or a negative errno. A socket of the file system gets mode 0660; one that nobody listens on
 * any more is replaced. */
int listener_open(const char *text, struct error *err);

#endif
