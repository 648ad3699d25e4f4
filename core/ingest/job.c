#include "core/ingest/job.h"

#include "core/tenant/tenant.h"

#include <stdlib.h>
#include <string.h>

struct decoded_slot *decoded_pool_get(struct decoded_pool *p)
{
    struct decoded_slot *slot = p->free;
    if (slot) {
        p->free = slot->next;
        p->n--;
        return slot;
    }
    slot = malloc(sizeof(*slot));
    if (slot) {
        decoded_init(&slot->d);
        prepared_init(&slot->prepared);
        slot->prepared.has_memory = true; /* the one of d */
    }
    return slot;
}

static void slot_free(struct decoded_slot *slot)
{
    decoded_fini(&slot->d);
    prepared_fini(&slot->prepared);
    free(slot);
}

void decoded_pool_put(struct decoded_pool *p, struct decoded_slot *slot)
{
    if (p->n < DECODED_POOL_MAX) {
        slot->next = p->free;
        p->free = slot;
        p->n++;
        return;
    }
    slot_free(slot);
}

void decoded_pool_fini(struct decoded_pool *p)
{
    while (p->free) {
        struct decoded_slot *slot = p->free;
        p->free = slot->next;
        slot_free(slot);
    }
    p->n = 0;
}

struct job *job_new(enum job_kind kind, const struct grant *who, const void *body, size_t size,
                    committer_done done, void *ctx)
{
    struct job *j = malloc(sizeof(*j) + size);
    if (!j)
        return NULL;
    *j = (struct job){.kind = kind, .done = done, .ctx = ctx, .size = size};
    if (who) {
        memcpy(j->source, who->source, sizeof(j->source));
        memcpy(j->namespace, who->namespace[0] ? who->namespace : who->source, sizeof(j->namespace));
        memcpy(j->rules.stamp_vendor, who->stamp_vendor, sizeof(j->rules.stamp_vendor));
        memcpy(j->rules.stamp_outsourcer, who->stamp_outsourcer, sizeof(j->rules.stamp_outsourcer));
        j->rules.schema.types = who->types;
    }
    if (size > 0)
        memcpy(j->body, body, size);
    return j;
}

void job_free(struct job *j, struct decoded_pool *p)
{
    if (!j)
        return;
    if (j->decoded && p)
        decoded_pool_put(p, j->decoded);
    free(j);
}

void job_answer_repeat(const struct job *j, struct tenant *t, struct committer_answer *answer,
                       uint8_t cursor[STORE_CURSOR_BYTES])
{
    answer->kind = WIRE_ACK;
    answer->repeat = true;
    answer->cursor = cursor;
    if (store_source_cursor(t->store, j->source, cursor, &answer->cursor_size, NULL) != 0)
        answer->cursor_size = 0;
}
