#include "core/fold/run.h"

#include "core/fold/reference.h"

#include <string.h>

static bool type_is_of_ticket(unsigned type)
{
    return type <= EVENT_TICKET_MESSAGE || (type >= EVENT_TICKET_STATUS && type <= EVENT_TICKET_RESTORED);
}

/* --- teams and dimensions
 * ----------------------------------------------------------------------------------- */

/* The tier and employer that a team and a tier dimension mean at an instant: −1, NULL unknown. */
static void run_standing(const struct run *r, unsigned team, unsigned tier, int64_t at, int64_t *ret_tier,
                         const char **ret_employer)
{
    *ret_tier = tier ? (int64_t)tier + FIELDS[FIELD_TIER].low - 1 : -1;
    *ret_employer = NULL;
    if (!team || !r->environment->reference)
        return;
    const char *key = dictionary_string(r->environment->dictionary, FIELD_TEAM, team);
    const struct reference_row *row =
        key ? reference_find(r->environment->reference, REFERENCE_TEAM, key, at) : NULL;
    if (!row)
        return;
    *ret_employer = row->strings[REFERENCE_EMPLOYER];
    if (*ret_tier < 0 && row->numbers[REFERENCE_TEAM_TIER] != REFERENCE_NONE)
        *ret_tier = row->numbers[REFERENCE_TEAM_TIER];
}

/* The ticket went from one team and tier to another at an instant. Both sides are judged by the tables of
 * that instant, so that a change of a table alone is no escalation; where the old side is unknown, the last
 * that was known stands in, so that a ticket that passes through nobody's hands is still handed on. */
static void run_moved(struct run *r, unsigned team, unsigned tier, int64_t at)
{
    unsigned new_team = r->now.of[FIELD_TEAM], new_tier = r->now.of[FIELD_TIER];
    if (new_team) {
        if (r->last_team && r->last_team != new_team)
            r->handoffs++;
        r->last_team = new_team;
    }
    if (new_team || new_tier)
        r->was_held = true;
    if (r->escalated)
        return;
    int64_t old_level, new_level;
    const char *old_employer, *new_employer;
    run_standing(r, team, tier, at, &old_level, &old_employer);
    run_standing(r, new_team, new_tier, at, &new_level, &new_employer);
    if (old_level >= 0)
        r->last_tier = old_level;
    if (old_employer)
        r->last_employer = old_employer;
    if (new_level >= 0) {
        if (r->last_tier >= 0 && new_level > r->last_tier)
            r->escalated = 1;
        r->last_tier = new_level;
    }
    if (new_employer) {
        /* strings of one reference are interned */
        if (r->last_employer && new_employer != r->last_employer)
            r->escalated = 1;
        r->last_employer = new_employer;
    }
}

static void run_apply_dimensions(struct run *r, const struct event *e, int64_t at)
{
    unsigned team = r->now.of[FIELD_TEAM], tier = r->now.of[FIELD_TIER];
    for (unsigned i = 0; i < e->n_fields; i++) {
        unsigned field = event_field_of(e->fields[i]);
        if (field >= FIELD_N_DIMENSIONS)
            break; /* ascending: the dimensions come first */
        uint16_t value = (uint16_t)event_number_of(e->fields[i]);
        if (r->now.of[field] != value) {
            r->now.of[field] = value;
            r->span_is_stale = true;
        }
    }
    if (r->now.of[FIELD_TEAM] != team || r->now.of[FIELD_TIER] != tier)
        run_moved(r, team, tier, at);
}

/* All events of the instant span_at are applied: opens, keeps or cuts the span. */
static void run_settle_span(struct run *r)
{
    if (!r->span_is_stale)
        return;
    r->span_is_stale = false;
    bool is_active = class_is_active(r->class);
    struct span *last = r->span_is_open ? &r->f->spans[r->n_spans - 1] : NULL;
    if (last) {
        if (is_active && memcmp(&last->dimensions, &r->now, sizeof(r->now)) == 0)
            return;
        last->to = r->span_at;
        r->span_is_open = false;
    }
    if (is_active) {
        r->f->spans[r->n_spans++] =
            (struct span){.from = r->span_at, .to = FACT_FOREVER, .dimensions = r->now};
        r->span_is_open = true;
    }
}

