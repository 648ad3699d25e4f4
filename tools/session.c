#include "tools/session.h"

#include "tools/client.h"
#include "tools/duration.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_AFTER_MS  500
#define FACTS_EVERY_MS     100
#define TIMEOUT_DEFAULT_MS (10 * 60 * 1000)

struct session {
    struct client *client;
    const char *waiting;
    bool is_terminal;
    bool shown; /* the spinner stands on the line */
};

int error_print(const struct error *err)
{
    char *message = text_clean(err->message), *hint = text_clean(err->hint);
    (void)fflush(stdout);
    (void)fprintf(stderr, "tendon: %s\n", message ? message : err->code);
    if (hint && hint[0])
        (void)fprintf(stderr, "        %s\n", hint);
    free(message);
    free(hint);
    if (strcmp(err->code, "usage") == 0)
        return TENDON_EXIT_USAGE;
    return strcmp(err->code, "unreachable") == 0 ? TENDON_EXIT_UNREACHABLE : TENDON_EXIT_FAILED;
}

static void spinner_show(void *context, int64_t elapsed_ms)
{
    static const char *const FRAMES[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    struct session *s = context;
    if (!s->is_terminal || elapsed_ms < PROGRESS_AFTER_MS)
        return;
    (void)fprintf(stderr, "\r%s %s … %.1f s\033[K", FRAMES[elapsed_ms / CLIENT_TICK_MS % 10], s->waiting,
                  (double)elapsed_ms / 1000);
    (void)fflush(stderr);
    s->shown = true;
}

static void spinner_clear(struct session *s)
{
    if (s->shown)
        (void)fprintf(stderr, "\r\033[K");
    s->shown = false;
}

/* How far a refold is, between two questions. */
static void facts_show(struct session *s, const json_t *refolding)
{
    if (!s->is_terminal || json_is_null(refolding))
        return;
    (void)fprintf(stderr,
                  "\r%s … %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                  " tickets (ctrl-C ends the waiting only)\033[K",
                  s->waiting, json_integer_value(json_object_get(refolding, "done")),
                  json_integer_value(json_object_get(refolding, "subjects")));
    (void)fflush(stderr);
    s->shown = true;
}

/* An option, else the environment, else NULL; empty counts as not given. */
static const char *setting(const struct invocation *invocation, const char *option, const char *variable)
{
    const char *value = invocation_value(invocation, option);
    if (!value)
        value = getenv(variable);
    return value && *value ? value : NULL;
}

static int session_connect(const struct invocation *invocation, struct session *s, struct error *err)
{
    struct client_options options = {.tick = spinner_show, .context = s, .timeout_ms = TIMEOUT_DEFAULT_MS};
    struct key_pair key;
    const char *endpoint = setting(invocation, "connect", "TENDON_CONNECT");
    const char *key_file = setting(invocation, "key-file", "TENDON_KEY_FILE");
    const char *timeout = invocation_value(invocation, "timeout");
    options.endpoint = endpoint ? endpoint : CLIENT_ENDPOINT;
    if (timeout && (duration_read(timeout, &options.timeout_ms) < 0 || options.timeout_ms == 0)) {
        error_set(err, -EINVAL, "usage", "--timeout cannot be \"%.64s\"", timeout);
        error_hint(err, "a number and its unit: 30s, 5m, 1h");
        return -EINVAL;
    }
    int r = 0;
    if (strncmp(options.endpoint, "tcp://", 6) == 0) {
        options.server_key = setting(invocation, "server-key", "TENDON_SERVER_KEY");
        if (options.server_key && !key_valid(options.server_key)) {
            error_set(err, -EINVAL, "usage", "--server-key is no key: it has 40 characters of Z85");
            error_hint(err, "tendon key server, asked at the collector, prints it");
            return -EINVAL;
        }
        if (key_file) {
            r = key_read(key_file, true, &key, err);
            options.key = &key;
        }
    }
    if (r == 0)
        r = client_open(&options, &s->client, err);
    if (options.key && r <= 0)
        key_forget(&key);
    return r;
}

int session_open(const struct invocation *invocation, const char *waiting, struct session **ret)
{
    struct error err = ERROR_INIT;
    struct session *s = calloc(1, sizeof(*s));
    if (!s) {
        error_set(&err, -ENOMEM, "memory", "no memory");
        return error_print(&err);
    }
    s->waiting = waiting;
    s->is_terminal = isatty(STDERR_FILENO);
    if (session_connect(invocation, s, &err) < 0) {
        session_close(s);
        return error_print(&err);
    }
    *ret = s;
    return 0;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    client_close(s->client);
    free(s);
}

static int session_request(struct session *s, enum wire_kind kind, json_t *body, json_t **ret)
{
    struct error err = ERROR_INIT;
    int r = body ? client_request(s->client, kind, body, ret, &err)
                 : error_set(&err, -ENOMEM, "memory", "no memory");
    json_decref(body);
    spinner_clear(s);
    return r < 0 ? error_print(&err) : 0;
}

int session_query(struct session *s, json_t *body, json_t **ret)
{
    return session_request(s, WIRE_QUERY, body, ret);
}

int session_call(struct session *s, const char *method, json_t *params, json_t **ret)
{
    return session_request(s, WIRE_CALL,
                           params ? json_pack("{s:s, s:o}", "method", method, "params", params) : NULL, ret);
}

int session_await_facts(struct session *s, const struct invocation *invocation, const json_t *answer,
                        const json_t *params)
{
    const json_t *refolding = json_object_get(answer, "refolding");
    const json_t *tenant = json_object_get(params, "tenant");
    json_t *shown = NULL;
    int code = 0;
    s->waiting = "making all facts anew";
    while (code == 0 && refolding && !json_is_null(refolding) && !invocation_has(invocation, "no-wait")) {
        json_decref(shown);
        shown = NULL;
        (void)usleep(FACTS_EVERY_MS * 1000);
        code = session_call(s, "tenant.show", json_pack("{s:O*}", "tenant", tenant), &shown);
        refolding = json_object_get(shown, "refolding");
        if (code == 0)
            facts_show(s, refolding);
    }
    spinner_clear(s);
    json_decref(shown);
    return code;
}

int session_call_once(const struct invocation *invocation, const char *waiting, const char *method,
                      json_t *params, json_t **ret)
{
    struct session *s = NULL;
    int code = session_open(invocation, waiting, &s);
    if (code != 0) {
        json_decref(params);
        return code;
    }
    code = session_call(s, method, params, ret);
    session_close(s);
    return code;
}

json_t *session_params(const struct invocation *invocation)
{
    const char *tenant = invocation_value(invocation, "tenant");
    return tenant ? json_pack("{s:s}", "tenant", tenant) : json_object();
}
