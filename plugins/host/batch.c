#include "plugins/host/batch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000

/* The packer's way out. A failure sticks until the event ends. */
static int write_bytes(void *data, const char *bytes, size_t n)
{
    struct tendon_batch *b = data;
    if (b->is_full || n > PIPE_EVENTS_BYTES - b->size) {
        b->is_full = true;
        return -1;
    }
    memcpy(b->data + b->size, bytes, n);
    b->size += n;
    return 0;
}

int batch_init(struct tendon_batch *b)
{
    *b = (struct tendon_batch){.data = malloc(PIPE_EVENTS_BYTES)};
    msgpack_packer_init(&b->packer, b, write_bytes);
    return b->data ? 0 : -ENOMEM;
}

void batch_fini(struct tendon_batch *b)
{
    free(b->data);
    b->data = NULL;
}

void batch_begin(struct tendon_batch *b, size_t soft_bytes)
{
    size_t most = PIPE_EVENTS_BYTES - BATCH_SLACK_BYTES;
    b->soft_bytes = soft_bytes < most ? soft_bytes : most;
    b->size = 0;
    b->is_open = false;
    b->has_cursor = false;
    b->cursor_bad = false;
    b->n_skips = 0;
    b->retry_after_ms = 0;
}

void batch_finish(struct tendon_batch *b)
{
    if (b->is_open)
        b->size = b->event;
    b->is_open = false;
}

static bool begin_field(struct tendon_batch *b, const char *key)
{
    if (!b->is_open || b->is_bad || b->is_full)
        return false;
    size_t n = key ? strlen(key) : 0;
    if (n == 0 || n > TENDON_ID_BYTES || b->n_fields == TENDON_FIELDS) {
        b->is_bad = true;
        return false;
    }
    b->n_fields++;
    return msgpack_pack_str_with_body(&b->packer, key, n) == 0;
}

void batch_event(struct tendon_batch *b, const char *type, const char *ticket, const char *id, int64_t at_ms,
                 uint32_t seq)
{
    batch_finish(b);
    b->event = b->size;
    b->n_fields = 0;
    b->is_open = true;
    b->is_bad = false;
    b->is_full = false;
    (void)write_bytes(b, "\x80", 1); /* the map's header, put right at the end */
    batch_set_string(b, "type", type, TENDON_TEXT);
    if (id)
        batch_set_string(b, "id", id, TENDON_TEXT);
    if (ticket)
        batch_set_string(b, "ticket", ticket, TENDON_TEXT);
    batch_set_int(b, "at", at_ms);
    if (seq)
        batch_set_int(b, "seq", seq);
}

void batch_set_string(struct tendon_batch *b, const char *key, const char *value, size_t size)
{
    if (value && size == TENDON_TEXT)
        size = strnlen(value, TENDON_ID_BYTES + 1);
    if (!value || size > TENDON_ID_BYTES)
        b->is_bad = true;
    if (begin_field(b, key))
        (void)msgpack_pack_str_with_body(&b->packer, value, size);
}

void batch_set_int(struct tendon_batch *b, const char *key, int64_t value)
{
    if (begin_field(b, key))
        (void)msgpack_pack_int64(&b->packer, value);
}

void batch_set_double(struct tendon_batch *b, const char *key, double value)
{
    if (!isfinite(value))
        b->is_bad = true;
    if (begin_field(b, key))
        (void)msgpack_pack_double(&b->packer, value);
}

void batch_set_bool(struct tendon_batch *b, const char *key, int value)
{
    if (begin_field(b, key))
        (void)(value ? msgpack_pack_true(&b->packer) : msgpack_pack_false(&b->packer));
}

void batch_set_nil(struct tendon_batch *b, const char *key)
{
    if (begin_field(b, key))
        (void)msgpack_pack_nil(&b->packer);
}

int batch_end(struct tendon_batch *b)
{
    if (!b->is_open)
        return TENDON_INVALID;
    b->is_open = false;
    if (b->is_bad || b->size - b->event > TENDON_EVENT_BYTES) {
        b->size = b->event;
        return TENDON_INVALID;
    }
    if (b->n_fields > 15 && !b->is_full) {
        /* A map of up to 15 has a header of one byte, a larger one of three. */
        if (PIPE_EVENTS_BYTES - b->size < 2) {
            b->is_full = true;
        } else {
            uint8_t *at = b->data + b->event;
            memmove(at + 3, at + 1, b->size - b->event - 1);
            at[0] = 0xde;
            at[1] = 0;
            at[2] = (uint8_t)b->n_fields;
            b->size += 2;
        }
    } else if (!b->is_full) {
        b->data[b->event] = (uint8_t)(0x80 | b->n_fields);
    }
    if (b->is_full) {
        b->size = b->event;
        return TENDON_FULL;
    }
    return TENDON_OK;
}

int batch_full(const struct tendon_batch *b)
{
    return b->size >= b->soft_bytes;
}

void batch_cursor(struct tendon_batch *b, const void *data, size_t size)
{
    if (size > sizeof(b->cursor) || (size && !data)) {
        b->cursor_bad = true;
        return;
    }
    if (size)
        memcpy(b->cursor, data, size);
    b->cursor_size = size;
    b->has_cursor = true;
}

static bool code_is_valid(const char *code)
{
    size_t n = code ? strnlen(code, PIPE_CODE_BYTES) : 0;
    return n > 0 && n < PIPE_CODE_BYTES && strspn(code, "abcdefghijklmnopqrstuvwxyz_") == n;
}

void batch_skip(struct tendon_batch *b, const char *code, const char *where, uint64_t line)
{
    if (!code_is_valid(code))
        code = "bad_skip_code";
    if (b->n_skips == PIPE_SKIPS) {
        /* Counted all the same: with the last of its code, else with the last. */
        unsigned i = PIPE_SKIPS - 1;
        for (unsigned j = 0; j < PIPE_SKIPS; j++)
            if (strcmp(b->skips[j].code, code) == 0)
                i = j;
        b->skips[i].count++;
        return;
    }
    struct pipe_skip *s = &b->skips[b->n_skips++];
    *s = (struct pipe_skip){.line = line, .count = 1};
    memcpy(s->code, code, strlen(code));
    if (where)
        memcpy(s->where, where, strnlen(where, PIPE_WHERE_BYTES - 1));
}

void batch_retry_after(struct tendon_batch *b, int64_t ms)
{
    b->retry_after_ms = ms < 0 ? 0 : ms > DAY_MS ? DAY_MS : ms;
}
