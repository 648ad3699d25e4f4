/* Server, ZAP handler and committer over a real store, spoken to through real sockets: what a source is
 * answered, and what hostile peers are. */
#include "core/base/log.h"
#include "core/ingest/committer.h"
#include "core/ingest/server.h"
#include "core/tenant/dispatch.h"
#include "core/tenant/tenant.h"
#include "proto/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire_json.h"

#define ANSWER_MS    20000
#define NO_ANSWER_MS 400
#define GRANTS_MAX   32

/* --- what the server finds around it ----------------------------------------------------------------------
 */

struct world {
    char path[64];
    void *zmq;
    struct logger logger;
    struct tenant tenant;
    struct tenant_settings settings;
    struct committer *committer;
    struct zap *zap;
    struct server *server;
    char server_public[41], server_secret[41];

    pthread_mutex_t lock;
    struct {
        char user_id[ZAP_USER_ID_BYTES];
        struct grant grant;
    } grants[GRANTS_MAX];
    unsigned n_grants;
    size_t answer_bytes; /* of the next QUERY's document */
};

static struct world *WORLD; /* for the stand-ins below, which have no context */

void tenant_release(struct tenant *t)
{
}

struct tenant *tenants_hold(struct tenants *ts, const char *name)
{
    return strcmp(name, WORLD->tenant.name) == 0 ? &WORLD->tenant : NULL;
}

struct tenant_settings *tenant_settings_get(struct tenant *t)
{
    return &WORLD->settings;
}

void tenant_settings_unref(struct tenant_settings *s)
{
}

/* Answers at once, on the socket thread, with a bin of the size asked for. */
int dispatch_submit(struct dispatch *d, const struct grant *who, enum wire_kind kind, const void *body,
                    size_t size, dispatch_reply reply, void *ctx, struct error *err)
{
    struct buffer b;
    if (kind == WIRE_CALL)
        return error_set(err, -EAGAIN, "busy", "too much is asked at once");
    buffer_init(&b, DISPATCH_RESULT_BYTES);
    memset(buffer_extend(&b, WORLD->answer_bytes), 'x', WORLD->answer_bytes);
    reply(ctx, &b, NULL);
    buffer_fini(&b);
    return 0;
}

static int resolve(void *ctx, const char *user_id, struct grant *ret)
{
    struct world *w = ctx;
    int rc = -ENOENT;
    pthread_mutex_lock(&w->lock);
    for (unsigned i = 0; i < w->n_grants; i++)
        if (strcmp(w->grants[i].user_id, user_id) == 0) {
            *ret = w->grants[i].grant;
            rc = 0;
        }
    pthread_mutex_unlock(&w->lock);
    return rc;
}

static void world_grant(struct world *w, const char *user_id, const char *source, enum role role)
{
    struct grant g = {.role = role, .types = (1u << EVENT_SURVEY_SENT) - 1};
    (void)snprintf(g.tenant, sizeof(g.tenant), "riverbend");
    (void)snprintf(g.source, sizeof(g.source), "%s", source);
    pthread_mutex_lock(&w->lock);
    assert_true(w->n_grants < GRANTS_MAX);
    (void)snprintf(w->grants[w->n_grants].user_id, ZAP_USER_ID_BYTES, "%s", user_id);
    w->grants[w->n_grants++].grant = g;
    pthread_mutex_unlock(&w->lock);
}

static void world_open_store(struct world *w)
{
    struct error err = ERROR_INIT;
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/store", w->path);
    struct store_options options = {.path = path, .key = {1, 2, 3}, .map_bytes = 256 << 20, .create = true};
    if (store_open(&options, &w->tenant.store, &err) != 0)
        fail_msg("%s", err.message);
}

