/* SLA cycles: what a ticket's targets make of its events.
 *
 * Beside run.c, which knows when a metric's own measuring begins, stops and ends and tells it here, in the
 * order of the events; fold.c makes rows of what comes out (sla_cycle of fact.h). Everything here belongs to
 * one struct fold: one thread, the memory is reused from ticket to ticket. On a ticket without an sla.* event
 * in a tenant without policies every call returns at once.
 *
 * The thing measured. Each of the six metrics has at most one thing under way:
 *   first_response_time    from its own start until the first response; begins anew at the reopening that
 *                          starts it again (all solves before it automated)
 *   next_response_time     a run
 *   time_to_acknowledge    created_at until the acknowledgement
 *   first_resolution_time  created_at until the first solve
 *   requester_wait_time    created_at or a reopening until the next solve, so one a solve and each from
 *   support_work_time      zero; stops in pending, support_work_time in hold too
 * Inferred tickets have next_response_time alone: all others begin at an instant that is not known. A solve
 * ends whatever is under way: for the last three it is their own end, the first three it leaves unanswered.
 *
 * The target in force of a metric is that of the latest sla.applied of it, also for things that begin later;
 * sla.cancelled takes it away. What ended before a target was applied has none, and what a solve left
 * unanswered is over: only a restart begins it again.
 *
 * The cycle is the thing under way with a target in force. Its elapsed time is that of the whole thing from
 * its own start on, whenever the target came, on the clock of the target in force: one with another clock or
 * calendar measures all of it anew. So replacing a target keeps what has elapsed.
 *   met        the thing ended with elapsed ≤ target
 *   breached   elapsed > target: at the last instant with elapsed ≤ target, with the ticket's dimensions
 * after all events until then; or, where an applied target had already passed, there and then, with those
 * after the events before it in order. From then on policy, target, clock and dimensions are frozen, and
 * neither sla.applied nor sla.cancelled touches it; it goes on until the thing ends. The target in force for
 * later things changes all the same. ended      cancelled, or left unanswered by a solve, unbreached: counts
 * nowhere. When a target is applied to the same thing after a cancellation that is another cycle of it.
 *   unmeasured business clock, and for a part of the time there is no calendar (also an unknown one by name),
 *              before the end, or before a breach that would come: nobody can say, so it is neither met nor
 *              breached, and counted as left out. The same holds from the start where it is a target that is
 *              applied after such a part. Where the breach came before that part it is breached, and only how
 *              long it lasted is unknown (ELAPSED_MS FACT_NULL).
 * Any later event of the ticket proves a breach before it; what no event proves is left to the query and its
 * present, which finds in the row all it needs.
 *
 * Policies of the configuration (policy.h) act on the metrics of which the ticket has no sla.* event at all:
 * after the event that made the ticket and after each later event that changed its dimensions, all of that
 * event done, as sla.applied with the first policy of the metric's that matches when it is another one than
 * before, and as sla.cancelled when none matches any more. */
#ifndef TENDON_FOLD_SLA_H
#define TENDON_FOLD_SLA_H

#include "core/fold/business.h"
#include "core/fold/run.h"

/* A cycle as it becomes a row; the names are those of fact.h. */
struct sla_cycle {
    int64_t start, end;
    int64_t target_ms, elapsed_ms;
    int64_t since, breach_at, risk_at;
    uint32_t ordinal;
    uint16_t policy, calendar;
    uint8_t metric; /* enum event_metric */
    uint8_t clock;
    uint8_t outcome; /* enum sla_outcome */
    struct dimensions dimensions;
};

struct sla;
int sla_new(struct sla **ret);
void sla_free(struct sla *s);

/* --- called by run.c
 *
 * `at` is the counted instant (never before created_at) and never decreases. Calls for a thing that is not
 * under way do nothing, as all do before sla_begin and after sla_end. Memory that runs out is told by
 * sla_end. */

/* A ticket begins: after run_find_creation, before its first event. Begins what begins at created_at. `own`
 * is the ticket's business clock (NULL: the tenant has no calendars); what it says of instants until `at`
 * must hold when a call with that `at` is made. */
void sla_begin(struct run *r, const struct business *own);

/* Before any event is applied: the time until it has passed. r->now is still that before the event. */
void sla_pass(struct run *r, int64_t at);

/* After the dimensions of an event changed the ticket's site. */
void sla_site(struct run *r, int64_t at);

/* sla.applied and sla.cancelled. */
void sla_target(struct run *r, const struct event *e, int64_t at);

/* The class changed; r->class is the new one. After sla_reached where the same event acknowledges, before
 * sla_started of a reopening. */
void sla_class(struct run *r, unsigned before, int64_t at);

/* first_response_time (the first requester message on tickets that an agent or a machine opened, and the
 * reopening that restarts it) or next_response_time (a run) begins. */
void sla_started(struct run *r, enum event_metric metric, int64_t at);

/* first_response_time, next_response_time or time_to_acknowledge is answered. r->now holds the event's own
 * dimensions. */
void sla_reached(struct run *r, enum event_metric metric, int64_t at);

/* After all of an event is applied: policies. `has_changed`: it made the ticket, or changed its dimensions.
 */
void sla_settle(struct run *r, bool has_changed, int64_t at);

/* After the last event. *ret are the cycles by start, metric, ordinal; valid until the next sla_begin. 0 or
 * -ENOMEM. */
int sla_end(struct run *r, const struct sla_cycle **ret, size_t *ret_n);

#endif
