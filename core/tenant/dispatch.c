#include "core/tenant/dispatch.h"

#include "core/base/document.h"
#include "core/base/instant.h"
#include "core/base/log.h"
#include "core/base/scheduler.h"
#include "core/ingest/pattern.h"
#include "core/query/crew.h"
#include "core/tenant/method.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Documents from who does not import anything: small, whatever they say. */
#define DOCUMENT_VALUES_SMALL 4096
/* Requests that wait, all together; of one tenant. */
#define WAITING_BYTES (64u * 1024 * 1024)
#define WAITING_LANE  64
/* A round of the scheduler gives a tenant so much time. */
#define QUANTUM_MS 20

struct job {
    struct job *next;
    struct grant who;
    enum wire_kind kind;
    dispatch_reply reply;
    void *ctx;
    size_t size;
    uint8_t body[];
};

/* The requests about one tenant, by who asks (all of the operator are one): each in turn, by the time they
 * take. */
struct lane {
    struct flow flow; /* first: the scheduler's handle */
    struct job *first, **last;
    unsigned n_waiting, n_running;
};

struct dispatch {
    struct dispatch_options options;
    char *public_key, *plugin_host;
    int64_t started_at;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wanted;
    struct scheduler scheduler;
    struct lane
        *lanes[TENANTS_MAX + 1]; /* by tenant; the last is the operator's, and whose tenant is not there */
    size_t n_waiting, waiting_bytes;
    struct config *config;
    pthread_t *threads;
    unsigned n_threads;
    struct crew *crew; /* helps them with queries */
};

/* --- one request --- */

static int run_call(struct request *r, json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "method"));
    json_t *params = json_object_get(body, "params");
    const struct method *m;
    if (!name || (params && !json_is_object(params)))
        return error_set(r->err, -EBADMSG, "malformed", "a CALL takes {method: text, params: map}");
    int result = method_find(name, &m, r->err);
    if (result < 0)
        return result;
    r->params = params ? json_incref(params) : json_object();
    if (!r->params)
        return error_set(r->err, -ENOMEM, "no_memory", "out of memory for the request");
    r->method = m;
    result = method_allow(m, r);
    if (result == 0)
        result = m->run(r);
    if (r->act && request_outcome(r, result) < 0)
        result = -EIO;
    json_decref(r->params);
    return result;
}

static int run_query(struct request *r, json_t *body)
{
    if (r->who->role != ROLE_OPERATOR && r->who->role != ROLE_READER)
        return error_set(r->err, -EPERM, "not_granted", "a query is not for the role %s",
                         role_name(r->who->role));
    r->params = body;
    return request_query(r);
}

static int run_request(struct dispatch *d, struct request *r, const struct job *job)
{
    json_t *body = NULL;
    bool imports = job->who.role == ROLE_OPERATOR || job->who.role == ROLE_ADMIN;
    size_t values_max = imports ? DOCUMENT_VALUES_MAX : DOCUMENT_VALUES_SMALL;
    int result = document_decode(job->body, job->size, values_max, &body, r->err);
    if (result < 0)
        return result;
    if (!json_is_object(body))
        result = error_set(r->err, -EBADMSG, "malformed", "the body of a request is a map");
    else
        result = job->kind == WIRE_QUERY ? run_query(r, body) : run_call(r, body);
    json_decref(body);
    return result;
}

static int encode_result(const json_t *result, struct buffer *b, struct error *err)
{
    int r = document_encode(result, b);
    if (r < 0) {
        error_set(err, r, "result_size", "the answer is larger than %u MiB", DISPATCH_RESULT_BYTES >> 20);
        error_hint(err, "ask for fewer rows");
    }
    return r;
}

static bool is_personal(const char *text)
{
    return text && pattern_is_personal(text, strlen(text));
}

/* Errors and warnings say again what their asker wrote. Where that looks personal it goes no further: clients
 * log what they are told. */
static void withhold(struct error *err, json_t *result)
{
    static const char WITHHELD[] =
        "(withheld: what was asked for looks as if it spoke of a person, and is not repeated)";
    json_t *warnings[] = {json_object_get(result, "warnings"),
                          json_object_get(json_object_get(result, "meta"), "warnings")};
    if (is_personal(err->message))
        memcpy(err->message, WITHHELD, sizeof(WITHHELD));
    if (is_personal(err->hint))
        err->hint[0] = '\0';
    for (size_t k = 0; k < sizeof(warnings) / sizeof(*warnings); k++)
        for (size_t i = 0; i < json_array_size(warnings[k]); i++)
            if (is_personal(json_string_value(json_array_get(warnings[k], i))))
                (void)json_array_set_new(warnings[k], i, json_string(WITHHELD));
}