static void world_start(struct world *w)
{
    struct error err = ERROR_INIT;
    char ipc[96];
    (void)snprintf(ipc, sizeof(ipc), "ipc://%s/hosts.sock", w->path);
    struct server_endpoint endpoints[] = {{.address = "tcp://127.0.0.1:*", .curve = true}, {.address = ipc}};
    struct committer_options committer = {.data_path = w->path, .free_bytes = 1, .logger = &w->logger};
    struct server_options server = {
        .zmq = w->zmq,
        .name = "data",
        .zap_domain = WIRE_ZAP_DOMAIN,
        .endpoints = endpoints,
        .n_endpoints = 2,
        .curve_secret = w->server_secret,
        .resolve = resolve,
        .resolve_ctx = w,
        .dispatch = (struct dispatch *)w, /* never looked into */
        .logger = &w->logger,
    };
    world_open_store(w);
    assert_int_equal(committer_new(&committer, &w->committer, &err), 0);
    server.committer = w->committer;
    if (server_new(&server, &w->server, &err) != 0)
        fail_msg("%s", err.message);
}

static void world_stop(struct world *w)
{
    server_stop(w->server);
    committer_stop(w->committer);
    server_free(w->server);
    committer_free(w->committer);
    store_close(w->tenant.store);
}

static int world_new(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    (void)snprintf(w->path, sizeof(w->path), "/tmp/test-server-XXXXXX");
    assert_non_null(mkdtemp(w->path));
    WORLD = w;
    pthread_mutex_init(&w->lock, NULL);
    logger_init(&w->logger, open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_DEBUG);
    (void)snprintf(w->tenant.name, sizeof(w->tenant.name), "riverbend");
    w->settings.n_declared = 1;
    limits_preset(&w->settings.limits);
    (void)snprintf(w->settings.declared[0], sizeof(w->settings.declared[0]), "contract");
    assert_int_equal(zmq_curve_keypair(w->server_public, w->server_secret), 0);
    w->zmq = zmq_ctx_new();
    struct error err = ERROR_INIT;
    assert_int_equal(zap_new(&(struct zap_options){w->zmq, resolve, w, &w->logger}, &w->zap, &err), 0);
    world_start(w);
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int world_free(void **state)
{
    struct world *w = *state;
    world_stop(w);
    zap_free(w->zap);
    zmq_ctx_term(w->zmq);
    close(w->logger.fd);
    nftw(w->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

/* --- a client ---------------------------------------------------------------------------------------------
 */

struct client {
    void *zmq, *socket; /* a context of its own: nothing shared with the server */
    char source[STORE_NAME_BYTES + 1];
    char public[41], secret[41];
    int64_t last_request;
};

static void client_connect(struct client *c, struct world *w)
{
    c->socket = zmq_socket(c->zmq, ZMQ_DEALER);
    zmq_setsockopt(c->socket, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_setsockopt(c->socket, ZMQ_CURVE_SERVERKEY, w->server_public, 41);
    zmq_setsockopt(c->socket, ZMQ_CURVE_PUBLICKEY, c->public, 41);
    zmq_setsockopt(c->socket, ZMQ_CURVE_SECRETKEY, c->secret, 41);
    assert_int_equal(zmq_connect(c->socket, server_address(w->server, 0)), 0);
}

static void client_init(struct client *c, struct world *w, const char *source)
{
    char user_id[ZAP_USER_ID_BYTES];
    *c = (struct client){.zmq = zmq_ctx_new()};
    (void)snprintf(c->source, sizeof(c->source), "%s", source);
    assert_int_equal(zmq_curve_keypair(c->public, c->secret), 0);
    (void)snprintf(user_id, sizeof(user_id), "key:%s", c->public);
    world_grant(w, user_id, source, ROLE_SOURCE);
    client_connect(c, w);
}

static void client_fini(struct client *c)
{
    zmq_close(c->socket);
    zmq_ctx_term(c->zmq);
}

/* Another connection with the same key. */
static void client_again(struct client *c, struct world *w, const struct client *first)
{
    *c = *first;
    c->zmq = zmq_ctx_new();
    client_connect(c, w);
}

static int64_t client_send(struct client *c, const char *kind, json_t *body)
{
    json_t *message = json_pack("[i, s, I, o]", 1, kind, (json_int_t)++c->last_request, body);
    msgpack_sbuffer b;
    msgpack_packer p;
    msgpack_sbuffer_init(&b);
    msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
    wire_json_write(&p, message);
    assert_int_equal(zmq_send(c->socket, b.data, b.size, 0), b.size);
    msgpack_sbuffer_destroy(&b);
    json_decref(message);
    return c->last_request;
}

/* The next message as [version, kind, request, body]; NULL when none comes in time. */
static json_t *client_receive(struct client *c, int wait_ms)
{
    zmq_msg_t m;
    zmq_pollitem_t item = {.socket = c->socket, .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, wait_ms) <= 0)
        return NULL;
    zmq_msg_init(&m);
    assert_true(zmq_msg_recv(&m, c->socket, 0) >= 0);
    assert_false(zmq_msg_more(&m));
    struct mp_reader r;
    mp_reader_init(&r, zmq_msg_data(&m), zmq_msg_size(&m));
    json_t *message = wire_json_read(&r, 0);
    assert_ptr_equal(r.at, r.end);
    zmq_msg_close(&m);
    return message;
}

/* The body of the answer to a request, which must be of that kind. */
static json_t *client_answer(struct client *c, int64_t request, const char *kind)
{
    for (;;) {
        json_t *message = client_receive(c, ANSWER_MS), *body;
        if (!message)
            fail_msg("no answer to %s", kind);
        if (json_integer_value(json_array_get(message, 2)) != request) {
            json_decref(message);
            continue;
        }
        if (strcmp(json_string_value(json_array_get(message, 1)), kind) != 0) {
            char *text = json_dumps(message, 0);
            fail_msg("%s for %s", text, kind);
        }
        body = json_incref(json_array_get(message, 3));
        json_decref(message);
        return body;
    }
}

static json_t *client_hello(struct client *c, int64_t session, const char *kind)
{
    json_t *body = json_pack("{s:s, s:s, s:I}", "source", c->source, "software", "tests", "session",
                             (json_int_t)session);
    return client_answer(c, client_send(c, "HELLO", body), kind);
}

static json_t *event(const char *ticket, const char *id)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s}", "type", "ticket.created", "id", id, "at",
                     (json_int_t)1704708000000, "ticket", ticket, "vendor", "acme");
}

