/* What the builders of a plugin's batch make, read back by the protocol's decoder; and the frames between the
 * host's two processes. */
#include "plugins/host/answer.h"
#include "plugins/host/batch.h"
#include "plugins/host/session.h"
#include "proto/event.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct tendon_batch batch;

static int set_up(void **state)
{
    return batch_init(&batch);
}

static int tear_down(void **state)
{
    batch_fini(&batch);
    return 0;
}

static int begin(void **state)
{
    batch_begin(&batch, 100000);
    return 0;
}

static void test_an_event(void **state)
{
    batch_event(&batch, "ticket.status", "T-1", "e1", 1704708000000, 7);
    batch_set_string(&batch, "to", "solvedXXX", 6);
    batch_set_int(&batch, "severity", 2);
    batch_set_nil(&batch, "team");
    batch_set_bool(&batch, "automated", 5);
    assert_int_equal(batch_end(&batch), TENDON_OK);
    batch_event(&batch, "survey.response", NULL, "e2", 1704708000001, 0);
    batch_set_double(&batch, "score", 4.5);
    batch_set_int(&batch, "min", -1);
    batch_set_int(&batch, "max", 5);
    batch_set_string(&batch, "instrument", "csat", TENDON_TEXT);
    batch_set_string(&batch, "question", "overall", TENDON_TEXT);
    batch_set_string(&batch, "site", "north", TENDON_TEXT);
    assert_int_equal(batch_end(&batch), TENDON_OK);

    size_t n;
    assert_int_equal(session_count_events(batch.data, batch.size, &n), 0);
    assert_int_equal(n, 2);
    struct mp_reader reader;
    struct wire_event event;
    struct wire_value values[FIELD_N];
    struct event_schema schema = {.types = UINT32_MAX, .now = 1704708000000};
    mp_reader_init(&reader, batch.data, batch.size);
    assert_int_equal(event_decode(&reader, &schema, &event, values), REJECT_NONE);
    assert_int_equal(event.type, EVENT_TICKET_STATUS);
    assert_int_equal(event.at, 1704708000000);
    assert_int_equal(event.seq, 7);
    assert_memory_equal(event.ticket.data, "T-1", 3);
    assert_memory_equal(event.id.data, "e1", 2);
    assert_int_equal(event.n_values, 4);
    assert_int_equal(event_decode(&reader, &schema, &event, values), REJECT_NONE);
    assert_int_equal(event.type, EVENT_SURVEY_RESPONSE);
    assert_ptr_equal(reader.at, reader.end);
}

static void test_maps_of_every_size(void **state)
{
    char key[16];
    for (unsigned n = 0; n <= TENDON_FIELDS - 3; n++) {
        batch_begin(&batch, 100000);
        batch_event(&batch, "x", NULL, "e", 1, 0);
        for (unsigned i = 0; i < n; i++) {
            (void)snprintf(key, sizeof(key), "key%u", i);
            batch_set_int(&batch, key, i);
        }
        assert_int_equal(batch_end(&batch), TENDON_OK);
        struct mp_reader reader;
        uint32_t count;
        mp_reader_init(&reader, batch.data, batch.size);
        assert_true(mp_read_map(&reader, &count));
        assert_int_equal(count, n + 3);
        for (uint32_t i = 0; i < 2 * count; i++)
            assert_true(mp_skip(&reader));
        assert_ptr_equal(reader.at, reader.end);
    }
    batch_set_int(&batch, "late", 1);
    assert_int_equal(batch_end(&batch), TENDON_INVALID);
}

