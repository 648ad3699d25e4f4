/* Events of the journal come back as they went in; bytes that are none are refused. */
#include "core/store/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM (sizeof(struct event) + FIELD_N * sizeof(uint64_t))

static uint64_t rng = 1;

static uint64_t next(void)
{
    rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return rng >> 20;
}

static void make(struct event *e, struct journal_head *head)
{
    *e = (struct event){.at = INT64_C(631152000000) + (int64_t)(next() % UINT64_C(2000000000000)),
                        .id = next() % 3 ? next() & UINT64_C(0xffffffffffff) : 0,
                        .ref = next() % 3 ? 0 : next() << 20 | 1,
                        .seq = next() % 2 ? 0 : (uint32_t)next(),
                        .source = (uint16_t)next(),
                        .type = (uint8_t)(next() % EVENT_N_TYPES)};
    for (unsigned f = 0; f < FIELD_N; f++)
        if (next() % 3 == 0) {
            static const int64_t NUMBERS[] = {0, 1, -1, 65535, INT64_C(1) << 54, -(INT64_C(1) << 54)};
            e->fields[e->n_fields++] = event_field_pack(f, NUMBERS[next() % 6]);
        }
    *head = (struct journal_head){.hash = next() << 20,
                                  .number = (uint32_t)next(),
                                  .namespace = (uint16_t)next(),
                                  .is_loose = next() % 2};
}

static void test_round_trip(void **state)
{
    enum { N = 2000 };
    struct event *in = malloc(N * ROOM), *out = malloc(ROOM);
    struct journal_head *heads = calloc(N, sizeof(*heads)), head;
    struct buffer b;
    (void)state;
    assert_non_null(in);
    assert_non_null(out);
    assert_non_null(heads);
    buffer_init(&b, 16 << 20);
    for (unsigned i = 0; i < N; i++) {
        struct event *e = (struct event *)((uint8_t *)in + i * ROOM);
        make(e, &heads[i]);
        journal_put(&b, &heads[i], e);
    }
    assert_false(buffer_failed(&b));
    size_t at = 0;
    for (unsigned i = 0; i < N; i++) {
        const struct event *e = (const struct event *)((uint8_t *)in + i * ROOM);
        size_t size = journal_read(b.data + at, b.size - at, &head, out);
        assert_true(size > 0);
        assert_memory_equal(out, e, event_size(e->n_fields));
        assert_int_equal(head.hash, heads[i].hash);
        assert_int_equal(head.number, heads[i].number);
        assert_int_equal(head.namespace, heads[i].namespace);
        assert_int_equal(head.is_loose, heads[i].is_loose);
        at += size;
    }
    assert_int_equal(at, b.size);
    buffer_fini(&b);
    free(in);
    free(out);
    free(heads);
}

static void test_broken(void **state)
{
    struct event *e = malloc(ROOM), *out = malloc(ROOM);
    struct journal_head head;
    struct buffer b;
    (void)state;
    assert_non_null(e);
    assert_non_null(out);
    buffer_init(&b, 1 << 20);
    for (unsigned round = 0; round < 300; round++) {
        buffer_clear(&b);
        make(e, &head);
        journal_put(&b, &head, e);
        for (size_t n = 0; n < b.size; n++) { /* cut anywhere */
            uint8_t *cut = malloc(n ? n : 1);
            assert_non_null(cut);
            memcpy(cut, b.data, n);
            assert_int_equal(journal_read(cut, n, &head, out), 0);
            free(cut);
        }
        for (unsigned i = 0; i < 20; i++) { /* other bytes: refused, or another event, within the bytes */
            size_t at = next() % b.size;
            uint8_t before = b.data[at];
            b.data[at] = (uint8_t)next();
            assert_true(journal_read(b.data, b.size, &head, out) <= b.size);
            b.data[at] = before;
        }
    }
    buffer_fini(&b);
    free(e);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
