#include "core/fold/run.h"

#include "core/fold/contact.h"
#include "core/fold/reference.h"
#include "core/fold/reply.h"
#include "core/fold/sla.h"
#include "core/fold/survey.h"

#include <string.h>

/* What of the dimensions the run itself looks at, as it was before an event. */
struct dimensions_before {
    uint16_t team, tier, site;
};

static bool type_is_of_ticket(unsigned type)
{
    return type <= EVENT_TICKET_MESSAGE || (type >= EVENT_TICKET_STATUS && type <= EVENT_TICKET_RESTORED);
}

/* --- teams
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
    if (new_team && new_team != r->last_team) {
        if (r->last_team)
            r->handoffs++;
        if (r->team_before == new_team)
            r->ping_pong = true;
        r->team_before = r->last_team;
        r->last_team = new_team;
    }
    if (new_team || new_tier)
        r->was_held = true;
    bool wants_tier = r->first_tier == FACT_NULL && r->n_solves == 0;
    if (r->escalated && !wants_tier)
        return;
    int64_t old_level, new_level;
    const char *old_employer, *new_employer;
    run_standing(r, team, tier, at, &old_level, &old_employer);
    run_standing(r, new_team, new_tier, at, &new_level, &new_employer);
    if (wants_tier && new_level >= 0)
        r->first_tier = new_level;
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

/* The class or the team is another one from here on: what was until now is an interval. */
static void run_end_interval(struct run *r, unsigned team, int64_t at)
{
    r->class_ms[r->class] += at - r->interval_since;
    if (at > r->interval_since)
        r->f->intervals[r->n_intervals++] = (struct interval){
            .from = r->interval_since, .to = at, .team = (uint16_t)team, .class = (uint8_t)r->class};
    r->interval_since = at;
}

/* --- the business clock
 * -------------------------------------------------------------------------------------- */

/* From here on the ticket has the site that r->now says. */
static void run_site_changed(struct run *r, int64_t at)
{
    if (!r->clock || r->error)
        return;
    const char *site = dictionary_string(r->environment->dictionary, FIELD_SITE, r->now.of[FIELD_SITE]);
    r->error = business_site(&r->f->business, at, site);
}

static void run_begin_clock(struct run *r)
{
    const struct reference *reference = r->environment->reference;
    if (!reference || reference_calendar_count(reference) == 0)
        return;
    const struct fold_settings *settings = r->environment->settings;
    business_begin(&r->f->business, reference, settings ? settings->calendar : NULL);
    r->clock = &r->f->business;
    run_site_changed(r, r->created_at);
}

/* --- dimensions
 * ---------------------------------------------------------------------------------------------- */

/* Some dimension is another than before. */
static void run_dimensions_changed(struct run *r, const struct dimensions_before *before, int64_t at)
{
    unsigned team = before->team, tier = before->tier;
    r->span_is_stale = true;
    if (r->now.of[FIELD_SITE] != before->site) {
        run_site_changed(r, at);
        sla_site(r, at);
    }
    if (r->now.of[FIELD_TEAM] != team)
        run_end_interval(r, team, at);
    if (r->now.of[FIELD_TEAM] != team || r->now.of[FIELD_TIER] != tier)
        run_moved(r, team, tier, at);
}

/* Whether any changed. */
static bool run_apply_dimensions(struct run *r, const struct event *e, int64_t at)
{
    const struct dimensions_before before = {
        .team = r->now.of[FIELD_TEAM], .tier = r->now.of[FIELD_TIER], .site = r->now.of[FIELD_SITE]};
    bool is_changed = false;
    for (unsigned i = 0; i < e->n_fields; i++) {
        unsigned field = event_field_of(e->fields[i]);
        if (field >= FIELD_N_DIMENSIONS)
            break; /* ascending: the dimensions come first */
        uint16_t value = (uint16_t)event_number_of(e->fields[i]);
        if (r->now.of[field] != value) {
            r->now.of[field] = value;
            is_changed = true;
        }
    }
    if (is_changed)
        run_dimensions_changed(r, &before, at);
    return is_changed;
}

void dimensions_apply(struct dimensions *d, const struct event *e)
{
    for (unsigned i = 0; i < e->n_fields && event_field_of(e->fields[i]) < FIELD_N_DIMENSIONS; i++)
        d->of[event_field_of(e->fields[i])] = (uint16_t)event_number_of(e->fields[i]);
}

/* --- classes
 * ------------------------------------------------------------------------------------------------- */

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

static void run_solved(struct run *r, const struct event *e, int64_t at)
{
    if (r->n_solves == 0)
        r->escalated_before = r->escalated;
    struct solve *s = &r->f->solves[r->n_solves++];
    s->at = at;
    s->raw_at = e->at;
    s->reopened_at = FACT_NULL;
    s->n_messages = r->n_messages;
    s->dimensions = r->now;
    memcpy(s->class_ms, r->class_ms, sizeof(s->class_ms));
    reply_solved(r, e);
}

