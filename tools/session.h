/* One command's conversation with the collector: where it is, the call, the wait, and what is said when it
 * fails.
 *
 * The endpoint is --connect, else $TENDON_CONNECT, else the control socket of an installed collector. While
 * an answer is awaited for more than half a second a terminal shows that it is. One thread. */
#ifndef TENDON_TOOLS_SESSION_H
#define TENDON_TOOLS_SESSION_H

#include "core/base/error.h"
#include "proto/wire.h"
#include "tools/option.h"

#include <jansson.h>

struct session;

/* 0; or an exit code, and the error has been printed. waiting: what the spinner says ("asking",
 * "importing"). */
int session_open(const struct invocation *invocation, const char *waiting, struct session **ret);
void session_close(struct session *s); /* NULL is fine */

/* body is taken over (NULL: no memory). 0; or an exit code, and the error has been printed. */
int session_query(struct session *s, json_t *body, json_t **ret);
int session_call(struct session *s, const char *method, json_t *params, json_t **ret);

/* A session for one call. */
int session_call_once(const struct invocation *invocation, const char *waiting, const char *method,
                      json_t *params, json_t **ret);

/* After a change whose answer says that facts are being made anew ("refolding" is not null): waits until they
 * are, for the tenant of these parameters. Returns at once where --no-wait was given. 0; or an exit code, and
 * the error has been printed. */
int session_await_facts(struct session *s, const struct invocation *invocation, const json_t *answer,
                        const json_t *params);

/* {"tenant": …} as --tenant says, or {}: the beginning of most parameters. */
json_t *session_params(const struct invocation *invocation);

/* Prints an error on standard error: the sentence, and below it what to do next. Returns its exit code. */
int error_print(const struct error *err);

#endif