static void test_mistakes_leave_the_rest(void **state)
{
    char text[TENDON_ID_BYTES + 2];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    batch_event(&batch, "a", NULL, "1", 1, 0);
    assert_int_equal(batch_end(&batch), TENDON_OK);
    size_t good = batch.size;
    for (int mistake = 0; mistake < 8; mistake++) {
        batch_event(&batch, "a", NULL, mistake == 0 ? text : "1", 1, 0);
        if (mistake == 1)
            batch_set_double(&batch, "d", NAN);
        else if (mistake == 2)
            batch_set_double(&batch, "d", -INFINITY);
        else if (mistake == 3)
            batch_set_string(&batch, "s", NULL, 3);
        else if (mistake == 4)
            batch_set_string(&batch, NULL, "x", 1);
        else if (mistake == 5)
            batch_set_string(&batch, text, "x", 1);
        else if (mistake == 6)
            batch_set_string(&batch, "", "x", 1);
        else
            for (int i = 0; i < TENDON_FIELDS; i++)
                batch_set_bool(&batch, "b", 1);
        assert_int_equal(batch_end(&batch), TENDON_INVALID);
        assert_int_equal(batch.size, good);
    }
    /* One that was never ended goes with the next, or the poll. */
    batch_event(&batch, "a", NULL, "2", 1, 0);
    batch_event(&batch, "a", NULL, "3", 1, 0);
    batch_finish(&batch);
    assert_int_equal(batch.size, good);
    assert_int_equal(batch_end(&batch), TENDON_INVALID);
    text[TENDON_ID_BYTES] = '\0';
    batch_event(&batch, "a", text, text, 1, 0);
    assert_int_equal(batch_end(&batch), TENDON_OK);
}

static void test_full(void **state)
{
    char id[32];
    unsigned n = 0, n_soft = 0;
    for (;; n++) {
        if (!batch_full(&batch))
            n_soft = n;
        (void)snprintf(id, sizeof(id), "event-%u", n);
        batch_event(&batch, "ticket.created", "a ticket of some length", id, 1704708000000, n);
        batch_set_string(&batch, "site", "north", TENDON_TEXT);
        int r = batch_end(&batch);
        if (r == TENDON_FULL)
            break;
        assert_int_equal(r, TENDON_OK);
    }
    assert_true(batch.size <= PIPE_EVENTS_BYTES);
    assert_true(n_soft < n);
    size_t count;
    assert_int_equal(session_count_events(batch.data, batch.size, &count), 0);
    assert_int_equal(count, n);
    /* However much is asked for, there is slack behind it. */
    batch_begin(&batch, SIZE_MAX);
    while (!batch_full(&batch)) {
        batch_event(&batch, "a", NULL, "1", 1, 0);
        assert_int_equal(batch_end(&batch), TENDON_OK);
    }
    assert_true(batch.size + BATCH_SLACK_BYTES - 200 <= PIPE_EVENTS_BYTES);
}

static void test_cursors_and_skips(void **state)
{
    uint8_t long_cursor[TENDON_CURSOR_BYTES + 1] = {0};
    assert_false(batch.has_cursor);
    batch_cursor(&batch, "abc", 3);
    batch_cursor(&batch, long_cursor, TENDON_CURSOR_BYTES);
    assert_int_equal(batch.cursor_size, TENDON_CURSOR_BYTES);
    batch_cursor(&batch, "de", 2);
    assert_int_equal(batch.cursor_size, 2);
    assert_false(batch.cursor_bad);
    batch_cursor(&batch, NULL, 0);
    assert_true(batch.has_cursor);
    assert_int_equal(batch.cursor_size, 0);
    batch_cursor(&batch, long_cursor, sizeof(long_cursor));
    assert_true(batch.cursor_bad);
    for (int i = 0; i < 200; i++)
        batch_skip(&batch, i % 2 ? "odd" : "even", i == 0 ? NULL : "file.csv", (uint64_t)i);
    batch_skip(&batch, "Not A Code", "x", 1);
    uint32_t total = 0;
    for (unsigned i = 0; i < batch.n_skips; i++)
        total += batch.skips[i].count;
    assert_int_equal(batch.n_skips, PIPE_SKIPS);
    assert_int_equal(total, 201);
    batch_retry_after(&batch, -5);
    assert_int_equal(batch.retry_after_ms, 0);
    batch_retry_after(&batch, INT64_MAX);
    assert_int_equal(batch.retry_after_ms, 86400000);
}

static void test_counting_what_is_none(void **state)
{
    static const uint8_t BAD[][6] = {
        {0x81, 0xa1}, {0x01}, {0x80, 0xc1}, {0xdf, 0xff, 0xff, 0xff, 0xff, 0}, {0x90}};
    static const size_t SIZES[] = {2, 1, 2, 5, 1};
    size_t n = 99;
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(*SIZES); i++)
        assert_int_equal(session_count_events(BAD[i], SIZES[i], &n), -EBADMSG);
    assert_int_equal(n, 99);
    assert_int_equal(session_count_events(BAD, 0, &n), 0);
    assert_int_equal(n, 0);
}

