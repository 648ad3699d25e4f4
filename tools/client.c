#include "tools/client.h"

#include "core/base/buffer.h"
#include "core/base/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define MONITOR_ENDPOINT "inproc://monitor"
#define MONITOR_EVENTS                                                                                       \
    (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CONNECT_RETRIED |                       \
     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                            \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED)

struct client {
    struct client_options options;
    void *context;
    void *socket;
    void *monitor;
    uint64_t request; /* the number of the last one */
    struct buffer data;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *ipc_path(const char *endpoint)
{
    return strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : NULL;
}

/* Why nobody answers, and what to do about it. */
static int unreachable(const struct client *c, const char *why, struct error *err)
{
    const char *endpoint = c->options.endpoint, *path = ipc_path(endpoint);
    if (path && access(path, F_OK) < 0 && errno == EACCES) {
        error_set(err, -ENOTCONN, "unreachable",
                  "the collector at %s cannot be reached: this user may not look there", endpoint);
        error_hint(err, "run tendon as the user that tendond runs as, or as root");
    } else if (path && access(path, F_OK) < 0) {
        error_set(err, -ENOTCONN, "unreachable", "no collector at %s: there is no such socket", endpoint);
        error_hint(
            err,
            "start it (systemctl start tendond, or tendond --config FILE), or say where it is: --connect "
            "ipc://RUN/control.sock, RUN being `run:` of its configuration");
    } else if (path && access(path, W_OK) < 0 && errno == EACCES) {
        error_set(err, -ENOTCONN, "unreachable",
                  "the collector at %s cannot be reached: this user may not open the socket", endpoint);
        error_hint(err, "run tendon as the user that tendond runs as, or as root");
    } else if (path) {
        error_set(err, -ENOTCONN, "unreachable", "no collector at %s: %s", endpoint, why);
        error_hint(err, "is tendond running? systemctl status tendond; or start it: tendond --config FILE");
    } else {
        error_set(err, -ENOTCONN, "unreachable", "no collector at %s: %s", endpoint, why);
        error_hint(err, "is tendond running there, does its `listen:` name this address and port, and does a "
                        "firewall let it "
                        "through?");
    }
    return -ENOTCONN;
}

static int refused(const struct client *c, struct error *err)
{
    const char *endpoint = c->options.endpoint;
    if (ipc_path(endpoint)) {
        error_set(err, -EACCES, "refused", "the collector at %s takes no commands from this user", endpoint);
        error_hint(err, "run tendon as the user that tendond runs as, or as root");
        return -EACCES;
    }
    error_set(err, -EACCES, "refused", "the collector at %s does not take this key", endpoint);
    error_hint(err,
               "have the key granted there (tendon key grant), and compare --server-key with what tendon "
               "key server says there");
    return -EACCES;
}

/* The next event of the connection, or 0 when none is waiting. */
static uint16_t monitor_read(struct client *c)
{
    uint16_t event = 0;
    zmq_msg_t frame;
    (void)zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, c->monitor, ZMQ_DONTWAIT) >= 2)
        memcpy(&event, zmq_msg_data(&frame), sizeof(event));
    while (zmq_msg_more(&frame) && zmq_msg_recv(&frame, c->monitor, ZMQ_DONTWAIT) >= 0) {
    }
    (void)zmq_msg_close(&frame);
    return event;
}

static int wait_connected(struct client *c, struct error *err)
{
    int64_t wait_ms = c->options.timeout_ms < CLIENT_CONNECT_MS ? c->options.timeout_ms : CLIENT_CONNECT_MS;
    int64_t until = now_ms() + wait_ms;
    bool connected = false, lost = false;
    for (;;) {
        int64_t left = until - now_ms();
        zmq_pollitem_t item = {.socket = c->monitor, .events = ZMQ_POLLIN};
        if (left <= 0)
            return unreachable(c,
                               connected ? "who listens there says nothing: it hangs, or is no collector"
                                         : "nobody answers",
                               err);
        if (zmq_poll(&item, 1, left) < 0 && errno != EINTR)
            return error_set(err, -errno, "client", "waiting failed: %s", zmq_strerror(errno));
        for (uint16_t event; (event = monitor_read(c)) != 0;) {
            switch (event) {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
                return 0;
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
                return refused(c, err);
            case ZMQ_EVENT_CONNECTED:
                connected = true;
                break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            case ZMQ_EVENT_DISCONNECTED:
                lost = true;
                break;
            default: /* it goes on trying; we do not */
                /* A wrong server key ends the handshake without a word. */
                if (lost && c->options.key)
                    return refused(c, err);
                return unreachable(
                    c, lost ? "who listens there ended the connection" : "nobody listens there", err);
            }
        }
    }
}

