/* Why a ticket counts where it does, and which tickets make a figure what it is.
 *
 * A ticket is explained from its own events: they are brought, folded and judged by the same code that makes
 * facts and answers, with somebody looking on. Any thread. */
#ifndef TENDON_QUERY_EXPLAIN_H
#define TENDON_QUERY_EXPLAIN_H

#include "core/query/query.h"

#define EXPLAIN_TOP_MAX 1000 /* tickets at one end */

/* One ticket. Where the context names sites, one that names a site, and none but those; any other is not
 * known, nor is any by its number, and the result has neither ticket nor as_of. request is a map: ticket str
 * "[NAMESPACE/]TICKET": the id at its source; or "#NUMBER", as explain_metric lists it as       str   a tool,
 * to recompute by its rules (core/query/tool.h); may be left out now, tz  str   as for a query
 *
 * The result:
 *   ticket         "#NUMBER"; namespace; class; created_at; inferred; excluded (reason or null); zone; now;
 * as_of timeline       [{at, event, fields {…}, class, note?}]: every event in the order that counts. class
 * is the ticket's after it. Values of ids are not there: they are not stored intervals      [{from, to,
 * class, team, wall, business, calendar?}]: seconds; to null: until now metrics        [{metric, clock,
 * state, value, at, why}]: a line a sample, or one that says why there is none. clock: null for what is no
 * duration. state: counted, left out, none, or what stands beside a value (censored, running, …). value:
 * seconds, a number, or for ratios 1 or 0. at: the instant that says which period tool, figures  with `as`:
 * [{figure, clock, theirs, ours, metric, agrees, rule}]
 *
 * Codes: unknown_ticket, ambiguous_ticket (the id is known in several namespaces), unknown_tool, and those of
 * a query. */
int explain_ticket(const struct query_context *context, const json_t *request, json_t **ret,
                   struct error *err);

/* The tickets at the ends of one metric. request: a query's map with one metric, without by and every, and
 *   top      int   how many at each end, 1 to EXPLAIN_TOP_MAX
 *
 * The result: metric, clock, unit, zone, now, as_of, period, n, warnings, and rows [{end, rank, ticket
 * ("#NUMBER"), namespace, value, created_at, at, and each dimension the ticket had then}]: end is "highest"
 * or "lowest"; for ratios "counted" (1) or "not counted" (0), the newest first. */
int explain_metric(const struct query_context *context, const json_t *request, json_t **ret,
                   struct error *err);

#endif
