#include "core/fold/survey.h"

#include <string.h>

void survey_note_response(struct run *r, const struct event *e, int64_t at)
{
    r->f->responses[r->n_responses++] = (struct response){.event = e, .at = at, .solve = -1};
}

void survey_note_sending(struct run *r, const struct event *e, int64_t at)
{
    r->f->sendings[r->n_sendings++] =
        (struct sending){.event = e, .at = at, .answered_at = FACT_NULL, .solve = -1};
}

bool response_is_reseller(const struct response *g)
{
    return event_get(g->event, FIELD_RATER_RELATION, 0) == RELATION_RESELLER;
}

bool response_has_score(const struct response *g)
{
    return event_get(g->event, FIELD_SCORE, FACT_NULL) != FACT_NULL;
}

/* --- ratings
 * ------------------------------------------------------------------------------------------------- */

/* Whether two ratings stand for the same: solve and instrument, with is_whole the question too. A reseller's
 * is in no metric and never takes the place of another's. */
static bool rating_is_same(const struct response *a, const struct response *b, bool is_whole)
{
    return a->solve == b->solve &&
           event_get(a->event, FIELD_INSTRUMENT, 0) == event_get(b->event, FIELD_INSTRUMENT, 0) &&
           response_is_reseller(a) == response_is_reseller(b) &&
           (!is_whole || event_get(a->event, FIELD_QUESTION, 0) == event_get(b->event, FIELD_QUESTION, 0));
}

static uint64_t spread(uint64_t h)
{
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static uint64_t rating_hash(const struct response *g, bool is_whole)
{
    return spread((uint64_t)(g->solve + 1) << 34 | (uint64_t)event_get(g->event, FIELD_INSTRUMENT, 0) << 17 |
                  (is_whole ? (uint64_t)event_get(g->event, FIELD_QUESTION, 0) << 1 : 0) |
                  response_is_reseller(g));
}

/* Marks, of the ratings that stand for the same, the last. */
static void ratings_mark(struct run *r, bool is_whole)
{
    struct response *all = r->f->responses;
    size_t n_slots = run_slots(r->n_responses);
    memset(r->f->slots, 0, n_slots * sizeof(r->f->slots[0]));
    for (size_t i = r->n_responses; i-- > 0;) {
        if (!response_has_score(&all[i]))
            continue;
        size_t slot = rating_hash(&all[i], is_whole) & (n_slots - 1);
        while (r->f->slots[slot] && !rating_is_same(&all[r->f->slots[slot] - 1], &all[i], is_whole))
            slot = (slot + 1) & (n_slots - 1);
        bool is_last = r->f->slots[slot] == 0;
        if (is_last)
            r->f->slots[slot] = (uint32_t)i + 1;
        if (is_whole)
            all[i].is_last = is_last;
        else
            all[i].is_of_survey = is_last;
    }
}

static void ratings_settle(struct run *r)
{
    size_t passed = 0; /* responses and solves are both in order of what the source said */
    for (size_t i = 0; i < r->n_responses; i++) {
        struct response *g = &r->f->responses[i];
        while (passed < r->n_solves && r->f->solves[passed].raw_at <= g->event->at)
            passed++;
        g->solve = (int32_t)passed - 1;
        g->is_last = g->is_of_survey = response_has_score(g);
    }
    if (r->n_responses < 2 || r->subject->is_loose)
        return;
    ratings_mark(r, true);
    ratings_mark(r, false);
}

/* --- sendings
 * ------------------------------------------------------------------------------------------------ */

/* The slot of an instrument: that of its latest sending, or a free one. */
static uint32_t *sending_slot(struct run *r, size_t n_slots, int64_t instrument)
{
    uint32_t *slots = r->f->slots;
    size_t slot = spread((uint64_t)instrument) & (n_slots - 1);
    while (slots[slot] && event_get(r->f->sendings[slots[slot] - 1].event, FIELD_INSTRUMENT, 0) != instrument)
        slot = (slot + 1) & (n_slots - 1);
    return &slots[slot];
}

/* A response answers the latest sending of its instrument at or before it. By instants: of two sendings at
 * one instant the earlier has no time of its own. */
static void sendings_settle(struct run *r)
{
    size_t n_slots = run_slots(r->n_sendings), sent = 0, passed = 0;
    for (size_t i = 0; i < r->n_sendings; i++) {
        struct sending *s = &r->f->sendings[i];
        while (passed < r->n_solves && r->f->solves[passed].raw_at <= s->event->at)
            passed++;
        s->solve = (int32_t)passed - 1;
    }
    if (r->n_sendings == 0 || r->subject->is_loose)
        return;
    memset(r->f->slots, 0, n_slots * sizeof(r->f->slots[0]));
    for (size_t i = 0; i < r->n_responses; i++) {
        const struct response *g = &r->f->responses[i];
        for (; sent < r->n_sendings && r->f->sendings[sent].event->at <= g->event->at; sent++)
            *sending_slot(r, n_slots, event_get(r->f->sendings[sent].event, FIELD_INSTRUMENT, 0)) =
                (uint32_t)sent + 1;
        if (response_is_reseller(g))
            continue;
        uint32_t latest = *sending_slot(r, n_slots, event_get(g->event, FIELD_INSTRUMENT, 0));
        if (latest && r->f->sendings[latest - 1].answered_at == FACT_NULL)
            r->f->sendings[latest - 1].answered_at = g->at;
    }
}

void survey_settle(struct run *r)
{
    ratings_settle(r);
    sendings_settle(r);
}
