#include "core/ingest/committer.h"

#include "core/base/log.h"
#include "core/base/scheduler.h"
#include "core/forward/refusals.h"
#include "core/ingest/arrival.h"
#include "core/ingest/decode.h"
#include "core/ingest/group.h"
#include "core/ingest/job.h"
#include "core/tenant/tenant.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define THREADS_MAX 64
#define TURN_BYTES  (256 * 1024) /* that a tenant is given a round; a group of more is made up for */
#define TURN_COST   4096         /* of a turn, whatever it takes */

/* One tenant's queue. Everything is under the committer's lock but what a running turn owns: the store. */
struct actor {
    struct flow flow; /* first: whose turn it is, by the bytes that its turns take */
    struct tenant *tenant;
    struct job *head, *tail;
    struct job *to_decode;  /* the first batch of the queue that nobody decodes yet */
    uint64_t decoded_bytes; /* of batches in the queue that are decoded or being so */
    bool is_running;        /* a thread has the store */
    bool in_decodable, in_idle;
    struct actor *next_decodable, *next_idle;
    int64_t settle_at; /* ms, monotonic */
    bool has_slices;   /* the store may have a slice of a refold to do */
    int64_t slice_at;  /* ms, monotonic: not before, while there are jobs */

    struct reference *reference; /* as of the last look; dropped after each call */
    unsigned n_calls;            /* after which it was dropped: what was looked up before is not kept */
    bool is_failing;             /* the last commit failed: logged once */
    bool is_refold_failing;      /* and the last slice */
};

struct actor_list {
    struct actor *head, *tail;
};

struct committer {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a thread may find something to do */
    pthread_cond_t call_done;
    char *data_path;
    uint64_t free_bytes;
    struct logger *logger;
    bool is_stopping, is_joined;
    unsigned n_threads, n_turns; /* so many of them have a turn */
    pthread_t threads[THREADS_MAX];

    struct actor *actors[TENANTS_MAX]; /* by tenant->index; made when first used */
    struct scheduler ready;
    struct actor_list decodable, idle;
    struct decoded_pool decoded;
    struct refusals *refusals;
    struct committer_statistics statistics;
};

static int64_t monotonic_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int64_t realtime_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* --- lists of actors --------------------------------------------------------------------------------------
 */

