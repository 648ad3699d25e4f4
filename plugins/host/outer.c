#include "plugins/host/outer.h"

#include "core/base/instant.h"
#include "core/supervise/channel.h"
#include "plugins/host/report.h"
#include "plugins/host/sandbox.h"
#include "plugins/host/service.h"
#include "plugins/host/session.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#define POLL_MS        1000 /* a poll may wait so long */
#define IDLE_MS        1000 /* after TENDON_IDLE, unless retry_after said otherwise */
#define NOTHING_MS     100  /* after TENDON_OK with nothing */
#define BACKOFF_MS     1000 /* after the first TENDON_E_TEMPORARY */
#define BACKOFF_MAX_MS 60000
#define DROPS_MAX      5      /* of its cursor, each less than */
#define DROPS_MS       600000 /* after the one before: then it never knows where it is */
#define DRAIN_MS       2000   /* for what is in the outbox when the end has come */
#define FRAMES_A_TURN  64

enum phase {
    PHASE_CONNECTING, /* for the first WELCOME */
    PHASE_STOPPED,    /* start is called at next_ms */
    PHASE_POLLING,    /* poll is called at next_ms */
    PHASE_ENDING,     /* the source is finished: waits for the last acknowledgement */
    PHASE_STOPPING,   /* stop, then destroy */
    PHASE_GONE        /* the inner process has ended */
};

struct outer {
    const struct instance *instance;
    struct report report;
    struct child child;
    struct session *session;
    struct options options; /* what the services may use */
    struct service *service;
    bool has_ack;

    enum phase phase;
    int64_t next_ms; /* monotonic: when to call the plugin again */
    int64_t end_ms;  /* PHASE_GONE: the outbox is given up then */
    int exit;        /* status, once phase is STOPPING or GONE */
    bool is_cut_off; /* the collector takes no more: the outbox is given up at once */
    bool was_started, must_destroy, is_woken;
    unsigned n_failures; /* TEMPORARY, one after the other */

    uint8_t taken[TENDON_CURSOR_BYTES]; /* the last cursor that went into the outbox */
    size_t taken_size;
    bool has_dropped_cursor; /* after TENDON_E_CURSOR, until the next cursor is taken */
    unsigned n_drops;        /* of a cursor, one soon after the other */
    int64_t dropped_ms;
    uint64_t n_acked; /* of session_n_cursors that the plugin was told */
};

static void take_log(void *ctx, const struct child_log *line)
{
    struct outer *o = ctx;
    report_log(&o->report, line, instant_monotonic_ms());
}

/* --- endings -------------------------------------------------------------------------------------------- */

/* The inner process is no more: what is in the outbox was taken for good and still goes out. */
static void be_gone(struct outer *o, int exit_status)
{
    if (o->phase == PHASE_GONE)
        return;
    child_kill(&o->child);
    o->report.inner = 0;
    service_failed(o->service);
    o->phase = PHASE_GONE;
    o->exit = exit_status;
    o->end_ms = instant_monotonic_ms() + DRAIN_MS;
}

static void crash(struct outer *o, const char *call, int r)
{
    struct error err = ERROR_INIT;
    (void)instance_died(&o->child, call, r, &err);
    report_state(&o->report, "crashed", err.message);
    be_gone(o, CHANNEL_EXIT_CRASHED);
}

/* The plugin is stopped and destroyed in order; then the process ends with that status. */
static void begin_stopping(struct outer *o, int exit_status)
{
    if (o->phase >= PHASE_STOPPING)
        return;
    o->phase = PHASE_STOPPING;
    o->exit = exit_status;
    o->must_destroy = true;
}

static const char *call_name(enum pipe_kind call)
{
    static const char *const NAMES[PIPE_N_KINDS] = {
        [PIPE_START] = "start", [PIPE_POLL] = "poll",       [PIPE_ACK] = "ack",
        [PIPE_STOP] = "stop",   [PIPE_DESTROY] = "destroy",
    };
    return NAMES[call] ? NAMES[call] : "waiting for a call";
}

/* --- calls ---------------------------------------------------------------------------------------------- */

