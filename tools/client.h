/* A connection to a collector: one request at a time, its answer as one document.
 *
 * DEALER to tendond's ROUTER (tendon-protocol(7)). Whether the collector is there is known before the first
 * request is sent, from the socket's own events, so that a wrong endpoint or a refused key is said at once
 * and not after a timeout. One thread. */
#ifndef TENDON_TOOLS_CLIENT_H
#define TENDON_TOOLS_CLIENT_H

#include "core/base/error.h"
#include "proto/wire.h"
#include "tools/key.h"

#include <jansson.h>
#include <stdint.h>

#define CLIENT_ENDPOINT     "ipc:///run/tendon/control.sock"
#define CLIENT_RESULT_BYTES (256u * 1024 * 1024) /* one answer, at most */
#define CLIENT_VALUES_MAX   8000000 /* values of one answer, as core/base/document.h counts them */
#define CLIENT_CONNECT_MS   5000
#define CLIENT_TICK_MS      100

struct client_options {
    const char *endpoint;
    const struct key_pair *key; /* tcp: ours; NULL for ipc */
    const char *server_key;     /* tcp: the collector's public key, Z85; NULL for ipc */
    int64_t timeout_ms;         /* of one request */
    /* called about every CLIENT_TICK_MS while an answer is awaited; may be NULL */
    void (*tick)(void *context, int64_t elapsed_ms);
    void *context;
};

struct client;

/* Connects. -ENOTCONN with code unreachable: nobody answers there; -EACCES with code refused: somebody does,
 * and does not take our key; -EINVAL with code usage: the endpoint is none. */
int client_open(const struct client_options *options, struct client **ret, struct error *err);
void client_close(struct client *c); /* NULL is fine */

/* Sends QUERY or CALL and waits for the whole answer. What the collector refuses comes back as its own error
 * (-EREMOTEIO, its code, message and hint). -ENOTCONN: the connection was lost; -ETIMEDOUT with code timeout;
 * -EBADMSG with code bad_answer: what came is no answer of this protocol; -EMSGSIZE: the request or the
 * answer is too large. */
int client_request(struct client *c, enum wire_kind kind, const json_t *body, json_t **ret,
                   struct error *err);

#endif
