/* What a ticket is to each metric, and to the figures of another tool. */
#include "core/base/instant.h"
#include "core/query/judge.h"
#include "core/query/scan.h"
#include "core/query/shown.h"
#include "core/query/story.h"

#include <stdlib.h>
#include <string.h>

const struct fact_row *story_row(const struct story *s, enum fact_table table, enum tool_row which)
{
    const struct fact_row *found = NULL;
    for (size_t i = 0; i < s->rows->n; i++)
        if (s->rows->rows[i].table == table) {
            found = &s->rows->rows[i];
            if (which == TOOL_FIRST_ROW)
                break;
        }
    return found;
}

size_t story_count(const struct story *s, enum fact_table table)
{
    size_t n = 0;
    for (size_t i = 0; i < s->rows->n; i++)
        n += s->rows->rows[i].table == table;
    return n;
}

/* --- metrics
 * --------------------------------------------------------------------------------------------------- */

struct lines {
    const struct story *story;
    const char *clock;
    json_t *list;
    size_t n_seen; /* of this metric */
};

static const char *const EXCLUDED_WHY[EXCLUDED_N] = {
    [EXCLUDED_MERGED] = "the ticket was merged into another: it is out of every metric and period",
    [EXCLUDED_SPAM] = "the ticket was deleted as spam: it is out of every metric and period",
    [EXCLUDED_TEST] = "the ticket was deleted as a test: it is out of every metric and period",
    [EXCLUDED_DUPLICATE] = "the ticket was deleted as a duplicate: it is out of every metric and period",
    [EXCLUDED_ERASURE] = "the ticket was erased: it is out of every metric and period",
};

/* 1 for what is only counted; of trials, whether it succeeded. */
static int64_t sample_value(const struct measure *m, const struct batch *b, uint32_t i, bool success)
{
    return m->metric->kind == METRIC_RATIO   ? success
           : m->metric->kind == METRIC_COUNT ? 1
                                             : judge_value(m, b, i);
}

static int line_add(struct lines *l, const struct metric *m, const char *state, json_t *value, json_t *at,
                    const char *why)
{
    /* what is no duration has no clock */
    const char *clock = m->kind == METRIC_DURATION ? l->clock : NULL;
    json_t *line = json_pack("{s:s, s:s?, s:s, s:o, s:s, s:o, s:s}", "metric", m->name, "clock", clock,
                             "state", state, "value", value ? value : json_null(), "unit", m->unit, "at",
                             at ? at : json_null(), "why", why);
    l->n_seen++;
    return json_array_append_new(l->list, line) < 0 ? -ENOMEM : 0;
}

/* Whose a sample is, where a ticket has several: the team's, the SLA cycle's. room has 3 × EVENT_CODE_BYTES.
 */
static bool sample_is_of(const struct story *s, const struct metric *m, const struct batch *b, uint32_t i,
                         char *room)
{
    const struct dictionary *d = s->environment.dictionary;
    if (m->table == FACT_HOLDING) {
        const char *team = dictionary_string(
            d, FIELD_TEAM, b->rows.dimensions[FIELD_TEAM] ? b->rows.dimensions[FIELD_TEAM][i] : 0);
        (void)snprintf(room, 3 * EVENT_CODE_BYTES, "%s%s", team ? "team " : "before the first team",
                       team ? team : "");
        return true;
    }
    if (m->table == FACT_SLA_CYCLE) {
        const char *policy =
            dictionary_string(d, FIELD_POLICY, (uint32_t)b->rows.values[FACT_SLA_CYCLE_POLICY][i]);
        (void)snprintf(room, 3 * EVENT_CODE_BYTES, "%s%s%s",
                       FIELDS[FIELD_METRIC].values[b->rows.values[FACT_SLA_CYCLE_METRIC][i] - 1],
                       policy ? ", policy " : "", policy ? policy : "");
        return true;
    }
    return false;
}

static int see(void *context, const struct measure *m, const struct batch *b, uint32_t i, uint8_t verdict,
               bool success)
{
    struct lines *l = context;
    const struct metric *metric = m->metric;
    if (m->is_helper || verdict == VERDICT_NONE)
        return 0;
    int64_t anchor = m->anchor == ANCHOR_INSTANT   ? b->instants[i]
                     : m->anchor == ANCHOR_CREATED ? b->rows.values[FACT_CREATED][i]
                                                   : b->rows.values[metric->completed][i];
    json_t *at = shown_instant(l->story->zone, anchor);
    char room[3 * EVENT_CODE_BYTES];
    if (verdict == VERDICT_SAMPLE && sample_is_of(l->story, metric, b, i, room))
        return line_add(l, metric, "counted", shown_sample(metric, sample_value(m, b, i, success)), at, room);
    if (verdict == VERDICT_SAMPLE)
        return line_add(l, metric, "counted", shown_sample(metric, sample_value(m, b, i, success)), at,
                        metric->kind != METRIC_RATIO ? ""
                        : success                    ? "one of those counted"
                                                     : "one of those counted against");
    if (verdict == VERDICT_BESIDE || verdict == VERDICT_BESIDE_2) {
        const char *name = metric->beside[verdict - VERDICT_BESIDE];
        return line_add(l, metric, name ? name : "beside", NULL, at, "in neither part of the figure yet");
    }
    const char *why = verdict == VERDICT_EXCLUDED   ? EXCLUDED_WHY[b->rows.values[FACT_EXCLUDED][i]]
                      : verdict == VERDICT_INFERRED ? "its creation is not known: no ticket.created"
                                                    : left_out_why(verdict - VERDICT_LEFT_OUT);
    return line_add(l, metric, "left out", NULL, at, why);
}

