#include "plugins/host/inner.h"

#include "core/base/error.h"
#include "plugins/host/ask.h"
#include "plugins/host/batch.h"
#include "plugins/host/config.h"
#include "plugins/host/describe.h"
#include "plugins/host/file/service.h"
#include "plugins/host/http/client.h"
#include "plugins/host/json.h"
#include "plugins/host/pipe.h"
#include "plugins/host/push/client.h"
#include "plugins/host/sandbox.h"
#include "plugins/host/timestamp.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STRING_(x)      #x
#define STRING(x)       STRING_(x)
#define IMAGE_PATH      "/proc/self/fd/" STRING(INNER_IMAGE_FD)
#define DESCRIPTORS_MAX 256 /* the sandbox's limit */

/* A call as the reading thread hands it to the main one. */
struct call {
    uint32_t kind; /* 0: none */
    uint32_t size;
    uint8_t payload[PIPE_TEXT_BYTES];
};

struct inner {
    int channel;
    pthread_mutex_t lock; /* call, wakes; and the channel's writing end */
    pthread_cond_t arrived;
    struct call call;
    struct call running;         /* main thread */
    pthread_t main;              /* who may ask */
    bool is_asking, is_answered; /* lock */
    unsigned n_misplaced;        /* services asked for outside of start and poll */
    int n_handlers;              /* before the plugin came: a sanitizer has some */
    uint8_t *answer;             /* [answer_bytes], and a NUL */
    size_t answer_bytes, answer_have;
    int64_t retry_ms; /* what an answer of this call said */
    struct ask ask;
    const struct tendon_plugin *_Atomic wakes; /* while wake() may be called */

    struct tendon_host host;
    struct tendon_plugin plugin;
    bool is_loaded, was_created;
    void *_Atomic self;
    struct tendon_config *config;
    struct tendon_batch batch;
    struct time_zones zones;
    int64_t now_ms; /* what the plugin's clock shows; 0: that of the system */

    uint8_t frame[PIPE_FRAME_BYTES];   /* main thread: the reply being written */
    uint8_t incoming[PIPE_TEXT_BYTES]; /* reading thread */
};

static void leave(int status)
{
    /* Neither the plugin's destructors nor its atexit functions have anything to do any more. */
    _exit(status);
}

static void reply(struct inner *in, const struct pipe_reply *fixed, const void *data, const void *cursor,
                  const struct pipe_skip *skips)
{
    uint8_t *frame = in->frame;
    size_t cursor_bytes = fixed->cursor_bytes == PIPE_NO_CURSOR ? 0 : fixed->cursor_bytes;
    size_t n = 0;
    memcpy(frame, fixed, sizeof(*fixed));
    n += sizeof(*fixed);
    if (fixed->data_bytes)
        memcpy(frame + n, data, fixed->data_bytes);
    n += fixed->data_bytes;
    if (cursor_bytes)
        memcpy(frame + n, cursor, cursor_bytes);
    n += cursor_bytes;
    if (fixed->n_skips)
        memcpy(frame + n, skips, fixed->n_skips * sizeof(*skips));
    n += fixed->n_skips * sizeof(*skips);
    (void)pthread_mutex_lock(&in->lock);
    int r = pipe_write(in->channel, PIPE_REPLY, frame, n);
    (void)pthread_mutex_unlock(&in->lock);
    if (r < 0)
        leave(1);
}

static void reply_result(struct inner *in, uint32_t kind, int result, const char *err)
{
    struct pipe_reply fixed = {.call = kind, .result = result, .cursor_bytes = PIPE_NO_CURSOR};
    if (err)
        memcpy(fixed.err, err, strnlen(err, sizeof(fixed.err) - 1));
    reply(in, &fixed, NULL, NULL, NULL);
}

static void reply_document(struct inner *in, uint32_t kind, const json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    if (!text || n > PIPE_TEXT_BYTES) {
        reply_result(in, kind, TENDON_E_CONFIG, "the plugin's description is larger than 256 KiB");
    } else {
        struct pipe_reply fixed = {.call = kind, .data_bytes = (uint32_t)n, .cursor_bytes = PIPE_NO_CURSOR};
        reply(in, &fixed, text, NULL, NULL);
    }
    free(text);
}

