/* Which tickets stay in memory over a seal, and how many. */
#include "core/store/state.h"

#include "store_made.h"

#define FIRST_MS INT64_C(1700000000000)

enum { HOT_EVENTS = 64, LEAST = STORE_KEPT_TIMES * HOT_EVENTS };

struct world {
    char path[64];
    struct store *store;
    uint64_t seq;
    unsigned n_events, n_filled;
};

static struct world world_new(void)
{
    struct world w = {0};
    struct error err = ERROR_INIT;
    make_directory(w.path);
    const struct store_options options = {
        .path = w.path, .key = {1}, .map_bytes = UINT64_C(1) << 30, .hot_events = HOT_EVENTS, .create = true};
    if (store_open(&options, &w.store, &err) < 0)
        fail_msg("%s", err.message);
    return w;
}

static void world_free(struct world *w)
{
    store_close(w->store);
    remove_store(w->path);
}

/* One event of each of n tickets; status: the one it comes to, STATUS_NEW for its creation. */
static void send_all(struct world *w, char tickets[][16], unsigned n, enum event_status status)
{
    struct wire_value value = {.field = FIELD_TO, .number = status};
    struct wire_event events[HOT_EVENTS] = {0};
    struct store_reject rejects[HOT_EVENTS];
    uint32_t indices[HOT_EVENTS];
    char ids[HOT_EVENTS][16];
    struct error err = ERROR_INIT;
    for (unsigned i = 0; i < n; i++) {
        indices[i] = i;
        (void)snprintf(ids[i], sizeof(ids[i]), "e%u", ++w->n_events);
        events[i] =
            (struct wire_event){.type = status == STATUS_NEW ? EVENT_TICKET_CREATED : EVENT_TICKET_STATUS,
                                .at = FIRST_MS + (int64_t)w->n_events * 1000,
                                .n_values = status != STATUS_NEW,
                                .values = &value,
                                .id = string_of(ids[i]),
                                .ticket = string_of(tickets[i])};
    }
    struct store_batch batch = {.source = "desk",
                                .namespace = "desk",
                                .seq = ++w->seq,
                                .events = events,
                                .indices = indices,
                                .n_events = n,
                                .rejects = rejects};
    if (store_commit(w->store, &batch, 1, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    assert_int_equal(batch.n_accepted, n);
}

static void send(struct world *w, const char *ticket, enum event_status status)
{
    char one[1][16];
    (void)snprintf(one[0], sizeof(one[0]), "%s", ticket);
    send_all(w, one, 1, status);
}

/* An event each of the tickets fill-first and those behind it, seal after seal. */
static void send_fills(struct world *w, unsigned first, unsigned n, enum event_status status)
{
    char tickets[HOT_EVENTS][16];
    for (unsigned done = 0, now; done < n; done += now) {
        for (now = 0; now < HOT_EVENTS && done + now < n; now++)
            (void)snprintf(tickets[now], sizeof(tickets[now]), "fill-%u", first + done + now);
        send_all(w, tickets, now, status);
    }
}

/* Tickets of which nobody hears again. */
static void fill(struct world *w, unsigned n)
{
    send_fills(w, w->n_filled, n, STATUS_NEW);
    w->n_filled += n;
}

static bool is_hot(struct world *w, const char *ticket)
{
    return hot_find(&w->store->hot, store_hash_ticket(w->store, "desk", ticket, strlen(ticket)), false) !=
           NULL;
}

static void test_closed_tickets_cool_first(void **state)
{
    (void)state;
    struct world w = world_new();
    char last[16];
    send(&w, "open", STATUS_NEW);
    send(&w, "reopened", STATUS_NEW);
    send(&w, "reopened", STATUS_CLOSED);
    send(&w, "reopened", STATUS_OPEN);
    for (unsigned i = 0; i < 6; i++) {
        fill(&w, HOT_EVENTS / 2);
        send_fills(&w, w.n_filled - HOT_EVENTS / 2, HOT_EVENTS / 2, STATUS_CLOSED);
    }
    (void)snprintf(last, sizeof(last), "fill-%u", w.n_filled - 1);
    assert_true(is_hot(&w, "open"));
    assert_true(is_hot(&w, "reopened"));
    assert_false(is_hot(&w, "fill-0"));
    assert_false(is_hot(&w, "fill-100"));
    assert_true(is_hot(&w, last));
    assert_true(w.store->hot.n_events <= LEAST + 2 * HOT_EVENTS);
    world_free(&w);
}

static void test_room_follows_what_comes_back(void **state)
{
    (void)state;
    struct world w = world_new();
    assert_int_equal(w.store->kept_events, LEAST);
    fill(&w, 8 * HOT_EVENTS);
    assert_int_equal(w.store->kept_events, LEAST); /* nobody came back */
    unsigned first = w.n_filled - 5 * HOT_EVENTS;
    assert_false(is_hot(&w, "fill-64"));
    send_fills(&w, first, 3 * HOT_EVENTS, STATUS_OPEN);
    fill(&w, HOT_EVENTS); /* the seal that counts the last of them */
    uint64_t grown = w.store->kept_events;
    assert_true(grown > LEAST && grown <= STORE_KEPT_TIMES_MAX * HOT_EVENTS);
    fill(&w, 4 * HOT_EVENTS);
    assert_true(w.store->kept_events < grown);
    fill(&w, 100 * HOT_EVENTS);
    assert_int_equal(w.store->kept_events, LEAST);
    /* who comes back from long ago could not have been kept */
    send_fills(&w, 0, 2 * HOT_EVENTS, STATUS_OPEN);
    assert_int_equal(w.store->kept_events, LEAST);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_tickets_cool_first),
        cmocka_unit_test(test_room_follows_what_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
