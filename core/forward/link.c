#include "core/forward/link.h"

#include "core/base/buffer.h"

#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    HEARTBEAT_MS = 2000,
    HEARTBEAT_TIMEOUT_MS = 6000,
    RECONNECT_MS = 200,
    RECONNECT_MAX_MS = 5000,
    MESSAGE_BYTES = WIRE_BATCH_BYTES,
    HIGH_WATER = 4
};

struct link {
    void *socket;
    uint64_t request;
    struct buffer message;
};

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value));
}

int link_open(const struct link_options *options, struct link **ret, struct error *err)
{
    struct link *l = calloc(1, sizeof(*l));
    if (!l)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a connection");
    buffer_init(&l->message, MESSAGE_BYTES);
    l->socket = zmq_socket(options->zmq, ZMQ_DEALER);
    if (!l->socket || set_int(l->socket, ZMQ_LINGER, 0) < 0 ||
        set_int(l->socket, ZMQ_SNDHWM, HIGH_WATER) < 0 || set_int(l->socket, ZMQ_RCVHWM, HIGH_WATER) < 0 ||
        set_int(l->socket, ZMQ_IMMEDIATE, 1) < 0 || set_int(l->socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) < 0 ||
        set_int(l->socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) < 0 ||
        set_int(l->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) < 0 ||
        set_int(l->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) < 0 ||
        zmq_setsockopt(l->socket, ZMQ_MAXMSGSIZE, &(int64_t){1 << 20}, sizeof(int64_t)) < 0 ||
        zmq_setsockopt(l->socket, ZMQ_CURVE_SERVERKEY, options->server_key, 41) < 0 ||
        zmq_setsockopt(l->socket, ZMQ_CURVE_PUBLICKEY, options->public_key, 41) < 0 ||
        zmq_setsockopt(l->socket, ZMQ_CURVE_SECRETKEY, options->secret_key, 41) < 0 ||
        zmq_connect(l->socket, options->endpoint) < 0) {
        int r = error_set(err, -EIO, "zmq", "%s cannot be connected to: %s", options->endpoint,
                          zmq_strerror(errno));
        link_close(l);
        return r;
    }
    *ret = l;
    return 0;
}

void link_close(struct link *l)
{
    if (!l)
        return;
    if (l->socket)
        (void)zmq_close(l->socket);
    buffer_fini(&l->message);
    free(l);
}

static int pack_write(void *context, const char *data, size_t size)
{
    buffer_append(context, data, size);
    return 0;
}

static void pack_text(msgpack_packer *p, const char *s)
{
    (void)msgpack_pack_str(p, strlen(s));
    (void)msgpack_pack_str_body(p, s, strlen(s));
}

static void pack_bin(msgpack_packer *p, const void *data, size_t size)
{
    (void)msgpack_pack_bin(p, size);
    (void)msgpack_pack_bin_body(p, data ? data : "", size);
}

/* Nothing is queued for a connection that is not there (ZMQ_IMMEDIATE): then the caller waits and tries
 * again. */
static int send_message(struct link *l, struct error *err)
{
    if (buffer_failed(&l->message))
        return error_set(err, -EMSGSIZE, "too_large", "a part of the tenant is larger than a message may be");
    if (zmq_send(l->socket, l->message.data, l->message.size, ZMQ_DONTWAIT) >= 0)
        return 0;
    return error_set(err, -ENOTCONN, "unreachable",
                     "the central collector is not reached, or our key is not granted there");
}

static void begin(struct link *l, msgpack_packer *p, enum wire_kind kind, uint32_t n)
{
    buffer_clear(&l->message);
    msgpack_packer_init(p, &l->message, pack_write);
    (void)wire_envelope_write(p, kind, ++l->request);
    (void)msgpack_pack_map(p, n);
}

int link_hello(struct link *l, const char *site, uint64_t session, struct error *err)
{
    msgpack_packer p;
    begin(l, &p, WIRE_HELLO, 3);
    pack_text(&p, "source");
    pack_text(&p, site);
    pack_text(&p, "software");
    pack_text(&p, "tendond " TENDON_VERSION);
    pack_text(&p, "session");
    (void)msgpack_pack_uint64(&p, session);
    return send_message(l, err);
}

