/* The directory: every hash is found until it is forgotten, whatever is merged, swept or read back in
 * between. */
#include "core/store/directory.h"
#include "core/store/location.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAP_BYTES = 64 << 20, RUN = 700, RUNS = 90, N = RUN * RUNS, BUCKETS = 5 };

struct world {
    char path[64];
    struct db db;
    struct directory *directory;
    struct txn txn;
    uint32_t n;    /* subjects that were added */
    uint32_t gone; /* those with a lower number are unknown, but every hundredth */
};

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *rng >> 33;
}

static void begin(struct world *w)
{
    assert_int_equal(txn_begin(&w->txn, &w->db, true, NULL), 0);
}

static void commit(struct world *w)
{
    assert_int_equal(txn_commit(&w->txn, NULL), 0);
}

static void open_directory(struct world *w)
{
    struct error err = ERROR_INIT;
    begin(w);
    assert_int_equal(directory_open(&w->directory, &w->txn, &err), 0);
    commit(w);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct error err = ERROR_INIT;
    assert_non_null(w);
    (void)snprintf(w->path, sizeof(w->path), "/tmp/tendon-directory-XXXXXX");
    assert_non_null(mkdtemp(w->path));
    assert_int_equal(db_open(&w->db, w->path, MAP_BYTES, true, &err), 0);
    open_directory(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    static const char *const FILES[] = {"data.mdb", "lock.mdb"};
    struct world *w = *state;
    char file[128];
    directory_close(w->directory);
    db_close(&w->db);
    for (size_t i = 0; i < sizeof(FILES) / sizeof(*FILES); i++) {
        (void)snprintf(file, sizeof(file), "%s/%s", w->path, FILES[i]);
        (void)unlink(file);
    }
    assert_int_equal(rmdir(w->path), 0);
    free(w);
    return 0;
}

/* Of every third subject a loose event's. */
static uint64_t hash_of(uint32_t number)
{
    uint64_t h = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 29;
    return h * UINT64_C(0xbf58476d1ce4e5b9);
}
static bool is_loose(uint32_t number)
{
    return number % 3 == 0;
}

static void add(struct world *w, uint32_t n)
{
    static struct directory_entry entries[RUN];
    for (uint32_t i = 0; i < n; i++, w->n++)
        entries[i] =
            (struct directory_entry){.hash = hash_of(w->n), .number = w->n, .is_loose = is_loose(w->n)};
    directory_sort(entries, n);
    begin(w);
    assert_int_equal(directory_add(w->directory, &w->txn, entries, n), 0);
    commit(w);
}

static void add_run(struct world *w)
{
    add(w, RUN);
}

static bool is_gone(const struct world *w, uint32_t number)
{
    return number < w->gone && number % 100 != 0;
}

static int goes(void *context, uint64_t stored, uint32_t number)
{
    assert_int_equal(stored, directory_stored(hash_of(number), is_loose(number)));
    return is_gone(context, number);
}

/* One transaction of a sweep. */
static int sweep(struct world *w, struct directory_sweep *at)
{
    begin(w);
    int r = directory_sweep(w->directory, &w->txn, at, BUCKETS, goes, w);
    assert_true(r >= 0);
    commit(w);
    return r;
}

static void reopen(struct world *w)
{
    directory_close(w->directory);
    open_directory(w);
}

/* How many are found that are gone; all others are, on both ways. */
static uint32_t check(struct world *w)
{
    static uint64_t reverse[N];
    uint32_t n_gone = 0;
    begin(w);
    assert_int_equal(directory_reverse(&w->txn, 0, w->n, reverse), 0);
    for (uint32_t i = 0; i < w->n; i++) {
        uint32_t number = UINT32_MAX, other = UINT32_MAX;
        int r = directory_find(w->directory, &w->txn, hash_of(i), is_loose(i), &number);
        assert_true(r == 1 || (r == 0 && is_gone(w, i)));
        assert_int_equal(number, r ? i : UINT32_MAX);
        if (i % 16 == 0) { /* it is slow */
            assert_int_equal(directory_search(&w->txn, hash_of(i), is_loose(i), &other), r);
            assert_int_equal(other, number);
        }
        assert_int_equal(reverse[i], r ? directory_stored(hash_of(i), is_loose(i)) : 0);
        assert_int_equal(directory_find(w->directory, &w->txn, hash_of(i), !is_loose(i), &number), 0);
        n_gone += r && is_gone(w, i);
    }
    txn_abort(&w->txn);
    return n_gone;
}

/* Whether some that are not gone are found. */
static void check_some(struct world *w, uint64_t *rng)
{
    begin(w);
    for (unsigned i = 0; i < 500; i++) {
        uint32_t number = (uint32_t)(next(rng) % w->n), found;
        if (is_gone(w, number))
            continue;
        assert_int_equal(directory_find(w->directory, &w->txn, hash_of(number), is_loose(number), &found), 1);
        assert_int_equal(found, number);
    }
    txn_abort(&w->txn);
}

static void test_what_is_added_is_found(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < RUNS; i++)
        add_run(w);
    assert_int_equal(check(w), 0);
    reopen(w);
    assert_int_equal(check(w), 0);
}

