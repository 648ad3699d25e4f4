#include "core/query/group.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Up to this many combinations are found by their place in a table, more by hashing. */
#define DENSE_MAX (1u << 20)

struct groups {
    unsigned n_by;
    uint32_t n, n_max, capacity;
    uint32_t *ids; /* n_by a group */
    uint32_t counts[REQUEST_BY_MAX], strides[REQUEST_BY_MAX];
    uint32_t *dense; /* by combination: number + 1; NULL: hashed */
    uint32_t *slots; /* hashed: number + 1 */
    uint32_t n_slots;
};

int groups_new(unsigned n_by, const uint32_t *counts, uint32_t n_max, struct groups **ret)
{
    struct groups *g = calloc(1, sizeof(*g));
    uint64_t product = 1;
    if (!g)
        return -ENOMEM;
    g->n_by = n_by;
    g->n_max = n_max;
    memcpy(g->counts, counts, n_by * sizeof(*counts));
    for (unsigned k = 0; k < n_by && product <= DENSE_MAX; k++) {
        g->strides[k] = (uint32_t)product;
        product *= counts[k];
    }
    if (n_by == 0)
        g->n = 1;
    else if (product <= DENSE_MAX)
        g->dense = calloc(product, sizeof(*g->dense));
    else
        g->slots = calloc(g->n_slots = 1024, sizeof(*g->slots));
    if (n_by > 0 && !g->dense && !g->slots) {
        groups_free(g);
        return -ENOMEM;
    }
    *ret = g;
    return 0;
}

int groups_like(const struct groups *g, struct groups **ret)
{
    return groups_new(g->n_by, g->counts, g->n_max, ret);
}

void groups_free(struct groups *g)
{
    if (!g)
        return;
    free(g->ids);
    free(g->dense);
    free(g->slots);
    free(g);
}

static uint32_t *groups_slot(const struct groups *g, const uint32_t *ids)
{
    size_t size = g->n_by * sizeof(*ids);
    uint32_t i = (uint32_t)XXH3_64bits(ids, size) & (g->n_slots - 1);
    while (g->slots[i] && memcmp(g->ids + (size_t)(g->slots[i] - 1) * g->n_by, ids, size) != 0)
        i = (i + 1) & (g->n_slots - 1);
    return &g->slots[i];
}

