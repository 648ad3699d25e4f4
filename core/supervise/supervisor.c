#include "core/base/instant.h"
#include "core/supervise/process.h"
#include "core/supervise/slot.h"
#include "core/supervise/supervise.h"

#include "core/supervise/channel.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STARTS_A_TURN  8 /* so that a thousand instances do not hold the lock */
#define AUDITS_A_TURN  8
#define ACT_LOAD       "plugin.load"
#define WAIT_MS        1000
#define NOT_STARTED_MS 10000 /* until a host that could not be started is tried again */

struct supervisor {
    struct supervisor_options options; /* strings are copies */
    pthread_t thread;
    bool has_thread;
    int wake; /* eventfd: look again */

    pthread_mutex_t lock; /* all below */
    struct slot
        *slots[SUPERVISE_INSTANCES_MAX * 2]; /* freed by the thread only; the leaving ones beside the new */
    size_t n_slots;
    bool is_ending;

    /* the thread's */
    struct pollfd fds[1 + 4 * SUPERVISE_INSTANCES_MAX];
};

static void wake(struct supervisor *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->wake, &one, sizeof(one));
    (void)n; /* it is woken already when this cannot be written */
}

static void say(struct supervisor *s, enum log_level level, const char *event, const struct slot *slot)
{
    char room[600];
    log_write(s->options.logger, level, "supervise", event, "tenant=%s source=%s plugin=%s%s%s",
              slot->plan.grant.tenant, slot->plan.grant.source, slot->plan.plugin,
              *slot->message ? " message=" : "",
              *slot->message ? log_quote(room, sizeof(room), slot->message) : "");
}

/* --- the thread: with the lock held ----------------------------------------------------------------------
 */

/* What its host is to know; NULL without memory. */
static json_t *describe_start(const struct supervisor *s, const struct slot *slot)
{
    const struct plan *p = &slot->plan;
    const struct supervise_limits *l = &p->limits;
    json_t *limits =
        json_pack("{s:I,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "memory_bytes", (json_int_t)l->memory_bytes, "load_ms",
                  (int)l->load_ms, "create_ms", (int)l->create_ms, "start_ms", (int)l->start_ms, "poll_ms",
                  (int)l->poll_ms, "ack_ms", (int)l->ack_ms, "stop_ms", (int)l->stop_ms, "destroy_ms",
                  (int)l->destroy_ms);
    return json_pack("{s:s,s:s,s:s,s:s,s:O?,s:s,s:O?,s:I,s:I,s:I,s:o}", "source", p->grant.source, "tenant",
                     p->grant.tenant, "name", p->plugin, "plugin", p->path, "keys", p->keys, "connect",
                     s->options.connect, "options", p->options, "user", (json_int_t)s->options.user, "group",
                     (json_int_t)s->options.group, "nobody", (json_int_t)slot->nobody, "limits", limits);
}

static void start(struct supervisor *s, struct slot *slot, int64_t now)
{
    struct error err = ERROR_INIT;
    const struct plan *p = &slot->plan;
    json_t *document = describe_start(s, slot);
    slot->started_ms = slot->heard_ms = now;
    slot->n_starts++;
    slot->is_recorded = false;
    slot->skipped = slot->accepted = slot->rejected = 0;
    slot->last_skip[0] = slot->reported[0] = '\0';
    /* Before the process is: it may be asked for as soon as it runs. */
    slot->grant = p->grant;
    int r = document
                ? process_start(s->options.host, document, &slot->pid, &slot->pidfd, &slot->channel, &err)
                : error_set(&err, -ENOMEM, "no_memory", "no memory to start a plugin host");
    json_decref(document);
    if (r == 0) {
        slot_enter(slot, SLOT_STARTING, "");
        say(s, LOG_LEVEL_INFO, "started", slot);
        return;
    }
    slot->pid = 0;
    slot->n_failures++;
    slot_enter(slot, SLOT_BACKOFF, err.message);
    slot->due_ms = now + NOT_STARTED_MS;
    say(s, LOG_LEVEL_ERROR, "not_started", slot);
}

static int64_t grace_ms(const struct supervisor *s, const struct slot *slot)
{
    const struct supervise_limits *l = &slot->plan.limits;
    if (s->options.grace_ms)
        return s->options.grace_ms;
    int64_t ms = (int64_t)(l->stop_ms ? l->stop_ms : SUPERVISE_STOP_MS) +
                 (l->destroy_ms ? l->destroy_ms : SUPERVISE_DESTROY_MS) + SUPERVISE_DRAIN_MS;
    return ms < SUPERVISE_GRACE_MAX_MS ? ms : SUPERVISE_GRACE_MAX_MS;
}

