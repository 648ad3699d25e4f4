#include "plugins/host/push/server.h"

#include "core/base/instant.h"
#include "plugins/host/http/response.h"
#include "plugins/host/parcel.h"
#include "plugins/host/pipe.h"
#include "plugins/host/push/hmac.h"
#include "plugins/host/push/listener.h"
#include "plugins/host/secret.h"
#include "proto/tendon_plugin.h"

#include <microhttpd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_PRESET     256
#define QUEUE_MOST       4096
#define QUEUE_BYTES      (32 * 1024 * 1024) /* of all bodies that are read or wait */
#define BODY_PRESET      (1024 * 1024)
#define BODY_MOST        (8 * 1024 * 1024)
#define MORE_CONNECTIONS 256 /* beyond the queue: they are answered 503 */
#define CONNECTION_BYTES 32768
#define LAST_TURNS       8
#define CONNECTION_S     30
#define RETRY_S          "5"

enum stage { STAGE_READING, STAGE_WAITING, STAGE_GIVEN, STAGE_KEPT, STAGE_ANSWERED };

struct pushed {
    struct push_server *server;
    struct pushed *next; /* all but those that are read, in the order they came */
    struct MHD_Connection *connection;
    enum stage stage;
    uint64_t batch; /* STAGE_KEPT: whose commit is waited for */
    unsigned status;
    const char *method; /* POST or PUT; NULL: nothing was looked at yet */
    char *target;       /* path?query as it came */
    struct buffer body;
    struct buffer parcel; /* headers, as fields */
};

/* As the plugin's options say. */
struct rules {
    char *listen, *path, *secret, *signature, *timestamp, *between;
    size_t queue, body_bytes;
};

struct push_server {
    const struct options *options;
    struct tape *tape;
    struct rules rules;
    int *listeners; /* [json_array_size(options->listens)], −1: it is the daemon's, or none */
    struct MHD_Daemon *daemon;
    struct pushed *first;
    size_t n_waiting, body_bytes;
    bool is_asked, is_cancelled, is_answered;
    int64_t until_ms; /* the plugin waits until then */
    struct buffer answer;
};

static void rules_fini(struct rules *r)
{
    free(r->listen);
    free(r->path);
    free(r->secret);
    free(r->signature);
    free(r->timestamp);
    free(r->between);
    *r = (struct rules){0};
}

/* At once: later this process may make no socket in the file system any more. */
static int open_listeners(struct push_server *p, struct error *err)
{
    size_t i, n = json_array_size(p->options->listens);
    json_t *listen;
    p->listeners = malloc((n + 1) * sizeof(*p->listeners));
    if (!p->listeners)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the host's services");
    memset(p->listeners, 0xff, (n + 1) * sizeof(*p->listeners));
    if (p->tape && tape_is_replay(p->tape))
        return 0;
    json_array_foreach(p->options->listens, i, listen)
    {
        p->listeners[i] = listener_open(json_string_value(listen), err);
        if (p->listeners[i] < 0)
            return p->listeners[i];
    }
    return 0;
}

