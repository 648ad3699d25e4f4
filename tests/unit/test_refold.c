/* A refold beside commits: before the switch the facts are exactly those of the environment before, with
 * every event so far, and behind it exactly those of today's, whatever happens between two slices. */
#include "core/fold/fold.h"

#include "store_made.h"

#include <lmdb.h>

enum { SLICE = 7, HOT = 60 };

/* --- worlds: what the fold reads of teams, by number --- */

static const char *const EMPLOYERS[3][5] = {
    {NULL, NULL, NULL, NULL, NULL},
    {"acme", "acme", "bpo", "bpo", NULL},
    {"acme", "bpo", "acme", "other", "bpo"},
};
static const char *const TIERS[3][5] = {
    {NULL, NULL, NULL, NULL, NULL},
    {"1", "2", "1", "3", "2"},
    {"2", "1", "3", "1", "2"},
};

static void set_world(struct store *s, unsigned world)
{
    struct error err = ERROR_INIT;
    struct reference *next;
    assert_int_equal(reference_new(NULL, &next), 0);
    for (unsigned i = 0; i < 5; i++) {
        const char *values[REFERENCE_ATTRIBUTES_N] = {NULL};
        char key[16];
        (void)snprintf(key, sizeof(key), "team %u", i);
        values[REFERENCE_EMPLOYER] = EMPLOYERS[world][i];
        values[REFERENCE_TEAM_TIER] = TIERS[world][i];
        assert_int_equal(reference_set(next, REFERENCE_TEAM, key, INT64_MIN, values, &err), 0);
    }
    if (store_set_reference(s, next, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
}

/* The facts of the first n events of an order in a world, by a store that never sealed or refolded. */
static char *facts_of(const unsigned *order, size_t n, unsigned world)
{
    char path[64];
    make_directory(path);
    struct store *s = open_store(path, 1000000);
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    set_world(s, world);
    for (size_t i = 0; i < n; i += 64)
        commit(s, order + i, n - i < 64 ? n - i : 64, &seq, &accepted, &duplicates);
    char *text = dump(s);
    store_close(s);
    remove_store(path);
    return text;
}

/* --- one way through --- */

struct walk {
    char path[64];
    struct store *store;
    unsigned order[N_EVENTS];
    size_t n; /* committed */
    uint64_t seq, rng;
    unsigned world, before; /* today's, and that of the facts */
    unsigned n_steps, n_switches, n_checks_between;
};

static struct store_progress progress_of(struct store *s)
{
    struct store_progress p;
    store_progress(s, &p);
    return p;
}

static void note_switch(struct walk *w)
{
    struct store_progress p = progress_of(w->store);
    assert_true(p.has_facts);
    if (!p.is_refolding) {
        w->n_switches += w->before != w->world;
        w->before = w->world;
    }
}

static void check(struct walk *w)
{
    char *expected = facts_of(w->order, w->n, w->before), *got = dump(w->store);
    if (strcmp(expected, got) != 0)
        fail_msg("after %zu events the facts are not those of world %u (today's is %u)", w->n, w->before,
                 w->world);
    w->n_checks_between += w->before != w->world;
    free(expected);
    free(got);
}

/* What kill -9 leaves: the file as it is, none of what the store would write on closing. */
static void crash(struct walk *w)
{
    crash_store(w->store, w->path);
    w->store = open_store_sliced(w->path, HOT, SLICE);
}

static void some_commits(struct walk *w, size_t n)
{
    uint32_t accepted = 0, duplicates = 0;
    if (n > N_EVENTS - w->n)
        n = N_EVENTS - w->n;
    /* now and then some again that are known: they bring tickets back without a new event */
    if (w->n > 8 && next_random(&w->rng) % 3 == 0) {
        unsigned again[8];
        for (unsigned i = 0; i < 8; i++)
            again[i] = w->order[next_random(&w->rng) % w->n];
        commit(w->store, again, 8, &w->seq, &accepted, &duplicates);
        assert_int_equal(accepted, 0);
    }
    if (n)
        commit(w->store, w->order + w->n, n, &w->seq, &accepted, &duplicates);
    assert_int_equal(accepted, n);
    w->n += n;
}

static void step(struct walk *w)
{
    struct error err = ERROR_INIT;
    switch (next_random(&w->rng) % 20) {
    case 0:
        store_close(w->store);
        w->store = open_store_sliced(w->path, HOT, SLICE);
        break;
    case 1:
        crash(w);
        break;
    case 2:
        assert_true(store_maintain(w->store, true, &err) >= 0);
        break;
    case 3:
        assert_int_equal(store_reindex(w->store, &err), 0);
        break;
    case 4:
        if (w->n > 20) {
            w->world = (unsigned)(next_random(&w->rng) % 3);
            set_world(w->store, w->world);
        }
        break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
        some_commits(w, 1 + next_random(&w->rng) % 20);
        break;
    default:
        if (store_refold(w->store, &err) < 0)
            fail_msg("%s: %s", err.code, err.message);
        break;
    }
    note_switch(w);
    w->n_steps++;
    if (next_random(&w->rng) % 8 == 0)
        check(w);
}

static void test_a_refold_beside_commits(void **state)
{
    (void)state;
    unsigned n_between = 0, n_switches = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct walk w = {.rng = seed * UINT64_C(0x9e3779b97f4a7c15)};
        for (unsigned i = 0; i < N_EVENTS; i++)
            w.order[i] = i;
        shuffle(w.order, N_EVENTS, &w.rng);
        make_directory(w.path);
        w.store = open_store_sliced(w.path, HOT, SLICE);
        while (w.n < N_EVENTS || w.n_steps < 150)
            step(&w);
        finish_refold(w.store);
        note_switch(&w);
        assert_int_equal(w.before, w.world);
        check(&w);
        store_close(w.store);
        w.store = open_store(w.path, 0);
        check(&w);
        n_between += w.n_checks_between;
        n_switches += w.n_switches;
        store_close(w.store);
        remove_store(w.path);
    }
    print_message("%u checks with a refold due, %u switches\n", n_between, n_switches);
    assert_true(n_between > 10);
    assert_true(n_switches > 5);
}

/* Views opened before the switch answer from the facts before it, as long as they live. */
static void test_a_view_keeps_its_generation(void **state)
{
    (void)state;
    char path[64];
    unsigned order[N_EVENTS];
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    struct error err = ERROR_INIT;
    struct store_view *view;
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    make_directory(path);
    struct store *s = open_store_sliced(path, HOT, SLICE);
    set_world(s, 1);
    for (unsigned i = 0; i < N_EVENTS; i += 30)
        commit(s, order + i, 30, &seq, &accepted, &duplicates);
    set_world(s, 2);
    assert_int_equal(store_refold(s, &err), 1);
    assert_int_equal(store_refold(s, &err), 1);
    assert_int_equal(store_view_open(s, FACT_TABLES_ALL, &view, &err), 0);
    assert_true(store_view_is_refolding(view));
    char *before = dump_view(view, FACT_TABLES_ALL);
    finish_refold(s);
    char *still = dump_view(view, FACT_TABLES_ALL);
    assert_string_equal(before, still);
    store_view_close(view);
    char *expected = facts_of(order, N_EVENTS, 1), *after = dump(s), *today = facts_of(order, N_EVENTS, 2);
    assert_string_equal(expected, before);
    assert_string_equal(today, after);
    assert_string_not_equal(expected, today); /* the worlds differ at all */
    free(before);
    free(still);
    free(expected);
    free(after);
    free(today);
    store_close(s);
    remove_store(path);
}

/* --- facts of another version --- */

/* Changes bytes of the store's own record. */
static void patch_meta(const char *path, size_t at, const void *bytes, size_t size)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {5, "state"}, value;
    uint8_t room[256];
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_set_mapsize(env, 1 << 28), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &key, &value), 0);
    assert_true(value.mv_size <= sizeof(room) && at + size <= value.mv_size);
    memcpy(room, value.mv_data, value.mv_size);
    memcpy(room + at, bytes, size);
    value.mv_data = room;
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static int try_scan(struct store *s, struct error *err)
{
    struct store_view *view;
    struct fact_scan *scan;
    uint8_t column = FACT_FLAGS;
    assert_int_equal(store_view_open(s, FACT_TABLES_ALL, &view, err), 0);
    int r = fact_scan_open(view, FACT_TICKET, &column, 1, NULL, 0, &scan, err);
    if (r == 0)
        fact_scan_close(scan);
    store_view_close(view);
    return r;
}

