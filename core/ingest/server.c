#include "core/ingest/server.h"

#include "core/base/log.h"
#include "core/ingest/server_inside.h"
#include "core/tenant/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define MESSAGES_A_TURN 256  /* before the outbox is looked at */
#define TICK_MS         1000 /* housekeeping */

static int64_t monotonic_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* --- QUERY, CALL and MORE ---------------------------------------------------------------------------------
 */

static void take_request(struct server *s, const struct peer *peer, const struct grant *who,
                         struct wire_envelope *envelope)
{
    struct error err = ERROR_INIT;
    struct pending *p = pending_new(s, peer, envelope->request);
    size_t size = (size_t)(envelope->body.end - envelope->body.at);
    int rc = p ? dispatch_submit(s->options.dispatch, who, envelope->kind, envelope->body.at, size,
                                 pending_dispatched, p, &err)
               : error_set(&err, -ENOMEM, "no_memory", "no memory for the request");
    if (rc != 0) {
        pending_free(p);
        server_send_error(s, peer, envelope->request, err.code, err.message, err.hint);
    }
}

static void take_more(struct server *s, const struct peer *peer, struct wire_envelope *envelope)
{
    uint32_t n = 0, size = 0;
    const char *key = NULL;
    uint64_t part = 0;
    struct mp_reader *r = &envelope->body;
    if (!mp_read_map(r, &n) || n != 1 || !mp_read_str(r, &key, &size) || size != 4 ||
        memcmp(key, "part", 4) != 0 || !mp_read_uint(r, &part)) {
        server_send_error(s, peer, envelope->request, "malformed", "MORE takes {part: uint}", "");
        return;
    }
    const struct buffer *document = kept_find(&s->kept, peer, envelope->request, s->now);
    if (!document || part > document->size / WIRE_PART_BYTES || part * WIRE_PART_BYTES >= document->size) {
        server_send_error(s, peer, envelope->request, "unknown_request",
                          "there is no such part of an answer to that request any more",
                          "ask the question again");
        return;
    }
    server_send_part(s, peer, envelope->request, document, part);
    if ((part + 1) * WIRE_PART_BYTES >= document->size)
        kept_remove(&s->kept, peer, envelope->request);
}

/* --- messages ---------------------------------------------------------------------------------------------
 */

/* Counts the connection for its tenant when it is heard for the first time. */
static bool connection_is_allowed(struct server *s, const struct grant *who, int fd)
{
    struct tenant *t = who->tenant[0] ? tenants_hold(s->options.tenants, who->tenant) : NULL;
    struct quota *quota = t ? quotas_of(&s->quotas, t) : NULL;
    bool is_allowed = true;
    if (quota) {
        struct tenant_settings *settings = tenant_settings_get(t);
        is_allowed = connections_own(&s->socket.connections, fd, &quota->n_connections,
                                     (unsigned)settings->limits.connections);
        tenant_settings_unref(settings);
    }
    tenant_release(t);
    return is_allowed;
}

static void take_message(struct server *s, const struct socket_message *m)
{
    struct grant who = {.role = ROLE_NONE};
    struct wire_envelope envelope;
    const struct peer *peer = &m->peer;
    bool is_stopping = atomic_load_explicit(&s->is_stopping, memory_order_relaxed);
    s->statistics.messages++;
    s->statistics.bytes += m->size;
    int rc = wire_envelope_read(m->data, m->size, &envelope);
    /* Answers go by the routing id alone. One that a client chose another client could choose, too, when the
     * first is gone, and get what is still to be answered. */
    bool is_chosen = peer->size == 0 || peer->id[0] != 0;
    if (is_chosen || !m->user_id || s->options.resolve(s->options.resolve_ctx, m->user_id, &who) != 0 ||
        who.role == ROLE_NONE) {
        /* It was known when it connected, and is no more. */
        who = (struct grant){.role = ROLE_NONE};
        server_refuse(s, peer, &who, &envelope, WIRE_NACK_NOT_GRANTED);
        return;
    }
    if (rc != 0) {
        s->statistics.malformed++;
        server_refuse(s, peer, &who, &envelope,
                      rc == -EPROTONOSUPPORT ? WIRE_NACK_VERSION : WIRE_NACK_MALFORMED);
        return;
    }
    if (!connection_is_allowed(s, &who, m->fd)) {
        server_refuse(s, peer, &who, &envelope, WIRE_NACK_TOO_MANY_CONNECTIONS);
        return;
    }
    bool is_source_s =
        envelope.kind == WIRE_HELLO || envelope.kind == WIRE_BATCH || envelope.kind == WIRE_FORWARD;
    bool may_send = envelope.kind == WIRE_HELLO   ? who.role == ROLE_SOURCE || who.role == ROLE_FORWARDER
                    : envelope.kind == WIRE_BATCH ? who.role == ROLE_SOURCE
                                                  : who.role == ROLE_FORWARDER;
    bool is_question = envelope.kind == WIRE_QUERY || envelope.kind == WIRE_CALL;
    if (is_stopping)
        server_refuse(s, peer, &who, &envelope, WIRE_NACK_STOPPING);
    else if (is_source_s && (!may_send || !s->options.committer))
        server_refuse(s, peer, &who, &envelope, WIRE_NACK_NOT_GRANTED);
    else if (is_source_s)
        server_take_source_s(s, peer, &who, &envelope, m->size);
    else if (is_question && s->options.dispatch)
        take_request(s, peer, &who, &envelope);
    else if (envelope.kind == WIRE_MORE)
        take_more(s, peer, &envelope);
    else
        server_refuse(s, peer, &who, &envelope, WIRE_NACK_NOT_GRANTED);
}