/* The group: the process that has the plugin dies with the outer one anyway, this is sooner. */
static void kill_group(struct slot *slot)
{
    slot->is_killed = true;
    (void)kill(-slot->pid, SIGKILL);
    (void)kill(slot->pid, SIGKILL);
}

/* A host says something every few seconds once its plugin is created: one that does not hangs itself. */
static void watch(struct supervisor *s, struct slot *slot, int64_t now)
{
    const struct supervise_limits *l = &slot->plan.limits;
    int64_t silent_ms = s->options.silent_ms ? s->options.silent_ms : SUPERVISE_SILENT_MS;
    int64_t before_ms = s->options.silent_ms ? 0
                                             : 2 * (int64_t)(l->load_ms ? l->load_ms : SUPERVISE_LOAD_MS) +
                                                   (l->create_ms ? l->create_ms : SUPERVISE_CREATE_MS);
    if (slot->is_killed || now - slot->heard_ms < silent_ms + before_ms)
        return;
    char message[128];
    (void)snprintf(message, sizeof(message), "the plugin host said nothing for %d s; it was killed",
                   (int)((now - slot->heard_ms) / 1000));
    slot_enter(slot, slot->state, message);
    say(s, LOG_LEVEL_WARNING, "killed", slot);
    kill_group(slot);
}

/* SIGTERM, and SIGKILL when the grace is over. */
static void stop(struct supervisor *s, struct slot *slot, int64_t now)
{
    if (!slot->is_asked) {
        slot->is_asked = true;
        slot->due_ms = now + grace_ms(s, slot);
        slot_enter(slot, SLOT_STOPPING, "");
        (void)kill(slot->pid, SIGTERM);
    } else if (!slot->is_killed && now >= slot->due_ms) {
        say(s, LOG_LEVEL_WARNING, "killed", slot);
        kill_group(slot);
    }
}

static void read_reports(struct slot *slot, int64_t now)
{
    char text[CHANNEL_REPORT_BYTES];
    for (int i = 0; i < 64; i++) {
        ssize_t n = recv(slot->channel, text, sizeof(text), MSG_DONTWAIT);
        if (n > 0) {
            slot->heard_ms = now;
            slot_take_report(slot, text, (size_t)n);
            continue;
        }
        if (n == 0) {
            /* It has closed its end: the process is about to end, which its pidfd tells. */
            (void)close(slot->channel);
            slot->channel = -1;
        }
        return;
    }
}

static void reap(struct supervisor *s, struct slot *slot, int64_t now)
{
    int status = 0;
    if (waitpid(slot->pid, &status, WNOHANG) != slot->pid)
        return;
    if (slot->channel >= 0)
        read_reports(slot, now);
    /* What is left of its group, should the outer process have been killed alone. */
    (void)kill(-slot->pid, SIGKILL);
    slot_take_exit(slot, status, now);
    say(s, slot->state == SLOT_STARTING || slot->state == SLOT_ENDED ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
        slot->state == SLOT_STARTING ? "stopped" : slot_state_name(slot->state), slot);
}

static bool is_due(const struct slot *slot)
{
    return slot->pid == 0 && (slot->state == SLOT_STARTING || slot->state == SLOT_BACKOFF);
}

/* Whether the start that is due is in the audit log; if not it is put there before the next turn. */
static bool is_recorded(const struct supervisor *s, struct slot *slot)
{
    if (!s->options.audit)
        return true;
    if (!slot->is_recorded && !slot->audit)
        slot->audit = ACT_LOAD;
    return slot->is_recorded;
}

/* One slot's turn. False when it is gone. */
static bool turn(struct supervisor *s, struct slot *slot, int64_t now, unsigned *n_starts)
{
    if (slot->pid && (slot->is_leaving || slot->next || slot->is_asked))
        stop(s, slot, now);
    else if (slot->pid)
        watch(s, slot, now);
    if (slot->pid == 0 && slot->is_leaving)
        return false;
    if (slot->pid == 0 && slot->next) {
        plan_fini(&slot->plan);
        slot->plan = *slot->next;
        free(slot->next);
        slot->next = NULL;
        slot->is_recorded = true;
        slot_release(slot, now);
    }
    if (is_due(slot) && now >= slot->due_ms && is_recorded(s, slot) && *n_starts < STARTS_A_TURN) {
        ++*n_starts;
        start(s, slot, now);
    }
    return true;
}

