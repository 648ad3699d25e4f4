/* Who may do what: every kind of message and every method, from every role, for its own tenant and for
 * another's, over a real socket. What is expected stands in a table of this file, written from the manuals
 * and not from the code. */
#include "core/base/log.h"
#include "core/ingest/committer.h"
#include "core/ingest/server.h"
#include "core/tenant/audit.h"
#include "core/tenant/control.h"
#include "core/tenant/dispatch.h"
#include "core/tenant/method.h"
#include "core/tenant/tenant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "wire_json.h"

#define ROUNDS    10000
#define ANSWER_MS 60000

static const char CONFIG[] = "tenants:\n"
                             "- {name: riverbend, limits: {stored_bytes: 16MiB}}\n"
                             "- {name: lakeside, limits: {stored_bytes: 16MiB}}\n";

/* s source, r reader, n reader that is narrowed to sites, a admin, f forwarder, b benchmark, o operator */
static const char ROLES[] = "srnafbo";

static const struct {
    const char *method, *roles;
} METHOD_ROLES[] = {
    {"audit.export", "o"},
    {"audit.list", "ao"},
    {"benchmark.consent", "a"},
    {"benchmark.define", "o"},
    {"benchmark.freeze", "o"},
    {"benchmark.list", "abo"},
    {"benchmark.show", "bo"},
    {"benchmark.undefine", "o"},
    {"benchmark.withdraw", "ao"},
    {"calendar.import", "ao"},
    {"calendar.list", "ao"},
    {"calendar.remove", "ao"},
    {"calendar.show", "ao"},
    {"code.import", "ao"},
    {"code.list", "ao"},
    {"key.grant", "ao"},
    {"key.list", "ao"},
    {"key.revoke", "ao"},
    {"key.rotate", "ao"},
    {"metric.explain", "ro"},
    {"metric.list", "rnabo"},
    {"metric.show", "rnabo"},
    {"plugin.list", "o"},
    {"plugin.release", "o"},
    {"plugin.reload", "o"},
    {"plugin.show", "o"},
    {"plugin.top", "o"},
    {"reference.import", "ao"},
    {"reference.list", "ao"},
    {"server.key", "ao"},
    {"source.list", "ao"},
    {"source.rejects", "sao"},
    {"source.reset", "o"},
    {"source.show", "sao"},
    {"status", "o"},
    {"tenant.add", "o"},
    {"tenant.export", "o"},
    {"tenant.import", "o"},
    {"tenant.limit", "ao"},
    {"tenant.list", "o"},
    {"tenant.reindex", "o"},
    {"tenant.remove", "o"},
    {"tenant.retention", "ao"},
    {"tenant.show", "ao"},
    {"ticket.explain", "rno"},
};
#define N_METHOD_ROLES (sizeof(METHOD_ROLES) / sizeof(*METHOD_ROLES))

static const struct {
    const char *kind, *roles;
} KIND_ROLES[] = {
    {"HELLO", "sf"}, {"BATCH", "s"}, {"QUERY", "rno"}, {"CALL", NULL}, {"MORE", "srnafbo"}, {"FORWARD", "f"},
    {"WELCOME", ""}, {"ACK", ""},    {"NACK", ""},     {"RESULT", ""}, {"ERROR", ""},
};
#define N_KINDS (sizeof(KIND_ROLES) / sizeof(*KIND_ROLES))

struct world {
    char folder[64], address[96];
    struct config *config;
    struct control *control;
    struct tenants *tenants;
    struct audit *audit;
    struct committer *committer;
    struct logger logger;
    struct dispatch *dispatch;
    void *zmq, *client;
    struct zap *zap;
    struct server *server;
    pthread_mutex_t lock;
    struct grant who; /* what everybody is at the moment; ROLE_NONE: nobody any more */
    int64_t request;
};

static int resolve(void *ctx, const char *user_id, struct grant *ret)
{
    struct world *w = ctx;
    (void)pthread_mutex_lock(&w->lock);
    *ret = w->who;
    (void)pthread_mutex_unlock(&w->lock);
    return ret->role == ROLE_NONE ? -ENOENT : 0;
}