static json_t *client_batch(struct client *c, int64_t seq, json_t *events, const char *kind)
{
    char hex[8];
    (void)snprintf(hex, sizeof(hex), "%04x", (unsigned)seq);
    json_t *body =
        json_pack("{s:I, s:o, s:{s:s}}", "seq", (json_int_t)seq, "events", events, "cursor", "bin", hex);
    return client_answer(c, client_send(c, "BATCH", body), kind);
}

#define assert_field(body, key, value) assert_int_equal(json_integer_value(json_object_get(body, key)), value)

static void assert_code(json_t *body, const char *code)
{
    assert_string_equal(json_string_value(json_object_get(body, "code")), code);
    json_decref(body);
}

/* --- tests ------------------------------------------------------------------------------------------------
 */

static void test_a_batch_is_stored(void **state)
{
    struct world *w = *state;
    struct client c;
    client_init(&c, w, "acme");
    json_t *welcome = client_hello(&c, 1, "WELCOME");
    assert_field(welcome, "last_seq", 0);
    assert_field(welcome, "credit", WIRE_CREDIT_START);
    assert_field(json_object_get(welcome, "limits"), "batch_bytes", WIRE_BATCH_BYTES);
    json_t *types = json_object_get(welcome, "types");
    assert_non_null(json_object_get(types, "ticket.status"));
    assert_null(json_object_get(types, "survey.sent"));
    char *created = json_dumps(json_object_get(types, "ticket.created"), 0);
    assert_non_null(strstr(created, "contract")); /* the tenant's own dimension */
    free(created);
    json_decref(welcome);

    json_t *ack = client_batch(&c, 1,
                               json_pack("[o, o, {s:s}, s]", event("T1", "e1"), event("T2", "e2"), "type",
                                         "ticket.exploded", "no map"),
                               "ACK");
    assert_field(ack, "seq", 1);
    assert_field(ack, "accepted", 2);
    char *rejected = json_dumps(json_object_get(ack, "rejected"), JSON_COMPACT);
    assert_string_equal(rejected, "[[2,\"unknown_type\"],[3,\"wrong_type\"]]");
    free(rejected);
    json_decref(ack);

    struct store_source source;
    assert_int_equal(store_source_get(w->tenant.store, "acme", &source), 1);
    assert_int_equal(source.last_seq, 1);
    assert_int_equal(source.accepted, 2);
    assert_int_equal(source.rejected, 2);
    client_fini(&c);
}