static void run_job(struct dispatch *d, struct job *job)
{
    struct error err = ERROR_INIT;
    (void)pthread_mutex_lock(&d->lock);
    struct config *config = config_ref(d->config);
    (void)pthread_mutex_unlock(&d->lock);
    struct request r = {
        .parts = &d->options,
        .config = config,
        .who = &job->who,
        .cancelled = &d->stopping,
        .crew = d->crew,
        .started_at = d->started_at,
        .err = &err,
    };
    struct buffer b;
    buffer_init(&b, DISPATCH_RESULT_BYTES);
    int result = run_request(d, &r, job);
    withhold(&err, r.result);
    if (result == 0)
        result = encode_result(r.result, &b, &err);
    tenant_release(r.held);
    json_decref(r.result);
    config_unref(config);
    job->reply(job->ctx, result == 0 ? &b : NULL, result == 0 ? NULL : &err);
    buffer_fini(&b);
}

/* --- the pool --- */

/* The lane of whoever asks; NULL without memory. Under the lock. */
static struct lane *lane_of(struct dispatch *d, const struct grant *who)
{
    const struct tenant *t = who->tenant[0] ? tenants_find(d->options.tenants, who->tenant) : NULL;
    struct lane **at = &d->lanes[t ? t->index : TENANTS_MAX];
    if (!*at && (*at = calloc(1, sizeof(**at))))
        (*at)->last = &(*at)->first;
    return *at;
}

/* How many of a lane's requests may run at a time. */
static unsigned lane_width(struct dispatch *d, const struct lane *lane)
{
    if (lane == d->lanes[TENANTS_MAX])
        return d->options.n_threads;
    struct tenant *t = tenants_find(d->options.tenants, lane->first->who.tenant);
    unsigned width = tenants_count(d->options.tenants) > 1 && d->options.n_threads > 1
                         ? d->options.n_threads - 1
                         : d->options.n_threads;
    if (t) {
        struct tenant_settings *s = tenant_settings_get(t);
        width = s->limits.queries ? (unsigned)s->limits.queries : width;
        tenant_settings_unref(s);
    }
    return width;
}

/* Puts a lane with work into the ring, unless as many of it run as may. has_run: its turn has just been
 * charged. */
static void lane_offer(struct dispatch *d, struct lane *lane, bool has_run)
{
    if (!lane->first || lane->n_running >= lane_width(d, lane))
        return;
    if (has_run)
        scheduler_go_on(&d->scheduler, &lane->flow);
    else
        scheduler_offer(&d->scheduler, &lane->flow);
    (void)pthread_cond_signal(&d->wanted);
}

static struct job *lane_pop(struct dispatch *d, struct lane *lane)
{
    struct job *job = lane->first;
    lane->first = job->next;
    if (!lane->first)
        lane->last = &lane->first;
    lane->n_waiting--;
    d->n_waiting--;
    d->waiting_bytes -= job->size;
    return job;
}

static struct job *take_job(struct dispatch *d, struct lane **ret_lane)
{
    struct job *job = NULL;
    (void)pthread_mutex_lock(&d->lock);
    while (d->scheduler.n_waiting == 0 && !atomic_load(&d->stopping))
        (void)pthread_cond_wait(&d->wanted, &d->lock);
    if (!atomic_load(&d->stopping)) {
        *ret_lane = (struct lane *)scheduler_take(&d->scheduler);
        job = lane_pop(d, *ret_lane);
        (*ret_lane)->n_running++;
        lane_offer(d, *ret_lane, false);
    }
    (void)pthread_mutex_unlock(&d->lock);
    return job;
}

static void end_job(struct dispatch *d, struct lane *lane, int64_t took_ms)
{
    (void)pthread_mutex_lock(&d->lock);
    lane->n_running--;
    scheduler_charge(&d->scheduler, &lane->flow, took_ms + 1);
    lane_offer(d, lane, true);
    (void)pthread_mutex_unlock(&d->lock);
}

static void *work(void *arg)
{
    struct dispatch *d = arg;
    struct job *job;
    struct lane *lane;
    (void)pthread_setname_np(pthread_self(), "dispatch");
    while ((job = take_job(d, &lane))) {
        int64_t began = instant_monotonic_ms();
        run_job(d, job);
        end_job(d, lane, instant_monotonic_ms() - began);
        free(job);
    }
    return NULL;
}

/* One that asks and those that help him are as many as there are processors, but no more than query_threads.
 */
static int start_crew(struct dispatch *d, unsigned n)
{
    long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (n_processors > 0 && n > (unsigned long)n_processors)
        n = (unsigned)n_processors;
    return crew_new(n - 1, CREW_GRAIN, &d->crew);
}

