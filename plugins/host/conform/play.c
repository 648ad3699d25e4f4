#include "plugins/host/conform/play.h"

#include "core/base/document.h"
#include "core/base/instant.h"
#include "core/ingest/pattern.h"
#include "plugins/host/report.h"
#include "proto/event.h"
#include "proto/msgpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NOT_TAPED[] = "the recording has no unused answer";

void play_init(struct play *p, struct conform *c)
{
    *p = (struct play){.c = c, .drive = {.child = {.channel = -1}}, .events = json_object()};
}

void play_kill(struct play *p)
{
    drive_free(&p->drive);
    tape_free(p->tape);
    p->tape = NULL;
}

void play_fini(struct play *p)
{
    play_kill(p);
    json_decref(p->events);
}

static void take_line(void *ctx, const struct child_log *line)
{
    struct play *p = ctx;
    char clean[PIPE_LOG_BYTES + 1];
    p->n_lines++;
    /* What report_clean withholds it replaces. */
    (void)report_clean(clean, sizeof(clean), line->text, line->size);
    p->n_personal += strncmp(clean, "(withheld", 9) == 0 || strncmp(clean, "(a text", 7) == 0;
}

static enum verdict died(struct play *p, const char *call, int r)
{
    struct error err = ERROR_INIT;
    (void)instance_died(&p->drive.child, call, r, &err);
    return conform_fail(p->c, "%s", err.message);
}

/* An error has a sentence, and none that speaks of a person. */
static enum verdict check_error(struct play *p, const char *call, int result, const char *err)
{
    size_t n = strlen(err);
    if (strstr(err, NOT_TAPED))
        return conform_skip(p->c, "%s", err);
    if (result < TENDON_E_CURSOR || result > TENDON_INVALID || result == TENDON_FULL ||
        result == TENDON_INVALID || (result > TENDON_OK && strcmp(call, "poll") != 0))
        return conform_fail(p->c, "%s returned %d, which is no result of it", call, result);
    if (result >= TENDON_OK)
        return VERDICT_PASSED;
    if (n == 0)
        return conform_fail(p->c, "%s returned %d and err does not say why", call, result);
    json_t *text = json_stringn(err, n);
    json_decref(text);
    if (!text)
        return conform_fail(p->c, "%s returned %d with an err that is not UTF-8", call, result);
    if (pattern_is_personal(err, n))
        return conform_fail(p->c, "%s returned %d with an err that looks as if it spoke of a person", call,
                            result);
    return VERDICT_PASSED;
}

enum verdict play_create(struct play *p, int *ret_result)
{
    struct error err = ERROR_INIT;
    struct instance instance = {
        .path = p->c->plugin, .options = p->options ? p->options : p->c->options, .for_trial = true};
    if (p->c->replay && tape_replay(p->c->replay, &p->tape, &err) < 0)
        return conform_fail(p->c, "%s", err.message);
    if (p->tape)
        tape_set_reuse(p->tape);
    instance.now_ms = p->now_ms ? p->now_ms : p->tape ? tape_now_ms(p->tape) : 0;
    int r = drive_create(&p->drive, &instance, p->tape, take_line, p, &err);
    if (r == -ECHILD)
        return conform_fail(p->c, "%s", err.message);
    *ret_result = r == 0 ? TENDON_OK : TENDON_E_CONFIG;
    if (r < 0)
        (void)conform_fail(p->c, "%s", err.message);
    if (r < 0 && strstr(err.message, "does not say why"))
        return conform_fail(p->c, "create refuses its configuration and err does not say why");
    return VERDICT_PASSED;
}

enum verdict play_call(struct play *p, enum pipe_kind kind, const void *payload, size_t size,
                       uint32_t limit_ms)
{
    static const char *const NAMES[PIPE_N_KINDS] = {
        [PIPE_ACK] = "ack", [PIPE_STOP] = "stop", [PIPE_DESTROY] = "destroy", [PIPE_CREATE] = "create"};
    struct child_reply reply;
    int r = drive_call(&p->drive, kind, payload, size, limit_ms, &reply);
    return r < 0 ? died(p, NAMES[kind] ? NAMES[kind] : "a call", r) : VERDICT_PASSED;
}