static void test_order_of_batches(void **state)
{
    struct world *w = *state;
    struct client c;
    client_init(&c, w, "acme");
    assert_code(client_batch(&c, 1, json_array(), "NACK"), "hello_required");
    json_decref(client_hello(&c, 1, "WELCOME"));
    assert_code(client_batch(&c, 2, json_array(), "NACK"), "out_of_order");
    json_decref(client_batch(&c, 1, json_pack("[o]", event("T1", "e1")), "ACK"));
    json_t *repeat = client_batch(&c, 1, json_pack("[o]", event("T9", "e9")), "ACK");
    assert_true(json_is_true(json_object_get(repeat, "repeat")));
    assert_field(repeat, "last_seq", 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(repeat, "cursor"), "bin")), "0001");
    json_decref(repeat);
    json_t *nack = client_batch(&c, 3, json_array(), "NACK");
    assert_field(nack, "last_seq", 1);
    assert_field(nack, "seq", 3);
    assert_false(json_is_true(json_object_get(nack, "final")));
    assert_code(nack, "out_of_order");
    json_decref(client_batch(&c, 2, json_array(), "ACK"));
    struct store_source source;
    assert_int_equal(store_source_get(w->tenant.store, "acme", &source), 1);
    assert_int_equal(source.accepted, 1);
    client_fini(&c);
}

/* Many batches sent at once are answered in order, each once. */
static void test_pipelined(void **state)
{
    enum { N = 200 };
    struct world *w = *state;
    struct client c;
    int64_t requests[N + 1];
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    for (int seq = 1; seq <= N; seq++) {
        char ticket[16];
        (void)snprintf(ticket, sizeof(ticket), "T%d", seq);
        requests[seq] = client_send(
            &c, "BATCH",
            json_pack("{s:i, s:[o, o]}", "seq", seq, "events", event(ticket, "e1"), event(ticket, "e1")));
    }
    for (int seq = 1; seq <= N; seq++) {
        json_t *message = client_receive(&c, ANSWER_MS);
        assert_non_null(message);
        assert_int_equal(json_integer_value(json_array_get(message, 2)), requests[seq]);
        assert_string_equal(json_string_value(json_array_get(message, 1)), "ACK");
        assert_field(json_array_get(message, 3), "seq", seq);
        json_decref(message);
    }
    struct store_source source;
    assert_int_equal(store_source_get(w->tenant.store, "acme", &source), 1);
    assert_int_equal(source.accepted, N);
    assert_int_equal(source.last_seq, N);
    client_fini(&c);
}

static void test_takeover(void **state)
{
    struct world *w = *state;
    struct client old, new;
    client_init(&old, w, "acme");
    client_again(&new, w, &old);
    json_decref(client_hello(&old, 1, "WELCOME"));
    json_decref(client_batch(&old, 1, json_array(), "ACK"));
    json_t *welcome = client_hello(&new, 2, "WELCOME");
    assert_field(welcome, "last_seq", 1);
    json_decref(welcome);
    /* the old one is told at once, and again whatever it tries */
    json_t *told = client_receive(&old, ANSWER_MS);
    assert_non_null(told);
    assert_code(json_incref(json_array_get(told, 3)), "superseded");
    json_decref(told);
    assert_code(client_batch(&old, 2, json_array(), "NACK"), "superseded");
    assert_code(client_hello(&old, 1, "NACK"), "superseded");
    json_decref(client_batch(&new, 2, json_array(), "ACK"));
    client_fini(&old);
    client_fini(&new);
}

