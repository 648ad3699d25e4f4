/* A turn is given in the order in which it was asked for, and may be taken again by who has it. */
#include "core/store/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct waiting {
    struct turn *turn;
    atomic_uint *n_had;
    unsigned had_as; /* which it was */
    pthread_t thread;
};

static void rest(void)
{
    const struct timespec ms = {.tv_nsec = 1000000};
    (void)nanosleep(&ms, NULL);
}

/* Until so many have asked. */
static void await_asked(struct turn *t, uint64_t n)
{
    for (bool waits = true; waits; rest()) {
        (void)pthread_mutex_lock(&t->lock);
        waits = t->next < n;
        (void)pthread_mutex_unlock(&t->lock);
    }
}

static void *wait_for_it(void *context)
{
    struct waiting *w = context;
    turn_take(w->turn);
    w->had_as = atomic_fetch_add(w->n_had, 1);
    turn_give(w->turn);
    return NULL;
}

static void test_in_order(void **state)
{
    enum { N = 8 };
    struct turn turn;
    struct waiting waiting[N];
    atomic_uint n_had = 0;
    (void)state;
    turn_init(&turn);
    turn_take(&turn);
    for (unsigned i = 0; i < N; i++) {
        waiting[i] = (struct waiting){.turn = &turn, .n_had = &n_had};
        assert_int_equal(pthread_create(&waiting[i].thread, NULL, wait_for_it, &waiting[i]), 0);
        await_asked(&turn, i + 2);
    }
    /* Who gives it and wants it at once is behind those that wait. */
    turn_give(&turn);
    turn_take(&turn);
    assert_int_equal(atomic_load(&n_had), N);
    turn_give(&turn);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(pthread_join(waiting[i].thread, NULL), 0);
        assert_int_equal(waiting[i].had_as, i);
    }
    turn_fini(&turn);
}

static void test_again(void **state)
{
    struct turn turn;
    atomic_uint n_had = 0;
    (void)state;
    turn_init(&turn);
    turn_take(&turn);
    struct waiting waiting = {.turn = &turn, .n_had = &n_had};
    assert_int_equal(pthread_create(&waiting.thread, NULL, wait_for_it, &waiting), 0);
    await_asked(&turn, 2);
    turn_take(&turn);
    turn_give(&turn);
    rest();
    assert_int_equal(atomic_load(&n_had), 0); /* it was not given yet */
    turn_give(&turn);
    assert_int_equal(pthread_join(waiting.thread, NULL), 0);
    turn_fini(&turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