static void test_what_goes_is_forgotten_but_for_a_quarter(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < RUNS; i++)
        add_run(w);
    for (; w->gone <= N; w->gone += N / 16) {
        struct directory_sweep at = {0};
        unsigned n = 0;
        while (sweep(w, &at) == 1)
            n++;
        assert_true(n > 10);
        assert_true(check(w) <= (w->n - w->gone / 100 * 99) / 3 + RUN);
        reopen(w);
        (void)check(w);
    }
}

static size_t count_buckets(struct world *w)
{
    MDB_stat stat;
    begin(w);
    assert_int_equal(mdb_stat(w->txn.mdb, w->db.dbi[DB_DIRECTORY], &stat), 0);
    txn_abort(&w->txn);
    return stat.ms_entries;
}

/* Runs are merged in steps, behind each that is added: everything is found behind every step, and behind a
 * restart between two. */
static void test_merged_in_steps(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 70; i++) {
        add_run(w);
        if (i % 9 == 8) {
            assert_int_equal(check(w), 0);
            if (i % 2)
                reopen(w);
        }
    }
    assert_int_equal(check(w), 0);
    /* and a bucket has as many as it should: most runs are merged */
    assert_true(count_buckets(w) < 70 * RUN / 20);
}

/* No matter how large a run is beside those before. */
static void test_merges_end_among_small_runs(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 8; i++)
        add_run(w);
    for (unsigned i = 0; i < 60; i++)
        add(w, 1);
    assert_int_equal(check(w), 0);
    assert_true(count_buckets(w) < 8 * RUN / 20 + 20);
}

/* Runs that a sweep has thinned out have more bits than the one that they become. */
static void test_merged_when_hardly_any_is_left(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 7; i++)
        add_run(w);
    w->gone = w->n;
    for (struct directory_sweep at = {0}; sweep(w, &at) == 1;)
        ;
    for (unsigned i = 0; i < 12; i++)
        add(w, 100);
    assert_int_equal(check(w), 0);
    w->gone = w->n;
    for (struct directory_sweep at = {0}; sweep(w, &at) == 1;)
        ;
    for (unsigned i = 0; i < 40; i++)
        add(w, 3);
    (void)check(w);
    reopen(w);
    (void)check(w);
}

/* Of all runs everything may go. */
static void test_all_goes(void **state)
{
    struct world *w = *state;
    struct directory_sweep at = {0};
    MDB_stat stat;
    for (unsigned i = 0; i < 20; i++)
        add_run(w);
    for (w->gone = w->n; sweep(w, &at) == 1;)
        ;
    assert_int_equal(check(w), 0);
    begin(w);
    assert_int_equal(mdb_stat(w->txn.mdb, w->db.dbi[DB_DIRECTORY], &stat), 0);
    assert_in_range(stat.ms_entries, 1, 20 * RUN / 100 + 1);
    txn_abort(&w->txn);
    add_run(w);
    assert_int_equal(check(w), 0);
}

