#include "core/benchmark/disclosure.h"

const struct disclosure_rules DISCLOSURE_RULES = {
    .small = 10,
    .organisations = 5,
    .top_percent = 85,
    .withheld = 2,
    .withholds_amount = true,
    .drops_whole = true,
    .hides_tenants = true,
};

const char *disclosure_reason_name(enum disclosure_reason reason)
{
    static const char *const NAMES[] = {NULL,
#define X(id, name) name,
                                        DISCLOSURE_REASONS(X)
#undef X
    };
    return NAMES[reason];
}

/* --- a cell by itself --- */

static bool is_few(const struct disclosure_rules *rules, uint64_t n)
{
    return n >= 1 && n <= rules->small;
}

/* Whether more than top_percent of n are of the two that have most. */
static bool is_dominated(const struct disclosure_rules *rules, const struct disclosure_cell *c)
{
    uint64_t first = 0, second = 0;
    for (size_t i = 0; i < c->n_organisations; i++) {
        uint64_t n = c->organisations[i].n;
        if (n > first) {
            second = first;
            first = n;
        } else if (n > second) {
            second = n;
        }
    }
    return (unsigned __int128)(first + second) * 100 > (unsigned __int128)c->n * rules->top_percent;
}

static bool is_small_part(const struct disclosure_rules *rules, enum disclosure_numerator numerator,
                          uint64_t n, uint64_t x)
{
    return is_few(rules, n) || (numerator == NUMERATOR_SHARE && (is_few(rules, x) || is_few(rules, n - x)));
}

/* Whether one of two tenants, who takes off what it contributed, is left with a few of the other. */
static bool shows_tenant(const struct disclosure_rules *rules, enum disclosure_numerator numerator,
                         const struct disclosure_cell *c)
{
    bool shows = false;
    for (size_t i = 0; i < c->n_tenants && c->n_tenants == 2; i++)
        shows |= is_small_part(rules, numerator, c->tenants[i].n, c->tenants[i].x);
    return shows && rules->hides_tenants;
}

static enum disclosure_reason judge_cell(const struct disclosure_rules *rules,
                                         const struct disclosure_cube *cube, const struct disclosure_cell *c,
                                         const struct disclosure_part *all)
{
    /* A group of nobody, too: were it to be seen, one that is not would have somebody. */
    if (c->n <= rules->small)
        return DISCLOSURE_SMALL_CELL;
    if (cube->numerator != NUMERATOR_NONE && is_few(rules, c->x))
        return DISCLOSURE_SMALL_NUMERATOR;
    if (cube->numerator == NUMERATOR_SHARE && is_few(rules, c->n - c->x))
        return DISCLOSURE_SMALL_COMPLEMENT;
    /* A group of which none or all succeeded may be seen, but not that none or all of all did: then it would
     * be known of those that are dropped. */
    if (cube->numerator == NUMERATOR_SHARE && all->x <= rules->small)
        return DISCLOSURE_SMALL_NUMERATOR;
    if (cube->numerator == NUMERATOR_SHARE && all->n - all->x <= rules->small)
        return DISCLOSURE_SMALL_COMPLEMENT;
    if (cube->numerator == NUMERATOR_RANK && c->n - c->x <= rules->small)
        return DISCLOSURE_SMALL_COMPLEMENT;
    if (is_few(rules, all->n - c->n))
        return DISCLOSURE_SMALL_COMPLEMENT;
    if (shows_tenant(rules, cube->numerator, c))
        return DISCLOSURE_SMALL_TENANT;
    if (c->n_organisations < rules->organisations)
        return DISCLOSURE_FEW_ORGANISATIONS;
    return is_dominated(rules, c) ? DISCLOSURE_DOMINATED : DISCLOSURE_PUBLISHED;
}

static void judge_cube(const struct disclosure_rules *rules, const struct disclosure_cube *cube)
{
    struct disclosure_part all = {0, 0};
    for (size_t i = 0; i < cube->n_cells; i++) {
        all.n += cube->cells[i].n;
        all.x += cube->cells[i].x;
    }
    for (size_t i = 0; i < cube->n_cells; i++)
        cube->cells[i].reason = judge_cell(rules, cube, &cube->cells[i], &all);
}

/* --- what others say of it --- */

/* Drops from `to` what is dropped from `from`, where both count the same by the same dimension. */
static bool drop_whole(const struct disclosure_cube *from, const struct disclosure_cube *to)
{
    bool changed = false;
    if (from->kind != to->kind || from->dimension != to->dimension)
        return false;
    for (size_t i = 0; i < from->n_cells && i < to->n_cells; i++)
        if (from->cells[i].reason && !to->cells[i].reason) {
            to->cells[i].reason = DISCLOSURE_WHOLE;
            changed = true;
        }
    return changed;
}

/* Whether the groups that a cube withholds hide one another: whoever knows how many all have together (from a
 * cube by another dimension) must be left with enough, and with more than one group that may have it. Empty
 * ones count: were they not to, two that are withheld would be two that are not empty. */
static bool is_hidden(const struct disclosure_rules *rules, const struct disclosure_cube *cube)
{
    uint64_t n = 0, x = 0;
    unsigned withheld = 0;
    for (size_t i = 0; i < cube->n_cells; i++) {
        if (!cube->cells[i].reason)
            continue;
        withheld++;
        n += cube->cells[i].n;
        x += cube->cells[i].x;
    }
    if (withheld == 0)
        return true;
    if (withheld < rules->withheld)
        return false;
    return !rules->withholds_amount || (n > rules->small && (cube->numerator != NUMERATOR_SHARE ||
                                                             (x > rules->small && n - x > rules->small)));
}

/* Withholds the smallest group that is still published; false where there is none. */
static bool withhold_another(const struct disclosure_cube *cube)
{
    struct disclosure_cell *least = NULL;
    for (size_t i = 0; i < cube->n_cells; i++)
        if (!cube->cells[i].reason && (!least || cube->cells[i].n < least->n))
            least = &cube->cells[i];
    if (least)
        least->reason = DISCLOSURE_PARTNER;
    return least != NULL;
}

void disclosure_judge(const struct disclosure_rules *rules, const struct disclosure_cube *cubes, size_t n)
{
    bool changed = true;
    for (size_t i = 0; i < n; i++)
        judge_cube(rules, &cubes[i]);
    /* Groups are only ever dropped, so this ends. */
    while (changed) {
        changed = false;
        for (size_t i = 0; i < n; i++)
            while (!is_hidden(rules, &cubes[i]) && withhold_another(&cubes[i]))
                changed = true;
        for (size_t i = 0; i < n && rules->drops_whole; i++)
            for (size_t k = 0; k < n; k++)
                changed |= drop_whole(&cubes[i], &cubes[k]);
    }
}
