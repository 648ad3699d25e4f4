#include "core/forward/forwarder.h"

#include "core/base/instant.h"
#include "core/base/log.h"
#include "core/forward/link.h"
#include "core/forward/reader.h"
#include "core/ingest/committer.h"
#include "core/tenant/config.h"
#include "core/tenant/key_file.h"
#include "core/tenant/tenant.h"

#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICK_MS = 100, IDLE_MS = 250, DELIVERED_MS = 10000, CONNECT_MS = 3000, LATER_MS = 60000 };

/* X(NAME, name) */
#define STATES(X)                                                                                            \
    X(CONNECTING, "connecting") /* or there is nobody */                                                     \
    X(FORWARDING, "forwarding") /* there is something that is not delivered */                               \
    X(UP_TO_DATE, "up_to_date")                                                                              \
    X(WAITING, "waiting") /* the centre takes nothing at the moment */                                       \
    X(STOPPED, "stopped") /* it refuses what comes next: somebody has to do something */

enum state {
#define X(id, name) STATE_##id,
    STATES(X)
#undef X
};

static const char *const STATE_NAMES[] = {
#define X(id, name) [STATE_##id] = name,
    STATES(X)
#undef X
};

/* One tenant's. */
struct forwarding {
    struct forwarding *next;
    const struct forwarders_options *parts;
    char tenant[STORE_NAME_BYTES + 1], site[STORE_NAME_BYTES + 2], to[256];
    char server_key[CURVE_KEY_BYTES], secret_key[CURVE_KEY_BYTES], public_key[CURVE_KEY_BYTES];
    int64_t hold_ms;
    uint64_t session;
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows, which status reads */
    pthread_cond_t stop;
    bool is_stopping;
    enum state state;
    int64_t since, delivered_at; /* ms since 1970; 0: not yet */
    char code[32], message[600];
    uint64_t n_parcels; /* since the start */
    struct outlet_cursor delivered;
    bool has_position;

    /* the thread's */
    struct tenant *held;
    struct link *link;
    struct store_outlet *outlet;
    struct forward_reader reader;
    bool has_reader, has_news; /* news: delivered is further than the store was told */
    uint64_t last_seq;
    int64_t told_at; /* monotonic: when the store was told last */
    uint32_t backoff_ms;
};

struct forwarders {
    struct forwarders_options options;
    pthread_mutex_t lock; /* of the list */
    struct forwarding *list;
};

static bool is_stopping(struct forwarding *f)
{
    (void)pthread_mutex_lock(&f->lock);
    bool is = f->is_stopping;
    (void)pthread_mutex_unlock(&f->lock);
    return is;
}

/* Sleeps, but not when it is to end. */
static void wait_ms(struct forwarding *f, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&f->lock);
    while (!f->is_stopping && pthread_cond_timedwait(&f->stop, &f->lock, &until) == 0)
        ;
    (void)pthread_mutex_unlock(&f->lock);
}

/* Says once what has changed: in the log, and where it stops in the audit log. */
static void set_state(struct forwarding *f, enum state state, const char *code, const char *message)
{
    char room[700];
    (void)pthread_mutex_lock(&f->lock);
    enum state before = f->state;
    bool changes = before != state || strcmp(f->code, code) != 0;
    if (changes) {
        f->state = state;
        f->since = instant_now();
    }
    (void)snprintf(f->code, sizeof(f->code), "%s", code);
    (void)snprintf(f->message, sizeof(f->message), "%s", message);
    (void)pthread_mutex_unlock(&f->lock);
    bool is_flow = (state == STATE_FORWARDING || state == STATE_UP_TO_DATE) &&
                   (before == STATE_FORWARDING || before == STATE_UP_TO_DATE);
    if (!changes || is_flow)
        return;
    log_write(f->parts->logger, state == STATE_STOPPED ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "forward", "state",
              "tenant=%s site=%s state=%s code=%s reason=%s", f->tenant, f->site, STATE_NAMES[state],
              *code ? code : "-", log_quote(room, sizeof(room), *message ? message : "-"));
    if ((state == STATE_STOPPED || before == STATE_STOPPED) && f->parts->audit)
        f->parts->audit(f->parts->audit_ctx, state == STATE_STOPPED ? "forward.stopped" : "forward.resumed",
                        f->tenant, json_pack("{s:s, s:s}", "to", f->to, "code", code));
}