enum verdict play_start(struct play *p, const void *cursor, size_t size, int *ret_result)
{
    struct child_reply reply;
    int r = drive_start(&p->drive, cursor, size, &reply);
    if (r < 0)
        return died(p, "start", r);
    *ret_result = reply.fixed.result;
    if (reply.fixed.result < 0)
        (void)conform_fail(p->c, "start returned %d: %s", reply.fixed.result, reply.fixed.err);
    return check_error(p, "start", reply.fixed.result, reply.fixed.err);
}

/* A rejected event, and not for a dimension that only a tenant declares. */
static void judge(struct play *p, const uint8_t *data, size_t size, const char *type)
{
    struct event_schema schema = {.types = UINT32_MAX, .now = instant_now()};
    struct wire_event event;
    struct wire_value values[FIELD_N];
    struct mp_reader reader;
    mp_reader_init(&reader, data, size);
    int reject = event_decode(&reader, &schema, &event, values);
    if (reject == REJECT_NONE || reject == REJECT_UNKNOWN_FIELD)
        return;
    if (p->n_rejected++ == 0)
        (void)snprintf(p->rejected, sizeof(p->rejected), "%.40s: %s", type,
                       reject < 0 ? "it is no event" : event_reject_sentence((enum event_reject)reject));
}

static enum verdict take_event(struct play *p, const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    json_t *event;
    if (document_decode(data, size, DOCUMENT_VALUES_MAX, &event, &err) < 0)
        return conform_fail(p->c, "an event cannot be read: %s", err.message);
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *id = json_string_value(json_object_get(event, "id"));
    const char *ticket = json_string_value(json_object_get(event, "ticket"));
    char key[3 * TENDON_ID_BYTES + 32];
    judge(p, data, size, type ? type : "");
    /* What a source says of itself has no identity, and may come again. */
    if (type && strncmp(type, "source.", 7) == 0) {
        json_decref(event);
        return VERDICT_PASSED;
    }
    (void)snprintf(key, sizeof(key), "ticket %s, id %s", ticket ? ticket : "-", id ? id : "-");
    p->n_nameless += id == NULL;
    char *text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
    const char *before = json_string_value(json_object_get(p->events, key));
    p->n_events++;
    if (before && strcmp(before, text ? text : "") == 0)
        p->n_again++;
    else if (before && id)
        p->n_changed++;
    if (!before)
        (void)json_object_set_new(p->events, key, json_string(text));
    free(text);
    json_decref(event);
    return VERDICT_PASSED;
}

static enum verdict take_batch(struct play *p, const struct child_reply *reply)
{
    for (uint32_t i = 0; i < reply->fixed.n_skips; i++) {
        struct pipe_skip skip;
        memcpy(&skip, reply->skips + i * sizeof(skip), sizeof(skip));
        p->n_skips += skip.count;
        p->n_bad_skips += strncmp(skip.code, "bad_skip_code", sizeof(skip.code)) == 0;
    }
    if (reply->fixed.data_bytes > p->largest)
        p->largest = reply->fixed.data_bytes;
    struct mp_reader reader;
    mp_reader_init(&reader, reply->data, reply->fixed.data_bytes);
    enum verdict verdict = VERDICT_PASSED;
    while (verdict == VERDICT_PASSED && reader.at < reply->data + reply->fixed.data_bytes) {
        const uint8_t *from = reader.at;
        if (!mp_skip(&reader))
            return conform_fail(p->c, "what poll gave is no list of events");
        verdict = take_event(p, from, (size_t)(reader.at - from));
    }
    if (reply->fixed.cursor_bytes != PIPE_NO_CURSOR) {
        memcpy(p->cursor, reply->cursor, reply->fixed.cursor_bytes);
        p->cursor_size = reply->fixed.cursor_bytes;
        p->has_cursor = true;
    }
    return verdict;
}

enum verdict play_poll(struct play *p, uint32_t soft_bytes, uint32_t timeout_ms, int *ret_result)
{
    struct child_reply reply;
    int r = drive_poll(&p->drive, soft_bytes, timeout_ms, &reply);
    if (r < 0)
        return died(p, "poll", r);
    *ret_result = reply.fixed.result;
    if (reply.fixed.result < 0)
        (void)conform_fail(p->c, "poll returned %d: %s", reply.fixed.result, reply.fixed.err);
    enum verdict verdict = check_error(p, "poll", reply.fixed.result, reply.fixed.err);
    return verdict == VERDICT_PASSED && reply.fixed.result >= TENDON_OK ? take_batch(p, &reply) : verdict;
}

