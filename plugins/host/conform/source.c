/* Conformance tests of events and cursors: nothing lost, nothing twice, whatever happens. */
#include "plugins/host/conform/play.h"
#include "plugins/host/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KILLS         12
#define SLACK_BYTES   32768 /* that still fit when full() is false */
#define FAULTY_ROUNDS 8
#define STARTS_MOST   400

static enum verdict begin_baseline(struct play *p, struct conform *c)
{
    play_init(p, c);
    enum verdict verdict = play_whole(p);
    if (verdict == VERDICT_PASSED && json_object_size(p->events) == 0)
        verdict = conform_skip(c, "there are no events under these options: name a source that has some");
    return verdict;
}

static enum verdict test_baseline(struct conform *c)
{
    struct play p;
    enum verdict verdict = begin_baseline(&p, c);
    if (verdict == VERDICT_PASSED && p.n_rejected)
        verdict = conform_fail(c, "a collector would reject %u of %u events, the first: %s", p.n_rejected,
                               p.n_events, p.rejected);
    play_fini(&p);
    return verdict;
}

static enum verdict test_ids(struct conform *c)
{
    struct play p;
    enum verdict verdict = begin_baseline(&p, c);
    if (verdict == VERDICT_PASSED && p.n_nameless)
        verdict = conform_fail(c, "%u events have no id", p.n_nameless);
    if (verdict == VERDICT_PASSED && p.n_changed)
        verdict =
            conform_fail(c, "%u events have ticket and id of another one with other values", p.n_changed);
    if (verdict == VERDICT_PASSED && p.n_again > p.n_events / 2)
        verdict = conform_fail(c, "%u of %u events of one run are repetitions", p.n_again, p.n_events);
    play_fini(&p);
    return verdict;
}

/* Two runs at two times. */
static enum verdict test_deterministic(struct conform *c)
{
    struct play baseline, p;
    enum verdict verdict = begin_baseline(&baseline, c);
    play_init(&p, c);
    /* Another time of reading, where nothing that is asked for can depend on it. */
    if (!c->replay)
        p.now_ms = INT64_C(1893456000000) + (int64_t)conform_random(c, 1000000000);
    if (verdict == VERDICT_PASSED)
        verdict = play_whole(&p);
    if (verdict == VERDICT_PASSED)
        verdict = play_compare(c, &baseline, &p, "in a second run");
    play_fini(&p);
    play_fini(&baseline);
    return verdict;
}

static enum verdict test_skips(struct conform *c)
{
    struct play p;
    enum verdict verdict = begin_baseline(&p, c);
    if (verdict == VERDICT_PASSED && p.n_bad_skips)
        verdict = conform_fail(c, "%u records were skipped with a code that is none: [a-z_]+, at most 31",
                               p.n_bad_skips);
    play_fini(&p);
    return verdict;
}

static enum verdict test_batches(struct conform *c)
{
    static const uint32_t SOFT[] = {1, 1000, 16384, 100000, PLAY_SOFT_BYTES};
    enum verdict verdict = VERDICT_PASSED;
    for (size_t i = 0; i < sizeof(SOFT) / sizeof(*SOFT) && verdict == VERDICT_PASSED; i++) {
        struct play p;
        play_init(&p, c);
        verdict = play_begin(&p, NULL, 0);
        if (verdict == VERDICT_PASSED)
            verdict = play_drain(&p, SOFT[i], NULL);
        if (verdict == VERDICT_PASSED && p.largest > SOFT[i] + SLACK_BYTES)
            verdict = conform_fail(
                c, "a poll gave %zu bytes of events where %u were asked for: it does not ask full()",
                p.largest, SOFT[i]);
        play_fini(&p);
    }
    return verdict;
}

/* Polls that may wait for a while, and for none. */
static enum verdict test_poll_time(struct conform *c)
{
    static const uint32_t TIMEOUTS[] = {0, 1, 200, 0};
    struct play p;
    int result = TENDON_OK;
    play_init(&p, c);
    enum verdict verdict = play_begin(&p, NULL, 0);
    for (size_t i = 0; verdict == VERDICT_PASSED && i < sizeof(TIMEOUTS) / sizeof(*TIMEOUTS); i++) {
        /* With all there is, and when there is nothing more. */
        verdict = play_poll(&p, PLAY_SOFT_BYTES, TIMEOUTS[i], &result);
        if (verdict == VERDICT_PASSED && result == TENDON_OK && i == 1)
            verdict = play_drain(&p, PLAY_SOFT_BYTES, &result);
        if (verdict == VERDICT_PASSED && result < TENDON_OK)
            verdict = VERDICT_FAILED;
        if (result == TENDON_END)
            break;
    }
    play_fini(&p);
    return verdict;
}

