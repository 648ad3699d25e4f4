#include "core/query/measure.h"

#include "core/query/statistic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void measure_fini(struct measure *m)
{
    samples_fini(&m->samples);
    free(m->cells);
    free(m->ranked);
    votes_fini(&m->votes);
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
    if (grown)
        m->cells = grown;
    if (!grown || (m->n_percentiles && samples_reserve(&m->samples, next) < 0))
        return -ENOMEM;
    for (size_t i = m->n_cells; i < next; i++)
        grown[i] = (struct cell){.min = INT64_MAX, .max = INT64_MIN};
    m->n_cells = next;
    return 0;
}

size_t measure_bytes(const struct measure *m)
{
    return m->n_cells * (sizeof(struct cell) + m->n_percentiles * sizeof(int64_t)) + votes_bytes(&m->votes) +
           samples_bytes(&m->samples);
}

static void add_ends(struct measure *m, const uint32_t *cells, uint32_t one, const int64_t *values,
                     uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct cell *c = &m->cells[cells ? cells[i] : one];
        c->min = values[i] < c->min ? values[i] : c->min;
        c->max = values[i] > c->max ? values[i] : c->max;
    }
}

static void add_sums(struct measure *m, const uint32_t *cells, uint32_t one, const int64_t *values,
                     uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        m->cells[cells ? cells[i] : one].sum += values[i];
}

void measure_add(struct measure *m, const uint32_t *cells, uint32_t one, const int64_t *values, uint32_t n)
{
    if (m->wants_ends)
        add_ends(m, cells, one, values, n);
    if (m->wants_sum)
        add_sums(m, cells, one, values, n);
    if (!cells)
        m->cells[one].n += n;
    for (uint32_t i = 0; cells && i < n; i++)
        m->cells[cells[i]].n++;
}

void measure_share(const struct measure *m, struct measure *ret)
{
    *ret = *m;
    ret->met = 0;
    ret->is_mixed = false;
    ret->cells = NULL;
    ret->n_cells = 0;
    ret->samples = (struct samples){.crew = m->samples.crew};
    ret->ranked = NULL;
    ret->votes = (struct votes){0};
}

static void cell_merge(struct cell *c, const struct cell *other)
{
    c->min = other->min < c->min ? other->min : c->min;
    c->max = other->max > c->max ? other->max : c->max;
    c->sum += other->sum;
    c->n += other->n;
    c->x += other->x;
    for (unsigned k = 0; k < METRIC_BESIDE; k++)
        c->beside[k] += other->beside[k];
}

static int merge_samples(struct measure *m, struct measure *share, const uint32_t *group_map,
                         uint32_t n_groups)
{
    uint32_t *cell_map = malloc((size_t)n_groups * m->n_slots * sizeof(*cell_map));
    if (!cell_map)
        return -ENOMEM;
    for (uint32_t g = 0; g < n_groups; g++)
        for (uint32_t slot = 0; slot < m->n_slots; slot++)
            cell_map[g * m->n_slots + slot] = group_map[g] * m->n_slots + slot;
    int r = samples_merge(&m->samples, &share->samples, cell_map);
    free(cell_map);
    return r;
}

int measure_merge(struct measure *m, struct measure *share, const uint32_t *group_map, uint32_t n_groups)
{
    if (share->is_mixed)
        m->is_mixed = true;
    if (share->met)
        measure_meet(m, share->met);
    for (uint32_t g = 0; g < n_groups; g++)
        for (uint32_t slot = 0; slot < m->n_slots; slot++)
            cell_merge(measure_cell(m, group_map[g], slot), measure_cell(share, g, slot));
    return share->samples.n ? merge_samples(m, share, group_map, n_groups) : 0;
}

static int finish_samples(struct measure *m)
{
    m->ranked = malloc((m->n_cells * m->n_percentiles + 1) * sizeof(*m->ranked));
    for (size_t i = 0; i < m->n_cells && m->ranked; i++)
        m->cells[i].n = samples_count(&m->samples, i);
    return m->ranked ? 0 : -ENOMEM;
}

static enum vote_rule vote_rule(const struct measure *m)
{
    if (m->metric->units == UNITS_SHARE)
        return VOTE_OF_THRESHOLD;
    return m->unit == UNIT_RESPONDENT ? VOTE_OF_RESPONDENT : VOTE_OF_UNIT;
}

unsigned measure_unknown(const struct measure *m)
{
    unsigned k = 0;
    if (m->unit != UNIT_SITE && m->unit != UNIT_ORG)
        return METRIC_BESIDE;
    while (k < METRIC_BESIDE && m->metric->beside[k] && strcmp(m->metric->beside[k], "unknown") != 0)
        k++;
    return k;
}