enum verdict play_end(struct play *p)
{
    enum verdict verdict = play_call(p, PIPE_STOP, NULL, 0, LIMIT_STOP_MS);
    if (verdict == VERDICT_PASSED)
        verdict = play_call(p, PIPE_DESTROY, NULL, 0, LIMIT_DESTROY_MS);
    play_kill(p);
    return verdict;
}

enum verdict play_begin(struct play *p, const void *cursor, size_t size)
{
    int result = TENDON_OK;
    enum verdict verdict = play_create(p, &result);
    if (verdict == VERDICT_PASSED && result == TENDON_OK)
        verdict = play_start(p, cursor, size, &result);
    if (verdict == VERDICT_PASSED && result != TENDON_OK)
        verdict = VERDICT_FAILED; /* the message is there */
    return verdict;
}

enum verdict play_drain(struct play *p, uint32_t soft_bytes, int *ret_result)
{
    int result = TENDON_OK;
    unsigned n_empty = 0;
    for (unsigned i = 0; result == TENDON_OK && i < PLAY_POLLS; i++) {
        unsigned before = p->n_events + p->n_skips;
        uint32_t soft = soft_bytes ? soft_bytes : (uint32_t)(1 + conform_random(p->c, 4096));
        enum verdict verdict = play_poll(p, soft, PLAY_TIMEOUT_MS, &result);
        if (verdict != VERDICT_PASSED)
            return verdict;
        if (p->n_events > PLAY_EVENTS)
            return conform_skip(p->c, "these options give over %d events: name a smaller source",
                                PLAY_EVENTS);
        /* A push plugin has nothing to say but that. */
        n_empty = p->n_events + p->n_skips == before ? n_empty + 1 : 0;
        if (n_empty == 3 && conform_has_type(p->c, "listen"))
            break;
        if (n_empty == 100)
            return conform_fail(
                p->c, "100 polls in a row returned TENDON_OK and gave nothing: TENDON_IDLE says that");
    }
    if (ret_result)
        *ret_result = result;
    else if (result < TENDON_OK)
        return VERDICT_FAILED;
    return VERDICT_PASSED;
}

enum verdict play_whole(struct play *p)
{
    enum verdict verdict = play_begin(p, NULL, 0);
    if (verdict == VERDICT_PASSED)
        verdict = play_drain(p, PLAY_SOFT_BYTES, NULL);
    return verdict == VERDICT_PASSED ? play_end(p) : verdict;
}

/* The first key of a that b lacks or has otherwise, or NULL; *ret_missing counts those that b lacks. */
static const char *difference(const json_t *a, const json_t *b, size_t *ret_missing)
{
    const char *key, *first = NULL, *missing = NULL;
    json_t *value;
    *ret_missing = 0;
    json_object_foreach((json_t *)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (!other && (*ret_missing)++ == 0)
            missing = key;
        if (other && !first && !json_equal(value, other))
            first = key;
    }
    return missing ? missing : first;
}

enum verdict play_compare(struct conform *c, const struct play *baseline, const struct play *p,
                          const char *what)
{
    size_t n_missing, n_more;
    if (p->n_changed)
        return conform_fail(c, "%s %u events came again with other values under the same id", what,
                            p->n_changed);
    const char *key = difference(baseline->events, p->events, &n_missing);
    if (n_missing)
        return conform_fail(c, "%s %zu of %zu events are missing, the first: %.200s", what, n_missing,
                            json_object_size(baseline->events), key);
    if (key)
        return conform_fail(c, "%s an event has other values than before: %.200s", what, key);
    key = difference(p->events, baseline->events, &n_more);
    if (key)
        return conform_fail(
            c, "%s there are %zu events that an undisturbed run does not give, the first: %.200s", what,
            n_more, key);
    return VERDICT_PASSED;
}

json_t *play_measure(struct play *p)
{
    struct child_reply reply;
    if (drive_call(&p->drive, PIPE_MEASURE, NULL, 0, LIMIT_STOP_MS, &reply) < 0)
        return NULL;
    return json_loadb((const char *)reply.data, reply.fixed.data_bytes, 0, NULL);
}
