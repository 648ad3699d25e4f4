/* Requests: who may ask what, what is told when a request is wrong, and that each one is answered once. */
#include "core/base/document.h"
#include "core/base/log.h"
#include "core/ingest/committer.h"
#include "core/tenant/control.h"
#include "core/tenant/dispatch.h"
#include "core/tenant/method.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char CONFIG[] = "tenants:\n"
                             "- {name: riverbend, zone: America/Chicago, limits: {stored_bytes: 16MiB}}\n"
                             "- {name: lakeside, limits: {stored_bytes: 16MiB}}\n"
                             "plugins: {source: taken, tenant: lakeside, plugin: csv}\n";

struct world {
    char folder[64];
    struct config *config;
    struct control *control;
    struct tenants *tenants;
    struct committer *committer;
    struct audit *audit;
    struct logger logger;
    struct dispatch_options options;
    struct dispatch *dispatch;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct config_problems p;
    struct error err = ERROR_INIT;
    char keys[96], data[96], control[96];
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/test-dispatch-XXXXXX");
    if (!mkdtemp(w->folder))
        return -1;
    (void)snprintf(keys, sizeof(keys), "%s/keys", w->folder);
    (void)snprintf(data, sizeof(data), "%s/data", w->folder);
    (void)snprintf(control, sizeof(control), "%s/control", w->folder);
    (void)mkdir(keys, 0700);
    config_problems_init(&p, "t.yaml");
    w->config = config_parse(CONFIG, strlen(CONFIG), &p);
    config_problems_fini(&p);
    logger_init(&w->logger, STDERR_FILENO, LOG_LEVEL_ERROR);
    if (!w->config || control_open(control, &w->control, &err) < 0 ||
        tenants_new(&(struct tenants_options){.data = data, .keys = keys, .control = w->control}, &w->tenants,
                    &err) < 0 ||
        tenants_apply(w->tenants, w->config, &err) < 0 ||
        audit_open(&(struct audit_options){.control = w->control, .keys = keys, .logger = &w->logger},
                   &w->audit, &err) < 0 ||
        committer_new(&(struct committer_options){.data_path = data, .n_threads = 1, .logger = &w->logger},
                      &w->committer, &err) < 0)
        fail_msg("%s", err.message);
    w->options = (struct dispatch_options){
        .tenants = w->tenants,
        .control = w->control,
        .committer = w->committer,
        .audit = w->audit,
        .logger = &w->logger,
        .config = w->config,
        .public_key = "the server's",
        .plugin_host = "/nowhere",
        .n_threads = 2,
        .queue_max = 4,
    };
    if (dispatch_new(&w->options, &w->dispatch, &err) < 0)
        fail_msg("%s", err.message);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    struct world *w = *state;
    char command[128];
    dispatch_free(w->dispatch);
    committer_stop(w->committer);
    committer_free(w->committer);
    tenants_free(w->tenants);
    audit_close(w->audit);
    control_close(w->control);
    config_unref(w->config);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->folder);
    free(w);
    return system(command);
}

/* --- one answer --- */

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t come;
    unsigned n;
    json_t *result;
    struct error error;
};

static void answer_init(struct answer *a)
{
    *a = (struct answer){.n = 0};
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->come, NULL);
}

static void take(void *ctx, struct buffer *result, const struct error *err)
{
    struct answer *a = ctx;
    struct error bad = ERROR_INIT;
    (void)pthread_mutex_lock(&a->lock);
    a->n++;
    if (err)
        a->error = *err;
    else if (document_decode(result->data, result->size, DOCUMENT_VALUES_MAX, &a->result, &bad) < 0)
        a->error = bad;
    (void)pthread_cond_signal(&a->come);
    (void)pthread_mutex_unlock(&a->lock);
}

static void wait_for(struct answer *a)
{
    (void)pthread_mutex_lock(&a->lock);
    while (!a->n)
        (void)pthread_cond_wait(&a->come, &a->lock);
    (void)pthread_mutex_unlock(&a->lock);
}

static int submit(struct dispatch *d, const struct grant *who, enum wire_kind kind, const char *body,
                  struct answer *a, struct error *err)
{
    json_t *json = json_loads(body, 0, NULL);
    struct buffer b;
    assert_non_null(json);
    buffer_init(&b, 65536);
    assert_int_equal(document_encode(json, &b), 0);
    json_decref(json);
    int r = dispatch_submit(d, who, kind, b.data, b.size, take, a, err);
    buffer_fini(&b);
    return r;
}

