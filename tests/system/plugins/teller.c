/* A plugin that tells what it should not: each of its values in a log line, with a skip, or as an error. */
#include "proto/tendon_plugin.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES_A_POLL     8 /* fewer than the host writes in a second */
#define BETWEEN_POLLS_MS 1100

enum way { WAY_LOG, WAY_SKIP, WAY_CREATE, WAY_START, WAY_POLL };

static const char *const WAYS[] = {"log", "skip", "create", "start", "poll", NULL};

static const struct tendon_option OPTIONS[] = {
    {.name = "values",
     .type = TENDON_STRING,
     .shape = TENDON_LIST,
     .flags = TENDON_REQUIRED,
     .n_max = 200,
     .help = "What is told."},
    {.name = "way", .type = TENDON_ENUM, .values = WAYS, .flags = TENDON_REQUIRED, .help = "How."},
    {0},
};

struct teller {
    const struct tendon_host *host;
    const struct tendon_config *config;
    enum way way;
    uint32_t next;
};

/* The first value as an error. */
static int fail(const struct teller *t, int result, char *err)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "cannot go on at %s",
                   t->host->get_string(t->config, "values", 0));
    return result;
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct teller *t = calloc(1, sizeof(*t));
    if (!t)
        return TENDON_E_TEMPORARY;
    *ret = t;
    *t = (struct teller){.host = host, .config = config, .way = (enum way)host->get_int(config, "way", 0)};
    return t->way == WAY_CREATE ? fail(t, TENDON_E_CONFIG, err) : TENDON_OK;
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    struct teller *t = self;
    (void)cursor, (void)size;
    t->next = 0;
    return t->way == WAY_START ? fail(t, TENDON_E_AUTH, err) : TENDON_OK;
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct teller *t = self;
    uint32_t n = t->host->count(t->config, "values");
    (void)timeout_ms;
    if (t->way == WAY_POLL)
        return fail(t, TENDON_E_CONFIG, err);
    for (uint32_t i = 0; i < LINES_A_POLL && t->next < n; i++, t->next++) {
        const char *value = t->host->get_string(t->config, "values", t->next);
        if (t->way == WAY_LOG)
            t->host->log(t->host, TENDON_WARNING, value);
        else
            t->host->skip(batch, t->next % 2 ? value : "bad_row", value, t->next + 1);
    }
    if (t->next == n)
        return TENDON_END;
    t->host->retry_after(batch, BETWEEN_POLLS_MS);
    return TENDON_IDLE;
}

static void stop(void *self)
{
    (void)self;
}

static void destroy(void *self)
{
    free(self);
}

static const struct tendon_plugin PLUGIN = {
    .magic = TENDON_MAGIC,
    .abi = TENDON_ABI,
    .struct_size = sizeof(PLUGIN),
    .option_size = sizeof(struct tendon_option),
    .id = "teller",
    .vendor = "Tests",
    .version = "1.0",
    .help = "Tells what it should not.",
    .options = OPTIONS,
    .create = create,
    .start = start,
    .poll = poll,
    .stop = stop,
    .destroy = destroy,
};

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    return host_abi >> 16 == TENDON_ABI_MAJOR ? &PLUGIN : NULL;
}
