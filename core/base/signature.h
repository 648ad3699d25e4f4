/* Signatures of files: Ed25519 over what was signed and its SHA-512, in text forms that go into files and
 * configurations.
 *
 * A public key is written "ed25519:" and 32 bytes in base64. A signature is a text of three lines:
 *
 *     tendon-signature 1
 *     key ed25519:…
 *     signature …                     64 bytes in base64
 *
 * and signs the purpose ("plugin"), a NUL, and the SHA-512 of the contents: a signature made for one purpose
 * is none for another. sodium_init has been called. */
#ifndef TENDON_BASE_SIGNATURE_H
#define TENDON_BASE_SIGNATURE_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_KEY_BYTES    32
#define SIGNATURE_SECRET_BYTES 64 /* the secret and the public half */
#define SIGNATURE_BYTES        64
#define SIGNATURE_KEY_TEXT     64       /* room for a public key's text */
#define SIGNATURE_TEXT         256      /* room for a signature's text */
#define SIGNATURE_PLUGIN       "plugin" /* purpose: a shared object that may be loaded */
#define SIGNATURE_SUFFIX       ".sig"   /* of the file beside the one that is signed */

struct signature {
    uint8_t key[SIGNATURE_KEY_BYTES]; /* whose it says it is */
    uint8_t bytes[SIGNATURE_BYTES];
};

void signature_key_text(const uint8_t key[SIGNATURE_KEY_BYTES], char room[SIGNATURE_KEY_TEXT]);
/* False for what is no public key. */
bool signature_key_parse(const char *text, uint8_t ret[SIGNATURE_KEY_BYTES]);

void signature_make(const char *purpose, const void *data, size_t size,
                    const uint8_t secret[SIGNATURE_SECRET_BYTES], struct signature *ret);
/* Whether it is that key's, for this purpose and these contents. */
bool signature_verify(const struct signature *s, const char *purpose, const void *data, size_t size);

void signature_text(const struct signature *s, char room[SIGNATURE_TEXT]);
/* False for what is no signature's text. */
bool signature_parse(const char *text, size_t size, struct signature *ret);

/* Reads the signature of the file of that path, which stands beside it in path.sig. Codes not_signed
 * (-ENOENT), bad_signature. */
int signature_read(const char *path, struct signature *ret, struct error *err);

#endif
