/* Conformance tests of the calls: their order, what they leave behind, what they say. */
#include "plugins/host/conform/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CYCLES     200
#define WARM_UP    20   /* until pools and caches are filled */
#define SLACK      1024 /* bytes of heap that may come and go over all cycles */
#define FUZZ_CALLS 300
#define LINES_MOST 100 /* logged in one run */

static void pause_ms(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&ts, NULL);
}

/* --- orders -----------------------------------------------------------------------------------------------
 */

/* A letter a call: c create, s start without a cursor, S with the last one, p poll, a ack, w wake, x stop,
 * d destroy. */
static enum verdict play_order(struct conform *c, const char *order)
{
    struct play p;
    int result = TENDON_OK;
    enum verdict verdict = VERDICT_PASSED;
    play_init(&p, c);
    for (const char *at = order; *at && verdict == VERDICT_PASSED; at++) {
        switch (*at) {
        case 'c':
            verdict = play_create(&p, &result);
            if (verdict == VERDICT_PASSED && result != TENDON_OK)
                verdict = VERDICT_FAILED;
            break;
        case 's':
            if (p.tape)
                tape_rewind(p.tape);
            verdict = play_start(&p, NULL, 0, &result);
            break;
        case 'S':
            if (p.tape)
                tape_rewind(p.tape);
            verdict = play_start(&p, p.cursor, p.cursor_size, &result);
            break;
        case 'p':
            verdict = play_poll(&p, PLAY_SOFT_BYTES, PLAY_TIMEOUT_MS, &result);
            break;
        case 'a':
            verdict = play_call(&p, PIPE_ACK, p.cursor, p.cursor_size, LIMIT_ACK_MS);
            break;
        case 'w':
            if (child_wake(&p.drive.child) < 0)
                verdict = conform_fail(c, "the plugin's process has ended");
            break;
        case 'x':
            verdict = play_call(&p, PIPE_STOP, NULL, 0, LIMIT_STOP_MS);
            break;
        default:
            verdict = play_call(&p, PIPE_DESTROY, NULL, 0, LIMIT_DESTROY_MS);
        }
    }
    play_fini(&p);
    if (verdict == VERDICT_FAILED)
        conform_prefix(
            c,
            "in the order %s (c create, s start, S start with the cursor, p poll, a ack, w wake, x "
            "stop, d destroy)",
            order);
    return verdict;
}

static enum verdict play_orders(struct conform *c, const char *const *orders)
{
    enum verdict verdict = VERDICT_PASSED;
    for (size_t i = 0; orders[i] && verdict == VERDICT_PASSED; i++)
        verdict = play_order(c, orders[i]);
    return verdict;
}

static enum verdict test_orders(struct conform *c)
{
    static const char *const ORDERS[] = {"cd",     "csxd",      "cspxd",     "cspaSpaxd", "csSpxd",
                                         "csssxd", "cspSpSpxd", "cwswpwxwd", "cspwpwpxd", NULL};
    return play_orders(c, ORDERS);
}

static enum verdict test_stop_twice(struct conform *c)
{
    static const char *const ORDERS[] = {"csxxd", "cspxxxd", NULL};
    return play_orders(c, ORDERS);
}

static enum verdict test_destroy_null(struct conform *c)
{
    static const char *const ORDERS[] = {"cdd", "cspxdd", NULL};
    return play_orders(c, ORDERS);
}

static enum verdict test_ack(struct conform *c)
{
    static const char *const ORDERS[] = {"csaxd", "cspaapaxd", "cspxad", NULL};
    if (!json_is_true(json_object_get(c->description, "has_ack")))
        return conform_skip(c, "the plugin has no ack");
    return play_orders(c, ORDERS);
}

/* --- what is left behind ----------------------------------------------------------------------------------
 */

static int64_t number(const json_t *measured, const char *key)
{
    return json_integer_value(json_object_get(measured, key));
}

/* create once more in the process that is there, with the options of the first time. */
static enum verdict create_again(struct play *p, const char *config)
{
    struct child_reply reply;
    int r = drive_call(&p->drive, PIPE_CREATE, config, strlen(config), LIMIT_CREATE_MS, &reply);
    if (r < 0)
        return conform_fail(p->c, "the plugin's process ended in create, when it was called once more");
    if (reply.fixed.result != TENDON_OK)
        return conform_fail(p->c, "create returned %d when it was called once more: %s", reply.fixed.result,
                            reply.fixed.err);
    return VERDICT_PASSED;
}