static const struct grant OPERATOR = {.role = ROLE_OPERATOR};
static const struct grant SOURCE = {
    .role = ROLE_SOURCE, .tenant = "riverbend", .source = "desk", .namespace = "desk"};

/* The answer as text: JSON, or "code: message; hint". The caller frees. */
static char *ask(struct world *w, const struct grant *who, enum wire_kind kind, const char *body)
{
    struct answer a;
    struct error err = ERROR_INIT;
    char room[1024];
    answer_init(&a);
    assert_int_equal(submit(w->dispatch, who, kind, body, &a, &err), 0);
    wait_for(&a);
    char *text = a.result ? json_dumps(a.result, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(a.result);
    if (text)
        return text;
    (void)snprintf(room, sizeof(room), "%s: %s%s%s", a.error.code, a.error.message, *a.error.hint ? "; " : "",
                   a.error.hint);
    return strdup(room);
}

static void expect(struct world *w, const struct grant *who, const char *body, const char *text)
{
    char *got = ask(w, who, WIRE_CALL, body);
    assert_string_equal(got, text);
    free(got);
}

static void wrong_requests(void **state)
{
    struct world *w = *state;
    static const struct {
        const struct grant *who;
        const char *body, *text;
    } CASES[] = {
        {&OPERATOR, "{}", "malformed: a CALL takes {method: text, params: map}"},
        {&OPERATOR, "{\"method\":5}", "malformed: a CALL takes {method: text, params: map}"},
        {&OPERATOR, "{\"method\":\"status\",\"params\":[]}",
         "malformed: a CALL takes {method: text, params: map}"},
        {&OPERATOR, "[1]", "malformed: the body of a request is a map"},
        {&OPERATOR, "{\"method\":\"tenant.lsit\"}",
         "unknown_method: there is no method \"tenant.lsit\"; did you mean \"tenant.list\"?"},
        {&OPERATOR, "{\"method\":\"tenant.show\",\"params\":{\"tennant\":\"a\"}}",
         "unknown_param: tenant.show has no parameter \"tennant\"; did you mean \"tenant\"?"},
        {&OPERATOR, "{\"method\":\"tenant.show\",\"params\":{\"tenant\":\"riverbent\"}}",
         "unknown_tenant: there is no tenant \"riverbent\"; did you mean \"riverbend\"?"},
        {&OPERATOR, "{\"method\":\"tenant.show\",\"params\":{\"tenant\":7}}",
         "bad_param: the parameter \"tenant\" takes a text"},
        {&OPERATOR, "{\"method\":\"tenant.show\"}",
         "tenant_required: there are several tenants: say which; --tenant NAME; tendon tenant list shows "
         "them"},
        {&OPERATOR, "{\"method\":\"source.show\",\"params\":{\"tenant\":\"lakeside\"}}",
         "bad_param: the parameter \"source\" is missing"},
        {&OPERATOR, "{\"method\":\"source.show\",\"params\":{\"tenant\":\"lakeside\",\"source\":\"x\"}}",
         "unknown_source: tenant lakeside has no source \"x\"; tendon source list shows those there are"},
        {&OPERATOR,
         "{\"method\":\"source.rejects\",\"params\":{\"tenant\":\"lakeside\",\"source\":\"x\",\"limit\":101}"
         "}",
         "bad_param: the parameter \"limit\" takes a whole number from 1 to 100"},
        {&OPERATOR, "{\"method\":\"key.revoke\",\"params\":{}}",
         "bad_param: key.revoke takes either \"public_key\" or \"name\""},
        {&OPERATOR,
         "{\"method\":\"reference.import\",\"params\":{\"tenant\":\"lakeside\",\"table\":\"sites\",\"rows\":["
         "]}}",
         "bad_param: the parameter \"table\" takes site or team"},
        {&OPERATOR,
         "{\"method\":\"reference.import\",\"params\":{\"tenant\":\"lakeside\",\"table\":\"site\",\"rows\":{}"
         "}}",
         "bad_param: the parameter \"rows\" takes a list of maps"},
        {&OPERATOR,
         "{\"method\":\"reference.import\",\"params\":{\"tenant\":\"lakeside\",\"table\":\"site\",\"rows\":[{"
         "\"key\":\"a\"},"
         "{\"key\":\"b\",\"bed\":3}]}}",
         "unknown_attribute: row 2: a site has no such attribute; did you mean \"beds\"?"},
        {&SOURCE, "{\"method\":\"status\"}", "not_granted: status is not for the role source"},
        {&SOURCE, "{\"method\":\"key.list\"}", "not_granted: key.list is not for the role source"},
        {&SOURCE, "{\"method\":\"source.show\",\"params\":{\"source\":\"phones\"}}",
         "not_granted: this connection speaks for another source"},
        {&SOURCE, "{\"method\":\"source.show\",\"params\":{\"tenant\":\"lakeside\"}}",
         "not_granted: this connection speaks for another tenant"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++)
        expect(w, CASES[i].who, CASES[i].body, CASES[i].text);
    char *got = ask(w, &SOURCE, WIRE_QUERY, "{\"metrics\":[\"csat\"]}");
    assert_string_equal(got, "not_granted: a query is not for the role source");
    free(got);
}

static void imports(void **state)
{
    struct world *w = *state;
#define IMPORT(more, rows)                                                                                   \
    "{\"method\":\"reference.import\",\"params\":{\"tenant\":\"lakeside\",\"table\":\"team\"" more           \
    ",\"rows\":[" rows "]}}"
    expect(
        w, &OPERATOR,
        IMPORT("", "{\"key\":\"t1\",\"employer\":\"acme\",\"tier\":2},{\"key\":\"t2\",\"employer\":\"b\"}"),
        "{\"imported\":2,\"changed\":2,\"refolding\":null}");
    /* what is said again, as text or number, is no change */
    expect(
        w, &OPERATOR,
        IMPORT("",
               "{\"key\":\"t1\",\"employer\":\"acme\",\"tier\":\"2\"},{\"key\":\"t2\",\"employer\":\"c\"}"),
        "{\"imported\":2,\"changed\":1,\"refolding\":null}");
    expect(w, &OPERATOR, IMPORT(",\"valid_from\":1704067200000", "{\"key\":\"t1\",\"employer\":\"dune\"}"),
           "{\"imported\":1,\"changed\":1,\"refolding\":null}");
    /* a row that is wrong: none of the others either */
    expect(w, &OPERATOR, IMPORT("", "{\"key\":\"t9\"},{\"key\":\"t1\",\"tier\":9}"),
           "bad_attribute: row 2: attribute tier is not a whole number from 0 to 4");
    expect(
        w, &OPERATOR,
        "{\"method\":\"reference.list\",\"params\":{\"tenant\":\"lakeside\",\"table\":\"team\"}}",
        "[{\"key\":\"t1\",\"valid_from\":null,\"employer\":\"acme\",\"outsourcer\":null,\"team_country\":"
        "null,"
        "\"languages\":null,\"tier\":2},"
        "{\"key\":\"t1\",\"valid_from\":\"2024-01-01T00:00:00Z\",\"employer\":\"dune\",\"outsourcer\":null,"
        "\"team_country\":null,\"languages\":null,\"tier\":null},"
        "{\"key\":\"t2\",\"valid_from\":null,\"employer\":\"c\",\"outsourcer\":null,\"team_country\":null,"
        "\"languages\":null,\"tier\":null}]");
    /* and the other tenant knows nothing of it */
    expect(w, &OPERATOR,
           "{\"method\":\"reference.list\",\"params\":{\"tenant\":\"riverbend\",\"table\":\"team\"}}", "[]");
}

static void keys(void **state)
{
    struct world *w = *state;
#define GRANT(more)                                                                                          \
    "{\"method\":\"key.grant\",\"params\":{\"public_key\":\"0123456789012345678901234567890123456789\","     \
    "\"role\":\"source\",\"tenant\":\"lakeside\"" more "}}"
    struct grant got;
    expect(
        w, &OPERATOR, GRANT(",\"source\":\"Desk\",\"name\":\"k\""),
        "bad_param: the parameter \"source\" takes a name; at most 64 of a-z, 0-9, \".\", \"_\" and \"-\", a "
        "letter or digit first");
    expect(w, &OPERATOR,
           GRANT(",\"source\":\"desk\",\"name\":\"k\",\"types\":[\"survey.response\",\"tickets\"]"),
           "bad_param: the parameter \"types\" names no event type at place 1; did you mean \"ticket.*\"?");
    expect(
        w, &OPERATOR, GRANT(",\"source\":\"taken\",\"name\":\"k\""),
        "source_taken: a plugin of the configuration speaks for this source; grant another source; with the "
        "same namespace it may speak of the same tickets");
    assert_int_equal(control_resolve(w->control, "0123456789012345678901234567890123456789", &got), -ENOENT);
    char *made = ask(w, &OPERATOR, WIRE_CALL,
                     GRANT(",\"source\":\"desk\",\"name\":\"k\",\"namespace\":\"help\",\"vendor\":\"Acme\","
                           "\"types\":[\"survey.*\"]"));
    assert_non_null(strstr(made, "\"types\":[\"survey.sent\",\"survey.response\"]"));
    free(made);
    assert_int_equal(control_resolve(w->control, "0123456789012345678901234567890123456789", &got), 0);
    assert_string_equal(got.tenant, "lakeside");
    assert_string_equal(got.namespace, "help");
    assert_string_equal(got.stamp_vendor, "Acme");
    assert_int_equal(got.types, 1u << EVENT_SURVEY_SENT | 1u << EVENT_SURVEY_RESPONSE);
    free(ask(w, &OPERATOR, WIRE_CALL, "{\"method\":\"key.revoke\",\"params\":{\"name\":\"k\"}}"));
    expect(w, &OPERATOR, "{\"method\":\"key.list\"}", "[]");
}

static void broken_bodies(void **state)
{
    struct world *w = *state;
    static const uint8_t BODY[] = {0x82, 0xa6, 'm', 'e',  't', 'h', 'o', 'd', 0xa6, 's', 't', 'a',
                                   't',  'u',  's', 0xa6, 'p', 'a', 'r', 'a', 'm',  's', 0x80};
    for (size_t n = 0; n <= sizeof(BODY); n++) {
        struct answer a;
        struct error err = ERROR_INIT;
        answer_init(&a);
        assert_int_equal(dispatch_submit(w->dispatch, &OPERATOR, WIRE_CALL, BODY, n, take, &a, &err), 0);
        wait_for(&a);
        assert_int_equal(a.result != NULL, n == sizeof(BODY));
        if (!a.result)
            assert_string_equal(a.error.code, "bad_document");
        json_decref(a.result);
    }
}

/* Without threads nothing is ever taken from the queue: it fills, and stopping answers what waits. */
static void queue_is_bounded(void **state)
{
    struct world *w = *state;
    struct dispatch_options options = w->options;
    struct dispatch *d;
    struct answer a[2], more;
    struct error err = ERROR_INIT;
    options.n_threads = 0;
    options.queue_max = 2;
    assert_int_equal(dispatch_new(&options, &d, &err), 0);
    for (int i = 0; i < 2; i++) {
        answer_init(&a[i]);
        assert_int_equal(submit(d, &OPERATOR, WIRE_CALL, "{\"method\":\"status\"}", &a[i], &err), 0);
    }
    answer_init(&more);
    assert_int_equal(submit(d, &OPERATOR, WIRE_CALL, "{\"method\":\"status\"}", &more, &err), -EAGAIN);
    assert_string_equal(err.code, "busy");
    dispatch_stop(d);
    assert_int_equal(submit(d, &OPERATOR, WIRE_CALL, "{\"method\":\"status\"}", &more, &err), -ESHUTDOWN);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a[i].n, 1);
        assert_string_equal(a[i].error.code, "stopping");
    }
    assert_int_equal(more.n, 0);
    dispatch_free(d);
}

