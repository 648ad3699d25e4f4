/* The reset of a source: its events leave the set, in one step for every view, and the log behind that; what
 * is sent again is new. Beside commits, restarts and crashes as a refold is. */
#include "store_made.h"

enum { SLICE = 7, HOT = 60, N_SOURCES = 3 };

static const char *const SOURCES[N_SOURCES] = {"desk", "phone", "mail"};

struct walk {
    char path[64];
    struct store *store;
    uint64_t rng, seq[N_SOURCES];
    bool today[N_EVENTS], before[N_EVENTS]; /* in the set; in the one of the facts */
    unsigned n_resets, n_between;
};

static unsigned source_of(unsigned event)
{
    return event % 7 == 0 ? 1 : event % 5 == 0 ? 2 : 0; /* most tickets have events of several */
}

/* The facts of a set, by a store that never had another. Sources have no part in them. */
static char *facts_of(const bool *set)
{
    char path[64];
    unsigned order[N_EVENTS];
    size_t n = 0;
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    for (unsigned i = 0; i < N_EVENTS; i++)
        if (set[i])
            order[n++] = i;
    make_directory(path);
    struct store *s = open_store(path, 1000000);
    for (size_t i = 0; i < n; i += 64)
        commit(s, order + i, n - i < 64 ? n - i : 64, &seq, &accepted, &duplicates);
    char *text = dump(s);
    store_close(s);
    remove_store(path);
    return text;
}

static void check(struct walk *w)
{
    char *expected = facts_of(w->before), *got = dump(w->store);
    if (strcmp(expected, got) != 0)
        fail_msg("after %u resets the facts are not those of the set", w->n_resets);
    w->n_between += memcmp(w->before, w->today, sizeof(w->today)) != 0;
    free(expected);
    free(got);
}

static void note_switch(struct walk *w)
{
    struct store_progress p;
    store_progress(w->store, &p);
    if (!p.is_refolding)
        memcpy(w->before, w->today, sizeof(w->today));
}

/* Some events of one source, new, sent before or gone. */
static void send_some(struct walk *w)
{
    unsigned source = (unsigned)(next_random(&w->rng) % N_SOURCES), order[24];
    uint32_t accepted = 0, duplicates = 0, n_new = 0;
    size_t n = 0;
    for (unsigned tries = 0; tries < 60 && n < 24; tries++) {
        unsigned event = (unsigned)(next_random(&w->rng) % N_EVENTS);
        bool is_in = source_of(event) != source;
        for (size_t i = 0; i < n && !is_in; i++)
            is_in = order[i] == event;
        if (!is_in)
            order[n++] = event;
    }
    for (size_t i = 0; i < n; i++) {
        n_new += !w->today[order[i]];
        w->today[order[i]] = w->before[order[i]] = true;
    }
    commit_as(w->store, SOURCES[source], "desk", order, n, &w->seq[source], &accepted, &duplicates);
    assert_int_equal(accepted, n_new);
    assert_int_equal(duplicates, n - n_new);
}

static void reset(struct walk *w)
{
    struct error err = ERROR_INIT;
    struct store_source before, after;
    unsigned source = 1 + (unsigned)(next_random(&w->rng) % (N_SOURCES - 1));
    uint64_t n_events = 0;
    if (store_source_get(w->store, SOURCES[source], &before) == 0) {
        assert_int_equal(store_source_reset(w->store, SOURCES[source], &n_events, &err), -ENOENT);
        assert_string_equal(err.code, "unknown_source");
        return;
    }
    int r = store_source_reset(w->store, SOURCES[source], &n_events, &err);
    if (r < 0)
        fail_msg("%s: %s", err.code, err.message);
    assert_int_equal(n_events, before.accepted);
    assert_int_equal(store_source_get(w->store, SOURCES[source], &after), 1);
    assert_int_equal(after.generation, before.generation + 1);
    assert_int_equal(after.last_seq, 0);
    assert_int_equal(after.accepted, 0);
    uint8_t cursor[STORE_CURSOR_BYTES];
    size_t size = 1;
    assert_int_equal(store_source_cursor(w->store, SOURCES[source], cursor, &size, &err), 0);
    assert_int_equal(size, 0);
    w->seq[source] = 0;
    for (unsigned i = 0; i < N_EVENTS; i++)
        if (source_of(i) == source)
            w->today[i] = false;
    w->n_resets++;
}

