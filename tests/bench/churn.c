/* How large a store's file becomes under steady load with retention: simulated days, one after the other,
 * each a day's events, what a query makes the store do, housekeeping and the day's retention.
 *
 *   churn LOAD_FOLDER CLIENTS DATA_FOLDER KEEP_DAYS STEADY_DAYS
 *
 * The batches of `load make` are committed by the time of their events. After the first KEEP_DAYS, tickets
 * that have been done for so long leave the log and the facts; STEADY_DAYS more follow. What is live at the
 * end is what another store takes that has only ever got the last KEEP_DAYS. Prints as JSON what the file
 * takes, how much of it was free at its largest, and what is in use at the end and live, by part. DATA_FOLDER
 * is made and must not be there. */
#include "core/ingest/decode.h"
#include "core/store/store.h"
#include "tests/bench/batches.h"
#include "tests/bench/measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)

/* One client's batches, the next of them decoded. */
struct feed {
    struct batches batches;
    size_t place;
    struct decoded decoded;
    int64_t first_ms, last_ms; /* of the next batch's events; first_ms INT64_MAX: there is none */
    uint64_t seq;
    char name[16];
};

struct churn {
    const char *load;
    struct feed feeds[LOAD_VENDORS];
    uint32_t n;
    int64_t now_ms; /* the machine's: the store's first day */
    struct error err;
};

static bool failed(const struct churn *churn, const char *what)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, churn->err.message);
    return false;
}

static bool feed_next(struct churn *churn, struct feed *feed)
{
    const struct decode_rules rules = {.schema = {.types = UINT32_MAX, .now = churn->now_ms}};
    struct wire_envelope envelope;
    enum wire_nack nack;
    struct batch batch;

    feed->first_ms = INT64_MAX;
    if (!batches_next(&feed->batches, &feed->place, &batch))
        return true;
    if (wire_envelope_read(batch.message, batch.size, &envelope) != 0 ||
        decode_batch(&feed->decoded, envelope.body.at, (size_t)(envelope.body.end - envelope.body.at), &rules,
                     &nack) != 0 ||
        feed->decoded.n_events == 0)
        return failed(churn, "a batch of the load cannot be decoded");
    feed->first_ms = feed->decoded.events[0].at;
    feed->last_ms = feed->decoded.events[feed->decoded.n_events - 1].at;
    return true;
}

static bool feeds_open(struct churn *churn)
{
    for (uint32_t i = 0; i < churn->n; i++) {
        struct feed *feed = &churn->feeds[i];

        (void)snprintf(feed->name, sizeof(feed->name), "main-%u", i);
        decoded_init(&feed->decoded);
        if (!batches_open(churn->load, i, &feed->batches) || !feed_next(churn, feed))
            return false;
    }
    return true;
}

static void feeds_close(struct churn *churn)
{
    for (uint32_t i = 0; i < churn->n; i++) {
        decoded_fini(&churn->feeds[i].decoded);
        batches_close(&churn->feeds[i].batches);
        churn->feeds[i] = (struct feed){0};
    }
}

static struct store *open_at(struct churn *churn, const char *folder, const char *name)
{
    char path[4096];
    struct store_options options = {.path = path, .key = {1}, .map_bytes = UINT64_C(1) << 38, .create = true};
    struct store *store;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (store_open(&options, &store, &churn->err) == 0)
        return store;
    (void)failed(churn, "no store");
    return NULL;
}

/* Commits what every client has before that instant; leaves out what is older than from_ms. */
static bool commit_until(struct churn *churn, struct store *store, int64_t from_ms, int64_t until_ms)
{
    for (;;) {
        struct store_batch batches[LOAD_VENDORS];
        struct feed *sent[LOAD_VENDORS];
        uint32_t n = 0;

        for (uint32_t i = 0; i < churn->n; i++) {
            struct feed *feed = &churn->feeds[i];
            struct decoded *decoded = &feed->decoded;

            while (feed->first_ms != INT64_MAX && feed->last_ms < from_ms)
                if (!feed_next(churn, feed))
                    return false;
            if (feed->first_ms >= until_ms)
                continue;
            sent[n] = feed;
            batches[n++] = (struct store_batch){.source = feed->name,
                                                .namespace = feed->name,
                                                .seq = ++feed->seq,
                                                .events = decoded->events,
                                                .indices = decoded->indices,
                                                .n_events = decoded->n_events,
                                                .rejects = decoded->rejects,
                                                .n_rejects = decoded->n_rejects};
        }
        if (n == 0)
            return true;
        if (store_commit(store, batches, n, &churn->err) != 0)
            return failed(churn, "commit");
        for (uint32_t i = 0; i < n; i++)
            if (!feed_next(churn, sent[i]))
                return false;
        if (store_maintain(store, false, &churn->err) < 0)
            return failed(churn, "housekeeping");
    }
}

/* What a query and a quiet minute make the store do. */
static bool settle(struct churn *churn, struct store *store)
{
    struct store_view *view;
    int rc;

    if (store_view_open(store, FACT_TABLES_ALL, &view, &churn->err) != 0)
        return failed(churn, "no view");
    store_view_close(view);
    while ((rc = store_maintain(store, true, &churn->err)) == 1)
        ;
    while (rc == 0 && (rc = store_refold(store, &churn->err)) == 1) /* what is done between commits */
        rc = 0;
    return rc == 0 || failed(churn, "housekeeping");
}