/* Without room for an entry nothing is done; but a key that is to be revoked stops all the same. */
static void what_cannot_be_recorded(void **state)
{
    struct world *w = *state;
    struct grant got;
    struct MDB_env *env = control_environment(w->control);
    MDB_envinfo info;
    MDB_stat stat;
    free(ask(w, &OPERATOR, WIRE_CALL, GRANT(",\"source\":\"desk\",\"name\":\"k\"")));
    assert_int_equal(mdb_env_info(env, &info), 0);
    assert_int_equal(mdb_env_stat(env, &stat), 0);
    assert_int_equal(mdb_env_set_mapsize(env, (info.me_last_pgno + 1) * stat.ms_psize), 0);
    char *got_text = NULL;
    for (int i = 0; i < 200; i++) { /* until the pages that are free are used up */
        char body[320];
        (void)snprintf(
            body, sizeof(body),
            "{\"method\":\"key.grant\",\"params\":{\"public_key\":"
            "\"9876543210987654321098765432109876543%03d\",\"role\":\"source\",\"tenant\":\"lakeside\","
            "\"source\":\"s%d\",\"name\":\"n%d\"}}",
            i, i, i);
        free(got_text);
        got_text = ask(w, &OPERATOR, WIRE_CALL, body);
        if (strncmp(got_text, "audit_failed: ", 14) == 0) {
            assert_int_equal(control_resolve(w->control, strstr(body, "9876"), &got), -ENOENT);
            break;
        }
    }
    assert_int_equal(strncmp(got_text, "audit_failed: ", 14), 0);
    free(got_text);
    assert_int_equal(control_resolve(w->control, "0123456789012345678901234567890123456789", &got), 0);
    got_text = ask(w, &OPERATOR, WIRE_CALL, "{\"method\":\"key.revoke\",\"params\":{\"name\":\"k\"}}");
    assert_int_equal(strncmp(got_text, "audit_failed: the key is refused from now on", 44), 0);
    free(got_text);
    assert_int_equal(control_resolve(w->control, "0123456789012345678901234567890123456789", &got), -ENOENT);
    assert_int_equal(mdb_env_set_mapsize(env, CONTROL_MAP_BYTES), 0);
}

