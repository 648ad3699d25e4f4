/* The HTTP server of the outer process: requests that others send to a push plugin, by libmicrohttpd.
 *
 *     waiting ─ next ─▶ given ─ the poll was taken ─▶ kept ─ committed ─▶ 204
 *        │                │ the poll failed            │ the end
 *        └── the end ─────┴──────── 503 ───────────────┘
 *
 * A request is answered when the collector has what came of it, so that a sender that is not answered, or
 * with 503, sends again and nothing is lost. Everything is bounded: requests that wait (503 with Retry-After
 * beyond), connections, headers, bodies. Listens on loopback or a socket of the file system only. One thread.
 */
#ifndef TENDON_HOST_PUSH_SERVER_H
#define TENDON_HOST_PUSH_SERVER_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "plugins/host/http/tape.h"
#include "plugins/host/options.h"

#include <stdbool.h>
#include <stdint.h>

struct push_server;

/* Listens at the `listen` options; what comes waits in the kernel until the plugin asks for it. options and
 * tape (NULL: none) must outlive it. From a tape that plays back come its pushes, and nothing listens. Code
 * listen. */
int push_server_new(const struct options *options, struct tape *tape, struct push_server **ret,
                    struct error *err);
void push_server_free(struct push_server *p); /* what was not committed is answered 503; NULL is fine */

/* What the plugin asks: the next request. The answer comes from work. */
void push_server_next(struct push_server *p, const void *parcel, size_t size, int64_t now_ms);
/* The request given last is answered with the parcel's PARCEL_STATUS. */
void push_server_refuse(struct push_server *p, const void *parcel, size_t size);
/* Goes on. True, once, when the answer to the plugin is there. */
bool push_server_work(struct push_server *p, int64_t now_ms, const struct buffer **ret);
void push_server_cancel(struct push_server *p);

/* The poll in which requests were given is over: taken as the n-th batch (0: it gave none), or failed. */
void push_server_taken(struct push_server *p, uint64_t n);
void push_server_failed(struct push_server *p);
/* The first n batches are committed. */
void push_server_committed(struct push_server *p, uint64_t n);

int push_server_fd(const struct push_server *p); /* to wait on for reading, or −1 */
int64_t push_server_next_ms(const struct push_server *p, int64_t now_ms);

#endif
