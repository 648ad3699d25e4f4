#include "core/supervise/process.h"

#include "core/base/buffer.h"
#include "core/base/instant.h"
#include "core/supervise/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_BYTES 1024         /* of standard error that are kept */
#define KEYS_BYTES (100 * 1024) /* of --signed-by: an argument holds 128 KiB */
#define ABOVE      16           /* where descriptors wait for their place: above all places */

extern char **environ;

/* A file in memory that holds text, standing at its beginning. */
static int memory_file(const char *text)
{
    int fd = memfd_create("tendon-plugin-host", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (size_t n = strlen(text), at = 0; at < n;) {
        ssize_t written = write(fd, text + at, n - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            int r = -errno;
            (void)close(fd);
            return r;
        }
        at += (size_t)written;
    }
    (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

/* fds[i] becomes descriptor i of the child (−1: /dev/null); everything else is closed. */
static int spawn(const char *host, char *const argv[], const int *fds, int n, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    int r = posix_spawnattr_init(&attributes);
    r = r ? r
          : posix_spawnattr_setflags(&attributes,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    r = r ? r : posix_spawnattr_setsigmask(&attributes, &none);
    r = r ? r : posix_spawnattr_setsigdefault(&attributes, &all);
    /* First out of the way of the places, then to them: no step overwrites what a later one needs. */
    for (int i = 0; r == 0 && i < n; i++)
        r = fds[i] < 0 ? posix_spawn_file_actions_addopen(&actions, ABOVE + i, "/dev/null", O_RDWR, 0)
                       : posix_spawn_file_actions_adddup2(&actions, fds[i], ABOVE + i);
    for (int i = 0; r == 0 && i < n; i++)
        r = posix_spawn_file_actions_adddup2(&actions, ABOVE + i, i);
    r = r ? r : posix_spawn_file_actions_addclosefrom_np(&actions, n);
    r = r ? r : posix_spawn(ret_pid, host, &actions, &attributes, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return -r;
}

/* A descriptor that is in nobody's way: the child's steps dup2 over ABOVE and the few behind it. */
static int move_up(int fd)
{
    if (fd < 0 || fd >= 2 * ABOVE)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 2 * ABOVE);
    int r = moved < 0 ? -errno : moved;
    (void)close(fd);
    return r;
}

int process_start(const char *host, const json_t *document, pid_t *ret_pid, int *ret_pidfd, int *ret_channel,
                  struct error *err)
{
    char *text = json_dumps(document, JSON_COMPACT);
    int config = text && strlen(text) < CHANNEL_CONFIG_BYTES ? move_up(memory_file(text)) : -E2BIG;
    free(text);
    if (config < 0)
        return error_set(err, config, "spawn", "cannot write the configuration of a plugin host: %s",
                         strerror(-config));
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        int r = -errno;
        (void)close(config);
        return error_set(err, r, "spawn", "cannot make a channel to a plugin host: %s", strerror(-r));
    }
    int theirs = move_up(ends[1]);
    int errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 2 * ABOVE);
    char *const argv[] = {(char *)"tendon-plugin-host", (char *)"--run", NULL};
    const int fds[] = {-1, -1, errors, config, theirs};
    int r = theirs < 0 ? theirs : spawn(host, argv, fds, 5, ret_pid);
    (void)close(config);
    if (theirs >= 0)
        (void)close(theirs);
    if (errors >= 0)
        (void)close(errors);
    if (r == 0) {
        *ret_pidfd = (int)syscall(SYS_pidfd_open, *ret_pid, 0);
        if (*ret_pidfd >= 0) {
            *ret_channel = ends[0];
            return 0;
        }
        r = -errno;
        (void)kill(*ret_pid, SIGKILL);
        (void)waitpid(*ret_pid, NULL, 0);
    }
    (void)close(ends[0]);
    error_set(err, r, "spawn", "cannot start %s: %s", host, strerror(-r));
    error_hint(err, "`plugin_host:` in the configuration says where tendon-plugin-host is");
    return r;
}

struct sink {
    int fd;
    char *data;
    size_t n, max; /* room is max + 1 */
};

/* False at the end of what it writes. */
static bool drain(struct sink *s)
{
    char rest[4096];
    for (;;) {
        bool full = s->n == s->max;
        ssize_t n = read(s->fd, full ? rest : s->data + s->n, full ? sizeof(rest) : s->max - s->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (!full)
            s->n += (size_t)n;
    }
}

/* Reads both until both end. False after the time. */
static bool collect(struct sink *output, struct sink *errors, int timeout_ms)
{
    int64_t end = instant_monotonic_ms() + timeout_ms;
    struct pollfd fds[2] = {{.fd = output->fd, .events = POLLIN}, {.fd = errors->fd, .events = POLLIN}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int64_t left = end - instant_monotonic_ms();
        if (left <= 0)
            return false;
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return false;
        if (fds[0].fd >= 0 && fds[0].revents && !drain(output))
            fds[0].fd = -1;
        if (fds[1].fd >= 0 && fds[1].revents && !drain(errors))
            fds[1].fd = -1;
    }
    return true;
}

/* "tendon-plugin-host: MESSAGE\n  HINT\n" */
static int take_said(struct error *err, char *said, const char *path)
{
    static const char PREFIX[] = "tendon-plugin-host: ";
    char *message = said;
    if (strncmp(message, PREFIX, sizeof(PREFIX) - 1) == 0)
        message += sizeof(PREFIX) - 1;
    char *hint = strstr(message, "\n  ");
    if (hint) {
        *hint = '\0';
        hint += 3;
        hint[strcspn(hint, "\n")] = '\0';
    }
    message[strcspn(message, "\n")] = '\0';
    if (*message)
        error_set(err, -EINVAL, "bad_plugin", "%s", message);
    else
        error_set(err, -EINVAL, "bad_plugin", "tendon-plugin-host failed on %s and does not say why", path);
    if (hint)
        error_hint(err, "%s", hint);
    return -EINVAL;
}

static int ask(const char *host, char *const argv[], const char *path, int input, int timeout_ms,
               struct sink *output, struct sink *errors, struct error *err)
{
    int out[2] = {-1, -1}, errs[2] = {-1, -1};
    int r = 0;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errs, O_CLOEXEC) < 0)
        r = -errno;
    out[1] = move_up(out[1]);
    errs[1] = move_up(errs[1]);
    const int fds[] = {input, out[1], errs[1]};
    pid_t pid = 0;
    if (r == 0 && (out[1] < 0 || errs[1] < 0))
        r = -EMFILE;
    if (r == 0)
        r = spawn(host, argv, fds, 3, &pid);
    for (int i = 0; i < 2; i++) {
        int fd = i ? errs[1] : out[1];
        if (fd >= 0)
            (void)close(fd);
    }
    int status = -1;
    if (r == 0) {
        output->fd = out[0];
        errors->fd = errs[0];
        (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
        (void)fcntl(errs[0], F_SETFL, O_NONBLOCK);
        if (!collect(output, errors, timeout_ms)) {
            (void)kill(pid, SIGKILL);
            r = error_set(err, -ETIMEDOUT, "bad_plugin", "tendon-plugin-host did not end within %d s on %s",
                          timeout_ms / 1000, path);
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    } else {
        error_set(err, r, "spawn", "cannot start %s: %s", host, strerror(-r));
        error_hint(err, "`plugin_host:` in the configuration says where tendon-plugin-host is");
    }
    if (out[0] >= 0)
        (void)close(out[0]);
    if (errs[0] >= 0)
        (void)close(errs[0]);
    if (r < 0)
        return r;
    output->data[output->n] = '\0';
    errors->data[errors->n] = '\0';
    return status == 0 ? 0 : take_said(err, errors->data, path);
}

/* The keys as --signed-by takes them, the caller's to free; NULL without memory. */
static char *join_keys(const json_t *keys)
{
    struct buffer text;
    buffer_init(&text, KEYS_BYTES);
    for (size_t i = 0; i < json_array_size(keys); i++)
        buffer_printf(&text, "%s%s", i ? "," : "", json_string_value(json_array_get(keys, i)));
    buffer_append(&text, "", 1);
    char *copy = buffer_failed(&text) ? NULL : strdup((const char *)text.data);
    buffer_fini(&text);
    return copy;
}

int process_ask(const char *host, const char *command, const char *path, const json_t *keys,
                const char *input, int timeout_ms, size_t output_max, char **ret, struct error *err)
{
    char said[SAID_BYTES + 1];
    struct sink output = {.fd = -1, .data = malloc(output_max + 1), .max = output_max};
    struct sink errors = {.fd = -1, .data = said, .max = SAID_BYTES};
    int in = input ? move_up(memory_file(input)) : -1;
    char *signers = keys ? join_keys(keys) : NULL;
    int r = !output.data || (input && in < 0) || (keys && !signers)
                ? error_set(err, -ENOMEM, "no_memory", "no memory to ask tendon-plugin-host about %s", path)
                : 0;
    char *const plain[] = {(char *)"tendon-plugin-host", (char *)command, (char *)path, NULL};
    char *const signed_by[] = {
        (char *)"tendon-plugin-host", (char *)command, (char *)"--signed-by", signers, (char *)path, NULL};
    if (r == 0)
        r = ask(host, keys ? signed_by : plain, path, in, timeout_ms, &output, &errors, err);
    free(signers);
    if (in >= 0)
        (void)close(in);
    if (r < 0 || !ret) {
        free(output.data);
        return r;
    }
    *ret = output.data;
    return 0;
}
