#include "core/fold/sla.h"

#include "core/fold/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Time in which a thing ran. */
struct piece {
    int64_t from, to;
};

/* What the finished pieces of a thing come to on one clock: made once for each piece, so that a source that
 * changes targets and classes in turns costs no more than its events. */
struct sum {
    uint32_t thing; /* its serial: another one's sum counts nothing */
    size_t n;       /* pieces in it */
    int64_t ms;     /* FACT_NULL where one has no calendar */
};

/* A clock that a target may run on. */
struct gauge {
    const struct business *business; /* NULL: wall, or that of a tenant without calendars */
    struct business named;           /* by name: then business is this */
    bool is_wall;
    uint16_t calendar;
    struct sum sums[METRIC_END];
};

enum { GAUGE_WALL, GAUGE_OWN, GAUGE_NAMED };

struct target {
    bool is_set;
    int64_t ms;
    size_t gauge;
    uint16_t policy, calendar;
    uint8_t clock;
};

/* What one metric measures now. */
struct thing {
    bool is_under_way;
    uint32_t serial;
    int64_t start;
    int64_t since; /* it runs from here on; FACT_NULL while it is paused */
    struct piece *pieces;
    size_t n_pieces, capacity;

    struct target in_force;
    bool is_from_events; /* the ticket has sla.* events of the metric */
    const struct policy *policy;

    bool has_cycle; /* cycles[cycle] is under way */
    size_t cycle;
    uint32_t n_cycles;
    struct target target; /* the cycle's: that in force, or the one that was breached */
    int64_t aimed_at;     /* it is in force since then */
    bool is_unknown;      /* what had elapsed then nobody can say */
    bool is_projected;    /* breach_at is what follows when nothing else happens */
    int64_t breach_at;
};

struct sla {
    bool is_active;
    int error;
    struct thing things[METRIC_END];
    struct gauge *gauges;
    size_t n_gauges, gauges_capacity;
    struct sla_cycle *cycles;
    size_t n_cycles, cycles_capacity;
    /* Where the ticket is since when, and where it was before that instant since when. */
    uint16_t site, site_before;
    int64_t site_since, before_since;
    uint32_t n_things;
};

int sla_new(struct sla **ret)
{
    struct sla *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    *ret = s;
    return 0;
}

void sla_free(struct sla *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->gauges_capacity; i++)
        business_fini(&s->gauges[i].named);
    for (unsigned m = 0; m < METRIC_END; m++)
        free(s->things[m].pieces);
    free(s->gauges);
    free(s->cycles);
    free(s);
}

static void sla_fail(struct sla *s)
{
    s->error = -ENOMEM;
    s->is_active = false;
}

