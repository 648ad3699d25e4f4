/* ZAP: who a connection is, asked by libzmq once for each.
 *
 * One handler a process, bound before any socket that asks it; those set ZMQ_ZAP_ENFORCE_DOMAIN, so that
 * without a handler nobody gets in. It gives a connection its User-Id:
 *
 *   key:Z85        CURVE: the client's public key
 *   pid:PID:UID    a local socket of the domain WIRE_ZAP_DOMAIN: as the kernel reports it (hosts.sock)
 *   uid:UID        a local socket of the domain WIRE_ZAP_DOMAIN_CONTROL (control.sock)
 *
 * and lets in only those that `resolve` knows. Rights are checked again for every message. */
#ifndef TENDON_INGEST_ZAP_H
#define TENDON_INGEST_ZAP_H

#include "core/base/error.h"
#include "core/tenant/grant.h"

#define ZAP_USER_ID_BYTES 64

struct logger;
struct zap;

/* 0 and the rights that belong to a User-Id, or negative: nobody we know. Any thread, often: no waiting. */
typedef int (*zap_resolve)(void *ctx, const char *user_id, struct grant *ret);

struct zap_options {
    void *zmq; /* the process's one context */
    zap_resolve resolve;
    void *resolve_ctx;
    struct logger *logger;
};

int zap_new(const struct zap_options *options, struct zap **ret, struct error *err);
/* After the servers. NULL is fine. */
void zap_free(struct zap *z);

#endif
