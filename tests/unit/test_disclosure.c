/* Which groups of cubes may be seen. */
#include "core/benchmark/disclosure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define GROUPS_MAX 6
#define PARTS_MAX  8

/* A group: n and x, how they are spread over organisations (and tenants), and what becomes of it. */
struct group {
    uint64_t n, x;
    uint64_t organisations[PARTS_MAX],
        tenants[PARTS_MAX]; /* n of each; none given: spread evenly over eight */
    enum disclosure_reason expected;
};

struct made {
    struct disclosure_cell cells[GROUPS_MAX];
    struct disclosure_part organisations[GROUPS_MAX][PARTS_MAX], tenants[GROUPS_MAX][PARTS_MAX];
    struct disclosure_cube cube;
};

static size_t spread(const struct group *g, const uint64_t *given, struct disclosure_part *parts)
{
    size_t n = 0;
    for (size_t i = 0; i < PARTS_MAX; i++) {
        struct disclosure_part part = {given[i], given[i]};
        if (given[0] == 0)
            part = (struct disclosure_part){g->n / 8 + (i < g->n % 8), g->x / 8 + (i < g->x % 8)};
        if (part.n > 0)
            parts[n++] = part;
    }
    return n;
}

static void make(struct made *m, unsigned kind, unsigned dimension, enum disclosure_numerator numerator,
                 const struct group *groups, size_t n)
{
    m->cube = (struct disclosure_cube){kind, dimension, numerator, n, m->cells};
    for (size_t i = 0; i < n; i++) {
        m->cells[i] = (struct disclosure_cell){.n = groups[i].n,
                                               .x = groups[i].x,
                                               .organisations = m->organisations[i],
                                               .tenants = m->tenants[i]};
        m->cells[i].n_organisations = spread(&groups[i], groups[i].organisations, m->organisations[i]);
        m->cells[i].n_tenants = spread(&groups[i], groups[i].tenants, m->tenants[i]);
    }
}

static void check_cube(const struct made *m, const struct group *groups)
{
    for (size_t i = 0; i < m->cube.n_cells; i++)
        if (m->cells[i].reason != groups[i].expected)
            fail_msg("group %zu is %d, expected %d", i, m->cells[i].reason, groups[i].expected);
}

static void check(enum disclosure_numerator numerator, const struct group *groups, size_t n)
{
    struct made m;
    make(&m, 0, 0, numerator, groups, n);
    disclosure_judge(&DISCLOSURE_RULES, &m.cube, 1);
    check_cube(&m, groups);
}
#define CHECK(numerator, ...)                                                                                \
    check(numerator, (const struct group[]){__VA_ARGS__},                                                    \
          sizeof((const struct group[]){__VA_ARGS__}) / sizeof(struct group))

#define PUBLISHED(count)                                                                                     \
    {                                                                                                        \
        .n = (count)                                                                                         \
    }

static void small_cells(void **state)
{
    CHECK(NUMERATOR_NONE, PUBLISHED(500), PUBLISHED(400), PUBLISHED(11));
    CHECK(NUMERATOR_NONE, PUBLISHED(500), {.n = 10, .expected = DISCLOSURE_SMALL_CELL},
          {.n = 1, .expected = DISCLOSURE_SMALL_CELL});
    /* one of them alone could be worked out, and so could several that have little together */
    CHECK(NUMERATOR_NONE, PUBLISHED(500), {.n = 10, .expected = DISCLOSURE_SMALL_CELL},
          {.n = 400, .expected = DISCLOSURE_PARTNER});
    CHECK(NUMERATOR_NONE, PUBLISHED(500), {.n = 5, .expected = DISCLOSURE_SMALL_CELL},
          {.n = 5, .expected = DISCLOSURE_SMALL_CELL}, {.n = 400, .expected = DISCLOSURE_PARTNER});
    /* nobody is not told from a few, and may be what hides another one */
    CHECK(NUMERATOR_NONE, PUBLISHED(500), {.n = 0, .expected = DISCLOSURE_SMALL_CELL},
          {.n = 400, .expected = DISCLOSURE_PARTNER});
    CHECK(NUMERATOR_NONE, PUBLISHED(500), {.n = 0, .expected = DISCLOSURE_SMALL_CELL},
          {.n = 300, .organisations = {300}, .expected = DISCLOSURE_FEW_ORGANISATIONS}, PUBLISHED(400));
}