/* Facts of another version are not read: the store takes events at once, says that it is refolding, and then
 * has facts of its own; also where that was interrupted, by a restart or by yet another version. */
static void test_facts_of_another_version(void **state)
{
    (void)state;
    char path[64];
    unsigned order[N_EVENTS];
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0, old_version = 1;
    struct error err = ERROR_INIT;
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    make_directory(path);
    struct store *s = open_store_sliced(path, HOT, SLICE);
    set_world(s, 1);
    for (unsigned i = 0; i < N_EVENTS / 2; i += 30)
        commit(s, order + i, 30, &seq, &accepted, &duplicates);
    store_close(s);
    patch_meta(path, 4, &old_version, sizeof(old_version)); /* fact_version */

    s = open_store_sliced(path, HOT, SLICE);
    assert_false(progress_of(s).has_facts);
    assert_int_equal(try_scan(s, &err), -EAGAIN);
    assert_string_equal(err.code, "refolding");
    for (unsigned i = N_EVENTS / 2; i < N_EVENTS; i += 30) {
        commit(s, order + i, 30, &seq, &accepted, &duplicates);
        if (i % 90 == 0)
            assert_int_equal(store_refold(s, &err), 1);
    }
    store_close(s);
    patch_meta(path, 52, &old_version,
               sizeof(old_version)); /* second_version: what was made is another's too */
    s = open_store_sliced(path, HOT, SLICE);
    assert_int_equal(progress_of(s).n_done, 0);
    assert_int_equal(try_scan(s, &err), -EAGAIN);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(store_refold(s, &err), 1);
    assert_true(progress_of(s).n_done > 0);
    store_close(s);
    s = open_store_sliced(path, HOT, SLICE);
    assert_true(progress_of(s).n_done > 0); /* goes on where it was */
    finish_refold(s);
    assert_int_equal(try_scan(s, &err), 0);
    char *got = dump(s), *expected = facts_of(order, N_EVENTS, 1);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    store_close(s);
    remove_store(path);
}

