/* A run: the events of one subject applied one after another, and what the definitions need of them.
 *
 * Between fold.c, which brings the events in order, and row.c, which makes rows of what a run found. run.c
 * knows tickets: when they were made, their classes, dimensions and teams. What is said between support and
 * requester is in reply.c, surveys in survey.c, contacts in contact.c. A run borrows its memory from a struct
 * fold and lives as long as one fold_run. */
#ifndef TENDON_FOLD_RUN_H
#define TENDON_FOLD_RUN_H

#include "core/fold/business.h"
#include "core/fold/duration.h"
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
    size_t n_messages; /* public human ones out, until it */
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

/* A time that is not empty, in one class and with one team. */
struct interval {
    int64_t from, to;
    struct duration duration; /* of an active one, its part of what ended with the last solve; of the rows */
    uint16_t team;
    uint8_t class;
};

/* A team's time with the ticket; 0: no team. */
struct holding {
    uint16_t team;
    int64_t held_ms, until;
    struct duration duration;
};

/* The first response, or a run of requester messages that was answered. */
struct reply {
    int64_t start, end;
    struct dimensions dimensions;
};

/* A survey.response and what it is the last of. */
struct response {
    const struct event *event;
    int64_t at;
    int32_t solve; /* place of the solve rated, −1 none */
    bool is_last;  /* of its ticket, solve, instrument and question: a rating; only where it has a score */
    bool is_of_survey;
};

/* A survey.sent. */
struct sending {
    const struct event *event;
    int64_t at, answered_at;
    int32_t solve; /* as a response's */
};

struct contact {
    const struct event *event;
    int64_t at;
    struct dimensions dimensions;
};

struct fold {
    size_t capacity; /* events that there is room for in each of these */
    struct order_item *items, *room;
    struct solve *solves;
    struct reopening *reopenings;
    struct span *spans;
    struct interval *intervals;
    struct holding *holdings;
    struct reply *replies;
    struct response *responses;
    struct sending *sendings;
    struct contact *contacts;
    uint32_t *slots; /* hash table over keys of at most capacity + 1 things */
    struct business business;
    struct sla *sla; /* core/fold/sla.h */
    struct fact_row row;
};

/* The first response. UNMEASURED: on inferred tickets, which have no duration from created_at; it ends all
 * the same with the first answer, and runs exist from there on. */
enum response_state { RESPONSE_NOT_STARTED, RESPONSE_RUNNING, RESPONSE_UNMEASURED, RESPONSE_ENDED };

/* One run of the fold over one subject. */
struct run {
    struct fold *f;
    const struct fold_environment *environment;
    const struct fold_subject *subject;
    int (*step)(void *context, const struct fold_step *step); /* fold_trace's, or NULL */
    void *step_context;
    size_t n; /* items, sorted, without conflicts */
    size_t n_conflicts;
    size_t n_orphans;

    const struct business *clock; /* the ticket's; NULL where the tenant has no calendars */
    struct stopwatch stopwatch;   /* on it, for the rows */
    int error;                    /* -ENOMEM: the clock is not whole, and no row may be made */

    bool is_ticket, is_inferred;
    bool speaks;    /* there was a message or a contact */
    size_t created; /* place of the event that made the ticket */
    int64_t created_at;
    enum fact_excluded excluded;
    int64_t merged_at; /* of the last merge, where it excluded */
    uint64_t merged_into;
    struct dimensions at_merge;

    struct dimensions now, at_creation;
    unsigned class;
    int64_t interval_since; /* class and team are what they are since then */
    int64_t class_ms[RUN_N_CLASSES];
    size_t n_solves, n_reopenings, n_spans, n_intervals;

    bool span_is_open; /* the last of f->spans, from its instant on */
    bool span_is_stale;
    int64_t span_at; /* the instant whose events are being applied */

    enum response_state response;
    int64_t response_start;
    bool solved_by_person; /* some solve was not automated */
    bool run_is_open;      /* of requester messages */
    bool asked;            /* the requester wrote since the last solve */
    int64_t run_start;
    size_t n_replies; /* the first of a ticket that is not inferred is the first response */
    size_t n_messages;
    int64_t acknowledged_at; /* FACT_NULL not yet */
    struct dimensions at_acknowledgement;

    size_t n_responses, n_sendings, n_contacts;

    const struct sla_cycle *cycles;
    size_t n_cycles;

    bool was_held; /* a team or tier was known at some time */
    unsigned last_team, team_before;
    int64_t handoffs, escalated;
    bool ping_pong;
    int64_t last_tier;         /* −1 none known yet */
    const char *last_employer; /* NULL none known yet */
    int64_t first_tier;        /* known until the first solve, or FACT_NULL */
    int64_t escalated_before;  /* the first solve */
};

static inline bool class_is_active(unsigned class)
{
    return class < STATUS_SOLVED;
}

static inline bool run_is_done(const struct run *r)
{
    return r->is_ticket && !class_is_active(r->class);
}

/* Slots of a hash table for n keys: a power of two, at most half of them used. */
static inline size_t run_slots(size_t n)
{
    size_t n_slots = 2 * RUN_CAPACITY_FIRST;
    while (n_slots < 2 * n)
        n_slots *= 2;
    return n_slots;
}

/* The dimensions that an event itself carries over others: what it clears is cleared. */
void dimensions_apply(struct dimensions *d, const struct event *e);

/* Applies the r->n items of r->f; the caller has set f, environment, subject, step and n, and zeroed the
 * rest. 0, -ENOMEM, or what step returned when that was not 0. */
int run_apply_all(struct run *r);

#endif