static void shares(void **state)
{
    CHECK(NUMERATOR_SHARE, {.n = 500, .x = 11}, {.n = 500, .x = 489});
    CHECK(NUMERATOR_SHARE, {.n = 500, .x = 100}, {.n = 500, .x = 9, .expected = DISCLOSURE_SMALL_NUMERATOR},
          {.n = 400, .x = 1, .expected = DISCLOSURE_SMALL_NUMERATOR},
          {.n = 300, .x = 150, .expected = DISCLOSURE_PARTNER});
    CHECK(NUMERATOR_SHARE, {.n = 500, .x = 100},
          {.n = 450, .x = 440, .expected = DISCLOSURE_SMALL_COMPLEMENT},
          {.n = 400, .x = 200, .expected = DISCLOSURE_PARTNER});
    CHECK(NUMERATOR_SHARE, {.n = 500, .x = 0}, {.n = 500, .x = 500});
    CHECK(NUMERATOR_SHARE, {.n = 500, .x = 0, .expected = DISCLOSURE_SMALL_NUMERATOR},
          {.n = 500, .x = 0, .expected = DISCLOSURE_SMALL_NUMERATOR});
    CHECK(NUMERATOR_SHARE, {.n = 500, .x = 500, .expected = DISCLOSURE_SMALL_COMPLEMENT},
          {.n = 400, .x = 395, .expected = DISCLOSURE_SMALL_COMPLEMENT});
    /* of a percentile: how many lie up to it, and behind it */
    CHECK(NUMERATOR_RANK, {.n = 110, .x = 99}, {.n = 110, .x = 11});
    CHECK(NUMERATOR_RANK, {.n = 109, .x = 99, .expected = DISCLOSURE_SMALL_COMPLEMENT},
          {.n = 110, .x = 99, .expected = DISCLOSURE_PARTNER});
    CHECK(NUMERATOR_RANK, {.n = 110, .x = 10, .expected = DISCLOSURE_SMALL_NUMERATOR},
          {.n = 120, .x = 20, .expected = DISCLOSURE_PARTNER});
}

static void the_rest(void **state)
{
    /* the others together are few: whoever has the total has them */
    CHECK(NUMERATOR_NONE, {.n = 500, .expected = DISCLOSURE_SMALL_COMPLEMENT},
          {.n = 6, .expected = DISCLOSURE_SMALL_CELL}, {.n = 4, .expected = DISCLOSURE_SMALL_CELL});
    /* and so are those of one of two tenants, for the other */
    CHECK(NUMERATOR_NONE, PUBLISHED(500), PUBLISHED(300),
          {.n = 200, .tenants = {190, 10}, .expected = DISCLOSURE_SMALL_TENANT},
          {.n = 250, .expected = DISCLOSURE_PARTNER});
    CHECK(NUMERATOR_NONE, PUBLISHED(500), PUBLISHED(300), {.n = 200, .tenants = {189, 11}});
    CHECK(NUMERATOR_NONE, PUBLISHED(500), PUBLISHED(300), {.n = 200, .tenants = {180, 10, 10}});
    CHECK(NUMERATOR_NONE, PUBLISHED(500), PUBLISHED(300), {.n = 200, .tenants = {200}});
}

static void organisations(void **state)
{
    CHECK(NUMERATOR_NONE, {.n = 100, .organisations = {20, 20, 20, 20, 20}}, PUBLISHED(300));
    CHECK(NUMERATOR_NONE,
          {.n = 100, .organisations = {25, 25, 25, 25}, .expected = DISCLOSURE_FEW_ORGANISATIONS},
          {.n = 300, .expected = DISCLOSURE_PARTNER});
    CHECK(NUMERATOR_NONE, {.n = 100, .organisations = {5, 45, 5, 40, 5}}, PUBLISHED(300));
    CHECK(NUMERATOR_NONE, {.n = 100, .organisations = {5, 45, 5, 41, 4}, .expected = DISCLOSURE_DOMINATED},
          {.n = 300, .expected = DISCLOSURE_PARTNER});
}

static void whole(void **state)
{
    static const struct group TICKETS[] = {{.n = 500},
                                           {.n = 400, .expected = DISCLOSURE_WHOLE},
                                           {.n = 300, .expected = DISCLOSURE_WHOLE},
                                           {.n = 200}};
    static const struct group FAST[] = {{.n = 500, .x = 250},
                                        {.n = 400, .x = 3, .expected = DISCLOSURE_SMALL_NUMERATOR},
                                        {.n = 300, .x = 4, .expected = DISCLOSURE_SMALL_NUMERATOR},
                                        {.n = 200, .x = 90, .expected = DISCLOSURE_PARTNER}};
    static const struct group RATED[] = {{.n = 500}, {.n = 400}, {.n = 300}, {.n = 200}};
    struct made m[4];
    make(&m[0], 0, 0, NUMERATOR_NONE, TICKETS, 4);
    make(&m[1], 0, 0, NUMERATOR_SHARE, FAST, 4);
    make(&m[2], 1, 0, NUMERATOR_NONE, RATED, 4); /* counts something else */
    make(&m[3], 0, 1, NUMERATOR_NONE, RATED, 4); /* by another dimension */
    const struct disclosure_cube cubes[] = {m[0].cube, m[1].cube, m[2].cube, m[3].cube};
    disclosure_judge(&DISCLOSURE_RULES, cubes, 4);
    check_cube(&m[1], FAST);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(m[0].cells[i].reason ? DISCLOSURE_WHOLE : 0, i == 0 ? 0 : DISCLOSURE_WHOLE);
        assert_int_equal(m[2].cells[i].reason, DISCLOSURE_PUBLISHED);
        assert_int_equal(m[3].cells[i].reason, DISCLOSURE_PUBLISHED);
    }
}

static void reasons_have_names(void **state)
{
    assert_null(disclosure_reason_name(DISCLOSURE_PUBLISHED));
    assert_string_equal(disclosure_reason_name(DISCLOSURE_SMALL_CELL), "small_cell");
    assert_string_equal(disclosure_reason_name(DISCLOSURE_PARTNER), "partner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_cells),   cmocka_unit_test(shares), cmocka_unit_test(the_rest),
        cmocka_unit_test(organisations), cmocka_unit_test(whole),  cmocka_unit_test(reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
