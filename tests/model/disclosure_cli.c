/* The rules of disclosure as a filter, for the property tests: worlds in on stdin, verdicts out on stdout.
 *
 * A world is whole numbers, however they are spaced: the rules (small, organisations, top_percent, withheld,
 * withholds_amount, drops_whole, hides_tenants), then how many cubes; each cube is kind, dimension,
 * numerator, how many cells; each cell n, x, how many organisations, n and x of each, and the same of
 * tenants. It is answered by one line: the reason of each cell by number, 0 where it is published. */
#include "core/benchmark/disclosure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT_MAX 65536

static uint64_t number(void)
{
    uint64_t n;
    if (scanf("%" SCNu64, &n) != 1)
        exit(1);
    return n;
}

static size_t count(void)
{
    uint64_t n = number();
    if (n > COUNT_MAX)
        exit(1);
    return (size_t)n;
}

static void *room(size_t n, size_t size)
{
    void *made = calloc(n ? n : 1, size);
    if (!made)
        exit(1);
    return made;
}

static struct disclosure_part *parts(size_t *ret_n)
{
    *ret_n = count();
    struct disclosure_part *p = room(*ret_n, sizeof(*p));
    for (size_t i = 0; i < *ret_n; i++) {
        p[i].n = number();
        p[i].x = number();
    }
    return p;
}

static struct disclosure_cube cube(void)
{
    struct disclosure_cube c = {.kind = (unsigned)number()};
    c.dimension = (unsigned)number();
    c.numerator = (enum disclosure_numerator)number();
    c.n_cells = count();
    c.cells = room(c.n_cells, sizeof(*c.cells));
    for (size_t i = 0; i < c.n_cells; i++) {
        struct disclosure_cell *cell = &c.cells[i];
        cell->n = number();
        cell->x = number();
        cell->organisations = parts(&cell->n_organisations);
        cell->tenants = parts(&cell->n_tenants);
    }
    return c;
}

static void cube_fini(struct disclosure_cube *c)
{
    for (size_t i = 0; i < c->n_cells; i++) {
        free((void *)c->cells[i].organisations);
        free((void *)c->cells[i].tenants);
    }
    free(c->cells);
}

int main(void)
{
    uint64_t small;
    while (scanf("%" SCNu64, &small) == 1) {
        struct disclosure_rules rules = {.small = small};
        rules.organisations = number();
        rules.top_percent = number();
        rules.withheld = (unsigned)number();
        rules.withholds_amount = number();
        rules.drops_whole = number();
        rules.hides_tenants = number();
        size_t n = count();
        struct disclosure_cube *cubes = room(n, sizeof(*cubes));
        for (size_t i = 0; i < n; i++)
            cubes[i] = cube();
        disclosure_judge(&rules, cubes, n);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < cubes[i].n_cells; k++)
                (void)printf("%d ", (int)cubes[i].cells[k].reason);
        (void)putchar('\n');
        (void)fflush(stdout);
        for (size_t i = 0; i < n; i++)
            cube_fini(&cubes[i]);
        free(cubes);
    }
    return 0;
}
