/* A plugin that goes wrong in one way, chosen when it is built:
 *   FAULTY_ABI     speaks another major ABI       FAULTY_CRASH    dies in its third poll
 *   FAULTY_SYMBOL  needs a symbol nobody has      FAULTY_HANG     never returns from its third poll
 *   FAULTY_CONFIG  refuses its configuration      FAULTY_GARBAGE  its descriptor is no descriptor
 *   FAULTY_EXIT    calls exit in its third poll
 * In each of its first two polls it gives one ticket. */
#include "proto/tendon_plugin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct faulty {
    const struct tendon_host *host;
    unsigned n_polls;
};

#ifdef FAULTY_SYMBOL
void tendon_nobody_has_this(void);
#endif

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    (void)config;
#ifdef FAULTY_CONFIG
    (void)host;
    (void)ret;
    (void)snprintf(err, TENDON_ERROR_BYTES, "it is never right");
    return TENDON_E_CONFIG;
#else
    (void)err;
    struct faulty *self = calloc(1, sizeof(*self));
    if (!self)
        return TENDON_E_TEMPORARY;
    self->host = host;
    *ret = self;
    return TENDON_OK;
#endif
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    (void)self;
    (void)cursor;
    (void)size;
    (void)err;
    return TENDON_OK;
}

static int poll_once(void *opaque, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    (void)timeout_ms;
    (void)err;
    struct faulty *self = opaque;
    if (self->n_polls++ >= 2) {
#if defined(FAULTY_CRASH)
        (void)raise(SIGSEGV);
#elif defined(FAULTY_HANG)
        for (;;)
            (void)sleep(1000);
#elif defined(FAULTY_EXIT)
        exit(0);
#elif defined(FAULTY_SYMBOL)
        tendon_nobody_has_this();
#endif
        return TENDON_IDLE;
    }
    char ticket[16];
    (void)snprintf(ticket, sizeof(ticket), "T%u", self->n_polls);
    self->host->event(batch, "ticket.created", ticket, "1", 1704708000000, 0);
    (void)self->host->end(batch);
    self->host->cursor(batch, "x", 1);
    return TENDON_OK;
}

static void stop(void *self)
{
    (void)self;
}

static void destroy(void *self)
{
    free(self);
}

static const struct tendon_option OPTIONS[] = {{.name = NULL}};

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    (void)host_abi;
    static const struct tendon_plugin plugin = {
#ifdef FAULTY_GARBAGE
        .magic = 0x12345678u,
#else
        .magic = TENDON_MAGIC,
#endif
#ifdef FAULTY_ABI
        .abi = (TENDON_ABI_MAJOR + 1) << 16,
#else
        .abi = TENDON_ABI,
#endif
        .struct_size = sizeof(struct tendon_plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "faulty",
        .vendor = "tests",
        .version = "1",
        .help = "Goes wrong.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll_once,
        .stop = stop,
        .destroy = destroy,
    };
    return &plugin;
}