/* Signals are the main thread's. */
static int start_threads(struct dispatch *d, unsigned n)
{
    sigset_t all, before;
    int r = start_crew(d, n);
    if (r < 0)
        return r;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; r == 0 && d->n_threads < n; d->n_threads += r == 0)
        r = pthread_create(&d->threads[d->n_threads], NULL, work, d);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

int dispatch_new(const struct dispatch_options *options, struct dispatch **ret, struct error *err)
{
    struct dispatch *d = calloc(1, sizeof(*d));
    if (!d)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the query threads");
    d->options = *options;
    d->public_key = strdup(options->public_key);
    d->plugin_host = strdup(options->plugin_host);
    d->threads = calloc(options->n_threads, sizeof(*d->threads));
    d->options.public_key = d->public_key;
    d->options.plugin_host = d->plugin_host;
    d->started_at = instant_now();
    scheduler_init(&d->scheduler, QUANTUM_MS);
    d->config = config_ref(options->config);
    atomic_init(&d->stopping, false);
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_cond_init(&d->wanted, NULL);
    int r = d->public_key && d->plugin_host && d->threads ? start_threads(d, options->n_threads) : -ENOMEM;
    if (r < 0) {
        dispatch_free(d);
        return error_set(err, r, "no_threads", "the query threads cannot be started: %s", strerror(-r));
    }
    *ret = d;
    return 0;
}

void dispatch_stop(struct dispatch *d)
{
    struct error err = ERROR_INIT;
    (void)pthread_mutex_lock(&d->lock);
    atomic_store(&d->stopping, true);
    struct job *waiting = NULL;
    for (size_t i = 0; i <= TENANTS_MAX; i++)
        while (d->lanes[i] && d->lanes[i]->first) {
            struct job *job = lane_pop(d, d->lanes[i]);
            job->next = waiting;
            waiting = job;
        }
    (void)pthread_cond_broadcast(&d->wanted);
    (void)pthread_mutex_unlock(&d->lock);
    for (unsigned i = 0; i < d->n_threads; i++)
        (void)pthread_join(d->threads[i], NULL);
    d->n_threads = 0;
    error_set(&err, -ESHUTDOWN, "stopping", "the collector is stopping");
    error_hint(&err, "ask again after it is back");
    while (waiting) {
        struct job *job = waiting;
        waiting = job->next;
        job->reply(job->ctx, NULL, &err);
        free(job);
    }
}

void dispatch_free(struct dispatch *d)
{
    if (!d)
        return;
    dispatch_stop(d);
    crew_free(d->crew);
    config_unref(d->config);
    for (size_t i = 0; i <= TENANTS_MAX; i++)
        free(d->lanes[i]);
    (void)pthread_cond_destroy(&d->wanted);
    (void)pthread_mutex_destroy(&d->lock);
    free(d->threads);
    free(d->public_key);
    free(d->plugin_host);
    free(d);
}

void dispatch_reload(struct dispatch *d, struct config *config)
{
    (void)pthread_mutex_lock(&d->lock);
    struct config *before = d->config;
    d->config = config_ref(config);
    (void)pthread_mutex_unlock(&d->lock);
    config_unref(before);
}

static int enqueue(struct dispatch *d, struct job *job, struct error *err)
{
    struct lane *lane;
    int r = 0;
    (void)pthread_mutex_lock(&d->lock);
    if (atomic_load(&d->stopping))
        r = error_set(err, -ESHUTDOWN, "stopping", "the collector is stopping");
    else if (!(lane = lane_of(d, &job->who)))
        r = error_set(err, -ENOMEM, "no_memory", "out of memory for the request");
    else if (d->n_waiting >= d->options.queue_max || d->waiting_bytes + job->size > WAITING_BYTES ||
             (lane != d->lanes[TENANTS_MAX] && lane->n_waiting >= WAITING_LANE)) {
        r = error_set(err, -EAGAIN, "busy", "%zu requests are waiting already", d->n_waiting);
        error_hint(err, "ask again in a second");
    } else {
        *lane->last = job;
        lane->last = &job->next;
        lane->n_waiting++;
        d->n_waiting++;
        d->waiting_bytes += job->size;
        lane_offer(d, lane, false);
    }
    (void)pthread_mutex_unlock(&d->lock);
    return r;
}

int dispatch_submit(struct dispatch *d, const struct grant *who, enum wire_kind kind, const void *body,
                    size_t size, dispatch_reply reply, void *ctx, struct error *err)
{
    struct job *job = malloc(sizeof(*job) + size);
    if (!job)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the request");
    *job = (struct job){.who = *who, .kind = kind, .reply = reply, .ctx = ctx, .size = size};
    memcpy(job->body, body, size);
    int r = enqueue(d, job, err);
    if (r < 0)
        free(job);
    return r;
}