/* A request of which the place among the answers is noted; the first one holds the thread until all are
 * submitted. */
struct placed {
    struct placing {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool is_open;
        unsigned n;
    } * placing;
    bool holds;
    unsigned place; /* from 1 */
};

static void note_place(void *ctx, struct buffer *result, const struct error *err)
{
    struct placed *p = ctx;
    assert_null(err);
    (void)pthread_mutex_lock(&p->placing->lock);
    while (p->holds && !p->placing->is_open)
        (void)pthread_cond_wait(&p->placing->changed, &p->placing->lock);
    p->place = ++p->placing->n;
    (void)pthread_cond_broadcast(&p->placing->changed);
    (void)pthread_mutex_unlock(&p->placing->lock);
}

/* One tenant asks a lot at once, another once: it has its turn within a quantum, not behind all of the
 * first's. */
static void turns_are_taken(void **state)
{
    enum { MANY = 60, QUANTUM = 20 };
    static const uint8_t BODY[] = "\x81\xa6method\xabmetric.list";
    struct world *w = *state;
    struct dispatch_options options = w->options;
    struct dispatch *d;
    struct placing placing = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct placed asked[MANY + 1];
    struct grant greedy = {.role = ROLE_READER, .tenant = "riverbend"};
    struct grant other = {.role = ROLE_READER, .tenant = "lakeside"};
    struct error err = ERROR_INIT;
    options.n_threads = 1;
    options.queue_max = MANY + 1;
    assert_int_equal(dispatch_new(&options, &d, &err), 0);
    for (int i = 0; i <= MANY; i++) {
        asked[i] = (struct placed){.placing = &placing, .holds = i == 0};
        assert_int_equal(dispatch_submit(d, i == MANY ? &other : &greedy, WIRE_CALL, BODY, sizeof(BODY) - 1,
                                         note_place, &asked[i], &err),
                         0);
    }
    (void)pthread_mutex_lock(&placing.lock);
    placing.is_open = true;
    (void)pthread_cond_broadcast(&placing.changed);
    while (placing.n <= MANY)
        (void)pthread_cond_wait(&placing.changed, &placing.lock);
    (void)pthread_mutex_unlock(&placing.lock);
    dispatch_free(d);
    assert_true(asked[MANY].place <= QUANTUM + 2); /* each turn costs a millisecond at least */
    for (int i = 1; i < MANY; i++)
        assert_true(asked[i].place > asked[i - 1].place);
}

