/* Views beside commits and seals, on threads of their own: each shows exactly what was committed when it was
 * opened, whichever side of a seal that is. */
#include "store_made.h"

#include <pthread.h>
#include <stdatomic.h>

/* A commit creates TICKETS tickets and solves those that were created BACK commits before, which have cooled
 * down. */
enum { TICKETS = 500, BACK = 6, COMMITS = 100, READERS = 2 };

struct world {
    struct store *store;
    atomic_bool is_over, is_wrong;
    atomic_uint n_views;
    pthread_t readers[READERS];
};

static void make(struct made *m, enum event_type type, unsigned ticket, unsigned commit)
{
    *m = (struct made){
        .event = {.type = (uint8_t)type, .at = INT64_C(1700000000000) + commit * INT64_C(60000)}};
    (void)snprintf(m->id, sizeof(m->id), "e%u", commit);
    (void)snprintf(m->ticket, sizeof(m->ticket), "T-%u", ticket);
    m->event.id = string_of(m->id);
    m->event.ticket = string_of(m->ticket);
    m->event.values = m->values;
    if (type == EVENT_TICKET_STATUS) {
        m->values[0] = (struct wire_value){.field = FIELD_TO, .number = STATUS_SOLVED};
        m->event.n_values = 1;
    }
}

static uint64_t count(const struct store_view *v, enum fact_table table)
{
    struct error err = ERROR_INIT;
    uint8_t column = FACT_SUBJECT;
    struct fact_scan *scan;
    struct fact_vector vector;
    uint64_t n = 0;
    int r = fact_scan_open(v, table, &column, 1, NULL, 0, &scan, &err);
    if (r < 0)
        return UINT64_MAX;
    while ((r = fact_scan_next(scan, &vector, &err)) == 1)
        for (uint32_t i = 0; i < vector.n; i++)
            n += !vector.live || vector.live[i];
    fact_scan_close(scan);
    return r < 0 ? UINT64_MAX : n;
}

/* A failed assertion may not leave a thread: what is wrong is returned. */
static void *read_on(void *context)
{
    static char wrong[READERS][160];
    struct world *w = context;
    struct error err = ERROR_INIT;
    uint64_t last = 0;
    for (unsigned n = 0; !atomic_load(&w->is_over); n++) {
        struct store_view *v;
        const bool wants_solves = n % 3 == 0; /* now and then, so that they are made of what is hot anew */
        const uint32_t tables = FACT_TABLE_BIT(FACT_TICKET) | (wants_solves ? FACT_TABLE_BIT(FACT_SOLVE) : 0);
        if (store_view_open(w->store, tables, &v, &err) < 0)
            break;
        const uint64_t as_of = store_view_as_of(v), n_commits = as_of / (2 * TICKETS);
        const uint64_t tickets = count(v, FACT_TICKET);
        const uint64_t solves = wants_solves ? count(v, FACT_SOLVE) : 0;
        store_view_close(v);
        const uint64_t solved = n_commits > BACK ? (n_commits - BACK) * TICKETS : 0;
        if (as_of < last || tickets != n_commits * TICKETS || (wants_solves && solves != solved)) {
            char *text = wrong[atomic_exchange(&w->is_wrong, true)];
            (void)snprintf(text, sizeof(wrong[0]), "as of %llu: %llu tickets, %llu solves; %llu before",
                           (unsigned long long)as_of, (unsigned long long)tickets, (unsigned long long)solves,
                           (unsigned long long)last);
            return text;
        }
        last = as_of;
        atomic_fetch_add(&w->n_views, 1);
    }
    if (atomic_load(&w->is_over) || atomic_load(&w->is_wrong))
        return NULL;
    atomic_store(&w->is_wrong, true);
    return "a view cannot be opened";
}

static void commit_next(struct world *w, unsigned n)
{
    static struct made made[2 * TICKETS];
    struct wire_event events[2 * TICKETS];
    uint32_t indices[2 * TICKETS];
    struct store_reject rejects[2 * TICKETS];
    struct error err = ERROR_INIT;
    for (unsigned i = 0; i < TICKETS; i++) {
        make(&made[i], EVENT_TICKET_CREATED, n * TICKETS + i, n);
        /* the first have no one to solve */
        if (n < BACK)
            make(&made[TICKETS + i], EVENT_TICKET_UPDATED, n * TICKETS + i, n + 1);
        else
            make(&made[TICKETS + i], EVENT_TICKET_STATUS, (n - BACK) * TICKETS + i, n);
    }
    for (unsigned i = 0; i < 2 * TICKETS; i++) {
        events[i] = made[i].event;
        indices[i] = i;
    }
    struct store_batch batch = {.source = "desk",
                                .namespace = "desk",
                                .seq = n + 1,
                                .events = events,
                                .indices = indices,
                                .n_events = 2 * TICKETS,
                                .rejects = rejects};
    assert_int_equal(store_commit(w->store, &batch, 1, &err), 0);
    assert_int_equal(batch.n_accepted, 2 * TICKETS);
    assert_true(store_maintain(w->store, false, &err) >= 0);
}

static void beside(unsigned n_beside, unsigned tables_ms)
{
    char path[64];
    struct world w = {0};
    struct error err = ERROR_INIT;
    make_directory(path);
    struct store_options options = {.path = path,
                                    .map_bytes = 1 << 28,
                                    .hot_events = 4 * TICKETS,
                                    .kept_events = TICKETS,
                                    .beside = n_beside,
                                    .tables_ms = tables_ms,
                                    .create = true};
    assert_int_equal(store_open(&options, &w.store, &err), 0);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&w.readers[i], NULL, read_on, &w), 0);
    for (unsigned n = 0; n < COMMITS; n++)
        commit_next(&w, n);
    /* until there were some on the other side, too */
    for (unsigned n_views = atomic_load(&w.n_views);
         !atomic_load(&w.is_wrong) && atomic_load(&w.n_views) < n_views + 2 * READERS;)
        if (store_maintain(w.store, true, &err) < 0)
            break;
    atomic_store(&w.is_over, true);
    for (unsigned i = 0; i < READERS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(w.readers[i], &wrong), 0);
        if (wrong)
            fail_msg("%s", (char *)wrong);
    }
    struct store_statistics statistics;
    store_statistics(w.store, &statistics);
    assert_true(statistics.fact_blocks > 10 && statistics.log_segments > 10);
    store_close(w.store);
    remove_store(path);
}

static void test_views_beside_seals_that_are_drafted_beside_commits(void **state)
{
    (void)state;
    beside(1, 0);
}

static void test_views_beside_seals_on_the_spot(void **state)
{
    (void)state;
    beside(0, 0);
}

static void test_views_of_tables_that_come_and_go(void **state)
{
    (void)state;
    beside(1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_beside_seals_that_are_drafted_beside_commits),
        cmocka_unit_test(test_views_beside_seals_on_the_spot),
        cmocka_unit_test(test_views_of_tables_that_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
