#include "core/query/vote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void votes_fini(struct votes *v)
{
    free(v->rows);
    free(v->shares);
    free(v->offsets);
    free(v->counts);
    *v = (struct votes){0};
}

size_t votes_bytes(const struct votes *v)
{
    return v->n_slots * (sizeof(*v->rows) + sizeof(*v->shares) / 2);
}

static struct vote *votes_slot(struct vote *rows, size_t n_slots, const struct vote *v)
{
    uint64_t h = ((uint64_t)v->cell << 32 | v->unit) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ v->respondent) * UINT64_C(0xc2b2ae3d27d4eb4f);
    size_t i = (h ^ h >> 32) & (n_slots - 1);
    while (rows[i].n &&
           (rows[i].cell != v->cell || rows[i].unit != v->unit || rows[i].respondent != v->respondent))
        i = (i + 1) & (n_slots - 1);
    return &rows[i];
}

int votes_add(struct votes *v, uint32_t cell, uint32_t unit, uint64_t respondent, int64_t value)
{
    struct vote key = {.cell = cell, .unit = unit, .respondent = respondent};
    if (v->n * 2 >= v->n_slots) {
        size_t n = v->n_slots ? v->n_slots * 2 : 256;
        struct vote *grown = calloc(n, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        for (size_t i = 0; i < v->n_slots; i++)
            if (v->rows[i].n)
                *votes_slot(grown, n, &v->rows[i]) = v->rows[i];
        free(v->rows);
        v->rows = grown;
        v->n_slots = n;
    }
    struct vote *row = votes_slot(v->rows, v->n_slots, &key);
    if (row->n == 0) {
        *row = key;
        v->n++;
    }
    row->n++;
    row->sum += value;
    return 0;
}

/* --- from samples to votes
 * ----------------------------------------------------------------------------------- */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_respondent(const void *x, const void *y)
{
    const struct vote *a = x, *b = y;
    int order = compare(a->base, b->base);
    order = order ? order : compare(a->unit, b->unit);
    return order ? order : compare(a->respondent, b->respondent);
}

/* By cell and unit, and within it by what was said: not by whose it is. */
static int by_said(const void *x, const void *y)
{
    const struct vote *a = x, *b = y;
    int order = compare(a->cell, b->cell);
    order = order ? order : compare(a->unit, b->unit);
    if (order)
        return order;
    __int128 left = a->sum * b->total, right = b->sum * a->total;
    if (left != right)
        return left < right ? -1 : 1;
    return compare(a->total, b->total);
}

static int by_share(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* What each respondent said in its base, and who votes there. */
static void votes_weigh(struct votes *v, enum vote_rule rule, struct vote_count *bases)
{
    for (size_t unit = 0, unit_end; unit < v->n; unit = unit_end) {
        const struct vote *u = &v->rows[unit];
        uint32_t respondents = 0;
        for (unit_end = unit;
             unit_end < v->n && v->rows[unit_end].base == u->base && v->rows[unit_end].unit == u->unit;) {
            size_t first = unit_end;
            uint32_t total = 0;
            do
                total += v->rows[unit_end++].n;
            while (unit_end < v->n && by_respondent(&v->rows[unit_end], &v->rows[first]) == 0);
            for (size_t i = first; i < unit_end; i++)
                v->rows[i].total = total;
            respondents++;
        }
        for (size_t i = unit; i < unit_end; i++)
            v->rows[i].respondents = respondents;
        struct vote_count *count = &bases[u->base];
        count->units += u->unit != 0;
        count->unknown += u->unit == 0 ? respondents : 0;
        if (u->unit != 0 || rule == VOTE_OF_RESPONDENT)
            count->respondents += respondents;
    }
}

static double said(const struct vote *v)
{
    return (double)v->sum / v->total;
}

/* The votes of one unit in one cell, from first to before end: appended to the shares; returns how many. */
static size_t unit_vote(const struct vote *first, const struct vote *end, enum vote_rule rule,
                        uint32_t threshold_millionths, double *ret)
{
    double sum = 0;
    if (rule == VOTE_OF_RESPONDENT) {
        for (const struct vote *v = first; v < end; v++)
            *ret++ = said(v);
        return (size_t)(end - first);
    }
    if (first->unit == 0)
        return 0;
    if (rule == VOTE_OF_THRESHOLD) {
        *ret = first->sum * 1000000 >= (__int128)threshold_millionths * first->n;
        return 1;
    }
    for (const struct vote *v = first; v < end; v++)
        sum += said(v);
    *ret = sum / first->respondents;
    return 1;
}

static void votes_count(struct votes *v, enum vote_rule rule, uint32_t threshold_millionths)
{
    size_t n = 0;
    for (size_t i = 0, end; i < v->n; i = end) {
        const struct vote *first = &v->rows[i];
        for (end = i + 1; end < v->n && v->rows[end].cell == first->cell && v->rows[end].unit == first->unit;)
            end++;
        size_t cast = unit_vote(first, &v->rows[end], rule, threshold_millionths, v->shares + n);
        v->offsets[first->cell + 1] += cast;
        n += cast;
    }
}

int votes_finish(struct votes *v, enum vote_rule rule, uint32_t threshold_millionths, const uint32_t *bases,
                 size_t n_cells)
{
    size_t n = 0;
    struct vote_count *of_bases = calloc(n_cells ? n_cells : 1, sizeof(*of_bases));
    for (size_t i = 0; i < v->n_slots; i++)
        if (v->rows[i].n) {
            v->rows[i].base = bases ? bases[v->rows[i].cell] : v->rows[i].cell;
            v->rows[n++] = v->rows[i];
        }
    v->offsets = calloc(n_cells + 1, sizeof(*v->offsets));
    v->counts = calloc(n_cells ? n_cells : 1, sizeof(*v->counts));
    v->shares = malloc((n ? n : 1) * sizeof(*v->shares));
    if (!of_bases || !v->offsets || !v->counts || !v->shares) {
        free(of_bases);
        return -ENOMEM;
    }
    if (n)
        qsort(v->rows, n, sizeof(*v->rows), by_respondent);
    votes_weigh(v, rule, of_bases);
    if (n)
        qsort(v->rows, n, sizeof(*v->rows), by_said);
    votes_count(v, rule, threshold_millionths);
    for (size_t i = 0; i < n_cells; i++) {
        size_t cast = v->offsets[i + 1];
        v->offsets[i + 1] += v->offsets[i];
        if (cast)
            qsort(v->shares + v->offsets[i], cast, sizeof(*v->shares), by_share);
        v->counts[i] = of_bases[bases ? bases[i] : i];
    }
    free(of_bases);
    return 0;
}

double votes_sum(const struct votes *v, size_t cell)
{
    double sum = 0;
    for (size_t i = v->offsets[cell]; i < v->offsets[cell + 1]; i++)
        sum += v->shares[i];
    return sum;
}

uint64_t votes_electors(const struct votes *v, enum vote_rule rule, size_t cell)
{
    return rule == VOTE_OF_RESPONDENT ? v->counts[cell].respondents : v->counts[cell].units;
}
