#include "core/query/measure.h"

#include "core/query/statistic.h"

#include <stdlib.h>
#include <string.h>

void measure_fini(struct measure *m)
{
    while (m->chunks) {
        struct sample_chunk *next = m->chunks->next;
        free(m->chunks);
        m->chunks = next;
    }
    free(m->cells);
    free(m->sorted);
    free(m->offsets);
    free(m->votes);
    free(m->shares);
    *m = (struct measure){0};
}

int measure_reserve(struct measure *m, uint32_t n_groups)
{
    size_t n = (size_t)n_groups * m->n_slots;
    if (n <= m->n_cells)
        return 0;
    size_t next = m->n_cells ? m->n_cells : 1;
    while (next < n)
        next *= 2;
    struct cell *grown = realloc(m->cells, next * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memset(grown + m->n_cells, 0, (next - m->n_cells) * sizeof(*grown));
    m->cells = grown;
    m->n_cells = next;
    return 0;
}

size_t measure_bytes(const struct measure *m)
{
    return m->n_cells * sizeof(struct cell) + m->n_vote_slots * sizeof(struct vote) +
           (m->n_samples / SAMPLES_CHUNK + 1) * (m->wants_samples ? sizeof(struct sample_chunk) : 0) +
           m->n_samples * sizeof(int64_t); /* sorted in the end */
}

int measure_add_sample(struct measure *m, uint32_t cell, int64_t value)
{
    struct sample_chunk *c = m->chunks;
    if (!c || c->n == SAMPLES_CHUNK) {
        c = malloc(sizeof(*c));
        if (!c)
            return -ENOMEM;
        c->next = m->chunks;
        c->n = 0;
        m->chunks = c;
    }
    c->cells[c->n] = cell;
    c->values[c->n++] = value;
    m->n_samples++;
    return 0;
}

static struct vote *votes_slot(struct vote *votes, size_t n_slots, const struct vote *v)
{
    uint64_t h = ((uint64_t)v->cell << 32 | v->unit) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ v->respondent) * UINT64_C(0xc2b2ae3d27d4eb4f);
    size_t i = (h ^ h >> 32) & (n_slots - 1);
    while (votes[i].n &&
           (votes[i].cell != v->cell || votes[i].unit != v->unit || votes[i].respondent != v->respondent))
        i = (i + 1) & (n_slots - 1);
    return &votes[i];
}

