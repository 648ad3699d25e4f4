/* Reads a compiled tzdata file (RFC 8536, version 2 or later) into a table of transitions. */
#ifndef TENDON_BASE_ZONE_FILE_H
#define TENDON_BASE_ZONE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct zone_transition {
    int64_t at_s;     /* from this instant on; INT64_MIN for the first */
    int32_t offset_s; /* local time is UTC plus this */
};

#define ZONE_FILE_BYTES      65536
#define ZONE_TRANSITIONS_MAX 4096

/* Decodes the bytes of a file, with the rule for later years worked out until year_max. *ret is ascending,
 * starts at INT64_MIN and is the caller's to free. 0, -EBADMSG, -ENOMEM. */
int zone_file_decode(const uint8_t *data, size_t size, int32_t year_max, struct zone_transition **ret,
                     size_t *ret_n);

#endif
