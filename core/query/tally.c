#include "core/query/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tally_fini(struct tally *t)
{
    bitmap_fini(&t->excluded_seen);
    bitmap_fini(&t->inferred_seen);
    free(t->by_source);
    free(t->list);
    free(t->pairs);
    free(t->cells);
    *t = (struct tally){0};
}

size_t tally_bytes(const struct tally *t)
{
    return t->excluded_seen.n_bytes + t->inferred_seen.n_bytes + t->n_slots * sizeof(uint64_t) +
           t->n_cells * sizeof(*t->cells) + t->list_capacity * sizeof(*t->list);
}

/* Makes room for row `at` of a list of counts by reason, new ones 0. */
static int counts_reserve(uint64_t (**counts)[EXCLUDED_N], size_t *n, size_t at)
{
    if (at < *n)
        return 0;
    size_t next = *n ? *n : 16;
    while (next <= at)
        next *= 2;
    uint64_t(*grown)[EXCLUDED_N] = realloc(*counts, next * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memset(grown + *n, 0, (next - *n) * sizeof(*grown));
    *counts = grown;
    *n = next;
    return 0;
}

static uint64_t *pairs_slot(uint64_t *pairs, size_t n_slots, uint64_t pair)
{
    uint64_t h = pair * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (h ^ h >> 29) & (n_slots - 1);
    while (pairs[i] && pairs[i] != pair)
        i = (i + 1) & (n_slots - 1);
    return &pairs[i];
}

/* 1 when the pair is new. */
static int pairs_add(struct tally *t, uint32_t cell, uint32_t subject)
{
    if (t->n_pairs * 2 >= t->n_slots) {
        size_t n = t->n_slots ? t->n_slots * 2 : 256;
        uint64_t *grown = calloc(n, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        for (size_t i = 0; i < t->n_slots; i++)
            if (t->pairs[i])
                *pairs_slot(grown, n, t->pairs[i]) = t->pairs[i];
        free(t->pairs);
        t->pairs = grown;
        t->n_slots = n;
    }
    uint64_t pair = (((uint64_t)cell << 32) | subject) + 1;
    uint64_t *slot = pairs_slot(t->pairs, t->n_slots, pair);
    if (*slot)
        return 0;
    *slot = pair;
    t->n_pairs++;
    return 1;
}

static int list_add(struct tally *t, const struct exclusion *e)
{
    if (t->n_listed == t->list_capacity) {
        size_t capacity = t->list_capacity ? t->list_capacity * 2 : 64;
        struct exclusion *grown = realloc(t->list, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        t->list = grown;
        t->list_capacity = capacity;
    }
    t->list[t->n_listed++] = *e;
    return 0;
}

int tally_exclude(struct tally *t, uint32_t cell, uint32_t subject, uint32_t namespace,
                  enum fact_excluded reason)
{
    int r = pairs_add(t, cell, subject);
    if (r <= 0)
        return r;
    if (t->is_share)
        return list_add(t, &(struct exclusion){cell, subject, namespace, reason});
    if (counts_reserve(&t->cells, &t->n_cells, cell) < 0)
        return -ENOMEM;
    t->cells[cell][reason]++;
    r = bitmap_add(&t->excluded_seen, subject);
    if (r <= 0)
        return r;
    if (counts_reserve(&t->by_source, &t->n_sources, namespace) < 0)
        return -ENOMEM;
    t->excluded[reason]++;
    t->by_source[namespace][reason]++;
    return 0;
}

int tally_infer(struct tally *t, uint32_t subject)
{
    int r = bitmap_add(&t->inferred_seen, subject);
    if (r > 0)
        t->inferred++;
    return r < 0 ? r : 0;
}

int tally_merge(struct tally *t, const struct tally *share, const uint32_t *group_map, uint32_t n_slots)
{
    int r = bitmap_merge(&t->inferred_seen, &share->inferred_seen, &t->inferred);
    for (unsigned k = 0; k < LEFT_OUT_N; k++)
        t->left_out[k] += share->left_out[k];
    for (size_t i = 0; i < share->n_listed && r == 0; i++) {
        const struct exclusion *e = &share->list[i];
        uint32_t cell = group_map[e->cell / n_slots] * n_slots + e->cell % n_slots;
        r = tally_exclude(t, cell, e->subject, e->namespace, e->reason);
    }
    return r;
}

const uint64_t *tally_cell(const struct tally *t, uint32_t cell)
{
    if (cell >= t->n_cells)
        return NULL;
    for (unsigned r = 0; r < EXCLUDED_N; r++)
        if (t->cells[cell][r])
            return t->cells[cell];
    return NULL;
}