static enum verdict cycle(struct play *p, const char *config, bool with_work, int n)
{
    enum verdict verdict = VERDICT_PASSED;
    int result;
    for (int i = 0; i < n && verdict == VERDICT_PASSED; i++) {
        verdict = create_again(p, config);
        if (verdict == VERDICT_PASSED && with_work) {
            if (p->tape)
                tape_rewind(p->tape);
            verdict = play_start(p, NULL, 0, &result);
            if (verdict == VERDICT_PASSED)
                verdict = play_poll(p, PLAY_SOFT_BYTES, 0, &result);
            if (verdict == VERDICT_PASSED)
                verdict = play_call(p, PIPE_STOP, NULL, 0, LIMIT_STOP_MS);
        }
        if (verdict == VERDICT_PASSED)
            verdict = play_call(p, PIPE_DESTROY, NULL, 0, LIMIT_DESTROY_MS);
    }
    return verdict;
}

static enum verdict compare_measures(struct conform *c, const json_t *before, const json_t *after, int n)
{
    int64_t grown = number(after, "heap") - number(before, "heap");
    if (!before || !after)
        return conform_fail(c, "the plugin's process has ended");
    if (number(after, "descriptors") > number(before, "descriptors"))
        return conform_fail(c, "%lld descriptors are left open after %d times",
                            (long long)(number(after, "descriptors") - number(before, "descriptors")), n);
    if (grown > SLACK)
        return conform_fail(c, "%lld bytes of memory are left after %d times, %lld each", (long long)grown, n,
                            (long long)grown / n);
    return VERDICT_PASSED;
}

static enum verdict grow(struct conform *c, bool with_work, int n)
{
    struct play p;
    int result;
    play_init(&p, c);
    enum verdict verdict = play_create(&p, &result);
    if (verdict == VERDICT_PASSED && result != TENDON_OK)
        verdict = VERDICT_FAILED;
    char *config = verdict == VERDICT_PASSED ? json_dumps(p.drive.options.config, JSON_COMPACT) : NULL;
    if (verdict == VERDICT_PASSED)
        verdict = play_call(&p, PIPE_DESTROY, NULL, 0, LIMIT_DESTROY_MS);
    if (verdict == VERDICT_PASSED)
        verdict = cycle(&p, config, with_work, WARM_UP);
    json_t *before = verdict == VERDICT_PASSED ? play_measure(&p) : NULL;
    if (verdict == VERDICT_PASSED)
        verdict = cycle(&p, config, with_work, n);
    json_t *after = verdict == VERDICT_PASSED ? play_measure(&p) : NULL;
    if (verdict == VERDICT_PASSED)
        verdict = compare_measures(c, before, after, n);
    json_decref(before);
    json_decref(after);
    free(config);
    play_fini(&p);
    return verdict;
}

static enum verdict test_growth(struct conform *c)
{
    return grow(c, false, CYCLES);
}

static enum verdict test_growth_at_work(struct conform *c)
{
    return grow(c, true, CYCLES / 4);
}

static enum verdict test_handlers(struct conform *c)
{
    struct play p;
    play_init(&p, c);
    enum verdict verdict = play_begin(&p, NULL, 0);
    if (verdict == VERDICT_PASSED)
        verdict = play_drain(&p, PLAY_SOFT_BYTES, NULL);
    if (verdict == VERDICT_PASSED) {
        json_t *measured = play_measure(&p);
        if (number(measured, "handlers") > 0)
            verdict = conform_fail(c, "%lld handlers of signals were installed",
                                   (long long)number(measured, "handlers"));
        json_decref(measured);
    }
    play_fini(&p);
    return verdict;
}

/* --- wake, calls at random, what is said ------------------------------------------------------------------
 */

static enum verdict test_wake(struct conform *c)
{
    struct play p;
    int result;
    play_init(&p, c);
    enum verdict verdict = play_begin(&p, NULL, 0);
    for (unsigned i = 0; i < 40 && verdict == VERDICT_PASSED; i++) {
        /* Before, beside and behind a poll. */
        for (uint64_t n = conform_random(c, 4); n; n--)
            if (child_wake(&p.drive.child) < 0)
                verdict = conform_fail(c, "the plugin's process has ended");
        pause_ms((long)conform_random(c, 3));
        if (verdict == VERDICT_PASSED)
            verdict = play_poll(&p, PLAY_SOFT_BYTES, (uint32_t)conform_random(c, 30), &result);
        if (verdict == VERDICT_PASSED && result < TENDON_OK)
            verdict = VERDICT_FAILED;
        if (p.tape)
            tape_rewind(p.tape);
        if (verdict == VERDICT_PASSED && result == TENDON_END)
            break;
    }
    if (verdict == VERDICT_PASSED)
        verdict = play_end(&p);
    play_fini(&p);
    return verdict;
}