static enum verdict test_backpressure(struct conform *c)
{
    struct play baseline, p;
    enum verdict verdict = begin_baseline(&baseline, c);
    play_init(&p, c);
    if (verdict == VERDICT_PASSED)
        verdict = play_begin(&p, NULL, 0);
    if (verdict == VERDICT_PASSED)
        verdict = play_drain(&p, 0, NULL);
    if (verdict == VERDICT_PASSED)
        verdict = play_compare(c, &baseline, &p, "where the collector takes little at a time");
    play_fini(&p);
    play_fini(&baseline);
    return verdict;
}

static enum verdict test_idle(struct conform *c)
{
    struct play p;
    int result = TENDON_OK;
    unsigned n_idle = 0;
    play_init(&p, c);
    if (conform_has_type(c, "listen"))
        return conform_skip(c, "a plugin that is sent requests waits for them");
    enum verdict verdict = play_begin(&p, NULL, 0);
    if (verdict == VERDICT_PASSED)
        verdict = play_drain(&p, PLAY_SOFT_BYTES, &result);
    for (unsigned i = 0; i < 20 && verdict == VERDICT_PASSED && result != TENDON_END; i++) {
        unsigned before = p.n_events + p.n_skips;
        verdict = play_poll(&p, PLAY_SOFT_BYTES, 10, &result);
        n_idle += result == TENDON_IDLE;
        if (verdict == VERDICT_PASSED && result < TENDON_OK)
            verdict = VERDICT_FAILED;
        if (verdict == VERDICT_PASSED && result == TENDON_IDLE && p.n_events + p.n_skips - before > 1000)
            verdict = conform_fail(c, "a poll says that there is nothing and gives %u events",
                                   p.n_events + p.n_skips - before);
    }
    if (verdict == VERDICT_PASSED && result != TENDON_END && n_idle == 0 && p.n_again > p.n_events / 2)
        verdict = conform_fail(c, "the source comes to no end: the same events come again and again");
    play_fini(&p);
    return verdict;
}

/* --- cursors ----------------------------------------------------------------------------------------------
 */

static enum verdict test_cursor(struct conform *c)
{
    struct play p, more;
    enum verdict verdict = begin_baseline(&p, c);
    if (verdict == VERDICT_PASSED && conform_has_type(c, "listen") && !p.has_cursor)
        verdict = conform_skip(c, "a plugin that is sent requests needs no cursor");
    if (verdict == VERDICT_PASSED && !p.has_cursor)
        verdict = conform_fail(c, "events were given and no cursor: after a restart all of them come again");
    play_init(&more, c);
    if (verdict == VERDICT_PASSED)
        verdict = play_begin(&more, p.cursor, p.cursor_size);
    int result;
    if (verdict == VERDICT_PASSED)
        verdict = play_drain(&more, PLAY_SOFT_BYTES, &result);
    if (verdict == VERDICT_PASSED && more.n_events)
        verdict = conform_fail(c, "%u events come again after the last cursor of a whole run", more.n_events);
    play_fini(&more);
    play_fini(&p);
    return verdict;
}

static enum verdict test_odd_cursors(struct conform *c)
{
    struct play p;
    enum verdict verdict = begin_baseline(&p, c);
    uint8_t cursor[TENDON_CURSOR_BYTES], good[TENDON_CURSOR_BYTES];
    size_t n_good = p.cursor_size;
    memcpy(good, p.cursor, n_good);
    play_fini(&p);
    play_init(&p, c);
    int result;
    if (verdict == VERDICT_PASSED)
        verdict = play_create(&p, &result);
    for (unsigned i = 0; i < 60 && verdict == VERDICT_PASSED; i++) {
        size_t n = n_good;
        memcpy(cursor, good, n);
        uint64_t what = i == 0 ? 2 : conform_random(c, 5);
        if (what == 0) /* cut */
            n = conform_random(c, n + 1);
        else if (what == 1 && n) /* a bit turned */
            cursor[conform_random(c, n)] ^= (uint8_t)(1u << conform_random(c, 8));
        else if (what == 2) /* as long as it may be */
            n = sizeof(cursor);
        else
            n = conform_random(c, 200);
        if (what >= 2)
            for (size_t j = 0; j < n; j++)
                cursor[j] = (uint8_t)conform_random(c, 256);
        if (p.tape)
            tape_rewind(p.tape);
        verdict = play_start(&p, cursor, n, &result);
        if (verdict == VERDICT_PASSED && result == TENDON_OK)
            verdict = play_poll(&p, PLAY_SOFT_BYTES, 0, &result);
        /* The recording holds nothing for such a position. */
        if (verdict == VERDICT_SKIPPED)
            verdict = VERDICT_PASSED;
        if (verdict == VERDICT_PASSED && result == TENDON_E_AUTH)
            verdict = conform_fail(
                c, "a cursor that means nothing is called a matter of rights: TENDON_E_CURSOR it is");
    }
    play_fini(&p);
    return verdict;
}