/* --- the store's side, on the committer's thread --- */

static void reader_close(struct forwarding *f, struct tenant *t)
{
    if (f->has_reader)
        forward_reader_fini(&f->reader);
    store_outlet_close(t->store, f->outlet);
    f->outlet = NULL;
    f->has_reader = false;
}

/* Opens the store where the centre is; where that is not kept any more, or the centre has nothing, from the
 * beginning. */
static int open_reader(struct tenant *t, void *ctx, struct error *err)
{
    struct forwarding *f = ctx;
    struct outlet_cursor at = f->delivered;
    store_set_forward_hold(t->store, f->hold_ms);
    int r = store_outlet_keep(t->store, &at, err);
    if (r == 0)
        r = store_outlet_resume(t->store, &at, &f->outlet, err);
    if (r == -ENOENT) {
        at = (struct outlet_cursor){0};
        r = store_outlet_keep(t->store, &at, err);
        if (r == 0)
            r = store_outlet_resume(t->store, &at, &f->outlet, err);
    }
    if (r < 0)
        return r;
    forward_reader_init(&f->reader, t->store, f->outlet, &at);
    f->has_reader = true;
    (void)pthread_mutex_lock(&f->lock);
    f->delivered = at;
    f->has_position = true;
    (void)pthread_mutex_unlock(&f->lock);
    return 0;
}

static int close_reader(struct tenant *t, void *ctx, struct error *err)
{
    (void)err;
    reader_close(ctx, t);
    return 0;
}

struct filling {
    struct forwarding *f;
    bool is_all; /* nothing is left to deliver */
};

static int fill_reader(struct tenant *t, void *ctx, struct error *err)
{
    struct filling *filling = ctx;
    struct forwarding *f = filling->f;
    int r = 0;
    if (f->has_news || filling->is_all)
        r = store_outlet_delivered(t->store, &f->delivered, filling->is_all, err);
    f->has_news = false;
    return r < 0 ? r : forward_reader_fill(&f->reader, t->store, err);
}

static int call(struct forwarding *f, int (*fn)(struct tenant *t, void *ctx, struct error *err), void *ctx,
                struct error *err)
{
    return committer_call(f->parts->committer, f->held, fn, ctx, err);
}

/* --- the conversation --- */

/* Whether it is worth going on at all. */
static bool may_go_on(struct forwarding *f)
{
    return !is_stopping(f) && !atomic_load(&f->held->is_removed);
}

static int await_answer(struct forwarding *f, struct link_answer *ret, struct error *err)
{
    int64_t end = instant_monotonic_ms() + FORWARDER_ANSWER_MS;
    int r;
    while ((r = link_wait(f->link, TICK_MS, ret, err)) == -EAGAIN) {
        if (!may_go_on(f))
            return -ECANCELED;
        if (instant_monotonic_ms() >= end)
            return error_set(err, -ETIMEDOUT, "unreachable", "the central collector does not answer");
    }
    return r;
}

/* What a NACK means: how long to wait, and what is said of it. */
static int nacked(struct forwarding *f, const struct link_answer *a)
{
    static const char *const PASSING[] = {"disk_full",      "store_failed",        "stopping",
                                          "over_rate",      "over_credit",         "out_of_order",
                                          "hello_required", "too_many_connections"};
    bool passes = false;
    for (size_t i = 0; i < sizeof(PASSING) / sizeof(*PASSING); i++)
        passes |= strcmp(a->code, PASSING[i]) == 0;
    char code[32];
    const char *sentence = a->message;
    (void)snprintf(code, sizeof(code), "%s", a->code);
    if (strcmp(a->code, "refused") == 0) { /* its own code stands in front */
        const char *colon = strstr(a->message, ": ");
        size_t size = colon ? (size_t)(colon - a->message) : 0;
        if (size > 0 && size < sizeof(code)) {
            memcpy(code, a->message, size);
            code[size] = '\0';
            sentence = colon + 2;
        }
    }
    set_state(f, passes ? STATE_WAITING : STATE_STOPPED, code, sentence);
    if (!passes)
        f->backoff_ms = a->retry_ms ? a->retry_ms : LATER_MS;
    else if (a->retry_ms > f->backoff_ms)
        f->backoff_ms = a->retry_ms;
    return -EAGAIN;
}

