/* Who or what an id of a source is: its code, looked up once. Ids are numbers; at most ROSTER_MAX are kept,
 * and one more begins it anew. One thread. */
#ifndef TENDON_PLUGINS_COMMON_ROSTER_H
#define TENDON_PLUGINS_COMMON_ROSTER_H

#include "proto/tendon_plugin.h"

#include <stdbool.h>

#define ROSTER_MAX        65536
#define ROSTER_CODE_BYTES 256

struct roster_entry;

struct roster {
    struct roster_entry *entries; /* by id */
    uint32_t n, room;
};

void roster_clear(struct roster *roster); /* frees everything, and may be used again */
/* Takes the place of what was known of the id; code NULL: it has none. False: there is no memory. */
bool roster_put(struct roster *roster, int64_t id, const char *code);
/* Whether the id is known; *ret_code, where wanted, NULL when it has none. */
bool roster_find(const struct roster *roster, int64_t id, const char **ret_code);

#endif
