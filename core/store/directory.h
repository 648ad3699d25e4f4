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

/* Where a sweep stands; zeros: at its beginning. It lasts over transactions, and ends with the directory. */
struct directory_sweep {
    uint32_t run,
        end;       /* number of the run that is looked at; those from the end on are younger than the sweep */
    uint32_t into; /* number of the run that what stays of it goes to; 0: it is only counted */
    uint32_t bucket; /* the next */
    uint64_t n_gone; /* entries counted that go */
};

/* Takes hashes out that `goes` says (1, 0, or negative errno): a run is written anew without them, bucket by
 * bucket, when they are a quarter of it or more. Goes through about n_buckets and is to be called again, in
 * this transaction or another; 0 when it has come to the end, else 1. */
int directory_sweep(struct directory *d, struct txn *t, struct directory_sweep *at, unsigned n_buckets,
                    int (*goes)(void *context, uint64_t stored, uint32_t number), void *context);

/* Where a subject's events and facts are. Facts have two generations while a refold is under way, each with a
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
