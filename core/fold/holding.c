#include "core/fold/holding.h"

#include <string.h>

size_t holdings_make(struct run *r)
{
    struct fold *f = r->f;
    size_t n = 0, n_slots = run_slots(r->n_intervals);
    memset(f->slots, 0, n_slots * sizeof(f->slots[0]));
    int64_t last_solve = f->solves[r->n_solves - 1].at;
    /* backwards: where a team is first met is the end of its last holding, in whatever class */
    for (size_t i = r->n_intervals; i-- > 0;) {
        const struct interval *v = &f->intervals[i];
        if (v->from >= last_solve)
            continue;
        size_t slot = v->team * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (n_slots - 1);
        while (f->slots[slot] && f->holdings[f->slots[slot] - 1].team != v->team)
            slot = (slot + 1) & (n_slots - 1);
        if (!f->slots[slot]) {
            f->holdings[n] = (struct holding){.team = v->team, .until = v->to};
            f->slots[slot] = (uint32_t)++n;
        }
        struct holding *h = &f->holdings[f->slots[slot] - 1];
        if (v->class != STATUS_NEW && v->class != STATUS_OPEN)
            continue;
        h->held_ms += v->to - v->from;
        duration_add(&h->duration, v->duration);
    }
    return n;
}