static void test_reconnect_and_restart(void **state)
{
    struct world *w = *state;
    struct client c, again;
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    json_decref(client_batch(&c, 1, json_pack("[o]", event("T1", "e1")), "ACK"));
    client_again(&again, w, &c);
    assert_code(client_batch(&again, 2, json_array(), "NACK"), "hello_required");
    json_decref(client_hello(&again, 1, "WELCOME"));
    json_decref(client_batch(&again, 2, json_array(), "ACK"));
    client_fini(&c);
    client_fini(&again);

    world_stop(w);
    world_start(w);
    client_again(&c, w, &again);
    json_t *welcome = client_hello(&c, 5, "WELCOME");
    assert_field(welcome, "last_seq", 2);
    assert_string_equal(json_string_value(json_object_get(json_object_get(welcome, "cursor"), "bin")),
                        "0002");
    json_decref(welcome);
    client_fini(&c);
}

static json_t *events_of(size_t bytes)
{
    json_t *events = json_array();
    for (size_t n = 0; n < bytes; n += 100) {
        char ticket[80];
        (void)snprintf(ticket, sizeof(ticket), "%064zu", n);
        json_array_append_new(events, event(ticket, "e"));
    }
    return events;
}

struct gate {
    sem_t entered, open, answered;
};

static void wait_at_the_gate(void *ctx, const struct committer_answer *answer)
{
    struct gate *gate = ctx;
    assert_int_equal(answer->kind, WIRE_WELCOME);
    sem_post(&gate->entered);
    sem_wait(&gate->open);
}

static void count_ack(void *ctx, const struct committer_answer *answer)
{
    struct gate *gate = ctx;
    assert_int_equal(answer->kind, WIRE_ACK);
    sem_post(&gate->answered);
}

/* What waits while all threads have turns goes into one commit, though nobody has decoded it ahead. */
static void test_what_waits_is_one_commit(void **state)
{
    enum { N = 7 };
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct committer_options options = {
        .data_path = w->path, .free_bytes = 1, .n_threads = 1, .logger = &w->logger};
    struct grant who = {.role = ROLE_SOURCE, .types = (1u << EVENT_SURVEY_SENT) - 1, .source = "acme"};
    struct committer *c;
    struct committer_statistics statistics;
    struct gate gate;
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.open, 0, 0);
    sem_init(&gate.answered, 0, 0);
    assert_int_equal(committer_new(&options, &c, &err), 0);
    assert_int_equal(committer_hello(c, &w->tenant, &who, wait_at_the_gate, &gate), 0);
    sem_wait(&gate.entered);
    for (int seq = 1; seq <= N; seq++) {
        json_t *body = json_pack("{s:i, s:[o]}", "seq", seq, "events", event("T-1", seq % 2 ? "e-1" : "e-2"));
        msgpack_sbuffer b;
        msgpack_packer p;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
        wire_json_write(&p, body);
        assert_int_equal(committer_submit_batch(c, &w->tenant, &who, b.data, b.size, count_ack, &gate), 0);
        msgpack_sbuffer_destroy(&b);
        json_decref(body);
    }
    sem_post(&gate.open);
    for (int i = 0; i < N; i++)
        sem_wait(&gate.answered);
    committer_stop(c);
    committer_statistics(c, &statistics);
    assert_int_equal(statistics.batches, N);
    assert_int_equal(statistics.commits, 1);
    committer_free(c);
    sem_destroy(&gate.entered);
    sem_destroy(&gate.open);
    sem_destroy(&gate.answered);
}

static void test_credit(void **state)
{
    struct world *w = *state;
    struct client c;
    int64_t credit = 0;
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    json_t *nack = client_batch(&c, 1, events_of(2 * WIRE_CREDIT_START), "NACK");
    assert_field(nack, "credit", WIRE_CREDIT_START);
    assert_field(nack, "seq", 1);
    assert_code(nack, "over_credit");
    for (int seq = 1; seq <= 12; seq++) {
        json_t *ack = client_batch(&c, seq, events_of(WIRE_CREDIT_START / 2), "ACK");
        int64_t now = json_integer_value(json_object_get(ack, "credit"));
        assert_true(now >= credit && now <= SERVER_CREDIT_SOURCE);
        credit = now;
        json_decref(ack);
    }
    assert_true(credit > WIRE_CREDIT_START);
    assert_code(client_batch(&c, 13, events_of(3 * WIRE_BATCH_BYTES / 2), "NACK"), "too_large");
    client_fini(&c);
}

