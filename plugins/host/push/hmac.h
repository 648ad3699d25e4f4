/* Whether a request was signed with a secret: HMAC-SHA-256 of its body, perhaps behind a time, in hex or
 * base64, perhaps behind "sha256=". Pure. */
#ifndef TENDON_HOST_PUSH_HMAC_H
#define TENDON_HOST_PUSH_HMAC_H

#include <stdbool.h>
#include <stddef.h>

struct hmac_part {
    const void *data;
    size_t size;
};

/* The parts are signed one behind the other. Takes the same time for every wrong signature of a form. */
bool hmac_is_good(const char *signature, const void *secret, size_t secret_bytes,
                  const struct hmac_part *parts, size_t n_parts);

#endif
