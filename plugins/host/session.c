#include "plugins/host/session.h"

#include "plugins/host/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zmq.h>

#define OUTBOX_BATCHES 64
#define BATCH_LEAST    (16 * 1024)  /* bytes of events a poll is asked for, at least */
#define BATCH_MOST     (216 * 1024) /* and at most */
#define ENVELOPE_BYTES 128          /* everything in a BATCH but events and cursor, generously */
#define ANSWER_MS      30000        /* without an answer to something sent: connect anew */
#define WELCOME_MS     5000
#define RETRY_MS       200 /* after a NACK that does not say when */
#define RETRY_MOST_MS  60000

struct batch {
    uint64_t seq;
    uint64_t request; /* of its last sending; 0: not under way */
    int64_t sent_ms;
    size_t n_events, events_bytes, cursor_size;
    bool has_cursor;
    bool is_piece;        /* the rest of the batch that was put comes behind it */
    size_t message_bytes; /* under way, counted against the credit */
    uint8_t *bytes;       /* events, then the cursor */
};

struct session {
    struct session_options options;
    void *socket, *monitor;
    uint64_t id; /* of the session: the collector lets the newest speak for a source */
    enum session_state state;
    uint64_t request; /* number of the last one sent */
    uint64_t hello;   /* request of the HELLO that is not answered yet; 0: none */
    int64_t hello_ms;
    bool was_open; /* a WELCOME came before */

    uint64_t last_seq; /* acknowledged */
    uint64_t next_seq;
    uint8_t cursor[WIRE_CURSOR_BYTES];
    size_t cursor_size;
    uint64_t n_cursors, n_put, n_done;

    struct batch outbox[OUTBOX_BATCHES]; /* ring: first is the oldest */
    unsigned first, n;
    size_t outbox_bytes; /* of all in it */
    size_t under_way;    /* message bytes sent and not answered */
    uint64_t credit;
    int64_t hold_ms; /* nothing is sent before: a NACK said so */

    struct session_statistics statistics;
};

static struct batch *batch_at(struct session *s, unsigned i)
{
    return &s->outbox[(s->first + i) % OUTBOX_BATCHES];
}

static size_t message_bytes(const struct batch *b)
{
    return ENVELOPE_BYTES + b->events_bytes + b->cursor_size;
}

/* --- connection ----------------------------------------------------------------------------------------- */

static void disconnect(struct session *s)
{
    if (s->monitor) {
        (void)zmq_socket_monitor(s->socket, NULL, 0);
        (void)zmq_close(s->monitor);
    }
    if (s->socket)
        (void)zmq_close(s->socket);
    s->socket = s->monitor = NULL;
}

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int connect_anew(struct session *s)
{
    disconnect(s);
    s->socket = zmq_socket(s->options.zmq, ZMQ_DEALER);
    if (!s->socket)
        return -errno;
    char monitor[64];
    (void)snprintf(monitor, sizeof(monitor), "inproc://session-%p-%llu", (void *)s,
                   (unsigned long long)s->statistics.resets);
    if (set_int(s->socket, ZMQ_LINGER, 0) < 0 || set_int(s->socket, ZMQ_RECONNECT_IVL, 100) < 0 ||
        set_int(s->socket, ZMQ_RECONNECT_IVL_MAX, 5000) < 0 || set_int(s->socket, ZMQ_IMMEDIATE, 1) < 0 ||
        set_int(s->socket, ZMQ_HEARTBEAT_IVL, 5000) < 0 ||
        set_int(s->socket, ZMQ_SNDHWM, OUTBOX_BATCHES + 4) < 0 ||
        zmq_socket_monitor(s->socket, monitor, ZMQ_EVENT_DISCONNECTED) < 0)
        return -errno;
    s->monitor = zmq_socket(s->options.zmq, ZMQ_PAIR);
    if (!s->monitor || zmq_connect(s->monitor, monitor) < 0 || zmq_connect(s->socket, s->options.connect) < 0)
        return -errno;
    return 0;
}

/* Whatever was under way may be lost: nothing is any more, and the collector says what it has. */
static void begin_anew(struct session *s)
{
    for (unsigned i = 0; i < s->n; i++)
        batch_at(s, i)->request = 0;
    s->under_way = 0;
    s->hello = 0;
    s->state = SESSION_WAITING;
}