/* Fills fds and returns when to look again; *ret_n is their count, two a slot, in the order of the slots. */
static int64_t prepare(struct supervisor *s, int64_t now, size_t *ret_n)
{
    int64_t next = now + WAIT_MS;
    size_t n = 0;
    s->fds[n++] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    for (size_t i = 0; i < s->n_slots; i++) {
        const struct slot *slot = s->slots[i];
        s->fds[n++] = (struct pollfd){.fd = slot->pidfd, .events = POLLIN};
        s->fds[n++] = (struct pollfd){.fd = slot->channel, .events = POLLIN};
        if ((is_due(slot) || slot->is_asked) && slot->due_ms < next)
            next = slot->due_ms;
    }
    *ret_n = n;
    return next;
}

/* A slot is freed by this thread only, and its plan changed: they need no lock. */
struct audit {
    struct slot *slot;
    const char *act;
};

static unsigned collect_audits(struct supervisor *s, struct audit *ret)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->n_slots && n < AUDITS_A_TURN; i++) {
        if (!s->slots[i]->audit)
            continue;
        ret[n++] = (struct audit){s->slots[i], s->slots[i]->audit};
        s->slots[i]->audit = NULL;
    }
    return n;
}

/* Without the lock, but for what becomes of a start: it is never held while a disk is waited for. */
static void record(struct supervisor *s, const struct audit *audit)
{
    const struct plan *p = &audit->slot->plan;
    bool is_load = strcmp(audit->act, ACT_LOAD) == 0;
    int r = s->options.audit(s->options.audit_ctx, audit->act, p->grant.tenant, p->grant.source, p->plugin,
                             is_load ? p->path : NULL);
    if (!is_load)
        return;
    (void)pthread_mutex_lock(&s->lock);
    audit->slot->is_recorded = r == 0;
    if (r < 0)
        audit->slot->due_ms = instant_monotonic_ms() + NOT_STARTED_MS;
    (void)pthread_mutex_unlock(&s->lock);
}

/* One round of work; returns whether to go on. */
static bool work(struct supervisor *s)
{
    struct audit audits[AUDITS_A_TURN];
    unsigned n_starts = 0;
    size_t n_fds;
    (void)pthread_mutex_lock(&s->lock);
    int64_t now = instant_monotonic_ms();
    for (size_t i = 0; i < s->n_slots; i++) {
        struct slot *slot = s->slots[i];
        if (slot->channel >= 0)
            read_reports(slot, now);
        if (slot->pid)
            reap(s, slot, now);
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->n_slots; i++) {
        if (turn(s, s->slots[i], now, &n_starts))
            s->slots[kept++] = s->slots[i];
        else
            slot_free(s->slots[i]);
    }
    s->n_slots = kept;
    unsigned n_audits = collect_audits(s, audits);
    int64_t next = prepare(s, now, &n_fds);
    bool is_over = s->is_ending && s->n_slots == 0;
    (void)pthread_mutex_unlock(&s->lock);

    for (unsigned i = 0; i < n_audits && s->options.audit; i++)
        record(s, &audits[i]);
    if (is_over)
        return false;
    /* No slot is freed but by this thread: the descriptors stay what they are while it waits. */
    (void)poll(s->fds, n_fds, next > now ? (int)(next - now) : 0);
    uint64_t count;
    ssize_t n = read(s->wake, &count, sizeof(count));
    (void)n;
    return true;
}

static void *supervise(void *arg)
{
    struct supervisor *s = arg;
    while (work(s))
        continue;
    return NULL;
}

/* --- the others' side ------------------------------------------------------------------------------------
 */

static void free_options(struct supervisor_options *o)
{
    free((char *)o->host);
    free((char *)o->connect);
}

int supervisor_new(const struct supervisor_options *options, struct supervisor **ret, struct error *err)
{
    struct supervisor *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the supervisor");
    s->options = *options;
    s->options.host = strdup(options->host);
    s->options.connect = strdup(options->connect);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)pthread_mutex_init(&s->lock, NULL);
    int r = !s->options.host || !s->options.connect ? -ENOMEM : s->wake < 0 ? -errno : 0;
    if (r == 0) {
        /* Signals are for main. */
        sigset_t all, before;
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = -pthread_create(&s->thread, NULL, supervise, s);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        s->has_thread = r == 0;
    }
    if (r < 0) {
        supervisor_free(s);
        return error_set(err, r, "supervise", "cannot start the supervisor of plugin hosts: %s",
                         strerror(-r));
    }
    (void)pthread_setname_np(s->thread, "supervisor");
    *ret = s;
    return 0;
}

