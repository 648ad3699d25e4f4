/* What a query may filter and group by: event dimensions, attributes of sites and teams, derived dimensions,
 * and what only some tables have, as the instrument of ratings.
 *
 * A dimension of one query gives each row a small number, its id: 0 is null, and equal values have equal ids.
 * Event dimensions use the numbers that the facts hold; attributes get ids of their own, looked up by the
 * row's code and the instant of the row, in tables built once a query. */
#ifndef TENDON_QUERY_DIMENSION_H
#define TENDON_QUERY_DIMENSION_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dimension_kind {
    DIMENSION_EVENT,          /* the fact's own number */
    DIMENSION_TIER,           /* the event's, else the team's */
    DIMENSION_ATTRIBUTE,      /* of the row's site or team */
    DIMENSION_SUPPORT_MODEL,  /* outsourced, own, direct */
    DIMENSION_SUPPORT_REGION, /* domestic, nearshore, offshore */
    DIMENSION_COLUMN,         /* a value that the rows of some tables have: instrument, policy, … */
    DIMENSION_BOX,            /* of an answer: top, middle or bottom of its scale */
};

/* A name and what it stands for. */
struct dimension_name {
    char name[EVENT_CODE_BYTES + 1];
    enum dimension_kind kind;
    uint8_t field;             /* EVENT, TIER, COLUMN: enum event_field: whose dictionary or list it is */
    uint8_t attribute;         /* ATTRIBUTE: enum reference_attribute */
    bool is_number;            /* compared as a whole number */
    bool cuts;                 /* is the answer itself: cuts what a share counts, not what it is a share of */
    int64_t low, high;         /* numbers of a closed range; low > high: open */
    const char *const *values; /* a closed list of n_values; NULL: open */
    unsigned n_values;
    uint8_t columns[FACT_N_TABLES]; /* COLUMN, BOX: where it (the score) stands in the tables; 0: not there */
};

/* All names that this tenant's queries may use. */
struct dimension_names {
    size_t n;
    struct dimension_name names[FIELD_N_DIMENSIONS + 32];
};

void dimension_names_init(struct dimension_names *names, const char (*declared)[EVENT_CODE_BYTES + 1],
                          unsigned n_declared);
/* Place of a name, or -1. */
int dimension_names_find(const struct dimension_names *names, const char *name, size_t size);
/* The nearest right name, or NULL. */
const char *dimension_names_nearest(const struct dimension_names *names, const char *name, size_t size);

/* A value as answers show it. */
enum value_type { VALUE_IS_NULL, VALUE_IS_TEXT, VALUE_IS_NUMBER };
struct dimension_value {
    enum value_type type;
    const char *text; /* lives as long as the view */
    int64_t number;
};
/* Nulls last, numbers before texts, texts by their bytes. */
int dimension_value_compare(const struct dimension_value *a, const struct dimension_value *b);

/* Whether rows of a table have it. */
bool dimension_is_of(const struct dimension_name *name, enum fact_table table);

/* Rows to be looked at: a fact_vector, or rows gathered from one. */
struct rows {
    uint32_t n; /* ≤ FACT_VECTOR_ROWS */
    enum fact_table table;
    const int64_t *values[FACT_VALUES_MAX];
    const uint16_t *dimensions[FIELD_N_DIMENSIONS]; /* of the set that the pass reads */
    const int64_t *instants;                        /* at which reference rows are looked up */
    const int64_t *team_instants;                   /* those of teams, where they differ; else NULL */
};

/* A dimension made ready for one view. */
struct dimension;

struct dimension_view {
    const struct dictionary *dictionary;
    const struct reference *reference; /* NULL: no tables */
    const char *const *nearshore;      /* country codes, ends with NULL; NULL none */
};

int dimension_new(const struct dimension_name *name, const struct dimension_view *view,
                  struct dimension **ret);
void dimension_free(struct dimension *d);
const struct dimension_name *dimension_name_of(const struct dimension *d);

/* Bits of enum event_field that rows must carry for it (dimension columns). */
uint64_t dimension_fields(const struct dimension_name *name);

/* Whether the id of a row does not depend on its instant: rows->instants may be NULL then. */
bool dimension_is_timeless(const struct dimension *d);
/* Room that looking up rows takes; what is in it afterwards means nothing. */
struct dimension_room {
    uint32_t places[2][FACT_VECTOR_ROWS];
};
/* Ids of the rows, into ids[n]. Any thread, each with a room of its own. */
void dimension_ids(const struct dimension *d, const struct rows *rows, struct dimension_room *room,
                   uint32_t *ids);
/* The field whose code alone says the id, or -1; and the id of a code. */
int dimension_code_field(const struct dimension *d);
uint32_t dimension_code_id(const struct dimension *d, uint16_t code);
/* From which code on all have the id 0. */
uint32_t dimension_codes(const struct dimension *d);
/* One more than the greatest id. */
uint32_t dimension_count(const struct dimension *d);
/* The value of an id. */
struct dimension_value dimension_value(const struct dimension *d, uint32_t id);

#endif
