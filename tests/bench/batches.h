/* The benchmark's load, made beforehand: a file a client of whole BATCH messages, in the order to be sent.
 *
 * A file is a list of [size u32][events u32][message], little-endian, mapped while it is sent. */
#ifndef TENDON_BENCH_BATCHES_H
#define TENDON_BENCH_BATCHES_H

#include "tests/bench/streams.h"

#include <stddef.h>

struct load_counts {
    uint64_t n_events, n_batches, n_bytes;
    uint64_t n_tickets; /* different ones */
};

/* Writes FOLDER/client-INDEX. A message on stderr and false when it cannot. Any order but LOAD_TIME needs
 * memory for all events of the client. */
bool batches_make(const struct load_plan *plan, uint32_t index, struct load_counts *ret);

struct batches {
    uint8_t *data;
    size_t size;
};

struct batch {
    const uint8_t *message;
    uint32_t size, n_events;
};

bool batches_open(const char *folder, uint32_t index, struct batches *ret);
void batches_close(struct batches *batches);
/* The batch at *place, which moves behind it. False at the end. */
bool batches_next(const struct batches *batches, size_t *place, struct batch *ret);

#endif
