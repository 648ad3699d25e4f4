#include "core/ingest/zap.h"

#include "core/base/log.h"
#include "proto/wire.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define ZAP_ENDPOINT      "inproc://zeromq.zap.01"
#define REFUSALS_LOGGED_S 10  /* a second */
#define FRAME_BYTES       256 /* none that we take is longer */

/* The frames of a request (ZMTP's ZAP, RFC 27), as far as we look. */
enum {
    FRAME_VERSION,
    FRAME_REQUEST,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_IDENTITY,
    FRAME_MECHANISM,
    FRAME_KEY,
    FRAMES
};

struct frame {
    size_t size; /* as sent; more than FRAME_BYTES: not all of it is here */
    char data[FRAME_BYTES + 1];
};

struct zap {
    struct zap_options options;
    void *socket;
    int stop_fd;
    pthread_t thread;
    time_t second; /* of the last refusal logged */
    unsigned n_refusals;
};

static bool frame_is(const struct frame *f, const char *text)
{
    return f->size == strlen(text) && memcmp(f->data, text, f->size) == 0;
}

/* All frames of one message; how many it had, or negative when there is none. */
static int request_read(void *socket, struct frame frames[FRAMES])
{
    int n = 0, more;
    do {
        struct frame beyond, *f = n < FRAMES ? &frames[n] : &beyond;
        size_t more_size = sizeof(more);
        int size = zmq_recv(socket, f->data, FRAME_BYTES, n == 0 ? ZMQ_DONTWAIT : 0);
        if (size < 0)
            return -errno;
        f->size = (size_t)size;
        f->data[size < FRAME_BYTES ? size : FRAME_BYTES] = '\0';
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) != 0)
            return -errno;
        n++;
    } while (more);
    return n;
}

/* "localhost:UID:GID:PID", as the kernel told libzmq of a local socket. */
static bool local_peer_parse(const char *address, unsigned *ret_uid, unsigned *ret_pid)
{
    unsigned uid, gid, pid;
    int end = 0;
    if (sscanf(address, "localhost:%9u:%9u:%9u%n", &uid, &gid, &pid, &end) != 3 || address[end] != '\0')
        return false;
    *ret_uid = uid;
    *ret_pid = pid;
    return true;
}

/* The User-Id of who asks, or false: nobody that these sockets let in. */
static bool user_id_make(const struct frame frames[FRAMES], int n, char user_id[ZAP_USER_ID_BYTES])
{
    unsigned uid, pid;
    if (n == FRAMES && frame_is(&frames[FRAME_MECHANISM], "CURVE") && frames[FRAME_KEY].size == 32 &&
        frame_is(&frames[FRAME_DOMAIN], WIRE_ZAP_DOMAIN)) {
        char z85[41];
        if (!zmq_z85_encode(z85, (const uint8_t *)frames[FRAME_KEY].data, 32))
            return false;
        (void)snprintf(user_id, ZAP_USER_ID_BYTES, "key:%s", z85);
        return true;
    }
    if (n != FRAME_MECHANISM + 1 || !frame_is(&frames[FRAME_MECHANISM], "NULL") ||
        frames[FRAME_ADDRESS].size > FRAME_BYTES || !local_peer_parse(frames[FRAME_ADDRESS].data, &uid, &pid))
        return false;
    if (frame_is(&frames[FRAME_DOMAIN], WIRE_ZAP_DOMAIN))
        (void)snprintf(user_id, ZAP_USER_ID_BYTES, "pid:%u:%u", pid, uid);
    else if (frame_is(&frames[FRAME_DOMAIN], WIRE_ZAP_DOMAIN_CONTROL))
        (void)snprintf(user_id, ZAP_USER_ID_BYTES, "uid:%u", uid);
    else
        return false;
    return true;
}

