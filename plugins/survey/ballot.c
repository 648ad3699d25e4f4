#include "plugins/survey/ballot.h"

#include <string.h>

/* What a row says besides its answers. */
struct head {
    struct mapping_string ticket, id;
    int64_t at, sent_at;
    uint32_t seq;
    bool is_answered, is_sent;
};

static int bad(struct draft *draft, const char *problem)
{
    draft->problem = problem;
    return DRAFT_BAD;
}

static int read_head(struct draft *draft, const struct tendon_record *record, int sent_column,
                     struct head *ret)
{
    struct mapping *mapping = draft->mapping;
    struct head head = {0};
    struct mapping_string text;
    int rc = mapping_time(mapping, record, SLOT_AT, &head.at);

    if (rc < 0)
        return bad(draft, "bad_time");
    head.is_answered = rc > 0;
    rc = sent_column >= 0 ? mapping_column_time(mapping, record, (uint32_t)sent_column, &head.sent_at) : 0;
    if (rc < 0)
        return bad(draft, "bad_time");
    head.is_sent = rc > 0;
    if (!mapping_text(mapping, record, SLOT_FIELDS + FIELD_INSTRUMENT, &text))
        return bad(draft, "no_instrument");
    if (!mapping_text(mapping, record, SLOT_TICKET, &head.ticket))
        head.ticket.size = 0;
    if (head.ticket.size == 0 && !mapping_text(mapping, record, SLOT_FIELDS + FIELD_SITE, &text))
        return bad(draft, "no_site");
    if (!mapping_text(mapping, record, SLOT_ID, &head.id))
        head.id.size = 0;
    if (mapping_text(mapping, record, SLOT_SEQ, &text) && !draft_number(text, &head.seq))
        return bad(draft, "bad_number");
    *ret = head;
    return DRAFT_OK;
}

/* An event with all that the row says of who was asked. */
static int begin(struct draft *draft, const struct tendon_record *record, const struct head *head,
                 enum event_type type)
{
    static const enum event_field fields[] = {FIELD_INSTRUMENT, FIELD_RESPONDENT, FIELD_RESPONDENT_ROLE,
                                              FIELD_RATER_RELATION};
    int rc;

    draft_begin(draft, type, head->ticket, type == EVENT_SURVEY_SENT ? head->sent_at : head->at, head->seq);
    rc = draft_dimensions(draft, record, DRAFT_DIMENSIONS, false);
    for (size_t i = 0; rc == DRAFT_OK && i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct mapping_string text;

        if (mapping_text(draft->mapping, record, SLOT_FIELDS + fields[i], &text))
            rc = draft_set(draft, fields[i], text);
    }
    return rc;
}

/* The id of one event of the row: the row's own with what it is of, so that it is the same whatever else the
 * row says. */
static int end(struct draft *draft, const struct head *head, const char *part)
{
    char id[2 * TENDON_ID_BYTES + 2];
    size_t n = strlen(part);

    if (head->id.size == 0)
        return draft_end(draft, head->id);
    if (head->id.size + 1 + n > TENDON_ID_BYTES)
        return bad(draft, "id_too_long");
    memcpy(id, head->id.data, head->id.size);
    id[head->id.size] = '/';
    memcpy(id + head->id.size + 1, part, n);
    return draft_end(draft, (struct mapping_string){id, head->id.size + 1 + n});
}

/* The sending, where the row has one; give false: only looked at. */
static int sending(struct draft *draft, const struct tendon_record *record, const struct head *head,
                   bool give)
{
    int rc;

    if (!head->is_sent)
        return DRAFT_OK;
    rc = begin(draft, record, head, EVENT_SURVEY_SENT);
    return rc == DRAFT_OK && give ? end(draft, head, "sent") : rc;
}

/* One answer. *ret_any: whether there was one. */
static int response(struct draft *draft, const struct tendon_record *record, const struct head *head,
                    const struct form *form, const char *question, const struct scale *scale,
                    struct mapping_string text, bool give, bool *ret_any)
{
    int rc = begin(draft, record, head, EVENT_SURVEY_RESPONSE);

