#include "core/query/whole.h"

#include <stdlib.h>
#include <string.h>

/* --- namespaces that speak
 * --------------------------------------------------------------------------------------- */

static int mark_speaking(struct plan *p, enum fact_table table, const uint8_t *columns, size_t n_columns,
                         const struct fact_bound *bound, uint8_t *speaks, size_t n, size_t *left,
                         struct error *err)
{
    struct fact_scan *scan;
    struct fact_vector v;
    int r = fact_scan_open(p->view, table, columns, n_columns, bound, bound ? 1 : 0, &scan, err);
    if (r < 0)
        return r;
    /* Mostly the first block has told of all of them. */
    while (*left > 0 && (r = fact_scan_next(scan, &v, err)) == 1 && (r = plan_check(p, err)) == 0)
        for (uint32_t i = 0; i < v.n; i++) {
            int64_t namespace = v.values[FACT_NAMESPACE][i];
            if ((v.live && !v.live[i]) || (bound && v.values[bound->column][i] < bound->low) ||
                namespace <= 0 || (uint64_t) namespace >= n || speaks[namespace])
                continue;
            speaks[namespace] = 1;
            --*left;
        }
    fact_scan_close(scan);
    return r < 0 ? r : 0;
}

int whole_speaking(struct plan *p, uint8_t *speaks, size_t n, struct error *err)
{
    static const uint8_t TICKET[] = {FACT_NAMESPACE, FACT_TICKET_SPEAKS}, CONTACT[] = {FACT_NAMESPACE};
    const struct fact_bound bound = {FACT_TICKET_SPEAKS, 1, INT64_MAX};
    size_t left = n > 0 ? n - 1 : 0; /* number 0 is none */
    memset(speaks, 0, n);
    int r = mark_speaking(p, FACT_TICKET, TICKET, 2, &bound, speaks, n, &left, err);
    return r < 0 ? r : mark_speaking(p, FACT_CONTACT, CONTACT, 1, NULL, speaks, n, &left, err);
}

/* --- rings of merges
 * -------------------------------------------------------------------------------------------- */

struct merge {
    uint64_t hash, into;
    uint32_t walk; /* the one that came by first, from 1; 0 none */
};

struct merges {
    struct merge *at;
    size_t n, capacity;
};

static int merges_add(struct merges *m, uint64_t hash, uint64_t into)
{
    if (m->n == m->capacity) {
        size_t capacity = m->capacity ? m->capacity * 2 : 256;
        struct merge *grown = realloc(m->at, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        m->at = grown;
        m->capacity = capacity;
    }
    m->at[m->n++] = (struct merge){.hash = hash, .into = into};
    return 0;
}

static int merges_read(struct plan *p, struct merges *m, struct error *err)
{
    static const uint8_t COLUMNS[] = {FACT_MERGE_HASH, FACT_MERGE_INTO};
    struct fact_scan *scan;
    struct fact_vector v;
    int r = fact_scan_open(p->view, FACT_MERGE, COLUMNS, 2, NULL, 0, &scan, err);
    if (r < 0)
        return r;
    while ((r = fact_scan_next(scan, &v, err)) == 1 && (r = plan_check(p, err)) == 0) {
        for (uint32_t i = 0; i < v.n && r == 0; i++)
            if (!v.live || v.live[i])
                r = merges_add(m, (uint64_t)v.values[FACT_MERGE_HASH][i],
                               (uint64_t)v.values[FACT_MERGE_INTO][i]);
        if (r < 0) {
            (void)error_set(err, r, "no_memory", "no memory for the query");
            break;
        }
        p->merge_bytes = m->capacity * sizeof(*m->at);
    }
    fact_scan_close(scan);
    return r;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct merge *)a)->hash, y = ((const struct merge *)b)->hash;
    return (x > y) - (x < y);
}

static struct merge *merges_find(const struct merges *m, uint64_t hash)
{
    const struct merge key = {.hash = hash};
    return m->n ? bsearch(&key, m->at, m->n, sizeof(key), by_hash) : NULL;
}

/* Each ticket went into one other, so a walk either leaves the merged ones, meets what an earlier walk has
 * seen, or meets itself: then what lies between is a ring. Every ticket is walked over once. */
static uint64_t merges_in_rings(struct merges *m)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        uint32_t walk = (uint32_t)i + 1;
        struct merge *at = &m->at[i];
        while (at && at->walk == 0) {
            at->walk = walk;
            at = merges_find(m, at->into);
        }
        if (!at || at->walk != walk)
            continue;
        const struct merge *first = at;
        do {
            n++;
            at = merges_find(m, at->into);
        } while (at != first);
    }
    return n;
}

int whole_rings(struct plan *p, uint64_t *ret_tickets, struct error *err)
{
    struct merges m = {0};
    int r = merges_read(p, &m, err);
    if (r == 0) {
        if (m.n)
            qsort(m.at, m.n, sizeof(*m.at), by_hash);
        *ret_tickets = merges_in_rings(&m);
    }
    free(m.at);
    p->merge_bytes = 0;
    return r;
}
