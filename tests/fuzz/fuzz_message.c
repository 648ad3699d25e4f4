/* Any bytes as one payload frame of the wire protocol: the envelope, and the events of a BATCH. */
#include "proto/event.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the decoder promises of an event that it took. */
static void check_event(const struct wire_event *event, const uint8_t *data, size_t size)
{
    if (event->type >= EVENT_N_TYPES || event->n_values > FIELD_N)
        abort();
    for (uint32_t i = 0; i < event->n_values; i++) {
        const struct wire_value *value = &event->values[i];
        if (value->field >= FIELD_N || (i > 0 && event->values[i - 1].field >= value->field))
            abort();
        enum value_kind kind = FIELDS[value->field].kind;
        if (value->nil || (kind != VALUE_DICTIONARY && kind != VALUE_HASH) || !value->string.data)
            continue;
        const uint8_t *at = (const uint8_t *)value->string.data;
        if (at < data || value->string.size > size || at + value->string.size > data + size)
            abort();
        if (!utf8_valid(value->string.data, value->string.size))
            abort();
    }
}

/* With what it remembers of the events before, decoding gives the same answer as without. */
static int decode(struct mp_reader *reader, const struct event_schema *schema, struct event_memory *memory,
                  struct wire_event *event, struct wire_value values[FIELD_N])
{
    struct mp_reader plain_reader = *reader;
    struct wire_event plain;
    struct wire_value plain_values[FIELD_N];
    int expected = event_decode(&plain_reader, schema, &plain, plain_values);
    int r = event_decode_with(reader, schema, memory, event, values);
    if (r != expected || (r >= 0 && reader->at != plain_reader.at))
        abort();
    if (r != REJECT_NONE)
        return r;
    if (event->type != plain.type || event->at != plain.at || event->seq != plain.seq ||
        event->id.data != plain.id.data || event->ticket.data != plain.ticket.data ||
        event->n_values != plain.n_values)
        abort();
    for (uint32_t i = 0; i < plain.n_values; i++) {
        enum value_kind kind = FIELDS[values[i].field].kind;
        bool is_string = !values[i].nil && (kind == VALUE_DICTIONARY || kind == VALUE_HASH);
        if (values[i].field != plain_values[i].field || values[i].nil != plain_values[i].nil ||
            (is_string ? values[i].string.data != plain_values[i].string.data ||
                             values[i].string.size != plain_values[i].string.size
                       : values[i].number != plain_values[i].number))
            abort();
    }
    return r;
}

static void decode_events(struct mp_reader *body, struct event_memory *memory, const uint8_t *data,
                          size_t size)
{
    const struct event_schema schema = {
        .n_declared = 1, .declared = {"ward"}, .types = (1u << EVENT_N_TYPES) - 1, .now = 1700000000000};
    uint32_t n_keys = 0;
    if (!mp_read_map(body, &n_keys))
        return;
    for (uint32_t k = 0; k < n_keys && !body->failed; k++) {
        const char *key;
        uint32_t key_size, n_events;
        if (!mp_read_str(body, &key, &key_size))
            return;
        if (key_size != 6 || memcmp(key, "events", 6) != 0) {
            if (!mp_skip(body))
                return;
            continue;
        }
        if (!mp_read_array(body, &n_events))
            return;
        for (uint32_t i = 0; i < n_events; i++) {
            struct wire_event event;
            struct wire_value values[FIELD_N];
            const uint8_t *before = body->at;
            int r = decode(body, &schema, memory, &event, values);
            if (r < 0)
                return;
            if (body->at <= before)
                abort(); /* it must move on, or a batch never ends */
            if (r == REJECT_NONE)
                check_event(&event, data, size);
            else if (r >= REJECT_N)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_envelope envelope;
    struct event_memory memory;
    event_memory_init(&memory);
    if (wire_envelope_read(data, size, &envelope) == 0)
        decode_events(&envelope.body, &memory, data, size);
    /* the same bytes as an event by themselves, as the vectors are */
    const struct event_schema schema = {.types = (1u << EVENT_N_TYPES) - 1, .now = 1700000000000};
    struct mp_reader reader;
    struct wire_event event;
    struct wire_value values[FIELD_N];
    mp_reader_init(&reader, data, size);
    if (decode(&reader, &schema, &memory, &event, values) == REJECT_NONE)
        check_event(&event, data, size);
    return 0;
}