static int endpoint_check(const struct client_options *options, struct error *err)
{
    const char *endpoint = options->endpoint;
    bool is_tcp = strncmp(endpoint, "tcp://", 6) == 0;
    if (!is_tcp && !ipc_path(endpoint)) {
        error_set(err, -EINVAL, "usage", "\"%.200s\" is no endpoint: it begins with ipc:// or tcp://",
                  endpoint);
        if (endpoint[0] == '/')
            error_hint(err, "did you mean ipc://%.200s?", endpoint);
        else
            error_hint(err, "for example " CLIENT_ENDPOINT " or tcp://collector.example.org:7780");
        return -EINVAL;
    }
    if (is_tcp && (!options->key || !options->server_key)) {
        error_set(err, -EINVAL, "usage", "a tcp endpoint needs --key-file FILE and --server-key KEY");
        error_hint(
            err,
            "tendon key new FILE makes the one; tendon key server, asked at the collector, prints the other");
        return -EINVAL;
    }
    return 0;
}

static int socket_open(struct client *c, struct error *err)
{
    const struct client_options *o = &c->options;
    const int linger = 0, immediate = 1, heartbeat = 5000, heartbeat_timeout = 20000, backlog = 4;
    const int64_t message = 2 * WIRE_PART_BYTES;
    c->context = zmq_ctx_new();
    c->socket = c->context ? zmq_socket(c->context, ZMQ_DEALER) : NULL;
    c->monitor = c->context ? zmq_socket(c->context, ZMQ_PAIR) : NULL;
    if (!c->socket || !c->monitor)
        return error_set(err, -ENOMEM, "client", "no socket: %s", zmq_strerror(errno));
    int failed = zmq_setsockopt(c->socket, ZMQ_LINGER, &linger, sizeof(linger));
    failed |= zmq_setsockopt(c->monitor, ZMQ_LINGER, &linger, sizeof(linger));
    failed |= zmq_setsockopt(c->socket, ZMQ_IMMEDIATE, &immediate, sizeof(immediate));
    failed |= zmq_setsockopt(c->socket, ZMQ_HEARTBEAT_IVL, &heartbeat, sizeof(heartbeat));
    failed |= zmq_setsockopt(c->socket, ZMQ_HEARTBEAT_TIMEOUT, &heartbeat_timeout, sizeof(heartbeat_timeout));
    failed |= zmq_setsockopt(c->socket, ZMQ_RCVHWM, &backlog, sizeof(backlog));
    failed |= zmq_setsockopt(c->socket, ZMQ_MAXMSGSIZE, &message, sizeof(message));
    if (o->key) {
        failed |= zmq_setsockopt(c->socket, ZMQ_CURVE_SERVERKEY, o->server_key, KEY_Z85 + 1);
        failed |= zmq_setsockopt(c->socket, ZMQ_CURVE_PUBLICKEY, o->key->public_key, KEY_Z85 + 1);
        failed |= zmq_setsockopt(c->socket, ZMQ_CURVE_SECRETKEY, o->key->secret_key, KEY_Z85 + 1);
    }
    failed |= zmq_socket_monitor(c->socket, MONITOR_ENDPOINT, MONITOR_EVENTS);
    failed |= zmq_connect(c->monitor, MONITOR_ENDPOINT);
    if (failed)
        return error_set(err, -errno, "client", "the socket cannot be set up: %s", zmq_strerror(errno));
    if (zmq_connect(c->socket, o->endpoint) < 0) {
        error_set(err, -EINVAL, "usage", "\"%.200s\" is no endpoint: %s", o->endpoint, zmq_strerror(errno));
        error_hint(err, "for example " CLIENT_ENDPOINT " or tcp://192.0.2.7:7780");
        return -EINVAL;
    }
    return 0;
}

