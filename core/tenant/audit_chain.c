#include "core/tenant/audit_chain.h"

#include "core/base/instant.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char *const NAMES[AUDIT_N_CHAINS] = {"acts", "usage"};

/* What stands behind the text of an entry in its line. */
static const char HASH_MEMBER[] = ",\"hash\":\"";
#define HASH_HEX  (2 * AUDIT_HASH_BYTES)
#define TAIL_SIZE (sizeof(HASH_MEMBER) - 1 + HASH_HEX + 2) /* and "} */

const char *audit_chain_name(enum audit_chain chain)
{
    return (unsigned)chain < AUDIT_N_CHAINS ? NAMES[chain] : "";
}

enum audit_chain audit_chain_find(const char *name)
{
    unsigned i = 0;
    while (i < AUDIT_N_CHAINS && strcmp(NAMES[i], name) != 0)
        i++;
    return (enum audit_chain)i;
}

void audit_hash(const uint8_t before[AUDIT_HASH_BYTES], const char *text, size_t size,
                uint8_t ret[AUDIT_HASH_BYTES])
{
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, before, AUDIT_HASH_BYTES);
    (void)crypto_hash_sha256_update(&state, (const uint8_t *)text, size);
    (void)crypto_hash_sha256_final(&state, ret);
}

size_t audit_line_write(char *line, const char *text, size_t size, const uint8_t hash[AUDIT_HASH_BYTES])
{
    char hex[HASH_HEX + 1];
    (void)sodium_bin2hex(hex, sizeof(hex), hash, AUDIT_HASH_BYTES);
    memcpy(line, text, size - 1); /* without the closing brace */
    return size - 1 + (size_t)sprintf(line + size - 1, "%s%s\"}", HASH_MEMBER, hex);
}

/* --- heads --- */

/* What is signed. */
static int head_text(const struct audit_head *h, char *room, size_t n)
{
    char gone[HASH_HEX + 1], last[HASH_HEX + 1];
    (void)sodium_bin2hex(gone, sizeof(gone), h->gone.hash, AUDIT_HASH_BYTES);
    (void)sodium_bin2hex(last, sizeof(last), h->last.hash, AUDIT_HASH_BYTES);
    return snprintf(room, n, "tendon audit head 1\n%s\n%" PRIu64 " %s\n%" PRIu64 " %s\n%" PRId64 "\n",
                    audit_chain_name(h->chain), h->gone.n, gone, h->last.n, last, h->at);
}

void audit_head_sign(struct audit_head *h, const uint8_t secret[64])
{
    char text[512];
    h->at = instant_now();
    memcpy(h->public_key, secret + 32, sizeof(h->public_key));
    int n = head_text(h, text, sizeof(text));
    (void)crypto_sign_detached(h->signature, NULL, (const uint8_t *)text, (size_t)n, secret);
}

bool audit_head_valid(const struct audit_head *h)
{
    char text[512];
    int n = head_text(h, text, sizeof(text));
    return crypto_sign_verify_detached(h->signature, (const uint8_t *)text, (size_t)n, h->public_key) == 0;
}

static json_t *hex_json(const uint8_t *bytes, size_t n)
{
    char hex[2 * AUDIT_SIGNATURE_BYTES + 1];
    return json_string(sodium_bin2hex(hex, sizeof(hex), bytes, n));
}

static json_t *link_json(const struct audit_link *l)
{
    return json_pack("{s:I, s:o}", "n", (json_int_t)l->n, "hash", hex_json(l->hash, AUDIT_HASH_BYTES));
}

json_t *audit_head_json(const struct audit_head *h)
{
    return json_pack("{s:s, s:o, s:o, s:I, s:o, s:o}", "chain", audit_chain_name(h->chain), "gone",
                     link_json(&h->gone), "last", link_json(&h->last), "at", (json_int_t)h->at, "public_key",
                     hex_json(h->public_key, AUDIT_KEY_BYTES), "signature",
                     hex_json(h->signature, AUDIT_SIGNATURE_BYTES));
}

static bool hex_read(const char *hex, uint8_t *ret, size_t n)
{
    size_t size;
    return sodium_hex2bin(ret, n, hex, strlen(hex), NULL, &size, NULL) == 0 && size == n;
}