static void call(struct outer *o, enum pipe_kind kind, const void *payload, size_t size)
{
    uint32_t limit_ms = instance_limit(o->instance, kind) + (kind == PIPE_POLL ? POLL_MS : 0);
    o->is_woken = false;
    int r = child_call(&o->child, kind, payload, size, limit_ms);
    if (r < 0)
        crash(o, call_name(kind), r == -EAGAIN || r == -EWOULDBLOCK ? -ETIMEDOUT : r);
}

/* What comes next while no call is under way. */
static void call_next(struct outer *o, int64_t now)
{
    if (o->phase == PHASE_STOPPING) {
        if (o->was_started) {
            o->was_started = false;
            call(o, PIPE_STOP, NULL, 0);
        } else if (o->must_destroy) {
            o->must_destroy = false;
            call(o, PIPE_DESTROY, NULL, 0);
        } else {
            be_gone(o, o->exit);
        }
        return;
    }
    if (o->has_ack && o->was_started && o->n_acked != session_n_cursors(o->session)) {
        size_t size;
        const void *cursor = session_cursor(o->session, &size);
        o->n_acked = session_n_cursors(o->session);
        call(o, PIPE_ACK, cursor, size);
        return;
    }
    if (o->phase == PHASE_ENDING && session_is_empty(o->session)) {
        report_state(&o->report, "ended", "");
        begin_stopping(o, CHANNEL_EXIT_OK);
    }
    if (now < o->next_ms)
        return;
    if (o->phase == PHASE_STOPPED) {
        o->was_started = true;
        call(o, PIPE_START, o->taken, o->taken_size);
    } else if (o->phase == PHASE_POLLING) {
        struct pipe_poll poll = {.soft_bytes = (uint32_t)session_room(o->session), .timeout_ms = POLL_MS};
        if (poll.soft_bytes)
            call(o, PIPE_POLL, &poll, sizeof(poll));
    }
}

/* --- results -------------------------------------------------------------------------------------------- */

/* Waits twice as long after each failure, a quarter more or less so that many hosts do not come at once. */
static int64_t backoff(struct outer *o, int64_t retry_after_ms)
{
    if (retry_after_ms > 0)
        return retry_after_ms;
    unsigned doublings = o->n_failures < 6 ? o->n_failures : 6;
    int64_t ms = (int64_t)BACKOFF_MS << doublings;
    ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
    return ms * 3 / 4 + random() % (ms / 2 + 1);
}

/* A cursor that means nothing is dropped, at once the first time. One that sets cursors and refuses them
 * would read everything again and again: it waits longer each time, and is given up. */
static void drop_cursor(struct outer *o, const char *name, const struct pipe_reply *reply, const char *said,
                        int64_t now)
{
    char message[TENDON_ERROR_BYTES + 64];
    o->n_drops = o->n_drops && now - o->dropped_ms < DROPS_MS ? o->n_drops + 1 : 1;
    o->dropped_ms = now;
    if (o->taken_size == 0 || o->has_dropped_cursor || o->n_drops == DROPS_MAX) {
        (void)snprintf(message, sizeof(message), "%s refuses its cursor even where %s: %s", name,
                       o->n_drops == DROPS_MAX ? "it has just set it" : "it has none", said);
        report_state(&o->report, "failed_config", message);
        begin_stopping(o, CHANNEL_EXIT_CONFIG);
        return;
    }
    report_state(&o->report, "retrying", said);
    o->taken_size = 0;
    o->has_dropped_cursor = true;
    o->phase = PHASE_STOPPED;
    o->n_failures = o->n_drops > 1 ? o->n_drops - 2 : 0;
    o->next_ms = o->n_drops > 1 ? now + backoff(o, reply->retry_after_ms) : now;
}