int client_open(const struct client_options *options, struct client **ret, struct error *err)
{
    int r = endpoint_check(options, err);
    if (r < 0)
        return r;
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        return error_set(err, -ENOMEM, "memory", "no memory");
    c->options = *options;
    buffer_init(&c->data, CLIENT_RESULT_BYTES);
    r = socket_open(c, err);
    if (r == 0)
        r = wait_connected(c, err);
    if (r < 0) {
        client_close(c);
        return r;
    }
    *ret = c;
    return 0;
}

void client_close(struct client *c)
{
    if (!c)
        return;
    if (c->socket) {
        (void)zmq_socket_monitor(c->socket, NULL, 0);
        (void)zmq_close(c->socket);
    }
    if (c->monitor)
        (void)zmq_close(c->monitor);
    if (c->context)
        (void)zmq_ctx_term(c->context);
    buffer_fini(&c->data);
    free(c);
}

static int packer_write(void *data, const char *bytes, size_t n)
{
    struct buffer *b = data;
    buffer_append(b, bytes, n);
    return buffer_failed(b) ? -1 : 0;
}

/* Sends one message: body as a document, or MORE for a part. */
static int message_send(struct client *c, enum wire_kind kind, const json_t *body, struct error *err)
{
    struct buffer b;
    msgpack_packer packer;
    buffer_init(&b, WIRE_REQUEST_BYTES);
    msgpack_packer_init(&packer, &b, packer_write);
    int r = wire_envelope_write(&packer, kind, c->request);
    if (r == 0)
        r = document_encode(body, &b);
    if (r < 0 || buffer_failed(&b)) {
        buffer_fini(&b);
        return error_set(err, -EMSGSIZE, "request_size", "the request is over %d MiB",
                         WIRE_REQUEST_BYTES >> 20);
    }
    int sent = zmq_send(c->socket, b.data, b.size, ZMQ_DONTWAIT);
    buffer_fini(&b);
    if (sent < 0)
        return errno == EAGAIN
                   ? unreachable(c, "the connection was lost", err)
                   : error_set(err, -errno, "client", "the request cannot be sent: %s", zmq_strerror(errno));
    return 0;
}

/* Waits for the next message of one frame. */
static int message_receive(struct client *c, int64_t started, zmq_msg_t *frame, struct error *err)
{
    for (;;) {
        zmq_pollitem_t items[2] = {{.socket = c->socket, .events = ZMQ_POLLIN},
                                   {.socket = c->monitor, .events = ZMQ_POLLIN}};
        int64_t elapsed = now_ms() - started;
        if (elapsed >= c->options.timeout_ms) {
            error_set(err, -ETIMEDOUT, "timeout", "the collector has not answered in %" PRId64 " s",
                      c->options.timeout_ms / 1000);
            error_hint(err, "it may still be at work: tendon status; --timeout gives it longer");
            return -ETIMEDOUT;
        }
        if (c->options.tick)
            c->options.tick(c->options.context, elapsed);
        if (zmq_poll(items, 2, CLIENT_TICK_MS) < 0 && errno != EINTR)
            return error_set(err, -errno, "client", "waiting failed: %s", zmq_strerror(errno));
        if (items[0].revents & ZMQ_POLLIN) {
            if (zmq_msg_recv(frame, c->socket, ZMQ_DONTWAIT) < 0)
                continue;
            if (!zmq_msg_more(frame))
                return 0;
            /* One message is one frame: of anything else nothing is taken. */
            while (zmq_msg_more(frame) && zmq_msg_recv(frame, c->socket, ZMQ_DONTWAIT) >= 0) {
            }
            continue;
        }
        if (items[1].revents & ZMQ_POLLIN) {
            for (uint16_t event; (event = monitor_read(c)) != 0;)
                if (event == ZMQ_EVENT_DISCONNECTED) {
                    error_set(err, -ENOTCONN, "unreachable",
                              "the collector at %s went away before it answered", c->options.endpoint);
                    error_hint(err,
                               "its log says why (journalctl -u tendond); what was asked can be asked again");
                    return -ENOTCONN;
                }
        }
    }
}

