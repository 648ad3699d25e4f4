/* The store: the same set of events gives the same facts, whatever happens on the way. */
#include "core/fold/fold.h"
#include "core/fold/policy.h"

#include "store_made.h"

#include <signal.h>
#include <sys/resource.h>

#include <unistd.h>

/* One way to bring the events in: order by seed, some twice, seals every `hot_events`, reopened now and then.
 */
static char *run(uint64_t seed, uint64_t hot_events, bool reopen, bool reindex)
{
    char path[64];
    make_directory(path);
    uint64_t rng = seed, seq = 0;
    unsigned order[N_EVENTS + 200];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    for (unsigned i = 0; i < 200; i++)
        order[N_EVENTS + i] = (unsigned)(next_random(&rng) % N_EVENTS);
    if (seed > 1)
        shuffle(order, N_EVENTS + 200, &rng);
    struct store *s = open_store(path, hot_events);
    uint32_t accepted = 0, duplicates = 0;
    for (size_t i = 0; i < N_EVENTS + 200;) {
        size_t n = 1 + next_random(&rng) % 40;
        if (n > N_EVENTS + 200 - i)
            n = N_EVENTS + 200 - i;
        commit(s, order + i, n, &seq, &accepted, &duplicates);
        i += n;
        if (reopen && next_random(&rng) % 8 == 0) {
            store_close(s);
            s = open_store(path, hot_events);
        }
        if (next_random(&rng) % 16 == 0)
            assert_true(store_maintain(s, true, NULL) >= 0);
        if (next_random(&rng) % 8 == 0)
            free(dump_tables(s, (uint32_t)next_random(&rng) & FACT_TABLES_ALL));
    }
    assert_int_equal(accepted, N_EVENTS);
    assert_int_equal(duplicates, 200);
    struct error err = ERROR_INIT;
    if (reindex)
        assert_int_equal(store_reindex(s, &err), 0);
    finish_refold(s);
    char *text = dump(s);
    struct store_source source;
    assert_int_equal(store_source_get(s, "desk", &source), 1);
    assert_int_equal(source.last_seq, seq);
    assert_int_equal(source.accepted, N_EVENTS);
    uint8_t cursor[STORE_CURSOR_BYTES];
    size_t size;
    assert_int_equal(store_source_cursor(s, "desk", cursor, &size, &err), 0);
    assert_int_equal(size, sizeof(seq));
    assert_memory_equal(cursor, &seq, size);
    store_close(s);
    s = open_store(path, hot_events);
    char *again = dump(s);
    assert_string_equal(text, again);
    free(again);
    store_close(s);
    remove_store(path);
    return text;
}

static void test_any_way_gives_the_same_facts(void **state)
{
    (void)state;
    char *expected = run(1, 1000000, false, false);
    assert_true(strlen(expected) > 10000);
    for (uint64_t seed = 2; seed < 14; seed++) {
        char *text = run(seed, seed % 3 ? 30 : 200, seed % 2, seed % 4 == 0);
        if (strcmp(expected, text) != 0)
            fail_msg("seed %llu gives other facts", (unsigned long long)seed);
        free(text);
    }
    free(expected);
}

/* A view shows what was there when it was opened, through commits, seals and a refold. */
static void test_a_view_does_not_move(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store *s = open_store(path, 50);
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[N_EVENTS];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    struct store_view *views[9];
    uint64_t counts[9];
    struct error err = ERROR_INIT;
    for (unsigned k = 0; k < 9; k++) {
        for (unsigned i = 0; i < 60; i += 20)
            commit(s, order + 60 * k + i, 20, &seq, &accepted, &duplicates);
        assert_int_equal(store_view_open(s, FACT_TABLES_ALL, &views[k], &err), 0);
        counts[k] = 0;
        if (k == 5) {
            assert_int_equal(store_reindex(s, &err), 0);
            finish_refold(s);
        }
    }
    for (unsigned round = 0; round < 2; round++)
        for (unsigned k = 0; k < 9; k++) {
            uint8_t column = FACT_FLAGS;
            struct fact_scan *scan;
            struct fact_vector vector;
            uint64_t n = 0;
            assert_int_equal(store_view_as_of(views[k]), 60 * (k + 1));
            assert_int_equal(fact_scan_open(views[k], FACT_TICKET, &column, 1, NULL, 0, &scan, &err), 0);
            while (fact_scan_next(scan, &vector, &err) == 1)
                for (uint32_t i = 0; i < vector.n; i++)
                    n += (!vector.live || vector.live[i]) && vector.values[FACT_FLAGS][i] & FACT_FLAG_TICKET;
            fact_scan_close(scan);
            if (round == 0)
                counts[k] = n;
            assert_int_equal(counts[k], n);
            /* nine events a ticket: so many tickets have begun */
            assert_int_equal(n, (60 * (k + 1) + EVENTS_A_TICKET - 1) / EVENTS_A_TICKET);
        }
    for (unsigned k = 0; k < 9; k++)
        store_view_close(views[k]);
    store_close(s);
    remove_store(path);
}

