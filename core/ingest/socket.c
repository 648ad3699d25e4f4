#include "core/ingest/socket.h"

#include "proto/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Missing from Debian's zmq.h: a socket with a ZAP domain lets nobody in when no handler is bound. */
#define ZMQ_ZAP_ENFORCE_DOMAIN_OPTION 93

#define HANDSHAKE_MS   5000
#define HEARTBEAT_MS   15000
#define HEARTBEAT_TTL  60000
#define BACKLOG        256  /* fewer than STOP_PERCENT leaves of a limit of some thousands */
#define RECEIVE_HWM    64   /* messages of one peer in our memory; its credit bounds their bytes */
#define SEND_HWM       1024 /* answers that a peer has not read */
#define LINGER_MS      1000 /* for the last answers, when the socket is closed */
#define STOP_PERCENT   90   /* of RLIMIT_NOFILE */
#define RESUME_PERCENT 80

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int set_all(void *router, const struct server_options *o)
{
    int64_t message_max = o->message_bytes ? (int64_t)o->message_bytes : SOCKET_MESSAGE_MAX;
    static const struct {
        int option, value;
    } options[] = {
        {ZMQ_ROUTER_MANDATORY, 1},
        {ZMQ_LINGER, LINGER_MS},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL},
        {ZMQ_BACKLOG, BACKLOG},
        {ZMQ_RCVHWM, RECEIVE_HWM},
        {ZMQ_SNDHWM, SEND_HWM},
        {ZMQ_TCP_KEEPALIVE, 1},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        int rc = set_int(router, options[i].option, options[i].value);
        if (rc != 0)
            return rc;
    }
    return zmq_setsockopt(router, ZMQ_MAXMSGSIZE, &message_max, sizeof(message_max)) == 0 ? 0 : -errno;
}

/* Fails closed: a libzmq that does not enforce the domain would let everybody in without a handler. */
static int set_zap(void *router, const char *domain, struct error *err)
{
    int enforced = 0;
    size_t size = sizeof(enforced);
    if (zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) != 0 ||
        set_int(router, ZMQ_ZAP_ENFORCE_DOMAIN_OPTION, 1) != 0 ||
        zmq_getsockopt(router, ZMQ_ZAP_ENFORCE_DOMAIN_OPTION, &enforced, &size) != 0 || enforced != 1) {
        (void)error_set(err, -ENOTSUP, "zap",
                        "this libzmq cannot be made to refuse connections that no ZAP handler has seen");
        error_hint(err, "use libzmq 4.3.4 or later");
        return -ENOTSUP;
    }
    return 0;
}

static int set_mechanism(void *router, const struct server_options *o, bool curve, struct error *err)
{
    if (set_int(router, ZMQ_CURVE_SERVER, curve) != 0)
        return error_set(err, -errno, "curve", "this libzmq has no CURVE");
    if (!curve)
        return 0;
    if (!o->curve_secret || zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, o->curve_secret, 41) != 0)
        return error_set(err, -EINVAL, "curve", "the server's key is no CURVE secret key");
    return 0;
}

static int endpoint_bind(struct endpoint_socket *s, const struct server_options *o,
                         const struct server_endpoint *endpoint, struct error *err)
{
    struct endpoint *e = &s->endpoints[s->n_endpoints];
    size_t size = sizeof(e->bound);
    int rc = set_mechanism(s->router, o, endpoint->curve, err);
    if (rc != 0)
        return rc;
    rc = set_int(s->router, ZMQ_IPV6, strchr(endpoint->address, '[') != NULL);
    if (rc != 0 || zmq_bind(s->router, endpoint->address) != 0 ||
        zmq_getsockopt(s->router, ZMQ_LAST_ENDPOINT, e->bound, &size) != 0) {
        rc = -errno;
        (void)error_set(err, rc, "bind", "%s cannot be listened on: %s", endpoint->address,
                        zmq_strerror(errno));
        if (rc == -EADDRINUSE)
            error_hint(err, "another process has it: is tendond running already?");
        return rc;
    }
    e->curve = endpoint->curve;
    e->fd = -1;
    s->n_endpoints++;
    return 0;
}

