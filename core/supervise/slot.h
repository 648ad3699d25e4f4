/* One instance under supervision: what it is to be, the process that runs it now, and how that went so far.
 *
 * Belongs to the supervisor's thread and lock; nothing here locks. Times end in _ms and are monotonic but for
 * since, which is the wall clock's. */
#ifndef TENDON_SUPERVISE_SLOT_H
#define TENDON_SUPERVISE_SLOT_H

#include "core/supervise/supervise.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum slot_state {
    SLOT_STARTING,
    SLOT_RUNNING,
    SLOT_RETRYING,
    SLOT_BACKOFF,
    SLOT_QUARANTINED,
    SLOT_FAILED_CONFIG,
    SLOT_FAILED_AUTH,
    SLOT_ENDED,
    SLOT_STOPPING,
    SLOT_N_STATES
};

/* What an instance is to be. */
struct plan {
    struct grant grant;
    char plugin[64];
    char *path;
    json_t *keys;    /* or NULL */
    json_t *options; /* or NULL */
    struct supervise_limits limits;
    struct stat file; /* of path when it was planned; st_ino 0: not there */
};

struct slot {
    struct plan plan;
    struct plan *next; /* takes the plan's place when the process has ended */
    bool is_leaving;   /* the slot goes when the process has ended */

    enum slot_state state;
    int64_t since; /* of the state, ms since 1970 */
    uid_t nobody;  /* the instance's user of no name */
    uint32_t backoff_ms;
    pid_t pid; /* 0: no process */
    int pidfd, channel;
    struct grant grant; /* what the process runs under: the plan may have changed since */
    int64_t started_ms;
    int64_t heard_ms; /* the last report, or its start */
    int64_t due_ms;   /* BACKOFF, STARTING without process: start then; with a stop asked for: kill then */
    bool is_asked;    /* SIGTERM was sent */
    bool is_killed;   /* SIGKILL was */
    bool is_recorded; /* the coming start is in the audit log: a plan's first is, by whoever gave it */

    uint64_t n_starts, n_crashes;
    unsigned n_failures;                   /* one after the other, for the backoff */
    int64_t crashes_ms[SUPERVISE_CRASHES]; /* ring */
    unsigned next_crash;

    /* as the host reported */
    char message[512];
    char last_skip[128];
    char reported[32]; /* state */
    uint64_t skipped, accepted, rejected;
    bool has_landlock;
    pid_t inner;       /* the process with the plugin; 0: none */
    const char *audit; /* an act that is to be audited, or NULL */
};

const char *slot_state_name(enum slot_state state);

/* Takes copies and references. -ENOMEM. */
int plan_init(struct plan *p, const struct supervise_instance *instance);
void plan_fini(struct plan *p);
bool plan_equals(const struct plan *a, const struct plan *b);

/* A slot without a process, to be started at once. backoff_ms: after its first failure. */
struct slot *slot_new(struct plan *plan, uint32_t backoff_ms);
void slot_free(struct slot *s);

void slot_enter(struct slot *s, enum slot_state state, const char *message);

/* Takes a report, which need not be one. */
void slot_take_report(struct slot *s, const char *text, size_t size);

/* The process has ended with that status of waitpid: what becomes of the slot. now_ms monotonic. */
void slot_take_exit(struct slot *s, int status, int64_t now_ms);

/* Forgets crashes, and starts at once where no process runs. */
void slot_release(struct slot *s, int64_t now_ms);

json_t *slot_json(const struct slot *s);

#endif