static void take_messages(struct server *s)
{
    for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
        struct socket_message m;
        int rc = socket_receive(&s->socket, &m);
        if (rc == -EAGAIN)
            return;
        if (rc == -EMSGSIZE) { /* not one payload frame: it is gone, and its sender finds no answer */
            s->statistics.multipart++;
            continue;
        }
        if (rc != 0)
            return;
        take_message(s, &m);
        socket_message_free(&m);
    }
}

/* --- the thread -------------------------------------------------------------------------------------------
 */

static void session_tick(void *ctx, struct session *session)
{
    struct server *s = ctx;
    credit_shrink(&s->pool, &session->credit, s->now);
}

static void server_tick(struct server *s)
{
    if (s->n_refusals > SERVER_REFUSALS_LOGGED)
        log_warning(s->options.logger, "ingest", "refusals_not_logged", "server=%s n=%u", s->options.name,
                    s->n_refusals - SERVER_REFUSALS_LOGGED);
    s->n_refusals = 0;
    session_each(s->sessions, session_tick, s);
    kept_expire(&s->kept, s->now);
    int moved = socket_guard(&s->socket);
    if (moved != 0)
        log_warning(s->options.logger, "ingest", moved < 0 ? "listening_stopped" : "listening_resumed",
                    "server=%s reason=%s", s->options.name,
                    s->socket.is_crowded ? "descriptors" : "too_many_at_once");
}

static void server_sweep(struct server *s)
{
    unsigned n = socket_sweep(&s->socket);
    s->statistics.endless += n;
    if (n > 0)
        log_warning(s->options.logger, "ingest", "connection_ended",
                    "server=%s n=%u reason=message_without_end", s->options.name, n);
}

static void server_publish(struct server *s)
{
    s->statistics.connections = s->socket.n_connections;
    s->statistics.is_listening = s->socket.is_listening;
    s->statistics.sessions = session_count(s->sessions);
    s->statistics.credit_reserved = s->pool.reserved;
    (void)pthread_mutex_lock(&s->statistics_lock);
    s->published = s->statistics;
    (void)pthread_mutex_unlock(&s->statistics_lock);
}

static void *server_thread(void *arg)
{
    struct server *s = arg;
    int64_t tick_at = monotonic_ms() + TICK_MS, sweep_at = 0;
    zmq_pollitem_t items[] = {
        {.socket = s->socket.router, .events = ZMQ_POLLIN},
        {.socket = s->socket.monitor, .events = ZMQ_POLLIN},
        {.fd = s->outbox.fd, .events = ZMQ_POLLIN},
    };
    (void)pthread_setname_np(pthread_self(), s->options.name);
    while (!atomic_load(&s->is_ending)) {
        s->now = monotonic_ms();
        int64_t wake_at = s->socket.n_connections > 0 && sweep_at < tick_at ? sweep_at : tick_at;
        int64_t wait_ms = wake_at > s->now ? wake_at - s->now : 0;
        if (zmq_poll(items, 3, (long)wait_ms) < 0 && errno != EINTR)
            break;
        s->now = monotonic_ms();
        if (items[1].revents)
            socket_watch(&s->socket);
        if (items[0].revents)
            take_messages(s);
        server_deliver_all(s);
        if (s->now >= tick_at) {
            server_tick(s);
            tick_at = s->now + TICK_MS;
        }
        if (s->now >= sweep_at) {
            server_sweep(s);
            sweep_at = s->now + SOCKET_SWEEP_MS;
        }
        server_publish(s);
    }
    server_deliver_all(s);
    return NULL;
}

/* --- from outside -----------------------------------------------------------------------------------------
 */

int server_new(const struct server_options *options, struct server **ret, struct error *err)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the %s server", options->name);
    s->options = *options;
    s->outbox.fd = -1;
    (void)pthread_mutex_init(&s->statistics_lock, NULL);
    kept_init(&s->kept, SERVER_ANSWERS_BYTES);
    credit_pool_init(&s->pool, options->credit_pool ? options->credit_pool : SERVER_CREDIT_POOL,
                     options->credit_source ? options->credit_source : SERVER_CREDIT_SOURCE);
    int rc = session_table_new(&s->sessions);
    if (rc == 0)
        rc = outbox_init(&s->outbox);
    if (rc != 0)
        (void)error_set(err, rc, "no_memory", "no memory for the %s server", options->name);
    else
        rc = socket_open(&s->socket, options, err);
    if (rc == 0) {
        s->statistics.is_listening = s->published.is_listening = true;
        rc = -pthread_create(&s->thread, NULL, server_thread, s);
        s->is_started = rc == 0;
        if (rc != 0)
            (void)error_set(err, rc, "no_threads", "the %s server's thread cannot be started", options->name);
    }
    if (rc != 0) {
        server_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void server_stop(struct server *s)
{
    atomic_store(&s->is_stopping, true);
}

void server_free(struct server *s)
{
    if (!s)
        return;
    if (s->is_started) {
        server_stop(s);
        atomic_store(&s->is_ending, true);
        outbox_wake(&s->outbox);
        (void)pthread_join(s->thread, NULL);
    }
    socket_close(&s->socket);
    quotas_fini(&s->quotas);
    outbox_fini(&s->outbox);
    session_table_free(s->sessions);
    kept_fini(&s->kept);
    (void)pthread_mutex_destroy(&s->statistics_lock);
    free(s);
}

const char *server_address(const struct server *s, size_t index)
{
    return index < s->socket.n_endpoints ? s->socket.endpoints[index].bound : NULL;
}

void server_statistics(struct server *s, struct server_statistics *ret)
{
    (void)pthread_mutex_lock(&s->statistics_lock);
    *ret = s->published;
    (void)pthread_mutex_unlock(&s->statistics_lock);
}
