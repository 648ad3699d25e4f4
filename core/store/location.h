/* Where the events and facts of each subject are, by its number: 256 to an entry, bit-packed. */
#ifndef TENDON_STORE_LOCATION_H
#define TENDON_STORE_LOCATION_H

#include "core/store/db.h"

#include <stddef.h>
#include <stdint.h>

/* Facts have two generations while a refold is under way, each with a
 * place of its own here; which is whose says struct store_meta. */
struct location {
    uint32_t segment; /* the newest with events of it; 0: none, and nothing is known of it unless it is hot */
    uint32_t runs[2]; /* of facts; 0: hot, no sealed facts */
};
int location_get(struct txn *t, uint32_t number, struct location *ret);
/* Of the subjects [first, first + n). */
int locations_get(struct txn *t, uint32_t first, uint32_t n, struct location *ret);
/* Of n subjects, mostly ascending. */
int locations_of(struct txn *t, const int64_t *numbers, uint32_t n, struct location *ret);

struct location_change {
    uint32_t number;
    struct location location; /* UINT32_MAX: leave as it is */
};
#define LOCATION_KEEP UINT32_MAX

/* In place of a segment, of a subject that has left the log. */
#define LOCATION_ERASED 1 /* nothing but the hash is left */
#define LOCATION_FROZEN 2 /* its facts are those of FACTS_FROZEN; runs[0]: day of its newest event */
#define LOCATION_FIRST  3 /* the first number that segments have */
/* Writes n changes, ascending by number. */
int location_put(struct txn *t, const struct location_change *changes, size_t n);
/* Of the subjects [first, first + n): those that are frozen with an earlier day have no place any more; sets
 * the bits of those that have one still. 1 when it wrote something. */
int locations_expire(struct txn *t, uint32_t first, uint32_t n, uint32_t day, uint8_t *places);

#endif