static void reopen(struct walk *w, bool crashes)
{
    if (crashes)
        crash_store(w->store, w->path);
    else
        store_close(w->store);
    w->store = open_store_sliced(w->path, HOT, SLICE);
}

static void step(struct walk *w)
{
    struct error err = ERROR_INIT;
    switch (next_random(&w->rng) % 20) {
    case 0:
    case 1:
        reopen(w, next_random(&w->rng) % 2);
        break;
    case 2:
        assert_true(store_maintain(w->store, true, &err) >= 0);
        break;
    case 3:
        assert_int_equal(store_reindex(w->store, &err), 0);
        break;
    case 4:
    case 5:
        reset(w);
        break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
        send_some(w);
        break;
    default:
        if (store_refold(w->store, &err) < 0)
            fail_msg("%s: %s", err.code, err.message);
        break;
    }
    note_switch(w);
    if (next_random(&w->rng) % 8 == 0)
        check(w);
}

static void test_resets_beside_commits(void **state)
{
    (void)state;
    unsigned n_between = 0, n_resets = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct walk w = {.rng = seed * UINT64_C(0x9e3779b97f4a7c15)};
        make_directory(w.path);
        w.store = open_store_sliced(w.path, HOT, SLICE);
        for (unsigned i = 0; i < 150; i++)
            step(&w);
        finish_refold(w.store);
        note_switch(&w);
        check(&w);
        /* What was dropped is gone from the log itself: nothing tells it apart any more, and it does not come
         * back. */
        struct error err = ERROR_INIT;
        assert_int_equal(store_reindex(w.store, &err), 0);
        finish_refold(w.store);
        check(&w);
        reopen(&w, true);
        check(&w);
        n_between += w.n_between;
        n_resets += w.n_resets;
        store_close(w.store);
        remove_store(w.path);
    }
    print_message("%u resets, %u checks with one under way\n", n_resets, n_between);
    assert_true(n_resets > 20);
    assert_true(n_between > 5);
}

/* A source that is reset and sends all again, over and over, does not fill the disk. */
static void test_resets_leave_nothing_behind(void **state)
{
    (void)state;
    char path[64];
    unsigned order[N_EVENTS];
    struct error err = ERROR_INIT;
    struct store_statistics first = {0}, last = {0};
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    make_directory(path);
    struct store *s = open_store(path, 0);
    for (unsigned round = 0; round < 12; round++) {
        uint64_t seq = 0, n_events = 0;
        uint32_t accepted = 0, duplicates = 0;
        for (unsigned i = 0; i < N_EVENTS; i += 60)
            commit(s, order + i, 60, &seq, &accepted, &duplicates);
        assert_int_equal(accepted, N_EVENTS);
        store_close(s);
        s = open_store(path, 0);
        store_statistics(s, &last);
        if (round == 1)
            first = last;
        if (round == 11)
            break;
        assert_int_equal(store_source_reset(s, "desk", &n_events, &err), 0);
        assert_int_equal(n_events, N_EVENTS);
        finish_refold(s);
        char *none = dump(s);
        assert_string_equal(none, "");
        free(none);
    }
    print_message("%llu bytes of log after 2 rounds, %llu after 12\n", (unsigned long long)first.bytes_log,
                  (unsigned long long)last.bytes_log);
    assert_int_equal(last.subjects, first.subjects); /* a ticket that comes again is the same one */
    assert_true(last.bytes_log < first.bytes_log * 4);
    assert_true(last.file_bytes < first.file_bytes * 3 / 2);
    store_close(s);
    remove_store(path);
}

