#include "tools/host_program.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "tendon-plugin-host"

extern char **environ;

static int find(const struct invocation *invocation, char room[PATH_MAX], struct error *err)
{
    char self[PATH_MAX] = "";
    const char *given = invocation_value(invocation, "host");
    if (!given)
        given = getenv("TENDON_PLUGIN_HOST");
    if (given && *given) {
        if (snprintf(room, PATH_MAX, "%s", given) < PATH_MAX && access(room, X_OK) == 0)
            return 0;
        return error_set(err, -ENOENT, "usage", "cannot run %s: %s", given, strerror(errno));
    }
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 &&
        snprintf(room, PATH_MAX, "%s/%s", dirname(self), NAME) < PATH_MAX && access(room, X_OK) == 0)
        return 0;
    (void)snprintf(room, PATH_MAX, "%s/%s", TENDON_LIBEXECDIR, NAME);
    if (access(room, X_OK) == 0)
        return 0;
    error_set(err, -ENOENT, "usage", "the program %s is not installed", NAME);
    error_hint(err, "say where it is with --host FILE or $TENDON_PLUGIN_HOST");
    return -ENOENT;
}

static int memory_file(const json_t *input)
{
    int fd = memfd_create("job", MFD_CLOEXEC);
    FILE *out = fd < 0 ? NULL : fdopen(dup(fd), "w");
    int r = !out || json_dumpf(input, out, JSON_COMPACT) < 0 ? -EIO : 0;
    if (out && fclose(out) != 0)
        r = -EIO;
    if (fd >= 0)
        (void)lseek(fd, 0, SEEK_SET);
    if (r < 0 && fd >= 0)
        (void)close(fd);
    return r < 0 ? r : fd;
}

static int start(const char *program, const char *command, const char *plugin, int input, int output,
                 pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    char *const argv[] = {(char *)NAME, (char *)command, (char *)plugin, NULL};
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    int r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    r = r ? r : posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    r = r ? r : posix_spawn(ret, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int host_program_run(const struct invocation *invocation, const char *command, const char *plugin,
                     const json_t *input, int (*line)(void *ctx, char *text), void *ctx, int *ret_status,
                     struct error *err)
{
    char program[PATH_MAX];
    int ends[2];
    pid_t pid = 0;
    int r = find(invocation, program, err);
    if (r < 0)
        return r;
    int job = memory_file(input);
    if (job < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        if (job >= 0)
            (void)close(job);
        return error_set(err, -EIO, "host", "cannot hand a job to %s", program);
    }
    r = start(program, command, plugin, job, ends[1], &pid);
    (void)close(job);
    (void)close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    if (r < 0 || !in) {
        (void)close(ends[0]);
        return error_set(err, r < 0 ? r : -ENOMEM, "host", "cannot run %s: %s", program, strerror(-r));
    }
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    while (r == 0 && (n = getline(&text, &room, in)) >= 0) {
        if (n > 0 && text[n - 1] == '\n')
            text[n - 1] = '\0';
        r = line(ctx, text);
    }
    free(text);
    (void)fclose(in);
    if (r != 0)
        (void)kill(pid, SIGTERM);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        continue;
    return 0;
}

/* A file's name as the host understands it, wherever it runs. */
static int put_path(json_t *job, const char *key, const char *path, struct error *err)
{
    char room[2 * PATH_MAX], here[PATH_MAX];
    if (!path)
        return 0;
    if (path[0] != '/' && getcwd(here, sizeof(here)))
        (void)snprintf(room, sizeof(room), "%s/%s", here, path);
    else
        (void)snprintf(room, sizeof(room), "%s", path);
    if (json_object_set_new(job, key, json_string(room)) < 0)
        return error_set(err, -EINVAL, "usage", "the name of a file is no text: --%s", key);
    return 0;
}

int host_program_job(const struct invocation *invocation, json_t **ret, struct error *err)
{
    const char *options = invocation_value(invocation, "options");
    json_t *job = json_object();
    json_error_t why;
    int r = 0;
    if (options) {
        char real[PATH_MAX] = "";
        json_t *given = json_load_file(options, JSON_REJECT_DUPLICATES, &why);
        if (!given)
            r = error_set(err, -EINVAL, "usage", "%s: line %d: %s", options, why.line, why.text);
        else if (!json_is_object(given))
            r = error_set(err, -EINVAL, "usage", "%s holds no JSON object of options", options);
        /* Relative paths in it begin where it is. */
        if (r == 0 && !realpath(options, real))
            r = error_set(err, -errno, "usage", "cannot find %s: %s", options, strerror(errno));
        (void)json_object_set_new(job, "options", given);
        (void)json_object_set_new(job, "folder", json_string(dirname(real)));
    }
    if (r == 0)
        r = put_path(job, "replay", invocation_value(invocation, "replay"), err);
    if (r < 0) {
        json_decref(job);
        return r;
    }
    *ret = job;
    return 0;
}