static void become(struct world *w, char role, const char *tenant)
{
    static const enum role OF[] = {ROLE_SOURCE,    ROLE_READER,    ROLE_READER,  ROLE_ADMIN,
                                   ROLE_FORWARDER, ROLE_BENCHMARK, ROLE_OPERATOR};
    struct grant who = {
        .role = OF[strchr(ROLES, role) - ROLES], .types = grant_default_types(), .name = "tests"};
    if (role_has_tenant(who.role))
        (void)snprintf(who.tenant, sizeof(who.tenant), "%s", tenant);
    if (who.role == ROLE_SOURCE) {
        (void)snprintf(who.source, sizeof(who.source), "desk");
        (void)snprintf(who.namespace, sizeof(who.namespace), "desk");
    }
    if (who.role == ROLE_FORWARDER)
        (void)snprintf(who.source, sizeof(who.source), "north/");
    if (role == 'n') {
        who.n_sites = 1;
        (void)snprintf(who.sites[0], sizeof(who.sites[0]), "north");
    }
    (void)pthread_mutex_lock(&w->lock);
    w->who = who;
    (void)pthread_mutex_unlock(&w->lock);
}

static void become_nobody(struct world *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->who.role = ROLE_NONE;
    (void)pthread_mutex_unlock(&w->lock);
}

/* --- the collector --- */

static void start(struct world *w)
{
    struct error err = ERROR_INIT;
    char keys[96], data[96], control[96];
    (void)snprintf(keys, sizeof(keys), "%s/keys", w->folder);
    (void)snprintf(data, sizeof(data), "%s/data", w->folder);
    (void)snprintf(control, sizeof(control), "%s/control", w->folder);
    (void)snprintf(w->address, sizeof(w->address), "ipc://%s/hosts.sock", w->folder);
    (void)mkdir(keys, 0700);
    const struct tenants_options tenants = {.data = data, .keys = keys};
    struct tenants_options with_control = tenants;
    if (control_open(control, &w->control, &err) < 0)
        fail_msg("%s", err.message);
    with_control.control = w->control;
    if (tenants_new(&with_control, &w->tenants, &err) < 0 || tenants_apply(w->tenants, w->config, &err) < 0 ||
        audit_open(&(struct audit_options){.control = w->control, .keys = keys, .logger = &w->logger},
                   &w->audit, &err) < 0 ||
        committer_new(
            &(struct committer_options){
                .data_path = data, .free_bytes = 1, .n_threads = 1, .logger = &w->logger},
            &w->committer, &err) < 0)
        fail_msg("%s", err.message);
    const struct dispatch_options dispatch = {
        .tenants = w->tenants,
        .control = w->control,
        .committer = w->committer,
        .audit = w->audit,
        .logger = &w->logger,
        .config = w->config,
        .public_key = "the server's",
        .plugin_host = "/nowhere",
        .n_threads = 1,
        .queue_max = 16,
    };
    const struct server_endpoint endpoint = {.address = w->address};
    struct server_options server = {
        .zmq = w->zmq,
        .name = "data",
        .zap_domain = WIRE_ZAP_DOMAIN,
        .endpoints = &endpoint,
        .n_endpoints = 1,
        .resolve = resolve,
        .resolve_ctx = w,
        .tenants = w->tenants,
        .committer = w->committer,
        .logger = &w->logger,
    };
    if (dispatch_new(&dispatch, &w->dispatch, &err) < 0)
        fail_msg("%s", err.message);
    server.dispatch = w->dispatch;
    if (zap_new(&(struct zap_options){w->zmq, resolve, w, &w->logger}, &w->zap, &err) < 0 ||
        server_new(&server, &w->server, &err) < 0)
        fail_msg("%s", err.message);
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct config_problems p;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/test-rights-XXXXXX");
    if (!mkdtemp(w->folder))
        return -1;
    (void)pthread_mutex_init(&w->lock, NULL);
    logger_init(&w->logger, open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR);
    config_problems_init(&p, "t.yaml");
    w->config = config_parse(CONFIG, strlen(CONFIG), &p);
    config_problems_fini(&p);
    w->zmq = zmq_ctx_new();
    become(w, 'o', "");
    start(w);
    w->client = zmq_socket(w->zmq, ZMQ_DEALER);
    (void)zmq_setsockopt(w->client, ZMQ_LINGER, &(int){0}, sizeof(int));
    (void)zmq_connect(w->client, w->address);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    struct world *w = *state;
    char command[128];
    (void)zmq_close(w->client);
    server_stop(w->server);
    dispatch_stop(w->dispatch);
    committer_stop(w->committer);
    server_free(w->server);
    dispatch_free(w->dispatch);
    committer_free(w->committer);
    zap_free(w->zap);
    (void)zmq_ctx_term(w->zmq);
    audit_close(w->audit);
    tenants_free(w->tenants);
    control_close(w->control);
    config_unref(w->config);
    (void)close(w->logger.fd);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->folder);
    free(w);
    return system(command);
}

