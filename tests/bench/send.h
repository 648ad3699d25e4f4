/* One client of the benchmark: sends a file of batches as a source, as fast as its credit lets it. */
#ifndef TENDON_BENCH_SEND_H
#define TENDON_BENCH_SEND_H

#include "tools/key.h"

#include <stdbool.h>
#include <stdint.h>

struct send_options {
    const char *folder;
    uint32_t index;
    const char *source;
    const char *endpoint;
    const char *server_key;     /* NULL: no CURVE */
    const struct key_pair *key; /* with server_key */
    bool lockstep;              /* one batch at a time */
    uint32_t pause_us;          /* before each batch; with lockstep */
};

struct send_result {
    int64_t first_ns, last_ns; /* CLOCK_MONOTONIC: the first byte sent, the last ACK */
    uint64_t n_events, n_accepted, n_batches;
    uint64_t n_refused; /* for want of credit, and those behind them: sent again */
    double ack_ms[100]; /* how long an ACK took: the 1st to the 100th percentile */
};

/* Says HELLO, waits until FOLDER/go is there, sends everything, waits for every ACK. A message on stderr and
 * false when anything is refused. */
bool send_all(const struct send_options *options, struct send_result *ret);

#endif
