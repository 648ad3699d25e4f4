#include "core/store/directory_inside.h"

#include <stdlib.h>

enum { SHARE_FORGOTTEN = 4 }; /* of a run: when so much of it is to go it is written anew */

struct sweeping {
    struct directory *directory;
    struct txn *txn;
    struct directory_sweep *at;
    int (*goes)(void *context, uint64_t stored, uint32_t number);
    void *context;
    struct entries entries; /* of the buckets under way; those that stay in front */
    size_t n_kept;
};

/* The run that is looked at, NULL when all have been. Seals merge runs in between: where that took one away,
 * what it has become is looked at by the next sweep. The older of a level go first, so that one whose rest is
 * still there has the run, too, that the others of its entries went to. */
static struct directory_run *sweep_run(struct sweeping *w)
{
    struct directory_sweep *at = w->at;
    struct directory *d = w->directory;
    size_t i = 0;
    if (!at->end)
        at->end = d->next_run;
    while (i < d->n_runs && d->runs[i].number < at->run)
        i++;
    if (i == d->n_runs || d->runs[i].number >= at->end)
        return NULL;
    if (d->runs[i].number != at->run)
        *at = (struct directory_sweep){.run = d->runs[i].number, .end = at->end};
    return &d->runs[i];
}

/* Puts those entries in front that stay. */
static int sift(struct sweeping *w)
{
    struct directory_entry *list = w->entries.list;
    w->n_kept = 0;
    for (size_t i = 0; i < w->entries.n; i++) {
        int r = w->goes(w->context, list[i].hash, list[i].number);
        if (r < 0)
            return r;
        if (r == 0)
            list[w->n_kept++] = list[i];
    }
    return 0;
}

/* The run is through: what is to stay of it goes to a new one when enough is to go. */
static int sweep_decide(struct sweeping *w, const struct directory_run *run)
{
    enum { FEWER_BITS = 2 }; /* so many more buckets make one */
    struct directory_sweep *at = w->at;
    struct directory *d = w->directory;
    struct directory_run into;
    at->bucket = 0;
    if (at->n_gone * SHARE_FORGOTTEN < run->n || at->n_gone == 0) {
        at->run++;
        at->n_gone = 0;
        return 0;
    }
    const unsigned most = run->bits;
    int r = directory_make_run(d, run->level, run->n - at->n_gone, &into);
    if (r < 0)
        return r;
    if (into.bits + FEWER_BITS < most)
        directory_find_run(d, into.number)->bits = (uint8_t)(most - FEWER_BITS);
    at->into = into.number;
    return 0;
}

/* Counts what goes of the next bucket of a run. */
static int sweep_count(struct sweeping *w, const struct directory_run *run)
{
    w->entries.n = 0;
    int r = bucket_add(w->txn, run, w->at->bucket, &w->entries);
    if (r >= 0)
        r = sift(w);
    if (r < 0)
        return r;
    w->at->n_gone += w->entries.n - w->n_kept;
    return ++w->at->bucket >> run->bits ? sweep_decide(w, run) : 0;
}

/* Moves what stays of the buckets that become the next one of the new run; both are short of each other's
 * entries until the last. */
static int sweep_move(struct sweeping *w, struct directory_run *run)
{
    struct directory_sweep *at = w->at;
    struct directory *d = w->directory;
    struct directory_run *into = directory_find_run(d, at->into);
    const uint32_t n_buckets = UINT32_C(1) << (run->bits - into->bits);
    int r = 0;
    w->entries.n = 0;
    for (uint32_t i = 0; i < n_buckets && r == 0; i++)
        r = bucket_take(w->txn, run, at->bucket * n_buckets + i, &w->entries);
    if (r == 0)
        r = sift(w);
    if (r < 0)
        return r;
    r = directory_write(d, w->txn, into->number, w->entries.list, w->n_kept);
    run->n -= w->entries.n;
    if (++at->bucket >> into->bits == 0)
        return r;
    if (into->n == 0)
        directory_forget_run(d, into);
    directory_forget_run(d, run);
    *at = (struct directory_sweep){.run = at->run + 1, .end = at->end};
    return r;
}

int directory_sweep(struct directory *d, struct txn *t, struct directory_sweep *at, unsigned n_buckets,
                    int (*goes)(void *context, uint64_t stored, uint32_t number), void *context)
{
    struct sweeping w = {.directory = d, .txn = t, .at = at, .goes = goes, .context = context};
    struct directory_run *run = NULL;
    int r = directory_merge_on(d, t, n_buckets);
    if (r != 0)
        return r;
    for (unsigned i = 0; i < n_buckets && r == 0 && (run = sweep_run(&w)); i++)
        r = at->into ? sweep_move(&w, run) : sweep_count(&w, run);
    free(w.entries.list);
    return r < 0 ? r : run != NULL;
}
