/* Retention: what leaves the log answers as before, takes nothing more, and goes when its time has come. */
#include "core/base/instant.h"
#include "core/fold/fact.h"
#include "core/store/outlet.h"
#include "core/store/state.h"

#include "store_made.h"

enum { DAY_MS = 86400000 };

struct world {
    char path[64];
    struct store *store;
    uint64_t seq;
    int64_t now; /* of the last pass */
};

static struct world *world_new(uint64_t hot_events)
{
    struct world *w = calloc(1, sizeof(*w));
    unsigned order[N_EVENTS];
    uint64_t rng = 11;
    uint32_t accepted = 0, duplicates = 0;
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    make_events(5);
    make_directory(w->path);
    w->store = open_store_sliced(w->path, hot_events, 7);
    w->now = instant_now();
    shuffle(order, N_EVENTS, &rng);
    for (size_t i = 0; i < N_EVENTS; i += 60)
        commit(w->store, order + i, N_EVENTS - i < 60 ? N_EVENTS - i : 60, &w->seq, &accepted, &duplicates);
    assert_int_equal(accepted + duplicates, N_EVENTS);
    return w;
}

static void world_free(struct world *w)
{
    store_close(w->store);
    remove_store(w->path);
    free(EVENTS);
    free(w);
}

static void reopen(struct world *w)
{
    store_close(w->store);
    w->store = open_store_sliced(w->path, 1000, 7);
}

/* The pass of the next day; how many steps it took. */
static unsigned pass(struct world *w, int64_t log_ms, int64_t facts_ms)
{
    struct error err = ERROR_INIT;
    const struct store_retention retention = {.log_ms = log_ms, .facts_ms = facts_ms};
    unsigned n = 0;
    int r;
    w->now += DAY_MS;
    store_set_retention(w->store, &retention);
    while ((r = store_retire(w->store, w->now, &err)) == 1)
        n++;
    if (r < 0)
        fail_msg("%s: %s", err.code, err.message);
    assert_int_equal(store_retire(w->store, w->now, &err), 0); /* not twice a day */
    return n;
}

static struct store_statistics statistics_of(struct world *w)
{
    struct store_statistics s;
    store_statistics(w->store, &s);
    return s;
}

