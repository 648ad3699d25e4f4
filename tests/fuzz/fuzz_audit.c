/* Any bytes as an export of the audit log: every line is read, and what is taken for whole must be what was
 * signed. */
#include "core/tenant/audit_chain.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t SEED[crypto_sign_SEEDBYTES] = "what the heads are signed with.";

/* A head, signed anew by us, so that what stands behind it is looked at, too. */
static bool head_read(const char *line, size_t size, struct audit_head *ret)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES], public_key[crypto_sign_PUBLICKEYBYTES];
    json_t *json = json_loadb(line, size, 0, NULL);
    bool is_head = audit_head_of_json(json_object_get(json, "head"), ret) == 0;
    json_decref(json);
    if (is_head) {
        (void)audit_head_valid(ret);
        (void)crypto_sign_seed_keypair(public_key, secret, SEED);
        audit_head_sign(ret, secret);
        if (!audit_head_valid(ret))
            abort();
    }
    return is_head;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_check c;
    struct audit_head head;
    struct error err = ERROR_INIT;
    bool has_head = false;
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t n = end ? (size_t)(end - data) - at : size - at;
        const char *line = (const char *)data + at;
        at += n + 1;
        if (head_read(line, n, &head)) {
            has_head = audit_check_begin(&c, &head, NULL, &err) == 0;
            if (!has_head)
                abort(); /* it was signed a moment ago */
        } else if (has_head) {
            uint64_t before = c.at.n;
            if (audit_check_line(&c, line, n, &err) == 0 && c.at.n != before + 1)
                abort();
            if (c.at.n > c.head.last.n)
                abort();
        }
    }
    if (has_head && audit_check_end(&c, &err) == 0 &&
        memcmp(c.at.hash, c.head.last.hash, AUDIT_HASH_BYTES) != 0)
        abort();
    return 0;
}