/* The day's retention. The store's clock is the machine's and may only go on, so it is the retention that is
 * as long as it takes to reach from there to keep_ms before the simulated instant. */
static bool retire(struct churn *churn, struct store *store, int64_t instant_ms, int64_t keep_ms)
{
    int64_t reach_ms, now_ms = churn->now_ms += DAY_MS;
    int rc;

    reach_ms = now_ms - (instant_ms - keep_ms);
    store_set_retention(store, &(struct store_retention){.log_ms = reach_ms, .facts_ms = reach_ms});
    while ((rc = store_retire(store, now_ms, &churn->err)) == 1)
        ;
    return rc == 0 || failed(churn, "retention");
}

struct sizes {
    uint64_t full, peak, end,
        live;      /* bytes of the file: after keep_days, at most since, and of what is live */
    uint64_t free; /* of peak: pages that nothing was in */
    struct store_statistics found, kept; /* at the end, and of what is live: pages in use */
};

static bool simulate(struct churn *churn, const char *folder, int64_t keep_days, int64_t steady_days,
                     struct sizes *ret)
{
    struct store *store = open_at(churn, folder, "churn");
    bool ok = store != NULL;

    *ret = (struct sizes){0};
    for (int64_t day = 1; ok && day <= keep_days + steady_days; day++) {
        int64_t instant_ms = LOAD_FROM_MS + day * DAY_MS;

        ok = commit_until(churn, store, INT64_MIN, instant_ms) &&
             (day <= keep_days || retire(churn, store, instant_ms, keep_days * DAY_MS)) &&
             settle(churn, store);
        if (!ok)
            break;
        store_statistics(store, &ret->found);
        ret->end = ret->found.file_bytes;
        if (day == keep_days)
            ret->full = ret->end;
        if (day >= keep_days && ret->end >= ret->peak) {
            ret->peak = ret->end;
            ret->free = ret->end - ret->found.used_bytes;
        }
    }
    store_close(store);
    return ok;
}

static bool load_live(struct churn *churn, const char *folder, int64_t keep_days, int64_t steady_days,
                      struct sizes *ret)
{
    struct store *store = open_at(churn, folder, "live");
    int64_t from_ms = LOAD_FROM_MS + steady_days * DAY_MS;
    bool ok =
        store && commit_until(churn, store, from_ms, from_ms + keep_days * DAY_MS) && settle(churn, store);

    if (ok) {
        store_statistics(store, &ret->kept);
        ret->live = ret->kept.file_bytes;
    }
    store_close(store);
    return ok;
}

static int64_t number(const char *text, uint64_t most)
{
    uint64_t value;

    if (!measure_number(text, 1, most, &value))
        exit(2);
    return (int64_t)value;
}

static void print_sizes(const struct sizes *s)
{
    const struct store_statistics *found = &s->found, *kept = &s->kept;

    (void)printf("{\"full\": %" PRIu64 ", \"peak\": %" PRIu64 ", \"free\": %" PRIu64 ", \"end\": %" PRIu64
                 ", \"live\": %" PRIu64 ", \"left\": %" PRIu64,
                 s->full, s->peak, s->free, s->end, s->live, found->frozen + found->erased);
    (void)printf(", \"used\": %" PRIu64 ", \"log\": %" PRIu64 ", \"directory\": %" PRIu64
                 ", \"facts\": %" PRIu64,
                 found->used_bytes, found->bytes_log, found->bytes_directory, found->bytes_facts);
    (void)printf(", \"live_used\": %" PRIu64 ", \"live_log\": %" PRIu64 ", \"live_directory\": %" PRIu64
                 ", \"live_facts\": %" PRIu64 "}\n",
                 kept->used_bytes, kept->bytes_log, kept->bytes_directory, kept->bytes_facts);
}

int main(int argc, char **argv)
{
    static struct churn churn = {.err = ERROR_INIT};
    int64_t keep_days, steady_days;
    struct sizes sizes;
    bool ok;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: churn LOAD_FOLDER CLIENTS DATA_FOLDER KEEP_DAYS STEADY_DAYS\n");
        return 2;
    }
    churn.load = argv[1];
    churn.n = (uint32_t)number(argv[2], LOAD_VENDORS);
    keep_days = number(argv[4], LOAD_DAYS);
    steady_days = number(argv[5], LOAD_DAYS);
    churn.now_ms = (int64_t)time(NULL) * 1000;
    if (mkdir(argv[3], 0700) != 0) {
        (void)fprintf(stderr, "bench: %s cannot be made, or is there\n", argv[3]);
        return 1;
    }
    ok = feeds_open(&churn) && simulate(&churn, argv[3], keep_days, steady_days, &sizes);
    feeds_close(&churn);
    ok = ok && feeds_open(&churn) && load_live(&churn, argv[3], keep_days, steady_days, &sizes);
    feeds_close(&churn);
    if (ok)
        print_sizes(&sizes);
    return ok ? 0 : 1;
}
