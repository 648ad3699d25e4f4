/* What the batches of one commit are answered, over a store that fails as it is told: the sequence rules, and
 * that nothing is believed after a commit that failed. */
#include "core/ingest/group.h"
#include "core/tenant/tenant.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire_json.h"

#define SOURCES_MAX 4

/* --- a store that keeps last_seq and nothing else --- */

static struct {
    struct {
        char name[STORE_NAME_BYTES + 1];
        uint64_t last_seq;
    } sources[SOURCES_MAX];
    unsigned n_sources, n_commits;
    int fail_with;       /* of the next commits; 0: they succeed */
    bool but_is_there;   /* what failed is on disk all the same */
    uint64_t used_bytes; /* of the tenant */
} STORE;

static struct tenant_settings SETTINGS = {.limits = {.stored_bytes = 1000}};

struct tenant_settings *tenant_settings_get(struct tenant *t)
{
    return &SETTINGS;
}

void tenant_settings_unref(struct tenant_settings *s)
{
}

static uint64_t *last_seq_of(const char *name)
{
    for (unsigned i = 0; i < STORE.n_sources; i++)
        if (strcmp(STORE.sources[i].name, name) == 0)
            return &STORE.sources[i].last_seq;
    assert_true(STORE.n_sources < SOURCES_MAX);
    (void)snprintf(STORE.sources[STORE.n_sources].name, STORE_NAME_BYTES, "%s", name);
    return &STORE.sources[STORE.n_sources++].last_seq;
}

int store_source_get(struct store *s, const char *name, struct store_source *ret)
{
    *ret = (struct store_source){.last_seq = *last_seq_of(name)};
    return ret->last_seq > 0;
}

int store_source_cursor(struct store *s, const char *name, uint8_t *room, size_t *ret_size, struct error *err)
{
    room[0] = (uint8_t)*last_seq_of(name);
    *ret_size = 1;
    return 0;
}

bool store_uses(struct store *s, uint64_t bytes)
{
    return STORE.used_bytes >= bytes;
}

int store_commit(struct store *s, struct store_batch *batches, size_t n, struct error *err)
{
    STORE.n_commits++;
    for (size_t i = 0; i < n && (STORE.fail_with == 0 || STORE.but_is_there); i++) {
        uint64_t *last_seq = last_seq_of(batches[i].source);
        assert_int_equal(batches[i].seq, *last_seq + 1); /* the caller has looked */
        *last_seq = batches[i].seq;
        batches[i].n_accepted = (uint32_t)batches[i].n_events;
    }
    return STORE.fail_with ? error_set(err, STORE.fail_with, "io", "it failed") : 0;
}

/* --- a group --- */

struct answered {
    char text[512]; /* one word a job */
};

/* "ack", "repeat:LAST_SEQ" or the code of a NACK, with +retry and +final. */
static void note(void *ctx, const struct committer_answer *a)
{
    struct answered *all = ctx;
    size_t n = strlen(all->text);
    if (a->kind == WIRE_ACK && a->repeat)
        (void)snprintf(all->text + n, sizeof(all->text) - n, " repeat:%u/%u", (unsigned)a->last_seq,
                       a->cursor_size ? ((const uint8_t *)a->cursor)[0] : 0);
    else if (a->kind == WIRE_ACK)
        (void)snprintf(all->text + n, sizeof(all->text) - n, " ack:%u", (unsigned)a->seq);
    else
        (void)snprintf(all->text + n, sizeof(all->text) - n, " %s:%u%s%s", wire_nack_code(a->nack),
                       (unsigned)a->last_seq, a->retry_ms ? "+retry" : "", a->final ? "+final" : "");
}

/* Runs a group of batches "SOURCE SEQ" (seq 0: bytes that are no batch); how they were answered, in order. */
static const char *run(uint64_t free_bytes, int expected, unsigned n, const char *const *sources,
                       const uint64_t *seqs)
{
    static struct answered all;
    static struct group g;
    struct decoded_pool pool = {0};
    struct tenant tenant = {.name = "riverbend"};
    struct committer_statistics sum = {0};
    struct error err = ERROR_INIT;
    all.text[0] = '\0';
    g.n_jobs = g.n_batches = g.n_sources = 0;
    for (unsigned i = 0; i < n; i++) {
        struct grant who = {.role = ROLE_SOURCE};
        char body[64] = "\x82\xa3seq\x00\xa6"
                        "events\x91\xc0";
        body[5] = (char)seqs[i];
        (void)snprintf(who.source, sizeof(who.source), "%s", sources[i]);
        struct job *j = job_new(JOB_BATCH, &who, body, 15, note, &all);
        j->decoded = decoded_pool_get(&pool);
        j->decoded_rc = decode_batch(&j->decoded->d, j->body, j->size, &j->rules, &j->nack);
        g.jobs[g.n_jobs++] = j;
    }
    assert_int_equal(group_run(&g, &tenant, "/tmp", free_bytes, &sum, &err), expected);
    for (unsigned i = 0; i < n; i++)
        job_free(g.jobs[i], &pool);
    decoded_pool_fini(&pool);
    return all.text;
}

