/* A question to the query engine as others than the engine see it: what the audit log keeps of it, and how it
 * is narrowed for a key that may see some sites only. Any thread. */
#ifndef TENDON_TENANT_QUESTION_H
#define TENDON_TENANT_QUESTION_H

#include "core/query/query.h"

/* The compiled form: names resolved, periods as instants, the condition as it was understood. A value of the
 * condition stands in it where the tenant has it (a dimension's value, an attribute) or it is a number or of
 * a closed list; another text is a keyed hash, for whatever somebody typed must not reach the disk. body: of
 * a QUERY, or of metric.explain. Codes as query_run's. */
int question_compile(const struct query_context *context, const json_t *body, json_t **ret,
                     struct error *err);

/* The keyed hash of a text, "#" and 16 digits, under the tenant's key; room has QUESTION_HASH_BYTES. */
#define QUESTION_HASH_BYTES 18
char *question_hash(const struct store *store, const char *text, char room[QUESTION_HASH_BYTES]);

/* A copy of body whose condition also says that the site is one of n. The body's own condition is read by
 * itself first: nothing in it can reach beyond its parentheses. Codes as query_run's. */
int question_narrow(const struct query_context *context, const json_t *body,
                    const char (*sites)[EVENT_CODE_BYTES + 1], unsigned n, json_t **ret, struct error *err);

/* Takes out of an answer's meta what is of the whole tenant and not of the sites: its counts of what is
 * amiss, its sources, its warnings but that of a refold. */
void question_narrow_answer(json_t *answer, bool is_refolding);

#endif
