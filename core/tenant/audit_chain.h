/* The chains of the audit log: how an entry is bound to the one before it, and how the end is signed.
 *
 * An entry is one line of JSON that holds its chain's name and its number, from 1 without gaps. Its hash is
 * SHA-256 of the hash before it (32 zero bytes for the first) and its text. A head says where a chain begins
 * and ends at some moment, signed with Ed25519: who has one can tell whether anything up to it was changed,
 * taken out, put in, moved or cut off, wherever the entries come from. Nothing here waits or keeps state; any
 * thread. The collector writes with this and the command line tool verifies with it. */
#ifndef TENDON_TENANT_AUDIT_CHAIN_H
#define TENDON_TENANT_AUDIT_CHAIN_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_HASH_BYTES      32
#define AUDIT_KEY_BYTES       32
#define AUDIT_SIGNATURE_BYTES 64
#define AUDIT_TEXT_BYTES      16384 /* of an entry, at most */
#define AUDIT_LINE_BYTES      (AUDIT_TEXT_BYTES + 128)

/* acts: what was done to the collector and by whom; usage: what was asked and what was rejected. */
enum audit_chain { AUDIT_ACTS, AUDIT_USAGE, AUDIT_N_CHAINS };

const char *audit_chain_name(enum audit_chain chain);
/* AUDIT_N_CHAINS when there is none of that name. */
enum audit_chain audit_chain_find(const char *name);

/* An entry, as far as the next one depends on it. n 0: before the first. */
struct audit_link {
    uint64_t n;
    uint8_t hash[AUDIT_HASH_BYTES];
};

void audit_hash(const uint8_t before[AUDIT_HASH_BYTES], const char *text, size_t size,
                uint8_t ret[AUDIT_HASH_BYTES]);

/* The form in which entries leave the collector: the text with its hash as the last member. line has room for
 * size + 80 bytes; returns its length. */
size_t audit_line_write(char *line, const char *text, size_t size, const uint8_t hash[AUDIT_HASH_BYTES]);

struct audit_head {
    enum audit_chain chain;
    struct audit_link gone; /* the newest entry that has left by retention; n 0: none has */
    struct audit_link last; /* n 0: the chain is empty */
    int64_t at;             /* ms since 1970 */
    uint8_t public_key[AUDIT_KEY_BYTES];
    uint8_t signature[AUDIT_SIGNATURE_BYTES];
};

/* Signs with an Ed25519 secret key (64 bytes, the public one in its second half), at the present time. */
void audit_head_sign(struct audit_head *h, const uint8_t secret[64]);
/* Whether the signature is that of the public key that the head names. */
bool audit_head_valid(const struct audit_head *h);
json_t *audit_head_json(const struct audit_head *h); /* NULL: no memory */
int audit_head_of_json(const json_t *json, struct audit_head *ret);

/* Walks a chain from where its head says that it begins. */
struct audit_check {
    struct audit_head head;
    struct audit_link at; /* the last entry that was taken */
};

/* -EBADMSG with code audit_head: the signature is not right, or not by that key (NULL: by the one it names).
 */
int audit_check_begin(struct audit_check *c, const struct audit_head *head,
                      const uint8_t public_key[AUDIT_KEY_BYTES], struct error *err);
/* The next line of an export (without its end); -EBADMSG with code audit_broken and where. */
int audit_check_line(struct audit_check *c, const char *line, size_t size, struct error *err);
/* After the last one: that nothing is missing at the end. */
int audit_check_end(const struct audit_check *c, struct error *err);

#endif
