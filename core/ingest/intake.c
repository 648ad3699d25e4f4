/* HELLO, BATCH and FORWARD, from the message to the committer's queue: who speaks for a source, what it may
 * send now.
 */
#include "core/base/log.h"
#include "core/ingest/decode.h"
#include "core/ingest/hello.h"
#include "core/ingest/server_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_SESSION_MS     60000
#define BUSY_RETRY_MS       200
#define FORWARD_EVENT_BYTES 128 /* of a parcel, about: its events are not counted before it is read */

/* The source's session, made when it has none; makes room by dropping the one idle longest. */
static int session_get(struct server *s, const struct grant *who, struct session **ret)
{
    *ret = session_find(s->sessions, who->tenant, who->source);
    if (*ret)
        return 0;
    int rc = session_add(s->sessions, who->tenant, who->source, s->now, ret);
    struct session *idle = rc == -ENOSPC ? session_idlest(s->sessions, s->now - IDLE_SESSION_MS) : NULL;
    if (idle) {
        credit_close(&s->pool, &idle->credit);
        session_remove(s->sessions, idle);
        rc = session_add(s->sessions, who->tenant, who->source, s->now, ret);
    }
    return rc;
}

struct counting {
    const struct tenant *tenant;
    size_t n;
};

/* Sessions of the tenant's sources that have not sent anything yet. */
static void count_new(void *ctx, struct session *session)
{
    struct counting *c = ctx;
    struct store_source known;
    if (strcmp(session->tenant, c->tenant->name) == 0 &&
        store_source_get(c->tenant->store, session->source, &known) != 1)
        c->n++;
}

/* Whether the tenant may have this source: one that it has, or one more. */
static bool source_is_allowed(struct server *s, struct tenant *t, const char *source)
{
    struct store_source known, *sources = NULL;
    struct counting c = {.tenant = t};
    if (store_source_get(t->store, source, &known) == 1 || session_find(s->sessions, t->name, source))
        return true;
    (void)store_source_list(t->store, &sources, &c.n);
    free(sources);
    session_each(s->sessions, count_new, &c);
    struct tenant_settings *settings = tenant_settings_get(t);
    bool is_allowed = c.n < (uint64_t)settings->limits.sources;
    tenant_settings_unref(settings);
    return is_allowed;
}

static void take_hello(struct server *s, const struct peer *peer, const struct grant *who,
                       struct wire_envelope *envelope, struct tenant *tenant)
{
    char software[2 * WIRE_SOFTWARE_BYTES];
    struct hello hello;
    struct session *session;
    struct peer old;
    if (!hello_read(&envelope->body, &hello)) {
        server_refuse(s, peer, who, envelope, WIRE_NACK_MALFORMED);
        return;
    }
    if (strcmp(hello.source, who->source) != 0) {
        server_refuse(s, peer, who, envelope, WIRE_NACK_UNKNOWN_SOURCE);
        return;
    }
    if (tenant && who->role == ROLE_SOURCE && !source_is_allowed(s, tenant, who->source)) {
        server_refuse(s, peer, who, envelope, WIRE_NACK_TOO_MANY_SOURCES);
        return;
    }
    struct pending *p = pending_new(s, peer, envelope->request);
    if (!tenant || !p || session_get(s, who, &session) != 0) {
        pending_free(p);
        server_refuse(s, peer, who, envelope, tenant ? WIRE_NACK_TOO_MANY_SOURCES : WIRE_NACK_STORE_FAILED);
        return;
    }
    enum session_claim claim = session_claim(session, peer, hello.session, &old);
    if (claim == SESSION_TAKEOVER)
        server_send_nack(s, &old, 0, WIRE_NACK_SUPERSEDED, 0, 0, 0, false, 0);
    if (claim == SESSION_SUPERSEDED) {
        pending_free(p);
        server_refuse(s, peer, who, envelope, WIRE_NACK_SUPERSEDED);
        return;
    }
    p->session = session;
    p->tenant = tenant;
    p->types = who->types;
    if (committer_hello(s->options.committer, tenant, who, pending_committed, p) != 0) {
        pending_free(p);
        server_refuse(s, peer, who, envelope, WIRE_NACK_STOPPING);
        return;
    }
    session->n_pending++;
    log_info(s->options.logger, "ingest", "source_connected", "tenant=%s source=%s software=%s", who->tenant,
             who->source, log_quote(software, sizeof(software), hello.software));
}