#define RUN(expected, sources, ...)                                                                          \
    run(1, expected, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), sources,                    \
        (const uint64_t[]){__VA_ARGS__})

static const char *const AAAA[] = {"a", "a", "a", "a", "a", "a"}, *const ABAB[] = {"a", "b", "a", "b"};

static int reset(void **state)
{
    memset(&STORE, 0, sizeof(STORE));
    return 0;
}

static void test_order(void **state)
{
    assert_string_equal(RUN(0, AAAA, 1, 2, 3), " ack:1 ack:2 ack:3");
    assert_int_equal(STORE.n_commits, 1);
    /* repeats are answered with what is committed when they are answered */
    assert_string_equal(RUN(0, AAAA, 3, 4, 4, 2, 5), " repeat:5/5 ack:4 repeat:5/5 repeat:5/5 ack:5");
    assert_string_equal(RUN(0, AAAA, 7, 6, 8), " out_of_order:6 ack:6 out_of_order:6");
    assert_string_equal(RUN(0, AAAA, 1), " repeat:6/6");
    assert_int_equal(STORE.n_commits, 3); /* nothing new, no commit */
    assert_string_equal(RUN(0, ABAB, 7, 1, 8, 3), " ack:7 ack:1 ack:8 out_of_order:1");
}

static void test_no_batch_uses_no_seq(void **state)
{
    assert_string_equal(RUN(0, AAAA, 1, 0, 2), " ack:1 malformed:2+final ack:2");
}

static void test_failed_commit(void **state)
{
    assert_string_equal(RUN(0, AAAA, 1), " ack:1");
    STORE.fail_with = -EIO;
    assert_string_equal(
        RUN(-EIO, ABAB, 2, 1, 3, 2),
        " store_failed:1+retry store_failed:0+retry store_failed:1+retry store_failed:0+retry");
    /* a repeat of what is only in the group that failed is none */
    assert_string_equal(RUN(-EIO, AAAA, 1, 2, 2), " repeat:1/1 store_failed:1+retry store_failed:1+retry");
    STORE.fail_with = -ENOSPC;
    assert_string_equal(RUN(-ENOSPC, AAAA, 2, 3), " disk_full:1+retry disk_full:1+retry");
    STORE.fail_with = 0;
    assert_string_equal(RUN(0, AAAA, 2, 3), " ack:2 ack:3");
}

/* The commit said that it failed, and is on disk: the source is told what is there. */
static void test_failed_and_there(void **state)
{
    STORE.fail_with = -EIO;
    STORE.but_is_there = true;
    assert_string_equal(RUN(-EIO, AAAA, 1, 2), " repeat:2/2 repeat:2/2");
    STORE.fail_with = 0;
    assert_string_equal(RUN(0, AAAA, 2, 3), " repeat:3/3 ack:3");
}

static void test_full(void **state)
{
    STORE.used_bytes = 1000;
    assert_string_equal(RUN(-ENOSPC, AAAA, 1), " disk_full:0+retry");
    STORE.used_bytes = 999;
    assert_string_equal(run(UINT64_MAX, -ENOSPC, 1, AAAA, (const uint64_t[]){1}), " disk_full:0+retry");
    assert_int_equal(STORE.n_commits, 0); /* not even tried */
    assert_string_equal(RUN(0, AAAA, 1), " ack:1");
    /* what is there already is answered all the same */
    STORE.used_bytes = 1000;
    assert_string_equal(RUN(-ENOSPC, AAAA, 1, 2), " repeat:1/1 disk_full:1+retry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, reset),
        cmocka_unit_test_setup(test_no_batch_uses_no_seq, reset),
        cmocka_unit_test_setup(test_failed_commit, reset),
        cmocka_unit_test_setup(test_failed_and_there, reset),
        cmocka_unit_test_setup(test_full, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
