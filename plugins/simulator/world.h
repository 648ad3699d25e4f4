/* A made-up world of support: tickets of some sites, answered by the teams of one support organisation.
 *
 * Everything follows from the options: the same options give the same events, on every machine (no floating
 * point, no clock). Events come in the order in which they would be delivered, that is by time with some
 * jitter; what comes next can be found again after any event. Names given in the options stay the caller's
 * and must live as long as the world. One thread; memory grows with the tickets in flight, some 300 bytes
 * each. */
#ifndef TENDON_SIMULATOR_WORLD_H
#define TENDON_SIMULATOR_WORLD_H

#include "proto/event.h"

#define WORLD_SITES      4096
#define WORLD_YEARS      30
#define WORLD_VALUES     24 /* of one event, at most */
#define WORLD_ID_BYTES   48
#define WORLD_LIFETIME_S (180 * 86400) /* from a ticket's creation to its last event, at most */

/* How good the support is. Shares are per thousand. */
struct world_profile {
    const char *name;
    uint32_t first_response_s; /* medians, in hours when somebody works */
    uint32_t resolution_s;
    uint32_t escalated, held, pending, chatty; /* of tickets */
    uint32_t reopened, closed;                 /* of solves; of tickets, after the last */
    uint32_t unanswered, silent;               /* never answered; solved without a word */
    uint32_t surveyed, rated;                  /* of solved tickets; of those surveyed */
    uint32_t scores[5];                        /* weights of 1 to 5 */
    uint8_t opens_h, closes_h;                 /* working hours, in UTC; equal: always */
    bool weekends;
};

#define WORLD_N_PROFILES 4
extern const struct world_profile WORLD_PROFILES[WORLD_N_PROFILES]; /* direct, domestic, offshore, plain */

/* What sites are asked, once for all. */
enum world_question_place {
    QUESTION_SATISFACTION,
    QUESTION_RESPONSE_AND_QUALITY,
    QUESTION_DIFFERENTIATOR,
    QUESTION_PREFERS_DIRECT,
    QUESTION_PREFERS_DOMESTIC,
    QUESTION_CONSIDERS,
    QUESTION_OUTSOURCED_NOW,
    QUESTION_DOUBLES,
    WORLD_N_QUESTIONS
};

struct world_question {
    const char *question;
    const char *yes, *no; /* choices; NULL: a score of 1 to 5 */
    uint32_t share;       /* of yes, per thousand */
};
extern const struct world_question WORLD_QUESTIONS[WORLD_N_QUESTIONS];

#define WORLD_SURVEY "site_survey" /* the instrument */

struct world_names {
    const char *const *names;
    uint32_t n;
};

struct world_options {
    uint64_t seed;
    int64_t from_ms, until_ms; /* tickets are created in [from, until); their events may come later */
    uint64_t n_tickets;
    struct world_profile profile;
    const char *prefix; /* of ticket ids */
    const char *vendor; /* NULL: none */
    /* The first names are the most frequent. Teams: the first half is tier 1, the rest tier 2. */
    struct world_names sites, products, teams, channels;
    uint32_t site_survey_days; /* how often sites are asked, 0: never */
    bool contacts;             /* phone calls */
    bool sla;
    uint32_t jitter_ms; /* how much later than it happened an event comes, at most */
};

struct world_value {
    enum event_field field;
    const char *string; /* NULL: number counts */
    int64_t number;
};

struct world_event {
    enum event_type type;
    int64_t at_ms;
    int64_t due_ms; /* when it is delivered */
    uint32_t seq;
    char ticket[WORLD_ID_BYTES]; /* empty: none */
    char id[WORLD_ID_BYTES];
    char respondent[WORLD_ID_BYTES];
    char into[WORLD_ID_BYTES];
    uint32_t n_values;
    struct world_value values[WORLD_VALUES];
    uint64_t story; /* ticket or survey round, and which of its events: */
    uint32_t step;  /* (due_ms, story, step) orders all events */
};

struct world;

/* 0, -ENOMEM, or -EINVAL: no tickets, no time, no names, too many. The options are copied. */
int world_new(const struct world_options *options, struct world **ret);
void world_free(struct world *world); /* NULL is fine */
/* The next event: 1; 0 after the last; -ENOMEM. */
int world_next(struct world *world, struct world_event *ret);
/* Goes to behind the event of that order, given by an earlier world of the same options. */
int world_seek(struct world *world, int64_t due_ms, uint64_t story, uint32_t step);

#endif
