/* Subjects folded on their way into blocks: their rows are gathered in a memtable of their own until all are
 * there to be sorted and written as one run. The committer's. */
#ifndef TENDON_STORE_FOLDED_H
#define TENDON_STORE_FOLDED_H

#include "core/store/facts.h"
#include "core/store/hot.h"

struct environment;
struct store;

struct folded {
    struct store *store;
    const struct environment *environment;
    struct memtable *memtable;
    struct fact_ref *refs[FACT_N_TABLES];
    size_t n_refs[FACT_N_TABLES], capacity[FACT_N_TABLES];
};

/* The environment must outlive it. -ENOMEM. */
int folded_init(struct folded *f, struct store *s, const struct environment *environment);
void folded_fini(struct folded *f);

/* Folds a subject's events. 0 or -ENOMEM. */
int folded_add(struct folded *f, const struct subject *subject);

int folded_write(struct folded *f, struct txn *t, uint16_t generation, uint32_t run);

#endif