/* Killed at any point, and begun again from a cursor that was committed: that of any poll since the last
 * time. */
static enum verdict test_resume(struct conform *c)
{
    struct play baseline, p;
    enum verdict verdict = begin_baseline(&baseline, c);
    play_init(&p, c);
    bool has_cursor = baseline.has_cursor;
    if (verdict == VERDICT_PASSED && conform_has_type(c, "listen") && !has_cursor)
        verdict = conform_skip(c, "a plugin that is sent requests needs no cursor: they are sent again");
    uint8_t committed[TENDON_CURSOR_BYTES];
    size_t n_committed = 0;
    int result = TENDON_OK;
    /* A recording has the pages that it has: they are asked for whole. */
    uint32_t most = c->replay ? 0 : (uint32_t)(baseline.n_events * 4 + 64);
    for (unsigned i = 0; i < KILLS && verdict == VERDICT_PASSED; i++) {
        verdict = play_begin(&p, committed, n_committed);
        for (uint64_t polls = conform_random(c, 6); polls && verdict == VERDICT_PASSED; polls--) {
            verdict =
                play_poll(&p, most ? (uint32_t)conform_random(c, most) + 1 : PLAY_SOFT_BYTES, 0, &result);
            if (verdict == VERDICT_PASSED && result < TENDON_OK)
                verdict = VERDICT_FAILED;
            /* What was polled may not have been committed yet. */
            if (conform_random(c, 2)) {
                memcpy(committed, p.cursor, p.cursor_size);
                n_committed = p.cursor_size;
            }
            if (result == TENDON_END)
                break;
        }
        /* In the middle of a poll, whose answer nobody gets any more. */
        if (verdict == VERDICT_PASSED && result != TENDON_END && conform_random(c, 2)) {
            const struct pipe_poll poll = {.soft_bytes = PLAY_SOFT_BYTES};
            const struct timespec moment = {.tv_nsec = (long)conform_random(c, 2000000)};
            (void)child_call(&p.drive.child, PIPE_POLL, &poll, sizeof(poll), LIMIT_POLL_MS);
            (void)nanosleep(&moment, NULL);
        }
        play_kill(&p);
    }
    if (verdict == VERDICT_PASSED)
        verdict = play_begin(&p, committed, n_committed);
    if (verdict == VERDICT_PASSED)
        verdict = play_drain(&p, PLAY_SOFT_BYTES, &result);
    if (verdict == VERDICT_PASSED && result < TENDON_OK)
        verdict = VERDICT_FAILED;
    if (verdict == VERDICT_PASSED)
        verdict = play_compare(c, &baseline, &p, "killed and begun again");
    play_fini(&p);
    play_fini(&baseline);
    return verdict;
}

/* --- servers in trouble ------------------------------------------------------------------------------------
 */

#define IDLES 6 /* what failed may have been called nothing: it is asked for again, as a host does */

/* One way through: after an error start is called with the last cursor, as a host does. */
static enum verdict drive_through(struct play *p, unsigned *ret_errors)
{
    int result = TENDON_OK;
    for (unsigned i = 0; i < STARTS_MOST; i++) {
        if (p->tape)
            tape_rewind(p->tape);
        enum verdict verdict = play_start(p, p->cursor, p->cursor_size, &result);
        for (unsigned j = 0;
             j < IDLES && verdict == VERDICT_PASSED && result >= TENDON_OK && result < TENDON_END; j++)
            verdict = play_drain(p, PLAY_SOFT_BYTES, &result);
        if (verdict != VERDICT_PASSED)
            return verdict;
        *ret_errors += result < TENDON_OK;
        if (result >= TENDON_OK)
            return VERDICT_PASSED;
    }
    return conform_fail(p->c, "after %d times beginning again it has not come through", STARTS_MOST);
}

static enum verdict play_faults(struct conform *c, enum tape_fault fault, unsigned one_in, struct play *p,
                                unsigned *ret_errors)
{
    int result;
    enum verdict verdict = play_create(p, &result);
    if (verdict == VERDICT_PASSED && result != TENDON_OK)
        verdict = VERDICT_FAILED;
    if (verdict == VERDICT_PASSED) {
        tape_set_faults(p->tape, fault, one_in, (unsigned)conform_random(c, 1 << 20));
        verdict = drive_through(p, ret_errors);
    }
    return verdict == VERDICT_PASSED ? play_end(p) : verdict;
}

