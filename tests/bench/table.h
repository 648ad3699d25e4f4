/* The same events as one plain table, for engines that read tables: a CSV file in the order in which the
 * events happened.
 *
 * Beside what an event says, each row has what held for its ticket at that instant (team, site and what the
 * reference tables say of both) and, where an event ends a duration, that duration: so the peers need neither
 * joins nor windows for most questions. That work is done here and counts for nobody. */
#ifndef TENDON_BENCH_TABLE_H
#define TENDON_BENCH_TABLE_H

#include "tests/bench/streams.h"

/* Writes FOLDER/events.csv with a head line. A message on stderr and false when it cannot. */
bool table_write(const struct load_plan *plan, uint64_t *ret_events);

#endif
