#include "core/fold/row.h"

#include "core/fold/contact.h"
#include "core/fold/holding.h"
#include "core/fold/sla.h"
#include "core/fold/survey.h"

#include <string.h>

struct emitter {
    struct run *run;
    int (*emit)(void *context, const struct fact_row *row);
    void *context;
};

/* Begins a row: what is common to all. */
static int64_t *row_begin(const struct emitter *o, enum fact_table table, int64_t flags,
                          const struct dimensions *d)
{
    const struct run *r = o->run;
    struct fact_row *row = &r->f->row;
    row->table = (uint8_t)table;
    row->values[FACT_SUBJECT] = r->subject->number;
    row->values[FACT_NAMESPACE] = r->subject->namespace;
    row->values[FACT_EXCLUDED] = r->excluded;
    row->values[FACT_FLAGS] = flags | (r->is_ticket ? FACT_FLAG_TICKET : 0) |
                              (r->is_inferred ? FACT_FLAG_INFERRED : 0) |
                              (r->subject->is_loose ? FACT_FLAG_LOOSE : 0);
    row->values[FACT_CREATED] = r->is_ticket ? r->created_at : FACT_NULL;
    memcpy(row->dimensions[0], d->of, sizeof(d->of));
    return row->values;
}

static int row_end(const struct emitter *o)
{
    return o->emit(o->context, &o->run->f->row);
}

static int emit_ticket(const struct emitter *o)
{
    const struct run *r = o->run;
    if (!r->is_ticket && !r->n_conflicts && !r->n_orphans)
        return 0;
    int64_t *v = row_begin(o, FACT_TICKET, 0, &r->at_creation);
    v[FACT_TICKET_CLASS] = r->is_ticket ? (int64_t)r->class : FACT_NULL;
    v[FACT_TICKET_ORPHANS] = (int64_t)r->n_orphans;
    v[FACT_TICKET_CONFLICTS] = (int64_t)r->n_conflicts;
    v[FACT_TICKET_SPEAKS] = r->speaks;
    memcpy(r->f->row.dimensions[1], r->now.of, sizeof(r->now.of));
    return row_end(o);
}

static int emit_acknowledgement(const struct emitter *o)
{
    struct run *r = o->run;
    if (r->acknowledged_at == FACT_NULL || r->is_inferred)
        return 0;
    int64_t *v = row_begin(o, FACT_ACKNOWLEDGEMENT, 0, &r->at_acknowledgement);
    v[FACT_ACKNOWLEDGEMENT_AT] = r->acknowledged_at;
    struct duration d = stopwatch_both(&r->stopwatch, r->created_at, r->acknowledged_at, r->acknowledged_at);
    v[FACT_ACKNOWLEDGEMENT_BUSINESS] = d.business;
    v[FACT_ACKNOWLEDGEMENT_LAST] = d.last;
    return row_end(o);
}

