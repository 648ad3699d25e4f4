/* Events from the short notation of the worked cases, and fact rows as text.
 *
 *     d4 16:50 c{severity=3} <; d5 11:00 @A S
 *
 * `10:25` is UTC on d0, Monday 8 January 2024; `d4` is four days later and holds until the next; a whole
 * instant is `2024-03-08T21:00:00Z`. Tokens after one time share the instant, without seq (`~N` behind a
 * token gives it seq N). `=N` behind a token gives the event that id, {k=v,k=} dimensions; an empty value
 * clears.
 *
 *     c c!                 created by the requester, by an agent
 *     u                    updated
 *     < <-                 requester's message, an automated one in
 *     > >- >! >.           message out: public, automated, not public; internal
 *     N O P H S C S-       status, automated
 *     @A @A/r /a /e /b /0  assigned to A: reassign, route, reassign, escalate, return, of no kind
 *     x:merged x:spam x:restored …
 *     sent:csat            survey sent
 *     q:4/1-5 q:yes        response of instrument csat; behind it :QUESTION:RELATION:INSTRUMENT, `-` for none
 *     call:answered:q5:w60 contact: outcome, queue_s, wrap_s
 *     sla:FRT:1800:w       sla.applied: metric (FRT NRT TTA FRS RWT SWT), target in s, w wall or b business;
 *                          behind it :POLICY:CALENDAR, `-` for none
 *     sla-:FRT             sla.cancelled
 *
 * One parser a ticket; strings get their numbers in the order of the text. */
#ifndef TENDON_TESTS_NOTATION_H
#define TENDON_TESTS_NOTATION_H

#include "core/base/buffer.h"
#include "core/fold/fold.h"

#define NOTATION_EVENTS_MAX 64

struct notation {
    struct dictionary *dictionary;
    struct event *events[NOTATION_EVENTS_MAX];
    size_t n;
};

/* Exits the test on a text that it cannot read. */
void notation_init(struct notation *n, const char *text);
void notation_fini(struct notation *n);

/* One line a row, without the subject. */
void notation_print(struct buffer *b, const struct dictionary *dictionary, const struct fact_row *row);

#endif
