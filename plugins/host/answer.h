/* What the collector says: the body of a WELCOME, ACK, NACK or ERROR, as far as a host reads it. */
#ifndef TENDON_HOST_ANSWER_H
#define TENDON_HOST_ANSWER_H

#include "proto/wire.h"

#include <stdbool.h>
#include <stdint.h>

/* What was not said is 0; cursor points into the message. */
struct answer {
    uint64_t seq, last_seq, accepted, credit, retry_ms;
    uint32_t n_rejected;
    bool has_last_seq, has_credit, is_repeat, is_final;
    const uint8_t *cursor;
    uint32_t cursor_size;
    char code[32], message[256];
};

/* Keys that it does not know are passed over. False: it is no map of that kind. */
bool answer_read(struct mp_reader *r, struct answer *ret);

#endif
