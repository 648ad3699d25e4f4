/* Decoding a batch: from the bytes of a BATCH body to the events that the store takes and the rejects that it
 * lists.
 *
 * A pure function of the bytes and the rules: it may run on any thread, beside the commit of the batches
 * before. Its memory is reused from batch to batch; nothing is allocated for an event. */
#ifndef TENDON_INGEST_DECODE_H
#define TENDON_INGEST_DECODE_H

#include "core/fold/reference.h"
#include "core/store/store.h"
#include "proto/event.h"
#include "proto/wire.h"

#include <stddef.h>
#include <stdint.h>

/* What one source's events are held against: the protocol's schema as the tenant and the grant narrow it, the
 * source's stamp, and what the tenant has closed. */
struct decode_rules {
    struct event_schema schema;
    char stamp_vendor[EVENT_CODE_BYTES + 1];     /* empty: none */
    char stamp_outsourcer[EVENT_CODE_BYTES + 1]; /* empty: none */
    uint64_t closed;                   /* bits of enum event_field: only imported values are taken */
    const struct reference *reference; /* what was imported; NULL: nothing */
};

struct value_chunk;

/* A decoded batch. Events, values and the cursor point into the body's bytes and into the rules. */
struct decoded {
    uint64_t seq;
    const void *cursor; /* NULL: the committed one stays */
    size_t cursor_size;
    struct wire_event *events; /* not rejected */
    uint32_t *indices;         /* their places in the batch */
    uint32_t n_events;
    struct store_reject *rejects; /* by index; room for every event of the batch */
    uint32_t n_rejects;
    uint32_t n_in_batch;

    uint32_t capacity; /* of events, indices and rejects */
    struct value_chunk *chunks, *chunk;

    struct event_memory memory; /* of the batches so far, whosever they were */
    /* by place: the turn of the learned word that was found not to look personal */
    uint32_t impersonal[VOCABULARY_LEARNED];
};

void decoded_init(struct decoded *d);
void decoded_fini(struct decoded *d);

/* Reads one body. 0; or -EBADMSG and the code of a NACK that is final: the bytes are no batch (malformed),
 * have too many events (too_large) or too long a cursor. -ENOMEM. */
int decode_batch(struct decoded *d, const void *body, size_t size, const struct decode_rules *rules,
                 enum wire_nack *ret_nack);

/* The seq of a body that is not decoded, when it stands first; else 0. */
uint64_t decode_seq(const void *body, size_t size);

#endif