int push_server_new(const struct options *options, struct tape *tape, struct push_server **ret,
                    struct error *err)
{
    struct push_server *p = calloc(1, sizeof(*p));
    if (!p)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the host's services");
    p->options = options;
    p->tape = tape;
    buffer_init(&p->answer, BODY_MOST + 2 * CONNECTION_BYTES);
    int r = open_listeners(p, err);
    if (r < 0) {
        push_server_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

/* --- answering senders -----------------------------------------------------------------------------------
 */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    if (status == 503)
        (void)MHD_add_response_header(response, "Retry-After", RETRY_S);
    if (status == 405)
        (void)MHD_add_response_header(response, "Allow", "POST, PUT");
    enum MHD_Result r = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return r;
}

static void drop_body(struct pushed *q)
{
    q->server->body_bytes -= q->body.size;
    buffer_fini(&q->body);
}

/* The sender gets its answer when libmicrohttpd comes round to it. */
static void settle(struct pushed *q, unsigned status)
{
    struct push_server *p = q->server;
    p->n_waiting -= q->stage == STAGE_WAITING;
    drop_body(q);
    q->stage = STAGE_ANSWERED;
    q->status = status;
    for (struct pushed **at = &p->first; *at; at = &(*at)->next)
        if (*at == q) {
            *at = q->next;
            break;
        }
    if (q->connection)
        MHD_resume_connection(q->connection);
}

static struct pushed *find_stage(struct push_server *p, enum stage stage)
{
    for (struct pushed *q = p->first; q; q = q->next)
        if (q->stage == stage)
            return q;
    return NULL;
}

/* --- taking requests -------------------------------------------------------------------------------------
 */

static void *begin_request(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    struct push_server *p = ctx;
    struct pushed *q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    q->server = p;
    q->connection = connection;
    q->target = strdup(uri);
    buffer_init(&q->body, p->rules.body_bytes);
    buffer_init(&q->parcel, 2 * CONNECTION_BYTES);
    return q;
}

static void end_request(void *ctx, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    struct pushed *q = *state;
    (void)ctx;
    (void)connection;
    (void)code;
    if (!q)
        return;
    q->connection = NULL;
    if (q->stage != STAGE_READING && q->stage != STAGE_ANSWERED)
        settle(q, 503);
    free(q->target);
    drop_body(q);
    buffer_fini(&q->parcel);
    free(q);
    *state = NULL;
}

static bool path_is(const struct pushed *q, const char *path)
{
    size_t n = strlen(path);
    return strncmp(q->target, path, n) == 0 && (q->target[n] == '\0' || q->target[n] == '?');
}

static bool is_signed(const struct pushed *q)
{
    const struct rules *rules = &q->server->rules;
    struct buffer secret;
    struct error err = ERROR_INIT;
    const char *signature =
        rules->signature ? MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, rules->signature)
                         : NULL;
    const char *timestamp =
        rules->timestamp ? MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, rules->timestamp) : "";
    if (!signature || !timestamp)
        return false;
    buffer_init(&secret, 2 * SECRET_BYTES);
    const char *between = rules->timestamp && rules->between ? rules->between : "";
    const struct hmac_part parts[] = {
        {timestamp, strlen(timestamp)}, {between, strlen(between)}, {q->body.data, q->body.size}};
    bool is_good = secret_expand(q->server->options->secrets, rules->secret, strlen(rules->secret), &secret,
                                 &err) == 0 &&
                   hmac_is_good(signature, secret.data, secret.size, parts, 3);
    if (secret.data)
        sodium_memzero(secret.data, secret.capacity);
    buffer_fini(&secret);
    return is_good;
}

static enum MHD_Result keep_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct pushed *q = ctx;
    char text[4096];
    (void)kind;
    int n = snprintf(text, sizeof(text), "%s: %s", name, value ? value : "");
    /* What the plugin has no business with, and what does not fit. */
    if (strcasecmp(name, "authorization") != 0 && strcasecmp(name, "cookie") != 0 && n > 0 &&
        (size_t)n < sizeof(text))
        parcel_put(&q->parcel, PARCEL_HEADER, text, (size_t)n);
    return MHD_YES;
}

/* A whole request is there: what its sender is told now, or 0 when that has to wait. */
static unsigned take_request(struct pushed *q)
{
    struct push_server *p = q->server;
    if (q->status)
        return q->status;
    if (p->rules.secret && !is_signed(q))
        return 401;
    if (p->n_waiting >= p->rules.queue)
        return 503;
    (void)MHD_get_connection_values(q->connection, MHD_HEADER_KIND, keep_header, q);
    if (buffer_failed(&q->parcel))
        return 431;
    q->stage = STAGE_WAITING;
    p->n_waiting++;
    struct pushed **at = &p->first;
    while (*at)
        at = &(*at)->next;
    *at = q;
    return 0;
}