static void test_malformed(void **state)
{
    static const char *const messages[] = {"", "\xc1", "GET / HTTP/1.1",
                                           "\x94\x01\xa5"
                                           "BATCH\x07\x80\x01",
                                           "\x94\x01\xa5"
                                           "BATCH\x07\x82\xa3seq\x01\xa6"
                                           "events\xdd\x10"};
    struct world *w = *state;
    struct client c;
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        assert_true(zmq_send(c.socket, messages[i], strlen(messages[i]), 0) >= 0);
        json_t *message = client_receive(&c, ANSWER_MS);
        assert_non_null(message);
        assert_true(json_is_true(json_object_get(json_array_get(message, 3), "final")));
        assert_code(json_incref(json_array_get(message, 3)), "malformed");
        json_decref(message);
    }
    /* several frames: dropped as one, and the next message is served */
    for (int i = 0; i < 50; i++)
        assert_int_equal(zmq_send(c.socket, "\x94\x01", 2, ZMQ_SNDMORE), 2);
    assert_int_equal(zmq_send(c.socket, "end", 3, 0), 3);
    json_decref(client_batch(&c, 1, json_pack("[o]", event("T1", "e1")), "ACK"));
    json_decref(client_batch(&c, 2, json_array(), "ACK")); /* by now the counters are those after the first */
    struct server_statistics statistics;
    server_statistics(w->server, &statistics);
    assert_int_equal(statistics.multipart, 1);
    assert_int_equal(statistics.refused, 3); /* the other two reach the committer */
    client_fini(&c);
}

static void test_strangers(void **state)
{
    struct world *w = *state;
    struct client c, stranger;
    client_init(&c, w, "acme");
    (void)snprintf(c.source, sizeof(c.source), "other");
    assert_code(client_hello(&c, 1, "NACK"), "unknown_source");

    /* a key that nobody granted: no answer at all */
    client_again(&stranger, w, &c);
    zmq_close(stranger.socket);
    assert_int_equal(zmq_curve_keypair(stranger.public, stranger.secret), 0);
    client_connect(&stranger, w);
    client_send(&stranger, "HELLO", json_object());
    assert_null(client_receive(&stranger, NO_ANSWER_MS));
    client_fini(&stranger);

    /* a process that is not known at hosts.sock; then one that is */
    char address[96], user_id[ZAP_USER_ID_BYTES];
    struct client host = {.zmq = zmq_ctx_new(), .source = "host"};
    (void)snprintf(address, sizeof(address), "ipc://%s/hosts.sock", w->path);
    host.socket = zmq_socket(host.zmq, ZMQ_DEALER);
    zmq_setsockopt(host.socket, ZMQ_LINGER, &(int){0}, sizeof(int));
    assert_int_equal(zmq_connect(host.socket, address), 0);
    client_send(&host, "HELLO", json_object());
    assert_null(client_receive(&host, NO_ANSWER_MS));
    zmq_close(host.socket);
    (void)snprintf(user_id, sizeof(user_id), "pid:%d:%u", (int)getpid(), (unsigned)getuid());
    world_grant(w, user_id, "host", ROLE_SOURCE);
    host.socket = zmq_socket(host.zmq, ZMQ_DEALER);
    zmq_setsockopt(host.socket, ZMQ_LINGER, &(int){0}, sizeof(int));
    assert_int_equal(zmq_connect(host.socket, address), 0);
    json_decref(client_hello(&host, 1, "WELCOME"));
    client_fini(&host);
    client_fini(&c);
}

/* Rights are those of now, not of when the connection was made. */
static void test_revoked(void **state)
{
    struct world *w = *state;
    struct client c;
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    pthread_mutex_lock(&w->lock);
    w->n_grants--;
    pthread_mutex_unlock(&w->lock);
    assert_code(client_batch(&c, 1, json_array(), "NACK"), "not_granted");
    client_fini(&c);
}