static void run_status(struct run *r, const struct event *e, int64_t at)
{
    unsigned to = (unsigned)event_get(e, FIELD_TO, 0);
    if (to < STATUS_NEW || to > STATUS_CLOSED || to == r->class)
        return;
    bool was_active = class_is_active(r->class), is_active = class_is_active(to);
    r->class_ms[r->class] += at - r->class_since;
    r->class = to;
    r->class_since = at;
    if (was_active == is_active)
        return;
    r->span_is_stale = true;
    if (was_active) {
        struct solve *s = &r->f->solves[r->n_solves++];
        s->at = at;
        s->raw_at = e->at;
        s->reopened_at = FACT_NULL;
        s->dimensions = r->now;
        memcpy(s->class_ms, r->class_ms, sizeof(s->class_ms));
        if (!event_get(e, FIELD_AUTOMATED, 0))
            r->solved_by_person = true;
        return;
    }
    r->f->solves[r->n_solves - 1].reopened_at = at;
    r->f->reopenings[r->n_reopenings++] = (struct reopening){.at = at, .dimensions = r->now};
    if (r->response == RESPONSE_RUNNING && !r->solved_by_person)
        r->response_start = at;
}

static void run_message(struct run *r, const struct event *e, int64_t at)
{
    if (event_get(e, FIELD_AUTOMATED, 0))
        return;
    int64_t direction = event_get(e, FIELD_DIRECTION, 0);
    if (direction == DIRECTION_IN && r->response == RESPONSE_NOT_STARTED) {
        r->response = RESPONSE_RUNNING;
        r->response_start = at;
    } else if (direction == DIRECTION_OUT && event_get(e, FIELD_PUBLIC, 1) &&
               r->response == RESPONSE_RUNNING) {
        r->response = RESPONSE_ENDED;
        r->response_end = at;
        r->at_response = r->now;
    }
}

static enum fact_excluded deletion_reason(const struct event *e)
{
    switch (event_get(e, FIELD_REASON, 0)) {
    case REASON_SPAM:
        return EXCLUDED_SPAM;
    case REASON_TEST:
        return EXCLUDED_TEST;
    case REASON_ERASURE:
        return EXCLUDED_ERASURE;
    default:
        return EXCLUDED_DUPLICATE;
    }
}

static void run_note_rating(struct run *r, const struct event *e, int64_t at)
{
    if (event_get(e, FIELD_SCORE, FACT_NULL) == FACT_NULL)
        return;
    r->f->ratings[r->n_ratings++] = (struct rating){.event = e, .at = at, .solve = -1};
}

static void run_apply(struct run *r, size_t place)
{
    const struct event *e = r->f->items[place].event;
    int64_t at = r->is_ticket && e->at < r->created_at ? r->created_at : e->at;
    if (r->is_ticket && at != r->span_at) {
        run_settle_span(r);
        r->span_at = at;
    }
    if (type_is_of_ticket(e->type))
        run_apply_dimensions(r, e, at);
    switch (e->type) {
    case EVENT_TICKET_MESSAGE:
        run_message(r, e, at);
        break;
    case EVENT_TICKET_STATUS:
        run_status(r, e, at);
        break;
    case EVENT_TICKET_MERGED:
        r->excluded = EXCLUDED_MERGED;
        break;
    case EVENT_TICKET_DELETED:
        r->excluded = deletion_reason(e);
        break;
    case EVENT_TICKET_RESTORED:
        r->excluded = EXCLUDED_NO;
        break;
    case EVENT_SURVEY_RESPONSE:
        run_note_rating(r, e, at);
        break;
    default:
        break;
    }
    if (!type_is_of_ticket(e->type) && !r->is_ticket && !r->subject->is_loose)
        r->n_orphans++;
    if (r->is_ticket && place == r->created)
        r->at_creation = r->now;
}

