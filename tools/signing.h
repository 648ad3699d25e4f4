/* Key pairs that sign plugins, as files, and what they sign.
 *
 *     # Signing key made by tendon on 2026-01-31. …
 *     public ed25519:…
 *     secret …                        32 bytes in base64, from which the pair is made
 */
#ifndef TENDON_TOOLS_SIGNING_H
#define TENDON_TOOLS_SIGNING_H

#include "core/base/signature.h"

/* Makes a pair and writes its file, which must not be there. */
int signing_key_make(const char *path, uint8_t ret_public[SIGNATURE_KEY_BYTES], struct error *err);
/* Reads the secret half, which nobody but its owner may read; sodium_memzero it. */
int signing_key_read(const char *path, uint8_t ret_secret[SIGNATURE_SECRET_BYTES], struct error *err);

/* Signs the file as a plugin and writes path.sig, in place of one that is there, in one step. */
int signing_sign(const char *path, const uint8_t secret[SIGNATURE_SECRET_BYTES], struct error *err);
/* Reads path.sig and compares; whose it is, is the caller's to judge. -EINVAL bad_signature. */
int signing_verify(const char *path, struct signature *ret, struct error *err);

#endif