/* --- one message --- */

/* What the tests look at of an answer. */
struct answer {
    char code[64]; /* "" for a good one */
    uint64_t last_seq;
};

static uint64_t answer_read(const void *data, size_t size, struct answer *ret)
{
    struct mp_reader r;
    uint32_t n = 0, key_size = 0, text_size = 0;
    uint64_t version = 0, request = 0;
    const char *key, *text;
    *ret = (struct answer){.last_seq = 0};
    mp_reader_init(&r, data, size);
    assert_true(mp_read_array(&r, &n) && mp_read_uint(&r, &version) && mp_read_str(&r, &text, &text_size) &&
                mp_read_uint(&r, &request) && mp_read_map(&r, &n));
    while (n-- > 0) {
        assert_true(mp_read_str(&r, &key, &key_size));
        if (key_size == 4 && memcmp(key, "code", 4) == 0) {
            assert_true(mp_read_str(&r, &text, &text_size));
            (void)snprintf(ret->code, sizeof(ret->code), "%.*s", (int)text_size, text);
        } else if (key_size == 8 && memcmp(key, "last_seq", 8) == 0) {
            assert_true(mp_read_uint(&r, &ret->last_seq));
        } else {
            assert_true(mp_skip(&r));
        }
    }
    return request;
}

static struct answer ask(struct world *w, const char *kind, json_t *body)
{
    json_t *message = json_pack("[i, s, I, o]", 1, kind, (json_int_t)++w->request, body);
    struct answer answer;
    msgpack_sbuffer b;
    msgpack_packer p;
    msgpack_sbuffer_init(&b);
    msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
    wire_json_write(&p, message);
    assert_int_equal(zmq_send(w->client, b.data, b.size, 0), b.size);
    msgpack_sbuffer_destroy(&b);
    json_decref(message);
    for (uint64_t request = 0; request != (uint64_t)w->request;) {
        zmq_pollitem_t item = {.socket = w->client, .events = ZMQ_POLLIN};
        zmq_msg_t m;
        if (zmq_poll(&item, 1, ANSWER_MS) <= 0)
            fail_msg("no answer to %s", kind);
        (void)zmq_msg_init(&m);
        assert_true(zmq_msg_recv(&m, w->client, 0) >= 0);
        request = answer_read(zmq_msg_data(&m), zmq_msg_size(&m), &answer);
        (void)zmq_msg_close(&m);
    }
    return answer;
}