static void test_another_key_is_refused(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    store_close(open_store(path, 0));
    struct store_options options = {.path = path, .map_bytes = 1 << 28, .create = true};
    struct store *s = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(store_open(&options, &s, &err), -EACCES);
    assert_string_equal(err.code, "store_key");
    remove_store(path);
}

/* One event with this category, alone; the code with which it is refused, or REJECT_NONE. */
static uint8_t commit_category(struct store *s, uint64_t seq, const char *category)
{
    char id[24];
    struct store_reject reject = {0};
    uint32_t index = 0;
    (void)snprintf(id, sizeof(id), "i%llu", (unsigned long long)seq);
    struct wire_value value = {.field = FIELD_CATEGORY, .string = string_of(category)};
    struct wire_event event = {.type = EVENT_TICKET_UPDATED,
                               .at = 1700000000000 + (int64_t)seq,
                               .id = string_of(id),
                               .ticket = string_of(id),
                               .n_values = 1,
                               .values = &value};
    struct store_batch batch = {.source = "a",
                                .namespace = "a",
                                .seq = seq,
                                .events = &event,
                                .indices = &index,
                                .n_events = 1,
                                .rejects = &reject};
    assert_int_equal(store_commit(s, &batch, 1, NULL), 0);
    return batch.n_rejects ? reject.code : REJECT_NONE;
}

static void import_category(struct store *s, const char *category)
{
    struct store_view *view;
    struct reference *next;
    assert_int_equal(store_view_open(s, FACT_TABLES_NONE, &view, NULL), 0);
    assert_int_equal(reference_new(store_view_reference(view), &next), 0);
    store_view_close(view);
    assert_int_equal(reference_add_code(next, "category", category, NULL), 1);
    assert_int_equal(store_set_reference(s, next, NULL), 0);
}

/* Numbers of values are bounded a source, field and day; the event that would be one too many is refused
 * alone. What was imported is no source's, and does not count. */
static void test_new_values_are_bounded(void **state)
{
    (void)state;
    char path[64], name[16];
    make_directory(path);
    struct store *s = open_store(path, 0);
    uint32_t refused = 0;
    import_category(s, "c17");
    for (unsigned i = 0; i < 4101; i++) {
        (void)snprintf(name, sizeof(name), "c%u", i);
        uint8_t code = commit_category(s, i + 1, name);
        refused += code != REJECT_NONE;
        assert_int_equal(code, i < 4097 ? REJECT_NONE : REJECT_NEW_VALUES);
    }
    assert_int_equal(refused, 4);
    struct store_source_reject list[8];
    assert_int_equal(store_source_rejects(s, "a", list, 8), 4);
    assert_int_equal(list[0].seq, 4101);
    import_category(s, "c4099");
    assert_int_equal(commit_category(s, 4102, "c4099"), REJECT_NONE);
    assert_int_equal(commit_category(s, 4103, "c4100"), REJECT_NEW_VALUES);
    store_close(s);
    s = open_store(path, 0);
    struct store_view *view;
    assert_int_equal(store_view_open(s, FACT_TABLES_NONE, &view, NULL), 0);
    assert_int_equal(reference_value_count(store_view_reference(view), "category"), 2);
    assert_true(reference_has_code(store_view_reference(view), "category", "c4099"));
    store_view_close(view);
    store_close(s);
    remove_store(path);
}