/* --- the functions of struct tendon_host that need the process ------------------------------------------ */

static void host_log(const struct tendon_host *host, int level, const char *text)
{
    struct inner *in = host->instance;
    uint8_t frame[1 + PIPE_LOG_BYTES];
    size_t n = text ? strnlen(text, PIPE_LOG_BYTES) : 0;
    frame[0] = (uint8_t)(level < TENDON_ERROR || level > TENDON_DEBUG ? TENDON_INFO : level);
    if (n)
        memcpy(frame + 1, text, n);
    (void)pthread_mutex_lock(&in->lock);
    (void)pipe_write(in->channel, PIPE_LOG, frame, n + 1);
    (void)pthread_mutex_unlock(&in->lock);
}

static int64_t host_now(const struct tendon_host *host)
{
    const struct inner *in = host->instance;
    struct timespec ts;
    if (in->now_ms)
        return in->now_ms;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int host_time_parse(const struct tendon_host *host, const char *format, const char *zone,
                           const char *text, size_t size, int64_t *ret_ms)
{
    struct inner *in = host->instance;
    return time_parse(&in->zones, format, zone, text, size, ret_ms);
}

static size_t host_time_format(const struct tendon_host *host, const char *format, const char *zone,
                               int64_t at_ms, char *room, size_t size)
{
    struct inner *in = host->instance;
    return time_format(&in->zones, format, zone, at_ms, room, size);
}

static const void *host_extension(const struct tendon_host *host, const char *name)
{
    if (!name)
        return NULL;
    if (strcmp(name, TENDON_FILE_1) == 0)
        return file_service();
    if (strcmp(name, TENDON_HTTP_1) == 0)
        return http_service();
    if (strcmp(name, TENDON_PUSH_1) == 0)
        return push_service();
    return strcmp(name, TENDON_JSON_1) == 0 ? json_service() : NULL;
}

const struct ask *ask_of(const struct tendon_host *host)
{
    const struct inner *in = host->instance;
    return &in->ask;
}

/* The channel's reading thread puts the answer together. */
static int send_ask(void *ctx, const struct buffer *parcel, char **ret, size_t *ret_size, char *err)
{
    struct inner *in = ctx;
    if (!pthread_equal(pthread_self(), in->main) ||
        (in->running.kind != PIPE_START && in->running.kind != PIPE_POLL)) {
        in->n_misplaced++;
        (void)snprintf(err, TENDON_ERROR_BYTES, "the plugin asks for a service outside of start and poll");
        return TENDON_E_CONFIG;
    }
    (void)pthread_mutex_lock(&in->lock);
    in->is_asking = true;
    in->is_answered = false;
    if (pipe_write(in->channel, PIPE_ASK, parcel->data, parcel->size) < 0)
        leave(1);
    while (!in->is_answered)
        (void)pthread_cond_wait(&in->arrived, &in->lock);
    in->is_asking = false;
    *ret = (char *)in->answer;
    *ret_size = in->answer_bytes;
    in->answer = NULL;
    (void)pthread_mutex_unlock(&in->lock);
    struct parcel_field retry = parcel_find(*ret, *ret_size, PARCEL_RETRY_MS);
    if (retry.data)
        in->retry_ms = parcel_number(&retry);
    return TENDON_OK;
}

static const struct tendon_host HOST = {
    .struct_size = sizeof(HOST),
    .abi = TENDON_ABI,
    .log = host_log,
    .now = host_now,
    .count = config_count,
    .get_int = config_get_int,
    .get_string = config_get_string,
    .get_key = config_get_key,
    .find = config_find,
    .event = batch_event,
    .set_string = batch_set_string,
    .set_int = batch_set_int,
    .set_double = batch_set_double,
    .set_bool = batch_set_bool,
    .set_nil = batch_set_nil,
    .end = batch_end,
    .full = batch_full,
    .cursor = batch_cursor,
    .skip = batch_skip,
    .retry_after = batch_retry_after,
    .time_parse = host_time_parse,
    .time_format = host_time_format,
    .extension = host_extension,
};

/* How many signals have a handler. */
static int count_handlers(void)
{
    int handlers = 0;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        handlers += sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
                    action.sa_handler != SIG_IGN;
    }
    return handlers;
}