static int monitor_open(struct endpoint_socket *s, const struct server_options *o)
{
    char address[64];
    (void)snprintf(address, sizeof(address), "inproc://monitor-%s-%p", o->name, (void *)s);
    if (zmq_socket_monitor(s->router, address,
                           ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED |
                               ZMQ_EVENT_DISCONNECTED) != 0)
        return -errno;
    s->monitor = zmq_socket(o->zmq, ZMQ_PAIR);
    if (!s->monitor || set_int(s->monitor, ZMQ_LINGER, 0) != 0 || zmq_connect(s->monitor, address) != 0)
        return -errno;
    return 0;
}

int socket_open(struct endpoint_socket *s, const struct server_options *o, struct error *err)
{
    *s = (struct endpoint_socket){.is_listening = true};
    connections_init(&s->connections);
    if (o->n_endpoints > ENDPOINTS_MAX)
        return error_set(err, -E2BIG, "bind", "more than %d endpoints to listen on", ENDPOINTS_MAX);
    if (sodium_init() < 0)
        return error_set(err, -EIO, "random", "libsodium cannot be started");
    /* libzmq numbers its peers from rand(); a peer that claims the number to come would abort the process. */
    srand(randombytes_random());
    s->router = zmq_socket(o->zmq, ZMQ_ROUTER);
    int rc = s->router ? set_all(s->router, o) : -errno;
    if (rc != 0)
        return error_set(err, rc, "bind", "the %s socket cannot be made: %s", o->name, zmq_strerror(-rc));
    rc = set_zap(s->router, o->zap_domain, err);
    if (rc == 0 && (rc = monitor_open(s, o)) != 0)
        (void)error_set(err, rc, "bind", "the %s socket cannot be watched: %s", o->name, zmq_strerror(-rc));
    for (size_t i = 0; i < o->n_endpoints && rc == 0; i++)
        rc = endpoint_bind(s, o, &o->endpoints[i], err);
    return rc;
}

void socket_close(struct endpoint_socket *s)
{
    if (s->router) {
        (void)zmq_socket_monitor(s->router, NULL, 0);
        (void)zmq_close(s->router);
    }
    if (s->monitor)
        (void)zmq_close(s->monitor);
    s->router = s->monitor = NULL;
    connections_fini(&s->connections);
}

/* Throws the frames away that follow a payload which should have been the last. */
static void drop_rest(struct endpoint_socket *s)
{
    int more = 1;
    while (more) {
        zmq_msg_t frame;
        (void)zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, s->router, 0) < 0) {
            (void)zmq_msg_close(&frame);
            return;
        }
        more = zmq_msg_more(&frame);
        (void)zmq_msg_close(&frame);
    }
}

