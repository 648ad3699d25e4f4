/* Simulated events as the wire has them: tendon-event(5). */
#ifndef TENDON_BENCH_PACK_H
#define TENDON_BENCH_PACK_H

#include "plugins/simulator/world.h"

#include <msgpack.h>

/* Appends one event, a msgpack map. */
void pack_event(msgpack_sbuffer *buffer, const struct world_event *event);

#endif
