/* A plugin at work for a conformance test: started, polled, killed, started again, and what it gave. */
#ifndef TENDON_HOST_CONFORM_PLAY_H
#define TENDON_HOST_CONFORM_PLAY_H

#include "plugins/host/conform/conform.h"
#include "plugins/host/drive.h"

#define PLAY_SOFT_BYTES (216 * 1024)
#define PLAY_TIMEOUT_MS 50
#define PLAY_EVENTS     50000 /* a source for tests has at most */
#define PLAY_POLLS      20000 /* a plugin that needs more for them gives nothing */

struct play {
    struct conform *c;
    struct drive drive;
    struct tape *tape;
    json_t *options; /* instead of those of the job; NULL: those */
    int64_t now_ms;  /* instead of the tape's; 0: that */
    uint8_t cursor[TENDON_CURSOR_BYTES];
    size_t cursor_size;
    bool has_cursor; /* one was set in this process or before */

    /* What it gave, in this process and those before. */
    json_t *events;              /* {ticket and id, which are its identity: event as JSON text} */
    unsigned n_events;           /* with those that came again */
    unsigned n_again, n_changed; /* the same once more; another under the same identity */
    unsigned n_nameless;         /* without an id */
    unsigned n_skips, n_bad_skips;
    unsigned n_lines, n_personal; /* logged */
    unsigned n_rejected;
    char rejected[160]; /* the first one: why */
    size_t largest;     /* bytes of events in one poll */
};

void play_init(struct play *p, struct conform *c);
void play_fini(struct play *p);

/* Each fails the test where the plugin breaks what every call promises: it died, hung, gave a result that is
 * none, an error without a sentence or with one that speaks of a person. VERDICT_PASSED otherwise;
 * *ret_result is the plugin's. */
enum verdict play_create(struct play *p, int *ret_result);
enum verdict play_start(struct play *p, const void *cursor, size_t size, int *ret_result);
enum verdict play_poll(struct play *p, uint32_t soft_bytes, uint32_t timeout_ms, int *ret_result);
enum verdict play_call(struct play *p, enum pipe_kind kind, const void *payload, size_t size,
                       uint32_t limit_ms);
/* stop and destroy in order, and the process ends. */
enum verdict play_end(struct play *p);
void play_kill(struct play *p);

/* create and start, which must both be TENDON_OK. */
enum verdict play_begin(struct play *p, const void *cursor, size_t size);
/* Polls until IDLE or END, or the first error, which fails the test unless ret_result is given. soft_bytes 0:
 * another at random each time. */
enum verdict play_drain(struct play *p, uint32_t soft_bytes, int *ret_result);
/* All of it: begin, drain, end. */
enum verdict play_whole(struct play *p);

/* Whether both gave the same events; else the message says which. what: "after a kill". */
enum verdict play_compare(struct conform *c, const struct play *baseline, const struct play *p,
                          const char *what);

/* The plugin's process as it is: {heap, descriptors, handlers, asked}. NULL: it died. */
json_t *play_measure(struct play *p);

#endif