/* Room for one more in an array that is full; new room is zeroed. */
static bool grow(struct sla *s, void **array, size_t *capacity, size_t n, size_t size)
{
    if (n < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 8;
    char *room = reallocarray(*array, more, size);
    if (!room) {
        sla_fail(s);
        return false;
    }
    memset(room + *capacity * size, 0, (more - *capacity) * size);
    *array = room;
    *capacity = more;
    return true;
}

/* --- clocks
 * -------------------------------------------------------------------------------------------------- */

static int64_t gauge_elapsed_ms(const struct gauge *g, int64_t from, int64_t to)
{
    if (to <= from)
        return 0;
    if (g->is_wall)
        return to - from;
    return g->business ? business_elapsed_ms(g->business, from, to) : FACT_NULL;
}

static int64_t gauge_reach(const struct gauge *g, int64_t from, int64_t ms)
{
    if (g->is_wall)
        return from + ms;
    return g->business ? business_reach(g->business, from, ms) : FACT_NULL;
}

/* The clock of a target; gauges move when one is added. */
static size_t sla_gauge(struct run *r, uint8_t clock, uint16_t calendar)
{
    struct sla *s = r->f->sla;
    if (clock != CLOCK_BUSINESS)
        return GAUGE_WALL;
    if (!calendar)
        return GAUGE_OWN;
    for (size_t i = GAUGE_NAMED; i < s->n_gauges; i++)
        if (s->gauges[i].calendar == calendar)
            return i;
    if (!grow(s, (void **)&s->gauges, &s->gauges_capacity, s->n_gauges, sizeof(*s->gauges)))
        return GAUGE_WALL;
    struct gauge *g = &s->gauges[s->n_gauges];
    const char *name = dictionary_string(r->environment->dictionary, FIELD_CALENDAR, calendar);
    business_begin(&g->named, r->environment->reference, NULL);
    if (business_named(&g->named, name ? name : "") < 0) {
        sla_fail(s);
        return GAUGE_WALL;
    }
    g->calendar = calendar;
    memset(g->sums, 0, sizeof(g->sums));
    return s->n_gauges++;
}

/* Where the named clocks lie is known only now. */
static const struct gauge *gauge_at(struct sla *s, size_t i)
{
    struct gauge *g = &s->gauges[i];
    if (i >= GAUGE_NAMED)
        g->business = &g->named;
    return g;
}

/* The finished pieces of a thing. */
static int64_t thing_finished_ms(struct sla *s, unsigned metric, size_t gauge)
{
    const struct thing *t = &s->things[metric];
    const struct gauge *g = gauge_at(s, gauge);
    struct sum *sum = &s->gauges[gauge].sums[metric];
    if (sum->thing != t->serial)
        *sum = (struct sum){.thing = t->serial};
    for (; sum->n < t->n_pieces; sum->n++) {
        int64_t ms = gauge_elapsed_ms(g, t->pieces[sum->n].from, t->pieces[sum->n].to);
        sum->ms = ms == FACT_NULL || sum->ms == FACT_NULL ? FACT_NULL : sum->ms + ms;
    }
    return sum->ms;
}

/* All of it until an instant that is not before its last piece. FACT_NULL where a part has no calendar. */
static int64_t thing_elapsed_ms(struct sla *s, unsigned metric, size_t gauge, int64_t at)
{
    const struct thing *t = &s->things[metric];
    int64_t ms = thing_finished_ms(s, metric, gauge);
    if (ms == FACT_NULL || t->since == FACT_NULL)
        return ms;
    int64_t running_ms = gauge_elapsed_ms(gauge_at(s, gauge), t->since, at);
    return running_ms == FACT_NULL ? FACT_NULL : ms + running_ms;
}

/* The last instant with that much elapsed at most, in the past or, running on as it does, to come. FACT_NULL:
 * never, as it is paused before, or nobody can say. */
static int64_t thing_reach(struct sla *s, unsigned metric, size_t gauge, int64_t limit_ms)
{
    const struct thing *t = &s->things[metric];
    const struct gauge *g = gauge_at(s, gauge);
    int64_t finished_ms = thing_finished_ms(s, metric, gauge), left_ms = limit_ms;
    if (finished_ms == FACT_NULL)
        return FACT_NULL;
    if (finished_ms > limit_ms)
        for (size_t i = 0; i < t->n_pieces; i++) {
            int64_t ms = gauge_elapsed_ms(g, t->pieces[i].from, t->pieces[i].to);
            if (ms > left_ms)
                return gauge_reach(g, t->pieces[i].from, left_ms);
            left_ms -= ms;
        }
    return t->since == FACT_NULL ? FACT_NULL : gauge_reach(g, t->since, limit_ms - finished_ms);
}

/* --- cycles
 * -------------------------------------------------------------------------------------------------- */

static struct sla_cycle *thing_cycle(struct sla *s, const struct thing *t)
{
    return t->has_cycle ? &s->cycles[t->cycle] : NULL;
}

static bool cycle_is_breached(const struct sla_cycle *c)
{
    return c->outcome == SLA_BREACHED;
}

/* The row begins: the thing has a target. */
static void cycle_begin(struct sla *s, unsigned metric)
{
    struct thing *t = &s->things[metric];
    if (!grow(s, (void **)&s->cycles, &s->cycles_capacity, s->n_cycles, sizeof(*s->cycles)))
        return;
    s->cycles[s->n_cycles] = (struct sla_cycle){
        .start = t->start,
        .end = FACT_NULL,
        .since = FACT_NULL,
        .breach_at = FACT_NULL,
        .risk_at = FACT_NULL,
        .ordinal = t->n_cycles++,
        .metric = (uint8_t)metric,
        .outcome = SLA_RUNNING,
    };
    t->cycle = s->n_cycles++;
    t->has_cycle = true;
}

static void cycle_breach(struct run *r, struct sla_cycle *c, int64_t at)
{
    c->outcome = SLA_BREACHED;
    c->breach_at = at;
    c->dimensions = r->now;
}

/* The unbreached cycle has this target from now on. */
static void cycle_aim(struct run *r, unsigned metric, int64_t at)
{
    struct sla *s = r->f->sla;
    struct thing *t = &s->things[metric];
    struct sla_cycle *c = thing_cycle(s, t);
    t->target = t->in_force;
    t->aimed_at = at;
    t->is_projected = false;
    c->policy = t->target.policy;
    c->calendar = t->target.calendar;
    c->clock = t->target.clock;
    c->target_ms = t->target.ms;
    int64_t elapsed_ms = thing_elapsed_ms(s, metric, t->target.gauge, at);
    t->is_unknown = elapsed_ms == FACT_NULL;
    if (!t->is_unknown && elapsed_ms > t->target.ms)
        cycle_breach(r, c, at);
}

/* The cycle of a thing ends, with `is_counted` as what it measures. */
static void cycle_end(struct run *r, unsigned metric, int64_t at, bool is_counted)
{
    struct sla *s = r->f->sla;
    struct thing *t = &s->things[metric];
    struct sla_cycle *c = thing_cycle(s, t);
    if (!c)
        return;
    t->has_cycle = false;
    c->end = at;
    c->elapsed_ms = thing_elapsed_ms(s, metric, t->target.gauge, at);
    if (cycle_is_breached(c))
        return;
    c->outcome = !is_counted ? SLA_ENDED : c->elapsed_ms == FACT_NULL ? SLA_UNMEASURED : SLA_MET;
    c->dimensions = r->now;
}

/* --- things
 * -------------------------------------------------------------------------------------------------- */

static void thing_end(struct run *r, unsigned metric, int64_t at, bool is_counted)
{
    struct thing *t = &r->f->sla->things[metric];
    if (!t->is_under_way)
        return;
    cycle_end(r, metric, at, is_counted);
    t->is_under_way = false;
}

static void thing_begin(struct run *r, unsigned metric, int64_t at, bool is_running)
{
    struct sla *s = r->f->sla;
    struct thing *t = &s->things[metric];
    thing_end(r, metric, at, false); /* a restart gives up what went before */
    t->is_under_way = true;
    t->serial = ++s->n_things;
    t->start = at;
    t->since = is_running ? at : FACT_NULL;
    t->n_pieces = 0;
    if (!t->in_force.is_set)
        return;
    cycle_begin(s, metric);
    if (t->has_cycle)
        cycle_aim(r, metric, at);
}

static void thing_run(struct sla *s, unsigned metric, int64_t at, bool is_running)
{
    struct thing *t = &s->things[metric];
    if (!t->is_under_way || is_running == (t->since != FACT_NULL))
        return;
    t->is_projected = false;
    if (is_running) {
        t->since = at;
        return;
    }
    if (grow(s, (void **)&t->pieces, &t->capacity, t->n_pieces, sizeof(*t->pieces)))
        t->pieces[t->n_pieces++] = (struct piece){.from = t->since, .to = at};
    t->since = FACT_NULL;
}

/* --- targets
 * ------------------------------------------------------------------------------------------------- */

static void thing_apply(struct run *r, unsigned metric, const struct target *target, int64_t at)
{
    struct sla *s = r->f->sla;
    struct thing *t = &s->things[metric];
    t->in_force = *target;
    if (!t->is_under_way)
        return;
    if (!t->has_cycle)
        cycle_begin(s, metric);
    if (t->has_cycle && !cycle_is_breached(thing_cycle(s, t)))
        cycle_aim(r, metric, at);
}

static void thing_cancel(struct run *r, unsigned metric, int64_t at)
{
    struct sla *s = r->f->sla;
    struct thing *t = &s->things[metric];
    t->in_force.is_set = false;
    if (t->has_cycle && !cycle_is_breached(thing_cycle(s, t)))
        cycle_end(r, metric, at, false);
}

void sla_target(struct run *r, const struct event *e, int64_t at)
{
    struct sla *s = r->f->sla;
    unsigned metric = (unsigned)event_get(e, FIELD_METRIC, 0);
    if (!s->is_active || metric == 0 || metric >= METRIC_END)
        return;
    if (e->type == EVENT_SLA_CANCELLED) {
        thing_cancel(r, metric, at);
        return;
    }
    struct target target = {
        .is_set = true,
        .ms = event_get(e, FIELD_TARGET_S, 0),
        .policy = (uint16_t)event_get(e, FIELD_POLICY, 0),
        .calendar = (uint16_t)event_get(e, FIELD_CALENDAR, 0),
        .clock = (uint8_t)event_get(e, FIELD_CLOCK, 0),
    };
    target.gauge = sla_gauge(r, target.clock, target.calendar);
    thing_apply(r, metric, &target, at);
}

void sla_settle(struct run *r, bool has_changed, int64_t at)
{
    struct sla *s = r->f->sla;
    const struct fold_settings *settings = r->environment->settings;
    if (!s->is_active || !has_changed || !settings || !settings->n_policies)
        return;
    const struct policy *first[METRIC_END] = {NULL};
    for (size_t i = 0; i < settings->n_policies; i++) {
        const struct policy *p = &settings->policies[i];
        if (!first[p->metric] && !s->things[p->metric].is_from_events && policy_matches(p, r->now.of))
            first[p->metric] = p;
    }
    for (unsigned m = 1; m < METRIC_END && s->is_active; m++) {
        const struct policy *p = first[m];
        if (p == s->things[m].policy)
            continue;
        s->things[m].policy = p;
        if (!p) {
            thing_cancel(r, m, at);
            continue;
        }
        const struct target target = {
            .is_set = true,
            .ms = p->target_ms,
            .gauge = sla_gauge(r, (uint8_t)p->clock, p->calendar_number),
            .policy = p->name_number,
            .calendar = p->calendar_number,
            .clock = (uint8_t)p->clock,
        };
        thing_apply(r, m, &target, at);
    }
}

/* --- the run
 * ------------------------------------------------------------------------------------------------- */

/* Whether the metric's own clock runs in a class. */
static bool metric_runs(unsigned metric, unsigned class)
{
    return class_is_active(class) && class != STATUS_PENDING &&
           (class != STATUS_HOLD || metric == METRIC_REQUESTER_WAIT_TIME);
}

/* The metric of an sla.* event, or 0 where it is none that is measured. */
static unsigned event_metric_of(const struct event *e)
{
    if (e->type != EVENT_SLA_APPLIED && e->type != EVENT_SLA_CANCELLED)
        return 0;
    unsigned metric = (unsigned)event_get(e, FIELD_METRIC, 0);
    return metric < METRIC_END ? metric : 0;
}

static bool sla_is_needed(const struct run *r)
{
    if (!r->is_ticket)
        return false;
    bool is_needed = r->environment->settings && r->environment->settings->n_policies > 0;
    for (size_t i = 0; i < r->n && !is_needed; i++)
        is_needed = event_metric_of(r->f->items[i].event) != 0;
    return is_needed;
}

void sla_begin(struct run *r, const struct business *own)
{
    struct sla *s = r->f->sla;
    s->error = 0;
    s->n_cycles = s->n_things = 0;
    s->is_active = sla_is_needed(r);
    if (!s->is_active)
        return;
    s->n_gauges = GAUGE_NAMED;
    s->site = s->site_before = 0;
    s->site_since = s->before_since = INT64_MIN;
    for (unsigned m = 1; m < METRIC_END; m++) {
        struct thing *t = &s->things[m];
        *t = (struct thing){.pieces = t->pieces, .capacity = t->capacity};
    }
    for (size_t i = 0; i < r->n; i++) /* things[0] is that of all other events */
        s->things[event_metric_of(r->f->items[i].event)].is_from_events = true;
    if (!grow(s, (void **)&s->gauges, &s->gauges_capacity, GAUGE_NAMED, sizeof(*s->gauges)))
        return;
    memset(s->gauges[GAUGE_WALL].sums, 0, sizeof(s->gauges[GAUGE_WALL].sums));
    memset(s->gauges[GAUGE_OWN].sums, 0, sizeof(s->gauges[GAUGE_OWN].sums));
    s->gauges[GAUGE_WALL].is_wall = true;
    s->gauges[GAUGE_OWN].business = own;
    if (r->is_inferred)
        return;
    if (r->response == RESPONSE_RUNNING)
        thing_begin(r, METRIC_FIRST_RESPONSE_TIME, r->created_at, true);
    for (unsigned m = METRIC_TIME_TO_ACKNOWLEDGE; m < METRIC_END; m++)
        thing_begin(r, m, r->created_at, true);
}

void sla_pass(struct run *r, int64_t at)
{
    struct sla *s = r->f->sla;
    for (unsigned m = 1; s->is_active && m < METRIC_END; m++) {
        struct thing *t = &s->things[m];
        struct sla_cycle *c = thing_cycle(s, t);
        if (!c || cycle_is_breached(c) || t->is_unknown || t->since == FACT_NULL)
            continue;
        if (!t->is_projected) {
            t->breach_at = thing_reach(s, m, t->target.gauge, t->target.ms);
            t->is_projected = true;
        }
        if (t->breach_at != FACT_NULL && t->breach_at < at)
            cycle_breach(r, c, t->breach_at);
    }
}

void sla_site(struct run *r, int64_t at)
{
    struct sla *s = r->f->sla;
    if (!s->is_active)
        return;
    if (at > s->site_since) {
        s->site_before = s->site;
        s->before_since = s->site_since;
    }
    s->site = r->now.of[FIELD_SITE];
    s->site_since = s->site == s->site_before ? s->before_since : at; /* there and back is no move */
    for (unsigned m = 1; m < METRIC_END; m++)
        s->things[m].is_projected = false;
}

void sla_class(struct run *r, unsigned before, int64_t at)
{
    struct sla *s = r->f->sla;
    if (!s->is_active)
        return;
    bool was_active = class_is_active(before), is_active = class_is_active(r->class);
    if (was_active && !is_active) {
        for (unsigned m = 1; m < METRIC_END; m++)
            thing_end(r, m, at, m >= METRIC_FIRST_RESOLUTION_TIME);
        return;
    }
    for (unsigned m = METRIC_REQUESTER_WAIT_TIME; m <= METRIC_SUPPORT_WORK_TIME && is_active; m++)
        if (was_active)
            thing_run(s, m, at, metric_runs(m, r->class));
        else if (!r->is_inferred)
            thing_begin(r, m, at, metric_runs(m, r->class));
}

void sla_started(struct run *r, enum event_metric metric, int64_t at)
{
    if (r->f->sla->is_active)
        thing_begin(r, metric, at, true);
}

void sla_reached(struct run *r, enum event_metric metric, int64_t at)
{
    if (r->f->sla->is_active)
        thing_end(r, metric, at, true);
}

/* --- what is left at the end
 * ------------------------------------------------------------------------------- */

static void cycle_leave(struct run *r, unsigned metric)
{
    struct sla *s = r->f->sla;
    struct thing *t = &s->things[metric];
    struct sla_cycle *c = thing_cycle(s, t);
    size_t gauge = t->target.gauge;
    int64_t breach_at = FACT_NULL;
    if (t->since == FACT_NULL)
        c->elapsed_ms = thing_finished_ms(s, metric, gauge);
    else {
        c->since = t->since > s->site_since ? t->since : s->site_since;
        c->elapsed_ms = thing_elapsed_ms(s, metric, gauge, c->since);
        breach_at = thing_reach(s, metric, gauge, t->target.ms);
    }
    if (cycle_is_breached(c))
        return;
    c->dimensions = r->now;
    if (t->is_unknown || c->elapsed_ms == FACT_NULL || (t->since != FACT_NULL && breach_at == FACT_NULL)) {
        c->outcome = SLA_UNMEASURED;
        return;
    }
    c->breach_at = breach_at == FACT_FOREVER ? FACT_NULL : breach_at;
    /* elapsed times are whole, so up to 0.75 of the target is up to the whole part of it */
    int64_t risk_at = thing_reach(s, metric, gauge, t->target.ms * 3 / 4);
    if (risk_at != FACT_NULL && risk_at != FACT_FOREVER)
        c->risk_at = risk_at > t->aimed_at ? risk_at : t->aimed_at;
}

static int cycle_compare(const void *a, const void *b)
{
    const struct sla_cycle *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

int sla_end(struct run *r, const struct sla_cycle **ret, size_t *ret_n)
{
    struct sla *s = r->f->sla;
    for (unsigned m = 1; s->is_active && m < METRIC_END; m++)
        if (s->things[m].has_cycle)
            cycle_leave(r, m);
    s->is_active = false; /* until the next ticket begins */
    if (s->error)
        return s->error;
    if (s->n_cycles > 1)
        qsort(s->cycles, s->n_cycles, sizeof(*s->cycles), cycle_compare);
    *ret = s->cycles;
    *ret_n = s->n_cycles;
    return 0;
}