/* Why no row of the ticket came into question. */
static const char *why_none(const struct story *s, const struct metric *m)
{
    const struct fact_row *ticket = story_row(s, FACT_TICKET, TOOL_FIRST_ROW);
    bool is_ticket = ticket && ticket->values[FACT_FLAGS] & FACT_FLAG_TICKET;
    if (m->has_ticket && !is_ticket)
        return "no ticket.* event is known yet: what is here waits for one";
    if (m->required & FACT_FLAG_LAST && ticket && ticket->values[FACT_TICKET_CLASS] < STATUS_SOLVED)
        return "the ticket is not done now";
    return m->none ? m->none : "";
}

static int metric_lines(struct story *s, const struct metric *m, const char *clock, json_t *list,
                        struct error *err)
{
    struct lines l = {.story = s, .clock = clock, .list = list};
    const struct witness witness = {see, &l};
    struct request *request;
    struct plan *plan;
    if (m->table == FACT_ANSWER) /* votes among all answers: one ticket alone has none */
        return line_add(&l, m, "none", NULL, NULL, why_none(s, m));
    char name[REQUEST_NAME_BYTES + 1], now[INSTANT_TEXT_BYTES];
    (void)snprintf(name, sizeof(name), "%s%s", m->name, strcmp(clock, "business") == 0 ? ".business" : "");
    json_t *body = json_pack("{s:[s], s:s, s:s}", "metrics", name, "now", instant_text(s->now, now), "tz",
                             zone_name(s->zone));
    int r = body ? request_read(s->context, body, &request, err) : -ENOMEM;
    json_decref(body);
    if (r < 0)
        return r;
    r = plan_new(s->context, request, s->view, &plan, err);
    if (r == 0) {
        plan->given = s->rows;
        plan->witness = &witness;
        for (unsigned i = 0; i < plan->n_passes; i++) {
            plan->passes[i].fields |= UINT64_C(1) << FIELD_TEAM;
            for (unsigned v = 0; v < FACT_TABLE_INFO[plan->passes[i].table].n_values; v++)
                plan->passes[i].wants[v] = true;
        }
        r = plan_cut(plan, PERIOD_BEGINNING, PERIOD_END, err);
        if (r == 0)
            r = scan_run(plan, err);
        plan_free(plan);
    }
    request_free(request);
    if (r == 0 && l.n_seen == 0)
        r = line_add(&l, m, "none", NULL, NULL, why_none(s, m));
    return r;
}

int story_metrics(struct story *s, json_t **ret, struct error *err)
{
    json_t *list = json_array();
    bool has_calendar = reference_calendar_count(s->environment.reference) > 0;
    int r = list ? 0 : -ENOMEM;
    for (size_t i = 0; i < metric_count() && r == 0; i++) {
        const struct metric *m = metric_at(i);
        if (m->is_hidden)
            continue;
        r = metric_lines(s, m, "wall", list, err);
        if (r == 0 && has_calendar && metric_has_business(m))
            r = metric_lines(s, m, "business", list, err);
    }
    if (r < 0)
        json_decref(list);
    else
        *ret = list;
    return r;
}

/* --- another tool's figures
 * ------------------------------------------------------------------------------------ */

static bool is_reply(const struct event *e)
{
    return e->type == EVENT_TICKET_MESSAGE && event_get(e, FIELD_DIRECTION, 0) == DIRECTION_OUT &&
           event_get(e, FIELD_PUBLIC, 1) && !event_get(e, FIELD_AUTOMATED, 0);
}

static int64_t count_replies(const struct story *s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s->n_steps; i++)
        n += is_reply(s->steps[i].event);
    return n;
}

/* From creation to the first public reply that is not the message which opened the ticket. */
static int64_t first_reply_ms(const struct story *s, bool is_business)
{
    const struct fact_row *ticket = story_row(s, FACT_TICKET, TOOL_FIRST_ROW);
    bool is_own = false;
    if (!ticket || ticket->values[FACT_FLAGS] & FACT_FLAG_INFERRED ||
        !(ticket->values[FACT_FLAGS] & FACT_FLAG_TICKET))
        return FACT_NULL;
    int64_t created = ticket->values[FACT_CREATED];
    for (size_t i = 0; i < s->n_steps; i++) {
        const struct story_step *step = &s->steps[i];
        if (step->event->type == EVENT_TICKET_CREATED && step->event->at == created)
            is_own = event_get(step->event, FIELD_BY, BY_REQUESTER) != BY_REQUESTER;
        if (!is_reply(step->event) || (is_own && step->at == created))
            continue;
        return is_business ? business_last_ms(&s->business, created, step->at, step->at) : step->at - created;
    }
    return FACT_NULL;
}

