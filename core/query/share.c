#include "core/query/share.h"

#include <errno.h>
#include <stdlib.h>

bool share_is_possible(const struct plan *p)
{
    bool is_possible = !p->witness && !p->given && !p->clocks;
    for (unsigned i = 0; i < p->n_measures; i++)
        is_possible &= p->measures[i].unit == UNIT_TICKET;
    return is_possible;
}

int share_new(struct plan *p, unsigned place, struct plan **ret)
{
    struct plan *share = malloc(sizeof(*share));
    if (!share)
        return -ENOMEM;
    *share = *p;
    share->whole = p;
    share->place = place;
    share->groups = NULL;
    share->tally = (struct tally){.is_share = true};
    share->ballot_bytes = share->current_bytes = share->merge_bytes = 0;
    for (unsigned i = 0; i < p->n_measures; i++)
        measure_share(&p->measures[i], &share->measures[i]);
    for (unsigned i = 0; i < p->n_passes; i++)
        share->passes[i].resellers = 0;
    int r = groups_like(p->groups, &share->groups);
    for (unsigned i = 0; i < p->n_measures && r == 0; i++)
        r = measure_reserve(&share->measures[i], groups_count(share->groups));
    if (r < 0) {
        share_free(share);
        return r;
    }
    *ret = share;
    return 0;
}

int share_merge(struct plan *share)
{
    struct plan *p = share->whole;
    uint32_t n = groups_count(share->groups);
    uint32_t *map = calloc(n ? n : 1, sizeof(*map));
    int r = map ? groups_merge(p->groups, share->groups, map) : -ENOMEM;
    for (unsigned i = 0; i < p->n_measures && r == 0; i++) {
        r = measure_reserve(&p->measures[i], groups_count(p->groups));
        if (r == 0)
            r = measure_merge(&p->measures[i], &share->measures[i], map, n);
    }
    if (r == 0)
        r = tally_merge(&p->tally, &share->tally, map, p->periods.n);
    for (unsigned i = 0; i < p->n_passes; i++)
        p->passes[i].resellers += share->passes[i].resellers;
    free(map);
    return r;
}

void share_free(struct plan *share)
{
    if (!share)
        return;
    for (unsigned i = 0; i < share->n_measures; i++)
        measure_fini(&share->measures[i]);
    groups_free(share->groups);
    tally_fini(&share->tally);
    free(share);
}
