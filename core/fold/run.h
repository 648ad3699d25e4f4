/* A run: the events of one subject applied one after another, and what the definitions need of them.
 *
 * Between fold.c, which brings the events in order and makes rows, and run.c, which knows the definitions. A
 * run borrows its memory from a struct fold and lives as long as one fold_run. */
#ifndef TENDON_FOLD_RUN_H
#define TENDON_FOLD_RUN_H

#include "core/fold/order.h"

#define RUN_CAPACITY_FIRST 64 /* events that there is room for at first */

#define RUN_N_CLASSES (STATUS_CLOSED + 1)

struct dimensions {
    uint16_t of[FIELD_N_DIMENSIONS];
};

struct solve {
    int64_t at;     /* counted: not before created_at */
    int64_t raw_at; /* as the source said */
    int64_t reopened_at;
    int64_t class_ms[RUN_N_CLASSES];
    struct dimensions dimensions;
};

struct reopening {
    int64_t at;
    struct dimensions dimensions;
};

struct span {
    int64_t from, to;
    struct dimensions dimensions;
};

/* A response with a score and what it is the last of. */
struct rating {
    const struct event *event;
    int64_t at;
    int32_t solve; /* place of the solve rated, −1 none */
    bool is_dropped;
    bool is_of_survey;
};

struct fold {
    size_t capacity; /* events that there is room for in each of these */
    struct order_item *items, *room;
    struct solve *solves;
    struct reopening *reopenings;
    struct span *spans;
    struct rating *ratings;
    uint32_t *slots; /* hash table over event ids or rating keys: n_slots ≥ 2 × capacity */
    struct fact_row row;
};

/* The first response: NONE on inferred tickets, which have no duration from created_at. */
enum response_state { RESPONSE_NOT_STARTED, RESPONSE_RUNNING, RESPONSE_ENDED, RESPONSE_NONE };

/* One run of the fold over one subject. */
struct run {
    struct fold *f;
    const struct fold_environment *environment;
    const struct fold_subject *subject;
    size_t n; /* items, sorted, without conflicts */
    size_t n_conflicts;
    size_t n_orphans;

    bool is_ticket, is_inferred;
    size_t created; /* place of the event that made the ticket */
    int64_t created_at;
    enum fact_excluded excluded;

    struct dimensions now, at_creation;
    unsigned class;
    int64_t class_since;
    int64_t class_ms[RUN_N_CLASSES];
    size_t n_solves, n_reopenings, n_spans, n_ratings;
    bool solved_by_person; /* some solve was not automated */

    bool span_is_open; /* the last of f->spans, from its instant on */
    bool span_is_stale;
    int64_t span_at; /* the instant whose events are being applied */

    enum response_state response;
    int64_t response_start, response_end;
    struct dimensions at_response;

    bool was_held; /* a team or tier was known at some time */
    unsigned last_team;
    int64_t handoffs, escalated;
    int64_t last_tier;         /* −1 none known yet */
    const char *last_employer; /* NULL none known yet */
};

static inline bool class_is_active(unsigned class)
{
    return class < STATUS_SOLVED;
}

/* Slots of a hash table for n keys: a power of two, at most half of them used. */
static inline size_t run_slots(size_t n)
{
    size_t n_slots = 2 * RUN_CAPACITY_FIRST;
    while (n_slots < 2 * n)
        n_slots *= 2;
    return n_slots;
}

/* Applies the r->n items of r->f; the caller has set f, environment, subject and n, and zeroed the rest. */
void run_apply_all(struct run *r);

#endif