int measure_add_vote(struct measure *m, uint32_t cell, uint32_t unit, uint64_t respondent, bool success)
{
    struct vote key = {.cell = cell, .unit = unit, .respondent = respondent};
    if (m->n_votes * 2 >= m->n_vote_slots) {
        size_t n = m->n_vote_slots ? m->n_vote_slots * 2 : 256;
        struct vote *grown = calloc(n, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        for (size_t i = 0; i < m->n_vote_slots; i++)
            if (m->votes[i].n)
                *votes_slot(grown, n, &m->votes[i]) = m->votes[i];
        free(m->votes);
        m->votes = grown;
        m->n_vote_slots = n;
    }
    struct vote *v = votes_slot(m->votes, m->n_vote_slots, &key);
    if (v->n == 0) {
        *v = key;
        m->n_votes++;
    }
    v->n++;
    v->x += success;
    return 0;
}

static int finish_samples(struct measure *m)
{
    m->selected_cell = SIZE_MAX;
    m->offsets = calloc(m->n_cells + 1, sizeof(*m->offsets));
    m->sorted = malloc((m->n_samples ? m->n_samples : 1) * sizeof(*m->sorted));
    if (!m->offsets || !m->sorted)
        return -ENOMEM;
    for (size_t i = 0; i < m->n_cells; i++)
        m->offsets[i + 1] = m->offsets[i] + m->cells[i].n;
    while (m->chunks) {
        struct sample_chunk *c = m->chunks;
        for (uint32_t i = 0; i < c->n; i++)
            m->sorted[m->offsets[c->cells[i]]++] = c->values[i];
        m->chunks = c->next;
        free(c);
    }
    /* Each offset has moved to where the next cell starts. */
    memmove(m->offsets + 1, m->offsets, m->n_cells * sizeof(*m->offsets));
    m->offsets[0] = 0;
    return 0;
}

static int by_unit(const void *a, const void *b)
{
    const struct vote *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    /* Respondents by what they said, so that the order of summing does not depend on their hashes. */
    uint64_t left = (uint64_t)x->x * y->n, right = (uint64_t)y->x * x->n;
    if (left != right)
        return left < right ? -1 : 1;
    return x->n < y->n ? -1 : x->n > y->n;
}

static int by_share(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A site or org votes as its respondents do, evenly; for the shares it votes yes from the threshold on. */
static double unit_share(const struct measure *m, const struct vote *first, const struct vote *end)
{
    if (m->metric->units == UNITS_SHARE)
        return (uint64_t)first->x * 1000000 >= (uint64_t)m->threshold_millionths * first->n;
    double sum = 0;
    for (const struct vote *v = first; v < end; v++)
        sum += (double)v->x / v->n;
    return sum / (double)(end - first);
}

static int finish_votes(struct measure *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_vote_slots; i++)
        if (m->votes[i].n)
            m->votes[n++] = m->votes[i];
    if (n)
        qsort(m->votes, n, sizeof(*m->votes), by_unit);
    m->offsets = calloc(m->n_cells + 1, sizeof(*m->offsets));
    m->shares = malloc((n ? n : 1) * sizeof(*m->shares));
    if (!m->offsets || !m->shares)
        return -ENOMEM;
    size_t n_shares = 0;
    for (size_t i = 0, end; i < n; i = end) {
        uint32_t cell = m->votes[i].cell;
        /* Where respondents are the unit each is one, else all of a site or org together. */
        for (end = i + 1; end < n && m->unit != UNIT_RESPONDENT && m->votes[end].cell == cell &&
                          m->votes[end].unit == m->votes[i].unit;)
            end++;
        m->shares[n_shares++] = unit_share(m, &m->votes[i], &m->votes[end]);
        m->offsets[cell + 1]++;
    }
    for (size_t i = 0; i < m->n_cells; i++) {
        m->cells[i].n = m->offsets[i + 1];
        m->offsets[i + 1] += m->offsets[i];
        qsort(m->shares + m->offsets[i], m->cells[i].n, sizeof(*m->shares), by_share);
    }
    return 0;
}

int measure_finish(struct measure *m)
{
    for (size_t i = 1; m->is_running && i < m->n_cells; i++)
        if (i % m->n_slots != 0)
            m->cells[i].n += m->cells[i - 1].n;
    if (m->wants_samples)
        return finish_samples(m);
    return m->unit != UNIT_TICKET ? finish_votes(m) : 0;
}

int64_t measure_percentile(struct measure *m, uint32_t group, uint32_t slot, uint32_t thousandths)
{
    size_t cell = (size_t)group * m->n_slots + slot, n = m->cells[cell].n;
    size_t place = (size_t)percentile_rank(thousandths, n) - 1;
    /* p90 after p50 looks only at what the search for p50 has left behind it. */
    size_t first = m->selected_cell == cell && m->selected_place <= place ? m->selected_place : 0;
    m->selected_cell = cell;
    m->selected_place = place;
    return values_select(m->sorted + m->offsets[cell] + first, n - first, place - first);
}

double measure_successes(const struct measure *m, uint32_t group, uint32_t slot)
{
    size_t cell = (size_t)group * m->n_slots + slot;
    if (m->unit == UNIT_TICKET)
        return (double)m->cells[cell].x;
    double sum = 0;
    for (size_t i = m->offsets[cell]; i < m->offsets[cell + 1]; i++)
        sum += m->shares[i];
    return sum;
}