static bool rate_take(struct server *s, struct tenant *t, struct quota *quota, uint32_t n,
                      uint32_t *ret_retry_ms)
{
    struct tenant_settings *settings = tenant_settings_get(t);
    bool is_taken = quota_take(quota, &settings->limits, n, s->now, ret_retry_ms);
    tenant_settings_unref(settings);
    return is_taken;
}

static void rate_give(struct tenant *t, struct quota *quota, uint32_t n)
{
    if (!quota)
        return;
    struct tenant_settings *settings = tenant_settings_get(t);
    quota_give(quota, &settings->limits, n);
    tenant_settings_unref(settings);
}

/* A batch that is to come again later. */
static void nack_batch(struct server *s, const struct peer *peer, const struct grant *who,
                       const struct wire_envelope *envelope, struct tenant *t, const struct session *session,
                       enum wire_nack nack, uint32_t retry_ms)
{
    struct store_source known;
    bool is_known = store_source_get(t->store, who->source, &known) == 1;
    size_t size = (size_t)(envelope->body.end - envelope->body.at);
    server_send_nack(s, peer, envelope->request, nack, decode_seq(envelope->body.at, size),
                     is_known ? known.last_seq : 0, retry_ms, false, session->credit.promised);
}

/* BATCH, or FORWARD, which differs in how its events are counted and how much may be under way. */
static void take_batch(struct server *s, const struct peer *peer, const struct grant *who,
                       struct wire_envelope *envelope, struct tenant *tenant, size_t message_size)
{
    struct session *session = session_find(s->sessions, who->tenant, who->source);
    size_t size = (size_t)(envelope->body.end - envelope->body.at);
    if (message_size > WIRE_BATCH_BYTES) {
        server_refuse(s, peer, who, envelope, WIRE_NACK_TOO_LARGE);
        return;
    }
    if (!tenant || !session || !peer_equal(&session->peer, peer)) {
        bool is_past = session && session_is_past(session, peer);
        server_refuse(s, peer, who, envelope, is_past ? WIRE_NACK_SUPERSEDED : WIRE_NACK_HELLO_REQUIRED);
        return;
    }
    struct quota *quota = quotas_of(&s->quotas, tenant);
    bool is_batch = envelope->kind == WIRE_BATCH;
    uint32_t n_events = is_batch ? quota_batch_events(envelope->body.at, size)
                                 : (uint32_t)(size / FORWARD_EVENT_BYTES + 1),
             retry_ms = 0;
    if (quota && !rate_take(s, tenant, quota, n_events, &retry_ms)) {
        s->statistics.over_rate++;
        nack_batch(s, peer, who, envelope, tenant, session, WIRE_NACK_OVER_RATE, retry_ms);
        return;
    }
    bool is_short;
    if (!(is_batch ? credit_take : credit_take_alone)(&s->pool, &session->credit, message_size, s->now,
                                                      &is_short)) {
        rate_give(tenant, quota, n_events);
        s->statistics.refused++;
        nack_batch(s, peer, who, envelope, tenant, session, WIRE_NACK_OVER_CREDIT,
                   is_short ? BUSY_RETRY_MS : 0);
        return;
    }
    struct pending *p = pending_new(s, peer, envelope->request);
    int rc = p ? 0 : -ENOMEM;
    if (p) {
        p->session = session;
        p->charged = message_size;
        p->taken_at = s->now;
        p->tenant = tenant;
        p->quota = quota;
        p->n_events = n_events;
        rc = (is_batch ? committer_submit_batch : committer_submit_forward)(
            s->options.committer, tenant, who, envelope->body.at, size, pending_committed, p);
    }
    if (rc != 0) {
        pending_free(p);
        rate_give(tenant, quota, n_events);
        credit_give(&s->pool, &session->credit, message_size);
        server_refuse(s, peer, who, envelope, rc == -ESHUTDOWN ? WIRE_NACK_STOPPING : WIRE_NACK_STORE_FAILED);
        return;
    }
    session->n_pending++;
}

void server_take_source_s(struct server *s, const struct peer *peer, const struct grant *who,
                          struct wire_envelope *envelope, size_t message_size)
{
    struct tenant *tenant = tenants_hold(s->options.tenants, who->tenant);
    if (envelope->kind == WIRE_HELLO)
        take_hello(s, peer, who, envelope, tenant);
    else
        take_batch(s, peer, who, envelope, tenant, message_size);
    tenant_release(tenant);
}