/* What is to be refused is read to its end, and kept nowhere. */
static void read_body(struct pushed *q, const char *data, size_t size)
{
    struct push_server *p = q->server;
    if (q->status)
        return;
    if (size > p->rules.body_bytes - q->body.size)
        q->status = 413;
    else if (size > QUEUE_BYTES - p->body_bytes)
        q->status = 503;
    else
        buffer_append(&q->body, data, size);
    if (buffer_failed(&q->body))
        q->status = 503;
    else if (!q->status)
        p->body_bytes += size;
    if (q->status)
        drop_body(q);
}

static enum MHD_Result take_part(void *ctx, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data, size_t *size,
                                 void **state)
{
    struct push_server *p = ctx;
    struct pushed *q = *state;
    (void)url;
    (void)version;
    if (!q || !q->target)
        return MHD_NO;
    if (q->stage == STAGE_ANSWERED)
        return respond(connection, q->status);
    if (!q->method) {
        q->method = strcmp(method, "PUT") == 0 ? "PUT" : "POST";
        if (p->rules.path && !path_is(q, p->rules.path))
            q->status = 404;
        else if (strcmp(method, q->method) != 0)
            q->status = 405;
        return MHD_YES;
    }
    if (*size) {
        read_body(q, data, *size);
        *size = 0;
        return MHD_YES;
    }
    unsigned status = take_request(q);
    if (status)
        return respond(connection, status);
    MHD_suspend_connection(connection);
    return MHD_YES;
}

/* --- the plugin's side -----------------------------------------------------------------------------------
 */

static char *copy_field(const struct parcel_field *field)
{
    return strndup(field->data, field->size);
}

static void read_rules(const void *parcel, size_t size, struct rules *ret)
{
    struct parcel p = {parcel, (const uint8_t *)parcel + size};
    struct parcel_field field;
    const struct {
        enum parcel_tag tag;
        char **at;
    } texts[] = {{PARCEL_LISTEN, &ret->listen},       {PARCEL_PATH, &ret->path},
                 {PARCEL_SECRET, &ret->secret},       {PARCEL_SIGNATURE, &ret->signature},
                 {PARCEL_TIMESTAMP, &ret->timestamp}, {PARCEL_BETWEEN, &ret->between}};
    int64_t queue = 0, body = 0;
    *ret = (struct rules){0};
    while (parcel_next(&p, &field)) {
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
            if (field.tag == texts[i].tag && !*texts[i].at)
                *texts[i].at = copy_field(&field);
        if (field.tag == PARCEL_QUEUE)
            queue = parcel_number(&field);
        if (field.tag == PARCEL_BODY_BYTES)
            body = parcel_number(&field);
    }
    ret->queue = (size_t)(queue <= 0 ? QUEUE_PRESET : queue > QUEUE_MOST ? QUEUE_MOST : queue);
    ret->body_bytes = (size_t)(body <= 0 ? BODY_PRESET : body > BODY_MOST ? BODY_MOST : body);
}

/* Which of the listen options it is, or −1. */
static int find_listener(const json_t *listens, const char *listen)
{
    size_t i;
    json_t *each;
    json_array_foreach((json_t *)listens, i, each)
    {
        if (listen && strcmp(json_string_value(each), listen) == 0)
            return (int)i;
    }
    return -1;
}

static int open_server(struct push_server *p, struct error *err)
{
    int which = find_listener(p->options->listens, p->rules.listen);
    if (which < 0)
        return error_set(err, -EINVAL, "push", "the plugin wants to listen where no listen option says");
    if (p->rules.secret && !json_object_get(p->options->secrets, p->rules.secret))
        return error_set(err, -EINVAL, "push", "the plugin's secret is no value of a secret option");
    if (p->rules.secret && !p->rules.signature)
        return error_set(err, -EINVAL, "push",
                         "the plugin has a secret and names no header for the signature");
    if (p->tape && tape_is_replay(p->tape))
        return 0;
    int fd = p->listeners[which];
    p->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, take_part, p,
                                 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, begin_request, p,
                                 MHD_OPTION_NOTIFY_COMPLETED, end_request, p, MHD_OPTION_CONNECTION_LIMIT,
                                 (unsigned)(p->rules.queue + MORE_CONNECTIONS),
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_S, MHD_OPTION_END);
    if (!p->daemon)
        return error_set(err, -ENOMEM, "push", "cannot start the server for requests");
    p->listeners[which] = -1;
    return 0;
}

