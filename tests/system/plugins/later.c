/* A plugin of a later minor of the ABI: its structures have grown at their end by what this host knows
 * nothing of. */
#include "proto/tendon_plugin.h"

#include <stdio.h>
#include <stdlib.h>

struct later_option {
    struct tendon_option option;
    const char *unit;
    uint64_t more;
};

struct later_plugin {
    struct tendon_plugin plugin;
    void (*reload)(void *self);
    uint64_t flags;
};

static const struct later_option OPTIONS[] = {
    {.option = {.name = "first", .type = TENDON_INT, .low = 1, .high = 9, .fallback = "3", .help = "One."},
     .unit = "ms",
     .more = 7},
    {.option = {.name = "second", .type = TENDON_STRING, .fallback = "two", .help = "Two."},
     .unit = "s",
     .more = 8},
    {.option = {.name = NULL}},
};

static const struct tendon_host *host_of_it;
static int is_done;

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    *ret = &is_done;
    host_of_it = host;
    (void)err;
    /* A function of a later minor is asked for, and done without. */
    int has_more = host->struct_size > sizeof(*host);
    char text[128];
    (void)snprintf(text, sizeof(text), "first %lld second %s more %d",
                   (long long)host->get_int(config, "first", 0), host->get_string(config, "second", 0),
                   has_more);
    host->log(host, TENDON_INFO, text);
    return TENDON_OK;
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    (void)self;
    (void)cursor;
    (void)err;
    is_done = size > 0;
    return TENDON_OK;
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    (void)self;
    (void)timeout_ms;
    (void)err;
    if (is_done)
        return TENDON_IDLE;
    host_of_it->event(batch, "ticket.created", "T-1", "1", 1704708000000, 0);
    (void)host_of_it->end(batch);
    host_of_it->cursor(batch, "x", 1);
    is_done = 1;
    return TENDON_OK;
}

static void nothing(void *self)
{
    (void)self;
}

static const struct later_plugin PLUGIN = {
    .plugin = {.magic = TENDON_MAGIC,
               .abi = TENDON_ABI_MAJOR << 16 | 7,
               .struct_size = sizeof(PLUGIN),
               .option_size = sizeof(struct later_option),
               .id = "later",
               .vendor = "tests",
               .version = "1",
               .help = "Comes from the future.",
               .options = &OPTIONS[0].option,
               .create = create,
               .start = start,
               .poll = poll,
               .stop = nothing,
               .destroy = nothing},
    .reload = nothing,
    .flags = 1,
};

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    return host_abi >> 16 == TENDON_ABI_MAJOR ? &PLUGIN.plugin : NULL;
}
