#include "core/fold/reply.h"

#include "core/fold/sla.h"

/* --- moments
 * ------------------------------------------------------------------------------------------------- */

/* The first response runs, from here: at creation, at the requester's first message, or anew at a reopening.
 */
static void response_started(struct run *r, int64_t at)
{
    r->response = RESPONSE_RUNNING;
    r->response_start = at;
    sla_started(r, METRIC_FIRST_RESPONSE_TIME, at);
}

static void response_ended(struct run *r, int64_t at)
{
    r->response = RESPONSE_ENDED;
    r->f->replies[r->n_replies++] =
        (struct reply){.start = r->response_start, .end = at, .dimensions = r->now};
    sla_reached(r, METRIC_FIRST_RESPONSE_TIME, at);
}

static void run_started(struct run *r, int64_t at)
{
    r->run_is_open = true;
    r->run_start = at;
    sla_started(r, METRIC_NEXT_RESPONSE_TIME, at);
}

static void run_answered(struct run *r, int64_t at)
{
    r->run_is_open = false;
    r->f->replies[r->n_replies++] = (struct reply){.start = r->run_start, .end = at, .dimensions = r->now};
    sla_reached(r, METRIC_NEXT_RESPONSE_TIME, at);
}

/* A solve leaves it without an answer. */
static void run_dropped(struct run *r)
{
    r->run_is_open = false;
}

static void acknowledged(struct run *r, int64_t at)
{
    r->acknowledged_at = at;
    r->at_acknowledgement = r->now;
    sla_reached(r, METRIC_TIME_TO_ACKNOWLEDGE, at);
}

/* --- what brings them
 * ---------------------------------------------------------------------------------------- */

void reply_acknowledge(struct run *r, int64_t at)
{
    if (r->acknowledged_at == FACT_NULL)
        acknowledged(r, at);
}

void reply_created(struct run *r, const struct event *e, int64_t at)
{
    if (r->is_inferred)
        r->response = RESPONSE_UNMEASURED;
    else if (event_get(e, FIELD_BY, BY_REQUESTER) == BY_REQUESTER)
        response_started(r, at);
}

static void requester_wrote(struct run *r, int64_t at)
{
    r->asked = true;
    if (r->response == RESPONSE_NOT_STARTED)
        response_started(r, at);
    else if (r->response == RESPONSE_ENDED && !r->run_is_open && class_is_active(r->class))
        run_started(r, at);
}

/* The requester can read it. */
static void support_wrote(struct run *r, int64_t at)
{
    r->n_messages++;
    if (r->response == RESPONSE_RUNNING)
        response_ended(r, at);
    else if (r->response == RESPONSE_UNMEASURED)
        r->response = RESPONSE_ENDED;
    else if (r->run_is_open)
        run_answered(r, at);
}

void reply_message(struct run *r, const struct event *e, int64_t at)
{
    r->speaks = true;
    if (event_get(e, FIELD_AUTOMATED, 0))
        return;
    int64_t direction = event_get(e, FIELD_DIRECTION, 0);
    if (direction == DIRECTION_IN) {
        requester_wrote(r, at);
    } else if (direction == DIRECTION_OUT) {
        reply_acknowledge(r, at);
        if (event_get(e, FIELD_PUBLIC, 1))
            support_wrote(r, at);
    }
}

void reply_solved(struct run *r, const struct event *e)
{
    if (!event_get(e, FIELD_AUTOMATED, 0))
        r->solved_by_person = true;
    r->asked = false;
    if (r->run_is_open)
        run_dropped(r);
}

/* While only machines had solved it the requester still waits for the first response, but not from the time
 * before: what had been asked then was closed, and now it is asked anew. */
void reply_reopened(struct run *r, int64_t at)
{
    if (r->response == RESPONSE_RUNNING && !r->solved_by_person)
        response_started(r, at);
    else if (r->response == RESPONSE_ENDED && r->asked)
        run_started(r, at);
}