/* --- failures --- */

/* Where there is no room for a second generation the first goes on, and with room the refold ends. */
static void test_a_full_disk_in_a_refold(void **state)
{
    (void)state;
    char path[64];
    unsigned order[N_EVENTS];
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    struct error err = ERROR_INIT;
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    make_directory(path);
    struct store *s = open_store_sliced(path, HOT, SLICE);
    set_world(s, 1);
    for (unsigned i = 0; i < N_EVENTS; i += 30)
        commit(s, order + i, 30, &seq, &accepted, &duplicates);
    set_world(s, 2);
    store_close(s);
    char *before = facts_of(order, N_EVENTS, 1), *after = facts_of(order, N_EVENTS, 2);
    unsigned n_full = 0, n_rounds = 0;
    for (uint64_t pages = 30; n_rounds == 0 || n_full > 0; pages += 2, n_rounds++) {
        struct store_options options = {.path = path,
                                        .map_bytes = pages * 4096,
                                        .hot_events = HOT,
                                        .kept_events = HOT,
                                        .slice_subjects = SLICE};
        memset(options.key, 7, sizeof(options.key));
        n_full = 0;
        int r = store_open(&options, &s, &err);
        if (r == -ENOSPC) {
            n_full = 1;
            continue;
        }
        assert_int_equal(r, 0);
        while ((r = store_refold(s, &err)) == 1)
            ;
        n_full = r < 0;
        if (r < 0) {
            assert_int_equal(r, -ENOSPC);
            assert_string_equal(err.code, "disk_full");
        }
        char *got = dump(s);
        assert_string_equal(got, progress_of(s).is_refolding ? before : after);
        assert_true(progress_of(s).is_refolding == (r < 0));
        free(got);
        store_close(s);
        assert_true(n_rounds < 500);
    }
    print_message("%u maps were too small\n", n_rounds - 1);
    assert_true(n_rounds > 3);
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
        cmocka_unit_test(test_a_refold_beside_commits),
        cmocka_unit_test(test_a_view_keeps_its_generation),
        cmocka_unit_test(test_facts_of_another_version),
        cmocka_unit_test(test_a_full_disk_in_a_refold),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