static void answer_failure(struct push_server *p, int result, const char *text)
{
    response_fail(&p->answer, result, text);
    p->is_asked = false;
    p->is_answered = true;
}

void push_server_next(struct push_server *p, const void *parcel, size_t size, int64_t now_ms)
{
    struct error err = ERROR_INIT;
    struct parcel_field timeout = parcel_find(parcel, size, PARCEL_TIMEOUT_MS);
    int64_t ms = parcel_number(&timeout);
    p->is_asked = true;
    p->is_cancelled = p->is_answered = false;
    p->until_ms = now_ms + (ms < 0 ? 0 : ms > 60000 ? 60000 : ms);
    if (p->rules.listen)
        return;
    read_rules(parcel, size, &p->rules);
    int r = open_server(p, &err);
    if (r < 0) {
        rules_fini(&p->rules);
        answer_failure(p, r == -EINVAL ? TENDON_E_CONFIG : TENDON_E_TEMPORARY, err.message);
    }
}

static void put_target(struct buffer *b, const char *target)
{
    size_t n = strcspn(target, "?");
    parcel_put(b, PARCEL_PATH, target, n);
    parcel_put_text(b, PARCEL_QUERY, target[n] ? target + n + 1 : "");
}

static void give(struct push_server *p, struct pushed *q)
{
    const struct tape_request request = {q->method, q->target, q->body.data ? (const char *)q->body.data : "",
                                         q->body.size};
    struct error err = ERROR_INIT;
    if (p->tape && tape_add_push(p->tape, p->options->secrets, &request, &q->parcel, &err) < 0) {
        answer_failure(p, TENDON_E_CONFIG, err.message);
        return;
    }
    parcel_put_text(&p->answer, PARCEL_METHOD, q->method);
    put_target(&p->answer, q->target);
    buffer_append(&p->answer, q->parcel.data, q->parcel.size);
    parcel_put(&p->answer, PARCEL_BODY, q->body.data, q->body.size);
    q->stage = STAGE_GIVEN;
    p->n_waiting--;
    drop_body(q);
}

static const char *member(const json_t *push, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(push, key));
    return text ? text : otherwise;
}

static void give_taped(struct push_server *p, const json_t *push)
{
    const json_t *body = json_object_get(push, "body");
    const char *name;
    json_t *value;
    char text[4096];
    parcel_put_text(&p->answer, PARCEL_METHOD, member(push, "method", "POST"));
    parcel_put_text(&p->answer, PARCEL_PATH, member(push, "path", "/"));
    parcel_put_text(&p->answer, PARCEL_QUERY, member(push, "query", ""));
    json_object_foreach(json_object_get(push, "headers"), name, value)
    {
        int n = snprintf(text, sizeof(text), "%s: %s", name, json_string_value(value));
        if (json_is_string(value) && n > 0 && (size_t)n < sizeof(text))
            parcel_put(&p->answer, PARCEL_HEADER, text, (size_t)n);
    }
    char *written = json_is_string(body) ? NULL : json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    parcel_put_text(&p->answer, PARCEL_BODY,
                    written                ? written
                    : json_is_string(body) ? json_string_value(body)
                                           : "");
    free(written);
}

/* What the plugin waits for, if it can be answered now. */
static void try_answer(struct push_server *p, int64_t now_ms)
{
    bool is_replay = p->tape && tape_is_replay(p->tape);
    const json_t *taped = is_replay && !p->is_cancelled ? tape_push(p->tape) : NULL;
    struct pushed *q = p->is_cancelled ? NULL : find_stage(p, STAGE_WAITING);
    if (!q && !taped && !p->is_cancelled && !is_replay && now_ms < p->until_ms)
        return;
    buffer_clear(&p->answer);
    parcel_put_number(&p->answer, PARCEL_RESULT, q || taped ? TENDON_OK : TENDON_IDLE);
    p->is_asked = false;
    p->is_answered = true;
    if (q)
        give(p, q);
    else if (taped)
        give_taped(p, taped);
    if (buffer_failed(&p->answer))
        answer_failure(p, TENDON_E_TEMPORARY, "there is no memory for a request");
}

