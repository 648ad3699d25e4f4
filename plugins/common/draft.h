/* One event on its way to the host: typed values, and an id made of what it says.
 *
 * The id of an event is a hash of its type, time, order and values unless the source has one: the same row
 * gives the same id in whatever file and place it stands, and two rows that say the same are the same event.
 * One thread. */
#ifndef TENDON_PLUGINS_COMMON_DRAFT_H
#define TENDON_PLUGINS_COMMON_DRAFT_H

#include "plugins/common/mapping.h"

struct draft_value {
    const char *name;
    enum { DRAFT_STRING, DRAFT_NUMBER, DRAFT_THOUSANDTHS, DRAFT_BOOL, DRAFT_NIL } kind;
    struct mapping_string string;
    int64_t number;
};

struct draft {
    const struct tendon_host *host;
    struct mapping *mapping;
    struct tendon_batch *batch;
    /* Of the row at hand: events that were taken by an earlier poll, and those offered by now. */
    uint32_t n_taken, n_offered;
    const char *problem; /* why the row is no good: a code for skip */

    enum event_type type;
    struct mapping_string ticket; /* size 0: none */
    int64_t at;
    uint32_t seq;
    uint32_t n_values;
    struct draft_value values[FIELD_N];
};

/* What draft_end and a row's function return. */
enum draft_result {
    DRAFT_OK,
    DRAFT_FULL, /* the batch is full: the same row again in the next poll */
    DRAFT_BAD   /* problem is set: the row is skipped */
};

void draft_begin(struct draft *draft, enum event_type type, struct mapping_string ticket, int64_t at,
                 uint32_t seq);
/* A value from text, by the field's kind. DRAFT_OK or DRAFT_BAD. */
int draft_set(struct draft *draft, enum event_field field, struct mapping_string text);
/* A score, min or max in thousandths. */
void draft_set_score(struct draft *draft, enum event_field field, int64_t thousandths);
void draft_nil(struct draft *draft, enum event_field field);
/* All dimensions that the record tells. clear: those that have a column and are missing become nil. */
int draft_dimensions(struct draft *draft, const struct tendon_record *record, uint64_t fields, bool clear);
/* id.size 0: made of the content. */
int draft_end(struct draft *draft, struct mapping_string id);

/* A decimal number in thousandths: a sign, at most twelve digits, at most three behind the point or comma.
 * False when it is none. */
bool draft_thousandths(struct mapping_string text, int64_t *ret);
/* Digits as a number in 0 … 2^31 − 1. False when it is none. */
bool draft_number(struct mapping_string text, uint32_t *ret);

#define DRAFT_DIMENSIONS ((1ull << FIELD_N_DIMENSIONS) - 1)
#define DRAFT_BIT(field) (1ull << FIELD_##field)

#endif