static int greet(struct forwarding *f, struct error *err)
{
    struct link_answer a;
    int64_t end = instant_monotonic_ms() + CONNECT_MS;
    int r;
    /* A connection whose key was refused is not made again by itself: after a while by another one. */
    while ((r = link_hello(f->link, f->site, f->session, err)) == -ENOTCONN && may_go_on(f) &&
           instant_monotonic_ms() < end)
        wait_ms(f, TICK_MS);
    if (r == 0)
        r = await_answer(f, &a, err);
    if (r < 0)
        return r;
    if (a.kind == WIRE_NACK)
        return nacked(f, &a);
    struct outlet_cursor cursor;
    if (a.kind != WIRE_WELCOME || form_cursor_read(a.cursor, a.cursor_size, &cursor) < 0)
        return error_set(err, -EBADMSG, "bad_answer",
                         "the central collector's WELCOME is none of a forwarder's");
    f->last_seq = a.last_seq;
    (void)pthread_mutex_lock(&f->lock);
    f->delivered = cursor;
    (void)pthread_mutex_unlock(&f->lock);
    return call(f, open_reader, f, err);
}

static int deliver(struct forwarding *f, const void *bytes, const struct form_parcel *p, struct error *err)
{
    uint8_t cursor[FORM_CURSOR_BYTES];
    struct link_answer a;
    size_t size = form_cursor_write(&p->next, cursor);
    int r = link_forward(f->link, f->last_seq + 1, bytes, p->size, cursor, size, err);
    if (r == 0)
        r = await_answer(f, &a, err);
    if (r < 0)
        return r;
    if (a.kind == WIRE_NACK)
        return nacked(f, &a);
    if (a.kind != WIRE_ACK || a.seq != f->last_seq + 1)
        return error_set(err, -EBADMSG, "bad_answer", "the central collector answered something else");
    if (a.repeat) /* it had come before its answer was lost: where it stands is asked anew */
        return -EAGAIN;
    f->last_seq++;
    f->backoff_ms = FORWARDER_RETRY_MS;
    f->has_news = true;
    (void)pthread_mutex_lock(&f->lock);
    f->delivered = p->next;
    f->delivered_at = instant_now();
    f->n_parcels++;
    (void)pthread_mutex_unlock(&f->lock);
    return 0;
}

/* Nothing is left: the store is told now and then, and commits are awaited. */
static int idle(struct forwarding *f, struct error *err)
{
    int64_t now = instant_monotonic_ms();
    int r = 0;
    set_state(f, STATE_UP_TO_DATE, "", "");
    if (f->has_news || now - f->told_at >= DELIVERED_MS) {
        struct filling filling = {f, true};
        f->told_at = now;
        r = call(f, fill_reader, &filling, err);
    }
    while (r == 0 && may_go_on(f) && store_outlet_end(f->held->store) == f->delivered.serial &&
           instant_monotonic_ms() - f->told_at < DELIVERED_MS) {
        struct link_answer a;
        wait_ms(f, IDLE_MS);
        if (link_wait(f->link, 0, &a, err) == 0 && a.kind == WIRE_NACK)
            return nacked(f, &a); /* unasked: another took over */
    }
    return r < 0 ? r : 0;
}

