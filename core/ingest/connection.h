/* The connections of a server's socket, by libzmq's descriptor: what libzmq does not say of them and a server
 * must know to defend itself.
 *
 * A message of frames without end is kept by libzmq until its last one, past every limit that it has. So each
 * connection is looked at now and then: one of which no message came and of which the kernel has taken in
 * more bytes than libzmq may hold of whole messages is shut down, which frees what it sent; and where all
 * together hold too much, each that holds more than a little. Only tcp counts its bytes; who reaches the
 * local sockets is one of us. One thread. */
#ifndef TENDON_INGEST_CONNECTION_H
#define TENDON_INGEST_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONNECTIONS_MAX     1048576              /* descriptors; what lies beyond is not watched */
#define CONNECTION_BYTES    (80u * 1024 * 1024)  /* more than RCVHWM messages of the greatest size */
#define CONNECTIONS_BYTES   (512u * 1024 * 1024) /* of all together; credit allows whole messages far less */
#define CONNECTION_FEW      (2u * 1024 * 1024)   /* that one may have when they are more */
#define CONNECTIONS_A_SWEEP 2048

struct connection {
    bool is_open, is_tcp;
    bool is_refused;   /* to be ended at the next look */
    unsigned *owner;   /* the count of its tenant's connections that it is in; NULL: in none */
    bool is_heard;     /* a message of it was taken since it was looked at */
    uint64_t received; /* bytes, by the kernel, when one had been */
    uint64_t unheard;  /* bytes since, at the last look */
};

struct connections {
    struct connection *at; /* by descriptor */
    size_t room, n_open, next;
    uint64_t limit;                  /* CONNECTION_BYTES */
    uint64_t unheard, unheard_limit; /* of all; CONNECTIONS_BYTES */
};

void connections_init(struct connections *c);
void connections_fini(struct connections *c);

void connections_opened(struct connections *c, int fd, bool is_tcp);
void connections_closed(struct connections *c, int fd);
/* A whole message came from it. Negative descriptors are passed over. */
void connections_heard(struct connections *c, int fd);

/* It belongs to whoever counts here, if that is not more than max: counted when it is heard for the first
 * time, and no longer when it is closed. False: one too many, which the next sweep ends. The count outlives
 * it. */
bool connections_own(struct connections *c, int fd, unsigned *count, unsigned max);

/* Looks at some of them, all in turn; how many were shut down. */
unsigned connections_sweep(struct connections *c);

#endif