static bool send_message(struct session *s, msgpack_sbuffer *message)
{
    bool sent = zmq_send(s->socket, message->data, message->size, ZMQ_DONTWAIT) >= 0;
    msgpack_sbuffer_clear(message);
    return sent;
}

static void pack_text(msgpack_packer *p, const char *text)
{
    (void)msgpack_pack_str_with_body(p, text, strlen(text));
}

static void send_hello(struct session *s, int64_t now_ms)
{
    msgpack_sbuffer message;
    msgpack_packer p;
    msgpack_sbuffer_init(&message);
    msgpack_packer_init(&p, &message, msgpack_sbuffer_write);
    (void)wire_envelope_write(&p, WIRE_HELLO, s->request + 1);
    (void)msgpack_pack_map(&p, 3);
    pack_text(&p, "source");
    pack_text(&p, s->options.source);
    pack_text(&p, "software");
    pack_text(&p, s->options.software);
    pack_text(&p, "session");
    (void)msgpack_pack_uint64(&p, s->id);
    if (send_message(s, &message)) {
        s->hello = ++s->request;
        s->hello_ms = now_ms;
    }
    msgpack_sbuffer_destroy(&message);
}

/* --- sending -------------------------------------------------------------------------------------------- */

/* A packer's way into a room of fixed size. */
struct writer {
    uint8_t *at;
    size_t left;
};

static int write_into(void *data, const char *bytes, size_t n)
{
    struct writer *w = data;
    if (n > w->left)
        return -1;
    memcpy(w->at, bytes, n);
    w->at += n;
    w->left -= n;
    return 0;
}

/* False: the connection takes nothing now. */
static bool send_batch(struct session *s, struct batch *b, int64_t now_ms)
{
    uint8_t head[ENVELOPE_BYTES], tail[16];
    struct writer w = {head, sizeof(head)};
    msgpack_packer p;
    msgpack_packer_init(&p, &w, write_into);
    (void)wire_envelope_write(&p, WIRE_BATCH, s->request + 1);
    (void)msgpack_pack_map(&p, b->has_cursor ? 3 : 2);
    pack_text(&p, "seq");
    (void)msgpack_pack_uint64(&p, b->seq);
    pack_text(&p, "events");
    (void)msgpack_pack_array(&p, b->n_events);
    size_t n_head = sizeof(head) - w.left;
    w = (struct writer){tail, sizeof(tail)};
    if (b->has_cursor) {
        pack_text(&p, "cursor");
        (void)msgpack_pack_bin(&p, b->cursor_size);
    }
    size_t n_tail = sizeof(tail) - w.left, body = b->events_bytes;
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, n_head + body + n_tail + b->cursor_size) < 0)
        return false;
    uint8_t *at = zmq_msg_data(&message);
    memcpy(at, head, n_head);
    if (body)
        memcpy(at + n_head, b->bytes, body);
    memcpy(at + n_head + body, tail, n_tail);
    if (b->cursor_size)
        memcpy(at + n_head + body + n_tail, b->bytes + body, b->cursor_size);
    if (zmq_msg_send(&message, s->socket, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(&message);
        return false;
    }
    b->request = ++s->request;
    b->sent_ms = now_ms;
    b->message_bytes = message_bytes(b);
    s->under_way += b->message_bytes;
    return true;
}

/* Cuts the first batch so that its first piece fits into most bytes; at least one event each. Nothing is
 * under way, so the numbers of the others may move. False when it cannot be cut or there is no room. */