static int forward_on(struct forwarding *f, struct error *err)
{
    int r = 0;
    while (r == 0 && may_go_on(f)) {
        const void *bytes;
        const struct form_parcel *p = forward_reader_parcel(&f->reader, &bytes);
        if (p) {
            if (f->state != STATE_FORWARDING)
                set_state(f, STATE_FORWARDING, "", "");
            r = deliver(f, bytes, p, err);
            if (r == 0)
                forward_reader_taken(&f->reader);
            continue;
        }
        struct filling filling = {f, false};
        r = call(f, fill_reader, &filling, err);
        if (r == 0) { /* what is read and had nothing to deliver is delivered */
            (void)pthread_mutex_lock(&f->lock);
            f->delivered = f->reader.writer.marked;
            (void)pthread_mutex_unlock(&f->lock);
            r = idle(f, err);
        }
        r = r > 0 ? 0 : r;
    }
    return r;
}

/* One connection, from HELLO until something ends it. */
static void converse(struct forwarding *f)
{
    struct error err = ERROR_INIT, none = ERROR_INIT;
    const struct link_options options = {.zmq = f->parts->zmq,
                                         .endpoint = f->to,
                                         .server_key = f->server_key,
                                         .public_key = f->public_key,
                                         .secret_key = f->secret_key};
    if (f->state != STATE_STOPPED && f->state != STATE_WAITING)
        set_state(f, STATE_CONNECTING, "", "");
    int r = link_open(&options, &f->link, &err);
    if (r == 0)
        r = greet(f, &err);
    if (r == 0)
        r = forward_on(f, &err);
    if (r < 0 && r != -EAGAIN && r != -ECANCELED && may_go_on(f))
        set_state(f, strcmp(err.code, "too_large") == 0 ? STATE_STOPPED : STATE_CONNECTING, err.code,
                  err.message);
    if (f->outlet)
        (void)call(f, close_reader, f, &none);
    link_close(f->link);
    f->link = NULL;
}

static void *forwarding_thread(void *arg)
{
    struct forwarding *f = arg;
    (void)pthread_setname_np(pthread_self(), "forwarder");
    f->backoff_ms = FORWARDER_RETRY_MS;
    while (!is_stopping(f)) {
        f->held = tenants_hold(f->parts->tenants, f->tenant);
        if (f->held) {
            converse(f);
            tenant_release(f->held);
            f->held = NULL;
        } else {
            set_state(f, STATE_WAITING, "unknown_tenant", "the tenant is not open here");
        }
        wait_ms(f, f->backoff_ms);
        f->backoff_ms = f->backoff_ms * 2 < FORWARDER_RETRY_MAX ? f->backoff_ms * 2 : FORWARDER_RETRY_MAX;
    }
    return NULL;
}

/* --- all of them --- */

int forwarders_new(const struct forwarders_options *options, struct forwarders **ret, struct error *err)
{
    struct forwarders *f = calloc(1, sizeof(*f));
    if (!f)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the forwarder");
    f->options = *options;
    (void)pthread_mutex_init(&f->lock, NULL);
    *ret = f;
    return 0;
}

static void forwarding_free(struct forwarding *f)
{
    (void)pthread_mutex_destroy(&f->lock);
    (void)pthread_cond_destroy(&f->stop);
    sodium_memzero(f->secret_key, sizeof(f->secret_key));
    free(f);
}

/* Ends the threads of a list, all at once. */
static void stop_list(struct forwarding *list)
{
    for (struct forwarding *f = list; f; f = f->next) {
        (void)pthread_mutex_lock(&f->lock);
        f->is_stopping = true;
        (void)pthread_cond_broadcast(&f->stop);
        (void)pthread_mutex_unlock(&f->lock);
    }
    while (list) {
        struct forwarding *f = list;
        list = f->next;
        (void)pthread_join(f->thread, NULL);
        forwarding_free(f);
    }
}

static struct forwarding *take_list(struct forwarders *f)
{
    (void)pthread_mutex_lock(&f->lock);
    struct forwarding *list = f->list;
    f->list = NULL;
    (void)pthread_mutex_unlock(&f->lock);
    return list;
}