int socket_receive(struct endpoint_socket *s, struct socket_message *ret)
{
    int n = zmq_recv(s->router, ret->peer.id, sizeof(ret->peer.id), ZMQ_DONTWAIT);
    if (n < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    ret->peer.size = (uint8_t)n; /* a routing id has at most 255 bytes */
    (void)zmq_msg_init(&ret->payload);
    if (zmq_msg_recv(&ret->payload, s->router, 0) < 0) {
        int rc = -errno;
        (void)zmq_msg_close(&ret->payload);
        return rc;
    }
    ret->fd = zmq_msg_get(&ret->payload, ZMQ_SRCFD);
    connections_heard(&s->connections, ret->fd);
    if (zmq_msg_more(&ret->payload)) {
        (void)zmq_msg_close(&ret->payload);
        drop_rest(s);
        return -EMSGSIZE;
    }
    ret->data = zmq_msg_data(&ret->payload);
    ret->size = zmq_msg_size(&ret->payload);
    ret->user_id = zmq_msg_gets(&ret->payload, "User-Id"); /* the routing id's frame has none */
    return 0;
}

void socket_message_free(struct socket_message *m)
{
    (void)zmq_msg_close(&m->payload);
}

int socket_send(struct endpoint_socket *s, const struct peer *peer, const void *data, size_t size)
{
    if (zmq_send(s->router, peer->id, peer->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return -errno;
    return zmq_send(s->router, data, size, ZMQ_DONTWAIT) < 0 ? -errno : 0;
}

static uint64_t descriptors(unsigned percent)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return (uint64_t)limit.rlim_cur * percent / 100;
}

/* Takes no new connections of strangers, or does again. Unbinding would end those that are there as well, so
 * the kernel is told to drop what arrives at the listening descriptor: who wants in tries again by himself.
 * The local sockets stay: who reaches them is one of us. */
static void set_listening(struct endpoint_socket *s, bool listening)
{
    struct sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    const struct sock_fprog program = {.len = 1, .filter = drop};
    for (size_t i = 0; i < s->n_endpoints; i++) {
        const struct endpoint *e = &s->endpoints[i];
        if (!e->curve || e->fd < 0)
            continue;
        /* It can fail only for want of memory; then the next look tries again. */
        if (setsockopt(e->fd, SOL_SOCKET, listening ? SO_DETACH_FILTER : SO_ATTACH_FILTER, &program,
                       sizeof(program)) != 0)
            return;
    }
    s->is_listening = listening;
    s->has_moved = true;
}

static void note_listening(struct endpoint_socket *s, const char *address, int fd)
{
    for (size_t i = 0; i < s->n_endpoints; i++)
        if (strcmp(s->endpoints[i].bound, address) == 0)
            s->endpoints[i].fd = fd;
}

void socket_watch(struct endpoint_socket *s)
{
    for (;;) {
        uint8_t event[6];
        char address[ENDPOINT_BYTES];
        uint16_t number;
        uint32_t value;
        if (zmq_recv(s->monitor, event, sizeof(event), ZMQ_DONTWAIT) != (int)sizeof(event))
            return;
        int size = zmq_recv(s->monitor, address, sizeof(address) - 1, 0);
        address[size < 0 ? 0 : size < (int)sizeof(address) ? size : (int)sizeof(address) - 1] = '\0';
        memcpy(&number, event, sizeof(number));
        memcpy(&value, event + 2, sizeof(value));
        if (number == ZMQ_EVENT_LISTENING) {
            note_listening(s, address, (int)value);
        } else if (number == ZMQ_EVENT_ACCEPTED) {
            /* The kernel gives the lowest free number: one near the limit says that few are left. */
            bool is_tcp = strncmp(address, "tcp:", 4) == 0;
            s->n_connections++;
            s->n_accepted += is_tcp;
            connections_opened(&s->connections, (int)value, is_tcp);
            s->is_crowded |= value >= descriptors(STOP_PERCENT);
        } else if (number == ZMQ_EVENT_DISCONNECTED) {
            s->n_connections -= s->n_connections > 0;
            connections_closed(&s->connections, (int)value);
        } else if (number == ZMQ_EVENT_ACCEPT_FAILED) {
            s->is_crowded |= value == EMFILE || value == ENFILE;
        }
        /* Handshakes cost the one thread that reads for everybody. Who is not let in tries again by himself,
         * TCP after a second, two, four: a crowd that comes back after a restart must fit into few of those.
         */
        if ((s->is_crowded || s->n_accepted > SOCKET_ACCEPTS_MAX) && s->is_listening)
            set_listening(s, false);
    }
}

unsigned socket_sweep(struct endpoint_socket *s)
{
    return connections_sweep(&s->connections);
}

int socket_guard(struct endpoint_socket *s)
{
    s->n_accepted = 0;
    if (!s->is_listening) {
        /* The lowest free number again. */
        int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
        s->is_crowded = lowest < 0 || (uint64_t)lowest >= descriptors(RESUME_PERCENT);
        if (lowest >= 0)
            (void)close(lowest);
        if (!s->is_crowded)
            set_listening(s, true);
    }
    bool has_moved = s->has_moved;
    s->has_moved = false;
    return !has_moved ? 0 : s->is_listening ? 1 : -1;
}
