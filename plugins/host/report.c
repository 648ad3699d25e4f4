#include "plugins/host/report.h"

#include "core/base/instant.h"
#include "core/ingest/pattern.h"
#include "core/supervise/channel.h"
#include "proto/msgpack.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLUSH_MS 1000

void report_init(struct report *r, int channel, const char *source)
{
    *r = (struct report){.channel = channel, .state = "starting", .is_changed = true};
    logger_init(&r->logger, STDERR_FILENO, LOG_LEVEL_INFO);
    (void)snprintf(r->source, sizeof(r->source), "%s", source);
}

char *report_line(char *room, size_t room_bytes, const char *text, size_t size)
{
    size_t n = size < room_bytes - 1 ? size : room_bytes - 1;
    /* A cut must not leave half a character. */
    while (n < size && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    memcpy(room, text, n);
    room[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)room[i] < ' ' || room[i] == 0x7f)
            room[i] = ' ';
    if (!utf8_valid(room, n))
        (void)snprintf(room, room_bytes, "(a text that is not UTF-8)");
    return room;
}

char *report_clean(char *room, size_t room_bytes, const char *text, size_t size)
{
    (void)report_line(room, room_bytes, text, size);
    if (pattern_is_personal(room, strlen(room)))
        (void)snprintf(room, room_bytes, "(withheld: it looks as if it spoke of a person)");
    return room;
}

/* Begins a new second when it is time, and says what the last one kept back. */
static void turn_second(struct report *r, int64_t now_ms)
{
    if (now_ms - r->second_ms < 1000)
        return;
    if (r->n_dropped)
        log_warning(&r->logger, "plugin", "lines_dropped", "source=%s lines=%u", r->source, r->n_dropped);
    r->second_ms = now_ms;
    r->n_lines = r->n_states = r->n_dropped = 0;
}

/* Whether one more line of a kind may be written in this second. */
static bool may_write(struct report *r, unsigned *n_lines, int64_t now_ms)
{
    turn_second(r, now_ms);
    if (*n_lines == REPORT_LINES_A_SECOND) {
        r->n_dropped++;
        return false;
    }
    ++*n_lines;
    return true;
}

void report_state(struct report *r, const char *state, const char *message)
{
    char room[300], clean[sizeof(r->message)];
    report_clean(clean, sizeof(clean), message, strlen(message));
    if (strcmp(r->state, state) == 0 && strcmp(r->message, clean) == 0)
        return;
    r->state = state;
    memcpy(r->message, clean, sizeof(clean));
    r->is_changed = r->is_urgent = true;
    bool is_bad =
        strcmp(state, "starting") != 0 && strcmp(state, "running") != 0 && strcmp(state, "ended") != 0;
    /* The last one of a process is always written; of those between, what goes on and off would fill a disk.
     */
    bool may_go_on = strcmp(state, "running") == 0 || strcmp(state, "retrying") == 0;
    if (may_go_on && !may_write(r, &r->n_states, instant_monotonic_ms()))
        return;
    log_write(&r->logger, is_bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "plugin", state, "source=%s%s%s",
              r->source, *clean ? " message=" : "", *clean ? log_quote(room, sizeof(room), clean) : "");
}

void report_log(struct report *r, const struct child_log *line, int64_t now_ms)
{
    static const enum log_level LEVELS[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
                                            LOG_LEVEL_DEBUG};
    char clean[PIPE_LOG_BYTES + 1], quoted[2 * PIPE_LOG_BYTES + 8];
    if (!may_write(r, &r->n_lines, now_ms))
        return;
    report_clean(clean, sizeof(clean), line->text, line->size);
    log_write(&r->logger, LEVELS[line->level & 3], "plugin", "said", "source=%s text=%s", r->source,
              log_quote(quoted, sizeof(quoted), clean));
}

void report_skip(struct report *r, const struct pipe_skip *skip, int64_t now_ms)
{
    char where[PIPE_WHERE_BYTES], quoted[2 * PIPE_WHERE_BYTES + 8];
    char code[PIPE_CODE_BYTES];
    /* From the inner process: neither text need have an end, and the code none of the forms it should. */
    size_t n = strnlen(skip->code, sizeof(skip->code) - 1);
    memcpy(code, skip->code, n);
    code[n] = '\0';
    if (n == 0 || code[strspn(code, "abcdefghijklmnopqrstuvwxyz_")])
        (void)snprintf(code, sizeof(code), "bad_skip_code");
    report_clean(where, sizeof(where), skip->where, strnlen(skip->where, sizeof(skip->where)));
    r->skipped += skip->count;
    (void)snprintf(r->last_skip, sizeof(r->last_skip), "%s%s%s line %llu", code, *where ? " " : "", where,
                   (unsigned long long)skip->line);
    r->is_changed = true;
    if (may_write(r, &r->n_lines, now_ms))
        log_warning(&r->logger, "plugin", "record_skipped", "source=%s code=%s file=%s line=%llu count=%u",
                    r->source, code, log_quote(quoted, sizeof(quoted), where), (unsigned long long)skip->line,
                    skip->count);
}

int64_t report_next_ms(const struct report *r)
{
    if (r->channel < 0)
        return INT64_MAX;
    return r->sent_ms + (r->is_changed ? FLUSH_MS : CHANNEL_BEAT_MS);
}

void report_flush(struct report *r, int64_t now_ms, bool at_once)
{
    turn_second(r, now_ms);
    bool is_due = r->is_changed && (at_once || r->is_urgent || now_ms - r->sent_ms >= FLUSH_MS);
    if (r->channel < 0 || (!is_due && now_ms - r->sent_ms < CHANNEL_BEAT_MS))
        return;
    json_t *report =
        json_pack("{s:s,s:s,s:I,s:s,s:I,s:I,s:b,s:i}", "state", r->state, "message", r->message, "skipped",
                  (json_int_t)r->skipped, "last_skip", r->last_skip, "accepted", (json_int_t)r->accepted,
                  "rejected", (json_int_t)r->rejected, "landlock", r->has_landlock, "inner", r->inner);
    char *text = report ? json_dumps(report, JSON_COMPACT) : NULL;
    size_t n = text ? strlen(text) : 0;
    /* A full channel: a second later it is tried again. */
    if (text && n <= CHANNEL_REPORT_BYTES && send(r->channel, text, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        r->is_changed = false;
    r->is_urgent = false;
    r->sent_ms = now_ms;
    free(text);
    json_decref(report);
}
