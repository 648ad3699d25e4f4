/* tendon-plugin-host: loads one plugin with dlopen, in a process of its own, and feeds its events to the
 * collector. */
#include "core/supervise/channel.h"
#include "plugins/host/conform/conform.h"
#include "plugins/host/inner.h"
#include "plugins/host/outer.h"
#include "plugins/host/report.h"
#include "plugins/host/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char USAGE[] =
    "usage: tendon-plugin-host --describe [--signed-by KEY,…] PLUGIN.so\n"
    "                                                 what a plugin is and which options it has, as JSON\n"
    "       tendon-plugin-host --check [--signed-by KEY,…] PLUGIN.so\n"
    "                                                 whether it takes the options on standard input (JSON)\n"
    "       tendon-plugin-host --try PLUGIN.so        run it once without a collector and print its events, "
    "as\n"
    "                                                 the job on standard input says (tendon plugin try)\n"
    "       tendon-plugin-host --conform PLUGIN.so    test it against its contract, as the job on standard "
    "input\n"
    "                                                 says (tendon plugin check)\n"
    "       tendon-plugin-host --run                  run the instance whose configuration is on descriptor "
    "3,\n"
    "                                                 as tendond does\n"
    "       tendon-plugin-host --version\n";

/* Much of it may be the plugin's words. */
static int show_error(const struct error *err)
{
    char message[sizeof(err->message)], hint[sizeof(err->hint)];
    (void)fprintf(stderr, "tendon-plugin-host: %s\n",
                  report_line(message, sizeof(message), err->message, strlen(err->message)));
    if (*err->hint)
        (void)fprintf(stderr, "  %s\n", report_line(hint, sizeof(hint), err->hint, strlen(err->hint)));
    return 1;
}

/* The sandbox and the loader want absolute names. */
static int resolve(const char *path, char *ret, struct error *err)
{
    if (realpath(path, ret))
        return 0;
    return error_set(err, -errno, "bad_plugin", "cannot find %s: %s", path, strerror(errno));
}

/* "KEY,KEY" as an array; NULL (an argument that was not given) stays NULL. */
static json_t *split_keys(const char *text)
{
    json_t *keys = text ? json_array() : NULL;
    if (text && !keys)
        exit(CHANNEL_EXIT_AGAIN); /* never as if no signature were wanted */
    while (keys && *text) {
        size_t n = strcspn(text, ",");
        (void)json_array_append_new(keys, json_stringn(text, n));
        text += n + (text[n] == ',');
    }
    return keys;
}

static int describe(const char *path, const json_t *keys)
{
    char absolute[PATH_MAX];
    struct error err = ERROR_INIT;
    struct instance instance = {.path = absolute, .keys = keys};
    json_t *document;
    if (resolve(path, absolute, &err) < 0 || instance_describe(&instance, &document, &err) < 0)
        return show_error(&err);
    int r = json_dumpf(document, stdout, JSON_INDENT(2));
    json_decref(document);
    return r < 0 || putchar('\n') == EOF || fflush(stdout) != 0;
}

/* For people: who reads standard error as a program wants the error alone, and its first line to be ours. */
static void show_line(void *ctx, const struct child_log *line)
{
    char room[PIPE_LOG_BYTES + 1];
    (void)ctx;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "%s\n", report_line(room, sizeof(room), line->text, line->size));
}

static int check(const char *path, const json_t *keys)
{
    char absolute[PATH_MAX];
    struct error err = ERROR_INIT;
    struct instance instance = {.path = absolute, .keys = keys, .keep_stderr = isatty(STDERR_FILENO)};
    struct child child;
    struct child_reply reply;
    json_error_t why;
    if (resolve(path, absolute, &err) < 0)
        return show_error(&err);
    instance.options = json_loadf(stdin, JSON_REJECT_DUPLICATES, &why);
    if (!instance.options) {
        error_set(&err, -EINVAL, "bad_option", "the options are no JSON: line %d: %s", why.line, why.text);
        return show_error(&err);
    }
    int r = instance_create(&instance, &child, NULL, NULL, show_line, NULL, &err);
    if (r == 0) {
        r = child_call(&child, PIPE_DESTROY, NULL, 0, instance_limit(&instance, PIPE_DESTROY));
        if (r == 0)
            r = child_wait(&child, &reply, show_line, NULL);
        if (r < 0)
            (void)instance_died(&child, "destroy", r, &err);
        child_kill(&child);
    }
    json_decref(instance.options);
    return r < 0 ? show_error(&err) : 0;
}

static int try(const char *path)
{
    char absolute[PATH_MAX];
    struct error err = ERROR_INIT;
    return resolve(path, absolute, &err) < 0 || trial_run(absolute, &err) < 0 ? show_error(&err) : 0;
}

static int conform(const char *path)
{
    char absolute[PATH_MAX];
    struct error err = ERROR_INIT;
    int r = resolve(path, absolute, &err);
    if (r == 0)
        r = conform_main(absolute, &err);
    return r < 0 ? show_error(&err) + 1 : r;
}

static int run(void)
{
    struct instance instance;
    struct error err = ERROR_INIT;
    if (instance_read(CHANNEL_CONFIG_FD, &instance, &err) < 0) {
        (void)show_error(&err);
        return CHANNEL_EXIT_USAGE;
    }
    (void)close(CHANNEL_CONFIG_FD);
    int type;
    socklen_t size = sizeof(type);
    bool has_channel = getsockopt(CHANNEL_REPORT_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
    if (has_channel)
        (void)fcntl(CHANNEL_REPORT_FD, F_SETFD, FD_CLOEXEC);
    int status = outer_run(&instance, has_channel ? CHANNEL_REPORT_FD : -1);
    instance_fini(&instance);
    return status;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "--inner") == 0 && argc == 2)
        return inner_run(INNER_CHANNEL_FD);
    if (sodium_init() < 0) {
        (void)fputs("tendon-plugin-host: libsodium cannot be initialised\n", stderr);
        return CHANNEL_EXIT_AGAIN;
    }
    if (strcmp(command, "--run") == 0 && argc == 2)
        return run();
    bool is_signed = argc == 5 && strcmp(argv[2], "--signed-by") == 0;
    if ((strcmp(command, "--describe") == 0 || strcmp(command, "--check") == 0) && (argc == 3 || is_signed)) {
        json_t *keys = split_keys(is_signed ? argv[3] : NULL);
        int status = (strcmp(command, "--check") == 0 ? check : describe)(argv[argc - 1], keys);
        json_decref(keys);
        return status;
    }
    if (strcmp(command, "--try") == 0 && argc == 3)
        return try(argv[2]);
    if (strcmp(command, "--conform") == 0 && argc == 3)
        return conform(argv[2]);
    if (strcmp(command, "--version") == 0 && argc == 2)
        return printf("tendon-plugin-host %s, plugin ABI %d.%d\n", TENDON_VERSION, TENDON_ABI_MAJOR,
                      TENDON_ABI_MINOR) < 0;
    (void)fputs(USAGE, argc > 1 && strcmp(command, "--help") == 0 ? stdout : stderr);
    return argc > 1 && strcmp(command, "--help") == 0 ? 0 : CHANNEL_EXIT_USAGE;
}
