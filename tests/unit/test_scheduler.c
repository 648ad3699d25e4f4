/* Deficit round robin by itself: who is given how much, and how long anybody waits. */
#include "core/base/scheduler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define QUANTUM 100

/* A flow with its work: turns that cost so much. */
struct worker {
    struct flow flow; /* first */
    int64_t cost;     /* of its turns, at most */
    bool is_random;
    uint64_t n_turns;
    int64_t served;
};

static unsigned chance;

static int64_t cost_of(const struct worker *w)
{
    return w->is_random ? 1 + (int64_t)((unsigned)rand_r(&chance) % (unsigned)w->cost) : w->cost;
}

/* One turn of whoever it is, who has work for ever. */
static struct worker *turn(struct scheduler *s)
{
    struct worker *w = (struct worker *)scheduler_take(s);
    assert_non_null(w);
    int64_t cost = cost_of(w);
    w->n_turns++;
    w->served += cost;
    scheduler_charge(s, &w->flow, cost);
    scheduler_go_on(s, &w->flow);
    return w;
}

static void in_turn(void **state)
{
    struct scheduler s;
    struct flow f[4] = {{.credit = 0}};
    scheduler_init(&s, QUANTUM);
    assert_null(scheduler_take(&s));
    for (int i = 0; i < 4; i++)
        scheduler_offer(&s, &f[i]);
    scheduler_offer(&s, &f[0]); /* waits already */
    assert_int_equal(s.n_waiting, 4);
    scheduler_remove(&s, &f[2]);
    scheduler_remove(&s, &f[2]);
    assert_ptr_equal(scheduler_take(&s), &f[0]);
    assert_ptr_equal(scheduler_take(&s), &f[1]);
    scheduler_offer(&s, &f[0]);
    assert_ptr_equal(scheduler_take(&s), &f[3]);
    assert_ptr_equal(scheduler_take(&s), &f[0]);
    assert_null(scheduler_take(&s));
    assert_int_equal(s.n_waiting, 0);
}

/* All with work all along, whatever their turns cost: the same to each, but for one turn and a quantum. */
static void the_same_to_each(void **state)
{
    enum { N = 12 };
    static const int64_t COSTS[N] = {1, 2, 5, 10, 50, 99, 100, 101, 500, 1000, 4000, 20000};
    struct worker w[N];
    struct scheduler s;
    chance = 1;
    scheduler_init(&s, QUANTUM);
    memset(w, 0, sizeof(w));
    for (int i = 0; i < N; i++) {
        w[i].cost = COSTS[i];
        w[i].is_random = i % 2;
        scheduler_offer(&s, &w[i].flow);
    }
    for (int n = 0; n < 300000; n++)
        (void)turn(&s);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < i; k++) {
            int64_t most = (COSTS[i] > COSTS[k] ? COSTS[i] : COSTS[k]) + 2 * QUANTUM;
            if (llabs(w[i].served - w[k].served) > most)
                fail_msg("%lld served to %lld, %lld to %lld", (long long)COSTS[i], (long long)w[i].served,
                         (long long)COSTS[k], (long long)w[k].served);
        }
}

/* One with turns a hundred times as costly as the others': between two turns of any other there is at most
 * one of its. */
static void one_glutton(void **state)
{
    enum { N = 21 };
    struct worker w[N];
    struct scheduler s;
    scheduler_init(&s, QUANTUM);
    memset(w, 0, sizeof(w));
    for (int i = 0; i < N; i++) {
        w[i].cost = i == 0 ? 100 * QUANTUM : QUANTUM;
        scheduler_offer(&s, &w[i].flow);
    }
    unsigned since[N] = {0};
    for (int n = 0; n < 100000; n++) {
        struct worker *at = turn(&s);
        for (int i = 1; i < N; i++)
            since[i] = &w[i] == at ? 0 : since[i] + (at == &w[0]);
        for (int i = 1; i < N; i++)
            assert_true(since[i] <= 1);
    }
    assert_true(w[0].n_turns * 90 < w[1].n_turns);
    assert_true(w[0].n_turns > 0);
}

/* Who comes now and then has its turn before whoever is in debt, and has saved up nothing for the time it was
 * away. */
static void one_that_comes_seldom(void **state)
{
    struct worker greedy = {.cost = 50 * QUANTUM}, seldom = {.cost = QUANTUM / 2};
    struct scheduler s;
    scheduler_init(&s, QUANTUM);
    scheduler_offer(&s, &greedy.flow);
    for (int n = 0; n < 1000; n++) {
        for (int i = 0; i < 10; i++)
            assert_ptr_equal(turn(&s), &greedy);
        scheduler_offer(&s, &seldom.flow);
        struct flow *f = scheduler_take(&s);
        assert_ptr_equal(f, &seldom.flow);
        scheduler_charge(&s, f, seldom.cost);
        assert_true(seldom.flow.credit <= QUANTUM);
    }
}

/* A debt is bounded, and being alone costs no rounds of waiting. */
static void debts_are_bounded(void **state)
{
    struct flow f = {.credit = 0};
    struct scheduler s;
    scheduler_init(&s, QUANTUM);
    scheduler_offer(&s, &f);
    assert_ptr_equal(scheduler_take(&s), &f);
    scheduler_charge(&s, &f, INT64_MAX / 2);
    assert_int_equal(f.credit, -SCHEDULER_DEBT_ROUNDS * QUANTUM);
    scheduler_offer(&s, &f);
    assert_ptr_equal(scheduler_take(&s), &f);
    assert_true(f.credit > 0 && f.credit <= QUANTUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_turn),           cmocka_unit_test(the_same_to_each),
        cmocka_unit_test(one_glutton),       cmocka_unit_test(one_that_comes_seldom),
        cmocka_unit_test(debts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
