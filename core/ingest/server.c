#include "core/ingest/server.h"

#include "core/base/buffer.h"
#include "core/base/log.h"
#include "core/ingest/answer.h"
#include "core/ingest/committer.h"
#include "core/ingest/decode.h"
#include "core/ingest/hello.h"
#include "core/ingest/kept.h"
#include "core/ingest/outbox.h"
#include "core/ingest/quota.h"
#include "core/ingest/session.h"
#include "core/ingest/socket.h"
#include "core/tenant/dispatch.h"
#include "core/tenant/tenant.h"
#include "proto/wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define MESSAGES_A_TURN 256  /* before the outbox is looked at */
#define TICK_MS         1000 /* housekeeping */
#define IDLE_SESSION_MS 60000
#define REFUSALS_LOGGED 10 /* a tick */
#define BUSY_RETRY_MS   200

struct server {
    struct server_options options;
    struct endpoint_socket socket; /* the thread's, once it runs */
    struct outbox outbox;
    struct session_table *sessions;
    struct credit_pool pool;
    struct quotas quotas;
    struct kept_answers kept;
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping, is_ending;
    int64_t now;         /* ms, monotonic; of this turn */
    unsigned n_refusals; /* logged since the last tick */

    pthread_mutex_t statistics_lock;
    struct server_statistics statistics, published;
};

/* A request that is under way, and then its answer. The socket thread's, but while the committer or dispatch
 * has it. */
struct pending {
    struct outbox_item item; /* first: the outbox's handle */
    struct server *server;
    struct peer peer;
    uint64_t request;
    struct session *session; /* HELLO and BATCH */
    uint64_t charged;        /* bytes of credit */
    struct quota *quota;     /* BATCH */
    uint32_t n_events;       /* taken from it */
    struct tenant *tenant;   /* HELLO: whose dimensions WELCOME lists; BATCH: whose rate */
    uint32_t types;          /* HELLO: granted */
    bool is_query;           /* QUERY and CALL */

    /* the answer */
    struct buffer message;  /* without its credit where has_credit */
    struct buffer document; /* of a query that was answered */
    bool has_credit, is_committed;
};

static int64_t monotonic_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* --- sending ----------------------------------------------------------------------------------------------
 */

static void server_send(struct server *s, const struct peer *peer, const struct buffer *message)
{
    int rc = buffer_failed(message) ? -ENOMEM : socket_send(&s->socket, peer, message->data, message->size);
    if (rc == 0)
        return;
    s->statistics.unsent++;
    /* A peer that is gone asks again when it is back; one that does not read its answers is told to nobody
     * else. */
    if (rc != -EHOSTUNREACH && s->n_refusals++ < REFUSALS_LOGGED)
        log_warning(s->options.logger, "ingest", "answer_unsent", "server=%s reason=%s", s->options.name,
                    rc == -EAGAIN ? "peer_does_not_read" : "no_memory");
}

static void send_error(struct server *s, const struct peer *peer, uint64_t request, const char *code,
                       const char *message, const char *hint)
{
    struct buffer b;
    buffer_init(&b, ANSWER_BYTES);
    answer_error(&b, request, code, message, hint);
    server_send(s, peer, &b);
    buffer_fini(&b);
}

static void send_nack(struct server *s, const struct peer *peer, uint64_t request, enum wire_nack nack,
                      uint64_t seq, uint64_t last_seq, uint32_t retry_ms, bool final, uint64_t credit)
{
    struct buffer b;
    buffer_init(&b, ANSWER_BYTES);
    answer_nack_encode(&b, request, nack, seq, last_seq, retry_ms, final);
    answer_credit(&b, credit);
    server_send(s, peer, &b);
    buffer_fini(&b);
}

/* Sends one part of a document. */
static void send_part(struct server *s, const struct peer *peer, uint64_t request,
                      const struct buffer *document, uint64_t part)
{
    size_t from = (size_t)part * WIRE_PART_BYTES, left = document->size - from;
    struct buffer b;
    buffer_init(&b, ANSWER_BYTES);
    answer_result(&b, request, part, left <= WIRE_PART_BYTES, document->data + from,
                  left < WIRE_PART_BYTES ? left : WIRE_PART_BYTES);
    server_send(s, peer, &b);
    buffer_fini(&b);
}