/* --- calls ---------------------------------------------------------------------------------------------- */

/* What the loader says, without the name of the image, which nobody knows. */
static const char *loader_error(void)
{
    const char *said = dlerror();
    size_t n = sizeof(IMAGE_PATH ": ") - 1;
    if (!said)
        return "it does not say why";
    return strncmp(said, IMAGE_PATH ": ", n) == 0 ? said + n : said;
}

static int load(struct inner *in, json_t **ret, struct error *err)
{
    /* Never closed: a vendor's code may have left threads, handlers or destructors behind; the process ends
     * instead. */
    void *object = dlopen(IMAGE_PATH, RTLD_NOW | RTLD_LOCAL);
    (void)close(INNER_IMAGE_FD);
    if (!object)
        return error_set(err, -EINVAL, "bad_plugin", "cannot load the plugin: %s", loader_error());
    const struct tendon_plugin *(*entry)(uint32_t);
    *(void **)&entry = dlsym(object, "tendon_plugin_entry");
    if (!entry)
        return error_set(err, -EINVAL, "bad_plugin", "the shared object does not export tendon_plugin_entry");
    int r = describe_load(entry(TENDON_ABI), &in->plugin, err);
    if (r == 0)
        r = describe_plugin(&in->plugin, ret, err);
    in->is_loaded = r == 0;
    return r;
}

static void call_load(struct inner *in)
{
    struct error err = ERROR_INIT;
    json_t *document = NULL;
    if (load(in, &document, &err) < 0)
        reply_result(in, PIPE_LOAD, TENDON_E_CONFIG, err.message);
    else
        reply_document(in, PIPE_LOAD, document);
    json_decref(document);
}

static void call_create(struct inner *in)
{
    json_t *document = json_loadb((const char *)in->running.payload, in->running.size, 0, NULL);
    if (in->config)
        leave(1);
    in->was_created = true;
    in->config = config_new(document);
    json_decref(document);
    if (!in->config) {
        reply_result(in, PIPE_CREATE, TENDON_E_TEMPORARY, "no memory for the configuration");
        return;
    }
    char err[TENDON_ERROR_BYTES] = "";
    void *self = NULL;
    int result = in->plugin.create(&in->host, in->config, &self, err);
    in->self = self;
    if (result == TENDON_OK && in->plugin.wake)
        in->wakes = &in->plugin;
    err[sizeof(err) - 1] = '\0';
    reply_result(in, PIPE_CREATE, result, err);
}

static void call_poll(struct inner *in)
{
    struct pipe_poll poll;
    memcpy(&poll, in->running.payload, sizeof(poll));
    struct tendon_batch *b = &in->batch;
    batch_begin(b, poll.soft_bytes);
    struct pipe_reply fixed = {.call = PIPE_POLL, .cursor_bytes = PIPE_NO_CURSOR};
    fixed.result = in->plugin.poll(in->self, b, poll.timeout_ms, fixed.err);
    fixed.err[sizeof(fixed.err) - 1] = '\0';
    fixed.retry_after_ms = b->retry_after_ms;
    if (fixed.retry_after_ms == 0 && fixed.result == TENDON_E_TEMPORARY)
        fixed.retry_after_ms = in->retry_ms;
    batch_finish(b);
    if (b->cursor_bad) {
        fixed.result = TENDON_E_CONFIG;
        (void)snprintf(fixed.err, sizeof(fixed.err), "the plugin set a cursor of over %d bytes",
                       TENDON_CURSOR_BYTES);
    }
    if (fixed.result >= TENDON_OK) {
        fixed.data_bytes = (uint32_t)b->size;
        fixed.n_skips = b->n_skips;
        if (b->has_cursor)
            fixed.cursor_bytes = (uint32_t)b->cursor_size;
    }
    reply(in, &fixed, b->data, b->cursor, b->skips);
}

