/* The forwarder: sends tenants of this collector to a central one, each from a thread of its own.
 *
 * A site's store is read as parcels (reader.h) and delivered one after the other over tcp + CURVE, as FORWARD
 * of tendon-protocol(7). The centre keeps with each where the reader goes on behind it: after a cut, and
 * after a restart of either side, WELCOME says where that was. What the centre refuses stops it there;
 * nothing is skipped. */
#ifndef TENDON_FORWARD_FORWARDER_H
#define TENDON_FORWARD_FORWARDER_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <jansson.h>
#include <stdint.h>

#define FORWARDER_RETRY_MS  1000 /* after a cut, doubled up to */
#define FORWARDER_RETRY_MAX 30000
#define FORWARDER_ANSWER_MS 10000 /* that an answer may take */

struct committer;
struct config;
struct forwarders;
struct logger;
struct tenants;

struct forwarders_options {
    void *zmq;
    struct tenants *tenants;
    struct committer *committer;
    struct logger *logger;
    /* Records what became of a tenant's forwarding; any thread. */
    void (*audit)(void *ctx, const char *act, const char *tenant, json_t *what);
    void *audit_ctx;
};

int forwarders_new(const struct forwarders_options *options, struct forwarders **ret, struct error *err);
/* Ends the threads. The committer must still work. NULL is fine. */
void forwarders_free(struct forwarders *f);

/* Forwards what the configuration says from now on, and keeps nothing for tenants that it does not name. Key
 * files are read here. Codes: key_file, no_threads, no_memory. One thread at a time. */
int forwarders_apply(struct forwarders *f, const struct config *config, struct error *err);

/* An array for status: each tenant's state, since when, what is not delivered yet, and why it does not go on.
 */
json_t *forwarders_status(struct forwarders *f);

#endif