/* A message that is refused before anybody works on it: HELLO and BATCH with NACK, the others with ERROR.
 * What cannot be read is taken for a source's, unless it is somebody else's who sent it. */
static void refuse(struct server *s, const struct peer *peer, const struct grant *who,
                   const struct wire_envelope *envelope, enum wire_nack nack)
{
    uint64_t request = envelope->request;
    bool is_readable = envelope->body.at != NULL;
    bool is_source_s = is_readable ? envelope->kind == WIRE_HELLO || envelope->kind == WIRE_BATCH
                                   : who->role == ROLE_SOURCE || who->role == ROLE_NONE;
    s->statistics.refused++;
    if (s->n_refusals++ < REFUSALS_LOGGED)
        log_warning(s->options.logger, "ingest", "message_refused", "server=%s tenant=%s source=%s code=%s",
                    s->options.name, who->tenant[0] ? who->tenant : "-", who->source[0] ? who->source : "-",
                    wire_nack_code(nack));
    bool final = nack == WIRE_NACK_MALFORMED || nack == WIRE_NACK_VERSION || nack == WIRE_NACK_TOO_LARGE ||
                 nack == WIRE_NACK_UNKNOWN_SOURCE || nack == WIRE_NACK_NOT_GRANTED;
    if (is_source_s) {
        struct session *session = session_find(s->sessions, who->tenant, who->source);
        send_nack(s, peer, request, nack, 0, 0, nack == WIRE_NACK_STOPPING ? COMMITTER_RETRY_MS : 0, final,
                  session ? session->credit.promised : 0);
    } else {
        send_error(s, peer, request, wire_nack_code(nack), wire_nack_sentence(nack), "");
    }
}

/* --- requests under way -----------------------------------------------------------------------------------
 */

static struct pending *pending_new(struct server *s, const struct peer *peer, uint64_t request)
{
    struct pending *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->server = s;
    p->peer = *peer;
    p->request = request;
    buffer_init(&p->message, ANSWER_BYTES);
    buffer_init(&p->document, DISPATCH_RESULT_BYTES);
    return p;
}

static void pending_free(struct pending *p)
{
    if (!p)
        return;
    buffer_fini(&p->message);
    buffer_fini(&p->document);
    free(p);
}

/* On a thread of the committer's. */
static void committed(void *ctx, const struct committer_answer *answer)
{
    struct pending *p = ctx;
    struct event_schema schema = {.types = p->types};
    if (answer->kind == WIRE_WELCOME) {
        struct tenant_settings *settings = tenant_settings_get(p->tenant);
        schema.n_declared = settings->n_declared;
        memcpy(schema.declared, settings->declared, sizeof(schema.declared));
        tenant_settings_unref(settings);
    }
    answer_encode(&p->message, p->request, answer, &schema);
    p->has_credit = true;
    p->is_committed = answer->kind == WIRE_ACK && !answer->repeat;
    outbox_put(&p->server->outbox, &p->item);
}

/* On a thread of dispatch's. */
static void dispatched(void *ctx, struct buffer *result, const struct error *err)
{
    struct pending *p = ctx;
    if (err) {
        answer_error(&p->message, p->request, err->code, err->message, err->hint);
    } else {
        p->document = *result;
        buffer_init(result, result->maximum);
    }
    outbox_put(&p->server->outbox, &p->item);
}

static void deliver_document(struct server *s, struct pending *p)
{
    uint64_t n_parts = (p->document.size + WIRE_PART_BYTES - 1) / WIRE_PART_BYTES;
    if (n_parts > 1 && kept_add(&s->kept, &p->peer, p->request, &p->document, s->now) != 0) {
        send_error(s, &p->peer, p->request, "busy", "too many long answers are waiting to be fetched",
                   "ask again, or for less");
        return;
    }
    const struct buffer *document =
        n_parts > 1 ? kept_find(&s->kept, &p->peer, p->request, s->now) : &p->document;
    send_part(s, &p->peer, p->request, document, 0);
}