void supervisor_free(struct supervisor *s)
{
    if (!s)
        return;
    if (s->has_thread) {
        (void)pthread_mutex_lock(&s->lock);
        s->is_ending = true;
        for (size_t i = 0; i < s->n_slots; i++)
            s->slots[i]->is_leaving = true;
        (void)pthread_mutex_unlock(&s->lock);
        wake(s);
        (void)pthread_join(s->thread, NULL);
    }
    if (s->wake >= 0)
        (void)close(s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    free_options(&s->options);
    free(s);
}

static struct slot *find(struct supervisor *s, const char *tenant, const char *source)
{
    for (size_t i = 0; i < s->n_slots; i++) {
        struct slot *slot = s->slots[i];
        if (strcmp(slot->plan.grant.source, source) == 0 && strcmp(slot->plan.grant.tenant, tenant) == 0)
            return slot;
    }
    return NULL;
}

/* What apply makes before it changes anything. */
struct change {
    struct slot *fresh; /* a new one, or */
    struct slot *slot;  /* one that is there, and */
    struct plan *plan;  /* its next plan (NULL: it stays), and */
    bool release;       /* whether it is started again as it is */
};

static void free_changes(struct change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        slot_free(changes[i].fresh);
        if (changes[i].plan)
            plan_fini(changes[i].plan);
        free(changes[i].plan);
    }
    free(changes);
}

static int plan_change(struct supervisor *s, const struct supervise_instance *instance, struct change *ret)
{
    struct plan plan;
    if (plan_init(&plan, instance) < 0)
        return -ENOMEM;
    struct slot *slot = find(s, instance->grant.tenant, instance->grant.source);
    int r = 0;
    if (!slot) {
        ret->fresh = slot_new(&plan, s->options.backoff_ms ? s->options.backoff_ms : SUPERVISE_BACKOFF_MS);
        r = ret->fresh ? 0 : -ENOMEM;
    } else if (!plan_equals(slot->next ? slot->next : &slot->plan, &plan)) {
        ret->slot = slot;
        ret->plan = malloc(sizeof(*ret->plan));
        r = ret->plan ? 0 : -ENOMEM;
        if (ret->plan) {
            *ret->plan = plan;
            plan = (struct plan){0};
        }
    } else {
        ret->slot = slot;
        ret->release = slot->state == SLOT_FAILED_CONFIG || slot->state == SLOT_FAILED_AUTH;
    }
    plan_fini(&plan);
    return r;
}

/* A user of no name that no other slot has: there are more of them than slots. */
static uid_t choose_nobody(const struct supervisor *s)
{
    bool taken[SUPERVISE_INSTANCES_MAX * 2] = {false};
    size_t n = sizeof(taken) / sizeof(*taken), i = 0;
    for (size_t j = 0; j < s->n_slots; j++)
        taken[s->slots[j]->nobody - CHANNEL_NOBODY_FIRST] = true;
    while (i < n && taken[i])
        i++;
    return (uid_t)(CHANNEL_NOBODY_FIRST + i);
}

/* No step of it can fail. */
static void make_changes(struct supervisor *s, struct change *changes, size_t n)
{
    int64_t now = instant_monotonic_ms();
    bool stays[SUPERVISE_INSTANCES_MAX * 2] = {false};
    size_t n_before = s->n_slots;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_before; j++)
            stays[j] = stays[j] || s->slots[j] == changes[i].slot;
        if (changes[i].fresh) {
            changes[i].fresh->nobody = choose_nobody(s);
            s->slots[s->n_slots++] = changes[i].fresh;
            changes[i].fresh = NULL;
        } else if (changes[i].plan) {
            if (changes[i].slot->next)
                plan_fini(changes[i].slot->next);
            free(changes[i].slot->next);
            changes[i].slot->next = changes[i].plan;
            changes[i].plan = NULL;
        } else if (changes[i].release) {
            slot_release(changes[i].slot, now);
        }
    }
    for (size_t j = 0; j < n_before; j++)
        s->slots[j]->is_leaving = !stays[j];
}

static const char *find_twice(const struct supervise_instance *instances, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(instances[i].grant.source, instances[j].grant.source) == 0 &&
                strcmp(instances[i].grant.tenant, instances[j].grant.tenant) == 0)
                return instances[i].grant.source;
    return NULL;
}

