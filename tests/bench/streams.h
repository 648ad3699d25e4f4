/* The events of the load: those of twelve vendors, each with four teams in three countries, over the same 600
 * sites. Each vendor is a world of its own; a client has some of them, merged by the time of their delivery.
 */
#ifndef TENDON_BENCH_STREAMS_H
#define TENDON_BENCH_STREAMS_H

#include "plugins/simulator/world.h"

#include <stdbool.h>
#include <stdint.h>

#define LOAD_VENDORS 12
#define LOAD_SITES   600
#define LOAD_TEAMS   4             /* of a vendor */
#define LOAD_FROM_MS 1640995200000 /* 2022-01-01, for 730 days */
#define LOAD_DAYS    730
#define LOAD_DENSITY 10 /* of a dense load: so many times as many events a day */

enum load_order {
    LOAD_TIME,   /* as they would come: by time, a little shaken */
    LOAD_SORTED, /* the same events ticket by ticket: a backfill */
    LOAD_LATE,   /* the same by time, but 1 % of them 1 to 400 days late, all tickets alike */
    LOAD_DENSE,  /* by time, in a tenth of the days */
};

struct load_plan {
    const char *folder;
    uint64_t n_events;  /* all clients together */
    uint32_t n_clients; /* at most LOAD_VENDORS */
    uint32_t batch_events;
    uint64_t seed;
    enum load_order order;
};

struct load_team {
    const char *suffix, *outsourcer, *country; /* outsourcer: "" for none */
    int tier;
};
extern const struct load_team LOAD_TEAM[LOAD_TEAMS];

struct load_site {
    const char *facility_kind;
    uint32_t beds, org;
};
struct load_site load_site(uint32_t index);

/* Writes sites.csv and teams.csv, which say where the sites and teams are. A message on stderr and false when
 * it cannot. */
bool load_tables(const char *folder);
/* How many of the events are that client's. */
uint64_t load_share(const struct load_plan *plan, uint32_t index);
/* How many tickets each vendor has at most: their numbers are below. */
uint64_t load_tickets(const struct load_plan *plan);

struct streams;

/* Those of the client index; without jitter each event is delivered when it happened. NULL: no memory. */
struct streams *streams_open(const struct load_plan *plan, uint32_t index, bool jitter);
void streams_close(struct streams *streams); /* NULL is fine */
/* The next event and whose it is, until streams_step; NULL after the last. */
const struct world_event *streams_event(const struct streams *streams, uint32_t *ret_vendor);
/* To the one after it. False: no memory. */
bool streams_step(struct streams *streams);

#endif