static void take_error(struct outer *o, const char *name, const struct pipe_reply *reply, int64_t now)
{
    char message[TENDON_ERROR_BYTES + 64];
    const char *said = *reply->err ? reply->err : "the plugin does not say why";
    switch (reply->result) {
    case TENDON_E_CONFIG:
        report_state(&o->report, "failed_config", said);
        begin_stopping(o, CHANNEL_EXIT_CONFIG);
        return;
    case TENDON_E_AUTH:
        report_state(&o->report, "failed_auth", said);
        begin_stopping(o, CHANNEL_EXIT_AUTH);
        return;
    case TENDON_E_TEMPORARY:
        report_state(&o->report, "retrying", said);
        o->next_ms = now + backoff(o, reply->retry_after_ms);
        o->n_failures++;
        o->phase = PHASE_STOPPED;
        return;
    case TENDON_E_CURSOR:
        drop_cursor(o, name, reply, said, now);
        return;
    default:
        (void)snprintf(message, sizeof(message), "the plugin returned %d from %s, which is no result of it",
                       reply->result, name);
        report_state(&o->report, "crashed", message);
        be_gone(o, CHANNEL_EXIT_CRASHED);
    }
}

/* Takes what a good poll appended. False when it is nothing. */
static bool take_batch(struct outer *o, const struct child_reply *reply, int64_t now)
{
    const struct pipe_reply *fixed = &reply->fixed;
    for (uint32_t i = 0; i < fixed->n_skips; i++) {
        struct pipe_skip skip;
        memcpy(&skip, reply->skips + i * sizeof(skip), sizeof(skip));
        report_skip(&o->report, &skip, now);
    }
    bool has_cursor = fixed->cursor_bytes != PIPE_NO_CURSOR;
    bool is_new_cursor = has_cursor && (fixed->cursor_bytes != o->taken_size ||
                                        memcmp(reply->cursor, o->taken, o->taken_size) != 0);
    size_t n_events;
    if (session_count_events(reply->data, fixed->data_bytes, &n_events) < 0) {
        crash(o, "poll", -EPROTO);
        return false;
    }
    if (n_events == 0 && !is_new_cursor)
        return fixed->n_skips > 0;
    if (session_put(o->session, reply->data, fixed->data_bytes, n_events, has_cursor ? reply->cursor : NULL,
                    has_cursor ? fixed->cursor_bytes : 0) < 0) {
        report_state(&o->report, "crashed", "the host has no memory for a batch");
        be_gone(o, CHANNEL_EXIT_AGAIN);
        return false;
    }
    if (has_cursor) {
        memcpy(o->taken, reply->cursor, fixed->cursor_bytes);
        o->taken_size = fixed->cursor_bytes;
        o->has_dropped_cursor = false;
    }
    return true;
}

static void take_poll(struct outer *o, const struct child_reply *reply, int64_t now)
{
    int result = reply->fixed.result;
    if (result != TENDON_OK && result != TENDON_IDLE && result != TENDON_END) {
        service_failed(o->service);
        if (o->phase == PHASE_POLLING)
            take_error(o, "poll", &reply->fixed, now);
        return;
    }
    uint64_t n_put = session_n_put(o->session);
    bool is_something = take_batch(o, reply, now);
    service_taken(o->service, session_n_put(o->session) > n_put ? n_put + 1 : 0);
    if (o->phase != PHASE_POLLING)
        return;
    o->n_failures = 0;
    report_state(&o->report, "running", "");
    o->next_ms = now;
    if (result == TENDON_END)
        o->phase = PHASE_ENDING;
    else if (reply->fixed.retry_after_ms > 0)
        o->next_ms = now + reply->fixed.retry_after_ms;
    else if (result == TENDON_IDLE)
        o->next_ms = now + IDLE_MS;
    else if (!is_something)
        o->next_ms = now + NOTHING_MS;
}

static void take_reply(struct outer *o, const struct child_reply *reply, int64_t now)
{
    switch (reply->fixed.call) {
    case PIPE_START:
        if (o->phase != PHASE_STOPPED)
            return;
        if (reply->fixed.result != TENDON_OK) {
            take_error(o, "start", &reply->fixed, now);
        } else {
            o->phase = PHASE_POLLING;
            o->next_ms = now;
            report_state(&o->report, "running", "");
        }
        return;
    case PIPE_POLL:
        take_poll(o, reply, now);
        return;
    default: /* ack, stop and destroy have no result */
        return;
    }
}

