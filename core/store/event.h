/* An event as the store holds it: ids hashed, strings as dictionary numbers, fields ascending. */
#ifndef TENDON_STORE_EVENT_H
#define TENDON_STORE_EVENT_H

#include "proto/event.h"

#include <stdbool.h>
#include <stdint.h>

struct event {
    int64_t at;      /* ms since 1970 UTC */
    uint64_t id;     /* keyed hash of the id: 48 bits within a ticket, 64 for an event without one */
    uint64_t ref;    /* keyed hash of `into` or `respondent` (no type has both); 0 none */
    uint32_t seq;    /* the source's order within `at` */
    uint16_t source; /* number in DICTIONARY_SOURCE */
    uint8_t type;    /* enum event_type */
    uint8_t n_fields;
    uint64_t
        fields[]; /* event_field_pack, ascending by field, each once; defaults filled in; hashes are in ref */
};

/* A field and its number, as enum value_kind makes it. Signed: scores may be negative. A dimension that is
 * there with number 0 is one the event clears. */
static inline uint64_t event_field_pack(enum event_field field, int64_t number)
{
    return (uint64_t)field << 56 | ((uint64_t)number & 0x00ffffffffffffff);
}

static inline enum event_field event_field_of(uint64_t packed)
{
    return (enum event_field)(packed >> 56);
}

static inline int64_t event_number_of(uint64_t packed)
{
    return (int64_t)(packed << 8) >> 8;
}

/* What kind a field is, also one of the tenant's own dimensions. */
static inline enum value_kind event_field_kind(unsigned field)
{
    return FIELDS[field].kind;
}

/* The number of a field, or absent where the event does not carry it. */
static inline int64_t event_get(const struct event *e, enum event_field field, int64_t absent)
{
    for (unsigned i = 0; i < e->n_fields; i++)
        if (event_field_of(e->fields[i]) == field)
            return event_number_of(e->fields[i]);
    return absent;
}

static inline size_t event_size(unsigned n_fields)
{
    return sizeof(struct event) + n_fields * sizeof(uint64_t);
}

#endif
