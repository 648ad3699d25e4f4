/* The benchmark's load client.
 *
 *   load make FOLDER EVENTS CLIENTS BATCH SEED ORDER     writes the batches of all clients and the reference
 *                                                        tables; ORDER is time, sorted, late or dense
 *   load table FOLDER EVENTS CLIENTS SEED                writes the same events as a table, for the peers
 *   load send FOLDER INDEX SOURCE ENDPOINT SERVER_KEY KEY_FILE [lockstep]
 *   load --run, --describe, …                      as tendon-plugin-host: tendond starts it for a source and
 *                                                  knows it by its pid, so that it needs no key. For the
 * source NAME-INDEX the folder is $TENDON_LOAD/NAME; $TENDON_LOAD_LOCKSTEP and $TENDON_LOAD_PAUSE_US say how
 * it sends; the real host is $TENDON_LOAD_HOST
 *
 * Each writes its result as JSON: make and send to stdout, --run to FOLDER/result-INDEX. */
#include "core/supervise/channel.h"
#include "tests/bench/batches.h"
#include "tests/bench/measure.h"
#include "tests/bench/send.h"
#include "tests/bench/table.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOAD_SOURCES 1000 /* NAME-INDEX below that */

static bool order_of(const char *text, enum load_order *ret)
{
    static const char *const names[] = {"time", "sorted", "late", "dense"};

    for (int i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum load_order)i;
            return true;
        }
    (void)fprintf(stderr, "bench: %s is no order: time, sorted, late or dense\n", text);
    return false;
}

static int make(char **arguments)
{
    struct load_plan plan = {.folder = arguments[0]};
    struct load_counts all = {0};
    uint64_t n_clients, batch_events;

    if (!measure_number(arguments[1], 1, 2000000000, &plan.n_events) ||
        !measure_number(arguments[2], 1, LOAD_VENDORS, &n_clients) ||
        !measure_number(arguments[3], 1, 100000, &batch_events) ||
        !measure_number(arguments[4], 0, INT32_MAX, &plan.seed) || !order_of(arguments[5], &plan.order))
        return 2;
    plan.n_clients = (uint32_t)n_clients;
    plan.batch_events = (uint32_t)batch_events;
    if (!load_tables(plan.folder))
        return 1;
    (void)printf("{\"clients\": [");
    for (uint32_t i = 0; i < plan.n_clients; i++) {
        struct load_counts counts;

        if (!batches_make(&plan, i, &counts))
            return 1;
        all.n_events += counts.n_events;
        all.n_batches += counts.n_batches;
        all.n_bytes += counts.n_bytes;
        all.n_tickets += counts.n_tickets;
        (void)printf("%s{\"events\": %" PRIu64 ", \"tickets\": %" PRIu64 "}", i ? ", " : "", counts.n_events,
                     counts.n_tickets);
    }
    (void)printf("], \"events\": %" PRIu64 ", \"batches\": %" PRIu64 ", \"bytes\": %" PRIu64
                 ", \"tickets\": %" PRIu64 "}\n",
                 all.n_events, all.n_batches, all.n_bytes, all.n_tickets);
    return 0;
}

static int make_table(char **arguments)
{
    struct load_plan plan = {.folder = arguments[0]};
    uint64_t n_clients, n_events;

    if (!measure_number(arguments[1], 1, 2000000000, &plan.n_events) ||
        !measure_number(arguments[2], 1, LOAD_VENDORS, &n_clients) ||
        !measure_number(arguments[3], 0, INT32_MAX, &plan.seed))
        return 2;
    plan.n_clients = (uint32_t)n_clients;
    if (!table_write(&plan, &n_events))
        return 1;
    (void)printf("{\"events\": %" PRIu64 "}\n", n_events);
    return 0;
}

static bool tell(FILE *file, const struct send_result *result)
{
    bool ok = fprintf(file,
                      "{\"first_ns\": %" PRId64 ", \"last_ns\": %" PRId64 ", \"events\": %" PRIu64
                      ", \"accepted\": %" PRIu64 ", \"batches\": %" PRIu64 ", \"refused\": %" PRIu64
                      ", \"ack_ms\": [",
                      result->first_ns, result->last_ns, result->n_events, result->n_accepted,
                      result->n_batches, result->n_refused) > 0;

    for (int i = 0; i < 100; i++)
        ok = ok && fprintf(file, "%s%.3f", i ? ", " : "", result->ack_ms[i]) > 0;
    return ok && fprintf(file, "]}\n") > 0;
}

