#include "core/store/directory_inside.h"

#include <stdlib.h>

/* --- a range
 * ------------------------------------------------------------------------------------------------ */

/* What the runs of a merge have of one range: entries of one after the other, each sorted. */
struct range {
    struct entries entries;
    size_t ends[MERGE]; /* of each run's */
    struct directory_entry *sorted;
    size_t room;
};

static void range_fini(struct range *range)
{
    free(range->entries.list);
    free(range->sorted);
}

static int range_take(struct range *range, struct directory *d, struct txn *t, const struct merge *m)
{
    range->entries.n = 0;
    for (unsigned i = 0; i < MERGE; i++) {
        struct directory_run *run = directory_find_run(d, m->runs[i]);
        const size_t before = range->entries.n;
        const uint32_t n_buckets = run ? UINT32_C(1) << (run->bits - m->bits) : 0;
        for (uint32_t k = 0; k < n_buckets; k++) {
            int r = bucket_take(t, run, m->range * n_buckets + k, &range->entries);
            if (r < 0)
                return r;
        }
        range->ends[i] = range->entries.n;
        if (run)
            run->n -= range->entries.n - before;
    }
    return 0;
}

/* Few lists, each sorted: the least of their heads, again and again. */
static int range_sort(struct range *range)
{
    const struct directory_entry *list = range->entries.list;
    size_t heads[MERGE], n = range->entries.n;
    if (n > range->room) {
        free(range->sorted);
        range->room = n * 2;
        range->sorted = malloc(range->room * sizeof(*range->sorted));
        if (!range->sorted) {
            range->room = 0;
            return -ENOMEM;
        }
    }
    for (unsigned i = 0; i < MERGE; i++)
        heads[i] = i ? range->ends[i - 1] : 0;
    for (size_t k = 0; k < n; k++) {
        unsigned least = MERGE;
        for (unsigned i = 0; i < MERGE; i++)
            if (heads[i] < range->ends[i] &&
                (least == MERGE || list[heads[i]].hash < list[heads[least]].hash))
                least = i;
        range->sorted[k] = list[heads[least]++];
    }
    return 0;
}

/* --- steps
 * ------------------------------------------------------------------------------------------------- */

static bool merge_is_through(const struct merge *m)
{
    return m->range >> m->bits != 0;
}

static void merge_end(struct directory *d, struct merge *m)
{
    for (unsigned i = 0; i < MERGE; i++) {
        struct directory_run *run = directory_find_run(d, m->runs[i]);
        if (run)
            directory_forget_run(d, run);
    }
    m->is_under_way = false;
}

/* Moves at least so many entries, or all that are left. */
static int merge_step(struct directory *d, struct txn *t, struct merge *m, uint64_t n_entries)
{
    struct range range = {0};
    uint64_t n_moved = 0;
    int r = 0;
    while (r == 0 && n_moved < n_entries && !merge_is_through(m)) {
        r = range_take(&range, d, t, m);
        if (r == 0)
            r = range_sort(&range);
        if (r == 0 && range.entries.n)
            r = directory_write(d, t, m->into, range.sorted, range.entries.n);
        n_moved += range.entries.n;
        m->range++;
    }
    range_fini(&range);
    if (r == 0 && merge_is_through(m))
        merge_end(d, m);
    return r;
}

/* Whether a merge still adds to the run. */
static bool is_unfinished(const struct directory *d, const struct directory_run *run)
{
    const struct merge *m = run->level ? &d->merges[run->level - 1] : NULL;
    return m && m->is_under_way && m->into == run->number;
}

/* The oldest MERGE runs of a level, where there are so many. */
static int merge_begin(struct directory *d, unsigned level)
{
    struct merge m = {.is_under_way = true, .bits = UINT8_MAX};
    struct directory_run into;
    unsigned n = 0;
    for (size_t i = 0; i < d->n_runs && n < MERGE; i++) {
        const struct directory_run *run = &d->runs[i];
        if (run->level != level || is_unfinished(d, run))
            continue;
        m.runs[n++] = run->number;
        m.n_total += run->n;
        m.bits = run->bits < m.bits ? run->bits : m.bits;
    }
    if (n < MERGE || level + 1 >= LEVELS_MAX)
        return 0;
    int r = directory_make_run(d, level + 1, m.n_total, &into);
    if (r < 0)
        return r;
    m.into = into.number;
    m.bits = into.bits < m.bits ? into.bits : m.bits;
    d->merges[level] = m;
    return 0;
}

/* A merge is through after MERGE / 2 runs of its level have come behind it. */
static uint64_t share_of(const struct merge *m, unsigned level)
{
    uint64_t n_adds = MERGE / 2;
    for (unsigned i = 0; i < level; i++)
        n_adds *= MERGE;
    return m->n_total / n_adds + 1;
}

int directory_merge(struct directory *d, struct txn *t)
{
    int r = 0;
    for (unsigned level = 0; level < LEVELS_MAX && r == 0; level++) {
        struct merge *m = &d->merges[level];
        if (!m->is_under_way)
            r = merge_begin(d, level);
        if (r == 0 && m->is_under_way)
            r = merge_step(d, t, m, share_of(m, level));
    }
    return r;
}

int directory_merge_on(struct directory *d, struct txn *t, unsigned n_buckets)
{
    unsigned level = 0;
    while (level < LEVELS_MAX && !d->merges[level].is_under_way)
        level++;
    if (level == LEVELS_MAX)
        return 0;
    int r = merge_step(d, t, &d->merges[level], (uint64_t)n_buckets * BUCKET_ENTRIES);
    return r < 0 ? r : 1;
}