/* Finds what made the ticket: created_at and who opened it must be known before its events are applied. */
static void run_find_creation(struct run *r)
{
    size_t first = SIZE_MAX, created = SIZE_MAX;
    for (size_t i = 0; i < r->n && created == SIZE_MAX; i++) {
        unsigned type = r->f->items[i].event->type;
        if (type == EVENT_TICKET_CREATED)
            created = i;
        if (first == SIZE_MAX && type_is_of_ticket(type))
            first = i;
    }
    if (first == SIZE_MAX || r->subject->is_loose)
        return;
    r->is_ticket = true;
    r->is_inferred = created == SIZE_MAX;
    r->created = r->is_inferred ? first : created;
    const struct event *e = r->f->items[r->created].event;
    r->created_at = e->at;
    r->class_since = r->span_at = e->at;
    r->span_is_stale = true;
    if (r->is_inferred)
        r->response = RESPONSE_NONE;
    else if (event_get(e, FIELD_BY, BY_REQUESTER) == BY_REQUESTER) {
        r->response = RESPONSE_RUNNING;
        r->response_start = e->at;
    }
}

/* --- ratings
 * ------------------------------------------------------------------------------------------------- */

static bool rating_is_reseller(const struct rating *g)
{
    return event_get(g->event, FIELD_RATER_RELATION, 0) == RELATION_RESELLER;
}

/* Whether two ratings stand for the same: solve and instrument, with is_whole the question too. A reseller's
 * is in no metric and never takes the place of another's. */
static bool rating_is_same(const struct rating *a, const struct rating *b, bool is_whole)
{
    return a->solve == b->solve &&
           event_get(a->event, FIELD_INSTRUMENT, 0) == event_get(b->event, FIELD_INSTRUMENT, 0) &&
           rating_is_reseller(a) == rating_is_reseller(b) &&
           (!is_whole || event_get(a->event, FIELD_QUESTION, 0) == event_get(b->event, FIELD_QUESTION, 0));
}

static uint64_t rating_hash(const struct rating *g, bool is_whole)
{
    uint64_t h = (uint64_t)(g->solve + 1) << 34 | (uint64_t)event_get(g->event, FIELD_INSTRUMENT, 0) << 17 |
                 (is_whole ? (uint64_t)event_get(g->event, FIELD_QUESTION, 0) << 1 : 0) |
                 rating_is_reseller(g);
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Marks, of the ratings that stand for the same, the last. */
static void ratings_mark(struct run *r, bool is_whole)
{
    struct rating *ratings = r->f->ratings;
    size_t n_slots = run_slots(r->n_ratings);
    memset(r->f->slots, 0, n_slots * sizeof(r->f->slots[0]));
    for (size_t i = r->n_ratings; i-- > 0;) {
        size_t slot = rating_hash(&ratings[i], is_whole) & (n_slots - 1);
        while (r->f->slots[slot] && !rating_is_same(&ratings[r->f->slots[slot] - 1], &ratings[i], is_whole))
            slot = (slot + 1) & (n_slots - 1);
        bool is_last = r->f->slots[slot] == 0;
        if (is_last)
            r->f->slots[slot] = (uint32_t)i + 1;
        if (is_whole)
            ratings[i].is_dropped = !is_last;
        else
            ratings[i].is_of_survey = is_last;
    }
}

/* Gives each rating its solve, the latest at or before it, and keeps the last of each. */
static void run_settle_ratings(struct run *r)
{
    size_t passed = 0; /* ratings and solves are both in order of what the source said */
    for (size_t i = 0; i < r->n_ratings; i++) {
        struct rating *g = &r->f->ratings[i];
        while (passed < r->n_solves && r->f->solves[passed].raw_at <= g->event->at)
            passed++;
        g->solve = (int32_t)passed - 1;
        g->is_of_survey = true;
    }
    if (r->n_ratings < 2 || r->subject->is_loose)
        return;
    ratings_mark(r, true);
    ratings_mark(r, false);
}

/* --- all
 * ----------------------------------------------------------------------------------------------------- */

void run_apply_all(struct run *r)
{
    r->class = STATUS_NEW;
    r->last_tier = -1;
    run_find_creation(r);
    for (size_t i = 0; i < r->n; i++)
        run_apply(r, i);
    if (r->is_ticket)
        run_settle_span(r);
    run_settle_ratings(r);
}
