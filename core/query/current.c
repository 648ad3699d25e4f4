#include "core/query/current.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX (1u << 28)

void current_fini(struct current *c)
{
    free(c->known);
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        free(c->codes[f]);
    *c = (struct current){0};
}

static int current_reserve(struct current *c, uint64_t fields, uint64_t subject)
{
    if (subject < c->capacity)
        return 0;
    size_t next = c->capacity ? c->capacity : 65536;
    while (next <= subject && next <= SUBJECTS_MAX)
        next *= 2;
    if (next > SUBJECTS_MAX)
        return -E2BIG;
    uint8_t *known = realloc(c->known, next);
    if (!known)
        return -ENOMEM;
    memset(known + c->capacity, 0, next - c->capacity);
    c->known = known;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
        if (!(fields & 1ull << f))
            continue;
        uint16_t *codes = realloc(c->codes[f], next * sizeof(*codes));
        if (!codes)
            return -ENOMEM;
        c->codes[f] = codes;
    }
    c->capacity = next;
    return 0;
}

static int current_add(struct current *c, struct plan *p, uint64_t fields, const struct fact_vector *v,
                       struct error *err)
{
    for (uint32_t i = 0; i < v->n; i++) {
        uint64_t subject = (uint64_t)v->values[FACT_SUBJECT][i];
        if ((v->live && !v->live[i]) || !(v->values[FACT_FLAGS][i] & FACT_FLAG_TICKET))
            continue;
        int r = current_reserve(c, fields, subject);
        if (r == -E2BIG)
            return error_set(err, r, "query_memory",
                             "there are too many tickets to look up their current dimensions");
        if (r < 0)
            return error_set(err, r, "no_memory", "no memory for the query");
        c->known[subject] = 1;
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            if (fields & 1ull << f)
                c->codes[f][subject] = v->dimensions[1][f][i];
    }
    p->current_bytes = c->capacity * (1 + sizeof(uint16_t) * (unsigned)__builtin_popcountll(fields));
    return plan_check(p, err);
}

int current_load(struct current *c, struct plan *p, struct error *err)
{
    uint64_t fields = 0;
    uint8_t columns[FACT_COLUMNS_MAX];
    size_t n = 0;
    for (unsigned i = 0; i < p->n_passes; i++)
        if (p->passes[i].current && p->passes[i].table != FACT_TICKET)
            fields |= p->passes[i].fields;
    if (!fields)
        return 0;
    columns[n++] = FACT_SUBJECT;
    columns[n++] = FACT_FLAGS;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (fields & 1ull << f)
            columns[n++] = (uint8_t)FACT_DIMENSION(1, f);
    struct fact_scan *scan;
    struct fact_vector v;
    int r = fact_scan_open(p->view, FACT_TICKET, columns, n, NULL, 0, &scan, err);
    if (r < 0)
        return r;
    while ((r = fact_scan_next(scan, &v, err)) == 1 && (r = current_add(c, p, fields, &v, err)) == 0)
        ;
    fact_scan_close(scan);
    return r;
}
