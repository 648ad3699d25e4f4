#include "plugins/host/trial.h"

#include "core/base/document.h"
#include "core/base/instant.h"
#include "plugins/host/drive.h"
#include "plugins/host/report.h"
#include "proto/event.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOFT_BYTES   (216 * 1024)
#define POLL_MS      100
#define EMPTY_MOST   10 /* polls that give nothing and say TENDON_OK, one after the other */
#define IDLE_MS      500
#define CURSOR_BYTES 4096

struct trial {
    json_t *job;
    struct instance instance;
    struct tape *tape;
    struct drive drive;
    uint8_t cursor[CURSOR_BYTES];
    size_t cursor_size;
    int64_t end_ms; /* monotonic: goes on until then, whether there is anything or not */
    unsigned long n_events, n_rejected, n_skipped;
};

static void show_line(void *ctx, const struct child_log *line)
{
    char clean[PIPE_LOG_BYTES + 1];
    (void)ctx;
    (void)fprintf(stderr, "the plugin says: %s\n",
                  report_clean(clean, sizeof(clean), line->text, line->size));
}

/* What a collector would say of the event, on a tenant that declares no dimension of its own. */
static void judge(struct trial *t, const uint8_t *data, size_t size)
{
    struct event_schema schema = {.types = UINT32_MAX, .now = instant_now()};
    struct wire_event event;
    struct wire_value values[FIELD_N];
    struct mp_reader reader;
    mp_reader_init(&reader, data, size);
    int reject = event_decode(&reader, &schema, &event, values);
    if (reject == REJECT_NONE)
        return;
    t->n_rejected++;
    (void)fprintf(stderr, "event %lu would be rejected: %s\n", t->n_events,
                  reject < 0 ? "it is no event" : event_reject_sentence((enum event_reject)reject));
}

static int print_events(struct trial *t, const uint8_t *data, size_t size, struct error *err)
{
    struct mp_reader reader;
    mp_reader_init(&reader, data, size);
    while (reader.at < data + size) {
        const uint8_t *from = reader.at;
        json_t *event;
        int r = document_read(&reader, DOCUMENT_VALUES_MAX, &event, err);
        if (r < 0)
            return r;
        t->n_events++;
        judge(t, from, (size_t)(reader.at - from));
        r = json_dumpf(event, stdout, JSON_ENSURE_ASCII) < 0 || putchar('\n') == EOF ? -EIO : 0;
        json_decref(event);
        if (r < 0)
            return error_set(err, r, "output", "cannot write the events");
    }
    return 0;
}

static int take_poll(struct trial *t, const struct child_reply *reply, struct error *err)
{
    for (uint32_t i = 0; i < reply->fixed.n_skips; i++) {
        struct pipe_skip skip;
        char where[PIPE_WHERE_BYTES];
        memcpy(&skip, reply->skips + i * sizeof(skip), sizeof(skip));
        (void)report_clean(where, sizeof(where), skip.where, strnlen(skip.where, sizeof(skip.where)));
        t->n_skipped += skip.count;
        (void)fprintf(stderr, "skipped: %.*s %s line %llu\n", (int)strnlen(skip.code, sizeof(skip.code)),
                      skip.code, where, (unsigned long long)skip.line);
    }
    if (reply->fixed.cursor_bytes != PIPE_NO_CURSOR) {
        memcpy(t->cursor, reply->cursor, reply->fixed.cursor_bytes);
        t->cursor_size = reply->fixed.cursor_bytes;
    }
    return print_events(t, reply->data, reply->fixed.data_bytes, err);
}

static int fail(const char *call, const struct child_reply *reply, struct error *err)
{
    static const char *const POLICIES[] = {
        [1] = "TENDON_E_CONFIG", [2] = "TENDON_E_AUTH", [3] = "TENDON_E_TEMPORARY", [4] = "TENDON_E_CURSOR"};
    int result = reply->fixed.result;
    if (result >= 0 || result < -4)
        return error_set(err, -EINVAL, "bad_plugin",
                         "the plugin returned %d from %s, which is no result of it", result, call);
    return error_set(err, -EINVAL, "plugin", "%s returned %s: %s", call, POLICIES[-result],
                     *reply->fixed.err ? reply->fixed.err : "the plugin does not say why");
}

