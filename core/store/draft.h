/* What a seal writes, made beside the commits that go on meanwhile.
 *
 * A draft begins with the hot subjects as they are at one log position. Their events up to there become a
 * segment, and the facts of those that cool down row groups; both are kept until the seal's transaction takes
 * them. The committer takes and ends a draft; draft_make only reads what is hot and may run on any thread. */
#ifndef TENDON_STORE_DRAFT_H
#define TENDON_STORE_DRAFT_H

#include "core/store/state.h"

struct draft_subject {
    struct subject was;  /* its data and size stay readable, whatever comes */
    struct subject *hot; /* the committer's own */
};

struct draft {
    struct store *store;
    uint64_t position;               /* the log below it is in the segment */
    uint32_t n_subjects;             /* numbers below are on the list, or cold */
    uint32_t segment;                /* also the run of the facts */
    uint16_t generation;             /* of the facts, where there is a first to write to; else 0 */
    struct draft_subject *list;      /* all that is hot */
    struct draft_place *order;       /* those with new events and those that cool, by number once made */
    size_t n, n_written, capacity;   /* of the list; of the order; room of both */
    uint32_t n_in_directory;         /* numbers below are there already */
    struct directory_entry *entries; /* of the others, sorted for it, once made; room for n */
    size_t n_entries;
};

/* Takes the hot subjects as they are, and holds their events, until draft_release. d: all zeros, or of an
 * earlier draft, whose memory is used again. -ENOMEM. */
int draft_take(struct draft *d, struct store *s, enum seal_kind kind);
/* Makes segment, row groups and directory entries with the store's sealers. 0 or negative errno. */
int draft_make(struct draft *d);
/* Puts them into a transaction. 0 or negative errno. */
int draft_put(struct draft *d, struct txn *t);
void draft_release(struct draft *d);
void draft_fini(struct draft *d);

/* The i-th of those that there is something to write of, by number. */
struct draft_place {
    uint32_t number, at;
};
static inline const struct draft_subject *draft_at(const struct draft *d, size_t i)
{
    return &d->list[d->order[i].at];
}

#endif