/* Without a ZAP handler nobody gets in, whoever it is. */
static void test_no_zap_handler(void **state)
{
    struct world *w = *state;
    struct client c;
    zap_free(w->zap);
    w->zap = NULL;
    client_init(&c, w, "acme");
    client_send(&c, "HELLO", json_object());
    assert_null(client_receive(&c, NO_ANSWER_MS));
    client_fini(&c);
}

static void test_long_answers(void **state)
{
    struct world *w = *state;
    struct client c;
    client_init(&c, w, "acme");
    assert_code(client_answer(&c, client_send(&c, "CALL", json_object()), "ERROR"), "busy");
    assert_code(client_answer(&c, client_send(&c, "MORE", json_pack("{s:i}", "part", 1)), "ERROR"),
                "unknown_request");

    w->answer_bytes = 1000;
    json_t *whole = client_answer(&c, client_send(&c, "QUERY", json_object()), "RESULT");
    assert_field(whole, "part", 0);
    assert_true(json_is_true(json_object_get(whole, "last")));
    json_decref(whole);
    client_fini(&c);
}

/* The same with the parts counted by their bytes: they are longer than JSON here takes. */
static void test_parts(void **state)
{
    struct world *w = *state;
    struct client c;
    uint64_t total = 0;
    client_init(&c, w, "acme");
    w->answer_bytes = 2 * WIRE_PART_BYTES + 17;
    int64_t request = client_send(&c, "QUERY", json_object());
    for (unsigned part = 0; part < 3; part++) {
        static char room[WIRE_PART_BYTES + 256];
        zmq_pollitem_t item = {.socket = c.socket, .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(&item, 1, ANSWER_MS), 1);
        int n = zmq_recv(c.socket, room, sizeof(room), 0);
        assert_true(n > 0 && n <= (int)sizeof(room));
        struct wire_envelope e;
        const uint8_t *data = NULL;
        const char *key;
        uint32_t size = 0, n_keys;
        uint64_t got_part = 99;
        bool last = false;
        assert_int_equal(wire_envelope_read(room, (size_t)n, &e), 0);
        assert_int_equal(e.kind, WIRE_RESULT);
        assert_int_equal(e.request, request);
        assert_true(mp_read_map(&e.body, &n_keys) && mp_read_str(&e.body, &key, &size) &&
                    mp_read_uint(&e.body, &got_part) && mp_read_str(&e.body, &key, &size) &&
                    mp_read_bool(&e.body, &last) && mp_read_str(&e.body, &key, &size) &&
                    mp_read_bin(&e.body, &data, &size));
        assert_int_equal(got_part, part);
        assert_int_equal(last, part == 2);
        total += size;
        c.last_request = request - 1; /* the same request goes on */
        client_send(&c, "MORE", json_pack("{s:i}", "part", (int)part + 1));
    }
    assert_int_equal(total, w->answer_bytes);
    assert_code(client_answer(&c, request, "ERROR"), "unknown_request"); /* behind the last part */
    client_fini(&c);
}

/* The routing id that the server would give next: libzmq aborts where it can be guessed. */
static void test_claimed_routing_ids(void **state)
{
    struct world *w = *state;
    struct client claim[8], c;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t id[5] = {0, 0x6b, 0x8b, 0x45, (uint8_t)(0x67 + i)}; /* after an unseeded rand() */
        client_init(&claim[i], w, "acme");
        zmq_close(claim[i].socket);
        claim[i].socket = zmq_socket(claim[i].zmq, ZMQ_DEALER);
        zmq_setsockopt(claim[i].socket, ZMQ_LINGER, &(int){0}, sizeof(int));
        (void)zmq_setsockopt(claim[i].socket, ZMQ_ROUTING_ID, id, sizeof(id));
        zmq_setsockopt(claim[i].socket, ZMQ_CURVE_SERVERKEY, w->server_public, 41);
        zmq_setsockopt(claim[i].socket, ZMQ_CURVE_PUBLICKEY, claim[i].public, 41);
        zmq_setsockopt(claim[i].socket, ZMQ_CURVE_SECRETKEY, claim[i].secret, 41);
        assert_int_equal(zmq_connect(claim[i].socket, server_address(w->server, 0)), 0);
        client_send(&claim[i], "MORE", json_object());
    }
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    for (unsigned i = 0; i < 8; i++)
        client_fini(&claim[i]);
    client_fini(&c);
}

