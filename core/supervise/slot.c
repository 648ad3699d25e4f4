#include "core/supervise/slot.h"

#include "core/base/instant.h"
#include "core/supervise/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_MAX_MS 60000
#define HEALTHY_MS     60000 /* a process that ran so long was no failure: the backoff begins anew */

static const char *const STATES[SLOT_N_STATES] = {
    [SLOT_STARTING] = "starting",       [SLOT_RUNNING] = "running",
    [SLOT_RETRYING] = "retrying",       [SLOT_BACKOFF] = "backoff",
    [SLOT_QUARANTINED] = "quarantined", [SLOT_FAILED_CONFIG] = "failed_config",
    [SLOT_FAILED_AUTH] = "failed_auth", [SLOT_ENDED] = "ended",
    [SLOT_STOPPING] = "stopping",
};

const char *slot_state_name(enum slot_state state)
{
    return STATES[state];
}

/* --- plans ---------------------------------------------------------------------------------------------- */

int plan_init(struct plan *p, const struct supervise_instance *instance)
{
    *p = (struct plan){.grant = instance->grant, .path = strdup(instance->path), .limits = instance->limits};
    if (!p->path)
        return -ENOMEM;
    (void)snprintf(p->plugin, sizeof(p->plugin), "%s", instance->plugin);
    p->keys = json_incref(instance->keys);
    p->options = json_incref(instance->options);
    if (stat(p->path, &p->file) < 0)
        p->file = (struct stat){0};
    return 0;
}

void plan_fini(struct plan *p)
{
    free(p->path);
    json_decref(p->keys);
    json_decref(p->options);
    *p = (struct plan){0};
}

static bool is_same_grant(const struct grant *a, const struct grant *b)
{
    return a->role == b->role && a->types == b->types && strcmp(a->tenant, b->tenant) == 0 &&
           strcmp(a->source, b->source) == 0 && strcmp(a->namespace, b->namespace) == 0 &&
           strcmp(a->stamp_vendor, b->stamp_vendor) == 0 &&
           strcmp(a->stamp_outsourcer, b->stamp_outsourcer) == 0;
}

static bool is_same_limits(const struct supervise_limits *a, const struct supervise_limits *b)
{
    return a->memory_bytes == b->memory_bytes && a->load_ms == b->load_ms && a->create_ms == b->create_ms &&
           a->start_ms == b->start_ms && a->poll_ms == b->poll_ms && a->ack_ms == b->ack_ms &&
           a->stop_ms == b->stop_ms && a->destroy_ms == b->destroy_ms;
}

bool plan_equals(const struct plan *a, const struct plan *b)
{
    return is_same_grant(&a->grant, &b->grant) && is_same_limits(&a->limits, &b->limits) &&
           strcmp(a->plugin, b->plugin) == 0 && strcmp(a->path, b->path) == 0 &&
           (a->keys == b->keys || json_equal(a->keys, b->keys)) &&
           (a->options == b->options || json_equal(a->options, b->options)) &&
           a->file.st_ino == b->file.st_ino && a->file.st_size == b->file.st_size &&
           a->file.st_mtim.tv_sec == b->file.st_mtim.tv_sec &&
           a->file.st_mtim.tv_nsec == b->file.st_mtim.tv_nsec;
}

/* --- slots ---------------------------------------------------------------------------------------------- */

struct slot *slot_new(struct plan *plan, uint32_t backoff_ms)
{
    struct slot *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->plan = *plan;
    s->is_recorded = true;
    *plan = (struct plan){0};
    s->pidfd = s->channel = -1;
    s->backoff_ms = backoff_ms;
    slot_enter(s, SLOT_STARTING, "");
    return s;
}

void slot_free(struct slot *s)
{
    if (!s)
        return;
    plan_fini(&s->plan);
    if (s->next)
        plan_fini(s->next);
    free(s->next);
    if (s->pidfd >= 0)
        (void)close(s->pidfd);
    if (s->channel >= 0)
        (void)close(s->channel);
    free(s);
}

void slot_enter(struct slot *s, enum slot_state state, const char *message)
{
    if (s->state != state || s->since == 0)
        s->since = instant_now();
    s->state = state;
    (void)snprintf(s->message, sizeof(s->message), "%s", message);
}

static uint64_t counter(const json_t *report, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(report, key));
    return n > 0 ? (uint64_t)n : 0;
}

static const char *text_of(const json_t *report, const char *key)
{
    const char *text = json_string_value(json_object_get(report, key));
    return text ? text : "";
}

