/* tendon-plugin-host: loads one plugin with dlopen, in a process of its own, and feeds its events to the
 * collector. */
#include "core/supervise/channel.h"
#include "plugins/host/inner.h"
#include "plugins/host/outer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char USAGE[] =
    "usage: tendon-plugin-host --describe PLUGIN.so   what a plugin is and which options it has, as JSON\n"
    "       tendon-plugin-host --check PLUGIN.so      whether it takes the options on standard input (JSON)\n"
    "       tendon-plugin-host --run                  run the instance whose configuration is on descriptor "
    "3,\n"
    "                                                 as tendond does\n"
    "       tendon-plugin-host --version\n";

static int show_error(const struct error *err)
{
    (void)fprintf(stderr, "tendon-plugin-host: %s\n", err->message);
    if (*err->hint)
        (void)fprintf(stderr, "  %s\n", err->hint);
    return 1;
}

/* The sandbox and the loader want absolute names. */
static int resolve(const char *path, char *ret, struct error *err)
{
    if (realpath(path, ret))
        return 0;
    return error_set(err, -errno, "bad_plugin", "cannot find %s: %s", path, strerror(errno));
}

static int describe(const char *path)
{
    char absolute[PATH_MAX];
    struct error err = ERROR_INIT;
    struct instance instance = {.path = absolute};
    json_t *document;
    if (resolve(path, absolute, &err) < 0 || instance_describe(&instance, &document, &err) < 0)
        return show_error(&err);
    int r = json_dumpf(document, stdout, JSON_INDENT(2));
    json_decref(document);
    return r < 0 || putchar('\n') == EOF || fflush(stdout) != 0;
}

static void show_line(void *ctx, const struct child_log *line)
{
    (void)ctx;
    (void)fprintf(stderr, "%.*s\n", (int)line->size, line->text);
}

static int check(const char *path)
{
    char absolute[PATH_MAX];
    struct error err = ERROR_INIT;
    struct instance instance = {.path = absolute, .keep_stderr = true};
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
    int r = instance_create(&instance, &child, NULL, show_line, NULL, &err);
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
    if (strcmp(command, "--run") == 0 && argc == 2)
        return run();
    if (strcmp(command, "--describe") == 0 && argc == 3)
        return describe(argv[2]);
    if (strcmp(command, "--check") == 0 && argc == 3)
        return check(argv[2]);
    if (strcmp(command, "--version") == 0 && argc == 2)
        return printf("tendon-plugin-host %s, plugin ABI %d.%d\n", TENDON_VERSION, TENDON_ABI_MAJOR,
                      TENDON_ABI_MINOR) < 0;
    (void)fputs(USAGE, argc > 1 && strcmp(command, "--help") == 0 ? stdout : stderr);
    return argc > 1 && strcmp(command, "--help") == 0 ? 0 : CHANNEL_EXIT_USAGE;
}