/* While a run is written anew there is one more of its level than are merged. */
static void test_a_run_more_than_are_merged(void **state)
{
    struct world *w = *state;
    struct directory_sweep at = {0};
    for (unsigned i = 0; i < 7; i++)
        add_run(w);
    w->gone = RUN;
    begin(w);
    while (!at.into || at.bucket == 0)
        assert_int_equal(directory_sweep(w->directory, &w->txn, &at, 1, goes, w), 1);
    commit(w);
    add_run(w);
    (void)check(w);
    while (sweep(w, &at) == 1)
        ;
    (void)check(w);
}

/* Seals add and merge runs while a sweep is under way, restarts end it anywhere. */
static void test_a_sweep_among_seals_and_restarts(void **state)
{
    struct world *w = *state;
    struct directory_sweep at = {0};
    uint64_t rng = 7;
    for (unsigned i = 0; i < 30; i++)
        add_run(w);
    while (w->n < N) {
        switch (next(&rng) % 32) {
        case 0:
            reopen(w);
            at = (struct directory_sweep){0};
            break;
        case 1: {
            const uint32_t gone = w->n - (uint32_t)(next(&rng) % 8) * RUN;
            w->gone = gone > w->gone ? gone : w->gone;
            break;
        }
        case 4:
            at = (struct directory_sweep){0};
            break;
        case 2:
        case 3:
            add_run(w);
            break;
        default:
            if (sweep(w, &at) == 0)
                at = (struct directory_sweep){0};
        }
        check_some(w, &rng);
    }
    reopen(w);
    for (at = (struct directory_sweep){0}; sweep(w, &at) == 1;)
        ;
    assert_true(check(w) < 10 * RUN);
}

static void test_places_are_forgotten(void **state)
{
    struct world *w = *state;
    enum { N_PLACES = 1000, DAY = 20000 };
    static struct location_change changes[N_PLACES];
    static int64_t numbers[N_PLACES];
    static struct location all[N_PLACES];
    uint8_t places[N_PLACES / 8 + 1] = {0};
    struct location one;
    MDB_stat stat;
    for (uint32_t i = 0; i < N_PLACES; i++) {
        uint32_t kind = i < 512 ? LOCATION_FROZEN : i % 4; /* the first two entries go whole */
        numbers[i] = i;
        changes[i] = (struct location_change){
            .number = i,
            .location = {
                .segment = kind == 3 ? LOCATION_FIRST + i : kind,
                .runs = {kind == LOCATION_FROZEN ? DAY - (i < 512 || i % 8 == 2) : 7 * (kind != 0), 0}}};
    }
    begin(w);
    assert_int_equal(location_put(&w->txn, changes, N_PLACES), 0);
    assert_int_equal(locations_expire(&w->txn, 0, N_PLACES, DAY - 1, places), 0);
    memset(places, 0, sizeof(places));
    assert_int_equal(locations_expire(&w->txn, 0, 512, DAY, places), 1);
    assert_int_equal(locations_expire(&w->txn, 512, N_PLACES - 512, DAY, places), 1);
    assert_int_equal(locations_of(&w->txn, numbers, N_PLACES, all), 0);
    for (uint32_t i = 0; i < N_PLACES; i++) {
        const struct location *was = &changes[i].location;
        bool stays = was->segment != LOCATION_FROZEN || was->runs[0] >= DAY;
        assert_int_equal(location_get(&w->txn, i, &one), 0);
        assert_memory_equal(&one, &all[i], sizeof(one));
        assert_int_equal(one.segment, stays ? was->segment : 0);
        assert_int_equal(one.runs[0], stays ? was->runs[0] : 0);
        assert_int_equal(places[i / 8] >> i % 8 & 1, one.segment != 0);
    }
    assert_int_equal(mdb_stat(w->txn.mdb, w->db.dbi[DB_SUBJECTS], &stat), 0);
    assert_int_equal(stat.ms_entries, 2);
    commit(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_added_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_goes_is_forgotten_but_for_a_quarter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merged_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merges_end_among_small_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merged_when_hardly_any_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_run_more_than_are_merged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_sweep_among_seals_and_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_places_are_forgotten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