static void run_reopened(struct run *r, int64_t at)
{
    r->f->solves[r->n_solves - 1].reopened_at = at;
    r->f->reopenings[r->n_reopenings++] = (struct reopening){.at = at, .dimensions = r->now};
    reply_reopened(r, at);
}

/* To another class. */
static void run_class_changed(struct run *r, unsigned to, const struct event *e, int64_t at)
{
    unsigned before = r->class;
    bool was_active = class_is_active(before), is_active = class_is_active(to);
    if (before == STATUS_NEW && !event_get(e, FIELD_AUTOMATED, 0))
        reply_acknowledge(r, at);
    run_end_interval(r, r->now.of[FIELD_TEAM], at);
    r->class = to;
    sla_class(r, before, at);
    if (was_active == is_active)
        return;
    r->span_is_stale = true;
    if (was_active)
        run_solved(r, e, at);
    else
        run_reopened(r, at);
}

static void run_status(struct run *r, const struct event *e, int64_t at)
{
    unsigned to = (unsigned)event_get(e, FIELD_TO, 0);
    if (to >= STATUS_NEW && to <= STATUS_CLOSED && to != r->class)
        run_class_changed(r, to, e, at);
}

static void run_assigned(struct run *r, const struct event *e, int64_t at)
{
    int64_t kind = event_get(e, FIELD_KIND, 0);
    if (kind == KIND_REASSIGN || kind == KIND_ESCALATE || kind == KIND_RETURN)
        reply_acknowledge(r, at);
}

static void run_merged(struct run *r, const struct event *e, int64_t at)
{
    r->excluded = EXCLUDED_MERGED;
    r->merged_at = at;
    r->merged_into = e->ref;
    r->at_merge = r->now;
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

/* --- events
 * -------------------------------------------------------------------------------------------------- */

static void run_apply(struct run *r, size_t place)
{
    const struct event *e = r->f->items[place].event;
    int64_t at = r->is_ticket && e->at < r->created_at ? r->created_at : e->at;
    if (r->is_ticket && at != r->span_at) {
        run_settle_span(r);
        r->span_at = at;
    }
    sla_pass(r, at);
    bool is_changed = type_is_of_ticket(e->type) && run_apply_dimensions(r, e, at);
    switch (e->type) {
    case EVENT_TICKET_ASSIGNED:
        run_assigned(r, e, at);
        break;
    case EVENT_TICKET_MESSAGE:
        reply_message(r, e, at);
        break;
    case EVENT_SLA_APPLIED:
    case EVENT_SLA_CANCELLED:
        sla_target(r, e, at);
        break;
    case EVENT_TICKET_STATUS:
        run_status(r, e, at);
        break;
    case EVENT_TICKET_MERGED:
        run_merged(r, e, at);
        break;
    case EVENT_TICKET_DELETED:
        r->excluded = deletion_reason(e);
        break;
    case EVENT_TICKET_RESTORED:
        r->excluded = EXCLUDED_NO;
        break;
    case EVENT_CONTACT_ENDED:
        contact_note(r, e, at);
        break;
    case EVENT_SURVEY_SENT:
        survey_note_sending(r, e, at);
        break;
    case EVENT_SURVEY_RESPONSE:
        survey_note_response(r, e, at);
        break;
    default:
        break;
    }
    if (!type_is_of_ticket(e->type) && !r->is_ticket && !r->subject->is_loose)
        r->n_orphans++;
    if (r->is_ticket && place == r->created)
        r->at_creation = r->now;
    if (r->is_ticket && place >= r->created)
        sla_settle(r, is_changed || place == r->created, at);
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
    r->interval_since = r->span_at = e->at;
    r->span_is_stale = true;
    run_begin_clock(r);
    reply_created(r, e, e->at);
}

/* --- all
 * ----------------------------------------------------------------------------------------------------- */

static int run_tell(const struct run *r, size_t place)
{
    const struct event *e = r->f->items[place].event;
    const struct fold_step step = {.event = e,
                                   .at = r->is_ticket && e->at < r->created_at ? r->created_at : e->at,
                                   .class = r->is_ticket ? r->class : 0,
                                   .dimensions = r->now.of};
    return r->step(r->step_context, &step);
}

int run_apply_all(struct run *r)
{
    r->class = STATUS_NEW;
    r->last_tier = -1;
    r->first_tier = r->acknowledged_at = FACT_NULL;
    run_find_creation(r);
    sla_begin(r, r->clock);
    int c = 0;
    for (size_t i = 0; i < r->n && c == 0; i++) {
        run_apply(r, i);
        c = r->step ? run_tell(r, i) : 0;
    }
    if (r->is_ticket)
        run_settle_span(r);
    survey_settle(r);
    int ended = sla_end(r, &r->cycles, &r->n_cycles);
    return c ? c : ended ? ended : r->error;
}
