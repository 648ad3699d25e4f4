/* What a tenant uses at a socket: the bucket of its rate, and its connections; and connections that send
 * without end. */
#include "core/ingest/connection.h"
#include "core/ingest/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void no_limit(void **state)
{
    struct tenant_limits limits;
    struct quota q = {.tenant = NULL};
    uint32_t retry_ms = 77;
    limits_preset(&limits);
    for (int i = 0; i < 1000; i++)
        assert_true(quota_take(&q, &limits, 16384, 0, &retry_ms));
    assert_int_equal(retry_ms, 77);
}

/* Over time no more than the rate, whatever the batches; nobody is told to come before there is room. */
static void the_rate_over_time(void **state)
{
    static const uint32_t SIZES[] = {1, 7, 100, 999, 16384};
    struct tenant_limits limits;
    limits_preset(&limits);
    limits.events_per_second = 1000;
    limits.burst = 500;
    for (size_t k = 0; k < sizeof(SIZES) / sizeof(*SIZES); k++) {
        struct quota q = {.tenant = NULL};
        int64_t now = 123456, end = now + 600000;
        uint64_t taken = 0;
        while (now < end) {
            uint32_t retry_ms = 0;
            if (quota_take(&q, &limits, SIZES[k], now, &retry_ms)) {
                taken += SIZES[k];
                continue;
            }
            assert_true(retry_ms > 0 && retry_ms <= QUOTA_RETRY_MAX_MS);
            now += retry_ms;
            assert_true(quota_take(&q, &limits, 0, now, &retry_ms));
        }
        assert_true(taken <= 600 * 1000 + 500 + SIZES[k] * 2);
        assert_true(taken >= 600 * 1000 - SIZES[k]);
    }
}

static void a_burst_after_a_silence(void **state)
{
    struct tenant_limits limits;
    struct quota q = {.tenant = NULL};
    uint32_t retry_ms = 0;
    limits_preset(&limits);
    limits.events_per_second = 10;
    assert_true(quota_take(&q, &limits, 60, 0, &retry_ms)); /* a hundred are in it */
    assert_true(quota_take(&q, &limits, 60, 0, &retry_ms));
    assert_false(quota_take(&q, &limits, 1, 0, &retry_ms)); /* twenty are owed */
    assert_in_range(retry_ms, 2000, 2200);
    assert_true(quota_take(&q, &limits, 1, retry_ms, &retry_ms));
    /* however long it is silent */
    assert_true(quota_take(&q, &limits, 100, 3600000, &retry_ms));
    assert_false(quota_take(&q, &limits, 1, 3600000, &retry_ms));
    quota_give(&q, &limits, 100); /* it was not committed */
    assert_true(quota_take(&q, &limits, 100, 3600000, &retry_ms));
    quota_give(&q, &limits, 100000);
    assert_true(quota_take(&q, &limits, 100, 3600000, &retry_ms));
    assert_false(quota_take(&q, &limits, 1, 3600000, &retry_ms));
}

static void a_limit_that_changes(void **state)
{
    struct tenant_limits limits;
    struct quota q = {.tenant = NULL};
    uint32_t retry_ms = 0;
    limits_preset(&limits);
    limits.events_per_second = 1;
    limits.burst = 1;
    assert_true(quota_take(&q, &limits, 10000, 0, &retry_ms));
    assert_false(quota_take(&q, &limits, 1, 0, &retry_ms));
    assert_int_equal(retry_ms, QUOTA_RETRY_MAX_MS);
    limits.events_per_second = 0; /* none */
    assert_true(quota_take(&q, &limits, 10000, 0, &retry_ms));
    limits.events_per_second = 1;
    assert_true(quota_take(&q, &limits, 1, 0, &retry_ms));
    assert_false(quota_take(&q, &limits, 1, 0, &retry_ms));
}

static void events_of_a_batch(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t n;
    } CASES[] = {
        {"\x82\xa3seq\x01\xa6"
         "events\x93\x80\x80\x80",
         17, 3},
        {"\x83\xa6"
         "cursor\xc4\x02xy\xa6"
         "events\xdc\x40\x00",
         22, 0},
        {"\x82\xa3seq\x01\xa6"
         "events\x93",
         14, 0},
        {"\x81\xa3seq\x01", 6, 0},
        {"\x82\xa3seq\xdd\xff\xff\xff\xff", 10, 0},
        {"\x81\xa6"
         "events\x05",
         9, 0},
        {"", 0, 0},
        {"\xc0", 1, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++)
        assert_int_equal(quota_batch_events(CASES[i].bytes, CASES[i].size), CASES[i].n);
}

static void an_index_of_another(void **state)
{
    static struct quotas q;
    struct tenant a = {.index = 7}, b = {.index = 7};
    struct quota *of_a = quotas_of(&q, &a);
    of_a->n_connections = 5;
    assert_ptr_equal(quotas_of(&q, &a), of_a);
    assert_int_equal(quotas_of(&q, &a)->n_connections, 5);
    assert_int_equal(quotas_of(&q, &b)->n_connections, 0);
    quotas_fini(&q);
}

/* --- connections --- */