int audit_head_of_json(const json_t *json, struct audit_head *ret)
{
    const char *chain, *gone, *last, *public_key, *signature;
    json_int_t gone_n, last_n, at;
    struct audit_head h;
    if (json_unpack((json_t *)json, "{s:s, s:{s:I, s:s}, s:{s:I, s:s}, s:I, s:s, s:s}", "chain", &chain,
                    "gone", "n", &gone_n, "hash", &gone, "last", "n", &last_n, "hash", &last, "at", &at,
                    "public_key", &public_key, "signature", &signature) < 0)
        return -EBADMSG;
    h.chain = audit_chain_find(chain);
    h.gone.n = (uint64_t)gone_n;
    h.last.n = (uint64_t)last_n;
    h.at = at;
    if (h.chain == AUDIT_N_CHAINS || gone_n < 0 || last_n < gone_n ||
        !hex_read(gone, h.gone.hash, sizeof(h.gone.hash)) ||
        !hex_read(last, h.last.hash, sizeof(h.last.hash)) ||
        !hex_read(public_key, h.public_key, sizeof(h.public_key)) ||
        !hex_read(signature, h.signature, sizeof(h.signature)))
        return -EBADMSG;
    *ret = h;
    return 0;
}

/* --- verifying --- */

int audit_check_begin(struct audit_check *c, const struct audit_head *head,
                      const uint8_t public_key[AUDIT_KEY_BYTES], struct error *err)
{
    const char *chain = audit_chain_name(head->chain);
    if (public_key && memcmp(public_key, head->public_key, AUDIT_KEY_BYTES) != 0)
        return error_set(err, -EBADMSG, "audit_head", "the head of %s was signed by another key", chain);
    if (!audit_head_valid(head))
        return error_set(err, -EBADMSG, "audit_head", "the head of %s does not bear a right signature",
                         chain);
    c->head = *head;
    c->at = head->gone;
    return 0;
}

static int broken(const struct audit_check *c, struct error *err, const char *what, uint64_t n)
{
    return error_set(err, -EBADMSG, "audit_broken", "%s, entry %" PRIu64 ": %s",
                     audit_chain_name(c->head.chain), n, what);
}

/* The number that an entry says it has; 0 when it is none of this chain. */
static uint64_t number_of(const struct audit_check *c, const char *text, size_t size)
{
    const char *chain = NULL;
    json_int_t n = 0;
    json_t *entry = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_unpack(entry, "{s:s, s:I}", "chain", &chain, "n", &n) < 0 || n < 0 ||
        strcmp(chain, audit_chain_name(c->head.chain)) != 0)
        n = 0;
    json_decref(entry);
    return (uint64_t)n;
}

int audit_check_line(struct audit_check *c, const char *line, size_t size, struct error *err)
{
    uint64_t n = c->at.n + 1, found;
    uint8_t said[AUDIT_HASH_BYTES], hash[AUDIT_HASH_BYTES];
    char text[AUDIT_TEXT_BYTES], hex[HASH_HEX + 1];
    if (n > c->head.last.n)
        return broken(c, err, "it stands behind the end that was signed", n);
    if (size <= TAIL_SIZE || size - TAIL_SIZE + 1 > sizeof(text) ||
        memcmp(line + size - TAIL_SIZE, HASH_MEMBER, sizeof(HASH_MEMBER) - 1) != 0 ||
        memcmp(line + size - 2, "\"}", 2) != 0)
        return broken(c, err, "the line that stands here is no entry", n);
    size_t text_size = size - TAIL_SIZE + 1;
    memcpy(text, line, text_size - 1);
    text[text_size - 1] = '}';
    memcpy(hex, line + size - 2 - HASH_HEX, HASH_HEX);
    hex[HASH_HEX] = '\0';
    found = number_of(c, text, text_size);
    if (found == 0)
        return broken(c, err, "the line that stands here is no entry of this chain", n);
    if (found != n)
        return error_set(err, -EBADMSG, "audit_broken",
                         "%s, entry %" PRIu64 ": it is missing or moved; entry %" PRIu64
                         " stands in its place",
                         audit_chain_name(c->head.chain), n, found);
    audit_hash(c->at.hash, text, text_size, hash);
    if (!hex_read(hex, said, sizeof(said)) || memcmp(said, hash, sizeof(hash)) != 0)
        return broken(c, err,
                      "its hash is not that of its text and of the entry before it: one of them was changed",
                      n);
    c->at.n = n;
    memcpy(c->at.hash, hash, sizeof(hash));
    if (n == c->head.last.n)
        return audit_check_end(c, err);
    return 0;
}

int audit_check_end(const struct audit_check *c, struct error *err)
{
    if (c->at.n < c->head.last.n)
        return error_set(err, -EBADMSG, "audit_broken",
                         "%s, entry %" PRIu64 ": it is missing, and all behind it up to %" PRIu64
                         ", which was signed as the last",
                         audit_chain_name(c->head.chain), c->at.n + 1, c->head.last.n);
    if (memcmp(c->at.hash, c->head.last.hash, AUDIT_HASH_BYTES) != 0)
        return broken(c, err, "it is not the one that was signed as the last: entries were written anew",
                      c->at.n);
    return 0;
}