static void call_start(struct inner *in)
{
    struct pipe_reply fixed = {.call = PIPE_START, .cursor_bytes = PIPE_NO_CURSOR};
    fixed.result = in->plugin.start(in->self, in->running.payload, in->running.size, fixed.err);
    fixed.err[sizeof(fixed.err) - 1] = '\0';
    if (fixed.result == TENDON_E_TEMPORARY)
        fixed.retry_after_ms = in->retry_ms;
    reply(in, &fixed, NULL, NULL, NULL);
}

/* What the process holds: bytes of the heap, descriptors, handlers of signals. */
static void call_measure(struct inner *in)
{
    struct mallinfo2 heap = mallinfo2();
    int descriptors = 0;
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
        descriptors += fcntl(fd, F_GETFD) >= 0;
    json_t *document = json_pack("{s:I,s:i,s:i,s:i}", "heap", (json_int_t)(heap.uordblks + heap.hblkhd),
                                 "descriptors", descriptors, "handlers", count_handlers() - in->n_handlers,
                                 "misplaced", (int)in->n_misplaced);
    reply_document(in, PIPE_MEASURE, document);
    json_decref(document);
}

static void run_call(struct inner *in)
{
    uint32_t kind = in->running.kind;
    /* Only destroy may come once more. */
    bool is_created = in->self != NULL || in->config != NULL || (in->was_created && kind == PIPE_DESTROY);
    if (kind != PIPE_LOAD && (!in->is_loaded || (kind != PIPE_CREATE && kind != PIPE_MEASURE && !is_created)))
        leave(1);
    in->retry_ms = 0;
    switch (kind) {
    case PIPE_LOAD:
        call_load(in);
        return;
    case PIPE_CREATE:
        call_create(in);
        return;
    case PIPE_START:
        call_start(in);
        return;
    case PIPE_POLL:
        call_poll(in);
        return;
    case PIPE_ACK:
        if (in->plugin.ack)
            in->plugin.ack(in->self, in->running.payload, in->running.size);
        break;
    case PIPE_STOP:
        in->plugin.stop(in->self);
        break;
    case PIPE_DESTROY:
        in->plugin.destroy(in->self);
        in->self = NULL;
        config_free(in->config);
        in->config = NULL;
        break;
    case PIPE_MEASURE:
        call_measure(in);
        return;
    default:
        leave(1);
    }
    reply_result(in, kind, TENDON_OK, NULL);
}

/* One piece of the answer that the main thread waits for. */
static void take_piece(struct inner *in, const uint8_t *payload, size_t size)
{
    struct pipe_piece piece;
    if (size < sizeof(piece))
        leave(1);
    memcpy(&piece, payload, sizeof(piece));
    size_t n = size - sizeof(piece);
    if (piece.at == 0) {
        free(in->answer);
        in->answer = piece.total <= PIPE_ANSWER_BYTES ? malloc((size_t)piece.total + 1) : NULL;
        in->answer_bytes = piece.total;
        in->answer_have = 0;
    }
    if (!in->answer || piece.at != in->answer_have || piece.total != in->answer_bytes ||
        n > in->answer_bytes - in->answer_have)
        leave(1);
    memcpy(in->answer + in->answer_have, payload + sizeof(piece), n);
    in->answer_have += n;
    if (in->answer_have < in->answer_bytes)
        return;
    in->answer[in->answer_bytes] = '\0';
    (void)pthread_mutex_lock(&in->lock);
    if (!in->is_asking)
        leave(1);
    in->is_answered = true;
    (void)pthread_cond_signal(&in->arrived);
    (void)pthread_mutex_unlock(&in->lock);
}