static int emit_replies(const struct emitter *o)
{
    struct run *r = o->run;
    for (size_t i = 0; i < r->n_replies; i++) {
        const struct reply *p = &r->f->replies[i];
        int64_t *v = row_begin(o, FACT_REPLY, 0, &p->dimensions);
        v[FACT_REPLY_START] = p->start;
        v[FACT_REPLY_END] = p->end;
        v[FACT_REPLY_ORDINAL] = (int64_t)i + r->is_inferred; /* 0 is the first response's */
        struct duration d = stopwatch_both(&r->stopwatch, p->start, p->end, p->end);
        v[FACT_REPLY_BUSINESS] = d.business;
        v[FACT_REPLY_LAST] = d.last;
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

/* The shortest time from a solve to its reopening. */
static int64_t reopened_after(const struct run *r)
{
    int64_t shortest = FACT_NULL;
    for (size_t i = 0; i < r->n_solves; i++) {
        const struct solve *s = &r->f->solves[i];
        if (s->reopened_at != FACT_NULL && (shortest == FACT_NULL || s->reopened_at - s->at < shortest))
            shortest = s->reopened_at - s->at;
    }
    return shortest;
}

/* What a solve tells of the first one, and of the whole ticket. */
static void fill_first(struct run *r, int64_t *v)
{
    v[FACT_SOLVE_FIRST_TIER] = r->first_tier;
    v[FACT_SOLVE_ESCALATED_BEFORE] = r->escalated_before;
    v[FACT_SOLVE_IN_TIME] = contact_solved_in_time(r);
}

static void fill_last(const struct run *r, const struct solve *s, int64_t *v)
{
    v[FACT_SOLVE_HANDOFFS] = r->handoffs;
    v[FACT_SOLVE_ESCALATED] = r->was_held ? r->escalated : FACT_NULL;
    v[FACT_SOLVE_PING_PONG] = r->ping_pong;
    v[FACT_SOLVE_TOUCHES] = (int64_t)(s->n_messages + contacts_answered(r, s->raw_at));
    v[FACT_SOLVE_REOPENED_AFTER] = reopened_after(r);
}

/* The business time of each interval, by the calendars at the last solve too: what the classes and the
 * holdings of a ticket that is done are summed from. */
static void measure_intervals(struct run *r)
{
    if (!r->clock || !run_is_done(r) || r->is_inferred)
        return;
    int64_t end = r->f->solves[r->n_solves - 1].at;
    for (size_t i = 0; i < r->n_intervals; i++) {
        struct interval *v = &r->f->intervals[i];
        if (class_is_active(v->class))
            v->duration = stopwatch_both(&r->stopwatch, v->from, v->to, end);
    }
}

static void fill_classes(const struct run *r, int64_t *v)
{
    struct duration sums[RUN_N_CLASSES] = {{0}};
    for (size_t i = 0; i < r->n_intervals; i++)
        duration_add(&sums[r->f->intervals[i].class], r->f->intervals[i].duration);
    v[FACT_SOLVE_NEW_BUSINESS] = sums[STATUS_NEW].business;
    v[FACT_SOLVE_OPEN_BUSINESS] = sums[STATUS_OPEN].business;
    v[FACT_SOLVE_PENDING_BUSINESS] = sums[STATUS_PENDING].business;
    v[FACT_SOLVE_HOLD_BUSINESS] = sums[STATUS_HOLD].business;
    v[FACT_SOLVE_NEW_LAST] = sums[STATUS_NEW].last;
    v[FACT_SOLVE_OPEN_LAST] = sums[STATUS_OPEN].last;
    v[FACT_SOLVE_PENDING_LAST] = sums[STATUS_PENDING].last;
    v[FACT_SOLVE_HOLD_LAST] = sums[STATUS_HOLD].last;
}

static int emit_solves(const struct emitter *o)
{
    struct run *r = o->run;
    int64_t from = r->created_at, whole = 0; /* in parts, from solve to solve */
    for (size_t i = 0; i < r->n_solves; i++) {
        const struct solve *s = &r->f->solves[i];
        bool is_last = i + 1 == r->n_solves && run_is_done(r);
        int64_t *v = row_begin(o, FACT_SOLVE, is_last ? FACT_FLAG_LAST : 0, &s->dimensions);
        for (unsigned c = FACT_SOLVE_NEW_MS; c < FACT_N_SOLVE_VALUES; c++)
            v[c] = FACT_NULL;
        v[FACT_SOLVE_AT] = s->at;
        v[FACT_SOLVE_ORDINAL] = (int64_t)i;
        if (!r->is_inferred) {
            v[FACT_SOLVE_NEW_MS] = s->class_ms[STATUS_NEW];
            v[FACT_SOLVE_OPEN_MS] = s->class_ms[STATUS_OPEN];
            v[FACT_SOLVE_PENDING_MS] = s->class_ms[STATUS_PENDING];
            v[FACT_SOLVE_HOLD_MS] = s->class_ms[STATUS_HOLD];
        }
        if (r->clock && !r->is_inferred) {
            whole = known_sum(whole, stopwatch_business(&r->stopwatch, from, s->at));
            from = s->at;
            v[FACT_SOLVE_RESOLUTION_BUSINESS] = whole;
            v[FACT_SOLVE_RESOLUTION_LAST] = stopwatch_last(&r->stopwatch, r->created_at, s->at, s->at);
            if (is_last)
                fill_classes(r, v);
        }
        v[FACT_SOLVE_REOPENED_AT] = s->reopened_at;
        if (i == 0)
            fill_first(r, v);
        if (is_last)
            fill_last(r, s, v);
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_reopenings(const struct emitter *o)
{
    const struct run *r = o->run;
    for (size_t i = 0; i < r->n_reopenings; i++) {
        int64_t *v = row_begin(o, FACT_REOPEN, 0, &r->f->reopenings[i].dimensions);
        v[FACT_REOPEN_AT] = r->f->reopenings[i].at;
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_spans(const struct emitter *o)
{
    struct run *r = o->run;
    int64_t from = r->created_at, age = 0; /* in parts, from span to span */
    for (size_t i = 0; i < r->n_spans; i++) {
        int64_t *v = row_begin(o, FACT_SPAN, 0, &r->f->spans[i].dimensions);
        v[FACT_SPAN_FROM] = r->f->spans[i].from;
        v[FACT_SPAN_TO] = r->f->spans[i].to;
        v[FACT_SPAN_BUSINESS] = FACT_NULL;
        if (r->clock && !r->is_inferred) {
            age = known_sum(age, stopwatch_business(&r->stopwatch, from, r->f->spans[i].from));
            from = r->f->spans[i].from;
            v[FACT_SPAN_BUSINESS] = age;
        }
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_holdings(const struct emitter *o)
{
    struct run *r = o->run;
    if (!run_is_done(r) || r->is_inferred)
        return 0;
    const struct solve *s = &r->f->solves[r->n_solves - 1];
    for (size_t i = holdings_make(r); i-- > 0;) {
        const struct holding *h = &r->f->holdings[i];
        if (h->held_ms == 0)
            continue;
        int64_t *v = row_begin(o, FACT_HOLDING, 0, &s->dimensions);
        r->f->row.dimensions[0][FIELD_TEAM] = h->team;
        v[FACT_HOLDING_SOLVE_AT] = s->at;
        v[FACT_HOLDING_HELD_UNTIL] = h->until;
        v[FACT_HOLDING_HELD_MS] = h->held_ms;
        v[FACT_HOLDING_BUSINESS] = r->clock ? h->duration.business : FACT_NULL;
        v[FACT_HOLDING_LAST] = r->clock ? h->duration.last : FACT_NULL;
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_cycles(const struct emitter *o)
{
    const struct run *r = o->run;
    for (size_t i = 0; i < r->n_cycles; i++) {
        const struct sla_cycle *c = &r->cycles[i];
        int64_t *v = row_begin(o, FACT_SLA_CYCLE, 0, &c->dimensions);
        v[FACT_SLA_CYCLE_START] = c->start;
        v[FACT_SLA_CYCLE_END] = c->end;
        v[FACT_SLA_CYCLE_OUTCOME] = c->outcome;
        v[FACT_SLA_CYCLE_METRIC] = c->metric;
        v[FACT_SLA_CYCLE_ORDINAL] = c->ordinal;
        v[FACT_SLA_CYCLE_POLICY] = c->policy;
        v[FACT_SLA_CYCLE_CLOCK] = c->clock;
        v[FACT_SLA_CYCLE_TARGET_MS] = c->target_ms;
        v[FACT_SLA_CYCLE_ELAPSED_MS] = c->elapsed_ms;
        v[FACT_SLA_CYCLE_SINCE] = c->since;
        v[FACT_SLA_CYCLE_BREACH_AT] = c->breach_at;
        v[FACT_SLA_CYCLE_RISK_AT] = c->risk_at;
        v[FACT_SLA_CYCLE_CALENDAR] = c->calendar;
        v[FACT_SLA_CYCLE_SITE] = r->now.of[FIELD_SITE];
        int e = row_end(o);
        if (e)
            return e;
    }
    return 0;
}

/* Begins a row of a survey: its dimensions are those of the solve that it is about, else its own. */
static int64_t *survey_row_begin(const struct emitter *o, enum fact_table table, int64_t flags,
                                 const struct event *e, int32_t solve)
{
    if (solve >= 0)
        return row_begin(o, table, flags, &o->run->f->solves[solve].dimensions);
    struct dimensions own = {{0}};
    dimensions_apply(&own, e);
    return row_begin(o, table, flags, &own);
}

static int64_t solve_at(const struct emitter *o, int32_t solve)
{
    return solve < 0 ? FACT_NULL : o->run->f->solves[solve].at;
}

static int emit_ratings(const struct emitter *o)
{
    const struct run *r = o->run;
    for (size_t i = 0; i < r->n_responses; i++) {
        const struct response *g = &r->f->responses[i];
        if (!g->is_last)
            continue;
        const struct event *e = g->event;
        int64_t *v = survey_row_begin(o, FACT_RATING, g->is_of_survey ? FACT_FLAG_OF_SURVEY : 0, e, g->solve);
        v[FACT_RATING_AT] = g->at;
        v[FACT_RATING_SOLVE_AT] = solve_at(o, g->solve);
        v[FACT_RATING_INSTRUMENT] = event_get(e, FIELD_INSTRUMENT, 0);
        v[FACT_RATING_QUESTION] = event_get(e, FIELD_QUESTION, 0);
        v[FACT_RATING_SCORE] = event_get(e, FIELD_SCORE, 0);
        v[FACT_RATING_MIN] = event_get(e, FIELD_MIN, 0);
        v[FACT_RATING_MAX] = event_get(e, FIELD_MAX, 0);
        v[FACT_RATING_RELATION] = event_get(e, FIELD_RATER_RELATION, 0);
        v[FACT_RATING_RESPONDENT] = (int64_t)e->ref;
        v[FACT_RATING_SEQ] = e->seq;
        v[FACT_RATING_CHOICE] = event_get(e, FIELD_CHOICE, 0);
        v[FACT_RATING_RESPONDENT_ROLE] = event_get(e, FIELD_RESPONDENT_ROLE, 0);
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_answers(const struct emitter *o)
{
    const struct run *r = o->run;
    for (size_t i = 0; i < r->n_responses; i++) {
        const struct response *g = &r->f->responses[i];
        const struct event *e = g->event;
        int64_t *v = survey_row_begin(o, FACT_ANSWER, 0, e, g->solve), team = event_get(e, FIELD_TEAM, 0);
        if (team)
            r->f->row.dimensions[0][FIELD_TEAM] = (uint16_t)team;
        v[FACT_ANSWER_AT] = g->at;
        v[FACT_ANSWER_SEQ] = e->seq;
        v[FACT_ANSWER_ORDER] = r->subject->is_loose ? 0 : (int64_t)i;
        v[FACT_ANSWER_SOLVE_AT] = solve_at(o, g->solve);
        v[FACT_ANSWER_INSTRUMENT] = event_get(e, FIELD_INSTRUMENT, 0);
        v[FACT_ANSWER_QUESTION] = event_get(e, FIELD_QUESTION, 0);
        v[FACT_ANSWER_CHOICE] = event_get(e, FIELD_CHOICE, 0);
        v[FACT_ANSWER_SCORE] = event_get(e, FIELD_SCORE, FACT_NULL);
        v[FACT_ANSWER_MIN] = event_get(e, FIELD_MIN, FACT_NULL);
        v[FACT_ANSWER_MAX] = event_get(e, FIELD_MAX, FACT_NULL);
        v[FACT_ANSWER_RELATION] = event_get(e, FIELD_RATER_RELATION, 0);
        v[FACT_ANSWER_RESPONDENT] = (int64_t)e->ref;
        v[FACT_ANSWER_RESPONDENT_ROLE] = event_get(e, FIELD_RESPONDENT_ROLE, 0);
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_sendings(const struct emitter *o)
{
    const struct run *r = o->run;
    for (size_t i = 0; i < r->n_sendings; i++) {
        const struct sending *s = &r->f->sendings[i];
        int64_t *v = survey_row_begin(o, FACT_SENDING, 0, s->event, s->solve);
        v[FACT_SENDING_AT] = s->at;
        v[FACT_SENDING_SEQ] = s->event->seq;
        v[FACT_SENDING_INSTRUMENT] = event_get(s->event, FIELD_INSTRUMENT, 0);
        v[FACT_SENDING_RELATION] = event_get(s->event, FIELD_RATER_RELATION, 0);
        v[FACT_SENDING_RESPONDENT] = (int64_t)s->event->ref;
        v[FACT_SENDING_RESPONDENT_ROLE] = event_get(s->event, FIELD_RESPONDENT_ROLE, 0);
        v[FACT_SENDING_ANSWERED_AT] = s->answered_at;
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_contacts(const struct emitter *o)
{
    const struct run *r = o->run;
    for (size_t i = 0; i < r->n_contacts; i++) {
        const struct contact *t = &r->f->contacts[i];
        int64_t *v = row_begin(o, FACT_CONTACT, 0, &t->dimensions);
        v[FACT_EXCLUDED] = EXCLUDED_NO; /* a call was taken whatever became of its ticket */
        v[FACT_CONTACT_AT] = t->at;
        v[FACT_CONTACT_OUTCOME] = event_get(t->event, FIELD_OUTCOME, 0);
        v[FACT_CONTACT_QUEUE_MS] = event_get(t->event, FIELD_QUEUE_S, FACT_NULL);
        v[FACT_CONTACT_TALK_MS] = event_get(t->event, FIELD_TALK_S, FACT_NULL);
        v[FACT_CONTACT_WRAP_MS] = event_get(t->event, FIELD_WRAP_S, FACT_NULL);
        int c = row_end(o);
        if (c)
            return c;
    }
    return 0;
}

static int emit_merge(const struct emitter *o)
{
    const struct run *r = o->run;
    if (r->excluded != EXCLUDED_MERGED)
        return 0;
    int64_t *v = row_begin(o, FACT_MERGE, 0, &r->at_merge);
    v[FACT_MERGE_AT] = r->merged_at;
    v[FACT_MERGE_HASH] = (int64_t)r->subject->hash;
    v[FACT_MERGE_INTO] = (int64_t)r->merged_into;
    return row_end(o);
}

int rows_emit(struct run *r, uint32_t tables, int (*emit)(void *context, const struct fact_row *row),
              void *context)
{
    static int (*const TABLES[FACT_N_TABLES])(const struct emitter *o) = {
        emit_ticket,   emit_acknowledgement, emit_replies, emit_solves,  emit_reopenings,
        emit_spans,    emit_holdings,        emit_cycles,  emit_ratings, emit_answers,
        emit_sendings, emit_contacts,        emit_merge};
    const struct emitter o = {.run = r, .emit = emit, .context = context};
    int c = 0;
    stopwatch_init(&r->stopwatch, r->clock);
    if (tables & (FACT_TABLE_BIT(FACT_SOLVE) | FACT_TABLE_BIT(FACT_HOLDING)))
        measure_intervals(r);
    for (unsigned i = 0; i < FACT_N_TABLES && c == 0; i++)
        if (tables & FACT_TABLE_BIT(i))
            c = TABLES[i](&o);
    return c;
}