/* A log of many blocks is pruned in several steps, over a crash and another reset in between, and each block
 * once: also those that might have something to prune by the range of their sources, and do not. */
static void test_a_long_log(void **state)
{
    (void)state;
    char path[64];
    bool set[N_EVENTS] = {false};
    struct error err = ERROR_INIT;
    uint64_t seq[N_SOURCES] = {0}, n_events;
    uint32_t accepted = 0, duplicates = 0;
    make_directory(path);
    struct store *s = open_store_sliced(path, HOT, N_TICKETS);
    for (unsigned i = 0; i < N_EVENTS; i += 9) {
        for (unsigned k = i; k < i + 9; k++) {
            /* every third block lacks the one in the middle */
            unsigned source = i / 9 % 3 ? source_of(k) : source_of(k) == 1 ? 2 : source_of(k);
            commit_as(s, SOURCES[source], "desk", &k, 1, &seq[source], &accepted, &duplicates);
            set[k] = source == 0;
        }
        store_close(s); /* a block each */
        s = open_store_sliced(path, HOT, N_TICKETS);
    }
    assert_int_equal(store_source_reset(s, "phone", &n_events, &err), 0);
    unsigned n_steps = 0;
    /* into the middle of the pruning: begin, slices, the switch and sweeps are before it */
    while (n_steps < 8)
        n_steps += store_refold(s, &err) == 1;
    crash_store(s, path);
    s = open_store_sliced(path, HOT, N_TICKETS);
    assert_int_equal(store_source_reset(s, "mail", &n_events, &err), 0);
    int r = 1;
    for (n_steps = 0; r == 1 && n_steps < 40; n_steps++)
        r = store_refold(s, &err);
    assert_int_equal(r, 0);
    assert_int_equal(store_reindex(s, &err), 0);
    finish_refold(s);
    char *got = dump(s), *expected = facts_of(set);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    store_close(s);
    remove_store(path);
}

/* An event that two sources of a namespace sent belongs to the first. */
static void test_who_sent_it_first(void **state)
{
    (void)state;
    char path[64];
    unsigned both[9], theirs[9];
    bool set[N_EVENTS] = {false};
    struct error err = ERROR_INIT;
    for (unsigned i = 0; i < 9; i++) {
        both[i] = 9 + i; /* a ticket */
        theirs[i] = 18 + i;
        set[both[i]] = true;
    }
    make_directory(path);
    struct store *s = open_store(path, 0);
    uint64_t desk = 0, phone = 0, n_events;
    uint32_t accepted = 0, duplicates = 0;
    commit_as(s, "desk", "desk", both, 9, &desk, &accepted, &duplicates);
    commit_as(s, "phone", "desk", both, 9, &phone, &accepted, &duplicates);
    commit_as(s, "phone", "desk", theirs, 9, &phone, &accepted, &duplicates);
    assert_int_equal(duplicates, 9);
    assert_int_equal(store_source_reset(s, "phone", &n_events, &err), 0);
    assert_int_equal(n_events, 9);
    finish_refold(s);
    char *got = dump(s), *expected = facts_of(set);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    assert_int_equal(store_source_reset(s, "desk", &n_events, &err), 0);
    finish_refold(s);
    got = dump(s);
    assert_string_equal(got, "");
    free(got);
    phone = 0;
    accepted = 0;
    commit_as(s, "phone", "desk", both, 9, &phone, &accepted, &duplicates);
    assert_int_equal(accepted, 9);
    got = dump(s), expected = facts_of(set);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    store_close(s);
    remove_store(path);
}

/* Tickets that are in memory when all they have leaves are found again after a crash, and by what comes late.
 */
