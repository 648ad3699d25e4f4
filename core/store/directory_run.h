/* The directory's runs in the database: sorted hashes with their numbers, cut into buckets.
 *
 * A level is how often a run was merged. Numbers of runs ascend, so that a new one is written behind all
 * others, into full pages. The bucket of a hash is its top bits, and how many is kept in every key beside the
 * level, so a run is read without another table. A bucket has at most about BUCKET_ENTRIES entries: that are
 * some 500 bytes, of which a page has several. */
#ifndef TENDON_STORE_DIRECTORY_RUN_H
#define TENDON_STORE_DIRECTORY_RUN_H

#include "core/base/buffer.h"
#include "core/store/directory.h"

#define BUCKET_ENTRIES   64
#define BUCKET_KEY_BYTES 9

struct directory_run {
    uint32_t number;
    uint8_t level, bits;
    uint64_t n; /* entries */
};

void bucket_key(uint8_t key[BUCKET_KEY_BYTES], const struct directory_run *run, uint32_t bucket);
/* The run that a key is of, n aside. */
struct directory_run bucket_run(const uint8_t key[BUCKET_KEY_BYTES]);
static inline uint32_t bucket_of(uint64_t hash, unsigned bits)
{
    return bits ? (uint32_t)(hash >> (64 - bits)) : 0;
}

/* A bucket's hashes and numbers; the hashes are the caller's to free, the numbers (ret_numbers may be NULL)
 * lie behind them. 0, -EBADMSG, -ENOMEM. */
int bucket_read(const MDB_val *value, int64_t **ret_hashes, int64_t **ret_numbers, uint32_t *ret_n);

/* Entries as they are stored; is_loose says nothing. */
struct entries {
    struct directory_entry *list;
    size_t n, capacity;
};
/* Appends those of a bucket: 1, 0 where there is none, or a negative errno. */
int bucket_add(struct txn *t, const struct directory_run *run, uint32_t bucket, struct entries *entries);
/* The same, and takes them out of the database. 0 or a negative errno. */
int bucket_take(struct txn *t, const struct directory_run *run, uint32_t bucket, struct entries *entries);

/* What a run is written with. */
struct run_writer {
    struct directory_run run;
    int64_t *values;
    size_t n_values; /* room */
    struct buffer out;
    bool is_last; /* no run in the database has a greater number */
};
void run_writer_init(struct run_writer *w, const struct directory_run *run, bool is_last);
void run_writer_fini(struct run_writer *w);
/* Sorted entries (hash: as stored) of whole buckets, behind those before. 0 or a negative errno. */
int run_writer_add(struct run_writer *w, struct txn *t, const struct directory_entry *entries, size_t n);

#endif