static bool cut_first(struct session *s, size_t most)
{
    struct batch *b = batch_at(s, 0);
    if (s->n == OUTBOX_BATCHES || b->n_events < 2)
        return false;
    struct mp_reader r;
    mp_reader_init(&r, b->bytes, b->events_bytes);
    size_t n = 0, bytes = 0;
    while (n + 1 < b->n_events && mp_skip(&r)) {
        size_t end = (size_t)(r.at - b->bytes);
        if (n > 0 && ENVELOPE_BYTES + end > most)
            break;
        n++;
        bytes = end;
    }
    uint8_t *piece = malloc(bytes);
    if (!piece)
        return false;
    memcpy(piece, b->bytes, bytes);
    struct batch first = {
        .is_piece = true, .seq = b->seq, .n_events = n, .events_bytes = bytes, .bytes = piece};
    b->n_events -= n;
    b->events_bytes -= bytes;
    memmove(b->bytes, b->bytes + bytes, b->events_bytes + b->cursor_size);
    s->first = (s->first + OUTBOX_BATCHES - 1) % OUTBOX_BATCHES;
    s->n++;
    *batch_at(s, 0) = first;
    for (unsigned i = 1; i < s->n; i++)
        batch_at(s, i)->seq++;
    s->next_seq++;
    return true;
}

static void send_outbox(struct session *s, int64_t now_ms)
{
    if (s->state != SESSION_OPEN || now_ms < s->hold_ms)
        return;
    for (unsigned i = 0; i < s->n; i++) {
        struct batch *b = batch_at(s, i);
        if (b->request)
            continue;
        if (s->under_way == 0 && i == 0 && message_bytes(b) > s->credit && cut_first(s, s->credit))
            b = batch_at(s, 0);
        /* A single event over the credit goes alone: the collector answers. */
        if (s->under_way > 0 && s->under_way + message_bytes(b) > s->credit)
            return;
        if (!send_batch(s, b, now_ms))
            return;
    }
}

/* --- receiving ------------------------------------------------------------------------------------------ */

static void keep_cursor(struct session *s, const void *cursor, size_t size)
{
    if (size)
        memcpy(s->cursor, cursor, size);
    s->cursor_size = size;
}

/* Everything up to seq is durable. */
static void acknowledge(struct session *s, uint64_t seq)
{
    while (s->n && batch_at(s, 0)->seq <= seq) {
        struct batch *b = batch_at(s, 0);
        if (b->request)
            s->under_way -= b->message_bytes;
        if (b->has_cursor) {
            keep_cursor(s, b->bytes + b->events_bytes, b->cursor_size);
            s->n_cursors++;
        }
        s->n_done += !b->is_piece;
        s->statistics.batches++;
        s->statistics.events += b->n_events;
        s->statistics.bytes += b->events_bytes;
        s->outbox_bytes -= b->events_bytes + b->cursor_size;
        free(b->bytes);
        s->first = (s->first + 1) % OUTBOX_BATCHES;
        s->n--;
    }
    s->last_seq = seq;
    s->statistics.nack[0] = '\0';
}

/* Whether the collector's last_seq is one that what was sent explains. */
static bool is_known_seq(const struct session *s, uint64_t seq)
{
    return seq >= s->last_seq && seq < s->next_seq;
}

static void take_welcome(struct session *s, const struct answer *a)
{
    if (s->was_open && !is_known_seq(s, a->last_seq)) {
        s->state = SESSION_LOST;
        return;
    }
    if (!s->was_open) {
        s->last_seq = a->last_seq;
        s->next_seq = a->last_seq + 1;
        keep_cursor(s, a->cursor, a->cursor_size);
    } else {
        acknowledge(s, a->last_seq);
    }
    s->was_open = true;
    s->state = SESSION_OPEN;
    s->hold_ms = 0;
}

static void take_ack(struct session *s, const struct answer *a, uint64_t request)
{
    /* Answers to what was sent again in the meantime say nothing new. */
    struct batch *b = s->n ? batch_at(s, 0) : NULL;
    uint64_t seq = a->is_repeat ? a->last_seq : a->seq;
    if (!b || !is_known_seq(s, seq) || seq < b->seq)
        return;
    if (!a->is_repeat && b->request != request)
        return;
    s->statistics.accepted += a->accepted;
    s->statistics.rejected += a->n_rejected;
    acknowledge(s, seq);
}

static void resend_from_first(struct session *s, const struct answer *a, int64_t now_ms)
{
    if (a->has_last_seq && a->last_seq > s->last_seq && is_known_seq(s, a->last_seq))
        acknowledge(s, a->last_seq);
    for (unsigned i = 0; i < s->n; i++)
        batch_at(s, i)->request = 0;
    s->under_way = 0;
    uint64_t wait = a->retry_ms ? a->retry_ms : RETRY_MS;
    s->hold_ms = now_ms + (int64_t)(wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS);
}