static void work_child(struct outer *o, int64_t now)
{
    for (unsigned i = 0; i < FRAMES_A_TURN && o->phase != PHASE_GONE; i++) {
        enum child_event event;
        struct child_reply reply;
        struct child_log line;
        struct child_ask ask;
        enum pipe_kind under_way = o->child.call;
        int r = child_read(&o->child, &event, &reply, &line, &ask);
        if (r < 0) {
            /* Destroyed and gone is what was asked for. */
            if (o->phase == PHASE_STOPPING && under_way == 0 && !o->must_destroy)
                be_gone(o, o->exit);
            else
                crash(o, call_name(under_way), r);
            return;
        }
        if (event == CHILD_NOTHING)
            break;
        if (event == CHILD_LOG)
            report_log(&o->report, &line, now);
        else if (event == CHILD_ASK)
            service_take(o->service, &ask, now);
        else
            take_reply(o, &reply, now);
    }
    if (o->phase == PHASE_STOPPING)
        service_cancel(o->service);
    int r = o->phase == PHASE_GONE ? 0 : service_work(o->service, &o->child, now);
    if (r < 0)
        crash(o, call_name(o->child.call), r == -EAGAIN || r == -EWOULDBLOCK ? -ETIMEDOUT : r);
    if (o->phase != PHASE_GONE && o->child.call && now >= child_limit_ms(&o->child))
        crash(o, call_name(o->child.call), -ETIMEDOUT);
    if (o->phase == PHASE_STOPPING && o->child.call == PIPE_POLL && !o->is_woken) {
        o->is_woken = true;
        (void)child_wake(&o->child);
    }
}

static void work_session(struct outer *o, int64_t now)
{
    struct error err = ERROR_INIT;
    struct session_statistics statistics;
    enum session_state state = session_work(o->session, now, &err);
    o->is_cut_off = state == SESSION_LOST || state == SESSION_REFUSED;
    service_committed(o->service, session_n_done(o->session));
    session_statistics(o->session, &statistics);
    if (statistics.accepted != o->report.accepted || statistics.rejected != o->report.rejected) {
        o->report.accepted = statistics.accepted;
        o->report.rejected = statistics.rejected;
        o->report.is_changed = true;
    }
    if (o->phase >= PHASE_STOPPING)
        return;
    if (state == SESSION_OPEN && o->phase == PHASE_CONNECTING) {
        const void *cursor = session_cursor(o->session, &o->taken_size);
        memcpy(o->taken, cursor, o->taken_size);
        o->phase = PHASE_STOPPED;
        o->next_ms = now;
    } else if (state == SESSION_LOST) {
        report_state(&o->report, "retrying",
                     "the collector has another position for this source; starting again");
        begin_stopping(o, CHANNEL_EXIT_AGAIN);
    } else if (state == SESSION_REFUSED) {
        report_state(&o->report, "crashed", err.message);
        begin_stopping(o, CHANNEL_EXIT_AGAIN);
    }
}

/* --- the loop ------------------------------------------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void wait_for_work(struct outer *o, int signals, int64_t now)
{
    struct pollfd fds[] = {
        {.fd = session_fd(o->session), .events = POLLIN},
        {.fd = o->phase == PHASE_GONE ? -1 : o->child.channel, .events = POLLIN},
        {.fd = signals, .events = POLLIN},
        {.fd = o->report.channel, .events = POLLIN},
    };
    int64_t next = session_next_ms(o->session, now);
    if (o->child.call == 0 && o->phase != PHASE_GONE && o->next_ms > now && o->next_ms < next)
        next = o->next_ms;
    if (o->child.call && child_limit_ms(&o->child) < next)
        next = child_limit_ms(&o->child);
    if (o->phase != PHASE_GONE && service_next_ms(o->service) < next)
        next = service_next_ms(o->service);
    if (report_next_ms(&o->report) < next)
        next = report_next_ms(&o->report);
    int64_t left = next > now ? next - now : 0;
    service_wait(o->service, fds, sizeof(fds) / sizeof(*fds), left < INT_MAX ? (int)left : INT_MAX);
    struct signalfd_siginfo signal;
    bool stop = read(signals, &signal, sizeof(signal)) == sizeof(signal);
    /* Nothing ever comes on the report channel but its end. */
    if (o->report.channel >= 0 && (fds[3].revents & (POLLIN | POLLHUP | POLLERR))) {
        (void)close(o->report.channel);
        o->report.channel = -1;
        stop = true;
    }
    if (stop)
        begin_stopping(o, CHANNEL_EXIT_OK);
}

