/* What a row of a survey tool's export may be: the whole ballot of a respondent, or one of its answers. */
#ifndef TENDON_SURVEY_BALLOT_H
#define TENDON_SURVEY_BALLOT_H

#include "plugins/survey/form.h"

/* The mapping's further columns (mapping_add_column). Of a ballot: one for each question of the form, in its
 * order; of an answer: column 0 holds it. Behind them, where has_sent, that of the sending. */
struct ballot_columns {
    bool has_sent;
};

/* Makes survey.sent, when the row says when, and a survey.response of each answer. A row with an answer that
 * is no good is skipped whole: half a ballot is never taken. enum draft_result. */
int ballot_row(struct draft *draft, const struct tendon_record *record, const struct form *form,
               const struct ballot_columns *columns);
int answer_row(struct draft *draft, const struct tendon_record *record, const struct form *form,
               const struct ballot_columns *columns);

#endif
