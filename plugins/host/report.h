/* How an instance is: to the supervisor over the report channel, and to people as log lines on stderr.
 *
 * A plugin's texts go through here: what looks personal is withheld, the rest cut, ten lines a second. */
#ifndef TENDON_HOST_REPORT_H
#define TENDON_HOST_REPORT_H

#include "core/base/log.h"
#include "plugins/host/child.h"

#include <stdbool.h>
#include <stdint.h>

#define REPORT_LINES_A_SECOND 10

struct report {
    int channel; /* −1: none */
    struct logger logger;
    char source[80];
    const char *state;
    char message[512];
    uint64_t skipped, accepted, rejected;
    char last_skip[128];
    bool has_landlock;
    int inner;                             /* pid of the process with the plugin; 0: none */
    bool is_changed, is_urgent;            /* counts; the state */
    int64_t sent_ms, second_ms;            /* monotonic */
    unsigned n_lines, n_states, n_dropped; /* in this second */
};

void report_init(struct report *r, int channel, const char *source);

/* A new state, with what a plugin or the host says of it; logged when it differs from the one before. */
void report_state(struct report *r, const char *state, const char *message);
void report_log(struct report *r, const struct child_log *line, int64_t now_ms);
void report_skip(struct report *r, const struct pipe_skip *skip, int64_t now_ms);
/* Writes to the channel what changed: states at once, counts once a second. */
void report_flush(struct report *r, int64_t now_ms, bool at_once);
/* When the next report is due: soon where something has changed, else as a sign of life. */
int64_t report_next_ms(const struct report *r);

/* A plugin's text as one line that a terminal does not act on: valid UTF-8 without control characters, cut.
 * Returns room. */
char *report_line(char *room, size_t room_bytes, const char *text, size_t size);
/* A plugin's text made fit to be shown: valid UTF-8 without control characters that does not look personal.
 * Returns room. */
char *report_clean(char *room, size_t room_bytes, const char *text, size_t size);

#endif
