/* A plugin on strings: what it does is in its options, for the tests of tendon-plugin-host.
 *
 * It gives `count` events, `each` a poll, numbered from its cursor on, and then does what `fault` says at the
 * poll, start or stop that it names. Its log lines say what it was given and what it was allowed. */
#include "plugins/host/pipe.h"
#include "proto/tendon_plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FAULTS(X)                                                                                            \
    X(none)                                                                                                  \
    X(end)                                                                                                   \
    X(temporary)                                                                                             \
    X(temporary_start)                                                                                       \
    X(auth)                                                                                                  \
    X(config)                                                                                                \
    X(cursor)                                                                                                \
    X(cursor_always)                                                                                         \
    X(odd)                                                                                                   \
    X(abort)                                                                                                 \
    X(hang_stop)                                                                                             \
    X(long_cursor)                                                                                           \
    X(flood)                                                                                                 \
    X(personal)                                                                                              \
    X(sandbox)                                                                                               \
    X(options)                                                                                               \
    X(invalid)                                                                                               \
    X(skips)                                                                                                 \
    X(eat_memory)                                                                                            \
    X(close_all)                                                                                             \
    X(wait)                                                                                                  \
    X(overflow)                                                                                              \
    X(not_utf8)                                                                                              \
    X(forge)                                                                                                 \
    X(forge_events)

enum fault {
#define X(name) FAULT_##name,
    FAULTS(X)
#undef X
};

static const char *const FAULT_NAMES[] = {
#define X(name) #name,
    FAULTS(X)
#undef X
        NULL};

static const char *const COLOURS[] = {"red", "green", NULL};

static const struct tendon_option OPTIONS[] = {
    {.name = "fault",
     .type = TENDON_ENUM,
     .fallback = "none",
     .values = FAULT_NAMES,
     .help = "What goes wrong."},
    {.name = "count", .type = TENDON_INT, .fallback = "10", .high = 100000000, .help = "Events in all."},
    {.name = "each",
     .type = TENDON_INT,
     .fallback = "10",
     .low = 1,
     .high = 1000000,
     .help = "Events a poll."},
    {.name = "pause", .type = TENDON_DURATION, .fallback = "0", .help = "Before each poll returns."},
    {.name = "flag", .type = TENDON_BOOL, .help = "A truth."},
    {.name = "room", .type = TENDON_SIZE, .low = 1024, .high = 1048576, .help = "A size."},
    {.name = "label", .type = TENDON_STRING, .low = 2, .high = 8, .help = "A text."},
    {.name = "colour", .type = TENDON_ENUM, .values = COLOURS, .help = "A colour."},
    {.name = "zone", .type = TENDON_ZONE, .help = "A zone."},
    {.name = "path", .type = TENDON_PATH, .help = "A file or folder."},
    {.name = "url", .type = TENDON_URL, .help = "A place."},
    {.name = "secret", .type = TENDON_SECRET, .help = "A secret."},
    {.name = "numbers", .type = TENDON_INT, .shape = TENDON_LIST, .n_max = 3, .help = "Some numbers."},
    {.name = "names", .type = TENDON_STRING, .shape = TENDON_MAP, .help = "Some names."},
    {0},
};

struct puppet {
    const struct tendon_host *host;
    const struct tendon_config *config;
    enum fault fault;
    int64_t count, each, pause_ms, next;
    unsigned n_starts, n_polls;
    int wake[2];
};

static void say(const struct puppet *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct puppet *p, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    p->host->log(p->host, TENDON_INFO, text);
}

