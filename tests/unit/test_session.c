/* Sessions and their credit, and the answers that are kept. */
#include "core/ingest/kept.h"
#include "core/ingest/server.h"
#include "core/ingest/session.h"
#include "proto/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START WIRE_CREDIT_START

static struct peer peer_of(char c)
{
    return (struct peer){.size = 5, .id = {0, 1, 2, 3, (uint8_t)c}};
}

/* --- sessions --- */

static void test_claims(void **state)
{
    struct session_table *t;
    struct session *s;
    struct peer a = peer_of('a'), b = peer_of('b'), c = peer_of('c'), old;
    assert_int_equal(session_table_new(&t), 0);
    assert_null(session_find(t, "riverbend", "acme"));
    assert_int_equal(session_add(t, "riverbend", "acme", 0, &s), 0);
    assert_ptr_equal(session_find(t, "riverbend", "acme"), s);
    assert_null(session_find(t, "riverbend2", "acme"));
    assert_null(session_find(t, "acme", "riverbend"));

    assert_int_equal(session_claim(s, &a, 1, &old), SESSION_NEW);
    assert_int_equal(session_claim(s, &a, 1, &old), SESSION_SAME); /* greets twice */
    assert_int_equal(session_claim(s, &b, 1, &old), SESSION_SAME); /* reconnected */
    assert_true(peer_equal(&s->peer, &b));
    assert_false(session_is_past(s, &a));

    assert_int_equal(session_claim(s, &c, 2, &old), SESSION_TAKEOVER);
    assert_true(peer_equal(&old, &b));
    assert_true(session_is_past(s, &b));
    assert_int_equal(session_claim(s, &b, 1, &old), SESSION_SUPERSEDED);
    assert_int_equal(session_claim(s, &a, 1, &old), SESSION_SUPERSEDED); /* from wherever it comes back */
    assert_true(peer_equal(&s->peer, &c));
    assert_int_equal(session_claim(s, &c, 3, &old), SESSION_SAME); /* its own connection, a new number */
    assert_int_equal(session_claim(s, &b, 4, &old), SESSION_TAKEOVER);
    session_table_free(t);
}

static void test_table(void **state)
{
    enum { N = 1000 };
    struct session_table *t;
    struct session *s, *first;
    char name[16];
    assert_int_equal(session_table_new(&t), 0);
    for (int i = 0; i < N; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        assert_int_equal(session_add(t, "riverbend", name, i, &s), 0);
    }
    assert_int_equal(session_count(t), N);
    assert_null(session_idlest(t, 0));
    first = session_idlest(t, 500);
    assert_string_equal(first->source, "s0");
    first->n_pending = 1; /* under way: not to be dropped */
    s = session_idlest(t, 500);
    assert_string_equal(s->source, "s1");
    session_remove(t, s);
    assert_null(session_find(t, "riverbend", "s1"));
    for (int i = 2; i < N; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        assert_non_null(session_find(t, "riverbend", name));
    }
    assert_int_equal(session_count(t), N - 1);
    session_table_free(t);
}

static void test_table_is_bounded(void **state)
{
    struct session_table *t;
    struct session *s;
    char name[16];
    assert_int_equal(session_table_new(&t), 0);
    for (int i = 0; i < SESSIONS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        assert_int_equal(session_add(t, "riverbend", name, i, &s), 0);
    }
    assert_int_equal(session_add(t, "riverbend", "one-more", 0, &s), -ENOSPC);
    session_table_free(t);
}

/* --- credit --- */

static void test_credit_grows(void **state)
{
    struct credit_pool p;
    struct credit c;
    bool is_short;
    credit_pool_init(&p, 16 * START, 8 * START);
    credit_open(&c, 0);
    assert_false(credit_take(&p, &c, START + 1, 0, &is_short));
    assert_false(is_short);
    assert_true(credit_take(&p, &c, START, 0, &is_short));
    assert_false(credit_take(&p, &c, 1, 0, &is_short));
    credit_give(&p, &c, START);
    credit_adapt(&p, &c, 0, 0);
    assert_int_equal(c.window, 2 * START);
    assert_int_equal(p.reserved, START);
    credit_promise(&c, c.window);

    /* little use, no growth */
    assert_true(credit_take(&p, &c, START - 1, 0, &is_short));
    credit_give(&p, &c, START - 1);
    credit_adapt(&p, &c, 0, 0);
    assert_int_equal(c.window, 2 * START);

    for (int i = 0; i < 8; i++) { /* up to the source's limit */
        assert_true(credit_take(&p, &c, c.promised, 0, &is_short));
        credit_give(&p, &c, c.promised);
        credit_adapt(&p, &c, 0, 0);
        credit_promise(&c, c.window);
    }
    assert_int_equal(c.window, 8 * START);
    assert_int_equal(p.reserved, 7 * START);
    assert_int_equal(p.under_way, 0);
    credit_close(&p, &c);
    assert_int_equal(p.reserved, 0);
}

/* A pool in which others have much under way. */
static void crowd_init(struct credit_pool *p)
{
    credit_pool_init(p, CREDIT_CROWD + 64 * START, 32 * START);
    p->under_way = CREDIT_CROWD;
}