/* What was not committed is not counted against the tenant's rate. */
static void give_rate_back(const struct pending *p)
{
    if (!p->quota || p->n_events == 0 || p->is_committed || p->quota->tenant != p->tenant)
        return;
    struct tenant_settings *settings = tenant_settings_get(p->tenant);
    quota_give(p->quota, &settings->limits, p->n_events);
    tenant_settings_unref(settings);
}

static void deliver(struct server *s, struct pending *p)
{
    give_rate_back(p);
    struct session *session = p->session;
    if (session) {
        session->n_pending--;
        credit_give(&s->pool, &session->credit, p->charged);
        if (p->is_committed)
            credit_grow(&s->pool, &session->credit);
        session->credit.promised = session->credit.window;
    }
    if (p->has_credit)
        answer_credit(&p->message, session ? session->credit.promised : 0);
    if (p->document.size > 0)
        deliver_document(s, p);
    else
        server_send(s, &p->peer, &p->message);
    pending_free(p);
}

static void deliver_all(struct server *s)
{
    struct outbox_item *item = outbox_take(&s->outbox);
    while (item) {
        struct outbox_item *next = item->next;
        deliver(s, (struct pending *)item);
        item = next;
    }
}

/* --- HELLO and BATCH --------------------------------------------------------------------------------------
 */

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
        refuse(s, peer, who, envelope, WIRE_NACK_MALFORMED);
        return;
    }
    if (strcmp(hello.source, who->source) != 0) {
        refuse(s, peer, who, envelope, WIRE_NACK_UNKNOWN_SOURCE);
        return;
    }
    if (tenant && !source_is_allowed(s, tenant, who->source)) {
        refuse(s, peer, who, envelope, WIRE_NACK_TOO_MANY_SOURCES);
        return;
    }
    struct pending *p = pending_new(s, peer, envelope->request);
    if (!tenant || !p || session_get(s, who, &session) != 0) {
        pending_free(p);
        refuse(s, peer, who, envelope, tenant ? WIRE_NACK_TOO_MANY_SOURCES : WIRE_NACK_STORE_FAILED);
        return;
    }
    enum session_claim claim = session_claim(session, peer, hello.session, &old);
    if (claim == SESSION_TAKEOVER)
        send_nack(s, &old, 0, WIRE_NACK_SUPERSEDED, 0, 0, 0, false, 0);
    if (claim == SESSION_SUPERSEDED) {
        pending_free(p);
        refuse(s, peer, who, envelope, WIRE_NACK_SUPERSEDED);
        return;
    }
    p->session = session;
    p->tenant = tenant;
    p->types = who->types;
    if (committer_hello(s->options.committer, tenant, who, committed, p) != 0) {
        pending_free(p);
        refuse(s, peer, who, envelope, WIRE_NACK_STOPPING);
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
    send_nack(s, peer, envelope->request, nack, decode_seq(envelope->body.at, size),
              is_known ? known.last_seq : 0, retry_ms, false, session->credit.promised);
}