/* Reads calls and answers; wakes the plugin itself, hands the rest over. */
static void *read_calls(void *arg)
{
    struct inner *in = arg;
    struct pipe_header header;
    for (;;) {
        if (pipe_read(in->channel, &header, sizeof(header)) < 0 || header.size > sizeof(in->incoming) ||
            pipe_read(in->channel, in->incoming, header.size) < 0)
            leave(0);
        if (header.kind == PIPE_WAKE) {
            const struct tendon_plugin *plugin = in->wakes;
            if (plugin)
                plugin->wake(in->self);
            continue;
        }
        if (header.kind == PIPE_ANSWER) {
            take_piece(in, in->incoming, header.size);
            continue;
        }
        /* Before the main thread can run it: nothing wakes a plugin that is being destroyed. */
        if (header.kind == PIPE_DESTROY)
            in->wakes = NULL;
        (void)pthread_mutex_lock(&in->lock);
        if (in->call.kind)
            leave(1);
        in->call.kind = header.kind;
        in->call.size = header.size;
        memcpy(in->call.payload, in->incoming, header.size);
        (void)pthread_cond_signal(&in->arrived);
        (void)pthread_mutex_unlock(&in->lock);
    }
    return NULL;
}

/* --- beginning ------------------------------------------------------------------------------------------ */

static int enter_sandbox(json_t *setup, bool *ret_landlock, struct error *err)
{
    json_t *paths = json_object_get(setup, "paths");
    struct sandbox_options options = {
        .n_paths = json_array_size(paths),
        .user = (uid_t)json_integer_value(json_object_get(setup, "user")),
        .group = (gid_t)json_integer_value(json_object_get(setup, "group")),
        .nobody = (uid_t)json_integer_value(json_object_get(setup, "nobody")),
        .memory_bytes = (uint64_t)json_integer_value(json_object_get(setup, "memory_bytes")),
    };
    const char **list = calloc(options.n_paths + 1, sizeof(*list));
    if (!list)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the sandbox");
    for (size_t i = 0; i < options.n_paths; i++)
        list[i] = json_string_value(json_array_get(paths, i));
    options.paths = list;
    int r = sandbox_enter(&options, ret_landlock, err);
    free(list);
    return r;
}

static int set_up(struct inner *in, struct error *err)
{
    struct pipe_header header;
    char *text = (char *)in->incoming;
    int r = pipe_read(in->channel, &header, sizeof(header));
    if (r == 0 && (header.kind != PIPE_SETUP || header.size > sizeof(in->incoming)))
        r = -EPROTO;
    if (r == 0)
        r = pipe_read(in->channel, text, header.size);
    if (r < 0)
        return r;
    json_t *setup = json_loadb(text, header.size, 0, NULL);
    bool has_landlock = false;
    in->now_ms = json_integer_value(json_object_get(setup, "now_ms"));
    r = enter_sandbox(setup, &has_landlock, err);
    json_decref(setup);
    pthread_t thread;
    if (r == 0 && (r = -pthread_create(&thread, NULL, read_calls, in)) < 0)
        return error_set(err, r, "sandbox", "cannot start the host's thread: %s", strerror(-r));
    if (r == 0)
        r = sandbox_seal(err);
    if (r == 0)
        reply_result(in, PIPE_SETUP, TENDON_OK, has_landlock ? "landlock" : "");
    return r;
}

int inner_run(int channel)
{
    struct inner *in = calloc(1, sizeof(*in));
    if (!in || batch_init(&in->batch) < 0)
        return 1;
    in->channel = channel;
    /* A terminal's ^C is the outer process's to handle. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    in->host = HOST;
    in->host.instance = in;
    in->main = pthread_self();
    in->n_handlers = count_handlers();
    in->ask = (struct ask){in, send_ask};
    (void)pthread_mutex_init(&in->lock, NULL);
    (void)pthread_cond_init(&in->arrived, NULL);
    struct error err = ERROR_INIT;
    if (set_up(in, &err) < 0) {
        reply_result(in, PIPE_SETUP, TENDON_E_CONFIG, err.message);
        leave(1);
    }
    for (;;) {
        (void)pthread_mutex_lock(&in->lock);
        while (!in->call.kind)
            (void)pthread_cond_wait(&in->arrived, &in->lock);
        in->running.kind = in->call.kind;
        in->running.size = in->call.size;
        memcpy(in->running.payload, in->call.payload, in->call.size);
        in->call.kind = 0;
        (void)pthread_mutex_unlock(&in->lock);
        run_call(in);
    }
}