/* A tenant's own queue is bounded below that of all. */
static void one_tenant_does_not_fill_the_queue(void **state)
{
    struct world *w = *state;
    struct dispatch_options options = w->options;
    struct dispatch *d;
    static struct answer a[256];
    struct grant greedy = {.role = ROLE_READER, .tenant = "riverbend"},
                 other = {.role = ROLE_READER, .tenant = "lakeside"};
    struct error err = ERROR_INIT;
    unsigned n = 0;
    options.n_threads = 0;
    options.queue_max = 256;
    assert_int_equal(dispatch_new(&options, &d, &err), 0);
    for (answer_init(&a[n]); submit(d, &greedy, WIRE_CALL, "{\"method\":\"metric.list\"}", &a[n], &err) == 0;)
        answer_init(&a[++n]);
    assert_string_equal(err.code, "busy");
    assert_int_equal(n, 64);
    for (unsigned i = 0; i < 10; i++) {
        answer_init(&a[++n]);
        assert_int_equal(submit(d, &other, WIRE_CALL, "{\"method\":\"metric.list\"}", &a[n], &err), 0);
    }
    dispatch_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_requests),
        cmocka_unit_test(imports),
        cmocka_unit_test(keys),
        cmocka_unit_test(broken_bodies),
        cmocka_unit_test(queue_is_bounded),
        cmocka_unit_test(turns_are_taken),
        cmocka_unit_test(what_cannot_be_recorded),
        cmocka_unit_test(one_tenant_does_not_fill_the_queue),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