static int refuse(struct session *s, const struct answer *a, struct error *err)
{
    s->state = SESSION_REFUSED;
    return error_set(err, -ECONNREFUSED, a->code, "the collector refused: %s",
                     *a->message ? a->message : a->code);
}

static void take_nack(struct session *s, const struct answer *a, uint64_t request, int64_t now_ms,
                      struct error *err)
{
    bool is_hello = request == s->hello;
    bool is_current = is_hello;
    for (unsigned i = 0; i < s->n; i++)
        is_current = is_current || batch_at(s, i)->request == request;
    if (!is_current)
        return;
    s->statistics.nacks++;
    (void)snprintf(s->statistics.nack, sizeof(s->statistics.nack), "%s", a->code);
    if (strcmp(a->code, wire_nack_code(WIRE_NACK_HELLO_REQUIRED)) == 0) {
        begin_anew(s);
        s->hold_ms = 0;
    } else if (a->is_final || strcmp(a->code, wire_nack_code(WIRE_NACK_SUPERSEDED)) == 0) {
        (void)refuse(s, a, err);
    } else {
        resend_from_first(s, a, now_ms);
        if (is_hello)
            s->hello = 0;
        /* Right after a restart or a reconnect the collector knows where to go on from. */
        else if (strcmp(a->code, wire_nack_code(WIRE_NACK_OUT_OF_ORDER)) == 0)
            s->hold_ms = 0;
    }
}

static void take_message(struct session *s, const void *data, size_t size, int64_t now_ms, struct error *err)
{
    struct wire_envelope envelope;
    struct answer a;
    /* What is no answer of the protocol is nothing to act upon; the time-out of what it should have answered
     * is. */
    if (wire_envelope_read(data, size, &envelope) < 0 || !answer_read(&envelope.body, &a))
        return;
    if (a.has_credit)
        s->credit = a.credit;
    switch (envelope.kind) {
    case WIRE_WELCOME:
        if (s->hello && envelope.request == s->hello) {
            s->hello = 0;
            take_welcome(s, &a);
        }
        break;
    case WIRE_ACK:
        take_ack(s, &a, envelope.request);
        break;
    case WIRE_NACK:
    case WIRE_ERROR:
        take_nack(s, &a, envelope.request, now_ms, err);
        break;
    default:
        break;
    }
}

/* --- the session ---------------------------------------------------------------------------------------- */

int session_new(const struct session_options *options, struct session **ret, struct error *err)
{
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "no memory for a session");
    s->options = *options;
    if (getrandom(&s->id, sizeof(s->id), 0) != sizeof(s->id)) {
        free(s);
        return error_set(err, -EIO, "session", "no random numbers for a session");
    }
    s->id >>= 1; /* fits every msgpack reader's integer */
    s->credit = WIRE_CREDIT_START;
    s->next_seq = 1;
    int r = connect_anew(s);
    if (r < 0) {
        error_set(err, r, "session", "cannot connect to %s: %s", options->connect, zmq_strerror(-r));
        session_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    disconnect(s);
    for (unsigned i = 0; i < s->n; i++)
        free(batch_at(s, i)->bytes);
    free(s);
}

int session_fd(const struct session *s)
{
    int fd = -1;
    size_t size = sizeof(fd);
    (void)zmq_getsockopt(s->socket, ZMQ_FD, &fd, &size);
    return fd;
}

/* True when the connection broke since the last look. */
static bool was_disconnected(struct session *s)
{
    bool yes = false;
    zmq_msg_t part;
    (void)zmq_msg_init(&part);
    while (zmq_msg_recv(&part, s->monitor, ZMQ_DONTWAIT) >= 0)
        yes = true;
    (void)zmq_msg_close(&part);
    return yes;
}

static bool is_overdue(struct session *s, int64_t now_ms)
{
    if (s->hello)
        return now_ms - s->hello_ms > WELCOME_MS;
    return s->n && batch_at(s, 0)->request && now_ms - batch_at(s, 0)->sent_ms > ANSWER_MS;
}

