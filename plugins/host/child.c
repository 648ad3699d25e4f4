#include "plugins/host/child.h"

#include "core/base/instant.h"
#include "plugins/host/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL_MS 300000 /* a call may take, with all that services take for it */
#define SEND_S  2      /* for a call to be taken: the inner process has a thread that does nothing else */

/* The descriptors lie above those that they become. */
static int spawn(struct child *c, int theirs, int image, bool keep_stderr)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *const argv[] = {(char *)"tendon-plugin-host", (char *)"--inner", NULL};
    /* The environment is the collector's, and none of a plugin's business; but how memory is handed out must
     * be set before a process begins, and conformance tests set it. */
    char tunables[256];
    const char *wanted = getenv("GLIBC_TUNABLES");
    (void)snprintf(tunables, sizeof(tunables), "GLIBC_TUNABLES=%s", wanted ? wanted : "");
    char *const environment[] = {(char *)"PATH=/usr/bin:/bin",
                                 (char *)"LC_ALL=C.UTF-8",
                                 (char *)"TZ=UTC",
                                 (char *)"ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:handle_segv=0",
                                 wanted ? tunables : NULL,
                                 NULL};
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int r = posix_spawnattr_init(&attributes);
    r = r ? r : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    r = r ? r : posix_spawnattr_setsigmask(&attributes, &none);
    r = r ? r : posix_spawnattr_setsigdefault(&attributes, &all);
    r = r ? r : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    r = r ? r : posix_spawn_file_actions_adddup2(&actions, 0, 1);
    if (!keep_stderr)
        r = r ? r : posix_spawn_file_actions_adddup2(&actions, 0, 2);
    r = r ? r : posix_spawn_file_actions_adddup2(&actions, theirs, INNER_CHANNEL_FD);
    r = r ? r : posix_spawn_file_actions_adddup2(&actions, image, INNER_IMAGE_FD);
    r = r ? r : posix_spawn_file_actions_addclosefrom_np(&actions, INNER_IMAGE_FD + 1);
    r = r ? r : posix_spawn(&c->pid, "/proc/self/exe", &actions, &attributes, argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return -r;
}

/* A copy above the descriptors of the child, which one that already is what it becomes would not survive as:
 * it would stay close-on-exec. */
static int move_up(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, INNER_IMAGE_FD + 1);
    return moved < 0 ? -errno : moved;
}

int child_start(struct child *c, int image, bool keep_stderr, struct error *err)
{
    *c = (struct child){.channel = -1};
    int ends[2];
    c->frame = malloc(sizeof(struct pipe_header) + PIPE_FRAME_BYTES);
    if (!c->frame)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the plugin's process");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_set(err, -errno, "spawn", "cannot make a channel to the plugin's process: %s",
                         strerror(errno));
    struct timeval limit = {.tv_sec = SEND_S};
    int bytes = 1024 * 1024;
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    c->channel = ends[0];
    int theirs = move_up(ends[1]), copy = move_up(image);
    int r = theirs < 0 ? theirs : copy < 0 ? copy : spawn(c, theirs, copy, keep_stderr);
    (void)close(ends[1]);
    if (theirs >= 0)
        (void)close(theirs);
    if (copy >= 0)
        (void)close(copy);
    if (r < 0) {
        c->pid = 0;
        return error_set(err, r, "spawn", "cannot start the plugin's process: %s", strerror(-r));
    }
    return 0;
}

