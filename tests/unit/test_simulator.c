/* The plugin simulator: the same world every time, wherever it is resumed, and nothing in it that is refused.
 */
#include "plugins/simulator/world.h"
#include "tests/bench/pack.h"
#include "tests/unit/fake_host.h"

#include "proto/msgpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct fake_option OPTIONS[] = {
    {"tickets", NULL, "3000"},
    {"profile", NULL, "offshore"},
    {"vendor", NULL, "acme"},
    {"teams", NULL, "desk"},
    {"teams", NULL, "experts"},
    {"sites", NULL, "A"},
    {"sites", NULL, "B"},
    {"sites", NULL, "C"},
    {"from", NULL, "2022-01-01"},
    {"site_survey_days", NULL, "91"},
    {0},
};

static void open_plugin(struct fake_host *host, const struct fake_option *options)
{
    fake_load(host, SIMULATOR_SO, options);
    if (fake_create(host) != TENDON_OK)
        fail_msg("%s", host->err);
    assert_int_equal(fake_start(host), TENDON_OK);
}

static void test_same_every_time(void **state)
{
    struct fake_host host;
    uint64_t sum, n;

    (void)state;
    open_plugin(&host, OPTIONS);
    assert_int_equal(fake_drain(&host), TENDON_END);
    sum = host.sum;
    n = host.n_events;
    assert_in_range(n, 3000 * 7, 3000 * 13);
    assert_non_null(fake_find(&host, "source.watermark - 1672531200000 0 - complete_until=1672531200000"));
    fake_end(&host);

    open_plugin(&host, OPTIONS); /* with a crash now and then */
    host.sums_only = true;
    host.batch_lines = 777;
    for (int i = 1; fake_poll(&host) == TENDON_OK; i++) {
        if (i % 7 != 0)
            continue;
        host.plugin->destroy(host.self);
        assert_int_equal(fake_create(&host), TENDON_OK);
        assert_int_equal(fake_start(&host), TENDON_OK);
    }
    assert_int_equal(host.n_events, n);
    assert_int_equal(host.sum, sum);
    fake_end(&host);
}

/* The survey comes the same wherever it is stopped, with its tickets and nothing after its watermark. */
static void test_survey(void **state)
{
    static const struct fake_option options[] = {
        {"mode", NULL, "survey"},
        {"from", NULL, "2022-01-01"},
        {0},
    };
    struct fake_host host;
    uint64_t sum, n;

    (void)state;
    open_plugin(&host, options);
    assert_int_equal(fake_drain(&host), TENDON_END);
    sum = host.sum;
    n = host.n_events;
    assert_non_null(fake_find(&host, "source.watermark - 1672531200000 0 - complete_until=1672531200000"));
    assert_non_null(fake_find(&host, " instrument=site_survey respondent=P1 "));
    assert_non_null(fake_find(&host, " rater_relation=reseller question=satisfaction score=5 min=1 max=5"));
    assert_non_null(fake_find(&host, "ticket.status T1 "));
    fake_end(&host);

    open_plugin(&host, options);
    host.sums_only = true;
    host.batch_lines = 777;
    for (int i = 1; fake_poll(&host) == TENDON_OK; i++) {
        if (i % 7 != 0)
            continue;
        host.plugin->destroy(host.self);
        assert_int_equal(fake_create(&host), TENDON_OK);
        assert_int_equal(fake_start(&host), TENDON_OK);
    }
    assert_int_equal(host.n_events, n);
    assert_true(host.sum == sum);
    fake_end(&host);
}

static void test_another_seed_is_another_world(void **state)
{
    struct fake_option options[16];
    struct fake_host host;
    uint64_t sum;

    (void)state;
    memcpy(options, OPTIONS, sizeof(OPTIONS));
    open_plugin(&host, OPTIONS);
    host.sums_only = true;
    assert_int_equal(fake_poll(&host), TENDON_OK);
    sum = host.sum;
    options[sizeof(OPTIONS) / sizeof(OPTIONS[0]) - 1] = (struct fake_option){"seed", NULL, "2"};
    options[sizeof(OPTIONS) / sizeof(OPTIONS[0])] = (struct fake_option){0};
    host.options = options;
    host.plugin->destroy(host.self);
    assert_int_equal(fake_create(&host), TENDON_OK);
    assert_int_equal(fake_start(&host), TENDON_E_CURSOR); /* the cursor was of the other */
    host.n_cursor = 0;
    assert_int_equal(fake_start(&host), TENDON_OK);
    host.sum = 0;
    assert_int_equal(fake_poll(&host), TENDON_OK);
    assert_int_not_equal(host.sum, sum);
    fake_end(&host);
}

