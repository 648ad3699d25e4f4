/* The order of one subject's events: (at, seq, rank, content), metrics rule 1.
 *
 * event_compare (core/fold/fold.h) is the definition; this is the sort that the fold uses, which looks at
 * content only where at, seq and rank tie. No allocation. */
#ifndef TENDON_FOLD_ORDER_H
#define TENDON_FOLD_ORDER_H

#include "core/fold/fold.h"

struct order_item {
    int64_t at;
    uint64_t key; /* seq and rank */
    const struct event *event;
};

/* The fields by their wire keys, made when content is first looked at. */
struct order {
    const struct fold_environment *environment;
    bool is_ready;
    uint8_t fields[FIELD_N];
};

void order_init(struct order *o, const struct fold_environment *environment);
void order_item_init(struct order_item *item, const struct event *e);
/* Sorts n items; room has as many. Stable, n log n at worst, near n when nearly sorted. */
void order_sort(struct order *o, struct order_item *items, struct order_item *room, size_t n);

#endif
