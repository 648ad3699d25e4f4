/* What waits in a tenant's queue: a greeting, a batch or a call. The committer's own; made by the thread that
 * submits, then owned by the queue and by the turn that takes it. */
#ifndef TENDON_INGEST_JOB_H
#define TENDON_INGEST_JOB_H

#include "core/ingest/committer.h"
#include "core/ingest/decode.h"
#include "core/store/prepare.h"

#include <stdbool.h>

#define DECODED_POOL_MAX 64 /* decoded batches whose memory is kept */

/* Memory of decoded batches, used again. Under the committer's lock. */
struct decoded_slot {
    struct decoded_slot *next;
    struct decoded d;
    struct store_prepared prepared;
};

struct decoded_pool {
    struct decoded_slot *free;
    unsigned n;
};

struct decoded_slot *decoded_pool_get(struct decoded_pool *p); /* NULL: no memory */
void decoded_pool_put(struct decoded_pool *p, struct decoded_slot *slot);
void decoded_pool_fini(struct decoded_pool *p);

enum job_kind { JOB_HELLO, JOB_BATCH, JOB_CALL, JOB_FORWARD };
enum job_state { JOB_QUEUED, JOB_DECODING, JOB_DECODED };
enum job_outcome {
    OUTCOME_COMMIT,
    OUTCOME_REPEAT,
    OUTCOME_OUT_OF_ORDER,
    OUTCOME_UNGREETED, /* the source was reset since its HELLO */
    OUTCOME_REFUSED,
    OUTCOME_FAILED
};

/* On the stack of the thread that waits for it. */
struct job_call {
    int (*fn)(struct tenant *t, void *ctx, struct error *err);
    void *ctx;
    struct error *err;
    int rc;
    bool is_done;
};

struct job {
    struct job *next;
    enum job_kind kind;
    enum job_state state; /* JOB_BATCH */
    char source[STORE_NAME_BYTES + 1];
    char namespace[STORE_NAME_BYTES + 1];
    committer_done done;
    void *ctx;
    struct job_call *call; /* JOB_CALL */

    /* JOB_BATCH */
    struct decode_rules rules;
    struct decoded_slot *decoded;
    int decoded_rc; /* of decode_batch, with nack */
    enum wire_nack nack;
    enum job_outcome outcome;
    struct store_batch *batch; /* OUTCOME_COMMIT: the group's */
    size_t size;
    uint8_t body[];
};

/* who is NULL for a call. NULL: no memory. */
struct job *job_new(enum job_kind kind, const struct grant *who, const void *body, size_t size,
                    committer_done done, void *ctx);
/* p may be NULL when nothing was decoded. NULL is fine. */
void job_free(struct job *j, struct decoded_pool *p);

/* The answer to what was committed before: where its source stands. cursor has room for it while it is sent.
 */
void job_answer_repeat(const struct job *j, struct tenant *t, struct committer_answer *answer,
                       uint8_t cursor[STORE_CURSOR_BYTES]);

#endif
