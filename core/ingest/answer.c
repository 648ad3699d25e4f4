#include "core/ingest/answer.h"

#include <stdio.h>
#include <string.h>

/* msgpack-c's packer on our buffer, which remembers its failures itself. */
static int pack_write(void *data, const char *bytes, size_t size)
{
    struct buffer *b = data;
    buffer_append(b, bytes, size);
    return buffer_failed(b) ? -1 : 0;
}

static void pack_string(msgpack_packer *p, const char *s)
{
    size_t n = strlen(s);
    (void)msgpack_pack_str(p, n);
    (void)msgpack_pack_str_body(p, s, n);
}

static void pack_uint(msgpack_packer *p, const char *key, uint64_t value)
{
    pack_string(p, key);
    (void)msgpack_pack_uint64(p, value);
}

static void pack_bool(msgpack_packer *p, const char *key, bool value)
{
    pack_string(p, key);
    (void)(value ? msgpack_pack_true(p) : msgpack_pack_false(p));
}

static void pack_text(msgpack_packer *p, const char *key, const char *value)
{
    pack_string(p, key);
    pack_string(p, value);
}

static void pack_bin(msgpack_packer *p, const char *key, const void *data, size_t size)
{
    pack_string(p, key);
    (void)msgpack_pack_bin(p, size);
    if (size > 0)
        (void)msgpack_pack_bin_body(p, data, size);
}

static void pack_begin(msgpack_packer *p, struct buffer *b, enum wire_kind kind, uint64_t request,
                       unsigned n_keys)
{
    msgpack_packer_init(p, b, pack_write);
    (void)wire_envelope_write(p, kind, request);
    (void)msgpack_pack_map(p, n_keys);
}

/* The fields that a type may carry: its own, then the dimensions. */
static uint64_t type_fields(enum event_type type, const struct event_schema *schema)
{
    uint64_t fields = EVENT_TYPE_INFO[type].required | EVENT_TYPE_INFO[type].optional;
    if (type != EVENT_SOURCE_WATERMARK)
        fields |= (1ull << (FIELD_DECLARED + schema->n_declared)) - 1;
    return fields;
}

static void pack_types(msgpack_packer *p, const struct event_schema *schema)
{
    pack_string(p, "types");
    (void)msgpack_pack_map(p, (size_t)__builtin_popcount(schema->types & ((1u << EVENT_N_TYPES) - 1)));
    for (int t = 0; t < EVENT_N_TYPES; t++) {
        if (!(schema->types >> t & 1))
            continue;
        uint64_t fields = type_fields((enum event_type)t, schema);
        pack_string(p, EVENT_TYPE_INFO[t].name);
        (void)msgpack_pack_array(p, (size_t)__builtin_popcountll(fields));
        for (; fields; fields &= fields - 1)
            pack_string(p, event_field_name(schema, (enum event_field)__builtin_ctzll(fields)));
    }
}

static void encode_welcome(struct buffer *b, uint64_t request, const struct committer_answer *a,
                           const struct event_schema *schema)
{
    msgpack_packer p;
    pack_begin(&p, b, WIRE_WELCOME, request, 5);
    pack_uint(&p, "last_seq", a->last_seq);
    pack_bin(&p, "cursor", a->cursor, a->cursor_size);
    pack_types(&p, schema);
    pack_string(&p, "limits");
    (void)msgpack_pack_map(&p, 3);
    pack_uint(&p, "batch_bytes", WIRE_BATCH_BYTES);
    pack_uint(&p, "events", WIRE_BATCH_EVENTS);
    pack_uint(&p, "cursor_bytes", WIRE_CURSOR_BYTES);
}

static void encode_ack(struct buffer *b, uint64_t request, const struct committer_answer *a)
{
    msgpack_packer p;
    if (a->repeat) {
        pack_begin(&p, b, WIRE_ACK, request, 5);
        pack_uint(&p, "seq", a->seq);
        pack_bool(&p, "repeat", true);
        pack_uint(&p, "last_seq", a->last_seq);
        pack_bin(&p, "cursor", a->cursor, a->cursor_size);
        return;
    }
    pack_begin(&p, b, WIRE_ACK, request, 5);
    pack_uint(&p, "seq", a->seq);
    pack_uint(&p, "accepted", a->n_accepted);
    pack_uint(&p, "duplicates", a->n_duplicates);
    pack_string(&p, "rejected");
    (void)msgpack_pack_array(&p, a->n_rejects);
    for (size_t i = 0; i < a->n_rejects; i++) {
        (void)msgpack_pack_array(&p, 2);
        (void)msgpack_pack_uint32(&p, a->rejects[i].index);
        pack_string(&p, event_reject_code((enum event_reject)a->rejects[i].code));
    }
}

static void encode_nack(struct buffer *b, uint64_t request, enum wire_nack nack, const char *message,
                        uint64_t seq, uint64_t last_seq, uint32_t retry_ms, bool final)
{
    msgpack_packer p;
    pack_begin(&p, b, WIRE_NACK, request, retry_ms ? 7 : 6);
    pack_uint(&p, "seq", seq);
    pack_text(&p, "code", wire_nack_code(nack));
    pack_text(&p, "message", message);
    if (retry_ms)
        pack_uint(&p, "retry_ms", retry_ms);
    pack_bool(&p, "final", final);
    pack_uint(&p, "last_seq", last_seq);
}

void answer_nack_encode(struct buffer *b, uint64_t request, enum wire_nack nack, uint64_t seq,
                        uint64_t last_seq, uint32_t retry_ms, bool final)
{
    encode_nack(b, request, nack, wire_nack_sentence(nack), seq, last_seq, retry_ms, final);
}

/* The code of what was refused stands in front of its sentence. */
static void encode_refused(struct buffer *b, uint64_t request, const struct committer_answer *a)
{
    char message[sizeof(a->why->code) + sizeof(a->why->message) + 2];
    (void)snprintf(message, sizeof(message), "%s: %s", a->why->code, a->why->message);
    encode_nack(b, request, a->nack, message, a->seq, a->last_seq, a->retry_ms, a->final);
}

void answer_encode(struct buffer *b, uint64_t request, const struct committer_answer *answer,
                   const struct event_schema *schema)
{
    if (answer->kind == WIRE_WELCOME)
        encode_welcome(b, request, answer, schema);
    else if (answer->kind == WIRE_ACK)
        encode_ack(b, request, answer);
    else if (answer->why)
        encode_refused(b, request, answer);
    else
        answer_nack_encode(b, request, answer->nack, answer->seq, answer->last_seq, answer->retry_ms,
                           answer->final);
}

void answer_credit(struct buffer *b, uint64_t credit)
{
    msgpack_packer p;
    msgpack_packer_init(&p, b, pack_write);
    pack_uint(&p, "credit", credit);
}

void answer_error(struct buffer *b, uint64_t request, const char *code, const char *message, const char *hint)
{
    msgpack_packer p;
    pack_begin(&p, b, WIRE_ERROR, request, 3);
    pack_text(&p, "code", code);
    pack_text(&p, "message", message);
    pack_text(&p, "hint", hint);
}

void answer_result(struct buffer *b, uint64_t request, uint64_t part, bool last, const void *data,
                   size_t size)
{
    msgpack_packer p;
    pack_begin(&p, b, WIRE_RESULT, request, 3);
    pack_uint(&p, "part", part);
    pack_bool(&p, "last", last);
    pack_bin(&p, "data", data, size);
}
