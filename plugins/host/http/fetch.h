/* The HTTP client of the outer process: one request of the plugin's at a time, by libcurl.
 *
 * Connects only to the servers of the instance's `url` options, waits where the plugin asked for no more than
 * so many requests a minute, refuses while a server said to wait, and records or plays back where there is a
 * tape. One thread, which never blocks in here but in fetch_wait. */
#ifndef TENDON_HOST_HTTP_FETCH_H
#define TENDON_HOST_HTTP_FETCH_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "plugins/host/http/tape.h"
#include "plugins/host/options.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct fetch;

/* options and tape (NULL: none) must outlive it. */
int fetch_new(const struct options *options, struct tape *tape, struct fetch **ret, struct error *err);
void fetch_free(struct fetch *f);

/* Begins what the parcel asks for; one that was under way is forgotten. */
void fetch_begin(struct fetch *f, const void *parcel, size_t size, int64_t now_ms);
/* Goes on. True, once, when the answer is there: a parcel, good until the next fetch_begin. */
bool fetch_work(struct fetch *f, int64_t now_ms, const struct buffer **ret);
/* Ends what is under way: its answer is that the plugin is to stop. */
void fetch_cancel(struct fetch *f);

/* Monotonic, when fetch_work wants to be called at the latest; INT64_MAX: nothing is under way. */
int64_t fetch_next_ms(const struct fetch *f);
/* As poll(2), and returns also when the request has something to do. */
void fetch_wait(struct fetch *f, struct pollfd *fds, unsigned n, int timeout_ms);

#endif
