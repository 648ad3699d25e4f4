/* Surveys of a subject: which were sent, what came back, and what each answer rates. */
#ifndef TENDON_FOLD_SURVEY_H
#define TENDON_FOLD_SURVEY_H

#include "core/fold/run.h"

/* A survey.response, a survey.sent at its counted instant. */
void survey_note_response(struct run *r, const struct event *e, int64_t at);
void survey_note_sending(struct run *r, const struct event *e, int64_t at);

/* After all events: gives each its solve, the latest at or before it, finds the last rating of each, and
 * which response was a sending's first answer. */
void survey_settle(struct run *r);

bool response_is_reseller(const struct response *g);
bool response_has_score(const struct response *g);

#endif
