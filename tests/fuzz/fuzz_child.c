/* Any bytes as what the process with the plugin says to the outer one, a reply to poll being waited for. */
#include "plugins/host/child.h"
#include "plugins/host/parcel.h"
#include "plugins/host/report.h"
#include "plugins/host/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte that a reply says it has: a sanitizer sees the one that is not there. */
static void use(const struct child_reply *reply)
{
    volatile uint8_t sum = 0;
    size_t n_events, n_cursor = reply->fixed.cursor_bytes == PIPE_NO_CURSOR ? 0 : reply->fixed.cursor_bytes;
    for (uint32_t i = 0; i < reply->fixed.data_bytes; i++)
        sum = (uint8_t)(sum + reply->data[i]);
    for (size_t i = 0; i < n_cursor; i++)
        sum = (uint8_t)(sum + reply->cursor[i]);
    if (strlen(reply->fixed.err) >= sizeof(reply->fixed.err))
        abort();
    (void)session_count_events(reply->data, reply->fixed.data_bytes, &n_events);
    struct report report;
    report_init(&report, -1, "fuzz");
    report.logger.fd = -1;
    for (uint32_t i = 0; i < reply->fixed.n_skips; i++) {
        struct pipe_skip skip;
        memcpy(&skip, reply->skips + i * sizeof(skip), sizeof(skip));
        report_skip(&report, &skip, 1000 * (int64_t)i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return 0;
    struct child child = {.channel = ends[0], .frame = malloc(sizeof(struct pipe_header) + PIPE_FRAME_BYTES)};
    if (!child.frame || (size && write(ends[1], data, size) != (ssize_t)size))
        abort();
    (void)close(ends[1]);
    for (;;) {
        enum child_event event;
        struct child_reply reply;
        struct child_log line;
        struct child_ask ask;
        child.call = PIPE_POLL;
        child.asked_ms = 0;
        if (child_read(&child, &event, &reply, &line, &ask) < 0)
            break;
        if (event == CHILD_NOTHING)
            abort(); /* the other end is closed: there is always a frame, or an error */
        if (event == CHILD_REPLY)
            use(&reply);
        if (event == CHILD_ASK) {
            struct parcel parcel = {ask.data, ask.data + ask.size};
            struct parcel_field field;
            volatile uint8_t sum = 0;
            while (parcel_next(&parcel, &field))
                for (uint32_t i = 0; i < field.size; i++)
                    sum = (uint8_t)(sum + field.data[i]);
        }
        if (event == CHILD_LOG) {
            char clean[PIPE_LOG_BYTES + 1];
            if (strlen(report_clean(clean, sizeof(clean), line.text, line.size)) > PIPE_LOG_BYTES)
                abort();
        }
    }
    (void)close(ends[0]);
    free(child.frame);
    return 0;
}