int link_forward(struct link *l, uint64_t seq, const void *parcel, size_t size, const void *cursor,
                 size_t cursor_size, struct error *err)
{
    msgpack_packer p;
    begin(l, &p, WIRE_FORWARD, 3);
    pack_text(&p, "seq");
    (void)msgpack_pack_uint64(&p, seq);
    pack_text(&p, "parcel");
    pack_bin(&p, parcel, size);
    pack_text(&p, "cursor");
    pack_bin(&p, cursor, cursor_size);
    return send_message(l, err);
}

static bool key_is(const char *key, uint32_t size, const char *name)
{
    return size == strlen(name) && memcmp(key, name, size) == 0;
}

static bool read_text(struct mp_reader *r, char *ret, size_t size)
{
    const char *s = NULL;
    uint32_t n = 0;
    if (!mp_read_str(r, &s, &n))
        return false;
    n = n < size ? n : (uint32_t)size - 1;
    memcpy(ret, s, n);
    ret[n] = '\0';
    return true;
}

static bool read_answer(struct mp_reader *r, struct link_answer *ret)
{
    uint32_t n = 0, size = 0;
    const char *key = NULL;
    const uint8_t *cursor = NULL;
    uint64_t number = 0;
    if (!mp_read_map(r, &n))
        return false;
    while (n-- > 0 && mp_read_str(r, &key, &size)) {
        if (key_is(key, size, "seq"))
            (void)mp_read_uint(r, &ret->seq);
        else if (key_is(key, size, "last_seq"))
            (void)mp_read_uint(r, &ret->last_seq);
        else if (key_is(key, size, "repeat"))
            (void)mp_read_bool(r, &ret->repeat);
        else if (key_is(key, size, "final"))
            (void)mp_read_bool(r, &ret->final);
        else if (key_is(key, size, "retry_ms")) {
            if (mp_read_uint(r, &number))
                ret->retry_ms = number < 3600000 ? (uint32_t)number : 3600000;
        } else if (key_is(key, size, "code"))
            (void)read_text(r, ret->code, sizeof(ret->code));
        else if (key_is(key, size, "message"))
            (void)read_text(r, ret->message, sizeof(ret->message));
        else if (key_is(key, size, "cursor")) {
            if (!mp_read_bin(r, &cursor, &size) || size > sizeof(ret->cursor))
                return false;
            memcpy(ret->cursor, cursor, size);
            ret->cursor_size = size;
        } else
            (void)mp_skip(r);
    }
    return !r->failed && r->at == r->end;
}

/* The answer to the last message; older ones, of a request that was given up, are thrown away. */
int link_wait(struct link *l, int wait_ms, struct link_answer *ret, struct error *err)
{
    zmq_pollitem_t item = {.socket = l->socket, .events = ZMQ_POLLIN};
    struct wire_envelope envelope;
    zmq_msg_t message;
    if (zmq_poll(&item, 1, wait_ms) <= 0)
        return -EAGAIN;
    (void)zmq_msg_init(&message);
    if (zmq_msg_recv(&message, l->socket, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(&message);
        return -EAGAIN;
    }
    *ret = (struct link_answer){0};
    int r = wire_envelope_read(zmq_msg_data(&message), zmq_msg_size(&message), &envelope);
    bool is_older = r == 0 && envelope.request != l->request && envelope.request != 0;
    if (r == 0 && !is_older) {
        ret->kind = envelope.kind;
        bool is_known =
            envelope.kind == WIRE_WELCOME || envelope.kind == WIRE_ACK || envelope.kind == WIRE_NACK;
        r = is_known && read_answer(&envelope.body, ret) ? 0 : -EBADMSG;
    }
    (void)zmq_msg_close(&message);
    if (r < 0)
        return error_set(err, -EBADMSG, "bad_answer", "what answers there is no collector of this protocol");
    return is_older ? -EAGAIN : 0;
}
