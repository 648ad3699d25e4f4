/* The control environment: which tenants there are and which keys may do what. One LMDB environment of its
 * own under the data directory; no tenant's store can fill or harm it.
 *
 * Rights are looked up for every message, so the grants are also held in memory: a lookup takes a shared lock
 * and no I/O; a grant or revocation is on disk before it returns and counts from then on. Any thread. */
#ifndef TENDON_TENANT_CONTROL_H
#define TENDON_TENANT_CONTROL_H

#include "core/base/error.h"
#include "core/tenant/grant.h"
#include "core/tenant/key_file.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_MAP_BYTES (16ull << 30) /* the audit log's share of it: core/tenant/audit.h */
#define CONTROL_KEYS_MAX  65536

struct control;

/* A granted key. */
struct control_key {
    char public_key[CURVE_KEY_BYTES]; /* Z85 */
    char name[EVENT_CODE_BYTES + 1];  /* a code, unique among keys */
    int64_t granted_at;               /* ms since 1970 UTC */
    struct grant grant;
};

/* path: the environment's directory, made when missing. Codes: control_corrupt, control_version, no_memory.
 */
int control_open(const char *path, struct control **ret, struct error *err);
void control_close(struct control *c); /* NULL is fine */

/* For the audit log, which keeps databases of its own in it. */
struct MDB_env *control_environment(struct control *c);

/* Grants. -EEXIST key_exists when the key or the name is granted already; -ENOSPC too_many_keys; -EIO
 * control_write. */
int control_grant(struct control *c, const struct control_key *key, struct error *err);
/* By public key or name; *ret (may be NULL) is what it was. -ENOENT unknown_key, with the nearest name as
 * hint. */
int control_revoke(struct control *c, const char *key_or_name, struct control_key *ret, struct error *err);
/* Puts another public key in the place of one, with the same name and rights: the old one stops at once. *ret
 * (may be NULL) is what it is now. -EEXIST key_exists, and errors as control_revoke. */
int control_rotate(struct control *c, const char *key_or_name, const char *new_public_key,
                   struct control_key *ret, struct error *err);
/* By public key or name; errors as control_revoke. */
int control_find(struct control *c, const char *key_or_name, struct control_key *ret, struct error *err);
/* All keys by name; *ret is the caller's to free. */
int control_list(struct control *c, struct control_key **ret, size_t *ret_n);
/* The rights of a public key; -ENOENT. */
int control_resolve(struct control *c, const char *public_key, struct grant *ret);

/* What is known of a tenant (tenant.c says what), by name; the callback's json_t is valid during the call. */
int control_tenants_each(struct control *c, int (*each)(void *ctx, const char *name, json_t *record),
                         void *ctx, struct error *err);
/* Writes all records (name → record) or none. */
int control_tenants_put(struct control *c, const json_t *records, struct error *err);

/* The two ends of a tenant's removal. At its beginning, in one transaction: the record says no more than that
 * it is being removed ({"removing": true}), and all its keys are revoked. At its end the record goes. */
int control_tenant_removing(struct control *c, const char *tenant, struct error *err);
int control_tenant_delete(struct control *c, const char *tenant, struct error *err);

/* Whether s is a public key in Z85: 40 characters of its alphabet. */
int control_key_valid(const char *s);

#endif
