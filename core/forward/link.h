/* A forwarder's connection to the centre: one message under way at a time. One thread. */
#ifndef TENDON_FORWARD_LINK_H
#define TENDON_FORWARD_LINK_H

#include "core/base/error.h"
#include "core/store/store.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct link_options {
    void *zmq;
    const char *endpoint, *server_key; /* Z85 */
    const char *public_key, *secret_key;
};

struct link;

/* Codes: zmq. */
int link_open(const struct link_options *options, struct link **ret, struct error *err);
void link_close(struct link *l); /* NULL is fine */

struct link_answer {
    enum wire_kind kind; /* WIRE_WELCOME, WIRE_ACK, WIRE_NACK */
    uint64_t seq, last_seq;
    bool repeat, final;
    uint32_t retry_ms;
    uint8_t cursor[STORE_CURSOR_BYTES]; /* WELCOME, and ACK of a repeat */
    size_t cursor_size;
    char code[32], message[512]; /* NACK */
};

/* Says HELLO as a site. Both return 0 with an answer; -EAGAIN while there is none within wait_ms (ask again
 * with link_wait); -ENOTCONN the message could not be sent, -EBADMSG the answer is none of the protocol, with
 * err. */
int link_hello(struct link *l, const char *site, uint64_t session, struct error *err);
int link_forward(struct link *l, uint64_t seq, const void *parcel, size_t size, const void *cursor,
                 size_t cursor_size, struct error *err);
int link_wait(struct link *l, int wait_ms, struct link_answer *ret, struct error *err);

#endif
