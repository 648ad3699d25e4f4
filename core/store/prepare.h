/* A batch made ready for its commit: ids hashed, strings numbered as far as the dictionary has them, each
 * event as the store holds it. Nothing of it depends on what is committed meanwhile, so it is done beside the
 * commit of the batches before, on any thread. */
#ifndef TENDON_STORE_PREPARE_H
#define TENDON_STORE_PREPARE_H

#include "core/store/event.h"
#include "core/store/store.h"

#include <stdlib.h>
#include <string.h>

struct prepared_event {
    uint64_t hash;   /* the subject's */
    uint32_t record; /* where its struct event begins in records; source 0 still */
    uint32_t first_unknown;
    uint8_t n_unknown; /* values without a number yet */
    bool is_loose;
};

/* A string that the dictionary did not have: fields[place] of the event waits for its number. */
struct prepared_unknown {
    const struct wire_value *value;
    uint8_t place;
};

/* Its memory is used again from batch to batch. */
struct store_prepared {
    /* All events prepared in it are decoded with one event_memory, so that place and turn of a value are one
     * string for good, and its number need not be looked for again. */
    bool has_memory;
    struct prepared_event *events; /* as many as the batch has */
    size_t n, capacity;
    uint8_t *records;
    size_t size, records_capacity;
    struct prepared_unknown *unknown;
    size_t n_unknown, unknown_capacity;

    uint64_t dictionary; /* the identity of the one that numbers are of */
    struct {
        uint32_t turn; /* 0: none */
        uint32_t number;
    } numbers[VOCABULARY_LEARNED]; /* by place */
};

static inline void prepared_init(struct store_prepared *p)
{
    memset(p, 0, sizeof(*p));
}

static inline void prepared_fini(struct store_prepared *p)
{
    free(p->events);
    free(p->records);
    free(p->unknown);
    prepared_init(p);
}

static inline struct event *prepared_record(const struct store_prepared *p, size_t i)
{
    return (struct event *)(p->records + p->events[i].record);
}

#endif