/* As say, at a pace at which every line is shown. */
#define say_slowly(p, ...)                                                                                   \
    do {                                                                                                     \
        say(p, __VA_ARGS__);                                                                                 \
        (void)usleep(120000);                                                                                \
    } while (0)

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct puppet *p = calloc(1, sizeof(*p));
    if (!p)
        return TENDON_E_TEMPORARY;
    *ret = p;
    p->host = host;
    p->config = config;
    p->fault = (enum fault)host->get_int(config, "fault", 0);
    p->count = host->get_int(config, "count", 0);
    p->each = host->get_int(config, "each", 0);
    p->pause_ms = host->get_int(config, "pause", 0);
    if (pipe2(p->wake, O_CLOEXEC | O_NONBLOCK) < 0) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "no pipe");
        return TENDON_E_TEMPORARY;
    }
    return TENDON_OK;
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    struct puppet *p = self;
    char text[32] = "";
    p->n_starts++;
    memcpy(text, cursor, size < sizeof(text) - 1 ? size : 0);
    say(p, "start %u cursor '%s'", p->n_starts, text);
    p->next = strtoll(text, NULL, 10);
    (void)snprintf(err, TENDON_ERROR_BYTES, "as it was told");
    if (p->fault == FAULT_temporary_start && p->n_starts < 3)
        return TENDON_E_TEMPORARY;
    if (p->fault == FAULT_auth)
        return TENDON_E_AUTH;
    if (p->fault == FAULT_config)
        return TENDON_E_CONFIG;
    if (p->fault == FAULT_cursor_always || (p->fault == FAULT_cursor && size))
        return TENDON_E_CURSOR;
    return TENDON_OK;
}

static void try(const struct puppet *p, const char *what, long result)
{
    say_slowly(p, "%s: %s", what, result >= 0 ? "allowed" : strerror(errno));
}

static void *nothing(void *arg)
{
    return arg;
}