static void log_refusal(struct zap *z, bool is_curve, const char *user_id)
{
    time_t now = time(NULL);
    if (now != z->second) {
        z->second = now;
        z->n_refusals = 0;
    }
    if (z->n_refusals++ < REFUSALS_LOGGED_S)
        log_warning(z->options.logger, "ingest", "connection_refused", "mechanism=%s peer=%s",
                    is_curve ? "curve" : "local", user_id[0] ? user_id : "-");
}

static void frame_send(void *socket, const char *data, size_t size, int flags)
{
    /* It can only fail when the asking socket is gone. */
    (void)zmq_send(socket, data, size, flags);
}

static void zap_answer(struct zap *z, const struct frame frames[FRAMES], int n)
{
    char user_id[ZAP_USER_ID_BYTES] = "";
    struct grant grant;
    bool is_known = n > FRAME_REQUEST && frame_is(&frames[FRAME_VERSION], "1.0") &&
                    user_id_make(frames, n, user_id) &&
                    z->options.resolve(z->options.resolve_ctx, user_id, &grant) == 0;
    const char *status = is_known ? "200" : "400", *text = is_known ? "OK" : "not known here";
    if (!is_known) {
        log_refusal(z, n > FRAME_MECHANISM && frame_is(&frames[FRAME_MECHANISM], "CURVE"), user_id);
        user_id[0] = '\0';
    }
    size_t request_size = n > FRAME_REQUEST ? frames[FRAME_REQUEST].size : 0;
    frame_send(z->socket, "1.0", 3, ZMQ_SNDMORE);
    frame_send(z->socket, frames[FRAME_REQUEST].data,
               request_size <= FRAME_BYTES ? request_size : FRAME_BYTES, ZMQ_SNDMORE);
    frame_send(z->socket, status, 3, ZMQ_SNDMORE);
    frame_send(z->socket, text, strlen(text), ZMQ_SNDMORE);
    frame_send(z->socket, user_id, strlen(user_id), ZMQ_SNDMORE);
    frame_send(z->socket, "", 0, 0);
}

static void *zap_thread(void *arg)
{
    struct zap *z = arg;
    struct frame frames[FRAMES];
    zmq_pollitem_t items[] = {{.socket = z->socket, .events = ZMQ_POLLIN},
                              {.fd = z->stop_fd, .events = ZMQ_POLLIN}};
    (void)pthread_setname_np(pthread_self(), "zap");
    for (;;) {
        if (zmq_poll(items, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return NULL;
        }
        if (items[1].revents)
            return NULL;
        int n = items[0].revents ? request_read(z->socket, frames) : -EAGAIN;
        if (n > 0)
            zap_answer(z, frames, n);
        else if (n == -ETERM)
            return NULL;
    }
}

int zap_new(const struct zap_options *options, struct zap **ret, struct error *err)
{
    struct zap *z = calloc(1, sizeof(*z));
    if (!z)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the ZAP handler");
    z->options = *options;
    z->stop_fd = eventfd(0, EFD_CLOEXEC);
    z->socket = zmq_socket(options->zmq, ZMQ_REP);
    int linger = 0, rc;
    if (z->stop_fd < 0 || !z->socket || zmq_setsockopt(z->socket, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_bind(z->socket, ZAP_ENDPOINT) != 0)
        rc = error_set(err, -errno, "zap", "the ZAP handler cannot be bound: %s", zmq_strerror(errno));
    else if ((rc = -pthread_create(&z->thread, NULL, zap_thread, z)) != 0)
        (void)error_set(err, rc, "zap", "the ZAP handler's thread cannot be started: %s", strerror(-rc));
    if (rc == 0) {
        *ret = z;
        return 0;
    }
    if (z->socket)
        (void)zmq_close(z->socket);
    if (z->stop_fd >= 0)
        (void)close(z->stop_fd);
    free(z);
    return rc;
}

void zap_free(struct zap *z)
{
    if (!z)
        return;
    (void)!write(z->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)pthread_join(z->thread, NULL);
    (void)zmq_close(z->socket);
    (void)close(z->stop_fd);
    free(z);
}
