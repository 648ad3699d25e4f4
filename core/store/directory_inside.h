/* The directory's inside: directory.c finds and adds, directory_merge.c and directory_sweep.c write runs
 * anew. */
#ifndef TENDON_STORE_DIRECTORY_INSIDE_H
#define TENDON_STORE_DIRECTORY_INSIDE_H

#include "core/store/directory_run.h"

enum { MERGE = 8, LEVELS_MAX = 10 };

/* Runs of one level that become one of the next, a range of hashes after the other. Nothing of it is on disk
 * but what it has moved: after a restart it begins again with what is left. */
struct merge {
    bool is_under_way;
    uint8_t bits; /* of the coarsest run, the new one included: a range is one of its buckets */
    uint32_t runs[MERGE], into;
    uint32_t range;   /* the next */
    uint64_t n_total; /* entries when it began */
};

struct directory {
    struct directory_run *runs; /* by age */
    size_t n_runs, capacity;
    uint32_t next_run;
    struct merge merges[LEVELS_MAX]; /* by the level of their runs */
    uint64_t *filter; /* blocks of eight words; a hash sets FILTER_BITS / 2 bits of one block */
    size_t n_blocks;
    size_t n_hashes; /* in the filter */
};

/* The run of that number, NULL: there is none. */
struct directory_run *directory_find_run(const struct directory *d, uint32_t number);
void directory_forget_run(struct directory *d, struct directory_run *run);
/* Lists a new run, of so many entries to come, that has none yet. 0, -EOVERFLOW or -ENOMEM. */
int directory_make_run(struct directory *d, unsigned level, uint64_t n, struct directory_run *ret);
/* Takes what it writes to a run that is listed. 0 or negative errno. */
int directory_write(struct directory *d, struct txn *t, uint32_t number,
                    const struct directory_entry *entries, size_t n);
/* Takes a step of each merge under way or due, such that a level never has much more than twice MERGE runs
 * when it is called behind each that is added. 0 or negative errno. */
int directory_merge(struct directory *d, struct txn *t);
/* Goes on with one merge under way by n_buckets. 1 where there was one, 0 where there was none, or negative
 * errno. */
int directory_merge_on(struct directory *d, struct txn *t, unsigned n_buckets);

#endif
