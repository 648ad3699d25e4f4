/* What the hostile plugins have in common: a file is a plugin that gives two tickets in its first poll and
 * does its harm in a hook, once a process or at each poll. What was refused to it and what was not stands in
 * its log lines, "held: …" and "ESCAPED: …"; a plugin that is still there afterwards goes on giving tickets,
 * one a poll, up to TICKETS.
 *
 *     #include "zoo.h"
 *     static void harm(struct zoo *z) { ZOO_TRY(z, "fork", fork()); }
 *     ZOO(.once = harm)
 */
#ifndef TENDON_TESTS_ZOO_H
#define TENDON_TESTS_ZOO_H

#include "proto/tendon_plugin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZOO_TICKETS 8

struct zoo {
    const struct tendon_host *host;
    const struct tendon_config *config;
    struct tendon_batch *batch; /* in poll */
    const char *target;         /* the option: a path that it is told and not allowed */
    int64_t next;
    bool was_done;
};

struct zoo_hooks {
    void (*create)(struct zoo *z);
    int (*refuse)(struct zoo *z, char *err); /* the result of create */
    void (*start)(struct zoo *z);
    void (*once)(struct zoo *z);           /* in the second poll of a process */
    int (*poll)(struct zoo *z, char *err); /* in each but the first, in place of a ticket */
    void (*ack)(struct zoo *z);
    void (*wake)(struct zoo *z);
    void (*stop)(struct zoo *z);
    void (*destroy)(struct zoo *z);
};

static const struct zoo_hooks ZOO_HOOKS;

__attribute__((unused)) static void zoo_say(struct zoo *z, const char *what, bool is_held)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "%s: %s", is_held ? "held" : "ESCAPED", what);
    z->host->log(z->host, TENDON_INFO, text);
    (void)usleep(110000); /* ten lines a second are shown */
}

/* result < 0 is what should be. */
#define ZOO_TRY(z, what, result) zoo_say((z), (what), (result) < 0)

static int zoo_create(const struct tendon_host *host, const struct tendon_config *config, void **ret,
                      char *err)
{
    struct zoo *z = calloc(1, sizeof(*z));
    if (!z)
        return TENDON_E_TEMPORARY;
    z->host = host;
    z->config = config;
    z->target = host->get_string(config, "target", 0);
    *ret = z;
    if (ZOO_HOOKS.create)
        ZOO_HOOKS.create(z);
    return ZOO_HOOKS.refuse ? ZOO_HOOKS.refuse(z, err) : TENDON_OK;
}

static int zoo_start(void *self, const void *cursor, size_t size, char *err)
{
    struct zoo *z = self;
    char text[32] = "";
    (void)err;
    memcpy(text, cursor, size < sizeof(text) - 1 ? size : 0);
    z->next = strtoll(text, NULL, 10);
    if (ZOO_HOOKS.start)
        ZOO_HOOKS.start(z);
    return TENDON_OK;
}

static void zoo_ticket(struct zoo *z)
{
    char name[32];
    int n = snprintf(name, sizeof(name), "%lld", (long long)z->next);
    z->host->event(z->batch, "ticket.created", name, "1", 1704708000000 + z->next, 0);
    (void)z->host->end(z->batch);
    z->next++;
    n = snprintf(name, sizeof(name), "%lld", (long long)z->next);
    z->host->cursor(z->batch, name, (size_t)n);
}

static int zoo_poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct zoo *z = self;
    (void)timeout_ms;
    z->batch = batch;
    if (z->next < 2) {
        zoo_ticket(z);
        zoo_ticket(z);
        return TENDON_OK;
    }
    if (ZOO_HOOKS.poll)
        return ZOO_HOOKS.poll(z, err);
    if (!z->was_done && ZOO_HOOKS.once) {
        z->was_done = true;
        ZOO_HOOKS.once(z);
        return TENDON_IDLE;
    }
    if (z->next >= ZOO_TICKETS)
        return TENDON_IDLE;
    zoo_ticket(z);
    return TENDON_OK;
}

__attribute__((unused)) static void zoo_ack(void *self, const void *cursor, size_t size)
{
    (void)cursor;
    (void)size;
    ZOO_HOOKS.ack(self);
}

__attribute__((unused)) static void zoo_wake(void *self)
{
    ZOO_HOOKS.wake(self);
}

static void zoo_stop(void *self)
{
    if (ZOO_HOOKS.stop)
        ZOO_HOOKS.stop(self);
}

static void zoo_destroy(void *self)
{
    if (ZOO_HOOKS.destroy)
        ZOO_HOOKS.destroy(self);
    free(self);
}

static const struct tendon_option ZOO_OPTIONS[] = {
    {.name = "target", .type = TENDON_STRING, .help = "What it goes for."},
    {.name = NULL},
};

#define ZOO_WITH(extra, ...)                                                                                 \
    static const struct zoo_hooks ZOO_HOOKS = {__VA_ARGS__};                                                 \
    const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)                                       \
    {                                                                                                        \
        static const struct tendon_plugin plugin = {.magic = TENDON_MAGIC,                                   \
                                                    .abi = TENDON_ABI,                                       \
                                                    .struct_size = sizeof(struct tendon_plugin),             \
                                                    .option_size = sizeof(struct tendon_option),             \
                                                    .id = "zoo",                                             \
                                                    .vendor = "tests",                                       \
                                                    .version = "1",                                          \
                                                    .help = "Does harm.",                                    \
                                                    .options = ZOO_OPTIONS,                                  \
                                                    .create = zoo_create,                                    \
                                                    .start = zoo_start,                                      \
                                                    .poll = zoo_poll,                                        \
                                                    .stop = zoo_stop,                                        \
                                                    .destroy = zoo_destroy,                                  \
                                                    extra};                                                  \
        (void)host_abi;                                                                                      \
        return &plugin;                                                                                      \
    }

#define ZOO(...) ZOO_WITH(, __VA_ARGS__)

#endif