static void counted_when_heard(void **state)
{
    struct connections c;
    unsigned mine = 0, yours = 0;
    connections_init(&c);
    for (int fd = 100; fd < 105; fd++)
        connections_opened(&c, fd, true);
    for (int again = 0; again < 2; again++)
        for (int fd = 100; fd < 103; fd++)
            assert_true(connections_own(&c, fd, &mine, 3));
    assert_int_equal(mine, 3);
    assert_false(connections_own(&c, 103, &mine, 3));
    assert_true(connections_own(&c, 104, &yours, 3));
    connections_closed(&c, 100);
    connections_closed(&c, 100);
    assert_int_equal(mine, 2);
    assert_false(connections_own(&c, 103, &mine, 3)); /* that one is on its way out */
    connections_closed(&c, 103);
    assert_int_equal(mine, 2);
    connections_opened(&c, 101, true); /* an end that nobody told of */
    assert_int_equal(mine, 1);
    assert_true(connections_own(&c, 102, &yours, 3)); /* its key speaks for another now */
    assert_int_equal(mine, 0);
    assert_int_equal(yours, 2);
    assert_true(connections_own(&c, -1, &mine, 0));
    assert_true(connections_own(&c, 5000, &mine, 0));
    connections_fini(&c);
}

/* A tcp connection to ourselves: ours, and theirs. */
static void pair(int ret[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    ret[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ret[1], (struct sockaddr *)&address, sizeof(address)), 0);
    ret[0] = accept(listening, NULL, NULL);
    assert_true(ret[0] >= 0);
    (void)close(listening);
}

/* Sends, and takes in at the other end. */
static void pour(const int fds[2], size_t n)
{
    char room[4096] = {0};
    for (; n > 0; n -= sizeof(room)) {
        assert_int_equal(send(fds[1], room, sizeof(room), MSG_NOSIGNAL), sizeof(room));
        assert_int_equal(recv(fds[0], room, sizeof(room), MSG_WAITALL), sizeof(room));
    }
}

static void without_end(void **state)
{
    struct connections c;
    int quiet[2], loud[2];
    char byte;
    connections_init(&c);
    c.limit = 65536;
    pair(quiet);
    pair(loud);
    connections_opened(&c, quiet[0], true);
    connections_opened(&c, loud[0], true);
    for (int i = 0; i < 20; i++) { /* messages come to their end: whatever the sum */
        pour(loud, 32768);
        connections_heard(&c, loud[0]);
        assert_int_equal(connections_sweep(&c), 0);
    }
    pour(loud, 65536);
    assert_int_equal(connections_sweep(&c), 0);
    pour(quiet, 32768);
    pour(loud, 4096);
    assert_int_equal(connections_sweep(&c), 1);
    assert_int_equal(recv(loud[1], &byte, 1, 0), 0);
    assert_int_equal(recv(quiet[1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(connections_sweep(&c), 0);
    for (int i = 0; i < 2; i++) {
        (void)close(quiet[i]);
        (void)close(loud[i]);
    }
    assert_int_equal(connections_sweep(&c), 0); /* closed, and not told */
    connections_fini(&c);
}

/* Each of them holds less than one may; all of them more than all may. */
static void many_without_end(void **state)
{
    enum { N = 4 };
    struct connections c;
    int fds[N][2];
    connections_init(&c);
    c.unheard_limit = N * CONNECTION_FEW;
    for (int i = 0; i < N; i++) {
        pair(fds[i]);
        connections_opened(&c, fds[i][0], true);
        pour(fds[i], CONNECTION_FEW);
    }
    assert_int_equal(connections_sweep(&c), 0);
    pour(fds[2], 4096); /* now they are too many bytes, and it has more than a few of them */
    assert_int_equal(connections_sweep(&c), 1);
    assert_int_equal(connections_sweep(&c), 0);
    assert_int_equal(c.unheard, (N - 1) * (uint64_t)CONNECTION_FEW);
    connections_heard(&c, fds[0][0]);
    connections_closed(&c, fds[1][0]);
    assert_int_equal(connections_sweep(&c), 0);
    assert_int_equal(c.unheard, CONNECTION_FEW);
    for (int i = 0; i < N; i++) {
        (void)close(fds[i][0]);
        (void)close(fds[i][1]);
    }
    connections_fini(&c);
}

static void refused_ones_end(void **state)
{
    struct connections c;
    int fds[2];
    char byte;
    unsigned count = 0;
    connections_init(&c);
    pair(fds);
    connections_opened(&c, fds[0], true);
    assert_false(connections_own(&c, fds[0], &count, 0));
    assert_int_equal(connections_sweep(&c), 1);
    assert_int_equal(recv(fds[1], &byte, 1, 0), 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
    connections_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit),
        cmocka_unit_test(the_rate_over_time),
        cmocka_unit_test(a_burst_after_a_silence),
        cmocka_unit_test(a_limit_that_changes),
        cmocka_unit_test(events_of_a_batch),
        cmocka_unit_test(an_index_of_another),
        cmocka_unit_test(counted_when_heard),
        cmocka_unit_test(without_end),
        cmocka_unit_test(many_without_end),
        cmocka_unit_test(refused_ones_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
