/* The directory: keyed hash → subject number, and number → where its events and facts are.
 *
 * Hashes lie in sorted runs, one a seal, merged eight to one, each cut into buckets by the hash's top bits; a
 * filter in memory says of most new hashes that no run has them. Numbers are dense: 256 to an entry,
 * bit-packed. */
#ifndef TENDON_STORE_DIRECTORY_H
#define TENDON_STORE_DIRECTORY_H

#include "core/store/db.h"
#include "core/store/hot.h"

struct directory;

/* Reads all hashes into the filter. */
int directory_open(struct directory **ret, struct txn *t, struct error *err);
void directory_close(struct directory *d);

/* 1 and the number, 0 when no sealed subject has that hash; negative errno. */
int directory_find(struct directory *d, struct txn *t, uint64_t hash, bool is_loose, uint32_t *ret_number);

/* The same from the transaction alone, for other threads than the committer's. */
int directory_search(struct txn *t, uint64_t hash, bool is_loose, uint32_t *ret_number);

/* The other way round: the hashes of the subjects [first, first + n) as the directory keeps them (of a loose
 * event the complement), 0 where there is none, by a look at all of it. */
int directory_reverse(struct txn *t, uint32_t first, uint32_t n, uint64_t *ret);
static inline uint64_t directory_stored(uint64_t hash, bool is_loose)
{
    return is_loose ? ~hash : hash;
}

struct directory_entry {
    uint64_t hash;
    uint32_t number;
    bool is_loose;
};
/* Puts entries in the order in which they are added; their hashes are those that are stored from then on. */
void directory_sort(struct directory_entry *entries, size_t n);
/* Adds a run of sorted entries, merging where due. The filter knows the hashes at once, which an aborted
 * transaction does not hurt. */
int directory_add(struct directory *d, struct txn *t, const struct directory_entry *entries, size_t n);

/* Where a subject's events and facts are. Facts have two generations while a refold is under way, each with a
 * place of its own here; which is whose says struct store_meta. */
struct location {
    uint32_t segment; /* the newest with events of it; 0 none */
    uint32_t runs[2]; /* of facts; 0: hot, no sealed facts */
};
int location_get(struct txn *t, uint32_t number, struct location *ret);
/* Of the subjects [first, first + n). */
int locations_get(struct txn *t, uint32_t first, uint32_t n, struct location *ret);

struct location_change {
    uint32_t number;
    struct location location; /* UINT32_MAX: leave as it is */
};
#define LOCATION_KEEP UINT32_MAX

/* In place of a segment, of a subject that has left the log. */
#define LOCATION_FROZEN                                                                                      \
    (UINT32_MAX - 1) /* its facts are those of FACTS_FROZEN; runs: day of its newest event */
#define LOCATION_ERASED (UINT32_MAX - 2) /* nothing but the hash is left */
/* Writes n changes, ascending by number. */
int location_put(struct txn *t, const struct location_change *changes, size_t n);

#endif