#define LIST_FUNCTIONS(which)                                                                                \
    static void which##_push(struct committer *c, struct actor *a)                                           \
    {                                                                                                        \
        if (a->in_##which)                                                                                   \
            return;                                                                                          \
        a->in_##which = true;                                                                                \
        a->next_##which = NULL;                                                                              \
        if (c->which.tail)                                                                                   \
            c->which.tail->next_##which = a;                                                                 \
        else                                                                                                 \
            c->which.head = a;                                                                               \
        c->which.tail = a;                                                                                   \
    }                                                                                                        \
    static struct actor *which##_pop(struct committer *c)                                                    \
    {                                                                                                        \
        struct actor *a = c->which.head;                                                                     \
        if (!a)                                                                                              \
            return NULL;                                                                                     \
        c->which.head = a->next_##which;                                                                     \
        if (!c->which.head)                                                                                  \
            c->which.tail = NULL;                                                                            \
        a->in_##which = false;                                                                               \
        return a;                                                                                            \
    }
LIST_FUNCTIONS(decodable)
LIST_FUNCTIONS(idle)

/* Whether the job at the head of the queue can be done; a batch that another thread decodes cannot yet. */
static bool actor_has_job(const struct actor *a)
{
    return a->head && (a->head->kind != JOB_BATCH || a->head->state != JOB_DECODING);
}

/* Puts the actor where a thread will find what it has to do. */
static void actor_offer(struct committer *c, struct actor *a)
{
    if (!a->is_running && (actor_has_job(a) || a->has_slices)) {
        scheduler_offer(&c->ready, &a->flow);
        (void)pthread_cond_signal(&c->work);
    }
    /* Two groups ahead at most: decoded events take some times the room of their bytes. */
    if (a->to_decode && a->decoded_bytes < 2 * COMMITTER_GROUP_BYTES) {
        decodable_push(c, a);
        (void)pthread_cond_signal(&c->work);
    }
}

static struct actor *actor_of(struct committer *c, struct tenant *t)
{
    if (t->index >= TENANTS_MAX)
        return NULL;
    struct actor *a = c->actors[t->index];
    if (!a) {
        a = calloc(1, sizeof(*a));
        if (!a)
            return NULL;
        a->tenant = t;
        c->actors[t->index] = a;
    }
    return a;
}

/* --- decoding ---------------------------------------------------------------------------------------------
 */

/* The tenant's reference tables, with a reference for the caller; NULL when they cannot be had, which a later
 * batch tries again. */
static struct reference *actor_reference(struct committer *c, struct actor *a)
{
    (void)pthread_mutex_lock(&c->lock);
    struct reference *r = a->reference ? reference_ref(a->reference) : NULL;
    const unsigned n_calls = a->n_calls;
    (void)pthread_mutex_unlock(&c->lock);
    if (r)
        return r;

    struct store_view *view;
    if (store_view_open(a->tenant->store, FACT_TABLES_NONE, &view, NULL) != 0)
        return NULL;
    const struct reference *seen = store_view_reference(view);
    r = seen ? reference_ref((struct reference *)seen) : NULL;
    store_view_close(view);
    (void)pthread_mutex_lock(&c->lock);
    if (r && !a->reference && a->n_calls == n_calls)
        a->reference = reference_ref(r);
    (void)pthread_mutex_unlock(&c->lock);
    return r;
}

static void actor_forget_reference(struct committer *c, struct actor *a)
{
    (void)pthread_mutex_lock(&c->lock);
    struct reference *r = a->reference;
    a->reference = NULL;
    a->n_calls++;
    (void)pthread_mutex_unlock(&c->lock);
    reference_unref(r);
}

static void job_decode(struct committer *c, struct actor *a, struct job *j)
{
    struct decode_rules *rules = &j->rules;
    struct tenant_settings *settings = tenant_settings_get(a->tenant);
    rules->schema.n_declared = settings->n_declared;
    memcpy(rules->schema.declared, settings->declared, settings->n_declared * sizeof(settings->declared[0]));
    rules->closed = settings->closed;
    tenant_settings_unref(settings);
    rules->schema.now = realtime_ms();

    struct reference *reference = NULL;
    if (rules->closed || rules->stamp_vendor[0] || rules->stamp_outsourcer[0])
        reference = actor_reference(c, a);
    rules->reference = reference;
    j->decoded_rc = j->decoded ? decode_batch(&j->decoded->d, j->body, j->size, rules, &j->nack) : -ENOMEM;
    if (j->decoded_rc == 0)
        j->decoded_rc = store_prepare(a->tenant->store, j->namespace, j->decoded->d.events,
                                      j->decoded->d.n_events, &j->decoded->prepared);
    rules->reference = NULL; /* nothing decoded points into it */
    reference_unref(reference);
}

/* Decodes the first batch of the queue that nobody decodes yet. Called and returns with the lock held. */
static void actor_decode(struct committer *c, struct actor *a)
{
    struct job *j = a->to_decode;
    if (!j)
        return;
    j->state = JOB_DECODING;
    j->decoded = decoded_pool_get(&c->decoded);
    a->decoded_bytes += j->size;
    do {
        a->to_decode = a->to_decode->next;
    } while (a->to_decode && a->to_decode->kind != JOB_BATCH);
    actor_offer(c, a); /* the next one is for another thread */
    (void)pthread_mutex_unlock(&c->lock);

    job_decode(c, a, j);

    (void)pthread_mutex_lock(&c->lock);
    j->state = JOB_DECODED;
    actor_offer(c, a);
}

/* --- committing -------------------------------------------------------------------------------------------
 */

/* Says once that commits fail, and once that they do again. */
static void actor_note(struct committer *c, struct actor *a, int rc, const struct error *err)
{
    char room[600];
    bool failed = rc != 0;
    if (failed == a->is_failing)
        return;
    a->is_failing = failed;
    if (failed)
        log_error(c->logger, "ingest", rc == -ENOSPC ? "disk_full" : "commit_failed",
                  "tenant=%s code=%s reason=%s", a->tenant->name, err->code,
                  log_quote(room, sizeof(room), err->message));
    else
        log_info(c->logger, "ingest", "commit_resumed", "tenant=%s", a->tenant->name);
}

/* One turn over a group of batches. Without the lock; the calling thread has the actor. */
static void actor_commit(struct committer *c, struct actor *a, struct group *g)
{
    struct committer_statistics sum = {0};
    struct error err = ERROR_INIT;
    int rc = group_run(g, a->tenant, c->data_path, c->free_bytes, &sum, &err);
    if (g->n_batches > 0)
        actor_note(c, a, rc, &err);
    (void)pthread_mutex_lock(&c->lock);
    c->statistics.commits += sum.commits;
    c->statistics.failed_commits += sum.failed_commits;
    c->statistics.batches += sum.batches;
    c->statistics.events += sum.events;
    c->statistics.repeats += sum.repeats;
    c->statistics.out_of_order += sum.out_of_order;
    c->statistics.malformed += sum.malformed;
    (void)pthread_mutex_unlock(&c->lock);
}

/* --- the other jobs ---------------------------------------------------------------------------------------
 */

static void actor_maintain(struct committer *c, struct actor *a, bool settle);

/* In its place in the queue: every batch of the session before is decided, so last_seq is the new one's. */
static void hello_run(struct actor *a, struct job *j)
{
    uint8_t cursor[STORE_CURSOR_BYTES];
    struct error err = ERROR_INIT;
    struct committer_answer answer = {.kind = WIRE_WELCOME, .last_seq = group_last_seq(a->tenant, j->source)};
    answer.cursor = cursor;
    if (store_source_cursor(a->tenant->store, j->source, cursor, &answer.cursor_size, &err) != 0)
        group_nack(&answer, WIRE_NACK_STORE_FAILED, COMMITTER_RETRY_MS, false);
    j->done(j->ctx, &answer);
}

/* A parcel of a site: a commit of its own. */
static void forward_run(struct committer *c, struct actor *a, struct job *j)
{
    struct error err = ERROR_INIT;
    struct arrival_statistics sum = {0};
    int rc = arrival_take(a->tenant, j, c->data_path, c->free_bytes, c->refusals, &sum, &err);
    actor_forget_reference(c, a); /* it may have brought rows */
    if (rc == -ENOSPC || rc == -EIO || rc == 0)
        actor_note(c, a, rc, &err);
    (void)pthread_mutex_lock(&c->lock);
    c->statistics.events += sum.n_events;
    c->statistics.commits += sum.n_commits;
    c->statistics.failed_commits += rc != 0 && rc != -EPERM;
    c->statistics.repeats += sum.n_repeats;
    (void)pthread_mutex_unlock(&c->lock);
    actor_maintain(c, a, false);
}

static void call_run(struct committer *c, struct actor *a, struct job *j)
{
    int rc = j->call->fn(a->tenant, j->call->ctx, j->call->err);
    actor_forget_reference(c, a); /* it may have been an import */
    (void)pthread_mutex_lock(&c->lock);
    j->call->rc = rc;
    j->call->is_done = true;
    (void)pthread_cond_broadcast(&c->call_done);
    (void)pthread_mutex_unlock(&c->lock);
}

/* Seals what is due; with settle, whatever is worth it, as long as nothing else is to be done. */
static void actor_maintain(struct committer *c, struct actor *a, bool settle)
{
    struct error err = ERROR_INIT;
    char room[600];
    bool has_work;
    int rc;
    do {
        rc = store_maintain(a->tenant->store, settle, &err);
        (void)pthread_mutex_lock(&c->lock);
        has_work = a->head || c->is_stopping;
        (void)pthread_mutex_unlock(&c->lock);
    } while (rc == 1 && !has_work);
    if (rc < 0)
        log_error(c->logger, "ingest", "maintenance_failed", "tenant=%s code=%s reason=%s", a->tenant->name,
                  err.code, log_quote(room, sizeof(room), err.message));
    if (rc == 1 && settle) { /* interrupted: again when it is idle */
        (void)pthread_mutex_lock(&c->lock);
        a->settle_at = monotonic_ms() + COMMITTER_SETTLE_MS;
        idle_push(c, a);
        (void)pthread_mutex_unlock(&c->lock);
    }
}

/* One slice of a refold. It takes at most half of the time while there are commits to do. Without the lock.
 */
static void actor_slice(struct committer *c, struct actor *a)
{
    struct error err = ERROR_INIT;
    char room[600];
    int64_t began = monotonic_ms();
    int rc = store_refold(a->tenant->store, &err);
    int64_t ended = monotonic_ms();
    if (rc < 0 && !a->is_refold_failing)
        log_error(c->logger, "ingest", "refold_failed", "tenant=%s code=%s reason=%s", a->tenant->name,
                  err.code, log_quote(room, sizeof(room), err.message));
    (void)pthread_mutex_lock(&c->lock);
    a->is_refold_failing = rc < 0;
    a->has_slices |= rc == 1; /* after a failure when it is idle, or with a commit after some time */
    a->slice_at = rc < 0 ? ended + COMMITTER_RETRY_MS : ended + (ended - began);
    (void)pthread_mutex_unlock(&c->lock);
}

/* Whether a job left something to refold. */
static bool actor_is_refolding(struct actor *a)
{
    struct store_progress progress;
    store_progress(a->tenant->store, &progress);
    return progress.is_refolding || progress.is_retiring || progress.is_compacting;
}

/* --- threads ----------------------------------------------------------------------------------------------
 */

static struct job *actor_take(struct committer *c, struct actor *a)
{
    struct job *j = a->head;
    a->head = j->next;
    if (!a->head)
        a->tail = NULL;
    j->next = NULL;
    if (j->kind == JOB_BATCH) {
        a->decoded_bytes -= j->size;
        c->statistics.queued_bytes -= j->size;
    }
    return j;
}

/* Whether the turn itself decodes the batch that it has come to: it would have nothing to commit, or every
 * thread has a turn and so nobody decodes ahead. Commits of what is decoded by chance would be small, each
 * with its flushes. */
static bool turn_decodes(const struct committer *c, const struct group *g, size_t bytes)
{
    return g->n_jobs == 0 || (c->n_turns == c->n_threads && bytes < TURN_BYTES);
}

/* The batches at the head of the queue, as many as one commit takes. Called and returns with the lock held,
 * which it gives up to decode. */
static void group_take(struct committer *c, struct group *g, struct actor *a)
{
    size_t bytes = 0;
    g->n_jobs = g->n_batches = g->n_sources = 0;
    while (a->head && a->head->kind == JOB_BATCH && g->n_jobs < GROUP_JOBS &&
           (g->n_jobs == 0 || bytes + a->head->size <= COMMITTER_GROUP_BYTES)) {
        if (a->head->state == JOB_QUEUED && turn_decodes(c, g, bytes))
            actor_decode(c, a);
        if (a->head->state != JOB_DECODED)
            break;
        bytes += a->head->size;
        g->jobs[g->n_jobs++] = actor_take(c, a);
    }
}

/* One turn of an actor that is ready: jobs, a slice of a refold, or both. Called and returns with the lock
 * held. */
static void actor_run(struct committer *c, struct actor *a, struct group *g)
{
    bool has_job = actor_has_job(a);
    if (a->is_running || !(has_job || a->has_slices))
        return;
    a->is_running = true;
    c->n_turns++;
    bool is_due = a->has_slices;
    a->has_slices = false; /* who wakes it from now on is heard */
    struct job *single = has_job && a->head->kind != JOB_BATCH ? actor_take(c, a) : NULL;
    g->n_jobs = 0;
    if (has_job && !single)
        group_take(c, g, a);
    actor_offer(c, a); /* what is behind may be decoded meanwhile */
    (void)pthread_mutex_unlock(&c->lock);

    if (single) {
        if (single->kind == JOB_HELLO)
            hello_run(a, single);
        else if (single->kind == JOB_FORWARD)
            forward_run(c, a, single);
        else
            call_run(c, a, single);
    } else if (has_job) {
        actor_commit(c, a, g);
        actor_maintain(c, a, false);
    }
    is_due |= has_job && actor_is_refolding(a);
    bool is_time = !has_job || monotonic_ms() >= a->slice_at;
    if (is_due && is_time)
        actor_slice(c, a);

    (void)pthread_mutex_lock(&c->lock);
    a->has_slices |= is_due && !is_time;
    size_t bytes = TURN_COST + (single ? single->size : 0);
    if (single)
        job_free(single, &c->decoded);
    for (unsigned i = 0; !single && i < g->n_jobs; i++) {
        bytes += g->jobs[i]->size;
        job_free(g->jobs[i], &c->decoded);
    }
    scheduler_charge(&c->ready, &a->flow, (int64_t)bytes);
    a->is_running = false;
    c->n_turns--;
    if (has_job || a->is_refold_failing) {
        a->settle_at = monotonic_ms() + COMMITTER_SETTLE_MS;
        idle_push(c, a);
    }
    actor_offer(c, a);
}

/* Settles the actor that has been idle longest, if it is time; else says when, in *ret_wait_ms. */
static bool settle_one(struct committer *c, int64_t *ret_wait_ms)
{
    int64_t now = monotonic_ms();
    while (c->idle.head) {
        struct actor *a = c->idle.head;
        if (a->settle_at > now && !a->is_running && !a->head) {
            *ret_wait_ms = a->settle_at - now;
            return false;
        }
        (void)idle_pop(c);
        if (a->is_running || a->head) /* its turn puts it back */
            continue;
        a->is_running = true;
        (void)pthread_mutex_unlock(&c->lock);
        actor_maintain(c, a, true);
        (void)pthread_mutex_lock(&c->lock);
        a->has_slices |= a->is_refold_failing;
        a->is_running = false;
        actor_offer(c, a);
        return true;
    }
    *ret_wait_ms = -1;
    return false;
}

static void wait_for_work(struct committer *c, int64_t wait_ms)
{
    if (wait_ms < 0) {
        (void)pthread_cond_wait(&c->work, &c->lock);
        return;
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&c->work, &c->lock, &until);
}

static void *committer_thread(void *arg)
{
    struct committer *c = arg;
    struct group *g = malloc(sizeof(*g));
    (void)pthread_setname_np(pthread_self(), "committer");
    /* Questions come first: they are short, and a batch has been waiting for others anyway. Of this thread
     * alone. */
    (void)setpriority(PRIO_PROCESS, 0, COMMITTER_NICE);
    (void)pthread_mutex_lock(&c->lock);
    while (!c->is_stopping && g) {
        struct actor *a;
        int64_t wait_ms;
        if ((a = (struct actor *)scheduler_take(&c->ready)))
            actor_run(c, a, g);
        else if ((a = decodable_pop(c)))
            actor_decode(c, a);
        else if (!settle_one(c, &wait_ms) && !c->is_stopping)
            wait_for_work(c, wait_ms);
    }
    (void)pthread_mutex_unlock(&c->lock);
    free(g);
    return NULL;
}

/* --- from outside -----------------------------------------------------------------------------------------
 */

int committer_new(const struct committer_options *options, struct committer **ret, struct error *err)
{
    struct committer *c = calloc(1, sizeof(*c));
    pthread_condattr_t attributes;
    if (!c)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the committer");
    c->data_path = strdup(options->data_path);
    if (!c->data_path) {
        free(c);
        return error_set(err, -ENOMEM, "no_memory", "no memory for the committer");
    }
    c->refusals = refusals_new();
    if (!c->refusals) {
        free(c->data_path);
        free(c);
        return error_set(err, -ENOMEM, "no_memory", "no memory for the committer");
    }
    scheduler_init(&c->ready, TURN_BYTES);
    c->free_bytes = options->free_bytes ? options->free_bytes : COMMITTER_FREE_BYTES;
    c->logger = options->logger;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->work, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_cond_init(&c->call_done, NULL);

    unsigned n = options->n_threads ? options->n_threads : 2;
    (void)pthread_mutex_lock(&c->lock); /* they count themselves */
    for (; c->n_threads < n && c->n_threads < THREADS_MAX; c->n_threads++)
        if (pthread_create(&c->threads[c->n_threads], NULL, committer_thread, c) != 0)
            break;
    (void)pthread_mutex_unlock(&c->lock);
    if (c->n_threads == 0) {
        committer_free(c);
        return error_set(err, -EAGAIN, "no_threads", "the committer's threads cannot be started");
    }
    *ret = c;
    return 0;
}

static int committer_submit(struct committer *c, struct tenant *t, struct job *j)
{
    (void)pthread_mutex_lock(&c->lock);
    struct actor *a = c->is_stopping ? NULL : actor_of(c, t);
    int rc = c->is_stopping ? -ESHUTDOWN : a ? 0 : -ENOMEM;
    if (rc == 0) {
        if (a->tail)
            a->tail->next = j;
        else
            a->head = j;
        a->tail = j;
        if (j->kind == JOB_BATCH) {
            c->statistics.queued_bytes += j->size;
            if (!a->to_decode)
                a->to_decode = j;
        }
        actor_offer(c, a);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return rc;
}

int committer_hello(struct committer *c, struct tenant *t, const struct grant *who, committer_done done,
                    void *ctx)
{
    struct job *j = job_new(JOB_HELLO, who, NULL, 0, done, ctx);
    int rc = j ? committer_submit(c, t, j) : -ENOMEM;
    if (rc != 0)
        job_free(j, NULL);
    return rc;
}

int committer_submit_batch(struct committer *c, struct tenant *t, const struct grant *who, const void *body,
                           size_t size, committer_done done, void *ctx)
{
    struct job *j = job_new(JOB_BATCH, who, body, size, done, ctx);
    int rc = j ? committer_submit(c, t, j) : -ENOMEM;
    if (rc != 0)
        job_free(j, NULL);
    return rc;
}

int committer_submit_forward(struct committer *c, struct tenant *t, const struct grant *who, const void *body,
                             size_t size, committer_done done, void *ctx)
{
    struct job *j = job_new(JOB_FORWARD, who, body, size, done, ctx);
    int rc = j ? committer_submit(c, t, j) : -ENOMEM;
    if (rc != 0)
        job_free(j, NULL);
    return rc;
}

struct refusals *committer_refusals(struct committer *c)
{
    return c->refusals;
}

int committer_call(struct committer *c, struct tenant *t,
                   int (*fn)(struct tenant *t, void *ctx, struct error *err), void *ctx, struct error *err)
{
    struct job_call call = {.fn = fn, .ctx = ctx, .err = err};
    struct job *j = job_new(JOB_CALL, NULL, NULL, 0, NULL, NULL);
    if (!j)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the request");
    j->call = &call;
    int rc = committer_submit(c, t, j);
    if (rc != 0) {
        job_free(j, NULL);
        return rc == -ESHUTDOWN ? error_set(err, rc, "stopping", "the collector is stopping")
                                : error_set(err, rc, "no_memory", "no memory for the request");
    }
    (void)pthread_mutex_lock(&c->lock);
    while (!call.is_done)
        (void)pthread_cond_wait(&c->call_done, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
    return call.rc;
}

int committer_room(struct committer *c, struct tenant *t, struct error *err)
{
    return group_room(t, c->data_path, c->free_bytes, err);
}

void committer_wake(struct committer *c, struct tenant *t)
{
    (void)pthread_mutex_lock(&c->lock);
    struct actor *a = c->is_stopping ? NULL : actor_of(c, t);
    if (a) {
        a->has_slices = true;
        actor_offer(c, a);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

/* Takes an actor out of a list of which it may be a member. */
#define LIST_REMOVE(which)                                                                                   \
    static void which##_remove(struct committer *c, struct actor *a)                                         \
    {                                                                                                        \
        unsigned n = 0;                                                                                      \
        for (const struct actor *at = c->which.head; at; at = at->next_##which)                              \
            n++;                                                                                             \
        while (n-- > 0) {                                                                                    \
            struct actor *first = which##_pop(c);                                                            \
            if (first != a)                                                                                  \
                which##_push(c, first);                                                                      \
        }                                                                                                    \
    }
LIST_REMOVE(decodable)
LIST_REMOVE(idle)

void committer_forget(struct committer *c, struct tenant *t)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    (void)pthread_mutex_lock(&c->lock);
    struct actor *a = c->actors[t->index];
    while (a && (a->head || a->is_running)) {
        (void)pthread_mutex_unlock(&c->lock);
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&c->lock);
    }
    if (a) {
        scheduler_remove(&c->ready, &a->flow);
        decodable_remove(c, a);
        idle_remove(c, a);
        reference_unref(a->reference);
        free(a);
        c->actors[t->index] = NULL;
    }
    (void)pthread_mutex_unlock(&c->lock);
}

void committer_statistics(struct committer *c, struct committer_statistics *ret)
{
    (void)pthread_mutex_lock(&c->lock);
    *ret = c->statistics;
    (void)pthread_mutex_unlock(&c->lock);
}

/* Answers what was queued and will not be done. No thread is left but the caller's. */
static void actor_refuse(struct committer *c, struct actor *a)
{
    while (a->head) {
        struct committer_answer answer = {0};
        struct job *j = actor_take(c, a);
        if (j->kind == JOB_CALL) {
            j->call->rc = error_set(j->call->err, -ESHUTDOWN, "stopping", "the collector is stopping");
            j->call->is_done = true;
        } else {
            answer.seq = j->kind == JOB_HELLO ? 0 : decode_seq(j->body, j->size);
            group_nack(&answer, WIRE_NACK_STOPPING, COMMITTER_RETRY_MS, false);
            answer.last_seq = group_last_seq(a->tenant, j->source);
            j->done(j->ctx, &answer);
        }
        job_free(j, &c->decoded);
    }
    a->to_decode = NULL;
}

void committer_stop(struct committer *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    (void)pthread_cond_broadcast(&c->work);
    bool is_joined = c->is_joined;
    c->is_joined = true;
    (void)pthread_mutex_unlock(&c->lock);
    if (is_joined)
        return;
    for (unsigned i = 0; i < c->n_threads; i++)
        (void)pthread_join(c->threads[i], NULL);

    (void)pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < TENANTS_MAX; i++)
        if (c->actors[i])
            actor_refuse(c, c->actors[i]);
    (void)pthread_cond_broadcast(&c->call_done);
    (void)pthread_mutex_unlock(&c->lock);
}

void committer_free(struct committer *c)
{
    if (!c)
        return;
    committer_stop(c);
    for (unsigned i = 0; i < TENANTS_MAX; i++)
        if (c->actors[i]) {
            reference_unref(c->actors[i]->reference);
            free(c->actors[i]);
        }
    decoded_pool_fini(&c->decoded);
    refusals_free(c->refusals);
    (void)pthread_cond_destroy(&c->work);
    (void)pthread_cond_destroy(&c->call_done);
    (void)pthread_mutex_destroy(&c->lock);
    free(c->data_path);
    free(c);
}
