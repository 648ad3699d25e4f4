#include "plugins/csv/rows.h"

#include <string.h>

static const struct mapping_string NONE = {"", 0};

static const struct {
    enum event_type type;
    enum event_field field; /* FIELD_N: none */
    const char *value;
} MEANINGS[] = {
    {EVENT_TICKET_CREATED, FIELD_N, NULL},           {EVENT_TICKET_ASSIGNED, FIELD_N, NULL},
    {EVENT_TICKET_ASSIGNED, FIELD_KIND, "escalate"}, {EVENT_TICKET_MESSAGE, FIELD_DIRECTION, "in"},
    {EVENT_TICKET_MESSAGE, FIELD_DIRECTION, "out"},  {EVENT_TICKET_STATUS, FIELD_TO, "open"},
    {EVENT_TICKET_STATUS, FIELD_TO, "pending"},      {EVENT_TICKET_STATUS, FIELD_TO, "hold"},
    {EVENT_TICKET_STATUS, FIELD_TO, "solved"},       {EVENT_TICKET_STATUS, FIELD_TO, "closed"},
    {EVENT_TICKET_STATUS, FIELD_TO, "open"},         {EVENT_SURVEY_SENT, FIELD_N, NULL},
    {EVENT_SURVEY_RESPONSE, FIELD_N, NULL},
};

const char *const TIME_MEANINGS[] = {"created",  "assigned", "escalated", "requested", "responded",
                                     "open",     "pending",  "hold",      "solved",    "closed",
                                     "reopened", "surveyed", "rated",     NULL};

_Static_assert(sizeof(MEANINGS) / sizeof(MEANINGS[0]) + 1 == sizeof(TIME_MEANINGS) / sizeof(TIME_MEANINGS[0]),
               "every meaning of a time has a name");

static int bad(struct draft *draft, const char *problem)
{
    draft->problem = problem;
    return DRAFT_BAD;
}

/* The fields of the draft's type that are no dimensions, but the one that is already set. */
static int set_fields(struct draft *draft, const struct tendon_record *record, enum event_field except)
{
    const struct event_type_info *info = &EVENT_TYPE_INFO[draft->type];
    uint64_t fields = info->required | info->optional;

    for (int field = FIELD_N_DIMENSIONS; field < FIELD_N; field++) {
        struct mapping_string text;
        int rc;

        if (!(fields >> field & 1) || field == (int)except ||
            !mapping_text(draft->mapping, record, SLOT_FIELDS + field, &text))
            continue;
        rc = draft_set(draft, field, text);
        if (rc != DRAFT_OK)
            return rc;
    }
    return DRAFT_OK;
}

int event_row(struct draft *draft, const struct tendon_record *record)
{
    struct mapping *mapping = draft->mapping;
    struct mapping_string type_text, text, ticket = NONE, id = NONE;
    uint32_t seq = 0;
    int64_t at;
    int type, rc;

    if (!mapping_text(mapping, record, SLOT_TYPE, &type_text))
        return bad(draft, "no_type");
    type = event_type_find(type_text.data, type_text.size);
    if (type < 0)
        return bad(draft, "unknown_type");
    rc = mapping_time(mapping, record, SLOT_AT, &at);
    if (rc <= 0)
        return bad(draft, rc == 0 ? "no_time" : "bad_time");
    if (!mapping_text(mapping, record, SLOT_TICKET, &ticket) && EVENT_TYPE_INFO[type].needs_ticket)
        return bad(draft, "no_ticket");
    if (!EVENT_TYPE_INFO[type].may_have_ticket)
        ticket = NONE;
    if (mapping_text(mapping, record, SLOT_SEQ, &text) && !draft_number(text, &seq))
        return bad(draft, "bad_number");
    (void)mapping_text(mapping, record, SLOT_ID, &id);

    draft_begin(draft, type, ticket, at, seq);
    rc = type == EVENT_SOURCE_WATERMARK ? DRAFT_OK : draft_dimensions(draft, record, DRAFT_DIMENSIONS, false);
    if (rc == DRAFT_OK)
        rc = set_fields(draft, record, FIELD_N);
    return rc == DRAFT_OK ? draft_end(draft, id) : rc;
}

int ticket_row(struct draft *draft, const struct tendon_record *record, const uint8_t *meanings,
               uint32_t n_times)
{
    struct mapping *mapping = draft->mapping;
    struct mapping_string ticket;
    bool any = false;

    if (!mapping_text(mapping, record, SLOT_TICKET, &ticket))
        return bad(draft, "no_ticket");
    for (int pass = 0; pass < 2; pass++) { /* first all times are looked at: half a ticket is never taken */
        for (uint32_t i = 0; i < n_times; i++) {
            enum event_type type = MEANINGS[meanings[i]].type;
            enum event_field field = MEANINGS[meanings[i]].field;
            int64_t at;
            int rc = mapping_column_time(mapping, record, i, &at);

            if (rc < 0)
                return bad(draft, "bad_time");
            if (rc == 0)
                continue;
            any = true;
            draft_begin(draft, type, ticket, at, i);
            rc = draft_dimensions(draft, record, DRAFT_DIMENSIONS, false);
            if (rc == DRAFT_OK && field != FIELD_N)
                rc = draft_set(draft, field,
                               (struct mapping_string){MEANINGS[meanings[i]].value,
                                                       strlen(MEANINGS[meanings[i]].value)});
            if (rc == DRAFT_OK)
                rc = set_fields(draft, record, field);
            if (rc == DRAFT_OK && pass == 1)
                rc = draft_end(draft, NONE);
            if (rc != DRAFT_OK)
                return rc;
        }
    }
    return any ? DRAFT_OK : bad(draft, "no_time");
}
