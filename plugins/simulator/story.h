/* What happens to one ticket, or in one round of a site's survey, as a list of steps. */
#ifndef TENDON_SIMULATOR_STORY_H
#define TENDON_SIMULATOR_STORY_H

#include "plugins/simulator/world.h"

#define STORY_STEPS 34

struct step {
    int64_t at_ms;
    uint32_t jitter_ms;
    uint16_t talk_s, queue_s; /* of a call */
    uint8_t number;           /* in the story's own order: its id */
    uint8_t type;             /* enum event_type */
    uint8_t code;             /* status, direction, kind, reason, outcome, question: from 1 */
    uint8_t team;             /* place in the list of teams; of an assignment */
    uint8_t score;            /* or the answer: 0 yes */
    bool automated;
};

struct story {
    uint64_t number; /* survey rounds have SURVEY_BIT set */
    int64_t begins_ms;
    uint32_t site, product, module, category, role, channel, version;
    uint8_t severity;
    bool by_agent;
    uint8_t n_steps, at; /* the next one is steps[at] */
    struct step steps[STORY_STEPS];
};

#define SURVEY_BIT (1ull << 63)

/* Fills the story of that ticket, created then; steps in their own order. */
void story_ticket(const struct world_options *options, uint64_t number, int64_t created_ms,
                  struct story *ret);
/* Fills the story of a round: what one respondent of one site is asked and answers. */
void story_survey(const struct world_options *options, uint64_t round, uint32_t site, uint32_t respondent,
                  int64_t asked_ms, struct story *ret);
/* One step as an event. */
void story_event(const struct world_options *options, const struct story *story, const struct step *step,
                 struct world_event *ret);

#define SURVEY_RESPONDENTS 3 /* of a site in a round */

#endif