/* One event of a ticket; its reject code. */
static int send(struct world *w, const char *ticket, const char *id, int64_t at, enum event_type type,
                enum event_field field, int64_t number)
{
    struct wire_value value = {.field = (uint8_t)field, .number = number};
    struct wire_event event = {.type = type, .at = at, .n_values = 1, .values = &value};
    struct store_reject reject = {0};
    uint32_t index = 0;
    struct error err = ERROR_INIT;
    event.id = string_of(id);
    event.ticket = string_of(ticket);
    struct store_batch batch = {.source = "desk",
                                .namespace = "desk",
                                .seq = ++w->seq,
                                .events = &event,
                                .indices = &index,
                                .n_events = 1,
                                .rejects = &reject};
    if (store_commit(w->store, &batch, 1, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    return batch.n_rejects ? reject.code : REJECT_NONE;
}

static int count_event(void *context, const struct event *e)
{
    ++*(unsigned *)context;
    return 0;
}

/* How many events of a ticket the log has; *ret_code says why none. */
static unsigned events_of(struct world *w, const char *ticket, struct error *err)
{
    struct store_view *view;
    unsigned n = 0;
    uint32_t number;
    uint16_t namespace;
    assert_int_equal(store_view_open(w->store, FACT_TABLES_ALL, &view, err), 0);
    uint64_t hash = store_hash_ticket(w->store, "desk", ticket, strlen(ticket));
    (void)store_view_ticket(view, hash, &number, &namespace, count_event, &n, err);
    store_view_close(view);
    return n;
}

/* A ticket that is done, and one that is not: as the dump shows them. */
static unsigned n_frozen(struct world *w)
{
    unsigned n = 0;
    for (unsigned i = 0; i < N_TICKETS; i++) {
        char ticket[24];
        struct error err = ERROR_INIT;
        (void)snprintf(ticket, sizeof(ticket), "T-%u", i);
        (void)events_of(w, ticket, &err);
        n += strcmp(err.code, "frozen") == 0;
    }
    return n;
}

/* Rows of tickets that were erased, in all tables. */
static unsigned n_rows_erased(struct world *w)
{
    const uint8_t columns[] = {FACT_EXCLUDED};
    struct error err = ERROR_INIT;
    struct store_view *view;
    struct fact_scan *scan;
    struct fact_vector v;
    unsigned n = 0;
    assert_int_equal(store_view_open(w->store, FACT_TABLES_ALL, &view, &err), 0);
    for (unsigned table = 0; table < FACT_N_TABLES; table++) {
        assert_int_equal(fact_scan_open(view, table, columns, 1, NULL, 0, &scan, &err), 0);
        while (fact_scan_next(scan, &v, &err) == 1)
            for (uint32_t i = 0; i < v.n; i++)
                n += (!v.live || v.live[i]) && v.values[FACT_EXCLUDED][i] == EXCLUDED_ERASURE;
        fact_scan_close(scan);
    }
    store_view_close(view);
    return n;
}

static void assert_same(struct world *w, const char *expected)
{
    char *got = dump(w->store);
    if (strcmp(got, expected) != 0)
        fail_msg("the facts are others than before");
    free(got);
}

/* Of the blocks themselves: the pages that hold small ones do not become fewer. */
static uint64_t log_bytes(struct world *w)
{
    struct txn t;
    struct walk walk;
    uint64_t n = 0;
    assert_int_equal(txn_begin(&t, &w->store->db, false, NULL), 0);
    assert_int_equal(walk_open(&walk, &t, DB_SEGMENTS, NULL, 0), 0);
    while (walk_next(&walk))
        n += walk.value.mv_size;
    walk_close(&walk, &t);
    txn_abort(&t);
    return n;
}

static void test_what_leaves_the_log_answers_as_before(void **state)
{
    struct world *w = world_new(100);
    reopen(w);
    char *before = dump(w->store);
    uint64_t n_bytes = log_bytes(w);
    assert_true(pass(w, DAY_MS, 0) > 3);
    unsigned frozen = n_frozen(w);
    assert_in_range(frozen, 5, N_TICKETS - 5);
    assert_true(statistics_of(w).frozen >= frozen);
    assert_true(log_bytes(w) < n_bytes);
    assert_same(w, before);
    reopen(w);
    assert_same(w, before);
    struct error err = ERROR_INIT;
    assert_int_equal(store_reindex(w->store, &err), 0);
    finish_refold(w->store);
    assert_same(w, before);
    assert_int_equal(pass(w, DAY_MS, 0) > 0, 1);
    assert_int_equal(n_frozen(w), frozen);
    assert_same(w, before);
    free(before);
    world_free(w);
}

static void test_nothing_leaves_before_its_time(void **state)
{
    struct world *w = world_new(100);
    reopen(w);
    char *before = dump(w->store);
    (void)pass(w, 0, 0);
    (void)pass(w, INT64_C(10000) * DAY_MS, INT64_C(20000) * DAY_MS);
    assert_int_equal(n_frozen(w), 0);
    assert_int_equal(statistics_of(w).frozen, 0);
    assert_same(w, before);
    free(before);
    world_free(w);
}

static void test_a_frozen_ticket_takes_nothing_more(void **state)
{
    struct world *w = world_new(100);
    reopen(w);
    (void)pass(w, DAY_MS, 0);
    char *before = dump(w->store);
    unsigned n_taken = 0, n_refused = 0;
    for (unsigned i = 0; i < N_TICKETS; i++) {
        char ticket[24];
        struct error err = ERROR_INIT;
        (void)snprintf(ticket, sizeof(ticket), "T-%u", i);
        bool is_frozen = events_of(w, ticket, &err) == 0 && strcmp(err.code, "frozen") == 0;
        if (!is_frozen) {
            n_taken++;
            continue;
        }
        assert_int_equal(send(w, ticket, "late", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                         REJECT_FROZEN);
        n_refused++;
    }
    assert_true(n_taken > 0 && n_refused > 0);
    assert_same(w, before);
    reopen(w);
    assert_same(w, before);
    free(before);
    world_free(w);
}

static void test_an_erased_ticket_leaves_its_hash(void **state)
{
    struct world *w = world_new(1000);
    struct error err = ERROR_INIT;
    assert_int_equal(send(w, "T-3", "erase", w->now, EVENT_TICKET_DELETED, FIELD_REASON, REASON_ERASURE),
                     REJECT_NONE);
    /* undone in time */
    assert_int_equal(send(w, "T-4", "erase", w->now, EVENT_TICKET_DELETED, FIELD_REASON, REASON_ERASURE),
                     REJECT_NONE);
    assert_int_equal(send(w, "T-4", "back", w->now + 1, EVENT_TICKET_RESTORED, FIELD_SEVERITY, 1),
                     REJECT_NONE);
    unsigned n_before = events_of(w, "T-4", &err);
    reopen(w);
    assert_true(events_of(w, "T-3", &err) > 0);
    assert_true(n_rows_erased(w) > 1);
    (void)pass(w, 0, 0);
    struct store_progress progress;
    store_progress(w->store, &progress);
    assert_true(progress.is_refolding); /* so that the blocks with its rows go, too */
    finish_refold(w->store);
    assert_int_equal(events_of(w, "T-3", &err), 0);
    assert_string_equal(err.code, "erased");
    assert_int_equal(events_of(w, "T-4", &err), n_before);
    assert_int_equal(statistics_of(w).erased, 1);
    assert_int_equal(send(w, "T-3", "again", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                     REJECT_ERASED);
    char *after = dump(w->store);
    assert_int_equal(n_rows_erased(w), 0);
    reopen(w);
    assert_same(w, after);
    assert_int_equal(send(w, "T-3", "more", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                     REJECT_ERASED);
    free(after);
    world_free(w);
}

static void test_frozen_facts_go_in_their_turn(void **state)
{
    struct world *w = world_new(100);
    reopen(w);
    char *before = dump(w->store);
    (void)pass(w, DAY_MS, 0);
    assert_true(n_frozen(w) > 0);
    (void)pass(w, DAY_MS, 2 * DAY_MS);
    char *after = dump(w->store);
    assert_true(strlen(after) < strlen(before));
    /* what is left is what is still in the log */
    struct error err = ERROR_INIT;
    assert_int_equal(store_reindex(w->store, &err), 0);
    finish_refold(w->store);
    assert_same(w, after);
    assert_int_equal(n_frozen(w), 0);
    assert_int_equal(
        send(w, "T-new", "old", w->now - 400 * (int64_t)DAY_MS, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
        REJECT_TOO_OLD);
    assert_int_equal(send(w, "T-new", "new", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                     REJECT_NONE);
    free(before);
    free(after);
    world_free(w);
}

/* Entries of a database. */
static size_t n_entries(struct world *w, enum db_name name)
{
    MDB_stat stat;
    struct txn t;
    assert_int_equal(txn_begin(&t, &w->store->db, false, NULL), 0);
    assert_int_equal(mdb_stat(t.mdb, w->store->db.dbi[name], &stat), 0);
    txn_abort(&t);
    return stat.ms_entries;
}

/* Whether the directory has a ticket. */
static bool has_hash(struct world *w, const char *ticket)
{
    uint32_t number;
    struct txn t;
    assert_int_equal(txn_begin(&t, &w->store->db, false, NULL), 0);
    int r = directory_search(&t, store_hash_ticket(w->store, "desk", ticket, strlen(ticket)), false, &number);
    assert_true(r >= 0);
    txn_abort(&t);
    return r == 1;
}

/* All of a store whose tickets are done long ago goes, but for what was erased and what is not done. */
static void test_an_expired_ticket_is_a_new_one(void **state)
{
    struct world *w = world_new(100);
    struct error err = ERROR_INIT;
    unsigned n_known = 0, n_new = 0;
    reopen(w);
    assert_int_equal(send(w, "T-3", "erase", w->now, EVENT_TICKET_DELETED, FIELD_REASON, REASON_ERASURE),
                     REJECT_NONE);
    reopen(w);
    (void)pass(w, DAY_MS, 0);
    finish_refold(w->store);
    uint32_t n_subjects = w->store->meta.n_subjects;
    (void)pass(w, DAY_MS, 2 * DAY_MS);
    for (unsigned i = 0; i < N_TICKETS; i++) {
        char ticket[24];
        (void)snprintf(ticket, sizeof(ticket), "T-%u", i);
        bool is_there = events_of(w, ticket, &err) > 0;
        assert_true(!is_there || has_hash(w, ticket));
        n_known += is_there || i == 3;
        if (is_there || i == 3)
            continue;
        const int64_t old = instant_now() - 3 * (int64_t)DAY_MS;
        assert_int_equal(send(w, ticket, "late", old, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                         REJECT_TOO_OLD);
        assert_int_equal(send(w, ticket, "again", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                         REJECT_NONE);
        assert_int_equal(events_of(w, ticket, &err), 1);
        n_new++;
    }
    assert_true(n_known > 1 && n_new > 10);
    assert_true(w->store->meta.n_subjects > n_subjects + n_new / 2); /* most had been forgotten */
    for (unsigned i = 0; i < 2; i++) {
        assert_true(has_hash(w, "T-3"));
        assert_int_equal(send(w, "T-3", "more", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                         REJECT_ERASED);
        (void)pass(w, DAY_MS, 2 * DAY_MS);
        finish_refold(w->store);
        char *after = dump(w->store);
        crash_store(w->store, w->path);
        w->store = open_store_sliced(w->path, 1000, 7);
        assert_same(w, after);
        assert_int_equal(store_reindex(w->store, &err), 0);
        finish_refold(w->store);
        assert_same(w, after);
        free(after);
    }
    /* all of them are in the directory, with whichever number */
    assert_int_equal(store_seal(w->store, SEAL_ALL, &err), 0);
    for (unsigned i = 0; i < N_TICKETS; i++) {
        char ticket[24];
        (void)snprintf(ticket, sizeof(ticket), "T-%u", i);
        assert_true(has_hash(w, ticket));
        n_new -= i != 3 && events_of(w, ticket, &err) == 1;
    }
    assert_int_equal(n_new, 0);
    world_free(w);
}

/* A ticket comes back that is forgotten but for its hash, as too little of the directory was to go: it has
 * its number again. Then so much is to go that the directory is written anew, while the ticket is in memory
 * alone. */
static void test_a_forgotten_ticket_whose_hash_is_there(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct error err = ERROR_INIT;
    enum { N_FIRST = 5, N_THEN = 25, N_OPEN = 40 };
    char ticket[24];
    make_events(5);
    make_directory(w->path);
    w->store = open_store_sliced(w->path, 1000, 7);
    w->now = instant_now();
    for (int i = 0; i < N_FIRST + N_THEN + N_OPEN; i++) {
        int64_t at = w->now - (i < N_FIRST ? 10 : 5) * (int64_t)DAY_MS;
        (void)snprintf(ticket, sizeof(ticket), "F-%d", i);
        assert_int_equal(send(w, ticket, "last", at, EVENT_TICKET_STATUS, FIELD_TO,
                              i < N_FIRST + N_THEN ? STATUS_SOLVED : STATUS_OPEN),
                         REJECT_NONE);
    }
    assert_int_equal(store_seal(w->store, SEAL_ALL, &err), 0);
    (void)pass(w, DAY_MS, 8 * DAY_MS);
    uint32_t n_subjects = w->store->meta.n_subjects;
    for (int i = 0; i < N_FIRST; i++) {
        (void)snprintf(ticket, sizeof(ticket), "F-%d", i);
        assert_true(has_hash(w, ticket));
        assert_int_equal(events_of(w, ticket, &err), 0);
        assert_int_equal(send(w, ticket, "back", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                         REJECT_NONE);
    }
    assert_int_equal(w->store->meta.n_subjects, n_subjects);
    (void)pass(w, DAY_MS, 2 * DAY_MS);
    (void)snprintf(ticket, sizeof(ticket), "F-%d", N_FIRST);
    assert_false(has_hash(w, ticket));
    crash_store(w->store, w->path);
    w->store = open_store_sliced(w->path, 1000, 7);
    assert_int_equal(store_seal(w->store, SEAL_ALL, &err), 0);
    for (int i = 0; i < N_FIRST; i++) {
        (void)snprintf(ticket, sizeof(ticket), "F-%d", i);
        assert_true(has_hash(w, ticket));
        assert_int_equal(events_of(w, ticket, &err), 1);
    }
    world_free(w);
}

/* Where events are forwarded the other end may keep the ticket: it would refuse what is new to it. */
static void test_a_store_that_forwards_keeps_hashes(void **state)
{
    struct world *w = world_new(100);
    struct outlet_cursor cursor = {0};
    struct error err = ERROR_INIT;
    reopen(w);
    (void)pass(w, DAY_MS, 0);
    unsigned frozen = n_frozen(w);
    char *before = dump(w->store);
    assert_int_equal(store_outlet_keep(w->store, &cursor, &err), 0);
    cursor.phase = OUTLET_LOG; /* all of it was read */
    assert_int_equal(store_outlet_delivered(w->store, &cursor, true, &err), 0);
    (void)pass(w, DAY_MS, 2 * DAY_MS);
    char *after = dump(w->store);
    assert_true(strlen(after) < strlen(before));
    assert_int_equal(n_frozen(w), frozen);
    assert_int_equal(store_outlet_drop(w->store, &err), 0);
    (void)pass(w, DAY_MS, 2 * DAY_MS);
    assert_int_equal(n_frozen(w), 0);
    assert_same(w, after);
    free(before);
    free(after);
    world_free(w);
}

/* What expired takes no room: tickets come and go for as long as one likes. */
static void test_nothing_of_what_expired_stays(void **state)
{
    struct world *w = world_new(100);
    size_t n_hashes = 0, n_places = 0;
    char ticket[24];
    reopen(w);
    for (unsigned day = 0; day < 40; day++) {
        const int64_t at = w->now - 3 * (int64_t)DAY_MS;
        store_set_retention(w->store, &(struct store_retention){0}); /* to take what is going to leave */
        for (unsigned i = 0; i < 50; i++) {
            (void)snprintf(ticket, sizeof(ticket), "D-%u-%u", day, i);
            assert_int_equal(send(w, ticket, "done", at, EVENT_TICKET_STATUS, FIELD_TO, STATUS_SOLVED),
                             REJECT_NONE);
        }
        reopen(w);
        (void)pass(w, DAY_MS, 2 * DAY_MS);
        if (day == 10) {
            n_hashes = n_entries(w, DB_DIRECTORY);
            n_places = n_entries(w, DB_SUBJECTS);
        }
    }
    assert_true(n_entries(w, DB_DIRECTORY) <= n_hashes + 10);
    assert_true(n_entries(w, DB_SUBJECTS) <= n_places + 1);
    assert_false(has_hash(w, "D-0-0"));
    world_free(w);
}

/* The greatest share of dead subjects that a group of the first generation has. */
static double most_dead(struct world *w)
{
    double most = 0;
    struct walk walk;
    struct txn t;
    assert_int_equal(txn_begin(&t, &w->store->db, false, NULL), 0);
    assert_int_equal(walk_open(&walk, &t, DB_DEAD, NULL, 0), 0);
    while (walk_next(&walk)) {
        struct fact_key key;
        struct rowgroup g;
        MDB_val value;
        unsigned n = 0;
        assert_true(fact_key_get(&walk.key, &key));
        if (key.generation != w->store->meta.generation)
            continue;
        assert_true(txn_get(&t, DB_FACTS, walk.key.mv_data, walk.key.mv_size, &value));
        assert_int_equal(rowgroup_open(&g, value.mv_data, value.mv_size, true), 0);
        for (size_t i = 0; i < walk.value.mv_size; i++)
            n += (unsigned)__builtin_popcount(((const uint8_t *)walk.value.mv_data)[i]);
        most = (double)n / g.base.n_rows > most ? (double)n / g.base.n_rows : most;
    }
    walk_close(&walk, &t);
    txn_abort(&t);
    return most;
}

/* What leaves makes groups that are worth writing anew. */
static void test_groups_of_those_that_left(void **state)
{
    struct world *w = world_new(100);
    struct error err = ERROR_INIT;
    assert_int_equal(store_seal(w->store, SEAL_ALL, &err), 0);
    assert_int_equal(store_reindex(w->store, &err), 0); /* into groups of many */
    finish_refold(w->store);
    char *before = dump(w->store);
    (void)pass(w, DAY_MS, 0);
    assert_true(most_dead(w) > 0.4);
    assert_same(w, before);
    finish_refold(w->store);
    assert_true(most_dead(w) <= 1.0 / 3);
    assert_same(w, before);
    crash_store(w->store, w->path);
    w->store = open_store_sliced(w->path, 1000, 7);
    assert_same(w, before);
    free(before);
    world_free(w);
}

/* Steps of a pass, until they are so many; whether it is through. */
static bool steps(struct world *w, unsigned n)
{
    struct error err = ERROR_INIT;
    const struct store_retention retention = {.log_ms = DAY_MS, .facts_ms = 2 * DAY_MS};
    int r = 1;
    store_set_retention(w->store, &retention);
    while (n-- > 0 && (r = store_retire(w->store, w->now, &err)) == 1)
        ;
    assert_true(r >= 0);
    return r == 0;
}

/* A crash behind any step of the pass in which tickets expire: the next one goes on with it. */
static void test_a_crash_while_tickets_expire(void **state)
{
    char *expected = NULL;
    bool is_through = false;
    for (unsigned n = UINT16_MAX; !is_through || n == UINT16_MAX; n = n == UINT16_MAX ? 1 : n + 1) {
        struct world *w = world_new(100);
        reopen(w);
        (void)pass(w, DAY_MS, 0);
        w->now += DAY_MS;
        is_through = steps(w, n);
        crash_store(w->store, w->path);
        w->store = open_store_sliced(w->path, 1000, 7);
        (void)steps(w, UINT16_MAX);
        if (!expected)
            expected = dump(w->store);
        assert_same(w, expected);
        assert_int_equal(n_frozen(w), 0);
        assert_int_equal(send(w, "T-0", "again", w->now, EVENT_TICKET_STATUS, FIELD_TO, STATUS_OPEN),
                         REJECT_NONE);
        world_free(w);
    }
    free(expected);
}

/* A crash behind any step of the pass in which a ticket is erased: its rows go from the blocks all the same.
 */
static void test_a_crash_while_a_ticket_is_erased(void **state)
{
    bool is_through = false;
    for (unsigned n = 1; !is_through; n++) {
        struct world *w = world_new(100);
        struct store_progress progress;
        assert_int_equal(send(w, "T-3", "erase", w->now, EVENT_TICKET_DELETED, FIELD_REASON, REASON_ERASURE),
                         REJECT_NONE);
        reopen(w);
        w->now += DAY_MS;
        is_through = steps(w, n);
        crash_store(w->store, w->path);
        w->store = open_store_sliced(w->path, 1000, 7);
        (void)steps(w, UINT16_MAX);
        store_progress(w->store, &progress);
        assert_true(progress.is_refolding);
        finish_refold(w->store);
        store_progress(w->store, &progress);
        assert_false(progress.is_refolding);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_leaves_the_log_answers_as_before),
        cmocka_unit_test(test_nothing_leaves_before_its_time),
        cmocka_unit_test(test_a_frozen_ticket_takes_nothing_more),
        cmocka_unit_test(test_an_erased_ticket_leaves_its_hash),
        cmocka_unit_test(test_frozen_facts_go_in_their_turn),
        cmocka_unit_test(test_an_expired_ticket_is_a_new_one),
        cmocka_unit_test(test_a_forgotten_ticket_whose_hash_is_there),
        cmocka_unit_test(test_a_store_that_forwards_keeps_hashes),
        cmocka_unit_test(test_nothing_of_what_expired_stays),
        cmocka_unit_test(test_a_crash_while_tickets_expire),
        cmocka_unit_test(test_a_crash_while_a_ticket_is_erased),
        cmocka_unit_test(test_groups_of_those_that_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