static bool is_over(const struct outer *o, int64_t now)
{
    return o->phase == PHASE_GONE && (session_is_empty(o->session) || o->is_cut_off || now >= o->end_ms);
}

static int run(struct outer *o, int signals)
{
    for (;;) {
        int64_t now = instant_monotonic_ms();
        work_session(o, now);
        if (o->phase != PHASE_GONE)
            work_child(o, now);
        if (o->phase != PHASE_GONE && o->phase != PHASE_CONNECTING && o->child.call == 0)
            call_next(o, now);
        /* A poll's batch goes out before the next wait. */
        work_session(o, now);
        report_flush(&o->report, now, o->phase >= PHASE_STOPPING);
        if (is_over(o, now))
            return o->exit;
        wait_for_work(o, signals, now);
    }
}

static int create(struct outer *o)
{
    struct error err = ERROR_INIT;
    json_t *description = NULL;
    int r = instance_create(o->instance, &o->child, &description, &o->options, take_log, o, &err);
    o->has_ack = json_is_true(json_object_get(description, "has_ack"));
    json_decref(description);
    bool is_created = r == 0;
    /* Sockets that it listens on in the file system are made before it gives up making any. */
    if (r == 0)
        r = service_new(&o->options, NULL, &o->service, &err);
    if (r == 0)
        r = sandbox_watch(&err);
    if (r < 0 && is_created)
        child_kill(&o->child);
    if (r == 0) {
        o->report.has_landlock = o->child.has_landlock;
        o->report.inner = (int)o->child.pid;
        return 0;
    }
    char message[sizeof(err.message) + sizeof(err.hint) + 8];
    (void)snprintf(message, sizeof(message), "%s%s%s", err.message, *err.hint ? "; " : "", err.hint);
    report_state(&o->report, r == -ECHILD ? "crashed" : r == -EINVAL ? "failed_config" : "retrying", message);
    report_flush(&o->report, instant_monotonic_ms(), true);
    return r == -ECHILD ? CHANNEL_EXIT_CRASHED : r == -EINVAL ? CHANNEL_EXIT_CONFIG : CHANNEL_EXIT_AGAIN;
}

int outer_run(const struct instance *instance, int report_channel)
{
    /* Batches hold ids as the source has them: no core file may bring them to the disk. */
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__)
    /* Nor may a plugin of the same user read them where Landlock does not keep it from /proc. */
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
    struct outer *o = calloc(1, sizeof(*o));
    void *zmq = zmq_ctx_new();
    if (!o || !zmq)
        return CHANNEL_EXIT_AGAIN;
    o->instance = instance;
    report_init(&o->report, report_channel, instance->source);
    int signals = open_signals();
    int status = create(o);
    if (status == 0) {
        struct session_options options = {
            .zmq = zmq,
            .connect = instance->connect,
            .source = instance->source,
            .software = "tendon-plugin-host " TENDON_VERSION,
        };
        struct error err = ERROR_INIT;
        if (session_new(&options, &o->session, &err) == 0) {
            status = run(o, signals);
            session_free(o->session);
        } else {
            report_state(&o->report, "failed_config", err.message);
            report_flush(&o->report, instant_monotonic_ms(), true);
            status = CHANNEL_EXIT_CONFIG;
        }
        child_kill(&o->child);
    }
    service_free(o->service);
    options_fini(&o->options);
    (void)close(signals);
    free(o);
    (void)zmq_ctx_term(zmq);
    return status;
}