static void test_never_ahead_of_time(void **state)
{
    struct fake_host host;

    (void)state;
    open_plugin(&host, OPTIONS);
    host.now_ms = 1647000000000; /* March 2022 */
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    for (size_t i = 0; i < host.n_lines; i++) {
        long long at;

        assert_int_equal(sscanf(host.lines[i], "%*s %*s %lld", &at), 1);
        assert_true(at <= host.now_ms);
    }
    assert_in_range(host.n_events, 1000, 8000);
    fake_end(&host);
}

static void test_rate(void **state)
{
    static const struct fake_option options[] = {{"rate", NULL, "100"}, {"from", NULL, "2022-01-01"}, {0}};
    struct fake_host host;

    (void)state;
    open_plugin(&host, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_events, 0);
    host.now_ms += 2500;
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_events, 250);
    fake_end(&host);
}

static void test_refuses(void **state)
{
    static const struct fake_option from[] = {{"from", NULL, "soon"}, {0}};
    static const struct fake_option scores[] = {{"scores", NULL, "1"}, {"scores", NULL, "2"}, {0}};
    struct fake_host host;

    (void)state;
    fake_load(&host, SIMULATOR_SO, from);
    assert_int_equal(fake_create(&host), TENDON_E_CONFIG);
    fake_end(&host);
    fake_load(&host, SIMULATOR_SO, scores);
    assert_int_equal(fake_create(&host), TENDON_E_CONFIG);
    assert_non_null(strstr(host.err, "five"));
    fake_end(&host);
}

/* --- the world -------------------------------------------------------------------------------------------
 */

static struct world_options plain(void)
{
    static const char *const sites[] = {"H1", "H2"}, *const products[] = {"ehr"},
                             *const teams[] = {"a", "b", "c"}, *const channels[] = {"email", "phone"};

    return (struct world_options){
        .seed = 1,
        .from_ms = 1640995200000,
        .until_ms = 1640995200000 + 730 * 86400000ll,
        .n_tickets = 20000,
        .profile = WORLD_PROFILES[3],
        .prefix = "T",
        .sites = {sites, 2},
        .products = {products, 1},
        .teams = {teams, 3},
        .channels = {channels, 2},
        .jitter_ms = 120000,
    };
}

static void check_world(const struct world_options *options, double least, double most)
{
    struct event_schema schema = {.types = ~0u, .now = INT64_MAX / 2};
    uint64_t n_types[EVENT_N_TYPES] = {0}, n = 0;
    struct world *world = NULL;
    struct world_event event;
    int64_t due = 0;
    int rc;

    assert_int_equal(world_new(options, &world), 0);
    while ((rc = world_next(world, &event)) == 1) {
        struct wire_value values[FIELD_N];
        struct wire_event decoded;
        struct mp_reader reader;
        msgpack_sbuffer buffer;

        assert_true(event.due_ms >= due);
        due = event.due_ms;
        msgpack_sbuffer_init(&buffer);
        pack_event(&buffer, &event);
        mp_reader_init(&reader, buffer.data, buffer.size);
        rc = event_decode(&reader, &schema, &decoded, values);
        if (rc != REJECT_NONE)
            fail_msg("%s is refused: %s", EVENT_TYPE_INFO[event.type].name, event_reject_code(rc));
        assert_int_equal(decoded.type, event.type);
        assert_int_equal(decoded.at, event.at_ms);
        msgpack_sbuffer_destroy(&buffer);
        n_types[event.type]++;
        n++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(n_types[EVENT_TICKET_CREATED], options->n_tickets);
    if ((double)n < least * (double)options->n_tickets || (double)n > most * (double)options->n_tickets)
        fail_msg("%.3f events a ticket", (double)n / (double)options->n_tickets);
    world_free(world);
}

static void test_nothing_is_refused(void **state)
{
    struct world_options options = plain();

    (void)state;
    check_world(&options, 4.9, 5.4);
    for (int i = 0; i < WORLD_N_PROFILES; i++) {
        options = plain();
        options.profile = WORLD_PROFILES[i];
        options.n_tickets = 3000;
        options.site_survey_days = 91;
        options.contacts = options.sla = true;
        check_world(&options, 5, 14);
    }
}

static void test_limits(void **state)
{
    struct world_options options = plain();
    struct world *world = NULL;

    (void)state;
    options.sites.n = 0;
    assert_int_equal(world_new(&options, &world), -22);
    options = plain();
    options.until_ms = options.from_ms;
    assert_int_equal(world_new(&options, &world), -22);
    options = plain();
    options.n_tickets = 0;
    assert_int_equal(world_new(&options, &world), -22);
    assert_null(world);
    world_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_every_time),
        cmocka_unit_test(test_survey),
        cmocka_unit_test(test_another_seed_is_another_world),
        cmocka_unit_test(test_never_ahead_of_time),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_nothing_is_refused),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
