/* Times of sources: a text by a format like strptime's, in an IANA zone, to ms since 1970 UTC. */
#ifndef TENDON_HOST_TIMESTAMP_H
#define TENDON_HOST_TIMESTAMP_H

#include "core/base/zone.h"

#include <stddef.h>
#include <stdint.h>

#define TIME_ZONES 16

/* Zones that were asked for, kept open; the one used longest ago gives way. One thread. */
struct time_zones {
    struct time_zone {
        struct zone *zone;
        uint64_t used;
    } slots[TIME_ZONES];
    uint64_t n_used;
};

void time_zones_fini(struct time_zones *zones);

/* As time_parse of struct tendon_host: TENDON_OK or TENDON_INVALID. */
int time_parse(struct time_zones *zones, const char *format, const char *zone, const char *text, size_t size,
               int64_t *ret_ms);

/* As time_format of struct tendon_host: the length of the text, or 0. */
size_t time_format(struct time_zones *zones, const char *format, const char *zone, int64_t at_ms, char *room,
                   size_t size);

#endif
