/* The batch that a plugin's poll fills: events encoded straight into the bytes that go out.
 *
 * Inner process, one thread. The bytes are msgpack maps one behind the other, as BATCH wants them. */
#ifndef TENDON_HOST_BATCH_H
#define TENDON_HOST_BATCH_H

#include "plugins/host/pipe.h"

#include <msgpack.h>

#define BATCH_SLACK_BYTES 32768 /* what still fits when full() is false */

struct tendon_batch {
    uint8_t *data; /* [PIPE_EVENTS_BYTES] */
    size_t size;
    size_t soft_bytes;
    msgpack_packer packer;

    size_t event; /* where the event under construction begins */
    unsigned n_fields;
    bool is_open, is_bad, is_full;

    bool has_cursor, cursor_bad;
    size_t cursor_size;
    uint8_t cursor[TENDON_CURSOR_BYTES];

    unsigned n_skips;
    struct pipe_skip skips[PIPE_SKIPS];
    int64_t retry_after_ms;
};

int batch_init(struct tendon_batch *b);
void batch_fini(struct tendon_batch *b);
/* Empties it for a poll. */
void batch_begin(struct tendon_batch *b, size_t soft_bytes);
/* After the poll: drops an event that was never ended. */
void batch_finish(struct tendon_batch *b);

/* The functions of struct tendon_host. */
void batch_event(struct tendon_batch *b, const char *type, const char *ticket, const char *id, int64_t at_ms,
                 uint32_t seq);
void batch_set_string(struct tendon_batch *b, const char *key, const char *value, size_t size);
void batch_set_int(struct tendon_batch *b, const char *key, int64_t value);
void batch_set_double(struct tendon_batch *b, const char *key, double value);
void batch_set_bool(struct tendon_batch *b, const char *key, int value);
void batch_set_nil(struct tendon_batch *b, const char *key);
int batch_end(struct tendon_batch *b);
int batch_full(const struct tendon_batch *b);
void batch_cursor(struct tendon_batch *b, const void *data, size_t size);
void batch_skip(struct tendon_batch *b, const char *code, const char *where, uint64_t line);
void batch_retry_after(struct tendon_batch *b, int64_t ms);

#endif