int child_finish(struct child *c, int64_t ms)
{
    int status = 0;
    if (!c || c->pid == 0)
        return status;
    if (c->channel >= 0)
        (void)close(c->channel);
    c->channel = -1;
    int64_t end = instant_monotonic_ms() + ms;
    pid_t done;
    while ((done = waitpid(c->pid, &status, WNOHANG)) == 0 && instant_monotonic_ms() < end) {
        struct timespec pause = {.tv_nsec = 5000000};
        (void)nanosleep(&pause, NULL);
    }
    if (done == 0) {
        (void)kill(c->pid, SIGKILL);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    c->pid = 0;
    free(c->frame);
    c->frame = NULL;
    return status;
}

void child_kill(struct child *c)
{
    if (!c)
        return;
    (void)child_finish(c, 0);
    free(c->frame);
    c->frame = NULL;
    if (c->channel >= 0)
        (void)close(c->channel);
    c->channel = -1;
}

int child_call(struct child *c, enum pipe_kind kind, const void *payload, size_t size, uint32_t limit_ms)
{
    c->call = kind;
    c->deadline_ms = instant_monotonic_ms() + limit_ms;
    c->last_ms = c->deadline_ms + CALL_MS - (limit_ms < CALL_MS ? limit_ms : CALL_MS);
    c->asked_ms = 0;
    return pipe_write(c->channel, kind, payload, size);
}

int child_wake(struct child *c)
{
    return pipe_write(c->channel, PIPE_WAKE, NULL, 0);
}

int child_answer(struct child *c, const void *data, size_t size)
{
    if (c->asked_ms == 0)
        return 0;
    c->deadline_ms += instant_monotonic_ms() - c->asked_ms;
    c->asked_ms = 0;
    return pipe_write_answer(c->channel, data, size);
}

int64_t child_limit_ms(const struct child *c)
{
    return c->asked_ms || c->deadline_ms > c->last_ms ? c->last_ms : c->deadline_ms;
}

/* More bytes of a frame of `want` bytes in all. 1: they are there, 0: not yet. */
static int receive(struct child *c, size_t want)
{
    while (c->have < want) {
        ssize_t n = recv(c->channel, c->frame + c->have, want - c->have, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (n <= 0)
            return -EPIPE;
        c->have += (size_t)n;
    }
    return 1;
}

static int take_reply(struct child *c, const uint8_t *payload, size_t size, struct child_reply *ret)
{
    if (size < sizeof(ret->fixed))
        return -EPROTO;
    memcpy(&ret->fixed, payload, sizeof(ret->fixed));
    if (!pipe_reply_is_sound(&ret->fixed, size) || ret->fixed.call != c->call || c->call == 0)
        return -EPROTO;
    ret->data = payload + sizeof(ret->fixed);
    ret->cursor = ret->data + ret->fixed.data_bytes;
    ret->skips = ret->cursor + (ret->fixed.cursor_bytes == PIPE_NO_CURSOR ? 0 : ret->fixed.cursor_bytes);
    c->call = 0;
    c->asked_ms = 0;
    return 0;
}

int child_read(struct child *c, enum child_event *ret, struct child_reply *ret_reply,
               struct child_log *ret_log, struct child_ask *ret_ask)
{
    struct pipe_header header;
    *ret = CHILD_NOTHING;
    int r = receive(c, sizeof(header));
    if (r <= 0)
        return r;
    memcpy(&header, c->frame, sizeof(header));
    if ((header.kind != PIPE_REPLY && header.kind != PIPE_LOG && header.kind != PIPE_ASK) ||
        header.size > PIPE_FRAME_BYTES)
        return -EPROTO;
    r = receive(c, sizeof(header) + header.size);
    if (r <= 0)
        return r;
    c->have = 0;
    const uint8_t *payload = c->frame + sizeof(header);
    if (header.kind == PIPE_REPLY) {
        *ret = CHILD_REPLY;
        return take_reply(c, payload, header.size, ret_reply);
    }
    if (header.kind == PIPE_ASK) {
        /* It waits for the answer to one before it asks the next, and only in a call that may. */
        if (header.size > PIPE_TEXT_BYTES || c->asked_ms || (c->call != PIPE_START && c->call != PIPE_POLL))
            return -EPROTO;
        c->asked_ms = instant_monotonic_ms();
        *ret = CHILD_ASK;
        *ret_ask = (struct child_ask){payload, header.size};
        return 0;
    }
    if (header.size < 1 || header.size > 1 + PIPE_LOG_BYTES)
        return -EPROTO;
    *ret = CHILD_LOG;
    *ret_log = (struct child_log){payload[0], (const char *)payload + 1, header.size - 1};
    return 0;
}

int child_wait(struct child *c, struct child_reply *ret, void (*log)(void *ctx, const struct child_log *line),
               void *ctx)
{
    for (;;) {
        enum child_event event;
        struct child_log line;
        struct child_ask ask;
        int r = child_read(c, &event, ret, &line, &ask);
        if (r == 0 && event == CHILD_ASK)
            r = -EPROTO;
        if (r < 0 || event == CHILD_REPLY)
            return r;
        if (event == CHILD_LOG)
            log(ctx, &line);
        int64_t left = c->deadline_ms - instant_monotonic_ms();
        if (left <= 0)
            return -ETIMEDOUT;
        if (event == CHILD_LOG)
            continue;
        struct pollfd fd = {.fd = c->channel, .events = POLLIN};
        (void)poll(&fd, 1, left > 1000 ? 1000 : (int)left);
    }
}

void child_describe_end(int status, char *room, size_t size)
{
    if (WIFSIGNALED(status))
        (void)snprintf(room, size, "was killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status))
        (void)snprintf(room, size, "ended with status %d", WEXITSTATUS(status));
    else
        (void)snprintf(room, size, "ended");
}
