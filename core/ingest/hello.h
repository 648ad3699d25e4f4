/* HELLO: how a source greets. */
#ifndef TENDON_INGEST_HELLO_H
#define TENDON_INGEST_HELLO_H

#include "core/store/store.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct hello {
    char source[STORE_NAME_BYTES + 1];
    char software[WIRE_SOFTWARE_BYTES + 1]; /* empty when it is no code: it goes into the log */
    uint64_t session;
};

/* Reads the body of a HELLO, to its end. False when it is none. A source's name that is too long to be one is
 * read as empty. */
bool hello_read(struct mp_reader *r, struct hello *ret);

#endif
