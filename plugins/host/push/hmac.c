#include "plugins/host/push/hmac.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

static bool decode(const char *text, unsigned char mac[crypto_auth_hmacsha256_BYTES])
{
    size_t size = strlen(text), n = 0;
    if (size == 2 * crypto_auth_hmacsha256_BYTES)
        return sodium_hex2bin(mac, crypto_auth_hmacsha256_BYTES, text, size, NULL, &n, NULL) == 0 &&
               n == crypto_auth_hmacsha256_BYTES;
    static const int VARIANTS[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                   sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    for (size_t i = 0; i < sizeof(VARIANTS) / sizeof(*VARIANTS); i++)
        if (sodium_base642bin(mac, crypto_auth_hmacsha256_BYTES, text, size, NULL, &n, NULL, VARIANTS[i]) ==
                0 &&
            n == crypto_auth_hmacsha256_BYTES)
            return true;
    return false;
}

bool hmac_is_good(const char *signature, const void *secret, size_t secret_bytes,
                  const struct hmac_part *parts, size_t n_parts)
{
    unsigned char given[crypto_auth_hmacsha256_BYTES], right[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    if (!signature || secret_bytes == 0)
        return false;
    if (strncasecmp(signature, "sha256=", 7) == 0)
        signature += 7;
    if (!decode(signature, given))
        return false;
    (void)crypto_auth_hmacsha256_init(&state, secret, secret_bytes);
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].size)
            (void)crypto_auth_hmacsha256_update(&state, parts[i].data, parts[i].size);
    (void)crypto_auth_hmacsha256_final(&state, right);
    return sodium_memcmp(given, right, sizeof(right)) == 0;
}
