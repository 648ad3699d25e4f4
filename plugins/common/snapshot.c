#include "plugins/common/snapshot.h"

#include <string.h>

/* The order of a ticket's events at one instant: claims, the creation, then the rows by version. */
#define SEQ_CREATED    0x80000000u
#define SEQ_ROW        0x80000001u
#define CLAIM_VERSIONS 128u
/* A claim's order has 24 bits for seconds from the opening, and 7 for the version: exact from 48 days before
 * it to 145 days after, by version alone beyond. */
#define CLAIM_BEFORE_S (1 << 22)
#define CLAIM_LAST_S   ((1 << 24) - 1)

static const struct mapping_string NONE = {"", 0};

static int bad(struct draft *draft, const char *problem)
{
    draft->problem = problem;
    return DRAFT_BAD;
}

/* Of two rows, the one written earlier has the greater order. */
static uint32_t claim_seq(int64_t opened_ms, int64_t at_ms, uint32_t version)
{
    int64_t s = (at_ms - opened_ms) / 1000 + CLAIM_BEFORE_S;

    s = s < 0 ? 0 : s > CLAIM_LAST_S ? CLAIM_LAST_S : s;
    version = version < CLAIM_VERSIONS ? version : CLAIM_VERSIONS - 1;
    return SEQ_CREATED - 1 - ((uint32_t)s * CLAIM_VERSIONS + version);
}

static int offer_opening(struct draft *draft, const struct tendon_record *record,
                         struct mapping_string ticket, int64_t opened, int64_t at, uint32_t version)
{
    struct mapping_string text;
    int rc;

    draft_begin(draft, EVENT_TICKET_UPDATED, ticket, opened, claim_seq(opened, at, version));
    rc = draft_dimensions(draft, record, DRAFT_DIMENSIONS & ~(DRAFT_BIT(TEAM) | DRAFT_BIT(TIER)), true);
    if (rc == DRAFT_OK)
        rc = draft_end(draft, NONE);
    if (rc != DRAFT_OK)
        return rc;
    draft_begin(draft, EVENT_TICKET_CREATED, ticket, opened, SEQ_CREATED);
    if (mapping_text(draft->mapping, record, SLOT_FIELDS + FIELD_BY, &text)) {
        rc = draft_set(draft, FIELD_BY, text);
        if (rc != DRAFT_OK)
            return rc;
    }
    return draft_end(draft, NONE);
}

static int offer_team(struct draft *draft, const struct tendon_record *record, struct mapping_string ticket,
                      int64_t at, uint32_t seq)
{
    struct mapping_string text;
    int rc;

    if (!mapping_text(draft->mapping, record, SLOT_FIELDS + FIELD_TEAM, &text))
        return DRAFT_OK;
    draft_begin(draft, EVENT_TICKET_ASSIGNED, ticket, at, seq);
    rc = draft_dimensions(draft, record, DRAFT_BIT(TEAM) | DRAFT_BIT(TIER), false);
    if (rc == DRAFT_OK) {
        if (!mapping_text(draft->mapping, record, SLOT_FIELDS + FIELD_KIND, &text))
            text = (struct mapping_string){"route", 5};
        rc = draft_set(draft, FIELD_KIND, text);
    }
    return rc == DRAFT_OK ? draft_end(draft, NONE) : rc;
}

int snapshot_row(struct draft *draft, const struct tendon_record *record)
{
    struct mapping *mapping = draft->mapping;
    struct mapping_string ticket, status, text;
    int64_t at, opened;
    uint32_t version = 0, seq;
    int rc;

    if (!mapping_text(mapping, record, SLOT_TICKET, &ticket))
        return bad(draft, "no_ticket");
    rc = mapping_time(mapping, record, SLOT_AT, &at);
    if (rc <= 0)
        return bad(draft, rc == 0 ? "no_time" : "bad_time");
    if (!mapping_text(mapping, record, SLOT_FIELDS + FIELD_TO, &status))
        return bad(draft, "no_status");
    if (event_enum_find(FIELD_TO, status.data, status.size) == 0)
        return bad(draft, "unknown_status");
    if (mapping_text(mapping, record, SLOT_VERSION, &text) && !draft_number(text, &version))
        return bad(draft, "bad_number");
    seq = SEQ_ROW + (version < SEQ_CREATED - 2 ? version : SEQ_CREATED - 2);

    rc = mapping_time(mapping, record, SLOT_OPENED, &opened);
    if (rc < 0)
        return bad(draft, "bad_time");
    if (rc > 0) {
        rc = offer_opening(draft, record, ticket, opened, at, version);
        if (rc != DRAFT_OK)
            return rc;
    }
    rc = offer_team(draft, record, ticket, at, seq);
    if (rc != DRAFT_OK)
        return rc;
    draft_begin(draft, EVENT_TICKET_STATUS, ticket, at, seq);
    rc = draft_dimensions(draft, record, DRAFT_DIMENSIONS, false);
    if (rc == DRAFT_OK)
        rc = draft_set(draft, FIELD_TO, status);
    if (rc == DRAFT_OK && mapping_text(mapping, record, SLOT_FIELDS + FIELD_AUTOMATED, &text))
        rc = draft_set(draft, FIELD_AUTOMATED, text);
    return rc == DRAFT_OK ? draft_end(draft, NONE) : rc;
}