/* The disk takes nothing when a seal is to be committed: questions are answered as before. */
static void test_a_view_behind_a_failed_seal(void **state)
{
    (void)state;
    char path[64];
    struct error err = ERROR_INIT;
    struct store_view *v;
    struct rlimit was;
    make_directory(path);
    struct store *s = open_store(path, 500);
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[N_EVENTS];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    for (unsigned i = 0; i < N_EVENTS; i += 60)
        commit(s, order + i, 60, &seq, &accepted, &duplicates);
    char *before = dump(s);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct rlimit none = {.rlim_cur = 4096, .rlim_max = was.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int sealed; /* it may be drafted beside */
    while ((sealed = store_maintain(s, false, &err)) == 1)
        ;
    const int r = store_view_open(s, FACT_TABLES_ALL, &v, &err);
    char *after = r == 0 ? dump_view(v, FACT_TABLES_ALL) : NULL;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    (void)signal(SIGXFSZ, handler);
    assert_true(sealed < 0);
    if (r < 0)
        fail_msg("%s: %s", err.code, err.message);
    store_view_close(v);
    assert_string_equal(before, after);
    free(before);
    free(after);
    store_close(s);
    remove_store(path);
}

/* A full store refuses whole batches, answers as before, and goes on when it has room. */
static void test_a_full_store_loses_nothing(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store_options options = {.path = path, .map_bytes = 96 << 10, .create = true};
    memset(options.key, 7, sizeof(options.key));
    struct store *s = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(store_open(&options, &s, &err), 0);
    uint64_t seq = 0;
    int r = 0;
    unsigned at = 0, n_refused = 0;
    char *before = NULL;
    struct wire_event events[20];
    uint32_t indices[20];
    struct store_reject rejects[20];
    for (; at + 20 <= N_EVENTS; at += 20) {
        for (unsigned i = 0; i < 20; i++) {
            events[i] = EVENTS[at + i].event;
            indices[i] = i;
        }
        struct store_batch batch = {.source = "desk",
                                    .namespace = "desk",
                                    .seq = seq + 1,
                                    .events = events,
                                    .indices = indices,
                                    .n_events = 20,
                                    .rejects = rejects};
        r = store_commit(s, &batch, 1, &err);
        if (r < 0 && n_refused++ == 0) {
            assert_int_equal(r, -ENOSPC);
            assert_string_equal(err.code, "disk_full");
            before = dump(s);
            struct store_source source;
            assert_int_equal(store_source_get(s, "desk", &source), 1);
            assert_int_equal(source.last_seq, seq);
            store_close(s);
            options.map_bytes = 1 << 28;
            assert_int_equal(store_open(&options, &s, &err), 0);
            char *after = dump(s);
            assert_string_equal(before, after);
            free(before);
            free(after);
            at -= 20;
        } else {
            assert_int_equal(r, 0);
            seq++;
        }
    }
    assert_int_equal(n_refused, 1);
    char *text = dump(s), *expected = run(1, 1000000, false, false);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
    store_close(s);
    remove_store(path);
}

struct gathered {
    unsigned n;
    uint64_t sum; /* of the instants: which events, not only how many */
};

static int gather(void *context, const struct event *e)
{
    struct gathered *g = context;
    g->n++;
    g->sum += (uint64_t)e->at;
    return 0;
}

/* A view gives the events of a ticket that it shows, wherever they are: in segments, in the journal, in both.
 */
static void test_a_view_gives_the_events_of_a_ticket(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store *s = open_store(path, 90);
    struct error err = ERROR_INIT;
    uint64_t seq = 0, rng = 4711;
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[N_EVENTS];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    shuffle(order, N_EVENTS, &rng);
    struct store_view *views[3];
    for (unsigned k = 0; k < 3; k++) {
        if (k == 1) {
            store_close(s);
            s = open_store(path, 90);
        }
        for (unsigned i = 0; i < N_EVENTS / 3; i += 20)
            commit(s, order + k * (N_EVENTS / 3) + i, 20, &seq, &accepted, &duplicates);
        if (k > 0)
            assert_int_equal(store_view_open(s, FACT_TABLES_ALL, &views[k], &err), 0);
    }
    for (unsigned ticket = 0; ticket < N_TICKETS; ticket++)
        for (unsigned k = 1; k < 3; k++) {
            struct gathered expected = {0}, got = {0};
            for (unsigned i = 0; i < (k + 1) * (N_EVENTS / 3); i++)
                if (order[i] / EVENTS_A_TICKET == ticket && EVENTS[order[i]].event.ticket.data)
                    (void)gather(&expected, &(struct event){.at = EVENTS[order[i]].event.at});
            char id[24];
            uint32_t number = 0;
            uint16_t namespace = 0;
            (void)snprintf(id, sizeof(id), "T-%u", ticket);
            int r = store_view_ticket(views[k], store_hash_ticket(s, "desk", id, strlen(id)), &number,
                                      &namespace, gather, &got, &err);
            assert_int_equal(r, expected.n > 0);
            assert_int_equal(got.n, expected.n);
            assert_true(got.sum == expected.sum);
            if (r == 1) {
                assert_true(number > 0);
                assert_string_equal(
                    dictionary_string(store_view_dictionary(views[k]), DICTIONARY_NAMESPACE, namespace),
                    "desk");
            }
        }
    struct gathered none = {0};
    uint32_t number;
    uint16_t namespace;
    assert_int_equal(store_view_ticket(views[2], store_hash_ticket(s, "other", "T-1", 3), &number, &namespace,
                                       gather, &none, &err),
                     0);
    assert_int_equal(none.n, 0);
    store_view_close(views[1]);
    store_view_close(views[2]);
    store_close(s);
    remove_store(path);
}

static void assert_fold_reads(struct store *s, const char *calendar, const char *policy)
{
    struct error err = ERROR_INIT;
    struct store_view *v;
    struct fold_environment environment;
    assert_int_equal(store_view_open(s, FACT_TABLES_ALL, &v, &err), 0);
    store_view_fold(v, &environment);
    assert_string_equal(environment.settings->calendar, calendar);
    assert_string_equal(environment.settings->zones, *calendar ? "2025b" : "");
    assert_int_equal(environment.settings->n_policies, policy ? 1 : 0);
    if (policy) {
        const struct policy *p = environment.settings->policies;
        assert_string_equal(p->name, policy);
        assert_int_equal(p->target_ms, 3600000);
        assert_int_equal(p->n_conditions, 1);
        assert_string_equal(p->conditions[0].values[1].text, "globex");
        assert_string_equal(dictionary_string(environment.dictionary, FIELD_POLICY, p->name_number), policy);
        assert_string_equal(
            dictionary_string(environment.dictionary, FIELD_VENDOR, p->conditions[0].values[1].number),
            "globex");
    }
    store_view_close(v);
}

/* The store goes on with the settings that it was given last, also where nobody gives it any again. */
static void test_the_folds_settings_are_kept(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store *s = open_store(path, 90);
    struct error err = ERROR_INIT;
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[20];
    for (unsigned i = 0; i < 20; i++)
        order[i] = i;
    struct policy_value values[] = {{.text = "acme"}, {.text = "globex"}};
    struct policy policy = {
        .name = "gold",
        .metric = METRIC_FIRST_RESPONSE_TIME,
        .target_ms = 3600000,
        .clock = CLOCK_WALL,
        .n_conditions = 1,
        .conditions = {{.field = FIELD_VENDOR, .n_values = 2, .values = values}},
    };
    struct fold_settings settings = {
        .calendar = "office", .zones = "2025b", .policies = &policy, .n_policies = 1};
    assert_fold_reads(s, "", NULL);
    assert_int_equal(store_set_fold(s, &settings, &err), 0);
    memset(values, 0, sizeof(values)); /* it has a copy */
    commit(s, order, 20, &seq, &accepted, &duplicates);
    assert_fold_reads(s, "office", "gold");
    store_close(s);
    s = open_store(path, 90);
    assert_fold_reads(s, "office", "gold");
    assert_int_equal(store_set_fold(s, NULL, &err), 0);
    assert_true(store_maintain(s, false, &err) >= 0);
    assert_fold_reads(s, "office", "gold"); /* as what the facts were made with */
    finish_refold(s);
    assert_fold_reads(s, "", NULL);
    store_close(s);
    remove_store(path);
}

/* A view has the facts of the tables that it was opened for, and no others. */
static void test_a_view_has_the_tables_it_asks_for(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    const unsigned order[] = {0, 1, 2};
    const uint8_t columns[] = {FACT_SUBJECT};
    struct store *s = open_store(path, 30);
    commit(s, order, 3, &seq, &accepted, &duplicates);
    struct store_view *v;
    struct fact_scan *scan;
    struct error err = ERROR_INIT;
    assert_int_equal(store_view_open(s, FACT_TABLES_NONE, &v, &err), 0);
    assert_int_equal(store_view_as_of(v), 3);
    assert_int_equal(fact_scan_open(v, FACT_TICKET, columns, 1, NULL, 0, &scan, &err), -EINVAL);
    store_view_close(v);
    for (unsigned table = 0; table < FACT_N_TABLES; table++) {
        assert_int_equal(store_view_open(s, FACT_TABLE_BIT(table), &v, &err), 0);
        for (unsigned t = 0; t < FACT_N_TABLES; t++) {
            assert_int_equal(fact_scan_open(v, t, columns, 1, NULL, 0, &scan, &err),
                             t == table ? 0 : -EINVAL);
            if (t == table)
                fact_scan_close(scan);
        }
        store_view_close(v);
    }
    store_close(s);
    remove_store(path);
}

/* Tables that were asked for before, for the first time or long ago show the same, with whatever is hot. */
static void test_a_table_is_whole_whenever_it_is_asked_for(void **state)
{
    (void)state;
    char paths[2][64];
    struct store *asked[2]; /* the second is asked for everything, all the time */
    uint64_t rng = 5, seqs[2] = {0};
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[N_EVENTS];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    shuffle(order, N_EVENTS, &rng);
    for (unsigned k = 0; k < 2; k++) {
        make_directory(paths[k]);
        asked[k] = open_store(paths[k], 90);
    }
    for (unsigned i = 0; i < N_EVENTS; i += 10) {
        const uint32_t tables = (uint32_t)(next_random(&rng) & next_random(&rng)) & FACT_TABLES_ALL;
        for (unsigned k = 0; k < 2; k++)
            commit(asked[k], order + i, 10, &seqs[k], &accepted, &duplicates);
        free(dump(asked[1]));
        char *some = dump_tables(asked[0], tables);
        char *expected = dump_tables(asked[1], tables);
        assert_string_equal(some, expected);
        free(some);
        free(expected);
        if (i % 50 == 0)
            (void)usleep(2000); /* tables_ms is over */
    }
    for (unsigned k = 0; k < 2; k++) {
        store_close(asked[k]);
        remove_store(paths[k]);
    }
}

/* Tickets that come back again and again leave more dead rows than living ones, until those are written anew.
 */
static void test_the_dead_do_not_pile_up(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    uint64_t rng = 9, seq = 0;
    unsigned order[N_EVENTS];
    uint32_t accepted = 0, duplicates = 0;
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    shuffle(order, N_EVENTS, &rng);
    struct store *s = open_store(path, 8);
    for (unsigned i = 0; i < N_EVENTS; i += 10)
        commit(s, order + i, 10, &seq, &accepted, &duplicates);
    assert_true(store_maintain(s, false, NULL) >= 0);
    struct store_statistics before, after;
    char *text = dump(s);
    store_statistics(s, &before);
    finish_refold(s);
    store_statistics(s, &after);
    print_message("%u groups of facts became %u\n", (unsigned)before.fact_blocks,
                  (unsigned)after.fact_blocks);
    assert_true(after.fact_blocks < before.fact_blocks);
    for (unsigned round = 0; round < 2; round++) {
        char *again = dump(s);
        assert_string_equal(again, text);
        free(again);
        store_close(s);
        s = open_store(path, 8);
    }
    free(text);
    store_close(s);
    remove_store(path);
}

static int make_all(void **state)
{
    (void)state;
    make_events(88172645463325252);
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
        cmocka_unit_test(test_any_way_gives_the_same_facts),
        cmocka_unit_test(test_a_view_does_not_move),
        cmocka_unit_test(test_a_view_behind_a_failed_seal),
        cmocka_unit_test(test_a_full_store_loses_nothing),
        cmocka_unit_test(test_another_key_is_refused),
        cmocka_unit_test(test_new_values_are_bounded),
        cmocka_unit_test(test_a_view_gives_the_events_of_a_ticket),
        cmocka_unit_test(test_the_folds_settings_are_kept),
        cmocka_unit_test(test_the_dead_do_not_pile_up),
        cmocka_unit_test(test_a_view_has_the_tables_it_asks_for),
        cmocka_unit_test(test_a_table_is_whole_whenever_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