/* Waits until the server listens, or does not. */
static void wait_listening(struct world *w, bool expected)
{
    struct server_statistics statistics;
    for (int waited = 0; waited < ANSWER_MS; waited += 20) {
        server_statistics(w->server, &statistics);
        if (statistics.is_listening == expected)
            return;
        usleep(20000);
    }
    fail_msg("the server %s", expected ? "does not listen again" : "still listens");
}

/* Near the limit of descriptors strangers are not let in any more; who is connected goes on. */
static void test_descriptors(void **state)
{
    enum { CROWD = 400, LIMIT = 500 };
    struct world *w = *state;
    struct client c, late;
    struct rlimit before, limit;
    int crowd[CROWD];
    unsigned port = 0, n = 0;
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    assert_int_equal(sscanf(server_address(w->server, 0), "tcp://127.0.0.1:%5u", &port), 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

    /* each takes two of this process's descriptors: theirs and the server's */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (struct server_statistics now = {.is_listening = true}; n < CROWD && now.is_listening; n++) {
        crowd[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(crowd[n] >= 0);
        (void)connect(crowd[n], (struct sockaddr *)&address, sizeof(address));
        usleep(1000);
        server_statistics(w->server, &now);
    }
    wait_listening(w, false);
    json_decref(client_batch(&c, 1, json_pack("[o]", event("T1", "e1")), "ACK"));
    client_again(&late, w, &c);
    int64_t hello = client_send(
        &late, "HELLO", json_pack("{s:s, s:s, s:i}", "source", "acme", "software", "tests", "session", 2));
    assert_null(client_receive(&late, NO_ANSWER_MS));
    for (unsigned i = 0; i < n; i++)
        close(crowd[i]);
    wait_listening(w, true);
    json_decref(client_answer(&late, hello, "WELCOME"));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    client_fini(&late);
    client_fini(&c);
}

static int call_twice(struct tenant *t, void *ctx, struct error *err)
{
    *(int *)ctx *= 2;
    return t == &WORLD->tenant ? 7 : error_set(err, -EINVAL, "tenant", "another tenant");
}

static void test_call_and_stop(void **state)
{
    struct world *w = *state;
    struct client c;
    struct error err = ERROR_INIT;
    int n = 21;
    assert_int_equal(committer_call(w->committer, &w->tenant, call_twice, &n, &err), 7);
    assert_int_equal(n, 42);
    client_init(&c, w, "acme");
    json_decref(client_hello(&c, 1, "WELCOME"));
    server_stop(w->server);
    json_t *nack = client_batch(&c, 1, json_array(), "NACK");
    assert_true(json_integer_value(json_object_get(nack, "retry_ms")) > 0);
    assert_code(nack, "stopping");
    committer_stop(w->committer);
    assert_int_equal(committer_call(w->committer, &w->tenant, call_twice, &n, &err), -ESHUTDOWN);
    assert_string_equal(err.code, "stopping");
    assert_int_equal(n, 42);
    client_fini(&c);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, world_new, world_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(test_a_batch_is_stored),
        with_world(test_order_of_batches),
        with_world(test_pipelined),
        with_world(test_takeover),
        with_world(test_reconnect_and_restart),
        with_world(test_what_waits_is_one_commit),
        with_world(test_credit),
        with_world(test_malformed),
        with_world(test_strangers),
        with_world(test_revoked),
        with_world(test_no_zap_handler),
        with_world(test_long_answers),
        with_world(test_parts),
        with_world(test_claimed_routing_ids),
        with_world(test_call_and_stop),
        with_world(test_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
