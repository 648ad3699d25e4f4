/* What the parts under Tendon can do alone, so that its own figures have something to be held against.
 *
 *   limit lmdb FOLDER COMMITS BYTES PAUSE_US   commits of one value of so many bytes each, durable, in a new
 *                                              environment: {"p50_ms", "p99_ms", "per_s"}
 *   limit zmq FOLDER CLIENTS ENDPOINT          the load's batches from threads of this process to a ROUTER
 *                                              that reads nothing and answers each: {"events_per_s"}
 *   limit scan ROWS                            sums and counts of 36 groups over two columns in memory, with
 *                                              one thread and with two: {"ms": […], "rows_per_s": […]} */
#include "tests/bench/batches.h"
#include "tests/bench/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static uint64_t number(const char *text)
{
    uint64_t value;

    if (!measure_number(text, 0, 4000000000, &value))
        exit(2);
    return value;
}

/* --- LMDB ------------------------------------------------------------------------------------------------
 */

static int commit_one(MDB_env *env, MDB_dbi *dbi, uint64_t key, void *data, size_t size)
{
    MDB_val k = {sizeof(key), &key}, v = {size, data};
    MDB_txn *txn;
    int rc = mdb_txn_begin(env, NULL, 0, &txn);

    if (rc != 0)
        return rc;
    rc = *dbi ? 0 : mdb_dbi_open(txn, "log", MDB_CREATE | MDB_INTEGERKEY, dbi);
    if (rc == 0)
        rc = mdb_put(txn, *dbi, &k, &v, MDB_APPEND);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

static int limit_lmdb(const char *folder, uint64_t n, size_t size, uint64_t pause_us)
{
    int64_t *times_ns = calloc(n, sizeof(*times_ns)), total_ns = 0;
    uint8_t *data = malloc(size);
    MDB_env *env = NULL;
    MDB_dbi dbi = 0;
    int rc = times_ns && data && n > 0 ? mdb_env_create(&env) : ENOMEM;

    for (size_t i = 0; rc == 0 && i < size; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    if (rc == 0)
        rc = mdb_env_set_mapsize(env, (size_t)8 << 30);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env, 4);
    if (rc == 0)
        rc = mdb_env_open(env, folder, MDB_NOTLS | MDB_NORDAHEAD, 0600);
    for (uint64_t i = 0; rc == 0 && i < n; i++) {
        int64_t begin_ns;

        if (pause_us > 0)
            (void)usleep((useconds_t)pause_us);
        begin_ns = measure_now_ns();
        rc = commit_one(env, &dbi, i, data, size);
        times_ns[i] = measure_now_ns() - begin_ns;
        total_ns += times_ns[i];
    }
    if (rc == 0) {
        measure_sort(times_ns, n);
        (void)printf("{\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"per_s\": %.0f}\n",
                     measure_percentile_ms(times_ns, n, 50), measure_percentile_ms(times_ns, n, 99),
                     (double)n / ((double)total_ns / 1e9));
    } else {
        (void)fprintf(stderr, "bench: LMDB in %s: %s\n", folder, mdb_strerror(rc));
    }
    if (env)
        mdb_env_close(env);
    free(data);
    free(times_ns);
    return rc == 0 ? 0 : 1;
}

/* --- ZeroMQ ----------------------------------------------------------------------------------------------
 */

#define WINDOW (1u << 20) /* bytes under way, as a source's credit */

struct zmq_client {
    void *context;
    const char *endpoint;
    struct batches batches;
    uint64_t n_events;
    bool failed;
};

static void not_ours(void *data, void *hint)
{
    (void)data;
    (void)hint; /* the mapping outlives the socket */
}

static bool send_batch(void *socket, const struct batch *batch)
{
    zmq_msg_t message;

    return zmq_msg_init_data(&message, (void *)(uintptr_t)batch->message, batch->size, not_ours, NULL) == 0 &&
           zmq_msg_send(&message, socket, 0) >= 0;
}

static void *run_client(void *argument)
{
    struct zmq_client *client = argument;
    void *socket = zmq_socket(client->context, ZMQ_DEALER);
    int linger = 0, hwm = 0;
    uint64_t under_way = 0;
    struct batch batch;
    size_t place = 0;
    uint32_t size;

    client->failed = !socket || zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)) < 0 ||
                     zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof(hwm)) < 0 ||
                     zmq_connect(socket, client->endpoint) < 0;
    while (!client->failed && batches_next(&client->batches, &place, &batch)) {
        while (!client->failed && under_way > 0 && under_way + batch.size > WINDOW) {
            client->failed = zmq_recv(socket, &size, sizeof(size), 0) != sizeof(size);
            under_way -= client->failed ? 0 : size;
        }
        client->failed = client->failed || !send_batch(socket, &batch);
        under_way += batch.size;
        client->n_events += batch.n_events;
    }
    while (!client->failed && under_way > 0) {
        client->failed = zmq_recv(socket, &size, sizeof(size), 0) != sizeof(size);
        under_way -= client->failed ? 0 : size;
    }
    if (socket)
        zmq_close(socket);
    return NULL;
}

/* Answers each message with its size, n of them. */
static bool answer_all(void *router, uint64_t n)
{
    bool ok = true;

    for (uint64_t i = 0; ok && i < n; i++) {
        zmq_msg_t from, message;
        uint32_t size;

        zmq_msg_init(&from);
        zmq_msg_init(&message);
        ok = zmq_msg_recv(&from, router, 0) >= 0 && zmq_msg_recv(&message, router, 0) >= 0;
        size = ok ? (uint32_t)zmq_msg_size(&message) : 0;
        ok = ok && zmq_msg_send(&from, router, ZMQ_SNDMORE) >= 0 &&
             zmq_send(router, &size, sizeof(size), 0) == sizeof(size);
        zmq_msg_close(&message);
        zmq_msg_close(&from);
    }
    return ok;
}