int supervisor_apply(struct supervisor *s, const struct supervise_instance *instances, size_t n,
                     struct error *err)
{
    if (n > SUPERVISE_INSTANCES_MAX)
        return error_set(err, -EINVAL, "too_many_plugins",
                         "%zu plugin instances are configured, at most %d are run", n,
                         SUPERVISE_INSTANCES_MAX);
    const char *twice = find_twice(instances, n);
    if (twice)
        return error_set(err, -EINVAL, "duplicate_source",
                         "two plugin instances are the source %s of one tenant", twice);
    struct change *changes = calloc(n + 1, sizeof(*changes));
    int r = changes ? 0 : -ENOMEM;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = plan_change(s, &instances[i], &changes[i]);
    if (r == 0 && s->n_slots + n > sizeof(s->slots) / sizeof(*s->slots))
        r = error_set(err, -EAGAIN, "too_many_plugins",
                      "too many plugin hosts are still stopping; try again");
    else if (r < 0)
        r = error_set(err, r, "no_memory", "no memory for the plugin instances");
    else
        make_changes(s, changes, n);
    (void)pthread_mutex_unlock(&s->lock);
    free_changes(changes, changes ? n : 0);
    wake(s);
    return r;
}

int supervisor_replace(struct supervisor *s, const struct supervise_instance *instance, struct error *err)
{
    struct plan *plan = malloc(sizeof(*plan));
    if (!plan || plan_init(plan, instance) < 0) {
        free(plan);
        return error_set(err, -ENOMEM, "no_memory", "no memory for the plugin instance");
    }
    (void)pthread_mutex_lock(&s->lock);
    struct slot *slot = find(s, instance->grant.tenant, instance->grant.source);
    if (slot && !slot->is_leaving) {
        if (slot->next)
            plan_fini(slot->next);
        free(slot->next);
        slot->next = plan;
        plan = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (plan) {
        plan_fini(plan);
        free(plan);
        return error_set(err, -ENOENT, "unknown_source",
                         "no plugin instance is the source %.64s of that tenant", instance->grant.source);
    }
    wake(s);
    return 0;
}

int supervisor_resolve(struct supervisor *s, pid_t pid, struct grant *ret)
{
    int r = -ENOENT;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_slots && r < 0; i++)
        if (pid > 0 && s->slots[i]->pid == pid) {
            *ret = s->slots[i]->grant;
            r = 0;
        }
    (void)pthread_mutex_unlock(&s->lock);
    return r;
}

int supervisor_release(struct supervisor *s, const char *tenant, const char *source, struct error *err)
{
    (void)pthread_mutex_lock(&s->lock);
    struct slot *slot = find(s, tenant, source);
    if (slot)
        slot_release(slot, instant_monotonic_ms());
    (void)pthread_mutex_unlock(&s->lock);
    if (!slot)
        return error_set(err, -ENOENT, "unknown_source",
                         "no plugin instance is the source %.64s of that tenant", source);
    wake(s);
    return 0;
}

int supervisor_restart(struct supervisor *s, const char *tenant, const char *source, struct error *err)
{
    (void)pthread_mutex_lock(&s->lock);
    struct slot *slot = find(s, tenant, source);
    if (slot && slot->pid)
        stop(s, slot, instant_monotonic_ms()); /* what was asked to stop starts again */
    if (slot)
        slot_release(slot, instant_monotonic_ms());
    (void)pthread_mutex_unlock(&s->lock);
    if (!slot)
        return error_set(err, -ENOENT, "unknown_source",
                         "no plugin instance is the source %.64s of that tenant", source);
    wake(s);
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;
    int order = strcmp(x->plan.grant.tenant, y->plan.grant.tenant);
    return order ? order : strcmp(x->plan.grant.source, y->plan.grant.source);
}

json_t *supervisor_status(struct supervisor *s)
{
    json_t *list = json_array();
    struct slot *order[SUPERVISE_INSTANCES_MAX * 2];
    (void)pthread_mutex_lock(&s->lock);
    memcpy(order, s->slots, s->n_slots * sizeof(*order));
    qsort(order, s->n_slots, sizeof(*order), compare);
    for (size_t i = 0; i < s->n_slots && list; i++)
        if (json_array_append_new(list, slot_json(order[i])) < 0) {
            json_decref(list);
            list = NULL;
        }
    (void)pthread_mutex_unlock(&s->lock);
    return list;
}
