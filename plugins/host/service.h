/* What the outer process does for a plugin that asks: HTTP requests, requests of others. One a plugin, one
 * thing at a time. One thread.
 *
 *     child_read → CHILD_ASK → service_take … service_work → child_answer */
#ifndef TENDON_HOST_SERVICE_H
#define TENDON_HOST_SERVICE_H

#include "plugins/host/child.h"
#include "plugins/host/http/tape.h"
#include "plugins/host/options.h"

#include <poll.h>
#include <stdint.h>

struct service;

/* options and tape (NULL: none) must outlive it. */
int service_new(const struct options *options, struct tape *tape, struct service **ret, struct error *err);
void service_free(struct service *s); /* NULL is fine */

void service_take(struct service *s, const struct child_ask *ask, int64_t now_ms);
/* Goes on, and answers the child where it can. 0, or what child_answer returned. */
int service_work(struct service *s, struct child *c, int64_t now_ms);
/* What becomes of the requests that a poll was given (push/server.h). */
void service_taken(struct service *s, uint64_t n_batch);
void service_failed(struct service *s);
void service_committed(struct service *s, uint64_t n_batches);
/* The plugin is to stop: what it waits for is answered at once. */
void service_cancel(struct service *s);

/* Monotonic, when service_work wants to be called at the latest; INT64_MAX: it has nothing to do. */
int64_t service_next_ms(const struct service *s);
/* As poll(2), and returns also when a service has something to do. */
void service_wait(struct service *s, struct pollfd *fds, unsigned n, int timeout_ms);

#endif
