#include "core/query/loose.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define LOOSE_MAX (UINT32_MAX / 4)

void loose_fini(struct loose *l)
{
    free(l->ratings);
    free(l->slots);
    *l = (struct loose){0};
}

static uint64_t rating_hash(const struct loose_rating *r)
{
    const int64_t key[] = {r->slot, r->dimensions[FIELD_SITE], r->values[FACT_RATING_RESPONDENT],
                           r->values[FACT_RATING_QUESTION], r->values[FACT_RATING_INSTRUMENT]};
    return XXH3_64bits(key, sizeof(key));
}

static bool rating_is_same(const struct loose_rating *a, const struct loose_rating *b)
{
    return a->slot == b->slot && a->dimensions[FIELD_SITE] == b->dimensions[FIELD_SITE] &&
           a->values[FACT_RATING_RESPONDENT] == b->values[FACT_RATING_RESPONDENT] &&
           a->values[FACT_RATING_QUESTION] == b->values[FACT_RATING_QUESTION] &&
           a->values[FACT_RATING_INSTRUMENT] == b->values[FACT_RATING_INSTRUMENT];
}

/* By instant and the source's order; of two that share both the scale and score decide, so that the order of
 * arrival never does. */
static bool rating_is_later(const struct loose_rating *a, const struct loose_rating *b)
{
    static const uint8_t COLUMNS[] = {FACT_RATING_AT, FACT_RATING_SEQ, FACT_RATING_MAX, FACT_RATING_MIN,
                                      FACT_RATING_SCORE};
    for (size_t i = 0; i < sizeof(COLUMNS); i++)
        if (a->values[COLUMNS[i]] != b->values[COLUMNS[i]])
            return a->values[COLUMNS[i]] > b->values[COLUMNS[i]];
    return false;
}

static uint32_t *loose_slot(const struct loose *l, const struct loose_rating *r)
{
    size_t i = rating_hash(r) & (l->n_slots - 1);
    while (l->slots[i] && !rating_is_same(&l->ratings[l->slots[i] - 1], r))
        i = (i + 1) & (l->n_slots - 1);
    return &l->slots[i];
}

static int loose_grow(struct loose *l)
{
    size_t capacity = l->capacity ? l->capacity * 2 : 256;
    if (capacity > LOOSE_MAX)
        return -E2BIG;
    struct loose_rating *ratings = realloc(l->ratings, capacity * sizeof(*ratings));
    if (!ratings)
        return -ENOMEM;
    l->ratings = ratings;
    l->capacity = capacity;
    uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(l->slots);
    l->slots = slots;
    l->n_slots = capacity * 2;
    for (size_t i = 0; i < l->n; i++)
        *loose_slot(l, &l->ratings[i]) = (uint32_t)i + 1;
    return 0;
}

int loose_add(struct loose *l, const struct loose_rating *rating)
{
    int r = l->n == l->capacity ? loose_grow(l) : 0;
    if (r < 0)
        return r;
    uint32_t *slot = loose_slot(l, rating);
    if (*slot) {
        struct loose_rating *kept = &l->ratings[*slot - 1];
        if (rating_is_later(rating, kept))
            *kept = *rating;
        return 0;
    }
    l->ratings[l->n++] = *rating;
    *slot = (uint32_t)l->n;
    return 0;
}
