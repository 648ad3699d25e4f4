/* Plugins that break their contract, each in one way that BROKEN names; with SOUND in none. Each gives 300
 * events from memory, the cursor is the number of the next one. What `tendon plugin check` says of each:
 * tests/system/test_conformance.py. */
#include "proto/tendon_plugin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum way {
    SOUND,
    EXPORT,
    IMPORT,
    CONSTRUCTOR,
    GARBAGE,
    DECLINE,
    ENTRY_STATE,
    ENTRY_MINOR,
    NO_HELP,
    NO_VENDOR,
    BAD_DEFAULT,
    ASK_EARLY,
    SLOW_CREATE,
    BOUND,
    FORMAT,
    SILENT,
    STOP_TWICE,
    DESTROY_NULL,
    RESTART,
    ACK,
    LEAK,
    DESCRIPTOR,
    HANDLER,
    WAKE,
    RESULT,
    HANG,
    TALK,
    PERSON,
    BAD_EVENT,
    SAME_ID,
    NO_ID,
    CLOCK,
    COUNTER,
    BAD_SKIP,
    NEVER_FULL,
    DROP,
    SPIN,
    NO_CURSOR,
    EARLY,
    AGAIN,
    ODD_CURSOR,
    LONG_CURSOR
};
#define IS(way) (BROKEN == (way))

struct broken {
    const struct tendon_host *host;
    long n, next, n_given;
    int is_started, is_polling, n_stops;
    char *label;
};

static const struct tendon_option OPTIONS[] = {
    {.name = "count",
     .type = TENDON_INT,
     .low = 0,
     .high = 1000,
     .fallback = IS(BAD_DEFAULT) ? "1001" : "300",
     .help = IS(NO_HELP) ? NULL : "How many events."},
    {.name = "label", .type = TENDON_STRING, .high = 200, .fallback = "x", .help = "A text."},
    {.name = "url", .type = TENDON_URL, .fallback = "http://desk.example", .help = "A server."},
    {0},
};

#if BROKEN == 1
__attribute__((visibility("default"))) int broken_helper(void);
int broken_helper(void)
{
    return 1;
}
#endif
#if BROKEN == 2
void *json_object(void);
#endif
#if BROKEN == 3
__attribute__((constructor)) static void connect_early(void)
{
    if (socket(AF_INET, SOCK_STREAM, 0) < 0)
        abort();
}
#endif