void forwarders_free(struct forwarders *f)
{
    if (!f)
        return;
    stop_list(take_list(f));
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

static int start_one(struct forwarders *f, const struct config *c, const struct config_forward *from,
                     struct error *err)
{
    struct forwarding *one = calloc(1, sizeof(*one));
    pthread_condattr_t attributes;
    sigset_t all, before;
    if (!one)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the forwarder");
    one->parts = &f->options;
    one->hold_ms = from->hold_ms;
    one->since = instant_now();
    randombytes_buf(&one->session, sizeof(one->session));
    (void)snprintf(one->tenant, sizeof(one->tenant), "%s", from->tenant);
    (void)snprintf(one->site, sizeof(one->site), "%s/", from->site);
    (void)snprintf(one->to, sizeof(one->to), "%s", from->to);
    (void)snprintf(one->server_key, sizeof(one->server_key), "%s", from->server_key);
    (void)pthread_mutex_init(&one->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&one->stop, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    int r = key_file_forward(c->keys, one->tenant, one->secret_key, one->public_key, err);
    if (r == 0) {
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        if (pthread_create(&one->thread, NULL, forwarding_thread, one) != 0)
            r = error_set(err, -EAGAIN, "no_threads", "the forwarder's thread cannot be started");
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (r < 0) {
        forwarding_free(one);
        return r;
    }
    (void)pthread_mutex_lock(&f->lock);
    one->next = f->list;
    f->list = one;
    (void)pthread_mutex_unlock(&f->lock);
    return 0;
}

static int drop_kept(struct tenant *t, void *ctx, struct error *err)
{
    (void)ctx;
    return store_outlet_is_kept(t->store) ? store_outlet_drop(t->store, err) : 0;
}

static bool is_forwarded(const struct config *c, const char *tenant)
{
    bool is = false;
    for (size_t i = 0; i < c->forward.n && !is; i++)
        is = strcmp(config_forward_at(c, i)->tenant, tenant) == 0;
    return is;
}

int forwarders_apply(struct forwarders *f, const struct config *config, struct error *err)
{
    int r = 0;
    stop_list(take_list(f));
    for (unsigned i = 0; r == 0 && i < tenants_count(f->options.tenants); i++) {
        struct tenant *t = tenants_hold_at(f->options.tenants, i);
        if (t && !is_forwarded(config, t->name))
            r = committer_call(f->options.committer, t, drop_kept, NULL, err);
        tenant_release(t);
    }
    for (size_t i = 0; r == 0 && i < config->forward.n; i++)
        r = start_one(f, config, config_forward_at(config, i), err);
    return r;
}

static json_t *status_of(struct forwarders *f, struct forwarding *one)
{
    struct tenant *t = tenants_hold(f->options.tenants, one->tenant);
    uint64_t end = t ? store_outlet_end(t->store) : 0;
    tenant_release(t);
    (void)pthread_mutex_lock(&one->lock);
    bool is_first = one->delivered.phase != OUTLET_LOG;
    char since[INSTANT_TEXT_BYTES], delivered[INSTANT_TEXT_BYTES];
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s?, s:o, s:o, s:I, s:s, s:s, s:s}", "tenant", one->tenant, "site",
        one->site, "to", one->to, "state", STATE_NAMES[one->state], "since", instant_text(one->since, since),
        "delivered_at", one->delivered_at ? instant_text(one->delivered_at, delivered) : NULL, "position",
        one->has_position ? json_integer((json_int_t)one->delivered.serial) : json_null(), "lag",
        one->has_position && !is_first && end >= one->delivered.serial
            ? json_integer((json_int_t)(end - one->delivered.serial))
            : json_null(),
        "parcels", (json_int_t)one->n_parcels, "code", one->code, "message", one->message, "public_key",
        one->public_key);
    (void)pthread_mutex_unlock(&one->lock);
    return row;
}

json_t *forwarders_status(struct forwarders *f)
{
    json_t *list = json_array();
    (void)pthread_mutex_lock(&f->lock);
    for (struct forwarding *one = f->list; list && one; one = one->next)
        (void)json_array_append_new(list, status_of(f, one));
    (void)pthread_mutex_unlock(&f->lock);
    return list;
}
