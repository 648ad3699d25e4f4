#include "plugins/host/instance.h"

#include "core/supervise/channel.h"
#include "plugins/host/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_BYTES (1024ll * 1024 * 1024)

static const uint32_t LIMITS_MS[PIPE_N_KINDS] = {
    [PIPE_SETUP] = LIMIT_LOAD_MS,  [PIPE_LOAD] = LIMIT_LOAD_MS,       [PIPE_CREATE] = LIMIT_CREATE_MS,
    [PIPE_START] = LIMIT_START_MS, [PIPE_POLL] = LIMIT_POLL_MS,       [PIPE_ACK] = LIMIT_ACK_MS,
    [PIPE_STOP] = LIMIT_STOP_MS,   [PIPE_DESTROY] = LIMIT_DESTROY_MS,
};

uint32_t instance_limit(const struct instance *in, enum pipe_kind call)
{
    return in->limits_ms[call] ? in->limits_ms[call] : LIMITS_MS[call];
}

static const char *const LIMIT_KEYS[PIPE_N_KINDS] = {
    [PIPE_LOAD] = "load_ms",       [PIPE_CREATE] = "create_ms", [PIPE_START] = "start_ms",
    [PIPE_POLL] = "poll_ms",       [PIPE_ACK] = "ack_ms",       [PIPE_STOP] = "stop_ms",
    [PIPE_DESTROY] = "destroy_ms",
};

static void read_limits(const json_t *limits, struct instance *ret)
{
    ret->memory_bytes = json_integer_value(json_object_get(limits, "memory_bytes"));
    for (size_t i = 0; i < PIPE_N_KINDS; i++)
        if (LIMIT_KEYS[i])
            ret->limits_ms[i] = (uint32_t)json_integer_value(json_object_get(limits, LIMIT_KEYS[i]));
}