static void take_batch(struct server *s, const struct peer *peer, const struct grant *who,
                       struct wire_envelope *envelope, struct tenant *tenant, size_t message_size)
{
    struct session *session = session_find(s->sessions, who->tenant, who->source);
    size_t size = (size_t)(envelope->body.end - envelope->body.at);
    if (message_size > WIRE_BATCH_BYTES) {
        refuse(s, peer, who, envelope, WIRE_NACK_TOO_LARGE);
        return;
    }
    if (!tenant || !session || !peer_equal(&session->peer, peer)) {
        bool is_past = session && session_is_past(session, peer);
        refuse(s, peer, who, envelope, is_past ? WIRE_NACK_SUPERSEDED : WIRE_NACK_HELLO_REQUIRED);
        return;
    }
    struct quota *quota = quotas_of(&s->quotas, tenant);
    uint32_t n_events = quota_batch_events(envelope->body.at, size), retry_ms = 0;
    if (quota && !rate_take(s, tenant, quota, n_events, &retry_ms)) {
        s->statistics.over_rate++;
        nack_batch(s, peer, who, envelope, tenant, session, WIRE_NACK_OVER_RATE, retry_ms);
        return;
    }
    bool is_short;
    if (!credit_take(&s->pool, &session->credit, message_size, s->now, &is_short)) {
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
        p->tenant = tenant;
        p->quota = quota;
        p->n_events = n_events;
        rc = committer_submit_batch(s->options.committer, tenant, who, envelope->body.at, size, committed, p);
    }
    if (rc != 0) {
        pending_free(p);
        rate_give(tenant, quota, n_events);
        credit_give(&s->pool, &session->credit, message_size);
        refuse(s, peer, who, envelope, rc == -ESHUTDOWN ? WIRE_NACK_STOPPING : WIRE_NACK_STORE_FAILED);
        return;
    }
    session->n_pending++;
}

/* HELLO or BATCH, with the tenant held (NULL: it is not open) until what it says is in the committer's queue.
 */
static void take_source_s(struct server *s, const struct peer *peer, const struct grant *who,
                          struct wire_envelope *envelope, size_t message_size)
{
    struct tenant *tenant = tenants_hold(s->options.tenants, who->tenant);
    if (envelope->kind == WIRE_HELLO)
        take_hello(s, peer, who, envelope, tenant);
    else
        take_batch(s, peer, who, envelope, tenant, message_size);
    tenant_release(tenant);
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
                                 dispatched, p, &err)
               : error_set(&err, -ENOMEM, "no_memory", "no memory for the request");
    if (rc != 0) {
        pending_free(p);
        send_error(s, peer, envelope->request, err.code, err.message, err.hint);
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
        send_error(s, peer, envelope->request, "malformed", "MORE takes {part: uint}", "");
        return;
    }
    const struct buffer *document = kept_find(&s->kept, peer, envelope->request, s->now);
    if (!document || part > document->size / WIRE_PART_BYTES || part * WIRE_PART_BYTES >= document->size) {
        send_error(s, peer, envelope->request, "unknown_request",
                   "there is no such part of an answer to that request any more", "ask the question again");
        return;
    }
    send_part(s, peer, envelope->request, document, part);
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
        refuse(s, peer, &who, &envelope, WIRE_NACK_NOT_GRANTED);
        return;
    }
    if (rc != 0) {
        s->statistics.malformed++;
        refuse(s, peer, &who, &envelope, rc == -EPROTONOSUPPORT ? WIRE_NACK_VERSION : WIRE_NACK_MALFORMED);
        return;
    }
    if (!connection_is_allowed(s, &who, m->fd)) {
        refuse(s, peer, &who, &envelope, WIRE_NACK_TOO_MANY_CONNECTIONS);
        return;
    }
    bool is_source_s = envelope.kind == WIRE_HELLO || envelope.kind == WIRE_BATCH;
    bool is_question = envelope.kind == WIRE_QUERY || envelope.kind == WIRE_CALL;
    if (is_stopping)
        refuse(s, peer, &who, &envelope, WIRE_NACK_STOPPING);
    else if (is_source_s && (who.role != ROLE_SOURCE || !s->options.committer))
        refuse(s, peer, &who, &envelope, WIRE_NACK_NOT_GRANTED);
    else if (is_source_s)
        take_source_s(s, peer, &who, &envelope, m->size);
    else if (is_question && s->options.dispatch)
        take_request(s, peer, &who, &envelope);
    else if (envelope.kind == WIRE_MORE)
        take_more(s, peer, &envelope);
    else
        refuse(s, peer, &who, &envelope, WIRE_NACK_NOT_GRANTED);
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
    if (s->n_refusals > REFUSALS_LOGGED)
        log_warning(s->options.logger, "ingest", "refusals_not_logged", "server=%s n=%u", s->options.name,
                    s->n_refusals - REFUSALS_LOGGED);
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
        deliver_all(s);
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
    deliver_all(s);
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