static long maps(int protection, int flags)
{
    return mmap(NULL, 4096, protection, flags | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

/* What would have the kernel do for a plugin what it may not do itself. */
static void probe_kernel(const struct puppet *p)
{
    static char page[8192];
    char *aligned = page + (4096 - (uintptr_t)page % 4096);
    const struct rlimit more = {1 << 20, 1 << 20};
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    try(p, "thread", errno ? -1 : 0);
    try(p, "signal owner", fcntl(p->wake[0], F_SETOWN, getppid()));
    try(p, "pipe size", fcntl(p->wake[0], F_SETPIPE_SZ, 1 << 20));
    try(p, "write and execute", maps(PROT_WRITE | PROT_EXEC, MAP_PRIVATE));
    try(p, "execute later", mprotect(aligned, 4096, PROT_READ | PROT_EXEC));
    try(p, "shared memory", maps(PROT_READ | PROT_WRITE, MAP_SHARED));
    try(p, "limit", setrlimit(RLIMIT_NOFILE, &more));
    try(p, "owner", setuid(0));
}

static void probe_sandbox(const struct puppet *p)
{
    const char *path = p->host->get_string(p->config, "path", 0);
    char *const argv[] = {(char *)"/bin/true", NULL};
    char file[512];
    int n_open = 0;
    for (int fd = 4; fd < 256; fd++)
        n_open += fcntl(fd, F_GETFD) >= 0 && fd != p->wake[0] && fd != p->wake[1];
    say_slowly(p, "further descriptors: %d", n_open);
    try(p, "socket", socket(AF_INET, SOCK_STREAM, 0));
    try(p, "unix", socket(AF_UNIX, SOCK_STREAM, 0));
    try(p, "fork", fork());
    try(p, "exec", execv("/bin/true", argv));
    try(p, "ptrace", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
    try(p, "kill", kill(getppid(), SIGTERM));
    try(p, "passwd", open("/etc/passwd", O_RDONLY));
    try(p, "parent", open("/proc/1/environ", O_RDONLY));
    try(p, "write", open("/tmp/tendon-puppet", O_WRONLY | O_CREAT, 0600));
    try(p, "unlink", unlink("/tmp/tendon-puppet"));
    if (path) {
        (void)snprintf(file, sizeof(file), "%s/in.txt", path);
        try(p, "path read", open(file, O_RDONLY));
        (void)snprintf(file, sizeof(file), "%s/out.txt", path);
        try(p, "path write", open(file, O_WRONLY | O_CREAT, 0600));
    }
    probe_kernel(p);
    say_slowly(p, "environment: %s", getenv("TENDON_TEST_LEAK") ? "leaks" : "clean");
}

static void show_options(const struct puppet *p)
{
    static const char *const NAMES[] = {"flag", "room",   "label",  "colour",  "zone", "path",
                                        "url",  "secret", "absent", "numbers", "names"};
    for (unsigned i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++) {
        uint32_t n = p->host->count(p->config, NAMES[i]);
        for (uint32_t j = 0; j < n; j++) {
            const char *key = p->host->get_key(p->config, NAMES[i], j);
            const char *text = p->host->get_string(p->config, NAMES[i], j);
            say_slowly(p, "option %s[%s] = %" PRId64 " '%s'", NAMES[i], key ? key : "",
                       p->host->get_int(p->config, NAMES[i], j), text ? text : "");
        }
        if (n == 0)
            say_slowly(p, "option %s is not set", NAMES[i]);
    }
    say_slowly(p, "found %" PRId64 " %" PRId64, p->host->find(p->config, "names", "two"),
               p->host->find(p->config, "names", "nobody"));
}

/* Uses up the stack; the compiler must not make a loop of it. */
static int overflow(volatile int *n)
{
    volatile char room[4096];
    room[0] = (char)++*n;
    return *n < 0 ? 0 : overflow(n) + room[0];
}

static int fail(struct puppet *p, struct tendon_batch *batch, char *err)
{
    char text[64];
    volatile int depth = 0;
    (void)snprintf(err, TENDON_ERROR_BYTES, "as it was told");
    switch (p->fault) {
    case FAULT_end:
        return TENDON_END;
    case FAULT_temporary:
        p->host->event(batch, "ticket.created", "lost", "lost", 1704708000000, 0);
        (void)p->host->end(batch);
        p->host->cursor(batch, "99", 2);
        p->fault = FAULT_none;
        return TENDON_E_TEMPORARY;
    case FAULT_odd:
        return 77;
    case FAULT_abort:
        abort();
    case FAULT_overflow:
        return overflow(&depth);
    case FAULT_long_cursor: {
        char cursor[TENDON_CURSOR_BYTES + 1] = "";
        p->host->cursor(batch, cursor, sizeof(cursor));
        return TENDON_OK;
    }
    case FAULT_flood:
        for (int i = 0; i < 1000; i++)
            say(p, "line %d", i);
        p->fault = FAULT_none;
        return TENDON_IDLE;
    case FAULT_personal:
        say(p, "the user jane.doe@example.org called");
        p->host->skip(batch, "Bad Code", "jane.doe@example.org", 7);
        (void)snprintf(err, TENDON_ERROR_BYTES, "ask jane.doe@example.org");
        p->fault = FAULT_none;
        return TENDON_E_TEMPORARY;
    case FAULT_not_utf8:
        say(p, "\xff\xfe");
        p->fault = FAULT_none;
        return TENDON_IDLE;
    case FAULT_sandbox:
        probe_sandbox(p);
        p->fault = FAULT_none;
        return TENDON_IDLE;
    case FAULT_options:
        show_options(p);
        p->fault = FAULT_none;
        return TENDON_IDLE;
    case FAULT_invalid: {
        char id[200];
        memset(id, 'x', sizeof(id) - 1);
        id[sizeof(id) - 1] = '\0';
        p->host->event(batch, "ticket.created", "T", id, 1704708000000, 0);
        say(p, "long id: %d", p->host->end(batch));
        p->host->event(batch, "survey.response", "T", "1", 1704708000000, 0);
        p->host->set_double(batch, "score", 0.0 / (double)depth);
        say(p, "not a number: %d", p->host->end(batch));
        p->host->event(batch, "ticket.created", "T", "2", 1704708000000, 0);
        for (int i = 0; i < 70; i++)
            p->host->set_int(batch, "x", i);
        say(p, "too many fields: %d", p->host->end(batch));
        say(p, "no event: %d", p->host->end(batch));
        p->host->event(batch, "ticket.created", "T", "3", 1704708000000, 0);
        for (int i = 0; i < 20; i++) {
            (void)snprintf(text, sizeof(text), "key%d", i);
            p->host->set_int(batch, text, i);
        }
        say(p, "many fields: %d", p->host->end(batch));
        p->fault = FAULT_none;
        return TENDON_IDLE;
    }
    case FAULT_skips:
        for (int i = 1; i <= 100; i++)
            p->host->skip(batch, i % 2 ? "odd_line" : "even_line", "some.csv", (uint64_t)i);
        p->fault = FAULT_none;
        return TENDON_IDLE;
    case FAULT_eat_memory:
        for (size_t n = 0; n < 4096; n++) {
            void *room = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (room == MAP_FAILED) {
                say(p, "memory: %zu MiB", n);
                break;
            }
            memset(room, 1, 1 << 20);
        }
        p->fault = FAULT_none;
        return TENDON_IDLE;
    case FAULT_forge: {
        /* What no host's process says, on the channel that it has. */
        const uint32_t frame[] = {99, 0xffffffff};
        ssize_t n = write(3, frame, sizeof(frame));
        (void)n;
        return TENDON_IDLE;
    }
    case FAULT_forge_events: {
        struct {
            struct pipe_header header;
            struct pipe_reply reply;
            uint8_t events[4];
        } frame = {
            .header = {PIPE_REPLY, sizeof(frame.reply) + sizeof(frame.events)},
            .reply = {.call = PIPE_POLL, .data_bytes = sizeof(frame.events), .cursor_bytes = PIPE_NO_CURSOR},
            .events = {0xdf, 0xff, 0xff, 0xff},
        };
        ssize_t n = write(3, &frame, sizeof(frame.header) + frame.header.size);
        (void)n;
        return TENDON_IDLE;
    }
    case FAULT_close_all:
        for (int fd = 0; fd < 256; fd++)
            (void)close(fd);
        return TENDON_IDLE;
    default:
        return TENDON_IDLE;
    }
}

static int poll_once(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct puppet *p = self;
    p->n_polls++;
    if (p->fault == FAULT_wait && p->next >= p->count) {
        struct pollfd fd = {.fd = p->wake[0], .events = POLLIN};
        say(p, "waiting");
        (void)poll(&fd, 1, (int)timeout_ms + 4000);
        return TENDON_IDLE;
    }
    if (p->next >= p->count)
        return fail(p, batch, err);
    if (p->pause_ms)
        (void)usleep((unsigned)p->pause_ms * 1000);
    for (int64_t i = 0; i < p->each && p->next < p->count && !p->host->full(batch); i++, p->next++) {
        char ticket[32], id[32];
        (void)snprintf(ticket, sizeof(ticket), "T%" PRId64, p->next / 10);
        (void)snprintf(id, sizeof(id), "%" PRId64, p->next);
        p->host->event(batch, "ticket.created", ticket, id, 1704708000000 + p->next, (uint32_t)(p->next % 3));
        p->host->set_string(batch, "site", "north", TENDON_TEXT);
        p->host->set_nil(batch, "team");
        if (p->host->end(batch) != TENDON_OK)
            break;
    }
    char cursor[32];
    int n = snprintf(cursor, sizeof(cursor), "%" PRId64, p->next);
    p->host->cursor(batch, cursor, (size_t)n);
    return TENDON_OK;
}

static void ack(void *self, const void *cursor, size_t size)
{
    struct puppet *p = self;
    char text[32] = "";
    memcpy(text, cursor, size < sizeof(text) - 1 ? size : 0);
    if (strtoll(text, NULL, 10) == p->count)
        say(p, "ack '%s'", text);
}

static void wake(void *self)
{
    struct puppet *p = self;
    ssize_t n = write(p->wake[1], "w", 1);
    (void)n;
}

static void stop(void *self)
{
    struct puppet *p = self;
    say(p, "stop");
    while (p->fault == FAULT_hang_stop)
        (void)sleep(1000);
}

static void destroy(void *self)
{
    if (self)
        say(self, "destroy");
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    (void)host_abi;
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(struct tendon_plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "puppet",
        .vendor = "tests",
        .version = "1",
        .help = "Does what it is told.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll_once,
        .ack = ack,
        .wake = wake,
        .stop = stop,
        .destroy = destroy,
    };
    return &plugin;
}