static enum verdict test_faults(struct conform *c, const enum tape_fault *faults, size_t n, bool must_agree)
{
    struct play baseline;
    if (!c->replay)
        return conform_skip(c, "needs --replay: a recording of what the server says");
    enum verdict verdict = begin_baseline(&baseline, c);
    if (verdict == VERDICT_PASSED && tape_n_exchanges_of(c->replay) == 0)
        verdict = conform_skip(c, "the recording holds no request to a server");
    for (unsigned round = 0; round < FAULTY_ROUNDS && verdict == VERDICT_PASSED; round++) {
        struct play p;
        unsigned n_errors = 0;
        play_init(&p, c);
        verdict = play_faults(c, faults[round % n], must_agree ? 3 : 2, &p, &n_errors);
        if (verdict == VERDICT_PASSED && must_agree)
            verdict = play_compare(c, &baseline, &p, "when the server failed at times");
        if (must_agree && verdict == VERDICT_SKIPPED) {
            conform_prefix(
                c,
                "after a failure it asks for what an undisturbed run does not, so that events are missing");
            verdict = VERDICT_FAILED;
        }
        /* Where it was led by an answer that means nothing shows nothing. */
        if (!must_agree && (verdict == VERDICT_SKIPPED ||
                            (verdict == VERDICT_FAILED && strstr(c->message, "not come through"))))
            verdict = VERDICT_PASSED;
        play_fini(&p);
    }
    play_fini(&baseline);
    return verdict;
}

static enum verdict test_http_errors(struct conform *c)
{
    static const enum tape_fault FAULTS[] = {TAPE_FAULT_UNAVAILABLE, TAPE_FAULT_TOO_MANY, TAPE_FAULT_BROKEN,
                                             TAPE_FAULT_NONE_CAME};
    return test_faults(c, FAULTS, sizeof(FAULTS) / sizeof(*FAULTS), true);
}

static enum verdict test_http_garbage(struct conform *c)
{
    static const enum tape_fault FAULTS[] = {TAPE_FAULT_EMPTY, TAPE_FAULT_CUT, TAPE_FAULT_GARBAGE,
                                             TAPE_FAULT_OTHER, TAPE_FAULT_GONE};
    return test_faults(c, FAULTS, sizeof(FAULTS) / sizeof(*FAULTS), false);
}

const struct conform_test CONFORM_SOURCE[] = {
    {"events",
     "A whole run without disturbance, from no cursor to TENDON_IDLE or TENDON_END: every event is one that "
     "a collector "
     "takes. tendon-event(5) has the types, keys and values.",
     test_baseline, true},
    {"ids",
     "Every event has an id, and two of a ticket that differ have different ones: what comes twice under "
     "ticket and id "
     "is the same event, so that the second of two different ones would be lost.",
     test_ids, true},
    {"deterministic",
     "A second run, at another time, gives the same events with the same ids and values. An id that is made "
     "of a "
     "counter or of the time of reading turns one event into two after every restart.",
     test_deterministic, true},
    {"skips",
     "The code of skip is one of [a-z_]+: operators count by it. What a record held has no place in it.",
     test_skips, true},
    {"batches",
     "A plugin asks full() before it takes a record: when it is true, the batch has all that it should have, "
     "and at "
     "most 32 KiB more fit. Who does not ask loses events or blocks others' turn.",
     test_batches, true},
    {"poll_time",
     "poll returns within its timeout and five seconds, also with a timeout of nothing, and also when there "
     "is nothing to "
     "give: a host that waits for longer takes the plugin for dead and ends it.",
     test_poll_time, true},
    {"backpressure",
     "A collector that takes little at a time gets the same events as one that takes much. An event for "
     "which end "
     "returned TENDON_FULL was not taken, and comes in the next poll.",
     test_backpressure, true},
    {"idle",
     "When there is nothing now, poll says TENDON_IDLE. TENDON_OK is polled again at once, and a source that "
     "comes to "
     "no end keeps a processor busy.",
     test_idle, true},
    {"cursor",
     "The cursor stands for everything that was appended before it. Begun again from the last one of a whole "
     "run "
     "there is nothing more; without a cursor everything comes again after each restart.",
     test_cursor, true},
    {"odd_cursors",
     "A cursor that was cut, garbled or written by another version is answered with TENDON_E_CURSOR, or read "
     "as best as "
     "can be: with what was stored years ago no plugin may crash.",
     test_odd_cursors, true},
    {"resume",
     "Killed at any point and begun again from a cursor that was committed, also an earlier one: all events "
     "come, the "
     "same as in an undisturbed run, with the same ids. This is what a plugin is for.",
     test_resume, true},
    {"http_errors",
     "Servers answer 503 and 429, break off and do not answer. Each is an error of the poll it comes in, and "
     "after the "
     "next start all events come: none may be lost because a page failed that was taken for empty.",
     test_http_errors, true},
    {"http_garbage",
     "Servers and proxies answer 200 with an empty body, half a document, a page of HTML, or JSON of another "
     "form. A "
     "plugin returns an error or skips: it neither crashes nor hangs nor goes in a circle within one poll.",
     test_http_garbage, true},
    {NULL},
};
