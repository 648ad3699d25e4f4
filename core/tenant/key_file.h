/* Secret keys in files of their own: one line of text, mode 0600, under `keys:` and never under `data:`. */
#ifndef TENDON_TENANT_KEY_FILE_H
#define TENDON_TENANT_KEY_FILE_H

#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define KEY_FILE_BYTES 128 /* of the line, at most */

#define TENANT_KEY_BYTES 32
#define CURVE_KEY_BYTES  41 /* Z85 and its NUL */

/* The line of the file. -ENOENT when it is not there; -EPERM (code key_file) when others than its owner may
 * read it or it belongs to somebody else than this user and root. */
int key_file_read(const char *directory, const char *name, char room[KEY_FILE_BYTES], struct error *err);
/* Makes the file, durable before it returns; -EEXIST when it is there. */
int key_file_create(const char *directory, const char *name, const char *line, struct error *err);

/* The tenant's key of tenant-NAME.key: 64 hexadecimal digits. With create, a missing one is made from the
 * kernel's random numbers; else -ENOENT. */
int key_file_tenant(const char *directory, const char *tenant, int create, uint8_t ret[TENANT_KEY_BYTES],
                    struct error *err);
/* Overwrites and removes a tenant's key, durable before it returns; one that is not there is removed already.
 * What was written under it can be read by nobody any more who has no copy of the key. */
int key_file_destroy(const char *directory, const char *tenant, struct error *err);
/* The seed of the audit log's Ed25519 key, of audit.key: 64 hexadecimal digits, made when missing. */
int key_file_audit(const char *directory, uint8_t ret[TENANT_KEY_BYTES], struct error *err);
/* The CURVE pair that a tenant is forwarded with, of forward-NAME.key, made when missing. */
int key_file_forward(const char *directory, const char *tenant, char ret_secret[CURVE_KEY_BYTES],
                     char ret_public[CURVE_KEY_BYTES], struct error *err);
/* The server's CURVE pair of server.key (the secret half; the public one follows from it), made when missing.
 */
int key_file_server(const char *directory, char ret_secret[CURVE_KEY_BYTES], char ret_public[CURVE_KEY_BYTES],
                    struct error *err);

#endif