static int send_with_key(int n, char **arguments)
{
    struct send_options options = {
        .folder = arguments[0],
        .source = arguments[2],
        .endpoint = arguments[3],
        .server_key = arguments[4],
        .lockstep = n > 6 && strcmp(arguments[6], "lockstep") == 0,
    };
    struct error err = ERROR_INIT;
    struct send_result result;
    struct key_pair key;
    uint64_t index;
    bool ok;

    if (!measure_number(arguments[1], 0, LOAD_SOURCES - 1, &index))
        return 2;
    options.index = (uint32_t)index;
    if (key_read(arguments[5], true, &key, &err) < 0) {
        (void)fprintf(stderr, "bench: %s\n", err.message);
        return 1;
    }
    options.key = &key;
    ok = send_all(&options, &result) && tell(stdout, &result);
    key_forget(&key);
    return ok ? 0 : 1;
}

/* --- in the place of tendon-plugin-host -------------------------------------------------------------------
 */

static void report(const char *state)
{
    char text[128];
    int n = snprintf(
        text, sizeof(text),
        "{\"state\": \"%s\", \"message\": \"\", \"skipped\": 0, \"last_skip\": \"\", \"accepted\": 0, "
        "\"rejected\": 0, \"landlock\": false}",
        state);

    (void)send(CHANNEL_REPORT_FD, text, (size_t)n, MSG_NOSIGNAL);
}

/* Says now and then that this host is alive: one that says nothing is killed. */
static void *beat(void *unused)
{
    (void)unused;
    for (;;) {
        report("running");
        (void)usleep(CHANNEL_BEAT_MS * 1000 / 2);
    }
    return NULL;
}

/* Puts the result where it is complete when it is seen. */
static bool leave(const char *folder, uint32_t index, const struct send_result *result)
{
    char part[4096 + 32], whole[4096 + 32];
    FILE *file;

    (void)snprintf(part, sizeof(part), "%s/result-%u.part", folder, index);
    (void)snprintf(whole, sizeof(whole), "%s/result-%u", folder, index);
    file = fopen(part, "we");
    if (!file)
        return false;
    if (!tell(file, result)) {
        (void)fclose(file);
        return false;
    }
    return fclose(file) == 0 && rename(part, whole) == 0;
}

static int run_as_host(void)
{
    const char *base = getenv("TENDON_LOAD"), *pause = getenv("TENDON_LOAD_PAUSE_US"), *dash;
    struct send_options options = {.lockstep = getenv("TENDON_LOAD_LOCKSTEP") != NULL};
    struct send_result result;
    char folder[4096];
    uint64_t index, pause_us = 0;
    json_t *config = json_loadfd(CHANNEL_CONFIG_FD, 0, NULL);
    bool ok;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a collector that is killed takes its clients with it */
    if (!base ||
        json_unpack(config, "{s:s, s:s}", "source", &options.source, "connect", &options.endpoint) < 0) {
        (void)fprintf(stderr, "bench: no folder, or no configuration\n");
        return CHANNEL_EXIT_USAGE;
    }
    if (pause && !measure_number(pause, 0, 1000000, &pause_us))
        return CHANNEL_EXIT_USAGE;
    options.pause_us = (uint32_t)pause_us;
    dash = strrchr(options.source, '-');
    if (!dash || !measure_number(dash + 1, 0, LOAD_SOURCES - 1, &index))
        return CHANNEL_EXIT_USAGE;
    (void)snprintf(folder, sizeof(folder), "%s/%.*s", base, (int)(dash - options.source), options.source);
    options.folder = folder;
    options.index = (uint32_t)index;
    pthread_t beating;
    bool beats = pthread_create(&beating, NULL, beat, NULL) == 0;
    ok = send_all(&options, &result) && leave(folder, options.index, &result);
    if (beats && pthread_cancel(beating) == 0)
        (void)pthread_join(beating, NULL);
    report(ok ? "ended" : "failed_config");
    json_decref(config);
    return ok ? CHANNEL_EXIT_OK : CHANNEL_EXIT_CONFIG;
}

int main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "make") == 0)
        return make(argv + 2);
    if (argc == 6 && strcmp(argv[1], "table") == 0)
        return make_table(argv + 2);
    if ((argc == 8 || argc == 9) && strcmp(argv[1], "send") == 0)
        return send_with_key(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--run") == 0)
        return run_as_host();
    if (argc > 1 && getenv("TENDON_LOAD_HOST")) {
        (void)execv(getenv("TENDON_LOAD_HOST"), argv);
        (void)fprintf(stderr, "bench: cannot run %s: %s\n", getenv("TENDON_LOAD_HOST"), strerror(errno));
        return 1;
    }
    (void)fprintf(stderr, "usage: load make FOLDER EVENTS CLIENTS BATCH SEED time|sorted|late\n"
                          "       load table FOLDER EVENTS CLIENTS SEED\n"
                          "       load send FOLDER INDEX SOURCE ENDPOINT SERVER_KEY KEY_FILE [lockstep]\n");
    return 2;
}
