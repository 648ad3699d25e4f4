/* The directory: keyed hash → subject number.
 *
 * Hashes lie in sorted runs, one a seal, merged eight to one in steps, each cut into buckets by the hash's
 * top bits; a filter in memory says of most new hashes that no run has them. */
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
/* Has the processor fetch what directory_find looks at first, and mostly alone. */
void directory_prefetch(const struct directory *d, uint64_t hash, bool is_loose);

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
/* Adds a run of sorted entries, and takes a step of each merge that is under way or due. The filter knows the
 * hashes at once, which an aborted transaction does not hurt. */
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

#endif
