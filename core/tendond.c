/* tendond(8): the collector's process. Reads the configuration, starts the daemon and waits for signals. */
#include "core/base/instant.h"
#include "core/base/notify.h"
#include "core/daemon.h"

#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_PRESET "/etc/tendon/tendond.yaml"
#define TEXT_BYTES    700 /* of an error's message in a line of the log */

enum { EXIT_USAGE = 2 };

static const char HELP[] =
    "Usage: tendond [--config FILE] [--check]\n"
    "\n"
    "Collects support events, keeps them by tenant and answers queries. Stays in the foreground and logs to\n"
    "standard error; SIGHUP reloads the configuration, SIGTERM stops.\n"
    "\n"
    "  -c, --config FILE  the configuration, tendond.conf(5); default " CONFIG_PRESET "\n"
    "      --check        only check it, and that the plugins are there and take their options\n"
    "  -V, --version      print the version\n"
    "  -h, --help         print this\n";

struct arguments {
    const char *config;
    bool check;
};

/* -1: go on; else the exit status. */
static int read_arguments(int argc, char **argv, struct arguments *ret)
{
    static const struct option OPTIONS[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'C'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *ret = (struct arguments){.config = CONFIG_PRESET};
    int c;
    while ((c = getopt_long(argc, argv, "c:Vh", OPTIONS, NULL)) >= 0) {
        switch (c) {
        case 'c':
            ret->config = optarg;
            break;
        case 'C':
            ret->check = true;
            break;
        case 'V':
            return puts("tendond " TENDON_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        case 'h':
            return fputs(HELP, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        default:
            (void)fputs("Try tendond --help.\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "tendond: \"%s\" is one argument too many\nTry tendond --help.\n",
                      argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

static int check(const char *path)
{
    struct config_problems problems;
    config_problems_init(&problems, path);
    struct config *config = config_read(path, &problems);
    if (config)
        daemon_check_plugins(config, &problems);
    if (problems.n)
        (void)fputs(config_problems_text(&problems), stderr);
    else
        (void)printf("%s: good: tenants %zu, plugins %zu\n", path, config->tenants.n, config->plugins.n);
    config_unref(config);
    config_problems_fini(&problems);
    return problems.n ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void log_err(struct logger *logger, const char *event, const struct error *err)
{
    char message[TEXT_BYTES], hint[TEXT_BYTES];
    log_error(logger, "daemon", event, "code=%s message=%s hint=%s", err->code,
              log_quote(message, sizeof(message), err->message), log_quote(hint, sizeof(hint), err->hint));
}

/* Each problem as a line of the log. */
static void log_problems(struct logger *logger, struct config_problems *problems)
{
    const char *line = config_problems_text(problems);
    while (*line) {
        char text[TEXT_BYTES], room[TEXT_BYTES + 64];
        size_t n = strcspn(line, "\n");
        (void)snprintf(text, sizeof(text), "%.*s", (int)n, line);
        log_error(logger, "daemon", "bad_configuration", "message=%s", log_quote(room, sizeof(room), text));
        line += n + (line[n] == '\n');
    }
}

static void reload(struct daemon *d, struct logger *logger, const char *path)
{
    struct config_problems problems;
    struct error err = ERROR_INIT;
    (void)notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRId64, instant_monotonic_ms() * 1000);
    config_problems_init(&problems, path);
    struct config *config = config_read(path, &problems);
    if (!config)
        log_problems(logger, &problems);
    else if (daemon_reload(d, config, &err) < 0)
        log_err(logger, "reload_refused", &err);
    else
        log_info(logger, "daemon", "reloaded", "tenants=%zu plugins=%zu", config->tenants.n,
                 config->plugins.n);
    if (!config)
        log_error(logger, "daemon", "reload_refused", "problems=%u", problems.n);
    config_unref(config);
    config_problems_fini(&problems);
    (void)notify_send("READY=1");
}

static void wait_for_end(struct daemon *d, struct logger *logger, const char *path, int signal_fd)
{
    struct pollfd waiting = {.fd = signal_fd, .events = POLLIN};
    int64_t watchdog_ms = notify_watchdog_ms();
    for (;;) {
        struct signalfd_siginfo info;
        int n = poll(&waiting, 1, watchdog_ms ? (int)(watchdog_ms < 60000 ? watchdog_ms : 60000) : -1);
        (void)notify_send("WATCHDOG=1");
        if (n <= 0 || read(signal_fd, &info, sizeof(info)) != sizeof(info))
            continue;
        if (info.ssi_signo == SIGHUP) {
            reload(d, logger, path);
            continue;
        }
        log_info(logger, "daemon", "stopping", "signal=%u", info.ssi_signo);
        return;
    }
}

static int run(const struct arguments *arguments, struct logger *logger, int signal_fd)
{
    struct config_problems problems;
    struct error err = ERROR_INIT;
    struct daemon *d;
    config_problems_init(&problems, arguments->config);
    struct config *config = config_read(arguments->config, &problems);
    if (!config) {
        log_problems(logger, &problems);
        config_problems_fini(&problems);
        return EXIT_FAILURE;
    }
    config_problems_fini(&problems);
    atomic_store(&logger->level, (int)config->log_level);
    int64_t began = instant_monotonic_ms();
    int r = daemon_start(config, logger, &d, &err);
    if (r < 0)
        log_err(logger, "not_started", &err);
    else
        log_info(logger, "daemon", "started", "version=%s tenants=%zu plugins=%zu took_ms=%" PRId64,
                 TENDON_VERSION, config->tenants.n, config->plugins.n, instant_monotonic_ms() - began);
    config_unref(config);
    if (r < 0)
        return EXIT_FAILURE;
    (void)notify_send("READY=1\nSTATUS=Collecting");
    wait_for_end(d, logger, arguments->config, signal_fd);
    (void)notify_send("STOPPING=1");
    daemon_stop(d);
    log_info(logger, "daemon", "stopped", "%s", "");
    return EXIT_SUCCESS;
}

/* A heap for each thread would keep what another has freed, and one that grows with the largest piece that
 * was ever freed would never give it back: together half as much again as is used. */
static void tune_memory(void)
{
    (void)mallopt(M_ARENA_MAX, 2);
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct logger logger;
    sigset_t signals;
    int status = read_arguments(argc, argv, &arguments);
    if (status >= 0)
        return status;
    (void)umask(077);
    tune_memory();
    if (sodium_init() < 0) {
        (void)fputs("tendond: libsodium cannot be initialised\n", stderr);
        return EXIT_FAILURE;
    }
    if (arguments.check)
        return check(arguments.config);
#if !defined(__SANITIZE_ADDRESS__)
    /* Its memory holds the tenants' keys: no core file, and no other process of its user reads it. */
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
    /* Blocked before the first thread is there, and so in all of them: signals are read here. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    logger_init(&logger, STDERR_FILENO, LOG_LEVEL_INFO);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (signal_fd < 0) {
        (void)fprintf(stderr, "tendond: no descriptor for signals: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    status = run(&arguments, &logger, signal_fd);
    (void)close(signal_fd);
    return status;
}