/* An ERROR's fields as our error. */
static int error_take(struct mp_reader *body, struct error *err)
{
    json_t *document = NULL;
    if (document_read(body, 64, &document, NULL) < 0)
        return error_set(err, -EBADMSG, "bad_answer",
                         "the collector answered with an error that cannot be read");
    const char *code = "error", *message = "the collector gives no reason", *hint = "";
    (void)json_unpack(document, "{s?s, s?s, s?s}", "code", &code, "message", &message, "hint", &hint);
    error_set(err, -EREMOTEIO, code, "%s", message);
    if (hint[0])
        error_hint(err, "%s", hint);
    json_decref(document);
    return -EREMOTEIO;
}

/* One RESULT: its data is appended. 1: it was the last part, 0: there are more. */
static int part_take(struct client *c, struct mp_reader *body, uint64_t part, struct error *err)
{
    uint32_t n = 0, size = 0, name_size;
    uint64_t number = UINT64_MAX;
    const uint8_t *data = NULL;
    const char *name;
    bool last = false;
    if (!mp_read_map(body, &n))
        return error_set(err, -EBADMSG, "bad_answer", "the collector's answer is no map");
    for (; n > 0 && !body->failed; n--) {
        if (!mp_read_str(body, &name, &name_size))
            break;
        if (name_size == 4 && memcmp(name, "part", 4) == 0)
            (void)mp_read_uint(body, &number);
        else if (name_size == 4 && memcmp(name, "last", 4) == 0)
            (void)mp_read_bool(body, &last);
        else if (name_size == 4 && memcmp(name, "data", 4) == 0)
            (void)mp_read_bin(body, &data, &size);
        else
            (void)mp_skip(body);
    }
    if (body->failed || !data || number != part)
        return error_set(err, -EBADMSG, "bad_answer",
                         "part %" PRIu64 " of the collector's answer cannot be read", part);
    buffer_append(&c->data, data, size);
    if (buffer_failed(&c->data)) {
        error_set(err, -EMSGSIZE, "result_size", "the answer is over %u MiB", CLIENT_RESULT_BYTES >> 20);
        error_hint(err, "ask for fewer groups or a shorter time");
        return -EMSGSIZE;
    }
    return last;
}

/* 1: the answer is whole; 0: go on; negative. */
static int answer_take(struct client *c, zmq_msg_t *frame, uint64_t *part, struct error *err)
{
    struct wire_envelope envelope;
    int r = wire_envelope_read(zmq_msg_data(frame), zmq_msg_size(frame), &envelope);
    if (r == -EPROTONOSUPPORT) {
        error_set(err, -EBADMSG, "bad_answer",
                  "the collector speaks protocol version %" PRIu64 ", this tendon %d", envelope.version,
                  WIRE_VERSION);
        error_hint(err, "use the tendon that was installed with the collector");
        return -EBADMSG;
    }
    if (r < 0)
        return error_set(err, -EBADMSG, "bad_answer", "what answers at %s does not speak Tendon's protocol",
                         c->options.endpoint);
    if (envelope.request != c->request)
        return 0; /* of a request that we gave up */
    if (envelope.kind == WIRE_ERROR)
        return error_take(&envelope.body, err);
    if (envelope.kind != WIRE_RESULT)
        return error_set(err, -EBADMSG, "bad_answer", "the collector answered with %s",
                         wire_kind_name(envelope.kind));
    r = part_take(c, &envelope.body, *part, err);
    if (r != 0)
        return r;
    (*part)++;
    json_t *more = json_pack("{s:I}", "part", (json_int_t)*part);
    if (!more)
        return error_set(err, -ENOMEM, "memory", "no memory");
    r = message_send(c, WIRE_MORE, more, err);
    json_decref(more);
    return r;
}

int client_request(struct client *c, enum wire_kind kind, const json_t *body, json_t **ret, struct error *err)
{
    int64_t started = now_ms();
    uint64_t part = 0;
    c->request++;
    buffer_clear(&c->data);
    int r = message_send(c, kind, body, err);
    zmq_msg_t frame;
    while (r == 0) {
        (void)zmq_msg_init(&frame);
        r = message_receive(c, started, &frame, err);
        if (r == 0)
            r = answer_take(c, &frame, &part, err);
        (void)zmq_msg_close(&frame);
    }
    if (r < 0)
        return r;
    return document_decode(c->data.data, c->data.size, CLIENT_VALUES_MAX, ret, err);
}