void slot_take_report(struct slot *s, const char *text, size_t size)
{
    json_t *report = json_loadb(text, size, 0, NULL);
    if (!json_is_object(report)) {
        json_decref(report);
        return;
    }
    s->skipped = counter(report, "skipped");
    s->accepted = counter(report, "accepted");
    s->rejected = counter(report, "rejected");
    s->inner = (pid_t)counter(report, "inner");
    s->has_landlock = json_is_true(json_object_get(report, "landlock"));
    (void)snprintf(s->last_skip, sizeof(s->last_skip), "%s", text_of(report, "last_skip"));
    (void)snprintf(s->reported, sizeof(s->reported), "%s", text_of(report, "state"));
    enum slot_state state = strcmp(s->reported, "running") == 0    ? SLOT_RUNNING
                            : strcmp(s->reported, "retrying") == 0 ? SLOT_RETRYING
                                                                   : s->state;
    /* What is stopping stays so; how it ends its exit status says. */
    if (s->state != SLOT_STOPPING)
        slot_enter(s, state, text_of(report, "message"));
    json_decref(report);
}

/* A quarter more or less, so that what failed together does not come back together. */
static int64_t backoff_ms(int64_t first_ms, unsigned n_failures)
{
    unsigned doublings = n_failures > 0 ? n_failures - 1 : 0;
    int64_t ms = first_ms << (doublings < 16 ? doublings : 16);
    ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
    uint32_t chance = 0;
    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
        chance = (uint32_t)instant_now();
    return ms * 3 / 4 + chance % (ms / 2 + 1);
}

static void take_crash(struct slot *s, int64_t now_ms)
{
    s->n_crashes++;
    s->crashes_ms[s->next_crash] = now_ms;
    s->next_crash = (s->next_crash + 1) % SUPERVISE_CRASHES;
    /* The ring holds as many as it takes; 0: there were not so many yet. */
    int64_t first = s->crashes_ms[s->next_crash];
    if (first == 0 || now_ms - first > SUPERVISE_CRASHES_MS)
        return;
    char message[sizeof(s->message)];
    (void)snprintf(message, sizeof(message), "%d crashes in 10 minutes; the last: %.400s", SUPERVISE_CRASHES,
                   s->message);
    slot_enter(s, SLOT_QUARANTINED, message);
    s->audit = "plugin.quarantine";
}

static void describe_exit(int status, char *room, size_t size)
{
    if (WIFSIGNALED(status))
        (void)snprintf(room, size, "the plugin host was killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(room, size, "the plugin host ended with status %d", WEXITSTATUS(status));
}

void slot_take_exit(struct slot *s, int status, int64_t now_ms)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    char message[sizeof(s->message)];
    if (s->pidfd >= 0)
        (void)close(s->pidfd);
    if (s->channel >= 0)
        (void)close(s->channel);
    s->pidfd = s->channel = -1;
    s->pid = s->inner = 0;
    bool was_asked = s->is_asked;
    s->is_asked = s->is_killed = false;
    if (was_asked) {
        slot_enter(s, SLOT_STARTING, "");
        s->due_ms = now_ms;
        return;
    }
    if (now_ms - s->started_ms >= HEALTHY_MS)
        s->n_failures = 0;
    if (code == CHANNEL_EXIT_CONFIG || code == CHANNEL_EXIT_AUTH) {
        memcpy(message, s->message, sizeof(message));
        slot_enter(s, code == CHANNEL_EXIT_AUTH ? SLOT_FAILED_AUTH : SLOT_FAILED_CONFIG, message);
        return;
    }
    if (code == CHANNEL_EXIT_OK && strcmp(s->reported, "ended") == 0) {
        slot_enter(s, SLOT_ENDED, "");
        return;
    }
    if (*s->message)
        memcpy(message, s->message, sizeof(message));
    else
        describe_exit(status, message, sizeof(message));
    s->n_failures++;
    s->due_ms = now_ms + backoff_ms(s->backoff_ms, s->n_failures);
    slot_enter(s, SLOT_BACKOFF, message);
    if (code != CHANNEL_EXIT_OK && code != CHANNEL_EXIT_AGAIN)
        take_crash(s, now_ms);
}

void slot_release(struct slot *s, int64_t now_ms)
{
    memset(s->crashes_ms, 0, sizeof(s->crashes_ms));
    s->n_failures = 0;
    if (s->state == SLOT_QUARANTINED)
        s->audit = "plugin.release";
    if (s->pid == 0) {
        slot_enter(s, SLOT_STARTING, "");
        s->due_ms = now_ms;
    }
}

json_t *slot_json(const struct slot *s)
{
    const struct grant *g = &s->plan.grant;
    char since[INSTANT_TEXT_BYTES];
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:I,s:I,s:I,s:s,s:I,s:I,s:b,s:s}", "tenant", g->tenant, "source",
        g->source, "plugin", s->plan.plugin, "state", slot_state_name(s->state), "since",
        instant_text(s->since, since), "pid", s->pid ? json_integer(s->pid) : json_null(), "inner",
        s->inner ? json_integer(s->inner) : json_null(), "restarts",
        (json_int_t)(s->n_starts ? s->n_starts - 1 : 0), "crashes", (json_int_t)s->n_crashes, "skipped",
        (json_int_t)s->skipped, "last_skip", s->last_skip, "accepted", (json_int_t)s->accepted, "rejected",
        (json_int_t)s->rejected, "landlock", s->has_landlock, "message", s->message);
}