static int groups_grow_slots(struct groups *g)
{
    uint32_t *old = g->slots;
    uint32_t *slots = calloc((size_t)g->n_slots * 2, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    g->slots = slots;
    g->n_slots *= 2;
    for (uint32_t i = 0; i < g->n; i++)
        *groups_slot(g, g->ids + (size_t)i * g->n_by) = i + 1;
    free(old);
    return 0;
}

/* Adds a group; its number, or negative. */
static int64_t groups_add(struct groups *g, const uint32_t *ids)
{
    if (g->n == g->n_max)
        return -E2BIG;
    if (g->n == g->capacity) {
        uint32_t capacity = g->capacity ? g->capacity * 2 : 64;
        uint32_t *grown = realloc(g->ids, (size_t)capacity * g->n_by * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        g->ids = grown;
        g->capacity = capacity;
    }
    memcpy(g->ids + (size_t)g->n * g->n_by, ids, g->n_by * sizeof(*ids));
    return g->n++;
}

/* The number of a combination that may be new; place is its place where there is a table of all. */
static int64_t groups_find(struct groups *g, const uint32_t *key, uint32_t place)
{
    uint32_t *slot = g->dense ? &g->dense[place] : groups_slot(g, key);
    if (*slot)
        return *slot - 1;
    int64_t number = groups_add(g, key);
    if (number < 0)
        return number;
    *slot = (uint32_t)number + 1;
    if (g->slots && g->n > g->n_slots / 2 && groups_grow_slots(g) < 0)
        return -ENOMEM;
    return number;
}

static uint32_t groups_place(const struct groups *g, const uint32_t *key)
{
    uint32_t place = 0;
    for (unsigned k = 0; k < g->n_by; k++)
        place += g->strides[k] * key[k];
    return place;
}

/* The numbers of combinations that have been met before, as most have; UINT32_MAX of the others. False: there
 * are none of those. */
static bool groups_known(const struct groups *g, const uint32_t *const *ids, uint32_t n, uint32_t *numbers)
{
    const uint32_t *dense = g->dense;
    uint32_t any = 0;
    for (uint32_t i = 0; i < n && g->n_by == 1; i++) {
        uint32_t known = dense[ids[0][i]];
        numbers[i] = known - 1;
        any |= known == 0;
    }
    for (uint32_t i = 0; i < n && g->n_by == 2; i++) {
        uint32_t known = dense[ids[0][i] + g->strides[1] * ids[1][i]];
        numbers[i] = known - 1;
        any |= known == 0;
    }
    for (uint32_t i = 0; i < n && g->n_by > 2; i++) {
        uint32_t place = 0;
        for (unsigned k = 0; k < g->n_by; k++)
            place += g->strides[k] * ids[k][i];
        numbers[i] = dense[place] - 1;
        any |= dense[place] == 0;
    }
    return any;
}

int groups_number(struct groups *g, const uint32_t *const *ids, uint32_t n, const uint8_t *wanted,
                  uint32_t *numbers)
{
    if (g->n_by == 0)
        memset(numbers, 0, n * sizeof(*numbers));
    if (g->n_by == 0 || (g->dense && !groups_known(g, ids, n, numbers)))
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key[REQUEST_BY_MAX];
        if ((g->dense && numbers[i] != UINT32_MAX) || (wanted && !wanted[i]))
            continue;
        for (unsigned k = 0; k < g->n_by; k++)
            key[k] = ids[k][i];
        int64_t number = groups_find(g, key, g->dense ? groups_place(g, key) : 0);
        if (number < 0)
            return (int)number;
        numbers[i] = (uint32_t)number;
    }
    return 0;
}

int groups_merge(struct groups *g, const struct groups *other, uint32_t *map)
{
    for (uint32_t i = 0; i < other->n; i++) {
        const uint32_t *key = other->ids + (size_t)i * g->n_by;
        int64_t number = g->n_by ? groups_find(g, key, g->dense ? groups_place(g, key) : 0) : 0;
        if (number < 0)
            return (int)number;
        map[i] = (uint32_t)number;
    }
    return 0;
}

struct ignoring {
    const struct groups *groups;
    uint32_t ignored;
};

static int by_others(const void *x, const void *y, void *context)
{
    const struct ignoring *i = context;
    const struct groups *g = i->groups;
    const uint32_t *a = g->ids + (size_t) * (const uint32_t *)x * g->n_by,
                   *b = g->ids + (size_t) * (const uint32_t *)y * g->n_by;
    for (unsigned k = 0; k < g->n_by; k++)
        if (!(i->ignored >> k & 1) && a[k] != b[k])
            return a[k] < b[k] ? -1 : 1;
    return 0;
}

int groups_bases(const struct groups *g, uint32_t ignored, uint32_t *bases)
{
    struct ignoring context = {g, ignored};
    uint32_t *order = malloc((g->n ? g->n : 1) * sizeof(*order));
    if (!order)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->n; i++)
        order[i] = i;
    if (g->n_by)
        qsort_r(order, g->n, sizeof(*order), by_others, &context);
    for (uint32_t i = 0, first = 0; i < g->n; i++) {
        if (g->n_by && by_others(&order[first], &order[i], &context) != 0)
            first = i;
        bases[order[i]] = order[first];
    }
    free(order);
    return 0;
}

uint32_t groups_count(const struct groups *g)
{
    return g->n;
}

const uint32_t *groups_ids(const struct groups *g, uint32_t number)
{
    return g->ids + (size_t)number * g->n_by;
}
