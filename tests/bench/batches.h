/* The benchmark's load, made beforehand: a file a client of whole BATCH messages, in the order to be sent.
 *
 * A file is a list of [size u32][events u32][message], little-endian, mapped while it is sent. The load is
 * that of twelve vendors, each with four teams in three countries, over the same 600 sites. */
#ifndef TENDON_BENCH_BATCHES_H
#define TENDON_BENCH_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_VENDORS 12
#define LOAD_SITES   600
#define LOAD_FROM_MS 1640995200000 /* 2022-01-01, for 730 days */
#define LOAD_DAYS    730

struct load_plan {
    const char *folder;
    uint64_t n_events;  /* all clients together */
    uint32_t n_clients; /* at most LOAD_VENDORS */
    uint32_t batch_events;
    uint64_t seed;
};

struct load_counts {
    uint64_t n_events, n_batches, n_bytes;
    uint64_t n_tickets; /* different ones */
};

/* Writes FOLDER/client-INDEX. A message on stderr and false when it cannot. */
bool batches_make(const struct load_plan *plan, uint32_t index, struct load_counts *ret);
/* Writes sites.csv and teams.csv, which say where the sites and teams are. */
bool batches_tables(const char *folder);

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
