/* The messages that a server sends, encoded: tendon-protocol(7). Each function appends one whole message to
 * the buffer; a buffer that failed holds none. */
#ifndef TENDON_INGEST_ANSWER_H
#define TENDON_INGEST_ANSWER_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/ingest/committer.h"
#include "proto/wire.h"

#include <stdint.h>

#define ANSWER_BYTES (1024 * 1024) /* of an encoded ACK, NACK, WELCOME or ERROR: a batch of rejects fits */

/* WELCOME, ACK or NACK, all but its last value: answer_credit appends that, on the thread that knows it.
 * schema: whose types and declared dimensions WELCOME lists. */
void answer_encode(struct buffer *b, uint64_t request, const struct committer_answer *answer,
                   const struct event_schema *schema);
void answer_credit(struct buffer *b, uint64_t credit);

/* A NACK whose message is the code's sentence, all but its credit. */
void answer_nack_encode(struct buffer *b, uint64_t request, enum wire_nack nack, uint64_t seq,
                        uint64_t last_seq, uint32_t retry_ms, bool final);
void answer_error(struct buffer *b, uint64_t request, const char *code, const char *message,
                  const char *hint);
void answer_result(struct buffer *b, uint64_t request, uint64_t part, bool last, const void *data,
                   size_t size);

#endif