bool push_server_work(struct push_server *p, int64_t now_ms, const struct buffer **ret)
{
    if (p->daemon)
        (void)MHD_run(p->daemon);
    if (p->is_asked)
        try_answer(p, now_ms);
    if (!p->is_answered)
        return false;
    p->is_answered = false;
    *ret = &p->answer;
    return true;
}

void push_server_cancel(struct push_server *p)
{
    p->is_cancelled = p->is_asked;
}

void push_server_refuse(struct push_server *p, const void *parcel, size_t size)
{
    struct parcel_field field = parcel_find(parcel, size, PARCEL_STATUS);
    int64_t status = parcel_number(&field);
    struct pushed *last = NULL;
    for (struct pushed *q = p->first; q; q = q->next)
        if (q->stage == STAGE_GIVEN)
            last = q;
    if (last)
        settle(last, status >= 400 && status <= 499 ? (unsigned)status : 400);
    buffer_clear(&p->answer);
    parcel_put_number(&p->answer, PARCEL_RESULT, TENDON_OK);
    p->is_answered = true;
}

/* --- what becomes of those given -------------------------------------------------------------------------
 */

static void run_daemon(struct push_server *p)
{
    if (p->daemon)
        (void)MHD_run(p->daemon);
}

void push_server_taken(struct push_server *p, uint64_t n)
{
    struct pushed *q;
    while ((q = find_stage(p, STAGE_GIVEN))) {
        if (n == 0) {
            settle(q, 204);
            continue;
        }
        q->stage = STAGE_KEPT;
        q->batch = n;
    }
    run_daemon(p);
}

void push_server_failed(struct push_server *p)
{
    for (struct pushed *q; (q = find_stage(p, STAGE_GIVEN));)
        settle(q, 503);
    run_daemon(p);
}

void push_server_committed(struct push_server *p, uint64_t n)
{
    struct pushed *next;
    bool is_any = false;
    for (struct pushed *q = p->first; q; q = next) {
        next = q->next;
        if (q->stage == STAGE_KEPT && q->batch <= n) {
            settle(q, 204);
            is_any = true;
        }
    }
    if (is_any)
        run_daemon(p);
}

void push_server_free(struct push_server *p)
{
    if (!p)
        return;
    if (p->daemon) {
        /* Those that wait are told, and those that come meanwhile; none may stay suspended when the server
         * stops. */
        for (int i = 0; i < LAST_TURNS; i++) {
            while (p->first)
                settle(p->first, 503);
            (void)MHD_run(p->daemon);
        }
        while (p->first)
            settle(p->first, 503);
        (void)MHD_run(p->daemon);
        MHD_stop_daemon(p->daemon);
    }
    for (size_t i = 0; p->listeners && i < json_array_size(p->options->listens); i++)
        if (p->listeners[i] >= 0)
            (void)close(p->listeners[i]);
    free(p->listeners);
    rules_fini(&p->rules);
    buffer_fini(&p->answer);
    free(p);
}

int push_server_fd(const struct push_server *p)
{
    const union MHD_DaemonInfo *info =
        p->daemon ? MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    return info ? info->epoll_fd : -1;
}

int64_t push_server_next_ms(const struct push_server *p, int64_t now_ms)
{
    int64_t next = p->is_answered || p->is_cancelled ? 0 : p->is_asked ? p->until_ms : INT64_MAX;
    MHD_UNSIGNED_LONG_LONG ms;
    if (p->daemon && MHD_get_timeout(p->daemon, &ms) == MHD_YES && now_ms + (int64_t)ms < next)
        next = now_ms + (int64_t)ms;
    return next;
}
