/* What a server sends: answers that come back through the outbox, and refusals. */
#include "core/base/log.h"
#include "core/ingest/server_inside.h"
#include "core/tenant/dispatch.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_RETRY_MS 10000 /* after a limit that others' leaving makes room under */

/* When a source that was refused may come again; 0: nothing is known of that. */
static uint32_t retry_of(enum wire_nack nack)
{
    if (nack == WIRE_NACK_STOPPING)
        return COMMITTER_RETRY_MS;
    return nack == WIRE_NACK_TOO_MANY_SOURCES || nack == WIRE_NACK_TOO_MANY_CONNECTIONS ? LIMIT_RETRY_MS : 0;
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
    if (rc != -EHOSTUNREACH && s->n_refusals++ < SERVER_REFUSALS_LOGGED)
        log_warning(s->options.logger, "ingest", "answer_unsent", "server=%s reason=%s", s->options.name,
                    rc == -EAGAIN ? "peer_does_not_read" : "no_memory");
}

void server_send_error(struct server *s, const struct peer *peer, uint64_t request, const char *code,
                       const char *message, const char *hint)
{
    struct buffer b;
    buffer_init(&b, ANSWER_BYTES);
    answer_error(&b, request, code, message, hint);
    server_send(s, peer, &b);
    buffer_fini(&b);
}

void server_send_nack(struct server *s, const struct peer *peer, uint64_t request, enum wire_nack nack,
                      uint64_t seq, uint64_t last_seq, uint32_t retry_ms, bool final, uint64_t credit)
{
    struct buffer b;
    buffer_init(&b, ANSWER_BYTES);
    answer_nack_encode(&b, request, nack, seq, last_seq, retry_ms, final);
    answer_credit(&b, credit);
    server_send(s, peer, &b);
    buffer_fini(&b);
}

void server_send_part(struct server *s, const struct peer *peer, uint64_t request,
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

void server_refuse(struct server *s, const struct peer *peer, const struct grant *who,
                   const struct wire_envelope *envelope, enum wire_nack nack)
{
    uint64_t request = envelope->request;
    bool is_readable = envelope->body.at != NULL;
    bool is_source_s =
        is_readable
            ? envelope->kind == WIRE_HELLO || envelope->kind == WIRE_BATCH || envelope->kind == WIRE_FORWARD
            : who->role == ROLE_SOURCE || who->role == ROLE_FORWARDER || who->role == ROLE_NONE;
    s->statistics.refused++;
    if (s->n_refusals++ < SERVER_REFUSALS_LOGGED)
        log_warning(s->options.logger, "ingest", "message_refused", "server=%s tenant=%s source=%s code=%s",
                    s->options.name, who->tenant[0] ? who->tenant : "-", who->source[0] ? who->source : "-",
                    wire_nack_code(nack));
    bool final = nack == WIRE_NACK_MALFORMED || nack == WIRE_NACK_VERSION || nack == WIRE_NACK_TOO_LARGE ||
                 nack == WIRE_NACK_UNKNOWN_SOURCE || nack == WIRE_NACK_NOT_GRANTED;
    if (is_source_s) {
        struct session *session = session_find(s->sessions, who->tenant, who->source);
        server_send_nack(s, peer, request, nack, 0, 0, retry_of(nack), final,
                         session ? session->credit.promised : 0);
    } else {
        server_send_error(s, peer, request, wire_nack_code(nack), wire_nack_sentence(nack), "");
    }
}

/* --- requests under way -----------------------------------------------------------------------------------
 */

struct pending *pending_new(struct server *s, const struct peer *peer, uint64_t request)
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

void pending_free(struct pending *p)
{
    if (!p)
        return;
    buffer_fini(&p->message);
    buffer_fini(&p->document);
    free(p);
}

/* On a thread of the committer's. */
void pending_committed(void *ctx, const struct committer_answer *answer)
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
void pending_dispatched(void *ctx, struct buffer *result, const struct error *err)
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
        server_send_error(s, &p->peer, p->request, "busy", "too many long answers are waiting to be fetched",
                          "ask again, or for less");
        return;
    }
    const struct buffer *document =
        n_parts > 1 ? kept_find(&s->kept, &p->peer, p->request, s->now) : &p->document;
    server_send_part(s, &p->peer, p->request, document, 0);
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
            credit_adapt(&s->pool, &session->credit, p->taken_at, s->now);
        credit_promise(&session->credit, p->charged);
    }
    if (p->has_credit)
        answer_credit(&p->message, session ? session->credit.promised : 0);
    if (p->document.size > 0)
        deliver_document(s, p);
    else
        server_send(s, &p->peer, &p->message);
    pending_free(p);
}

void server_deliver_all(struct server *s)
{
    struct outbox_item *item = outbox_take(&s->outbox);
    while (item) {
        struct outbox_item *next = item->next;
        deliver(s, (struct pending *)item);
        item = next;
    }
}