int instance_read(int fd, struct instance *ret, struct error *err)
{
    char *text = malloc(CHANNEL_CONFIG_BYTES);
    size_t n = 0;
    ssize_t got = text ? 1 : -1;
    while (got > 0 && n < CHANNEL_CONFIG_BYTES) {
        got = read(fd, text + n, CHANNEL_CONFIG_BYTES - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += (size_t)got;
    }
    json_error_t why;
    json_t *document =
        got < 0 || n == CHANNEL_CONFIG_BYTES ? NULL : json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    free(text);
    *ret = (struct instance){.document = document};
    const char *path = NULL, *source = NULL, *connect = NULL;
    if (document && json_unpack(document, "{s:s,s:s,s:s,s?o,s?I,s?I,s?I}", "plugin", &path, "source", &source,
                                "connect", &connect, "options", &ret->options, "user", &ret->user, "group",
                                &ret->group, "nobody", &ret->nobody) == 0) {
        ret->path = path;
        ret->source = source;
        ret->connect = connect;
        /* Whatever else than null it is, a signature is wanted. */
        ret->keys = json_object_get(document, "keys");
        if (json_is_null(ret->keys))
            ret->keys = NULL;
        read_limits(json_object_get(document, "limits"), ret);
        return 0;
    }
    instance_fini(ret);
    return error_set(err, -EINVAL, "bad_configuration",
                     "the document on descriptor %d is no configuration of a plugin host", fd);
}

void instance_fini(struct instance *in)
{
    json_decref(in->document);
    *in = (struct instance){0};
}

int instance_died(struct child *c, const char *call, int r, struct error *err)
{
    char end[128];
    if (r == -ETIMEDOUT || r == -EPROTO) {
        child_kill(c);
        return error_set(err, -ECHILD, r == -EPROTO ? "bad_plugin" : "plugin_hung",
                         r == -EPROTO
                             ? "the plugin's process sent something that is no answer, in %s; it was killed"
                             : "the plugin did not return from %s within its limit; it was killed",
                         call);
    }
    /* It has closed its end: give it the time that a core handler takes. */
    child_describe_end(child_finish(c, 1000), end, sizeof(end));
    return error_set(err, -ECHILD, "plugin_died", "the plugin's process %s, in %s", end, call);
}

static int send_json(struct child *c, enum pipe_kind kind, const json_t *document, uint32_t limit_ms)
{
    char *text = json_dumps(document, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    int r = !text ? -ENOMEM : n > PIPE_TEXT_BYTES ? -EMSGSIZE : child_call(c, kind, text, n, limit_ms);
    free(text);
    return r;
}

/* Starts the process with what it may read, and loads the plugin. */
static int start_and_load(const struct instance *in, int image, json_t *paths, struct child *c,
                          struct child_reply *reply, instance_log log, void *ctx, struct error *err)
{
    json_t *setup =
        json_pack("{s:O,s:I,s:I,s:I,s:I,s:I}", "paths", paths, "user", in->user, "group", in->group, "nobody",
                  in->nobody, "memory_bytes", in->memory_bytes ? in->memory_bytes : MEMORY_BYTES, "now_ms",
                  (json_int_t)in->now_ms);
    int r = child_start(c, image, in->keep_stderr, err);
    if (r < 0) {
        json_decref(setup);
        child_kill(c);
        return r;
    }
    r = send_json(c, PIPE_SETUP, setup, instance_limit(in, PIPE_LOAD));
    json_decref(setup);
    if (r == 0)
        r = child_wait(c, reply, log, ctx);
    if (r < 0)
        return instance_died(c, "setting up its sandbox", r, err);
    if (reply->fixed.result != TENDON_OK) {
        error_set(err, -ECHILD, "sandbox", "the sandbox of the plugin cannot be set up: %s",
                  reply->fixed.err);
        child_kill(c);
        return -ECHILD;
    }
    c->has_landlock = strcmp(reply->fixed.err, "landlock") == 0;
    r = child_call(c, PIPE_LOAD, NULL, 0, instance_limit(in, PIPE_LOAD));
    if (r == 0)
        r = child_wait(c, reply, log, ctx);
    if (r < 0)
        return instance_died(c, "loading", r, err);
    if (reply->fixed.result != TENDON_OK) {
        error_set(err, -EINVAL, "bad_plugin", "%s", reply->fixed.err);
        child_kill(c);
        return -EINVAL;
    }
    return 0;
}

/* Before it runs no line of a plugin's is for anybody. */
static void drop_line(void *ctx, const struct child_log *line)
{
    (void)ctx;
    (void)line;
}

static int describe(const struct instance *in, int image, json_t **ret, struct error *err)
{
    struct child c;
    struct child_reply reply;
    json_t *nothing = json_array();
    int r = start_and_load(in, image, nothing, &c, &reply, drop_line, NULL, err);
    json_decref(nothing);
    if (r < 0)
        return r;
    *ret = json_loadb((const char *)reply.data, reply.fixed.data_bytes, JSON_REJECT_DUPLICATES, NULL);
    child_kill(&c);
    if (!json_is_array(json_object_get(*ret, "options"))) {
        json_decref(*ret);
        *ret = NULL;
        return error_set(err, -EINVAL, "bad_plugin", "the plugin's process gave a description that is none");
    }
    return 0;
}

int instance_describe(const struct instance *in, json_t **ret, struct error *err)
{
    int image;
    int r = image_open(in->path, in->keys, &image, err);
    if (r < 0)
        return r;
    r = describe(in, image, ret, err);
    (void)close(image);
    return r;
}

static int create(const struct instance *in, struct child *c, const struct options *options, instance_log log,
                  void *ctx, struct error *err)
{
    struct child_reply reply;
    int r = send_json(c, PIPE_CREATE, options->config, instance_limit(in, PIPE_CREATE));
    if (r == -EMSGSIZE) {
        child_kill(c);
        return error_set(err, -EINVAL, "bad_option", "the options are larger than 256 KiB");
    }
    if (r == 0)
        r = child_wait(c, &reply, log, ctx);
    if (r < 0)
        return instance_died(c, "create", r, err);
    if (reply.fixed.result == TENDON_OK)
        return 0;
    error_set(err, -EINVAL, "bad_option", "%s",
              *reply.fixed.err ? reply.fixed.err
                               : "the plugin refuses its configuration and does not say why");
    if (child_call(c, PIPE_DESTROY, NULL, 0, instance_limit(in, PIPE_DESTROY)) == 0)
        (void)child_wait(c, &reply, log, ctx);
    child_kill(c);
    return -EINVAL;
}

int instance_create(const struct instance *in, struct child *ret, json_t **ret_description,
                    struct options *ret_options, instance_log log, void *ctx, struct error *err)
{
    json_t *description;
    struct options options;
    struct child_reply reply;
    int image;
    int r = image_open(in->path, in->keys, &image, err);
    if (r < 0)
        return r;
    r = describe(in, image, &description, err);
    if (r < 0) {
        (void)close(image);
        return r;
    }
    r = options_check(description, in->options, in->for_trial, &options, err);
    if (r == 0) {
        r = start_and_load(in, image, options.paths, ret, &reply, log, ctx, err);
        if (r == 0)
            r = create(in, ret, &options, log, ctx, err);
        if (r == 0 && ret_options)
            *ret_options = options;
        else
            options_fini(&options);
    }
    (void)close(image);
    if (r == 0 && ret_description)
        *ret_description = json_incref(description);
    json_decref(description);
    return r;
}