static int64_t fact_value(const struct story *s, const struct tool_metric *t, const struct metric_value *v)
{
    const struct fact_row *row = story_row(s, t->table, t->row);
    if (!row || v->is == VALUE_OF_NOTHING)
        return FACT_NULL;
    if (v->is == VALUE_OF_DIFFERENCE)
        return row->values[FACT_FLAGS] & FACT_FLAG_INFERRED
                   ? FACT_NULL
                   : row->values[v->columns[0]] - row->values[v->columns[1]];
    int64_t sum = t->plus;
    for (unsigned k = 0; k < METRIC_COLUMNS && v->columns[k] != COLUMN_NONE; k++) {
        if (row->values[v->columns[k]] == FACT_NULL)
            return FACT_NULL;
        sum += row->values[v->columns[k]];
    }
    return sum;
}

static int64_t tool_value(const struct story *s, const struct tool_metric *t, bool is_business)
{
    const struct fact_row *ticket = story_row(s, FACT_TICKET, TOOL_FIRST_ROW);
    if (ticket && ticket->values[FACT_EXCLUDED] &&
        !(t->keeps_excluded && ticket->values[FACT_EXCLUDED] == EXCLUDED_MERGED))
        return FACT_NULL;
    switch (t->value) {
    case TOOL_OF_FACT:
        return fact_value(s, t, is_business ? &t->business : &t->wall);
    case TOOL_OF_ROWS:
        return (int64_t)story_count(s, t->table);
    case TOOL_FIRST_REPLY:
        return first_reply_ms(s, is_business);
    case TOOL_ONE_TOUCH: {
        const struct fact_row *solve = story_row(s, FACT_SOLVE, TOOL_LAST_ROW);
        return solve && solve->values[FACT_FLAGS] & FACT_FLAG_LAST ? count_replies(s) < 2 : FACT_NULL;
    }
    }
    return FACT_NULL;
}

/* Ours: the one sample that was counted, or their count. */
static json_t *our_value(const struct tool_metric *t, const char *clock, const json_t *metrics)
{
    json_t *line, *found = NULL;
    size_t i;
    json_int_t n = 0;
    json_array_foreach((json_t *)metrics, i, line)
    {
        if (strcmp(json_string_value(json_object_get(line, "metric")), t->metric) != 0 ||
            (t->unit_ms && strcmp(json_string_value(json_object_get(line, "clock")), clock) != 0) ||
            strcmp(json_string_value(json_object_get(line, "state")), "counted") != 0)
            continue;
        n++;
        found = json_object_get(line, "value");
    }
    if (t->value == TOOL_OF_ROWS)
        return json_integer(n);
    return found ? json_incref(found) : json_null();
}

/* What the tool shows: whole units. */
static json_t *their_value(const struct tool_metric *t, int64_t value)
{
    if (value == FACT_NULL)
        return json_null();
    return t->unit_ms ? shown_seconds(value / t->unit_ms * t->unit_ms) : json_integer(value);
}

static bool agrees(const struct tool_metric *t, const json_t *theirs, const json_t *ours)
{
    if (json_is_null(theirs) || json_is_null(ours))
        return json_is_null(theirs) && json_is_null(ours);
    double difference = json_number_value(ours) + (double)t->plus - json_number_value(theirs);
    return t->unit_ms ? difference >= 0 && difference * 1000 < (double)t->unit_ms : difference == 0;
}

static int figure_add(const struct story *s, const struct tool_metric *t, const char *clock,
                      const json_t *metrics, json_t *list)
{
    json_t *theirs = their_value(t, tool_value(s, t, strcmp(clock, "business") == 0));
    json_t *ours = our_value(t, clock, metrics);
    bool is_same = agrees(t, theirs, ours);
    json_t *line = json_pack("{s:s, s:s?, s:o, s:s, s:o, s:s, s:b, s:s}", "figure", t->name, "clock",
                             t->unit_ms ? clock : NULL, "theirs", theirs, "metric", t->metric, "ours", ours,
                             "unit", t->unit_ms ? "seconds" : "count", "agrees", is_same, "rule", t->rule);
    return json_array_append_new(list, line);
}

json_t *story_figures(const struct story *s, const char *tool, const json_t *metrics)
{
    json_t *list = json_array();
    bool has_calendar = reference_calendar_count(s->environment.reference) > 0;
    const struct tool_metric *t;
    int r = 0;
    for (size_t i = 0; list && (t = tool_metric_at(i)) && r == 0; i++) {
        if (strcmp(t->tool, tool) != 0)
            continue;
        r = figure_add(s, t, "wall", metrics, list);
        if (r == 0 && has_calendar && t->unit_ms)
            r = figure_add(s, t, "business", metrics, list);
    }
    if (r == 0)
        return list;
    json_decref(list);
    return NULL;
}