/* Where commits are slow but not late a window grows to one of the largest batches and no further: by an
 * eighth, once for all that is under way. */
static void test_credit_of_slow_commits(void **state)
{
    struct credit_pool p;
    struct credit c;
    bool is_short;
    crowd_init(&p);
    credit_open(&c, 0);
    int64_t at = 0;
    for (int i = 0; i < 20; i++, at += CREDIT_LATE_MS) {
        assert_true(credit_take(&p, &c, c.promised, at, &is_short));
        uint64_t before = c.window;
        credit_give(&p, &c, c.promised);
        credit_adapt(&p, &c, at, at + CREDIT_LATE_MS);
        credit_adapt(&p, &c, at, at + CREDIT_LATE_MS);
        assert_true(c.window == before + before / 8 || before >= WIRE_BATCH_BYTES);
        credit_promise(&c, c.promised);
    }
    assert_in_range(c.window, WIRE_BATCH_BYTES, WIRE_BATCH_BYTES * 9 / 8);
}

/* Who is nearly alone waits for the disk: a smaller window than one of the largest batches doubles, however
 * late its answers are. */
static void test_credit_of_a_slow_disk(void **state)
{
    struct credit_pool p;
    struct credit c;
    bool is_short;
    credit_pool_init(&p, 64 * START, 32 * START);
    credit_open(&c, 0);
    int64_t at = 0;
    for (int i = 0; i < 8; i++, at += 20 * CREDIT_LATE_MS) {
        uint64_t before = c.window;
        assert_true(credit_take(&p, &c, c.promised < START ? c.promised : START, at, &is_short));
        c.peak = before; /* it is used */
        credit_give(&p, &c, START);
        credit_adapt(&p, &c, at, at + 10 * CREDIT_LATE_MS);
        credit_adapt(&p, &c, at, at + 10 * CREDIT_LATE_MS);
        assert_int_equal(c.window, before < WIRE_BATCH_BYTES ? 2 * before : WIRE_BATCH_BYTES);
        credit_promise(&c, START);
    }
}

/* A larger window grows only while answers come soon, and is cut while they are late: once for all that is
 * under way, such that as much would not be late. */
static void test_credit_follows_the_delay(void **state)
{
    struct credit_pool p;
    struct credit c;
    bool is_short;
    crowd_init(&p);
    credit_open(&c, 0);
    for (int i = 0; i < 4; i++) {
        assert_true(credit_take(&p, &c, START, 0, &is_short));
        assert_true(credit_take(&p, &c, c.window - START, 0, &is_short));
        credit_give(&p, &c, c.window);
        credit_adapt(&p, &c, 0, CREDIT_SOON_MS - 1);
        credit_promise(&c, c.window);
        c.largest = START;
    }
    assert_int_equal(c.window, 16 * START);
    credit_adapt(&p, &c, 0, CREDIT_SOON_MS);
    credit_adapt(&p, &c, 500, 500 + CREDIT_LATE_MS);
    assert_int_equal(c.window, 16 * START);
    credit_adapt(&p, &c, 1000, 1000 + 2 * CREDIT_LATE_MS);
    assert_int_equal(c.window, 8 * START);
    assert_int_equal(p.reserved, 7 * START);
    credit_adapt(&p, &c, 1000, 1100 + 4 * CREDIT_LATE_MS); /* taken before the cut */
    assert_int_equal(c.window, 8 * START);
    credit_adapt(&p, &c, 2000, 2000 + 100 * CREDIT_LATE_MS); /* something stood still: not to nothing */
    assert_int_equal(c.window, 2 * START);
    for (int64_t at = 20000; at < 100000; at += 2000)
        credit_adapt(&p, &c, at, at + 2 * CREDIT_LATE_MS);
    assert_int_equal(c.window, 2 * START); /* two of the largest batches stay */
}

/* A source sends up to what it was told last: what it sent before it hears of a cut is taken. */
static void test_credit_is_cut_by_what_comes_back(void **state)
{
    enum { PART = START / 2, N = 8 };
    struct credit_pool p;
    struct credit c;
    bool is_short;
    crowd_init(&p);
    credit_open(&c, 0);
    c.window = c.promised = N * PART;
    p.reserved = c.window - START;
    for (int i = 0; i < N; i++)
        assert_true(credit_take(&p, &c, PART, 0, &is_short));
    for (int i = 0; i < N - 2; i++) {
        credit_give(&p, &c, PART);
        credit_adapt(&p, &c, 0, 100 * CREDIT_LATE_MS);
        credit_promise(&c, PART);
        assert_int_equal(c.window, 2 * PART);
        assert_int_equal(c.promised, c.under_way); /* what was sent fits, and nothing more may be sent */
    }
    assert_int_equal(c.promised, c.window);
    credit_give(&p, &c, PART);
    credit_promise(&c, PART);
    assert_int_equal(c.promised, c.window);
    assert_true(credit_take(&p, &c, PART, 0, &is_short));
    assert_false(credit_take(&p, &c, 1, 0, &is_short));
}