    if (rc == DRAFT_OK)
        rc = draft_set(draft, FIELD_QUESTION, (struct mapping_string){question, strlen(question)});
    if (rc != DRAFT_OK)
        return rc;
    rc = form_answer(form, draft, question, scale, text);
    if (rc < 0)
        return DRAFT_BAD;
    if (rc == 0)
        return DRAFT_OK;
    *ret_any = true;
    if (!head->is_answered)
        return bad(draft, "no_time");
    return give ? end(draft, head, question) : DRAFT_OK;
}

int ballot_row(struct draft *draft, const struct tendon_record *record, const struct form *form,
               const struct ballot_columns *columns)
{
    struct head head;
    bool any = false;
    int rc = read_head(draft, record, columns->has_sent ? (int)form->n_questions : -1, &head);

    for (int pass = 0; rc == DRAFT_OK && pass < 2;
         pass++) { /* all answers are looked at before the first is given */
        rc = sending(draft, record, &head, pass == 1);
        for (uint32_t i = 0; rc == DRAFT_OK && i < form->n_questions; i++) {
            const char *question = form->questions[i].name;
            struct mapping_string text;

            if (mapping_column_text(draft->mapping, record, i, &text))
                rc = response(draft, record, &head, form, question, form_scale(form, question), text,
                              pass == 1, &any);
        }
        if (rc == DRAFT_OK && !any && !head.is_sent)
            rc = bad(draft, "no_answer");
    }
    return rc;
}

/* The scale of an answer: its question's, or the one that stands in its row. 0, or DRAFT_BAD. */
static int find_scale(struct draft *draft, const struct tendon_record *record, const struct form *form,
                      const char *question, struct scale *room, const struct scale **ret)
{
    struct mapping_string low, high;

    *ret = form_scale(form, question);
    if (*ret || !mapping_text(draft->mapping, record, SLOT_FIELDS + FIELD_MIN, &low) ||
        !mapping_text(draft->mapping, record, SLOT_FIELDS + FIELD_MAX, &high))
        return DRAFT_OK;
    if (!draft_thousandths(low, &room->worst) || !draft_thousandths(high, &room->best) ||
        room->worst >= room->best)
        return bad(draft, "bad_scale");
    *ret = room;
    return DRAFT_OK;
}

int answer_row(struct draft *draft, const struct tendon_record *record, const struct form *form,
               const struct ballot_columns *columns)
{
    struct mapping *mapping = draft->mapping;
    struct mapping_string word, text;
    struct head head;
    char name[EVENT_CODE_BYTES * 4 + 1];
    const char *question;
    struct scale room;
    const struct scale *scale;
    bool any = false;
    int rc = read_head(draft, record, columns->has_sent ? 1 : -1, &head);

    if (rc != DRAFT_OK)
        return rc;
    if (!mapping_text(mapping, record, SLOT_FIELDS + FIELD_QUESTION, &word))
        return bad(draft, "no_question");
    question = form_question(form, word);
    if (!question && form->n_questions > 0)
        return bad(draft, "unknown_question");
    if (!question) { /* the export has our names */
        if (word.size >= sizeof(name))
            return bad(draft, "value_too_long");
        memcpy(name, word.data, word.size);
        name[word.size] = '\0';
        question = name;
    }
    if (!*question)
        return DRAFT_OK;
    rc = find_scale(draft, record, form, question, &room, &scale);
    for (int pass = 0; rc == DRAFT_OK && pass < 2; pass++) {
        rc = sending(draft, record, &head, pass == 1);
        if (rc == DRAFT_OK && mapping_column_text(mapping, record, 0, &text))
            rc = response(draft, record, &head, form, question, scale, text, pass == 1, &any);
        if (rc == DRAFT_OK && !any && !head.is_sent)
            rc = bad(draft, "no_answer");
    }
    return rc;
}