/* tenant: of the parameters; NULL: left out */
static struct answer call(struct world *w, const char *method, const char *tenant)
{
    json_t *params = json_object();
    bool has_tenant = strncmp(method, "metric.", 7) != 0 && strcmp(method, "key.list") != 0 &&
                      strcmp(method, "key.revoke") != 0 && strcmp(method, "key.rotate") != 0 &&
                      strcmp(method, "server.key") != 0 && strcmp(method, "status") != 0 &&
                      strcmp(method, "tenant.list") != 0 && strcmp(method, "audit.export") != 0 &&
                      strcmp(method, "plugin.list") != 0 && strcmp(method, "plugin.top") != 0 &&
                      strcmp(method, "plugin.show") != 0;
    if (strncmp(method, "benchmark.", 10) == 0)
        has_tenant = strcmp(method, "benchmark.consent") == 0 || strcmp(method, "benchmark.withdraw") == 0;
    if (strcmp(method, "metric.explain") == 0)
        has_tenant = true;
    if (tenant && has_tenant)
        (void)json_object_set_new(params, "tenant", json_string(tenant));
    if (strcmp(method, "key.grant") == 0) {
        (void)json_object_set_new(params, "public_key",
                                  json_string("0123456789012345678901234567890123456789"));
        (void)json_object_set_new(params, "role", json_string("reader")); /* and no name */
    }
    if (strcmp(method, "metric.explain") == 0)
        (void)json_object_set_new(params, "query", json_pack("{s:[s]}", "metrics", "backlog"));
    if (strcmp(method, "reference.import") == 0)
        (void)json_object_update_new(params, json_pack("{s:s, s:[]}", "table", "site", "rows"));
    if (strcmp(method, "code.import") == 0)
        (void)json_object_set_new(params, "rows", json_array());
    if (strcmp(method, "reference.list") == 0)
        (void)json_object_set_new(params, "table", json_string("site"));
    /* Nothing that would take the tenants away from the other rounds: names that cannot be. */
    if (strcmp(method, "tenant.add") == 0 || strcmp(method, "tenant.import") == 0 ||
        strcmp(method, "tenant.remove") == 0)
        (void)json_object_set_new(params, "tenant", json_string("Not A Name"));
    if (strcmp(method, "ticket.explain") == 0)
        (void)json_object_set_new(params, "ticket", json_string("x"));
    return ask(w, "CALL", json_pack("{s:s, s:o}", "method", method, "params", params));
}

/* --- what is expected --- */

static bool has(const char *roles, char role)
{
    return strchr(roles, role) != NULL;
}

/* Whether a call is refused for want of rights. Methods that are about one tenant refuse another's to all but
 * the operator. */
static bool call_is_refused(const char *method, const char *roles, char role, bool is_wrong_tenant)
{
    static const char *const NO_TENANT[] = {"benchmark.list", "benchmark.show", "key.list",    "key.revoke",
                                            "key.rotate",     "metric.list",    "metric.show", "server.key"};
    if (!has(roles, role))
        return true;
    for (size_t i = 0; i < sizeof(NO_TENANT) / sizeof(*NO_TENANT); i++)
        if (strcmp(NO_TENANT[i], method) == 0)
            return false;
    return is_wrong_tenant && role != 'o';
}

struct expectation {
    const char *kind, *method, *tenant;
    char role;
};

static void judge(const struct expectation *e, struct answer answer, bool is_refused)
{
    if ((strcmp(answer.code, "not_granted") == 0) != is_refused)
        fail_msg("%s %s for %s from %c: \"%s\", expected %s", e->kind, e->method, e->tenant ? e->tenant : "-",
                 e->role, answer.code, is_refused ? "not_granted" : "another answer");
}

/* One message of that kind (and method), from that role of riverbend, about a tenant (NULL: none named). */
static void try(struct world *w, size_t kind, size_t method, char role, const char *tenant)
{
    struct expectation e = {KIND_ROLES[kind].kind, "", tenant, role};
    bool is_wrong = tenant && strcmp(tenant, "riverbend") != 0;
    json_t *body = NULL;
    become(w, role, "riverbend");
    if (strcmp(e.kind, "CALL") == 0) {
        e.method = METHOD_ROLES[method].method;
        judge(&e, call(w, e.method, tenant),
              call_is_refused(e.method, METHOD_ROLES[method].roles, role, is_wrong));
        return;
    }
    bool is_refused = !has(KIND_ROLES[kind].roles, role);
    if (strcmp(e.kind, "HELLO") == 0 || strcmp(e.kind, "BATCH") == 0)
        body = json_pack("{s:s, s:s, s:i}", "source", role == 'f' ? "north/" : "desk", "software", "tests",
                         "session", 1);
    else if (strcmp(e.kind, "QUERY") == 0)
        body = json_pack("{s:[s], s:s*}", "metrics", "tickets_created", "tenant", tenant);
    else if (strcmp(e.kind, "MORE") == 0)
        body = json_pack("{s:i}", "part", 1);
    if (strcmp(e.kind, "QUERY") == 0)
        is_refused |= is_wrong && role != 'o';
    if (strcmp(e.kind, "BATCH") != 0) {
        judge(&e, ask(w, e.kind, body ? body : json_object()), is_refused);
        return;
    }
    const struct answer welcome = ask(w, "HELLO", body);
    json_int_t last_seq = (json_int_t)welcome.last_seq;
    judge(&e, welcome, !has("sf", role)); /* a forwarder may greet */
    body = json_pack("{s:I, s:[{s:s, s:I, s:I}]}", "seq", last_seq + 1, "events", "type", "source.watermark",
                     "at", (json_int_t)1704708000000, "complete_until", (json_int_t)1704708000000);
    judge(&e, ask(w, "BATCH", body), is_refused);
    become_nobody(w); /* and the next one, of a key that is revoked */
    body = json_pack("{s:I, s:[]}", "seq", last_seq + 2, "events");
    judge(&e, ask(w, "BATCH", body), true);
}