static int finish_votes(struct measure *m, const uint32_t *cell_bases)
{
    const unsigned unknown = measure_unknown(m);
    int r = votes_finish(&m->votes, vote_rule(m), m->threshold_millionths, cell_bases, m->n_cells);
    for (size_t i = 0; i < m->n_cells && r == 0; i++) {
        struct cell *c = &m->cells[i];
        const struct vote_count *count = &m->votes.counts[i];
        c->n = votes_electors(&m->votes, vote_rule(m), i);
        if (unknown < METRIC_BESIDE && vote_rule(m) != VOTE_OF_THRESHOLD)
            c->beside[unknown] = count->unknown;
        if (m->metric->gather == GATHER_BALLOTS) { /* organisations, and their ballots beside them */
            c->n = count->units;
            c->beside[0] = count->respondents;
        }
    }
    return r;
}

/* Each cell counts the trials of all cells of its base. */
static int finish_bases(struct measure *m, const uint32_t *cell_bases)
{
    uint64_t *counts = calloc(m->n_cells ? m->n_cells : 1, sizeof(*counts));
    if (!counts)
        return -ENOMEM;
    for (size_t i = 0; i < m->n_cells; i++)
        counts[cell_bases[i]] += m->cells[i].n;
    for (size_t i = 0; i < m->n_cells; i++)
        m->cells[i].n = counts[cell_bases[i]];
    free(counts);
    return 0;
}

int measure_finish(struct measure *m, const uint32_t *bases, uint32_t n_groups)
{
    uint32_t *cell_bases = NULL;
    int r = 0;
    for (size_t i = 1; m->is_running && i < m->n_cells; i++)
        if (i % m->n_slots != 0)
            m->cells[i].n += m->cells[i - 1].n;
    if (m->n_percentiles)
        return finish_samples(m);
    if (bases) {
        cell_bases = calloc(m->n_cells ? m->n_cells : 1, sizeof(*cell_bases));
        if (!cell_bases)
            return -ENOMEM;
        /* There is room for more groups than there are: those are their own. */
        for (size_t i = 0; i < m->n_cells; i++)
            cell_bases[i] = i < (size_t)n_groups * m->n_slots
                                ? (uint32_t)(bases[i / m->n_slots] * m->n_slots + i % m->n_slots)
                                : (uint32_t)i;
    }
    if (m->unit != UNIT_TICKET)
        r = finish_votes(m, cell_bases);
    else if (cell_bases && m->metric->kind == METRIC_RATIO)
        r = finish_bases(m, cell_bases);
    free(cell_bases);
    return r;
}

void measure_want(struct measure *m, uint32_t thousandths)
{
    unsigned at = 0;
    while (at < m->n_percentiles && m->percentiles[at] < thousandths)
        at++;
    if (at < m->n_percentiles && m->percentiles[at] == thousandths)
        return;
    memmove(m->percentiles + at + 1, m->percentiles + at, (m->n_percentiles - at) * sizeof(*m->percentiles));
    m->percentiles[at] = thousandths;
    m->n_percentiles++;
}

static void add_runs(struct cell *c, const struct values_run *runs, bool wants_sum, bool wants_ends)
{
    for (const struct values_run *run = runs; run; run = run->next) {
        for (uint32_t i = 0; wants_sum && i < run->n; i++)
            c->sum += run->values[i];
        for (uint32_t i = 0; wants_ends && i < run->n; i++) {
            c->min = run->values[i] < c->min ? run->values[i] : c->min;
            c->max = run->values[i] > c->max ? run->values[i] : c->max;
        }
    }
}

int measure_rank(struct measure *m, size_t cell, struct ranks_room *room)
{
    struct cell *c = &m->cells[cell];
    size_t places[MEASURE_PERCENTILES_MAX];
    if (c->n == 0)
        return 0;
    const struct values_run *runs = samples_runs(&m->samples, cell);
    add_runs(c, runs, m->wants_sum, m->wants_ends);
    for (unsigned k = 0; k < m->n_percentiles; k++)
        places[k] = (size_t)percentile_rank(m->percentiles[k], c->n) - 1;
    return values_ranks(runs, c->n, m->samples.has_negative, places, m->n_percentiles, room,
                        m->ranked + cell * m->n_percentiles);
}

int64_t measure_percentile(const struct measure *m, uint32_t group, uint32_t slot, uint32_t thousandths)
{
    unsigned k = 0;
    while (m->percentiles[k] != thousandths)
        k++;
    return m->ranked[((size_t)group * m->n_slots + slot) * m->n_percentiles + k];
}

double measure_successes(const struct measure *m, uint32_t group, uint32_t slot)
{
    size_t cell = (size_t)group * m->n_slots + slot;
    return m->unit == UNIT_TICKET ? (double)m->cells[cell].x : votes_sum(&m->votes, cell);
}

bool measure_mean(const struct measure *m, uint32_t group, uint32_t slot, double *ret)
{
    size_t cell = (size_t)group * m->n_slots + slot;
    const double per = m->metric->per ? (double)m->metric->per : 1;
    uint64_t n = m->unit == UNIT_TICKET ? m->cells[cell].n : votes_electors(&m->votes, vote_rule(m), cell);
    if (n == 0)
        return false;
    *ret =
        (m->unit == UNIT_TICKET ? (double)m->cells[cell].sum : votes_sum(&m->votes, cell)) / per / (double)n;
    return true;
}