static int limit_zmq(const char *folder, uint32_t n_clients, const char *endpoint)
{
    struct zmq_client clients[LOAD_VENDORS] = {0};
    pthread_t threads[LOAD_VENDORS];
    void *context = zmq_ctx_new(), *router = context ? zmq_socket(context, ZMQ_ROUTER) : NULL;
    uint64_t n_batches = 0, n_events = 0;
    int64_t begin_ns;
    bool ok = router && n_clients <= LOAD_VENDORS && zmq_bind(router, endpoint) == 0;

    for (uint32_t i = 0; ok && i < n_clients; i++) {
        struct batch batch;
        size_t place = 0;

        clients[i] = (struct zmq_client){.context = context, .endpoint = endpoint};
        ok = batches_open(folder, i, &clients[i].batches);
        while (ok && batches_next(&clients[i].batches, &place, &batch))
            n_batches++;
    }
    if (!ok) {
        (void)fprintf(stderr, "bench: no load, or no socket at %s\n", endpoint);
        return 1; /* the process ends, and with it what is open */
    }
    begin_ns = measure_now_ns();
    for (uint32_t i = 0; i < n_clients; i++)
        if (pthread_create(&threads[i], NULL, run_client, &clients[i]) != 0)
            return 1;
    ok = answer_all(router, n_batches);
    for (uint32_t i = 0; i < n_clients; i++) {
        (void)pthread_join(threads[i], NULL);
        ok = ok && !clients[i].failed;
        n_events += clients[i].n_events;
        batches_close(&clients[i].batches);
    }
    (void)printf("{\"events_per_s\": %.0f}\n",
                 (double)n_events / ((double)(measure_now_ns() - begin_ns) / 1e9));
    zmq_close(router);
    zmq_ctx_term(context);
    return ok ? 0 : 1;
}

/* --- memory ----------------------------------------------------------------------------------------------
 */

#define GROUPS 36
#define RUNS   7

struct part {
    const uint8_t *groups;
    const uint32_t *values;
    size_t n;
    uint64_t sums[64], counts[64];
};

static void *scan_part(void *argument)
{
    struct part *part = argument;
    /* four of each, so that one row need not wait for the store of the one before */
    uint64_t sums[4][64] = {0}, counts[4][64] = {0};

    for (size_t i = 0; i + 4 <= part->n; i += 4)
        for (int j = 0; j < 4; j++) {
            uint8_t group = part->groups[i + (size_t)j];

            sums[j][group] += part->values[i + (size_t)j];
            counts[j][group]++;
        }
    for (size_t i = part->n / 4 * 4; i < part->n; i++) {
        sums[0][part->groups[i]] += part->values[i];
        counts[0][part->groups[i]]++;
    }
    for (int g = 0; g < 64; g++) {
        part->sums[g] = sums[0][g] + sums[1][g] + sums[2][g] + sums[3][g];
        part->counts[g] = counts[0][g] + counts[1][g] + counts[2][g] + counts[3][g];
    }
    return NULL;
}

static double scan_ms(const uint8_t *groups, const uint32_t *values, size_t n, int n_threads)
{
    int64_t times_ns[RUNS];

    for (int run = 0; run < RUNS; run++) {
        struct part parts[2] = {{.groups = groups, .values = values, .n = n / (size_t)n_threads}};
        int64_t begin_ns = measure_now_ns();
        pthread_t other;
        bool two;

        parts[1] = (struct part){.groups = groups + n / 2, .values = values + n / 2, .n = n - n / 2};
        two = n_threads == 2 && pthread_create(&other, NULL, scan_part, &parts[1]) == 0;
        (void)scan_part(&parts[0]);
        if (two)
            (void)pthread_join(other, NULL);
        times_ns[run] = measure_now_ns() - begin_ns;
        if (parts[0].counts[0] + (two ? parts[1].counts[0] : 0) == 0)
            return -1;
    }
    measure_sort(times_ns, RUNS);
    return (double)times_ns[RUNS / 2] / 1e6;
}

static int limit_scan(size_t n)
{
    uint8_t *groups = malloc(n + 1);
    uint32_t *values = malloc((n + 1) * sizeof(*values));
    double one, two;

    if (!groups || !values || n < 1000) {
        (void)fprintf(stderr, "bench: too few rows, or no memory for them\n");
        free(groups);
        free(values);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        groups[i] = (uint8_t)((i * 2654435761u >> 7) % GROUPS);
        values[i] = (uint32_t)(i * 2246822519u);
    }
    one = scan_ms(groups, values, n, 1);
    two = scan_ms(groups, values, n, 2);
    (void)printf("{\"ms\": [%.3f, %.3f], \"rows_per_s\": [%.0f, %.0f]}\n", one, two, (double)n / one * 1e3,
                 (double)n / two * 1e3);
    free(groups);
    free(values);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "lmdb") == 0)
        return limit_lmdb(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    if (argc == 5 && strcmp(argv[1], "zmq") == 0)
        return limit_zmq(argv[2], (uint32_t)number(argv[3]), argv[4]);
    if (argc == 3 && strcmp(argv[1], "scan") == 0)
        return limit_scan(number(argv[2]));
    (void)fprintf(stderr, "usage: limit lmdb FOLDER COMMITS BYTES PAUSE_US\n"
                          "       limit zmq FOLDER CLIENTS ENDPOINT\n"
                          "       limit scan ROWS\n");
    return 2;
}