static void test_a_hot_ticket_with_nothing_left(void **state)
{
    (void)state;
    char path[64];
    unsigned order[18];
    struct error err = ERROR_INIT;
    uint64_t seq = 0, n_events;
    uint32_t accepted = 0, duplicates = 0;
    bool set[N_EVENTS] = {false};
    for (unsigned i = 0; i < 18; i++) {
        order[i] = i < 9 ? 45 + 2 * i : 46 + 2 * (i - 9); /* of two tickets, one with a loose event */
        set[order[i]] = true;
    }
    make_directory(path);
    struct store *s = open_store_sliced(path, HOT, SLICE);
    commit_as(s, "phone", "desk", order, 9, &seq, &accepted, &duplicates);
    store_close(s); /* half of them sealed, and then hot with the rest */
    s = open_store_sliced(path, HOT, SLICE);
    commit_as(s, "phone", "desk", order + 9, 9, &seq, &accepted, &duplicates);
    assert_int_equal(store_source_reset(s, "phone", &n_events, &err), 0);
    finish_refold(s);
    crash_store(s, path);
    s = open_store_sliced(path, HOT, SLICE);
    char *got = dump(s);
    assert_string_equal(got, "");
    free(got);
    seq = 0;
    accepted = 0;
    for (unsigned i = 0; i < 18; i += 6) {
        commit_as(s, "phone", "desk", order + i, 6, &seq, &accepted, &duplicates);
        store_close(s);
        s = open_store_sliced(path, HOT, SLICE);
    }
    assert_int_equal(accepted, 18);
    char *expected = facts_of(set);
    got = dump(s);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    store_close(s);
    remove_store(path);
}

/* A full disk on the way: views show the set before or the set after, and with room it ends. */
static void test_a_full_disk_in_a_reset(void **state)
{
    (void)state;
    char path[64];
    bool all[N_EVENTS], rest[N_EVENTS];
    struct error err = ERROR_INIT;
    struct walk w = {.rng = 5};
    make_directory(w.path);
    memcpy(path, w.path, sizeof(path));
    w.store = open_store_sliced(path, HOT, SLICE);
    uint32_t accepted = 0, duplicates = 0;
    for (unsigned i = 0; i < N_EVENTS; i++) {
        commit_as(w.store, SOURCES[source_of(i)], "desk", &i, 1, &w.seq[source_of(i)], &accepted,
                  &duplicates);
        all[i] = true;
        rest[i] = source_of(i) != 1;
    }
    uint64_t n_events;
    assert_int_equal(store_source_reset(w.store, "phone", &n_events, &err), 0);
    store_close(w.store);
    char *before = facts_of(all), *after = facts_of(rest);
    unsigned n_full = 1, n_rounds = 0;
    for (uint64_t pages = 60; n_full > 0; pages += 4, n_rounds++) {
        struct store *s;
        struct store_progress p;
        struct store_options options = {.path = path,
                                        .map_bytes = pages * 4096,
                                        .hot_events = HOT,
                                        .kept_events = HOT,
                                        .slice_subjects = SLICE};
        memset(options.key, 7, sizeof(options.key));
        int r = store_open(&options, &s, &err);
        n_full = r == -ENOSPC;
        if (n_full)
            continue;
        assert_int_equal(r, 0);
        while ((r = store_refold(s, &err)) == 1)
            ;
        n_full = r < 0;
        if (r < 0)
            assert_string_equal(err.code, "disk_full");
        store_progress(s, &p);
        char *got = dump(s);
        assert_string_equal(got, p.is_refolding ? before : after);
        free(got);
        store_close(s);
        assert_true(n_rounds < 500);
    }
    print_message("%u maps were too small\n", n_rounds - 1);
    assert_true(n_rounds > 2);
    free(before);
    free(after);
    remove_store(path);
}

static int make_all(void **state)
{
    (void)state;
    make_events(UINT64_C(88172645463325252));
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    free(EVENTS);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resets_beside_commits),
        cmocka_unit_test(test_resets_leave_nothing_behind),
        cmocka_unit_test(test_who_sent_it_first),
        cmocka_unit_test(test_a_long_log),
        cmocka_unit_test(test_a_hot_ticket_with_nothing_left),
        cmocka_unit_test(test_a_full_disk_in_a_reset),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