static void receive_messages(struct session *s, int64_t now_ms, struct error *err)
{
    zmq_msg_t message;
    (void)zmq_msg_init(&message);
    while (s->state <= SESSION_OPEN && zmq_msg_recv(&message, s->socket, ZMQ_DONTWAIT) >= 0)
        if (!zmq_msg_more(&message))
            take_message(s, zmq_msg_data(&message), zmq_msg_size(&message), now_ms, err);
    (void)zmq_msg_close(&message);
}

enum session_state session_work(struct session *s, int64_t now_ms, struct error *err)
{
    if (s->state == SESSION_LOST || s->state == SESSION_REFUSED)
        return s->state;
    receive_messages(s, now_ms, err);
    if (s->state > SESSION_OPEN)
        return s->state;
    if (was_disconnected(s) || is_overdue(s, now_ms)) {
        /* A new socket: what stood in the old one's queue would only come late and be refused. */
        s->statistics.resets++;
        begin_anew(s);
        int r = connect_anew(s);
        if (r < 0) {
            s->state = SESSION_REFUSED;
            error_set(err, r, "session", "cannot connect to %s: %s", s->options.connect, zmq_strerror(-r));
            return s->state;
        }
    }
    if (s->state == SESSION_WAITING && !s->hello && now_ms >= s->hold_ms)
        send_hello(s, now_ms);
    send_outbox(s, now_ms);
    /* Sending may have taken in what arrived, and the descriptor tells of that only once. */
    int events = 0;
    size_t size = sizeof(events);
    while (zmq_getsockopt(s->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) &&
           s->state <= SESSION_OPEN) {
        receive_messages(s, now_ms, err);
        send_outbox(s, now_ms);
    }
    return s->state;
}

int64_t session_next_ms(const struct session *s, int64_t now_ms)
{
    /* Time-outs are long and the descriptor is edge-triggered: a look twice a second costs nothing. */
    int64_t next = now_ms + 500;
    if (s->hold_ms > now_ms && s->hold_ms < next)
        next = s->hold_ms;
    return s->state == SESSION_WAITING && !s->hello && next > now_ms + 50 ? now_ms + 50 : next;
}

const void *session_cursor(const struct session *s, size_t *ret_size)
{
    *ret_size = s->cursor_size;
    return s->cursor;
}

uint64_t session_n_cursors(const struct session *s)
{
    return s->n_cursors;
}

size_t session_room(const struct session *s)
{
    size_t part = s->credit / 4;
    part = part < BATCH_LEAST ? BATCH_LEAST : part > BATCH_MOST ? BATCH_MOST : part;
    /* One batch waits while the credit is used up, so that there is always something to send. */
    if (s->n + 2 >= OUTBOX_BATCHES || s->outbox_bytes > s->credit)
        return 0;
    return part;
}

int session_put(struct session *s, const void *events, size_t size, size_t n_events, const void *cursor,
                size_t cursor_size)
{
    if (s->n == OUTBOX_BATCHES)
        return -ENOBUFS;
    uint8_t *bytes = malloc(size + cursor_size + 1);
    if (!bytes)
        return -ENOMEM;
    if (size)
        memcpy(bytes, events, size);
    if (cursor_size)
        memcpy(bytes + size, cursor, cursor_size);
    s->n++;
    s->n_put++;
    *batch_at(s, s->n - 1) = (struct batch){
        .seq = s->next_seq++,
        .n_events = n_events,
        .events_bytes = size,
        .cursor_size = cursor_size,
        .has_cursor = cursor != NULL,
        .bytes = bytes,
    };
    s->outbox_bytes += size + cursor_size;
    return 0;
}

uint64_t session_n_put(const struct session *s)
{
    return s->n_put;
}

uint64_t session_n_done(const struct session *s)
{
    return s->n_done;
}

bool session_is_empty(const struct session *s)
{
    return s->n == 0;
}

void session_statistics(const struct session *s, struct session_statistics *ret)
{
    *ret = s->statistics;
    ret->credit = s->credit;
}

int session_count_events(const void *events, size_t size, size_t *ret_n)
{
    struct mp_reader r;
    mp_reader_init(&r, events, size);
    size_t n = 0;
    for (; r.at < r.end; n++)
        if (mp_peek(&r) != MP_MAP || !mp_skip(&r))
            return -EBADMSG;
    *ret_n = n;
    return 0;
}
