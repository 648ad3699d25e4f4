/* A host for tests of plugins: runs one in this process, keeps what it gives as lines of text.
 *
 * Options come as text, as in a configuration; what a real host checks is asserted. */
#ifndef TENDON_TESTS_FAKE_HOST_H
#define TENDON_TESTS_FAKE_HOST_H

#include "proto/tendon_plugin.h"

#include <stdbool.h>

struct fake_option {
    const char *name; /* NULL ends the list; one name several times is a list or map */
    const char *key;  /* of a map */
    const char *value;
};

struct fake_skip {
    char code[32];
    char where[64];
    uint64_t line;
};

struct fake_host {
    struct tendon_host vtable;
    const struct tendon_plugin *plugin;
    const struct fake_option *options;
    void *self;
    char err[TENDON_ERROR_BYTES];

    /* what it gave since fake_clear, an event a line: TYPE TICKET AT SEQ ID KEY=VALUE … */
    char **lines;
    size_t n_lines, room;
    struct fake_skip skips[64];
    size_t n_skips;
    uint8_t cursor[TENDON_CURSOR_BYTES];
    size_t n_cursor;
    size_t batch_lines;     /* full after so many, 0: 1,000 */
    bool sums_only;         /* keep no lines, only what follows */
    uint64_t n_events, sum; /* of hashes of the lines, whatever their order */
    int64_t now_ms;
    char log[256];
};

/* Loads the .so, once a process. */
void fake_load(struct fake_host *host, const char *path, const struct fake_option *options);
int fake_create(struct fake_host *host); /* TENDON_OK, or an error with host->err */
int fake_start(struct fake_host *host);  /* with host->cursor */
/* Polls until IDLE or END, or an error; returns that. */
int fake_drain(struct fake_host *host);
int fake_poll(struct fake_host *host);
void fake_clear(struct fake_host *host);
void fake_end(struct fake_host *host); /* stop, destroy, forget everything but the plugin */
/* Whether a line with that beginning, or that holds a text, was given. */
const char *fake_find(const struct fake_host *host, const char *part);

#endif