static void test_credit_shrinks(void **state)
{
    struct credit_pool p;
    struct credit c, other;
    bool is_short;
    credit_pool_init(&p, 4 * START, 4 * START);
    credit_open(&c, 0);
    credit_open(&other, 0);
    for (int i = 0; i < 2; i++) {
        assert_true(credit_take(&p, &c, c.window, 0, &is_short));
        credit_give(&p, &c, c.window);
        credit_adapt(&p, &c, 0, 0);
        credit_promise(&c, c.window);
    }
    assert_int_equal(c.window, 4 * START);
    credit_shrink(&p, &c, CREDIT_IDLE_MS - 1);
    assert_int_equal(c.window, 4 * START);
    credit_shrink(&p, &c, CREDIT_IDLE_MS);
    assert_int_equal(c.window, 2 * START);
    credit_shrink(&p, &c, CREDIT_IDLE_MS + 1); /* not twice at once */
    assert_int_equal(c.window, 2 * START);
    credit_shrink(&p, &c, 2 * CREDIT_IDLE_MS);
    assert_int_equal(c.window, START);
    assert_int_equal(p.reserved, 0);

    /* the source relies on what it was told, and gets it while it is there */
    assert_true(credit_take(&p, &c, 4 * START, 0, &is_short));
    assert_int_equal(c.window, START);
    /* the pool is used up: nobody gets more, and it is said to be for now */
    assert_false(credit_take(&p, &other, 1, 0, &is_short));
    assert_true(is_short);
    credit_give(&p, &c, 4 * START);
    assert_true(credit_take(&p, &other, 1, 0, &is_short));
    credit_shrink(&p, &other, 100 * CREDIT_IDLE_MS); /* under way: not idle */
    assert_int_equal(other.window, START);
}

static void test_credit_pool_is_shared(void **state)
{
    struct credit_pool p;
    struct credit a, b;
    bool is_short;
    credit_pool_init(&p, 3 * START, 4 * START);
    credit_open(&a, 0);
    credit_open(&b, 0);
    assert_true(credit_take(&p, &a, START, 0, &is_short));
    credit_adapt(&p, &a, 0, 0);
    credit_give(&p, &a, START);
    credit_promise(&a, a.window);
    assert_true(credit_take(&p, &a, 2 * START, 0, &is_short));
    credit_adapt(&p, &a, 0, 0); /* to 4: the pool has only 3 beyond the starts */
    assert_int_equal(a.window, 4 * START);
    assert_true(credit_take(&p, &b, START, 0, &is_short));
    credit_adapt(&p, &b, 0, 0);
    assert_int_equal(b.window, START); /* nothing is left to reserve */
    assert_int_equal(p.under_way, 3 * START);
}

/* --- kept answers --- */

static struct buffer document_of(size_t n)
{
    struct buffer b;
    buffer_init(&b, n);
    memset(buffer_extend(&b, n), 'x', n);
    return b;
}

static void test_kept(void **state)
{
    struct kept_answers k;
    struct peer a = peer_of('a'), b = peer_of('b');
    struct buffer document;
    kept_init(&k, 10000);
    for (unsigned i = 0; i < KEPT_PEER_MAX + 3; i++) {
        document = document_of(300);
        assert_int_equal(kept_add(&k, &a, i, &document, 0), 0);
        assert_null(document.data); /* taken over */
    }
    assert_int_equal(k.n, KEPT_PEER_MAX); /* the oldest of a peer go */
    assert_null(kept_find(&k, &a, 0, 0));
    assert_non_null(kept_find(&k, &a, KEPT_PEER_MAX + 2, 0));
    assert_null(kept_find(&k, &b, KEPT_PEER_MAX + 2, 0)); /* another's are nobody else's */

    document = document_of(9900); /* no room beside the others */
    assert_int_equal(kept_add(&k, &b, 1, &document, 0), -ENOSPC);
    assert_non_null(document.data);
    kept_expire(&k, SERVER_ANSWER_MS);
    assert_int_equal(k.n, KEPT_PEER_MAX);
    kept_expire(&k, SERVER_ANSWER_MS + 1);
    assert_int_equal(k.n, 0);
    assert_int_equal(k.bytes, 0);
    assert_int_equal(kept_add(&k, &b, 1, &document, 0), 0);
    kept_remove(&k, &b, 1);
    kept_remove(&k, &b, 1);
    assert_int_equal(k.bytes, 0);
    document = document_of(10);
    assert_int_equal(kept_add(&k, &b, 1, &document, 0), 0);
    kept_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_is_bounded),
        cmocka_unit_test(test_credit_grows),
        cmocka_unit_test(test_credit_of_slow_commits),
        cmocka_unit_test(test_credit_of_a_slow_disk),
        cmocka_unit_test(test_credit_is_cut_by_what_comes_back),
        cmocka_unit_test(test_credit_follows_the_delay),
        cmocka_unit_test(test_credit_shrinks),
        cmocka_unit_test(test_credit_pool_is_shared),
        cmocka_unit_test(test_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