static void take_signal(int number)
{
    (void)number;
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct broken *b = calloc(1, sizeof(*b));
    const char *label = host->get_string(config, "label", 0);
    if (!b || !label)
        return TENDON_E_TEMPORARY;
    *ret = b;
    b->host = host;
    b->n = (long)host->get_int(config, "count", 0);
    b->label = strdup(label);
    if (IS(BOUND) && b->n == 1000)
        abort();
    if (IS(FORMAT) && strchr(label, '%'))
        (void)raise(SIGSEGV);
    if (IS(LEAK) && !malloc(100))
        return TENDON_E_TEMPORARY;
    if (IS(HANDLER))
        (void)signal(SIGSEGV, take_signal);
    if (IS(SLOW_CREATE))
        (void)sleep(5);
    if (IS(SILENT) && strlen(label) > 1)
        return TENDON_E_CONFIG;
#if BROKEN == 2
    (void)json_object();
#endif
    if (IS(ASK_EARLY)) {
        const struct tendon_http_1 *http = host->extension(host, TENDON_HTTP_1);
        struct tendon_http_options options = {.struct_size = sizeof(options),
                                              .base = host->get_string(config, "url", 0)};
        const struct tendon_http_request request = {.struct_size = sizeof(request)};
        const struct tendon_http_answer *answer;
        struct tendon_http *client;
        if (http->open(host, &options, &client, err) == TENDON_OK) {
            (void)http->send(client, &request, &answer, err);
            http->close(client);
        }
        *err = '\0';
    }
    return TENDON_OK;
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    struct broken *b = self;
    char text[24] = "", *end;
    if (IS(RESTART) && b->is_started)
        abort();
    b->is_started = 1;
    b->n_stops = 0;
    if (IS(DESCRIPTOR))
        (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (size >= sizeof(text)) {
        if (IS(LONG_CURSOR))
            abort();
        (void)snprintf(err, TENDON_ERROR_BYTES, "the cursor is none of this plugin's");
        return TENDON_E_CURSOR;
    }
    if (size)
        memcpy(text, cursor, size);
    b->next = strtol(text, &end, 10);
    if (*end || b->next < 0 || b->next > b->n) {
        if (IS(ODD_CURSOR))
            abort();
        (void)snprintf(err, TENDON_ERROR_BYTES, "the cursor is none of this plugin's");
        return TENDON_E_CURSOR;
    }
    return TENDON_OK;
}

static int give(struct broken *b, struct tendon_batch *batch, long i)
{
    char id[48], ticket[32];
    (void)snprintf(ticket, sizeof(ticket), "T-%ld", i / 3);
    (void)snprintf(id, sizeof(id), "%ld", IS(SAME_ID) ? i / 2 : IS(COUNTER) ? b->n_given : i);
    if (IS(CLOCK))
        (void)snprintf(id, sizeof(id), "%ld-%lld", i, (long long)b->host->now(b->host));
    b->n_given++;
    b->host->event(batch, IS(BAD_EVENT) ? "ticket.opened" : "ticket.created", ticket, IS(NO_ID) ? NULL : id,
                   1704708000000 + i, 0);
    for (int n = 0; IS(NEVER_FULL) && n < 30; n++) {
        char key[8], value[TENDON_ID_BYTES + 1];
        (void)snprintf(key, sizeof(key), "k%d", n);
        memset(value, 'v', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        b->host->set_string(batch, key, value, TENDON_TEXT);
    }
    return b->host->end(batch);
}

static int poll_once(struct broken *b, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    const struct tendon_host *host = b->host;
    char text[24];
    if (IS(RESULT) && b->next > 100)
        return 7;
    if (IS(HANG) && b->next > 100)
        for (;;)
            (void)sleep(10);
    if (IS(PERSON))
        host->log(host, TENDON_INFO, "read the ticket of jane.doe@hospital.example");
    for (int i = 0; IS(TALK) && i < 200; i++)
        host->log(host, TENDON_INFO, "read an event");
    if (IS(BAD_SKIP))
        host->skip(batch, "Bad Line!", NULL, 1);
    if (IS(SPIN) && b->next == b->n)
        return TENDON_OK;
    if (b->next == b->n)
        return TENDON_IDLE;
    long first = b->next;
    while (b->next < b->n && (IS(NEVER_FULL) || b->next - first < 100)) {
        if (!IS(NEVER_FULL) && host->full(batch)) {
            if (IS(DROP))
                b->next++; /* it was read already, and where should it go */
            break;
        }
        if (give(b, batch, b->next) == TENDON_FULL)
            break;
        b->next++;
    }
    long at = IS(EARLY) && b->next < b->n ? b->next + 1 : IS(AGAIN) ? b->next - 1 : b->next;
    if (!IS(NO_CURSOR))
        host->cursor(batch, text, (size_t)snprintf(text, sizeof(text), "%ld", at));
    (void)timeout_ms;
    (void)err;
    return TENDON_OK;
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct broken *b = self;
    b->is_polling = 1;
    int result = poll_once(b, batch, timeout_ms, err);
    b->is_polling = 0;
    return result;
}

static void ack(void *self, const void *cursor, size_t size)
{
    (void)self;
    (void)cursor;
    if (IS(ACK) && size == 0)
        abort();
}

static void wake(void *self)
{
    struct broken *b = self;
    if (IS(WAKE) && !b->is_polling)
        abort();
}

static void stop(void *self)
{
    struct broken *b = self;
    if (IS(STOP_TWICE) && b->n_stops++)
        abort();
    b->is_started = 0;
}

static void destroy(void *self)
{
    struct broken *b = self;
    if (b || IS(DESTROY_NULL))
        free(b->label);
    free(b);
}

static const struct tendon_plugin PLUGIN = {
    .magic = IS(GARBAGE) ? 0x12345678 : TENDON_MAGIC,
    .abi = TENDON_ABI,
    .struct_size = sizeof(PLUGIN),
    .option_size = sizeof(struct tendon_option),
    .id = "broken",
    .vendor = IS(NO_VENDOR) ? "" : "tests",
    .version = "1",
    .help = "Gives events from memory.",
    .options = OPTIONS,
    .create = create,
    .start = start,
    .poll = poll,
    .ack = ack,
    .wake = wake,
    .stop = stop,
    .destroy = destroy,
};

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
#if BROKEN == 6
    static struct tendon_plugin copies[2];
    static unsigned n;
    copies[n % 2] = PLUGIN;
    return &copies[n++ % 2];
#else
    if (IS(DECLINE) || (IS(ENTRY_MINOR) && host_abi != TENDON_ABI))
        return NULL;
    return host_abi >> 16 == TENDON_ABI_MAJOR ? &PLUGIN : NULL;
#endif
}
