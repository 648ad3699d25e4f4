/* Key pairs of clients, as files.
 *
 * The form is that of ZeroMQ's own certificates (ZPL), so that other clients can load the same file: pyzmq's
 * zmq.auth.load_certificate, czmq's zcert_load. The file holds the secret: it is made with mode 0600 and not
 * read when others may. */
#ifndef TENDON_TOOLS_KEY_H
#define TENDON_TOOLS_KEY_H

#include "core/base/error.h"

#include <stdbool.h>

#define KEY_Z85 40 /* characters of a key */

struct key_pair {
    char public_key[KEY_Z85 + 1];
    char secret_key[KEY_Z85 + 1]; /* empty: the file holds only the public one */
};

/* Whether s is 40 characters of Z85. */
bool key_valid(const char *s);
/* A new pair from the system's random numbers. */
int key_generate(struct key_pair *ret, struct error *err);
/* Writes a new file; one that is there is never overwritten. The bytes are on disk when it returns. */
int key_write(const char *path, const struct key_pair *key, struct error *err);
/* Reads a file; with_secret: it must hold the secret key, and nobody but its owner may read it. */
int key_read(const char *path, bool with_secret, struct key_pair *ret, struct error *err);
/* Overwrites the secret. */
void key_forget(struct key_pair *key);

#endif