static const char *const TENANTS[] = {"riverbend", "lakeside", "nobody", NULL};
#define N_TENANTS (sizeof(TENANTS) / sizeof(*TENANTS))

/* --- */

static void every_method_is_in_the_table(void **state)
{
    assert_int_equal(N_METHODS, N_METHOD_ROLES);
    for (size_t i = 0; i < N_METHODS; i++)
        assert_string_equal(METHODS[i].name, METHOD_ROLES[i].method);
    assert_int_equal(N_KINDS, WIRE_N_KINDS);
}

static void every_combination(void **state)
{
    struct world *w = *state;
    for (size_t kind = 0; kind < N_KINDS; kind++)
        for (const char *role = ROLES; *role; role++)
            for (size_t t = 0; t < N_TENANTS; t++)
                for (size_t m = 0; m < (KIND_ROLES[kind].roles ? 1 : N_METHOD_ROLES); m++)
                    try(w, kind, m, *role, TENANTS[t]);
}

/* In any order, so that no answer hangs on the one before. */
static void at_random(void **state)
{
    struct world *w = *state;
    const char *seed = getenv("TENDON_TEST_SEED");
    unsigned chance = seed ? (unsigned)strtoul(seed, NULL, 10) : 1;
    print_message("seed %u\n", chance);
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t kind = (unsigned)rand_r(&chance) % (N_KINDS + 4);
        try(w, kind < N_KINDS ? kind : 3, (unsigned)rand_r(&chance) % N_METHOD_ROLES,
            ROLES[(unsigned)rand_r(&chance) % (sizeof(ROLES) - 1)],
            TENANTS[(unsigned)rand_r(&chance) % N_TENANTS]);
    }
}

static void a_revoked_key_does_nothing(void **state)
{
    struct world *w = *state;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        struct expectation e = {KIND_ROLES[kind].kind, "", NULL, '-'};
        become_nobody(w);
        if (strcmp(e.kind, "CALL") == 0)
            for (size_t m = 0; m < N_METHOD_ROLES; m++)
                judge(&e, call(w, METHOD_ROLES[m].method, NULL), true);
        else
            judge(&e, ask(w, e.kind, json_object()), true);
    }
}

/* After all that: what the other tenant has. */
static void the_other_tenant_is_untouched(void **state)
{
    struct world *w = *state;
    struct store_source *sources;
    struct store_view *view;
    struct error err = ERROR_INIT;
    struct tenant *t = tenants_find(w->tenants, "lakeside");
    size_t n;
    assert_int_equal(store_source_list(t->store, &sources, &n), 0);
    assert_int_equal(n, 0);
    free(sources);
    assert_int_equal(store_view_open(t->store, FACT_TABLES_ALL, &view, &err), 0);
    assert_int_equal(store_view_as_of(view), 0);
    store_view_close(view);
    assert_int_equal(store_source_list(tenants_find(w->tenants, "riverbend")->store, &sources, &n), 0);
    assert_int_equal(n, 1);
    free(sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_is_in_the_table),
        cmocka_unit_test(every_combination),
        cmocka_unit_test(at_random),
        cmocka_unit_test(a_revoked_key_does_nothing),
        cmocka_unit_test(the_other_tenant_is_untouched),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
