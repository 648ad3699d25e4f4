/* Where the time of a load goes, without sockets and threads: decodes and commits the batches that `load
 * make` wrote, in one thread, and prints CPU µs per event by stage.
 *
 *   stages LOAD_FOLDER CLIENTS DATA_FOLDER [BATCHES_PER_COMMIT]
 *
 * For a profiler, and to see what a change of a stage moved. DATA_FOLDER is made and must not be there. */
#include "core/ingest/decode.h"
#include "core/store/prepare.h"
#include "core/store/store.h"
#include "tests/bench/batches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { CLIENTS_MAX = 12, COMMIT_MAX = 1024 };

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

static int fail(const char *what, const struct error *err)
{
    (void)fprintf(stderr, "stages: %s: %s\n", what, err ? err->message : "");
    return 1;
}

/* The body of a message [version, kind, request, body]. */
static const uint8_t *body_of(const struct batch *b, size_t *ret_size)
{
    struct wire_envelope m;
    if (wire_envelope_read(b->message, b->size, &m) != 0)
        return NULL;
    *ret_size = (size_t)(m.body.end - m.body.at);
    return m.body.at;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fail("usage: stages LOAD_FOLDER CLIENTS DATA_FOLDER [BATCHES_PER_COMMIT]", NULL);
    unsigned n_clients = (unsigned)strtoul(argv[2], NULL, 10);
    unsigned per_commit = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 16;
    if (n_clients == 0 || n_clients > CLIENTS_MAX || per_commit == 0 || per_commit > COMMIT_MAX ||
        mkdir(argv[3], 0700) != 0)
        return fail("a number is out of bounds, or the data folder is there", NULL);

    struct error err = ERROR_INIT;
    struct store *store;
    struct store_options options = {
        .path = argv[3], .key = {1}, .map_bytes = UINT64_C(1) << 38, .create = true};
    if (store_open(&options, &store, &err) != 0)
        return fail("open", &err);
    struct batches files[CLIENTS_MAX];
    size_t places[CLIENTS_MAX] = {0};
    uint64_t seqs[CLIENTS_MAX] = {0};
    char names[CLIENTS_MAX][16];
    for (unsigned i = 0; i < n_clients; i++) {
        if (!batches_open(argv[1], i, &files[i]))
            return 1;
        (void)snprintf(names[i], sizeof(names[i]), "main-%u", i);
    }
    struct decode_rules rules = {.schema = {.types = UINT32_MAX, .now = (int64_t)time(NULL) * 1000}};
    struct decoded *decoded = calloc(per_commit, sizeof(*decoded));
    struct store_prepared *prepared = calloc(per_commit, sizeof(*prepared));
    struct store_batch *commit = calloc(per_commit, sizeof(*commit));
    for (unsigned i = 0; i < per_commit; i++) {
        decoded_init(&decoded[i]);
        prepared[i].has_memory = true;
    }
    double began = seconds(CLOCK_MONOTONIC), decode_s = 0, prepare_s = 0, commit_s = 0, began_cpu = cpu();
    uint64_t n_events = 0, n_commits = 0, next_say = 1000000;
    bool more = true;
    while (more) {
        unsigned n = 0;
        double at = cpu();
        more = false;
        for (unsigned round = 0; n < per_commit; round++) {
            unsigned i = round % n_clients;
            struct batch b;
            if (round >= n_clients && !more)
                break;
            if (i == 0)
                more = false;
            if (!batches_next(&files[i], &places[i], &b))
                continue;
            more = true;
            size_t size;
            const uint8_t *body = body_of(&b, &size);
            enum wire_nack nack;
            struct decoded *d = &decoded[n];
            if (!body || decode_batch(d, body, size, &rules, &nack) != 0)
                return fail("decode", NULL);
            double between = cpu();
            decode_s += between - at;
            if (store_prepare(store, names[i], d->events, d->n_events, &prepared[n]) != 0)
                return fail("prepare", NULL);
            at = cpu();
            prepare_s += at - between;
            commit[n] = (struct store_batch){.source = names[i],
                                             .namespace = names[i],
                                             .seq = ++seqs[i],
                                             .cursor = d->cursor,
                                             .cursor_size = d->cursor_size,
                                             .events = d->events,
                                             .indices = d->indices,
                                             .n_events = d->n_events,
                                             .prepared = &prepared[n],
                                             .rejects = d->rejects,
                                             .n_rejects = d->n_rejects};
            n++;
            n_events += d->n_events;
        }
        double mid = cpu();
        decode_s += mid - at;
        if (n && store_commit(store, commit, n, &err) != 0)
            return fail("commit", &err);
        commit_s += cpu() - mid;
        n_commits += n != 0;
        if (n_events >= next_say) {
            (void)fprintf(stderr, "%llu events\n", (unsigned long long)n_events);
            next_say += 1000000;
        }
    }
    double wall = seconds(CLOCK_MONOTONIC) - began, total = cpu() - began_cpu, at = cpu();
    while (store_maintain(store, true, &err) == 1)
        ;
    double settle_s = cpu() - at;
    struct store_statistics s;
    store_statistics(store, &s);
    double e = (double)(n_events ? n_events : 1);
    (void)printf("{\"events\": %llu, \"commits\": %llu, \"tickets\": %llu, \"wall_s\": %.3f, \"cpu_us\": "
                 "{\"decode\": %.3f, \"prepare\": %.3f, "
                 "\"commit\": %.3f, \"all\": %.3f, \"settle\": %.3f}, \"bytes\": {\"log\": %.2f, "
                 "\"directory\": %.2f, \"facts\": "
                 "%.2f, \"other\": %.2f, \"file\": %.2f}, \"segments\": %llu, \"fact_blocks\": %llu}\n",
                 (unsigned long long)n_events, (unsigned long long)n_commits, (unsigned long long)s.subjects,
                 wall, decode_s * 1e6 / e, prepare_s * 1e6 / e, commit_s * 1e6 / e, total * 1e6 / e,
                 settle_s * 1e6 / e, (double)s.bytes_log / e, (double)s.bytes_directory / e,
                 (double)s.bytes_facts / e, (double)s.bytes_other / e, (double)s.file_bytes / e,
                 (unsigned long long)s.log_segments, (unsigned long long)s.fact_blocks);
    store_close(store);
    return 0;
}
