/* Any bytes as what a source sends: the body of a BATCH, one event in a batch, the body of a HELLO, and a
 * value that may look personal. The first inputs are the protocol's test vectors. */
#include "core/ingest/decode.h"
#include "core/ingest/hello.h"
#include "core/ingest/pattern.h"
#include "core/ingest/quota.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct decode_rules OPEN = {
    .schema = {.n_declared = 1,
               .declared = {"contract"},
               .types = (1u << EVENT_N_TYPES) - 1,
               .now = 1704708000000},
};

static const struct decode_rules STRICT = {
    .schema = {.types = 1u << EVENT_TICKET_CREATED | 1u << EVENT_TICKET_UPDATED, .now = 1704708000000},
    .stamp_vendor = "acme",
    .stamp_outsourcer = "bpo",
    .closed = 1ull << FIELD_CATEGORY,
};

/* What the store is promised of a decoded batch. */
static void check_decoded(const struct decoded *d, const struct decode_rules *rules)
{
    if (d->n_events + d->n_rejects != d->n_in_batch || d->n_in_batch > WIRE_BATCH_EVENTS || d->seq == 0 ||
        d->cursor_size > WIRE_CURSOR_BYTES)
        abort();
    for (uint32_t i = 0; i < d->n_rejects; i++)
        if (d->rejects[i].code == REJECT_NONE || d->rejects[i].code >= REJECT_N ||
            (i > 0 && d->rejects[i].index <= d->rejects[i - 1].index))
            abort();
    for (uint32_t i = 0; i < d->n_events; i++) {
        const struct wire_event *e = &d->events[i];
        if ((i > 0 && d->indices[i] <= d->indices[i - 1]) || !(rules->schema.types >> e->type & 1))
            abort();
        if (rules->stamp_vendor[0] && e->type != EVENT_SOURCE_WATERMARK &&
            (e->n_values == 0 || e->values[0].field != FIELD_VENDOR || e->values[0].string.size != 4))
            abort();
        for (uint32_t k = 0; k < e->n_values; k++) {
            const struct wire_value *v = &e->values[k];
            if (k > 0 && e->values[k - 1].field >= v->field)
                abort();
            if (FIELDS[v->field].kind == VALUE_DICTIONARY && !v->nil &&
                (event_code_check(v->string.data, v->string.size) != REJECT_NONE ||
                 pattern_is_personal(v->string.data, v->string.size) || rules->closed >> v->field & 1))
                abort();
        }
    }
}

static void decode(const uint8_t *body, size_t size)
{
    static const struct decode_rules *const all[] = {&OPEN, &STRICT};
    for (unsigned i = 0; i < 2; i++) {
        struct decoded d;
        enum wire_nack nack;
        decoded_init(&d);
        if (decode_batch(&d, body, size, all[i], &nack) == 0) {
            check_decoded(&d, all[i]);
            if (quota_batch_events(body, size) != d.n_in_batch) /* what the tenant's rate is charged */
                abort();
        }
        (void)quota_batch_events(body, size);
        decoded_fini(&d);
    }
    (void)decode_seq(body, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t head[] = "\x82\xa3seq\x01\xa6"
                                  "events\x91";
    struct mp_reader r;
    struct hello hello;
    decode(data, size);

    uint8_t *body = malloc(sizeof(head) - 1 + size);
    if (!body)
        return 0;
    memcpy(body, head, sizeof(head) - 1);
    memcpy(body + sizeof(head) - 1, data, size);
    decode(body, sizeof(head) - 1 + size);
    free(body);

    mp_reader_init(&r, data, size);
    (void)hello_read(&r, &hello);
    if (utf8_valid((const char *)data, size))
        (void)pattern_is_personal((const char *)data, size);
    return 0;
}
