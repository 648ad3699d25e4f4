/* The ROUTER socket of a server, made safe against its peers: what libzmq leaves open is closed here.
 *
 * Opened by one thread, then used by another alone. */
#ifndef TENDON_INGEST_SOCKET_H
#define TENDON_INGEST_SOCKET_H

#include "core/base/error.h"
#include "core/ingest/connection.h"
#include "core/ingest/server.h"
#include "core/ingest/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#define ENDPOINTS_MAX      32
#define ENDPOINT_BYTES     256
#define SOCKET_SWEEP_MS    200
#define SOCKET_ACCEPTS_MAX 2000          /* new connections a second on the curve endpoints */
#define SOCKET_MESSAGE_MAX (1024 * 1024) /* unless the options say: beyond it the connection is dropped */

struct endpoint_socket {
    void *router;
    void *monitor; /* connections as they come and go */
    struct endpoint {
        bool curve;
        int fd; /* libzmq's, that it listens on; −1: not known yet */
        char bound[ENDPOINT_BYTES];
    } endpoints[ENDPOINTS_MAX];
    size_t n_endpoints;
    struct connections connections;
    uint64_t n_connections;
    unsigned n_accepted; /* since the last look of socket_guard */
    bool is_listening;   /* false: the curve endpoints take nobody for now */
    bool is_crowded;     /* descriptors were scarce at the last look */
    bool has_moved;      /* is_listening has changed since socket_guard said so */
};

/* One payload frame and who sent it. */
struct socket_message {
    struct peer peer;
    const void *data;
    size_t size;
    int fd;              /* libzmq's descriptor of the connection, or negative */
    const char *user_id; /* as the ZAP handler gave it; NULL: none */
    zmq_msg_t payload;
};

int socket_open(struct endpoint_socket *s, const struct server_options *options, struct error *err);
void socket_close(struct endpoint_socket *s);

/* The next message. -EAGAIN: none is there; -EMSGSIZE: one of several frames was dropped; another negative
 * errno: the socket is gone. Free it with socket_message_free. */
int socket_receive(struct endpoint_socket *s, struct socket_message *ret);
void socket_message_free(struct socket_message *m);

/* -EHOSTUNREACH: the peer is gone; -EAGAIN: it does not read what it is sent. */
int socket_send(struct endpoint_socket *s, const struct peer *peer, const void *data, size_t size);

/* Takes what the monitor has: counts connections, stops listening near the limit of descriptors. */
void socket_watch(struct endpoint_socket *s);
/* Once a second: −1 when listening has stopped since the last call, 1 when it was resumed, else 0. */
int socket_guard(struct endpoint_socket *s);
/* Every SOCKET_SWEEP_MS: ends connections that send without end; how many. */
unsigned socket_sweep(struct endpoint_socket *s);

#endif