static void test_replies_that_are_not_sound(void **state)
{
    struct pipe_reply good = {.cursor_bytes = PIPE_NO_CURSOR};
    assert_true(pipe_reply_is_sound(&good, sizeof(good)));
    assert_false(pipe_reply_is_sound(&good, sizeof(good) + 1));
    struct pipe_reply r = good;
    r.data_bytes = PIPE_TEXT_BYTES + 1;
    assert_false(pipe_reply_is_sound(&r, sizeof(r) + r.data_bytes));
    r = good;
    r.cursor_bytes = TENDON_CURSOR_BYTES + 1;
    assert_false(pipe_reply_is_sound(&r, sizeof(r) + r.cursor_bytes));
    r = good;
    r.n_skips = PIPE_SKIPS + 1;
    assert_false(pipe_reply_is_sound(&r, sizeof(r) + r.n_skips * sizeof(struct pipe_skip)));
    r.n_skips = UINT32_MAX;
    assert_false(pipe_reply_is_sound(&r, sizeof(r)));
    r = good;
    memset(r.err, 'x', sizeof(r.err));
    assert_false(pipe_reply_is_sound(&r, sizeof(r)));
}

static void test_frames(void **state)
{
    int ends[2];
    char text[5];
    struct pipe_header header;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(pipe_write(ends[0], PIPE_START, "12345", 5), 0);
    assert_int_equal(pipe_write(ends[0], PIPE_WAKE, NULL, 0), 0);
    assert_int_equal(pipe_write(ends[0], PIPE_WAKE, NULL, PIPE_FRAME_BYTES + 1), -EMSGSIZE);
    assert_int_equal(pipe_read(ends[1], &header, sizeof(header)), 0);
    assert_int_equal(header.kind, PIPE_START);
    assert_int_equal(header.size, 5);
    assert_int_equal(pipe_read(ends[1], text, 5), 0);
    assert_memory_equal(text, "12345", 5);
    assert_int_equal(pipe_read(ends[1], &header, sizeof(header)), 0);
    assert_int_equal(header.kind, PIPE_WAKE);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(pipe_read(ends[1], &header, sizeof(header)), -EPIPE);
    assert_int_equal(pipe_write(ends[1], PIPE_STOP, NULL, 0), -EPIPE);
    assert_int_equal(close(ends[1]), 0);
}

static int answer_of(const char *bytes, size_t size, struct answer *ret)
{
    struct mp_reader r;
    mp_reader_init(&r, bytes, size);
    return answer_read(&r, ret);
}

static void test_answers(void **state)
{
    struct answer a;
    const char ack[] = "\x85\xa3seq\x05\xa8rejected\x92\x92\x01\xa1x\x92\x02\xa1y\xa6"
                       "future\x81\xa1"
                       "a\x01\xa6"
                       "credit\xcd\x10\x00\xa6"
                       "cursor\xc0";
    assert_true(answer_of(ack, sizeof(ack) - 1, &a));
    assert_int_equal(a.seq, 5);
    assert_int_equal(a.n_rejected, 2);
    assert_int_equal(a.credit, 4096);
    assert_true(a.has_credit);
    assert_false(a.has_last_seq);
    assert_int_equal(a.cursor_size, 0);
    const char nack[] = "\x83\xa4"
                        "code\xa9"
                        "disk_full\xa5"
                        "final\xc3\xa7message\xa4no\nx";
    assert_true(answer_of(nack, sizeof(nack) - 1, &a));
    assert_string_equal(a.code, "disk_full");
    assert_string_equal(a.message, "no x");
    assert_true(a.is_final);
    assert_false(answer_of("\x81\xa3seq\xa1x", 7, &a));
    assert_false(answer_of("\x92\x01\x02", 3, &a));
    for (size_t n = 0; n < sizeof(ack) - 1; n++)
        assert_false(answer_of(ack, n, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_event, begin),
        cmocka_unit_test_setup(test_maps_of_every_size, begin),
        cmocka_unit_test_setup(test_mistakes_leave_the_rest, begin),
        cmocka_unit_test_setup(test_full, begin),
        cmocka_unit_test_setup(test_cursors_and_skips, begin),
        cmocka_unit_test(test_counting_what_is_none),
        cmocka_unit_test(test_replies_that_are_not_sound),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