static enum verdict test_fuzz_calls(struct conform *c)
{
    struct play p;
    int result = TENDON_OK;
    play_init(&p, c);
    enum verdict verdict = play_begin(&p, NULL, 0);
    for (unsigned i = 0; i < FUZZ_CALLS && verdict == VERDICT_PASSED; i++) {
        switch (conform_random(c, 8)) {
        case 0:
            if (p.tape)
                tape_rewind(p.tape);
            verdict = play_start(&p, p.cursor, conform_random(c, 3) ? p.cursor_size : 0, &result);
            break;
        case 1:
            if (json_is_true(json_object_get(c->description, "has_ack")))
                verdict = play_call(&p, PIPE_ACK, p.cursor, p.cursor_size, LIMIT_ACK_MS);
            break;
        case 2:
            (void)child_wake(&p.drive.child);
            break;
        case 3:
            if (i % 16 == 0)
                verdict = play_call(&p, PIPE_STOP, NULL, 0, LIMIT_STOP_MS);
            if (verdict == VERDICT_PASSED && i % 16 == 0)
                verdict = play_start(&p, p.cursor, p.cursor_size, &result);
            break;
        default:
            /* After END or an error nothing but start and stop may come. */
            if (result == TENDON_OK || result == TENDON_IDLE)
                verdict = play_poll(&p, (uint32_t)conform_random(c, PLAY_SOFT_BYTES) + 1,
                                    (uint32_t)conform_random(c, 3), &result);
        }
    }
    if (verdict == VERDICT_PASSED)
        verdict = play_end(&p);
    play_fini(&p);
    /* A recording has one way through: what lies beside it shows nothing. */
    return verdict == VERDICT_SKIPPED ? VERDICT_PASSED : verdict;
}

static enum verdict test_log(struct conform *c)
{
    struct play p;
    play_init(&p, c);
    enum verdict verdict = play_whole(&p);
    if (verdict == VERDICT_PASSED && p.n_personal)
        verdict = conform_fail(c, "%u lines of the log look as if they spoke of a person, or are not UTF-8",
                               p.n_personal);
    if (verdict == VERDICT_PASSED && p.n_lines > LINES_MOST)
        verdict = conform_fail(c, "%u lines were logged in one run", p.n_lines);
    play_fini(&p);
    return verdict;
}

const struct conform_test CONFORM_LIFE[] = {
    {"orders",
     "Every order of calls that a host may make: create and destroy alone, start again after errors with and "
     "without a "
     "cursor, wake at any time between create and destroy. Each is what happens on some bad day.",
     test_orders, true},
    {"stop_twice",
     "stop may be called twice: a host that is told to stop while it stops does so. The second time there is "
     "nothing left to do.",
     test_stop_twice, true},
    {"destroy_null",
     "destroy is called also when create failed before it set anything: self is NULL then, and destroy does "
     "nothing.",
     test_destroy_null, true},
    {"ack",
     "ack may come with an empty cursor, with the same one again and after stop: it says what is durable and "
     "asks for "
     "nothing.",
     test_ack, true},
    {"growth",
     "Two hundred times create and destroy leave no memory and no descriptor behind. A host that begins "
     "again after "
     "every error for months finds out otherwise.",
     test_growth, true},
    {"growth_at_work",
     "The same with start, poll and stop between: what a poll allocates goes with it, what start opens is "
     "closed by "
     "stop or destroy.",
     test_growth_at_work, true},
    {"handlers",
     "Signals are the host's. A handler that a plugin installs hides a crash from the host, which then can "
     "neither "
     "say what happened nor begin again.",
     test_handlers, true},
    {"wake",
     "wake comes from another thread at any time between create and destroy, also while no poll waits and "
     "several "
     "times: it must do nothing that is not safe beside the other functions.",
     test_wake, true},
    {"fuzz_calls",
     "Three hundred calls in an order that is drawn at random among those allowed. Whatever came before, a "
     "call returns "
     "one of its results within its limit.",
     test_fuzz_calls, true},
    {"log",
     "The log is for operators: few lines, and nothing of records in them. What looks as if it spoke of a "
     "person is "
     "withheld, and ten lines a second are shown.",
     test_log, true},
    {NULL},
};
