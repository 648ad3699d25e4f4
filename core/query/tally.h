/* What an answer left out, and tickets counted once however many samples they would have given. */
#ifndef TENDON_QUERY_TALLY_H
#define TENDON_QUERY_TALLY_H

#include "core/base/bitmap.h"
#include "core/query/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A ticket that would have given a sample in a cell. */
struct exclusion {
    uint32_t cell, subject, namespace;
    enum fact_excluded reason;
};

struct tally {
    struct bitmap excluded_seen, inferred_seen;
    uint64_t excluded[EXCLUDED_N];     /* tickets, by reason */
    uint64_t (*by_source)[EXCLUDED_N]; /* by namespace number */
    size_t n_sources;
    uint64_t inferred;
    uint64_t left_out[LEFT_OUT_N]; /* rows by reason */

    /* One that is to be merged into another one lists what it excludes and counts nothing. */
    bool is_share;
    struct exclusion *list;
    size_t n_listed, list_capacity;

    uint64_t *pairs; /* hash set of (cell, ticket) + 1 */
    size_t n_pairs, n_slots;
    uint64_t (*cells)[EXCLUDED_N]; /* tickets by cell and reason */
    size_t n_cells;
};

void tally_fini(struct tally *t);
/* A ticket that would have given a sample in a cell. -ENOMEM. */
int tally_exclude(struct tally *t, uint32_t cell, uint32_t subject, uint32_t namespace,
                  enum fact_excluded reason);
int tally_infer(struct tally *t, uint32_t subject);
/* Takes over what a share has counted; group_map: the groups of its cells, each of n_slots, in t. -ENOMEM. */
int tally_merge(struct tally *t, const struct tally *share, const uint32_t *group_map, uint32_t n_slots);
/* By reason, or NULL when the cell left none out. */
const uint64_t *tally_cell(const struct tally *t, uint32_t cell);
size_t tally_bytes(const struct tally *t);

#endif