static void pause_ms(int64_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)fflush(stdout);
    (void)nanosleep(&pause, NULL);
}

static int poll_until_idle(struct trial *t, struct error *err)
{
    struct child_reply reply;
    unsigned n_empty = 0;
    for (;;) {
        int r = drive_poll(&t->drive, SOFT_BYTES, POLL_MS, &reply);
        if (r < 0)
            return instance_died(&t->drive.child, "poll", r, err);
        int result = reply.fixed.result;
        if (result != TENDON_OK && result != TENDON_IDLE && result != TENDON_END)
            return fail("poll", &reply, err);
        r = take_poll(t, &reply, err);
        if (r < 0)
            return r;
        n_empty = reply.fixed.data_bytes || reply.fixed.n_skips ? 0 : n_empty + 1;
        int64_t left = t->end_ms - instant_monotonic_ms();
        if (result == TENDON_END || (left <= 0 && (result != TENDON_OK || n_empty >= EMPTY_MOST)))
            return 0;
        if (result == TENDON_IDLE)
            pause_ms(left < IDLE_MS ? left : IDLE_MS);
    }
}

static int run(struct trial *t, struct error *err)
{
    struct child_reply reply;
    int r = drive_create(&t->drive, &t->instance, t->tape, show_line, NULL, err);
    if (r < 0)
        return r;
    r = drive_start(&t->drive, t->cursor, t->cursor_size, &reply);
    if (r < 0)
        r = instance_died(&t->drive.child, "start", r, err);
    else if (reply.fixed.result != TENDON_OK)
        r = fail("start", &reply, err);
    else
        r = poll_until_idle(t, err);
    int end = drive_end(&t->drive);
    return r < 0 ? r : end < 0 ? error_set(err, end, "plugin_died", "the plugin did not stop in order") : 0;
}

static int read_job(struct trial *t, struct error *err)
{
    json_error_t why;
    const char *folder = NULL, *record = NULL, *replay = NULL, *cursor = NULL;
    json_t *options = NULL, *description = NULL;
    json_int_t for_ms = 0;
    t->job = json_loadf(stdin, JSON_REJECT_DUPLICATES, &why);
    if (!t->job ||
        json_unpack(t->job, "{s?o,s?s,s?s,s?s,s?s,s?I}", "options", &options, "folder", &folder, "record",
                    &record, "replay", &replay, "cursor", &cursor, "for_ms", &for_ms) < 0)
        return error_set(err, -EINVAL, "usage", "standard input is no JSON object of options, folder, …");
    int r = instance_describe(&t->instance, &description, err);
    if (r == 0 && folder && json_is_object(options))
        drive_resolve(description, options, folder);
    json_decref(description);
    t->instance.options = options;
    t->end_ms = instant_monotonic_ms() + for_ms;
    if (r == 0 && cursor &&
        sodium_base642bin(t->cursor, sizeof(t->cursor), cursor, strlen(cursor), NULL, &t->cursor_size, NULL,
                          sodium_base64_VARIANT_ORIGINAL) < 0)
        r = error_set(err, -EINVAL, "usage", "the cursor is no base64 of at most %d bytes", CURSOR_BYTES);
    if (r == 0 && record)
        r = tape_record(record, &t->tape, err);
    else if (r == 0 && replay)
        r = tape_replay(replay, &t->tape, err);
    if (r == 0 && t->tape && tape_is_replay(t->tape))
        t->instance.now_ms = tape_now_ms(t->tape);
    return r;
}

int trial_run(const char *plugin, struct error *err)
{
    struct trial t = {.instance = {.path = plugin, .keep_stderr = true, .for_trial = true}};
    int r = read_job(&t, err);
    if (r == 0)
        r = run(&t, err);
    if (fflush(stdout) != 0 && r == 0)
        r = error_set(err, -EIO, "output", "cannot write the events");
    char cursor[sodium_base64_ENCODED_LEN(CURSOR_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    (void)sodium_bin2base64(cursor, sizeof(cursor), t.cursor, t.cursor_size, sodium_base64_VARIANT_ORIGINAL);
    (void)fprintf(stderr, "%lu events, %lu skipped, %lu that would be rejected; cursor %s\n", t.n_events,
                  t.n_skipped, t.n_rejected, *cursor ? cursor : "none");
    tape_free(t.tape);
    json_decref(t.job);
    return r;
}
